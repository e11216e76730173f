//! Composition of tilted loss distributions by Fourier transform.
//!
//! Probabilities of losses are weighted by `e^(power loss)` and scaled to a sum of 1 before they are transformed, and weighted back after. The
//! losses around epsilon are then the likely ones, so that the transform's round-off, which is relative to the largest mass, is relative to
//! delta and not to 1. Its bound is added to every mass: what comes out is not below the exact composition of the grids that went in.

use super::discretise::{DiscreteLoss, LOSS_ERROR, MASS_ERROR, Masses};
use super::fft::{Complex, Fourier};
use super::layout::{Layout, Tilt};

/// Relative round-off of one complex product.
const PRODUCT_ERROR: f64 = 2.3 * f64::EPSILON / 2.0;
/// Masses are raised to this, and products below it are within the round-off: arithmetic on subnormal numbers is slow.
const NEGLIGIBLE: f64 = 1e-100;
/// What the masses of a composition may differ from 1 together before it is given up.
const SUM_TOLERANCE: f64 = 1e-2;
/// Relative error of sums over a grid: a few roundings at each of its points.
const GRID_ERROR: f64 = 1e-9;

/// A composition in the making, in one direction.
pub(super) struct Composition<'a> {
    fourier: &'a Fourier,
    layout: &'a Layout,
    tilt: Tilt,
    removing: bool,
    /// The product of the transforms' powers.
    product: Vec<Complex>,
    /// A bound of the product with one power less of each transform: by how much an error in one of them grows.
    growth: Vec<f64>,
    /// Relative round-off so far.
    round_off: f64,
    /// Natural logarithm of what the tilted masses were divided by.
    ln_scale: f64,
    /// Natural logarithm of the moment that bounds what lies beyond the window.
    ln_edge: f64,
    infinite: f64,
    rounds: f64,
    loss_error: f64,
}

/// The composed losses in one direction: an upper bound of every probability.
pub(super) struct Composed {
    interval: f64,
    power: f64,
    /// Tilted masses at the grid points from 0 upwards.
    masses: Vec<f64>,
    /// A mass at the loss l is `e^(ln_scale - power l)` times the tilted one.
    ln_scale: f64,
    /// Probability of a loss beyond the window.
    infinite: f64,
    /// Bound of the error of a composed loss.
    loss_error: f64,
}

impl<'a> Composition<'a> {
    /// Of nothing.
    pub(super) fn new(fourier: &'a Fourier, layout: &'a Layout, removing: bool) -> Self {
        Self {
            fourier,
            layout,
            tilt: layout.tilts[usize::from(!removing)],
            removing,
            product: vec![Complex::ONE; layout.points],
            growth: vec![1.0; layout.points],
            round_off: 0.0,
            ln_scale: 0.0,
            ln_edge: 0.0,
            infinite: 0.0,
            rounds: 0.0,
            loss_error: 0.0,
        }
    }

    /// Composes `count` equal rounds, at least one; `buffer` has a value for each point.
    pub(super) fn multiply(&mut self, loss: &DiscreteLoss, count: u32, buffer: &mut [Complex]) {
        let masses = if self.removing { &loss.remove } else { &loss.add };
        let (rounds, interval) = (f64::from(count), self.layout.interval);
        let (power, edge_power) = (self.tilt.power * interval, self.tilt.edge_power * interval);
        self.ln_scale += rounds * load(masses, power, buffer);
        self.ln_edge += rounds * masses.ln_moment(edge_power);
        self.infinite += rounds * masses.infinite;
        self.rounds += rounds;
        self.loss_error += rounds * LOSS_ERROR * loss.loss_max;

        let norm = buffer.iter().map(|value| value.re * value.re).sum::<f64>().sqrt();
        self.fourier.forward(buffer);
        let error = self.fourier.round_off() * norm;
        self.round_off += rounds * (error + PRODUCT_ERROR);
        let others = i32::try_from(count - 1).expect("the rounds of a composition are limited");
        // In the worst case the whole error of the transform sits at one frequency.
        let error_max = error * (self.layout.points as f64).sqrt();
        for ((product, growth), value) in self.product.iter_mut().zip(&mut self.growth).zip(buffer) {
            let power = value.power(count);
            *product = if power.modulus() < NEGLIGIBLE { Complex::ZERO } else { *product * power };
            let modulus = value.modulus() + error_max;
            *growth *= modulus.max(1.0) * modulus.powi(others).max(NEGLIGIBLE);
        }
    }

