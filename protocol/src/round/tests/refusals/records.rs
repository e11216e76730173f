//! What cannot follow in a ledger: each rule of the coordinator's record by itself. A row takes a true ledger up to one of its events, makes
//! one thing in the state different, and the event is out of order.

use alloc::vec::Vec;

use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::message::{ClosedReason, RefusalCode};
use crate::plan::RoundKind;
use crate::privacy::Accounts;
use crate::roster::RosterHead;
use crate::round::cast::counting_plan;
use crate::round::tests::world::World;
use crate::round::{CoordinatorEvent, CoordinatorRecord, EvictionReason, OutOfOrder, RoundDescriptor};

/// An event and the state before it.
struct Moment {
    record: CoordinatorRecord,
    event: CoordinatorEvent,
    /// Of the last round that was started.
    descriptor: Option<RoundDescriptor>,
}

impl Moment {
    /// The first moment in a ledger whose event is such a one.
    fn before(events: &[CoordinatorEvent], is: fn(&CoordinatorEvent) -> bool) -> Self {
        let (mut record, mut descriptor) = (CoordinatorRecord::default(), None);
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
}

/// The rule that is broken, at which event, and what makes it out of order.
type Row = (&'static str, fn(&CoordinatorEvent) -> bool, fn(&mut Moment));

const ONE_SET_UP: &str = "one set-up at a time, and each for a new session";
const STARTS: &str = "a round starts in the first keyed session after the one before it ended";
const COLLECTS: &str = "an update is admitted while the round collects";
const FOLLOWS: &str = "a quorum and a commit follow a survivor set";
const RELEASES: &str = "one model is released, between rounds";
const FINISHES: &str = "a plan finishes outside sessions";
const ADOPTS: &str = "a roster is adopted outside sessions, in an open plan";
const ANSWERS: &str = "a client answers an open plan";

const BEGINS: &str = "a budget begins once, and before it shows a head";
const SHOWS: &str = "a client's budget heads go forward";

fn begins(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::BudgetBegun { .. })
}

fn shows(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::BudgetShown { .. })
}

/// The head that the event shows, or one as client 1 shows after its first use.
fn shown(moment: &Moment) -> Option<BudgetHead> {
    match &moment.event {
        CoordinatorEvent::BudgetShown { head } => Some(BudgetHead::clone(head)),
        CoordinatorEvent::BudgetBegun { client, first } => Some(BudgetHead {
            client: *client,
            population: first.population,
            counter: 1,
            spent: Accounts::zero(),
            plan: Digest::ZERO,
            charged: Default::default(),
            others: Vec::new(),
            day: LastDay::NONE,
            epoch: 1,
            owner: first.owner,
            signature: first.signature.clone(),
        }),
        _ => None,
    }
}

fn over(moment: &mut Moment) {
    moment.record.finished = Some(true);
}

fn unopened(moment: &mut Moment) {
    moment.record.plan = None;
}

fn opens(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::SessionOpened { .. })
}

fn closes(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::SessionClosed { .. })
}

fn starts(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { .. })
}

fn trains(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { descriptor } if descriptor.kind == RoundKind::Train)
}

fn evaluates(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { descriptor } if descriptor.kind == RoundKind::Evaluation)
}

fn admits(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::UpdateAdmitted { client: ClientId(5), .. })
}

fn freezes(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::SurvivorsFrozen { .. })
}

fn certifies(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::QuorumReached { .. })
}

fn commits(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundCommitted { .. })
}

fn releases(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::ModelReleased { .. })
}

fn finishes(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::PlanFinished { .. })
}

