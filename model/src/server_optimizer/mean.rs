//! The unmasked sum, read.

use crate::architecture::Architecture;
use crate::elementary::exp;
use crate::update::{CLIP_NORM_MIN, ClipRule, RIDERS};

/// What rode along in a round, noise included: an estimate, and published as such.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundMetrics {
    /// Clamped losses over the nominal number of customers, in nats, noise included; can be negative.
    pub loss_mean: f64,
    /// Noised number of customers (in branch mode: of branches); can be fractional or negative.
    pub customers: f64,
    /// Noised share of them whose gradient (difference of models) was within the clip norm; can be outside 0 to 1.
    pub within_clip_norm: f64,
}

/// A sum that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeanError {
    /// Another length than plan and rule say.
    #[error(
        "the sum has {found} coordinates, but plan and clip rule say {expected}: check coordinates must be taken off first"
    )]
    Length {
        /// Parameters and riders.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The plan's nominal number of customers is zero.
    #[error("nominal_customers must be at least 1; correct the plan")]
    NominalCustomers,
}

/// How a round's integer sum is read.
#[derive(Clone, Copy, Debug)]
pub struct MeanScale {
    parameters: usize,
    rule: ClipRule,
    /// By which the riding loss is divided.
    riders_nominal: f64,
    unit: f64,
}

impl MeanScale {
    /// Reads sums of clipped gradients (parameters, then riders; check coordinates already off) as gradient = sum * C / (S_units * N), with N
    /// the public number of customers that are expected in a round: the plan's `customers_nominal`, times the probability of a coin, never
    /// the actual count (docs/PRIVACY.md, "The mechanism").
    ///
    /// # Errors
    /// [`MeanError::NominalCustomers`] unless it is above 0.
    pub fn new(architecture: &Architecture, rule: &ClipRule, customers_expected: f64) -> Result<Self, MeanError> {
        if customers_expected.is_nan() || customers_expected <= 0.0 {
            return Err(MeanError::NominalCustomers);
        }
        let unit = rule.example_clip_norm() / f64::from(rule.clip_units()) / customers_expected;
        let parameters = architecture.parameter_count();
        Ok(Self { parameters, rule: *rule, riders_nominal: customers_expected, unit })
    }

    /// Reads sums of differences of models: the gradient is minus their mean over the survivors, so that a server that steps by 1 without
    /// momentum averages the branches' models (McMahan et al. 2017, each branch counting once). `riders_nominal` is what the riding loss is
    /// divided by: the customers that are expected, or the survivors where branches are what is protected.
    ///
    /// # Errors
    /// [`MeanError::NominalCustomers`] without survivors, or unless `riders_nominal` is above 0.
    pub fn of_differences(
        architecture: &Architecture,
        rule: &ClipRule,
        update_clip_norm: f64,
        survivors: usize,
        riders_nominal: f64,
    ) -> Result<Self, MeanError> {
        let scale = Self::new(architecture, rule, riders_nominal)?;
        if survivors == 0 {
            return Err(MeanError::NominalCustomers);
        }
        let unit = -update_clip_norm / f64::from(rule.clip_units()) / survivors as f64;
        Ok(Self { unit, ..scale })
    }

    /// The number of parameters of a sum of `found` coordinates.
    ///
    /// # Errors
    /// [`MeanError::Length`] if plan and rule say another number of coordinates.
    pub fn parameters(&self, found: usize) -> Result<usize, MeanError> {
        let expected = self.rule.update_length(self.parameters);
        if found == expected { Ok(self.parameters) } else { Err(MeanError::Length { expected, found }) }
    }

    /// The noised mean gradient of one parameter.
    #[must_use]
    pub fn gradient(&self, units: i64) -> f64 {
        units as f64 * self.unit
    }

    /// What the coordinates after the parameters say; `None` where the rule has no riders. The loss is divided by the public nominal
    /// count: dividing by the noised one would add its noise.
    #[must_use]
    pub fn metrics(&self, riders: &[i64]) -> Option<RoundMetrics> {
        let scale = self.rule.riders()?;
        let [loss, customers, within] = *riders.first_chunk::<RIDERS>()?;
        let units = f64::from(scale.units);
        Some(RoundMetrics {
            loss_mean: loss as f64 / units * scale.loss_bound / self.riders_nominal,
            customers: customers as f64 / units,
            within_clip_norm: within as f64 / f64::from(scale.indicator_units) / self.riders_nominal,
        })
    }
}

