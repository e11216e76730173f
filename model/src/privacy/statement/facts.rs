//! What a ledger says that a statement needs.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Plan, PrivacyMode, RoundKind};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::CoordinatorEvent;

use super::{Figures, Release};
use crate::planned;
use crate::privacy::accountant::{GaussianDp, PrivacyLoss, SampledRound};
use crate::privacy::epsilon_of;

/// A ledger without a plan states nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger holds no plan yet, so there is nothing to state; start the coordinator once")]
pub struct NothingStated;

/// A plan, and what was done under it.
#[derive(Clone, Debug)]
pub struct Facts {
    plan: Plan,
    group_size: u32,
    delta: f64,
    charged: [u32; 3],
    committed: [u32; 3],
    released: Option<Digest>,
    finished: Option<bool>,
    survivors_fewest: Option<u32>,
    honest_fewest: Option<u32>,
    honest_most: Option<u32>,
    honest_open: Option<u32>,
    survivors_open: Option<u32>,
    pub(super) aborted: u32,
    pub(super) refused: u32,
    pub(super) evicted: u32,
    pub(super) charged_more: u32,
}

impl Facts {
    /// Reads the events of a coordinator's ledger.
    ///
    /// # Errors
    /// [`NothingStated`] if they do not begin with a plan.
    pub fn read<'a>(events: impl IntoIterator<Item = &'a CoordinatorEvent>) -> Result<Self, NothingStated> {
        let mut events = events.into_iter();
        let Some(CoordinatorEvent::PlanOpened { plan, delta_bits, group_size, .. }) = events.next() else {
            return Err(NothingStated);
        };
        let mut facts = Self {
            plan: Plan::clone(plan),
            group_size: *group_size,
            delta: f64::from_bits(*delta_bits),
            charged: [0; 3],
            committed: [0; 3],
            released: None,
            finished: None,
            survivors_fewest: None,
            honest_fewest: None,
            honest_most: None,
            honest_open: None,
            survivors_open: None,
            aborted: 0,
            refused: 0,
            evicted: 0,
            charged_more: 0,
        };
        let mut open = RoundKind::Train;
        for event in events {
            facts.take(event, &mut open);
        }
        Ok(facts)
    }

    fn take(&mut self, event: &CoordinatorEvent, open: &mut RoundKind) {
        let fewest = |least: Option<u32>, now: Option<u32>| least.into_iter().chain(now).min();
        match event {
            CoordinatorEvent::RoundStarted { descriptor } => {
                *open = descriptor.kind;
                self.charged[usize::from(open.number())] += 1;
                self.honest_open = Some(descriptor.honest_min);
            }
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => {
                self.survivors_open = u32::try_from(survivors.len()).ok();
            }
            CoordinatorEvent::RoundCommitted { .. } => {
                self.committed[usize::from(open.number())] += 1;
                self.survivors_fewest = fewest(self.survivors_fewest, self.survivors_open);
                self.honest_fewest = fewest(self.honest_fewest, self.honest_open);
                self.honest_most = self.honest_most.max(self.honest_open);
            }
            CoordinatorEvent::RoundAborted { .. } => self.aborted += 1,
            CoordinatorEvent::ClientRefused { .. } => self.refused += 1,
            CoordinatorEvent::ClientEvicted { .. } => self.evicted += 1,
            CoordinatorEvent::ClientChargedMore { .. } => self.charged_more += 1,
            CoordinatorEvent::ModelReleased { model } => self.released = Some(*model),
            CoordinatorEvent::PlanFinished { complete, .. } => self.finished = Some(*complete),
            CoordinatorEvent::RosterAdopted { group_size, .. } => self.group_size = *group_size,
            CoordinatorEvent::PlanOpened { .. }
            | CoordinatorEvent::BudgetBegun { .. }
            | CoordinatorEvent::BudgetShown { .. }
            | CoordinatorEvent::SessionOpened { .. }
            | CoordinatorEvent::SessionKeyed { .. }
            | CoordinatorEvent::SessionClosed { .. }
            | CoordinatorEvent::UpdateAdmitted { .. }
            | CoordinatorEvent::QuorumReached { .. } => {}
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Members of the plan's group, by the newest roster that was adopted.
    pub(super) fn group_size(&self) -> u32 {
        self.group_size
    }

    pub(super) fn released(&self) -> Option<Digest> {
        self.released
    }

    pub(super) fn finished(&self) -> Option<bool> {
        self.finished
    }

    pub(super) fn charged(&self, kind: RoundKind) -> u32 {
        self.charged[usize::from(kind.number())]
    }

    pub(super) fn committed(&self, kind: RoundKind) -> u32 {
        self.committed[usize::from(kind.number())]
    }

    fn noised(&self) -> bool {
        self.plan.privacy != PrivacyMode::None
    }

    /// Epsilon of a spend for the unit that the mode protects.
    fn enforced(&self, spent: &Accounts) -> Option<f64> {
        self.plan.privacy.unit().and_then(|unit| self.enforced_for(unit, spent))
    }

    fn enforced_for(&self, unit: Unit, spent: &Accounts) -> Option<f64> {
        Some(epsilon_of(spent.of(unit), self.delta).0).filter(|epsilon| epsilon.is_finite())
    }

    /// What a mode for branches costs a customer: it is not the unit, and its account is charged all the same.
    fn for_a_customer(&self, spent: &Accounts) -> Option<f64> {
        if self.plan.privacy.unit() == Some(Unit::Branch) { self.enforced_for(Unit::Customer, spent) } else { None }
    }

    /// Everything that was charged.
    #[must_use]
    pub fn spent(&self) -> Accounts {
        RoundKind::ALL
            .into_iter()
            .fold(Accounts::zero(), |sum, kind| sum.plus(&self.plan.charge(kind).times(self.charged(kind).into())))
    }

    /// The releases of a kind of round as accountants see them, at a variance, and how many there are in one round.
    fn release(&self, kind: RoundKind, variance: u128) -> (SampledRound, u32) {
        match self.plan.counting(kind) {
            None => {
                let noise_multiplier = planned::noise_multiplier(variance, self.plan.sensitivity_squared);
                let round = SampledRound { noise_multiplier, ..planned::release(&self.plan) };
                (round, planned::releases_per_round(&self.plan))
            }
            Some(counting) => {
                let noise_multiplier = planned::noise_multiplier(variance, counting.sensitivity_squared);
                (SampledRound { sampling_probability: 1.0, noise_multiplier }, 1)
            }
        }
    }

    /// The tight epsilon of so many rounds of each kind, of whose noise one part in `share_of` counts: exact where everybody is in every
    /// release, by loss distributions where coins decide.
    fn tight(&self, rounds: impl Fn(RoundKind) -> u32, share_of: u128) -> Option<f64> {
        let kinds = RoundKind::ALL.into_iter().filter(|kind| rounds(*kind) > 0);
        let releases: Vec<(SampledRound, u32)> = kinds
            .map(|kind| {
                let whole =
                    self.plan.counting(kind).map_or(self.plan.noise_variance, |counting| counting.noise_variance);
                let (round, releases) = self.release(kind, whole.div_ceil(share_of));
                (round, rounds(kind).saturating_mul(releases))
            })
            .collect();
        if releases.is_empty() {
            return Some(0.0);
        }
        let epsilon = if self.plan.sampling_threshold == 0 {
            let parts = releases
                .iter()
                .map(|(round, count)| GaussianDp::round(round.noise_multiplier).times(f64::from(*count)));
            parts.reduce(GaussianDp::plus).map_or(0.0, |all| all.epsilon_discrete(self.delta))
        } else {
            let loss = releases.iter().fold(PrivacyLoss::default(), |loss, (round, count)| loss.plus(*round, *count));
            loss.epsilon(self.delta).epsilon
        };
        Some(epsilon).filter(|epsilon| epsilon.is_finite())
    }

    /// Honest shares by which the noise is divided: the most of a sum that was opened, for its shares are the smallest; before the first
    /// sum, those of the smallest cohort by the plan's rule. In local mode every branch carries the whole noise.
    pub(super) fn shares(&self) -> u128 {
        if self.plan.privacy == PrivacyMode::Local {
            return 1;
        }
        let rule = &self.plan.cohort;
        let smallest = rule.smallest_cohort(usize::try_from(self.group_size).unwrap_or(usize::MAX));
        let planned = smallest.map_or(rule.honest_min, |(_, thresholds)| thresholds.honest_min);
        u128::from(self.honest_most.unwrap_or(planned.into()).max(1))
    }

    /// Epsilon of one round of a kind, by the bound that is enforced.
    pub(super) fn epsilon_of_one(&self, kind: RoundKind) -> Option<f64> {
        self.enforced(&self.plan.charge(kind))
    }

    /// Epsilon of one training round where everybody else works together against a participant that adds its share.
    pub(super) fn collusion_of_one(&self) -> Option<f64> {
        let one = |kind| u32::from(kind == RoundKind::Train);
        if self.noised() { self.tight(one, self.shares()) } else { None }
    }

    pub(super) fn figures(&self) -> Figures {
        let plan = &self.plan;
        let noised = self.noised();
        Figures {
            delta: noised.then_some(self.delta),
            epsilon_plan: self.enforced(&plan.charge_max()),
            epsilon_spent: self.enforced(&self.spent()),
            epsilon_customer_plan: self.for_a_customer(&plan.charge_max()),
            epsilon_customer_spent: self.for_a_customer(&self.spent()),
            epsilon_spent_tight: if noised { self.tight(|kind| self.charged(kind), 1) } else { None },
            epsilon_collusion: if noised { self.tight(|kind| plan.charged_max(kind), self.shares()) } else { None },
            noise_multiplier: noised.then(|| planned::release(plan).noise_multiplier),
            sampling_rate: planned::release(plan).sampling_probability,
            rounds: plan.rounds,
            rounds_charged: self.charged(RoundKind::Train),
            rounds_charged_max: plan.rounds_charged_max,
            survivors_fewest: self.survivors_fewest,
            honest_fewest: self.honest_fewest,
            overlap_max: plan.overlap_max,
        }
    }

    pub(super) fn releases(&self) -> Vec<Release> {
        let kinds = RoundKind::ALL.into_iter().filter(|kind| self.plan.rounds_of(*kind) > 0);
        kinds
            .map(|kind| Release {
                kind: kind.name(),
                content: super::words::content(&self.plan, kind),
                coordinates: self
                    .plan
                    .counting(kind)
                    .map_or((self.plan.parameters + self.plan.riders) as usize, |counting| counting.cells as usize),
                charged: self.charged(kind),
                charged_max: self.plan.charged_max(kind),
                epsilon_max: self.enforced(&self.plan.charge(kind).times(self.plan.charged_max(kind).into())),
            })
            .collect()
    }
}
