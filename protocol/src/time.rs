//! Time as an argument.

use serde::{Deserialize, Serialize};

/// Milliseconds of the Unix clock as it stood when the process began, counted on by a monotonic clock: monotonic within one process. By it the
/// entries of the roster end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus a duration in milliseconds; saturates.
    #[must_use]
    pub const fn plus(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add(duration_ms))
    }

    /// Milliseconds from this moment to `later`; 0 if it has passed.
    #[must_use]
    pub const fn until(self, later: Millis) -> u64 {
        later.0.saturating_sub(self.0)
    }
}
