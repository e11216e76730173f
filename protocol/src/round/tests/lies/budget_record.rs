//! What cannot follow in a branch's budget file: each rule of its record by itself, as `run_record.rs` has them for a run's ledger.

use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::{VICTIM, caps, ends, owners};
use crate::budget::BudgetHead;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::limits::STAGES_MAX;
use crate::message::RefusalCode;
use crate::plan::{Allowance, RunRef, Withdrawal};
use crate::privacy::Accounts;
use crate::round::cast::{self, counting_plan, policy};
use crate::round::tests::world::World;
use crate::round::{Branch, BudgetFault, BudgetRecord, OutOfOrder, ParticipantEvent, RunEnd};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// An event and the state before it.
pub(super) struct Moment {
    pub(super) record: BudgetRecord,
    pub(super) event: ParticipantEvent,
}

impl Moment {
    fn before(events: &[ParticipantEvent], is: fn(&ParticipantEvent) -> bool) -> Self {
        let mut record = BudgetRecord::default();
        for event in events {
            if is(event) {
                return Self { record, event: event.clone() };
            }
            record.check(event).expect("a true file");
            record.apply(event);
        }
        panic!("the file has no such event")
    }

    pub(super) fn instead(&mut self, event: ParticipantEvent) {
        assert_eq!(self.record.check(&event), Ok(()));
        self.event = event;
    }

    /// A round that is open in the record.
    fn open(&mut self) -> &mut crate::round::record::SpendingRound {
        self.record.open.values_mut().next().expect("a round is open")
    }
}

