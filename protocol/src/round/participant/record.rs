//! The client's durable state: exactly what its budget file says.

use alloc::collections::BTreeMap;

use crate::digest::Digest;
use crate::ids::RoundId;
use crate::privacy::RdpVector;
use crate::roster::RosterHead;
use crate::round::event::ParticipantEvent;

/// State after a list of events; `replay(budget file) == state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRecord {
    /// Everything ever charged for this branch's customers, over all plans.
    pub spent: RdpVector,
    /// What each plan charged, and the last round that was used under it.
    pub plans: BTreeMap<Digest, PlanSpend>,
    /// The last survivor set that was acknowledged: plan, round, digest.
    pub acknowledged: Option<(Digest, RoundId, Digest)>,
    /// The newest roster that was accepted; an older one never will be.
    pub roster: Option<RosterHead>,
}

/// What one plan charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSpend {
    /// RDP charged.
    pub spent: RdpVector,
    /// Rounds charged.
    pub rounds: u32,
    /// The last round used; a later one must be larger.
    pub last_round: u64,
}

impl Default for ParticipantRecord {
    fn default() -> Self {
        Self { spent: RdpVector::zero(), plans: BTreeMap::new(), acknowledged: None, roster: None }
    }
}

impl ParticipantRecord {
    /// The state after all events.
    #[must_use]
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a ParticipantEvent>) -> Self {
        let mut record = Self::default();
        for event in events {
            record.apply(event);
        }
        record
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &ParticipantEvent) {
        match event {
            ParticipantEvent::BudgetCharged { plan, round, charge, .. } => {
                self.spent = self.spent.plus(charge);
                let entry = self.plans.entry(*plan).or_insert_with(|| PlanSpend {
                    spent: RdpVector::zero(),
                    rounds: 0,
                    last_round: 0,
                });
                entry.spent = entry.spent.plus(charge);
                entry.rounds = entry.rounds.saturating_add(1);
                entry.last_round = entry.last_round.max(round.0);
            }
            ParticipantEvent::SurvivorsAcknowledged { plan, round, survivors } => {
                self.acknowledged = Some((*plan, *round, *survivors));
            }
            ParticipantEvent::RosterAccepted { head } => self.roster = Some(*head),
            ParticipantEvent::PlanAccepted { .. }
            | ParticipantEvent::Uploaded { .. }
            | ParticipantEvent::SharesRevealed { .. }
            | ParticipantEvent::RoundClosed { .. }
            | ParticipantEvent::Refused { .. } => {}
        }
    }

    /// The last round used under a plan; 0 if none.
    #[must_use]
    pub fn last_round(&self, plan: &Digest) -> u64 {
        self.plans.get(plan).map_or(0, |spend| spend.last_round)
    }

    /// Rounds charged under a plan.
    #[must_use]
    pub fn rounds_charged(&self, plan: &Digest) -> u32 {
        self.plans.get(plan).map_or(0, |spend| spend.rounds)
    }
}
