//! What a budget file knows of a head, which heads are later than a file, and what the two come to where neither is.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::anchor::{MEMBER, charge_of, file, head_of};
use super::raises;
use super::world::plan;
use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::message::Charged;
use crate::plan::{CapRaise, Caps, Run, RunRef};
use crate::privacy::{Accounts, RdpVector, YearSpend};
use crate::round::cast::{self, accepted, begun, caps};
use crate::round::{BudgetRecord, ParticipantEvent};
use crate::time::Millis;

fn named(name: &str) -> Run {
    cast::run(plan(|plan| plan.name = name.into()))
}

/// One nano-unit of the customers' epsilon, at one order.
fn nano() -> Accounts {
    let mut nanos = RdpVector::zero().nanos().to_vec();
    nanos[0] = 1;
    Accounts::customers(RdpVector::from_nanos(nanos).expect("as many orders"))
}

fn of_life(bits: f64) -> Caps {
    Caps { life_bits: bits.to_bits(), ..caps() }
}

/// A file in which everything stands that a head says: two runs that were charged, caps, and a withdrawal. And the head that it would sign.
fn both() -> (BudgetRecord, BudgetHead) {
    let (one, other) = (named("one"), named("other"));
    let taken = cast::owner_signs(crate::plan::Grant { runs: 7, ..cast::grant(&one) });
    let events = [
        accepted(&other),
        ParticipantEvent::CapsNoted { caps: caps() },
        charge_of(&one, 1, 5),
        charge_of(&other, 1, 6),
        ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&taken) },
    ];
    let record = file(&one, events);
    let head = head_of(&record, &one);
    (record, head)
}

fn adopted(record: &BudgetRecord, head: &BudgetHead, charge: Accounts) -> BudgetRecord {
    let event = ParticipantEvent::HeadAdopted { head: Box::new(head.clone()), charge };
    let mut record = record.clone();
    assert_eq!(record.check(&event), Ok(()));
    record.apply(&event);
    record
}

type Change = fn(&mut BudgetHead);

/// Whatever a head says that the file does not: each by itself is a reason to adopt it.
const MORE: &[(&str, Change)] = &[
    ("a higher counter", |head| head.counter += 1),
    ("more spent at one order", |head| head.spent = head.spent.plus(&nano())),
    ("more spent in the year", |head| head.year.charge(Millis(6), &nano())),
    ("another round of its run", |head| head.charged.rounds[0] += 1),
    ("a later round of its run", |head| head.charged.last_round += 1),
    ("another round of another run", |head| head.others[0].1.rounds[0] += 1),
    ("another run", |head| head.others.push((RunRef { number: 2, ..head.run }, head.charged.clone()))),
    ("another withdrawal", |head| head.withdrawn.push(Digest::ZERO)),
    ("lower caps", |head| head.caps = Some(of_life(5.0))),
];

#[test]
fn a_file_knows_a_head_that_says_nothing_more() {
    let (record, head) = both();
    assert!(record.knows(&head));
    let less: [Change; 4] = [
        |head| head.caps = None,
        |head| head.caps = Some(of_life(9.0)),
        |head| head.counter -= 1,
        |head| head.withdrawn.clear(),
    ];
    for change in less {
        let mut head = head.clone();
        change(&mut head);
        assert!(record.knows(&head), "{head:?}");
    }
    for (what, change) in MORE {
        let mut head = head.clone();
        change(&mut head);
        assert!(!record.knows(&head), "{what}");
        assert!(adopted(&record, &head, Accounts::zero()).knows(&head), "{what}");
    }
    let mut fresh = file(&named("one"), []);
    assert!(!fresh.knows(&BudgetHead { caps: Some(caps()), ..head_of(&fresh, &named("one")) }), "a file without caps");
    fresh.caps = Some(caps());
    assert!(fresh.knows(&head_of(&fresh, &named("one"))));
}

