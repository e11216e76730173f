//! What the tasks beside the daemon's loop tell it.

use crate::telemetry::Report;

/// What the daemon's loop is told.
pub(crate) enum Notice {
    /// For the operator.
    Report(Report),
    /// Trust or lists have changed, or time has passed: whoever is at the other end is to be judged again.
    Judge,
}
