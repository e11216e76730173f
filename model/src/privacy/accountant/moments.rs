//! The privacy loss of the sampled Gaussian mechanism and its exponential moments at real powers.
//!
//! `L(x) = ln((1-q) + q e^((2x-1) / 2z^2))` is the log-ratio, at the released value `x`, of the densities with and without a customer: a
//! mixture of `N(0, z^2)` and `N(1, z^2)` over `N(0, z^2)`. Everything that accountants know is a moment of it.

use core::f64::consts::TAU;

use super::rdp::{SampledRound, ln_one_plus_exp, ln_sum_exp};

/// Standard deviations beyond which an integrand is below e^-50 of its peak.
const REACH: f64 = 10.0;

impl SampledRound {
    /// The loss `L(x)`, to a few units in the last place.
    pub(super) fn loss(self, x: f64) -> f64 {
        let Self { sampling_probability: q, noise_multiplier: z } = self;
        let u = (2.0 * x - 1.0) / (2.0 * z * z);
        if q == 1.0 {
            return u;
        }
        if u > 700.0 {
            return u + q.ln() + ((1.0 - q) / q * (-u).exp()).ln_1p();
        }
        let excess = q * u.exp_m1();
        if excess > -0.5 { excess.ln_1p() } else { ((1.0 - q) + q * u.exp()).ln() }
    }

    /// Where the loss is `loss`: the inverse of [`Self::loss`]. Minus infinity at and below the smallest loss, `ln(1-q)`.
    pub(super) fn value_at(self, loss: f64) -> f64 {
        let Self { sampling_probability: q, noise_multiplier: z } = self;
        let u = if q == 1.0 {
            loss
        } else {
            let excess = (loss.exp_m1() / q).max(-1.0);
            // Of what is beyond the largest number, the rest is below the last place.
            if excess.is_finite() { excess.ln_1p() } else { loss - q.ln() }
        };
        z * z * u + 0.5
    }

    /// `ln E e^(power L(x))` over `x` from `N(0, z^2)`, for powers outside 0 to 1, where it is positive.
    ///
    /// At `power = t + 1` this is the log-moment of the loss of removing a customer at `t`, and at `power = -t` that of adding one. The mean
    /// of `e^L` is 1, so that `e^(power L)` may be replaced by its excess over the tangent, which is never negative: nothing cancels.
    pub(super) fn ln_moment(self, power: f64) -> f64 {
        let z = self.noise_multiplier;
        if self.sampling_probability == 1.0 {
            return power * (power - 1.0) / (2.0 * z * z);
        }
        let reach = REACH * z;
        self.ln_moment_within(power, power.min(0.0) - reach, power.max(0.0) + reach)
    }

    /// [`Self::ln_moment`], but nothing that is released outside `low` to `high` counts for more than the mean of `e^L`.
    pub(super) fn ln_moment_within(self, power: f64, low: f64, high: f64) -> f64 {
        let z = self.noise_multiplier;
        let terms: Vec<f64> =
            self.nodes(low, high).map(|x| ln_excess(power, self.loss(x)) - x * x / (2.0 * z * z)).collect();
        let spacing = self.spacing() / (TAU.sqrt() * z);
        ln_one_plus_exp(ln_sum_exp(&terms) + spacing.ln())
    }

    /// Mean and variance of the loss, for `x` from the mixture (`removing`) or of the negated loss for `x` from `N(0, z^2)`.
    pub(super) fn mean_and_variance(self, removing: bool) -> (f64, f64) {
        let z = self.noise_multiplier;
        let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
        for x in self.nodes(-REACH * z, 1.0 + REACH * z) {
            let loss = self.loss(x);
            let ln_weight = -x * x / (2.0 * z * z);
            let (weight, loss) = if removing { ((ln_weight + loss).exp(), loss) } else { (ln_weight.exp(), -loss) };
            mass += weight;
            first += weight * loss;
            second += weight * loss * loss;
        }
        let mean = first / mass;
        (mean, (second / mass - mean * mean).max(0.0))
    }

    /// The trapezoidal rule's step. Integrands are analytic but for branch points at the height `pi z^2`; with this step the rule's error is
    /// below e^-39 of the integral of the modulus.
    fn spacing(self) -> f64 {
        let z = self.noise_multiplier;
        (z / 2.0).min(z * z / 2.0)
    }

    /// The rule's nodes between two released values, and the upper one itself, where the largest loss is.
    fn nodes(self, low: f64, high: f64) -> impl Iterator<Item = f64> {
        let step = self.spacing();
        let mut count = 0.0;
        core::iter::from_fn(move || {
            let x = low + step * count;
            count += 1.0;
            (x < high).then_some(x)
        })
        .chain([high])
    }
}

