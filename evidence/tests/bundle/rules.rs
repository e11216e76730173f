//! Changes of the journal by rule: every kind of entry in every wrong place, and every field that people, authorities or branches have signed. What each
//! gets is said by a rule about who has signed what, in the test's own words.
//!
//! As in [`super::cases`], the enemy makes chain, table and digests anew after each change. Here even the checkpoints are made anew, with cosignatures
//! that no enemy has: only the contradiction itself can give a change away.

use tributary_evidence::Item;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::plan::{Plan, PrivacyMode};
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::{MemberName, Person, Roster, RosterEntry};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::suite::Signature;

use super::cases::run;
use super::score::Score;
use super::world::{CLIENTS, Event, SMALL, Shape, World, person_key, signed_roster};

/// Kinds of entries, by the first of each in the journal.
type Kind = (&'static str, fn(&Event) -> bool);

macro_rules! kinds {
    ($($name:literal => $pattern:pat),* $(,)?) => { &[$(($name, |event: &Event| matches!(event, $pattern))),*] };
}

const KINDS: &[Kind] = kinds![
    "the beginning of the run" => Event::Run(CoordinatorEvent::RunOpened { .. }),
    "the run's roster" => Event::Run(CoordinatorEvent::RosterAdopted { .. }),
    "the beginning of a key set-up" => Event::Run(CoordinatorEvent::SessionOpened { .. }),
    "the end of a key set-up" => Event::Run(CoordinatorEvent::SessionKeyed { .. }),
    "the beginning of a round" => Event::Run(CoordinatorEvent::RoundStarted { .. }),
    "an upload" => Event::Run(CoordinatorEvent::UpdateAdmitted { .. }),
    "a survivor set" => Event::Run(CoordinatorEvent::SurvivorsFrozen { .. }),
    "a quorum" => Event::Run(CoordinatorEvent::QuorumReached { .. }),
    "a committed round" => Event::Run(CoordinatorEvent::RoundCommitted { .. }),
    "the end of a stage" => Event::Run(CoordinatorEvent::StageConcluded { .. }),
    "the end of a session" => Event::Run(CoordinatorEvent::SessionClosed { .. }),
    "the end of the run" => Event::Run(CoordinatorEvent::RunFinished { .. }),
    "the registry's roster" => Event::Registry(RegistryEvent::RosterAdopted { .. }),
    "the registered model" => Event::Registry(RegistryEvent::ModelRegistered { .. }),
];

/// What is done with an entry.
type Move = (&'static str, fn(&mut Vec<Event>, usize));

const MOVES: &[Move] = &[
    ("left out", |events, at| drop(events.remove(at))),
    ("said twice", |events, at| events.insert(at, events[at].clone())),
    ("said again at the end", |events, at| events.push(events[at].clone())),
    ("said before everything else", |events, at| {
        let event = events.remove(at);
        events.insert(0, event);
    }),
    ("said after everything else", |events, at| {
        let event = events.remove(at);
        events.push(event);
    }),
];

/// The registry's roster says by which people statements are judged. This registry has no statement: nothing rests on the roster, wherever it stands and
/// whether it is there. Everything else has one place.
fn moved(kind: &str, how: &str) -> u8 {
    let no_word_of_people = kind == "the registry's roster" && !how.contains("twice") && !how.contains("again");
    if no_word_of_people { 0 } else { 1 }
}

#[test]
fn every_entry_has_one_place() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    for (kind, is) in KINDS {
        for (how, change) in MOVES {
            let mut world = whole.clone();
            let at = world.events.iter().position(is).unwrap();
            change(&mut world.events, at);
            // What stands at that place already is no change.
            let same = world.events.len() == whole.events.len() && world.events.iter().position(is) == Some(at);
            if !same {
                score.expect(&format!("{kind}, {how}"), moved(kind, how), &world.bundle());
            }
        }
    }
    score.close(66);
}

type PlanChange = (&'static str, fn(&mut Plan));

/// Two people signed the plan's digest: whatever is in it, another plan is not what they signed.
const PLAN: &[PlanChange] = &[
    ("name", |plan| plan.name = "weekly".into()),
    ("purpose", |plan| plan.purpose = "credit".into()),
    ("schema", |plan| plan.schema = Digest([9; 32])),
    ("delta", |plan| plan.delta_bits = 1e-5_f64.to_bits()),
    ("branches of one customer", |plan| plan.overlap_max = 2),
    ("nominal customers", |plan| plan.customers_nominal = 900),
    ("most customers", |plan| plan.customers_max = 1_900),
    ("retries", |plan| plan.retries = 0),
    ("runs", |plan| plan.runs = 2),
    ("rounds of a session", |plan| plan.session_rounds = 63),
    ("group", |plan| plan.group = "pilot".into()),
    ("a round's time", |plan| plan.round_deadline_ms += 1),
    ("upload offset", |plan| plan.upload_offset_ms += 1),
    ("a set-up's time", |plan| plan.keying_deadline_ms += 1),
    ("readiness", |plan| plan.readiness.ready_min = 9),
    ("days of retention", |plan| plan.retention.days -= 1),
    ("kept uploads", |plan| plan.retention.uploads_dimension_max = 0),
    ("last day", |plan| plan.schedule.not_after += 1),
    ("review", |plan| plan.charter.review_by += 1),
    ("legal basis", |plan| plan.charter.legal_basis = "interest".into()),
    ("assessment", |plan| plan.charter.assessment.document = Digest([9; 32])),
    ("ticket", |plan| plan.charter.ticket = "another".into()),
    ("intended use", |plan| plan.charter.intended_use = "loans".into()),
    ("prohibited use", |plan| plan.charter.prohibited_use = "nothing".into()),
    ("data assets", |plan| plan.charter.data_assets = vec!["another".into()]),
    ("organisation", |plan| plan.charter.organisation = OrganisationId(2)),
    ("noise", |plan| plan.stages[0].noise_variance /= 2),
    ("rounds", |plan| plan.stages[0].rounds -= 1),
    ("sensitivity", |plan| plan.stages[0].reach /= 2),
];

#[test]
fn nothing_of_a_plan_can_be_other_than_people_signed_it() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    for (field, change) in PLAN {
        let mut world = whole.clone();
        for event in &mut world.events {
            if let Event::Run(CoordinatorEvent::RunOpened { plan, .. }) = event {
                change(plan);
            }
        }
        score.expect(&format!("a plan with another {field}"), 1, &world.bundle());
    }
    score.close(29);
}

/// Authorities signed the roster whole.
#[test]
fn nothing_of_a_roster_can_be_other_than_the_authorities_signed_it() {
    type EntryChange = (&'static str, fn(&mut RosterEntry));
    type PersonChange = (&'static str, fn(&mut Person));
    let entries: [EntryChange; 5] = [
        ("a branch's key", |entry| entry.signing_key = person_key(77).verifying_key()),
        ("a branch's name", |entry| entry.name = MemberName::new("bank", "branch-99").unwrap()),
        ("a branch's organisation", |entry| {
            (entry.name, entry.organisation) = (MemberName::new("other", "branch-10").unwrap(), OrganisationId(2));
        }),
        ("a branch's TLS key", |entry| entry.tls_spki_sha256 = Digest([9; 32])),
        ("a branch's last second", |entry| entry.not_after -= 1),
    ];
    let people: [PersonChange; 2] = [
        ("a person's key", |person| person.signing_key = person_key(77).verifying_key()),
        ("the end of a person's role", |person| person.holdings[0].until += 1),
    ];
    let (whole, mut score) = (World::new(SMALL), Score::default());
    let mut judge = |what: &str, entries: Vec<RosterEntry>, people: Vec<Person>| {
        let mut world = whole.clone();
        let roster = Roster::new(1, Digest::ZERO, entries, Vec::new(), people).unwrap();
        assert_ne!(roster, whole.roster.roster);
        for event in &mut world.events {
            match event {
                Event::Run(CoordinatorEvent::RosterAdopted { roster: shown, .. })
                | Event::Registry(RegistryEvent::RosterAdopted { roster: shown }) => shown.roster = roster.clone(),
                _ => {}
            }
        }
        world.heads.clear();
        score.expect(what, 1, &world.bundle());
    };
    let before = &whole.roster.roster;
    for (what, change) in entries {
        let mut changed = before.entries().to_vec();
        change(&mut changed[9]);
        judge(what, changed, before.people().to_vec());
    }
    for (what, change) in people {
        let mut changed = before.people().to_vec();
        change(&mut changed[1]);
        judge(what, before.entries().to_vec(), changed);
    }
    judge("a person fewer", before.entries().to_vec(), before.people()[..1].to_vec());
    judge("a branch fewer", before.entries()[..9].to_vec(), before.people().to_vec());
    score.close(9);
}

/// The first event of the run of which this can be made.
fn first(world: &mut World, mut change: impl FnMut(&mut CoordinatorEvent) -> bool) {
    assert!(run(world).any(&mut change), "there is such an event");
}

macro_rules! field {
    ($name:literal, $pattern:pat => $change:expr) => {
        ($name, |world: &mut World| {
            first(world, |event| match event {
                $pattern => {
                    $change;
                    true
                }
                _ => false,
            })
        })
    };
}

type Change = (&'static str, fn(&mut World));

/// Numbers that branches signed, or that follow from the plan and the roster.
#[rustfmt::skip]
const FIELDS: &[Change] = &[
    field!("a set-up with a stranger", CoordinatorEvent::SessionOpened { candidates, .. } => candidates.push(ClientId(99))),
    field!("a set-up without one of its cohort", CoordinatorEvent::SessionOpened { candidates, .. } => candidates.truncate(9)),
    field!("a set-up with one member twice", CoordinatorEvent::SessionOpened { candidates, .. } => candidates[1] = candidates[0]),
    field!("a set-up of another session", CoordinatorEvent::SessionOpened { session, .. } => session.0[0] ^= 1),
    field!("a cohort with a member fewer", CoordinatorEvent::SessionKeyed { cohort, organisations, .. } => { cohort.pop(); organisations.pop(); }),
    field!("a cohort of another organisation", CoordinatorEvent::SessionKeyed { organisations, .. } => organisations[0] = OrganisationId(2)),
    field!("fewer survivors than a sum needs", CoordinatorEvent::SessionKeyed { thresholds, .. } => thresholds.survivors_min -= 1),
    field!("a smaller quorum", CoordinatorEvent::SessionKeyed { thresholds, .. } => thresholds.quorum -= 1),
    field!("fewer honest members", CoordinatorEvent::SessionKeyed { thresholds, .. } => thresholds.honest_min -= 1),
    field!("other keys", CoordinatorEvent::SessionKeyed { view, .. } => *view = Digest([9; 32])),
    field!("keys of another session", CoordinatorEvent::SessionKeyed { session, .. } => session.0[0] ^= 1),
    field!("a round of another number", CoordinatorEvent::RoundStarted { descriptor } => descriptor.round = RoundId(2)),
    field!("a round of another stage", CoordinatorEvent::RoundStarted { descriptor } => descriptor.stage = 1),
    field!("a round in another ring", CoordinatorEvent::RoundStarted { descriptor } => descriptor.ring = Ring::Bits32),
    field!("a round of fewer coordinates", CoordinatorEvent::RoundStarted { descriptor } => descriptor.dimension -= 1),
    field!("a round of other keys", CoordinatorEvent::RoundStarted { descriptor } => descriptor.view = Digest([9; 32])),
    field!("a survivor fewer", CoordinatorEvent::SurvivorsFrozen { survivors, .. } => survivors.truncate(8)),
    field!("a survivor who sent nothing", CoordinatorEvent::SurvivorsFrozen { survivors, .. } => survivors.push(ClientId(CLIENTS))),
    field!("survivors of another round", CoordinatorEvent::SurvivorsFrozen { round, .. } => *round = RoundId(2)),
    field!("a quorum with one signer twice", CoordinatorEvent::QuorumReached { signatures, .. } => signatures[1] = signatures[0].clone()),
    field!("a quorum with a member who is no survivor", CoordinatorEvent::QuorumReached { signatures, .. } => signatures[8].0 = ClientId(CLIENTS)),
    field!("a quorum of nobody's signatures", CoordinatorEvent::QuorumReached { signatures, .. } => signatures.iter_mut().for_each(|(_, signature)| *signature = Signature::none())),
    field!("a commitment of another round", CoordinatorEvent::RoundCommitted { round, .. } => *round = RoundId(2)),
    field!("the end of another stage", CoordinatorEvent::StageConcluded { stage, .. } => *stage = 1),
    field!("a group of another size", CoordinatorEvent::RosterAdopted { group_size, .. } => *group_size += 1),
    field!("the end of another session", CoordinatorEvent::SessionClosed { session, .. } => session.0[0] ^= 1),
    field!("an upload of another round's number", CoordinatorEvent::UpdateAdmitted { round, .. } => *round = RoundId(2)),
    field!("a run of another number", CoordinatorEvent::RunOpened { number, .. } => *number = 2),
];

#[test]
fn every_number_of_a_round_follows_from_what_was_signed() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    for (what, change) in FIELDS {
        let mut world = whole.clone();
        change(&mut world);
        score.expect(what, 1, &world.bundle());
    }
    score.close(28);
}

#[test]
fn a_false_word_about_privacy_or_days_is_found_in_every_form() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    for mode in [PrivacyMode::None, PrivacyMode::Branch, PrivacyMode::Local] {
        let mut world = whole.clone();
        first(&mut world, |event| match event {
            CoordinatorEvent::RunOpened { plan, .. } => {
                plan.privacy = mode;
                true
            }
            _ => false,
        });
        score.expect(&format!("a plan in mode {}", mode.name()), 1, &world.bundle());
    }
    // Statement and registry of another world whose figures are its own.
    let more = World::new(Shape { rounds: 4, ..SMALL });
    let mut world = whole.clone();
    world.parts.insert(Item::Statement(whole.model).name(), more.parts[&Item::Statement(more.model).name()].clone());
    score.expect("the privacy statement of a longer run", 1, &world.bundle());
    // Statements that the registry names, of this release and of others.
    let sentence = ("Whoever sees", "Nobody who sees");
    let (wording, form) = (("\"wording\": 1", "\"wording\": 2"), ("\"version\": 1", "\"version\": 2"));
    let figure = ("\"epsilon_spent\": 1", "\"epsilon_spent\": 0");
    for (name, code, restated) in [
        ("a statement with a sentence that does not follow", 1, &[sentence] as &[_]),
        ("a statement in the sentences of another release", 2, &[wording, sentence]),
        ("a statement in the sentences of another release, with another figure", 1, &[wording, sentence, figure]),
        ("a statement in the form of another release", 2, &[form]),
    ] {
        let world = World::new(Shape { restated: restated.to_vec().leak(), ..SMALL });
        let bundle = world.bundle();
        score.expect(name, code, &bundle);
        let words = super::code(&bundle, false).1;
        let said = words.contains("Verify it with the release that wrote it as well");
        // A ledger alone says so as well.
        assert_eq!(words.contains("not verified: ") && words.contains("of another release (1)\n"), said, "{name}");
        assert_eq!(said, code == 2, "{name}: {words}");
    }
    let mut world = whole.clone();
    world.roster = signed_roster(whole.roster.roster.clone(), [111, 112, 113]);
    world.heads.clear();
    for event in &mut world.events {
        if let Event::Run(CoordinatorEvent::RosterAdopted { roster, .. }) = event {
            **roster = world.roster.clone();
        }
    }
    score.expect("a roster of other authorities in the run alone", 1, &world.bundle());
    score.close(5);
}
