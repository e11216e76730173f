//! Bundles with a part of the journal: the entries of one run among those of others, which are left out. What is there is judged as ever, what is not is said
//! to be elsewhere, and no change of a part is called intact.

use std::collections::BTreeMap;
use std::io::Cursor;

use tributary_certs::suite::RealSuite;
use tributary_evidence::bundle::{
    Authority, Bundle, Contents, Options, PART, PartWriter, Sent, Standing, audit, bundled_model, in_sum, measured,
};
use tributary_protocol::budget::Kept;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::log::{Entries, LOG_HEADER, LedgerId, Log, LogEntry, NoteKey, SignatureKind, origin_of};
use tributary_protocol::plan::GrantSubject;
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;

use super::grants::{grant, show_budget};
use super::mutations::Dice;
use super::world::{
    AT, COORDINATOR, DAY, Event, SMALL, Shape, World, authorities, cosigned, person_key, sealed, signing_key,
};
use super::{audited, code, strictly};

/// Parts of a bundle, by name.
type Parts = BTreeMap<String, Vec<u8>>;

/// Another run, of which nothing is told.
const OTHER: LedgerId = LedgerId([9; 32]);
/// What no part shows.
const END: &str = "end of the federation's own ledger: statements, alarms, withdrawals, incidents and rosters after its last entry here";
/// Entries of it before each of the run's own.
const BETWEEN: usize = 3;

/// The world's journal with another run's entries in it, and how it stood when checkpoints were made.
struct Mixed {
    world: World,
    file: Vec<u8>,
    logs: Vec<Log>,
}

impl Mixed {
    fn new() -> Self {
        let world = World::new(SMALL);
        let (own, _) = world.journal();
        let (mut file, mut log, mut logs) = (LOG_HEADER.to_vec(), Log::new(), vec![Log::new()]);
        let mut add = |ledger: LedgerId, event: &[u8]| {
            file.extend(log.append(ledger, log.next_sequence(&ledger), event).unwrap());
            logs.push(log.clone());
        };
        for entry in Entries::new(&own) {
            (0..BETWEEN).for_each(|number| add(OTHER, &[u8::try_from(number).unwrap(); 50]));
            add(entry.ledger, entry.event);
        }
        (0..5).for_each(|_| add(OTHER, b"the other run goes on"));
        Self { world, file, logs }
    }

    fn entries(&self) -> Vec<LogEntry<'_>> {
        Entries::new(&self.file).collect()
    }

    /// Checkpoints in the middle of what is left out, after the run's end, and of all of it.
    fn borders(&self) -> [usize; 3] {
        [5, self.logs.len() - 6, self.logs.len() - 1]
    }

    fn part(&self, goes: impl Fn(&LogEntry<'_>) -> bool, borders: &[usize]) -> Vec<u8> {
        let mut part = PartWriter::new(Vec::new()).unwrap();
        for entry in self.entries() {
            if goes(&entry) {
                part.entry(&entry).unwrap()
            } else {
                part.leave_out(entry.leaf)
            }
            if borders.contains(&(usize::try_from(entry.position).unwrap() + 1)) {
                part.border().unwrap();
            }
        }
        part.finish().unwrap().0
    }

    /// Every part of the bundle.
    fn parts(&self, part: Vec<u8>) -> Parts {
        let mut parts = self.world.parts.clone();
        parts.insert(PART.into(), part);
        parts.insert("contents.json".into(), labelled(Some("some runs")));
        self.witnessed(&mut parts);
        parts
    }

    /// Adds the checkpoints.
    fn witnessed(&self, parts: &mut Parts) {
        let origin = origin_of(&authorities(SMALL.authorities).digest());
        let key = NoteKey::new(&origin, SignatureKind::Journal, &person_key(COORDINATOR).verifying_key()).unwrap();
        parts.insert("checkpoints/coordinator.key".into(), format!("{key}\n").into_bytes());
        for size in self.borders() {
            let note = cosigned(self.logs[size].checkpoint(&origin), COORDINATOR, 7);
            parts.insert(format!("checkpoints/{size:020}"), note);
        }
    }

    fn usual(&self) -> Parts {
        self.parts(self.part(|entry| entry.ledger != OTHER, &self.borders()))
    }
}

/// A table of contents with a word about which part the bundle has, or none.
fn labelled(part: Option<&str>) -> Vec<u8> {
    Contents::new((DAY, DAY), AT, false).of_part(part.map(str::to_owned)).to_bytes()
}

