//! What must survive the process: public states by their digest, the optimizer's state of the current one, and what each run says of itself.
//!
//! ```text
//! state_dir/audit.log                      the events; the only file that says what is true
//! state_dir/audit.index                    what runs that are over come to, so that a start need not read them again ([`crate::federation`])
//! state_dir/models/<digest>.params         public states: parameters, little-endian 32-bit floats, and where a stage adapts its bound that
//!                                          bound; only added to
//! RUN/optimizer/<stage>-<model digest>-<rounds>.state
//!                                          optimizer state of that model after so many rounds of a stage; the committed one is kept
//! state_dir/sessions/<session>.session     public material of keyed sessions
//! state_dir/registry/<model digest>/       what finished runs released ([`crate::registry`])
//! RUN/statement.{json,txt}                 what the plan promises, and what that run has spent
//! RUN/counts/<stage>-<kind>.json           noised counts of a stage that counts
//! state_dir/rounds/<run>-<round>.kept      a committed round's masked uploads and opened secrets, where the plan has them kept
//! state_dir/sums/<digest>.sum              an opened sum, where the plan has it kept: little-endian 64-bit integers
//! heads_dir/budgets.ledger                 the newest budget head of each client, over all plans
//! ```
//!
//! RUN is `state_dir/plans/<plan digest>/runs/<number>`: nothing of one run is overwritten by another.
//!
//! Each binary file begins with a header of 16 bytes (`protocol::versioned`), each JSON file with `"version"`. A version that this release does
//! not read is refused.
//!
//! Every file is written beside its name, synced and renamed, so that a crash leaves the old one or the new one. Nothing found here is
//! trusted unless the ledger names its digest.

mod error;
mod evidence;
mod heads;
mod optimizer;
mod sessions;
mod statement;

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::state::{judge_state, open_folder};
use tributary_evidence::Item;
use tributary_evidence::bundle::PART_BYTES_MAX;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::stage::{PlannedStage, STATE_FORMAT};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_storage::files::{self, Existing, FileError};

pub use error::StoreError;
pub(crate) use evidence::{KeptDraft, KeptRun, forget_evidence, forget_run};
pub(crate) use heads::HeadsFile;
#[cfg(test)]
pub(crate) use heads::tests::head_of;
pub use optimizer::{OptimizerDraft, StepError, Stepped};
pub use statement::{COUNTS_VERSION, Counts, ModelNoise};

use crate::federation::plans::PLANS;

/// The events.
const LEDGER: &str = "audit.log";

/// Folder of kept rounds.
const ROUNDS: &str = "rounds";

/// Folder of kept sums.
const SUMS: &str = "sums";

/// Folder of kept rounds and sums that no ledger names.
const STRAYS: &str = "strays";

/// Which optimizer state. The rounds are part of the name because a round may leave a model as it was and still move its optimizer state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateName {
    /// Number of the stage, from 0.
    pub stage: u16,
    /// Digest of the public state that it belongs to.
    pub model: Digest,
    /// Rounds of the stage committed with it.
    pub steps: u32,
}

/// What a run keeps: in the state folder what is named by its content or its run, in the run's own folder the rest.
pub struct Store {
    folder: PathBuf,
    run: PathBuf,
}

/// The folder of a run in a coordinator's state, by the names that lead to it.
fn run_names(plan: &str, number: u32) -> [String; 4] {
    [PLANS.into(), plan.to_owned(), "runs".into(), number.to_string()]
}

/// The folder of a run in a coordinator's state.
pub(crate) fn run_folder(state_dir: &Path, plan: &str, number: u32) -> PathBuf {
    state_dir.join(run_names(plan, number).iter().collect::<PathBuf>())
}

impl Store {
    /// Opens the state folder for a run, and makes what that needs.
    ///
    /// # Errors
    /// [`StoreError::State`], [`StoreError::File`].
    pub fn open(state_dir: &Path, run: RunRef) -> Result<Self, StoreError> {
        open_state(state_dir)?;
        let mut folder = state_dir.to_path_buf();
        for name in run_names(&run.plan.to_string(), run.number) {
            folder.push(name);
            files::create_private_folder(&folder)?;
        }
        files::create_private_folder(&folder.join("optimizer"))?;
        Ok(Self { folder: state_dir.to_path_buf(), run: folder })
    }