/// The bound of the next round's differences of models, from the noised share of branches within this round's: `C exp(-0.2 (b - 0.5))`, so
/// that it follows their median (Andrew et al. 2021, algorithm 1). Kept between [`lowest_clip_norm`] and a thousand times the plan's first bound.
#[must_use]
pub fn adapted_clip_norm(current: f64, within: f64, first: f64) -> f64 {
    let share = if within.is_nan() { 0.5 } else { within.clamp(0.0, 1.0) };
    (current * exp(-0.2 * (share - 0.5))).clamp(first / 1000.0, first * 1000.0).max(CLIP_NORM_MIN)
}

/// How far a bound can fall that begins here: to a thousandth, and not below the smallest clip norm that there is.
#[must_use]
pub fn lowest_clip_norm(first: f64) -> f64 {
    (first / 1000.0).max(CLIP_NORM_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::{ClipForm, ClipSettings, ClipUnit};

    fn rule() -> ClipRule {
        ClipRule::new(
            ClipSettings { example_clip_norm: 2.0, clip_units: 1000, form: ClipForm::Exact, loss_bound: Some(4.0) },
            ClipUnit::Customer,
        )
        .unwrap()
    }

    /// As a coordinator reads a whole sum.
    fn read(sum: &[i64], customers: u64) -> Result<(Vec<f64>, Option<RoundMetrics>), MeanError> {
        let shape = Architecture::logistic(2, &["churn"]).unwrap();
        let scale = MeanScale::new(&shape, &rule(), customers as f64)?;
        let (gradient, riders) = sum.split_at(scale.parameters(sum.len())?);
        Ok((gradient.iter().map(|units| scale.gradient(*units)).collect(), scale.metrics(riders)))
    }

    #[test]
    fn a_sum_is_read() {
        // 50 units for a customer; 10 customers, losses of 1 nat on average (12.5 units each).
        let (mean, metrics) = read(&[1000, -500, 0, 125, 500, 400], 10).unwrap();
        assert_eq!(mean, [0.2, -0.1, 0.0]);
        assert_eq!(metrics, Some(RoundMetrics { loss_mean: 1.0, customers: 10.0, within_clip_norm: 0.8 }));
    }

    #[test]
    fn noise_can_make_metrics_negative() {
        let (_, metrics) = read(&[0, 0, 0, -125, -500, -500], 10).unwrap();
        assert_eq!(metrics, Some(RoundMetrics { loss_mean: -1.0, customers: -10.0, within_clip_norm: -1.0 }));
    }

    #[test]
    fn differences_of_models_are_averaged() {
        let shape = Architecture::logistic(2, &["churn"]).unwrap();
        // 1000 units stand for an update norm of 0.5; four branches.
        let scale = MeanScale::of_differences(&shape, &rule(), 0.5, 4, 10.0).unwrap();
        assert_eq!([1000, -400].map(|units| scale.gradient(units)), [-0.125, 0.05]);
        assert!(MeanScale::of_differences(&shape, &rule(), 0.5, 0, 10.0).is_err());
        assert!(MeanScale::new(&shape, &rule(), f64::NAN).is_err());
    }

    #[test]
    fn an_adaptive_bound_follows_the_median() {
        assert_eq!(adapted_clip_norm(2.0, 0.5, 1.0), 2.0);
        assert!((adapted_clip_norm(2.0, 1.0, 1.0) - 2.0 * (-0.1_f64).exp()).abs() < 1e-12);
        assert!((adapted_clip_norm(2.0, -3.0, 1.0) - 2.0 * 0.1_f64.exp()).abs() < 1e-12);
        assert_eq!(adapted_clip_norm(2.0, f64::NAN, 1.0), 2.0);
        assert_eq!((0..200).fold(1.0, |bound, _| adapted_clip_norm(bound, 1.0, 1.0)), 0.001);
        let least = CLIP_NORM_MIN * 2.0;
        assert_eq!((0..200).fold(least, |bound, _| adapted_clip_norm(bound, 1.0, least)), CLIP_NORM_MIN);
    }

    #[test]
    fn another_shape_is_refused() {
        let refusal = |sum: &[i64], customers| read(sum, customers).err();
        assert_eq!(refusal(&[0; 3], 10), Some(MeanError::Length { expected: 6, found: 3 }));
        assert_eq!(refusal(&[0; 6], 0), Some(MeanError::NominalCustomers));
    }
}
