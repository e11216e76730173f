//! The register of exports: one record for each model that left the federation as a file, `STATE/exports/NUMBER.json`. Records are added and never
//! changed. Each names the digest of the one before, and the journal names all of them, so that none can be left out.
//!
//! First the record is durable, then the journal's entry of it, and then the exported file is written. That it can be written is tried before, with an
//! empty file beside it.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use tributary_evidence::{ExportFormat, ExportRecord};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{Export, ModelState};
use tributary_protocol::time::Millis;
use tributary_storage::files::{Existing, FileError, begin_private, folder_of, write_private};

use super::RegistryError;
use super::loaded::LoadedModel;
use super::registers::Register;
use crate::settings::Settings;

/// An export, and whether it may still be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportLine {
    /// What was recorded.
    #[serde(flatten)]
    pub record: ExportRecord,
    /// Whether the model was withdrawn: nobody may use the file.
    pub void: bool,
    /// Whether its last day is over.
    pub expired: bool,
}

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct NewExport<'a> {
    /// The format.
    pub format: ExportFormat,
    /// The dialect of SQL.
    pub dialect: Option<&'a str>,
    /// The label.
    pub head: Option<&'a str>,
    /// Who may use it.
    pub recipient: &'a str,
    /// Its last second.
    pub valid_until: u64,
    /// Whether it is for trial: a candidate, which nobody has promoted.
    pub trial: bool,
    /// Now.
    pub now: u64,
}

/// Makes an export: the record with the next number, then the entry of the journal, then the file. `make` makes the file's bytes of the number.
///
/// # Errors
/// If the model was withdrawn or an attack on it raised the alarm, and if the output exists or cannot be written. Also if the last day is over, or no validator answers for the
/// model then; and if it is a candidate, unless that is for trial and for 31 days at most. In all these cases nothing has changed. If the journal does not take it, the record is removed, and the next export has its number: no file
/// has left with it. If the output cannot be written afterwards, the number is used up.
pub fn export<E: From<RegistryError>>(
    config: &Path,
    model: &LoadedModel,
    new: &NewExport<'_>,
    output: &Path,
    make: impl FnOnce(u64) -> Result<Vec<u8>, E>,
) -> Result<ExportRecord, E> {
    model.check_usable()?;
    if new.valid_until <= new.now {
        return Err(RegistryError::Past.into());
    }
    if let Some(last) = model.answered_until.filter(|last| *last < new.valid_until) {
        return Err(RegistryError::Unanswered { last, over: last <= new.now }.into());
    }
    if output.exists() {
        return Err(RegistryError::OutputExists(output.to_path_buf()).into());
    }
    let state = &model.state_dir;
    judge_place(output, state)?;
    let (registry, _) = Register::Exports.read(config, state)?;
    let (number, digest) = (registry.next_export(), model.manifest.digest());
    registry.judge_export(number, &digest).map_err(RegistryError::from)?;
    let found = registry.models.get(&digest).map_or(ModelState::Candidate, |model| model.state);
    match (found == ModelState::Candidate, new.trial) {
        (true, false) => return Err(RegistryError::Candidate { model: digest.to_string() }.into()),
        (true, true) if new.valid_until > new.now.saturating_add(ExportRecord::TRIAL_SECONDS_MAX) => {
            return Err(RegistryError::TrialTooLong.into());
        }
        (false, true) => return Err(RegistryError::NoTrial { state: found.name() }.into()),
        _ => {}
    }
    let bytes = make(number)?;
    let record = ExportRecord {
        version: ExportRecord::VERSION,
        number,
        model: digest.to_string(),
        state: found.name().to_owned(),
        format: new.format.name().to_owned(),
        dialect: new.dialect.map(str::to_owned),
        head: new.head.map(str::to_owned),
        recipient: new.recipient.to_owned(),
        valid_until: new.valid_until,
        made_at: new.now,
        file: output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        digest: Digest::of(&bytes).to_string(),
        previous: registry.exports.last().map_or(Digest::ZERO, |last| last.record).to_string(),
    };
    if let Some(model) = registry.models.get(&digest) {
        record.judge(model, Millis(new.now.saturating_mul(1000))).map_err(RegistryError::from)?;
    }
    let mut draft = begin_private(output).map_err(RegistryError::Output)?;
    let path = Register::Exports.place(state, number)?;
    let turn = Register::Exports.turn(state)?;
    write_private(&path, &record.to_bytes(), Existing::Keep).map_err(Register::Exports.unwritten(state, number))?;
    Register::Exports.put_on_record(config, state, number)?;
    drop(turn);
    let written = draft.write_all(&bytes).map_err(FileError::system("writing", output));
    let placed = written.and_then(|()| draft.place(output, Existing::Keep));
    placed.map_err(|fault| RegistryError::UsedUp { number, fault })?;
    Ok(record)
}

/// A file among the coordinator's own would be taken for one of them.
fn judge_place(output: &Path, state: &Path) -> Result<(), RegistryError> {
    let folder = |path: &Path| path.canonicalize().map_err(FileError::system("opening", path));
    let (place, own) =
        (folder(folder_of(output)).map_err(RegistryError::Output)?, folder(state).map_err(RegistryError::from)?);
    if place.starts_with(own) { Err(RegistryError::OutputInState(output.to_path_buf())) } else { Ok(()) }
}

/// Every export of a federation, the first one at the front.
///
/// # Errors
/// If settings, journal or records cannot be read, or a record is not the one that the journal names.
pub fn exports(config: &Path, now: u64) -> Result<Vec<ExportLine>, RegistryError> {
    let settings = Settings::load(config)?;
    let state = &settings.state_dir;
    let (registry, files) = Register::Exports.read(config, state)?;
    let withdrawn =
        |model: &Digest| registry.models.get(model).is_none_or(|model| model.state == ModelState::Withdrawn);
    let mut previous = Digest::ZERO;
    let mut line = |(number, (named, bytes)): (u64, (&Export, &Vec<u8>))| {
        let record = ExportRecord::read(bytes).filter(|record| record.stands(number, &named.model, &previous));
        previous = named.record;
        let fault = || RegistryError::Register {
            path: Register::Exports.path(state, number),
            fault:
                "it has another number or model than its entry of the journal, or does not follow the record before it"
                    .into(),
        };
        let record = record.ok_or_else(fault)?;
        let (void, expired) = (withdrawn(&named.model), record.valid_until < now);
        Ok(ExportLine { record, void, expired })
    };
    (1..).zip(registry.exports.iter().zip(&files)).map(&mut line).collect()
}