    /// The run's own folder.
    #[must_use]
    pub fn run_folder(&self) -> &Path {
        &self.run
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
        match files::write_stored(&self.model_file(digest), &STATE_FORMAT, bytes, Existing::Keep) {
            // Content-addressed: the same name was written by the same model, and is verified whenever it is read.
            Ok(()) | Err(FileError::Exists { .. }) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Reads a public state as a stage's participants are given it, and verifies its digest. Of a state that is parameters alone, what the stage
    /// begins with is added.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, or is not the state of that digest.
    pub fn state(&self, stage: &PlannedStage<'_>, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let bytes = files::read_stored(&self.model_file(digest), &STATE_FORMAT)?;
        let bytes = stage.restored(bytes);
        if stage.state_digest(&bytes) == *digest { Ok(bytes) } else { Err(self.other_model(digest)) }
    }

    /// Reads parameters, as a stage has handed them on or a run has released them, and verifies their digest.
    ///
    /// # Errors
    /// As [`Store::state`].
    pub fn model(&self, architecture: &Architecture, digest: &Digest) -> Result<Parameters, StoreError> {
        let bytes = files::read_stored(&self.model_file(digest), &STATE_FORMAT)?;
        let parameters = Parameters::from_le_bytes(architecture, &bytes).map_err(|_| self.other_model(digest))?;
        if parameters.digest() == *digest { Ok(parameters) } else { Err(self.other_model(digest)) }
    }

    /// The fault of a file that does not hold the state that the ledger names.
    pub(crate) fn other_model(&self, digest: &Digest) -> StoreError {
        StoreError::OtherModel { path: self.model_file(digest), expected: digest.short() }
    }

    /// Removes every optimizer state but one. A state that is left over is harmless.
    pub fn forget_other_optimizers(&self, current: StateName) {
        let keep = self.optimizer_file(current);
        let Ok(entries) = fs::read_dir(self.run.join("optimizer")) else { return };
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
        // What is left over is cleaned up at the next start.
        let _ = fs::remove_file(self.optimizer_file(name));
    }

    fn optimizer_file(&self, name: StateName) -> PathBuf {
        let StateName { stage, model, steps } = name;
        self.run.join("optimizer").join(format!("{stage}-{model}-{steps}.state"))
    }
}

/// Opens or makes the state folder and those in it that all runs share, readable by their owner only. A folder, or a ledger in it, that others may use is
/// refused.
///
/// # Errors
/// [`StoreError::State`], [`StoreError::File`].
pub fn open_state(state_dir: &Path) -> Result<(), StoreError> {
    open_folder(state_dir, &[LEDGER])?;
    for folder in ["models", "sessions", ROUNDS, SUMS, PLANS] {
        files::create_private_folder(&state_dir.join(folder))?;
    }
    Ok(())
}

/// The index of the ledger's file in a state directory.
pub(crate) fn index_of(state_dir: &Path) -> PathBuf {
    state_dir.join("audit.index")
}

/// The ledger's file in a state directory.
#[must_use]
pub fn ledger_of(state_dir: &Path) -> PathBuf {
    state_dir.join(LEDGER)
}

/// The bytes of a state directory's ledger, of any length. A link is not followed.
///
/// # Errors
/// [`FileError`].
pub(crate) fn ledger_bytes(state_dir: &Path) -> Result<Vec<u8>, FileError> {
    files::read_itself_at_most(&ledger_of(state_dir), u64::MAX)
}

/// What is kept in a state directory; nothing where nothing is. A link is not followed.
///
/// # Errors
/// [`FileError`], where something is there that cannot be read.
pub(crate) fn kept(state_dir: &Path, item: &Item) -> Result<Option<Vec<u8>>, FileError> {
    match files::read_itself_at_most(&state_dir.join(item.name()), PART_BYTES_MAX) {
        Err(fault) if fault.is_absent() => Ok(None),
        read => read.map(Some),
    }
}

/// Judges state folder, heads folder and the ledgers in them, and makes nothing: nobody but this process's user may use them.
///
/// # Errors
/// [`StoreError::State`], with the command that mends it.
pub fn judge(state_dir: &Path, heads_dir: &Path) -> Result<(), StoreError> {
    judge_state(state_dir, &[LEDGER])?;
    Ok(heads::judge(heads_dir)?)
}

#[cfg(test)]
mod tests;
