//! The client's durable state: exactly what its budget file says.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;

use crate::digest::Digest;
use crate::ids::RoundId;
use crate::message::Charged;
use crate::plan::RoundKind;
use crate::privacy::Accounts;
use crate::roster::RosterHead;
use crate::round::event::ParticipantEvent;
use crate::time::Millis;

/// How far back rounds a day are counted, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// State after a list of events; `replay(budget file) == state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRecord {
    /// Whose budget this is.
    pub population: Option<String>,
    /// Everything ever charged for this branch and its customers, over all plans.
    pub spent: Accounts,
    /// What each plan charged, and the last round that was used under it.
    pub plans: BTreeMap<Digest, PlanSpend>,
    /// The last survivor set that was acknowledged: plan, round, digest.
    pub acknowledged: Option<(Digest, RoundId, Digest)>,
    /// The newest roster that was accepted; an older one never will be.
    pub roster: Option<RosterHead>,
    /// When rounds were charged within a day before the last one, by this machine's clock.
    day: VecDeque<Millis>,
}

/// What one plan charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSpend {
    /// RDP charged.
    pub spent: Accounts,
    /// Rounds charged by kind, and the last one used; a later one must be larger.
    pub charged: Charged,
}

impl Default for PlanSpend {
    fn default() -> Self {
        Self { spent: Accounts::zero(), charged: Charged::default() }
    }
}

impl Default for ParticipantRecord {
    fn default() -> Self {
        Self {
            population: None,
            spent: Accounts::zero(),
            plans: BTreeMap::new(),
            acknowledged: None,
            roster: None,
            day: VecDeque::new(),
        }
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
            ParticipantEvent::PopulationNamed { population } => {
                self.population.get_or_insert_with(|| population.clone());
            }
            ParticipantEvent::BudgetCharged { plan, round, kind, at, charge, .. } => {
                let charged = &mut self.charge(plan, charge).charged;
                let rounds = &mut charged.rounds[usize::from(kind.number())];
                *rounds = rounds.saturating_add(1);
                charged.last_round = charged.last_round.max(round.0);
                self.day.push_back(*at);
                // A clock that was set back makes times of the future; they count until it has passed them.
                while self.day.front().is_some_and(|first| first.plus(DAY_MS) <= *at) {
                    self.day.pop_front();
                }
            }
            ParticipantEvent::ChargesAdopted { plan, charged, charge } => {
                self.charge(plan, charge).charged = *charged;
            }
            ParticipantEvent::SurvivorsAcknowledged { plan, round, survivors } => {
                self.acknowledged = Some((*plan, *round, *survivors));
            }
            ParticipantEvent::RosterAccepted { head, .. } => self.roster = Some(*head),
            ParticipantEvent::PlanAccepted { .. }
            | ParticipantEvent::Uploaded { .. }
            | ParticipantEvent::SharesRevealed { .. }
            | ParticipantEvent::RoundClosed { .. }
            | ParticipantEvent::Refused { .. } => {}
        }
    }

    /// What a plan was charged.
    #[must_use]
    pub fn charged(&self, plan: &Digest) -> Charged {
        self.plans.get(plan).map(|spend| spend.charged).unwrap_or_default()
    }

    /// The last round used under a plan; 0 if none.
    #[must_use]
    pub fn last_round(&self, plan: &Digest) -> u64 {
        self.charged(plan).last_round
    }

    /// Rounds of a kind charged under a plan.
    #[must_use]
    pub fn rounds_charged(&self, plan: &Digest, kind: RoundKind) -> u32 {
        self.charged(plan).rounds[usize::from(kind.number())]
    }

    /// Rounds charged within the day before `now`, and at times that the clock has not reached yet.
    #[must_use]
    pub fn charged_within_a_day(&self, now: Millis) -> usize {
        self.day.iter().filter(|at| at.plus(DAY_MS) > now).count()
    }

    fn charge(&mut self, plan: &Digest, charge: &Accounts) -> &mut PlanSpend {
        self.spent = self.spent.plus(charge);
        let entry = self.plans.entry(*plan).or_default();
        entry.spent = entry.spent.plus(charge);
        entry
    }
}
