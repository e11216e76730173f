//! The discrete Fourier transform of a power of two of points, with a proved bound of its round-off.
//!
//! Two radix-2 loops and no permutation: forwards by decimation in frequency, which leaves the frequencies in bit-reversed order, and back by
//! decimation in time, which starts from that order. Between the two everything is done point by point, so that the order does not matter.

use core::f64::consts::TAU;
use core::ops::{Add, Mul, Sub};

/// Relative round-off of a transform in the Euclidean norm, for each of its `log2(points)` levels, in units of 2^-53. Higham 2002, theorem
/// 24.2, gives `m + 4 (sqrt(2) + m)` for roots of unity that are off by `m` units; here `m < 6`, argument, sine and cosine together.
const ROUND_OFF_UNITS: f64 = 40.0;

/// A complex number.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Complex {
    /// The real part.
    pub(super) re: f64,
    /// The imaginary part.
    pub(super) im: f64,
}

impl Complex {
    /// 0.
    pub(super) const ZERO: Self = Self { re: 0.0, im: 0.0 };
    /// 1.
    pub(super) const ONE: Self = Self { re: 1.0, im: 0.0 };

    /// The modulus.
    pub(super) fn modulus(self) -> f64 {
        // Numbers here are at most about 1, and the smallest of them do not matter.
        (self.re * self.re + self.im * self.im).sqrt()
    }

    /// The power, by repeated squaring: `exponent - 1` products' worth of relative round-off, each below 2.3 units of 2^-53
    /// (Brent, Percival, Zimmermann 2007).
    pub(super) fn power(mut self, mut exponent: u32) -> Self {
        let mut power = Self::ONE;
        while exponent > 1 {
            if exponent & 1 == 1 {
                power = power * self;
            }
            self = self * self;
            exponent >>= 1;
        }
        if exponent == 1 { power * self } else { power }
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

/// Transforms of one size.
pub(super) struct Fourier {
    /// `e^(-2 pi i k / points)` for k below `points / 2`.
    roots: Vec<Complex>,
}

impl Fourier {
    /// For a power of two of points, at least 2.
    pub(super) fn new(points: usize) -> Self {
        assert!(points.is_power_of_two() && points >= 2, "the caller rounds up to a power of two");
        let root = |k: usize| {
            let angle = TAU * (k as f64 / points as f64);
            Complex { re: angle.cos(), im: -angle.sin() }
        };
        Self { roots: (0..points / 2).map(root).collect() }
    }

    /// A bound of the relative error of either direction, in the Euclidean norm.
    pub(super) fn round_off(&self) -> f64 {
        f64::from(self.roots.len().ilog2() + 1) * ROUND_OFF_UNITS * (f64::EPSILON / 2.0)
    }

    /// From values in their order to frequencies in bit-reversed order.
    pub(super) fn forward(&self, values: &mut [Complex]) {
        let mut half = self.points(values) / 2;
        while half >= 1 {
            let stride = self.roots.len() / half;
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((a, b), root) in low.iter_mut().zip(high).zip(self.roots.iter().step_by(stride)) {
                    let difference = *a - *b;
                    *a = *a + *b;
                    *b = difference * *root;
                }
            }
            half /= 2;
        }
    }

    /// From frequencies in bit-reversed order to `points` times the values in their order.
    pub(super) fn backward(&self, values: &mut [Complex]) {
        let points = self.points(values);
        let mut half = 1;
        while half < points {
            let stride = self.roots.len() / half;
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((a, b), root) in low.iter_mut().zip(high).zip(self.roots.iter().step_by(stride)) {
                    let turned = *b * Complex { re: root.re, im: -root.im };
                    *b = *a - turned;
                    *a = *a + turned;
                }
            }
            half *= 2;
        }
    }

    fn points(&self, values: &[Complex]) -> usize {
        assert_eq!(values.len(), 2 * self.roots.len(), "one transform has one size");
        values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(points: usize) -> Vec<Complex> {
        let value = |k: usize| Complex { re: (k as f64 * 0.7).sin(), im: (k as f64 * k as f64 * 0.3).cos() };
        (0..points).map(value).collect()
    }

    fn distance(left: &[Complex], right: &[Complex]) -> f64 {
        left.iter().zip(right).map(|(a, b)| (*a - *b).modulus().powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn frequencies_are_the_sums_that_define_them() {
        for points in [2_usize, 4, 64] {
            let fourier = Fourier::new(points);
            let mut found = values(points);
            fourier.forward(&mut found);
            for k in 0..points {
                let turn = |n: usize| Complex {
                    re: (TAU * (k * n % points) as f64 / points as f64).cos(),
                    im: -(TAU * (k * n % points) as f64 / points as f64).sin(),
                };
                let expected =
                    values(points).into_iter().enumerate().fold(Complex::ZERO, |sum, (n, value)| sum + value * turn(n));
                let place = k.reverse_bits() >> (usize::BITS - points.ilog2());
                assert!((found[place] - expected).modulus() < 1e-13 * points as f64, "frequency {k} of {points}");
            }
        }
    }

    #[test]
    fn there_and_back_stays_within_the_bound() {
        for points in [8_usize, 1 << 10, 1 << 16] {
            let fourier = Fourier::new(points);
            let mut found = values(points);
            fourier.forward(&mut found);
            fourier.backward(&mut found);
            let scaled: Vec<Complex> =
                found.iter().map(|v| Complex { re: v.re / points as f64, im: v.im / points as f64 }).collect();
            let norm = distance(&values(points), &vec![Complex::ZERO; points]);
            let error = distance(&scaled, &values(points)) / norm;
            assert!(error > 0.0 && error < 2.0 * fourier.round_off(), "{error} over {points}");
        }
    }

    #[test]
    fn powers_are_products() {
        let turn = Complex { re: 0.6, im: 0.8 };
        assert!(turn.power(0) == Complex::ONE && turn.power(1) == turn);
        let cube = turn * turn * turn;
        assert!((turn.power(3) - cube).modulus() < 1e-15);
        assert!((turn.power(1_000_000).modulus() - 1.0).abs() < 1e-9);
    }
}
