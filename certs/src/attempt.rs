//! Files that a command makes and no other attempt of it may replace: they go again if the command breaks off.

use std::fs;
use std::path::{Path, PathBuf};

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
