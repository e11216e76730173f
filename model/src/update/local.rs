//! Differences of models, for the modes in which a branch takes several steps between two uploads.
//!
//! *Local*: every step is a release of its own, clipped and noised by the branch alone (differentially private gradient descent, Abadi et al.
//! 2016, with integer noise). The difference of models, and the first step's riders, are made from noised integers and nothing else, so that
//! clipping and rounding them is post-processing. *Branch*: the steps see the data as it is; the difference of models is clipped as a whole,
//! in integers, and noised by all branches together (McMahan et al. 2018).

use tributary_protocol::entropy::Entropy;
use zeroize::Zeroizing;

use super::clip_rule::{ClipRule, RiderScale};
use super::clipped::{Ride, UpdateError, clip_to_units, clipped_sum, clipped_sum_of, ride};
use super::local_rule::LocalRule;
use super::sums::{ClippedSum, NoiseLength, NoisedUpdate};
use crate::parameters::Parameters;
use crate::privacy::{NoiseError, NoiseSampler, Selection};
use crate::train::Trainer;

/// The noise of local steps.
#[derive(Clone, Copy)]
pub struct LocalNoise<'a> {
    /// Draws each step's whole noise.
    pub sampler: &'a NoiseSampler,
    /// The coin of each customer in each step, as [`Selection::draw`] takes it.
    pub sampling_threshold: u64,
    /// By which a step's sum is divided: a public number of the branch's customers (times the coin's probability), never the actual one.
    pub customers_nominal: f64,
}

/// A difference of models that could not be made, because plan, model and layout do not fit each other. No row decides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// A step's sum.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A step's noise.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// Noise and sum do not fit.
    #[error(transparent)]
    NoiseLength(#[from] NoiseLength),
}

/// Several noised steps, and the difference of models as integers: private before it is masked. Riders are the first step's.
///
/// # Errors
/// [`LocalError`].
pub fn private_update(
    trainer: &Trainer,
    start: &Parameters,
    (rule, local): (&ClipRule, &LocalRule),
    noise: LocalNoise<'_>,
    entropy: &mut dyn Entropy,
) -> Result<NoisedUpdate, LocalError> {
    let count = start.values().len();
    let unit = rule.example_clip_norm() / f64::from(rule.clip_units()) / noise.customers_nominal;
    let mut model = start.clone();
    let mut first = None;
    for _ in 0..local.steps {
        let selection = Selection::draw(trainer.customers_padded(), noise.sampling_threshold, entropy);
        let sum = clipped_sum_of(trainer, &model, rule, &selection)?;
        let share = noise.sampler.share(sum.coordinates(), entropy)?.into_values();
        let noised = sum.add_noise(share)?;
        let gradient = noised.values()[..count].iter().map(|units| *units as f64 * unit);
        model = stepped(&model, gradient, local.learning_rate);
        first.get_or_insert_with(|| Zeroizing::new(noised.values()[count..].to_vec()));
    }
    let mut values = Zeroizing::new(vec![0; rule.update_length(count)]);
    let (difference, riders) = values.split_at_mut(count);
    clip_difference(&model, start, (rule, local.update_clip_norm), difference);
    if let Some(first) = first {
        riders.copy_from_slice(&first);
    }
    Ok(NoisedUpdate::from_noised(values))
}

/// Several steps on the data as it is, and the clipped difference of models: nothing about it is private until it is noised. One branch more
/// or less moves a sum of them by at most the root of [`ClipRule::sensitivity_squared_units`]. Riders: the branch's clamped mean loss at the
/// first step, one, and one where the difference was within its bound.
///
/// # Errors
/// [`LocalError`].
pub fn branch_update(
    trainer: &Trainer,
    start: &Parameters,
    (rule, local): (&ClipRule, &LocalRule),
) -> Result<ClippedSum, LocalError> {
    let count = start.values().len();
    let customers = trainer.customers().max(1) as f64;
    let unit = rule.example_clip_norm() / f64::from(rule.clip_units()) / customers;
    let mut model = start.clone();
    let mut loss = None;
    for _ in 0..local.steps {
        let sum = clipped_sum(trainer, &model, rule)?;
        let (gradient, riders) = sum.values().split_at(count);
        loss = loss.or_else(|| Some(mean_loss(rule.riders()?, riders, customers)));
        model = stepped(&model, gradient.iter().map(|units| *units as f64 * unit), local.learning_rate);
    }
    let mut values = Zeroizing::new(vec![0; rule.update_length(count)]);
    let (difference, riders) = values.split_at_mut(count);
    let within = clip_difference(&model, start, (rule, local.update_clip_norm), difference);
    ride(riders, rule.riders(), Ride { loss: loss.unwrap_or_default(), rows: 1, within, counts: true });
    Ok(ClippedSum::new(values))
}

fn mean_loss(scale: RiderScale, riders: &[i64], customers: f64) -> f64 {
    let losses = riders.first().copied().unwrap_or_default();
    losses as f64 / f64::from(scale.units) * scale.loss_bound / customers
}

/// One step. What leaves the limits of a model stays at them: whether it does, rows decide.
fn stepped(model: &Parameters, gradient: impl Iterator<Item = f64>, learning_rate: f64) -> Parameters {
    let moved = model.values().iter().zip(gradient).map(|(value, slope)| f64::from(*value) - learning_rate * slope);
    Parameters::clamped(model.architecture().clone(), moved.map(narrow).collect())
        .expect("a step changes no number of parameters")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to 32 bits; what is too large becomes infinite and is clamped"
)]
fn narrow(value: f64) -> f32 {
    // A denormal number takes some processors many times as long, in every step and every parameter; and whether there are any, rows and a tiny
    // learning rate would decide.
    let normal = if value.abs() < f64::from(f32::MIN_POSITIVE) { 0.0 } else { value };
    normal as f32
}

/// The difference of models in units, clipped, truncated towards zero, its norm checked in integers; whether nothing had to be clipped.
fn clip_difference(
    model: &Parameters,
    start: &Parameters,
    (rule, update_clip_norm): (&ClipRule, f64),
    units: &mut [i64],
) -> bool {
    let difference = || model.values().iter().zip(start.values()).map(|(new, old)| f64::from(*new) - f64::from(*old));
    let norm = difference().map(|value| value * value).sum::<f64>().sqrt();
    let scale = f64::from(rule.clip_units()) / norm.max(update_clip_norm);
    clip_to_units(difference, scale, rule.clip_units(), units);
    norm <= update_clip_norm
}

#[cfg(test)]
mod tests;
