//! Weights of negative and positive labels, as public integers.

/// A class weight that is whole: weights are millionths, and 1 at most.
pub const CLASS_UNITS: u32 = 1_000_000;

/// A residual's units times the weight of its class, towards zero; never further from it than before.
#[cfg(feature = "train")]
pub(crate) fn weighed(units: i64, weight: u32) -> i64 {
    units * i64::from(weight.min(CLASS_UNITS)) / i64::from(CLASS_UNITS)
}
