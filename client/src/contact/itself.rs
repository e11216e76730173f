//! Files that the register names: each is looked at itself, through no link, in bounded pieces.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, open_itself};

use crate::data::digest_of_file;

/// From this many bytes on the system takes no whole path, and yet a file may be there: it has a shorter path from a folder nearer to it.
const PATH_BYTES_MAX: usize = 4_096;

/// Whether a fault says that nothing has this name: it is gone, or it cannot exist at all.
fn says_gone(path: &Path, fault: &io::Error) -> bool {
    match fault.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => true,
        ErrorKind::InvalidFilename => path.as_os_str().len() < PATH_BYTES_MAX,
        _ => false,
    }
}

/// Whether nothing has this name any more, not even a link. A file is not gone while a link in its path leads nowhere: its disk may come back, and the file with it.
pub(super) fn is_gone(path: &Path) -> bool {
    let away = || path.parent().is_some_and(is_away);
    fs::symlink_metadata(path).is_err_and(|fault| says_gone(path, &fault)) && !away()
}

/// Whether a folder, or one above it, is a link that leads nowhere.
pub(super) fn is_away(folder: &Path) -> bool {
    folder.ancestors().any(|above| above.is_symlink() && !above.exists())
}

/// Deletes a file that may be gone already.
///
/// # Errors
/// If it cannot be deleted.
pub(super) fn delete(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(fault) if !is_gone(path) => Err(FileError::system("deleting", path)(fault)),
        _ => Ok(()),
    }
}

/// The number of a file on its disk, if it has another name there as well.
#[cfg(unix)]
pub(super) fn number_of_several_names(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).ok().filter(|found| found.is_file() && found.nlink() > 1).map(|found| found.ino())
}

/// The number of a file on its disk, if it has another name there as well: not known here.
#[cfg(not(unix))]
pub(super) fn number_of_several_names(_: &Path) -> Option<u64> {
    None
}

/// The SHA-256 of a file, which is never whole in memory.
///
/// # Errors
/// If it is a link, no ordinary file, or cannot be read.
pub(super) fn digest_of(path: &Path) -> Result<Digest, FileError> {
    digest_of_file(open_itself(path)?).map_err(FileError::system("reading", path))
}

/// The same of a file that was noted as it lay there, without a link on its whole way; nothing where there is none any more, or no file.
///
/// # Errors
/// If a link has taken its place, or that of a folder above it; or it cannot be read.
pub(super) fn digest_of_noted(path: &Path) -> Result<Option<Digest>, FileError> {
    let link = || FileError::Link { path: path.to_owned() };
    match path.canonicalize() {
        Ok(whole) if whole != path => Err(link()),
        Ok(whole) if !whole.is_file() => Ok(None),
        Ok(_) => digest_of(path).map(Some),
        Err(_) if is_gone(path) => Ok(None),
        Err(_) if path.parent().is_some_and(is_away) => Err(link()),
        // A link that leads nowhere is one as well.
        Err(_) => digest_of(path).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that no file can have is nothing to be deleted. A whole path that is too long says nothing of the file.
    #[test]
    fn a_name_that_cannot_exist_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("file"), "x").unwrap();
        for name in ["a".repeat(256), "file/below".to_owned(), "none/below".to_owned()] {
            let path = root.join(name);
            assert!(is_gone(&path) && delete(&path).is_ok() && digest_of_noted(&path).unwrap().is_none(), "{path:?}");
        }
        let long = root.join("aa/".repeat(1_400)).join("file");
        assert!(!is_gone(&long) && delete(&long).is_err() && digest_of_noted(&long).is_err());
        assert!(!is_gone(&root.join("file")) && digest_of_noted(&root.join("file")).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn what_a_dead_link_or_a_loop_hides_is_not_gone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(root.join(to), root.join(name)).unwrap();
        link("loop", "loop");
        link("nowhere", "dead");
        fs::create_dir(root.join("folder")).unwrap();
        link("folder", "alive");
        for name in ["loop/file", "dead/file", "dead"] {
            let path = root.join(name);
            assert!(digest_of_noted(&path).is_err() && !is_gone(&path), "{name}");
        }
        for name in ["loop/file", "dead/file"] {
            assert!(delete(&root.join(name)).is_err(), "{name}");
        }
        assert!(digest_of_noted(&root.join("alive/file")).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_two_names_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let [file, other] = ["file", "other"].map(|name| folder.path().join(name));
        fs::write(&file, "x").unwrap();
        assert_eq!(number_of_several_names(&file), None);
        fs::hard_link(&file, &other).unwrap();
        assert!(number_of_several_names(&file).is_some_and(|number| number_of_several_names(&other) == Some(number)));
    }
}
