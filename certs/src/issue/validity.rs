//! From when to when a certificate counts.

/// Largest time that a certificate can carry, in Unix seconds: the last second of the year 9999 (RFC 5280, section 4.1.2.5).
pub const TIME_MAX: u64 = 253_402_300_799;

/// First and last second of a validity, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: u64,
    /// Last second.
    pub not_after: u64,
}

impl Validity {
    /// From five minutes before `now`, for clocks that lag, to `seconds` after it.
    #[must_use]
    pub const fn starting(now: u64, seconds: u64) -> Self {
        Self { not_before: now.saturating_sub(300), not_after: now.saturating_add(seconds) }
    }
}
