//! Bytes of the header and of a record.

use alloc::vec::Vec;

use super::entry::LedgerId;
use crate::algorithm::Hashes;
use crate::digest::Digest;
use crate::limits::LEDGER_ENTRY_BYTES_MAX;
use crate::merkle::leaf_digest;
use crate::versioned::{HEADER_BYTES, Release, Versioned};

/// The layout of a journal. Version 1 had one ledger in each file, without a tree.
pub const FORMAT: Versioned = Versioned {
    what: "a journal",
    magic: *b"TRIBLDGR",
    version: 2,
    since: Release { major: 0, minor: 2 },
    older: "Keep the file as evidence, verify it with the release that wrote it, and begin a new one",
};

/// Bytes before the first record.
pub const LOG_HEADER_BYTES: usize = HEADER_BYTES + 1;

/// First bytes of a journal: header and number of the hashes.
pub const LOG_HEADER: [u8; LOG_HEADER_BYTES] = header();

/// Bytes of a record besides its event.
pub const RECORD_OVERHEAD_BYTES: usize = PREFIX_BYTES + ENTRY_OVERHEAD_BYTES + DIGEST_BYTES;

/// Longest record.
pub const RECORD_BYTES_MAX: usize = RECORD_OVERHEAD_BYTES + LEDGER_ENTRY_BYTES_MAX;

/// Most zeros after the last record that pass as an append that a crash cut short: what is appended between two syncs has fewer bytes.
pub const ZEROS_BYTES_MAX: usize = 16 * RECORD_BYTES_MAX;

/// Length and position.
pub(super) const PREFIX_BYTES: usize = 4 + 8;

/// Ledger and sequence.
const ENTRY_OVERHEAD_BYTES: usize = 32 + 8;

pub(super) const DIGEST_BYTES: usize = 32;

/// Bytes of a record without an entry: what a whole record has at least.
pub(super) const FRAME_BYTES: usize = PREFIX_BYTES + DIGEST_BYTES;

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, which refuses a fault"
)]
const fn header() -> [u8; LOG_HEADER_BYTES] {
    let mut bytes = [Hashes::CURRENT.number(); LOG_HEADER_BYTES];
    let mut index = 0;
    while index < HEADER_BYTES {
        bytes[index] = FORMAT.header()[index];
        index += 1;
    }
    bytes
}

/// A record's head, and its entry's leaf.
pub(super) struct Sealed {
    pub(super) head: Digest,
    pub(super) leaf: Digest,
}

impl Sealed {
    pub(super) fn of(previous: &Digest, position: u64, length: u32, entry: &[u8]) -> Self {
        let leaf = leaf_digest(Digest::of_parts, entry);
        let head = Digest::of_parts(&[
            b"tributary-log/2",
            previous.as_bytes(),
            &position.to_le_bytes(),
            &length.to_le_bytes(),
            leaf.as_bytes(),
        ]);
        Self { head, leaf }
    }
}

/// The bytes of a record. Nothing if the event is longer than any.
pub(super) fn record(
    previous: &Digest,
    position: u64,
    (ledger, sequence): (LedgerId, u64),
    event: &[u8],
) -> Option<(Vec<u8>, Sealed)> {
    if event.len() > LEDGER_ENTRY_BYTES_MAX {
        return None;
    }
    let length = u32::try_from(event.len().checked_add(ENTRY_OVERHEAD_BYTES)?).ok()?;
    let mut record = Vec::with_capacity(event.len().checked_add(RECORD_OVERHEAD_BYTES)?);
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(&position.to_le_bytes());
    record.extend_from_slice(&ledger.0);
    record.extend_from_slice(&sequence.to_le_bytes());
    record.extend_from_slice(event);
    let sealed = Sealed::of(previous, position, length, record.get(PREFIX_BYTES..)?);
    record.extend_from_slice(sealed.head.as_bytes());
    Some((record, sealed))
}

/// What stands before a record's entry.
pub(super) struct Prefix {
    pub(super) length: u32,
    pub(super) position: u64,
}

impl Prefix {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let position = rest.first_chunk()?;
        Some(Self { length: u32::from_le_bytes(*length), position: u64::from_le_bytes(*position) })
    }

    /// Bytes of the whole record, if an entry may have this length.
    pub(super) fn record_bytes(&self) -> Option<usize> {
        let record = usize::try_from(self.length).ok()?.checked_add(FRAME_BYTES)?;
        (RECORD_OVERHEAD_BYTES..=RECORD_BYTES_MAX).contains(&record).then_some(record)
    }

    /// Entry and head of the record, if all of it is there.
    pub(super) fn body<'a>(&self, record: &'a [u8]) -> Option<(&'a [u8], Digest)> {
        let entry_bytes = usize::try_from(self.length).ok()?;
        let (entry, rest) = record.get(PREFIX_BYTES..)?.split_at_checked(entry_bytes)?;
        Some((entry, Digest(*rest.first_chunk()?)))
    }
}

/// Ledger, sequence and event.
pub(super) fn entry(bytes: &[u8]) -> Option<(LedgerId, u64, &[u8])> {
    let (ledger, rest) = bytes.split_first_chunk()?;
    let (sequence, event) = rest.split_first_chunk()?;
    Some((LedgerId(*ledger), u64::from_le_bytes(*sequence), event))
}
