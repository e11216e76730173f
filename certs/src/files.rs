//! Files that survive a crash and keep secrets: atomic writes, private modes, bounded reads.
//!
//! A write goes to a temporary file in the same folder, is synced, renamed over its target, and the folder is synced: a reader sees the old
//! file or the new one. Private files are made with mode 0600 from the first byte. They are refused when others can read them, when they belong to
//! another user than the one this process runs as, and when they lie in a folder where others could put another file in their place.
//!
//! Does **not** look at the folders above, nor follow a link to the folder of its target. Does **not** guarantee anything about modes outside
//! Unix, where the folder's access control list must protect private files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tributary_protocol::entropy::Entropy;
use zeroize::Zeroizing;

use crate::entropy::OsEntropy;

/// Longest file that is read and written here, in bytes: a full log of issued certificates with longest names.
pub const FILE_BYTES_MAX: u64 = 20 << 20;

/// Why a file could not be used. The operator or the environment is to blame; the message names the file and the cure.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{action} {} failed: {source}. Check that the folder exists and that this user may use it", path.display())]
    System {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A private file that other users may read.
    #[error(
        "{} holds a secret, but its mode {mode:04o} lets other users read it. It may have been copied: \
         run `chmod 600` on it if nobody else had access, otherwise issue a new one",
        path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A private file of another user.
    #[error(
        "{} holds a secret and belongs to {}, but this process runs as {}: whoever owns it can read and change it. \
         Run `chown` on it if nobody else had access, otherwise issue a new one",
        path.display(), account(*owner), account(*user)
    )]
    OtherOwner {
        /// The file.
        path: PathBuf,
        /// The number of the user that it belongs to.
        owner: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// A folder in which others can replace a private file.
    #[error(
        "{} belongs to {} and has the mode {mode:04o}, so that others can replace the secret {} in it; this process runs as {}. \
         Run `chown` and `chmod go-w` on the folder, or keep the secret in another one",
        folder.display(), account(*owner), path.display(), account(*user)
    )]
    OpenFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// The number of the user that the folder belongs to.
        owner: u32,
        /// The folder's permission bits.
        mode: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// A file that must not be replaced is already there.
    #[error("{} exists already and is not replaced. Move it away if it is no longer needed", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A medium that keeps neither owners nor modes, or keeps others than it was told.
    #[error(
        "{} cannot keep a secret: a private file made there has the mode {mode:04o} and belongs to {}. The medium keeps no owners and modes, as \
         FAT and exFAT do not, and every user of this machine could read it. Format it with ext4, or mount it for this user alone: \
         `mount -o uid={user},umask=077`",
        folder.display(), account(*owner)
    )]
    NoModes {
        /// The folder.
        folder: PathBuf,
        /// The number of the user that a new file belongs to.
        owner: u32,
        /// A new file's permission bits.
        mode: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// A file that somebody else could have put there or changed.
    #[error(
        "{} is not believed: {what}. Whoever can change it can deceive this command; find out who did, and restore it from a copy",
        path.display()
    )]
    NotOwn {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A list that has no room.
    #[error(
        "{} has {limit} lines, and none of them is past: nothing is added. If so many were not asked for, find the branch that renews too often",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Lines that it may have.
        limit: usize,
    },
    /// Longer than anything this program writes.
    #[error("{} is longer than {FILE_BYTES_MAX} bytes, so it is no file of this program. Check the path", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The content is not what the file's name promises.
    #[error("{} is not a valid {what}. Restore it from a copy or make it again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
}

impl FileError {
    /// The error for a file whose content cannot be parsed.
    #[must_use]
    pub fn content(path: &Path, what: &'static str) -> Self {
        Self::Content { path: path.to_owned(), what }
    }

    pub(crate) fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::System { action, path, source }
    }
}

/// Whether a write may replace what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// An existing file is left alone and the write fails: for keys.
    Keep,
    /// An existing file is replaced at once: for lists and renewed certificates.
    Replace,
}

/// Writes a file that everybody may read (mode 0644).
///
/// # Errors
/// [`FileError`].
pub fn write_public(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    write(path, bytes, 0o644, existing)
}

