//! Modes and owners: whether a file is this user's alone, and whether others may replace it.

use std::fs;
use std::path::Path;

#[cfg(unix)]
use super::account::user;
use super::error::FileError;

/// The folder that a file lies in, or will.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
pub(super) fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let (mode, owner, user) = (metadata.mode() & 0o7777, metadata.uid(), user());
    if mode & 0o077 != 0 {
        return Err(FileError::NotPrivate { path: path.to_owned(), mode });
    }
    if owner == user { Ok(()) } else { Err(FileError::OtherOwner { path: path.to_owned(), owner, user }) }
}

#[cfg(unix)]
pub(super) fn check_folder(path: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let folder = folder_of(path);
    let metadata = fs::metadata(folder).map_err(FileError::system("reading the mode of the folder of", path))?;
    let (mode, owner, user) = (metadata.mode() & 0o7777, metadata.uid(), user());
    if only_we_may_change(&metadata) {
        return Ok(());
    }
    Err(FileError::OpenFolder { path: path.to_owned(), folder: folder.to_owned(), owner, mode, user })
}

/// Whether a file, or what a folder holds, can be changed by this process's user and the superuser alone. In a folder with the sticky bit, as
/// systems mount secrets for containers, others may add files but change none.
#[cfg(unix)]
#[must_use]
pub fn only_we_may_change(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    (metadata.mode() & 0o022 == 0 || sticky) && [user(), 0].contains(&metadata.uid())
}

#[cfg(not(unix))]
pub(super) fn check_private(_: &Path, _: &fs::Metadata) -> Result<(), FileError> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_folder(_: &Path) -> Result<(), FileError> {
    Ok(())
}

/// Outside Unix the folder's access control list decides.
#[cfg(not(unix))]
#[must_use]
pub fn only_we_may_change(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_folder_lies_in_this_one() {
        for (path, folder) in [("key", "."), ("", "."), ("a/key", "a"), ("/key", "/"), ("./key", "."), ("../key", "..")]
        {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
