//! Reports of attacks on models, as files in the coordinator's state: the daemon takes them up, and judges them by the roster in force.

use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::suite::RealSuite;
use tributary_evidence::Item;
use tributary_evidence::attacks::{Attacks, AttacksFault, AttacksFile};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{ModelRecord, RefusedAttackReport, SignedAttackReport};
use tributary_storage::files::{Existing, FileError, create_private_folder, read_itself, read_public, write_public};

use super::RegistryError;
use super::measured::OfRun;
use super::view::{authorities_of, newer, record_of, roster_in_force};
use crate::inbox::Inbox;
use crate::settings::Settings;
use crate::store::kept;

const FOLDER: &str = "attacks";
const EXTENSION: &str = "json";

/// The folder, and what was handed on of it.
pub(crate) struct AttacksFolder(Inbox);

impl AttacksFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(Inbox::of(state_dir.join(FOLDER), EXTENSION))
    }

    /// Reports that have come since the last look.
    pub(crate) fn new_ones(&mut self) -> Vec<SignedAttackReport> {
        let read = |path: &Path| {
            let none = || FileError::content(path, "report of attacks that a model validator has signed");
            let file = AttacksFile::read(&read_itself(path)?).map_err(|_| none())?;
            let signed = file.signed().map_err(|_| none())?;
            // Under another name nobody who reads the journal would find it.
            let own = Item::Attacks(signed.report.findings).name();
            if path.file_name() == Path::new(&own).file_name() { Ok(signed) } else { Err(none()) }
        };
        self.0.new_ones(unix_seconds(), read)
    }
}

/// Puts a report of attacks that was carried here into the coordinator's state, after judging it as the daemon will.
///
/// # Errors
/// What is wrong with the report, or if it is here already.
pub fn install_attacks(config: &Path, file: &Path) -> Result<PathBuf, RegistryError> {
    let settings = Settings::load(config)?;
    let bytes = read_public(file)?;
    let report = AttacksFile::read(&bytes)?;
    let signed = report.signed()?;
    let authorities = authorities_of(config, &settings)?;
    let roster = roster_in_force(config, &settings, &authorities)?.roster;
    let record = record_of(&settings.state_dir)?;
    let by = (newer(&record, &roster), &authorities.digest());
    record.judge_attacks::<RealSuite>(&signed, by, unix_seconds())?;
    let unknown = RefusedAttackReport::Unknown(signed.report.model);
    of_model(&settings.state_dir, record.models.get(&signed.report.model).ok_or(unknown)?, &report)?;
    create_private_folder(&settings.state_dir.join(FOLDER))?;
    let path = settings.state_dir.join(Item::Attacks(signed.report.findings).name());
    write_public(&path, &bytes, Existing::Keep)?;
    Ok(path)
}

/// Whether a report is of the run that released the model, and names the epsilon that its plan claims: a larger one would hide what an attack showed.
///
/// # Errors
/// [`RegistryError::OtherClaim`], or if the journal cannot be read.
fn of_model(state_dir: &Path, model: &ModelRecord, report: &AttacksFile) -> Result<(), RegistryError> {
    let OfRun { plan, .. } = OfRun::read(state_dir, model)?;
    let fits = report.findings.is_of(&model.manifest.lineage.run, &plan);
    if fits { Ok(()) } else { Err(RegistryError::OtherClaim { model: model.manifest.digest() }) }
}

/// The same of a report that the daemon has taken up, from its file: the journal names no other one.
///
/// # Errors
/// As [`of_model`], or if the file is not the one that was signed.
pub(super) fn judge_findings(
    state_dir: &Path,
    model: &ModelRecord,
    signed: &SignedAttackReport,
) -> Result<(), RegistryError> {
    // A file that is gone by now is no reason to end the process: the report is judged again under the next roster.
    let bytes = read_itself(&state_dir.join(Item::Attacks(signed.report.findings).name()));
    let file = AttacksFile::read(&bytes.map_err(|_| AttacksFault::Changed)?)?;
    match file.signed()? == *signed {
        true => of_model(state_dir, model, &file),
        false => Err(AttacksFault::Changed.into()),
    }
}

/// What attacks on a model came to, as far as the registry names it: the reports in their order. A file that is gone or was changed is left out.
pub(super) fn attacks_on(state_dir: &Path, model: &ModelRecord) -> Vec<Attacks> {
    let read = |findings: &Digest| {
        let bytes = kept(state_dir, &Item::Attacks(*findings)).ok()??;
        let file = AttacksFile::read(&bytes).ok()?;
        (file.findings.digest() == *findings).then_some(file.findings)
    };
    model.attacks.iter().filter_map(|signed| read(&signed.report.findings)).collect()
}
