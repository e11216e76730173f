//! Encoded rows, ready for a network.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use ndarray::Array2;

/// Encoded rows of one branch. Never serialised: it stays in the process that read the file.
///
/// A target is 0 or 1; where `present` is 0 the label is missing and the target is 0 as well. `customers[row]` is the dense index of the
/// row's customer within this branch (0, 1, 2, ... without gaps), so that all rows of a customer can be clipped together.
pub struct FeatureMatrix {
    features: Array2<f32>,
    targets: Array2<f32>,
    present: Array2<f32>,
    customers: Vec<u32>,
    /// How many values of a field or label the schema does not list, in the rows as they were read.
    unlisted: BTreeMap<String, usize>,
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
        Ok(Self { features, targets, present, customers, unlisted: BTreeMap::new() })
    }

    /// Remembers how many values the schema does not list.
    pub(super) fn noting(self, unlisted: BTreeMap<String, usize>) -> Self {
        Self { unlisted, ..self }
    }

    /// How many values of each field and label the schema does not list, by `field NAME` and `label NAME`. For the operator's screen alone.
    #[must_use]
    pub fn unlisted(&self) -> &BTreeMap<String, usize> {
        &self.unlisted
    }

    /// Rows x encoded width.
    #[must_use]
    pub fn features(&self) -> &Array2<f32> {
        &self.features
    }

    /// Rows x labels, 0 or 1.
    #[must_use]
    pub fn targets(&self) -> &Array2<f32> {
        &self.targets
    }

    /// Rows x labels: 1 where the label is known.
    #[must_use]
    pub fn present(&self) -> &Array2<f32> {
        &self.present
    }

    /// Each row's customer: a dense index.
    #[must_use]
    pub fn customers(&self) -> &[u32] {
        &self.customers
    }

    /// The order of two rows by their own contents: features, then targets, then presence, bit by bit. It knows neither the file's order nor
    /// other rows.
    #[must_use]
    pub fn row_order(&self, left: usize, right: usize) -> Ordering {
        let bits = |row: usize| {
            let parts = [self.features.row(row), self.targets.row(row), self.present.row(row)];
            parts.into_iter().flat_map(|part| part.to_vec()).map(f32::to_bits).collect::<Vec<u32>>()
        };
        bits(left).cmp(&bits(right))
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.features.nrows()
    }

    /// Number of distinct customers.
    #[must_use]
    pub fn customer_count(&self) -> usize {
        self.customers.iter().max().map_or(0, |last| *last as usize + 1)
    }
}
