//! What is wrong with a file, all of it at once.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use tributary_model::features::DataError;
use tributary_storage::files::shown;

/// Most faults of one file that are told.
pub const FAULTS_TOLD_MAX: usize = 20;

/// One fault, without a word of what is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The row, from 1, where it is one row's: the header, comments and empty lines do not count.
    pub row: Option<u64>,
    /// The column, where it is one column's.
    pub column: Option<String>,
    /// What it is, and what to do.
    pub text: String,
}

/// The faults of one file, by row and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFaults {
    /// The file.
    pub path: PathBuf,
    /// The first ones, at most [`FAULTS_TOLD_MAX`].
    pub told: Vec<Fault>,
    /// How many there are.
    pub count: u64,
    /// Whether the rest of the file was not looked at.
    pub stopped: bool,
}

impl FileFaults {
    /// No fault yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, ..Self::default() }
    }

    pub(super) fn add(&mut self, fault: impl Into<Fault>) {
        self.count += 1;
        if self.told.len() < FAULTS_TOLD_MAX {
            self.told.push(fault.into());
        }
    }
}

impl From<DataError> for Fault {
    fn from(fault: DataError) -> Self {
        Self { row: fault.row(), column: fault.column().map(str::to_owned), text: fault.to_string() }
    }
}

impl fmt::Display for FileFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shown(&self.path);
        if let ([only], 1) = (self.told.as_slice(), self.count) {
            write!(formatter, "{path}: {}", only.text)?;
        } else {
            write!(formatter, "{path}: {} faults; nothing of the file is used", self.count)?;
            for fault in &self.told {
                write!(formatter, "\n  {}", fault.text)?;
            }
            let more = self.count - self.told.len() as u64;
            if more > 0 {
                write!(formatter, "\n  and {more} more")?;
            }
        }
        if self.stopped {
            formatter.write_str(". What comes after it was not looked at")?;
        }
        Ok(())
    }
}