    /// The composition; `None` if it does not look like one, which would be a fault of the arithmetic.
    pub(super) fn finish(mut self) -> Option<Composed> {
        let points = self.layout.points as f64;
        self.fourier.backward(&mut self.product);
        let growth = (self.growth.iter().map(|growth| growth * growth).sum::<f64>() / points).sqrt();
        // By Cauchy and Schwarz: the errors' Euclidean norm over the frequencies, times that of what they are multiplied with.
        let error = 1.01 * growth * (self.round_off + self.fourier.round_off());
        let values = || self.product.iter().map(|value| value.re / points);
        let sum: f64 = values().sum();
        let least = values().fold(f64::INFINITY, f64::min);
        let edge = (self.ln_edge - self.tilt.edge_power * points * self.layout.interval).exp();
        // Written so that what is not a number fails as well.
        let sound = (sum - 1.0).abs() < SUM_TOLERANCE && least >= -error && self.ln_scale.is_finite() && edge >= 0.0;
        if !sound {
            return None;
        }
        let masses = values().map(|value| value.max(0.0) + error).collect();
        Some(Composed {
            interval: self.layout.interval,
            power: self.tilt.power,
            masses,
            ln_scale: self.ln_scale + self.rounds * MASS_ERROR + GRID_ERROR + 1e-13 * self.ln_scale.abs(),
            infinite: (self.infinite + edge) * (1.0 + 1e-3),
            loss_error: self.loss_error,
        })
    }
}

/// Masses weighted by `e^(power multiple)`, divided by their sum and folded into the window; the logarithm of that sum.
fn load(masses: &Masses, power: f64, buffer: &mut [Complex]) -> f64 {
    buffer.fill(Complex::ZERO);
    let ln_sum = masses.ln_moment(power);
    let points = i64::try_from(buffer.len()).expect("a window's points are counted in 32 bits");
    for (index, ln_mass) in (masses.first..).zip(&masses.ln_masses) {
        let place = usize::try_from(index.rem_euclid(points)).expect("a remainder is not negative");
        buffer[place].re += (ln_mass + power * index as f64 - ln_sum).max(NEGLIGIBLE.ln()).exp();
    }
    ln_sum
}

impl Composed {
    /// An upper bound of delta at this epsilon, 0 or more.
    pub(super) fn delta(&self, epsilon: f64) -> f64 {
        let epsilon = epsilon - self.loss_error;
        let mut above = self.infinite;
        for (loss, delta) in self.curve() {
            if loss <= epsilon {
                // A chord in e^epsilon.
                let share = -(epsilon - loss - self.interval).exp_m1() / -(-self.interval).exp_m1();
                return (above + share.clamp(0.0, 1.0) * (delta - above)).min(1.0);
            }
            above = delta;
        }
        above.min(1.0)
    }

    /// An upper bound of the smallest epsilon with at most this delta; infinite if none within the window has it.
    pub(super) fn epsilon(&self, delta: f64) -> f64 {
        if self.infinite > delta {
            return f64::INFINITY;
        }
        let mut above = self.infinite;
        for (loss, below) in self.curve() {
            if below > delta {
                let share = (delta - above) / (below - above);
                return loss + self.interval + (share * (-self.interval).exp_m1()).ln_1p() + self.loss_error;
            }
            above = below;
        }
        0.0
    }

