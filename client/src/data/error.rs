//! What is wrong with a data file, without a word of what is in it.

use std::io;
use std::path::PathBuf;

use tributary_model::features::DataError;

/// Longest row of a data file, in bytes, line breaks inside quotes included.
pub const RECORD_BYTES_MAX: usize = 1 << 16;

/// A data file cannot be read or written. Rows are counted from 1, without the header, comments and empty lines.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened.
    #[error("{path}: cannot be opened ({source}); check the path, and that this user may read it", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Reading stopped half-way.
    #[error("{path}: reading stopped behind row {row} ({source}); nothing of the file was used", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Last whole row.
        row: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{path}: cannot be written ({source}); check the folder, its permissions and the free space", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A row does not end.
    #[error("{path}: row {row} is longer than {RECORD_BYTES_MAX} bytes; look for a quote that is not closed, or for the wrong kind of file", path = path.display())]
    RecordTooLong {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
    },
    /// A row is not UTF-8.
    #[error("{path}: row {row} is not UTF-8 text; export the file as UTF-8", path = path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
    },
    /// One of several files has other columns than the first.
    #[error("{path}: its columns are not those of the first file, or in another order; export all files alike", path = path.display())]
    HeadersDiffer {
        /// The file.
        path: PathBuf,
    },
    /// The rows do not fit the schema.
    #[error("{path}: {source}", path = path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: DataError,
    },
}