/// A later head that says everything which the file says is where the file goes on from. One that lacks anything is of another way, and what the two come
/// to has a counter of its own.
#[test]
fn a_later_head_lacks_nothing_that_the_file_has() {
    let (record, head) = both();
    let counter = |change: Change| {
        let mut head = BudgetHead { counter: head.counter + 5, ..head.clone() };
        change(&mut head);
        let after = adopted(&record, &head, Accounts::zero());
        assert!(after.spent == record.spent && after.withdrawn.is_superset(&record.withdrawn), "nothing is forgotten");
        assert!(after.knows(&head));
        (after.counter, head.counter)
    };
    let later: [Change; 3] = [|_| {}, |head| head.caps = Some(of_life(5.0)), |head| head.withdrawn.push(Digest::ZERO)];
    for change in later {
        let (after, shown) = counter(change);
        assert_eq!(after, shown);
    }
    let ways: [(&str, Change); 9] = [
        ("less spent at one order", |head| {
            let mut nanos = head.spent.customer.nanos().to_vec();
            nanos[0] -= 1;
            head.spent.customer = RdpVector::from_nanos(nanos).expect("as many orders");
        }),
        ("nothing spent in the year", |head| head.year = YearSpend::default()),
        ("a round less of its run", |head| head.charged.rounds[0] -= 1),
        ("an earlier round of its run", |head| head.charged.last_round -= 1),
        ("a round less of another run", |head| head.others[0].1.rounds[0] -= 1),
        ("without another run", |head| head.others.clear()),
        ("without a withdrawal", |head| head.withdrawn.clear()),
        ("without caps", |head| head.caps = None),
        ("higher caps", |head| head.caps = Some(of_life(9.0))),
    ];
    for (what, change) in ways {
        let (after, shown) = counter(change);
        assert_eq!(after, shown + 1, "{what}");
    }
    // No later than the file, and with something that it lacks.
    for counter in [record.counter, record.counter - 1] {
        let mut other = BudgetHead { counter, ..head.clone() };
        other.withdrawn.push(Digest::ZERO);
        assert_eq!(adopted(&record, &other, Accounts::zero()).counter, record.counter + 1);
    }
    // A file without caps lacks none.
    let fresh = file(&named("one"), []);
    let shown = BudgetHead { counter: 9, ..head_of(&fresh, &named("one")) };
    assert_eq!(adopted(&fresh, &shown, Accounts::zero()).counter, 9);
}

#[test]
fn what_two_files_come_to_is_the_more_careful_of_both() {
    let (record, head) = both();
    let caps_of = |shown: Option<Caps>, own: Option<Caps>| {
        let mut record = record.clone();
        record.caps = own;
        adopted(&record, &BudgetHead { counter: 99, caps: shown, ..head.clone() }, Accounts::zero()).caps
    };
    assert_eq!(caps_of(None, Some(caps())), Some(caps()));
    assert_eq!(caps_of(Some(caps()), None), Some(caps()));
    assert_eq!(caps_of(Some(of_life(5.0)), Some(caps())), Some(of_life(5.0)));
    assert_eq!(caps_of(Some(of_life(9.0)), Some(caps())), Some(caps()));
    assert_eq!(caps_of(None, None), None);
    // What is added to the whole may be added to the head's run.
    let mut more = head.clone();
    more.spent = more.spent.plus(&nano());
    let after = adopted(&record, &more, nano());
    assert_eq!(after.spent, record.spent.plus(&nano()));
    assert_eq!(after.runs[&head.run].spent, record.runs[&head.run].spent.plus(&nano()));
    assert_eq!(after.runs[&named("other").reference()], record.runs[&named("other").reference()]);
}

/// A file that takes the place of a lost one has another salt, and so another digest of the same population, until it adopts the head's.
#[test]
fn a_file_in_the_place_of_a_lost_one_takes_its_population() {
    let (_, head) = both();
    let waits = BudgetRecord::replay(&[begun(MEMBER, true)]).expect("it begins");
    let after = adopted(&waits, &BudgetHead { population: Digest::ZERO, ..head.clone() }, Accounts::zero());
    assert_eq!((after.population_digest, after.awaits_head), (Some(Digest::ZERO), false));
    assert_eq!((waits.counter, after.counter), (0, head.counter), "it has spent nothing of its own");
    // Whoever applies entries that it has not checked changes no population, and begins nothing twice.
    let mut own = after.clone();
    own.apply(&ParticipantEvent::HeadAdopted { head: Box::new(head), charge: Accounts::zero() });
    assert_eq!(own.population_digest, Some(Digest::ZERO));
    let before = own.clone();
    own.apply(&begun(MEMBER, true));
    assert_eq!(own, before);
}