/// The rule that is broken, at which event, and what makes it out of order.
pub(super) type Row = (&'static str, fn(&ParticipantEvent) -> bool, fn(&mut Moment));

/// The file of one of nine that counted, trained and evaluated.
pub(super) fn file() -> Vec<ParticipantEvent> {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    world.branches[&VICTIM].events.clone()
}

macro_rules! change {
    ($variant:ident { $($field:ident),+ } => $change:expr) => {
        |moment| {
            let ParticipantEvent::$variant { $($field,)+ .. } = &mut moment.event else { panic!("another event") };
            $change;
        }
    };
}

macro_rules! is {
    ($variant:ident) => {
        |event| matches!(event, ParticipantEvent::$variant { .. })
    };
}

const BEGINS: &str = "a budget begins once, and with the file";
const WORDS: &str = "a first use binds the words of its population";
const FIRST: &str = "the first entry begins the budget";

pub(super) const BUDGET_BEGUN: &[Row] = &[
    (BEGINS, is!(BudgetBegun), |moment| moment.record.apply(&moment.event.clone())),
    (BEGINS, is!(BudgetBegun), |moment| moment.record.roster = Some(cast::roster(9).roster.head())),
    (WORDS, is!(BudgetBegun), change!(BudgetBegun { population } => population.push('s'))),
    (WORDS, is!(BudgetBegun), change!(BudgetBegun { salt } => salt[0] ^= 1)),
    (WORDS, is!(BudgetBegun), change!(BudgetBegun { first } => first.population.0[0] ^= 1)),
    (FIRST, is!(RosterAccepted), |moment| moment.record = BudgetRecord::default()),
    (FIRST, is!(BudgetCharged), |moment| moment.record.begun = None),
];

const NEWER: &str = "a roster that is accepted is newer than the one before";

pub(super) const ROSTER_ACCEPTED: &[Row] = &[
    (NEWER, is!(RosterAccepted), |moment| moment.record.roster = Some(cast::roster(9).roster.head())),
    (NEWER, is!(RunAccepted), |moment| {
        let mut head = moment.record.roster.expect("one was accepted");
        head.epoch += 1;
        moment.instead(ParticipantEvent::RosterAccepted { head, missing: 0 });
        head.epoch -= 1;
        moment.event = ParticipantEvent::RosterAccepted { head, missing: 0 };
    }),
];

const UNDER: &str = "a head is signed under a run that was accepted";
const COUNTER: &str = "a head that is signed has another counter than the last one";
const OWNER: &str = "a head names the owner";
const POPULATION: &str = "a head names the population, and the roster in force";
const FOLDED: &str = "a head says what the entries before it add up to";
const SAID: &str = "a head says what was charged in each run, and on the last day";

fn one_round() -> Accounts {
    counting_plan().stages[0].charge.clone()
}

pub(super) const HEAD_SIGNED: &[Row] = &[
    (UNDER, is!(HeadSigned), |moment| moment.record.accepted.clear()),
    (UNDER, is!(HeadSigned), |moment| moment.record.awaits_head = true),
    (UNDER, is!(HeadSigned), change!(HeadSigned { head } => head.run.number += 1)),
    (COUNTER, is!(HeadSigned), |moment| moment.record.signed = Some(1)),
    (OWNER, is!(HeadSigned), change!(HeadSigned { head } => head.owner.bytes[0] ^= 1)),
    (POPULATION, is!(HeadSigned), change!(HeadSigned { head } => head.population.0[0] ^= 1)),
    (POPULATION, is!(HeadSigned), change!(HeadSigned { head } => head.epoch += 1)),
    (POPULATION, is!(HeadSigned), |moment| moment.record.roster = None),
    (FOLDED, is!(HeadSigned), change!(HeadSigned { head } => head.counter += 1)),
    (FOLDED, is!(HeadSigned), |moment| moment.record.counter += 1),
    (FOLDED, is!(HeadSigned), change!(HeadSigned { head } => head.spent = one_round())),
    (FOLDED, is!(HeadSigned), change!(HeadSigned { head } => head.year.charge(Millis(0), &one_round()))),
    (FOLDED, is!(HeadSigned), change!(HeadSigned { head } => head.caps = None)),
    (FOLDED, is!(HeadSigned), change!(HeadSigned { head } => head.withdrawn.push(Digest::ZERO))),
    (FOLDED, is!(HeadSigned), |moment| {
        moment.record.withdrawn.insert(Digest::ZERO);
    }),
    (SAID, is!(HeadSigned), change!(HeadSigned { head } => head.charged.rounds = [1].into())),
    (SAID, is!(HeadSigned), change!(HeadSigned { head } => head.charged.last_round += 1)),
    (SAID, is!(HeadSigned), change!(HeadSigned { head } => head.others = [(RunRef::NONE, Default::default())].into())),
    (SAID, is!(HeadSigned), change!(HeadSigned { head } => head.day.rounds += 1)),
];

const OF_POPULATION: &str = "a head that is adopted is of this population";
const OF_OWNER: &str = "a head that is adopted names an owner of this budget";
const OF_CAPS: &str = "the caps of a head that is adopted are numbers that a policy may have";
const UNKNOWN: &str = "a head is adopted where the file does not know it";
const NO_MORE: &str = "no more is added to a run than to the whole";

/// A head of one round that the file does not know, adopted for what it costs.
fn adopts(moment: &mut Moment, change: fn(&mut BudgetHead, &mut Accounts)) {
    let record = &moment.record;
    let mut head = BudgetHead {
        population: record.population_digest.expect("it has begun"),
        counter: 2,
        spent: one_round(),
        charged: crate::message::Charged { rounds: [1].into(), last_round: 1 },
        day: record.last_day(),
        owner: record.owner().cloned().expect("it has begun"),
        ..cast::head(VICTIM, RunRef::NONE)
    };
    let mut charge = one_round();
    moment.instead(ParticipantEvent::HeadAdopted { head: Box::new(head.clone()), charge: charge.clone() });
    change(&mut head, &mut charge);
    moment.event = ParticipantEvent::HeadAdopted { head: Box::new(head), charge };
}

pub(super) const HEAD_ADOPTED: &[Row] = &[
    (OF_POPULATION, is!(RunAccepted), |moment| adopts(moment, |head, _| head.population.0[0] ^= 1)),
    (OF_OWNER, is!(RunAccepted), |moment| adopts(moment, |head, _| head.owner.bytes[0] ^= 1)),
    (OF_CAPS, is!(RunAccepted), |moment| {
        adopts(moment, |head, _| {
            head.caps = Some(crate::plan::Caps { delta_bits: f64::NAN.to_bits(), ..cast::caps() });
        });
    }),
    (UNKNOWN, is!(RunAccepted), |moment| {
        adopts(moment, |_, _| {});
        moment.record.apply(&moment.event.clone());
    }),
    (NO_MORE, is!(RunAccepted), |moment| adopts(moment, |_, charge| *charge = charge.times(2))),
    (NO_MORE, is!(RunAccepted), |moment| {
        adopts(moment, |_, _| {});
        moment.record.spent = one_round();
    }),
];

const NAMED: &str = "members are named once, in ascending order";
const HIGHER: &str = "a member's counter that is noted is higher than before";

pub(super) const COUNTERS_SEEN: &[Row] = &[
    (NAMED, is!(CountersSeen), change!(CountersSeen { counters } => counters.clear())),
    (NAMED, is!(CountersSeen), change!(CountersSeen { counters } => counters.swap(0, 1))),
    (NAMED, is!(CountersSeen), change!(CountersSeen { counters } => counters[1].0 = counters[0].0)),
    (HIGHER, is!(CountersSeen), |moment| {
        moment.record.counters.insert(ClientId(1), 1);
    }),
];

const AWAITS: &str = "nothing is accepted while the file awaits a head";
const NUMBERED: &str = "a run has a number and stages";
const SAME: &str = "a run that is accepted again has the same terms, grant included";
const PRICED: &str = "what a run may cost follows from its stages";

/// The owner has withdrawn the grant under which the file's run is.
fn withdrawn(moment: &mut Moment) {
    moment.record.withdrawn.insert(cast::grant(&counting_plan()).digest());
}

pub(super) const RUN_ACCEPTED: &[Row] = &[
    (AWAITS, is!(RunAccepted), |moment| moment.record.awaits_head = true),
    (NUMBERED, is!(RunAccepted), change!(RunAccepted { run } => run.number = 0)),
    (NUMBERED, is!(RunAccepted), change!(RunAccepted { stages } => stages.clear())),
    (NUMBERED, is!(RunAccepted), |moment| {
        let ParticipantEvent::RunAccepted { stages, retries, charge_max, .. } = &mut moment.event else {
            panic!("it accepts")
        };
        let one = stages[0].clone();
        stages.resize(STAGES_MAX, one.clone());
        let most = Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), *retries);
        *charge_max = most.charge_left(&[]);
        assert_eq!(moment.record.check(&moment.event), Ok(()), "exactly so many are allowed");
        let ParticipantEvent::RunAccepted { stages, .. } = &mut moment.event else { panic!("it accepts") };
        stages.push(one);
    }),
    (SAME, is!(RunAccepted), |moment| {
        moment.record.apply(&moment.event.clone());
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        let ParticipantEvent::RunAccepted { retries, .. } = &mut moment.event else { panic!("it accepts") };
        *retries += 1;
    }),
    (SAME, is!(RunAccepted), |moment| {
        moment.record.apply(&moment.event.clone());
        let ParticipantEvent::RunAccepted { stages, .. } = &mut moment.event else { panic!("it accepts") };
        stages[1].rounds += 1;
    }),
    (SAME, is!(RunAccepted), |moment| {
        moment.record.apply(&moment.event.clone());
        let ParticipantEvent::RunAccepted { grant, .. } = &mut moment.event else { panic!("it accepts") };
        grant.0[0] ^= 1;
    }),
    ("nothing is accepted under a grant that was withdrawn", is!(RunAccepted), withdrawn),
    ("a run that came to its end is not accepted again", is!(RunAccepted), |moment| {
        moment.record.apply(&moment.event.clone());
        ends::end(&mut moment.record, RunEnd::Refused);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        ends::end(&mut moment.record, RunEnd::Finished);
    }),
    ("a run is not accepted after a later one of its plan", is!(RunAccepted), ends::overtake),
    (PRICED, is!(RunAccepted), change!(RunAccepted { charge_max } => *charge_max = Accounts::zero())),
    (PRICED, is!(RunAccepted), change!(RunAccepted { retries } => *retries += 1)),
    (PRICED, is!(RunAccepted), change!(RunAccepted { stages } => stages[1].rounds -= 1)),
];

