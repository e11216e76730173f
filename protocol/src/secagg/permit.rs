//! Permits: values that the round machines hand out and the data plane consumes, once each (DESIGN.md, section 2).
//!
//! None can be copied, stored or made outside this crate, so that a step cannot be repeated or skipped.

use alloc::vec::Vec;

use super::mask::Sign;
use super::masked_sum::FoldError;
use super::suite::SecretKey;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};

/// Leave to fold one client's upload into the masked sum.
#[must_use = "an admitted upload that is not folded leaves its client out of the sum"]
pub struct Ticket {
    round: RoundId,
    client: ClientId,
    dimension: usize,
    digest: Digest,
}

impl Ticket {
    /// For an admitted upload: `dimension` coordinates (check coordinates not counted) whose wire form has this digest.
    pub(crate) fn new(round: RoundId, client: ClientId, dimension: usize, digest: Digest) -> Self {
        Self { round, client, dimension, digest }
    }

    /// The round.
    #[must_use]
    pub fn round(&self) -> RoundId {
        self.round
    }

    /// Whose upload it is.
    #[must_use]
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// Coordinates of the update, check coordinates not counted.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Digest of the upload's wire form, as the client signed it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Compares an upload's bytes with what its client signed. Needs no sum, so that many uploads are hashed at once.
    ///
    /// # Errors
    /// [`FoldError::OtherDigest`]; the ticket is spent.
    pub fn verify(self, bytes: &[u8]) -> Result<VerifiedUpload<'_>, FoldError> {
        if Digest::of_vector(bytes) != self.digest {
            return Err(FoldError::OtherDigest(self.client));
        }
        Ok(VerifiedUpload { ticket: self, bytes })
    }
}

/// An upload that was admitted and is, byte for byte, what its client signed. Made by [`Ticket::verify`] alone.
#[must_use = "a verified upload that is not folded leaves its client out of the sum"]
pub struct VerifiedUpload<'a> {
    ticket: Ticket,
    bytes: &'a [u8],
}

impl<'a> VerifiedUpload<'a> {
    pub(super) fn into_parts(self) -> (Ticket, &'a [u8]) {
        (self.ticket, self.bytes)
    }
}

/// Leave to mask and upload one update: the round's charge is durable.
#[must_use = "a charged round that is not used is budget lost"]
pub struct BudgetReceipt {
    round: RoundId,
    descriptor: Digest,
}

impl BudgetReceipt {
    /// For a round whose charge has been recorded; `descriptor` is the digest of the round descriptor D_r.
    pub(crate) fn new(round: RoundId, descriptor: Digest) -> Self {
        Self { round, descriptor }
    }

    /// The round.
    #[must_use]
    pub fn round(&self) -> RoundId {
        self.round
    }

    /// Digest of the round descriptor.
    #[must_use]
    pub fn descriptor(&self) -> Digest {
        self.descriptor
    }
}

/// Leave to unmask the sum of one round: the seeds that a quorum of survivors opened.
#[must_use = "opened seeds are for one sum; dropping them aborts the round"]
pub struct UnmaskPermit {
    round: RoundId,
    descriptor: Digest,
    survivors: Vec<ClientId>,
    self_seeds: Vec<SecretKey>,
    lost_pairs: Vec<(Sign, SecretKey)>,
}

/// What [`UnmaskPermit`] is made of.
pub(crate) struct Opened {
    /// The round.
    pub(crate) round: RoundId,
    /// Digest of the round descriptor.
    pub(crate) descriptor: Digest,
    /// U3, and in the same order the self-mask seed b of each.
    pub(crate) survivors: Vec<(ClientId, SecretKey)>,
    /// For every pair of a survivor and a lost participant: the sign with which the survivor applied the pairwise mask, and its seed.
    pub(crate) lost_pairs: Vec<(Sign, SecretKey)>,
}

impl UnmaskPermit {
    /// For a round whose survivor set is certified and whose seeds match their commitments.
    pub(crate) fn new(opened: Opened) -> Self {
        let Opened { round, descriptor, survivors, lost_pairs } = opened;
        let (survivors, self_seeds) = survivors.into_iter().unzip();
        Self { round, descriptor, survivors, self_seeds, lost_pairs }
    }

    /// The round.
    #[must_use]
    pub fn round(&self) -> RoundId {
        self.round
    }

    /// The survivors whose sum may be released.
    #[must_use]
    pub fn survivors(&self) -> &[ClientId] {
        &self.survivors
    }

    pub(crate) fn descriptor(&self) -> Digest {
        self.descriptor
    }

    pub(crate) fn self_seeds(&self) -> &[SecretKey] {
        &self.self_seeds
    }

    pub(crate) fn lost_pairs(&self) -> &[(Sign, SecretKey)] {
        &self.lost_pairs
    }
}
