//! What this crate asks of a medium: that bytes stay there, and that a private file is private. Tests see what is asked, and give other answers.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

#[cfg(all(unix, any(test, feature = "faults")))]
use crate::faults;

/// Waits until a file, or what a folder names, is there for good.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    #[cfg(all(unix, any(test, feature = "faults")))]
    faults::asked(file)?;
    file.sync_all()
}

/// As [`sync`], without the times of a file.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    #[cfg(all(unix, any(test, feature = "faults")))]
    faults::asked(file)?;
    file.sync_data()
}

/// Makes a folder that only its owner may enter (mode 0700), and those above it: there for good when this returns. One that is there is left as it is.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), make_private_folder)?;
    let mut builder = fs::DirBuilder::new();
    // Another process may have made it by now.
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    let synced = match File::open(above.unwrap_or(Path::new("."))) {
        // In one that may be changed and not read nothing can be synced.
        Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        above => above.and_then(|above| sync(&above)),
    };
    if synced.is_err() {
        // The next attempt is to make it, and to sync it. It is empty, or somebody else uses it.
        let _ = fs::remove_dir(path);
    }
    synced
}

/// Holds a file where nobody else does.
pub(crate) fn try_lock(file: &File) -> Result<(), TryLockError> {
    #[cfg(all(unix, any(test, feature = "faults")))]
    faults::locking().map_err(TryLockError::Error)?;
    file.try_lock()
}

/// The mode that a new file has, and its owner.
#[cfg(unix)]
pub(crate) fn mode_and_owner(file: &File) -> io::Result<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata()?;
    #[cfg(any(test, feature = "faults"))]
    if let Some(mode) = faults::mode() {
        return Ok((mode, metadata.uid()));
    }
    Ok((metadata.mode() & 0o7777, metadata.uid()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{make_private_folder, mode_and_owner};
    use crate::faults::{each_fault, number, synced};

    /// Each bit of a mode counts: a file that others may only run can be copied.
    #[test]
    fn a_mode_is_read_whole() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for bit in 0..12 {
            let mode = 0o400 | 1 << bit;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).expect("its owner's");
            assert_eq!(mode_and_owner(file.as_file()).expect("is there").0, mode, "{mode:o}");
        }
    }

    /// A folder is there for good when the one above it is synced. One that could not be is not left, or the next attempt would take it for good.
    #[test]
    fn a_folder_is_synced_in_each_one_above_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let (above, folder) = (dir.path().join("a"), dir.path().join("a/b"));
        let (made, asked) = synced(None, || make_private_folder(&folder));
        made.expect("is made");
        assert_eq!(asked, [number(dir.path()), number(&above)]);
        let mode = |path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o7777;
        assert_eq!((mode(&above), mode(&folder)), (0o700, 0o700));
        let (made, asked) = synced(None, || make_private_folder(&folder));
        made.expect("is there");
        assert_eq!(asked, [0; 0]);
        let mut there = Vec::new();
        let failed = each_fault(|fault| {
            let dir = tempfile::tempdir().expect("a folder");
            let (above, folder) = (dir.path().join("a"), dir.path().join("a/b"));
            assert_eq!(fault.during(|| make_private_folder(&folder)).is_err(), fault.struck());
            there.push((above.exists(), folder.exists()));
        });
        assert_eq!((failed, there.as_slice()), (2, [(false, false), (true, false), (true, true)].as_slice()));
    }
}
