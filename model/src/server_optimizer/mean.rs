//! The unmasked sum, read.

use crate::architecture::Architecture;
use crate::update::{ClipRule, RIDERS};

/// The noised mean gradient of a round: one value for each parameter. Private already, by the noise in the sum.
pub struct MeanUpdate(Vec<f64>);

/// What rode along in a round, noise included: an estimate, and published as such.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundMetrics {
    /// Clamped losses over the nominal number of customers, in nats, noise included; can be negative.
    pub loss_mean: f64,
    /// Noised number of customers; can be fractional or negative.
    pub customers: f64,
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
    /// A value is not finite.
    #[error("a gradient is not finite: training diverged; lower the learning rate")]
    NotFinite,
}

/// How a round's integer sum is read.
#[derive(Clone, Copy, Debug)]
pub struct MeanScale {
    parameters: usize,
    rule: ClipRule,
    customers_nominal: f64,
    unit: f64,
}

impl MeanScale {
    /// Reads sums (parameters, then riders; check coordinates already off) as gradient = sum * C / (S_units * N), with N the plan's public
    /// `nominal_customers`, never the actual count (PRIVACY, section 2).
    ///
    /// # Errors
    /// [`MeanError::NominalCustomers`].
    pub fn new(architecture: &Architecture, rule: &ClipRule, customers_nominal: u64) -> Result<Self, MeanError> {
        if customers_nominal == 0 {
            return Err(MeanError::NominalCustomers);
        }
        let unit = rule.example_clip_norm() / f64::from(rule.clip_units()) / customers_nominal as f64;
        let parameters = architecture.parameter_count();
        Ok(Self { parameters, rule: *rule, customers_nominal: customers_nominal as f64, unit })
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

    /// What the coordinates behind the parameters say; `None` where the rule has no riders. The loss is divided by the public nominal
    /// count: dividing by the noised one would add its noise.
    #[must_use]
    pub fn metrics(&self, riders: &[i64]) -> Option<RoundMetrics> {
        let scale = self.rule.riders()?;
        let [loss, customers] = *riders.first_chunk::<RIDERS>()?;
        let units = f64::from(scale.units);
        Some(RoundMetrics {
            loss_mean: loss as f64 / units * scale.loss_bound / self.customers_nominal,
            customers: customers as f64 / units,
        })
    }
}

impl MeanUpdate {
    /// Reads a whole sum with [`MeanScale`].
    ///
    /// # Errors
    /// If the length is not the one of plan and rule, or `nominal_customers` is zero.
    pub fn from_sum(
        sum: &[i64],
        architecture: &Architecture,
        rule: &ClipRule,
        nominal_customers: u64,
    ) -> Result<(Self, Option<RoundMetrics>), MeanError> {
        let scale = MeanScale::new(architecture, rule, nominal_customers)?;
        let (gradient, riders) = sum.split_at(scale.parameters(sum.len())?);
        Ok((Self(gradient.iter().map(|units| scale.gradient(*units)).collect()), scale.metrics(riders)))
    }

    /// A gradient that was computed in the clear, for central baselines.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn from_gradient(gradient: Vec<f64>) -> Result<Self, MeanError> {
        if gradient.iter().all(|value| value.is_finite()) { Ok(Self(gradient)) } else { Err(MeanError::NotFinite) }
    }

    /// One value for each parameter.
    #[must_use]
    pub fn gradient(&self) -> &[f64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::{ClipForm, ClipSettings};

    fn rule() -> ClipRule {
        ClipRule::new(ClipSettings {
            example_clip_norm: 2.0,
            clip_units: 1000,
            form: ClipForm::Exact,
            loss_bound: Some(4.0),
        })
        .unwrap()
    }

    #[test]
    fn a_sum_is_read() {
        let shape = Architecture::logistic(2, &["churn"]).unwrap();
        // 50 units for a customer; 10 customers, losses of 1 nat on average (12.5 units each).
        let (mean, metrics) = MeanUpdate::from_sum(&[1000, -500, 0, 125, 500], &shape, &rule(), 10).ok().unwrap();
        assert_eq!(mean.gradient(), [0.2, -0.1, 0.0]);
        assert_eq!(metrics, Some(RoundMetrics { loss_mean: 1.0, customers: 10.0 }));
    }

    #[test]
    fn noise_can_make_metrics_negative() {
        let shape = Architecture::logistic(2, &["churn"]).unwrap();
        let (_, metrics) = MeanUpdate::from_sum(&[0, 0, 0, -125, -500], &shape, &rule(), 10).ok().unwrap();
        assert_eq!(metrics, Some(RoundMetrics { loss_mean: -1.0, customers: -10.0 }));
    }

    #[test]
    fn another_shape_is_refused() {
        let shape = Architecture::logistic(2, &["churn"]).unwrap();
        let refusal = |sum: &[i64], customers| MeanUpdate::from_sum(sum, &shape, &rule(), customers).err();
        assert_eq!(refusal(&[0; 3], 10), Some(MeanError::Length { expected: 5, found: 3 }));
        assert_eq!(refusal(&[0; 5], 0), Some(MeanError::NominalCustomers));
        assert_eq!(MeanUpdate::from_gradient(vec![f64::NAN]).err(), Some(MeanError::NotFinite));
    }
}