/// Writes a file that only its owner may read (mode 0600), into a folder that only its owner may change.
///
/// # Errors
/// [`FileError`].
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    check_folder(path)?;
    write(path, bytes, 0o600, existing)
}

/// As [`write_private`], of any length: for stores, whose files grow with a federation or a model and are read by the store alone.
///
/// # Errors
/// [`FileError`].
pub fn write_stored(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    check_folder(path)?;
    put(path, bytes, 0o600, existing)
}

/// Reads a file that everybody may read.
///
/// # Errors
/// [`FileError::System`] or [`FileError::TooLong`].
pub fn read_public(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(FileError::system("opening", path))?;
    let mut bytes = Vec::new();
    read_all(file, path, &mut bytes)?;
    Ok(bytes)
}

/// Reads a text file that everybody may read.
///
/// # Errors
/// As [`read_public`], and [`FileError::Content`] if it is not UTF-8.
pub fn read_text(path: &Path, what: &'static str) -> Result<String, FileError> {
    String::from_utf8(read_public(path)?).map_err(|_| FileError::content(path, what))
}

/// Reads a file that only its owner may read, into memory that is erased. Mode and owner are taken from the opened file, not from its path.
///
/// # Errors
/// [`FileError::NotPrivate`] if group or others have any right to it, [`FileError::OtherOwner`] if it is not this process's user's,
/// [`FileError::OpenFolder`] if others may replace it, and as [`read_public`].
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(FileError::system("opening", path))?;
    let metadata = file.metadata().map_err(FileError::system("reading the mode of", path))?;
    check_private(path, &metadata)?;
    check_folder(path)?;
    // Reserved at once, so that no half-filled copy is left behind by a growing vector.
    let length = usize::try_from(metadata.len().min(FILE_BYTES_MAX)).expect("a few MiB fit into memory");
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    read_all(file, path, &mut bytes)?;
    Ok(bytes)
}

/// Makes a folder, and those above it, that only its owner may enter (mode 0700). An existing folder is left as it is.
///
/// # Errors
/// [`FileError::System`].
pub fn create_private_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(FileError::system("making the folder", path))
}

/// Whether a folder keeps a file private: asked before a secret is written there. Nothing is left behind.
///
/// # Errors
/// [`FileError::NoModes`] on a medium without owners and modes, [`FileError::OpenFolder`] where others can replace files, [`FileError::System`].
pub fn keeps_secrets(folder: &Path) -> Result<(), FileError> {
    check_folder(&folder.join("a secret"))?;
    let draft = Draft::private(folder).map_err(FileError::system("writing to", folder))?;
    draft.is_private(folder)
}

/// Reads a text file that says what to believe and holds no secret: nobody else can have put it there or changed it.
///
/// # Errors
/// [`FileError::NotOwn`] for a link, for anything but a file, or if others may change it; [`FileError::OpenFolder`]; as [`read_text`].
pub fn read_own(path: &Path, what: &'static str) -> Result<String, FileError> {
    let not_own = |what| FileError::NotOwn { path: path.to_owned(), what };
    let named = fs::symlink_metadata(path).map_err(FileError::system("opening", path))?;
    if !named.is_file() {
        return Err(not_own("it is a link, or no file at all"));
    }
    check_folder(path)?;
    let file = File::open(path).map_err(FileError::system("opening", path))?;
    let opened = file.metadata().map_err(FileError::system("reading the mode of", path))?;
    // Between the two looks nobody else can replace it: the folder is this user's.
    if !only_we_may_change(&opened) {
        return Err(not_own("others may change it, or it belongs to somebody else"));
    }
    let mut bytes = Vec::new();
    read_all(file, path, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| FileError::content(path, what))
}