fn raise_to(record: &mut BudgetRecord, life: f64) -> Digest {
    let (raise, officer) = raises::raise(record);
    let raise = CapRaise { to: of_life(life), ..raise };
    let digest = raise.digest();
    record.apply(&raises::event(raise, officer, cast::roster(9)));
    digest
}

/// Caps that are higher than a head's are known where they were raised after it, from its caps, and by no raise that it names.
#[test]
fn a_raise_goes_on_from_the_heads_before_it() {
    let (mut record, head) = both();
    let first = raise_to(&mut record, 9.0);
    let second = raise_to(&mut record, 10.0);
    assert_eq!(record.counter, head.counter + 2);
    let knows = |counter: u64, life: f64, named: &[Digest]| {
        let withdrawn: Vec<Digest> = head.withdrawn.iter().chain(named).copied().collect();
        record.knows(&BudgetHead { counter, caps: Some(of_life(life)), withdrawn, ..head.clone() })
    };
    let (before, between, after) = (head.counter, head.counter + 1, head.counter + 2);
    assert!(knows(before, 8.0, &[]));
    assert!(knows(before, 9.0, &[]), "higher ones than those that were raised");
    assert!(!knows(before, 7.0, &[]), "lower ones were not raised");
    assert!(!knows(before, 8.0, &[first]));
    assert!(!knows(before, 8.0, &[second]));
    assert!(knows(between, 9.0, &[first]), "the second is after it");
    assert!(!knows(between, 8.0, &[first]), "they had fallen again");
    assert!(!knows(between, 9.0, &[first, second]));
    assert!(!knows(after, 9.0, &[first, second]));
    assert!(knows(after, 10.0, &[first, second]) && knows(after, 11.0, &[]));
}

/// A head's day ends with its own last round: what was charged here after it is none of its rounds.
#[test]
fn a_day_has_the_rounds_up_to_its_last_one() {
    const DAY: u64 = 86_400_000;
    let run = named("one");
    let charged_at = |times: &[u64]| file(&run, (1..).zip(times).map(|(round, at)| charge_of(&run, round, *at)));
    let day = |rounds, last| LastDay { rounds, last: Millis(last) };
    assert_eq!(charged_at(&[7, DAY + 7]).last_day(), day(1, DAY + 7), "a day before it to the millisecond");
    assert_eq!(charged_at(&[8, DAY + 7]).last_day(), day(2, DAY + 7));
    let record = charged_at(&[5, 50]);
    for (rounds, known) in [(1, 2), (2, 3), (3, 4)] {
        let head = BudgetHead { counter: 99, day: day(rounds, 10), ..head_of(&record, &run) };
        assert_eq!(adopted(&record, &head, Accounts::zero()).charged_within_a_day(Millis(60)), known);
    }
}

/// A head of a run in which nothing was charged yet adds no run to those that were.
#[test]
fn a_run_without_a_charge_is_not_named() {
    let (record, head) = both();
    let empty = named("empty").reference();
    let others = [head.others.as_slice(), &[(head.run, head.charged.clone())]].concat();
    let mut shown = BudgetHead { counter: 99, run: empty, charged: Charged::default(), others, ..head.clone() };
    shown.others.sort_by_key(|(run, _)| *run);
    let after = adopted(&record, &shown, Accounts::zero());
    assert!(after.runs.contains_key(&empty));
    assert_eq!(after.others(&head.run), record.others(&head.run));
    assert_eq!([head.run, empty].map(|run| after.runs_beside(&run)), [1, 2]);
}
