//! The file of an incident: what is in order is, and whatever was changed gets its code. Whoever changes something has the coordinator's key, and signs anew.

use std::collections::BTreeMap;

use tributary_certs::suite::RealSuite;
use tributary_evidence::NothingKept;
use tributary_evidence::bundle::{Authority, Standing};
use tributary_evidence::incident::{EntryLine, IncidentExport, IncidentFault, Source, export, judge, timelines};
use tributary_evidence::paper::{Body, Paper, PaperFault};
use tributary_evidence::report::{IncidentLine, Material};
use tributary_protocol::budget::FirstUse;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::limits::{INCIDENT_TEXT_CHARACTERS_MAX, INCIDENT_WORDS_MAX};
use tributary_protocol::log::{Entries, LOG_HEADER, LedgerId, Log, SignedCheckpoint, origin_of};
use tributary_protocol::merkle::MerkleTree;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{
    IncidentStep, IncidentWord, ModelStatement, ModelStep, Notice, RegistryEvent, Severity, SignedIncident,
    SignedStatement, StatementScope,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::{CoordinatorEvent, Recorded, refusal_message};
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;

use crate::world::{
    AT, COORDINATOR, Event, PEOPLE, SMALL, World, attested, authorities, cosigned, person_key, signing_key,
};

fn word(step: IncidentStep, incident: Digest, text: &str) -> IncidentWord {
    let federation = authorities(SMALL.authorities).digest();
    IncidentWord { federation, step, incident, severity: Severity::High, happened: 5, text: text.into() }
}

fn told(word: IncidentWord, who: Who, at: u64) -> SignedIncident {
    let signed = attested(who, word.step.action(), word.digest(), word.federation, at);
    SignedIncident { word, signed }
}

type Who = (&'static str, Role, u8);

const OWNER: Who = PEOPLE[0];
const OFFICER: Who = PEOPLE[1];

/// A month with an incident, a dispute of the log within it, and another incident that is open.
fn world() -> World {
    let mut world = World::new(SMALL);
    let opened = told(word(IncidentStep::Open, Digest::ZERO, "the disk was full"), OWNER, 10);
    let closed = told(word(IncidentStep::Close, opened.id(), "another disk was put in"), OFFICER, 20);
    let other = told(word(IncidentStep::Open, Digest::ZERO, "a certificate ends soon"), OFFICER, 30);
    let notice = Notice::LogDisputed { client: ClientId(3), entries: 9, root: Digest([9; 32]) };
    let words = [opened, closed, other].map(|told| RegistryEvent::IncidentTold { told: Box::new(told) });
    let [opened, closed, other] = words;
    let all = [opened, RegistryEvent::Noticed { notice }, closed, other];
    world.events.extend(all.map(Event::Registry));
    world
}

/// A checkpoint of all of it, which so many branches have cosigned.
pub(crate) fn note(world: &World, witnesses: u32, key: u8) -> Vec<u8> {
    let (_, log) = world.journal();
    cosigned(log.checkpoint(&origin_of(&authorities(SMALL.authorities).digest())), key, witnesses)
}

pub(crate) fn material<'a>(journal: &'a [u8], checkpoints: Vec<Vec<u8>>) -> Material<'a> {
    Material {
        journal,
        kept: &NothingKept,
        schemas: Vec::new(),
        figures: BTreeMap::new(),
        checkpoints,
        coordinator: Some(person_key(COORDINATOR).verifying_key()),
    }
}

fn made(world: &World, witnesses: u32) -> Paper<IncidentExport> {
    let (journal, _) = world.journal();
    let checkpoints = vec![note(world, 0, COORDINATOR), note(world, witnesses, COORDINATOR), note(world, 9, 151)];
    let authorities = authorities(SMALL.authorities).print();
    let source = Source { material: material(&journal, checkpoints), authorities, key: &person_key(COORDINATOR) };
    export(&source, "1").unwrap()
}

fn judged(file: &Paper<IncidentExport>) -> (Standing, String) {
    let key = person_key(COORDINATOR).verifying_key();
    let found = judge(file, Some(&Authority::List(authorities(SMALL.authorities))), Some(&key));
    (found.standing, format!("{:?} {:?} {:?} {:?}", found.faults, found.others, found.missing, found.not_verified))
}

