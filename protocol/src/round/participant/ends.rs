//! How a refusal by the coordinator ends a run.

use crate::message::RejectCode;
use crate::round::event::RunEnd;

/// What it means for a run that the coordinator refuses this branch for good.
pub(super) const fn end_by(code: RejectCode) -> RunEnd {
    match code {
        RejectCode::PlanFinished | RejectCode::Evicted => RunEnd::Dismissed,
        // Another release, or another schema file, may take part in it yet.
        _ => RunEnd::Refused,
    }
}
