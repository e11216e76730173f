//! Drafts that a process has left behind: it ended before they had their names.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::files::user;
use crate::files::{DRAFT_NAME, FileError, open_itself};
#[cfg(unix)]
use crate::medium::mode_and_owner;

/// Drafts in a folder that nobody makes any more: a process ended before they had their names. Ascending. A draft of another user is none of ours; one on a
/// medium without locks may still be in the making, and is passed over. No folder has none.
///
/// # Errors
/// If the folder cannot be read.
pub fn unfinished(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(fault) => return Err(FileError::system("reading", folder)(fault)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(FileError::system("reading", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits =
            name.strip_prefix(DRAFT_NAME.0).and_then(|name| name.strip_suffix(DRAFT_NAME.1)).unwrap_or_default();
        let named = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if named && is_left(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a draft is this user's file, and no process holds it.
fn is_left(path: &Path) -> Result<bool, FileError> {
    let file = match open_itself(path) {
        Ok(file) => file,
        // It was placed or removed meanwhile, or it is no file.
        Err(_) => return Ok(false),
    };
    #[cfg(unix)]
    if mode_and_owner(&file).map_err(FileError::system("reading the mode of", path))?.1 != user() {
        return Ok(false);
    }
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::files::{Draft, Existing};

    #[test]
    fn drafts_are_left_when_nobody_holds_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(unfinished(&path("nowhere")).unwrap(), Vec::<PathBuf>::new());
        let held = Draft::private(folder.path()).unwrap();
        assert_eq!(unfinished(folder.path()).unwrap(), Vec::<PathBuf>::new(), "somebody makes it");
        for name in [".0123456789abcdef.tmp", ".fedcba9876543210.tmp", ".0123456789abcde.tmp", "0123456789abcdef.tmp"] {
            fs::write(path(name), name).unwrap();
        }
        for name in [".0123456789abcdeg.tmp", ".0123456789abcdef.tmpx"] {
            fs::write(path(name), name).unwrap();
        }
        fs::create_dir(path(".1111111111111111.tmp")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(path(".0123456789abcdef.tmp"), path(".2222222222222222.tmp")).unwrap();
        let left = [".0123456789abcdef.tmp", ".fedcba9876543210.tmp"].map(path);
        assert_eq!(unfinished(folder.path()).unwrap(), left);
        // One that is read by somebody who holds it is in use.
        let reader = File::open(&left[0]).unwrap();
        reader.lock().unwrap();
        assert_eq!(unfinished(folder.path()).unwrap(), left[1..]);
        drop(reader);
        held.place(&path("file"), Existing::Keep).unwrap();
        assert_eq!(unfinished(folder.path()).unwrap(), left);
    }
}
