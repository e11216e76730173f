//! Drafts that a process has left behind: it ended before they had their names.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::files::user;
use crate::files::{FileError, is_begun, is_draft, open_itself};
#[cfg(unix)]
use crate::medium::mode_and_owner;
use crate::medium::try_lock;

/// Drafts in a folder that nobody is seen to make. What a process holds is not among them.
#[derive(Debug, Default)]
pub struct Unfinished {
    /// Those that nobody makes any more: a process ended before they had their names. Ascending.
    pub left: Vec<PathBuf>,
    /// Those of which that is not known, or that are not this user's to delete.
    pub doubtful: Vec<Doubt>,
}

/// Why a draft is not called left.
#[derive(Debug)]
pub enum Doubt {
    /// It is another user's.
    OtherOwner {
        /// The draft.
        path: PathBuf,
        /// The number of its user.
        owner: u32,
    },
    /// Its medium has no locks: somebody may be making it.
    NoLocks {
        /// The draft.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It cannot be opened, or not looked at.
    Unread(FileError),
}

/// Looks for drafts in a folder. No folder has none.
///
/// # Errors
/// If the folder cannot be read.
pub fn unfinished(folder: &Path) -> Result<Unfinished, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Unfinished::default());
        }
        Err(fault) => return Err(FileError::system("reading", folder)(fault)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(FileError::system("reading", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_draft(name) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut found = Unfinished::default();
    for path in paths {
        match is_left(&path) {
            Ok(true) => found.left.push(path),
            Ok(false) => {}
            Err(doubt) => found.doubtful.push(doubt),
        }
    }
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
fn is_left(path: &Path) -> Result<bool, Doubt> {
    let file = match open_itself(path) {
        Ok(file) => file,
        // Nobody makes a draft that is a link or a folder.
        Err(FileError::Link { .. } | FileError::NotFile { .. }) => return Ok(false),
        // It was placed or removed meanwhile.
        Err(FileError::System { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(fault) => return Err(Doubt::Unread(fault)),
    };
    match try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(source)) => return Err(Doubt::NoLocks { path: path.to_owned(), source }),
    }
    #[cfg(unix)]
    {
        let found = mode_and_owner(&file).map_err(FileError::system("reading the mode of", path));
        let owner = found.map_err(Doubt::Unread)?.1;
        if owner != user() {
            return Err(Doubt::OtherOwner { path: path.to_owned(), owner });
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::faults::{before_locks, without_locks};
    use crate::files::{Draft, Existing};

    /// What is left, where nothing is doubtful.
    fn all_left(folder: &Path) -> Vec<PathBuf> {
        let found = unfinished(folder).unwrap();
        assert!(found.doubtful.is_empty(), "{found:?}");
        found.left
    }

    /// Whoever looks for leftovers while a draft is made finds none before it is held, nor after.
    #[test]
    fn a_draft_has_its_name_when_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let (path, seen) = (folder.path().to_owned(), std::rc::Rc::new(std::cell::RefCell::new(Vec::new())));
        let look = {
            let (path, seen) = (path.clone(), seen.clone());
            move || {
                let there: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
                seen.borrow_mut().push((there, all_left(&path)));
            }
        };
        let draft = before_locks(look, || Draft::private(&path)).unwrap();
        let seen = seen.borrow();
        let [(there, left)] = seen.as_slice() else { panic!("{seen:?}") };
        let [begun] = there.as_slice() else { panic!("{there:?}") };
        assert!(left.is_empty() && is_name_of_draft(begun), "{seen:?}");
        let now: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(now.len() == 1 && now != *there && is_name_of_draft(&now[0]), "{now:?}");
        assert!(File::open(&now[0]).unwrap().try_lock().is_err() && all_left(&path).is_empty());
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
        assert!(all_left(&path).is_empty());
    }

    #[test]
    fn drafts_are_left_when_nobody_holds_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(all_left(&path("nowhere")), Vec::<PathBuf>::new());
        let held = Draft::private(folder.path()).unwrap();
        assert_eq!(all_left(folder.path()), Vec::<PathBuf>::new(), "somebody makes it");
        for name in [".0123456789abcdef.tmp", ".fedcba9876543210.tmp", ".0123456789abcde.tmp", "0123456789abcdef.tmp"] {
            fs::write(path(name), name).unwrap();
        }
        for name in [".0123456789abcdeg.tmp", ".0123456789abcdef.tmpx"] {
            fs::write(path(name), name).unwrap();
        }
        fs::create_dir(path(".1111111111111111.tmp")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(path(".0123456789abcdef.tmp"), path(".2222222222222222.tmp")).unwrap();
        let both = [".0123456789abcdef.tmp", ".fedcba9876543210.tmp"].map(path);
        assert_eq!(all_left(folder.path()), both);
        // One that is read by somebody who holds it is in use.
        let reader = File::open(&both[0]).unwrap();
        reader.lock().unwrap();
        assert_eq!(all_left(folder.path()), both[1..]);
        drop(reader);
        held.place(&path("file"), Existing::Keep).unwrap();
        assert_eq!(all_left(folder.path()), both);
    }

    /// Nobody may pass over in silence what may hold customers.
    #[cfg(unix)]
    #[test]
    fn a_draft_of_which_nothing_is_known_is_doubtful() {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".0123456789abcdef.tmp");
        fs::write(&path, "c1,0.5").unwrap();
        let doubt = || {
            let found = unfinished(folder.path()).unwrap();
            assert_eq!((found.left.len(), found.doubtful.len()), (0, 1), "{found:?}");
            found.doubtful.into_iter().next().unwrap()
        };
        let doubtful = without_locks(doubt);
        assert!(matches!(&doubtful, Doubt::NoLocks { path: found, .. } if *found == path), "{doubtful:?}");
        if user() == 0 {
            chown(&path, Some(65_534), None).unwrap();
            let doubtful = doubt();
            let other = matches!(&doubtful, Doubt::OtherOwner { path: found, owner: 65_534 } if *found == path);
            assert!(other, "{doubtful:?}");
            // Whoever makes it is asked nothing.
            let maker = File::open(&path).unwrap();
            maker.lock().unwrap();
            assert!(all_left(folder.path()).is_empty());
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
            let doubtful = doubt();
            assert!(matches!(&doubtful, Doubt::Unread(_)), "{doubtful:?}");
        }
    }
}
