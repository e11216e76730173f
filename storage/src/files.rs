//! Files that survive a crash and keep secrets: atomic writes, private modes, bounded reads.
//!
//! A write goes to a temporary file in the same folder, is synced, renamed over its target, and the folder is synced: a reader sees the old
//! file or the new one. Private files are made with mode 0600 from the first byte. They are refused when others can read them, when they belong to
//! another user than the one this process runs as, and when they lie in a folder where others could put another file in their place.
//!
//! Does **not** look at the folders above, nor follow a link to the folder of its target. Does **not** guarantee anything about modes outside
//! Unix, where the folder's access control list must protect private files.

mod account;
mod draft;
mod error;
mod modes;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tributary_protocol::versioned::Versioned;
use zeroize::Zeroizing;

#[cfg(unix)]
pub use self::account::user;
pub use self::account::{account, own_account};
pub use self::draft::{Draft, Existing, sync_folder};
pub(crate) use self::draft::{is_begun, is_draft};
pub use self::error::{FILE_BYTES_MAX, FileError, is_full, shown};
use self::modes::{check_folder, check_private};
pub use self::modes::{folder_of, only_we_may_change};
use crate::medium::{make_private_folder, sync};

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

/// Begins a file that only its owner may read, in a folder that is there and that only its owner may change. Nothing is in it yet: for what must not
/// stand in any file before something else is durable.
///
/// # Errors
/// [`FileError`].
pub fn begin_private(path: &Path) -> Result<Draft, FileError> {
    check_folder(path)?;
    begin(path, 0o600)
}

/// As [`write_private`], of any length and after the header of its format: for stores, whose files grow with a federation or a model.
///
/// # Errors
/// [`FileError`].
pub fn write_stored(path: &Path, format: &Versioned, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    check_folder(path)?;
    put(path, &[&format.header(), bytes], 0o600, existing)
}

/// Reads a file that everybody may read.
///
/// # Errors
/// [`FileError::NotFile`], [`FileError::System`] or [`FileError::TooLong`].
pub fn read_public(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, FILE_BYTES_MAX)
}

/// Reads what stands after the header of a stored file of any length, and follows no link to it.
///
/// # Errors
/// [`FileError::Layout`] for another kind or version; as [`open_itself`].
pub fn read_stored(path: &Path, format: &Versioned) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open_itself(path)?.read_to_end(&mut bytes).map_err(FileError::system("reading", path))?;
    let layout = |fault| FileError::Layout { path: path.to_owned(), fault };
    let header = bytes.len() - format.read(&bytes).map_err(layout)?.len();
    Ok(bytes.split_off(header))
}

/// Reads a text file that everybody may read.
///
/// # Errors
/// As [`read_public`], and [`FileError::Content`] if it is not UTF-8.
pub fn read_text(path: &Path, what: &'static str) -> Result<String, FileError> {
    String::from_utf8(read_public(path)?).map_err(|_| FileError::content(path, what))
}

/// Refuses a file whose first line is the title of another version, and names that version. What else is wrong with it, its parser says.
///
/// # Errors
/// [`FileError::Version`].
pub fn judge_title(path: &Path, text: &str, title: &str) -> Result<(), FileError> {
    let parts = |line: &'_ str| {
        let (name, version) = line.rsplit_once(' ')?;
        let number = version.parse::<u32>().ok().filter(|number| number.to_string() == version)?;
        Some((name.to_owned(), number))
    };
    let first = text.split('\n').next().unwrap_or_default();
    match (parts(first), parts(title)) {
        (Some((name, found)), Some((own, reads))) if name == own && found != reads => {
            Err(FileError::Version { path: path.to_owned(), found, reads })
        }
        _ => Ok(()),
    }
}

/// Reads a public text with a title, and refuses one of another version.
///
/// # Errors
/// [`FileError`].
pub fn read_titled(path: &Path, title: &str, what: &'static str) -> Result<String, FileError> {
    let text = read_text(path, what)?;
    judge_title(path, &text, title)?;
    Ok(text)
}

/// Reads a file that only its owner may read, into memory that is erased. Mode and owner are taken from the opened file, not from its path.
///
/// # Errors
/// [`FileError::NotPrivate`] if group or others have any right to it, [`FileError::OtherOwner`] if it is not this process's user's,
/// [`FileError::OpenFolder`] if others may replace it, and as [`read_public`].
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = open_file(path)?;
    let metadata = file.metadata().map_err(FileError::system("reading the mode of", path))?;
    check_private(path, &metadata)?;
    check_folder(path)?;
    // Reserved at once, so that no half-filled copy is left behind by a growing vector.
    let length = usize::try_from(metadata.len().min(FILE_BYTES_MAX)).expect("a few MiB fit into memory");
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    read_all(file, (path, FILE_BYTES_MAX), &mut bytes)?;
    Ok(bytes)
}

/// Syncs a file that its owner holds open: what was written to it stays when this returns.
///
/// # Errors
/// What the system says.
pub fn sync_file(file: &File) -> io::Result<()> {
    sync(file)
}