const WITHDRAWS: &str = "an owner withdraws a grant, and once";

fn withdraws(moment: &mut Moment, change: fn(&mut Withdrawal)) {
    let mut withdrawal = cast::withdrawal(&cast::grant(&counting_plan()));
    moment.instead(ParticipantEvent::GrantWithdrawn { withdrawal: withdrawal.clone() });
    change(&mut withdrawal);
    moment.event = ParticipantEvent::GrantWithdrawn { withdrawal };
}

pub(super) const GRANT_WITHDRAWN: &[Row] = &[
    (WITHDRAWS, is!(RunAccepted), |moment| withdraws(moment, |withdrawal| withdrawal.owner.bytes[0] ^= 1)),
    (WITHDRAWS, is!(RunAccepted), |moment| {
        withdraws(moment, |_| {});
        moment.record.apply(&moment.event.clone());
    }),
];

const NOT_CHARGED: &str = "nothing is charged while the file awaits a head";
const ACCEPTED: &str = "a run is charged that was accepted";
const INCREASE: &str = "the rounds of a run increase strictly";
const WITHIN: &str = "a round is charged within the rounds and retries that were accepted";
const COSTS: &str = "a round costs what its stage says";

fn trains(event: &ParticipantEvent) -> bool {
    matches!(event, ParticipantEvent::BudgetCharged { stage: 1, .. })
}

