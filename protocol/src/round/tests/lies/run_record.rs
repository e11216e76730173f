//! What cannot follow in a run's ledger: each rule of its record by itself. A row takes a true ledger up to one of its events, makes one thing in the
//! state or in the event different, and the event is out of order in the row's words.

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::ClosedReason;
use crate::plan::{Attestation, Plan};
use crate::role::{Action, Role};
use crate::roster::{Roster, SignedRoster};
use crate::round::cast::{self, counting_plan};
use crate::round::tests::world::World;
use crate::round::{
    CoordinatorEvent, EvictionReason, KeyedSession, OutOfOrder, RoundDescriptor, RunRecord, SessionView, order_digest,
};
use crate::secagg::modular::Ring;
use crate::secagg::parameters::Thresholds;

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

pub(super) use clients::{BUDGET_BEGUN, BUDGET_SHOWN, CLIENT_CHARGED_MORE, CLIENT_EVICTED, CLIENT_REFUSED};

const OPENS_ONE: &str = "a ledger opens one run";
const VALID: &str = "the plan is valid, and allows a run of this number";
const BEGINS: &str = "a run begins from the state that its plan names";
const FIRST: &str = "the first event opens a run";
const OVER: &str = "nothing follows the end of a run";

fn plan_of(event: &mut CoordinatorEvent) -> &mut Plan {
    match event {
        CoordinatorEvent::RunOpened { plan, .. } => plan,
        _ => panic!("it opens"),
    }
}

pub(super) const RUN_OPENED: &[Row] = &[
    (OPENS_ONE, is!(RunOpened), |moment| moment.record.run = Some(cast::run(counting_plan()))),
    (VALID, is!(RunOpened), |moment| plan_of(&mut moment.event).stages.clear()),
    (VALID, is!(RunOpened), |moment| plan_of(&mut moment.event).delta_bits = 1.0_f64.to_bits()),
    (VALID, is!(RunOpened), change!(RunOpened { number } => *number = 0)),
    (VALID, is!(RunOpened), change!(RunOpened { number } => *number = 2)),
    (BEGINS, is!(RunOpened), change!(RunOpened { model } => model.0[0] ^= 1)),
    (FIRST, is!(RosterAdopted), |moment| moment.record.run = None),
];

const OUTSIDE: &str = "a roster is adopted outside sessions";
const FORWARD: &str = "rosters go forward";
const GROUP: &str = "the group is as large as the roster says";

pub(super) const ROSTER_ADOPTED: &[Row] = &[
    (OVER, is!(RosterAdopted), |moment| moment.record.finished = Some(true)),
    (OUTSIDE, is!(RosterAdopted), |moment| moment.record.keying = Some((NINTH, Vec::new()))),
    (OUTSIDE, is!(RosterAdopted), |moment| moment.keyed(NINTH)),
    (OUTSIDE, is!(RunFinished), |moment| {
        adopt(moment);
        moment.reopen();
    }),
    (FORWARD, is!(RunFinished), |moment| {
        adopt(moment);
        moment.record.roster = next().into();
    }),
    (FORWARD, is!(RosterAdopted), |moment| {
        let roster = SignedRoster { roster: Roster::none(), signatures: Vec::new() };
        moment.event = CoordinatorEvent::RosterAdopted { roster: roster.into(), group_size: 0 };
    }),
    (GROUP, is!(RosterAdopted), change!(RosterAdopted { group_size } => *group_size += 1)),
    (GROUP, is!(RosterAdopted), change!(RosterAdopted { group_size } => *group_size -= 1)),
];

fn next() -> Roster {
    cast::next_roster(&cast::roster(9).roster, 9).roster
}

fn adopt(moment: &mut Moment) {
    let roster = cast::next_roster(&cast::roster(9).roster, 9).into();
    moment.instead(CoordinatorEvent::RosterAdopted { roster, group_size: 9 });
}

const APPROVED: &str = "sessions and rounds begin while two people of the roster in force stand by the plan";

