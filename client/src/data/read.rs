//! A file's rows, encoded by their schema.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tributary_model::features::{DataError, FeatureMatrix, RawBatch};
use tributary_model::schema::{Layout, Schema};
use tributary_protocol::digest::Digest;

use super::error::FileError;
use super::faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
use super::fingerprint::Fingerprint;
use super::record::OddityKind;
use super::records::{Ended, Records};

/// A wish to stop reading, from another thread.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From here on reading ends at the next row.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wished(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that was read whole.
pub struct ReadTable {
    /// Its rows.
    pub rows: FeatureMatrix,
    /// Places that may be wrong although they can be read, at most [`FAULTS_TOLD_MAX`].
    pub doubts: Vec<Fault>,
    /// SHA-256 of the bytes that were read, up to the file's end; of the last file, where there are several.
    pub digest: Digest,
}

/// Reads a file whole. Rows stream through; only their encoding stays in memory.
///
/// # Errors
/// All faults of the file and of its rows; also if it has no rows, or somebody wishes to stop.
pub fn read_table(path: &Path, schema: &Schema, stop: &Stop) -> Result<ReadTable, FileError> {
    read(&[path.to_owned()], schema, (&|_| true, stop))
}

/// The SHA-256 of a file as it lies there, whether or not its rows can be read.
///
/// # Errors
/// If it cannot be opened or read.
pub fn file_digest(path: &Path) -> Result<Digest, FileError> {
    let file = File::open(path).map_err(|source| FileError::Open { path: path.to_owned(), source })?;
    Fingerprint::of(file).finish().map_err(|source| FileError::Read { path: path.to_owned(), row: 0, source })
}

/// As [`read_table`], for whoever does not ask about doubts.
///
/// # Errors
/// As [`read_table`].
pub fn read_csv(path: &Path, schema: &Schema) -> Result<FeatureMatrix, FileError> {
    read_csv_rows(&[path.to_owned()], schema, |_| true)
}

/// Reads the rows that `keep` accepts, by their index from 0: in file order, the second file's rows after the first's. Rows that are not
/// kept are not looked at.
///
/// # Errors
/// As [`read_table`]; also if a file's columns differ from the first file's.
pub fn read_csv_rows(
    paths: &[PathBuf],
    schema: &Schema,
    keep: impl Fn(usize) -> bool,
) -> Result<FeatureMatrix, FileError> {
    read(paths, schema, (&keep, &Stop::default())).map(|table| table.rows)
}

fn read<'schema>(
    paths: &[PathBuf],
    schema: &'schema Schema,
    (keep, stop): (&dyn Fn(usize) -> bool, &Stop),
) -> Result<ReadTable, FileError> {
    let mut first: Option<(Vec<String>, RawBatch<'schema>)> = None;
    let mut doubts = Vec::new();
    let mut digest = Digest::ZERO;
    let mut index = 0;
    for path in paths {
        let mut records = Records::open(path, schema.dialect())?;
        let (header, batch) = match &mut first {
            Some(first) => first,
            empty => empty.insert((records.header().to_vec(), batch_for(path, schema, records.header())?)),
        };
        if records.header() != header.as_slice() {
            return Err(FileError::HeadersDiffer { path: path.clone() });
        }
        let mut faults = FileFaults::new(path.clone());
        loop {
            if stop.wished() {
                return Err(FileError::Stopped { path: path.clone() });
            }
            let (row, record) = match records.next() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(Ended::File(fault)) if faults.count == 0 => return Err(fault),
                Err(ended) => {
                    faults.stopped = true;
                    match ended {
                        Ended::Broken(fault) => faults.add(fault),
                        Ended::File(fault) => faults.add(Fault { row: None, column: None, text: fault.to_string() }),
                    }
                    break;
                }
            };
            let odd = record.oddities.iter().any(|oddity| oddity.kind != OddityKind::HoldsARow);
            if keep(index) && !odd {
                // The batch and the record hold nothing of each other.
                let values: Vec<&str> = record.iter().collect();
                for fault in batch.push(row, &values).err().into_iter().flatten() {
                    faults.add(fault);
                }
            }
            index += 1;
            if !record.oddities.is_empty() {
                for oddity in record.oddities.clone() {
                    let fault = records.fault(&oddity);
                    match oddity.kind {
                        OddityKind::HoldsARow if doubts.len() < FAULTS_TOLD_MAX => doubts.push(fault),
                        OddityKind::HoldsARow => {}
                        _ => faults.add(fault),
                    }
                }
            }
        }
        if faults.count > 0 {
            return Err(FileError::Faults(Box::new(faults)));
        }
        digest = records.digest()?;
    }
    let path = paths.first().cloned().unwrap_or_default();
    match first {
        Some((_, batch)) => {
            let rows = batch.into_features().map_err(|fault| only(&path, fault))?;
            Ok(ReadTable { rows, doubts, digest })
        }
        None => Err(only(&path, DataError::NoRows)),
    }
}

fn batch_for<'schema>(path: &Path, schema: &'schema Schema, header: &[String]) -> Result<RawBatch<'schema>, FileError> {
    if header.is_empty() {
        return Err(only(path, DataError::NoRows));
    }
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    RawBatch::new(schema, &names).map_err(|found| {
        let mut faults = FileFaults::new(path.to_owned());
        faults.stopped = true;
        for fault in found {
            let hint = if matches!(fault, DataError::OneColumn { .. }) { delimiter_hint(schema, header) } else { None };
            let mut fault = Fault::from(fault);
            fault.text.extend(hint);
            faults.add(fault);
        }
        FileError::Faults(Box::new(faults))
    })
}

fn only(path: &Path, fault: DataError) -> FileError {
    let mut faults = FileFaults::new(path.to_owned());
    faults.add(fault);
    FileError::Faults(Box::new(faults))
}

/// What the header's one column may be divided by.
fn delimiter_hint(schema: &Schema, header: &[String]) -> Option<String> {
    /// In the order in which they are looked for: one may be a part of another.
    const USUAL: [&str; 10] = ["|@|", "|!|", "||", "\u{1}", ";", "\t", "|", ",", "^", "~"];
    let Layout::Delimited { delimiter, .. } = &schema.dialect().layout else { return None };
    let line = header.first()?;
    let count = |usual: &&str| line.matches(*usual).count();
    let found = USUAL.iter().copied().filter(|usual| usual != delimiter && count(usual) > 0);
    let found = found.max_by_key(|usual| (count(usual) * usual.len(), usual.len()))?;
    Some(format!(
        " The schema says {delimiter:?}, and the line holds {found:?} {} times: the schema's key is csv.delimiter",
        count(&found)
    ))
}
