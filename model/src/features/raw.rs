//! Rows on their way in.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::encode::{self, Known};
use super::{DataError, FeatureMatrix, ShapeError};
use crate::schema::Schema;

/// Rows of one branch, checked and encoded one by one. Not serialisable, not printable, not clonable; consumed by
/// [`RawBatch::into_features`], which also forgets the customers' ids.
pub struct RawBatch<'schema> {
    schema: &'schema Schema,
    width: usize,
    columns: Columns,
    features: Vec<f32>,
    targets: Vec<f32>,
    present: Vec<f32>,
    customers: Vec<u32>,
    /// Dense index of every customer id met so far.
    known: BTreeMap<String, u32>,
    /// How many values of a field or label the schema does not list.
    unlisted: BTreeMap<String, usize>,
}

/// Where the schema's columns stand in a row.
struct Columns {
    count: usize,
    fields: Vec<usize>,
    /// `None`: the label is not known for any row.
    labels: Vec<Option<usize>>,
    customer: Option<usize>,
}

impl<'schema> RawBatch<'schema> {
    /// Most rows of one batch: 16 Mi.
    pub const ROWS_MAX: u32 = 1 << 24;

    /// An empty batch for rows with these columns, labels included. Columns that the schema does not name are never read.
    ///
    /// # Errors
    /// [`DataError::MissingColumn`] or [`DataError::DuplicateColumn`].
    pub fn new(schema: &'schema Schema, header: &[&str]) -> Result<Self, DataError> {
        Self::with_columns(schema, header, false)
    }

    /// An empty batch for rows to be scored: label columns may be absent, and their labels are then missing.
    ///
    /// # Errors
    /// [`DataError::MissingColumn`] or [`DataError::DuplicateColumn`].
    pub fn for_scoring(schema: &'schema Schema, header: &[&str]) -> Result<Self, DataError> {
        Self::with_columns(schema, header, true)
    }

    fn with_columns(schema: &'schema Schema, header: &[&str], labels_optional: bool) -> Result<Self, DataError> {
        let labels = schema.labels().iter().map(|label| match place(header, &label.column) {
            Err(DataError::MissingColumn { .. }) if labels_optional => Ok(None),
            found => found.map(Some),
        });
        let columns = Columns {
            count: header.len(),
            fields: schema.fields().iter().map(|field| place(header, &field.column)).collect::<Result<_, _>>()?,
            labels: labels.collect::<Result<_, _>>()?,
            customer: schema.customer_column().map(|column| place(header, column)).transpose()?,
        };
        Ok(Self {
            schema,
            width: schema.width(),
            columns,
            features: Vec::new(),
            targets: Vec::new(),
            present: Vec::new(),
            customers: Vec::new(),
            known: BTreeMap::new(),
            unlisted: BTreeMap::new(),
        })
    }

    /// Adds a row. `row` is its number for error messages, from 1. Blanks around values do not count.
    ///
    /// # Errors
    /// The first value that does not fit the schema. The batch is then unfinished and of no use.
    pub fn push(&mut self, row: u64, values: &[&str]) -> Result<(), DataError> {
        if values.len() != self.columns.count {
            return Err(DataError::FieldCount { row, expected: self.columns.count, found: values.len() });
        }
        if self.customers.len() >= Self::ROWS_MAX as usize {
            return Err(DataError::TooManyRows { rows_max: Self::ROWS_MAX });
        }
        for (field, place) in self.schema.fields().iter().zip(&self.columns.fields) {
            if encode::value(field, values[*place].trim(), row, &mut self.features)? == Known::Unlisted {
                *self.unlisted.entry(format!("field {}", field.name)).or_default() += 1;
            }
        }
        for (label, place) in self.schema.labels().iter().zip(&self.columns.labels) {
            let (target, present) = match place {
                Some(place) => {
                    let (target, present, known) = encode::target(label, values[*place].trim());
                    if known == Known::Unlisted {
                        *self.unlisted.entry(format!("label {}", label.name)).or_default() += 1;
                    }
                    (target, present)
                }
                None => (0.0, 0.0),
            };
            self.targets.push(target);
            self.present.push(present);
        }
        let customer = self.customer(row, values)?;
        self.customers.push(customer);
        Ok(())
    }

    /// Rows added so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.customers.len()
    }

    /// The encoded rows.
    ///
    /// # Errors
    /// [`DataError::NoRows`] without a row.
    pub fn into_features(self) -> Result<FeatureMatrix, DataError> {
        let (rows, labels) = (self.customers.len(), self.schema.labels().len());
        if rows == 0 {
            return Err(DataError::NoRows);
        }
        let array = |width, values| {
            Array2::from_shape_vec((rows, width), values).map_err(|error| ShapeError(error.to_string()))
        };
        let features = array(self.width, self.features)?;
        let (targets, present) = (array(labels, self.targets)?, array(labels, self.present)?);
        Ok(FeatureMatrix::new(features, targets, present, self.customers)?.noting(self.unlisted))
    }

    fn customer(&mut self, row: u64, values: &[&str]) -> Result<u32, DataError> {
        let Some(place) = self.columns.customer else {
            return Ok(dense(self.customers.len()));
        };
        let id = values[place].trim();
        if id.is_empty() {
            let column = self.schema.customer_column().unwrap_or_default().to_owned();
            return Err(DataError::Empty { row, column });
        }
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let fresh = dense(self.known.len());
        self.known.insert(id.to_owned(), fresh);
        Ok(fresh)
    }
}

fn dense(index: usize) -> u32 {
    u32::try_from(index).expect("there are at most ROWS_MAX customers")
}

/// The one place where `column` stands.
fn place(header: &[&str], column: &str) -> Result<usize, DataError> {
    let mut places = header.iter().enumerate().filter(|(_, name)| name.trim() == column).map(|(place, _)| place);
    let place = places.next().ok_or_else(|| DataError::MissingColumn { column: column.to_owned() })?;
    match places.next() {
        None => Ok(place),
        Some(_) => Err(DataError::DuplicateColumn { column: column.to_owned() }),
    }
}
