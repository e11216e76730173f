//! Drafts that a process has left behind: it ended before they had their names.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::files::user;
use crate::files::{FileError, is_begun, is_draft, open_itself};
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
        if is_draft(name) && is_left(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file would have the name of a draft: whoever makes files leaves such names alone.
#[must_use]
pub fn is_name_of_draft(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    is_draft(name) || is_begun(name)
}

/// Whether a draft was made, and its process ended before it held it: it has its first name, and nothing is in it.
#[must_use]
pub fn is_begun_draft(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    is_begun(name) && fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
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
    use crate::medium::tests::before_locks;

    /// Whoever looks for leftovers while a draft is made finds none before it is held, nor after.
    #[test]
    fn a_draft_has_its_name_when_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let (path, seen) = (folder.path().to_owned(), std::rc::Rc::new(std::cell::RefCell::new(Vec::new())));
        let look = {
            let (path, seen) = (path.clone(), seen.clone());
            move || {
                let there: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
                seen.borrow_mut().push((there, unfinished(&path).unwrap()));
            }
        };
        let draft = before_locks(look, || Draft::private(&path)).unwrap();
        let seen = seen.borrow();
        let [(there, left)] = seen.as_slice() else { panic!("{seen:?}") };
        let [begun] = there.as_slice() else { panic!("{there:?}") };
        assert!(left.is_empty() && is_name_of_draft(begun), "{seen:?}");
        let now: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(now.len() == 1 && now != *there && is_name_of_draft(&now[0]), "{now:?}");
        assert!(File::open(&now[0]).unwrap().try_lock().is_err() && unfinished(&path).unwrap().is_empty());
        drop(draft);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        // What a crash leaves before is empty. Of another name or with something in it, it is somebody's.
        let at = |name: &str| path.join(name);
        for (name, text) in
            [(".0123456789abcdef.new", ""), (".0123456789abcdeg.new", ""), (".1123456789abcdef.new", "x")]
        {
            fs::write(at(name), text).unwrap();
        }
        let found = [".0123456789abcdef.new", ".0123456789abcdeg.new", ".1123456789abcdef.new", ".none"].map(at);
        assert_eq!(found.each_ref().map(|path| is_begun_draft(path)), [true, false, false, false]);
        assert_eq!(found.each_ref().map(|path| is_name_of_draft(path)), [true, false, true, false]);
        assert!(unfinished(&path).unwrap().is_empty());
    }

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
