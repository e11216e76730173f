//! What the folder of an owner's grants holds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) use tributary_certs::grant::{GRANT_EXTENSION as GRANT, WITHDRAWAL_EXTENSION as WITHDRAWAL};
use tributary_certs::grant::{read_grant, read_withdrawal};
use tributary_protocol::plan::{Grant, Withdrawal};
use tributary_storage::files::FileError;

use crate::settings::Settings;

pub(super) const FOLDER: &str = "grants";

/// What the folder holds.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) grants: Vec<Grant>,
    pub(crate) withdrawals: Vec<Withdrawal>,
}

impl Held {
    /// What a settings file's branch was granted.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn read(settings: &Settings) -> Result<Self, FileError> {
        let folder = folder_of(settings);
        read(&folder, &names(&folder)?)
    }
}

/// Where they are.
pub(crate) fn folder_of(settings: &Settings) -> PathBuf {
    settings.state_dir.join(FOLDER)
}

pub(super) fn names(folder: &Path) -> Result<BTreeSet<OsString>, FileError> {
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(folder).map_err(FileError::system("listing", folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let names: BTreeSet<OsString> = names.collect::<Result<_, _>>().map_err(FileError::system("listing", folder))?;
    let ends = |name: &OsString, with| Path::new(name).extension().is_some_and(|extension| extension == with);
    Ok(names.into_iter().filter(|name| ends(name, GRANT) || ends(name, WITHDRAWAL)).collect())
}

pub(super) fn read(folder: &Path, names: &BTreeSet<OsString>) -> Result<Held, FileError> {
    let mut held = Held::default();
    for name in names {
        let path = folder.join(name);
        if path.extension().is_some_and(|extension| extension == GRANT) {
            held.grants.push(read_grant(&path)?);
        } else {
            held.withdrawals.push(read_withdrawal(&path)?);
        }
    }
    Ok(held)
}
