//! One folder for each model.

use std::fs;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::registry::{MANIFEST_FORMAT, ModelManifest};
use tributary_protocol::versioned::HEADER_BYTES;
use tributary_storage::files::{self, Existing};

use super::RegistryError;

/// Folder of models in a state directory.
pub(super) const REGISTRY: &str = "registry";

/// The parameters in a model's folder.
pub const PARAMETERS: &str = "parameters";

const MANIFEST: &str = "manifest";

/// What was learnt about features, in a model's folder.
pub(super) const FEATURES: &str = "features.json";

/// Begins the name of a folder in the making.
const DRAFT: &str = ".draft-";

/// The version of `lineage.json`.
const LINEAGE_VERSION: u32 = 1;

/// What a model's folder holds.
pub(super) struct Contents {
    pub(super) manifest: ModelManifest,
    pub(super) parameters: Vec<u8>,
    pub(super) architecture: Architecture,
    pub(super) schema: Vec<u8>,
    pub(super) features: Vec<u8>,
    pub(super) statement_json: Vec<u8>,
    pub(super) statement_text: String,
}

/// The manifest for people and programs: `lineage.json`.
#[derive(Serialize)]
struct LineageFile {
    version: u32,
    model: String,
    parameters: String,
    schema: String,
    features: String,
    parent: Option<String>,
    initial_model: String,
    plan: String,
    plan_name: String,
    run: u32,
    purpose: String,
    group: String,
    owner: String,
    statement: String,
    rounds: u32,
    complete: bool,
}

impl LineageFile {
    fn of(digest: &Digest, manifest: &ModelManifest) -> Self {
        let lineage = &manifest.lineage;
        Self {
            version: LINEAGE_VERSION,
            model: digest.to_string(),
            parameters: manifest.parameters.to_string(),
            schema: manifest.schema.to_string(),
            features: manifest.features.to_string(),
            parent: lineage.parent.map(|parent| parent.to_string()),
            initial_model: lineage.initial.to_string(),
            plan: lineage.run.plan.to_string(),
            plan_name: lineage.name.to_string(),
            run: lineage.run.number,
            purpose: lineage.purpose.to_string(),
            group: lineage.group.clone(),
            owner: lineage.owner.to_string(),
            statement: lineage.statement.to_string(),
            rounds: lineage.rounds,
            complete: lineage.complete,
        }
    }
}

/// The folder of all of them.
pub(super) struct RegistryFolder {
    folder: PathBuf,
}

