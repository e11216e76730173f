//! Rows on their way in.

use super::counts::TableCounts;
use super::customers::{Customers, KeyFault};
use super::encode::{FieldEncoder, LabelEncoder};
use super::packed::{PackedRow, PackedRows, RowLayout};
use super::{DataError, FeatureMatrix};
use crate::schema::Schema;

/// Rows of one branch, checked and encoded one by one. Not serialisable, not printable, not clonable; consumed by
/// [`RawBatch::into_features`], which also forgets the customers' ids.
pub struct RawBatch<'schema> {
    schema: &'schema Schema,
    fields: Vec<FieldEncoder<'schema>>,
    labels: Vec<LabelEncoder<'schema>>,
    columns: Columns,
    rows: PackedRows,
    /// The row that is being read.
    row: PackedRow,
    customers: Customers,
    counts: TableCounts,
}

/// Where the schema's columns stand in a row.
struct Columns {
    count: usize,
    fields: Vec<usize>,
    /// `None`: the label is not known for any row.
    labels: Vec<usize>,
    customer: Option<usize>,
    /// Whether the file has each audit column. None of them is read.
    audits_found: Vec<bool>,
}

impl<'schema> RawBatch<'schema> {
    /// Most rows of one batch: 16 Mi.
    pub const ROWS_MAX: u32 = 1 << 24;

    /// An empty batch for rows with these columns, labels included. Columns that the schema does not name are never read.
    ///
    /// # Errors
    /// Every [`DataError::MissingColumn`] and [`DataError::DuplicateColumn`]; or [`DataError::OneColumn`].
    pub fn new(schema: &'schema Schema, header: &[&str]) -> Result<Self, Vec<DataError>> {
        let columns = Columns::find(schema, header)?;
        let decimal = schema.dialect().decimal;
        let fields: Vec<_> = schema.fields().iter().map(|field| FieldEncoder::new(field, decimal)).collect();
        let labels: Vec<_> = schema.labels().iter().map(|label| LabelEncoder::new(label, decimal)).collect();
        let layout = RowLayout::new(schema.fields().iter().map(FieldEncoder::cell), labels.len());
        let counts = TableCounts {
            fields: fields.iter().map(FieldEncoder::counts).collect(),
            labels: labels.iter().map(LabelEncoder::counts).collect(),
            audits_found: columns.audits_found.clone(),
            ..TableCounts::default()
        };
        Ok(Self {
            schema,
            fields,
            labels,
            columns,
            rows: PackedRows::new(layout),
            row: PackedRow::default(),
            customers: Customers::default(),
            counts,
        })
    }

    /// Adds a row. `row` is its number for error messages, from 1. Blanks around values do not count.
    ///
    /// # Errors
    /// Every value that does not fit the schema, from the first column to the last. The row is then left out; more rows may follow, for their
    /// faults, but the batch is of no use.
    pub fn push(&mut self, row: u64, values: &[&str]) -> Result<(), Vec<DataError>> {
        if values.len() != self.columns.count {
            return Err(vec![DataError::FieldCount { row, expected: self.columns.count, found: values.len() }]);
        }
        if self.rows.rows() >= Self::ROWS_MAX as usize {
            return Err(vec![DataError::TooManyRows { rows_max: Self::ROWS_MAX }]);
        }
        self.row.clear();
        let mut faults: Vec<(usize, DataError)> = Vec::new();
        for ((encoder, place), counts) in self.fields.iter().zip(&self.columns.fields).zip(&mut self.counts.fields) {
            if let Err(fault) = encoder.encode(trimmed(values[*place]), row, (&mut self.row, counts)) {
                faults.push((*place, fault));
            }
        }
        for ((encoder, place), counts) in self.labels.iter().zip(&self.columns.labels).zip(&mut self.counts.labels) {
            encoder.encode(trimmed(values[*place]), (&mut self.row, counts));
        }
        if let Some(place) = self.columns.customer {
            let key = trimmed(values[place]);
            match self.key_fault(row, key) {
                Some(fault) => faults.push((place, fault)),
                None if faults.is_empty() => self.customers.add(dense(self.rows.rows()), key),
                None => {}
            }
        }
        if faults.is_empty() {
            self.rows.push(&self.row);
            return Ok(());
        }
        // Fields that read one column have one fault.
        faults.sort_by_key(|(place, _)| *place);
        faults.dedup_by_key(|(place, _)| *place);
        Err(faults.into_iter().map(|(_, fault)| fault).collect())
    }

    /// Rows added so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// The encoded rows.
    ///
    /// # Errors
    /// [`DataError::NoRows`] without a row.
    pub fn into_features(self) -> Result<FeatureMatrix, DataError> {
        let rows = self.rows.rows();
        if rows == 0 {
            return Err(DataError::NoRows);
        }
        let customers = match self.columns.customer {
            Some(_) => self.customers.into_indices(),
            None => (0..dense(rows)).collect(),
        };
        Ok(FeatureMatrix::packed(self.rows, customers, self.counts))
    }

    fn key_fault(&self, row: u64, key: &str) -> Option<DataError> {
        let column = || self.schema.customer_column().unwrap_or_default().to_owned();
        if key.is_empty() {
            return Some(DataError::Empty { row, column: column() });
        }
        KeyFault::of(key).map(|found| DataError::CustomerKey { row, column: column(), found })
    }
}

/// Without blanks around it. Most values have none, which their first and last byte say.
fn trimmed(value: &str) -> &str {
    match value.as_bytes() {
        [only] if only.is_ascii_graphic() => value,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => value,
        _ => value.trim(),
    }
}

fn dense(index: usize) -> u32 {
    u32::try_from(index).expect("there are at most ROWS_MAX customers")
}

impl Columns {
    fn find(schema: &Schema, header: &[&str]) -> Result<Self, Vec<DataError>> {
        let labels = schema.labels().iter().map(|label| label.column.as_str());
        let needed = schema.fields().iter().map(|field| field.column.as_str());
        let needed = needed.chain(labels).chain(schema.customer_column());
        let mut faults: Vec<DataError> = Vec::new();
        let mut places = Vec::new();
        for column in needed {
            match place(header, column) {
                Ok(place) => places.push(place),
                Err(fault) if faults.contains(&fault) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if let ([_], [_, _, ..]) = (header, faults.as_slice()) {
            return Err(vec![DataError::OneColumn { needed: faults.len() }]);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let customer = schema.customer_column().and_then(|_| places.pop());
        let labels = places.split_off(schema.fields().len());
        let audits_found = schema.audits().iter().map(|audit| place(header, &audit.column).is_ok()).collect();
        Ok(Self { count: header.len(), fields: places, labels, customer, audits_found })
    }
}

/// The one place where `column` stands.
fn place(header: &[&str], column: &str) -> Result<usize, DataError> {
    let mut places = header.iter().enumerate().filter(|(_, name)| name.trim() == column).map(|(place, _)| place);
    let place = places.next().ok_or_else(|| {
        let lower = column.to_lowercase();
        let like = header.iter().map(|name| name.trim()).find(|name| name.to_lowercase() == lower);
        DataError::MissingColumn { column: column.to_owned(), like: like.map(str::to_owned) }
    })?;
    match places.next() {
        None => Ok(place),
        Some(_) => Err(DataError::DuplicateColumn { column: column.to_owned() }),
    }
}
