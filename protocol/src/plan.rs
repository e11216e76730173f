//! The plan: an approved learning job, in the words that both ends digest.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::limits::{COMPLETE_GRAPH_MAX, CUSTOMERS_MAX, DIMENSION_MAX, PLAN_ROUNDS_MAX, SESSION_ROUNDS_MAX};
use crate::secagg::modular::Ring;
use crate::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};

/// What protects the single customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrivacyMode {
    /// Distributed discrete Gaussian noise, customer-level (epsilon, delta).
    Customer,
    /// Secure aggregation alone. Accepted only where plan **and** branch policy say so.
    None,
}

/// How a branch makes integers of its customers' clipped gradients (SA-1, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClipForm {
    /// One integer vector for each customer, its norm checked in integers.
    Exact,
    /// Fixed micro-batches, whose number follows from public maxima in each branch's own policy.
    Chunked,
}

/// A learning job. A client recomputes everything in it that can be recomputed and refuses the rest where its policy is stricter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// For people; at most 64 bytes.
    pub name: String,
    /// Digest of the feature schema.
    pub schema: Digest,
    /// The model's canonical encoding of the network.
    pub architecture: Vec<u8>,
    /// Coordinates of the model.
    pub parameters: u32,
    /// Noised coordinates that ride behind the gradient: loss and count.
    pub riders: u32,
    /// Digest of the first model.
    pub initial_model: Digest,
    /// What protects the single customer.
    pub privacy: PrivacyMode,
    /// Ring of the masked sum.
    pub ring: Ring,
    /// How integers are made.
    pub clip_form: ClipForm,
    /// L2 bound of a customer's gradient, as the bits of an `f64`.
    pub example_clip_norm_bits: u64,
    /// Bound that a customer's loss is clamped to before it rides along, as the bits of an `f64`.
    pub loss_bound_bits: u64,
    /// Integer units of one clip norm (`S_units`).
    pub clip_units: u32,
    /// Squared L2 sensitivity of the integer sum to one customer (`S_eff` squared), in units squared.
    pub sensitivity_squared: u128,
    /// Noise variance that the sum must carry at least, in units squared; the guaranteed noise multiplier is the root of its ratio to
    /// the squared sensitivity. Zero where `privacy` is `None`.
    pub noise_variance: u128,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that may be charged, retries included.
    pub rounds_charged_max: u32,
    /// Public nominal number of customers, by which the sum is divided.
    pub customers_nominal: u64,
    /// Public maximum of customers of all branches together; with it the sum cannot wrap.
    pub customers_max: u64,
    /// Rounds keyed at once.
    pub session_rounds: u32,
    /// Who may be a cohort, and what it must withstand.
    pub cohort: CohortRule,
    /// Time a round may take.
    pub round_deadline_ms: u64,
    /// Time a key set-up may take.
    pub keying_deadline_ms: u64,
}

/// Why a plan makes no sense for anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// A value lies outside its limits.
    #[error("plan: {field} is {found}; allowed is {allowed}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// The sum could leave the ring.
    #[error(
        "plan: the sum of {customers_max} customers of {clip_units} units each, with noise, does not fit the {bits}-bit ring; \
         lower clip_units or customers_max, or take the 64-bit ring"
    )]
    Wraps {
        /// Public maximum of customers.
        customers_max: u64,
        /// Units of one customer.
        clip_units: u32,
        /// Bits of the ring.
        bits: u32,
    },
}

/// A plan that passed every check that needs no policy. The only kind that the machines accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPlan {
    plan: Plan,
    digest: Digest,
}