#[test]
fn a_timeline_has_what_people_told_and_what_happened_meanwhile() {
    let world = world();
    let (journal, _) = world.journal();
    let lines = timelines(&material(&journal, Vec::new())).unwrap();
    let of = |line: &IncidentLine| {
        let words = line.timeline.iter().map(|of| of.what.clone()).collect::<Vec<_>>();
        (line.number, line.state.clone(), words)
    };
    let first = ["incident-open", "log-disputed", "incident-close"].map(str::to_owned).to_vec();
    // The second incident began before its opening was recorded, as whoever opened it says.
    let second = ["log-disputed", "incident-open"].map(str::to_owned).to_vec();
    assert_eq!(lines.iter().map(of).collect::<Vec<_>>(), [(1, "closed".into(), first), (2, "open".into(), second)]);
    assert_eq!((lines[0].opened_by.as_str(), lines[0].closed_by.as_deref()), ("bank/e1", Some("bank/e2")));
    for asked in ["3", "0", "", "1234567", "zzzzzzzz"] {
        assert!(IncidentLine::meant(lines.clone(), asked).is_err(), "{asked}");
    }
    assert_eq!(IncidentLine::meant(lines.clone(), &lines[1].incident[..8]).unwrap().number, 2);
}

#[test]
fn a_file_in_order_is_intact_for_whoever_names_whose_it_is() {
    let file = made(&world(), 7);
    let again = Paper::<IncidentExport>::read(file.to_json().as_bytes()).unwrap();
    assert_eq!(again, file);
    let (standing, words) = judged(&file);
    assert_eq!(standing, Standing::Intact, "{words}");
    // People have signed two of the three lines.
    assert!(words.ends_with("log-disputed: nobody but the coordinator has signed it\"]"), "{words}");
    // Four entries and the roster of the registry; the rest of the log is not in it.
    assert_eq!(file.paper.entries.len(), 4, "{:?}", file.paper.entries.iter().map(|one| one.entry).collect::<Vec<_>>());
    let (list, key) = (Authority::List(authorities(SMALL.authorities)), person_key(COORDINATOR).verifying_key());
    let of = |authority: Option<&Authority>, key: Option<u8>| {
        let key = key.map(|seed| person_key(seed).verifying_key());
        judge(&file, authority, key.as_ref()).standing
    };
    assert_eq!(of(None, Some(COORDINATOR)), Standing::Incomplete);
    assert_eq!(of(Some(&list), None), Standing::Incomplete);
    assert_eq!(of(Some(&Authority::Fingerprint(Digest([7; 32]))), Some(COORDINATOR)), Standing::WrongKey);
    assert_eq!(of(Some(&list), Some(151)), Standing::WrongKey);
    assert_eq!(judge(&made(&world(), 5), Some(&list), Some(&key)).standing, Standing::Incomplete, "five of ten");
    // Without the coordinator's key nobody writes it anew, and without the bytes it is no file.
    let text = file.to_json();
    let read = |text: &str| Paper::<IncidentExport>::read(text.as_bytes()).unwrap_err();
    assert_eq!(read(&text.replace("the disk was full", "the disk was new")), PaperFault::Signature);
    assert_eq!(read(&text.replace("\n", "\r\n")), PaperFault::OtherBytes);
    assert!(matches!(read(&text[..text.len() / 2]), PaperFault::Unreadable { .. }));
    let endless = vec![b' '; IncidentExport::BYTES_MAX + 1];
    let fault = Paper::<IncidentExport>::read(&endless).unwrap_err();
    assert!(fault.to_string().contains("longer than 67108864 bytes"), "{fault}");
}

