//! What a ledger says that a statement needs.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Attestation, Plan, PrivacyMode};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{CoordinatorEvent, RunRecord};

use super::parts::{Figures, Release};
use super::stated::Stated;
use tributary_model::privacy::accountant::{GaussianDp, PrivacyLoss, SampledRound};
use tributary_model::privacy::epsilon_of;
use tributary_model::stage::{self, StageSettings};

/// A ledger without a plan states nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger holds no plan yet, so there is nothing to state; start the coordinator once")]
pub struct NothingStated;

/// A plan, and what was done under it.
#[derive(Clone, Debug)]
pub struct Facts {
    plan: Plan,
    /// What the settings of each stage say; nothing where this version cannot read them.
    settings: Vec<Option<StageSettings>>,
    record: RunRecord,
    delta: f64,
    survivors_fewest: Option<u32>,
    honest_fewest: Option<u32>,
    honest_most: Option<u32>,
    survivors_open: Option<u32>,
    pub(super) aborted: u32,
    pub(super) refused: u32,
    pub(super) charged_more: u32,
}

impl Facts {
    /// Reads the events of a coordinator's ledger.
    ///
    /// # Errors
    /// [`NothingStated`] if they do not begin with a run of a valid plan.
    pub fn read<'a>(events: impl IntoIterator<Item = &'a CoordinatorEvent>) -> Result<Self, NothingStated> {
        let mut events = events.into_iter();
        let mut facts = Self::begin(events.next().ok_or(NothingStated)?)?;
        events.for_each(|event| facts.take(event));
        Ok(facts)
    }

    /// What the first event of a ledger says.
    ///
    /// # Errors
    /// [`NothingStated`] if it opens no run of a valid plan.
    pub(crate) fn begin(opened: &CoordinatorEvent) -> Result<Self, NothingStated> {
        if !matches!(opened, CoordinatorEvent::RunOpened { .. }) {
            return Err(NothingStated);
        }
        let mut record = RunRecord::default();
        record.apply(opened);
        let plan = record.plan().ok_or(NothingStated)?.clone();
        let settings = plan.stages.iter().map(|stage| StageSettings::decode(&stage.kind, &stage.settings).ok());
        Ok(Self {
            settings: settings.collect(),
            delta: plan.delta(),
            plan,
            record,
            survivors_fewest: None,
            honest_fewest: None,
            honest_most: None,
            survivors_open: None,
            aborted: 0,
            refused: 0,
            charged_more: 0,
        })
    }

    /// What the events so far come to.
    pub(crate) fn record(&self) -> &RunRecord {
        &self.record
    }

    /// The next event.
    pub(crate) fn take(&mut self, event: &CoordinatorEvent) {
        let fewest = |least: Option<u32>, now: Option<u32>| least.into_iter().chain(now).min();
        match event {
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => {
                self.survivors_open = u32::try_from(survivors.len()).ok();
            }
            CoordinatorEvent::RoundCommitted { .. } => {
                let honest = self.record.round.as_ref().map(|round| round.honest_min);
                self.survivors_fewest = fewest(self.survivors_fewest, self.survivors_open);
                self.honest_fewest = fewest(self.honest_fewest, honest);
                self.honest_most = self.honest_most.max(honest);
            }
            CoordinatorEvent::RoundAborted { .. } => self.aborted += 1,
            CoordinatorEvent::ClientRefused { .. } => self.refused += 1,
            CoordinatorEvent::ClientChargedMore { .. } => self.charged_more += 1,
            _ => {}
        }
        self.record.apply(event);
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan's stages, in order.
    pub(super) fn stages(&self) -> impl Iterator<Item = Stated<'_>> {
        let stages = (0..).zip(&self.plan.stages).zip(&self.settings);
        stages.map(|((number, terms), settings)| Stated { number, terms, settings: settings.as_ref() })
    }

    /// Who put the plan forward and who approved it, by their staff numbers.
    pub(super) fn signers(&self) -> [String; 2] {
        let signed = self.record.approvals.as_ref();
        let name = |signer: fn(&Approvals) -> &Attestation| {
            signed.map_or_else(String::new, |both| signer(both).staff.to_string())
        };
        [name(|both| &both.proposal), name(|both| &both.approval)]
    }

    /// Which of the plan's runs this is, from 1.
    pub(super) fn run_number(&self) -> u32 {
        self.record.reference().map_or(0, |reference| reference.number)
    }

    /// Members of the plan's group, by the newest roster that was adopted.
    pub(super) fn group_size(&self) -> u32 {
        u32::try_from(self.record.group_size()).unwrap_or(u32::MAX)
    }

    pub(super) fn released(&self) -> Option<Digest> {
        self.record.released()
    }

    pub(super) fn finished(&self) -> Option<bool> {
        self.record.finished
    }

    /// Who ended the plan for good, by an order.
    pub(super) fn aborted_by(&self) -> Option<String> {
        self.record.orders.aborted().map(|order| order.staff.to_string())
    }

    pub(super) fn evicted(&self) -> usize {
        self.record.evicted.len()
    }

    pub(super) fn committed(&self, stage: &Stated<'_>) -> u32 {
        self.record.committed(stage.number)
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

    /// Everything that this run has charged.
    #[must_use]
    pub fn spent(&self) -> Accounts {
        let spent = |stage: Stated<'_>| stage.terms.charge.times(self.record.charged(stage.number).into());
        self.stages().map(spent).fold(Accounts::zero(), |sum, charge| sum.plus(&charge))
    }

    /// The tight epsilon of so many rounds of each stage, of whose noise one part in `share_of` counts: exact where everybody is in every
    /// release, by loss distributions where coins decide.
    fn tight(&self, rounds: impl Fn(&Stated<'_>) -> u32, share_of: u128) -> Option<f64> {
        let stages = self.stages().filter(|stage| rounds(stage) > 0);
        let releases: Vec<(SampledRound, u32)> = stages
            .map(|stage| {
                let variance = stage.terms.noise_variance.div_ceil(share_of);
                let noise_multiplier = stage::noise_multiplier(variance, stage.terms.sensitivity_squared);
                let release = SampledRound { noise_multiplier, ..stage::release(stage.terms) };
                (release, rounds(&stage).saturating_mul(stage.terms.releases))
            })
            .collect();
        if releases.is_empty() {
            return Some(0.0);
        }
        let epsilon = if self.plan.stages.iter().all(|stage| stage.sampling_threshold == 0) {
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
        let smallest = rule.smallest_cohort(self.record.group_size());
        let planned = smallest.map_or(rule.honest_min, |(_, thresholds)| thresholds.honest_min);
        u128::from(self.honest_most.unwrap_or(planned.into()).max(1))
    }

    /// Epsilon of the dearest round, by the bound that is enforced.
    pub(super) fn epsilon_of_one(&self) -> Option<f64> {
        self.stages().filter_map(|stage| self.enforced(&stage.terms.charge)).max_by(f64::total_cmp)
    }

    /// Epsilon of the dearest round where everybody else works together against a participant that adds its share.
    pub(super) fn collusion_of_one(&self) -> Option<f64> {
        if !self.noised() {
            return None;
        }
        let one = |stage: Stated<'_>| self.tight(|other| u32::from(other.number == stage.number), self.shares());
        self.stages().map(one).try_fold(0.0, |most: f64, epsilon| epsilon.map(|epsilon| most.max(epsilon)))
    }

    /// The tight epsilon where everybody else works together, over all that may be charged: the retries in the stage where they cost most.
    fn collusion(&self) -> Option<f64> {
        if !self.noised() {
            return None;
        }
        let retrying = self.stages().filter(|stage| stage.terms.may_retry()).map(|stage| Some(stage.number));
        let placed: Vec<Option<u16>> = retrying.collect();
        let placed = if placed.is_empty() { vec![None] } else { placed };
        let of = |retried: Option<u16>| {
            let retries = |stage: &Stated<'_>| if retried == Some(stage.number) { self.plan.retries } else { 0 };
            self.tight(|stage| stage.terms.rounds.saturating_add(retries(stage)), self.shares())
        };
        placed.into_iter().map(of).try_fold(0.0, |most: f64, epsilon| epsilon.map(|epsilon| most.max(epsilon)))
    }

    pub(super) fn figures(&self) -> Figures {
        let (plan, noised) = (&self.plan, self.noised());
        Figures {
            delta: noised.then_some(self.delta),
            epsilon_plan: self.enforced(&plan.charge_max()),
            epsilon_run: self.enforced(&plan.charge_of_run()),
            epsilon_spent: self.enforced(&self.spent()),
            epsilon_customer_plan: self.for_a_customer(&plan.charge_max()),
            epsilon_customer_spent: self.for_a_customer(&self.spent()),
            epsilon_spent_tight: if noised { self.tight(|stage| self.record.charged(stage.number), 1) } else { None },
            epsilon_collusion: self.collusion(),
            rounds: plan.rounds(),
            rounds_charged: self.record.charged.iter().copied().fold(0, u32::saturating_add),
            rounds_charged_max: plan.rounds_charged_max(),
            survivors_fewest: self.survivors_fewest,
            honest_fewest: self.honest_fewest,
            overlap_max: plan.overlap_max,
        }
    }

    pub(super) fn releases(&self) -> Vec<Release> {
        let release = |stage: Stated<'_>| {
            let terms = stage.terms;
            let retries = if terms.may_retry() { self.plan.retries } else { 0 };
            let charged_max = terms.rounds.saturating_add(retries);
            let as_accountants_see_it = stage::release(terms);
            Release {
                stage: stage.counted(),
                kind: terms.kind.clone(),
                content: super::words::content(&stage).into(),
                coordinates: terms.dimension as usize,
                committed: self.committed(&stage),
                charged: self.record.charged(stage.number),
                charged_max,
                noise_multiplier: self.noised().then_some(as_accountants_see_it.noise_multiplier),
                sampling_rate: as_accountants_see_it.sampling_probability,
                epsilon_max: self.enforced(&terms.charge.times(charged_max.into())),
            }
        };
        self.stages().map(release).collect()
    }
}
