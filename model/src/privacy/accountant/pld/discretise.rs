//! One round's privacy loss on a grid, by connecting the dots (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022).
//!
//! The probability of a loss between two grid points is split over the two so that the masses with and without the customer both stay. The
//! hockey-stick curve then passes through the exact values at the grid points and is a chord of them in `e^epsilon` between: nowhere below
//! the exact, convex curve, so the grid is pessimistic, and by the second order of the interval only.
//!
//! What the split needs is integrated, not subtracted: all terms are positive and every mass is right to a relative [`MASS_ERROR`].

use super::super::normal::{density, mills};
use super::super::rdp::SampledRound;

/// Bound of the relative error of a mass, tilted and back: Gauss-Legendre on pieces of a quarter of every scale that matters leaves 1e-14,
/// exponentials of arguments up to a few thousand add some 1e-12.
pub(super) const MASS_ERROR: f64 = 4e-12;
/// Bound of the relative error of a loss.
pub(super) const LOSS_ERROR: f64 = 1e-13;
/// What the sums of a grid's masses may be off before it is given up.
const SUM_TOLERANCE: f64 = 1e-10;
/// Gauss-Legendre nodes and weights on -1 to 1 (Abramowitz and Stegun 25.4.30).
const NODES: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_26, 0.652_145_154_862_546_2),
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_2),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];

/// A loss distribution on multiples of the interval.
pub(super) struct Masses {
    /// The first multiple.
    pub(super) first: i64,
    /// Natural logarithms of the probabilities from there on.
    pub(super) ln_masses: Vec<f64>,
    /// Probability of a loss beyond the last multiple, counted as infinite.
    pub(super) infinite: f64,
}

impl Masses {
    /// Natural logarithm of the sum of `e^(power multiple)` times the probability there.
    pub(super) fn ln_moment(&self, power: f64) -> f64 {
        let exponents = || (self.first..).zip(&self.ln_masses).map(|(index, ln_mass)| ln_mass + power * index as f64);
        let largest = exponents().fold(f64::NEG_INFINITY, f64::max);
        largest + exponents().map(|exponent| (exponent - largest).exp()).sum::<f64>().ln()
    }
}

/// One round on a grid, in both directions.
pub(super) struct DiscreteLoss {
    /// The customer is taken out: losses of the mixture against the noise alone.
    pub(super) remove: Masses,
    /// The customer comes in: losses of the noise alone against the mixture.
    pub(super) add: Masses,
    /// The largest absolute loss.
    pub(super) loss_max: f64,
}

/// The released values of a round that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Range {
    round: SampledRound,
    low: f64,
    high: f64,
}

impl Range {
    /// All values but a probability of `tail` at most on either side, with the customer and without.
    pub(super) fn new(round: SampledRound, tail: f64) -> Self {
        // Phi(-t) <= e^(-t^2 / 2) / 2.
        let reach = (-2.0 * tail.ln()).max(9.0).sqrt() * round.noise_multiplier;
        let mut range = Self { round, low: -reach, high: 1.0 + reach };
        // Where the customer is seldom sampled, less is needed above.
        let (mut near, mut far) = (1.0, range.high);
        for _ in 0..20 {
            range.high = near + (far - near) / 2.0;
            *(if range.outside().mixture_above > tail { &mut near } else { &mut far }) = range.high;
        }
        Self { high: far, ..range }
    }

    /// The width of the losses that a grid must hold.
    pub(super) fn span(self) -> f64 {
        self.round.loss(self.high) - self.round.loss(self.low)
    }

    /// About `ln E e^(power loss)` of the losses in the range, removing the customer or adding one. For the layout alone: what is reported
    /// comes from [`Masses::ln_moment`].
    pub(super) fn ln_moment(self, removing: bool, power: f64) -> f64 {
        let power = if removing { power + 1.0 } else { -power };
        if self.round.sampling_probability == 1.0 {
            return self.round.ln_moment(power);
        }
        self.round.ln_moment_within(power, self.low, self.high)
    }

