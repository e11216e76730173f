//! The chunked form: each micro-batch's clipped sum in 32-bit floats by one matrix product, rounded to integers before anything is added.
//!
//! Why 1.01 suffices: a sum of at most 256 products errs by at most 256 * 2^-24 of the sum of their absolute values, which is at most 256 clip
//! norms; with and without one customer that is 0.0078 clip norms together, and the customer's own norm errs by less than 0.0001. Rounding
//! moves a coordinate by at most a half each time: sqrt(parameters) for the pair.

use super::clip_rule::ClipRule;
use super::clipped::{Ride, UpdateError, ride};
use crate::parameters::Parameters;
use crate::privacy::Selection;
use crate::train::{SLOTS, Trainer};

/// A slot's share of a micro-batch's sum is at most one clip norm; a little more for the floats' errors.
const BATCH_NORMS_MAX: f64 = 1.01 * SLOTS as f64;

/// So many micro-batches of integers below 2^40 stay within 62 bits.
const BATCHES_MAX: u32 = 1 << 22;

/// 1.5 * 2^52: added to a float of up to 2^51, it leaves the nearest integer in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Adds every micro-batch's integers to `gradient` and every customer's to `riders`.
pub(super) fn accumulate(
    trainer: &Trainer,
    parameters: &Parameters,
    (rule, selection): (&ClipRule, &Selection),
    gradient: &mut [i64],
    riders: &mut [i64],
) -> Result<(), UpdateError> {
    let unit = f64::from(rule.clip_units()) / rule.example_clip_norm();
    let largest = f64::from(rule.clip_units()) * BATCH_NORMS_MAX;
    let mut batches = 0_u32;
    for (customers, pass) in trainer.passes(parameters) {
        let coefficients = coefficients(customers, (&pass.norms(), pass.losses()), (rule, selection), riders)?;
        let sum = pass.weighted_sum(coefficients);
        batches += 1;
        if batches > BATCHES_MAX {
            return Err(UpdateError::Overflow);
        }
        // Without a branch for each coordinate: what is not finite or too large is found at the end of the micro-batch.
        let mut good = true;
        for (total, value) in gradient.iter_mut().zip(sum.iter()) {
            let units = f64::from(*value) * unit;
            good &= units.abs() <= largest;
            *total = total.wrapping_add(round(units));
        }
        if !good {
            return Err(UpdateError::NotFinite);
        }
    }
    Ok(())
}

/// Each slot's coefficient; a customer's slots share one. Padding and whoever is not selected get 0.
pub(super) fn coefficients(
    customers: &[u32],
    (norms, losses): (&[f64], &[f32]),
    (rule, selection): (&ClipRule, &Selection),
    riders: &mut [i64],
) -> Result<[f32; SLOTS], UpdateError> {
    let mut coefficients = [0.0; SLOTS];
    let mut start = 0;
    for rows in customers.chunk_by(|left, right| left == right) {
        let slots = start..start + rows.len();
        start = slots.end;
        if rows.first().is_some_and(|customer| !selection.includes(*customer)) {
            continue;
        }
        let norm: f64 = norms[slots.clone()].iter().sum();
        let loss: f64 = losses[slots.clone()].iter().map(|loss| f64::from(*loss)).sum();
        if !norm.is_finite() || !loss.is_finite() {
            return Err(UpdateError::NotFinite);
        }
        coefficients[slots].fill(nearest(rule.example_clip_norm() / norm.max(rule.example_clip_norm())));
        let within = norm <= rule.example_clip_norm();
        let rows = u32::try_from(rows.len()).expect("a micro-batch is small");
        ride(riders, rule.riders(), Ride { loss, rows, within })?;
    }
    Ok(coefficients)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits; the sensitivity's slack covers it")]
fn nearest(coefficient: f64) -> f32 {
    coefficient as f32
}

/// To the nearest integer, ties to even. The value is below 2^51, or callers throw the result away.
fn round(value: f64) -> i64 {
    (value + ROUNDER).to_bits().cast_signed().wrapping_sub(ROUNDER.to_bits().cast_signed())
}

const _: () = assert!(super::clip_rule::CLIP_UNITS_MAX as f64 * BATCH_NORMS_MAX < (1_u64 << 40) as f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest() {
        let cases = [(0.0, 0), (0.49, 0), (0.5, 0), (1.5, 2), (-0.51, -1), (-2.5, -2), (1e12 + 0.6, 1_000_000_000_001)];
        for (value, expected) in cases {
            assert_eq!(round(value), expected);
        }
    }
}
