//! The coordinator's durable state: exactly what its ledger says.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::budget::BudgetHead;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::ClosedReason;
use crate::plan::{Plan, RoundKind};
use crate::roster::RosterHead;
use crate::round::descriptor::RoundDescriptor;
use crate::round::event::{CoordinatorEvent, EvictionReason};

/// State after a list of events; `replay(ledger) == state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoordinatorRecord {
    /// Digest of the plan, once opened.
    pub plan: Option<Digest>,
    /// The roster in force.
    pub roster: Option<RosterHead>,
    /// Members of the plan's group in it.
    pub group_size: u32,
    /// Digest of the current model.
    pub model: Option<Digest>,
    /// The last round that was started; the next one is larger.
    pub last_round: u64,
    /// Rounds committed, by [`RoundKind::number`].
    pub committed: [u32; 3],
    /// Rounds started, each of which every participant charged or may have charged, by [`RoundKind::number`].
    pub charged: [u32; 3],
    /// L2 bound of a branch's difference of models in the next round, as the bits of an `f64`; 0 where nothing of the kind is uploaded.
    pub update_clip_norm_bits: u64,
    /// The model to release, once training is over.
    pub released: Option<Digest>,
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
    /// Updates of each client that arrived, by [`RoundKind::number`].
    pub updates: BTreeMap<ClientId, [u32; 3]>,
    /// The last budget head that each client showed when it accepted the plan.
    pub heads: BTreeMap<ClientId, BudgetHead>,
    /// Clients whose budget was begun in this ledger.
    pub begun: BTreeSet<ClientId>,
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

    /// Rounds of a kind that were committed.
    #[must_use]
    pub fn committed(&self, kind: RoundKind) -> u32 {
        self.committed[usize::from(kind.number())]
    }

    /// Rounds of a kind that were started.
    #[must_use]
    pub fn charged(&self, kind: RoundKind) -> u32 {
        self.charged[usize::from(kind.number())]
    }

    /// Whether an update of a client arrived under this plan.
    #[must_use]
    pub fn took_part(&self, client: ClientId) -> bool {
        self.updates.contains_key(&client)
    }

    /// The kind of the next round, in the order of a plan: statistics, training, evaluation. Nothing when the plan is over, but for the
    /// release.
    #[must_use]
    pub fn next_kind(&self, plan: &Plan) -> Option<RoundKind> {
        let fresh = |kind| plan.rounds_of(kind) > 0 && self.charged(kind) == 0;
        let train = RoundKind::Train;
        let training = self.committed(train) < plan.rounds && self.charged(train) < plan.rounds_charged_max;
        if self.released.is_none() && training {
            let first = fresh(RoundKind::Statistics) && self.charged(train) == 0;
            return Some(if first { RoundKind::Statistics } else { train });
        }
        fresh(RoundKind::Evaluation).then_some(RoundKind::Evaluation)
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
                let model = match descriptor.kind {
                    RoundKind::Evaluation => self.released,
                    RoundKind::Train | RoundKind::Statistics => self.model,
                };
                rule(
                    Some(descriptor.model) == model,
                    "a round starts from the current model, an evaluation from the released one",
                )?;
                rule(
                    (descriptor.kind == RoundKind::Evaluation) == self.released.is_some(),
                    "training and statistics come before the release, an evaluation behind it",
                )?;
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
            CoordinatorEvent::QuorumReached { round, .. } => {
                rule(in_round(round) && self.survivors.is_some(), "a quorum and a commit follow a survivor set")
            }
            CoordinatorEvent::RoundCommitted { round, model, .. } => {
                rule(in_round(round) && self.survivors.is_some(), "a quorum and a commit follow a survivor set")?;
                let trains = self.round.as_ref().is_some_and(|open| open.kind == RoundKind::Train);
                rule(trains || Some(*model) == self.model, "a counting round moves no model")
            }
            CoordinatorEvent::RoundAborted { round, .. } => {
                rule(in_round(round), "the round that is aborted is the open one")
            }
            CoordinatorEvent::ClientRefused { .. } | CoordinatorEvent::ClientChargedMore { .. } => {
                rule(opened, "a client answers an open plan")
            }
            CoordinatorEvent::BudgetBegun { client, .. } => {
                let first = !self.begun.contains(client) && !self.heads.contains_key(client);
                rule(opened && first, "a budget begins once, and before it shows a head")
            }
            CoordinatorEvent::BudgetShown { head } => {
                let last = self.heads.get(&head.client);
                rule(opened && last.is_none_or(|last| head.follows(last)), "a client's budget heads go forward")
            }
            CoordinatorEvent::ModelReleased { .. } => {
                rule(opened && self.round.is_none() && self.released.is_none(), "one model is released, between rounds")
            }
            CoordinatorEvent::ClientEvicted { client, .. } => {
                rule(opened && !self.evicted.contains_key(client), "a client is evicted once, from an open plan")
            }
            CoordinatorEvent::PlanFinished { model, .. } => {
                let outside = self.round.is_none() && self.keying.is_none() && self.sessions.is_empty();
                rule(opened && outside, "a plan finishes outside sessions")?;
                rule(self.released == Some(*model), "a plan finishes with the model that was released")
            }
            CoordinatorEvent::RosterAdopted { head, .. } => {
                let outside = self.round.is_none() && self.keying.is_none() && self.sessions.is_empty();
                rule(opened && outside, "a roster is adopted outside sessions, in an open plan")?;
                rule(self.roster.is_some_and(|last| head.epoch > last.epoch), "rosters go forward")
            }
        }
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &CoordinatorEvent) {
        match event {
            CoordinatorEvent::PlanOpened { plan, roster, group_size, .. } => {
                (self.roster, self.group_size) = (Some(*roster), *group_size);
                self.model = Some(plan.initial_model);
                self.update_clip_norm_bits = plan.local.map_or(0, |local| local.update_clip_norm_bits);
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
                let charged = &mut self.charged[usize::from(descriptor.kind.number())];
                *charged = charged.saturating_add(1);
                self.descriptor = Some(descriptor.digest());
                self.round = Some(descriptor.clone());
            }
            CoordinatorEvent::BudgetBegun { client, .. } => {
                self.begun.insert(*client);
            }
            CoordinatorEvent::BudgetShown { head } => {
                self.heads.insert(head.client, BudgetHead::clone(head));
            }
            CoordinatorEvent::UpdateAdmitted { client, vector, .. } => {
                self.admitted.insert(*client, *vector);
                if let Some(open) = &self.round {
                    let updates = &mut self.updates.entry(*client).or_default()[usize::from(open.kind.number())];
                    *updates = updates.saturating_add(1);
                }
            }
            CoordinatorEvent::SurvivorsFrozen { digest, .. } => self.survivors = Some(*digest),
            CoordinatorEvent::RoundCommitted { model, update_clip_norm_bits, .. } => {
                if let Some(open) = &self.round {
                    let committed = &mut self.committed[usize::from(open.kind.number())];
                    *committed = committed.saturating_add(1);
                }
                self.model = Some(*model);
                self.update_clip_norm_bits = *update_clip_norm_bits;
                self.close_round();
            }
            CoordinatorEvent::ModelReleased { model } => self.released = Some(*model),
            CoordinatorEvent::RoundAborted { .. } => self.close_round(),
            CoordinatorEvent::PlanFinished { complete, .. } => self.finished = Some(*complete),
            CoordinatorEvent::RosterAdopted { head, group_size } => {
                (self.roster, self.group_size) = (Some(*head), *group_size);
            }
            CoordinatorEvent::QuorumReached { .. }
            | CoordinatorEvent::ClientRefused { .. }
            | CoordinatorEvent::ClientChargedMore { .. } => {}
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
