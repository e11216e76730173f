//! What a sum says, and why one cannot be used.

use super::frame::StageFault;
use crate::counts::NoisedHistogram;
use crate::nominal::NoisedCustomers;
use crate::server_optimizer::{MeanError, OptimizerError, RoundMetrics};

/// What an opened sum says beside the model that it made. Everything in it is an estimate, noise included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What rode along with gradients or differences of models.
    pub metrics: Option<RoundMetrics>,
    /// How many customers were counted.
    pub customers: Option<NoisedCustomers>,
    /// Counts.
    pub histograms: Vec<NoisedHistogram>,
    /// Standard deviation of the noise that one count carries at least, in counts.
    pub noise_stddev_min: f64,
}

/// A sum that cannot be used. The state is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvanceFault {
    /// The stage is none of this plan.
    #[error(transparent)]
    Stage(#[from] StageFault),
    /// Another length.
    #[error(
        "the sum has {found} coordinates, and the stage's has {expected}: check coordinates must be taken off first"
    )]
    Dimension {
        /// The plan's.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// It cannot be read.
    #[error(transparent)]
    Mean(#[from] MeanError),
    /// It leads nowhere.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// The stage counts.
    #[error("the stage moves no model, and a step was asked for: this is a fault of the program")]
    MovesNothing,
    /// The stage trains.
    #[error("the stage moves the model, and its counts were asked for: this is a fault of the program")]
    MovesTheModel,
    /// The state is another stage's.
    #[error(
        "the state belongs to a stage of another kind: begin the stage with the model that the one before handed on"
    )]
    OtherState,
}
