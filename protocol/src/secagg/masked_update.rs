//! From an update to an upload.
//!
//! ```text
//! noise         RingWords + BudgetReceipt + MaskSeeds --mask_noise--> MaskedNoise
//! contribution  MaskedNoise + RingWords --join--> MaskedUpdate        or, where there is no contribution, MaskedNoise --alone--> MaskedUpdate
//! ```
//!
//! Why the noise is masked first and the contribution joins it: a vector that can leave then exists before any row is looked at, so that
//! whatever happens to the training, something leaves that looks the same from outside; and a contribution without noise and masks never
//! stands anywhere but in the memory that it was summed in. Masks and checks are linear in the ring, so the bytes are those of masking the
//! noised contribution (tested).

use alloc::vec::Vec;

use super::labels;
use super::mask::{MaskBlock, Sign, append_checks, apply_blocks, checksum};
use super::modular::RingWords;
use super::permit::BudgetReceipt;
use super::suite::{SecretKey, Suite};
use crate::digest::Digest;
use crate::ids::RoundId;

/// The seeds with which a client masks one round's update.
pub struct MaskSeeds {
    /// The seed b of the self mask: canonical bytes of the shared scalar.
    pub self_seed: SecretKey,
    /// For each peer of the cohort the sign ([`Sign::of_pair`]) and the pair's seed s_ij,r.
    pub pairs: Vec<(Sign, SecretKey)>,
}

/// A masked update in its wire form: what a client stores durably and then uploads, byte for byte the same at every attempt.
#[must_use = "the round has been charged for this update"]
pub struct MaskedUpdate {
    round: RoundId,
    bytes: Vec<u8>,
    digest: Digest,
}

impl MaskedUpdate {
    /// The round.
    #[must_use]
    pub fn round(&self) -> RoundId {
        self.round
    }

    /// Little-endian words: the update and then the check coordinates, all masked.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Digest of [`MaskedUpdate::bytes`]: H(y_i), which the client signs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Gives up the wire form.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A round's noise, masked: what this branch uploads, but for what it contributes. A copy is as good as the bytes that leave, and no better.
#[derive(Clone)]
#[must_use = "the round has been charged for this noise"]
pub struct MaskedNoise {
    round: RoundId,
    descriptor: Digest,
    /// Check coordinates included.
    words: RingWords,
}

impl MaskedNoise {
    /// The upload of a branch that contributes nothing but its noise.
    pub fn alone(&self) -> MaskedUpdate {
        let (bytes, digest) = self.words.to_wire();
        MaskedUpdate { round: self.round, bytes, digest }
    }

    /// The upload of a branch that contributes these words.
    ///
    /// # Panics
    /// If they are not as many as the noise's, or of another ring: both follow from the round's descriptor.
    pub fn join<S: Suite>(mut self, mut contribution: RingWords) -> MaskedUpdate {
        // The branch is counted once: with its noise.
        contribution.push(0);
        let checks = checksum::<S>(&contribution, &self.descriptor);
        contribution.push(checks);
        self.words.add(&contribution).expect("noise and contribution have the round's dimension and ring");
        self.alone()
    }
}

/// Masks a round's noise: appends the check coordinates, then applies the self mask and every pairwise mask.
pub fn mask_noise<S: Suite>(mut words: RingWords, receipt: BudgetReceipt, seeds: MaskSeeds) -> MaskedNoise {
    let descriptor = receipt.descriptor();
    append_checks::<S>(&mut words, &descriptor);
    let pairs = seeds.pairs.iter().map(|(sign, seed)| (*sign, labels::pair_mask_key::<S>(seed, &descriptor)));
    let own = (Sign::Add, labels::self_mask_key::<S>(&seeds.self_seed, &descriptor));
    let masks: Vec<_> = pairs.chain([own]).collect();
    apply_blocks(&mut words, &masks, |blocks| blocks.into_iter().for_each(MaskBlock::run::<S>));
    MaskedNoise { round: receipt.round(), descriptor, words }
}

/// Masks an update that has its noise already.
pub fn mask<S: Suite>(words: RingWords, receipt: BudgetReceipt, seeds: MaskSeeds) -> MaskedUpdate {
    mask_noise::<S>(words, receipt, seeds).alone()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::ClientId;
    use crate::secagg::modular::Ring;
    use crate::secagg::toy::{Seeded, Toy};

    const ROUND: RoundId = RoundId(3);

    fn seeds(seed: u64) -> MaskSeeds {
        let mut entropy = Seeded::new(seed);
        let mut pair = |own, peer| (Sign::of_pair(ClientId(own), ClientId(peer)), entropy.key());
        let pairs = vec![pair(5, 3), pair(5, 9), pair(5, 11)];
        MaskSeeds { self_seed: entropy.key(), pairs }
    }

    fn receipt() -> BudgetReceipt {
        BudgetReceipt::new(ROUND, Digest::of(b"descriptor"))
    }

    proptest! {
        #[test]
        fn masked_noise_and_a_contribution_are_the_masked_sum_of_both(
            pairs in proptest::collection::vec((any::<i64>(), any::<i64>()), 1..40),
            seed in any::<u64>(),
            wide in any::<bool>(),
        ) {
            let ring = if wide { Ring::Bits64 } else { Ring::Bits32 };
            let (noise, contribution): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
            let together: Vec<i64> = noise.iter().zip(&contribution).map(|(a, b)| a.wrapping_add(*b)).collect();
            let masked = |values: &[i64]| mask_noise::<Toy>(RingWords::reduce(ring, values), receipt(), seeds(seed));
            let joined = masked(&noise).join::<Toy>(RingWords::reduce(ring, &contribution));
            let expected = masked(&together).alone();
            prop_assert_eq!(joined.bytes(), expected.bytes());
            prop_assert_eq!((joined.digest(), joined.round()), (expected.digest(), ROUND));
            // Nothing is what noise alone looks like.
            let nothing = masked(&noise).join::<Toy>(RingWords::zero(ring, noise.len()));
            let alone = masked(&noise).alone();
            prop_assert_eq!(nothing.bytes(), alone.bytes());
        }
    }
}
