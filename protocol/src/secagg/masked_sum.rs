//! From uploads to their sum; how an upload is made says [`super::masked_update`].
//!
//! ```text
//! Ticket + bytes --verify--> VerifiedUpload
//! MaskedSum --fold(VerifiedUpload)*--> MaskedSum --unmask(UnmaskPermit)--> AggregateSum
//! ```

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::labels;
use super::mask::{CHECK_COORDINATES, CheckFailure, MaskBlock, Sign, apply_blocks, split_checks};
pub use super::masked_update::{MaskSeeds, MaskedNoise, MaskedUpdate, mask, mask_noise};
use super::modular::{Ring, RingWords, bytes_of};
use super::permit::{UnmaskPermit, UploadStorage, VerifiedUpload};
use super::suite::Suite;
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};

/// Bytes of a masked update of `dimension` coordinates, check coordinates added; saturates.
#[must_use]
pub const fn upload_bytes(ring: Ring, dimension: usize) -> usize {
    bytes_of(ring, dimension.saturating_add(CHECK_COORDINATES))
}

/// The running sum of one round's masked updates.
pub struct MaskedSum {
    round: RoundId,
    dimension: usize,
    sum: RingWords,
    folded: BTreeSet<ClientId>,
    /// A part of an upload may be in the sum.
    spoiled: bool,
}

/// Says that an upload is in the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Whose upload.
    pub client: ClientId,
    /// Uploads in the sum, this one counted.
    pub count: usize,
}

/// Why an upload cannot be folded. The sum is as it was; the ticket is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The ticket is for another round, or another dimension, than this sum.
    #[error("the ticket of client {0} belongs to another round; its upload is not counted")]
    OtherRound(ClientId),
    /// The upload is shorter or longer than the round's dimension needs.
    #[error("client {client} sent {found} bytes where {expected} belong; its upload is not counted")]
    OtherLength {
        /// Who sent it.
        client: ClientId,
        /// Bytes that the round needs.
        expected: usize,
        /// Bytes received.
        found: usize,
    },
    /// The bytes are not those that the client signed.
    #[error("the upload of client {0} does not have the signed digest; it is not counted")]
    OtherDigest(ClientId),
    /// An upload could not be read back from where it was kept.
    #[error(
        "the upload of client {0} could not be read back from the disk; the round must be aborted, and the disk checked"
    )]
    Unreadable(ClientId),
    /// The client's upload is in the sum already.
    #[error("the upload of client {0} is already counted; the second is not")]
    Repeated(ClientId),
}

/// Why a sum cannot be unmasked. The permit is spent, and the round must be aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnmaskError {
    /// The permit is for another round.
    #[error("the permit is for round {permitted} and the sum for round {found}; abort the round")]
    OtherRound {
        /// The round of the permit.
        permitted: RoundId,
        /// The round of the sum.
        found: RoundId,
    },
    /// The sum does not hold exactly the certified survivors' uploads.
    #[error("{certified} survivors are certified and other uploads ({folded}) are in the sum; abort the round")]
    OtherSurvivors {
        /// Survivors that the quorum certified.
        certified: usize,
        /// Uploads in the sum.
        folded: usize,
    },
    /// The result is not the sum of the survivors' updates.
    #[error(transparent)]
    Check(#[from] CheckFailure),
}

impl MaskedSum {
    /// An empty sum of updates with `dimension` coordinates, check coordinates not counted.
    #[must_use]
    pub fn new(round: RoundId, ring: Ring, dimension: usize) -> Self {
        let sum = RingWords::zero(ring, dimension.saturating_add(CHECK_COORDINATES));
        Self { round, dimension, sum, folded: BTreeSet::new(), spoiled: false }
    }

    /// The clients whose uploads are in the sum.
    #[must_use]
    pub fn folded(&self) -> &BTreeSet<ClientId> {
        &self.folded
    }

    /// Adds one verified upload.
    ///
    /// # Errors
    /// [`FoldError`]; the sum is unchanged, or, for [`FoldError::Unreadable`], of no use any more.
    pub fn fold<S: UploadStorage>(&mut self, upload: VerifiedUpload<S>) -> Result<Folded, FoldError> {
        self.fold_keeping(upload, |_| ())
    }