/// Two runs of two plans of one federation, one after the other; the parts of both.
fn two() -> (Mixed, Parts, World) {
    let (mut world, mut other) = (World::new(SMALL), World::new(Shape { rounds: 4, ..SMALL }));
    [&mut world, &mut other].into_iter().for_each(|world| show_budget(world, 3, Vec::new()));
    world.both_leave(&mut other);
    // The branch's newest head is one after the second run.
    let newest = world.heads.iter().rev().find_map(|kept| match kept {
        Kept::Head(head) if head.client == ClientId(3) => Some(head.clone()),
        _ => None,
    });
    let mut newest = newest.unwrap();
    newest.counter += 9;
    newest.signature = RealSuite::sign(&signing_key(newest.client), &newest.to_sign::<RealSuite>());
    world.heads.push(Kept::Head(newest));
    let (mut file, mut log, mut logs) = (LOG_HEADER.to_vec(), Log::new(), vec![Log::new()]);
    let journals = [world.journal().0, other.journal().0];
    for (number, journal) in journals.iter().enumerate() {
        // The second one's roster of the registry is there already.
        let is_again =
            |entry: &LogEntry<'_>| number > 0 && entry.ledger == LedgerId::ADMINISTRATION && entry.sequence == 0;
        for entry in Entries::new(journal).filter(|entry| !is_again(entry)) {
            file.extend(log.append(entry.ledger, log.next_sequence(&entry.ledger), entry.event).unwrap());
            logs.push(log.clone());
        }
    }
    let mut parts = other.parts.clone();
    parts.extend(world.parts.clone());
    let mixed = Mixed { world, file, logs };
    mixed.witnessed(&mut parts);
    (mixed, parts, other)
}

#[test]
fn one_of_two_runs_is_judged_without_the_other() {
    let (mixed, parts, other) = two();
    let mut whole = parts.clone();
    whole.insert("audit.log".into(), mixed.file.clone());
    whole.insert("heads/budgets.ledger".into(), mixed.world.all().remove("heads/budgets.ledger").unwrap());
    let (found, words) = code(&sealed(&whole), true);
    assert_eq!(found, 0, "{words}");
    let without = |world: &World, left_out: &World, sums: u32| {
        let ledger = LedgerId::from(left_out.run.id());
        let mut one = world.parts.clone();
        one.insert(PART.into(), mixed.part(|entry| entry.ledger != ledger, &mixed.borders()));
        one.insert("contents.json".into(), labelled(Some("one run")));
        mixed.witnessed(&mut one);
        let bytes = sealed(&one);
        let found = audited(&Bundle::open(Cursor::new(bytes.as_slice())).unwrap(), false);
        assert_eq!((strictly(&found), found.sums_verified), (Standing::Intact, sums), "{found}");
        let reasons: Vec<&str> = found.elsewhere.iter().map(|one| one.reason.as_str()).collect();
        let [model, card] = ["model of a run", "model card of a run"];
        let [export, points] = ["export of a model of a run", "change of points of a model of a run"];
        assert_eq!(reasons, ["entries of the journal", model, card, export, points, END], "{found}");
        one
    };
    // Of the exports of both, which are numbered together, each follows the one before it by the journal.
    without(&other, &mixed.world, 4);
    let mut one = without(&mixed.world, &other, 3);
    // What is kept of the other run is of nothing that is here.
    one.extend(
        parts.iter().filter(|(name, _)| name.starts_with("rounds/")).map(|(name, kept)| (name.clone(), kept.clone())),
    );
    assert_eq!(code(&sealed(&one), false).0, 1);
}

/// Whoever tests a model takes it from the part that has its run, and is told where it is, where another one has it.
#[test]
fn a_model_is_read_from_the_part_that_has_its_run() {
    let (mixed, parts, other) = two();
    let ledger = LedgerId::from(other.run.id());
    let mut one = parts;
    one.insert(PART.into(), mixed.part(|entry| entry.ledger != ledger, &mixed.borders()));
    let bytes = sealed(&one);
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    let found = bundled_model(&bundle, &mixed.world.model).unwrap();
    assert_eq!(found.manifest.digest(), mixed.world.model);
    let refused = |said: Result<(), String>| {
        let why = said.unwrap_err();
        let run = other.run.reference();
        let parts =
            ["the plan of the model is not in this bundle", "part of the journal", &format!("--run {}/1", run.plan)];
        assert!(parts.iter().all(|part| why.contains(part)), "{why}");
    };
    refused(bundled_model(&bundle, &other.model).map(|_| ()));
    refused(measured(&bundle, &other.model).map(|_| ()));
}

