//! How much noise a plan needs: for its training rounds, and for the rounds that count.

use tributary_model::planned::noise_multiplier;
use tributary_model::privacy::{
    CalibrateError, SampledTarget, Target, calibrate, calibrate_sampled_beside, sampling_probability,
};
use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::privacy::RdpVector;

/// What is to be noised.
pub(super) struct NoiseRequest {
    /// Of everything together.
    pub(super) epsilon: f64,
    /// Probability with which epsilon may fail.
    pub(super) delta: f64,
    /// Releases of training that may be charged, retries included.
    pub(super) releases: u32,
    /// As a plan has it.
    pub(super) sampling_threshold: u64,
    /// Of one training release.
    pub(super) sensitivity_squared: u128,
    /// Of each counting round, and the share of the budget that it may cost.
    pub(super) counting: Vec<(u128, f64)>,
}

/// Noise variances, in units squared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variances {
    pub(super) training: u128,
    pub(super) counting: Vec<u128>,
}

/// The least noise with which all of it fits the target.
///
/// Counting rounds cost as much as so many full-batch releases of training as their share says: releases of the Gaussian mechanism add up at
/// every order, so that training is calibrated as if there were that many more. With a coin, training then takes what counting leaves.
///
/// # Errors
/// If no noise of a drawable size meets the target.
pub(super) fn calibrated(request: &NoiseRequest) -> Result<Variances, CalibrateError> {
    let NoiseRequest { epsilon, delta, releases, sampling_threshold, sensitivity_squared, .. } = *request;
    let shares: f64 = request.counting.iter().map(|(_, share)| share).sum();
    let stretched = (f64::from(releases) / (1.0 - shares.min(0.9))).ceil();
    let rounds_charged = whole(stretched).min(PLAN_ROUNDS_MAX);
    let target = Target { epsilon, delta, rounds_charged, sensitivity_squared_units: sensitivity_squared };
    let full = calibrate(&target)?.total_variance_units;
    let spare = f64::from(rounds_charged.saturating_sub(releases).max(1));
    let counting: Vec<u128> = request
        .counting
        .iter()
        .map(|(own, share)| {
            let worth = (spare * share / shares).max(1e-6);
            let ratio = noise_multiplier(full, sensitivity_squared).powi(2) / worth;
            scaled(*own, ratio)
        })
        .collect();
    if sampling_threshold == 0 {
        return Ok(Variances { training: full, counting });
    }
    let beside = request
        .counting
        .iter()
        .zip(&counting)
        .fold(RdpVector::zero(), |sum, ((own, _), variance)| sum.plus(&RdpVector::gaussian(*own, *variance)));
    let target = SampledTarget {
        epsilon,
        delta,
        rounds_charged: releases,
        sampling_probability: sampling_probability(sampling_threshold),
    };
    // A millionth more than enough: what a plan states is a little above what was computed here.
    let multiplier = calibrate_sampled_beside(&target, &beside)? * (1.0 + 1e-6);
    Ok(Variances { training: scaled(sensitivity_squared, multiplier * multiplier), counting })
}

/// A squared sensitivity times a squared noise multiplier, rounded up.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part in 2^50 more than the product, so that no rounding makes it less; the cast saturates"
)]
fn scaled(sensitivity_squared: u128, ratio: f64) -> u128 {
    (sensitivity_squared as f64 * ratio * (1.0 + 8.0 * f64::EPSILON)).ceil() as u128
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole(value: f64) -> u32 {
    value as u32
}
