//! Permits: values that the round machines hand out and the data plane consumes, once each (docs/ARCHITECTURE.md).
//!
//! None can be copied, stored or made outside this crate, so that a step cannot be repeated or skipped.

use alloc::vec::Vec;

use super::mask::Sign;
use super::masked_sum::{FoldError, upload_bytes};
use super::modular::Ring;
use super::suite::SecretKey;
use crate::defence::{Defence, stands};
use crate::digest::{Digest, VectorHasher};
use crate::ids::{ClientId, RoundId};

/// Leave to fold one client's upload into the masked sum.
#[must_use = "an admitted upload that is not folded leaves its client out of the sum"]
pub struct Ticket {
    round: RoundId,
    client: ClientId,
    ring: Ring,
    dimension: usize,
    digest: Digest,
}

impl Ticket {
    /// For an admitted upload: `dimension` coordinates (check coordinates not counted) whose wire form has this digest.
    pub(crate) fn new(round: RoundId, client: ClientId, (ring, dimension): (Ring, usize), digest: Digest) -> Self {
        Self { round, client, ring, dimension, digest }
    }

    /// Bytes of the upload.
    #[must_use]
    pub fn upload_bytes(&self) -> usize {
        upload_bytes(self.ring, self.dimension)
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

    /// Compares a whole upload with what its client signed. Needs no sum, so that many uploads are hashed at once.
    ///
    /// # Errors
    /// [`FoldError::OtherLength`] and [`FoldError::OtherDigest`]; the ticket is spent.
    pub fn verify<B: AsRef<[u8]>>(self, bytes: B) -> Result<VerifiedUpload<InMemory<B>>, FoldError> {
        let (found, digest) = (bytes.as_ref().len(), Digest::of_vector(bytes.as_ref()));
        self.judge(found, digest)?;
        Ok(VerifiedUpload { ticket: self, storage: InMemory(bytes) })
    }

    fn judge(&self, found: usize, digest: Digest) -> Result<(), FoldError> {
        let (client, expected) = (self.client, self.upload_bytes());
        if found != expected {
            return Err(FoldError::OtherLength { client, expected, found });
        }
        if digest != self.digest && stands(Defence::UploadDigest) {
            return Err(FoldError::OtherDigest(client));
        }
        Ok(())
    }

    /// Takes an upload piece by piece into a storage that need not be memory.
    pub fn receive_into<S: UploadStorage>(self, storage: S) -> Arriving<S> {
        Arriving { ticket: self, storage, hasher: VectorHasher::new(), found: 0 }
    }
}

/// Where an upload's bytes are between their arrival and the sum.
pub trait UploadStorage {
    /// Why it cannot be written or read.
    type Fault;

    /// Keeps the next bytes.
    ///
    /// # Errors
    /// What the storage says.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Self::Fault>;

    /// Gives everything back in order, once, in pieces of a multiple of 8 bytes but for the last.
    ///
    /// # Errors
    /// What the storage says, or what was read before it is worthless.
    fn replay(self, each: &mut dyn FnMut(&[u8])) -> Result<(), Self::Fault>;
}

/// An upload that arrived in one piece.
pub struct InMemory<B>(B);

impl<B: AsRef<[u8]>> UploadStorage for InMemory<B> {
    type Fault = core::convert::Infallible;

    /// There is nothing to append to a whole upload.
    fn append(&mut self, _: &[u8]) -> Result<(), Self::Fault> {
        Ok(())
    }

    fn replay(self, each: &mut dyn FnMut(&[u8])) -> Result<(), Self::Fault> {
        each(self.0.as_ref());
        Ok(())
    }
}

/// An admitted upload on its way: hashed as it is stored.
#[must_use = "an upload that is not finished leaves its client out of the sum"]
pub struct Arriving<S> {
    ticket: Ticket,
    storage: S,
    hasher: VectorHasher,
    found: usize,
}

impl<S: UploadStorage> Arriving<S> {
    /// The ticket.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Hashes and stores the next bytes.
    ///
    /// # Errors
    /// What the storage says; the upload is lost.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), S::Fault> {
        self.hasher.update(bytes);
        self.found = self.found.saturating_add(bytes.len());
        self.storage.append(bytes)
    }

    /// Compares what has arrived with what its client signed.
    ///
    /// # Errors
    /// [`FoldError::OtherLength`] and [`FoldError::OtherDigest`]; the ticket is spent.
    pub fn finish(self) -> Result<VerifiedUpload<S>, FoldError> {
        let Self { ticket, storage, hasher, found } = self;
        ticket.judge(found, hasher.finish())?;
        Ok(VerifiedUpload { ticket, storage })
    }
}

/// An upload that was admitted and is, byte for byte, what its client signed. Made by [`Ticket::verify`] and [`Arriving::finish`] alone.
#[must_use = "a verified upload that is not folded leaves its client out of the sum"]
pub struct VerifiedUpload<S> {
    ticket: Ticket,
    storage: S,
}

impl<S> VerifiedUpload<S> {
    /// The ticket.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    pub(super) fn into_parts(self) -> (Ticket, S) {
        (self.ticket, self.storage)
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