/// So many rounds of each stage were charged in the run before.
fn charged(moment: &mut Moment, rounds: &[u32]) {
    let spend = moment.record.runs.values_mut().next().expect("a run is charged");
    spend.charged.rounds = rounds.to_vec();
}

pub(super) const BUDGET_CHARGED: &[Row] = &[
    (NOT_CHARGED, trains, |moment| moment.record.awaits_head = true),
    ("nothing is charged under a grant that was withdrawn", trains, withdrawn),
    (ACCEPTED, trains, |moment| moment.record.accepted.clear()),
    (ACCEPTED, trains, change!(BudgetCharged { run } => run.number += 1)),
    ("nothing is charged in a run that is at its end", trains, |moment| ends::end(&mut moment.record, RunEnd::Refused)),
    ("nothing is charged in a run that is at its end", trains, ends::overtake),
    (INCREASE, trains, change!(BudgetCharged { round } => round.0 -= 1)),
    (WITHIN, trains, change!(BudgetCharged { stage } => *stage = 0)),
    (WITHIN, trains, change!(BudgetCharged { stage } => *stage = 3)),
    // Five rounds and the three retries that all stages share.
    (WITHIN, trains, |moment| {
        charged(moment, &[1, 7]);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        charged(moment, &[1, 8]);
    }),
    (WITHIN, trains, |moment| charged(moment, &[2, 7])),
    (COSTS, trains, change!(BudgetCharged { charge } => *charge = Accounts::zero())),
    (COSTS, trains, change!(BudgetCharged { charge } => *charge = charge.times(2))),
    (COSTS, trains, change!(BudgetCharged { stage } => *stage = 2)),
];

const UPLOADS: &str = "one upload follows the charge of its round";
const UPLOADED_COUNTER: &str = "an upload's head has the counter of the file";

