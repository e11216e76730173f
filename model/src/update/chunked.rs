//! The chunked form: each micro-batch's clipped sum in 32-bit floats by one matrix product, rounded to integers before anything is added.
//!
//! Why 1.01 suffices: a sum of at most 256 products errs by at most 256 * 2^-24 of the sum of their absolute values, which is at most 256 clip
//! norms; with and without one customer that is 0.0078 clip norms together, and the customer's own norm errs by less than 0.0001. Rounding
//! moves a coordinate by at most a half each time: sqrt(parameters) for the pair. Where a micro-batch is full, the customer who leaves makes
//! room for one who was counted in the exact form and truncated there: sqrt(parameters) once more.

use tributary_protocol::defence::{Defence, stands};

use super::clip_rule::ClipRule;
use super::clipped::{Ride, ride};
use super::exact;
use crate::parameters::Parameters;
use crate::privacy::Selection;
use crate::train::{MicroBatch, NOBODY, Pass, SLOTS, Trainer};

/// How much longer than its members' clipped norms a micro-batch's integers may be, before they are made again.
const SLACK: f64 = 1.01;

/// 1.5 * 2^52: added to a float of up to 2^51, it leaves the nearest integer in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// What each slot of a micro-batch is multiplied by, and how long the sum may be.
pub(super) struct Weights {
    /// Units for each unit of a gradient; a customer's slots share one. 0 for padding, faulty rows and whoever is not selected.
    pub(super) coefficients: [f64; SLOTS],
    /// Sum of the members' clipped norms, in units.
    allowed: f64,
}

/// Adds every micro-batch's integers to `gradient` and every customer's to `riders`.
pub(super) fn accumulate(
    trainer: &Trainer,
    parameters: &Parameters,
    (rule, selection): (&ClipRule, &Selection),
    gradient: &mut [i64],
    riders: &mut [i64],
) {
    let network = trainer.network(parameters);
    for (batch, pass) in trainer.passes(&network) {
        let weights = weigh(batch, &pass, (rule, selection), riders);
        let sum = pass.weighted_sum(&weights.coefficients);
        let checked = stands(Defence::WideNorms) && stands(Defence::RowFaults);
        if !add_rounded(gradient, &sum, &weights) && checked {
            // No known input gets here: the integers are longer than what they are made of. They are taken back, and this micro-batch is
            // counted in the exact form, where every customer's integers are checked.
            sum.iter().zip(&mut *gradient).for_each(|(value, total)| *total = total.wrapping_sub(round(*value)));
            let again = std::iter::once((batch, trainer.pass(&network, batch)));
            exact::accumulate(again, parameters, (rule, selection), gradient, &mut []);
        }
    }
    exact::accumulate(trainer.spilled(&network), parameters, (rule, selection), gradient, riders);
}

/// Each slot's coefficient, and the riders of the customers.
pub(super) fn weigh(
    batch: &MicroBatch,
    pass: &Pass<'_>,
    (rule, selection): (&ClipRule, &Selection),
    riders: &mut [i64],
) -> Weights {
    let (norms, losses, faulty) = (pass.norms(), pass.losses(), pass.faulty());
    let mut weights = Weights { coefficients: [0.0; SLOTS], allowed: 0.0 };
    let mut start = 0;
    for rows in batch.customers().chunk_by(|left, right| left == right && *left != NOBODY) {
        let slots = start..start + rows.len();
        start = slots.end;
        let customer = rows.first().copied().unwrap_or(NOBODY);
        let counts = customer != NOBODY && selection.includes(customer) && !faulty[slots.clone()].contains(&true);
        let norm: f64 = norms[slots.clone()].iter().sum();
        let loss: f64 = losses[slots.clone()].iter().sum();
        let units = f64::from(rule.clip_units());
        let coefficient = units / norm.max(rule.example_clip_norm());
        let within = norm <= rule.example_clip_norm();
        let rows = u32::try_from(rows.len()).expect("a micro-batch is small");
        ride(riders, rule.riders(), Ride { loss, rows, within, counts });
        if counts {
            weights.coefficients[slots].fill(coefficient);
            weights.allowed += norm * coefficient;
        }
    }
    weights
}

/// Adds a micro-batch's sum, rounded. Whether its integers are as long as its members' clipped norms allow: a check that shares nothing with
/// the arithmetic that made them.
fn add_rounded(gradient: &mut [i64], sum: &[f32], weights: &Weights) -> bool {
    let mut square = 0.0;
    for (total, value) in gradient.iter_mut().zip(sum) {
        let units = round(*value);
        *total = total.wrapping_add(units);
        square += (units as f64) * (units as f64);
    }
    let most = SLACK * weights.allowed + (sum.len() as f64).sqrt();
    square <= most * most
}

/// To the nearest integer, ties to even. The value is below 2^51, or callers throw the result away.
fn round(value: f32) -> i64 {
    (f64::from(value) + ROUNDER).to_bits().cast_signed().wrapping_sub(ROUNDER.to_bits().cast_signed())
}

const _: () = assert!(super::clip_rule::CLIP_UNITS_MAX as f64 * SLACK * (SLOTS as f64) < (1_u64 << 40) as f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest() {
        let cases = [(0.0, 0), (0.49, 0), (0.5, 0), (1.5, 2), (-0.51, -1), (-2.5, -2), (1_099_511_627_776.0, 1 << 40)];
        for (value, expected) in cases {
            assert_eq!(round(value), expected);
        }
    }

    #[test]
    fn integers_longer_than_their_members_allow_are_noticed() {
        let weights = Weights { coefficients: [0.0; SLOTS], allowed: 5000.0 };
        for (sum, good) in [
            ([3000.0, 4000.0], true),
            ([3060.0, 4080.0], false),
            ([f32::NAN, 0.0], false),
            ([0.0, f32::INFINITY], false),
            ([0.0, -1e30], false),
        ] {
            assert_eq!(add_rounded(&mut [0; 2], &sum, &weights), good, "{sum:?}");
        }
    }
}
