//! From a target to the noise that meets it.

mod stages;

use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::privacy::{ORDERS, RdpVector};

use super::accountant::{GaussianDp, NANOS, PrivacyLoss, SampledRound, cap, charge, epsilon_of};
pub use stages::{StageDemand, calibrate_stages, retries_for};

use super::{NoiseError, SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN, is_epsilon};

/// Largest delta that can be asked for.
const DELTA_MAX: f64 = 0.1;
/// Largest squared sensitivity, units^2; with it no product of the accounting overflows.
const SENSITIVITY_SQUARED_MAX: u128 = 1 << 80;

/// Why no noise meets a target.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CalibrateError {
    /// Not above 0, above 1000, or not a number.
    #[error("epsilon {0} is out of range: choose one above 0 and at most 1000")]
    Epsilon(f64),
    /// Not above 0, above 0.1, or not a number.
    #[error(
        "delta {0} is out of range: choose one above 0 and at most 0.1, well below one over the number of customers"
    )]
    Delta(f64),
    /// None, or more than `PLAN_ROUNDS_MAX`.
    #[error("{0} charged rounds are out of range: a plan has 1 to {PLAN_ROUNDS_MAX}, retries included")]
    Rounds(u32),
    /// Zero or above 2^80 units^2.
    #[error("a squared sensitivity of {0} units^2 is out of range: it is at least 1 and at most 2^80")]
    Sensitivity(u128),
    /// Not above 0 and at most 1.
    #[error("sampling probability {0} is out of range: choose one above 0 and at most 1")]
    SamplingProbability(f64),
    /// Noise of any size leaves the accounting above this epsilon.
    #[error(
        "epsilon {epsilon} at delta {delta} over {rounds} rounds cannot be proved: raise epsilon or delta, or plan fewer rounds"
    )]
    Unreachable {
        /// As asked for.
        epsilon: f64,
        /// As asked for.
        delta: f64,
        /// As asked for.
        rounds: u32,
    },
    /// Not above 0, or a million and more.
    #[error("a budget share of {0} is out of range: choose one above 0, in proportion to the other stages'")]
    BudgetShare(f64),
    /// A share that no branch would draw.
    #[error(transparent)]
    Share(#[from] NoiseError),
    /// Noise that nobody honest draws protects nobody.
    #[error(
        "noise cannot be split over no honest share: lower the number of colluding participants that is assumed, or enlarge the cohort"
    )]
    NoHonestShare,
}

/// What a plan asks for: full-batch rounds that together cost at most `(epsilon, delta)` for a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Nats, above 0 and at most 1000.
    pub epsilon: f64,
    /// Above 0 and at most 0.1.
    pub delta: f64,
    /// Rounds that may be charged, retries included.
    pub rounds_charged: u32,
    /// Squared effective sensitivity, units^2, from 1 to 2^80.
    pub sensitivity_squared_units: u128,
}

/// Noise that meets a [`Target`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibrated {
    /// The smallest variance of the noise in a sum that the accounting admits, units^2.
    pub total_variance_units: u128,
    /// Standard deviation over sensitivity, rounded down: the guaranteed one.
    pub noise_multiplier: f64,
    /// Epsilon after all charged rounds by the accounting that is enforced, rounded up; at most the target.
    pub epsilon_enforced: f64,
    /// Epsilon after all charged rounds by the exact Gaussian curve.
    pub epsilon_gdp: f64,
    /// The order that proves the enforced epsilon.
    pub order: u32,
}

/// The smallest integer variance with which the enforced integer accounting admits all charged rounds.
///
/// Solved, not searched: at one order the rounds fit if one round's charge is at most `cap / rounds`, rounded down, and the smallest
/// variance for that is a quotient; the best order wins. Reconsidering every order here costs nothing, the ledger does the same.
///
/// # Errors
/// If a field is out of range, no order proves so small an epsilon, or the noise is beyond what a branch can draw.
pub fn calibrate(target: &Target) -> Result<Calibrated, CalibrateError> {
    let Target { epsilon, delta, rounds_charged: rounds, sensitivity_squared_units: sensitivity } = *target;
    check(epsilon, delta, rounds)?;
    if !(1..=SENSITIVITY_SQUARED_MAX).contains(&sensitivity) {
        return Err(CalibrateError::Sensitivity(sensitivity));
    }
    let cap = cap(epsilon, delta);
    let smallest = |(order, threshold): (u32, &u64)| -> Option<u128> {
        let share = Some(threshold / u64::from(rounds)).filter(|share| *share > 0)?;
        Some((sensitivity * u128::from(order) * u128::from(NANOS)).div_ceil(2 * u128::from(share)))
    };
    let variance = ORDERS.into_iter().zip(cap.nanos()).filter_map(smallest).min();
    let variance = variance.ok_or(CalibrateError::Unreachable { epsilon, delta, rounds })?;
    if variance > SHARE_VARIANCE_MAX {
        return Err(NoiseError::VarianceTooLarge(variance).into());
    }
    let spent = RdpVector::gaussian(sensitivity, variance).times(u64::from(rounds));
    assert!(spent.within(&cap), "the quotient is the variance at which one order admits the rounds");
    let (epsilon_enforced, order) = epsilon_of(&spent, delta);
    let noise_multiplier = noise_multiplier(variance, sensitivity);
    let epsilon_gdp = GaussianDp::round(noise_multiplier).times(f64::from(rounds)).epsilon_discrete(delta);
    Ok(Calibrated { total_variance_units: variance, noise_multiplier, epsilon_enforced, epsilon_gdp, order })
}

