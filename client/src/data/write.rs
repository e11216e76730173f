//! Delimited text files that the same dialect reads again.

use std::fs;
use std::io;
use std::path::Path;

use tributary_model::schema::{Dialect, Layout};

use super::error::FileError;
use super::source::library;

/// Writes rows that the same dialect reads again; with a header unless the dialect has none. The folder must exist; a file of that name is
/// replaced. Returns the number of rows.
///
/// # Errors
/// [`FileError::Write`]; also for fixed columns and for characters that the dialect's encoding does not have.
pub fn write_csv<'rows>(
    path: &Path,
    dialect: &Dialect,
    header: &[String],
    rows: impl IntoIterator<Item = &'rows Vec<String>>,
) -> Result<u64, FileError> {
    let mut text = Text::new(dialect);
    let mut count = 0;
    if dialect.columns.is_none() {
        text.row(header.iter().map(String::as_str));
    }
    for row in rows {
        text.row(row.iter().map(String::as_str));
        count += 1;
    }
    text.save(path)?;
    Ok(count)
}

/// Rows as text.
pub(super) struct Text<'dialect> {
    dialect: &'dialect Dialect,
    text: String,
}

impl<'dialect> Text<'dialect> {
    pub(super) fn new(dialect: &'dialect Dialect) -> Self {
        Self { dialect, text: String::new() }
    }

    /// Appends a row.
    pub(super) fn row<'value>(&mut self, values: impl Iterator<Item = &'value str>) {
        let Layout::Delimited { delimiter, quote } = &self.dialect.layout else { return };
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.text.push_str(delimiter);
            }
            let quote = quote.map(char::from).filter(|quote| self.needs(value, delimiter, *quote));
            match quote {
                Some(quote) => {
                    self.text.push(quote);
                    self.text.push_str(&value.replace(quote, &format!("{quote}{quote}")));
                    self.text.push(quote);
                }
                None => self.text.push_str(value),
            }
        }
        self.text.push('\n');
    }

    /// Whether a value would be read as another one without quotes.
    fn needs(&self, value: &str, delimiter: &str, quote: char) -> bool {
        let comment = self.dialect.comment.is_some_and(|comment| value.as_bytes().first() == Some(&comment));
        value.contains([quote, '\n', '\r'])
            || value.contains(delimiter)
            || comment
            || (value.is_empty() && self.alone())
    }

    /// Whether nothing stands before in this line: an empty line would be skipped.
    fn alone(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub(super) fn save(self, path: &Path) -> Result<(), FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        if matches!(self.dialect.layout, Layout::Fixed(_)) {
            return Err(failed(io::ErrorKind::Unsupported.into()));
        }
        let (bytes, encoding, replaced) = library(self.dialect.encoding).encode(&self.text);
        if replaced || encoding != library(self.dialect.encoding) {
            return Err(failed(io::ErrorKind::InvalidData.into()));
        }
        fs::write(path, bytes).map_err(failed)
    }
}