/// One grant for whatever its proposer does for a purpose: each run of a branch uses it once.
#[test]
fn a_grant_is_used_no_more_often_than_it_allows() {
    let (mixed, mut parts, _) = two();
    parts.insert("audit.log".into(), mixed.file.clone());
    parts.insert("heads/budgets.ledger".into(), mixed.world.all().remove("heads/budgets.ledger").unwrap());
    let plan = mixed.world.run.plan();
    let (proposer, purpose) = (StaffNumber::parse("bank/e1").unwrap(), plan.purpose.clone());
    for (runs, expected) in [(2, 0), (1, 2)] {
        let subject = GrantSubject::Plans { proposer: proposer.clone(), purpose: purpose.clone() };
        let (name, bytes) = grant(subject, 3, runs);
        let mut granted = parts.clone();
        granted.insert(name, bytes);
        let (found, words) = code(&sealed(&granted), false);
        assert_eq!(found, expected, "{runs}: {words}");
        assert_eq!(words.contains("a grant for bank/branch-3"), expected == 2, "{words}");
    }
}

#[test]
fn a_part_is_judged_as_the_whole_and_says_what_is_elsewhere() {
    let mixed = Mixed::new();
    let parts = mixed.usual();
    let bytes = sealed(&parts);
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    let found = audited(&bundle, false);
    assert_eq!(strictly(&found), Standing::Intact, "{found}");
    assert_eq!((found.sums_verified, found.models_verified, found.checkpoints.checkpoints), (3, 4, 3), "{found}");
    let own = mixed.world.events.len();
    let others = mixed.entries().len() - own;
    let elsewhere: Vec<(u32, &str)> = found.elsewhere.iter().map(|one| (one.count, one.reason.as_str())).collect();
    assert_eq!(elsewhere, [(u32::try_from(others).unwrap(), "entries of the journal"), (1, END)]);
    assert!(found.to_string().contains(&format!("not in this bundle: entries of the journal ({others})")), "{found}");
    let journal = found.journal.as_ref().unwrap();
    assert_eq!(journal.root, mixed.logs.last().unwrap().root().to_string());
    // Much less than the journal, and a branch finds what it sent in it.
    assert!(parts[PART].len() < mixed.file.len());
    let vector = mixed.world.events.iter().find_map(|event| match event {
        Event::Run(CoordinatorEvent::UpdateAdmitted { round: RoundId(2), client: ClientId(4), vector, .. }) => {
            Some(*vector)
        }
        _ => None,
    });
    let sent = Sent { run: mixed.world.run.reference(), round: RoundId(2), vector: vector.unwrap() };
    let found = in_sum(&bundle, &sent).unwrap();
    assert_eq!((found.client, found.vectors, found.recomputed), (4, 9, true));
}

/// Nobody has signed of what runs a bundle has entries: its word stands exactly beside a part, and shows no auditor that a run of the days is not left out.
#[test]
fn a_bundles_own_word_about_its_part_proves_nothing() {
    let mixed = Mixed::new();
    let mut parts = mixed.usual();
    let bytes = sealed(&parts);
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    let days = Some((DAY, DAY));
    let authority = Some(Authority::List(authorities(SMALL.authorities)));
    let options = Options { authority, strict: true, days, now: AT, checkpoint: None };
    let found = audit(&bundle, &options).unwrap();
    assert_eq!((found.faults.len(), found.standing), (0, Standing::Incomplete), "{found}");
    let open = "nothing shows whether a run of the days that you ask for is among them";
    assert!(found.not_verified.iter().any(|one| one.reason.contains(open)), "{found}");
    assert!(found.to_string().contains("  part     some runs, as it says itself\n"), "{found}");
    parts.insert("contents.json".into(), labelled(None));
    assert_eq!(code(&sealed(&parts), false).0, 1);
    let mut whole = mixed.world.clone();
    assert_eq!(code(&whole.bundle(), false).0, 0);
    whole.parts.insert("contents.json".into(), labelled(Some("some runs")));
    assert_eq!(code(&whole.bundle(), false).0, 1);
}

