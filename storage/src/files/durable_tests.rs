//! What is there for good when a write, another name or a removal returns, and what is told where it is not.

use std::fs;

use super::tests::names;
use super::*;
use crate::faults::{each_fault, each_sync_fails_once, number, synced};

/// First the bytes, then the name: so a reader after a power cut finds the old file or the whole new one.
#[test]
fn what_is_written_is_synced_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    for existing in [Existing::Keep, Existing::Replace] {
        let path = folder.path().join(format!("{existing:?}"));
        let (done, synced) = synced(None, || write_public(&path, b"text", existing));
        done.unwrap();
        assert_eq!(synced, [number(&path), number(folder.path())], "{existing:?}");
    }
    let (done, synced) = synced(None, || sync_folder(folder.path()));
    done.unwrap();
    assert_eq!(synced, [number(folder.path())]);
}

/// A file whose bytes may be lost gets no name, and a name that may be lost is no success.
#[test]
fn a_sync_that_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    write_public(&path, b"old", Existing::Replace).unwrap();
    for (fails, left) in [(1, b"old"), (2, b"new")] {
        let (told, _) = synced(Some(fails), || write_public(&path, b"new", Existing::Replace));
        assert!(matches!(told, Err(FileError::System { source, .. }) if is_full(&source)), "sync {fails}");
        assert_eq!((read_public(&path).unwrap().as_slice(), names(folder.path()).len()), (&left[..], 1));
    }
    // A file that is to be new is there for good, or not at all: else it would stop the next attempt.
    let path = || tempfile::tempdir().unwrap();
    assert_eq!(each_sync_fails_once(path, |at| write_private(&at.path().join("key"), b"new", Existing::Keep)), 2);
}

#[test]
fn another_name_is_there_for_good_or_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("next"), folder.path().join("own"));
    fs::write(&to, "old").unwrap();
    fs::write(&from, "new").unwrap();
    let (told, asked) = synced(None, || rename(&from, &to));
    told.unwrap();
    assert_eq!((asked, from.exists()), (vec![number(folder.path())], false));
    assert_eq!(fs::read(&to).unwrap(), b"new");
    fs::write(&from, "newer").unwrap();
    assert!(synced(Some(1), || rename(&from, &to)).0.is_err());
    assert!(matches!(rename(&from, &to), Err(FileError::System { .. })), "it has its new name");
}

/// A mark that could come back says so as long as it may.
#[test]
fn a_file_is_removed_for_good_or_is_there() {
    let failed = each_fault(|fault| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        fs::write(&path, "text").unwrap();
        let removed = fault.during(|| remove(&path));
        assert_eq!((removed.is_err(), path.exists()), (fault.struck(), fault.struck()));
        assert_eq!(names(folder.path()).len(), usize::from(fault.struck()));
    });
    assert_eq!(failed, 1);
    let none = remove(Path::new("/nowhere/mark"));
    assert!(none.is_err_and(|fault| fault.is_absent()));
    let folder = tempfile::tempdir().unwrap();
    let told = remove(folder.path()).unwrap_err();
    assert!(!told.is_absent() && folder.path().exists(), "{told}");
}

/// A file that is there already was written by somebody who may not have synced its name. Whoever takes it for its own relies on it.
#[test]
fn a_file_that_is_there_already_is_there_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_public(&path, b"text", Existing::Keep).unwrap();
    let (told, asked) = synced(None, || write_public(&path, b"text", Existing::Keep));
    assert!(matches!(told, Err(FileError::Exists { .. })) && asked.contains(&number(folder.path())), "{asked:?}");
}
