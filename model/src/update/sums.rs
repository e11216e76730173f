//! The steps from a clipped sum to what is masked. Each consumes the one before and erases its integers when dropped.

use tributary_protocol::secagg::masked_update::{MaskedNoise, MaskedUpdate};
use tributary_protocol::secagg::modular::{Ring, RingWords};
use tributary_protocol::secagg::suite::Suite;
use zeroize::Zeroizing;

/// A branch's clipped sum: exact integers, no noise yet. Must not leave the branch, and cannot: it only turns into a [`NoisedUpdate`], or
/// joins noise that is masked already.
pub struct ClippedSum(Zeroizing<Vec<i64>>);

/// A clipped sum with this branch's noise share on it.
pub struct NoisedUpdate(Zeroizing<Vec<i64>>);

/// A noised update as words of the ring that the masks live in.
pub struct QuantizedUpdate(RingWords);

/// Noise that does not fit a sum: another number of samples than coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{noise} noise samples for {coordinates} coordinates: this is a fault of the program; the round was not joined"
)]
pub struct NoiseLength {
    /// Coordinates of the sum.
    pub coordinates: usize,
    /// Samples given.
    pub noise: usize,
}

impl ClippedSum {
    /// The one door in: only the clipping code of this module's parent calls it.
    pub(super) fn new(values: Zeroizing<Vec<i64>>) -> Self {
        Self(values)
    }

    /// Coordinates: parameters, then riders.
    #[must_use]
    pub fn coordinates(&self) -> usize {
        self.0.len()
    }

    /// Adds this branch's share of the noise, one integer for each coordinate, from `privacy`'s exact sampler.
    ///
    /// A coordinate that leaves 64 bits wraps, as it would in the ring: a fault of utility, not of privacy, and no row may decide whether
    /// there is an update.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn add_noise(mut self, noise: Vec<i64>) -> Result<NoisedUpdate, NoiseLength> {
        let noise = Zeroizing::new(noise);
        if noise.len() != self.0.len() {
            return Err(NoiseLength { coordinates: self.0.len(), noise: noise.len() });
        }
        for (value, sample) in self.0.iter_mut().zip(noise.iter()) {
            *value = value.wrapping_add(*sample);
        }
        Ok(NoisedUpdate(self.0))
    }

    /// Nothing at all: what a branch contributes in whose place noise alone leaves.
    #[must_use]
    pub fn nothing(coordinates: usize) -> Self {
        Self(Zeroizing::new(vec![0; coordinates]))
    }

    /// Adds this sum to noise that is masked already. This is how a sum whose noise does not depend on it leaves a branch: it never stands
    /// anywhere without both.
    pub fn join<S: Suite>(self, noise: MaskedNoise, ring: Ring) -> MaskedUpdate {
        noise.join::<S>(RingWords::reduce(ring, &self.0))
    }

    /// For this module's parent alone, which makes a branch's difference of models from them.
    pub(super) fn values(&self) -> &[i64] {
        &self.0
    }
}

impl NoisedUpdate {
    /// The second door in: what is made of noised sums alone.
    pub(super) fn from_noised(values: Zeroizing<Vec<i64>>) -> Self {
        Self(values)
    }

    /// For this module's parent alone, which takes local steps with them.
    pub(super) fn values(&self) -> &[i64] {
        &self.0
    }

    /// Reduces to the ring. A wrap is a fault of utility, not of privacy: it happens after the noise.
    #[must_use]
    pub fn quantize(self, ring: Ring) -> QuantizedUpdate {
        QuantizedUpdate(RingWords::reduce(ring, &self.0))
    }
}

impl QuantizedUpdate {
    /// Coordinates: parameters, then riders.
    #[must_use]
    pub fn coordinates(&self) -> usize {
        self.0.len()
    }

    /// Adds this update to masked zeros: for updates that are made from noised sums, whose noise cannot be masked before.
    pub fn join<S: Suite>(self, masked: MaskedNoise) -> MaskedUpdate {
        masked.join::<S>(self.0)
    }

    /// The words, for the masks.
    #[must_use]
    pub fn into_words(self) -> RingWords {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[i64]) -> ClippedSum {
        ClippedSum::new(Zeroizing::new(values.to_vec()))
    }

    #[test]
    fn words_are_twos_complement() {
        let noised = sum(&[1, -1, 1 << 40]).add_noise(vec![1, -1, -3]).ok().unwrap();
        assert_eq!(noised.quantize(Ring::Bits64).into_words().centred(), [2, -2, (1 << 40) - 3]);
        let noised = sum(&[1, -1, 1 << 40]).add_noise(vec![1, -1, -3]).ok().unwrap();
        assert_eq!(noised.quantize(Ring::Bits32).into_words().centred(), [2, -2, -3]);
    }

    #[test]
    fn noise_of_another_length_is_refused_and_a_wrap_is_not() {
        for noise in [0, 1, 3] {
            let refusal = sum(&[0, 0]).add_noise(vec![1; noise]).err();
            assert_eq!(refusal, Some(NoiseLength { coordinates: 2, noise }));
        }
        assert_eq!(sum(&[i64::MAX]).add_noise(vec![1]).ok().unwrap().values(), [i64::MIN]);
    }
}
