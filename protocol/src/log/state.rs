//! Where a journal ends: what the next entry continues.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::checkpoint::Checkpoint;
use super::entry::LedgerId;
use super::fault::{AppendFault, LogFaultKind};
use super::layout::{LOG_HEADER, Sealed, record};
use crate::digest::Digest;
use crate::limits::LEDGER_ENTRY_BYTES_MAX;
use crate::merkle::Frontier;

/// The end of a journal. Its memory grows with the number of ledgers, not of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    head: Digest,
    tree: Frontier,
    /// The next sequence of each ledger that has an entry.
    ledgers: BTreeMap<LedgerId, u64>,
    only: Option<LedgerId>,
}

impl Log {
    /// The journal without entries.
    #[must_use]
    pub fn new() -> Self {
        Self { head: Digest::of(&LOG_HEADER), tree: Frontier::new(), ledgers: BTreeMap::new(), only: None }
    }

    /// The journal without entries that takes those of one ledger alone.
    #[must_use]
    pub fn of_ledger(ledger: LedgerId) -> Self {
        Self { only: Some(ledger), ..Self::new() }
    }

    /// The journal whose entries come to these.
    pub(super) fn kept(head: Digest, tree: Frontier, ledgers: BTreeMap<LedgerId, u64>) -> Self {
        Self { head, tree, ledgers, only: None }
    }

    /// The tree of all entries.
    #[must_use]
    pub const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// How many entries it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.leaves()
    }

    /// The chain's digest over all entries.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// The root of the tree of all entries.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root(Digest::of_parts)
    }

    /// The number that the next entry of a ledger gets; also the count of its entries.
    #[must_use]
    pub fn next_sequence(&self, ledger: &LedgerId) -> u64 {
        self.ledgers.get(ledger).copied().unwrap_or(0)
    }

    /// The ledgers with their numbers of entries, ascending by ledger.
    pub fn ledgers(&self) -> impl Iterator<Item = (LedgerId, u64)> + '_ {
        self.ledgers.iter().map(|(ledger, count)| (*ledger, *count))
    }

    /// What somebody else may keep of this journal.
    #[must_use]
    pub fn checkpoint(&self, origin: &str) -> Checkpoint {
        let (size, root) = (self.size(), self.root());
        Checkpoint { origin: String::from(origin), size, root }
    }

    /// Appends an entry: the bytes of its record, which must be on disk before anything that follows from the entry is done.
    ///
    /// # Errors
    /// [`AppendFault`] if the event is too long, if it is not the next one of its ledger, or if the ledger does not belong here.
    #[must_use = "an entry that is not written never happened"]
    pub fn append(&mut self, ledger: LedgerId, sequence: u64, event: &[u8]) -> Result<Vec<u8>, AppendFault> {
        self.append_leaf(ledger, sequence, event).map(|(record, _)| record)
    }

    /// As [`Log::append`], with the leaf's digest.
    ///
    /// # Errors
    /// As [`Log::append`].
    #[must_use = "an entry that is not written never happened"]
    pub fn append_leaf(
        &mut self,
        ledger: LedgerId,
        sequence: u64,
        event: &[u8],
    ) -> Result<(Vec<u8>, Digest), AppendFault> {
        self.admits(ledger, sequence).map_err(|kind| match kind {
            LogFaultKind::BadSequence { ledger, found: given, expected } => {
                AppendFault::Sequence { ledger, given, expected }
            }
            _ => AppendFault::OtherLedger { ledger },
        })?;
        let too_long = AppendFault::TooLong { bytes: event.len(), limit: LEDGER_ENTRY_BYTES_MAX };
        let (bytes, sealed) = record(&self.head, self.size(), (ledger, sequence), event).ok_or(too_long)?;
        self.advance(ledger, sequence, &sealed);
        Ok((bytes, sealed.leaf))
    }

    /// Whether this entry may be the next one.
    pub(super) fn admits(&self, ledger: LedgerId, sequence: u64) -> Result<(), LogFaultKind> {
        if self.only.is_some_and(|only| only != ledger) {
            return Err(LogFaultKind::OtherLedger { ledger });
        }
        match self.next_sequence(&ledger) {
            // The last number is never given, so that the next one always exists.
            expected if expected == sequence && sequence < u64::MAX => Ok(()),
            expected => Err(LogFaultKind::BadSequence { ledger, found: sequence, expected }),
        }
    }

    /// Takes an entry that [`Log::admits`].
    pub(super) fn advance(&mut self, ledger: LedgerId, sequence: u64, sealed: &Sealed) {
        self.ledgers.insert(ledger, sequence.saturating_add(1));
        self.tree.push(Digest::of_parts, sealed.leaf);
        self.head = sealed.head;
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}
