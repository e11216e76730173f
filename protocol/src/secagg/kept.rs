//! One committed round as it is kept: with the ledger it recomputes the sum from the uploads that the branches signed.
//!
//! ```text
//! header (16 bytes, crate::versioned), round (u64), descriptor (32), bits of the ring (u32), dimension (u32)
//! for each survivor, as it came:                1, client (u32), its masked vector with the check coordinates
//! for each survivor, ascending:                 2, client (u32), seed of its self mask (32)
//! for each pair of a survivor and a lost one:   3, 0 added or 1 subtracted, seed of the pair's mask (32)
//! 0
//! ```
//!
//! Integers are little-endian. A coordinator writes the file while uploads are folded, so that it need not hold them.
//!
//! # Why it reveals nothing beyond the sum
//! Everything in it was at the coordinator when it opened the sum, and nothing else can be computed of it:
//!
//! - Of each member one kind of secret was opened: of a survivor the seed of its self mask, of a lost one its pairwise seeds. No holder ever
//!   reveals a share of the other kind.
//! - A survivor's upload without its self mask, and without the masks that it shares with lost members, still carries those that it shares with
//!   other survivors. Their seeds were not opened. They cancel in the sum of all survivors and in no other.
//! - Uploads of lost members are not kept. Whoever had one would lack the seed of its self mask.
//! - The sum carries the plan's noise, and the ledger names its digest.
//!
//! So whoever reads the file knows what the coordinator knew, not more. It is private all the same: with the pairwise seeds that an upload
//! shares with other survivors it would open that upload. Branches have those in memory alone, and erase them with the round.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::mask::Sign;
use super::masked_sum::{AggregateSum, FoldError, MaskedSum, UnmaskError, upload_bytes};
use super::modular::{Ring, RingWords};
use super::permit::{Opened, Ticket, UnmaskPermit};
use super::suite::{SecretKey, Suite};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::limits::{COHORT_MAX, KEPT_DIMENSION_MAX};
use crate::versioned::{HEADER_BYTES, Release, VersionFault, Versioned};

/// The layout of a kept round.
pub const KEPT_FORMAT: Versioned = Versioned {
    what: "a kept round",
    magic: *b"TRIBKEPT",
    version: 2,
    since: Release { major: 0, minor: 2 },
    older: "Verify it with the release that wrote it",
};

/// The layout of a kept sum.
pub const SUM_FORMAT: Versioned = Versioned {
    what: "a kept sum",
    magic: *b"TRIBKSUM",
    version: 2,
    since: Release { major: 0, minor: 2 },
    older: "Verify it with the release that wrote it",
};

const END: u8 = 0;
const UPLOAD: u8 = 1;
const SELF_SEED: u8 = 2;
const LOST_PAIR: u8 = 3;

const SEED_BYTES: usize = 32;

/// With what a kept round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// The round.
    pub round: RoundId,
    /// Digest of its descriptor.
    pub descriptor: Digest,
    /// Ring of the sum.
    pub ring: Ring,
    /// Coordinates, check coordinates not counted.
    pub dimension: u32,
}

/// What a ledger says of a round that it committed.
#[derive(Clone, Copy)]
pub struct CommittedRound<'a> {
    /// The round, and what it was.
    pub head: KeptHead,
    /// The digest of every admitted upload, which its client signed.
    pub admitted: &'a BTreeMap<ClientId, Digest>,
    /// Digest of the opened sum.
    pub sum: Digest,
}

/// A kept round, read. Its vectors stay where they were read from.
pub struct KeptRound<'a> {
    head: KeptHead,
    uploads: Vec<(ClientId, &'a [u8])>,
    self_seeds: Vec<(ClientId, SecretKey)>,
    lost_pairs: Vec<(Sign, SecretKey)>,
}

