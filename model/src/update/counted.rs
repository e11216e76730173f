//! Customers counted in cells, for rounds that measure instead of training.
//!
//! Every customer adds one count to one cell of each histogram, whatever the number of its rows: the first of them decides, in an order of
//! their own contents. Cells are laid out by [`CellLayout`].

use zeroize::Zeroizing;

use super::stages::ClippedSum;
use crate::counts::CellLayout;
use crate::features::FeatureMatrix;
use crate::parameters::Parameters;
use crate::train::{TrainError, predict};

/// Counts customers by label and score of a model: `unit` units for each customer and head whose label is known.
///
/// # Errors
/// If rows and model do not fit.
pub fn count_scores(
    parameters: &Parameters,
    data: &FeatureMatrix,
    layout: &CellLayout,
    unit: u32,
) -> Result<ClippedSum, TrainError> {
    let scores = predict(parameters, data)?;
    let mut cells = Zeroizing::new(vec![0_i64; layout.cells()]);
    for row in first_rows(data) {
        for head in 0..scores.ncols() {
            if data.present()[[row, head]] == 1.0 {
                let positive = data.targets()[[row, head]] == 1.0;
                if let Some(cell) = layout.score_cell(head, positive, scores[[row, head]]) {
                    cells[cell] += i64::from(unit);
                }
            }
        }
    }
    Ok(ClippedSum::new(cells))
}

/// Counts customers by the values of their features: `unit` units for each customer and field.
#[must_use]
pub fn count_features(data: &FeatureMatrix, layout: &CellLayout, unit: u32) -> ClippedSum {
    let mut cells = Zeroizing::new(vec![0_i64; layout.cells()]);
    for row in first_rows(data) {
        let row = data.features().row(row);
        layout.feature_cells(&row.to_vec(), |cell| cells[cell] += i64::from(unit));
    }
    ClippedSum::new(cells)
}

/// One row of each customer.
fn first_rows(data: &FeatureMatrix) -> Vec<usize> {
    let mut first: Vec<Option<usize>> = vec![None; data.customer_count()];
    for (row, customer) in data.customers().iter().enumerate() {
        let place = &mut first[*customer as usize];
        if place.is_none_or(|before| data.row_order(row, before).is_lt()) {
            *place = Some(row);
        }
    }
    first.into_iter().flatten().collect()
}
