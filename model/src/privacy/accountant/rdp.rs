//! Rényi differential privacy (Mironov 2017) of the sampled Gaussian mechanism, in f64.

use tributary_protocol::privacy::ORDERS;

/// One round: every customer enters by an independent secret coin, and the sum of those who entered is noised.
///
/// Only coins that a branch throws itself, for each customer and round, may be credited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampledRound {
    /// Probability of a customer to take part, from 0 to 1. At 1 every customer takes part.
    pub sampling_probability: f64,
    /// Standard deviation of the noise over the sensitivity.
    pub noise_multiplier: f64,
}

impl SampledRound {
    /// RDP of this round at the integer order `order` (2 or more), in nats; an upper bound for discrete Gaussian noise as well.
    ///
    /// Mironov, Talwar, Zhang 2019, section 3.3: `A = sum_k C(order, k) (1-q)^(order-k) q^k exp(k (k-1) / 2 z^2)`, RDP `= ln A / (order - 1)`.
    /// Since the same sum without the exponential is 1, `A - 1` is a sum of positive terms: no digits cancel however small it is.
    #[must_use]
    pub fn rdp(self, order: u32) -> f64 {
        let Self { sampling_probability: q, noise_multiplier: z } = self;
        if !(z > 0.0 && (0.0..=1.0).contains(&q)) {
            return f64::INFINITY;
        }
        if q == 1.0 {
            return f64::from(order) / (2.0 * z * z);
        }
        if q == 0.0 {
            return 0.0;
        }
        let (ln_in, ln_out) = (q.ln(), (-q).ln_1p());
        let mut ln_binomial = 0.0;
        let mut terms = Vec::with_capacity(order as usize);
        for k in 1..=order {
            ln_binomial += (f64::from(order - k + 1) / f64::from(k)).ln();
            if k >= 2 {
                let exponent = f64::from(k) * f64::from(k - 1) / (2.0 * z * z);
                terms.push(ln_binomial + f64::from(k) * ln_in + f64::from(order - k) * ln_out + ln_expm1(exponent));
            }
        }
        ln_one_plus_exp(ln_sum_exp(&terms)) / f64::from(order - 1)
    }
}

/// RDP at each of [`ORDERS`], in nats.
#[derive(Clone, Debug, PartialEq)]
pub struct RdpCurve(Vec<f64>);

/// An epsilon and the order that proves it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonAtOrder {
    /// Nats, 0 or more; infinite if nothing is proved.
    pub epsilon: f64,
    /// One of [`ORDERS`].
    pub order: u32,
}

impl RdpCurve {
    /// The curve of one round.
    #[must_use]
    pub fn round(round: SampledRound) -> Self {
        Self(ORDERS.iter().map(|order| round.rdp(*order)).collect())
    }

    /// The composition: RDP adds up at each order.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }

    /// `count` equal rounds.
    #[must_use]
    pub fn times(&self, count: u32) -> Self {
        Self(self.0.iter().map(|rdp| rdp * f64::from(count)).collect())
    }

    /// The values in nats, in the order of [`ORDERS`].
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The smallest epsilon that one of the orders proves at this delta (between 0 and 1).
    #[must_use]
    pub fn epsilon(&self, delta: f64) -> EpsilonAtOrder {
        smallest_epsilon(self.0.iter().copied(), delta)
    }
}

/// What turns RDP into epsilon at one order: `epsilon = rdp + offset`, which may be negative
/// (Canonne, Kamath, Steinke 2020, proposition 12).
pub(super) fn conversion_offset(order: u32, delta: f64) -> f64 {
    let order = f64::from(order);
    (-1.0 / order).ln_1p() - (delta.ln() + order.ln()) / (order - 1.0)
}

/// RDP up to which epsilon is zero whatever the order: the total variation is then at most delta (Bretagnolle, Huber 1979).
pub(super) fn zero_epsilon_rdp(delta: f64) -> f64 {
    -(-delta * delta).ln_1p()
}

/// The best conversion over all orders.
pub(super) fn smallest_epsilon(rdp: impl Iterator<Item = f64>, delta: f64) -> EpsilonAtOrder {
    let mut best = EpsilonAtOrder { epsilon: f64::INFINITY, order: ORDERS[0] };
    if !(delta > 0.0 && delta < 1.0) {
        return best;
    }
    for (rdp, order) in rdp.zip(ORDERS) {
        let proved = if rdp < zero_epsilon_rdp(delta) { 0.0 } else { (rdp + conversion_offset(order, delta)).max(0.0) };
        if proved < best.epsilon {
            best = EpsilonAtOrder { epsilon: proved, order };
        }
    }
    best
}

/// `ln(e^x - 1)` for x > 0.
fn ln_expm1(x: f64) -> f64 {
    if x > 1.0 { x + (-(-x).exp()).ln_1p() } else { x.exp_m1().ln() }
}

