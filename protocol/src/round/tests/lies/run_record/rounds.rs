//! Rows about rounds: how they start, whom they admit, who signs for them, and how they end.

use super::orders::{APPROVED, ORDERED, ordered, revoked, unapproved};
use super::{Moment, NINTH, OVER, Row, STRANGER, trains};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::ClosedReason;
use crate::round::{CoordinatorEvent, EvictionReason, RoundDescriptor};
use crate::secagg::modular::Ring;

const STARTS: &str = "a round starts in the first keyed session, after the one before it ended";
const INCREASE: &str = "rounds increase strictly";
const DUE: &str = "a round is of the stage that is due, within what the plan may charge";
const STATE: &str = "a round starts from the current public state";
const FOLLOWS: &str = "a round's descriptor follows from run and session";

fn descriptor(moment: &mut Moment) -> &mut RoundDescriptor {
    match &mut moment.event {
        CoordinatorEvent::RoundStarted { descriptor } => descriptor,
        _ => panic!("it starts"),
    }
}

pub(in super::super) const ROUND_STARTED: &[Row] = &[
    (OVER, trains, |moment| moment.record.finished = Some(true)),
    (APPROVED, trains, revoked),
    (APPROVED, trains, unapproved),
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

pub(in super::super) const UPDATE_ADMITTED: &[Row] = &[
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

pub(in super::super) const SURVIVORS_FROZEN: &[Row] = &[
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

pub(in super::super) const QUORUM_REACHED: &[Row] = &[
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

pub(in super::super) const ROUND_COMMITTED: &[Row] = &[
    (CERTIFIED, is!(RoundCommitted), |moment| moment.record.round = None),
    (CERTIFIED, is!(RoundCommitted), |moment| moment.record.certified = false),
    (CERTIFIED, is!(RoundCommitted), change!(RoundCommitted { round } => round.0 += 1)),
];

const ABORTED: &str = "the round that is aborted is the open one";

fn abort(moment: &mut Moment) {
    let round = moment.record.round.as_ref().expect("a round is open").round;
    moment.instead(CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Deadline });
}

pub(in super::super) const ROUND_ABORTED: &[Row] = &[
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
