//! The register of exports: one record for each model that left the federation as a file, `STATE/exports/NUMBER.json`. Records are added and never
//! changed. Each names the digest of the one before, so that none can be left out in the middle.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{ModelState, RefusedStatement};
use tributary_storage::files::{Existing, create_private_folder, read_public, write_private};

use super::RegistryError;
use super::loaded::LoadedModel;
use super::view::record_of;
use crate::settings::Settings;

const FOLDER: &str = "exports";

/// The version of a record.
const VERSION: u32 = 1;

/// Most exports of one federation.
const EXPORTS_MAX: u64 = 999_999;

/// One export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    version: u32,
    /// Its number, from 1.
    pub number: u64,
    /// Digest of the model.
    pub model: String,
    /// `safetensors`, `onnx`, `pmml` or `sql`.
    pub format: String,
    /// The dialect of SQL.
    pub dialect: Option<String>,
    /// The label, where the file has one of several.
    pub head: Option<String>,
    /// Who may use it.
    pub recipient: String,
    /// Its last second, of the Unix clock.
    pub valid_until: u64,
    /// When it was made, in seconds of the Unix clock.
    pub made_at: u64,
    /// The file's name, without its folder.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// SHA-256 of the record before; zeros for the first one.
    previous: String,
}

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
    pub format: &'a str,
    /// The dialect of SQL.
    pub dialect: Option<&'a str>,
    /// The label.
    pub head: Option<&'a str>,
    /// Who may use it.
    pub recipient: &'a str,
    /// Its last second.
    pub valid_until: u64,
    /// Now.
    pub now: u64,
}

/// Makes an export: the file, with the next number, and before it the record. `make` makes the file's bytes of the number.
///
/// # Errors
/// If the model was withdrawn or an attack on it raised the alarm, and if the output exists. Also if the last day is over, or no validator answers for the
/// model then. In all these cases nothing has changed. If the output cannot be written afterwards, the number is used up.
pub fn export<E: From<RegistryError>>(
    model: &LoadedModel,
    new: &NewExport<'_>,
    output: &Path,
    make: impl FnOnce(u64) -> Result<Vec<u8>, E>,
) -> Result<ExportRecord, E> {
    if model.withdrawn {
        return Err(RegistryError::Withdrawn { model: model.line.model.clone() }.into());
    }
    if model.alarmed {
        return Err(RegistryError::Refused(RefusedStatement::Alarm).into());
    }
    if new.valid_until <= new.now {
        return Err(RegistryError::Past.into());
    }
    if let Some(last) = model.answered_until.filter(|last| *last < new.valid_until) {
        return Err(RegistryError::Unanswered { last, over: last <= new.now }.into());
    }
    if output.exists() {
        return Err(RegistryError::OutputExists(output.to_path_buf()).into());
    }
    let (all, previous) = read(&model.state_dir)?;
    let number = all.last().map_or(1, |last| last.number + 1);
    if number > EXPORTS_MAX {
        return Err(RegistryError::Register { path: model.state_dir.join(FOLDER), fault: "it is full".into() }.into());
    }
    let bytes = make(number)?;
    let record = ExportRecord {
        version: VERSION,
        number,
        model: model.line.model.clone(),
        format: new.format.to_owned(),
        dialect: new.dialect.map(str::to_owned),
        head: new.head.map(str::to_owned),
        recipient: new.recipient.to_owned(),
        valid_until: new.valid_until,
        made_at: new.now,
        file: output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        digest: Digest::of(&bytes).to_string(),
        previous: previous.to_string(),
    };
    add(&model.state_dir, &record)?;
    write_private(output, &bytes, Existing::Keep).map_err(RegistryError::from)?;
    Ok(record)
}

/// Every export of a federation, the first one at the front.
///
/// # Errors
/// If settings, journal or records cannot be read, or a record was changed or taken out.
pub fn exports(config: &Path, now: u64) -> Result<Vec<ExportLine>, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let withdrawn = |model: &str| {
        let digest = Digest::from_hex(model);
        digest.and_then(|digest| record.models.get(&digest)).is_none_or(|model| model.state == ModelState::Withdrawn)
    };
    let (all, _) = read(&settings.state_dir)?;
    let line = |record: ExportRecord| {
        let (void, expired) = (withdrawn(&record.model), record.valid_until < now);
        ExportLine { record, void, expired }
    };
    Ok(all.into_iter().map(line).collect())
}

fn path_of(state_dir: &Path, number: u64) -> PathBuf {
    state_dir.join(FOLDER).join(format!("{number:06}.json"))
}

fn add(state_dir: &Path, record: &ExportRecord) -> Result<(), RegistryError> {
    create_private_folder(&state_dir.join(FOLDER))?;
    let mut text = serde_json::to_vec_pretty(record).expect("plain data");
    text.push(b'\n');
    // Somebody else may have taken the number since: then nothing is replaced.
    Ok(write_private(&path_of(state_dir, record.number), &text, Existing::Keep)?)
}

/// Every record, and the digest of the last one.
fn read(state_dir: &Path) -> Result<(Vec<ExportRecord>, Digest), RegistryError> {
    let (mut all, mut previous) = (Vec::new(), Digest::ZERO);
    for number in 1..=EXPORTS_MAX {
        let path = path_of(state_dir, number);
        if !path.exists() {
            break;
        }
        let fault = |fault: &str| RegistryError::Register { path: path.clone(), fault: fault.into() };
        let bytes = read_public(&path)?;
        let record: ExportRecord =
            serde_json::from_slice(&bytes).map_err(|_| fault("it is no record of this release"))?;
        if record.version != VERSION || record.number != number || record.previous != previous.to_string() {
            return Err(fault("it does not follow the record before it: a record was changed, exchanged or taken out"));
        }
        previous = Digest::of(&bytes);
        all.push(record);
    }
    let files = fs::read_dir(state_dir.join(FOLDER)).into_iter().flatten().filter_map(Result::ok);
    let records = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json")).count();
    if records != all.len() {
        let fault =
            format!("it has {records} records, and the first {} follow each other: one was taken out", all.len());
        return Err(RegistryError::Register { path: state_dir.join(FOLDER), fault });
    }
    Ok((all, previous))
}
