//! What it costs that a sum of discrete Gaussian shares is not quite a discrete Gaussian
//! (Kairouz, Liu, Steinke 2021, theorem 1).

use core::f64::consts::{LN_10, PI};

/// Natural logarithm of tau, the bound of the logarithmic ratio between a sum of `shares` discrete Gaussians of standard deviation
/// `share_stddev` (units) and one of the same variance: `tau = 10 sum_(k=1)^(shares-1) exp(-2 pi^2 share_stddev^2 k / (k + 1))`.
///
/// A logarithm, because tau itself is far below the smallest float: e^-355 at the smallest share that is allowed.
#[must_use]
pub fn ln_share_sum_gap(shares: u32, share_stddev: f64) -> f64 {
    let exponent = |k: f64| -2.0 * (PI * share_stddev).powi(2) * k / (k + 1.0);
    let largest = exponent(1.0);
    let sum: f64 = (1..shares).map(|k| (exponent(f64::from(k)) - largest).exp()).sum();
    LN_10 + largest + sum.ln()
}

#[cfg(test)]
mod tests {
    use tributary_protocol::limits::{COMPLETE_GRAPH_MAX, DIMENSION_MAX};

    use super::super::super::SHARE_VARIANCE_MIN;
    use super::super::super::vectors::{Row, close, rows};
    use super::*;

    /// A sum that several branches noised.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct NoisedSum {
        /// Number of noise shares in the sum.
        shares: u32,
        /// Standard deviation of one share, units.
        share_stddev: f64,
        /// Number of coordinates.
        dimension: usize,
        /// What one customer can change, Euclidean, units.
        sensitivity_units: f64,
    }

    impl NoisedSum {
        /// The epsilon of theorem 1: the sum is `epsilon^2 / 2`-concentrated differentially private, so its RDP at an order is `order * epsilon^2 / 2`.
        ///
        /// With shares of at least [`super::super::SHARE_VARIANCE_MIN`] it equals `sensitivity / stddev` to the last bit.
        fn concentrated_epsilon(self) -> f64 {
            let tau = ln_share_sum_gap(self.shares, self.share_stddev).exp();
            let d = self.dimension as f64;
            let ideal = self.sensitivity_units / (f64::from(self.shares).sqrt() * self.share_stddev);
            // Integer vectors: the L1 norm is at most the squared L2 norm, and at most sqrt(d) times the L2 norm.
            let l1 = (self.sensitivity_units * d.sqrt()).min(self.sensitivity_units.powi(2));
            let l1_over_stddev = l1 / (f64::from(self.shares).sqrt() * self.share_stddev);
            let first = (ideal.powi(2) + tau * d / 2.0).sqrt();
            let second = ideal + tau * d.sqrt();
            let third = (ideal.powi(2) + 2.0 * l1_over_stddev * tau + tau.powi(2) * d).sqrt();
            first.min(second).min(third)
        }
    }

    #[test]
    fn known_answers() {
        let tau = |shares, stddev| ln_share_sum_gap(shares, stddev).exp();
        assert!((tau(2, 1.0) / 0.000_517_231_862 - 1.0).abs() < 1e-8);
        assert!((tau(10, 0.5) / 2.345_325_319 - 1.0).abs() < 1e-8);
        assert_eq!(tau(1, 1.0), 0.0);
        let sum = NoisedSum { shares: 10, share_stddev: 0.5, dimension: 1000, sensitivity_units: 10.0 };
        assert!((sum.concentrated_epsilon() - 34.823_306_270_705_9).abs() < 1e-9);
    }

    #[test]
    fn the_smallest_share_loses_nothing() {
        let share_stddev = (SHARE_VARIANCE_MIN as f64).sqrt();
        let shares = u32::try_from(COMPLETE_GRAPH_MAX).unwrap();
        assert!(ln_share_sum_gap(shares, share_stddev) < -150.0 * LN_10);
        let sensitivity_units = 20.0;
        let sum = NoisedSum { shares, share_stddev, dimension: DIMENSION_MAX, sensitivity_units };
        assert_eq!(sum.concentrated_epsilon(), sensitivity_units / (16.0 * 6.0));
    }

    /// The decimal logarithm of a cell such as `2.8e-18409581585`.
    fn log10(row: &Row, column: &str) -> f64 {
        let (digits, exponent) = row.text(column).split_once('e').unwrap_or((row.text(column), "0"));
        digits.parse::<f64>().unwrap().log10() + exponent.parse::<f64>().unwrap()
    }

    fn shares(row: &Row) -> u32 {
        row.text("n").parse().unwrap()
    }

    #[test]
    fn vectors() {
        for row in rows("ddg_tau_check.csv") {
            let tau = ln_share_sum_gap(shares(&row), row.number("sigma_share")).exp();
            close(tau, row.number("tau_bound"), 1e-7, &row);
            assert!(tau >= row.number("max_abs_log_ratio_exact"), "{row}: {tau} is below the exact ratio");
        }
        for row in rows("ddg_vectors.csv") {
            let share_stddev = row.number("sigma_share_lattice");
            let ln_tau = ln_share_sum_gap(shares(&row), share_stddev);
            let expected = log10(&row, "tau") * LN_10;
            assert!((ln_tau - expected).abs() < 1e-8_f64.max(expected.abs() * 1e-12), "{row}: {ln_tau}, {expected}");
            let sum = NoisedSum {
                shares: shares(&row),
                share_stddev,
                dimension: row.text("dim").parse().unwrap(),
                sensitivity_units: row.number("sens_l2_lattice"),
            };
            close(sum.concentrated_epsilon(), row.number("eps_concentrated(0.5eps^2-zCDP)"), 1e-9, &row);
        }
    }
}
