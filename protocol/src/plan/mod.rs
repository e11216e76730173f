//! The plan: an approved learning job, in the words that both ends digest.

mod allowance;
mod fault;
mod mode;
mod model_ref;
mod retention;
mod run;
mod stage;
mod terms;

pub use allowance::Allowance;
pub use fault::PlanFault;
pub use mode::{OVERLAP_MAX, PrivacyMode};
pub use model_ref::ModelRef;
pub use retention::Retention;
pub use run::{Run, RunRef};
pub use stage::{NoiseShare, RELEASES_MAX, STAGE_KIND_BYTES_MAX, Stage, is_stage_kind};
pub use terms::{Plan, ValidPlan, retries_max};
