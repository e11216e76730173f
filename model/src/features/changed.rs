//! Tables made of a table: some of its customers, or all of them with the opposite labels. For whoever attacks a plan on rows that are public or invented.

use std::collections::BTreeMap;

use super::counts::TableCounts;
use super::matrix::FeatureMatrix;
use super::packed::{PackedRow, PackedRows};

impl FeatureMatrix {
    /// The rows of these customers, who are numbered anew in the order of their first rows. Numbers of nobody are left out.
    #[must_use]
    pub fn of_customers(&self, wanted: impl Fn(u32) -> bool) -> Self {
        let (mut rows, mut customers) = (PackedRows::new(self.packed_layout().clone()), Vec::new());
        let mut numbers = BTreeMap::new();
        for (row, customer) in self.customers().iter().enumerate().filter(|(_, customer)| wanted(**customer)) {
            rows.push(&PackedRow::of(self.row_bytes(row)));
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            customers.push(*numbers.entry(*customer).or_insert(next));
        }
        Self::packed(rows, customers, TableCounts::default())
    }

    /// Every row with the opposite of each label that is known.
    #[must_use]
    pub fn mislabelled(&self) -> Self {
        let mut rows = PackedRows::new(self.packed_layout().clone());
        for row in 0..self.rows() {
            let mut bytes = PackedRow::of(self.row_bytes(row));
            bytes.turn_labels(self.packed_layout());
            rows.push(&bytes);
        }
        Self::packed(rows, self.customers().to_vec(), TableCounts::default())
    }
}
