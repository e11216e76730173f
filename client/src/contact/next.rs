//! A register that has begun again, before it has its name.

use std::path::{Path, PathBuf};

use tributary_storage::files::{FileError, rename};

use super::anchor::Anchor;
use super::remains::Remains;
use crate::error::ClientError;

/// Where it is made.
pub(super) fn next_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("ledger.next")
}

/// Gives a register that has begun again its name, where both notes are of it: the process that began it ended before that.
///
/// # Errors
/// If it cannot be read or named.
pub(super) fn finish(ledger: &Path, anchor: &Anchor) -> Result<(), ClientError> {
    let next = next_path(ledger);
    if !next.exists() || anchor.check(ledger).is_ok() {
        return Ok(());
    }
    let whole = Remains::of(&next, None)?;
    let is_noted = anchor.noted() == Some(whole.end) && anchor.check(&next).is_ok();
    if is_noted { take_place(ledger).map_err(ClientError::file) } else { Ok(()) }
}

/// Gives it its name: durable when this returns.
///
/// # Errors
/// If it cannot be named.
pub(super) fn take_place(ledger: &Path) -> Result<(), FileError> {
    rename(&next_path(ledger), ledger)
}
