//! Exact discrete Gaussian noise, in integers.
//!
//! `N_Z(0, V)` gives every integer x a probability proportional to `exp(-x^2 / 2V)` (Canonne, Kamath, Steinke 2020, definition 1). It is
//! sampled by rejection, as there, but from a staircase instead of a discrete Laplace distribution, and with the acceptance decided lazily.
//! Floats appear nowhere (Mironov 2012 shows why).
//!
//! # How one value is drawn
//!
//! 1. A step of the staircase ([`envelope`]) is chosen with a probability proportional to its integer height, by an alias table.
//! 2. A sign and a uniform magnitude on that step. The pair (minus, zero) is thrown away.
//! 3. The magnitude x is kept with probability `p(x) = scale exp(-x^2 / 2V) / height`, or everything starts again.
//!
//! # Why it is exact
//!
//! *Proposals.* Heights are integers that sum to 2^64 (the tail with all its blocks counts as one), the alias table splits them without
//! remainder, and widths are powers of two: every proposal (sign, x) has probability `height(x) / (2^65 w)` exactly, from disjoint and
//! unused random bits. Every height is at least `scale exp(-x^2 / 2V)`, so `p(x)` is a probability. For the tail: block k begins at
//! `(255 + 256 k) w`, and because `w > sigma / 32` the curve falls by a factor below `exp(-63)` from one block to the next, while the
//! staircase falls by 1/2.
//!
//! *Acceptance.* U is a real number with independent fair bits, drawn as needed. x is accepted exactly if `U < p(x)`:
//! - `p` is never below `quick / 2^27` on the step (it falls with x, and `quick` is rounded down), so 27 bits of U that are below `quick` accept;
//! - else 64 bits are compared with an integer estimate that is at most 64 parts of 2^63 off (proved at `Sampler::estimate`);
//! - else, with probability below 2^-54, [`exact`] encloses `p` and U with as many bits as it takes to tell them apart.
//!
//! All three compare the same two real numbers, and each answers only where its bounds settle the comparison; so the outcome is
//! that of `U < p(x)`. (Were U's bits equal to p's for ever, which has probability zero, it would not end.)
//!
//! *Product.* A proposal is accepted as x with probability `height(x) / (2^65 w) * p(x)`, proportional to `exp(-x^2 / 2V)` and the same for
//! both signs; zero has one sign. Conditioned on acceptance that is `N_Z(0, V)`.
//!
//! # What it does not guarantee
//!
//! - Values have to fit an `i64`: the distribution is conditioned on `|x| < 2^16 * 256 w`, at least `2^19 sigma`, whose complement has a
//!   probability below `exp(-2^36)`.
//! - The time for one value depends on it (a rejection, a slow comparison). Noise is drawn before a round needs it and uploads leave at a
//!   fixed offset, so that only a sum of very many such times could be seen.

mod envelope;
mod exact;
mod generator;
mod natural;
#[cfg(test)]
mod reference;
mod sampler;

use tributary_protocol::entropy::Entropy;
use tributary_protocol::limits::DIMENSION_MAX;
use zeroize::Zeroize;

#[cfg(test)]
pub(crate) use generator::test_entropy;
use generator::{BitSource as _, NoiseGenerator};
use sampler::Sampler;

pub use tributary_protocol::limits::{SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN};

/// Why no noise was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// Below [`SHARE_VARIANCE_MIN`].
    #[error(
        "a noise share of variance {0} units^2 is refused: below {min} a sum of shares is not provably Gaussian; give one clip norm more units",
        min = SHARE_VARIANCE_MIN
    )]
    VarianceTooSmall(u128),
    /// Above [`SHARE_VARIANCE_MAX`].
    #[error(
        "a noise share of variance {0} units^2 is refused: the sampler ends at 2^80; give one clip norm fewer units"
    )]
    VarianceTooLarge(u128),
    /// No coordinate, or more than the protocol's `DIMENSION_MAX`.
    #[error("a noise share of {0} coordinates is refused: an update has 1 to {max}", max = DIMENSION_MAX)]
    Dimension(usize),
}

/// One branch's noise for one round: independent values of `N_Z(0, variance)`, one for each coordinate, in units.
///
/// Used once, by value. Erased when dropped unused. It cannot be printed, copied or drawn again: the key is drawn from the caller's entropy
/// and erased with the generator.
pub struct NoiseShare {
    values: Vec<i64>,
    variance: u128,
}

