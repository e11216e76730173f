//! One folder for each model that is kept.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{MANIFEST_FORMAT, ModelManifest, STATEMENT_FORMAT, SignedStatement};
use tributary_storage::files::{self, Existing, FileError};

use crate::error::ClientError;

/// The folder of models in a state folder.
pub(super) const FOLDER: &str = "models";
/// What was stated and what was done about it.
pub(super) const LEDGER: &str = "models.ledger";
/// Begins the name of a folder in the making, or that is about to go.
const DRAFT: &str = ".draft-";

/// The folder of all of them.
pub(super) struct ModelsFolder {
    folder: PathBuf,
}

impl ModelsFolder {
    pub(super) fn open(state_dir: &Path) -> Result<Self, ClientError> {
        let folder = state_dir.join(FOLDER);
        files::create_private_folder(&folder).map_err(ClientError::file)?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    fn of(&self, model: &Digest) -> PathBuf {
        self.folder.join(model.to_string())
    }

    pub(super) fn has(&self, model: &Digest) -> bool {
        self.of(model).is_dir()
    }

    /// Removes what the ledger does not name: what a crash left half made, or half deleted.
    pub(super) fn forget_others(&self, kept: &[Digest]) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let named = Digest::from_hex(name).is_some_and(|model| kept.contains(&model));
            if !named && let Err(fault) = fs::remove_dir_all(&path) {
                tracing::warn!(%fault, "what is left of a model could not be removed");
            }
        }
    }

    /// Makes a model's folder: durable when this returns.
    pub(super) fn add(
        &self,
        manifest: &ModelManifest,
        parameters: &[u8],
        statement: &SignedStatement,
    ) -> Result<(), FileError> {
        let (model, keep) = (manifest.digest(), Existing::Keep);
        let draft = self.folder.join(format!("{DRAFT}{model}"));
        remove(&draft)?;
        // No ledger names it: a process ended between the two.
        remove(&self.of(&model))?;
        files::create_private_folder(&draft)?;
        files::write_stored(&draft.join("manifest"), &MANIFEST_FORMAT, &codec::encode(manifest), keep)?;
        files::write_stored(&draft.join("parameters"), &STATE_FORMAT, parameters, keep)?;
        files::write_stored(&draft.join("statement"), &STATEMENT_FORMAT, &codec::encode(statement), keep)?;
        files::rename(&draft, &self.of(&model))
    }

    /// Deletes a model's folder: it is gone when this returns.
    pub(super) fn delete(&self, model: &Digest) -> Result<(), FileError> {
        remove(&self.of(model))?;
        files::sync_folder(&self.folder)
    }
}

fn remove(folder: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(folder) {
        Err(fault) if fault.kind() != ErrorKind::NotFound => Err(FileError::system("deleting", folder)(fault)),
        _ => Ok(()),
    }
}
