//! Another name, for good.

use std::fs;

use super::{FileError, rename};
use crate::faults::{number, synced};

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
