//! A data set that passes through: read whole, row by row, and not kept.

use tributary_model::features::TableCounts;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::events::{Derived, EventsRead, derive};
use super::faults::Fault;
use super::intake::Intake;
use super::passing::{PassedRow, Passing, Wanted};
use super::place::Origin;
use super::reading::Reading;
use super::stream::stream;
use super::tolerance::RowCounts;

/// What is known of a data set that has passed.
pub struct PassedTable {
    /// What its rows held, in figures, but for how many customers and rows there were.
    pub counts: TableCounts,
    /// Places that may be wrong although they can be read.
    pub doubts: Vec<Fault>,
    /// SHA-256 of a file's bytes; nothing of a database.
    pub digest: Option<Digest>,
    /// Rows that were read and left out.
    pub rows: RowCounts,
    /// The tables that its rows were joined with.
    pub events: Option<EventsRead>,
    /// Of which day it is, where the source or whoever reads it says so.
    pub day: Option<Date>,
}

/// Reads a data set whole, and hands its rows on one by one. Labels and audit columns are not read, and need not be there. Of a row nothing stays but
/// what `hand` keeps.
///
/// # Errors
/// All faults of the source and of its rows; if it has no rows, somebody wishes to stop, or `hand` cannot take a row.
pub fn pass_origin(
    origin: &Origin,
    schema: &Schema,
    reading: &Reading<'_>,
    wanted: &[Wanted],
    hand: &mut dyn FnMut(&PassedRow<'_>) -> Result<(), FileError>,
) -> Result<PassedTable, FileError> {
    let joined = reading.mapping.filter(|mapping| mapping.events.joins());
    let derived = joined.map(|mapping| derive(origin, (mapping, schema), reading)).transpose()?;
    let mut intake = Intake::new(schema, reading, derived.as_ref()).passing(Passing { wanted, hand });
    let said = reading.mapping.map(|mapping| &mapping.source);
    let digest = stream(origin, said, reading.dialect(schema), &mut intake)?;
    intake.end()?;
    if derived.as_ref().is_some_and(|derived| !derived.is_of(digest)) {
        return Err(FileError::changed(origin));
    }
    let taken = intake.finish()?;
    let counts = taken.batch.counts().clone();
    let (doubts, rows, day) = (taken.doubts, taken.counts, taken.day);
    Ok(PassedTable { counts, doubts, digest, rows, day, events: derived.map(Derived::into_read) })
}
