//! Skellam noise, for sums of few bits: the difference of two Poisson variables, closed under sums (Agarwal, Kairouz, Liu 2021).

/// One release with Skellam noise. No plan of this release draws it; its bound stands beside the others so that a low-bit profile can be
/// weighed against the discrete Gaussian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkellamRound {
    /// Variance of the noise, units^2.
    pub variance: f64,
    /// What one customer can change, Euclidean, units.
    pub sensitivity_l2: f64,
    /// What one customer can change, sum of absolute values, units.
    pub sensitivity_l1: f64,
}

impl SkellamRound {
    /// A bound of RDP at the integer order `order` (2 or more), in nats (theorem 3.5): that of a Gaussian of this variance and a correction.
    /// Infinite without noise.
    #[must_use]
    pub fn rdp(self, order: u32) -> f64 {
        let Self { variance: mu, sensitivity_l2: l2, sensitivity_l1: l1 } = self;
        // Written so that what is not a number hides nothing.
        if !(mu > 0.0 && l1 >= 0.0 && l2 >= 0.0) {
            return f64::INFINITY;
        }
        let alpha = f64::from(order);
        let fine = ((2.0 * alpha - 1.0) * l2 * l2 + 6.0 * l1) / (4.0 * mu * mu);
        alpha * l2 * l2 / (2.0 * mu) + fine.min(3.0 * l1 / (2.0 * mu))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::{close, rows};
    use super::*;

    #[test]
    fn known_answers() {
        // PRIVACY.md, section 10.
        let round = SkellamRound { variance: 4.0, sensitivity_l2: 1.0, sensitivity_l1: 1.0 };
        assert!((round.rdp(2) - 0.390_625).abs() < 1e-15);
        assert_eq!(SkellamRound { variance: 0.0, ..round }.rdp(2), f64::INFINITY);
        assert_eq!(SkellamRound { sensitivity_l1: f64::NAN, ..round }.rdp(2), f64::INFINITY);
    }

    #[test]
    fn every_vector() {
        for row in rows("skellam_vectors.csv") {
            let sensitivity = row.number("sens_l1=l2");
            let variance = row.number("mu_total_variance");
            let round = SkellamRound { variance, sensitivity_l2: sensitivity, sensitivity_l1: sensitivity };
            let rdp = round.rdp(row.text("alpha").parse().expect("an order"));
            close(rdp, row.number("rdp_bound_AKL21"), 1e-7, &row);
            assert!(rdp >= row.number("rdp_exact_1d"), "{row}: {rdp} is below the exact value");
        }
    }
}
