//! Why a client does not run. Every text says what happened, what it means and what to do.

use tributary_certs::inspect::date;
use tributary_protocol::printable::Printable;
use tributary_storage::journal::JournalError;
use tributary_texts::{Language, Piece, Said, commands};

use crate::data::FileError;

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings file.
    #[error("{0}")]
    Settings(#[from] tributary_settings::Faults),
    /// A file that the settings name.
    #[error("{0}")]
    File(String),
    /// In both languages.
    #[error("{}", .0.text(Language::English))]
    Said(Said),
    /// What the branch's rows are like: for its own screen alone, and for no log.
    #[error("{}", .0.text(Language::English))]
    Rows(Said),
    /// The budget file.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// This branch refused, or was refused, and trying again cannot help.
    #[error("{0}")]
    Refused(String),
    /// By this machine's clock, a certificate or a list of the coordinator's is not valid now.
    #[error("{}", .0.text(Language::English))]
    Clock(Said),
    /// The runtime could not start.
    #[error("the daemon's runtime could not start: {0}")]
    Runtime(#[source] std::io::Error),
}

impl ClientError {
    /// A fault of a file that the settings name.
    pub(crate) fn file(fault: impl ToString) -> Self {
        Self::File(fault.to_string())
    }

    /// A fault of a file of rows.
    pub(crate) fn rows(fault: &FileError) -> Self {
        if fault.tells_of_rows() { Self::Rows(commands::in_english(fault)) } else { Self::file(fault) }
    }

    /// Whether the disk of the branch's state is full.
    pub(crate) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Journal(fault) if fault.is_full_disk())
    }

    /// For people in both languages. The words of parts that speak English alone are marked as such in Chinese.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::Said(said) | Self::Rows(said) | Self::Clock(said) => said.clone(),
            Self::Settings(faults) => {
                let count = faults.faults.len();
                let file = Printable::new(&faults.file.display().to_string());
                let first = if count == 1 { commands::one_fault_of(&file) } else { commands::faults_of(&file, count) };
                let lines = faults.faults.iter().map(|fault| {
                    let [key, found] = [&fault.key, &fault.found].map(|text| Printable::new(text));
                    commands::fault_line(key, found, &fault.allowed)
                });
                Said::joined(&std::iter::once(first).chain(lines).collect::<Vec<_>>(), "\n").with_english(faults)
            }
            Self::Runtime(fault) => commands::runtime_failed(fault),
            Self::Journal(JournalError::Io { path, fault }) if self.is_full_disk() => {
                commands::disk_full(path.display(), fault)
            }
            Self::File(_) | Self::Journal(_) | Self::Refused(_) => commands::in_english(self),
        }
    }

    /// A fault that a wrong clock causes; `now` is in Unix seconds.
    pub(crate) fn clock(fault: impl Piece, now: u64) -> Self {
        Self::Clock(commands::clock_may_be_wrong(fault, date(now)))
    }
}
