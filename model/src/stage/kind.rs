//! What every kind of stage says of itself. One file implements it for each kind.

use std::borrow::Cow;

#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;

use super::frame::{Form, Frame, Handed, Place, StageFault};
use super::outcome::{AdvanceFault, Outcome};
#[cfg(feature = "train")]
use super::state::StateFault;
use super::state::{Beside, Known, PublicState};
use super::stepping::Stepping;
use crate::architecture::Architecture;
use crate::counts::NoisedHistogram;
use crate::learnt::LearntField;
use crate::metrics::Figures;
use crate::server_optimizer::OptimizerSettings;
use crate::summary::FieldFigures;
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

    /// What an author chose beside bounds and noise, by names of a plan's keys, in words.
    fn choices(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The L2 bound of a difference of models with which the stage begins, where its rounds move it.
    fn first_bound(&self) -> Option<f64> {
        None
    }

    /// The network whose parameters are the stage's public state.
    fn network<'a>(&self, frame: &Frame<'a>) -> Cow<'a, Architecture> {
        Cow::Borrowed(frame.architecture)
    }

    /// What stands beside the parameters where nothing is handed on to the stage.
    fn first(&self, _: &Frame<'_>) -> Beside {
        Beside::bound(self.first_bound())
    }

    /// Whether a round may begin from these releases.
    fn admits(&self, _: &Frame<'_>, _: &Known) -> bool {
        true
    }

    /// The state with which the stage begins, from what the one before handed on.
    fn begin(&self, frame: &Frame<'_>, handed: PublicState) -> PublicState {
        PublicState::new(handed.parameters, self.first(frame))
    }

    /// What the stage hands on, from its last state, or the one of its tail's mean model.
    fn hand_on(&self, _: Place<'_>, last: PublicState) -> PublicState {
        PublicState::of(last.parameters)
    }

    /// What the stage hands on where a state's parameters are variances, which are added up as what was learnt is.
    fn added_up(&self, place: Place<'_>, variances: PublicState) -> PublicState {
        self.hand_on(place, variances)
    }

    /// What it hands on.
    fn hands_on(&self) -> Handed {
        Handed::Model
    }

    /// Whether a run can begin with it: from a model as it is.
    fn opens(&self) -> bool {
        true
    }

    /// Whether it can begin with what a stage before hands on.
    fn takes(&self, handed: Handed) -> bool {
        handed == Handed::Model
    }

    /// What moves the model; nothing where the stage leaves it as it is.
    fn optimizer(&self) -> Option<&OptimizerSettings> {
        None
    }

    /// How a sum of so many survivors is read, where it moves the model. `beside` is the state's.
    fn stepping(&self, _: Place<'_>, _beside: &Beside, _survivors: usize) -> Result<Stepping, AdvanceFault> {
        Err(AdvanceFault::MovesNothing)
    }

    /// Reads a sum that moves nothing.
    fn read(&self, _: Place<'_>, _sum: &[i64], _survivors: usize) -> Result<Outcome, AdvanceFault> {
        Err(AdvanceFault::MovesTheModel)
    }

    /// What counts say, where the noise in each of them has this variance, in units squared.
    fn figures(&self, _: &Frame<'_>, _counts: &[NoisedHistogram], _noise_variance: f64) -> Figures {
        Figures::default()
    }

    /// What counts of values say of each field, where the noise in each of them has this variance, in units squared.
    fn fields(&self, _: &Frame<'_>, _counts: &[NoisedHistogram], _noise_variance: f64) -> Vec<FieldFigures> {
        Vec::new()
    }

    /// What a state says of features beside its model.
    fn learnt_fields(&self, _: &Frame<'_>, _: &Known) -> Vec<LearntField> {
        Vec::new()
    }

    /// The state after a sum that is read, where it says something that the state holds.
    fn learnt(&self, _: Place<'_>, _state: &PublicState, _sum: &[i64]) -> Option<PublicState> {
        None
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
    /// The rows are laid out for another stage.
    #[error("the branch's rows are laid out for another stage of the plan: this is a fault of the program")]
    Placement,
    /// The public state allows one customer more than the plan says.
    #[error(transparent)]
    State(#[from] StateFault),
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
