//! A plan's terms, and what they come to.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::allowance::Allowance;
use super::charter::Charter;
use super::fault::{PlanFault, bounded, out_of_range};
use super::gates::Gates;
use super::mode::{OVERLAP_MAX, PrivacyMode};
use super::model_ref::ModelRef;
use super::readiness::Readiness;
use super::retention::Retention;
use super::schedule::Schedule;
use super::stage::{Frame, Stage};
use crate::digest::{Canonical, Digest};
use crate::limits::{COMPLETE_GRAPH_MAX, CUSTOMERS_MAX, PLAN_ROUNDS_MAX, RUNS_MAX, SESSION_ROUNDS_MAX, STAGES_MAX};
use crate::printable::Untrusted;
use crate::privacy::Accounts;
use crate::roster::is_group_name;
use crate::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};
use crate::time::Millis;

/// Retries that a short plan may have all the same: a restart, a lost branch and one more must not end it.
const RETRIES_MIN: u128 = 3;

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
    /// The public state from which a run begins.
    pub initial_model: ModelRef,
    /// What protects whom.
    pub privacy: PrivacyMode,
    /// Probability with which the guarantee may fail, at which epsilon is stated, as the bits of an `f64`; 0 without noise.
    pub delta_bits: u64,
    /// Branches at which one customer may be, as the statement assumes it.
    pub overlap_max: u16,
    /// Public nominal number of customers, by which sums are divided.
    pub customers_nominal: u64,
    /// Public maximum of customers of all branches together; with it no sum can wrap.
    pub customers_max: u64,
    /// What is summed, in order.
    pub stages: Vec<Stage>,
    /// Rounds beyond those of the stages that may be charged, shared by all stages of more than one round: at most a twentieth of their rounds,
    /// rounded up, or `RETRIES_MIN` where that is less.
    pub retries: u32,
    /// How often it may run.
    pub runs: u32,
    /// When its runs may begin.
    pub schedule: Schedule,
    /// What must be ready before one does.
    pub readiness: Readiness,
    /// What all its runs together may cost each unit, as a threshold for each order: no run begins that could pass it.
    pub cap: Accounts,
    /// What its author answers for.
    pub charter: Charter,
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
    /// What is kept of its rounds, and for how long.
    pub retention: Retention,
    /// What its models must hold before branches use them.
    pub gates: Gates,
}

/// A plan that passed every check that needs no policy. The only kind that the machines accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPlan {
    plan: Plan,
    digest: Digest,
}

impl Plan {
    /// Checks every field against its limits and the rings against the worst case.
    ///
    /// # Errors
    /// The first fault, by field.
    pub fn validate(self) -> Result<ValidPlan, PlanFault> {
        bounded("name (bytes)", self.name.raw().len() as u128, 1, 64, "1 to 64")?;
        bounded("purpose (bytes)", self.purpose.raw().len() as u128, 1, 64, "1 to 64")?;
        bounded("architecture (bytes)", self.architecture.len() as u128, 1, 65_536, "1 to 65536")?;
        let delta = self.delta();
        let fits = if self.privacy.unit().is_some() { delta > 0.0 && delta < 1.0 } else { self.delta_bits == 0 };
        if !fits {
            let found = alloc::format!("{delta}");
            return Err(out_of_range("delta", &found, "above 0 and below 1 with noise, and 0 without"));
        }
        bounded("overlap_max", self.overlap_max.into(), 1, OVERLAP_MAX.into(), "1 to 16")?;
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
        self.check_cohort()?;
        bounded("round_deadline_ms", self.round_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        bounded("keying_deadline_ms", self.keying_deadline_ms.into(), 10, 86_400_000, "10 to 86400000")?;
        bounded(
            "upload_offset_ms",
            self.upload_offset_ms.into(),
            0,
            (self.round_deadline_ms / 2).into(),
            "0 to half of round_deadline_ms",
        )?;
        self.check_stages()?;
        self.schedule.check()?;
        self.readiness.check(self.cohort.cohort_min)?;
        self.charter.check()?;
        self.retention.check()?;
        self.gates.check()?;
        let digest = self.digest();
        Ok(ValidPlan { plan: self, digest })
    }

    fn check_cohort(&self) -> Result<(), PlanFault> {
        bounded("cohort_min", self.cohort.cohort_min.into(), 2, COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
        match self.cohort.coalition {
            CoalitionRule::Fraction { permille } => bounded("coalition_permille", permille.into(), 0, 333, "0 to 333")?,
            CoalitionRule::Organisations { others, outside_min, .. } => {
                bounded("coalition_others", others.into(), 0, COMPLETE_GRAPH_MAX as u128, "0 to 256")?;
                bounded("outside_min", outside_min.into(), OUTSIDE_MIN.into(), COMPLETE_GRAPH_MAX as u128, "2 to 256")?;
            }
        }
        bounded("survivors_permille", self.cohort.survivors_permille.into(), 500, 1000, "500 to 1000")?;
        bounded("honest_min", self.cohort.honest_min.into(), 1, COMPLETE_GRAPH_MAX as u128, "1 to 256")
    }

    fn check_stages(&self) -> Result<(), PlanFault> {
        bounded("stages", self.stages.len() as u128, 1, STAGES_MAX as u128, "1 to 12")?;
        let Self { privacy, overlap_max, customers_max, .. } = *self;
        let frame = Frame { privacy, overlap_max, customers_max };
        self.stages.iter().try_for_each(|stage| stage.check(frame))?;
        let repeated: u128 =
            self.stages.iter().filter(|stage| stage.may_retry()).map(|stage| u128::from(stage.rounds)).sum();
        bounded("stage.rounds", repeated, 0, PLAN_ROUNDS_MAX.into(), "1000000 in all stages together")?;
        let allowed = "a twentieth of the rounds of all stages that have more than one, rounded up; three are always allowed beside such a stage";
        bounded("retries", self.retries.into(), 0, retries_max(repeated), allowed)?;
        bounded("runs", self.runs.into(), 1, RUNS_MAX.into(), "1 to 1000")
    }

    /// Digest of the canonical encoding of every field: that of the gates, and of all else. See [`Gates::of_plan`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.gates.of_plan(&self.terms_digest())
    }

    /// Digest of the canonical encoding of every field but the gates.
    #[must_use]
    pub fn terms_digest(&self) -> Digest {
        let plan = Canonical::new("tributary/plan terms/1")
            .bytes(self.name.raw().as_bytes())
            .bytes(self.purpose.raw().as_bytes())
            .digest(&self.schema)
            .bytes(&self.architecture);
        let plan = self.initial_model.canonical(plan);
        let plan = plan
            .u8(self.privacy.number())
            .u64(self.delta_bits)
            .u32(self.overlap_max.into())
            .u64(self.customers_nominal)
            .u64(self.customers_max)
            .u32(u32::try_from(self.stages.len()).unwrap_or(u32::MAX));
        let plan = self.stages.iter().fold(plan, |plan, stage| stage.canonical(plan));
        let plan = plan
            .u32(self.retries)
            .u32(self.runs)
            .u32(self.session_rounds)
            .u32(self.cohort.cohort_min.into())
            .u32(self.cohort.organisations_min.into());
        let plan = self
            .cohort
            .coalition
            .canonical(plan)
            .u32(self.cohort.survivors_permille.into())
            .u32(self.cohort.honest_min.into())
            .bytes(self.group.as_bytes())
            .u64(self.round_deadline_ms)
            .u64(self.upload_offset_ms)
            .u64(self.keying_deadline_ms);
        let plan = self.readiness.canonical(self.schedule.canonical(self.retention.canonical(plan)));
        self.charter.canonical(self.cap.canonical(plan)).finish()
    }

    /// Probability with which the guarantee may fail.
    #[must_use]
    pub fn delta(&self) -> f64 {
        f64::from_bits(self.delta_bits)
    }

    /// The stage of a number, from 0.
    #[must_use]
    pub fn stage(&self, number: u16) -> Option<&Stage> {
        self.stages.get(usize::from(number))
    }

    /// What a run may charge.
    #[must_use]
    pub fn allowance(&self) -> Allowance<'_> {
        Allowance::new(self.stages.iter().map(|stage| (stage.rounds, &stage.charge)), self.retries)
    }