impl RegistryFolder {
    /// Opens or makes it. What a crash left half made is removed: no ledger names it.
    pub(super) fn open(state_dir: &Path) -> Result<Self, RegistryError> {
        let folder = state_dir.join(REGISTRY);
        files::create_private_folder(&folder)?;
        let entries = fs::read_dir(&folder).map_err(system("listing", &folder))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let draft = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(DRAFT));
            if draft {
                fs::remove_dir_all(&path).map_err(system("removing", &path))?;
            }
        }
        Ok(Self { folder })
    }

    /// The folder as it is, beside a daemon that may be writing to it.
    pub(super) fn of_state(state_dir: &Path) -> Self {
        Self { folder: state_dir.join(REGISTRY) }
    }

    /// A model's folder.
    pub(super) fn of(&self, model: &Digest) -> PathBuf {
        self.folder.join(model.to_string())
    }

    /// Makes a model's folder: durable when this returns. One that is there was made by the same model, and is left.
    pub(super) fn add(&self, digest: &Digest, contents: &Contents) -> Result<(), RegistryError> {
        let target = self.of(digest);
        if target.exists() {
            self.manifest(digest)?;
            // Whoever made it may not have come so far, and the journal is to name it.
            return Ok(files::sync_folder(&self.folder)?);
        }
        let draft = self.folder.join(format!("{DRAFT}{digest}"));
        match fs::remove_dir_all(&draft) {
            Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(system("removing", &draft)(fault)),
            _ => files::create_private_folder(&draft)?,
        }
        let Contents { manifest, parameters, architecture, schema, features, statement_json, statement_text } =
            contents;
        let keep = Existing::Keep;
        files::write_stored(&draft.join(MANIFEST), &MANIFEST_FORMAT, &codec::encode(manifest), keep)?;
        files::write_stored(&draft.join(PARAMETERS), &STATE_FORMAT, parameters, keep)?;
        files::write_public(&draft.join("architecture.json"), &lines(architecture), keep)?;
        files::write_private(&draft.join("schema"), schema, keep)?;
        files::write_public(&draft.join(FEATURES), features, keep)?;
        files::write_public(&draft.join("lineage.json"), &lines(&LineageFile::of(digest, manifest)), keep)?;
        files::write_public(&draft.join("statement.json"), statement_json, keep)?;
        files::write_public(&draft.join("statement.txt"), statement_text.as_bytes(), keep)?;
        Ok(files::rename(&draft, &target)?)
    }

    /// What a model is, verified by its name.
    pub(super) fn manifest(&self, model: &Digest) -> Result<ModelManifest, RegistryError> {
        let path = self.of(model).join(MANIFEST);
        let bytes = files::read_stored(&path, &MANIFEST_FORMAT)?;
        let manifest = codec::decode::<ModelManifest>(&bytes, CONTROL_MESSAGE_BYTES_MAX).ok();
        manifest.filter(|manifest| manifest.digest() == *model).ok_or(RegistryError::Changed(path))
    }

    /// A model's parameters, verified by the digest in its manifest.
    pub(super) fn parameters(
        &self,
        manifest: &ModelManifest,
        architecture: &Architecture,
    ) -> Result<Parameters, RegistryError> {
        let path = self.of(&manifest.digest()).join(PARAMETERS);
        let bytes = files::read_stored(&path, &STATE_FORMAT)?;
        let parameters = Parameters::from_le_bytes(architecture, &bytes).ok();
        let own = parameters.filter(|parameters| parameters.digest() == manifest.parameters);
        own.ok_or(RegistryError::Changed(path))
    }

    /// So many bytes of a model's parameters at most, from one on. Whoever takes them verifies the whole.
    pub(super) fn piece(&self, model: &Digest, from: u64, most: usize) -> Result<Vec<u8>, RegistryError> {
        let path = self.of(model).join(PARAMETERS);
        let mut file = files::open_itself(&path)?;
        let start = from.saturating_add(HEADER_BYTES as u64);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(system("reading", &path))?;
        file.take(most as u64).read_to_end(&mut bytes).map_err(system("reading", &path))?;
        Ok(bytes)
    }
}

fn lines(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data");
    text.push(b'\n');
    text
}

fn system<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> RegistryError + 'a {
    move |fault| RegistryError::System { action, path: path.to_path_buf(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::plan::{PrivacyMode, RunRef};
    use tributary_protocol::registry::Lineage;
    use tributary_protocol::roster::StaffNumber;

    /// People and programs read each part under its own name.
    #[test]
    fn the_lineage_names_each_part_of_the_manifest() {
        let digest = |number: u8| Digest([number; 32]);
        let lineage = Lineage {
            parent: Some(digest(1)),
            initial: digest(2),
            run: RunRef { plan: digest(3), number: 4 },
            name: "churn".into(),
            purpose: "who leaves".into(),
            privacy: PrivacyMode::Customer,
            group: "retail".into(),
            owner: StaffNumber::parse("north-bank/e1").unwrap(),
            statement: digest(5),
            rounds: 6,
            complete: true,
        };
        let manifest = ModelManifest {
            parameters: digest(7),
            parameter_bytes: 8,
            architecture: vec![9],
            schema: digest(10),
            features: digest(11),
            lineage,
        };
        let text = |number: u8| digest(number).to_string();
        let read = |manifest: &ModelManifest| serde_json::to_value(LineageFile::of(&digest(12), manifest)).unwrap();
        let expected = serde_json::json!({
            "version": 1, "model": text(12), "parameters": text(7), "schema": text(10), "features": text(11),
            "parent": text(1), "initial_model": text(2), "plan": text(3), "plan_name": "churn", "run": 4,
            "purpose": "who leaves", "group": "retail", "owner": "north-bank/e1", "statement": text(5),
            "rounds": 6, "complete": true,
        });
        assert_eq!(read(&manifest), expected);
        let mut first = manifest;
        (first.lineage.parent, first.lineage.complete) = (None, false);
        let found = read(&first);
        assert_eq!((&found["parent"], &found["complete"]), (&serde_json::Value::Null, &false.into()));
        let file = String::from_utf8(lines(&LineageFile::of(&digest(12), &first))).unwrap();
        assert!(file.starts_with("{\n  \"version\": 1,\n") && file.ends_with("\n}\n"), "{file}");
    }
}
