//! One change of an authority's folder at a time, over all processes.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::files::{FileError, must_be_file};

/// Held while the folder is changed; the operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Waits for whoever changes the folder, then keeps others out. Not to be taken twice by one thread: it would wait for itself.
    ///
    /// # Errors
    /// [`FileError::NotFile`] or [`FileError::System`].
    pub fn take(folder: &Path) -> Result<Self, FileError> {
        let path = folder.join("lock");
        if path.exists() {
            must_be_file(&path)?;
        }
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_at_a_time_changes_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FolderLock::take(folder.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        other.try_lock().unwrap();
        drop(other);
        FolderLock::take(folder.path()).unwrap();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let refused = FolderLock::take(folder.path()).unwrap_err();
        assert!(matches!(refused, FileError::NotFile { .. }), "{refused}");
    }
}
