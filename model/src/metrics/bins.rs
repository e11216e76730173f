//! Where scores are cut: at equal steps of the logit, so that rare outcomes have as many bins as common ones.

use crate::elementary::exp;

/// Beyond this logit a score lies in the first or last bin: a rate of one in 1,097.
const LOGIT_ABS_MAX: f64 = 7.0;

/// Public edges of scores.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreBins {
    /// Between two bins each, ascending; one fewer than bins.
    inner: Vec<f64>,
}

fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + exp(-logit))
}

impl ScoreBins {
    /// So many bins, at least one.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        let step = 2.0 * LOGIT_ABS_MAX / bins.max(1) as f64;
        Self { inner: (1..bins).map(|edge| probability(edge as f64 * step - LOGIT_ABS_MAX)).collect() }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner.len() + 1
    }

    /// The bin of a score. What is no number lies in the first one.
    #[must_use]
    pub fn of(&self, score: f32) -> usize {
        self.inner.partition_point(|edge| *edge <= f64::from(score))
    }

    /// The probability that stands for a bin: its middle by the logit.
    #[must_use]
    pub fn middle(&self, bin: usize) -> f64 {
        self.within(bin, 0.5)
    }

    /// The probability at a place of a bin, from 0 at its lower edge to 1 at its upper one.
    #[must_use]
    pub fn within(&self, bin: usize, place: f64) -> f64 {
        probability((bin as f64 + place) * self.step() - LOGIT_ABS_MAX)
    }

    /// The width of a bin, in logits.
    #[must_use]
    pub fn step(&self) -> f64 {
        2.0 * LOGIT_ABS_MAX / self.count() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "scores are single numbers")]
    fn every_score_has_its_bin() {
        let bins = ScoreBins::new(56);
        assert_eq!((bins.count(), bins.of(0.0), bins.of(1.0), bins.of(0.5)), (56, 0, 55, 28));
        assert_eq!((bins.of(f32::NAN), bins.of(f32::NEG_INFINITY), bins.of(f32::INFINITY)), (0, 0, 55));
        for bin in 0..56 {
            assert_eq!(bins.of(bins.middle(bin) as f32), bin);
            assert!([0.01, 0.99].iter().all(|place| bins.of(bins.within(bin, *place) as f32) == bin), "bin {bin}");
        }
        assert_eq!((ScoreBins::new(1).count(), ScoreBins::new(1).of(0.9), ScoreBins::new(0).count()), (1, 0, 1));
    }
}
