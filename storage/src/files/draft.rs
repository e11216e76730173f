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
use crate::medium::{sync, try_lock};

/// What stands around the 16 random digits of a draft's name.
pub(crate) const NAME: (&str, &str) = (".", ".tmp");

/// The same as long as nobody holds the draft. Nothing is in it then, and [`crate::unfinished`] does not look at it.
const NAME_BEFORE: (&str, &str) = (".", ".new");

/// Random digits of a name.
const DIGITS: usize = 16;

/// Whether a file of this name is a draft's.
pub(crate) fn is_draft(name: &str) -> bool {
    is_between(NAME, name)
}

/// Whether a file of this name is a draft's that nobody held yet.
pub(crate) fn is_begun(name: &str) -> bool {
    is_between(NAME_BEFORE, name)
}

fn is_between((before, after): (&str, &str), name: &str) -> bool {
    let digits = name.strip_prefix(before).and_then(|name| name.strip_suffix(after)).unwrap_or_default();
    digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

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
    /// Whether another name may lead to it, whatever was answered.
    tried: bool,
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
    /// [`FileError`]; the name is untouched. After [`FileError::Exists`], the file that has the name has it for good. But if the folder of a file that
    /// replaces another cannot be synced, the new one has the name, perhaps not for good.
    pub fn place(mut self, path: &Path, existing: Existing) -> Result<(), FileError> {
        sync(&self.file).map_err(FileError::system("writing", path))?;
        self.tried = true;
        let placed = place(&self.temporary, path, existing);
        // Where nothing had the draft's name any more nothing has got the other one.
        self.tried = !placed.as_ref().is_err_and(FileError::is_absent);
        if matches!(placed, Err(FileError::Exists { .. })) {
            // Whoever put it there may not have come so far, and the caller may take it for its own.
            sync_folder(folder_of(path))?;
        }
        placed?;
        // A link leaves the name that is no longer needed; where it is gone already, removing it does no harm.
        self.placed = existing == Existing::Replace;
        let synced = sync_folder(folder_of(path));
        if synced.is_err() && existing == Existing::Keep && is_named(&self.file, path) {
            // Nobody was told of this file, and it would stop the next attempt.
            let _ = fs::remove_file(path);
        }
        synced
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
        let digits = random_digits()?;
        let [begun, temporary] =
            [NAME_BEFORE, NAME].map(|(before, after)| folder.join(format!("{before}{digits}{after}")));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(mode);
        }
        #[cfg(not(unix))]
        let _ = mode;
        let file = options.open(&begun)?;
        // As long as it is held somebody makes the file: [`crate::unfinished`] passes over it. It looks at no name before that, so that it neither deletes
        // the file nor holds it first. A medium without locks has none.
        let _ = try_lock(&file);
        let named = name_once(&begun, &temporary, |from, to| fs::hard_link(from, to));
        if named.is_err() {
            // It is empty.
            let _ = fs::remove_file(&begun);
        }
        named.map(|()| Self { file, temporary, placed: false, tried: false })
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
        // A leftover is private. Where its folder was renamed nobody finds it any more, so that nothing may stay in it.
        if !self.placed && fs::remove_file(&self.temporary).is_err() && !self.tried {
            let _ = self.file.set_len(0);
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

/// Whether a name is this file's: somebody may have put another one there.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let is = |found: fs::Metadata| (found.dev(), found.ino());
    matches!((file.metadata().map(is), fs::symlink_metadata(path).map(is)), (Ok(own), Ok(found)) if own == found)
}

#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> bool {
    true
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
            // The empty one is this attempt's own, and would stop the next.
            let placed = fs::rename(temporary, path).inspect_err(|_| drop(fs::remove_file(path)));
            placed.map_err(FileError::system("creating", path))
        }
        linked => linked.map_err(failed),
    }
}

/// Gives an empty file another name, which nothing has: a link fails where something has it. A medium without links is asked before.
fn name_once(from: &Path, to: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    match link(from, to) {
        // What will be in it has one name.
        Ok(()) => fs::remove_file(from).inspect_err(|_| drop(fs::remove_file(to))),
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => Err(fault),
        Err(_) => match fs::symlink_metadata(to) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
            found => found.and(Err(io::Error::from(io::ErrorKind::AlreadyExists))),
        },
    }
}

fn random_digits() -> io::Result<String> {
    let mut random = [0; DIGITS / 2];
    getrandom::fill(&mut random).map_err(|fault| io::Error::other(fault.to_string()))?;
    Ok(format!("{:0DIGITS$x}", u64::from_le_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links fail where a name is taken. Media without links, as FAT is, are asked before.
    #[test]
    fn a_draft_takes_the_name_of_nothing_else() {
        type Link = fn(&Path, &Path) -> io::Result<()>;
        let links: [Link; 3] = [
            |from, to| fs::hard_link(from, to),
            |_, _| Err(io::Error::from(io::ErrorKind::PermissionDenied)),
            |_, _| Err(io::Error::from(io::ErrorKind::Unsupported)),
        ];
        for link in links {
            let folder = tempfile::tempdir().unwrap();
            let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
            fs::write(&from, "").unwrap();
            fs::write(&to, "somebody's").unwrap();
            assert_eq!(name_once(&from, &to, link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&to).unwrap(), "somebody's");
            fs::remove_file(&to).unwrap();
            name_once(&from, &to, link).unwrap();
            assert!(!from.exists() && to.exists());
        }
    }

    /// Whoever renames the folder leads the draft away from its name. Nothing of it stays there.
    #[test]
    fn a_draft_whose_folder_was_renamed_is_emptied() {
        let outside = tempfile::tempdir().unwrap();
        let [folder, moved] = ["folder", "moved"].map(|name| outside.path().join(name));
        fs::create_dir(&folder).unwrap();
        // The last two are about to get their name.
        for existing in [None, Some(Existing::Replace), Some(Existing::Keep)] {
            let mut draft = Draft::private(&folder).unwrap();
            draft.write_all(b"a customer").unwrap();
            fs::rename(&folder, &moved).unwrap();
            match existing {
                None => drop(draft),
                Some(existing) => assert!(draft.place(&folder.join("file"), existing).is_err()),
            }
            let left: Vec<_> = fs::read_dir(&moved).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert_eq!(left.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), [b""], "{existing:?}");
            left.iter().for_each(|path| fs::remove_file(path).unwrap());
            fs::rename(&moved, &folder).unwrap();
        }
    }
}