    /// Grid points and the hockey-stick curve there, from the last one down to 0.
    fn curve(&self) -> impl Iterator<Item = (f64, f64)> {
        // Above a grid point: sums of masses, weighted back, of `1 - e^(epsilon - loss)` and of `e^(epsilon - loss)`, over the weight there.
        let (mut gain, mut rest) = (0.0, 0.0);
        let (down, over) = ((-self.power * self.interval).exp(), (-self.interval).exp());
        let step = -(-self.interval).exp_m1();
        let mut last = None;
        self.masses.iter().enumerate().rev().map(move |(index, mass)| {
            if let Some(mass) = last {
                let reached: f64 = rest + mass;
                gain = down * (gain + step * reached);
                rest = down * over * reached;
            }
            last = Some(*mass);
            let loss = index as f64 * self.interval;
            (loss, self.infinite + (self.ln_scale - self.power * loss + gain.ln()).exp())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::SampledRound;
    use super::*;

    /// Of a few masses: what is beyond an epsilon is summed up, between the points of the grid as well, and the epsilon is found again.
    #[test]
    fn a_curve_is_the_sum_over_the_losses_beyond_it() {
        let (interval, power, infinite, masses) = (0.5, 0.7, 0.01, [0.2, 0.0, 0.3, 0.05, 0.1]);
        for loss_error in [0.0, 0.03] {
            let losses = || masses.iter().zip(0..).map(|(mass, place)| (mass, interval * f64::from(place)));
            let masses = losses().map(|(mass, loss)| mass * (power * loss).exp() / 2.0).collect();
            let composed = Composed { interval, power, masses, ln_scale: 2_f64.ln(), infinite, loss_error };
            let direct = |epsilon: f64| {
                infinite + losses().map(|(mass, loss)| mass * -(epsilon - loss).min(0.0).exp_m1()).sum::<f64>()
            };
            for step in 0..60 {
                let epsilon = 0.04 * f64::from(step);
                let (delta, own) = (composed.delta(epsilon), (epsilon - loss_error).max(0.0));
                assert!((delta - direct(own)).abs() < 1e-12, "{epsilon}: {delta}");
                if epsilon > loss_error && own < 2.0 {
                    assert!((composed.epsilon(delta) - epsilon).abs() < 1e-9, "{epsilon}: {}", composed.epsilon(delta));
                }
            }
            assert_eq!((composed.epsilon(0.009), composed.epsilon(0.9)), (f64::INFINITY, 0.0));
        }
    }

    /// What is counted of errors is not seen in an epsilon: it is far below its last digit. It stays what it was all the same, to nine digits.
    #[test]
    fn errors_are_counted_as_they_were() {
        const FROZEN: [&str; 2] = [
            "4.86272225012 6.53764636264 1.66020597676e-13 2.9115022966 16.4341822249 28.5349004505 9.99997545206e-12 43.0 5.7798828125e-12 5.9307693789 7.34012710266 \
             0.00390625 4096.0 2.34713811808 2.50488687302 2.76545618535 2.79532010611 0.001953125 4.86272225012 16.4341822261 1.00099754275e-11 5.7798828125e-12",
            "4.94009346009 6.69496854488 1.7075047621e-13 2.93689362164 16.68471008 29.2567544636 5.14467120542e-13 43.0 5.7798828125e-12 6.05379091365 7.55585942955 \
             0.00390625 4096.0 2.34713811808 2.50488687302 2.76545618535 2.79532010611 0.001953125 4.94009346009 16.6847100811 5.14981587662e-13 5.7798828125e-12",
        ];
        let round = |sampling_probability, noise_multiplier| SampledRound { sampling_probability, noise_multiplier };
        let layout = Layout::new(&[(round(0.2, 2.0), 3), (round(1.0, 6.0), 40)], 1e-6, 1 << 14, None);
        let fourier = Fourier::new(layout.points);
        // Once more, laid out around what was found.
        let near = Layout::new(&[(round(0.2, 2.0), 3), (round(1.0, 6.0), 40)], 1e-9, 1 << 12, Some([9.0, 8.5]));
        for (removing, frozen) in [true, false].into_iter().zip(FROZEN) {
            let mut own = Composition::new(&fourier, &layout, removing);
            let mut buffer = vec![Complex::ZERO; layout.points];
            for (range, count) in &layout.parts {
                let loss = DiscreteLoss::new(*range, layout.interval).expect("probabilities");
                own.multiply(&loss, *count, &mut buffer);
            }
            let growth = own.growth.iter().map(|growth| growth * growth).sum::<f64>().sqrt();
            let mut found = vec![own.tilt.power, own.tilt.edge_power, own.round_off, growth];
            found.extend([own.ln_scale, own.ln_edge, own.infinite, own.rounds, own.loss_error]);
            let tilt = near.tilts[usize::from(!removing)];
            found.extend([tilt.power, tilt.edge_power, near.interval, near.points as f64]);
            found.extend([&layout, &near].into_iter().flat_map(|of| of.parts.iter().map(|(range, _)| range.span())));
            let composed = own.finish().expect("a composition");
            found.extend([
                composed.interval,
                composed.power,
                composed.ln_scale,
                composed.infinite,
                composed.loss_error,
            ]);
            // Where hardly any mass is, the error alone stands.
            let least = composed.masses.iter().copied().fold(f64::INFINITY, f64::min);
            let error = 1.01 * growth / (layout.points as f64).sqrt() * (found[2] + fourier.round_off());
            assert!(least >= error * (1.0 - 1e-9) && least < 1.1 * error, "{least} {error}");
            let frozen: Vec<f64> = frozen.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect();
            let alike = |(found, frozen): (&f64, &f64)| (found - frozen).abs() <= 1e-9 * frozen.abs();
            assert!(found.len() == frozen.len() && found.iter().zip(&frozen).all(alike), "{removing}: {found:?}");
        }
    }

    /// An error in the transform of one round is multiplied with the transforms of all other ones, and no less is counted of it.
    #[test]
    fn an_error_grows_by_every_other_round() {
        let round = |sampling_probability, noise_multiplier| SampledRound { sampling_probability, noise_multiplier };
        let layout = Layout::new(&[(round(0.2, 2.0), 3), (round(0.5, 4.0), 2)], 1e-6, 1 << 14, None);
        let fourier = Fourier::new(layout.points);
        let composed = |counts: [u32; 2]| {
            let mut own = Composition::new(&fourier, &layout, true);
            let mut buffer = vec![Complex::ZERO; layout.points];
            for ((range, _), count) in layout.parts.iter().zip(counts) {
                own.multiply(&DiscreteLoss::new(*range, layout.interval).expect("probabilities"), count, &mut buffer);
            }
            own
        };
        let (whole, others) = (composed([3, 2]), composed([2, 1]));
        let mut compared = 0;
        for (growth, product) in whole.growth.iter().zip(&others.product) {
            let needed = product.modulus();
            if needed > 1e-9 && needed < 0.99 {
                assert!(*growth >= needed * (1.0 - 1e-9), "{growth} for {needed}");
                compared += 1;
            }
        }
        assert!(compared > 1, "{compared} frequencies say something");
    }
}
