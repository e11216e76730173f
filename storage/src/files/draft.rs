//! A file in the making, and how it gets its name: at once, and durably.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use super::account::user;
use super::error::FileError;
use super::modes::folder_of;
#[cfg(unix)]
use crate::medium::mode_and_owner;
use crate::medium::sync;

/// What stands around the 16 random digits of a draft's name.
pub(crate) const NAME: (&str, &str) = (".", ".tmp");

/// Whether a write may replace what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// An existing file is left alone and the write fails: for keys.
    Keep,
    /// An existing file is replaced at once: for lists and renewed certificates.
    Replace,
}

/// A file in the making, beside its place: nothing of it is left if it is dropped before [`Draft::place`].
pub struct Draft {
    file: File,
    temporary: PathBuf,
    placed: bool,
}

impl Draft {
    /// Begins a file that only its owner may read (mode 0600), in the folder where it will be placed.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn private(folder: &Path) -> io::Result<Self> {
        Self::new(folder, 0o600)
    }

    /// Opens what is in it so far, from the beginning.
    ///
    /// # Errors
    /// What the system says.
    pub fn reopen(&self) -> io::Result<File> {
        File::open(&self.temporary)
    }

    /// Syncs the file, gives it its name, and syncs the folder: durable when this returns.
    ///
    /// # Errors
    /// [`FileError`]; the name is untouched.
    pub fn place(mut self, path: &Path, existing: Existing) -> Result<(), FileError> {
        sync(&self.file).map_err(FileError::system("writing", path))?;
        place(&self.temporary, path, existing)?;
        // A link leaves the name that is no longer needed; where it is gone already, removing it does no harm.
        self.placed = existing == Existing::Replace;
        sync_folder(folder_of(path))
    }

    /// Whether the new file is this user's alone, as it was made.
    #[cfg(unix)]
    pub(super) fn is_private(&self, folder: &Path) -> Result<(), FileError> {
        let made = mode_and_owner(&self.file).map_err(FileError::system("reading the mode of", &self.temporary))?;
        no_modes(folder, made, user()).map_or(Ok(()), Err)
    }

    #[cfg(not(unix))]
    pub(super) fn is_private(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }

    pub(super) fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        let temporary = folder.join(temporary_name()?);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(mode);
        }
        #[cfg(not(unix))]
        let _ = mode;
        let file = options.open(&temporary)?;
        // As long as it is held somebody makes the file: [`crate::unfinished`] passes over it. A medium without locks has none.
        let _ = file.try_lock();
        Ok(Self { file, temporary, placed: false })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // A leftover is harmless and private.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Syncs a folder: what was named or deleted in it is so for good when this returns.
///
/// # Errors
/// [`FileError`].
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| sync(&folder)).map_err(FileError::system("syncing", folder))
}

/// Why a file that was made private is none.
#[cfg(unix)]
pub(super) fn no_modes(folder: &Path, (mode, owner): (u32, u32), user: u32) -> Option<FileError> {
    let private = mode & 0o077 == 0 && owner == user;
    (!private).then(|| FileError::NoModes { folder: folder.to_owned(), owner, mode, user })
}

/// A link fails where the target exists; a rename replaces it. Both are atomic.
fn place(temporary: &Path, path: &Path, existing: Existing) -> Result<(), FileError> {
    match existing {
        Existing::Replace => fs::rename(temporary, path).map_err(FileError::system("replacing", path)),
        Existing::Keep => place_new(temporary, path, |from, to| fs::hard_link(from, to)),
    }
}

/// Gives a new file its name, unless something has it. Where the medium knows no links, as FAT does not, an empty file takes the name first: it
/// fails as a link does if the name is taken, and is then replaced at once. A crash between the two leaves an empty file, which nobody reads as
/// a key.
pub(super) fn place_new(
    temporary: &Path,
    path: &Path,
    link: impl Fn(&Path, &Path) -> io::Result<()>,
) -> Result<(), FileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_owned() },
        _ => FileError::system("creating", path)(source),
    };
    match link(temporary, path) {
        Err(fault) if matches!(fault.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
            OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
            fs::rename(temporary, path).map_err(FileError::system("creating", path))
        }
        linked => linked.map_err(failed),
    }
}

fn temporary_name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|fault| io::Error::other(fault.to_string()))?;
    Ok(format!("{}{:016x}{}", NAME.0, u64::from_le_bytes(random), NAME.1))
}