/// A roster with other people in force: the plan's privacy officer has lost the role.
fn revoked(moment: &mut Moment) {
    let mut people = cast::people();
    people.remove(0);
    let roster = cast::roster(9).roster;
    let entries = roster.entries().to_vec();
    moment.record.roster = Some(Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster"));
}

const ONE_SET_UP: &str = "one set-up at a time, and each for a new session";
const CANDIDATES: &str = "candidates are named once, in ascending order";
const MEMBERS: &str = "candidates are members of the plan's group, and not out of the run";

pub(super) const SESSION_OPENED: &[Row] = &[
    (FIRST, is!(SessionOpened), |moment| moment.record.run = None),
    (OVER, is!(SessionOpened), |moment| moment.record.finished = Some(true)),
    (APPROVED, is!(SessionOpened), revoked),
    (ORDERED, is!(SessionOpened), ordered),
    (ONE_SET_UP, is!(SessionOpened), |moment| moment.record.keying = Some((NINTH, Vec::new()))),
    (ONE_SET_UP, is!(SessionOpened), |moment| {
        if let CoordinatorEvent::SessionOpened { session, .. } = moment.event {
            moment.keyed(session);
        }
    }),
    (CANDIDATES, is!(SessionOpened), change!(SessionOpened { candidates } => candidates.swap(0, 1))),
    (CANDIDATES, is!(SessionOpened), change!(SessionOpened { candidates } => candidates[8] = ClientId(8))),
    (MEMBERS, is!(SessionOpened), change!(SessionOpened { candidates } => candidates[8] = STRANGER)),
    (MEMBERS, is!(SessionOpened), |moment| {
        moment.record.evicted.insert(ClientId(5), EvictionReason::Strikes);
    }),
    (MEMBERS, is!(SessionOpened), |moment| moment.record.roster = Some(cast::roster(8).roster)),
];

const WHOSE: &str = "an order is of somebody in the roster in force whose role it is";
const NEWS: &str = "an order changes something: it is new, and whoever agrees does so once for a role";
const ORDERED: &str = "nothing begins while somebody's order stops the plan or the federation";

fn pause() -> Attestation {
    let plan = counting_plan().digest();
    cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::PausePlan, plan)
}

fn orders(moment: &mut Moment, change: fn(&mut Attestation)) {
    let mut order = pause();
    moment.instead(CoordinatorEvent::OrderTaken { order: order.clone() });
    change(&mut order);
    moment.event = CoordinatorEvent::OrderTaken { order };
}

fn ordered(moment: &mut Moment) {
    moment.record.apply(&CoordinatorEvent::OrderTaken { order: pause() });
}

pub(super) const ORDER_TAKEN: &[Row] = &[
    (OVER, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        moment.record.finished = Some(true);
    }),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.subject.0[0] ^= 1)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.federation.0[0] ^= 1)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.role = Role::PlatformOperator)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.action = Action::ApprovePlan)),
    (WHOSE, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        revoked(moment);
    }),
    (NEWS, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        ordered(moment);
    }),
    (NEWS, is!(SessionOpened), |moment| {
        ordered(moment);
        let subject = order_digest(&pause());
        let order = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::ResumePlan, subject);
        moment.instead(CoordinatorEvent::OrderTaken { order: order.clone() });
        moment.record.apply(&CoordinatorEvent::OrderTaken { order });
    }),
];

const OPENED: &str = "the session that is keyed is the one that was opened";
const ASKED: &str = "everybody who was asked is in the cohort";
const ORGANISATIONS: &str = "a cohort's organisations are the roster's";
const THRESHOLDS: &str = "a session's thresholds follow from the plan and its cohort";

fn thresholds(event: &mut CoordinatorEvent) -> &mut Thresholds {
    match event {
        CoordinatorEvent::SessionKeyed { thresholds, .. } => thresholds,
        _ => panic!("keys"),
    }
}

pub(super) const SESSION_KEYED: &[Row] = &[
    (OPENED, is!(SessionKeyed), |moment| moment.record.keying = None),
    (OPENED, is!(SessionKeyed), change!(SessionKeyed { session } => *session = NINTH)),
    (ASKED, is!(SessionKeyed), change!(SessionKeyed { cohort } => cohort.truncate(8))),
    (ASKED, is!(SessionKeyed), change!(SessionKeyed { cohort } => cohort.push(STRANGER))),
    (ORGANISATIONS, is!(SessionKeyed), change!(SessionKeyed { organisations } => organisations[3].0 += 1)),
    (ORGANISATIONS, is!(SessionKeyed), change!(SessionKeyed { organisations } => organisations.truncate(8))),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).quorum -= 1),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).threshold -= 1),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).survivors_min -= 1),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).honest_min += 1),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).coalition_max -= 1),
    (THRESHOLDS, is!(SessionKeyed), |moment| thresholds(&mut moment.event).holder_cap -= 1),
];

const CLOSES: &str = "a session closes once, and after its round";

