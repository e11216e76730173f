//! Rows on their way in.

use super::cell::{Cell, trimmed};
use super::counts::{FieldTally, LabelTally, TableCounts};
use super::customers::{Customers, KeyFault};
use super::encode::{FieldEncoder, LabelEncoder};
use super::encoded::EncodedRow;
use super::packed::{PackedRow, PackedRows, RowLayout};
use super::{DataError, FeatureMatrix};
use crate::schema::{Decimal, Field, Label, Schema};
use tributary_protocol::digest::{Digest, Hasher};

/// Rows of one branch, checked and encoded one by one. Not serialisable, not printable, not clonable; consumed by
/// [`RawBatch::into_features`], which also forgets the customers' ids.
pub struct RawBatch<'schema> {
    schema: &'schema Schema,
    decimal: Decimal,
    fields: Vec<FieldEncoder<'schema>>,
    labels: Vec<LabelEncoder<'schema>>,
    audits: Vec<FieldEncoder<'schema>>,
    columns: Columns,
    rows: PackedRows,
    /// Where rows pass through and none is kept: how many have.
    passed: Option<usize>,
    /// The row that is being read, and what its values are.
    row: PackedRow,
    field_tallies: Vec<FieldTally>,
    label_tallies: Vec<LabelTally>,
    customers: Customers,
    counts: TableCounts,
}

/// Where the schema's columns stand in a row.
struct Columns {
    count: usize,
    /// `None`: the file lacks the column, which the schema allows.
    fields: Vec<Option<usize>>,
    /// `None`: the label is not known for any row.
    labels: Vec<usize>,
    customer: Option<usize>,
    /// `None`: the file lacks the audit column, and nobody is in a group by it.
    audits: Vec<Option<usize>>,
}

impl<'schema> RawBatch<'schema> {
    /// Most rows of one batch: 16 Mi.
    pub const ROWS_MAX: u32 = 1 << 24;

    /// An empty batch for rows with these columns, labels included. Columns that the schema does not name are never read.
    ///
    /// # Errors
    /// Every [`DataError::MissingColumn`] and [`DataError::DuplicateColumn`]; or [`DataError::OneColumn`].
    pub fn new(schema: &'schema Schema, header: &[&str]) -> Result<Self, Vec<DataError>> {
        Self::written(schema, header, schema.dialect().decimal)
    }

    /// The same for rows that are written in another way than the schema says: this stands before their fractions.
    ///
    /// # Errors
    /// As [`RawBatch::new`].
    pub fn written(schema: &'schema Schema, header: &[&str], decimal: Decimal) -> Result<Self, Vec<DataError>> {
        Self::of(schema, header, decimal, None)
    }

    /// For rows that pass through, one by one ([`RawBatch::encoded`]): none is kept. Columns of labels and audit columns are not needed, and never read.
    ///
    /// # Errors
    /// As [`RawBatch::new`].
    pub fn to_score(schema: &'schema Schema, header: &[&str], decimal: Decimal) -> Result<Self, Vec<DataError>> {
        Self::of(schema, header, decimal, Some(0))
    }

