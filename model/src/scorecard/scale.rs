//! How logits become points.

use serde::Serialize;

use super::fault::{POINTS_ABS_MAX, ScaleFault};
use crate::elementary::ln;

/// Odds are within this and one over it.
const ODDS_MAX: f64 = 1e9;

/// Most points that double the odds.
const DOUBLE_MAX: f64 = 10_000.0;

/// How logits become points. More points mean that the label is more likely.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scale {
    base_points: i64,
    base_odds: f64,
    points_to_double_the_odds: f64,
}

impl Default for Scale {
    /// 600 points at odds of 50 to 1, and 20 points more for each doubling: the usual scale of credit scores, with the label in the place of a good
    /// customer.
    fn default() -> Self {
        Self { base_points: 600, base_odds: 50.0, points_to_double_the_odds: 20.0 }
    }
}

impl Scale {
    /// A scale: the points of a customer with the base odds (the probability of the label over that of its absence), and the points that double the
    /// odds.
    ///
    /// # Errors
    /// [`ScaleFault`], if one of them is outside its limits.
    pub fn new(base_points: i64, base_odds: f64, points_to_double_the_odds: f64) -> Result<Self, ScaleFault> {
        if base_points.unsigned_abs() > POINTS_ABS_MAX.unsigned_abs() {
            return Err(ScaleFault::Base(base_points));
        }
        if !(1.0 / ODDS_MAX..=ODDS_MAX).contains(&base_odds) {
            return Err(ScaleFault::Odds(base_odds));
        }
        if !(1.0..=DOUBLE_MAX).contains(&points_to_double_the_odds) {
            return Err(ScaleFault::Double(points_to_double_the_odds));
        }
        Ok(Self { base_points, base_odds, points_to_double_the_odds })
    }

    /// The points of a customer with the base odds.
    #[must_use]
    pub fn base_points(&self) -> i64 {
        self.base_points
    }

    /// The probability of the label over that of its absence, where a customer has the base points.
    #[must_use]
    pub fn base_odds(&self) -> f64 {
        self.base_odds
    }

    /// How many points more double the odds.
    #[must_use]
    pub fn points_to_double_the_odds(&self) -> f64 {
        self.points_to_double_the_odds
    }

    /// Points for each unit of the logit.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.points_to_double_the_odds / ln(2.0)
    }

    /// The score of a logit, before it is rounded.
    #[must_use]
    pub fn score(&self, logit: f64) -> f64 {
        self.base_points as f64 + self.factor() * (logit - ln(self.base_odds))
    }
}

/// The nearest whole number; halves go away from zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a weight is below 2^20 and a factor below 2^14; what is larger stays at the limit"
)]
pub(super) fn whole(points: f64) -> i64 {
    points.round() as i64
}