pub(super) const SESSION_CLOSED: &[Row] = &[
    (CLOSES, is!(SessionClosed), |moment| (moment.record.keying, moment.record.sessions) = (None, Vec::new())),
    (CLOSES, is!(SessionClosed), |moment| {
        moment.reopen();
        if let (Some(open), CoordinatorEvent::SessionClosed { session, .. }) = (&mut moment.record.round, &moment.event)
        {
            open.session = *session;
        }
    }),
];

const STARTS: &str = "a round starts in the first keyed session, after the one before it ended";
const INCREASE: &str = "rounds increase strictly";
const DUE: &str = "a round is of the stage that is due, within what the plan may charge";
const STATE: &str = "a round starts from the current public state";
const FOLLOWS: &str = "a round's descriptor follows from run and session";

fn trains(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { descriptor } if descriptor.stage == 1)
}

fn descriptor(moment: &mut Moment) -> &mut RoundDescriptor {
    match &mut moment.event {
        CoordinatorEvent::RoundStarted { descriptor } => descriptor,
        _ => panic!("it starts"),
    }
}

pub(super) const ROUND_STARTED: &[Row] = &[
    (OVER, trains, |moment| moment.record.finished = Some(true)),
    (APPROVED, trains, revoked),
    (ORDERED, trains, ordered),
    (STARTS, trains, |moment| moment.record.sessions.clear()),
    (STARTS, trains, |moment| moment.record.sessions[0].view.session = NINTH),
    (STARTS, trains, |moment| {
        moment.keyed(NINTH);
        moment.record.sessions.rotate_right(1);
    }),
    (STARTS, trains, Moment::reopen),
    (INCREASE, trains, |moment| moment.record.last_round = 2),
    (INCREASE, trains, |moment| descriptor(moment).round = RoundId(1)),
    (DUE, trains, |moment| descriptor(moment).stage = 0),
    (DUE, trains, |moment| descriptor(moment).stage = 2),
    (DUE, trains, |moment| moment.record.concluded = 0),
    (DUE, trains, |moment| moment.record.concluded = 2),
    (DUE, trains, |moment| moment.record.committed = [1, 5].into()),
    // Five rounds and three retries are charged.
    (DUE, trains, |moment| moment.record.charged = [1, 8].into()),
    (STATE, trains, |moment| moment.record.model = Some(Digest::ZERO)),
    (STATE, trains, |moment| descriptor(moment).model.0[0] ^= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).run.0[0] ^= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).view.0[0] ^= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).ring = Ring::Bits32),
    (FOLLOWS, trains, |moment| descriptor(moment).dimension -= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).sensitivity_squared += 1),
    (FOLLOWS, trains, |moment| descriptor(moment).share_variance -= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).honest_min += 1),
    (FOLLOWS, trains, |moment| descriptor(moment).survivors_min -= 1),
    (FOLLOWS, trains, |moment| descriptor(moment).deadline_ms += 1),
    (FOLLOWS, trains, |moment| moment.record.sessions[0].view.view.0[0] ^= 1),
];

const COLLECTS: &str = "an update is admitted while the round collects";
const OF_COHORT: &str = "an update comes from a member of the round's cohort";
const IN: &str = "nobody takes part who is out of the run";
const ONCE: &str = "one update for each client and round";

fn admits(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::UpdateAdmitted { client: ClientId(5), .. })
}

pub(super) const UPDATE_ADMITTED: &[Row] = &[
    (COLLECTS, admits, |moment| moment.record.round = None),
    (COLLECTS, admits, |moment| moment.record.survivors = Some(Digest::ZERO)),
    (COLLECTS, admits, change!(UpdateAdmitted { round } => round.0 += 1)),
    (OF_COHORT, admits, change!(UpdateAdmitted { client } => *client = STRANGER)),
    (IN, admits, |moment| {
        moment.record.evicted.insert(ClientId(5), EvictionReason::Strikes);
    }),
    (ONCE, admits, |moment| {
        moment.record.admitted.insert(ClientId(5), Digest::ZERO);
    }),
];

const ONE_SET: &str = "one survivor set for each round";
const ADMITTED: &str = "the survivors are those whose updates were admitted";
const ENOUGH: &str = "the survivors are as many, of as many organisations, as the session needs";

