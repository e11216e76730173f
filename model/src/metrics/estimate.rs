//! A figure that was read from noised counts, and the interval in which the same figure without noise lies.

use serde::{Deserialize, Serialize};

/// Standard errors on either side of a 95 % interval.
const Z: f64 = 1.96;

/// A figure, and its 95 % interval. The interval is of the privacy noise, which is known; that other customers would give other figures is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// A figure with its standard error, in the range that it can have.
    #[must_use]
    pub fn new(value: f64, error: f64, range: (f64, f64)) -> Self {
        Self::between(value, standard_errors(value, error), range)
    }

    /// A figure with its interval, in the range that it can have.
    #[must_use]
    pub fn between(value: f64, (low, high): (f64, f64), (least, most): (f64, f64)) -> Self {
        let within = |number: f64| number.max(least).min(most);
        Self { value: within(value), low: within(low), high: within(high) }
    }

    /// How much higher it is than another one with noise of its own.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let half = |of: &Self| (of.high - of.low) / 2.0;
        let (value, own, theirs) = (self.value - other.value, half(self), half(other));
        let both = (own * own + theirs * theirs).sqrt();
        Self { value, low: value - both, high: value + both }
    }
}

/// Both ends of a 95 % interval.
pub(super) fn standard_errors(value: f64, error: f64) -> (f64, f64) {
    (value - Z * error, value + Z * error)
}

/// The standard error of a smooth figure of counts, each of which has independent noise of this standard deviation: by its slopes (delta method).
pub(super) fn standard_error(counts: &mut [f64], stddev: f64, figure: impl Fn(&[f64]) -> Option<f64>) -> Option<f64> {
    let mut squares = 0.0;
    // A step in which the noise itself is linear enough: as large as it, and at least one customer.
    let step = stddev.max(1.0);
    for index in 0..counts.len() {
        let count = counts[index];
        counts[index] = count + step;
        let above = figure(counts);
        counts[index] = count - step;
        let below = figure(counts);
        counts[index] = count;
        let slope = (above? - below?) / (2.0 * step);
        squares += slope * slope;
    }
    Some(stddev * squares.sqrt())
}
