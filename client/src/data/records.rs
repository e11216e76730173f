//! The rows of one file, whatever its layout is.

use std::path::{Path, PathBuf};

use tributary_model::schema::{Dialect, Encoding, Layout};
use tributary_protocol::digest::Digest;

use super::delimited::{Broken, Delimited};
use super::error::{FileError, RECORD_BYTES_MAX};
use super::faults::{Fault, FileFaults};
use super::fingerprint::Fingerprint;
use super::fixed::Fixed;
use super::lines::Lines;
use super::looks;
use super::record::{Oddity, OddityKind, Record};
use super::source::{self, Bytes};

/// The rows of one file. Empty lines and comments are skipped; a byte order mark is not part of the first value.
pub(super) struct Records {
    path: PathBuf,
    rows: Rows,
    encoding: Encoding,
    record: Record,
    header: Vec<String>,
    row: u64,
    fingerprint: Fingerprint,
}

enum Rows {
    Delimited(Box<Delimited<Bytes>>),
    Fixed(Fixed<Bytes>),
}

/// Why no more rows are read.
pub(super) enum Ended {
    /// The file is broken here: a fault of it.
    Broken(Fault),
    /// It is not the file that the schema speaks of, or reading failed.
    File(FileError),
}

impl Ended {
    /// As the only fault of a file.
    pub(super) fn alone(self, path: &Path) -> FileError {
        match self {
            Self::File(fault) => fault,
            Self::Broken(fault) => {
                let mut faults = FileFaults::new(path.to_owned());
                faults.add(fault);
                faults.stopped = true;
                FileError::Faults(Box::new(faults))
            }
        }
    }
}

impl Records {
    /// Opens a file and reads its header, if the dialect has one. A file without a line has an empty header.
    pub(super) fn open(path: &Path, dialect: &Dialect) -> Result<Self, FileError> {
        let (mut lines, fingerprint) = source::open(path, dialect)?;
        let rows = match &dialect.layout {
            Layout::Delimited { delimiter, quote } => {
                separator_line(path, &mut lines, delimiter)?;
                Rows::Delimited(Box::new(Delimited::new(lines, delimiter, *quote, dialect.comment)))
            }
            Layout::Fixed(spans) => {
                Rows::Fixed(Fixed::new(lines, spans, source::library(dialect.encoding), dialect.comment))
            }
        };
        let encoding = dialect.encoding;
        let (record, header) = (Record::default(), Vec::new());
        let mut records = Self { path: path.to_owned(), rows, encoding, record, header, row: 0, fingerprint };
        records.header = match &dialect.columns {
            Some(columns) => columns.clone(),
            None => records.read_header().map_err(|ended| ended.alone(path))?,
        };
        if let Rows::Delimited(rows) = &mut records.rows {
            rows.delimiters = records.header.len().checked_sub(1);
        }
        Ok(records)
    }

    fn read_header(&mut self) -> Result<Vec<String>, Ended> {
        if !self.advance()? {
            return Ok(Vec::new());
        }
        if let Some(oddity) = self.record.oddities.first() {
            return Err(Ended::Broken(self.fault(oddity)));
        }
        Ok(self.record.iter().map(str::to_owned).collect())
    }

