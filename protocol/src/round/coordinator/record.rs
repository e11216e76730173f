//! The coordinator's durable state: exactly what its ledger says.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{ClosedReason, MaskedHeader};
use crate::round::descriptor::RoundDescriptor;
use crate::round::event::{CoordinatorEvent, EvictionReason};

/// State after a list of events; `replay(ledger) == state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoordinatorRecord {
    /// Digest of the plan, once opened.
    pub plan: Option<Digest>,
    /// Digest of the current model.
    pub model: Option<Digest>,
    /// The last round that was started; the next one is larger.
    pub last_round: u64,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds started, each of which every participant charged or may have charged.
    pub charged: u32,
    /// The set-up under way.
    pub keying: Option<SessionId>,
    /// Keyed sessions with their views, in the order of their rounds: rounds are started in the first.
    pub sessions: Vec<(SessionId, Digest)>,
    /// The open round.
    pub round: Option<RoundDescriptor>,
    /// Digest of its descriptor.
    pub descriptor: Option<Digest>,
    /// Uploads in the open round's sum.
    pub admitted: BTreeMap<ClientId, Digest>,
    /// The open round's survivor set as acknowledged.
    pub survivors: Option<Digest>,
    /// The last upload header that each client signed. Shown to it when it comes back: a budget file that is older is a restored one.
    pub headers: BTreeMap<ClientId, MaskedHeader>,
    /// Clients that are out of the plan.
    pub evicted: BTreeMap<ClientId, EvictionReason>,
    /// Whether the plan is over, and with every round committed.
    pub finished: Option<bool>,
}

