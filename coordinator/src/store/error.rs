//! Why the coordinator's state directory cannot be used.

use std::path::PathBuf;

use tributary_certs::state::StateFault;
use tributary_model::server_optimizer::OptimizerError;
use tributary_storage::files::FileError;
use tributary_storage::journal::JournalError;

/// Why the state directory cannot be used or continued from.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be written or a folder made.
    #[error("{0}; nothing is done without it")]
    File(#[from] FileError),
    /// Others may use it, or it is another user's.
    #[error(transparent)]
    State(#[from] StateFault),
    /// The operating system refused.
    #[error("{action} {path} failed: {fault}; check the disk and that this user may use the state directory", path = path.display())]
    System {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        fault: std::io::Error,
    },
    /// The budget heads of all plans.
    #[error("what clients have spent over all plans cannot be kept, so the coordinator does not run: {0}")]
    Heads(#[from] JournalError),
    /// An optimizer's state cannot be continued.
    #[error("{path}: {fault}; restore the state directory from a copy, or serve the plan that it was made for", path = path.display())]
    Optimizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: OptimizerError,
    },
    /// A file's content is not what its name says.
    #[error(
        "{path} does not hold the model {expected} that the ledger names: it was changed or exchanged and is not used; restore the \
         state directory from a copy",
        path = path.display()
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The first digits of the digest that the ledger names.
        expected: String,
    },
}
