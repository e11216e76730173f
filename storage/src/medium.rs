//! What this crate asks of a medium: that bytes stay there, and that a private file is private. Tests see what is asked, and give other answers.

use std::fs::{File, TryLockError};
use std::io;

/// Waits until a file, or what a folder names, is there for good.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    #[cfg(all(test, unix))]
    tests::asked(file)?;
    file.sync_all()
}

/// As [`sync`], without the times of a file.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    #[cfg(all(test, unix))]
    tests::asked(file)?;
    file.sync_data()
}

/// Holds a file where nobody else does.
pub(crate) fn try_lock(file: &File) -> Result<(), TryLockError> {
    #[cfg(all(test, unix))]
    tests::locking().map_err(TryLockError::Error)?;
    file.try_lock()
}

/// The mode that a new file has, and its owner.
#[cfg(unix)]
pub(crate) fn mode_and_owner(file: &File) -> io::Result<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata()?;
    #[cfg(test)]
    if let Some(mode) = tests::MODE.get() {
        return Ok((mode, metadata.uid()));
    }
    Ok((metadata.mode() & 0o7777, metadata.uid()))
}

/// A medium of this thread that fails, or keeps no modes.
#[cfg(all(test, unix))]
pub(crate) mod tests {
    use std::cell::{Cell, RefCell};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::*;

    thread_local! {
        pub(super) static MODE: Cell<Option<u32>> = const { Cell::new(None) };
        static FAILS: Cell<Option<usize>> = const { Cell::new(None) };
        static SYNCED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
        static LOCKING: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
        static LOCKS: Cell<bool> = const { Cell::new(true) };
    }

    pub(super) fn locking() -> io::Result<()> {
        LOCKING.with_borrow(|look| look.iter().for_each(|look| look()));
        if LOCKS.get() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::Unsupported)) }
    }

    /// Some work on a medium that has no locks.
    pub(crate) fn without_locks<T>(work: impl FnOnce() -> T) -> T {
        LOCKS.set(false);
        let done = work();
        LOCKS.set(true);
        done
    }

    /// Some work on a medium, with a look at it right before each lock.
    pub(crate) fn before_locks<T>(look: impl Fn() + 'static, work: impl FnOnce() -> T) -> T {
        LOCKING.set(Some(Box::new(look)));
        let done = work();
        LOCKING.set(None);
        done
    }

    pub(super) fn asked(file: &File) -> io::Result<()> {
        SYNCED.with_borrow_mut(|synced| {
            synced.push(file.metadata()?.ino());
            let fails = FAILS.get() == Some(synced.len());
            if fails { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
        })
    }

    /// Each bit of a mode counts: a file that others may only run can be copied.
    #[test]
    fn a_mode_is_read_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().expect("a file");
        for bit in 0..12 {
            let mode = 0o400 | 1 << bit;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).expect("its owner's");
            assert_eq!(mode_and_owner(file.as_file()).expect("is there").0, mode, "{mode:o}");
        }
    }

    /// What was synced by some work, in its order. The sync of one number fails, from 1.
    pub(crate) fn synced<T>(fails: Option<usize>, work: impl FnOnce() -> T) -> (T, Vec<u64>) {
        SYNCED.take();
        FAILS.set(fails);
        let done = work();
        FAILS.set(None);
        (done, SYNCED.take())
    }

    /// How a file or a folder is named in [`synced`].
    pub(crate) fn number(path: &Path) -> u64 {
        std::fs::metadata(path).expect("is there").ino()
    }

    /// Some work on a medium whose files have this mode, whatever they are made with.
    pub(crate) fn with_mode<T>(mode: u32, work: impl FnOnce() -> T) -> T {
        MODE.set(Some(mode));
        let done = work();
        MODE.set(None);
        done
    }
}
