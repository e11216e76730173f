//! What protects whom in a plan, and what one round of each kind costs.

use serde::{Deserialize, Serialize};

use super::{Plan, PlanFault, bounded, out_of_range};
use crate::defence::{Defence, stands};
use crate::digest::Canonical;
use crate::privacy::{Accounts, RdpVector, Unit};

/// Largest number of branches at which one customer may be, as a plan may assume it.
pub const OVERLAP_MAX: u16 = 16;
/// Most local steps of one round.
pub const LOCAL_STEPS_MAX: u32 = 1000;
/// Smallest learning rate of local steps: below, steps would make denormal numbers, whose arithmetic takes longer.
const LEARNING_RATE_MIN: f64 = 1e-9;
/// Smallest clip norm, of a customer's gradient and of a difference of models: no useful one is smaller, and the number of units that stand for
/// it, divided by it, stays far from what overflows.
pub const CLIP_NORM_MIN: f64 = 1e-3;
/// Largest clip norm, learning rate and loss bound.
const REAL_MAX: f64 = 1e6;

/// What protects the single customer, or the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PrivacyMode {
    /// Distributed discrete Gaussian noise under secure aggregation: customer-level (epsilon, delta) of everything that is released.
    Customer,
    /// Each branch's own differentially private gradient descent, several local steps a round: customer-level (epsilon, delta) of everything
    /// that leaves the branch, whoever adds what up.
    Local,
    /// Distributed noise against the whole update of a branch: (epsilon, delta) of a branch's data as one unit.
    Branch,
    /// Secure aggregation alone. Accepted only where plan **and** branch policy say so.
    None,
}

impl PrivacyMode {
    /// Every mode, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Local, Self::Branch, Self::None];

    /// The word in settings, policies and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Local => "local",
            Self::Branch => "branch",
            Self::None => "none",
        }
    }

    /// Stable number in what is digested.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Customer => 0,
            Self::None => 1,
            Self::Local => 2,
            Self::Branch => 3,
        }
    }

    /// Whose presence the noise is sized for; nobody's without noise.
    #[must_use]
    pub fn unit(self) -> Option<Unit> {
        match self {
            Self::Customer | Self::Local => Some(Unit::Customer),
            Self::Branch => Some(Unit::Branch),
            Self::None => None,
        }
    }

    /// Whether branches train several steps before they upload a difference of models.
    #[must_use]
    pub fn trains_locally(self) -> bool {
        matches!(self, Self::Local | Self::Branch)
    }
}

/// What a round is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RoundKind {
    /// Moves the model.
    Train,
    /// Counts customers by the values of their features, before the first training round. Moves nothing.
    Statistics,
    /// Counts customers by label and score of the released model, after the last training round. Moves nothing.
    Evaluation,
}

impl RoundKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Train, Self::Statistics, Self::Evaluation];

    /// The word in ledgers and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Statistics => "statistics",
            Self::Evaluation => "evaluation",
        }
    }

    /// Stable number in what is digested, and place in lists by kind.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Train => 0,
            Self::Statistics => 1,
            Self::Evaluation => 2,
        }
    }
}

/// How a branch trains between two uploads, in the modes that train locally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTraining {
    /// Gradient steps of one round, 1 to [`LOCAL_STEPS_MAX`].
    pub steps: u32,
    /// Step length on the mean gradient, as the bits of an `f64`.
    pub learning_rate_bits: u64,
    /// L2 bound of the difference of models that is uploaded, as the bits of an `f64`; `clip_units` of the plan stand for it. In the first
    /// round, where it adapts.
    pub update_clip_norm_bits: u64,
    /// Whether the bound follows the noised share of branches below it (Andrew et al. 2021). Branch mode only.
    pub adaptive: bool,
}

/// A round that counts customers in cells. Each customer adds one count to a fixed number of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Cells, which are the coordinates of the round.
    pub cells: u32,
    /// Bins of one histogram.
    pub bins: u32,
    /// Squared L2 sensitivity of all cells to one customer, in units squared; one count is `clip_units` units.
    pub sensitivity_squared: u128,
    /// Noise variance that the sum carries at least (in local mode: each branch's own), in units squared; 0 without noise.
    pub noise_variance: u128,
}

impl Counting {
    pub(super) fn canonical(self, body: Canonical) -> Canonical {
        body.u32(self.cells).u32(self.bins).u128(self.sensitivity_squared).u128(self.noise_variance)
    }

    fn check(&self, field: &'static str, plan: &Plan) -> Result<(), PlanFault> {
        bounded(field, self.cells.into(), 1, (crate::limits::DIMENSION_MAX - 64) as u128, "1 to 33554368 cells")?;
        bounded(field, self.bins.into(), 2, 1000, "2 to 1000 bins")?;
        let unit = u128::from(plan.clip_units).pow(2);
        let (low, high) = (unit, unit.saturating_mul(u128::from(self.cells)).saturating_mul(plan.overlap_squared()));
        bounded(field, self.sensitivity_squared, low, high, "a squared sensitivity of one count to one for each cell")?;
        match plan.privacy {
            PrivacyMode::None => bounded(field, self.noise_variance, 0, 0, "no noise, because privacy is none"),
            PrivacyMode::Customer | PrivacyMode::Local => {
                bounded(field, self.noise_variance, 36, 1 << 90, "a noise variance of 36 to 2^90")
            }
            PrivacyMode::Branch => {
                Err(out_of_range(field, "a counting round", "none: its counts have no bound for a whole branch"))
            }
        }
    }
}