/// `ln(1 + e^x)`.
pub(super) fn ln_one_plus_exp(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

pub(super) fn ln_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::{close, rows};
    use super::*;

    fn round(sampling_probability: f64, noise_multiplier: f64) -> SampledRound {
        SampledRound { sampling_probability, noise_multiplier }
    }

    #[test]
    fn known_answers() {
        // q = 1e-5, z = 1/2, order 2: ln(1 + q^2 (e^4 - 1)).
        let tiny = round(1e-5, 0.5).rdp(2);
        assert!((tiny / 5.359_814_988_950_616e-9 - 1.0).abs() < 1e-12, "{tiny}");
        assert_eq!(round(1.0, 2.0).rdp(64), 8.0);
        assert_eq!(round(0.0, 2.0).rdp(64), 0.0);
        assert_eq!(round(0.5, 0.0).rdp(2), f64::INFINITY);
        assert_eq!(round(1.5, 1.0).rdp(2), f64::INFINITY);
        // q, z, rounds, delta, epsilon, order: integer-order accountants.
        let known = [(1.0, 1.0, 1, 1e-5, 4.752_728_336_819_823, 5), (1.0, 10.0, 1, 1e-6, 0.429_951_519_091_784_3, 46)];
        for (q, z, rounds, delta, epsilon, order) in known {
            let proved = RdpCurve::round(round(q, z)).times(rounds).epsilon(delta);
            assert!((proved.epsilon / epsilon - 1.0).abs() < 1e-12, "{proved:?}");
            assert_eq!(proved.order, order);
        }
        // The reference accountants, to four decimals.
        let proved = RdpCurve::round(round(0.001, 1.0)).times(100_000).epsilon(1e-6);
        assert!((proved.epsilon - 2.0040).abs() < 0.01, "{proved:?}");
    }

    #[test]
    fn sampling_amplifies_and_noise_hides() {
        for order in ORDERS {
            let full = round(1.0, 3.0).rdp(order);
            let half = round(0.5, 3.0).rdp(order);
            let tenth = round(0.1, 3.0).rdp(order);
            assert!(0.0 < tenth && tenth < half && half < full, "order {order}");
            assert!(round(0.1, 4.0).rdp(order) < tenth);
            // As q approaches 1 the sum approaches the closed form.
            assert!((round(1.0 - 1e-12, 3.0).rdp(order) / full - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn tiny_divergences_prove_a_zero_epsilon() {
        let curve = RdpCurve::round(round(1.0, 1e4));
        assert_eq!(curve.epsilon(0.01).epsilon, 0.0);
        assert!(curve.epsilon(1e-9).epsilon > 0.0);
        assert_eq!(curve.epsilon(0.0).epsilon, f64::INFINITY);
        assert_eq!(curve.epsilon(f64::NAN).epsilon, f64::INFINITY);
    }

    #[test]
    fn single_order_vectors() {
        for row in rows("rdp_order_vectors.csv") {
            let order = row.number("alpha");
            if order.fract() == 0.0 {
                let order = ORDERS.into_iter().find(|known| f64::from(*known) == order).expect("a known order");
                let rdp = round(row.number("q"), row.number("sigma")).rdp(order);
                close(rdp, row.number("rdp_mpmath50"), 1e-9, &row);
            }
        }
        for row in rows("subsampled_dgauss_check.csv") {
            let order = ORDERS.into_iter().find(|known| f64::from(*known) == row.number("alpha")).expect("known");
            let rdp = round(row.number("q"), row.number("sigma") / row.number("sens")).rdp(order);
            close(rdp, row.number("sgm_int_formula"), 1e-9, &row);
            let exact = row.number("rdp_mix||base").max(row.number("rdp_base||mix"));
            assert!(rdp >= exact * (1.0 - 1e-12), "{row}: {rdp} is below the exact {exact}");
        }
    }

    #[test]
    fn composed_vectors() {
        for row in rows("dp_vectors.csv") {
            let steps = row.text("steps").parse().expect("a number of steps");
            let curve = RdpCurve::round(round(row.number("q"), row.number("sigma"))).times(steps);
            let proved = curve.epsilon(row.number("delta"));
            close(proved.epsilon, row.number("eps_rdp_int"), 1e-9, &row);
            assert_eq!(f64::from(proved.order), row.number("order_int"), "{row}");
        }
    }

    /// A guarantee that may always fail is none, and so is one that never may.
    #[test]
    fn no_epsilon_is_stated_at_a_delta_that_is_no_probability_between() {
        for delta in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
            assert_eq!(smallest_epsilon(ORDERS.iter().map(|_| 0.1), delta).epsilon, f64::INFINITY, "{delta}");
        }
        assert!(smallest_epsilon(ORDERS.iter().map(|_| 0.1), 0.5).epsilon.is_finite());
    }
}
