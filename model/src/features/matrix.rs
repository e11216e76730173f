//! Encoded rows, ready for a network.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1};

use super::counts::TableCounts;
use super::encoded::EncodedRow;
use super::packed::PackedRows;

/// Encoded rows of one branch. Never serialised: it stays in the process that read the file.
///
/// A target is 0 or 1; where its presence is 0 the label is missing and the target is 0 as well. `customers[row]` is the dense index of the
/// row's customer within this branch (0, 1, 2, ... without gaps), so that all rows of a customer can be clipped together.
pub struct FeatureMatrix {
    rows: PackedRows,
    customers: Vec<u32>,
    customer_count: usize,
    counts: TableCounts,
}

/// Parts of a [`FeatureMatrix`] do not fit each other, or hold a value out of range.
#[derive(Debug, thiserror::Error)]
#[error("feature matrix: {0}")]
pub struct ShapeError(pub String);

impl FeatureMatrix {
    /// Puts the parts together: `features` rows x width, `targets` and `present` rows x labels, `customers` rows.
    ///
    /// # Errors
    /// If the shapes differ, a feature is not finite, a target or presence is neither 0 nor 1, or customer indices have gaps.
    pub fn new(
        features: Array2<f32>,
        targets: Array2<f32>,
        present: Array2<f32>,
        customers: Vec<u32>,
    ) -> Result<Self, ShapeError> {
        let rows = features.nrows();
        if targets.nrows() != rows || present.dim() != targets.dim() || customers.len() != rows {
            return Err(ShapeError(format!(
                "{rows} rows of features, {} of targets, {} of presence, {} customers",
                targets.nrows(),
                present.nrows(),
                customers.len()
            )));
        }
        if let Some((row, column)) = features.indexed_iter().find(|(_, value)| !value.is_finite()).map(|(at, _)| at) {
            return Err(ShapeError(format!("feature {column} of row {row} is not finite")));
        }
        if targets.iter().chain(&present).any(|value| *value != 0.0 && *value != 1.0) {
            return Err(ShapeError("a target or its presence is neither 0 nor 1".into()));
        }
        let mut seen = vec![false; rows];
        for customer in &customers {
            match seen.get_mut(*customer as usize) {
                Some(slot) => *slot = true,
                None => return Err(ShapeError(format!("customer index {customer} in {rows} rows"))),
            }
        }
        let distinct = seen.iter().take_while(|seen| **seen).count();
        if seen.iter().skip(distinct).any(|seen| *seen) {
            return Err(ShapeError("customer indices have gaps".into()));
        }
        let rows = PackedRows::of_numbers(&features, (&targets, &present));
        Ok(Self::packed(rows, customers, TableCounts::default()))
    }

    /// Rows and their customers, whose indices have no gaps.
    pub(super) fn packed(rows: PackedRows, customers: Vec<u32>, counts: TableCounts) -> Self {
        let customer_count = customers.iter().max().map_or(0, |last| *last as usize + 1);
        let mut rows_of_each = vec![0_u32; customer_count];
        for customer in &customers {
            rows_of_each[*customer as usize] += 1;
        }
        let counts = TableCounts {
            rows: rows.rows() as u64,
            customers: customer_count as u64,
            rows_of_one_customer_max: rows_of_each.into_iter().max().unwrap_or_default().into(),
            ..counts
        };
        Self { rows, customers, customer_count, counts }
    }

    /// What the table holds, in figures. For the operator's screen alone.
    #[must_use]
    pub fn counts(&self) -> &TableCounts {
        &self.counts
    }

    /// Numbers in an encoded row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.rows.layout().width()
    }

    /// Labels of a row.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.rows.layout().labels()
    }

    /// Writes the slots of a row, one for each of the width; of none, zeros at the same cost.
    pub fn write_row(&self, row: Option<usize>, slots: &mut [f32]) {
        self.rows.layout().unpack(row.map(|row| self.rows.row(row)), slots);
    }

    /// Fields of an encoded row.
    #[cfg(feature = "train")]
    pub(crate) fn fields(&self) -> usize {
        self.rows.layout().fields()
    }

    /// Writes which slot of each field is 1, counted within the field: 65,535 where none is, where the field is a number, and of no row.
    #[cfg(feature = "train")]
    pub(crate) fn write_active(&self, row: Option<usize>, slots: &mut [u16]) {
        self.rows.layout().active(row.map(|row| self.rows.row(row)), slots);
    }

    /// Target and presence of a label of a row: 1 where it is known.
    #[must_use]
    pub fn label(&self, row: usize, label: usize) -> (f32, f32) {
        self.rows.layout().label(self.rows.row(row), label)
    }

    /// Audit columns of the schema.
    #[must_use]
    pub fn audits(&self) -> usize {
        self.rows.layout().audits()
    }

    /// The group of a row by an audit column: its number, or 65,535 where it is in none.
    #[cfg(feature = "train")]
    pub(crate) fn audit(&self, row: usize, audit: usize) -> u16 {
        self.rows.layout().audit(self.rows.row(row), audit)
    }

    /// A row's fields, as they are encoded.
    #[must_use]
    pub fn encoded(&self, row: usize) -> EncodedRow<'_> {
        let bytes = self.rows.row(row);
        EncodedRow::new(bytes.get(..self.rows.layout().cells_bytes()).unwrap_or(bytes))
    }

    /// How its rows lie.
    #[cfg(feature = "train")]
    pub(super) fn packed_layout(&self) -> &super::packed::RowLayout {
        self.rows.layout()
    }

    /// A row's bytes: equal for rows of equal features, labels and audit columns, and for no others of this table.
    pub(crate) fn row_bytes(&self, row: usize) -> &[u8] {
        self.rows.row(row)
    }

    /// All rows, unpacked: rows x encoded width.
    #[must_use]
    pub fn features(&self) -> Array2<f32> {
        let mut features = Array2::zeros((self.rows(), self.width()));
        let mut slots = vec![0.0; self.width()];
        for (index, mut row) in features.rows_mut().into_iter().enumerate() {
            self.write_row(Some(index), &mut slots);
            row.assign(&ArrayView1::from(&slots));
        }
        features
    }

    /// All targets, unpacked: rows x labels, 0 or 1.
    #[must_use]
    pub fn targets(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.rows(), self.labels()), |(row, label)| self.label(row, label).0)
    }

    /// Presence of all labels, unpacked: rows x labels, 1 where the label is known.
    #[must_use]
    pub fn present(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.rows(), self.labels()), |(row, label)| self.label(row, label).1)
    }

    /// Each row's customer: a dense index.
    #[must_use]
    pub fn customers(&self) -> &[u32] {
        &self.customers
    }

    /// The order of two rows by their own contents. It knows neither the file's order nor other rows.
    #[must_use]
    pub fn row_order(&self, left: usize, right: usize) -> Ordering {
        self.row_bytes(left).cmp(self.row_bytes(right))
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Number of distinct customers.
    #[must_use]
    pub fn customer_count(&self) -> usize {
        self.customer_count
    }
}