/// The coordinator leaves out the last entries of the federation's own ledger, as it leaves out other runs: nothing contradicts that, and it is said.
#[test]
fn a_part_does_not_show_that_the_federations_own_ledger_is_whole() {
    let mixed = Mixed::new();
    let own = |entry: &LogEntry<'_>| entry.ledger != OTHER;
    let entries = mixed.entries();
    let last =
        entries.iter().filter(|entry| entry.ledger == LedgerId::ADMINISTRATION).map(|entry| entry.sequence).max();
    let cut =
        |entry: &LogEntry<'_>| own(entry) && (entry.ledger != LedgerId::ADMINISTRATION || Some(entry.sequence) != last);
    let mut parts = mixed.parts(mixed.part(cut, &mixed.borders()));
    // The last one names the model's card.
    parts.retain(|name, _| !name.starts_with("cards/"));
    let bytes = sealed(&parts);
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    assert!(bundle.is_partial());
    let found = audited(&bundle, false);
    assert_ne!(found.standing, Standing::Tampered, "{found}");
    assert!(found.to_string().contains(&format!("not in this bundle: {END} (1)")), "{found}");
}

/// The enemy has no branch's key: the checkpoints stay, and everything else is made anew.
#[test]
fn nothing_of_a_part_can_be_left_out_or_changed() {
    let mixed = Mixed::new();
    let (own, borders) = (|entry: &LogEntry<'_>| entry.ledger != OTHER, mixed.borders());
    let in_run = |sequence: u64| {
        move |entry: &LogEntry<'_>| {
            own(entry) && (entry.ledger == LedgerId::ADMINISTRATION || entry.sequence != sequence)
        }
    };
    let last = mixed.entries().iter().filter(|entry| own(entry) && entry.ledger != LedgerId::ADMINISTRATION).count()
        as u64
        - 1;
    let usual = mixed.usual();
    let changed = |change: &dyn Fn(&mut Parts)| {
        let mut parts = usual.clone();
        change(&mut parts);
        parts
    };
    let item = |at: usize| changed(&|parts| parts.get_mut(PART).unwrap()[at] ^= 1);
    for (what, expected, parts) in [
        ("the usual one", 0, usual.clone()),
        ("the first entry of the run left out", 1, mixed.parts(mixed.part(in_run(0), &borders))),
        ("an entry of the run left out", 1, mixed.parts(mixed.part(in_run(9), &borders))),
        ("the end of the run left out, and a model of it", 1, mixed.parts(mixed.part(in_run(last), &borders))),
        ("entries of a run that breaks every rule", 1, mixed.parts(mixed.part(|_| true, &borders))),
        ("a tree across a checkpoint", 1, mixed.parts(mixed.part(own, &borders[1..]))),
        ("another height of a tree", 1, item(17)),
        ("another root of a tree", 1, item(20)),
        ("another kind of item", 1, item(16)),
        ("another format", 1, item(3)),
        (
            "a part that was cut",
            1,
            changed(&|parts| {
                parts.get_mut(PART).unwrap().pop();
            }),
        ),
        (
            "a part without its last item",
            1,
            changed(&|parts| {
                let length = parts[PART].len();
                parts.get_mut(PART).unwrap().truncate(length - 34);
            }),
        ),
        ("a part with a byte more", 1, changed(&|parts| parts.get_mut(PART).unwrap().push(0))),
        (
            "the whole journal beside its part",
            1,
            changed(&|parts| drop(parts.insert("audit.log".into(), mixed.file.clone()))),
        ),
        ("no checkpoints", 2, changed(&|parts| parts.retain(|name, _| !name.starts_with("checkpoints/")))),
        ("uploads left out", 2, changed(&|parts| parts.retain(|name, _| !name.starts_with("rounds/")))),
    ] {
        let (found, words) = code(&sealed(&parts), false);
        assert_eq!(found, expected, "{what}: {words}");
    }
}

#[test]
fn no_random_change_of_a_part_is_called_intact() {
    let usual = Mixed::new().usual();
    let mut dice = Dice(3);
    for number in 0..400 {
        let mut parts = usual.clone();
        let bytes = parts.get_mut(PART).unwrap();
        dice.change(bytes);
        if !bytes.is_empty() && parts != usual {
            let (found, words) = code(&sealed(&parts), false);
            assert_ne!(found, 0, "change {number}: {words}");
        }
    }
}
