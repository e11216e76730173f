//! Statements that people brought, as files in the coordinator's state: the daemon takes them up, and judges them by the roster in force.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::model::StatementFile;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_protocol::registry::SignedStatement;
use tributary_protocol::roster::SignedRoster;
use tributary_settings::{Fault, Faults};
use tributary_storage::files::create_private_folder;

use super::RegistryError;
use super::view::record_of;
use crate::settings::Settings;

const FOLDER: &str = "statements";
const EXTENSION: &str = "statement";
/// Files that are read, at most: a folder with more has others' files in it.
const FILES_MAX: usize = 10_000;

/// The folder, and what was handed on of it.
pub(crate) struct StatementsFolder {
    folder: PathBuf,
    seen: BTreeSet<OsString>,
}

impl StatementsFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self { folder: state_dir.join(FOLDER), seen: BTreeSet::new() }
    }

    /// Statements that have come since the last look, in the order of their numbers. A file that is none is named once, and left.
    pub(crate) fn new_ones(&mut self) -> Vec<SignedStatement> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let is_named = |name: &OsString| Path::new(name).extension().is_some_and(|found| found == EXTENSION);
        let names = entries.flatten().map(|entry| entry.file_name()).filter(is_named);
        let fresh: BTreeSet<OsString> = names.filter(|name| !self.seen.contains(name)).take(FILES_MAX).collect();
        let mut statements = Vec::new();
        for name in fresh {
            match StatementFile::read(&self.folder.join(&name)).map(|file| file.signed()) {
                Ok(Some(signed)) => statements.push(signed),
                Ok(None) => tracing::error!(file = ?name, "a statement lacks a signature, and changes nothing"),
                Err(fault) => tracing::error!(%fault, "a file among the statements is none, and changes nothing"),
            }
            self.seen.insert(name);
        }
        statements.sort_by_key(|signed| signed.statement.sequence);
        statements
    }
}

/// Puts a statement that was carried here into the coordinator's state, after judging it as the daemon will: by the roster of the settings.
///
/// # Errors
/// What is wrong with the statement, or if it is here already.
pub fn install(config: &Path, file: &Path) -> Result<PathBuf, RegistryError> {
    let settings = Settings::load(config)?;
    let statement = StatementFile::read(file)?;
    let unsigned = || RegistryError::Unsigned { path: file.to_path_buf(), signed: statement.signatures.len() };
    let signed = statement.signed().ok_or_else(unsigned)?;
    let fault = |key: &str, found: String| Faults {
        file: config.to_path_buf(),
        faults: vec![Fault { key: key.into(), found, allowed: "a file of this federation".into() }],
    };
    let authorities = RosterAuthorities::read(&settings.identity.authorities);
    let authorities = authorities.map_err(|error| fault("identity.authorities", error.to_string()))?;
    let roster = roster(&settings.identity.roster, &authorities);
    let roster = roster.map_err(|error| fault("identity.roster", error))?;
    let record = record_of(&settings.state_dir)?;
    record.judge::<RealSuite>(&signed, (&roster.roster, &authorities.digest()), unix_seconds())?;
    let folder = settings.state_dir.join(FOLDER);
    create_private_folder(&folder)?;
    let path = folder.join(format!("{}.{EXTENSION}", signed.statement.digest()));
    statement.write(&path)?;
    Ok(path)
}

fn roster(path: &Path, authorities: &RosterAuthorities) -> Result<SignedRoster, String> {
    tributary_certs::roster::read_roster(path, authorities).map_err(|error| error.to_string())
}