/// `ln(e^(power loss) - 1 - power (e^loss - 1))`, minus infinity where it vanishes.
fn ln_excess(power: f64, loss: f64) -> f64 {
    let v = loss.exp_m1();
    let small = power * v;
    if v.abs() < 1e-2 && small.abs() < 1e-2 {
        // The binomial series from its second term.
        let series = (2..7).rev().fold(1.0, |sum, k| 1.0 + (power - f64::from(k)) / f64::from(k + 1) * v * sum);
        return (power * (power - 1.0) / 2.0 * v * v * series).ln();
    }
    let exponent = power * loss;
    if exponent > 1.0 {
        return exponent + (-(1.0 - power) * (-exponent).exp() - power * (loss - exponent).exp()).ln_1p();
    }
    (exponent.exp_m1() - small).ln()
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::{close, rows};
    use super::*;

    impl SampledRound {
        /// RDP at a real order above 1, in nats: another way to the same numbers.
        ///
        /// It holds for the continuous Gaussian and adding a customer's row to a sum. Relative error about 1e-11 (Mironov, Talwar, Zhang 2019, section 3.3,
        /// integrated instead of expanded, because the series cancels). Infinite where nothing is hidden.
        fn rdp_at_real_order(self, order: f64) -> f64 {
            let Self { sampling_probability: q, noise_multiplier: z } = self;
            if !(z > 0.0 && (0.0..=1.0).contains(&q) && order > 1.0) {
                return f64::INFINITY;
            }
            match q {
                0.0 => 0.0,
                1.0 => order / (2.0 * z * z),
                _ => self.ln_moment(order) / (order - 1.0),
            }
        }
    }

    fn round(sampling_probability: f64, noise_multiplier: f64) -> SampledRound {
        SampledRound { sampling_probability, noise_multiplier }
    }

    #[test]
    fn integer_orders_agree_with_the_closed_sum() {
        for (q, z) in [(1e-9, 1.0), (1e-4, 0.3), (0.01, 1.0), (0.3, 20.0), (0.99, 5.0), (1.0, 2.0), (0.0, 1.0)] {
            for order in [2, 3, 7, 64, 256] {
                let (closed, integrated) = (round(q, z).rdp(order), round(q, z).rdp_at_real_order(f64::from(order)));
                assert!((integrated - closed).abs() <= 1e-10 * closed, "{q} {z} {order}: {integrated}, {closed}");
            }
        }
    }

    #[test]
    fn nonsense_hides_nothing() {
        for (q, z, order) in
            [(0.5, 0.0, 2.0), (0.5, f64::NAN, 2.0), (1.5, 1.0, 2.0), (0.5, 1.0, 1.0), (0.5, 1.0, f64::NAN)]
        {
            assert_eq!(round(q, z).rdp_at_real_order(order), f64::INFINITY, "{q} {z} {order}");
        }
    }

    #[test]
    fn the_loss_and_its_inverse_belong_together() {
        for (q, z) in [(1e-6, 0.3), (0.01, 1.0), (0.5, 4.0), (0.99, 0.5), (1.0, 3.0)] {
            let round = round(q, z);
            for step in -40..=80 {
                let x = f64::from(step) / 4.0 * z;
                let (back, slope) = (round.value_at(round.loss(x)), round.loss(x + 1e-6) - round.loss(x - 1e-6));
                // Far below zero the loss is flat and tells no value from another.
                if slope > 1e-10 * round.loss(x).abs().max(q) {
                    assert!((back - x).abs() < 1e-4 * z, "{q} {z}: {back} instead of {x}");
                }
            }
        }
        assert_eq!(round(0.25, 1.0).value_at(-1.0), f64::NEG_INFINITY);
        // On both sides of the largest number, which is about e^709.8.
        for (q, loss) in [(0.25, 1.0), (0.25, 708.0), (0.25, 709.5), (0.25, 710.0), (1e-9, 689.0), (1e-9, 690.0)] {
            let back = round(q, 1.0).loss(round(q, 1.0).value_at(loss));
            assert!((back - loss).abs() <= 1e-14 * loss, "{q}: {back} instead of {loss}");
        }
    }

    #[test]
    fn moments_of_the_unsampled_loss() {
        // N(mu^2/2, mu^2) with mu = 1/z, in both directions.
        for removing in [true, false] {
            let (mean, variance) = round(1.0, 0.5).mean_and_variance(removing);
            assert!((mean - 2.0).abs() < 1e-9 && (variance - 4.0).abs() < 1e-9, "{mean} {variance}");
        }
        let (mean, variance) = round(0.01, 1.0).mean_and_variance(true);
        assert!(mean > 0.0 && variance > 1.7e-4 && variance < 3e-4, "{mean} {variance}");
    }

    #[test]
    fn every_single_order_vector() {
        for row in rows("rdp_order_vectors.csv") {
            let rdp = round(row.number("q"), row.number("sigma")).rdp_at_real_order(row.number("alpha"));
            close(rdp, row.number("rdp_mpmath50"), 1e-9, &row);
        }
    }
}
