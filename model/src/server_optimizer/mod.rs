//! At the centre: from the unmasked sum to the next model. Post-processing of a private sum, so any optimizer is allowed.
//!
//! ```text
//! sum of integers --MeanScale--> mean gradient (+ RoundMetrics) --StateStep::advance--> the next round's model, the next state
//!                                                   state       --StateLayout::model--> the model at the end
//! ```
//!
//! All of it is + - x / and square roots of doubles in a fixed order, and the functions of [`crate::elementary`]: an auditor who has the sums
//! recomputes every model, bit for bit, on any machine.

mod gain;
mod mean;
mod optimizer;
mod settings;
mod state;

pub use mean::{MeanError, MeanScale, RoundMetrics, adapted_clip_norm, lowest_clip_norm};
pub use optimizer::ServerOptimizer;
pub use settings::{OptimizerFields, OptimizerSettings, OptimizerSettingsError, UpdateRule};
pub use state::{OptimizerError, StateLayout, StateStep};

#[cfg(test)]
mod golden;
