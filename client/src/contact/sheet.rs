//! A list's lines: as the register keeps them, and as values that a spreadsheet does not run.

use std::io::Write as _;
use std::path::Path;

use tributary_model::schema::Dialect;
use tributary_storage::files::{Draft, Existing, FileError};
use tributary_texts::defused;

use super::scores::id_of;
use crate::data::{Origin, RowFault, Rows, read_plain};
use crate::error::ClientError;

/// The columns of a kept list.
const HEADER: [&str; 14] = [
    "line",
    "customer",
    "team",
    "score",
    "probability",
    "decile",
    "points",
    "reason_1",
    "reason_2",
    "reason_3",
    "stage",
    "action",
    "notice",
    "model",
];

/// A line of a list, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub line: u32,
    /// The customer's id; empty where the line was erased.
    pub customer: String,
    /// The team.
    pub team: String,
    /// The logit.
    pub score: String,
    /// The probability.
    pub probability: String,
    /// The tenth.
    pub decile: String,
    /// Points.
    pub points: String,
    /// Why the score is what it is, the most important reason first.
    pub reasons: [String; 3],
    /// Stage, action and notice.
    pub ends: [String; 3],
    /// The first digits of the digest of the model that scored the customer.
    pub model: String,
}

/// All lines of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// In their order.
    pub lines: Vec<Line>,
}

impl Sheet {
    /// As a file: comma-separated values in UTF-8.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut table = Table::new(',');
        table.row(HEADER.iter().copied());
        for line in &self.lines {
            let number = line.line.to_string();
            let Line { customer, team, score, probability, decile, points, reasons, ends, model, .. } = line;
            let first = [&number, customer, team, score, probability, decile, points];
            table.row(first.into_iter().chain(reasons).chain(ends).chain([model]).map(String::as_str));
        }
        table.into_text().into_bytes()
    }

    /// Reads a kept list.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(path: &Path) -> Result<Self, ClientError> {
        struct Reader(Sheet);
        impl Rows for Reader {
            fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
                match header.iter().map(String::as_str).eq(HEADER) {
                    true => Ok((0..HEADER.len()).collect()),
                    false => {
                        Err(RowFault { column: None, text: "these are not the columns of a kept list".to_owned() })
                    }
                }
            }

            fn row(&mut self, _: u64, values: &[String]) -> Result<(), RowFault> {
                let value = |place: usize| values.get(place).cloned().unwrap_or_default();
                let line = value(0).parse().map_err(|_| RowFault::of("line", "no number of a line"))?;
                self.0.lines.push(Line {
                    line,
                    customer: id_of(&value(1)).to_owned(),
                    team: value(2),
                    score: value(3),
                    probability: value(4),
                    decile: value(5),
                    points: value(6),
                    reasons: [value(7), value(8), value(9)],
                    ends: [value(10), value(11), value(12)],
                    model: value(13),
                });
                Ok(())
            }
        }
        let mut reader = Reader(Self::default());
        let origin = Origin::File(path.to_path_buf());
        read_plain(&origin, (None, &Dialect::comma_separated()), &mut reader)
            .map_err(|fault| ClientError::rows(&fault))?;
        Ok(reader.0)
    }

    /// Takes everything out of a line but its number.
    pub fn erase(&mut self, line: u32) {
        if let Some(found) = self.lines.iter_mut().find(|found| found.line == line) {
            *found = Line { line, ..Line::default() };
        }
    }
}

/// Rows as text, with quotes where they are needed.
pub(super) struct Table {
    delimiter: char,
    text: String,
}

impl Table {
    pub(super) fn new(delimiter: char) -> Self {
        Self { delimiter, text: String::new() }
    }

    /// Appends a row.
    pub(super) fn row<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        for (place, value) in values.enumerate() {
            if place > 0 {
                self.text.push(self.delimiter);
            }
            let value = defused(value);
            if value.contains(['"', '\n', '\r', self.delimiter])
                || value.starts_with([' ', '\t'])
                || value.ends_with([' ', '\t'])
            {
                self.text.push('"');
                self.text.push_str(&value.replace('"', "\"\""));
                self.text.push('"');
            } else {
                self.text.push_str(&value);
            }
        }
        self.text.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Writes a file of mode 0600 of any length: durable when this returns.
///
/// # Errors
/// [`FileError`].
pub(super) fn write_private_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut draft = Draft::private(folder).map_err(FileError::system("writing", path))?;
    draft.write_all(bytes).map_err(FileError::system("writing", path))?;
    draft.place(path, Existing::Replace)
}
