//! The plan: an approved learning job, in the words that both ends digest.

mod mechanism;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use mechanism::{
    CLIP_NORM_MIN, Counting, LOCAL_STEPS_MAX, LocalTraining, OVERLAP_MAX, PrivacyMode, RoundKind, is_clip_norm,
};

use crate::digest::{Canonical, Digest};
use crate::limits::{
    COHORT_MAX, COMPLETE_GRAPH_MAX, CUSTOMERS_MAX, DIMENSION_MAX, PLAN_ROUNDS_MAX, SESSION_ROUNDS_MAX,
};
use crate::printable::Untrusted;
use crate::privacy::Accounts;
use crate::roster::is_group_name;
use crate::secagg::modular::Ring;
use crate::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};

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
    pub name: Untrusted,
    /// What the model is for, as a code that a branch's policy lists; at most 64 bytes.
    pub purpose: Untrusted,
    /// Digest of the feature schema.
    pub schema: Digest,
    /// The model's canonical encoding of the network.
    pub architecture: Vec<u8>,
    /// Coordinates of the model.
    pub parameters: u32,
    /// Noised coordinates that ride behind the gradient: loss, count, and how many were within the clip norm.
    pub riders: u32,
    /// Digest of the first model.
    pub initial_model: Digest,
    /// What protects whom.
    pub privacy: PrivacyMode,
    /// Branches at which one customer may be, as the statement assumes it.
    pub overlap_max: u16,
    /// A customer takes part in a training round (or local step) where a secret uniform 64-bit number of its branch is below this; 0: every
    /// customer in every round.
    pub sampling_threshold: u64,
    /// How a branch trains between two uploads, in the modes local and branch.
    pub local: Option<LocalTraining>,
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
    /// Squared L2 sensitivity of the integer sum to the unit that the mode protects (`S_eff` squared), in units squared: one customer, in mode
    /// branch one branch.
    pub sensitivity_squared: u128,
    /// The same for one customer, in every mode. In mode branch a customer moves its branch's clipped difference by up to two clip norms, a
    /// branch by one.
    pub customer_sensitivity_squared: u128,
    /// Noise variance that the sum must carry at least (in local mode: each branch's own sum in each local step), in units squared; the
    /// guaranteed noise multiplier is the root of its ratio to the squared sensitivity. Zero where `privacy` is `None`.
    pub noise_variance: u128,
    /// What a training round costs each unit, at every order, in nano-units; nothing where `privacy` is `None`.
    pub round_charge: Accounts,
    /// A round that counts customers by their features, before the first training round.
    pub statistics: Option<Counting>,
    /// A round that counts customers by label and score of the released model, after the last training round.
    pub evaluation: Option<Counting>,
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
    /// The roster's group from which cohorts are chosen, and of which a coalition in the form `fraction` is counted.
    pub group: String,
    /// Time a round may take.
    pub round_deadline_ms: u64,
    /// Uploads leave this long after their start at the earliest, so that a branch's speed tells nothing as long as it is fast enough.
    pub upload_offset_ms: u64,
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
        bounded("name (bytes)", self.name.raw().len() as u128, 1, 64, "1 to 64")?;
        bounded("purpose (bytes)", self.purpose.raw().len() as u128, 1, 64, "1 to 64")?;
        bounded("architecture (bytes)", self.architecture.len() as u128, 1, 65_536, "1 to 65536")?;
        bounded("parameters", self.parameters.into(), 1, (DIMENSION_MAX - 64) as u128, "1 to 33554368")?;
        bounded("riders", self.riders.into(), 0, 32, "0 to 32")?;
        bounded("clip_units", self.clip_units.into(), 1, 1 << 20, "1 to 1048576")?;
        bounded("rounds", self.rounds.into(), 1, PLAN_ROUNDS_MAX.into(), "1 to 1000000")?;
        bounded(
            "rounds_charged_max",
            self.rounds_charged_max.into(),
            self.rounds.into(),
            PLAN_ROUNDS_MAX.into(),
            "rounds to 1000000",
        )?;
        bounded("customers_nominal", self.customers_nominal.into(), 1, CUSTOMERS_MAX.into(), "1 to 2^40")?;
        bounded(
            "customers_max",
            self.customers_max.into(),
            self.customers_nominal.into(),
            CUSTOMERS_MAX.into(),
            "customers_nominal to 2^40",
        )?;
        bounded("session_rounds", self.session_rounds.into(), 1, SESSION_ROUNDS_MAX as u128, "1 to 64")?;
        if !is_group_name(&self.group) {
            return Err(out_of_range("group", "a name that no group may have", "1 to 64 of a-z, 0-9, -, _ and ."));
        }
        bounded("cohort_min", self.cohort.cohort_min.into(), 2, COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
        match self.cohort.coalition {
            CoalitionRule::Fraction { permille } => bounded("coalition_permille", permille.into(), 0, 333, "0 to 333")?,
            CoalitionRule::Organisations { others, outside_min, .. } => {
                bounded("coalition_others", others.into(), 0, COMPLETE_GRAPH_MAX as u128, "0 to 256")?;
                bounded("outside_min", outside_min.into(), OUTSIDE_MIN.into(), COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
            }
        }
        bounded("survivors_permille", self.cohort.survivors_permille.into(), 500, 1000, "500 to 1000")?;
        bounded("honest_min", self.cohort.honest_min.into(), 1, COMPLETE_GRAPH_MAX as u128, "1 to 256")?;
        bounded("round_deadline_ms", self.round_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        bounded("keying_deadline_ms", self.keying_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        bounded(
            "upload_offset_ms",
            self.upload_offset_ms.into(),
            0,
            (self.round_deadline_ms / 2).into(),
            "0 to half of round_deadline_ms",
        )?;
        mechanism::clip_norm("example_clip_norm", self.example_clip_norm_bits)?;
        mechanism::real("loss_bound", self.loss_bound_bits)?;
        self.check_mechanism()?;
        self.check_ring()?;
        let digest = self.digest();
        Ok(ValidPlan { plan: self, digest })
    }

    /// Worst case of SA-1, section 7: every customer aligned on one coordinate, and 13 standard deviations of noise. A participant may add the
    /// whole round's noise instead of its share, and tells nobody; so there is room for that of every member of the largest cohort, which
    /// is more than all their shares. Where branches upload differences of models, each is bounded by one clip norm.
    fn check_ring(&self) -> Result<(), PlanFault> {
        let bits = self.ring.bits();
        let cohort = COHORT_MAX as u128;
        let units = u128::from(self.clip_units);
        let customers = u128::from(self.customers_max).saturating_mul(units);
        let all = RoundKind::ALL.into_iter().filter(|kind| self.rounds_of(*kind) > 0).all(|kind| {
            let aligned = match (self.privacy, kind) {
                (PrivacyMode::Local, RoundKind::Train) | (PrivacyMode::Branch, _) => cohort.saturating_mul(units),
                _ => customers,
            };
            let variance = self.round_variance(kind).saturating_mul(cohort);
            let noise = variance.isqrt().saturating_add(1).saturating_mul(13);
            aligned.saturating_add(noise) < 1 << (bits - 1)
        });
        if all {
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
        let plan = Canonical::new("tributary/plan/3")
            .bytes(self.name.raw().as_bytes())
            .bytes(self.purpose.raw().as_bytes())
            .digest(&self.schema)
            .bytes(&self.architecture)
            .u32(self.parameters)
            .u32(self.riders)
            .digest(&self.initial_model)
            .u8(self.privacy.number())
            .u32(self.overlap_max.into())
            .u64(self.sampling_threshold)
            .u32(self.ring.bits())
            .u8(form)
            .u64(self.example_clip_norm_bits)
            .u64(self.loss_bound_bits)
            .u32(self.clip_units)
            .u128(self.sensitivity_squared)
            .u128(self.customer_sensitivity_squared)
            .u128(self.noise_variance)
            .u32(self.rounds)
            .u32(self.rounds_charged_max)
            .u64(self.customers_nominal)
            .u64(self.customers_max)
            .u32(self.session_rounds)
            .u32(self.cohort.cohort_min.into())
            .u32(self.cohort.organisations_min.into());
        let plan = self.round_charge.canonical(plan);
        let plan = match &self.local {
            None => plan.u8(0),
            Some(local) => plan
                .u8(1 + u8::from(local.adaptive))
                .u32(local.steps)
                .u64(local.learning_rate_bits)
                .u64(local.update_clip_norm_bits),
        };
        let plan = [&self.statistics, &self.evaluation].into_iter().fold(plan, |plan, counting| match counting {
            None => plan.u8(0),
            Some(counting) => counting.canonical(plan.u8(1)),
        });
        self.cohort
            .coalition
            .canonical(plan)
            .u32(self.cohort.survivors_permille.into())
            .u32(self.cohort.honest_min.into())
            .bytes(self.group.as_bytes())
            .u64(self.round_deadline_ms)
            .u64(self.upload_offset_ms)
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

    /// Coordinates of a round of this kind: gradient (or difference of models) and riders, or cells. Masking adds its own check coordinates
    /// behind them.
    #[must_use]
    pub fn dimension(&self, kind: RoundKind) -> usize {
        match self.plan.counting(kind) {
            Some(counting) => counting.cells as usize,
            None => (self.plan.parameters + self.plan.riders) as usize,
        }
    }

    /// Noise variance of each participant's share in a round of this kind, in units squared, where `honest_min` shares carry what the sum must:
    /// rounded up. In local mode every branch carries the whole noise by itself.
    #[must_use]
    pub fn share_variance(&self, kind: RoundKind, honest_min: u16) -> u128 {
        let variance = self.plan.round_variance(kind);
        match self.plan.privacy {
            PrivacyMode::Local => variance,
            _ => variance.div_ceil(honest_min.into()),
        }
    }

    /// Coordinates of the longest round.
    #[must_use]
    pub fn dimension_max(&self) -> usize {
        RoundKind::ALL.into_iter().map(|kind| self.dimension(kind)).max().unwrap_or_default()
    }
}

impl core::ops::Deref for ValidPlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

fn bounded(field: &'static str, value: u128, low: u128, high: u128, allowed: &'static str) -> Result<(), PlanFault> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(out_of_range(field, &alloc::format!("{value}"), allowed)) }
}

fn out_of_range(field: &'static str, found: &str, allowed: &'static str) -> PlanFault {
    PlanFault::OutOfRange { field, found: found.into(), allowed }
}

#[cfg(test)]
mod tests;
