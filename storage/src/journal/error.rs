//! Why a journal cannot be used, and what was cut off its end.

use std::fmt;
use std::path::PathBuf;

use tributary_protocol::log::AppendFault;

use crate::files::is_full;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no.
    #[error("{path}: {fault}; nothing is done without this file. {cure}", path = path.display(), cure = cure(fault))]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        fault: std::io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another tributary process; stop that one first", path = .0.display())]
    Locked(PathBuf),
    /// The end of the file is not a whole record. A process that writes to it now may have half of an entry there for a moment.
    #[error(
        "{path}: the last {bytes} bytes are an incomplete entry ({entry}), which was never relied on. A daemon that writes at this moment leaves \
         that for a moment, and a crash until the daemon's next start, which cuts it off and says so; try again after that",
        path = .0.path.display(), bytes = .0.bytes, entry = .0.entry
    )]
    Torn(TornTail),
    /// The file was changed or damaged.
    #[error("{path}: {fault}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which entry.
        fault: String,
    },
    /// An earlier write to it failed, so that this process no longer knows what is in it.
    #[error(
        "{path}: an earlier write to it failed, so that nothing more is written. See that its disk has room and may be used, and start the program \
         again: it reads what was recorded", path = .0.display()
    )]
    Failed(PathBuf),
    /// The event is none that a journal takes.
    #[error("{path}: {fault}", path = path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: AppendFault,
    },
}

impl JournalError {
    /// Whether the file could not grow, because its disk or its owner's share of it is full.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { fault, .. } if is_full(fault))
    }
}

fn cure(fault: &std::io::Error) -> &'static str {
    if is_full(fault) {
        "Make room on its disk, and start the daemon again: what was recorded stays"
    } else {
        "See that the disk and the folder are there and may be used, and start the daemon again: what was recorded stays"
    }
}

/// The end of a file that was not a whole record: an append that did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub path: PathBuf,
    /// How much there was of it.
    pub bytes: usize,
    /// The number that the entry would have had.
    pub entry: u64,
}

impl fmt::Display for TornTail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, bytes, entry } = self;
        write!(
            formatter,
            "{}: the last {bytes} bytes were an incomplete entry ({entry}) and were cut off. A crash, a power cut or a full disk leaves that; the entry \
             was never relied on, and every one before it is whole. Was there none of these, somebody cut the file: compare it with its newest \
             copy (`tributary verify ledger`)",
            path.display()
        )
    }
}
