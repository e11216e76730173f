//! What can be wrong with a journal, and with what somebody wants to append.

use super::entry::LedgerId;
use crate::algorithm::UnknownAlgorithm;
use crate::versioned::VersionFault;

/// What is wrong with a journal's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFaultKind {
    /// The file ends within a record (or within the header): a crash while appending. May be cut off at [`LogFault::offset`].
    #[error("an incomplete last record; it was never relied on and may be cut off")]
    TornTail,
    /// The file does not start as a journal that this release reads.
    #[error("{0}")]
    Header(VersionFault),
    /// The journal's digests are of other functions than this release has.
    #[error("{0}")]
    Hashes(UnknownAlgorithm),
    /// A complete record whose digest does not continue the chain.
    #[error("a record was changed after it was written; keep the file as evidence and restore from backup")]
    BadDigest,
    /// A record that is not the next one.
    #[error("a record is missing, repeated or out of order; keep the file as evidence and restore from backup")]
    BadPosition,
    /// A record longer or shorter than any entry is.
    #[error("a record announces {bytes} bytes, which no entry has; keep the file as evidence and restore from backup")]
    BadLength {
        /// Bytes announced.
        bytes: u32,
    },
    /// An entry that is not the next one of its ledger: whoever wrote the file left one out or repeated one.
    #[error(
        "ledger {ledger} goes on with its entry {found} where entry {expected} was due; an entry is missing or repeated. Keep the file as evidence \
         and restore from backup"
    )]
    BadSequence {
        /// The ledger.
        ledger: LedgerId,
        /// The number found.
        found: u64,
        /// The number that was due.
        expected: u64,
    },
    /// An entry of another ledger in a file that has one.
    #[error(
        "an entry of ledger {ledger}, which does not belong into this file; keep the file as evidence and restore from backup"
    )]
    OtherLedger {
        /// The ledger found.
        ledger: LedgerId,
    },
}

/// The first fault of a journal and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {position} at byte {offset}: {kind}")]
pub struct LogFault {
    /// The entry expected there.
    pub position: u64,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: u64,
    /// What is wrong.
    pub kind: LogFaultKind,
}

/// Why something cannot be appended. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendFault {
    /// The event is longer than an entry may be.
    #[error("an event of {bytes} bytes was to be recorded, and {limit} are allowed; nothing was recorded")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not the next entry of its ledger: two writers, or a state that is not the file's.
    #[error(
        "entry {given} of ledger {ledger} was to be recorded where entry {expected} is due; nothing was recorded. Start again from the file"
    )]
    Sequence {
        /// The ledger.
        ledger: LedgerId,
        /// The number given.
        given: u64,
        /// The number that is due.
        expected: u64,
    },
    /// The file has one ledger, and this is another one.
    #[error("an entry of ledger {ledger} was to be recorded in a file of another ledger; nothing was recorded")]
    OtherLedger {
        /// The ledger given.
        ledger: LedgerId,
    },
}
