//! Files that somebody else wrote and gave: ordinary ones, of a bounded length. A pipe would keep a command waiting for ever.

use std::path::Path;

use tributary_storage::files::{FILE_BYTES_MAX, FileError, read_at_most};

/// Longest journal, ledger or vector of parameters that is read whole, in bytes: as long as a part of a bundle may be.
const EVIDENCE_BYTES_MAX: u64 = 1 << 30;

/// Longest signed paper, in bytes: the export of a long incident.
const PAPER_BYTES_MAX: u64 = 64 << 20;

/// A journal, a ledger, or a model's parameters.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no ordinary file, or is longer than 1 GiB.
pub(crate) fn evidence(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, EVIDENCE_BYTES_MAX)
}

/// A report, a card, or another signed paper.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no ordinary file, or is longer than 64 MiB.
pub(crate) fn paper(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, PAPER_BYTES_MAX)
}

/// What stands beside a file; nothing where nothing does.
///
/// # Errors
/// [`FileError`] if something is there and cannot be read, is no ordinary file, or is longer than 20 MiB.
pub(crate) fn beside(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match path.symlink_metadata() {
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => read_at_most(path, FILE_BYTES_MAX).map(Some),
    }
}