impl Plan {
    /// Checks every field against its limits and the ring against the worst case.
    ///
    /// # Errors
    /// The first fault, by field.
    pub fn validate(self) -> Result<ValidPlan, PlanFault> {
        let range = |field, value: u128, low: u128, high: u128, allowed| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(PlanFault::OutOfRange { field, found: alloc::format!("{value}"), allowed })
            }
        };
        range("name (bytes)", self.name.len() as u128, 1, 64, "1 to 64")?;
        range("architecture (bytes)", self.architecture.len() as u128, 1, 65_536, "1 to 65536")?;
        range("parameters", self.parameters.into(), 1, (DIMENSION_MAX - 64) as u128, "1 to 33554368")?;
        range("riders", self.riders.into(), 0, 32, "0 to 32")?;
        range("clip_units", self.clip_units.into(), 1, 1 << 20, "1 to 1048576")?;
        range("rounds", self.rounds.into(), 1, PLAN_ROUNDS_MAX.into(), "1 to 1000000")?;
        range(
            "rounds_charged_max",
            self.rounds_charged_max.into(),
            self.rounds.into(),
            PLAN_ROUNDS_MAX.into(),
            "rounds to 1000000",
        )?;
        range("customers_nominal", self.customers_nominal.into(), 1, CUSTOMERS_MAX.into(), "1 to 2^40")?;
        range(
            "customers_max",
            self.customers_max.into(),
            self.customers_nominal.into(),
            CUSTOMERS_MAX.into(),
            "customers_nominal to 2^40",
        )?;
        range("session_rounds", self.session_rounds.into(), 1, SESSION_ROUNDS_MAX as u128, "1 to 64")?;
        range("cohort_min", self.cohort.cohort_min.into(), 2, COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
        match self.cohort.coalition {
            CoalitionRule::Fraction { permille } => range("coalition_permille", permille.into(), 0, 333, "0 to 333")?,
            CoalitionRule::Organisations { others, outside_min, .. } => {
                range("coalition_others", others.into(), 0, COMPLETE_GRAPH_MAX as u128, "0 to 256")?;
                range("outside_min", outside_min.into(), OUTSIDE_MIN.into(), COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
            }
        }
        range("survivors_permille", self.cohort.survivors_permille.into(), 500, 1000, "500 to 1000")?;
        range("honest_min", self.cohort.honest_min.into(), 1, COMPLETE_GRAPH_MAX as u128, "1 to 256")?;
        range("round_deadline_ms", self.round_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        range("keying_deadline_ms", self.keying_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        for (field, bits) in [("example_clip_norm", self.example_clip_norm_bits), ("loss_bound", self.loss_bound_bits)]
        {
            let value = f64::from_bits(bits);
            if !(value.is_finite() && value > 0.0 && value <= 1e6) {
                return Err(PlanFault::OutOfRange {
                    field,
                    found: alloc::format!("{value}"),
                    allowed: "above 0, at most 1e6",
                });
            }
        }
        let floor = u128::from(self.clip_units).pow(2);
        range(
            "sensitivity_squared",
            self.sensitivity_squared,
            floor,
            floor.saturating_mul(4),
            "clip_units^2 to 4 clip_units^2",
        )?;
        match self.privacy {
            PrivacyMode::Customer => range("noise_variance", self.noise_variance, 36, 1 << 90, "36 to 2^90")?,
            PrivacyMode::None => range("noise_variance", self.noise_variance, 0, 0, "0, because privacy is none")?,
        }
        self.check_ring()?;
        let digest = self.digest();
        Ok(ValidPlan { plan: self, digest })
    }

    /// Worst case of SA-1, section 7: every customer aligned on one coordinate, and 13 standard deviations of noise. All survivors' shares
    /// together carry at most `n1 / h`, which the thresholds keep below 4, of the variance that is guaranteed.
    fn check_ring(&self) -> Result<(), PlanFault> {
        let bits = self.ring.bits();
        let customers = u128::from(self.customers_max).saturating_mul(u128::from(self.clip_units));
        let noise = self.noise_variance.saturating_mul(4).isqrt().saturating_add(1).saturating_mul(13);
        if customers.saturating_add(noise) < 1 << (bits - 1) {
            Ok(())
        } else {
            Err(PlanFault::Wraps { customers_max: self.customers_max, clip_units: self.clip_units, bits })
        }
    }

    /// Digest of the canonical encoding of every field.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let form = match self.clip_form {
            ClipForm::Exact => 0,
            ClipForm::Chunked => 1,
        };
        let plan = Canonical::new("tributary/plan/1")
            .bytes(self.name.as_bytes())
            .digest(&self.schema)
            .bytes(&self.architecture)
            .u32(self.parameters)
            .u32(self.riders)
            .digest(&self.initial_model)
            .u8(match self.privacy {
                PrivacyMode::Customer => 0,
                PrivacyMode::None => 1,
            })
            .u32(self.ring.bits())
            .u8(form)
            .u64(self.example_clip_norm_bits)
            .u64(self.loss_bound_bits)
            .u32(self.clip_units)
            .u128(self.sensitivity_squared)
            .u128(self.noise_variance)
            .u32(self.rounds)
            .u32(self.rounds_charged_max)
            .u64(self.customers_nominal)
            .u64(self.customers_max)
            .u32(self.session_rounds)
            .u32(self.cohort.cohort_min.into());
        self.cohort
            .coalition
            .canonical(plan)
            .u32(self.cohort.survivors_permille.into())
            .u32(self.cohort.honest_min.into())
            .u64(self.round_deadline_ms)
            .u64(self.keying_deadline_ms)
            .finish()
    }
}

impl ValidPlan {
    /// The plan's fields.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Digest of the canonical encoding of every field.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Coordinates of an update: gradient and riders. Masking adds its own check coordinates behind them.
    #[must_use]
    pub fn dimension(&self) -> usize {
        (self.plan.parameters + self.plan.riders) as usize
    }
}

impl core::ops::Deref for ValidPlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}
