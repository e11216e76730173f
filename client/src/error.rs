//! Why a client does not run. Every text says what happened, what it means and what to do.

use tributary_journal::JournalError;

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings file.
    #[error("{0}")]
    Settings(#[from] tributary_settings::Faults),
    /// A file that the settings name.
    #[error("{0}")]
    File(String),
    /// The budget file.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// This branch refused, or was refused, and trying again cannot help.
    #[error("{0}")]
    Refused(String),
    /// The runtime could not start.
    #[error("the daemon's runtime could not start: {0}")]
    Runtime(#[source] std::io::Error),
}

impl ClientError {
    /// A fault of a file that the settings name.
    pub(crate) fn file(fault: impl ToString) -> Self {
        Self::File(fault.to_string())
    }
}