/// What a plan with sampled rounds asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampledTarget {
    /// Nats, above 0 and at most 1000.
    pub epsilon: f64,
    /// Above 0 and at most 0.1.
    pub delta: f64,
    /// Rounds that may be charged, retries included.
    pub rounds_charged: u32,
    /// Probability of a customer's secret coin, above 0 and at most 1.
    pub sampling_probability: f64,
}

/// The smallest noise multiplier, but for a relative 1e-6 upwards, with which the enforced integer accounting admits all charged rounds.
///
/// # Errors
/// If a field is out of range, or no noise multiplier up to 2^30 meets the target.
pub fn calibrate_sampled(target: &SampledTarget) -> Result<f64, CalibrateError> {
    calibrate_sampled_beside(target, &RdpVector::zero())
}

/// As [`calibrate_sampled`], where other releases on the same customers are charged to the same target.
///
/// # Errors
/// As [`calibrate_sampled`]; [`CalibrateError::Unreachable`] too where the others alone cost too much.
pub fn calibrate_sampled_beside(target: &SampledTarget, beside: &RdpVector) -> Result<f64, CalibrateError> {
    let SampledTarget { epsilon, delta, rounds_charged: rounds, sampling_probability } = *target;
    check_sampled(target)?;
    let cap = cap(epsilon, delta);
    let meets = |noise_multiplier: f64| {
        charge(SampledRound { sampling_probability, noise_multiplier }).times(rounds.into()).plus(beside).within(&cap)
    };
    let mut high = 1.0;
    while !meets(high) {
        high *= 2.0;
        if high > (1_u64 << 30) as f64 {
            return Err(CalibrateError::Unreachable { epsilon, delta, rounds });
        }
    }
    // Below 2^-20 the exponents overflow; nobody would call that noise.
    let mut low = if high > 1.0 { high / 2.0 } else { 2_f64.powi(-20) };
    while high - low > 1e-6 * high {
        let middle = low + (high - low) / 2.0;
        if meets(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// The noise multiplier, to a relative 1e-4 upwards, with which the tight figure meets the target: loss distributions, or RDP where they
/// have none.
///
/// For comparison with other systems. The ledger enforces more: it will not admit all rounds of a plan with so little noise.
///
/// # Errors
/// As [`calibrate_sampled`].
pub fn calibrate_tight(target: &SampledTarget) -> Result<f64, CalibrateError> {
    const RESOLUTION: f64 = 1e-4;
    let SampledTarget { epsilon, delta, rounds_charged: rounds, sampling_probability } = *target;
    // By how much, in logarithms, epsilon exceeds the target.
    let excess = |noise_multiplier: f64| {
        let round = SampledRound { sampling_probability, noise_multiplier };
        (PrivacyLoss::rounds(round, rounds).epsilon(delta).epsilon / epsilon).ln()
    };
    // What is enforced is never below the tight figure.
    let mut high = calibrate_sampled(target)?;
    let mut above = excess(high);
    let mut low = high * 0.9;
    let mut below = excess(low);
    while below <= 0.0 && low > 2_f64.powi(-20) {
        (high, above) = (low, below);
        low /= 1.5;
        below = excess(low);
    }
    // Epsilon is nearly a power of the noise: interpolate, step to the good side, then look for the bad side close by.
    let mut near = false;
    while high - low > 1.01 * RESOLUTION * high {
        let crossing = (high.ln() - (high / low).ln() * above / (above - below)).exp() * (1.0 + RESOLUTION / 3.0);
        let guess = if near { high * (1.0 - RESOLUTION) } else { crossing };
        let middle = if guess > low && guess < high { guess } else { low + (high - low) / 2.0 };
        let found = excess(middle);
        near = found <= 0.0 && !near;
        if found <= 0.0 {
            (high, above) = (middle, found);
        } else {
            (low, below) = (middle, found);
        }
    }
    Ok(high)
}

fn check_sampled(target: &SampledTarget) -> Result<(), CalibrateError> {
    check(target.epsilon, target.delta, target.rounds_charged)?;
    if target.sampling_probability > 0.0 && target.sampling_probability <= 1.0 {
        return Ok(());
    }
    Err(CalibrateError::SamplingProbability(target.sampling_probability))
}

/// Standard deviation of noise over a sensitivity, both squared: rounded down.
#[must_use]
pub fn noise_multiplier(variance: u128, sensitivity_squared: u128) -> f64 {
    // Two conversions, a quotient and a root, each off by at most a part in 2^53.
    (variance as f64 / sensitivity_squared as f64).sqrt() * (1.0 - 4.0 * f64::EPSILON)
}

/// The variance of one branch's share, units^2, so that `honest_shares` of them hold `total_variance_units` at least: the quotient,
/// rounded up.
///
/// # Errors
/// If there is no honest share, or the share is below [`SHARE_VARIANCE_MIN`] or above [`SHARE_VARIANCE_MAX`].
pub fn share_variance(total_variance_units: u128, honest_shares: u32) -> Result<u128, CalibrateError> {
    if honest_shares == 0 {
        return Err(CalibrateError::NoHonestShare);
    }
    let share = total_variance_units.div_ceil(u128::from(honest_shares));
    if share < SHARE_VARIANCE_MIN {
        return Err(NoiseError::VarianceTooSmall(share).into());
    }
    if share > SHARE_VARIANCE_MAX {
        return Err(NoiseError::VarianceTooLarge(share).into());
    }
    Ok(share)
}

fn check(epsilon: f64, delta: f64, rounds: u32) -> Result<(), CalibrateError> {
    if !is_epsilon(epsilon) {
        return Err(CalibrateError::Epsilon(epsilon));
    }
    if !(delta > 0.0 && delta <= DELTA_MAX) {
        return Err(CalibrateError::Delta(delta));
    }
    if rounds == 0 || rounds > PLAN_ROUNDS_MAX {
        return Err(CalibrateError::Rounds(rounds));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
