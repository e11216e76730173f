//! One change of an authority's folder at a time, over all processes.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::files::FileError;

/// Held while the folder is changed; the operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Waits for whoever changes the folder, then keeps others out. Not to be taken twice by one thread: it would wait for itself.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub(crate) fn take(folder: &Path) -> Result<Self, FileError> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path).map_err(FileError::system("opening", &path))?;
        file.lock().map_err(FileError::system("locking", &path))?;
        Ok(Self { _file: file })
    }
}
