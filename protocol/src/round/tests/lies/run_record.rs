//! What cannot follow in a run's ledger: each rule of its record by itself. A row takes a true ledger up to one of its events, makes one thing in the
//! state or in the event different, and the event is out of order in the row's words.

use alloc::vec::Vec;

use crate::budget::BudgetHead;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, SessionId};
use crate::message::ClosedReason;
use crate::plan::RunRef;
use crate::round::cast::{self, counting_plan};
use crate::round::tests::world::World;
use crate::round::{
    CoordinatorEvent, EvictionReason, KeyedSession, OutOfOrder, RoundDescriptor, RunRecord, SessionView,
};

/// An event and the state before it.
pub(super) struct Moment {
    record: RunRecord,
    event: CoordinatorEvent,
    /// Of the last round that was started.
    descriptor: Option<RoundDescriptor>,
}

impl Moment {
    /// The first moment in a ledger whose event is such a one.
    fn before(events: &[CoordinatorEvent], is: fn(&CoordinatorEvent) -> bool) -> Self {
        let (mut record, mut descriptor) = (RunRecord::default(), None);
        for event in events {
            if is(event) {
                return Self { record, event: event.clone(), descriptor };
            }
            record.check(event).expect("a true ledger");
            record.apply(event);
            if let CoordinatorEvent::RoundStarted { descriptor: started } = event {
                descriptor = Some(started.clone());
            }
        }
        panic!("the ledger has no such event")
    }

    /// A round is open that is none.
    fn reopen(&mut self) {
        self.record.round.clone_from(&self.descriptor);
    }

    /// Another event takes the place of this one, and is in order.
    fn instead(&mut self, event: CoordinatorEvent) {
        assert_eq!(self.record.check(&event), Ok(()));
        self.event = event;
    }

    /// A session is keyed that is none.
    fn keyed(&mut self, session: SessionId) {
        let thresholds = counting_plan().cohort.thresholds(&[OrganisationId(1); 9], 9).expect("a cohort of nine");
        let view = SessionView { session, view: Digest::ZERO, thresholds };
        self.record.sessions.push(KeyedSession { view, cohort: Vec::new(), organisations: Vec::new() });
    }
}

/// The rule that is broken, at which event, and what makes it out of order.
pub(super) type Row = (&'static str, fn(&CoordinatorEvent) -> bool, fn(&mut Moment));

/// A world of nine that counts, trains and evaluates; its ledger.
pub(super) fn ledger() -> Vec<CoordinatorEvent> {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    world.events
}

const NINTH: SessionId = SessionId([9; 32]);
const STRANGER: ClientId = ClientId(77);

/// Changes the fields of the event at hand.
macro_rules! change {
    ($variant:ident { $($field:ident),+ } => $change:expr) => {
        |moment| {
            let CoordinatorEvent::$variant { $($field,)+ .. } = &mut moment.event else { panic!("another event") };
            $change;
        }
    };
}

/// Whether an event is of a kind.
macro_rules! is {
    ($variant:ident) => {
        |event| matches!(event, CoordinatorEvent::$variant { .. })
    };
}

mod clients;
mod opening;
mod orders;
mod rounds;
mod sessions;

pub(super) use clients::{BUDGET_BEGUN, BUDGET_SHOWN, CLIENT_CHARGED_MORE, CLIENT_EVICTED, CLIENT_REFUSED};
pub(super) use opening::{ROSTER_ADOPTED, RUN_OPENED};
pub(super) use orders::{APPROVALS_SHOWN, ORDER_TAKEN, ORDERS_CARRIED};
pub(super) use rounds::{
    QUORUM_REACHED, ROUND_ABORTED, ROUND_COMMITTED, ROUND_STARTED, SURVIVORS_FROZEN, UPDATE_ADMITTED,
};
pub(super) use sessions::{SESSION_CLOSED, SESSION_KEYED, SESSION_OPENED};

const FIRST: &str = "the first event opens a run";
const OVER: &str = "nothing follows the end of a run";

pub(super) fn trains(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { descriptor } if descriptor.stage == 1)
}