    /// [`MaskedSum::fold`], which gives every piece of the upload to `keep` as well, in order. Nothing of an upload that leaves the sum unchanged.
    ///
    /// # Errors
    /// As [`MaskedSum::fold`].
    pub fn fold_keeping<S: UploadStorage>(
        &mut self,
        upload: VerifiedUpload<S>,
        mut keep: impl FnMut(&[u8]),
    ) -> Result<Folded, FoldError> {
        let (ticket, storage) = upload.into_parts();
        let client = ticket.client();
        let expected = upload_bytes(self.sum.ring(), self.dimension);
        if ticket.round() != self.round || ticket.upload_bytes() != expected {
            return Err(FoldError::OtherRound(client));
        }
        if self.folded.contains(&client) && stands(Defence::OneUpload) {
            return Err(FoldError::Repeated(client));
        }
        let mut found = 0;
        let replayed = storage.replay(&mut |bytes| {
            self.spoiled |= self.sum.add_le_bytes_at(found, bytes).is_err();
            found += bytes.len();
            keep(bytes);
        });
        if replayed.is_err() || found != expected || self.spoiled {
            // Some of it may be in the sum.
            self.spoiled = true;
            return Err(FoldError::Unreadable(client));
        }
        self.folded.insert(client);
        Ok(Folded { client, count: self.folded.len() })
    }

    /// Removes the survivors' self masks and the lost participants' pairwise masks, and verifies the check coordinates.
    ///
    /// # Errors
    /// [`UnmaskError`]; the sum is gone, as the seeds are.
    pub fn unmask<S: Suite>(self, permit: UnmaskPermit) -> Result<AggregateSum, UnmaskError> {
        self.unmask_with::<S>(permit, |blocks| blocks.into_iter().for_each(MaskBlock::run::<S>))
    }

    /// [`MaskedSum::unmask`] with blocks of coordinates handed to `execute`, which may run them on several threads.
    ///
    /// # Errors
    /// [`UnmaskError`]; the sum is gone, as the seeds are.
    ///
    /// # Panics
    /// If `execute` returns before it has run every block.
    pub fn unmask_with<S: Suite>(
        mut self,
        permit: UnmaskPermit,
        execute: impl FnOnce(Vec<MaskBlock<'_>>),
    ) -> Result<AggregateSum, UnmaskError> {
        if permit.round() != self.round {
            return Err(UnmaskError::OtherRound { permitted: permit.round(), found: self.round });
        }
        let certified = permit.survivors();
        let participants = self.folded.len();
        if self.spoiled
            || certified.len() != participants
            || certified.iter().copied().collect::<BTreeSet<_>>() != self.folded
        {
            return Err(UnmaskError::OtherSurvivors { certified: certified.len(), folded: participants });
        }
        let descriptor = permit.descriptor();
        let own = permit.self_seeds().iter();
        let own = own.map(|seed| (Sign::Subtract, labels::self_mask_key::<S>(seed, &descriptor)));
        let lost = permit.lost_pairs().iter();
        let lost = lost.map(|(sign, seed)| (sign.opposite(), labels::pair_mask_key::<S>(seed, &descriptor)));
        let masks: Vec<_> = own.chain(lost).collect();
        apply_blocks(&mut self.sum, &masks, execute);
        let sum = split_checks::<S>(self.sum, &descriptor, participants)?;
        Ok(AggregateSum { round: self.round, words: sum, participants })
    }
}

/// The exact integer sum of the survivors' noised updates. All that a round reveals.
#[must_use = "the round's privacy has been spent on this sum"]
#[derive(Clone, PartialEq, Eq)]
pub struct AggregateSum {
    round: RoundId,
    words: RingWords,
    participants: usize,
}

impl AggregateSum {
    /// The round.
    #[must_use]
    pub fn round(&self) -> RoundId {
        self.round
    }

    /// Updates in the sum.
    #[must_use]
    pub fn participants(&self) -> usize {
        self.participants
    }

    /// Coordinates, check coordinates removed.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.words.len()
    }

    /// One centred integer a coordinate, in fixed-point units.
    #[must_use]
    pub fn values(&self) -> Vec<i64> {
        self.words.centred()
    }

    /// [`AggregateSum::values`] from the coordinate `first` on, one by one and without a copy of the sum.
    pub fn values_from(&self, first: usize) -> impl Iterator<Item = i64> {
        self.words.centred_from(first)
    }

    /// Digest of the sum's words, as the ledger names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.words.digest()
    }
}

#[cfg(test)]
#[path = "masked_sum_tests.rs"]
mod tests;
