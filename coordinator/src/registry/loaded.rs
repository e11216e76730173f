//! A registered model with all that makes it usable: its parameters, and the schema by which rows become its inputs.

use std::path::{Path, PathBuf};

use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::schema::{SCHEMA_BYTES_MAX, Schema};
use tributary_protocol::printable::Printable;
use tributary_protocol::registry::{ModelManifest, ModelState, RefusedStatement, RegistryRecord};
use tributary_storage::files::{read_itself, read_public};

use super::RegistryError;
use super::folder::RegistryFolder;
use super::view::{ModelLine, found, record_of};
use crate::federation::plans::schema_of;
use crate::settings::Settings;

/// The word in the place of a digest.
const CHAMPION: &str = "champion";

/// A registered model, whole.
pub struct LoadedModel {
    /// What the registry says of it.
    pub line: ModelLine,
    /// What it is.
    pub manifest: ModelManifest,
    /// Its parameters.
    pub parameters: Parameters,
    /// The schema of its plan.
    pub schema: Schema,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// Whether an attack on it showed a larger epsilon than was claimed.
    pub alarmed: bool,
    /// Last second of the Unix clock for which a validator answers for it, where a statement about it carries a report.
    pub answered_until: Option<u64>,
    /// The folder of the coordinator's state.
    pub state_dir: PathBuf,
}

impl LoadedModel {
    /// Whether it may leave as a file, and its points may be set.
    ///
    /// # Errors
    /// If it was withdrawn, or an attack on it raised the alarm.
    pub(super) fn check_usable(&self) -> Result<(), RegistryError> {
        match (self.withdrawn, self.alarmed) {
            (true, _) => Err(RegistryError::Withdrawn { model: self.line.model.clone() }),
            (false, true) => Err(RegistryError::Refused(RefusedStatement::Alarm)),
            (false, false) => Ok(()),
        }
    }
}

impl std::fmt::Debug for LoadedModel {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "model {}", self.line.model)
    }
}

/// A model by its digest or the first digits of it, or `champion` where there is one champion. The schema is that of the plan as it was activated
/// here, or the one of this file.
///
/// # Errors
/// If there is no such model, its files were changed, or the schema is another one.
pub fn load(config: &Path, model: &str, schema: Option<&Path>) -> Result<LoadedModel, RegistryError> {
    let settings = Settings::load(config)?;
    let state_dir = settings.state_dir;
    let record = record_of(&state_dir)?;
    let found = match model {
        CHAMPION => champion(&record)?,
        other => other.to_owned(),
    };
    let model = self::found(&record, &found)?;
    let manifest = model.manifest.clone();
    let changed =
        || RegistryError::Changed(state_dir.join(super::folder::REGISTRY).join(manifest.digest().to_string()));
    let architecture = Architecture::decode(&manifest.architecture).map_err(|_| changed())?;
    let parameters = RegistryFolder::of_state(&state_dir).parameters(&manifest, &architecture)?;
    let schema = match schema {
        // A file that somebody names may be a link.
        Some(given) => read_schema(given, read_public(given)?, &manifest)?,
        None => {
            let own = schema_of(&state_dir, &manifest.lineage.run.plan);
            read_schema(&own, read_itself(&own)?, &manifest)?
        }
    };
    let withdrawn = model.state == ModelState::Withdrawn;
    let alarmed = model.is_alarmed();
    let answered_until = model.answered_until();
    let line = ModelLine::of(model, &state_dir);
    Ok(LoadedModel { line, manifest, parameters, schema, withdrawn, alarmed, answered_until, state_dir })
}

/// The digest of the only champion.
fn champion(record: &RegistryRecord) -> Result<String, RegistryError> {
    let champions: Vec<_> = record.in_state(ModelState::Champion).collect();
    match champions.as_slice() {
        [(digest, _)] => Ok(digest.to_string()),
        several => {
            let purposes = several.iter().map(|(_, model)| format!("\"{}\"", model.manifest.lineage.purpose));
            Err(RegistryError::Champions { count: several.len(), purposes: purposes.collect::<Vec<_>>().join(", ") })
        }
    }
}

fn read_schema(path: &Path, bytes: Vec<u8>, manifest: &ModelManifest) -> Result<Schema, RegistryError> {
    let fault = |fault: String| RegistryError::Schema { path: path.to_path_buf(), fault };
    if bytes.len() > SCHEMA_BYTES_MAX {
        return Err(fault(format!("it has {} bytes, and a schema has at most {SCHEMA_BYTES_MAX}", bytes.len())));
    }
    let text = String::from_utf8(bytes).map_err(|_| fault("it is no text in UTF-8".into()))?;
    let schema = Schema::parse(&text).map_err(|faults| fault(Printable::new(&faults.to_string()).to_string()))?;
    let (found, expected) = (schema.digest(), manifest.schema);
    if found != expected {
        return Err(fault(format!("it is the schema {found}, and the model was learnt with the schema {expected}")));
    }
    Ok(schema)
}
