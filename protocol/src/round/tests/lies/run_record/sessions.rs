//! Rows about sessions: how they open, are keyed and close.

use alloc::vec::Vec;

use super::opening::of_no_group;
use super::orders::{APPROVED, ORDERED, ordered, revoked, unapproved};
use super::{FIRST, NINTH, OVER, Row, STRANGER};
use crate::ids::ClientId;
use crate::round::{CoordinatorEvent, EvictionReason, cast};
use crate::secagg::parameters::Thresholds;

const ONE_SET_UP: &str = "one set-up at a time, and each for a new session";
const CANDIDATES: &str = "candidates are named once, in ascending order";
const MEMBERS: &str = "candidates are members of the plan's group, and not out of the run";

pub(in super::super) const SESSION_OPENED: &[Row] = &[
    (FIRST, is!(SessionOpened), |moment| moment.record.run = None),
    (OVER, is!(SessionOpened), |moment| moment.record.finished = Some(true)),
    (APPROVED, is!(SessionOpened), revoked),
    (APPROVED, is!(SessionOpened), unapproved),
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
    (MEMBERS, is!(SessionOpened), of_no_group),
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

pub(in super::super) const SESSION_KEYED: &[Row] = &[
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

pub(in super::super) const SESSION_CLOSED: &[Row] = &[
    (CLOSES, is!(SessionClosed), |moment| (moment.record.keying, moment.record.sessions) = (None, Vec::new())),
    (CLOSES, is!(SessionClosed), |moment| {
        moment.reopen();
        if let (Some(open), CoordinatorEvent::SessionClosed { session, .. }) = (&mut moment.record.round, &moment.event)
        {
            open.session = *session;
        }
    }),
];