/// What is changed, and a part of what is said of it.
type Change = (&'static str, fn(&mut IncidentExport));

const CHANGES: &[Change] = &[
    ("says something else", |it| it.incident.timeline[0].text = "nothing happened".into()),
    ("says something else", |it| it.incident.severity = "low".into()),
    ("says something else", |it| it.incident.state = "open".into()),
    ("says something else", |it| it.incident.happened = "1970-01-01T00:00:06Z".into()),
    ("says something else", |it| it.incident.closed_by = None),
    ("says something else", |it| drop(it.incident.timeline.remove(1))),
    // An entry left out, moved, said twice, cut, or of another place.
    ("says something else", |it| drop(it.entries.remove(2))),
    ("does not follow", |it| it.entries.swap(2, 3)),
    ("does not follow", |it| it.entries.push(it.entries[3].clone())),
    ("nothing shows entry", |it| it.entries[2].event.truncate(20)),
    ("nothing shows entry", |it| it.entries[1].entry -= 1),
    ("nothing shows entry", |it| it.entries[1].sequence += 1),
    ("nothing shows entry", |it| drop(it.entries[1].path.pop())),
    ("hexadecimal", |it| it.entries[1].event.push('z')),
    ("hexadecimal", |it| it.entries[1].event.make_ascii_uppercase()),
    ("its proof is none", |it| it.entries[1].path[0] = "ff".into()),
    ("its ledger is none", |it| it.entries[1].ledger = "0".into()),
    ("nothing shows entry", |it| it.entries[1].ledger = "11".repeat(32)),
    // The roster left out: nobody's signature counts. The opening left out: there is no incident.
    ("a roster is in force", |it| drop(it.entries.remove(0))),
    ("was opened", |it| drop(it.entries.remove(1))),
    ("its list of roster authorities is none", |it| it.authorities.push('x')),
    ("its checkpoint", |it| it.checkpoint.clear()),
    ("its checkpoint", |it| it.checkpoint = String::from_utf8(note(&world(), 7, 151)).unwrap()),
];

#[test]
fn whoever_has_the_coordinators_key_and_changes_the_file_is_found() {
    let file = made(&world(), 7);
    for (number, (said, change)) in CHANGES.iter().enumerate() {
        let mut body = file.paper.clone();
        change(&mut body);
        assert_ne!(body, file.paper, "change {number}");
        let (standing, words) = judged(&Paper::sign(body, &person_key(COORDINATOR)));
        assert_eq!(standing, Standing::Tampered, "change {number}: {words}");
        assert!(words.contains(said), "change {number}: {words}");
    }
}

/// The log itself says what nobody signed: the coordinator wrote it there.
#[test]
fn a_word_that_its_author_did_not_sign_is_found_in_the_file() {
    let mut world = world();
    for event in &mut world.events {
        if let Event::Registry(RegistryEvent::IncidentTold { told }) = event {
            told.word.text = "nothing happened".into();
        }
    }
    let (journal, _) = world.journal();
    assert!(timelines(&material(&journal, Vec::new())).is_err(), "the log is not in order");
}

/// A file of the incident whose log the coordinator wrote as it liked: the rosters, the run's opening, the incident, and these entries in it.
fn written(world: &World, within: &[(LedgerId, Event)]) -> Paper<IncidentExport> {
    let own = LedgerId::from(world.run.id());
    let ground = world.events.iter().filter(|event| {
        use RegistryEvent::{IncidentTold, RosterAdopted};
        matches!(event, Event::Registry(RosterAdopted { .. } | IncidentTold { .. }))
            || matches!(event, Event::Run(CoordinatorEvent::RunOpened { .. } | CoordinatorEvent::RosterAdopted { .. }))
    });
    let ledger = |event: &Event| if matches!(event, Event::Run(_)) { own } else { LedgerId::ADMINISTRATION };
    let mut all: Vec<(LedgerId, Event)> = ground.map(|event| (ledger(event), event.clone())).collect();
    // The last is the opening of another incident, and the one before it closes this one.
    all.pop();
    let closing = all.pop().unwrap();
    all.extend(within.iter().cloned().chain([closing]));
    let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
    for (ledger, event) in &all {
        let bytes = match event {
            Event::Run(event) => codec::encode(&Recorded { at: AT, event }),
            Event::Registry(event) => codec::encode(&Recorded { at: AT, event }),
        };
        file.extend(log.append(*ledger, log.next_sequence(ledger), &bytes).unwrap());
    }
    let tree = MerkleTree::new(Digest::of_parts, Entries::new(&file).map(|entry| entry.leaf).collect());
    let entries = Entries::new(&file).map(|entry| EntryLine {
        entry: entry.position,
        ledger: Digest(entry.ledger.0).to_string(),
        sequence: entry.sequence,
        event: entry.event.iter().map(|byte| format!("{byte:02x}")).collect(),
        path: tree.path(usize::try_from(entry.position).unwrap()).map(|digest| digest.to_string()).collect(),
    });
    let checkpoint = log.checkpoint(&origin_of(&authorities(SMALL.authorities).digest()));
    let checkpoint = SignedCheckpoint::sign::<RealSuite>(checkpoint, &person_key(COORDINATOR)).unwrap();
    let body = made(world, 7).paper;
    let body = IncidentExport { checkpoint: checkpoint.to_string(), entries: entries.collect(), ..body };
    Paper::sign(body, &person_key(COORDINATOR))
}

fn signed(who: Who, action: Action, subject: Digest, federation: Digest) -> Attestation {
    attested(who, action, subject, federation, 0)
}

/// Every signature in them is a real one: some are of something else than the entry says.
#[test]
fn real_signatures_under_words_that_nobody_signed_are_found() {
    let world = world();
    let (federation, plan) = (authorities(SMALL.authorities).digest(), world.run.plan().digest());
    let own = LedgerId::from(world.run.id());
    let strange = Digest([8; 32]);
    let statement = ModelStatement {
        federation,
        step: ModelStep::Withdraw,
        model: world.model,
        purpose: "retention".into(),
        sequence: 1,
        scope: StatementScope::All,
        evidence: Digest::ZERO,
        reason: "it is biased".into(),
    };
    let by = |statement: &ModelStatement, who| {
        signed(who, statement.step.action(), statement.digest(), statement.federation)
    };
    let stated = |statement: &ModelStatement, first, second| {
        let statement = SignedStatement { statement: statement.clone(), first, second, report: None };
        (LedgerId::ADMINISTRATION, Event::Registry(RegistryEvent::StatementTaken { statement: Box::new(statement) }))
    };
    let both = |statement: &ModelStatement, of: &ModelStatement| stated(statement, by(of, OWNER), by(of, OFFICER));
    let ordered = |ledger, order: Attestation| (ledger, Event::Run(CoordinatorEvent::OrderTaken { order }));
    let other = ModelStatement { reason: "it is worse".into(), ..statement.clone() };
    let elsewhere = ModelStatement { federation: strange, ..statement.clone() };
    let opened = world.events.iter().find(|event| matches!(event, Event::Run(CoordinatorEvent::RunOpened { .. })));
    let (pause, freeze, raise) = (Action::PausePlan, Action::Freeze, Action::RaiseCap);
    let mut foreign = word(IncidentStep::Open, Digest::ZERO, "the disk was full");
    foreign.federation = strange;
    let foreign = RegistryEvent::IncidentTold { told: Box::new(told(foreign, OWNER, 10)) };
    let (unsigned, unordered) = ("two people in two roles", "who may has signed that order");
    let (unbegun, unrefused) = ("has not begun that branch's budget", "has not signed that refusal");
    let begun = |client, change: fn(&mut FirstUse)| {
        let [owner, signing_key] = [person_key(160), signing_key(ClientId(2))].map(|key| key.verifying_key());
        let population = Digest([4; 32]);
        let mut first = FirstUse { population, owner, signing_key, adopts: true, signature: Signature::none() };
        first.signature = RealSuite::sign(&person_key(160), &first.to_sign::<RealSuite>());
        change(&mut first);
        (own, Event::Run(CoordinatorEvent::BudgetBegun { client: ClientId(client), first: Box::new(first) }))
    };
    let refused = |client, run| {
        let (client, code) = (ClientId(client), RefusalCode::BudgetExceeded);
        let signature = RealSuite::sign(&signing_key(ClientId(2)), &refusal_message::<RealSuite>(run, code));
        (own, Event::Run(CoordinatorEvent::ClientRefused { client, code, signature: Some(signature) }))
    };
    let bare =
        CoordinatorEvent::ClientRefused { client: ClientId(2), code: RefusalCode::BudgetExceeded, signature: None };
    // What is in order comes as far as the incident, which says less than these entries.
    let whole = "the incident says something else";
    for (number, (said, entry)) in [
        (whole, both(&statement, &statement)),
        (unsigned, both(&statement, &other)),
        (unsigned, both(&ModelStatement { step: ModelStep::RollBack, ..statement.clone() }, &statement)),
        (unsigned, both(&elsewhere, &elsewhere)),
        (unsigned, stated(&statement, by(&statement, OWNER), by(&statement, OWNER))),
        (unsigned, stated(&statement, by(&statement, OWNER), by(&other, OFFICER))),
        (unsigned, stated(&statement, signed(OWNER, raise, statement.digest(), federation), by(&statement, OFFICER))),
        (whole, ordered(own, signed(OWNER, pause, plan, federation))),
        (whole, ordered(own, signed(OFFICER, freeze, federation, federation))),
        (unordered, ordered(own, signed(OWNER, pause, strange, federation))),
        (unordered, ordered(own, signed(OWNER, pause, plan, strange))),
        (unordered, ordered(own, signed(OWNER, freeze, federation, federation))),
        (unordered, ordered(own, signed(OFFICER, freeze, plan, federation))),
        ("the opening of its run", ordered(LedgerId([9; 32]), signed(OWNER, pause, plan, federation))),
        ("that of another run", (LedgerId([9; 32]), opened.unwrap().clone())),
        ("another federation", (LedgerId::ADMINISTRATION, Event::Registry(foreign))),
        (whole, begun(2, |_| ())),
        ("budget-begun: the key that it names has signed it", begun(2, |_| ())),
        (unbegun, begun(2, |first| first.signature = Signature::none())),
        (unbegun, begun(2, |first| first.owner = person_key(161).verifying_key())),
        (unbegun, begun(3, |_| ())),
        (unbegun, begun(99, |_| ())),
        (whole, refused(2, world.run.id())),
        (whole, refused(2, RunId::NONE)),
        (unrefused, refused(3, world.run.id())),
        (unrefused, refused(2, RunId([9; 32]))),
        ("refused: nobody but the coordinator has signed it", (own, Event::Run(bare))),
    ]
    .into_iter()
    .enumerate()
    {
        let (standing, words) = judged(&written(&world, &[entry]));
        assert_eq!(standing, Standing::Tampered, "entry {number}: {words}");
        assert!(words.contains(said), "entry {number}: {words}");
    }
}

/// An incident that has as many words as it takes, each as long as it can be: whoever gets its file can verify it.
#[test]
fn the_longest_incident_has_a_file_that_is_read() {
    let mut world = world();
    world.events.truncate(world.events.len() - 2);
    let Some(Event::Registry(RegistryEvent::IncidentTold { told: opened })) = world.events.iter().rev().nth(1) else {
        panic!("the opening")
    };
    let (text, opened) = ("\u{20000}".repeat(INCIDENT_TEXT_CHARACTERS_MAX), opened.id());
    for at in 2..=INCIDENT_WORDS_MAX as u64 {
        let last = at == INCIDENT_WORDS_MAX as u64;
        let (step, who) = if last { (IncidentStep::Close, OFFICER) } else { (IncidentStep::Note, OWNER) };
        // The roster's people sign within a few minutes.
        let said = IncidentWord { happened: 5 + at / 250, ..word(step, opened, &text) };
        let told = Box::new(told(said, who, 10 + at % 250));
        world.events.push(Event::Registry(RegistryEvent::IncidentTold { told }));
    }
    let text = made(&world, 7).to_json();
    assert!(text.len() > 4 << 20, "{} bytes", text.len());
    let file = Paper::<IncidentExport>::read(text.as_bytes()).unwrap();
    let (standing, words) = judged(&file);
    assert_eq!(standing, Standing::Intact, "{words}");
}

/// What nobody could read is not written: too much happened in the time of the incident.
#[test]
fn an_incident_in_which_too_much_happened_has_no_file() {
    let mut world = world();
    let begins = |event: &Event| matches!(event, Event::Run(CoordinatorEvent::SessionOpened { .. }));
    let at = world.events.iter().position(begins).unwrap();
    let refused = |number: u32| {
        let (client, code) = (ClientId(1 + number % 10), RefusalCode::BudgetExceeded);
        Event::Run(CoordinatorEvent::ClientRefused { client, code, signature: None })
    };
    world.events.splice(at..at, (0..40_000).map(refused));
    let (journal, _) = world.journal();
    let authorities = authorities(SMALL.authorities).print();
    let material = material(&journal, vec![note(&world, 7, COORDINATOR)]);
    let source = Source { material, authorities, key: &person_key(COORDINATOR) };
    let fault = export(&source, "1").unwrap_err();
    let IncidentFault::Long { bytes } = fault else { panic!("{fault}") };
    assert!(bytes > IncidentExport::BYTES_MAX, "{bytes}");
    assert!(fault.to_string().contains("An audit bundle of these days has all of it"), "{fault}");
}

/// Whatever byte of the file is changed, it never counts.
#[test]
fn no_changed_byte_gives_a_file_in_order() {
    let bytes = made(&world(), 7).to_json().into_bytes();
    for place in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 7);
        assert!(Paper::<IncidentExport>::read(&changed).is_err(), "byte {place}");
    }
}
