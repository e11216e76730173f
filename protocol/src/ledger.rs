//! The ledger's file: hash-chained entries, appended and never changed.
//!
//! ```text
//! file   = magic "TRIBLDGR" | version u32 | record*
//! record = length u32 | sequence u64 | payload (length bytes) | digest (32 bytes)
//! digest = SHA-256("tributary-ledger" | digest of the record before | sequence | length | payload)
//! ```
//!
//! All integers little-endian; sequences count from 0; the record before the first has the digest of zeros.
//!
//! A crash leaves a prefix of what was written: an incomplete last record is a torn tail and may be cut off. A record that is complete and
//! wrong was changed afterwards, and nothing from it on may be used. A length that was raised to make whole records look like a torn tail
//! counts as changed.
//!
//! Not guaranteed: the chain alone cannot show that whole records were cut off its end. Whoever anchored a [`Chain`] elsewhere (a signed
//! result, the auditor's copy) compares it with [`Scan::chain`].
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::limits::LEDGER_ENTRY_BYTES_MAX;

/// First bytes of a ledger file: a magic and the version of the layout.
pub const LEDGER_HEADER: [u8; 12] = *b"TRIBLDGR\x01\x00\x00\x00";

/// Bytes of a record besides its payload.
pub const RECORD_OVERHEAD_BYTES: usize = PREFIX_BYTES + DIGEST_BYTES;

const PREFIX_BYTES: usize = 12;
const DIGEST_BYTES: usize = 32;

/// The end of a chain: what the next record continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    next_sequence: u64,
    head: Digest,
}

impl Chain {
    /// The chain without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { next_sequence: 0, head: Digest::ZERO }
    }

    /// The number that the next entry gets; also the count of entries so far.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Digest of the last entry; of zeros before the first.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// Appends an entry: the bytes of its record, which must be on disk before anything that follows from the entry is done.
    ///
    /// # Panics
    /// If the payload is longer than [`LEDGER_ENTRY_BYTES_MAX`]: entries are made by the machines, whose events are far smaller.
    #[must_use = "an entry that is not written never happened"]
    pub fn append(&mut self, payload: &[u8]) -> Vec<u8> {
        assert!(payload.len() <= LEDGER_ENTRY_BYTES_MAX, "ledger entries stay within their limit");
        let length = u32::try_from(payload.len()).expect("the limit of an entry fits in 32 bits");
        let digest = chain_digest(&self.head, self.next_sequence, length, payload);
        let mut record = Vec::with_capacity(payload.len().saturating_add(RECORD_OVERHEAD_BYTES));
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&self.next_sequence.to_le_bytes());
        record.extend_from_slice(payload);
        record.extend_from_slice(digest.as_bytes());
        self.advance(digest);
        record
    }

    fn advance(&mut self, digest: Digest) {
        self.next_sequence = self.next_sequence.checked_add(1).expect("no ledger reaches 2^64 entries");
        self.head = digest;
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

/// What is wrong with a ledger file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFaultKind {
    /// The file ends within a record (or within the header): a crash while appending. May be cut off at [`Scan::good_length`].
    #[error("an incomplete last record; it was never acknowledged and may be cut off")]
    TornTail,
    /// The file does not start as a ledger of this version.
    #[error("not a ledger of this version; restore the file or use the release that wrote it")]
    BadHeader,
    /// A complete record whose digest does not continue the chain.
    #[error("a record was changed after it was written; keep the file as evidence and restore from backup")]
    BadDigest,
    /// A record that is not the next one.
    #[error("a record is missing, repeated or out of order; keep the file as evidence and restore from backup")]
    BadSequence,
    /// A record longer than any entry may be.
    #[error("a record announces more bytes than an entry may have; keep the file as evidence and restore from backup")]
    TooLong,
}

/// The first fault of a ledger file and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger entry {sequence} at byte {offset}: {kind}")]
pub struct LedgerFault {
    /// The entry expected there.
    pub sequence: u64,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: usize,
    /// What is wrong.
    pub kind: LedgerFaultKind,
}

/// One entry whose place in the chain has been verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntry<'a> {
    /// Its number, from 0.
    pub sequence: u64,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: usize,
    /// The encoded event.
    pub payload: &'a [u8],
    /// The chain's digest up to and including this entry.
    pub digest: Digest,
}

/// The verified front of a ledger file.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan<'a> {
    /// The entries before the first fault.
    pub entries: Vec<LedgerEntry<'a>>,
    /// Bytes up to the end of the last good entry; 0 where even the header is incomplete and must be written.
    pub good_length: usize,
    /// Where appending continues.
    pub chain: Chain,
    /// The first fault, if any.
    pub fault: Option<LedgerFault>,
}

/// Verifies a ledger file and lists its entries up to the first fault. An empty file is an empty ledger whose header is still to be written.
#[must_use]
pub fn scan(file: &[u8]) -> Scan<'_> {
    let mut reader = LedgerReader::new(file);
    let entries = reader.by_ref().collect();
    Scan { entries, good_length: reader.offset, chain: reader.chain, fault: reader.fault }
}

/// Reads a ledger file entry by entry, without copying; ends at the end of the file or at the first fault.
pub struct LedgerReader<'a> {
    file: &'a [u8],
    offset: usize,
    chain: Chain,
    fault: Option<LedgerFault>,
}

