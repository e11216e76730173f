//! Statements that people brought, as files in the coordinator's state: the daemon takes them up, and judges them by the roster in force.

use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::model::StatementFile;
use tributary_protocol::registry::SignedStatement;
use tributary_storage::files::{FileError, create_private_folder};

use super::view::{authorities_of, record_of, roster_in_force};
use super::{RegistryError, judge};
use crate::inbox::Inbox;
use crate::settings::Settings;

const FOLDER: &str = "statements";
const EXTENSION: &str = "statement";

/// The folder, and what was handed on of it.
pub(crate) struct StatementsFolder(Inbox);

impl StatementsFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(Inbox::of(state_dir.join(FOLDER), EXTENSION))
    }

    /// Statements that have come since the last look, in the order of their numbers.
    pub(crate) fn new_ones(&mut self) -> Vec<SignedStatement> {
        let read = |path: &Path| {
            let unsigned = || FileError::content(path, "statement that two people have signed");
            StatementFile::read(path)?.signed().ok_or_else(unsigned)
        };
        let mut statements = self.0.new_ones(unix_seconds(), read);
        statements.sort_by_key(|signed| signed.statement.sequence);
        statements
    }
}

/// Puts a statement that was carried here into the coordinator's state, after judging it as the daemon will.
///
/// # Errors
/// What is wrong with the statement, or if it is here already.
pub fn install(config: &Path, file: &Path) -> Result<PathBuf, RegistryError> {
    let settings = Settings::load(config)?;
    let statement = StatementFile::read(file)?;
    let unsigned = || RegistryError::Unsigned { path: file.to_path_buf(), signed: statement.signatures.len() };
    let signed = statement.signed().ok_or_else(unsigned)?;
    let authorities = authorities_of(config, &settings)?;
    let roster = roster_in_force(config, &settings, &authorities)?;
    let record = record_of(&settings.state_dir)?;
    judge(&record, &signed, (&roster.roster, &authorities.digest()))?;
    let folder = settings.state_dir.join(FOLDER);
    create_private_folder(&folder)?;
    let path = folder.join(format!("{}.{EXTENSION}", signed.statement.digest()));
    statement.write(&path)?;
    Ok(path)
}
