//! Learning without I/O: schema, features, networks, clipping, noise, accounting, server optimizers, evaluation.
//!
//! Every stage of the data's way consumes its input by value: [`features::RawBatch`] -> [`features::FeatureMatrix`] ->
//! [`update::ClippedSum`] -> [`update::NoisedUpdate`] -> [`update::QuantizedUpdate`] at a branch, and
//! [`server_optimizer::StateStep`] -> [`parameters::Parameters`] at the centre.

pub mod additive;
pub mod architecture;
pub mod blocks;
pub mod canonical;
pub mod cells;
pub mod counts;
mod edges;
pub mod elementary;
pub mod evaluate;
#[cfg(feature = "export")]
pub mod export;
pub mod features;
pub mod groups;
pub mod learnt;
pub mod metrics;
pub mod monotone;
#[cfg(feature = "train")]
pub mod network;
pub mod nominal;
pub mod pairs;
pub mod parameters;
pub mod planned;
pub mod privacy;
pub mod schema;
pub mod score;
pub mod scorecard;
pub mod server_optimizer;
pub mod stage;
pub mod summary;
#[cfg(any(test, feature = "synthetic"))]
pub mod synthetic;
#[cfg(feature = "train")]
pub mod train;
pub mod update;
pub mod weak_modes;
pub mod year;
