//! Files that a command makes and no other attempt of it may replace: they go again if the command breaks off. And the end of a mark that says that a
//! command has more to do.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_storage::files::{FileError, folder_of, sync_folder};

/// What one attempt has made so far. Nobody was told of it, and it would stop the next attempt: where this is dropped it is removed, the newest first.
#[derive(Default)]
pub(crate) struct Attempt {
    made: Vec<PathBuf>,
}

impl Attempt {
    /// Makes a new file, by something that fails where one is there.
    pub(crate) fn makes<E>(&mut self, path: PathBuf, make: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
        make(&path)?;
        self.made.push(path);
        Ok(())
    }

    /// Everything is there, and stays.
    pub(crate) fn went_well(mut self) {
        self.made.clear();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // What stays all the same is told by the next attempt, by its name.
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a mark for good. Where the folder cannot be synced the mark has its name again: the command is told that it failed, and the next attempt is to
/// find the mark.
///
/// # Errors
/// [`FileError`].
pub(crate) fn remove_mark(mark: &Path) -> Result<(), FileError> {
    let mut ended = mark.as_os_str().to_owned();
    ended.push(".ended");
    let ended = PathBuf::from(ended);
    fs::rename(mark, &ended).map_err(FileError::system("removing", mark))?;
    let synced = sync_folder(folder_of(mark));
    // Nobody reads it under its other name.
    let _ = if synced.is_ok() { fs::remove_file(&ended) } else { fs::rename(&ended, mark) };
    synced
}
