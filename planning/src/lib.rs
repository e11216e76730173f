//! Plans, from what their author writes to what two people sign.
//!
//! ```text
//! plan.toml ─PlanSettings::load─► PlanSettings ─build─► Plan ─PlanFile─► the file that is signed
//!                                                         ├─Portrait─► in words   ─differences─► against another plan
//!                                                         └─lint────► faults, and what a privacy officer would ask
//! year.toml ─year::load─► YearPlan ─YearFile─► the file that is signed
//!                           └─lint────► whether a plan fits what the year gives its kind of run
//! ```
//!
//! Knows the model's prices and the signatures of people; no daemon, no socket and no clock.

pub mod advice;
pub mod build;
pub mod dates;
pub mod demonstration;
pub mod differences;
pub mod file;
mod frame;
pub mod gates;
pub mod guarantee;
pub mod lint;
pub mod portrait;
pub mod prediction;
mod read;
pub mod settings;
mod signing;
pub mod year;

pub use build::{Built, build};
pub use file::PlanFile;
pub use guarantee::Guarantee;
pub use lint::Lint;
pub use portrait::Portrait;
pub use prediction::Prediction;
pub use signing::SigningError;
pub use year::YearFile;

/// A commented plan.toml with every key.
pub const SAMPLE: &str = include_str!("../../docs/samples/plan.toml");