    /// Probabilities outside the range.
    fn outside(self) -> Outside {
        let SampledRound { sampling_probability: q, noise_multiplier: z } = self.round;
        let tail = |t: f64| density(t) * mills(t);
        let (noise_below, noise_above) = (tail(-self.low / z), tail(self.high / z));
        Outside {
            mixture_below: (1.0 - q) * noise_below + q * tail((1.0 - self.low) / z),
            mixture_above: (1.0 - q) * noise_above + q * tail((self.high - 1.0) / z),
            noise_below,
            noise_above,
        }
    }
}

/// Probabilities outside a range.
struct Outside {
    mixture_below: f64,
    mixture_above: f64,
    noise_below: f64,
    noise_above: f64,
}

impl DiscreteLoss {
    /// Losses rounded to multiples of `interval`; what is outside the range counts as infinite, or as the smallest.
    ///
    /// `None` if the masses do not add up, which would be a fault of the arithmetic. The range's span is a bounded number of intervals.
    pub(super) fn new(range: Range, interval: f64) -> Option<Self> {
        let (first, mut masses) = cells(range, interval);
        let loss_max = (first as f64).abs().max((first as f64 + masses.len() as f64).abs()) * interval;
        let last = first + i64::try_from(masses.len()).ok()? - 1;
        let Outside { mixture_below, mixture_above, noise_below, noise_above } = range.outside();
        // Bayes' rule at each grid point: without the customer a loss is e^-loss times as probable.
        let bayes = |(index, mass): (i64, &f64)| mass.ln() - index as f64 * interval;
        let mut ln_back: Vec<f64> = (first..).zip(&masses).map(bayes).collect();

        let off = |sum: f64, rest: f64| (sum + rest - 1.0).abs();
        // Written so that what is not a number fails as well.
        let adds_up = off(masses.iter().sum(), mixture_below + mixture_above) < SUM_TOLERANCE
            && off(ln_back.iter().map(|ln| ln.exp()).sum(), noise_below + noise_above) < SUM_TOLERANCE;
        if !adds_up {
            return None;
        }
        ln_back.reverse();
        // The smallest losses, moved up to the first grid point that is not below any of them.
        masses[1] += mixture_below;
        ln_back[1] = (ln_back[1].exp() + noise_above).ln();
        let ln_masses = masses.iter().map(|mass| mass.ln()).collect();
        Some(Self {
            remove: Masses { first, ln_masses, infinite: mixture_above },
            add: Masses { first: -last, ln_masses: ln_back, infinite: noise_below },
            loss_max,
        })
    }
}

/// The masses of the mixture within the range, split over the grid points, and the first grid point.
#[expect(clippy::cast_possible_truncation, reason = "the caller bounds the number of cells, and with it each index")]
fn cells(Range { round, low, high }: Range, interval: f64) -> (i64, Vec<f64>) {
    let first = (round.loss(low) / interval).floor();
    let mut masses = vec![0.0];
    let mut from = low;
    let mut index = 0.0;
    while from < high {
        let edge = (first + index) * interval;
        let next = round.value_at(edge + interval);
        let to = if next < high { next.max(from) } else { high };
        let (lower, upper) = cell(round, from, to, edge, interval);
        *masses.last_mut().expect("there is a first mass") += lower;
        masses.push(upper);
        from = to;
        index += 1.0;
    }
    if masses.len() == 1 {
        masses.push(0.0);
    }
    (first as i64, masses)
}

