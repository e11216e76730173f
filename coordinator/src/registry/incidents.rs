//! Incidents for people and programs, from the journal, beside a daemon that may be writing to it.

use std::path::Path;

use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::RealSuite;
use tributary_evidence::Retained;
use tributary_evidence::incident::{IncidentExport, IncidentFault, Source, export, timelines};
use tributary_evidence::paper::Paper;
use tributary_evidence::report::IncidentLine;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Entries, SignedCheckpoint, origin_of, scan};
use tributary_storage::files::FileError;

use super::RegistryError;
use super::compliance::material;
use super::view::authorities_of;
use crate::settings::Settings;
use crate::store::{ledger_bytes, ledger_of};

/// Why nothing is shown of incidents.
#[derive(Debug, thiserror::Error)]
pub enum IncidentsError {
    /// Settings or a file beside the journal cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The journal cannot be read.
    #[error("{0}; nothing is shown")]
    Unreadable(FileError),
    /// The journal or the incident.
    #[error(transparent)]
    Fault(#[from] IncidentFault),
    /// The signing key cannot be read.
    #[error("{0}; a file without a signature proves nothing, so none is made")]
    Key(#[from] FileError),
}

/// What names the federation of a settings file: its list of roster authorities, by its digest.
///
/// # Errors
/// If settings or list cannot be read.
pub fn federation(config: &Path) -> Result<Digest, RegistryError> {
    let settings = Settings::load(config)?;
    Ok(authorities_of(config, &settings)?.digest())
}

/// Every incident, with its timeline.
///
/// # Errors
/// [`IncidentsError`].
pub fn incidents<K: Retained>(
    config: &Path,
    kept: impl FnOnce(&Path) -> K,
) -> Result<Vec<IncidentLine>, IncidentsError> {
    let settings = Settings::load(config).map_err(RegistryError::from)?;
    let state = &settings.state_dir;
    let journal = ledger_of(state);
    let key = read_signing_key(&settings.identity.signing_key)?.verifying_key();
    let (bytes, kept) = (read(state)?, kept(&journal));
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(timelines(&material(state, &bytes, &kept, key)).map_err(IncidentFault::from)?)
}

/// The file of one incident, named by its number or the first 8 or more digits of its digest. Where no checkpoint has all of its entries yet, this signs one.
///
/// # Errors
/// [`IncidentsError`].
pub fn export_incident<K: Retained>(
    config: &Path,
    asked: &str,
    kept: impl FnOnce(&Path) -> K,
) -> Result<Paper<IncidentExport>, IncidentsError> {
    let settings = Settings::load(config).map_err(RegistryError::from)?;
    let authorities = authorities_of(config, &settings)?;
    let state = &settings.state_dir;
    let journal = ledger_of(state);
    let key = read_signing_key(&settings.identity.signing_key)?;
    let (bytes, kept) = (read(state)?, kept(&journal));
    let mut material = material(state, &bytes, &kept, key.verifying_key());
    let now = scan(Entries::new(&bytes)).log.checkpoint(&origin_of(&authorities.digest()));
    let signed = SignedCheckpoint::sign::<RealSuite>(now, &key);
    material.checkpoints.extend(signed.ok().map(|signed| signed.to_string().into_bytes()));
    Ok(export(&Source { material, authorities: authorities.print(), key: &key }, asked)?)
}

/// The journal's bytes; none where there is none yet.
fn read(state: &Path) -> Result<Vec<u8>, IncidentsError> {
    match ledger_bytes(state) {
        Err(fault) if fault.is_absent() => Ok(Vec::new()),
        read => read.map_err(IncidentsError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use tributary_evidence::NothingKept;

    use super::*;
    use crate::enrolled::Federation;

    /// Before anything is recorded there is no incident. A journal that cannot be read says nothing of that.
    #[test]
    fn without_a_journal_there_is_none_and_one_that_cannot_be_read_is_a_fault() {
        let federation = Federation::new(1);
        let config = federation.settings(|text| text);
        let shown = || incidents(&config, |_| NothingKept).map(|all| all.len());
        let exported = || export_incident(&config, "1", |_| NothingKept).map(drop);
        assert!(matches!(shown(), Ok(0)));
        assert!(matches!(exported(), Err(IncidentsError::Fault(_))));
        let journal = federation.path("state/audit.log");
        std::fs::create_dir(&journal).unwrap();
        let (one, other) = (shown().map(drop), exported());
        for fault in [one, other] {
            let named = journal.display().to_string();
            assert!(
                matches!(&fault, Err(IncidentsError::Unreadable(fault)) if fault.to_string().contains(&named)),
                "{fault:?}"
            );
        }
        assert!(super::federation(&config).unwrap() != Digest::ZERO);
    }
}