/// An event that cannot follow the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recorded event cannot follow the ones before it: {0}")]
pub struct OutOfOrder(pub &'static str);

impl CoordinatorRecord {
    /// The state after all events.
    ///
    /// # Errors
    /// If an event cannot follow the ones before it, which no coordinator writes.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a CoordinatorEvent>) -> Result<Self, OutOfOrder> {
        let mut record = Self::default();
        for event in events {
            record.check(event)?;
            record.apply(event);
        }
        Ok(record)
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, event: &CoordinatorEvent) -> Result<(), OutOfOrder> {
        let rule = |holds: bool, text| if holds { Ok(()) } else { Err(OutOfOrder(text)) };
        let opened = self.plan.is_some() && self.finished.is_none();
        let in_round = |round: &RoundId| self.round.as_ref().is_some_and(|open| open.round == *round);
        match event {
            CoordinatorEvent::PlanOpened { .. } => rule(self.plan.is_none(), "a ledger opens one plan"),
            CoordinatorEvent::SessionOpened { session, .. } => rule(
                opened && self.keying.is_none() && self.keyed(session).is_none(),
                "one set-up at a time, and each for a new session",
            ),
            CoordinatorEvent::SessionKeyed { session, .. } => {
                rule(self.keying == Some(*session), "the session that is keyed is the one that was opened")
            }
            CoordinatorEvent::SessionClosed { session, .. } => {
                let in_use = self.round.as_ref().is_some_and(|open| open.session == *session);
                rule(
                    (self.keying == Some(*session) || self.keyed(session).is_some()) && !in_use,
                    "a session closes once, and after its round",
                )
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                let current =
                    self.sessions.first().is_some_and(|current| *current == (descriptor.session, descriptor.view));
                rule(
                    opened && current && self.round.is_none(),
                    "a round starts in the first keyed session after the one before it ended",
                )?;
                rule(descriptor.round.0 > self.last_round, "rounds increase strictly")?;
                rule(Some(descriptor.model) == self.model, "a round starts from the current model")?;
                rule(Some(descriptor.plan) == self.plan, "a round belongs to the plan")
            }
            CoordinatorEvent::UpdateAdmitted { round, client, .. } => {
                rule(in_round(round) && self.survivors.is_none(), "an update is admitted while the round collects")?;
                rule(!self.admitted.contains_key(client), "one update for each client and round")
            }
            CoordinatorEvent::SurvivorsFrozen { round, survivors, .. } => {
                rule(in_round(round) && self.survivors.is_none(), "one survivor set for each round")?;
                rule(survivors.iter().eq(self.admitted.keys()), "the survivors are those whose updates were admitted")
            }
            CoordinatorEvent::QuorumReached { round, .. } | CoordinatorEvent::RoundCommitted { round, .. } => {
                rule(in_round(round) && self.survivors.is_some(), "a quorum and a commit follow a survivor set")
            }
            CoordinatorEvent::RoundAborted { round, .. } => {
                rule(in_round(round), "the round that is aborted is the open one")
            }
            CoordinatorEvent::ClientRefused { .. } => rule(opened, "a refusal answers an open plan"),
            CoordinatorEvent::ClientEvicted { client, .. } => {
                rule(opened && !self.evicted.contains_key(client), "a client is evicted once, from an open plan")
            }
            CoordinatorEvent::PlanFinished { .. } => rule(
                opened && self.round.is_none() && self.keying.is_none() && self.sessions.is_empty(),
                "a plan finishes outside sessions",
            ),
        }
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &CoordinatorEvent) {
        match event {
            CoordinatorEvent::PlanOpened { plan, .. } => {
                self.model = Some(plan.initial_model);
                self.plan = Some(plan.digest());
            }
            CoordinatorEvent::SessionOpened { session, .. } => self.keying = Some(*session),
            CoordinatorEvent::SessionKeyed { session, view, .. } => {
                self.keying = None;
                self.sessions.push((*session, *view));
            }
            CoordinatorEvent::SessionClosed { session, .. } => {
                self.keying = self.keying.filter(|open| open != session);
                self.sessions.retain(|(open, _)| open != session);
            }
            CoordinatorEvent::ClientEvicted { client, reason } => {
                self.evicted.insert(*client, *reason);
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                self.last_round = descriptor.round.0;
                self.charged = self.charged.saturating_add(1);
                self.descriptor = Some(descriptor.digest());
                self.round = Some(descriptor.clone());
            }
            CoordinatorEvent::UpdateAdmitted { round, client, vector, signature } => {
                let descriptor = self.descriptor.unwrap_or(Digest::ZERO);
                let (round, vector, signature) = (*round, *vector, signature.clone());
                self.headers.insert(*client, MaskedHeader { round, descriptor, vector, signature });
                self.admitted.insert(*client, vector);
            }
            CoordinatorEvent::SurvivorsFrozen { digest, .. } => self.survivors = Some(*digest),
            CoordinatorEvent::RoundCommitted { model, .. } => {
                self.committed = self.committed.saturating_add(1);
                self.model = Some(*model);
                self.close_round();
            }
            CoordinatorEvent::RoundAborted { .. } => self.close_round(),
            CoordinatorEvent::PlanFinished { complete, .. } => self.finished = Some(*complete),
            CoordinatorEvent::QuorumReached { .. } | CoordinatorEvent::ClientRefused { .. } => {}
        }
    }

    fn close_round(&mut self) {
        self.round = None;
        self.descriptor = None;
        self.admitted.clear();
        self.survivors = None;
    }

    fn keyed(&self, session: &SessionId) -> Option<&(SessionId, Digest)> {
        self.sessions.iter().find(|(open, _)| open == session)
    }

    /// The events that close what a stopped process left open: its round and its set-up. Keyed sessions go on.
    #[must_use]
    pub fn interrupted(&self, reason: ClosedReason) -> Vec<CoordinatorEvent> {
        let round = self.round.as_ref().map(|open| CoordinatorEvent::RoundAborted { round: open.round, reason });
        let keying = self.keying.map(|session| CoordinatorEvent::SessionClosed { session, reason });
        round.into_iter().chain(keying).collect()
    }
}