pub(super) const UPLOADED: &[Row] = &[
    (UPLOADS, is!(Uploaded), |moment| moment.record.open.clear()),
    (UPLOADS, is!(Uploaded), |moment| moment.open().uploaded = true),
    (UPLOADS, is!(Uploaded), change!(Uploaded { round } => round.0 += 1)),
    (UPLOADS, is!(Uploaded), change!(Uploaded { run } => run.number += 1)),
    (UPLOADED_COUNTER, is!(Uploaded), change!(Uploaded { counter } => *counter += 1)),
    (UPLOADED_COUNTER, is!(Uploaded), |moment| moment.record.counter += 1),
];

const AFTER_UPLOAD: &str = "a survivor set is acknowledged after the upload of its round";
const ONE_SET: &str = "one survivor set is acknowledged for each round";

pub(super) const SURVIVORS_ACKNOWLEDGED: &[Row] = &[
    (AFTER_UPLOAD, is!(SurvivorsAcknowledged), |moment| moment.open().uploaded = false),
    (AFTER_UPLOAD, is!(SurvivorsAcknowledged), |moment| moment.open().revealed = true),
    (AFTER_UPLOAD, is!(SurvivorsAcknowledged), change!(SurvivorsAcknowledged { round } => round.0 += 1)),
    (AFTER_UPLOAD, is!(SurvivorsAcknowledged), change!(SurvivorsAcknowledged { run } => run.number += 1)),
    (ONE_SET, is!(SurvivorsAcknowledged), |moment| moment.open().acknowledged = Some(Digest::ZERO)),
];

const REVEALS: &str = "shares are revealed once, for the last round that was charged";
const SET: &str = "shares are revealed for the set that was acknowledged";

pub(super) const SHARES_REVEALED: &[Row] = &[
    (REVEALS, is!(SharesRevealed), |moment| moment.record.open.clear()),
    (REVEALS, is!(SharesRevealed), |moment| moment.open().revealed = true),
    (REVEALS, is!(SharesRevealed), change!(SharesRevealed { round } => round.0 += 1)),
    (REVEALS, is!(SharesRevealed), change!(SharesRevealed { run } => run.number += 1)),
    (SET, is!(SharesRevealed), change!(SharesRevealed { survivors } => survivors.0[0] ^= 1)),
    (SET, is!(SharesRevealed), |moment| moment.open().acknowledged = None),
];

const ENDS: &str = "a round that was charged ends once, and in order";

pub(super) const ROUND_CLOSED: &[Row] = &[
    (ENDS, is!(RoundClosed), change!(RoundClosed { round } => round.0 += 1)),
    (ENDS, is!(RoundClosed), change!(RoundClosed { run } => run.number += 1)),
    (ENDS, is!(RoundClosed), |moment| moment.record.apply(&moment.event.clone())),
    (ENDS, is!(RoundClosed), |moment| {
        let ParticipantEvent::RoundClosed { run, round, .. } = moment.event else { panic!("it ends") };
        moment.record.closed.insert(run, RoundId(round.0 + 1));
    }),
];

pub(super) const REFUSED: &[Row] = &[(FIRST, is!(RunAccepted), |moment| {
    moment.instead(ParticipantEvent::Refused { code: RefusalCode::Unexpected });
    moment.record = BudgetRecord::default();
})];

/// Every row, by the kind of its event.
const ALL: [&[Row]; 17] = [
    BUDGET_BEGUN,
    ROSTER_ACCEPTED,
    owners::OWNER_CHANGED,
    HEAD_SIGNED,
    HEAD_ADOPTED,
    COUNTERS_SEEN,
    RUN_ACCEPTED,
    caps::CAPS_NOTED,
    caps::CAP_RAISED,
    ends::RUN_ENDED,
    GRANT_WITHDRAWN,
    BUDGET_CHARGED,
    UPLOADED,
    SURVIVORS_ACKNOWLEDGED,
    SHARES_REVEALED,
    ROUND_CLOSED,
    REFUSED,
];