impl<'a> LedgerReader<'a> {
    /// A reader at the first entry.
    #[must_use]
    pub fn new(file: &'a [u8]) -> Self {
        let mut reader = Self { file, offset: 0, chain: Chain::new(), fault: None };
        if file.starts_with(&LEDGER_HEADER) {
            reader.offset = LEDGER_HEADER.len();
        } else if !file.is_empty() {
            let torn = LEDGER_HEADER.starts_with(file) || file.iter().all(|byte| *byte == 0);
            reader.fail(if torn { LedgerFaultKind::TornTail } else { LedgerFaultKind::BadHeader });
        }
        reader
    }

    /// The fault that ended the reading, if any.
    #[must_use]
    pub fn fault(&self) -> Option<LedgerFault> {
        self.fault
    }

    /// The chain up to the last entry read.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain
    }

    fn fail(&mut self, kind: LedgerFaultKind) {
        self.fault = Some(LedgerFault { sequence: self.chain.next_sequence, offset: self.offset, kind });
    }

    fn read(&self, rest: &'a [u8]) -> Result<LedgerEntry<'a>, LedgerFaultKind> {
        // Some file systems leave zeros where an append was cut short. Whoever can write zeros there could have cut the file there.
        if rest.iter().all(|byte| *byte == 0) {
            return Err(LedgerFaultKind::TornTail);
        }
        let sequence = self.chain.next_sequence;
        let prefix = Prefix::read(rest).ok_or(LedgerFaultKind::TornTail)?;
        if prefix.sequence != sequence {
            return Err(LedgerFaultKind::BadSequence);
        }
        if !prefix.allowed() {
            return Err(LedgerFaultKind::TooLong);
        }
        let Some((payload, digest)) = prefix.body(rest) else {
            return Err(if self.hides_records(rest) { LedgerFaultKind::BadDigest } else { LedgerFaultKind::TornTail });
        };
        if chain_digest(&self.chain.head, sequence, prefix.length, payload) != digest {
            return Err(LedgerFaultKind::BadDigest);
        }
        Ok(LedgerEntry { sequence, offset: self.offset, payload, digest })
    }

    /// Whether a record that seems torn is really a whole one with a raised length: either it ends exactly with the file, or the record
    /// after it is still there.
    fn hides_records(&self, rest: &[u8]) -> bool {
        let sequence = self.chain.next_sequence;
        let exact = rest.len().checked_sub(RECORD_OVERHEAD_BYTES).and_then(|bytes| u32::try_from(bytes).ok());
        let exact =
            exact.and_then(|length| Some((length, rest.get(PREFIX_BYTES..)?.split_last_chunk::<DIGEST_BYTES>()?)));
        if exact.is_some_and(|(length, (payload, digest))| {
            chain_digest(&self.chain.head, sequence, length, payload) == Digest(*digest)
        }) {
            return true;
        }
        let next = sequence.saturating_add(1);
        (RECORD_OVERHEAD_BYTES..rest.len()).any(|start| {
            let Some((before, after)) = rest.split_at_checked(start) else { return false };
            let Some(prefix) = Prefix::read(after).filter(|prefix| prefix.sequence == next && prefix.allowed()) else {
                return false;
            };
            let Some((payload, digest)) = prefix.body(after) else { return false };
            let previous = before.last_chunk::<DIGEST_BYTES>();
            previous.is_some_and(|previous| chain_digest(&Digest(*previous), next, prefix.length, payload) == digest)
        })
    }
}

impl<'a> Iterator for LedgerReader<'a> {
    type Item = LedgerEntry<'a>;

    fn next(&mut self) -> Option<LedgerEntry<'a>> {
        let rest = self.file.get(self.offset..).filter(|rest| !rest.is_empty())?;
        if self.fault.is_some() {
            return None;
        }
        match self.read(rest) {
            Ok(entry) => {
                self.chain.advance(entry.digest);
                let record = entry.payload.len().saturating_add(RECORD_OVERHEAD_BYTES);
                self.offset = self.offset.saturating_add(record);
                Some(entry)
            }
            Err(kind) => {
                self.fail(kind);
                None
            }
        }
    }
}

/// What stands before a record's payload.
struct Prefix {
    length: u32,
    payload_bytes: usize,
    sequence: u64,
}

impl Prefix {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (sequence, _) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        Some(Self { length, payload_bytes: usize::try_from(length).ok()?, sequence: u64::from_le_bytes(*sequence) })
    }

    fn allowed(&self) -> bool {
        self.payload_bytes <= LEDGER_ENTRY_BYTES_MAX
    }

    /// Payload and digest of the record, if all of it is there.
    fn body<'a>(&self, record: &'a [u8]) -> Option<(&'a [u8], Digest)> {
        let (payload, rest) = record.get(PREFIX_BYTES..)?.split_at_checked(self.payload_bytes)?;
        Some((payload, Digest(*rest.first_chunk()?)))
    }
}

fn chain_digest(previous: &Digest, sequence: u64, length: u32, payload: &[u8]) -> Digest {
    Digest::of_parts(&[
        b"tributary-ledger",
        previous.as_bytes(),
        &sequence.to_le_bytes(),
        &length.to_le_bytes(),
        payload,
    ])
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
