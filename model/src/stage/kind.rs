//! What every kind of stage says of itself. One file implements it for each kind.

#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;

use super::frame::{Form, Frame, Place, StageFault};
use super::outcome::{AdvanceFault, Outcome};
#[cfg(feature = "train")]
use super::state::PublicState;
use super::stepping::Stepping;
use crate::counts::NoisedHistogram;
use crate::metrics::HeadFigures;
use crate::server_optimizer::OptimizerSettings;
#[cfg(feature = "train")]
use crate::{
    privacy::NoiseSampler,
    train::{Placement, TrainError, Trainer},
    update::{ClippedSum, LocalError, NoisedUpdate, UpdateError},
};

/// Settings of one kind of stage.
pub(super) trait Kind {
    /// The canonical encoding.
    fn encode(&self) -> Vec<u8>;

    /// What its numbers are, in the words of a statement.
    fn content(&self) -> &'static str;

    /// What follows from a plan's frame.
    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault>;

    /// The L2 bounds that the settings name, by their names in a plan, for a policy's floor.
    fn clip_norms(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The L2 bound of a difference of models with which the stage begins, where its rounds move it.
    fn first_bound(&self) -> Option<f64> {
        None
    }

    /// What moves the model; nothing where the stage leaves it as it is.
    fn optimizer(&self) -> Option<&OptimizerSettings> {
        None
    }

    /// How a sum of so many survivors is read, where it moves the model. `bound` is the state's.
    fn stepping(&self, _: Place<'_>, _bound: Option<f64>, _survivors: usize) -> Result<Stepping, AdvanceFault> {
        Err(AdvanceFault::MovesNothing)
    }

    /// Reads a sum that moves nothing.
    fn read(&self, _: Place<'_>, _sum: &[i64], _survivors: usize) -> Result<Outcome, AdvanceFault> {
        Err(AdvanceFault::MovesTheModel)
    }

    /// What counts say of each head, where the noise in each of them has this variance, in units squared.
    fn figures(&self, _: &Frame<'_>, _counts: &[NoisedHistogram], _noise_variance: f64) -> Vec<HeadFigures> {
        Vec::new()
    }

    /// How rows must be laid out; nothing where any layout does.
    #[cfg(feature = "train")]
    fn placement(&self) -> Option<Placement> {
        None
    }

    /// Whether it takes the rows that were held out of training, where there are any.
    #[cfg(feature = "train")]
    fn takes_held_out(&self) -> bool {
        false
    }

    /// What a branch's rows add to the sum, before its noise.
    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        state: &PublicState,
        entropy: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault>;

    /// The same, where the noise is inside.
    #[cfg(feature = "train")]
    fn contribute_noised(
        &self,
        _: Place<'_>,
        _: &Rows<'_>,
        _: &PublicState,
        _: &NoiseSampler,
        _: &mut dyn Entropy,
    ) -> Result<NoisedUpdate, ContributeFault> {
        Err(ContributeFault::NoiseOutside)
    }
}

/// A branch's rows, laid out as [`super::PlannedStage::placement`] says.
#[cfg(feature = "train")]
pub struct Rows<'a> {
    /// The rows.
    pub trainer: &'a Trainer,
    /// A public number of the branch's customers, by which its own noised steps are divided; never the actual one.
    pub customers_nominal: u32,
}

/// A branch's vector that could not be made, because plan, state and layout do not fit each other. No row decides that.
#[cfg(feature = "train")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContributeFault {
    /// The stage is none of this plan.
    #[error(transparent)]
    Stage(#[from] StageFault),
    /// A clipped sum.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// Local steps.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// Scores.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The noise is in the steps.
    #[error(
        "the stage's noise is inside of its steps, and a vector without it was asked for: this is a fault of the program"
    )]
    NoiseInside,
    /// The noise is added to the vector.
    #[error(
        "the stage's noise is added to its vector, and a vector with it was asked for: this is a fault of the program"
    )]
    NoiseOutside,
    /// The sampler draws other noise.
    #[error("the noise has a variance of {found}, and the plan's stage of {expected}: this is a fault of the program")]
    Variance {
        /// The plan's.
        expected: u128,
        /// The sampler's.
        found: u128,
    },
}