/// Draws shares of one variance. Making it costs some hundred microseconds, so a branch keeps it for all rounds of a session; it holds no
/// secret.
pub struct NoiseSampler {
    sampler: Sampler,
    variance: u128,
}

impl NoiseSampler {
    /// Prepares for a variance (units^2, from [`SHARE_VARIANCE_MIN`] to [`SHARE_VARIANCE_MAX`]).
    ///
    /// # Errors
    /// If the variance is out of range.
    pub fn new(variance: u128) -> Result<Self, NoiseError> {
        if variance < SHARE_VARIANCE_MIN {
            return Err(NoiseError::VarianceTooSmall(variance));
        }
        if variance > SHARE_VARIANCE_MAX {
            return Err(NoiseError::VarianceTooLarge(variance));
        }
        Ok(Self { sampler: Sampler::new(variance), variance })
    }

    /// The variance of each value, units^2.
    #[must_use]
    pub fn variance(&self) -> u128 {
        self.variance
    }

    /// Draws `dimension` values under a fresh key.
    ///
    /// # Errors
    /// If the dimension is out of range; nothing is drawn then.
    pub fn share(&self, dimension: usize, entropy: &mut dyn Entropy) -> Result<NoiseShare, NoiseError> {
        if dimension == 0 || dimension > DIMENSION_MAX {
            return Err(NoiseError::Dimension(dimension));
        }
        let mut generator = NoiseGenerator::new(entropy);
        // The whole capacity at once: a vector that grew would leave copies behind.
        let mut values = Vec::with_capacity(dimension);
        values.extend((0..dimension).map(|_| self.sampler.draw(&mut generator)));
        Ok(NoiseShare { values, variance: self.variance })
    }
}

/// Uniform random bits for what is not noise: the same generator, under a key of its own.
pub(super) struct BitGenerator(NoiseGenerator);

impl BitGenerator {
    pub(super) fn new(entropy: &mut dyn Entropy) -> Self {
        Self(NoiseGenerator::new(entropy))
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

impl NoiseShare {
    /// Draws one share of `dimension` values of variance `variance`: [`NoiseSampler`] for whoever draws one only.
    ///
    /// # Errors
    /// If the variance or the dimension is out of range; nothing is drawn then.
    pub fn sample(variance: u128, dimension: usize, entropy: &mut dyn Entropy) -> Result<Self, NoiseError> {
        NoiseSampler::new(variance)?.share(dimension, entropy)
    }

    /// The variance of each value, units^2.
    #[must_use]
    pub fn variance(&self) -> u128 {
        self.variance
    }

    /// Number of coordinates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.values.len()
    }

    /// The values in units, at most 2^61 in magnitude. Whoever takes them erases them.
    #[must_use]
    pub fn into_values(mut self) -> Vec<i64> {
        core::mem::take(&mut self.values)
    }
}

impl Drop for NoiseShare {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::generator::test_entropy::CountingEntropy;
    use super::*;

    #[test]
    fn a_share_has_its_dimension_and_takes_fresh_keys() {
        let mut entropy = CountingEntropy(9);
        let first = NoiseShare::sample(1 << 48, 1000, &mut entropy).unwrap();
        assert_eq!((first.variance(), first.dimension()), (1 << 48, 1000));
        let second = NoiseShare::sample(1 << 48, 1000, &mut entropy).unwrap();
        let (first, second) = (first.into_values(), second.into_values());
        assert_eq!(first.len(), 1000);
        let equal = first.iter().zip(&second).filter(|(a, b)| a == b).count();
        assert!(equal < 10, "two shares agree in {equal} of 1000 coordinates");
        assert!(first.iter().all(|value| value.unsigned_abs() < 8 << 24));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let refusal = |variance, dimension| NoiseShare::sample(variance, dimension, &mut CountingEntropy(1)).err();
        assert_eq!(refusal(35, 4), Some(NoiseError::VarianceTooSmall(35)));
        assert_eq!(refusal(36, 4), None);
        assert_eq!(refusal(1 << 80, 4), None);
        assert_eq!(refusal((1 << 80) + 1, 4), Some(NoiseError::VarianceTooLarge((1 << 80) + 1)));
        assert_eq!(refusal(36, 0), Some(NoiseError::Dimension(0)));
        assert_eq!(refusal(36, DIMENSION_MAX + 1), Some(NoiseError::Dimension(DIMENSION_MAX + 1)));
        let message = refusal(35, 4).unwrap().to_string();
        assert!(message.contains("35 units^2") && message.contains("below 36"), "{message}");
    }
}