const CONCLUDED: &str = "a stage is concluded once, in the plan's order, when it has no round left";

pub(super) const STAGE_CONCLUDED: &[Row] = &[
    (CONCLUDED, is!(StageConcluded), Moment::reopen),
    (CONCLUDED, is!(StageConcluded), |moment| moment.record.concluded = 1),
    (CONCLUDED, is!(StageConcluded), |moment| (moment.record.committed, moment.record.charged) = Default::default()),
    (CONCLUDED, is!(StageConcluded), change!(StageConcluded { stage } => *stage += 1)),
];

const FINISHES: &str = "a run finishes outside sessions";
const RELEASES: &str = "a run finishes after its stages or by an order, with the model that it has come to";
const COUNTED: &str = "a run's end says how many rounds were committed";

pub(super) const RUN_FINISHED: &[Row] = &[
    (OVER, is!(RunFinished), |moment| moment.record.finished = Some(true)),
    (FINISHES, is!(RunFinished), Moment::reopen),
    (FINISHES, is!(RunFinished), |moment| moment.record.keying = Some((NINTH, Vec::new()))),
    (FINISHES, is!(RunFinished), |moment| moment.keyed(NINTH)),
    (RELEASES, is!(RunFinished), |moment| moment.record.concluded = 2),
    (RELEASES, is!(RunFinished), change!(RunFinished { model } => model.0[0] ^= 1)),
    (COUNTED, is!(RunFinished), change!(RunFinished { rounds } => *rounds += 1)),
    (COUNTED, is!(RunFinished), change!(RunFinished { rounds } => *rounds -= 1)),
    (COUNTED, is!(RunFinished), change!(RunFinished { complete } => *complete = false)),
    (COUNTED, is!(RunFinished), orders::aborted),
    (RELEASES, is!(SessionOpened), |moment| {
        orders::aborted(moment);
        let model = moment.record.model.expect("it begins with one");
        moment.instead(CoordinatorEvent::RunFinished { model, rounds: 0, complete: false });
        moment.record.orders = Default::default();
    }),
    (RELEASES, is!(SessionOpened), |moment| {
        orders::aborted(moment);
        moment.event = CoordinatorEvent::RunFinished { model: Digest::ZERO, rounds: 0, complete: false };
    }),
];

/// Every row, by the kind of its event.
pub(super) const ALL: [&[Row]; 21] = [
    RUN_OPENED,
    ROSTER_ADOPTED,
    SESSION_OPENED,
    SESSION_KEYED,
    SESSION_CLOSED,
    ROUND_STARTED,
    UPDATE_ADMITTED,
    SURVIVORS_FROZEN,
    QUORUM_REACHED,
    ROUND_COMMITTED,
    ROUND_ABORTED,
    CLIENT_REFUSED,
    CLIENT_CHARGED_MORE,
    BUDGET_BEGUN,
    BUDGET_SHOWN,
    STAGE_CONCLUDED,
    CLIENT_EVICTED,
    ORDER_TAKEN,
    ORDERS_CARRIED,
    APPROVALS_SHOWN,
    RUN_FINISHED,
];

#[test]
fn an_event_that_breaks_one_rule_is_out_of_order() {
    let events = ledger();
    let evicted = CoordinatorEvent::ClientEvicted { client: ClientId(5), reason: EvictionReason::Strikes };
    assert_eq!(RunRecord::default().check(&evicted), Err(OutOfOrder(FIRST)));
    for (number, (rule, is, change)) in ALL.iter().copied().flatten().enumerate() {
        let mut moment = Moment::before(&events, *is);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        change(&mut moment);
        assert_eq!(moment.record.check(&moment.event), Err(OutOfOrder(rule)), "row {number}");
    }
}

