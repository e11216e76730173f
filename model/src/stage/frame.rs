//! What a stage's numbers follow from beside its settings, and what follows.

use tributary_protocol::plan::{NoiseShare, Plan, PrivacyMode, Stage};
use tributary_protocol::privacy::Unit;
use tributary_protocol::secagg::modular::Ring;

use crate::architecture::Architecture;
use crate::canonical::DecodeError;
use crate::schema::Schema;
use crate::update::ClipRuleError;

/// What all stages of a plan share.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// What protects whom.
    pub privacy: PrivacyMode,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// Public nominal number of customers, by which sums are divided.
    pub customers_nominal: u64,
    /// The network.
    pub architecture: &'a Architecture,
    /// The schema, where there is one. Only stages that count by fields need it.
    pub schema: Option<&'a Schema>,
}

/// What a plan's author chooses for a stage beside its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Ring of the masked sum.
    pub ring: Ring,
    /// Noise variance that a release carries at least, in units squared.
    pub noise_variance: u128,
    /// Threshold of each customer's secret coin; 0: everybody.
    pub sampling_threshold: u64,
    /// Rounds to commit.
    pub rounds: u32,
}

/// What follows from frame and settings alone: the numbers of a stage that need no noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Coordinates of the sum.
    pub dimension: usize,
    /// Whose vectors are added up.
    pub summed: Unit,
    /// Largest absolute value of one coordinate of such a vector, in units.
    pub reach: u32,
    /// Squared L2 sensitivity to the unit that the mode protects, in units squared.
    pub sensitivity_squared: u128,
    /// The same for one customer, in every mode.
    pub customer_sensitivity_squared: u128,
    /// Who adds the noise.
    pub noise: NoiseShare,
    /// Releases of one round that a customer is in.
    pub releases: u32,
    /// Bytes of the public state that participants are given; 0 where they need none.
    pub model_bytes: usize,
    /// Whether coins may decide who is in a release. A kind whose code throws none must not be charged as if it did.
    pub coins: bool,
    /// Whether it may have more than one round.
    pub repeats: bool,
}

/// A stage in its plan: what all of them share, and its own numbers.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// What all stages share.
    pub frame: Frame<'a>,
    /// The plan's numbers of this stage.
    pub terms: &'a Stage,
}

/// Settings that make no stage of this plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageFault {
    /// No such kind.
    #[error("no kind of stage is called \"{0}\" in this version of the program: the plan needs another version")]
    Kind(String),
    /// The settings cannot be read.
    #[error("the settings of a stage cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The mode does not admit it.
    #[error("a stage of kind \"{kind}\" has no bound in mode {mode}: take {instead}", mode = privacy.name())]
    Mode {
        /// The kind.
        kind: &'static str,
        /// The plan's mode.
        privacy: PrivacyMode,
        /// What this mode admits.
        instead: &'static str,
    },
    /// The schema is missing.
    #[error("the stage counts customers by the schema's fields, and the schema is not given: name the plan's schema")]
    Schema,
    /// It throws no coins.
    #[error("a stage of kind \"{0}\" takes every customer: leave out its sampling rate")]
    Coins(&'static str),
    /// Coins and chunks.
    #[error(
        "clipped sums are made in chunks, where whom a coin leaves out may still move others: take the exact form, or no sampling rate"
    )]
    CoinsInChunks,
    /// It has one round.
    #[error("a stage of kind \"{0}\" has one round: write rounds = 1")]
    Rounds(&'static str),
    /// Only noise of all branches together covers the count that steers the bound.
    #[error("an adaptive update_clip_norm needs the mode branch: leave out adaptive, or change the mode")]
    Adaptive,
    /// An adaptive bound without riders.
    #[error("an adaptive update_clip_norm follows a riding count, and the stage has no riders: give a loss_bound")]
    AdaptiveWithoutRiders,
    /// The clip rule cannot be met.
    #[error(transparent)]
    Rule(#[from] ClipRuleError),
    /// More than a plan can say.
    #[error("{0} of the stage is beyond what a plan can hold: take a smaller network, or fewer bins or steps")]
    TooLarge(&'static str),
}

impl<'a> Frame<'a> {
    /// The frame of a plan.
    #[must_use]
    pub fn of(plan: &Plan, architecture: &'a Architecture, schema: Option<&'a Schema>) -> Self {
        let Plan { privacy, overlap_max, customers_nominal, .. } = *plan;
        Self { privacy, overlap_max, customers_nominal, architecture, schema }
    }

    /// The square of the number of branches at which one customer may be.
    #[must_use]
    pub fn overlap_squared(&self) -> u128 {
        u128::from(self.overlap_max).pow(2)
    }

    /// The schema.
    ///
    /// # Errors
    /// [`StageFault::Schema`] without one.
    pub fn schema(&self) -> Result<&'a Schema, StageFault> {
        self.schema.ok_or(StageFault::Schema)
    }

    /// Bytes of the network's parameters.
    #[must_use]
    pub fn parameter_bytes(&self) -> usize {
        size_of::<f32>() * self.architecture.parameter_count()
    }
}
