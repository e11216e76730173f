//! Why a file could not be used, in words for whoever runs this program.

use std::io;
use std::path::{Path, PathBuf};

use tributary_protocol::printable::Printable;
use tributary_protocol::versioned::VersionFault;

use super::account::account;

/// Longest file that is read and written here, in bytes: a full log of issued certificates with longest names.
pub const FILE_BYTES_MAX: u64 = 20 << 20;

/// Why a file could not be used. The operator or the environment is to blame; the message names the file and the cure.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{action} {} failed: {source}. {}", shown(path), cure(source))]
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
        shown(path)
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
        shown(path), account(*owner), account(*user)
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
        "{} belongs to {} and has the mode {mode:04o}, so that others can replace the file {} in it; this process runs as {}. \
         Run `chown` and `chmod go-w` on the folder, or keep the file in another one",
        shown(folder), account(*owner), shown(path), account(*user)
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
    #[error("{} exists already and is not replaced. Move it away if it is no longer needed", shown(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A medium that keeps neither owners nor modes, or keeps others than it was told.
    #[error(
        "{} cannot keep a secret: a private file made there has the mode {mode:04o} and belongs to {}. The medium keeps no owners and modes, as \
         FAT and exFAT do not, and every user of this machine could read it. Format it with ext4, or mount it for this user alone: \
         `mount -o uid={user},umask=077`",
        shown(folder), account(*owner)
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
        shown(path)
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
        shown(path)
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Lines that it may have.
        limit: usize,
    },
    /// Longer than anything this program writes.
    #[error("{} is longer than {most} bytes, so it is no file of this program. Check the path", shown(path))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bytes of the longest one.
        most: u64,
    },
    /// A pipe, a device or a folder: reading it might wait for ever.
    #[error(
        "{} is no ordinary file, so it is not opened: a pipe might keep this command waiting for ever. Check the path",
        shown(path)
    )]
    NotFile {
        /// What was named.
        path: PathBuf,
    },
    /// A link, where a file is expected.
    #[error("{} is a link and no file. Find out who put it there, and put the file itself in its place", shown(path))]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A text of a version that this release does not read.
    #[error(
        "{} is of version {found}, which {} wrote, and this release reads version {reads} alone: nothing was changed. {}",
        shown(path), if found > reads { "a newer release" } else { "an earlier release" },
        if found > reads { "Use the release that wrote it, or a later one" } else { "Make it anew with this release" }
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The version that this release reads.
        reads: u32,
    },
    /// Bytes of a layout that this release does not read.
    #[error("{}: {fault}. Nothing was changed", shown(path))]
    Layout {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        fault: VersionFault,
    },
    /// The content is not what the file's name promises.
    #[error("{} is not a valid {what}. Restore it from a copy or make it again", shown(path))]
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

    /// Whether there is no such file.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// The error for what the operating system refused: an action on a file.
    pub fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::System { action, path, source }
    }
}

/// Whether a file could not grow, because its disk or its owner's share of it is full.
#[must_use]
pub fn is_full(fault: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(fault.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn cure(fault: &io::Error) -> &'static str {
    if is_full(fault) { "Make room on its disk" } else { "Check that the folder exists and that this user may use it" }
}

/// A path as it is printed: whatever is in a name, it stays on one line and moves no cursor.
#[must_use]
pub fn shown(path: &Path) -> Printable {
    Printable::new(&path.display().to_string())
}
