//! The way in: from a branch's rows and a model to a clipped sum.

use zeroize::Zeroizing;

use super::clip_rule::{ClipForm, ClipRule, ClipRuleError, RiderScale};
use super::sums::ClippedSum;
use super::{chunked, exact};
use crate::parameters::Parameters;
use crate::privacy::Selection;
use crate::train::{Placement, Trainer};

/// A sum that could not be made, because plan, model and layout do not fit each other. No row decides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// Model and data differ in shape.
    #[error(
        "the model has another architecture than the data was laid out for; the coordinator sent another plan's model"
    )]
    Architecture,
    /// The rule itself cannot be met.
    #[error(transparent)]
    Rule(#[from] ClipRuleError),
    /// Gradients need micro-batches, and the chunked form fixed ones.
    #[error("the rows are laid out for another stage of the plan; this is a fault of the program")]
    Placement,
}

/// Clips the gradient of every customer in `selection` to the rule's norm and sums the integers: `parameters` coordinates, then the rule's
/// riders (each customer's clamped mean loss, one for each customer, and one for each within the norm, scaled by [`ClipRule::riders`]).
///
/// A customer with several rows is clipped as one: the coefficient is min(1, C / sum over its rows of the row's norm)
/// (docs/PRIVACY.md, "The mechanism").
/// A customer with a row whose activations, loss or gradients leave the range of the arithmetic contributes zeros; nobody else is touched.
/// No customers at all give zeros. One customer more or less moves the result by at most the root of
/// [`ClipRule::sensitivity_squared_units`].
///
/// # Errors
/// See [`UpdateError`]; rows decide none of them.
pub fn clipped_sum_of(
    trainer: &Trainer,
    parameters: &Parameters,
    rule: &ClipRule,
    selection: &Selection,
) -> Result<ClippedSum, UpdateError> {
    if parameters.architecture() != trainer.architecture() {
        return Err(UpdateError::Architecture);
    }
    let count = parameters.values().len();
    rule.sensitivity_squared_units(count)?;
    let mut values = Zeroizing::new(vec![0_i64; rule.update_length(count)]);
    let (gradient, riders) = values.split_at_mut(count);
    match (rule.form(), trainer.placement()) {
        (ClipForm::Exact, Placement::Dense | Placement::Hashed) => {
            let network = trainer.network(parameters);
            let passes = trainer.passes(&network).chain(trainer.spilled(&network));
            exact::accumulate(passes, parameters, (rule, selection), gradient, riders);
        }
        (ClipForm::Chunked, Placement::Hashed) => {
            chunked::accumulate(trainer, parameters, (rule, selection), gradient, riders);
        }
        (ClipForm::Chunked, Placement::Dense) | (_, Placement::Cells) => return Err(UpdateError::Placement),
    }
    Ok(ClippedSum::new(values))
}

/// What rides along for one customer or branch.
#[derive(Clone, Copy)]
pub(super) struct Ride {
    /// Sum over its rows, or mean over its customers, in nats.
    pub(super) loss: f64,
    /// How many the loss is divided by; at least 1.
    pub(super) rows: u32,
    /// Whether nothing had to be clipped.
    pub(super) within: bool,
    /// Whether it takes part at all.
    pub(super) counts: bool,
}

/// [`clipped_sum_of`] everybody: a full batch.
///
/// # Errors
/// As [`clipped_sum_of`].
pub fn clipped_sum(trainer: &Trainer, parameters: &Parameters, rule: &ClipRule) -> Result<ClippedSum, UpdateError> {
    clipped_sum_of(trainer, parameters, rule, &Selection::everybody())
}

/// Adds one customer's, or branch's, riders.
pub(super) fn ride(riders: &mut [i64], scale: Option<RiderScale>, ride: Ride) {
    let (Some(scale), [losses, customers, within]) = (scale, riders) else { return };
    // What is no number is clamped to the bound.
    let clamped = (ride.loss / f64::from(ride.rows)).min(scale.loss_bound).max(0.0);
    let units = truncate(clamped / scale.loss_bound * f64::from(scale.units)).min(i64::from(scale.units));
    let mask = -i64::from(ride.counts);
    *losses = losses.wrapping_add(units & mask);
    *customers = customers.wrapping_add(i64::from(scale.units) & mask);
    *within = within.wrapping_add(i64::from(scale.indicator_units) & mask & -i64::from(ride.within));
}

/// Scaling down once suffices; more would be a fault.
const SCALINGS_MAX: u32 = 4;

/// Values times `scale`, truncated towards zero to integers of which `clip_units` is the largest norm. Floats may err in the last place, so
/// the integers decide: where they pass the norm, the scale shrinks and they are made again. Where no scale helps, because a value or the
/// scale is not finite, there are zeros.
pub(super) fn clip_to_units<I: Iterator<Item = f64>>(
    values: impl Fn() -> I,
    mut scale: f64,
    clip_units: u32,
    units: &mut [i64],
) {
    let bound = i128::from(clip_units).pow(2);
    for _ in 0..SCALINGS_MAX {
        let mut square = 0_i128;
        for (unit, value) in units.iter_mut().zip(values()) {
            *unit = truncate(value * scale);
            square += i128::from(*unit) * i128::from(*unit);
        }
        if square <= bound && scale.is_finite() {
            return;
        }
        scale *= f64::from(clip_units) / (square as f64).sqrt() * (1.0 - 1e-9);
    }
    units.fill(0);
}

/// Towards zero, so that an absolute value never grows; what is no number is 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "truncation is what is wanted; what is out of range is clamped, and the norm's check follows"
)]
fn truncate(value: f64) -> i64 {
    // Squares of so many coordinates fit 128 bits.
    (value as i64).clamp(-UNIT_ABS_MAX, UNIT_ABS_MAX)
}

/// Beyond any unit within a norm: 2^48.
const UNIT_ABS_MAX: i64 = 1 << 48;

#[cfg(test)]
mod tests;
