//! Rows on their way out of a source, whatever it is.

use std::path::Path;

use tributary_model::features::Cell;
use tributary_model::schema::Decimal;
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::faults::Fault;
use super::mapping::ColumnKind;
use super::reading::Stop;

/// A column as its source names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// What it holds, where the source says so for all rows.
    pub(super) kind: Option<ColumnKind>,
}

/// One row of a source. A column that nobody needs may be given as missing.
pub(super) trait Values {
    /// Number of values.
    fn count(&self) -> usize;
    /// A value, by its number from 0.
    fn cell(&self, column: usize) -> Cell<'_>;
}

/// Whoever takes the rows of a source.
pub(super) trait Sink {
    /// The day of the data, where the source itself says it: before its columns.
    fn dated(&mut self, day: Date);

    /// A source begins.
    ///
    /// # Errors
    /// If its columns are not those that are needed.
    fn begin(&mut self, name: &Path, columns: Vec<Column>, decimal: Decimal) -> Result<(), FileError>;

    /// Whether a column's values are read.
    fn needs(&self, column: usize) -> bool;

    /// The wish to stop, which somebody may have while a database looks for its next row.
    fn stop(&self) -> &Stop;

    /// Whether somebody wishes to stop.
    ///
    /// # Errors
    /// If somebody does.
    fn wished_to_stop(&self) -> Result<(), FileError>;

    /// A row, by its number from 1, and what is wrong with the way in which it is written.
    ///
    /// # Errors
    /// What ends the reading.
    fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError>;

    /// Something that may be wrong although it can be read.
    fn doubt(&mut self, doubt: Fault);

    /// Nothing after this can be read.
    fn broken(&mut self, fault: Fault);

    /// Whether there was a fault so far.
    fn is_faulty(&self) -> bool;
}