    /// Column names.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row and its number; nothing after the last one. What is odd about the row is in it.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &Record)>, Ended> {
        // Where reading breaks, it is in this row.
        self.row += 1;
        let more = self.advance()?;
        Ok(more.then_some((self.row, &self.record)))
    }

    /// The row that was read last.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// The SHA-256 of the file, of which what was not read yet is read now.
    pub(super) fn digest(&self) -> Result<Digest, FileError> {
        let failed = |source| FileError::Read { path: self.path.clone(), row: self.row.saturating_sub(1), source };
        self.fingerprint.finish().map_err(failed)
    }

    fn advance(&mut self) -> Result<bool, Ended> {
        let read = match &mut self.rows {
            Rows::Delimited(rows) => rows.next(&mut self.record),
            Rows::Fixed(rows) => rows.next(&mut self.record),
        };
        let more = read.map_err(|broken| self.ended(broken))?;
        // Text that was decoded has this character where a byte could not be read.
        if more && !matches!(self.encoding, Encoding::Utf8) {
            let unreadable = self.record.iter().position(|value| value.contains('\u{fffd}'));
            let oddity = unreadable.map(|column| Oddity { column, kind: OddityKind::Unreadable });
            self.record.oddities.extend(oddity);
        }
        Ok(more)
    }

    fn ended(&self, broken: Broken) -> Ended {
        let fault = |column: Option<usize>, what: &str| {
            Ended::Broken(Fault {
                row: Some(self.row),
                column: column.and_then(|column| self.header.get(column)).cloned(),
                text: format!("{}{}: {what}", self.place(), column.map_or(String::new(), |column| self.named(column))),
            })
        };
        match broken {
            Broken::Read(source) => {
                Ended::File(FileError::Read { path: self.path.clone(), row: self.row.saturating_sub(1), source })
            }
            Broken::Encoding(bytes) => Ended::File(FileError::Encoding {
                path: self.path.clone(),
                row: Some(self.row),
                encoding: self.encoding,
                looks: looks::of_text(&bytes),
            }),
            Broken::TooLong => fault(
                None,
                &format!(
                    "longer than {RECORD_BYTES_MAX} bytes; look for a quote that is not closed, or for the wrong kind of file"
                ),
            ),
            Broken::OpenQuote(column) => fault(
                Some(column),
                "a quote is opened and not closed; double it where it is part of the value, or set csv.quote = \"\" in the schema if quotes are \
                 ordinary characters",
            ),
        }
    }

    /// A fault of the row that was read last.
    pub(super) fn fault(&self, oddity: &Oddity) -> Fault {
        let what = match oddity.kind {
            OddityKind::TextAfterQuote => {
                "text after a closing quote; double a quote that is part of the value, or set csv.quote = \"\" in the schema if quotes are \
                 ordinary characters"
                    .to_owned()
            }
            OddityKind::Unreadable => {
                format!("a character is not {} (csv.encoding); export the file anew", self.encoding.name())
            }
            OddityKind::CutCharacter => {
                "the column's positions cut through a character; they are counted in bytes of the file".to_owned()
            }
            OddityKind::HoldsARow => {
                "a value over several lines holds as many delimiters as a row: two stray quotes may have swallowed rows".to_owned()
            }
        };
        Fault {
            row: Some(self.row),
            column: self.header.get(oddity.column).cloned(),
            text: format!("{}{}: {what}", self.place(), self.named(oddity.column)),
        }
    }

    fn place(&self) -> String {
        if self.row == 0 { "the header".to_owned() } else { format!("row {}", self.row) }
    }

    /// A column by its name, or by its number where it has none.
    fn named(&self, column: usize) -> String {
        match self.header.get(column) {
            Some(name) => format!(", column {:?}", name.trim()),
            None => format!(", column number {}", column + 1),
        }
    }
}

/// A spreadsheet's first line `sep=;`: passed over where it says what the schema says.
fn separator_line(path: &Path, lines: &mut Lines<Bytes>, delimiter: &str) -> Result<(), FileError> {
    let failed = |source| FileError::Open { path: path.to_owned(), source };
    let Ok(Some(length)) = lines.line().map_err(failed)? else { return Ok(()) };
    let line = String::from_utf8_lossy(&lines.rest()[..length.min(32)]).into_owned();
    let line = line.trim_matches('"');
    let Some(said) = line.get(..4).filter(|begin| begin.eq_ignore_ascii_case("sep=")).map(|_| &line[4..]) else {
        return Ok(());
    };
    // A sheet may have filled the line up with empty cells, and a tab is at times written out.
    let same = said.strip_prefix(delimiter).is_some_and(|rest| rest.replace(delimiter, "").trim().is_empty());
    if same || (said == "\\t" && delimiter == "\t") {
        lines.take(length + 1);
        return Ok(());
    }
    Err(FileError::Separator { path: path.to_owned(), said: said.to_owned(), delimiter: delimiter.to_owned() })
}
