//! What is wrong with a data file, without a word of what is in it.

use std::io;
use std::path::{Path, PathBuf};

use tributary_model::features::DataError;
use tributary_model::schema::Encoding;
use tributary_model::train::MaximaFault;
use tributary_protocol::printable::Printable;
use tributary_storage::files::shown;

use super::faults::FileFaults;
use super::place::Origin;

/// Longest row of a data file, in bytes, line breaks inside quotes included.
pub const RECORD_BYTES_MAX: usize = 1 << 16;

/// A data file cannot be read or written. Rows are counted from 1, without the header, comments and empty lines.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened.
    #[error("{path}: cannot be opened ({source}); check the path, and that this user may read it", path = shown(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Reading stopped half-way.
    #[error("{path}: reading stopped after row {row} ({source}); nothing of the file was used", path = shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Last whole row.
        row: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{path}: cannot be written ({source}); check the folder, its permissions and the free space", path = shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is no text.
    #[error("{path}: this is {kind}, and rows are read from text; {cure}", path = shown(path))]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        kind: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// It is in another encoding than the schema says.
    #[error(
        "{path}: {}the file is not {} text; it looks like {}: the schema's key for that is csv.encoding = \"{}\"; or export the file in {}",
        in_row(*row), encoding.name(), looks.name(), looks.name(), encoding.name(), path = shown(path)
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Where that was seen; 0 is the header.
        row: Option<u64>,
        /// The schema's.
        encoding: Encoding,
        /// What it looks like.
        looks: Encoding,
    },
    /// Its first line says another delimiter.
    #[error(
        "{path}: the first line says sep={}, and the schema's delimiter is {delimiter:?} (csv.delimiter); make both say the same",
        Printable::new(said), path = shown(path)
    )]
    Separator {
        /// The file.
        path: PathBuf,
        /// What the line says.
        said: String,
        /// The schema's.
        delimiter: String,
    },
    /// Reading was given up.
    #[error("{path}: reading was stopped; nothing of the file was used", path = shown(path))]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// One of several files has other columns than the first.
    #[error("{path}: its columns are not those of the first file, or in another order; export all files alike", path = shown(path))]
    HeadersDiffer {
        /// The file.
        path: PathBuf,
    },
    /// The settings' public maxima make no table.
    #[error(transparent)]
    Maxima(#[from] MaximaFault),
    /// A database does not answer, or not so that rows can be read.
    #[error("{path}: the database {doing} ({what}); nothing of it was used; {cure}", path = shown(path))]
    Database {
        /// Its name.
        path: PathBuf,
        /// What it does not do.
        doing: &'static str,
        /// What it says of itself, without a word of a row.
        what: String,
        /// What to do.
        cure: &'static str,
    },
    /// Days are counted, and nobody says up to which one.
    #[error(
        "{path}: the mapping counts to the day of the data, and nobody says which day that is; nothing was read. Write the ready file beside a file, \
         add mapping.date_query for a database, or name the day in the settings (data.date)",
        path = shown(path)
    )]
    NoDay {
        /// The source.
        path: PathBuf,
    },
    /// Rows cannot be read, or do not fit the schema.
    #[error("{0}")]
    Faults(Box<FileFaults>),
}

impl FileError {
    /// The one fault of a source as a whole.
    pub(super) fn of_all(path: &Path, fault: DataError) -> Self {
        let mut faults = FileFaults::new(path.to_owned());
        faults.add(fault);
        Self::Faults(Box::new(faults))
    }

    /// Whoever puts another file in its place after the consents were read would have them read of one file, and the rows of another one.
    pub(super) fn changed(origin: &Origin) -> Self {
        let source = io::Error::other("the file was changed while it was read");
        Self::Read { path: origin.name(), row: 0, source }
    }

    /// The query for the day of the data gives something else.
    pub(super) fn no_date(path: &Path) -> Self {
        Self::Database {
            path: path.to_owned(),
            doing: "does not say the day of its data",
            what: "mapping.date_query gives no text YYYY-MM-DD in one row of one column".to_owned(),
            cure: "correct the query, and have the owner sign the mapping again",
        }
    }

    /// Whether its words depend on what is in the rows.
    #[must_use]
    pub fn tells_of_rows(&self) -> bool {
        matches!(self, Self::Faults(_) | Self::Read { .. } | Self::Encoding { row: Some(_), .. })
    }
}

fn in_row(row: Option<u64>) -> String {
    match row {
        None => String::new(),
        Some(0) => "the header shows that ".to_owned(),
        Some(row) => format!("row {row} shows that "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file's name, and what its first line says, hold a line end and an escape of a terminal.
    #[test]
    fn a_fault_stays_on_its_line() {
        let path = || PathBuf::from("rows\n\u{1b}[2Jno fault.csv");
        let source = || io::Error::from(io::ErrorKind::NotFound);
        let said = "\n\u{1b}[31m;".to_owned();
        let encoding = Encoding::Utf8;
        for fault in [
            FileError::Open { path: path(), source: source() },
            FileError::Read { path: path(), row: 3, source: source() },
            FileError::Write { path: path(), source: source() },
            FileError::Kind { path: path(), kind: "a picture", cure: "export text" },
            FileError::Encoding { path: path(), row: Some(1), encoding, looks: encoding },
            FileError::Separator { path: path(), said, delimiter: ";".to_owned() },
            FileError::Stopped { path: path() },
            FileError::NoDay { path: path() },
            FileError::no_date(&path()),
            FileError::HeadersDiffer { path: path() },
            FileError::Faults(Box::new(FileFaults::new(path()))),
        ] {
            let told = fault.to_string();
            assert!(told.contains("\\u{a}\\u{1b}") && !told.contains('\u{1b}'), "{told}");
            assert!(told.lines().all(|line| !line.starts_with("no fault")), "{told}");
        }
    }
}
