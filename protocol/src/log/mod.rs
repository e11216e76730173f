//! The journal: one file of entries, appended and never changed, of which every ledger is a view.
//!
//! ```text
//! file   = header (16 bytes, crate::versioned) | number of the hashes u8 | record*
//! record = length u32 | position u64 | entry (length bytes) | head (32 bytes)
//! entry  = ledger (32 bytes) | sequence u64 | event
//! head   = SHA-256("tributary-log/2" | head of the record before | position | length | leaf)
//! leaf   = SHA-256(0 | entry), a leaf of the tree of RFC 9162
//! ```
//!
//! All integers little-endian. Positions count from 0 over all entries, sequences from 0 in each ledger. The record before the first has the
//! digest of the file's first 17 bytes as its head.
//!
//! The coordinator's journal is `audit.log`: the ledger of each run has the run's identity, and the federation's own has a fixed one. A branch's
//! budget file has the same records with one ledger ([`LogReader::of_ledger`]).
//!
//! # Why records are chained and are leaves too
//! The tree is for others: a checkpoint of 32 bytes says what the whole journal holds, and short proofs show an entry in it, or that one journal
//! goes on from another ([`crate::merkle`]). The chain is for the file: each record can be judged by the one before it, so that the first
//! changed one is named, and a raised length is found by the record that it hides. A root in each record would do neither. The chain takes the
//! leaf's digest, so that an event is hashed once.
//!
//! # What is found
//! A crash leaves a prefix of what was written: an incomplete last record is a torn tail and may be cut off. A record that is complete and
//! wrong was changed afterwards, and nothing from it on may be used. A length that was raised to make whole records look like a torn tail
//! counts as changed. A ledger whose sequence has a gap or a repeat is a fault, however well the file is chained.
//!
//! Not guaranteed: the file alone cannot show that whole records were cut off its end, or that all of it was written anew. Whoever has a
//! [`Checkpoint`] from elsewhere compares it.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod checkpoint;
mod entry;
mod fault;
mod layout;
mod mark;
mod note;
mod reader;
mod state;

pub use checkpoint::{Checkpoint, CheckpointFault, origin_of};
pub use entry::{LedgerId, LogEntry};
pub use fault::{AppendFault, LogFault, LogFaultKind};
pub use layout::{FORMAT, LOG_HEADER, LOG_HEADER_BYTES, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES, ZEROS_BYTES_MAX};
pub use mark::{Mark, Place};
pub use note::{NoteFault, NoteKey, NoteSignature, SignatureKind, SignedCheckpoint};
pub use reader::{Entries, LogReader, Scan, Step, View, scan};
pub use state::Log;

#[cfg(test)]
mod checkpoint_tests;
#[cfg(test)]
mod note_tests;
#[cfg(test)]
mod tests;