/// The rows up to the survivor set.
const BEFORE: [Row; 23] = [
    (
        "a ledger opens one plan",
        |event| matches!(event, CoordinatorEvent::PlanOpened { .. }),
        |moment| {
            moment.record.plan = Some(Digest::ZERO);
        },
    ),
    (ONE_SET_UP, opens, unopened),
    (ONE_SET_UP, opens, over),
    (ONE_SET_UP, opens, |moment| moment.record.keying = Some(SessionId([9; 32]))),
    (ONE_SET_UP, opens, |moment| {
        if let CoordinatorEvent::SessionOpened { session, .. } = moment.event {
            moment.record.sessions.push((session, Digest::ZERO));
        }
    }),
    (
        "the session that is keyed is the one that was opened",
        |event| matches!(event, CoordinatorEvent::SessionKeyed { .. }),
        |moment| moment.record.keying = Some(SessionId([9; 32])),
    ),
    ("a session closes once, and after its round", closes, |moment| {
        moment.record.sessions.clear();
        moment.record.keying = None;
    }),
    ("a session closes once, and after its round", closes, |moment| {
        moment.reopen();
        if let (Some(open), CoordinatorEvent::SessionClosed { session, .. }) = (&mut moment.record.round, &moment.event)
        {
            open.session = *session;
        }
    }),
    (STARTS, starts, over),
    (STARTS, starts, unopened),
    (STARTS, starts, |moment| moment.record.sessions.clear()),
    (STARTS, starts, |moment| moment.record.sessions[0].0 = SessionId([9; 32])),
    (STARTS, starts, |moment| moment.record.sessions[0].1.0[0] ^= 1),
    (STARTS, trains, Moment::reopen),
    ("rounds increase strictly", starts, |moment| moment.record.last_round = 1),
    ("a round starts from the current model, an evaluation from the released one", trains, |moment| {
        moment.record.model = Some(Digest::ZERO);
    }),
    ("a round starts from the current model, an evaluation from the released one", evaluates, |moment| {
        moment.record.released = moment.record.model.map(|model| Digest::of(model.as_bytes()));
    }),
    ("training and statistics come before the release, an evaluation behind it", trains, |moment| {
        moment.record.released = Some(Digest::ZERO);
    }),
    ("a round belongs to the plan", trains, |moment| moment.record.plan = Some(Digest::ZERO)),
    (COLLECTS, admits, |moment| moment.record.round = None),
    (COLLECTS, admits, |moment| moment.record.survivors = Some(Digest::ZERO)),
    ("one update for each client and round", admits, |moment| {
        moment.record.admitted.insert(ClientId(5), Digest::ZERO);
    }),
    ("one survivor set for each round", freezes, |moment| moment.record.round = None),
];