#[test]
fn an_entry_that_breaks_one_rule_is_out_of_order() {
    let events = file();
    for (number, (rule, is, change)) in ALL.iter().copied().flatten().enumerate() {
        let mut moment = Moment::before(&events, *is);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        change(&mut moment);
        assert_eq!(moment.record.check(&moment.event), Err(OutOfOrder(rule)), "row {number}");
    }
}

/// Every rule of the book has a row that breaks it.
#[test]
fn every_rule_of_a_budget_file_is_broken_once() {
    let broken = |text: &str| ALL.iter().copied().flatten().any(|(rule, ..)| *rule == text);
    let files = [include_str!("../../record/budget_rules.rs"), include_str!("../../record/reservations.rs")];
    let files = files.into_iter().chain([include_str!("../../record/caps.rs")]);
    let rules: Vec<&str> = files.flat_map(super::rules_in).collect();
    assert!(rules.len() > 40, "{rules:?}");
    let missing: Vec<&&str> = rules.iter().filter(|rule| !broken(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Whoever opens a file refuses one that breaks a rule, and names the entry.
#[test]
fn a_file_that_breaks_a_rule_is_not_opened() {
    let events = file();
    let opened = |events: &[ParticipantEvent]| {
        let plan = counting_plan();
        Branch::<Toy>::resume(policy(&plan), plan.schema, cast::signing_key(VICTIM), events).map(|_| ())
    };
    assert_eq!(opened(&events), Ok(()));
    assert_eq!(BudgetRecord::replay(&events[1..]), Err(BudgetFault { entry: 0, rule: OutOfOrder(FIRST) }));
    let charge = events.iter().position(trains).expect("a round is charged");
    let twice = [&events[..=charge], &events[charge..]].concat();
    let fault = opened(&twice).expect_err("a round is charged twice");
    assert_eq!(fault, BudgetFault { entry: charge as u64 + 1, rule: OutOfOrder(INCREASE) });
    assert!(fault.to_string().contains(&alloc::format!("entry {} of the budget file", charge + 1)), "{fault}");
}

/// Rounds of two runs may be open side by side: one run's end or upload is none of the other's.
#[test]
fn two_runs_share_a_file_and_nothing_else() {
    let (one, two) = (cast::run(cast::plan()), cast::run(crate::plan::Plan { name: "two".into(), ..cast::plan() }));
    let charged = |run: &crate::plan::Run, round| ParticipantEvent::BudgetCharged {
        run: run.reference(),
        round: RoundId(round),
        stage: 0,
        at: crate::time::Millis(0),
        descriptor: Digest::ZERO,
        charge: run.stages[0].charge.clone(),
    };
    let uploaded = |run: &crate::plan::Run, round, counter| ParticipantEvent::Uploaded {
        run: run.reference(),
        round: RoundId(round),
        vector: Digest::ZERO,
        counter,
    };
    let events = [
        cast::begun(VICTIM, false),
        cast::accepted(&one),
        cast::accepted(&two),
        charged(&one, 1),
        charged(&two, 1),
        uploaded(&one, 1, 3),
        uploaded(&two, 1, 3),
        charged(&two, 2),
        ParticipantEvent::SurvivorsAcknowledged { run: one.reference(), round: RoundId(1), survivors: Digest::ZERO },
        ParticipantEvent::RoundClosed { run: two.reference(), round: RoundId(2), model: None },
        ParticipantEvent::SharesRevealed { run: one.reference(), round: RoundId(1), survivors: Digest::ZERO },
    ];
    let record = BudgetRecord::replay(&events).expect("a file in order");
    assert_eq!((record.counter, record.last_round(&one.reference()), record.last_round(&two.reference())), (4, 1, 2));
    let again = uploaded(&two, 1, 4);
    assert_eq!(record.check(&again), Err(OutOfOrder(UPLOADS)), "its round is over");
}
