//! The plan: an approved learning job, in the words that both ends digest.

mod allowance;
mod approvals;
mod attestation;
mod cap_raise;
mod charter;
mod date;
mod fault;
mod gates;
mod grant;
mod mode;
mod model_ref;
mod readiness;
mod rejection;
mod retention;
mod run;
mod schedule;
mod stage;
mod terms;

pub use allowance::Allowance;
pub use approvals::{ApprovalFault, Approvals, Grounds};
pub use attestation::{Attestation, AttestationFault, Over, Wanted};
pub use cap_raise::{CapRaise, Caps, RaiseFault};
pub use charter::{Agreement, Assessment, Charter, Materiality, YearShare};
pub use date::{Date, civil, days_before};
pub use fault::PlanFault;
pub use gates::{Gate, Gates, Measure, PARTS, Pilot, PilotGroup};
pub use grant::{Grant, GrantFault, GrantSubject, GrantUses, OwnersWord, Withdrawal};
pub use mode::{OVERLAP_MAX, PrivacyMode};
pub use model_ref::ModelRef;
pub use readiness::{AsOf, Readiness};
pub use rejection::{REASON_BYTES_MAX, Rejection, is_reason, rejected};
pub use retention::Retention;
pub use run::{Run, RunRef};
pub use schedule::{Rhythm, Schedule};
pub use stage::{NoiseShare, RELEASES_MAX, STAGE_KIND_BYTES_MAX, Stage, is_stage_kind};
pub use terms::{Plan, ValidPlan, retries_max};
