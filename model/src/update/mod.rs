//! From a branch's rows to one integer vector that may leave it: clip, sum, add noise, quantize, in this order and no other.
//!
//! ```text
//! Trainer + Parameters + ClipRule --clipped_sum--> ClippedSum --join--> MaskedUpdate (onto noise that was masked before)
//! local steps: ClippedSum --add_noise--> NoisedUpdate --quantize--> QuantizedUpdate --join--> MaskedUpdate (onto masked zeros)
//! ```
//!
//! Each step consumes the one before; none can be printed, copied or serialised, and each erases its integers when it is dropped. The
//! bound that a customer's presence keeps is [`ClipRule::sensitivity_squared_units`], which both ends compute.

#[cfg(feature = "train")]
mod chunked;
mod class_weights;
mod clip_rule;
#[cfg(feature = "train")]
mod clipped;
#[cfg(feature = "train")]
mod counted;
#[cfg(feature = "train")]
mod exact;
#[cfg(feature = "train")]
mod local;
mod local_rule;
#[cfg(feature = "train")]
mod residuals;
#[cfg(feature = "train")]
mod sums;

pub use class_weights::CLASS_UNITS;
pub use clip_rule::{
    CLIP_NORM_MAX, CLIP_NORM_MIN, CLIP_UNITS_MAX, CLIP_UNITS_MIN, ClipForm, ClipRule, ClipRuleError, ClipSettings,
    ClipUnit, LOSS_BOUND_MAX, RIDERS, RiderScale, is_clip_norm,
};
#[cfg(feature = "train")]
pub use clipped::{UpdateError, clipped_sum, clipped_sum_of};
#[cfg(feature = "train")]
pub use counted::{Grouping, VectorBound, count_features, count_scores, sum_of_customers};
#[cfg(feature = "train")]
pub use local::{LocalError, LocalNoise, branch_update, private_update};
pub use local_rule::{LEARNING_RATE_MAX, LEARNING_RATE_MIN, LOCAL_STEPS_MAX, LocalRule};
#[cfg(feature = "train")]
pub(crate) use residuals::{ResidualRule, label_sum, residual_sum, slot_sum};
#[cfg(feature = "train")]
pub use sums::{ClippedSum, NoiseLength, NoisedUpdate, QuantizedUpdate};
