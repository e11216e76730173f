//! A data set, encoded by its schema.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tributary_model::features::FeatureMatrix;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::events::{Derived, EventsRead, derive};
use super::faults::Fault;
use super::fingerprint::Fingerprint;
use super::intake::{Intake, TakenIn};
use super::looks::must_be_ordinary;
use super::place::Origin;
use super::reading::{Reading, Stop};
use super::stream::stream;
use super::tolerance::RowCounts;

/// A data set that was read whole.
pub struct ReadTable {
    /// Its rows.
    pub rows: FeatureMatrix,
    /// Places that may be wrong although they can be read, at most [`FAULTS_TOLD_MAX`](super::FAULTS_TOLD_MAX).
    pub doubts: Vec<Fault>,
    /// Of a file: SHA-256 of its bytes; of the last file, where there are several. Of a database: of the encoded rows, whatever their order is.
    pub digest: Digest,
    /// Rows that were read and left out.
    pub counts: RowCounts,
    /// The tables that its rows were joined with.
    pub events: Option<EventsRead>,
    /// Of which day it is, where the source or whoever reads it says so.
    pub day: Option<Date>,
}

/// Reads a file whole. Rows stream through; only their encoding stays in memory.
///
/// # Errors
/// All faults of the file and of its rows; also if it has no rows, or somebody wishes to stop.
pub fn read_table(path: &Path, schema: &Schema, stop: &Stop) -> Result<ReadTable, FileError> {
    read_origin(&Origin::File(path.to_owned()), schema, &Reading::strict(stop))
}

/// Reads a data set whole. Rows stream through; only their encoding stays in memory.
///
/// # Errors
/// All faults of the source and of its rows; also if it has no rows, or somebody wishes to stop.
pub fn read_origin(origin: &Origin, schema: &Schema, reading: &Reading<'_>) -> Result<ReadTable, FileError> {
    let joined = reading.mapping.filter(|mapping| mapping.events.joins());
    let derived = joined.map(|mapping| derive(origin, (mapping, schema), reading)).transpose()?;
    let mut intake = Intake::new(schema, reading, derived.as_ref());
    let said = reading.mapping.map(|mapping| &mapping.source);
    let digest = stream(origin, said, reading.dialect(schema), &mut intake)?;
    intake.end()?;
    if derived.as_ref().is_some_and(|derived| !derived.is_of(digest)) {
        return Err(FileError::changed(origin));
    }
    let table = finished(intake, digest)?;
    Ok(ReadTable { events: derived.map(Derived::into_read), ..table })
}

/// The SHA-256 of a file as it lies there, whether or not its rows can be read.
///
/// # Errors
/// If it cannot be opened or read.
pub fn file_digest(path: &Path) -> Result<Digest, FileError> {
    must_be_ordinary(path)?;
    let file = File::open(path).map_err(|source| FileError::Open { path: path.to_owned(), source })?;
    digest_of_file(file).map_err(|source| FileError::Read { path: path.to_owned(), row: 0, source })
}

/// The SHA-256 of an open file, which is never whole in memory.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn digest_of_file(file: File) -> io::Result<Digest> {
    Fingerprint::of(file).finish()
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
    let stop = Stop::default();
    let reading = Reading { keep: &keep, ..Reading::strict(&stop) };
    let mut intake = Intake::new(schema, &reading, None);
    let mut digest = None;
    for path in paths {
        digest = Some(super::text::read(path, reading.dialect(schema), &mut intake)?);
        intake.end()?;
    }
    finished(intake, digest).map(|table| table.rows)
}

fn finished(intake: Intake<'_>, digest: Option<Digest>) -> Result<ReadTable, FileError> {
    let TakenIn { batch, doubts, counts, day } = intake.finish()?;
    let digest = digest.unwrap_or_else(|| batch.digest());
    let rows = batch.into_features().map_err(|fault| FileError::of_all(Path::new("the data"), fault))?;
    Ok(ReadTable { rows, doubts, digest, counts, day, events: None })
}