/// Why what was kept does not prove a sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptFault {
    /// No kept round.
    #[error(
        "the kept round cannot be read from byte {at} on: it was changed or cut, or is no such file; restore it from a copy"
    )]
    Malformed {
        /// Where reading ended.
        at: usize,
    },
    /// Another kind of file, or of a version that this release does not read.
    #[error(transparent)]
    Version(#[from] VersionFault),
    /// Another round, or another descriptor.
    #[error(
        "the kept round is not the one that the ledger names, or was made under another descriptor: take the file of this round"
    )]
    OtherRound,
    /// Others than those whose uploads the ledger admitted.
    #[error("the kept round has other survivors than the ledger: the file or the ledger was changed")]
    OtherSurvivors,
    /// An upload is not the one that its client signed.
    #[error("a kept upload is not what its client signed: {0}")]
    Upload(#[from] FoldError),
    /// The uploads and seeds do not give a sum.
    #[error("the kept uploads cannot be opened with the kept seeds: {0}")]
    Unmask(#[from] UnmaskError),
    /// They give another sum.
    #[error(
        "the sum has the digest {found}, and the ledger names {committed}: the ledger or the coordinator does not tell the truth"
    )]
    OtherSum {
        /// In the ledger.
        committed: Digest,
        /// Of what was kept.
        found: Digest,
    },
}

impl KeptHead {
    /// The first bytes of a kept round.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (round, ring, dimension) = (self.round.0, self.ring.bits(), self.dimension);
        let mut bytes = KEPT_FORMAT.header().to_vec();
        bytes.extend_from_slice(&round.to_le_bytes());
        bytes.extend_from_slice(self.descriptor.as_bytes());
        bytes.extend_from_slice(&ring.to_le_bytes());
        bytes.extend_from_slice(&dimension.to_le_bytes());
        bytes
    }

    /// Bytes of a kept round with so many survivors, and so many pairs of one of them and a lost member.
    #[must_use]
    pub fn kept_bytes(&self, survivors: u64, lost_pairs: u64) -> u64 {
        let (head, vector) = (self.encode().len() as u64, self.vector_bytes() as u64);
        let seed = SEED_BYTES as u64;
        head + survivors * (1 + 4 + vector) + survivors * (1 + 4 + seed) + lost_pairs * (1 + 1 + seed) + 1
    }

    fn vector_bytes(&self) -> usize {
        upload_bytes(self.ring, self.dimension as usize)
    }
}

/// The bytes before an upload's vector.
#[must_use]
pub fn before_upload(client: ClientId) -> [u8; 5] {
    let [a, b, c, d] = client.0.to_le_bytes();
    [UPLOAD, a, b, c, d]
}

/// The bytes after the last upload: the secrets that were opened. Asked for before the permit is consumed.
#[must_use]
pub fn opened_secrets(permit: &UnmaskPermit) -> Zeroizing<Vec<u8>> {
    let (seeds, pairs) = (permit.self_seeds(), permit.lost_pairs());
    // As long as it becomes: a vector that grew would leave a copy behind.
    let mut bytes = Vec::with_capacity(seeds.len() * (5 + SEED_BYTES) + pairs.len() * (2 + SEED_BYTES) + 1);
    for (client, seed) in permit.survivors().iter().zip(seeds) {
        bytes.push(SELF_SEED);
        bytes.extend_from_slice(&client.0.to_le_bytes());
        bytes.extend_from_slice(seed.expose());
    }
    for (sign, seed) in pairs {
        bytes.extend_from_slice(&[LOST_PAIR, u8::from(*sign == Sign::Subtract)]);
        bytes.extend_from_slice(seed.expose());
    }
    bytes.push(END);
    Zeroizing::new(bytes)
}

