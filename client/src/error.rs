//! Why a client does not run. Every text says what happened, what it means and what to do.

use tributary_certs::inspect::date;
use tributary_storage::journal::JournalError;

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
    /// By this machine's clock, a certificate or a list of the coordinator's is not valid now.
    #[error("{0}")]
    Clock(String),
    /// The runtime could not start.
    #[error("the daemon's runtime could not start: {0}")]
    Runtime(#[source] std::io::Error),
}

impl ClientError {
    /// A fault of a file that the settings name.
    pub(crate) fn file(fault: impl ToString) -> Self {
        Self::File(fault.to_string())
    }

    /// A fault that a wrong clock causes; `now` is in Unix seconds.
    pub(crate) fn clock(fault: impl ToString, now: u64) -> Self {
        Self::Clock(format!(
            "{} By this machine's clock it is {}. If that is wrong, set the clock (NTP, or `date`) and give the same command again: the keys that \
             were made stay. If it is right, the coordinator's operator has to act: a certificate or a list there has ended.",
            fault.to_string(),
            date(now)
        ))
    }
}
