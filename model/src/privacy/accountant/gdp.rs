//! Gaussian differential privacy (Dong, Roth, Su 2022): the exact curve of composed Gaussian mechanisms.

use super::normal::{density, ln_density, mills};

/// Every figure that rests on the continuous curve is read at `delta / 1.001`: the discrete Gaussian's delta differs from it by a relative
/// 2.3e-7 at a standard deviation of 1000 units and less above.
const DISCRETE_FACTOR: f64 = 1.001;

/// What full-batch Gaussian rounds reveal together: the exact trade-off curve of `N(0, 1)` against `N(mu, 1)`.
///
/// Reported beside the enforced bound, never enforced: for sums of discrete shares it is a very good approximation, not a theorem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianDp {
    mu_squared: f64,
}

impl GaussianDp {
    /// One round with this noise multiplier: `mu = 1 / noise_multiplier`. Nothing is hidden by a multiplier that is not positive.
    #[must_use]
    pub fn round(noise_multiplier: f64) -> Self {
        let multiplier = if noise_multiplier > 0.0 { noise_multiplier } else { 0.0 };
        Self { mu_squared: multiplier.powi(-2) }
    }

    /// The composition: `mu^2` adds up.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { mu_squared: self.mu_squared + other.mu_squared }
    }

    /// `count` such compositions, or a fraction of one.
    #[must_use]
    pub fn times(self, count: f64) -> Self {
        Self { mu_squared: self.mu_squared * count.max(0.0) }
    }

    /// The parameter mu.
    #[must_use]
    pub fn mu(self) -> f64 {
        self.mu_squared.sqrt()
    }

    /// Natural logarithm of delta at this epsilon (0 or more):
    /// `delta = Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu)` (Balle, Wang 2018, theorem 8).
    #[must_use]
    pub fn ln_delta(self, epsilon: f64) -> f64 {
        let mu = self.mu();
        if mu == 0.0 {
            return f64::NEG_INFINITY;
        }
        if !mu.is_finite() {
            return 0.0;
        }
        // phi(near) = e^epsilon phi(far), so both terms share a density and only Mills' ratios are subtracted.
        let (near, far) = (epsilon / mu - mu / 2.0, epsilon / mu + mu / 2.0);
        if near >= 0.0 {
            return ln_density(near) + (mills(near) - mills(far)).ln();
        }
        (-density(near) * (mills(-near) + mills(far))).ln_1p()
    }

    /// The smallest epsilon at this delta (between 0 and 1), rounded up by a relative 1e-12. Infinite if there is no noise.
    #[must_use]
    pub fn epsilon(self, delta: f64) -> f64 {
        let mu = self.mu();
        if !(mu.is_finite() && delta > 0.0 && delta < 1.0) {
            return f64::INFINITY;
        }
        let ln_delta = delta.ln();
        if self.ln_delta(0.0) <= ln_delta {
            return 0.0;
        }
        // delta(epsilon) <= Phi(-near) <= exp(-near^2 / 2).
        let (mut low, mut high) = (0.0, mu * mu / 2.0 + mu * (-2.0 * ln_delta).sqrt());
        loop {
            let middle = low + (high - low) / 2.0;
            if middle <= low || middle >= high {
                return high * (1.0 + 1e-12);
            }
            if self.ln_delta(middle) > ln_delta {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    /// [`Self::epsilon`] for sums of discrete Gaussian shares: read at a delta that is 0.1 % smaller.
    #[must_use]
    pub fn epsilon_discrete(self, delta: f64) -> f64 {
        self.epsilon(delta / DISCRETE_FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::vectors::{close, rows};
    use super::*;

    #[test]
    fn known_answers() {
        // Noise multiplier, rounds, delta, epsilon: exact, from a 50-digit computation.
        let known = [
            (1.0, 1.0, 1e-5, 4.377_178_095_681_225),
            (4.84, 1.0, 1e-5, 0.751_792_568_503_809),
            (10.0, 1.0, 1e-6, 0.396_857_377_644_083_6),
            (1.0, 10.0, 1e-6, 19.423_656_474_031_052),
        ];
        for (multiplier, rounds, delta, epsilon) in known {
            let curve = GaussianDp::round(multiplier).times(rounds);
            assert!((curve.epsilon(delta) / epsilon - 1.0).abs() < 1e-9, "{} for {epsilon}", curve.epsilon(delta));
            assert!((curve.ln_delta(epsilon) - delta.ln()).abs() < 1e-8);
        }
        // Phi(1/2) - e Phi(-3/2).
        assert!((GaussianDp::round(1.0).ln_delta(1.0).exp() - 0.126_936_737_506_643_95).abs() < 1e-15);
    }

    #[test]
    fn edges() {
        assert_eq!(GaussianDp::round(0.0).epsilon(1e-6), f64::INFINITY);
        assert_eq!(GaussianDp::round(f64::NAN).epsilon(1e-6), f64::INFINITY);
        assert_eq!(GaussianDp::round(1.0).epsilon(0.0), f64::INFINITY);
        assert_eq!(GaussianDp::round(1.0).epsilon(f64::NAN), f64::INFINITY);
        assert_eq!(GaussianDp::round(1e9).epsilon(1e-6), 0.0);
        assert_eq!(GaussianDp::round(1.0).times(0.0).epsilon(1e-6), 0.0);
        let large = GaussianDp::round(0.02).epsilon(1e-6);
        assert!(large > 1250.0 && large < 1250.0 + 50.0 * 5.3, "{large}");
    }

    #[test]
    fn vectors() {
        for row in rows("dp_vectors.csv") {
            if let Some(expected) = row.optional("eps_gauss_exact") {
                let curve = GaussianDp::round(row.number("sigma")).times(row.number("steps"));
                close(curve.epsilon(row.number("delta")), expected, 1e-9, &row);
            }
        }
        for row in rows("dgauss_delta_vectors.csv") {
            let curve = GaussianDp::round(row.number("sigma") / row.number("sens"));
            let delta = curve.ln_delta(row.number("eps")).exp();
            close(delta, row.number("delta_continuous"), 1e-12, &row);
            if row.number("sigma") >= 1000.0 {
                close(delta, row.number("delta_discrete_exact"), DISCRETE_FACTOR - 1.0, &row);
            }
        }
    }

    proptest! {
        #[test]
        fn epsilon_inverts_delta(multiplier in 0.05_f64..300.0, ln_delta in -40.0_f64..-2.5) {
            let curve = GaussianDp::round(multiplier);
            let epsilon = curve.epsilon(ln_delta.exp());
            prop_assert!(curve.ln_delta(epsilon) <= ln_delta + 1e-9);
            if epsilon > 0.0 {
                prop_assert!(curve.ln_delta(epsilon * (1.0 - 1e-6)) > ln_delta);
            }
            prop_assert!(curve.epsilon_discrete(ln_delta.exp()) >= epsilon);
            prop_assert!(curve.plus(curve).epsilon(ln_delta.exp()) >= epsilon);
        }
    }
}
