//! Why no bundle was written.

use std::path::PathBuf;

use tributary_certs::roster::RosterFileError;
use tributary_evidence::bundle::BundleFault;
use tributary_settings::Faults;
use tributary_storage::files::{FileError, shown};
use tributary_storage::journal::JournalError;

/// Why no bundle was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// A file cannot be read or written.
    #[error("{0}; no bundle was written")]
    File(#[from] FileError),
    /// The journal is not in order.
    #[error("{0}; no bundle was written, because nobody could rely on it")]
    Journal(#[from] JournalError),
    /// A checkpoint beside the journal is of another one.
    #[error("{path}: {reason}. No bundle was written, because nobody could rely on it", path = path.display())]
    Checkpoints {
        /// The journal.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The list of roster authorities.
    #[error("{0}; a bundle without the list of roster authorities is of nobody, and was not written")]
    Authorities(#[from] RosterFileError),
    /// A part cannot be written.
    #[error("{0}; no bundle was written")]
    Bundle(#[from] BundleFault),
    /// The operating system refused.
    #[error("{path}: {fault}; no bundle was written", path = path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// Its reason.
        fault: std::io::Error,
    },
    /// A file that is another one than the journal names.
    #[error(
        "{path} is not the file that the journal names: it was changed or exchanged. No bundle was written, because nobody could rely on it. Restore the file from a copy of the state. Where there is no copy, move it to another place: the bundle then says that it is not there",
        path = shown(.0)
    )]
    Changed(PathBuf),
    /// There is such a file.
    #[error("{path} is there already, and evidence is not replaced; name another file", path = .0.display())]
    Exists(PathBuf),
    /// No run of that name.
    #[error("the journal {path} has no such run within these days; nothing was written. `tributary coordinator status` and `tributary model list` name runs and plans", path = .0.display())]
    NoRun(PathBuf),
    /// Nothing to export.
    #[error("the journal {path} has no entry up to the last day; nothing was written", path = .0.display())]
    Nothing(PathBuf),
}
