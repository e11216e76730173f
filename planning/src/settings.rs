//! A plan as its author writes it, each value within its range.

use std::path::PathBuf;

use tributary_model::architecture::PairShape;
use tributary_model::server_optimizer::UpdateRule;
use tributary_model::stage::COARSE_MAX;
use tributary_model::update::LocalRule;
use tributary_protocol::plan::{Charter, Gates, ModelRef, PrivacyMode, Readiness, Retention, Schedule};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;

/// What a model is for where the plan does not say otherwise.
pub const PURPOSE_DEFAULT: &str = "churn and deposit propensity";

/// Default of `upload_offset_ms`.
const UPLOAD_OFFSET_MS_DEFAULT: u64 = 5;

/// A plan as its author writes it.
#[derive(Clone, Debug)]
pub struct PlanSettings {
    /// For people.
    pub name: String,
    /// The feature schema's file.
    pub schema: PathBuf,
    /// The network's kind.
    pub model: ModelKind,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that may be charged without being committed.
    pub retries: u32,
    /// What protects the single customer.
    pub privacy: PrivacyTarget,
    /// L2 bound of a customer's gradient.
    pub example_clip_norm: f64,
    /// Bound of a customer's loss.
    pub loss_bound: f64,
    /// Ring of the masked sum.
    pub ring: Ring,
    /// Integer units of one clip norm; chosen by the plan if absent.
    pub clip_units: Option<u32>,
    /// Customers by which the sum is divided.
    pub customers_nominal: u64,
    /// Customers at which the sum still cannot wrap.
    pub customers_max: u64,
    /// The model from which a run begins.
    pub initial_model: ModelRef,
    /// Rounds of one key set-up.
    pub session_rounds: u32,
    /// Time for a round, in milliseconds.
    pub round_deadline_ms: u64,
    /// Time for a key set-up, in milliseconds.
    pub keying_deadline_ms: u64,
    /// Who may be a cohort.
    pub cohort: CohortRule,
    /// The roster's group from which cohorts are chosen.
    pub group: String,
    /// How a mean gradient moves the model.
    pub optimizer: UpdateRule,
    /// Share of the last rounds whose models are averaged into the released one, 0 to 1.
    pub tail_fraction: f64,
    /// Everything that has a default which suits most plans.
    pub mechanism: MechanismSettings,
    /// How often it runs, and when.
    pub schedule: ScheduleSettings,
    /// What its author answers for.
    pub charter: Charter,
}

/// How often a plan runs, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSettings {
    /// Most runs.
    pub runs_max: u32,
    /// When they may begin.
    pub schedule: Schedule,
    /// What must be ready before one does.
    pub readiness: Readiness,
    /// What all runs together may cost the unit of the mode, at the plan's delta; absent: what they come to.
    pub epsilon_all_runs: Option<f64>,
}

/// How privacy is made, beyond its target.
#[derive(Clone, Debug, PartialEq)]
pub struct MechanismSettings {
    /// What the model is for; branches' policies list it.
    pub purpose: String,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// Probability of a customer's secret coin; 1: everybody in every round.
    pub sampling_rate: f64,
    /// Local training, in the modes that have it.
    pub local: Option<LocalSteps>,
    /// Staged additive learning instead of clipped gradients.
    pub staged: Option<StagedLearning>,
    /// Groups of the schema's bins and categories, learnt before staged learning; absent: public, even ones.
    pub features: Option<LearntFeatures>,
    /// Customers counted by their features before training.
    pub statistics: Option<CountingSettings>,
    /// Whether these are counted by label as well, for weights of evidence.
    pub statistics_labels: bool,
    /// Customers counted by label and score of the released model.
    pub evaluation: Option<CountingSettings>,
    /// The schema's field whose groups the evaluation compares.
    pub evaluation_groups: Option<String>,
    /// Uploads leave this long after a round's start at the earliest, in milliseconds.
    pub upload_offset_ms: u64,
    /// What is kept of its rounds, and for how long.
    pub retention: Retention,
    /// What its models must hold before branches use them.
    pub gates: Gates,
}

/// How branches train between two uploads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalSteps {
    /// Steps, their length, and the L2 bound of a difference of models; the first one, where it adapts.
    pub rule: LocalRule,
    /// Whether the bound follows the noised share of branches within it.
    pub adaptive: bool,
}