/// The mass of the mixture between two released values whose losses lie between `edge` and `edge + interval`, split over these two.
fn cell(round: SampledRound, from: f64, to: f64, edge: f64, interval: f64) -> (f64, f64) {
    let z = round.noise_multiplier;
    let (width, farthest) = ((to - from) / z, from.abs().max(to.abs()) / z);
    let pieces = (4.0 * (width * (1.0 + farthest)).max(width / z)).ceil().max(1.0);
    let half = (to - from) / pieces / 2.0;
    let whole = -(-interval).exp_m1();
    let (mut lower, mut upper) = (0.0, 0.0);
    let mut piece = 0.0;
    while piece < pieces {
        let centre = from + (2.0 * piece + 1.0) * half;
        for (node, weight) in NODES {
            let x = centre + half * node;
            let loss = round.loss(x);
            let above = (loss - edge).clamp(0.0, interval);
            let mass = weight * (loss - 0.5 * (x / z) * (x / z)).exp();
            // a + b = 1 and a e^-edge + b e^-(edge + interval) = e^-loss.
            upper += mass * -(-above).exp_m1();
            lower += mass * (-above).exp() * -(above - interval).exp_m1();
        }
        piece += 1.0;
    }
    let scale = half / z * density(0.0) / whole;
    (lower * scale, upper * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(sampling_probability: f64, noise_multiplier: f64) -> SampledRound {
        SampledRound { sampling_probability, noise_multiplier }
    }

    /// `sum (1 - e^(epsilon - loss)) mass` above epsilon.
    fn hockey_stick(masses: &Masses, interval: f64, epsilon: f64) -> f64 {
        let terms = (masses.first..).zip(&masses.ln_masses).map(|(index, ln_mass)| {
            let loss = index as f64 * interval;
            if loss > epsilon { -(epsilon - loss).exp_m1() * ln_mass.exp() } else { 0.0 }
        });
        terms.sum::<f64>() + masses.infinite
    }

    /// The exact hockey-stick divergence of removing, by the tails of the normal distribution.
    fn exact_remove(round: SampledRound, epsilon: f64) -> f64 {
        let SampledRound { sampling_probability: q, noise_multiplier: z } = round;
        let tail = |t: f64| if t > 0.0 { density(t) * mills(t) } else { 1.0 - density(t) * mills(-t) };
        let x = round.value_at(epsilon);
        q * tail((x - 1.0) / z) + (1.0 - q - epsilon.exp()) * tail(x / z)
    }

    #[test]
    fn the_curve_is_exact_at_grid_points_and_above_between() {
        for (q, z) in [(1.0, 1.0), (0.5, 0.7), (0.01, 1.0), (1e-4, 0.5), (0.9, 30.0)] {
            let round = round(q, z);
            let interval = 2.0_f64.powi(-9).min(0.01 / z);
            let loss = DiscreteLoss::new(Range::new(round, 1e-18), interval).unwrap();
            for step in [0.0, 1.0, 2.0, 7.0, 50.0, 100.0] {
                let (on, between) = (step * interval, (step + 0.5) * interval);
                let error = hockey_stick(&loss.remove, interval, on) - exact_remove(round, on);
                assert!(error.abs() < 1e-14, "{q} {z} at {on}: {error}");
                let above = hockey_stick(&loss.remove, interval, between) - exact_remove(round, between);
                assert!(above > -1e-14 && above < interval, "{q} {z} at {between}: {above}");
            }
        }
    }

    #[test]
    fn masses_are_positive_and_complete() {
        for (q, z, interval) in [
            (1.0, 0.2, 1e-3),
            (1e-6, 1.0, 1e-8),
            (0.3, 1000.0, 1e-7),
            (0.999, 0.1, 1e-2),
            (0.01, 4.0, 1e-2),
            (1e-9, 1.0, 1.0),
        ] {
            let loss = DiscreteLoss::new(Range::new(round(q, z), 1e-15), interval).unwrap();
            for masses in [&loss.remove, &loss.add] {
                assert!(masses.ln_masses.iter().all(|ln_mass| *ln_mass < 0.0), "{q} {z}");
                let sum = masses.ln_moment(0.0).exp() + masses.infinite;
                assert!((sum - 1.0).abs() < MASS_ERROR, "{q} {z}: {sum}");
            }
            assert!(loss.loss_max >= Range::new(round(q, z), 1e-15).span() / 2.0);
        }
    }
}