pub(super) const SURVIVORS_FROZEN: &[Row] = &[
    (ONE_SET, is!(SurvivorsFrozen), |moment| moment.record.round = None),
    (ONE_SET, is!(SurvivorsFrozen), |moment| moment.record.survivors = Some(Digest::ZERO)),
    (ONE_SET, is!(SurvivorsFrozen), change!(SurvivorsFrozen { round } => round.0 += 1)),
    (ADMITTED, is!(SurvivorsFrozen), |moment| {
        moment.record.admitted.remove(&ClientId(5));
    }),
    (ADMITTED, is!(SurvivorsFrozen), change!(SurvivorsFrozen { survivors } => survivors.truncate(8))),
    (ADMITTED, is!(SurvivorsFrozen), change!(SurvivorsFrozen { survivors } => survivors.swap(0, 1))),
    // Eight of nine are enough, and seven are not.
    (ENOUGH, is!(SurvivorsFrozen), |moment| {
        moment.record.admitted.remove(&ClientId(9));
        let CoordinatorEvent::SurvivorsFrozen { survivors, .. } = &mut moment.event else { panic!("a set") };
        survivors.truncate(8);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        let CoordinatorEvent::SurvivorsFrozen { survivors, .. } = &mut moment.event else { panic!("a set") };
        survivors.truncate(7);
        moment.record.admitted.remove(&ClientId(8));
    }),
];

const ONE_QUORUM: &str = "one quorum follows a survivor set";
const SIGNERS: &str = "a quorum signs as survivors, each once";
const QUORUM: &str = "as many of the committee sign as the session's quorum";

pub(super) const QUORUM_REACHED: &[Row] = &[
    (ONE_QUORUM, is!(QuorumReached), |moment| moment.record.round = None),
    (ONE_QUORUM, is!(QuorumReached), |moment| moment.record.survivors = None),
    (ONE_QUORUM, is!(QuorumReached), |moment| moment.record.certified = true),
    (ONE_QUORUM, is!(QuorumReached), change!(QuorumReached { round } => round.0 += 1)),
    (SIGNERS, is!(QuorumReached), change!(QuorumReached { signatures } => signatures.swap(0, 1))),
    (SIGNERS, is!(QuorumReached), change!(QuorumReached { signatures } => signatures[5].0 = signatures[4].0)),
    (SIGNERS, is!(QuorumReached), change!(QuorumReached { signatures } => signatures[5].0 = STRANGER)),
    (SIGNERS, is!(QuorumReached), |moment| {
        let CoordinatorEvent::QuorumReached { signatures, .. } = &moment.event else { panic!("a quorum") };
        moment.record.admitted.remove(&signatures[0].0);
    }),
    (QUORUM, is!(QuorumReached), change!(QuorumReached { signatures } => signatures.truncate(5))),
    (QUORUM, is!(QuorumReached), |moment| moment.record.sessions[0].view.thresholds.quorum += 1),
    // A committee in which one more of them has no voice.
    (QUORUM, is!(QuorumReached), |moment| {
        moment.record.sessions[0].view.thresholds.holder_cap = 5;
    }),
];

const CERTIFIED: &str = "a sum is used after a quorum for its survivors";

pub(super) const ROUND_COMMITTED: &[Row] = &[
    (CERTIFIED, is!(RoundCommitted), |moment| moment.record.round = None),
    (CERTIFIED, is!(RoundCommitted), |moment| moment.record.certified = false),
    (CERTIFIED, is!(RoundCommitted), change!(RoundCommitted { round } => round.0 += 1)),
];

const ABORTED: &str = "the round that is aborted is the open one";

fn abort(moment: &mut Moment) {
    let round = moment.record.round.as_ref().expect("a round is open").round;
    moment.instead(CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Deadline });
}

pub(super) const ROUND_ABORTED: &[Row] = &[
    (ABORTED, is!(RoundCommitted), |moment| {
        abort(moment);
        moment.record.round = None;
    }),
    (ABORTED, is!(RoundCommitted), |moment| {
        abort(moment);
        let CoordinatorEvent::RoundAborted { round, .. } = &mut moment.event else { panic!("it aborts") };
        round.0 += 1;
    }),
];

const CONCLUDED: &str = "a stage is concluded once, in the plan's order, when it has no round left";

pub(super) const STAGE_CONCLUDED: &[Row] = &[
    (CONCLUDED, is!(StageConcluded), Moment::reopen),
    (CONCLUDED, is!(StageConcluded), |moment| moment.record.concluded = 1),
    (CONCLUDED, is!(StageConcluded), |moment| (moment.record.committed, moment.record.charged) = Default::default()),
    (CONCLUDED, is!(StageConcluded), change!(StageConcluded { stage } => *stage += 1)),
];

const FINISHES: &str = "a run finishes outside sessions";
const RELEASES: &str = "a run finishes after its stages, with the model of the last";
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
];

/// Every row, by the kind of its event.
pub(super) const ALL: [&[Row]; 19] = [
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
    let rules = super::rules_in(include_str!("../../record/run_rules.rs"));
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