impl Plan {
    /// Rounds of a kind that the plan means to commit.
    #[must_use]
    pub fn rounds_of(&self, kind: RoundKind) -> u32 {
        match kind {
            RoundKind::Train => self.rounds,
            RoundKind::Statistics | RoundKind::Evaluation => u32::from(self.counting(kind).is_some()),
        }
    }

    /// Rounds of a kind that may be charged, retries included. A counting round has none: what fails is left out.
    #[must_use]
    pub fn charged_max(&self, kind: RoundKind) -> u32 {
        match kind {
            RoundKind::Train => self.rounds_charged_max,
            RoundKind::Statistics | RoundKind::Evaluation => self.rounds_of(kind),
        }
    }

    /// Rounds of every kind that may be charged.
    #[must_use]
    pub fn charged_max_all(&self) -> u32 {
        RoundKind::ALL.into_iter().fold(0, |sum, kind| sum.saturating_add(self.charged_max(kind)))
    }

    /// The counting round of a kind, if the plan has one.
    #[must_use]
    pub fn counting(&self, kind: RoundKind) -> Option<&Counting> {
        match kind {
            RoundKind::Train => None,
            RoundKind::Statistics => self.statistics.as_ref(),
            RoundKind::Evaluation => self.evaluation.as_ref(),
        }
    }

    /// What one round of a kind costs each unit; nothing without noise, and nothing for a kind that the plan does not have.
    #[must_use]
    pub fn charge(&self, kind: RoundKind) -> Accounts {
        match (self.privacy, kind) {
            (PrivacyMode::None, _) => Accounts::zero(),
            (_, RoundKind::Train) => self.round_charge.clone(),
            (_, RoundKind::Statistics | RoundKind::Evaluation) => match self.counting(kind) {
                Some(counting) => {
                    Accounts::customers(RdpVector::gaussian(counting.sensitivity_squared, counting.noise_variance))
                }
                None => Accounts::zero(),
            },
        }
    }

    /// What the plan may cost altogether, every retry included.
    #[must_use]
    pub fn charge_max(&self) -> Accounts {
        RoundKind::ALL
            .into_iter()
            .fold(Accounts::zero(), |sum, kind| sum.plus(&self.charge(kind).times(self.charged_max(kind).into())))
    }

    /// What a training round costs where nobody throws a coin. What protects a customer is not counted as protecting its branch, nor the reverse.
    #[must_use]
    pub fn charge_without_coins(&self) -> Accounts {
        let customer = RdpVector::gaussian(self.customer_sensitivity_squared, self.noise_variance);
        match self.privacy {
            PrivacyMode::None => Accounts::zero(),
            PrivacyMode::Customer => Accounts::customers(customer),
            PrivacyMode::Local => {
                let steps = self.local.as_ref().map_or(0, |local| local.steps);
                Accounts::customers(customer.times(u64::from(steps) * u64::from(self.overlap_max)))
            }
            PrivacyMode::Branch => {
                Accounts { customer, branch: RdpVector::gaussian(self.sensitivity_squared, self.noise_variance) }
            }
        }
    }

    /// Noise variance that the sum of a round carries at least, in units squared. In local mode: of the noise in what a branch uploads, where
    /// that is noise at all.
    #[must_use]
    pub fn round_variance(&self, kind: RoundKind) -> u128 {
        match (self.privacy, kind) {
            // The noise is in each local step already; the difference of models is made from noised sums alone.
            (PrivacyMode::Local, RoundKind::Train) => 0,
            (_, RoundKind::Train) => self.noise_variance,
            _ => self.counting(kind).map_or(0, |counting| counting.noise_variance),
        }
    }

    pub(super) fn overlap_squared(&self) -> u128 {
        u128::from(self.overlap_max).pow(2)
    }

    /// Checks everything that the mode decides.
    pub(super) fn check_mechanism(&self) -> Result<(), PlanFault> {
        bounded("overlap_max", self.overlap_max.into(), 1, OVERLAP_MAX.into(), "1 to 16")?;
        let sampled = self.sampling_threshold > 0;
        if sampled && !matches!(self.privacy, PrivacyMode::Customer | PrivacyMode::Local) {
            return Err(out_of_range("sampling_rate", "given", "given in the modes customer and local only"));
        }
        if sampled && self.privacy == PrivacyMode::Customer && self.overlap_max > 1 {
            let allowed = "none, where overlap_max is above 1: a customer's coins at several branches are not one coin";
            return Err(out_of_range("sampling_rate", "given", allowed));
        }
        self.check_local()?;
        self.check_sensitivity()?;
        self.check_charge()?;
        let counting = [("statistics", &self.statistics), ("evaluation", &self.evaluation)];
        counting.into_iter().try_for_each(|(field, rule)| rule.as_ref().map_or(Ok(()), |rule| rule.check(field, self)))
    }