    fn of(
        schema: &'schema Schema,
        header: &[&str],
        decimal: Decimal,
        passed: Option<usize>,
    ) -> Result<Self, Vec<DataError>> {
        let (own_labels, own_audits) = match passed {
            None => (schema.labels(), schema.audits()),
            Some(_) => Default::default(),
        };
        let columns = Columns::find((schema, own_labels, own_audits), header)?;
        let fields: Vec<_> = schema.fields().iter().map(|field| FieldEncoder::new(field, decimal)).collect();
        let labels: Vec<_> = own_labels.iter().map(|label| LabelEncoder::new(label, decimal)).collect();
        let audits: Vec<_> = own_audits.iter().map(|audit| FieldEncoder::new(audit, decimal)).collect();
        let layout = RowLayout::new(schema.fields().iter().map(FieldEncoder::cell), labels.len()).audited(audits.len());
        let layout = layout.filled(fields.iter().map(FieldEncoder::filling));
        let of = |(field, place): (&FieldEncoder<'_>, &Option<usize>)| field.counts(place.is_none());
        let counts = TableCounts {
            fields: fields.iter().zip(&columns.fields).map(of).collect(),
            labels: labels.iter().map(LabelEncoder::counts).collect(),
            audits_found: columns.audits.iter().map(Option::is_some).collect(),
            ..TableCounts::default()
        };
        Ok(Self {
            schema,
            decimal,
            fields,
            labels,
            audits,
            columns,
            rows: PackedRows::new(layout),
            passed,
            row: PackedRow::default(),
            field_tallies: Vec::new(),
            label_tallies: Vec::new(),
            customers: Customers::default(),
            counts,
        })
    }

    /// Adds a row. `row` is its number for error messages, from 1. Blanks around values do not count.
    ///
    /// # Errors
    /// Every value that does not fit the schema, from the first column to the last. The row is then left out, and in no count.
    pub fn push(&mut self, row: u64, values: &[&str]) -> Result<(), Vec<DataError>> {
        self.add(row, values.len(), |place| Cell::Text(values[place]))
    }

    /// Adds a row of typed values, as [`RawBatch::push`].
    ///
    /// # Errors
    /// As [`RawBatch::push`].
    pub fn push_cells(&mut self, row: u64, values: &[Cell<'_>]) -> Result<(), Vec<DataError>> {
        self.add(row, values.len(), |place| values[place])
    }

    fn add<'row>(&mut self, row: u64, count: usize, value: impl Fn(usize) -> Cell<'row>) -> Result<(), Vec<DataError>> {
        if count != self.columns.count {
            return Err(vec![DataError::FieldCount { row, expected: self.columns.count, found: count }]);
        }
        if self.rows() >= Self::ROWS_MAX as usize {
            return Err(vec![DataError::TooManyRows { rows_max: Self::ROWS_MAX }]);
        }
        self.row.clear();
        self.field_tallies.clear();
        self.label_tallies.clear();
        let mut faults: Vec<(usize, DataError)> = Vec::new();
        for (encoder, place) in self.fields.iter().zip(&self.columns.fields) {
            let read = place.map_or(Cell::Missing, &value).read();
            match encoder.encode(read, row, &mut self.row) {
                Ok(tally) => self.field_tallies.push(tally),
                Err(fault) => faults.push((place.unwrap_or(count), fault)),
            }
        }
        for (encoder, place) in self.labels.iter().zip(&self.columns.labels) {
            self.label_tallies.push(encoder.encode(value(*place).read(), &mut self.row));
        }
        for (encoder, place) in self.audits.iter().zip(&self.columns.audits) {
            match place {
                Some(place) => encoder.group(value(*place).read(), &mut self.row),
                None => self.row.audit(None),
            }
        }
        if let Some(place) = self.columns.customer {
            let digits;
            let key = match value(place) {
                Cell::Missing => Ok(""),
                Cell::Text(text) => Ok(trimmed(text)),
                Cell::Integer(number) => {
                    digits = number.to_string();
                    Ok(digits.as_str())
                }
                Cell::Number(_) => Err(KeyFault::Inexact),
            };
            match self.key_fault(row, key) {
                Some(fault) => faults.push((place, fault)),
                None if faults.is_empty() && self.passed.is_none() => {
                    self.customers.add(dense(self.rows.rows()), key.unwrap_or_default())
                }
                None => {}
            }
        }
        if faults.is_empty() {
            match &mut self.passed {
                None => self.rows.push(&self.row),
                Some(passed) => *passed += 1,
            }
            for ((field, tally), counts) in self.fields.iter().zip(&self.field_tallies).zip(&mut self.counts.fields) {
                field.count(*tally, counts);
            }
            for (counts, tally) in self.counts.labels.iter_mut().zip(&self.label_tallies) {
                counts.count(*tally);
            }
            return Ok(());
        }
        // Fields that read one column have one fault.
        faults.sort_by_key(|(place, _)| *place);
        faults.dedup_by_key(|(place, _)| *place);
        Err(faults.into_iter().map(|(_, fault)| fault).collect())
    }

    /// What stands before the fraction of a number.
    #[must_use]
    pub fn decimal(&self) -> Decimal {
        self.decimal
    }

    /// Rows added so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.passed.unwrap_or_else(|| self.rows.rows())
    }

    /// The row that was added last.
    #[must_use]
    pub fn encoded(&self) -> EncodedRow<'_> {
        EncodedRow::new(self.row.bytes())
    }

    /// What the rows so far hold, in figures, but for customers and rows.
    #[must_use]
    pub fn counts(&self) -> &TableCounts {
        &self.counts
    }

    /// SHA-256 of the encoded rows and of whose they are, whatever their order is: what a database gives has no other one.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut rows: Vec<[u8; 16]> = (0..self.rows.rows())
            .map(|row| {
                let mut hasher = Hasher::new();
                hasher.update(self.customers.key(row).unwrap_or_default());
                hasher.update(self.rows.row(row));
                let digest = hasher.finish();
                *digest.0.first_chunk().expect("a digest has 32 bytes")
            })
            .collect();
        rows.sort_unstable();
        let mut hasher = Hasher::new();
        hasher.update(b"tributary/rows/1");
        rows.iter().for_each(|row| hasher.update(row));
        hasher.finish()
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

    fn key_fault(&self, row: u64, key: Result<&str, KeyFault>) -> Option<DataError> {
        let column = || self.schema.customer_column().unwrap_or_default().to_owned();
        let found = match key {
            Ok("") => return Some(DataError::Empty { row, column: column() }),
            Ok(key) => KeyFault::of(key)?,
            Err(found) => found,
        };
        Some(DataError::CustomerKey { row, column: column(), found })
    }
}

fn dense(index: usize) -> u32 {
    u32::try_from(index).expect("there are at most ROWS_MAX customers")
}

impl Columns {
    fn find((schema, labels, audits): (&Schema, &[Label], &[Field]), header: &[&str]) -> Result<Self, Vec<DataError>> {
        let labels = labels.iter().map(|label| label.column.as_str());
        let mut faults: Vec<DataError> = Vec::new();
        let mut fields = Vec::new();
        for field in schema.fields() {
            match place(header, &field.column) {
                Ok(place) => fields.push(Some(place)),
                // One that differs in case only is a mistake, and would be lost without a word.
                Err(DataError::MissingColumn { like: None, .. }) if field.optional => fields.push(None),
                Err(fault) if faults.contains(&fault) => {}
                Err(fault) => faults.push(fault),
            }
        }
        let mut places = Vec::new();
        for column in labels.chain(schema.customer_column()) {
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
        let audits = audits.iter().map(|audit| place(header, &audit.column).ok()).collect();
        Ok(Self { count: header.len(), fields, labels: places, customer, audits })
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
