//! Why a coordinator does not run. Every text says what happened, what it means and what to do.

use tributary_protocol::round::ResumeFault;
use tributary_settings::Faults;
use tributary_storage::journal::JournalError;
use tributary_transport::ListenError;

use crate::registry::RegistryError;
use crate::store::StoreError;
use crate::witness::Forked;

/// Why a coordinator could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// The settings, or a file that they name.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// The ledger cannot be opened or written. Nothing is decided without it.
    #[error("the ledger cannot be used, so the coordinator does not run: {0}")]
    Ledger(#[from] JournalError),
    /// The ledger is another plan's, or contradicts itself.
    #[error(transparent)]
    Resume(#[from] ResumeFault),
    /// The journal is not the one of which this coordinator has signed a checkpoint.
    #[error(transparent)]
    Forked(#[from] Forked),
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry of models cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The port cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system refused threads or timers.
    #[error("the runtime could not be started: {0}; check this process's limits for threads and open files")]
    Runtime(#[source] std::io::Error),
    /// A run cannot be opened, and the process was to end with the last one.
    #[error("a run cannot be opened, and nothing else is left to serve: {0}")]
    NotOpened(String),
    /// A running daemon could not be asked.
    #[error("{0}")]
    Control(String),
    /// A file cannot be used, or a new one would replace something.
    #[error("{0}")]
    File(#[from] tributary_storage::files::FileError),
}
