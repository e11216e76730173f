//! Where a branch's register and its key lie.

use std::path::{Path, PathBuf};

/// The folder of the register, in the branch's state folder.
const FOLDER: &str = "contact";
/// The register.
pub(super) const LEDGER: &str = "contact.ledger";
/// The key of customers' pseudonyms.
pub(super) const KEY: &str = "pseudonym.key";

/// Where a branch's lists lie, beside their register.
pub(super) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER)
}

/// Where a branch's register lies.
pub(super) fn ledger_path(state_dir: &Path) -> PathBuf {
    folder(state_dir).join(LEDGER)
}

/// Where the key of its pseudonyms lies.
pub(super) fn key_path(state_dir: &Path) -> PathBuf {
    folder(state_dir).join(KEY)
}
