//! Delimited text files, in the dialect of their schema.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ::csv::{QuoteStyle, Writer, WriterBuilder};
use tributary_model::features::{DataError, FeatureMatrix, RawBatch};
use tributary_model::schema::{Dialect, Schema};

use super::error::FileError;
use super::records::Records;

/// Reads a file whole. Rows stream through; only their encoding stays in memory.
///
/// # Errors
/// The first fault of the file or of its rows; also if it has no rows.
pub fn read_csv(path: &Path, schema: &Schema) -> Result<FeatureMatrix, FileError> {
    read_csv_rows(&[path.to_owned()], schema, |_| true)
}

/// Reads the rows that `keep` accepts, by their index from 0: in file order, the second file's rows behind the first's. Rows that are not
/// kept are not looked at.
///
/// # Errors
/// As [`read_csv`]; also if a file's columns differ from the first file's.
pub fn read_csv_rows(
    paths: &[PathBuf],
    schema: &Schema,
    keep: impl Fn(usize) -> bool,
) -> Result<FeatureMatrix, FileError> {
    read(paths, schema, RawBatch::new, keep)
}

/// Reads a file of customers to be scored, whose label columns may be absent.
///
/// # Errors
/// As [`read_csv`].
pub fn read_csv_for_scoring(path: &Path, schema: &Schema) -> Result<FeatureMatrix, FileError> {
    read(&[path.to_owned()], schema, RawBatch::for_scoring, |_| true)
}

/// Writes rows that the same dialect reads again; with a header unless the dialect has none. The folder must exist; a file of that name is
/// replaced. Returns the number of rows.
///
/// # Errors
/// [`FileError::Write`].
pub fn write_csv<'rows>(
    path: &Path,
    dialect: &Dialect,
    header: &[String],
    rows: impl IntoIterator<Item = &'rows Vec<String>>,
) -> Result<u64, FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let mut writer = text_writer(dialect);
    let mut count = 0;
    if dialect.columns.is_none() {
        writer.write_record(header).map_err(|error| failed(error.into()))?;
    }
    for row in rows {
        writer.write_record(row).map_err(|error| failed(error.into()))?;
        count += 1;
    }
    let text = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    File::create(path).and_then(|mut file| file.write_all(&text)).map_err(failed)?;
    Ok(count)
}

/// A writer into memory.
pub(super) fn text_writer(dialect: &Dialect) -> Writer<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    builder.delimiter(dialect.delimiter).comment(dialect.comment).flexible(true);
    match dialect.quote {
        Some(quote) => builder.quote(quote),
        None => builder.quote_style(QuoteStyle::Never),
    };
    builder.from_writer(Vec::new())
}

fn read<'schema>(
    paths: &[PathBuf],
    schema: &'schema Schema,
    batch: impl Fn(&'schema Schema, &[&str]) -> Result<RawBatch<'schema>, DataError>,
    keep: impl Fn(usize) -> bool,
) -> Result<FeatureMatrix, FileError> {
    let mut first: Option<(Vec<String>, RawBatch<'schema>)> = None;
    let mut index = 0;
    for path in paths {
        let failed = |source| FileError::Rows { path: path.clone(), source };
        let mut records = Records::open(path, schema.dialect())?;
        let (header, batch) = match &mut first {
            Some(first) => first,
            empty => {
                let header: Vec<&str> = records.header().iter().map(String::as_str).collect();
                if header.is_empty() {
                    return Err(failed(DataError::NoRows));
                }
                empty.insert((records.header().to_vec(), batch(schema, &header).map_err(failed)?))
            }
        };
        if records.header() != header.as_slice() {
            return Err(FileError::HeadersDiffer { path: path.clone() });
        }
        while let Some((row, record)) = records.next()? {
            if keep(index) {
                batch.push(row, &record.iter().collect::<Vec<_>>()).map_err(failed)?;
            }
            index += 1;
        }
    }
    let path = paths.first().cloned().unwrap_or_default();
    let failed = |source| FileError::Rows { path, source };
    match first {
        Some((_, batch)) => batch.into_features().map_err(failed),
        None => Err(failed(DataError::NoRows)),
    }
}