/// The rows behind it.
const BEHIND: [Row; 38] = [
    ("one survivor set for each round", freezes, |moment| moment.record.survivors = Some(Digest::ZERO)),
    ("the survivors are those whose updates were admitted", freezes, |moment| {
        moment.record.admitted.remove(&ClientId(5));
    }),
    (FOLLOWS, certifies, |moment| moment.record.round = None),
    (FOLLOWS, certifies, |moment| moment.record.survivors = None),
    (FOLLOWS, commits, |moment| moment.record.round = None),
    (FOLLOWS, commits, |moment| moment.record.survivors = None),
    ("a counting round moves no model", commits, |moment| moment.record.model = Some(Digest::ZERO)),
    ("the round that is aborted is the open one", commits, |moment| {
        let round = moment.record.round.take().expect("a round is open").round;
        moment.event = CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Deadline };
    }),
    (ANSWERS, starts, |moment| {
        over(moment);
        let (client, code) = (ClientId(5), RefusalCode::Unexpected);
        moment.event = CoordinatorEvent::ClientRefused { client, code, signature: None };
    }),
    (ANSWERS, starts, |moment| {
        unopened(moment);
        moment.event = CoordinatorEvent::ClientChargedMore { client: ClientId(5), charged: Default::default() };
    }),
    (BEGINS, begins, over),
    (BEGINS, begins, |moment| {
        moment.record.begun.insert(ClientId(1));
    }),
    (BEGINS, begins, |moment| {
        let head = shown(moment).expect("the next event is the client's head");
        moment.record.heads.insert(ClientId(1), head);
    }),
    (SHOWS, shows, over),
    (SHOWS, shows, |moment| {
        let head = shown(moment).expect("it is a head");
        moment.record.heads.insert(head.client, BudgetHead { counter: head.counter + 1, ..head });
    }),
    (SHOWS, shows, |moment| {
        let head = shown(moment).expect("it is a head");
        moment.record.heads.insert(head.client, BudgetHead { spent: counting_plan().round_charge, ..head });
    }),
    (SHOWS, shows, |moment| {
        let head = shown(moment).expect("it is a head");
        moment.record.heads.insert(head.client, BudgetHead { population: Digest::of(b"others"), ..head });
    }),
    (RELEASES, releases, over),
    (RELEASES, releases, unopened),
    (RELEASES, releases, Moment::reopen),
    (RELEASES, releases, |moment| moment.record.released = Some(Digest::ZERO)),
    ("a client is evicted once, from an open plan", starts, |moment| {
        evict(moment);
        over(moment);
    }),
    ("a client is evicted once, from an open plan", starts, |moment| {
        evict(moment);
        moment.record.evicted.insert(ClientId(5), EvictionReason::DealtFalsely);
    }),
    (FINISHES, finishes, over),
    (FINISHES, finishes, unopened),
    (FINISHES, finishes, Moment::reopen),
    (FINISHES, finishes, |moment| moment.record.keying = Some(SessionId([9; 32]))),
    (FINISHES, finishes, |moment| moment.record.sessions.push((SessionId([9; 32]), Digest::ZERO))),
    ("a plan finishes with the model that was released", finishes, |moment| moment.record.released = None),
    ("a plan finishes with the model that was released", finishes, |moment| {
        moment.record.released = Some(Digest::ZERO);
    }),
    (ADOPTS, finishes, |moment| {
        adopt(moment, 1);
        over(moment);
    }),
    (ADOPTS, finishes, |moment| {
        adopt(moment, 1);
        unopened(moment);
    }),
    (ADOPTS, finishes, |moment| {
        adopt(moment, 1);
        moment.reopen();
    }),
    (ADOPTS, finishes, |moment| {
        adopt(moment, 1);
        moment.record.keying = Some(SessionId([9; 32]));
    }),
    (ADOPTS, finishes, |moment| {
        adopt(moment, 1);
        moment.record.sessions.push((SessionId([9; 32]), Digest::ZERO));
    }),
    ("rosters go forward", finishes, |moment| adopt(moment, 0)),
    ("rosters go forward", finishes, |moment| {
        adopt(moment, 1);
        moment.record.roster = None;
    }),
    (COLLECTS, admits, |moment| {
        if let CoordinatorEvent::UpdateAdmitted { round, .. } = &mut moment.event {
            round.0 += 1;
        }
    }),
];

fn evict(moment: &mut Moment) {
    moment.event = CoordinatorEvent::ClientEvicted { client: ClientId(5), reason: EvictionReason::Strikes };
    assert_eq!(moment.record.check(&moment.event), Ok(()));
}

/// A roster so many epochs ahead.
fn adopt(moment: &mut Moment, ahead: u64) {
    let last = moment.record.roster.expect("a roster is in force");
    moment.event =
        CoordinatorEvent::RosterAdopted { head: RosterHead { epoch: last.epoch + ahead, ..last }, group_size: 9 };
    assert_eq!(moment.record.check(&moment.event).is_ok(), ahead > 0);
}

#[test]
fn an_event_that_breaks_one_rule_is_out_of_order() {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    let rows: Vec<&Row> = BEFORE.iter().chain(&BEHIND).collect();
    for (number, (rule, is, change)) in rows.into_iter().enumerate() {
        let mut moment = Moment::before(&world.events, *is);
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        change(&mut moment);
        assert_eq!(moment.record.check(&moment.event), Err(OutOfOrder(rule)), "row {number}");
    }
}

/// A ledger that is read back is judged event by event.
#[test]
fn a_ledger_that_contradicts_itself_is_not_replayed() {
    let mut world = World::new(9, counting_plan());
    world.connect_all();
    world.run();
    assert!(CoordinatorRecord::replay(&world.events).is_ok());
    let news = |event: &CoordinatorEvent| {
        !matches!(event, CoordinatorEvent::BudgetBegun { .. } | CoordinatorEvent::BudgetShown { .. })
    };
    let first = world.events.iter().enumerate().filter(|(_, event)| news(event)).map(|(index, _)| index);
    for left_out in first.take(4).collect::<Vec<_>>() {
        let events = world.events.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, event)| event);
        assert!(CoordinatorRecord::replay(events).is_err(), "without event {left_out}");
    }
}
