//! Columns of a table as texts, for whoever needs a few of them and no schema. Every row must be readable: a row that is not may hold a refusal.

use std::path::Path;

use tributary_model::features::Cell;
use tributary_model::schema::{Decimal, Dialect};
use tributary_protocol::digest::{Digest, Hasher};
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::faults::{Fault, FileFaults};
use super::looks::must_be_ordinary;
use super::mapping::MappedSource;
use super::place::Origin;
use super::reading::Stop;
use super::sink::{Column, Sink, Values};
use super::stream::stream;

/// From here on a double is not every whole number: 2^53.
const INEXACT_FROM: f64 = 9_007_199_254_740_992.0;

/// What is wrong with a row, or with the header: the column where it is one column's, and words without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    /// The column.
    pub(crate) column: Option<String>,
    /// What it is, and what to do.
    pub(crate) text: String,
}

impl RowFault {
    /// Of a column.
    pub(crate) fn of(column: &str, text: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), text: text.into() }
    }
}

/// Whoever takes rows of texts.
pub(crate) trait Rows {
    /// The places of the columns that are read, in the order in which rows give them.
    ///
    /// # Errors
    /// What is wrong with the header.
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault>;

    /// A row, by its number from 1, with the values of those columns as they are written.
    ///
    /// # Errors
    /// What is wrong with it.
    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault>;
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainRead {
    /// SHA-256 of a file's bytes; nothing of a database.
    pub(crate) file: Option<Digest>,
    /// SHA-256 of the values that were read, in their order.
    pub(crate) values: Digest,
    /// How many rows there are.
    pub(crate) rows: u64,
}

/// Reads a table whole. A file is an ordinary one.
///
/// # Errors
/// All faults of the table and of its rows.
pub(crate) fn read_plain(
    origin: &Origin,
    (said, dialect): (Option<&MappedSource>, &Dialect),
    rows: &mut dyn Rows,
) -> Result<PlainRead, FileError> {
    let own = match said {
        Some(MappedSource::Text(Some(own))) => own,
        _ => dialect,
    };
    let mut taker = Taker {
        rows,
        faults: FileFaults::new(origin.name()),
        stop: Stop::default(),
        columns: 0,
        places: Vec::new(),
        values: Vec::new(),
        hasher: Hasher::new(),
        count: 0,
    };
    if let Origin::File(path) = origin {
        must_be_ordinary(path)?;
    }
    let file = stream(origin, said, own, &mut taker)?;
    let Taker { faults, hasher, count, .. } = taker;
    if faults.count > 0 {
        return Err(FileError::Faults(Box::new(faults)));
    }
    Ok(PlainRead { file, values: hasher.finish(), rows: count })
}

/// The one place of a column.
///
/// # Errors
/// If it is not there, or there twice.
pub(crate) fn place_of(header: &[String], name: &str) -> Result<usize, RowFault> {
    let mut places = header.iter().enumerate().filter(|(_, own)| own.trim() == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => {
            Err(RowFault::of(name, format!("the table has the column {name:?} more than once; export it once")))
        }
        (None, _) => {
            Err(RowFault::of(name, format!("the table has no column {name:?}; export it, or name the right column")))
        }
    }
}

struct Taker<'a> {
    rows: &'a mut dyn Rows,
    faults: FileFaults,
    stop: Stop,
    columns: usize,
    places: Vec<usize>,
    values: Vec<String>,
    hasher: Hasher,
    count: u64,
}

impl Taker<'_> {
    fn fault(&mut self, row: Option<u64>, fault: RowFault) {
        let RowFault { column, text } = fault;
        let text = match (row, &column) {
            (Some(row), Some(column)) => format!("row {row}, column {column:?}: {text}"),
            (Some(row), None) => format!("row {row}: {text}"),
            (None, _) => text,
        };
        self.faults.add(Fault { row, column, text });
    }
}

impl Sink for Taker<'_> {
    fn dated(&mut self, _: Date) {}

    fn begin(&mut self, name: &Path, columns: Vec<Column>, _: Decimal) -> Result<(), FileError> {
        self.faults = FileFaults::new(name.to_owned());
        self.columns = columns.len();
        let header: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        match self.rows.columns(&header) {
            Ok(places) => {
                self.values = vec![String::new(); places.len()];
                self.places = places;
                Ok(())
            }
            Err(fault) => {
                self.faults.stopped = true;
                self.fault(None, fault);
                Err(FileError::Faults(Box::new(std::mem::take(&mut self.faults))))
            }
        }
    }

    fn needs(&self, column: usize) -> bool {
        self.places.contains(&column)
    }

    fn stop(&self) -> &Stop {
        &self.stop
    }

    fn wished_to_stop(&self) -> Result<(), FileError> {
        Ok(())
    }

    fn row(&mut self, number: u64, values: &dyn Values, written: Vec<Fault>) -> Result<(), FileError> {
        self.count += 1;
        if !written.is_empty() {
            written.into_iter().for_each(|fault| self.faults.add(fault));
            return Ok(());
        }
        if values.count() != self.columns {
            let text = "has another number of fields than the header; check the delimiter, and quotes around text that holds it";
            self.fault(Some(number), RowFault { column: None, text: text.to_owned() });
            return Ok(());
        }
        let mut inexact = false;
        for (place, value) in self.places.iter().zip(&mut self.values) {
            value.clear();
            match values.cell(*place) {
                Cell::Missing => {}
                Cell::Text(text) => value.push_str(text),
                Cell::Integer(number) => value.push_str(&number.to_string()),
                Cell::Number(number) if number.abs() >= INEXACT_FROM => inexact = true,
                Cell::Number(number) => value.push_str(&number.to_string()),
            }
            self.hasher.update(&(value.len() as u64).to_le_bytes());
            self.hasher.update(value.as_bytes());
        }
        if inexact {
            let text = "has a number of more digits than its column keeps, so that the last ones may be others; store such numbers as text";
            self.fault(Some(number), RowFault { column: None, text: text.to_owned() });
            return Ok(());
        }
        if let Err(fault) = self.rows.row(number, &self.values) {
            self.fault(Some(number), fault);
        }
        Ok(())
    }

    fn doubt(&mut self, _: Fault) {}

    fn broken(&mut self, fault: Fault) {
        self.faults.stopped = true;
        self.faults.add(fault);
    }

    fn is_faulty(&self) -> bool {
        self.faults.count > 0
    }
}