/// Staged additive learning: labels counted, a first stage, and a second one with the blocks weighed by what the first has found.
#[derive(Clone, Debug, PartialEq)]
pub struct StagedLearning {
    /// Groups of each numeric field's coarse blocks, ascending, with zeros after them. The schema's own bins are the finest, where groups are public.
    pub groups: [u32; COARSE_MAX],
    /// Share of the training's budget for the count of labels.
    pub labels_share: f64,
    /// Rounds of the first stage, fewer than the plan's.
    pub first_rounds: u32,
    /// Share of the last step that the next one keeps.
    pub momentum: f64,
    /// How far the first stage steps, in customers over the noise of one release at the whole budget.
    pub first_step: f64,
    /// How far the second stage steps.
    pub step: f64,
    /// Longest step, which counts where there is little noise or none.
    pub step_max: f64,
    /// Share of the norm that a block without any finding keeps, over the best block's, squared.
    pub floor: f64,
    /// Pairs of the most important fields that the second stage learns tables of.
    pub pairs: Option<PairLearning>,
    /// Each label's share of the squared norm; all alike where it is empty.
    pub head_shares: Vec<f64>,
    /// Each label's weights of negatives and positives, above 0 and at most 1; whole where they are empty.
    pub class_weights: ClassWeights,
    /// Fields whose tables rise (true) or fall (false) along their bins, by name.
    pub monotone: Vec<(String, bool)>,
}

/// Tables of pairs of fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLearning {
    /// How many, and the groups of each field's values.
    pub shape: PairShape,
    /// Their share of the squared norm.
    pub share: f64,
}

/// Weights of classes, label by label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassWeights {
    /// Of negative labels.
    pub negative: Vec<f64>,
    /// Of positive labels.
    pub positive: Vec<f64>,
}

impl PairLearning {
    /// What suits most plans with many customers: the pairs of the seven most important fields.
    pub const USUAL: Self = Self { shape: PairShape { tables: 21, groups: 5 }, share: 0.25 };
}

impl StagedLearning {
    /// What suits most plans of so many rounds: a quarter of them for the first stage.
    #[must_use]
    pub fn usual(rounds: u32) -> Self {
        Self {
            groups: [4, 8, 0],
            labels_share: 0.005,
            first_rounds: (rounds / 4).max(1),
            momentum: 0.9,
            first_step: 0.2,
            step: 0.4,
            step_max: 4000.0,
            floor: 0.02,
            pairs: None,
            head_shares: Vec::new(),
            class_weights: ClassWeights::default(),
            monotone: Vec::new(),
        }
    }

    /// The same, where groups are learnt: then the last number stands for the finest blocks.
    #[must_use]
    pub fn over_learnt_groups(rounds: u32) -> Self {
        Self { groups: [4, 8, 24], ..Self::usual(rounds) }
    }
}

/// Groups of the schema's bins and categories that are learnt from noised counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearntFeatures {
    /// Share of the plan's budget that the counts may cost.
    pub budget_share: f64,
    /// Categories whose noised count is below so many standard deviations of its noise are learnt together; 0: none.
    pub rare_deviations: u32,
}

impl LearntFeatures {
    /// What suits most plans.
    pub const USUAL: Self = Self { budget_share: 0.02, rare_deviations: 2 };
}

/// A counting round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountingSettings {
    /// Bins of a histogram.
    pub bins: u32,
    /// Share of the plan's budget that it may cost.
    pub budget_share: f64,
}

impl Default for MechanismSettings {
    fn default() -> Self {
        Self {
            purpose: PURPOSE_DEFAULT.to_owned(),
            overlap_max: 1,
            sampling_rate: 1.0,
            local: None,
            staged: None,
            features: None,
            statistics: None,
            statistics_labels: false,
            evaluation: None,
            evaluation_groups: None,
            upload_offset_ms: UPLOAD_OFFSET_MS_DEFAULT,
            retention: Retention::USUAL,
            gates: Gates::USUAL,
        }
    }
}

/// The network's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Logistic regression, clipped in the exact form.
    Logistic,
    /// A multi-layer perceptron, clipped in the chunked form.
    Mlp {
        /// Units of each hidden layer.
        hidden: Vec<u32>,
    },
}

/// What protects the single customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PrivacyTarget {
    /// Noise for (epsilon, delta) over every round that may be charged.
    Customer {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Each branch's own noise in each local step, for (epsilon, delta) of a customer.
    Local {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Distributed noise for (epsilon, delta) of a branch as a whole.
    Branch {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Secure aggregation alone.
    None,
}

impl PrivacyTarget {
    /// The plan's word for it.
    #[must_use]
    pub fn mode(&self) -> PrivacyMode {
        match self {
            Self::Customer { .. } => PrivacyMode::Customer,
            Self::Local { .. } => PrivacyMode::Local,
            Self::Branch { .. } => PrivacyMode::Branch,
            Self::None => PrivacyMode::None,
        }
    }

    /// Epsilon and delta; nothing without noise.
    #[must_use]
    pub fn target(&self) -> Option<(f64, f64)> {
        match *self {
            Self::Customer { epsilon, delta } | Self::Local { epsilon, delta } | Self::Branch { epsilon, delta } => {
                Some((epsilon, delta))
            }
            Self::None => None,
        }
    }
}
