//! The compliance report of a federation: made from its journal and what stands beside it, and signed by this coordinator.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::SigningKey;
use tributary_evidence::card::figures;
use tributary_evidence::checkpoint::is_kept_name;
use tributary_evidence::report::{Asked, ComplianceReport, FigureLine, Material, ReportFile, compliance};
use tributary_evidence::{Bad, Item, Retained};
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::Entries;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::{FileError, read_itself};

use super::RegistryError;
use super::exports::exports;
use super::measured::OfRun;
use super::view::record_of;
use crate::federation::plans::PLANS;
use crate::settings::Settings;
use crate::store::{kept, ledger_bytes, ledger_of};
use crate::witness::{CHECKPOINTS, notes_beside};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ComplianceError {
    /// Settings, journal or a file beside it cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The journal cannot be read.
    #[error("{0}; nothing is reported")]
    Unreadable(FileError),
    /// The journal is not in order.
    #[error("{path} is not in order, so nothing is reported:\n{bad}", path = path.display())]
    Bad {
        /// The journal.
        path: PathBuf,
        /// The first thing that is wrong.
        bad: Bad,
    },
    /// A checkpoint beside the journal is of another one.
    #[error("{path}: {reason}. Nothing is reported", path = path.display())]
    Checkpoints {
        /// The journal.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The signing key cannot be read.
    #[error("{0}; a report without a signature proves nothing, so none is made")]
    Key(#[from] FileError),
}

/// Makes and signs a report; `kept` is what is kept beside the journal at this path.
///
/// # Errors
/// If settings, journal or signing key cannot be read, or the journal is not in order.
pub fn compliance_report<K: Retained>(
    config: &Path,
    asked: &Asked,
    kept: impl FnOnce(&Path) -> K,
) -> Result<ReportFile, ComplianceError> {
    let (report, key) = reported(config, asked, kept)?;
    Ok(ReportFile::sign(report, &key))
}

/// A report before it is signed, and the key that signs.
pub(super) fn reported<K: Retained>(
    config: &Path,
    asked: &Asked,
    kept: impl FnOnce(&Path) -> K,
) -> Result<(ComplianceReport, SigningKey), ComplianceError> {
    let settings = Settings::load(config).map_err(RegistryError::from)?;
    let state = &settings.state_dir;
    let key = read_signing_key(&settings.identity.signing_key)?;
    // A register that is not the one that the journal names is reported by nobody.
    exports(config, 0)?;
    let figures = model_figures(state)?;
    let path = ledger_of(state);
    let mut notes = notes_beside(state);
    let bytes = ledger_bytes(state).map_err(ComplianceError::Unreadable)?;
    Entries::new(&bytes).for_each(|entry| notes.follow(entry.leaf));
    let kept = kept(&path);
    let bare = material(state, &bytes, &kept, key.verifying_key());
    let material = Material { schemas: schemas(state), figures, ..bare };
    let report = compliance(&material, asked).map_err(|bad| ComplianceError::Bad { path: path.clone(), bad })?;
    notes.judge().map_err(|reason| ComplianceError::Checkpoints { path, reason })?;
    Ok((report, key))
}

/// What a report is made of that needs no figures: the journal's bytes, and what stands beside it.
pub(super) fn material<'a>(state: &Path, journal: &'a [u8], kept: &'a dyn Retained, key: VerifyingKey) -> Material<'a> {
    Material {
        journal,
        kept,
        schemas: Vec::new(),
        figures: BTreeMap::new(),
        checkpoints: checkpoints(state),
        coordinator: Some(key),
    }
}

/// Every checkpoint that is kept. One that cannot be read is left out: without it fewer witnesses are shown.
fn checkpoints(state: &Path) -> Vec<Vec<u8>> {
    let Ok(files) = fs::read_dir(state.join(CHECKPOINTS)) else { return Vec::new() };
    let notes = files.flatten().filter(|file| file.file_name().to_str().is_some_and(is_kept_name));
    notes.filter_map(|file| read_itself(&file.path()).ok()).collect()
}

/// Every schema that was activated with a plan. What is no schema is left out: the report names schemas by the digests in signed plans.
fn schemas(state: &Path) -> Vec<Schema> {
    let Ok(plans) = fs::read_dir(state.join(PLANS)) else { return Vec::new() };
    let plans = plans.flatten().filter_map(|plan| Digest::from_hex(plan.file_name().to_str()?));
    let schema = |plan| Schema::parse(str::from_utf8(&kept(state, &Item::Schema(plan)).ok()??).ok()?).ok();
    let mut schemas: Vec<Schema> = plans.filter_map(schema).collect();
    schemas.sort_by_key(Schema::digest);
    schemas.dedup_by_key(|schema| schema.digest());
    schemas
}

fn model_figures(state: &Path) -> Result<BTreeMap<String, Vec<FigureLine>>, RegistryError> {
    let record = record_of(state)?;
    let of = |(digest, model): (&Digest, &tributary_protocol::registry::ModelRecord)| {
        let measured = OfRun::read(state, model)?.measured;
        Ok((digest.to_string(), measured.map(|measured| figures(measured.heads())).unwrap_or_default()))
    };
    record.models.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever leaves a file there makes no witness.
    #[test]
    fn only_checkpoints_that_are_kept_are_read() {
        let state = tempfile::tempdir().unwrap();
        assert!(checkpoints(state.path()).is_empty());
        let folder = state.path().join(CHECKPOINTS);
        fs::create_dir(&folder).unwrap();
        let kept = ["newest", "previous", "00000000000000000007"];
        for name in kept.into_iter().chain(["key", "newest~", "7", "0000000000000000000a"]) {
            fs::write(folder.join(name), name).unwrap();
        }
        let mut read: Vec<String> =
            checkpoints(state.path()).into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        read.sort_unstable();
        assert_eq!(read, ["00000000000000000007", "newest", "previous"]);
    }
}
