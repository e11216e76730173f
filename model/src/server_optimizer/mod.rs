//! At the centre: from the unmasked sum to the next model. Post-processing of a private sum, so any optimizer is allowed.
//!
//! ```text
//! sum of integers --MeanUpdate::from_sum--> MeanUpdate (+ RoundMetrics) --ServerOptimizer::step--> Parameters of the next round
//!                                                                       --ServerOptimizer::released--> the model at the end
//! ```

mod mean;
mod optimizer;
mod settings;

pub use mean::{MeanError, MeanUpdate, RoundMetrics};
pub use optimizer::{OptimizerError, ServerOptimizer};
pub use settings::{OptimizerFields, OptimizerSettings, OptimizerSettingsError, UpdateRule};
