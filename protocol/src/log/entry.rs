//! An entry, and the ledger that it belongs to.

use core::fmt;

use crate::digest::Digest;
use crate::ids::RunId;

/// Which ledger an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId(pub [u8; 32]);

impl LedgerId {
    /// What happens in the federation outside any run: SHA-256 of `tributary/ledger/administration/1`.
    pub const ADMINISTRATION: Self = Self([
        0x8a, 0x52, 0xf0, 0x31, 0x90, 0x12, 0x4f, 0x30, 0x92, 0x8d, 0x13, 0x7d, 0x59, 0x12, 0x0c, 0x99, 0xc2, 0xd0,
        0x27, 0x25, 0x1f, 0x07, 0xf5, 0xbe, 0xd7, 0xcb, 0x36, 0xa7, 0xbf, 0x8f, 0xb7, 0xd5,
    ]);

    /// A branch's budget: SHA-256 of `tributary/ledger/budget/1`.
    pub const BUDGET: Self = Self([
        0xb1, 0x28, 0x23, 0x9f, 0xdc, 0x66, 0x6c, 0xc3, 0x6f, 0xdc, 0x41, 0xda, 0xc7, 0xbd, 0x6e, 0xb2, 0x24, 0x2e,
        0x7f, 0xa9, 0x8e, 0x12, 0x3f, 0xb9, 0x42, 0xcc, 0x91, 0x91, 0xcf, 0x22, 0x3b, 0xcc,
    ]);

    /// What a branch knows of models: SHA-256 of `tributary/ledger/models/1`.
    pub const MODELS: Self = Self([
        0x1d, 0xb5, 0x5f, 0x9d, 0x48, 0x84, 0xbe, 0x42, 0xe7, 0x56, 0x42, 0x6f, 0x7f, 0x10, 0x5c, 0xe1, 0x16, 0xe3,
        0x11, 0x7e, 0x76, 0xbd, 0x3b, 0x08, 0xbd, 0xab, 0x43, 0x7e, 0xb3, 0xaf, 0x35, 0x43,
    ]);
}

impl From<RunId> for LedgerId {
    /// The ledger of a run.
    fn from(run: RunId) -> Self {
        Self(run.0)
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digest(self.0).fmt(formatter)
    }
}

/// One entry whose place in the journal and in its ledger has been verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// Its place in the journal, from 0: the index of its leaf.
    pub position: u64,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: u64,
    /// The ledger.
    pub ledger: LedgerId,
    /// Its place in the ledger, from 0.
    pub sequence: u64,
    /// The encoded event.
    pub event: &'a [u8],
    /// Its leaf's digest.
    pub leaf: Digest,
}
