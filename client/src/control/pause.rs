//! The operator's wish that this branch takes part in nothing, which outlives the process.

use std::path::{Path, PathBuf};

use tributary_storage::files::{Existing, FileError, folder_of, remove, sync_folder, write_private};

/// Its name in the state folder.
const PAUSED: &str = "paused";

/// What the file says to whoever opens it.
const WORDS: &[u8] = b"This branch takes part in no run. `tributary client resume` ends that.\n";

/// The file that is there as long as the branch is paused.
pub(crate) struct PauseFile(PathBuf);

impl PauseFile {
    /// Of a state folder.
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(state_dir.join(PAUSED))
    }

    /// Whether the branch is paused. What cannot be looked at pauses it: nothing is done against an operator's wish.
    pub(crate) fn stands(&self) -> bool {
        self.0.try_exists().unwrap_or(true)
    }

    /// Pauses the branch, durably.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn set(&self) -> Result<(), FileError> {
        // One that is there may not be there for good: whoever set it may not have come so far.
        if self.stands() { sync_folder(folder_of(&self.0)) } else { write_private(&self.0, WORDS, Existing::Replace) }
    }

    /// Ends that.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn clear(&self) -> Result<(), FileError> {
        remove(&self.0).or_else(|fault| if fault.is_absent() { Ok(()) } else { Err(fault) })
    }
}
