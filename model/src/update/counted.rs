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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Activation;
    use crate::schema::Schema;
    use crate::train::tests::{Dice, Row, matrix, parameters, rows, shape};

    /// Customers of one to three rows, three labels, in another order of rows.
    fn shuffled(rows: &[Row]) -> Vec<Row> {
        let mut shuffled = rows.to_vec();
        shuffled.reverse();
        shuffled
    }

    #[test]
    fn one_customer_is_one_count_a_label_whatever_its_rows() {
        let mut dice = Dice::new(77);
        let shape = shape(4, &[3], Activation::Tanh, 3);
        let (rows, parameters) = (rows(&mut dice, 4, 3, 60, 3), parameters(&mut dice, &shape));
        let layout = CellLayout::scores(shape.heads(), 10);
        let count = |rows: &[Row]| {
            let sum = count_scores(&parameters, &matrix(rows, 4, 3), &layout, 1000).ok().unwrap();
            sum.values().to_vec()
        };
        let whole = count(&rows);
        assert_eq!(whole, count(&shuffled(&rows)), "the order of the file decides nothing");
        assert!(whole.iter().sum::<i64>() <= 60 * 3 * 1000 && whole.iter().all(|units| units % 1000 == 0));
        for missing in 0..60 {
            let rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
            let moved: Vec<i64> = whole.iter().zip(count(&rest)).map(|(all, rest)| all - rest).collect();
            assert!(moved.iter().all(|units| *units == 0 || *units == 1000), "{moved:?}");
            let square: i64 = moved.iter().map(|units| units * units).sum();
            assert!(square <= 1_000_000 * layout.counts_per_customer() as i64);
        }
    }

    #[test]
    fn one_customer_is_one_count_a_field() {
        let schema = Schema::parse(include_str!("../../../docs/samples/schemas/bank_full.toml")).unwrap();
        let layout = CellLayout::features(&schema, 8);
        let width = schema.width();
        let mut dice = Dice::new(5);
        let rows = rows(&mut dice, width, 1, 20, 1);
        let data = matrix(&rows, width, 1);
        let sum = count_features(&data, &layout, 7);
        assert_eq!(sum.coordinates(), layout.cells());
        assert!(sum.values().iter().sum::<i64>() <= 7 * 20 * layout.counts_per_customer() as i64);
        let one: Vec<Row> = rows[..1].to_vec();
        let alone = count_features(&matrix(&one, width, 1), &layout, 7);
        assert!(alone.values().iter().all(|units| *units == 0 || *units == 7));
    }
}
