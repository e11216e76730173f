//! What must survive the process: models by their digest, the optimizer's state behind the current model, and the released model's pointer.
//!
//! ```text
//! state_dir/coordinator.ledger             the events; the only file that says what is true
//! state_dir/models/<digest>.params         parameters, little-endian 32-bit floats; only added to
//! state_dir/optimizer/<model digest>-<rounds>.state
//!                                          optimizer state behind that model after so many rounds; the committed one is kept
//! state_dir/sessions/<session>.session     public material of keyed sessions
//! state_dir/model.json                     what was released, for people and programs
//! state_dir/statement.{json,txt}           what the plan promises, and what was spent
//! state_dir/counts/<kind>.json             noised counts of a counting round
//! heads_dir/budgets.ledger                 the newest budget head of each client, over all plans
//! ```
//!
//! Every file is written beside its name, synced and renamed, so that a crash leaves the old one or the new one. Nothing found here is
//! trusted unless the ledger names its digest.

mod heads;
mod optimizer;
mod pointer;
mod sessions;
mod statement;

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::files::{self, Existing, FileError};
use tributary_certs::state::{StateFault, judge_state, open_folder};
use tributary_model::architecture::Architecture;
use tributary_model::parameters::digest_of;
use tributary_model::server_optimizer::OptimizerError;
use tributary_protocol::digest::Digest;

pub(crate) use heads::HeadsFile;
pub use optimizer::{OptimizerDraft, StepError, Stepped};
pub use pointer::ModelPointer;
pub use statement::Counts;

/// The events.
const LEDGER: &str = "coordinator.ledger";

/// What was released, for people and programs.
const POINTER_FILE: &str = "model.json";

/// Why the state directory cannot be used or continued from.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be written or a folder made.
    #[error("{0}; nothing is done without it")]
    File(#[from] FileError),
    /// Others may use it, or it is another user's.
    #[error(transparent)]
    State(#[from] StateFault),
    /// The operating system refused.
    #[error("{action} {path} failed: {fault}; check the disk and that this user may use the state directory", path = path.display())]
    System {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        fault: std::io::Error,
    },
    /// The budget heads of all plans.
    #[error("what clients have spent over all plans cannot be kept, so the coordinator does not run: {0}")]
    Heads(#[from] tributary_journal::JournalError),
    /// An optimizer's state cannot be continued.
    #[error("{path}: {fault}; restore the state directory from a copy, or serve the plan that it was made for", path = path.display())]
    Optimizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: OptimizerError,
    },
    /// A file's content is not what its name says.
    #[error(
        "{path} does not hold the model {expected} that the ledger names: it was changed or exchanged and is not used; restore the \
         state directory from a copy",
        path = path.display()
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The first digits of the digest that the ledger names.
        expected: String,
    },
}

/// Which optimizer state. The rounds are part of the name because a round may leave a model as it was and still move the state behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateName {
    /// Digest of the model that it is behind.
    pub model: Digest,
    /// Rounds committed with it.
    pub rounds: u32,
}

/// The open state directory.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens or makes the folders, readable by their owner only. A folder, or a ledger in it, that others may use is refused.
    ///
    /// # Errors
    /// [`StoreError::State`], [`StoreError::File`].
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        open_folder(state_dir, &[LEDGER])?;
        let store = Self { folder: state_dir.to_path_buf() };
        files::create_private_folder(&store.folder.join("models"))?;
        files::create_private_folder(&store.folder.join("optimizer"))?;
        files::create_private_folder(&store.folder.join("sessions"))?;
        Ok(store)
    }

    /// The ledger's file.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        ledger_of(&self.folder)
    }

    /// A model's file.
    #[must_use]
    pub fn model_file(&self, digest: &Digest) -> PathBuf {
        self.folder.join("models").join(format!("{digest}.params"))
    }

    /// Adds a model: durable when this returns. A model that is there already is left as it is.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn add_model(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        match files::write_stored(&self.model_file(digest), bytes, Existing::Keep) {
            // Content-addressed: the same name was written by the same model, and is verified whenever it is read.
            Ok(()) | Err(FileError::Exists { .. }) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Reads a model's bytes and verifies their digest.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is not the model of that digest.
    pub fn model(&self, architecture: &Architecture, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.model_file(digest);
        let bytes = read(&path)?;
        if digest_of(architecture, &bytes) == *digest {
            return Ok(bytes);
        }
        Err(StoreError::OtherModel { path, expected: digest.short() })
    }

    /// Removes every optimizer state but one. A state that stays behind is harmless.
    pub fn forget_other_optimizers(&self, current: StateName) {
        let keep = self.optimizer_file(current);
        let Ok(entries) = fs::read_dir(self.folder.join("optimizer")) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if keep != path
                && let Err(fault) = fs::remove_file(&path)
            {
                tracing::warn!(%fault, "an old optimizer state could not be removed");
            }
        }
    }

    /// Removes one optimizer state.
    pub fn forget_optimizer(&self, name: StateName) {
        // What stays behind is cleaned up at the next start.
        let _ = fs::remove_file(self.optimizer_file(name));
    }

    /// Writes what was released.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn write_pointer(&self, pointer: &ModelPointer) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec_pretty(pointer).expect("a pointer is plain data");
        text.push(b'\n');
        Ok(files::write_public(&self.folder.join(POINTER_FILE), &text, Existing::Replace)?)
    }

    /// Whether the pointer says that this model was released under this plan.
    pub(crate) fn points_to(&self, model: &Digest, plan: &Digest) -> bool {
        let text = fs::read(self.folder.join(POINTER_FILE)).unwrap_or_default();
        let pointer = serde_json::from_slice::<ModelPointer>(&text);
        pointer.is_ok_and(|pointer| pointer.model == model.to_string() && pointer.plan == plan.to_string())
    }

    /// A file's path inside the state directory, as the pointer names it.
    pub(crate) fn model_name(digest: &Digest) -> String {
        format!("models/{digest}.params")
    }

    fn optimizer_file(&self, name: StateName) -> PathBuf {
        let StateName { model, rounds } = name;
        self.folder.join("optimizer").join(format!("{model}-{rounds}.state"))
    }
}

/// The ledger's file in a state directory.
#[must_use]
pub fn ledger_of(state_dir: &Path) -> PathBuf {
    state_dir.join(LEDGER)
}

/// Judges state folder, heads folder and the ledgers in them, and makes nothing: nobody but this process's user may use them.
///
/// # Errors
/// [`StoreError::State`], with the command that mends it.
pub fn judge(state_dir: &Path, heads_dir: &Path) -> Result<(), StoreError> {
    judge_state(state_dir, &[LEDGER])?;
    Ok(heads::judge(heads_dir)?)
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|fault| StoreError::System { action: "reading", path: path.to_path_buf(), fault })
}

#[cfg(test)]
mod tests;
