//! At the centre: from the unmasked sum to the next model. Post-processing of a private sum, so any optimizer is allowed.
//!
//! ```text
//! sum of integers --MeanScale--> mean gradient (+ RoundMetrics) --StateStep::advance--> the next round's model, the next state
//!                                                   state       --StateLayout::model--> the model at the end
//! ```

mod mean;
mod optimizer;
mod settings;
mod state;

pub use mean::{MeanError, MeanScale, MeanUpdate, RoundMetrics, adapted_clip_norm};
pub use optimizer::ServerOptimizer;
pub use settings::{OptimizerFields, OptimizerSettings, OptimizerSettingsError, UpdateRule};
pub use state::{OptimizerError, StateLayout, StateStep};
