//! The coordinator's durable state: exactly what its ledger says.

use alloc::collections::BTreeMap;

use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::ClosedReason;
use crate::round::descriptor::RoundDescriptor;
use crate::round::event::CoordinatorEvent;

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
    /// The open session.
    pub session: Option<SessionId>,
    /// The open round.
    pub round: Option<RoundDescriptor>,
    /// Uploads in the open round's sum.
    pub admitted: BTreeMap<ClientId, Digest>,
    /// The open round's survivor set as acknowledged.
    pub survivors: Option<Digest>,
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
            CoordinatorEvent::SessionOpened { .. } => rule(
                opened && self.session.is_none() && self.round.is_none(),
                "a session opens after the one before it closed",
            ),
            CoordinatorEvent::SessionKeyed { session, .. } => {
                rule(self.session == Some(*session), "the session that is keyed is the open one")
            }
            CoordinatorEvent::SessionClosed { session, .. } => {
                rule(self.session == Some(*session) && self.round.is_none(), "a session closes after its round")
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                rule(
                    opened && self.session == Some(descriptor.session) && self.round.is_none(),
                    "a round starts in the open session after the one before it ended",
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
            CoordinatorEvent::PlanFinished { .. } => {
                rule(opened && self.round.is_none() && self.session.is_none(), "a plan finishes outside sessions")
            }
        }
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &CoordinatorEvent) {
        match event {
            CoordinatorEvent::PlanOpened { plan, .. } => {
                self.model = Some(plan.initial_model);
                self.plan = Some(plan.digest());
            }
            CoordinatorEvent::SessionOpened { session, .. } => self.session = Some(*session),
            CoordinatorEvent::SessionClosed { .. } => self.session = None,
            CoordinatorEvent::RoundStarted { descriptor } => {
                self.last_round = descriptor.round.0;
                self.charged = self.charged.saturating_add(1);
                self.round = Some(descriptor.clone());
            }
            CoordinatorEvent::UpdateAdmitted { client, vector, .. } => {
                self.admitted.insert(*client, *vector);
            }
            CoordinatorEvent::SurvivorsFrozen { digest, .. } => self.survivors = Some(*digest),
            CoordinatorEvent::RoundCommitted { model, .. } => {
                self.committed = self.committed.saturating_add(1);
                self.model = Some(*model);
                self.close_round();
            }
            CoordinatorEvent::RoundAborted { .. } => self.close_round(),
            CoordinatorEvent::PlanFinished { complete, .. } => self.finished = Some(*complete),
            CoordinatorEvent::SessionKeyed { .. }
            | CoordinatorEvent::QuorumReached { .. }
            | CoordinatorEvent::ClientRefused { .. } => {}
        }
    }

    fn close_round(&mut self) {
        self.round = None;
        self.admitted.clear();
        self.survivors = None;
    }

    /// The events that close what a stopped process left open.
    #[must_use]
    pub fn closing(&self, reason: ClosedReason) -> alloc::vec::Vec<CoordinatorEvent> {
        let round = self.round.as_ref().map(|open| CoordinatorEvent::RoundAborted { round: open.round, reason });
        let session = self.session.map(|session| CoordinatorEvent::SessionClosed { session, reason });
        round.into_iter().chain(session).collect()
    }
}
