//! What an epsilon and a delta may be where people allow something: in a policy, a grant and a year of spending.

use tributary_protocol::privacy::RdpVector;

use super::accountant::cap;

/// Largest epsilon; beyond it the word privacy has no meaning.
pub const EPSILON_MAX: f64 = 1000.0;
/// Largest delta that people allow.
pub const DELTA_MAX: f64 = 1e-3;
/// What [`is_epsilon`] accepts, for whoever wrote something else.
pub const EPSILON_ALLOWED: &str = "above 0, at most 1000";
/// What [`is_delta`] accepts, for whoever wrote something else.
pub const DELTA_ALLOWED: &str = "above 0, at most 0.001";

/// Whether a number can be the epsilon of a run or of a cap.
#[must_use]
pub fn is_epsilon(value: f64) -> bool {
    value > 0.0 && value <= EPSILON_MAX
}

/// Whether a number can be the delta at which a cap counts.
#[must_use]
pub fn is_delta(value: f64) -> bool {
    value > 0.0 && value <= DELTA_MAX
}

/// The most that may be spent for an epsilon and a delta that somebody else wrote, as [`cap`] says. Where [`is_epsilon`] or [`is_delta`] refuses one,
/// nothing may be spent.
#[must_use]
pub fn cap_allowed(epsilon: f64, delta: f64) -> RdpVector {
    if is_epsilon(epsilon) && is_delta(delta) { cap(epsilon, delta) } else { RdpVector::zero() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_what_is_accepted() {
        for (allowed, most, is) in
            [(EPSILON_ALLOWED, EPSILON_MAX, is_epsilon as fn(f64) -> bool), (DELTA_ALLOWED, DELTA_MAX, is_delta)]
        {
            assert_eq!(allowed, format!("above 0, at most {most}"));
            assert!(is(most) && is(f64::MIN_POSITIVE));
            for other in [0.0, -1.0, most * 1.001, f64::NAN, f64::INFINITY] {
                assert!(!is(other), "{other}");
            }
        }
    }
}
