//! Rows of a text file with bounded memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ::csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use tributary_model::schema::Dialect;

use super::error::{FileError, RECORD_BYTES_MAX};

/// Size of the parser's input buffer: what it may have read ahead of a row.
const BUFFER_BYTES: usize = 1 << 13;

/// The rows of one file. Empty lines and comments are skipped; a byte order mark is not part of the first value.
pub(super) struct Records {
    path: PathBuf,
    reader: Reader<Bounded>,
    record: StringRecord,
    header: Vec<String>,
    row: u64,
    fetched: Rc<Cell<usize>>,
}

/// A file that stops once more bytes were fetched since the last row than a row may have.
struct Bounded {
    file: File,
    fetched: Rc<Cell<usize>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fetched.get() > RECORD_BYTES_MAX + BUFFER_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.file.read(buffer)?;
        self.fetched.set(self.fetched.get() + count);
        Ok(count)
    }
}

impl Records {
    /// Opens a file and reads its header, if the dialect has one. A file without a line has an empty header.
    pub(super) fn open(path: &Path, dialect: &Dialect) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|source| FileError::Open { path: path.to_owned(), source })?;
        let fetched = Rc::new(Cell::new(0));
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES);
        builder.delimiter(dialect.delimiter).comment(dialect.comment);
        match dialect.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        let reader = builder.from_reader(Bounded { file, fetched: Rc::clone(&fetched) });
        let mut records =
            Self { path: path.to_owned(), reader, record: StringRecord::new(), header: Vec::new(), row: 0, fetched };
        records.header = match &dialect.columns {
            Some(columns) => columns.clone(),
            None => records.next()?.map(|(_, record)| record.iter().map(str::to_owned).collect()).unwrap_or_default(),
        };
        records.row = 0;
        Ok(records)
    }

    /// Column names.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row and its number, from 1; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, FileError> {
        self.fetched.set(0);
        match self.reader.read_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                self.row += 1;
                Ok(Some((self.row, &self.record)))
            }
            Err(error) => Err(self.explained(error)),
        }
    }

    fn explained(&self, error: ::csv::Error) -> FileError {
        let (path, row) = (self.path.clone(), self.row + 1);
        match error.into_kind() {
            ErrorKind::Utf8 { .. } => FileError::NotUtf8 { path, row },
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                FileError::RecordTooLong { path, row }
            }
            ErrorKind::Io(source) => FileError::Read { path, row: self.row, source },
            // A flexible reader reports nothing else; its text would quote no value either.
            _ => FileError::Read { path, row: self.row, source: io::ErrorKind::InvalidData.into() },
        }
    }
}
