//! Why a plan could not be rehearsed.

use tributary_model::planned::PlannedFault;
use tributary_model::privacy::NoiseError;
use tributary_model::stage::{AdvanceFault, ContributeFault, StageFault};
use tributary_model::train::TrainError;
use tributary_protocol::secagg::parameters::CohortRefused;

/// Why a plan could not be rehearsed. None of it depends on a row's values.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalFault {
    /// The plan admits no round of such branches.
    #[error("the plan admits no round of {branches} branches: {reason}. Take other branches, or change [plan.cohort]")]
    Cohort {
        /// How many there are.
        branches: usize,
        /// Why not.
        reason: CohortRefused,
    },
    /// A branch's vector could not be made.
    #[error("a branch's vector could not be made: {0}")]
    Contribute(#[from] ContributeFault),
    /// Rows and network do not fit.
    #[error("the rows do not fit the plan: {0}")]
    Train(#[from] TrainError),
    /// A sum could not be used.
    #[error("a sum could not be used: {0}. Lower the learning rate or the steps of the plan")]
    Advance(#[from] AdvanceFault),
    /// The noise could not be drawn.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// The plan without noise is none.
    #[error("the same plan without noise could not be made: {0}")]
    Stage(#[from] StageFault),
    /// The plan without noise is none.
    #[error("the same plan without noise could not be made: {0}")]
    Planned(#[from] PlannedFault),
    /// Vectors of one round do not fit each other.
    #[error("the vectors of a round differ in length: this is a fault of the program")]
    Lengths,
    /// No branch.
    #[error("there is no branch to learn from")]
    NoBranch,
}
