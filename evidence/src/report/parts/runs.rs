//! Runs: as planned, as realised, and what left the branches in them.

use serde::{Deserialize, Serialize};

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// Digest of the plan.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// When it began.
    pub begun: String,
    /// When it ended; nothing while it is open.
    pub ended: Option<String>,
    /// `complete`, `ended-early`, `aborted` or `open`.
    pub state: String,
    /// Who put the plan forward.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// `customer`, `local`, `branch` or `none`.
    pub mode: String,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// The roster's group.
    pub group: String,
    /// Members of it.
    pub group_size: u32,
    /// Fewest survivors that its rule admits in the last session's cohort; nothing before the first.
    pub survivors_needed: Option<u32>,
    /// Fewest survivors of a sum that was opened.
    pub survivors_fewest: Option<u32>,
    /// Fewest honest noise shares of such a sum.
    pub honest_fewest: Option<u32>,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that were committed.
    pub committed: u32,
    /// Rounds that were charged.
    pub charged: u32,
    /// Rounds that may be charged.
    pub charged_max: u32,
    /// Rounds that ended without a sum, by reason.
    pub aborted: Vec<Counted>,
    /// The delta; nothing without noise.
    pub delta: Option<String>,
    /// Epsilon of everything that all runs of the plan may charge.
    pub epsilon_plan: Option<String>,
    /// Epsilon of everything that one run may charge.
    pub epsilon_run: Option<String>,
    /// Epsilon of the rounds that were charged.
    pub epsilon_charged: Option<String>,
    /// Epsilon of the rounds whose sum was released: never more than was charged.
    pub epsilon_released: Option<String>,
    /// The stages.
    pub stages: Vec<StageLine>,
    /// Digest of the released model.
    pub model: Option<String>,
    /// Sums that were recomputed from the uploads that branches signed.
    pub sums_verified: u32,
    /// Sums of which nothing is kept here.
    pub sums_not_verified: u32,
    /// The nominal number of customers, by which sums are divided.
    pub customers_nominal: u64,
}

/// A word and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The word.
    pub what: String,
    /// How often.
    pub count: u32,
}

/// A stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageLine {
    /// Its number, from 1.
    pub number: u16,
    /// Its kind.
    pub kind: String,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds charged.
    pub charged: u32,
    /// Noise over sensitivity; nothing without noise.
    pub noise_multiplier: Option<String>,
    /// Probability of a customer's secret coin.
    pub sampling_rate: String,
}

/// What left the branches in one stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentLine {
    /// Digits of the plan, and the run's number.
    pub run: String,
    /// The stage's number.
    pub stage: u16,
    /// Its kind.
    pub kind: String,
    /// Whole numbers of one masked vector.
    pub coordinates: u32,
    /// Bits of each.
    pub bits: u32,
    /// Vectors that entered sums in the period.
    pub uploads: u32,
    /// Bytes of them.
    pub bytes: u64,
    /// Whether noise was in them.
    pub noised: bool,
}