impl<'a> KeptRound<'a> {
    /// Reads a kept round: total, whatever the bytes are, and in memory of the length of the bytes at most.
    ///
    /// # Errors
    /// [`KeptFault::Version`] for another kind or version, [`KeptFault::Malformed`] for everything else but the one encoding of a round.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, KeptFault> {
        KEPT_FORMAT.read(bytes)?;
        let mut reader = Reader { bytes, at: HEADER_BYTES };
        let kept = Self::read(&mut reader);
        kept.filter(|_| reader.at == bytes.len()).ok_or(KeptFault::Malformed { at: reader.at })
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let head = reader.head()?;
        let (mut uploads, mut self_seeds, mut lost_pairs) = (Vec::new(), Vec::new(), Vec::new());
        let mut last = UPLOAD;
        loop {
            let tag = reader.array::<1>()?[0];
            if tag != END && tag < last {
                return None;
            }
            match tag {
                END => break,
                UPLOAD => uploads.push((reader.client()?, reader.take(head.vector_bytes())?)),
                SELF_SEED => {
                    let client = reader.client()?;
                    // Ascending: of two orders only one is the encoding.
                    if self_seeds.last().is_some_and(|(before, _)| *before >= client) {
                        return None;
                    }
                    self_seeds.push((client, reader.seed()?));
                }
                LOST_PAIR => {
                    let sign = match reader.array()? {
                        [0] => Sign::Add,
                        [1] => Sign::Subtract,
                        _ => return None,
                    };
                    lost_pairs.push((sign, reader.seed()?));
                }
                _ => return None,
            }
            last = tag;
        }
        let clients: BTreeSet<ClientId> = uploads.iter().map(|(client, _)| *client).collect();
        let same = clients.iter().eq(self_seeds.iter().map(|(client, _)| client)) && clients.len() == uploads.len();
        (same && uploads.len() <= COHORT_MAX).then_some(Self { head, uploads, self_seeds, lost_pairs })
    }

    /// Which round it is.
    #[must_use]
    pub fn head(&self) -> KeptHead {
        self.head
    }

    /// Whose uploads are in the sum, ascending.
    pub fn survivors(&self) -> impl Iterator<Item = ClientId> {
        self.self_seeds.iter().map(|(client, _)| *client)
    }

    /// Opens the sum again, by the very arithmetic with which the coordinator did: each upload has the digest that its client signed, the check
    /// coordinates fit, and the sum is the one that the ledger committed.
    ///
    /// # Errors
    /// The first thing that differs from what the ledger says.
    pub fn recompute<S: Suite>(&self, committed: &CommittedRound<'_>) -> Result<AggregateSum, KeptFault> {
        let KeptHead { round, descriptor, ring, dimension } = self.head;
        if self.head != committed.head {
            return Err(KeptFault::OtherRound);
        }
        if !self.survivors().eq(committed.admitted.keys().copied()) {
            return Err(KeptFault::OtherSurvivors);
        }
        let dimension = dimension as usize;
        let mut sum = MaskedSum::new(round, ring, dimension);
        for (client, bytes) in &self.uploads {
            let digest = committed.admitted.get(client).ok_or(KeptFault::OtherSurvivors)?;
            sum.fold(Ticket::new(round, *client, (ring, dimension), *digest).verify(bytes)?)?;
        }
        let (survivors, lost_pairs) = (self.self_seeds.clone(), self.lost_pairs.clone());
        let sum = sum.unmask::<S>(UnmaskPermit::new(Opened { round, descriptor, survivors, lost_pairs }))?;
        let (committed, found) = (committed.sum, sum.digest());
        if committed == found { Ok(sum) } else { Err(KeptFault::OtherSum { committed, found }) }
    }
}

/// Reads an opened sum as it is kept: after the header of [`SUM_FORMAT`], one little-endian 64-bit integer for each coordinate, in either ring.
///
/// # Errors
/// [`KeptFault::Version`] for another kind or version, [`KeptFault::Malformed`] for another length or numbers outside the ring, [`KeptFault::OtherSum`] if it is not the committed one.
pub fn read_sum(ring: Ring, dimension: usize, bytes: &[u8], committed: Digest) -> Result<Vec<i64>, KeptFault> {
    let (words, rest) = SUM_FORMAT.read(bytes)?.as_chunks();
    if words.len() != dimension || !rest.is_empty() {
        return Err(KeptFault::Malformed { at: bytes.len() });
    }
    let values: Vec<i64> = words.iter().map(|word| i64::from_le_bytes(*word)).collect();
    let reduced = RingWords::reduce(ring, &values);
    if let Some(outside) = reduced.centred_from(0).zip(&values).position(|(centred, value)| centred != *value) {
        return Err(KeptFault::Malformed { at: HEADER_BYTES + outside * size_of::<i64>() });
    }
    let found = reduced.digest();
    if committed == found { Ok(values) } else { Err(KeptFault::OtherSum { committed, found }) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn client(&mut self) -> Option<ClientId> {
        self.array().map(|bytes| ClientId(u32::from_le_bytes(bytes)))
    }

    fn seed(&mut self) -> Option<SecretKey> {
        self.array::<SEED_BYTES>().map(SecretKey::new)
    }

    fn head(&mut self) -> Option<KeptHead> {
        let round = RoundId(u64::from_le_bytes(self.array()?));
        let descriptor = Digest(self.array()?);
        let ring = match u32::from_le_bytes(self.array()?) {
            32 => Ring::Bits32,
            64 => Ring::Bits64,
            _ => return None,
        };
        let dimension = u32::from_le_bytes(self.array()?);
        (1..=KEPT_DIMENSION_MAX).contains(&dimension).then_some(KeptHead { round, descriptor, ring, dimension })
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