    /// Whether one more round of a stage may be charged, where so many of each stage were.
    #[must_use]
    pub fn may_charge(&self, charged: &[u32], number: u16) -> bool {
        self.allowance().may_charge(charged, number)
    }

    /// What a run costs at most that is yet to come, where so many rounds of each stage were charged.
    #[must_use]
    pub fn charge_left(&self, charged: &[u32]) -> Accounts {
        self.allowance().charge_left(charged)
    }

    /// What so many rounds of each stage cost.
    #[must_use]
    pub fn charge_of(&self, charged: &[u32]) -> Accounts {
        let rounds = self.stages.iter().zip(charged);
        rounds.fold(Accounts::zero(), |sum, (stage, charged)| sum.plus(&stage.charge.times((*charged).into())))
    }

    /// What one run may cost altogether, every retry included.
    #[must_use]
    pub fn charge_of_run(&self) -> Accounts {
        self.charge_left(&[])
    }

    /// What all runs of the plan come to, if each costs what it may at most. The plan's cap may end it earlier.
    #[must_use]
    pub fn charge_max(&self) -> Accounts {
        self.charge_of_run().times(self.runs.into())
    }

    /// Rounds of all stages of one run that it means to commit.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.stages.iter().fold(0, |sum, stage| sum.saturating_add(stage.rounds))
    }

    /// Rounds of one run that may be charged, retries included.
    #[must_use]
    pub fn rounds_charged_max(&self) -> u32 {
        self.rounds().saturating_add(self.retries)
    }

    /// Milliseconds that a run may take: each round with a set-up of its own, both up to their deadlines.
    #[must_use]
    pub fn longest_ms(&self) -> u64 {
        let one = self.round_deadline_ms.saturating_add(self.keying_deadline_ms);
        one.saturating_mul(self.rounds_charged_max().into())
    }

    /// The last moment at which a run of it can be under way: one that begins at the last moment, and takes as long as it may.
    #[must_use]
    pub fn last_end(&self) -> Millis {
        Millis(self.schedule.not_after.saturating_mul(1000)).plus(self.longest_ms())
    }

    /// Rounds of all its runs that may be charged, retries included.
    #[must_use]
    pub fn rounds_charged_max_of_all_runs(&self) -> u32 {
        self.rounds_charged_max().saturating_mul(self.runs)
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

    /// Coordinates of the longest round.
    #[must_use]
    pub fn dimension_max(&self) -> usize {
        self.plan.stages.iter().map(|stage| stage.dimension as usize).max().unwrap_or_default()
    }

    /// Bytes of the longest public state that participants are given.
    #[must_use]
    pub fn model_bytes_max(&self) -> usize {
        self.plan.stages.iter().map(|stage| stage.model_bytes as usize).max().unwrap_or_default()
    }
}

impl core::ops::Deref for ValidPlan {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

/// Most retries beside stages of more than one round that have so many rounds together.
#[must_use]
pub fn retries_max(rounds: u128) -> u128 {
    if rounds == 0 { 0 } else { rounds.div_ceil(20).max(RETRIES_MIN) }
}

#[cfg(test)]
mod tests;
