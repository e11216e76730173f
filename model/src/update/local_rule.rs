//! How a branch trains between two uploads.

use super::clip_rule::is_clip_norm;

/// Most local steps of one round.
pub const LOCAL_STEPS_MAX: u32 = 1000;
/// Smallest learning rate of local steps: below, steps would make denormal numbers, whose arithmetic takes longer.
pub const LEARNING_RATE_MIN: f64 = 1e-9;
/// Largest learning rate of local steps.
pub const LEARNING_RATE_MAX: f64 = 1e6;

/// How a branch trains between two uploads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalRule {
    /// Gradient steps, 1 to [`LOCAL_STEPS_MAX`].
    pub steps: u32,
    /// Step length on the mean gradient, [`LEARNING_RATE_MIN`] to [`LEARNING_RATE_MAX`].
    pub learning_rate: f64,
    /// L2 bound of the difference of models, a clip norm; the clip rule's `clip_units` stand for it.
    pub update_clip_norm: f64,
}

impl LocalRule {
    /// The rule, if every value is within its limits.
    #[must_use]
    pub fn checked(self) -> Option<Self> {
        let steps = (1..=LOCAL_STEPS_MAX).contains(&self.steps);
        let rate = (LEARNING_RATE_MIN..=LEARNING_RATE_MAX).contains(&self.learning_rate);
        (steps && rate && is_clip_norm(self.update_clip_norm)).then_some(self)
    }
}
