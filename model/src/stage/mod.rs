//! Kinds of stages. The core sees numbers of a stage; what they mean is here, one file for each kind.
//!
//! ```text
//! settings + frame --form--> the numbers without noise --terms--> a plan's stage
//! branch:      rows + public state --contribute--> ClippedSum   (NoisedUpdate where the noise is inside)
//! coordinator: stage state + opened sum --advance--> the next stage state, outcome;   at the end --conclude--> what is handed on
//! ```
//!
//! A new kind is one file that implements `kind::Kind`, named here, and one line in the list of `settings`.

mod charge;
mod clipping;
mod coarse;
mod count;
mod evaluate;
mod frame;
mod gradient;
mod histogram;
mod importance;
mod kind;
mod labels;
mod local;
#[cfg(any(test, feature = "test-stage"))]
mod mean;
mod noise;
mod outcome;
mod planned_stage;
mod pricing;
mod quantile;
mod settings;
mod staged;
mod state;
mod stepping;

pub use crate::privacy::noise_multiplier;
pub use charge::{release, round_charge, stated_charge};
pub use count::CountSettings;
pub use evaluate::EvaluateSettings;
pub use frame::{BlockSettings, COARSE_MAX, Chosen, Form, Frame, Handed, MONOTONE_MAX, Monotone, Place, StageFault};
pub use gradient::GradientSettings;
pub use importance::importance;
#[cfg(feature = "train")]
pub use kind::{ContributeFault, Rows};
pub use labels::LabelSettings;
pub use local::LocalSettings;
#[cfg(any(test, feature = "test-stage"))]
pub use mean::MeanSettings;
pub use outcome::{AdvanceFault, Outcome};
pub use planned_stage::{PlannedStage, StageState};
pub use pricing::{PricingFault, Wanted, priced};
pub use quantile::{QuantileSettings, RARE_DEVIATIONS_MAX};
pub use settings::StageSettings;
pub use staged::{HEAD_SHARES, PAIR_SHARE_MAX, Reweight, StagedSettings, Steps};
pub use state::{Beside, Known, PublicState, STATE_FORMAT, StateFault};
pub use stepping::Stepping;

#[cfg(test)]
mod tests;
