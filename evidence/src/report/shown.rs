//! How numbers and times are written in a report.

use tributary_protocol::plan::{Attestation, Date};
use tributary_protocol::time::Millis;

use super::parts::{AlgorithmLine, Signer};
use crate::assessor::{BillLine, bill};

/// Seconds of UTC: `2026-11-29T08:15:00Z`.
pub(crate) fn moment(at: Millis) -> String {
    second(at.0 / 1000)
}

pub(super) fn second(second: u64) -> String {
    let of_day = second % 86_400;
    let (hour, minute, second_of) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{}T{hour:02}:{minute:02}:{second_of:02}Z", Date::of_second(second))
}

pub(super) fn day(second: u64) -> String {
    Date::of_second(second).to_string()
}

/// A number in the report's one form: six decimals.
pub(super) fn decimals(value: f64) -> String {
    format!("{value:.6}")
}

/// A delta.
pub(super) fn delta(value: f64) -> String {
    format!("{value:e}")
}

pub(super) fn signer(attestation: &Attestation) -> Signer {
    Signer {
        staff: attestation.staff.to_string(),
        role: attestation.role.name().into(),
        at: second(attestation.at),
        what: attestation.action.name().into(),
    }
}

/// What this release uses for what: the bill of cryptography, in short.
pub(super) fn algorithms() -> Vec<AlgorithmLine> {
    let line = |line: BillLine| AlgorithmLine {
        used_for: line.used_for,
        algorithm: format!("{} ({})", line.algorithm, line.standard),
    };
    bill().into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_seconds_of_utc() {
        assert_eq!(moment(Millis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(moment(Millis(951_827_696_789)), "2000-02-29T12:34:56Z");
    }
}