fn read_all(file: File, path: &Path, bytes: &mut Vec<u8>) -> Result<(), FileError> {
    file.take(FILE_BYTES_MAX + 1).read_to_end(bytes).map_err(FileError::system("reading", path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(());
    }
    Err(FileError::TooLong { path: path.to_owned() })
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

    /// Syncs the file, gives it its name, and syncs the folder: durable when this returns.
    ///
    /// # Errors
    /// [`FileError`]; the name is untouched.
    pub fn place(mut self, path: &Path, existing: Existing) -> Result<(), FileError> {
        self.file.sync_all().map_err(FileError::system("writing", path))?;
        place(&self.temporary, path, existing)?;
        // A link leaves the name that is no longer needed; where it is gone already, removing it does no harm.
        self.placed = existing == Existing::Replace;
        let folder = folder_of(path);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(FileError::system("syncing the folder of", path))
    }

    /// Whether the new file is this user's alone, as it was made.
    #[cfg(unix)]
    fn is_private(&self, folder: &Path) -> Result<(), FileError> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = self.file.metadata().map_err(FileError::system("reading the mode of", &self.temporary))?;
        no_modes(folder, (metadata.mode() & 0o7777, metadata.uid()), user()).map_or(Ok(()), Err)
    }

    #[cfg(not(unix))]
    fn is_private(&self, _: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        let temporary = folder.join(temporary_name());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(mode);
        }
        #[cfg(not(unix))]
        let _ = mode;
        Ok(Self { file: options.open(&temporary)?, temporary, placed: false })
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

/// Why a file that was made private is none.
#[cfg(unix)]
fn no_modes(folder: &Path, (mode, owner): (u32, u32), user: u32) -> Option<FileError> {
    let private = mode & 0o077 == 0 && owner == user;
    (!private).then(|| FileError::NoModes { folder: folder.to_owned(), owner, mode, user })
}

fn write(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), FileError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    put(path, bytes, mode, existing)
}

fn put(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), FileError> {
    let mut draft = Draft::new(folder_of(path), mode).map_err(FileError::system("writing", path))?;
    if mode == 0o600 {
        // Before the secret is in it.
        draft.is_private(folder_of(path))?;
    }
    draft.write_all(bytes).map_err(FileError::system("writing", path))?;
    draft.place(path, existing)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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
fn place_new(temporary: &Path, path: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> Result<(), FileError> {
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

fn temporary_name() -> String {
    let mut random = [0; 8];
    OsEntropy.fill(&mut random);
    format!(".{:016x}.tmp", u64::from_le_bytes(random))
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let (mode, owner, user) = (metadata.mode() & 0o7777, metadata.uid(), user());
    if mode & 0o077 != 0 {
        return Err(FileError::NotPrivate { path: path.to_owned(), mode });
    }
    if owner == user { Ok(()) } else { Err(FileError::OtherOwner { path: path.to_owned(), owner, user }) }
}

#[cfg(unix)]
fn check_folder(path: &Path) -> Result<(), FileError> {
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
pub(crate) fn only_we_may_change(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    (metadata.mode() & 0o022 == 0 || sticky) && [user(), 0].contains(&metadata.uid())
}

/// The number of the user that this process runs as.
#[cfg(unix)]
pub(crate) fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The name of the account that this process runs as, in plain letters.
#[cfg(unix)]
#[must_use]
pub fn own_account() -> String {
    let number = user();
    let name = nix::unistd::User::from_uid(number.into()).ok().flatten().map(|user| user.name);
    let plain = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.filter(plain).unwrap_or_else(|| format!("user-{number}"))
}

/// The name of the account that this process runs as, in plain letters.
#[cfg(not(unix))]
#[must_use]
pub fn own_account() -> String {
    "operator".to_owned()
}

/// A user's name and number, for messages.
#[cfg(unix)]
pub(crate) fn account(number: u32) -> String {
    match nix::unistd::User::from_uid(number.into()) {
        Ok(Some(user)) => format!("{} (user {number})", user.name),
        _ => format!("user {number}"),
    }
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &fs::Metadata) -> Result<(), FileError> {
    Ok(())
}

#[cfg(not(unix))]
fn check_folder(_: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(not(unix))]
#[cfg_attr(not(feature = "pkcs11"), expect(dead_code, reason = "used for a token's library"))]
pub(crate) fn only_we_may_change(_: &fs::Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub(crate) fn account(number: u32) -> String {
    format!("user {number}")
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