    fn check_local(&self) -> Result<(), PlanFault> {
        let Some(local) = &self.local else {
            let missing = self.privacy.trains_locally();
            return if missing {
                Err(out_of_range("local", "missing", "given in the modes local and branch"))
            } else {
                Ok(())
            };
        };
        if !self.privacy.trains_locally() {
            return Err(out_of_range("local", "given", "given in the modes local and branch only"));
        }
        if local.adaptive && self.privacy != PrivacyMode::Branch {
            return Err(out_of_range("local.adaptive", "given", "given in the mode branch only"));
        }
        bounded("local.steps", local.steps.into(), 1, LOCAL_STEPS_MAX.into(), "1 to 1000")?;
        real("local.learning_rate", local.learning_rate_bits)?;
        if f64::from_bits(local.learning_rate_bits) < LEARNING_RATE_MIN {
            let found = alloc::format!("{}", f64::from_bits(local.learning_rate_bits));
            return Err(out_of_range("local.learning_rate", &found, "1e-9 or more"));
        }
        clip_norm("local.update_clip_norm", local.update_clip_norm_bits)
    }

    fn check_sensitivity(&self) -> Result<(), PlanFault> {
        let unit = u128::from(self.clip_units).pow(2);
        // In the modes whose charges are for one branch alone, a customer's other branches are charged beside it.
        let overlap = if self.privacy == PrivacyMode::Customer { self.overlap_squared() } else { 1 };
        let (low, high) = (unit.saturating_mul(overlap), unit.saturating_mul(overlap).saturating_mul(4));
        let allowed = "overlap_max^2 clip_units^2 to four times that";
        bounded("sensitivity_squared", self.sensitivity_squared, low, high, allowed)?;
        self.check_customer_sensitivity(unit)?;
        if self.privacy == PrivacyMode::None {
            return bounded("noise_variance", self.noise_variance, 0, 0, "0, because privacy is none");
        }
        bounded("noise_variance", self.noise_variance, 36, 1 << 90, "36 to 2^90")
    }

    /// In mode branch two clipped vectors lie between a branch with a customer and the same without, and riders; at each of its branches. In
    /// every other mode the customer is the unit.
    fn check_customer_sensitivity(&self, unit: u128) -> Result<(), PlanFault> {
        let own = self.customer_sensitivity_squared;
        if self.privacy != PrivacyMode::Branch || !stands(Defence::CustomerAccount) {
            let allowed = "sensitivity_squared, but in mode branch";
            return bounded(
                "customer_sensitivity_squared",
                own,
                self.sensitivity_squared,
                self.sensitivity_squared,
                allowed,
            );
        }
        let low = unit.saturating_mul(4).saturating_mul(self.overlap_squared());
        let allowed = "four times overlap_max^2 clip_units^2 to eight times that";
        bounded("customer_sensitivity_squared", own, low, low.saturating_mul(2), allowed)
    }

    /// A release without a coin costs what the noise says, digit for digit; with a coin it costs no more, and how much less is for whoever
    /// has floats to recompute.
    fn check_charge(&self) -> Result<(), PlanFault> {
        let full = self.charge_without_coins();
        let holds = match self.sampling_threshold {
            0 => self.round_charge == full,
            _ => {
                let priced = self.round_charge.customer.nanos().iter().all(|charge| *charge > 0);
                self.round_charge.at_most(&full) && priced
            }
        };
        let allowed = match self.privacy {
            PrivacyMode::None => "nothing, because privacy is none",
            PrivacyMode::Customer => "what the noise gives a customer",
            PrivacyMode::Branch => "what the noise gives a branch, and what it gives a customer",
            PrivacyMode::Local => "what the noise gives, for each local step and branch",
        };
        if holds { Ok(()) } else { Err(out_of_range("round_charge", "another charge", allowed)) }
    }
}

/// Whether a clip norm, in its bits, can be divided by and multiplied with: [`CLIP_NORM_MIN`] to 1e6.
#[must_use]
pub fn is_clip_norm(bits: u64) -> bool {
    (CLIP_NORM_MIN..=REAL_MAX).contains(&f64::from_bits(bits))
}

pub(super) fn clip_norm(field: &'static str, bits: u64) -> Result<(), PlanFault> {
    if is_clip_norm(bits) {
        return Ok(());
    }
    Err(PlanFault::OutOfRange { field, found: alloc::format!("{}", f64::from_bits(bits)), allowed: "0.001 to 1e6" })
}

/// A positive real number in its bits.
pub(super) fn real(field: &'static str, bits: u64) -> Result<(), PlanFault> {
    let value = f64::from_bits(bits);
    if value.is_finite() && value > 0.0 && value <= REAL_MAX {
        return Ok(());
    }
    Err(PlanFault::OutOfRange { field, found: alloc::format!("{value}"), allowed: "above 0, at most 1e6" })
}