/// Every rule of the book has a row that breaks it.
#[test]
fn every_rule_of_a_runs_ledger_is_broken_once() {
    let broken = |text: &str| ALL.iter().copied().flatten().any(|(rule, ..)| *rule == text);
    let mut rules = super::rules_in(include_str!("../../record/run_rules.rs"));
    rules.extend(super::rules_in(include_str!("../../record/order_rules.rs")));
    assert!(rules.len() > 40, "{rules:?}");
    let missing: Vec<&&str> = rules.iter().filter(|rule| !broken(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A ledger that is read back is judged event by event.
#[test]
fn a_ledger_that_contradicts_itself_is_not_replayed() {
    let events = ledger();
    assert!(RunRecord::replay(&events).is_ok());
    let news = |event: &CoordinatorEvent| {
        !matches!(event, CoordinatorEvent::BudgetBegun { .. } | CoordinatorEvent::BudgetShown { .. })
    };
    let first = events.iter().enumerate().filter(|(_, event)| news(event)).map(|(index, _)| index);
    for left_out in first.take(4).collect::<Vec<_>>() {
        let events = events.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, event)| event);
        assert!(RunRecord::replay(events).is_err(), "without event {left_out}");
    }
}

/// What a stage that is concluded has not committed is committed no more.
#[test]
fn rounds_left_are_those_of_stages_that_go_on() {
    let events = ledger();
    let opened = events.iter().position(|event| matches!(event, CoordinatorEvent::SessionOpened { .. })).expect("one");
    let mut record = RunRecord::replay(&events[..opened]).expect("in order");
    let stages: Vec<u32> = counting_plan().stages.iter().map(|stage| stage.rounds).collect();
    for concluded in 0..=stages.len() {
        record.concluded = u16::try_from(concluded).expect("few");
        assert_eq!(record.rounds_left(), stages[concluded..].iter().sum::<u32>(), "{concluded} concluded");
    }
}

/// What closes is one session, or the set-up of one. Whatever else is under way goes on.
#[test]
fn a_session_that_closes_closes_no_other() {
    let closed = |session| CoordinatorEvent::SessionClosed { session, reason: ClosedReason::Exhausted };
    let events = ledger();
    let mut moment = Moment::before(&events, trains);
    let keyed = moment.record.sessions[0].view.session;
    moment.record.keying = Some((NINTH, Vec::new()));
    for (session, left) in [(keyed, (true, 0)), (NINTH, (false, 1))] {
        let mut record = moment.record.clone();
        assert_eq!(record.check(&closed(session)), Ok(()));
        record.apply(&closed(session));
        assert_eq!((record.keying.is_some(), record.sessions.len()), left);
        assert!(record.check(&closed(session)).is_err(), "once");
    }
    // What a stopped process left open is closed, and what is keyed goes on.
    moment.reopen();
    let round = moment.descriptor.as_ref().expect("one was started").round;
    let aborted = CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Restart };
    let set_up = CoordinatorEvent::SessionClosed { session: NINTH, reason: ClosedReason::Restart };
    assert_eq!(moment.record.interrupted(ClosedReason::Restart), [aborted, set_up]);
}

/// A head lacks nothing that has the last one's spend, what a quorum certified since, and what is to be there beside them.
#[test]
fn a_head_lacks_what_its_updates_cost_since_the_last_one() {
    let price = counting_plan().stages[0].charge.clone();
    let rounds = |count| price.times(count);
    let mut record = RunRecord::default();
    let head = |count| BudgetHead { spent: rounds(count), ..cast::head(ClientId(5), RunRef::NONE) };
    let lacks = |record: &RunRecord, count, beside| record.lacks(&head(count), &rounds(beside));
    assert_eq!([lacks(&record, 0, 0), lacks(&record, 0, 1), lacks(&record, 1, 1)], [false, true, false]);
    record.heads.insert(ClientId(5), head(2));
    assert_eq!([lacks(&record, 1, 0), lacks(&record, 2, 0), lacks(&record, 2, 1)], [true, false, true]);
    record.unshown.insert(ClientId(5), rounds(3));
    record.unshown.insert(ClientId(6), rounds(9));
    assert_eq!([lacks(&record, 4, 0), lacks(&record, 5, 0)], [true, false]);
    assert_eq!([lacks(&record, 5, 1), lacks(&record, 6, 1)], [true, false]);
}