/// Gives a file or a folder another name in the folder where it lies, at once: durable when this returns, if what is in it was. A file of that name is
/// replaced.
///
/// # Errors
/// [`FileError::System`], also if a folder that is not empty has the name. If the folder cannot be synced, it has its new name, perhaps not for good.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::system("naming", to))?;
    sync_folder(folder_of(to))
}

/// Removes a file for good. Where its folder cannot be synced it has its name again: whoever is told that this failed finds it there the next time.
///
/// # Errors
/// [`FileError::System`], also if there is none ([`FileError::is_absent`]) or it is a folder.
pub fn remove(path: &Path) -> Result<(), FileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".removed");
    let removed = Path::new(&name);
    let fault = FileError::system("removing", path);
    // Unlike a removal, a rename takes a folder as well.
    if fs::symlink_metadata(path).is_ok_and(|is| is.is_dir()) {
        return Err(fault(io::ErrorKind::IsADirectory.into()));
    }
    fs::rename(path, removed).map_err(fault)?;
    let synced = sync_folder(folder_of(path));
    // Nobody reads it under its other name.
    let _ = if synced.is_ok() { fs::remove_file(removed) } else { fs::rename(removed, path) };
    synced
}

/// Makes a folder, and those above it, that only its owner may enter (mode 0700): durable when this returns. An existing folder is left as it is.
///
/// # Errors
/// [`FileError::System`].
pub fn create_private_folder(path: &Path) -> Result<(), FileError> {
    make_private_folder(path).map_err(FileError::system("making the folder", path))
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
    read_all(file, (path, FILE_BYTES_MAX), &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| FileError::content(path, what))
}

/// Opens an ordinary file for reading. A pipe would keep its reader waiting for somebody who writes.
///
/// # Errors
/// [`FileError::NotFile`] or [`FileError::System`].
pub fn open_file(path: &Path) -> Result<File, FileError> {
    must_be_file(path)?;
    without_waiting().open(path).map_err(FileError::system("opening", path))
}

/// How a file is opened that somebody may exchange for a pipe between two looks.
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(nix::libc::O_NONBLOCK);
    }
    options
}

/// Reads an ordinary file of at most so many bytes: for whatever somebody else wrote.
///
/// # Errors
/// As [`open_file`], and [`FileError::TooLong`].
pub fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    read_all(open_file(path)?, (path, most), &mut bytes)?;
    Ok(bytes)
}

/// Opens an ordinary file for reading, and follows no link to it.
///
/// # Errors
/// [`FileError::Link`], [`FileError::NotFile`] or [`FileError::System`].
pub fn open_itself(path: &Path) -> Result<File, FileError> {
    let named = fs::symlink_metadata(path).map_err(FileError::system("opening", path))?;
    if named.is_symlink() {
        return Err(FileError::Link { path: path.to_owned() });
    }
    if !named.is_file() {
        return Err(FileError::NotFile { path: path.to_owned() });
    }
    without_following().open(path).map_err(FileError::system("opening", path))
}

/// As [`without_waiting`], where somebody may exchange it for a link as well.
fn without_following() -> OpenOptions {
    let mut options = without_waiting();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
    }
    options
}

/// Reads a file that everybody may read, and follows no link to it.
///
/// # Errors
/// As [`open_itself`], and [`FileError::TooLong`].
pub fn read_itself(path: &Path) -> Result<Vec<u8>, FileError> {
    read_itself_at_most(path, FILE_BYTES_MAX)
}

/// The same of at most so many bytes.
///
/// # Errors
/// As [`open_itself`], and [`FileError::TooLong`].
pub fn read_itself_at_most(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    read_all(open_itself(path)?, (path, most), &mut bytes)?;
    Ok(bytes)
}

/// Refuses what is there and is no ordinary file, before it is opened.
pub(crate) fn must_be_file(path: &Path) -> Result<(), FileError> {
    let named = fs::metadata(path).map_err(FileError::system("opening", path))?;
    if named.is_file() { Ok(()) } else { Err(FileError::NotFile { path: path.to_owned() }) }
}

fn read_all(file: File, (path, most): (&Path, u64), bytes: &mut Vec<u8>) -> Result<(), FileError> {
    file.take(most.saturating_add(1)).read_to_end(bytes).map_err(FileError::system("reading", path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        return Ok(());
    }
    Err(FileError::TooLong { path: path.to_owned(), most })
}

fn write(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), FileError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(FileError::TooLong { path: path.to_owned(), most: FILE_BYTES_MAX });
    }
    put(path, &[bytes], mode, existing)
}

fn put(path: &Path, parts: &[&[u8]], mode: u32, existing: Existing) -> Result<(), FileError> {
    let mut draft = begin(path, mode)?;
    for part in parts {
        draft.write_all(part).map_err(FileError::system("writing", path))?;
    }
    draft.place(path, existing)
}

fn begin(path: &Path, mode: u32) -> Result<Draft, FileError> {
    let draft = Draft::new(folder_of(path), mode).map_err(FileError::system("writing", path))?;
    if mode == 0o600 {
        // Before the secret is in it.
        draft.is_private(folder_of(path))?;
    }
    Ok(draft)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;

#[cfg(all(test, unix))]
mod durable_tests;
