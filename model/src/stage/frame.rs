//! What a stage's numbers follow from beside its settings, and what follows.

use tributary_protocol::plan::{NoiseShare, Plan, PrivacyMode, Stage};
use tributary_protocol::privacy::Unit;
use tributary_protocol::secagg::modular::Ring;

use crate::architecture::{Architecture, HEADS_MAX};
use crate::blocks::UngroupedField;
use crate::canonical::DecodeError;
use crate::groups::GroupFault;
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

impl Form {
    /// One round in which each customer adds so many units to each of so many cells, whose squares sum up to the sensitivity. Participants are given nothing.
    pub(super) fn of_counts(dimension: usize, counts: usize, units: u32, overlap_squared: u128) -> Self {
        let sensitivity_squared = counts as u128 * u128::from(units).pow(2) * overlap_squared;
        Self {
            dimension,
            summed: Unit::Customer,
            reach: units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise: NoiseShare::Divided,
            releases: 1,
            model_bytes: 0,
            coins: false,
            repeats: false,
        }
    }
}

/// What a stage hands on to the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one for each stage of a plan, and compared where it is made")]
pub enum Handed {
    /// A model of the plan's network.
    Model,
    /// A model over blocks of cells, with block weights.
    Blocks {
        /// Of the blocks.
        settings: BlockSettings,
        /// Whether pairs of fields have blocks.
        paired: bool,
    },
    /// A model of the plan's network, with learnt groups for these coarse blocks.
    Groups([u32; COARSE_MAX]),
}

/// How fields lie in blocks of cells, the units of a customer's vector over them, and what the tables must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSettings {
    /// Integer units of a norm of 1, 256 to 2^20.
    pub clip_units: u32,
    /// Groups of the coarse blocks, ascending from 2 to 256; zeros after them.
    pub coarse: [u32; COARSE_MAX],
    /// Whether the groups are those that a stage of kind `quantile` has learnt; else they are even ones. With neither pairs nor tables that rise or
    /// fall.
    pub learnt: bool,
    /// For each head the weights of negative and positive labels, in millionths; zeros where both are whole, and after the last head.
    pub classes: [[u32; 2]; HEADS_MAX],
    /// Fields whose tables rise or fall, ascending; none after them.
    pub monotone: [Option<Monotone>; MONOTONE_MAX],
}

/// A field along whose bins a table may not turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monotone {
    /// Number of the field in its schema.
    pub field: u16,
    /// Whether the table rises; it falls otherwise.
    pub rising: bool,
}

impl BlockSettings {
    /// Even groups, without class weights, and with tables as they come.
    #[must_use]
    pub fn plain(clip_units: u32, coarse: [u32; COARSE_MAX]) -> Self {
        Self { clip_units, coarse, learnt: false, classes: [[0; 2]; HEADS_MAX], monotone: [None; MONOTONE_MAX] }
    }
}

/// Most coarse blocks of a field.
pub const COARSE_MAX: usize = 3;
/// Most fields whose tables rise or fall.
pub const MONOTONE_MAX: usize = 32;

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
    /// No groups can be compared.
    #[error(transparent)]
    Groups(#[from] GroupFault),
    /// A field is in no group.
    #[error(transparent)]
    Ungrouped(#[from] UngroupedField),
    /// The network is another.
    #[error("a stage of kind \"{0}\" learns tables over the schema's slots: write model = \"logistic\"")]
    Network(&'static str),
    /// It learns no pairs.
    #[error("a stage of kind \"{0}\" learns no pairs of fields: write method = \"staged\", or leave out the pairs")]
    Pairs(&'static str),
    /// Pairs without tables, or tables that no pairs fill.
    #[error(
        "{tables} pairs of fields are asked for, and the schema's fields make {most}: ask for fewer. A field whose table must rise or fall is in \
         no pair"
    )]
    PairCount {
        /// Tables of the network.
        tables: u32,
        /// Pairs that there are.
        most: usize,
    },
    /// A table without an order.
    #[error("field {0} of the schema has no bins, and its table cannot rise or fall: leave it out of monotone")]
    Monotone(u16),
    /// The first stage.
    #[error("a run cannot begin with a stage of kind \"{0}\": put one of kind \"labels\" before it")]
    Opens(&'static str),
    /// The order of stages.
    #[error(
        "a stage of kind \"{0}\" hands on a model over blocks, which only a stage of the same kind, blocks and units takes: put that one after it"
    )]
    Order(&'static str),
    /// Groups that nobody uses.
    #[error(
        "a stage of kind \"{0}\" learns groups of the schema's slots: put a stage of kind \"staged\" after it that has as many groups and uses them"
    )]
    UnusedGroups(&'static str),
    /// Groups that nobody learns.
    #[error("a stage of kind \"{0}\" uses learnt groups: put a stage of kind \"quantile\" before it")]
    MissingGroups(&'static str),
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

    /// By how much the squared sensitivity of a kind grows whose sums are of customers, and whose noise all branches add together.
    pub(super) fn overlap_of(&self, kind: &'static str) -> Result<u128, StageFault> {
        match self.privacy {
            PrivacyMode::Customer => Ok(self.overlap_squared()),
            PrivacyMode::None => Ok(1),
            privacy @ (PrivacyMode::Local | PrivacyMode::Branch) => {
                Err(StageFault::Mode { kind, privacy, instead: "a stage of kind \"local\"" })
            }
        }
    }

    /// Whether a kind that learns no pairs has a network without them.
    pub(super) fn without_pairs(&self, kind: &'static str) -> Result<(), StageFault> {
        self.architecture.pairs().map_or(Ok(()), |_| Err(StageFault::Pairs(kind)))
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
