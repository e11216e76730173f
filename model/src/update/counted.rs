//! Customers counted in cells, for rounds that measure instead of training.
//!
//! Every customer adds one count to one cell of each histogram, whatever the number of its rows: the first of them decides, in an order of
//! their own contents. Cells are laid out by [`CellLayout`].

use zeroize::Zeroizing;

use super::sums::ClippedSum;
use crate::counts::CellLayout;
use crate::groups::GroupField;
use crate::parameters::Parameters;
use crate::train::{NOBODY, TrainError, Trainer};

/// By which groups scores are counted as well.
#[derive(Clone, Copy, Debug)]
pub struct Grouping {
    /// The field.
    pub field: GroupField,
    /// The first slot of an input in a row.
    pub slot: Option<usize>,
    /// How many.
    pub groups: usize,
}

impl Grouping {
    /// The group of a customer with this row; none is beyond all groups.
    fn of(&self, trainer: &Trainer, customer: u32, row: &[f32]) -> usize {
        match (self.field, self.slot) {
            (GroupField::Audit(audit), _) => trainer.group(customer, audit.into()),
            (GroupField::Input(_), Some(slot)) => {
                let own = row.get(slot..slot + self.groups).unwrap_or_default();
                own.iter().position(|value| *value == 1.0).unwrap_or(usize::MAX)
            }
            (GroupField::Input(_), None) => usize::MAX,
        }
    }
}

/// Counts customers by label and score of a model: `unit` units for each customer and head whose label is known, and as many in the customer's group,
/// where groups are compared and it is in one.
///
/// # Errors
/// If rows and model do not fit.
pub fn count_scores(
    parameters: &Parameters,
    trainer: &Trainer,
    (layout, grouping): (&CellLayout, Option<Grouping>),
    unit: u32,
) -> Result<ClippedSum, TrainError> {
    if parameters.architecture() != trainer.architecture() {
        return Err(TrainError::Architecture);
    }
    let heads = parameters.architecture().heads().len();
    let network = trainer.network(parameters);
    let mut cells = Cells::new(layout, unit);
    for (batch, scores) in trainer.scores(&network) {
        let (targets, present) = batch.labels();
        let width = trainer.architecture().inputs() as usize;
        let features = grouping.map(|_| trainer.features_of(batch)).unwrap_or_default();
        for (slot, customer) in batch.customers().iter().enumerate() {
            let first = cells.is_first(*customer);
            let row = features.get(slot * width..(slot + 1) * width).unwrap_or_default();
            let group = grouping.map(|grouping| (grouping.of(trainer, *customer, row), grouping.groups));
            for head in 0..heads {
                let at = slot * heads + head;
                let cell = layout.score_cell(head, targets[at] == 1.0, scores[at]);
                cells.add(cell, first && present[at] == 1.0);
                if let Some((group, groups)) = group {
                    let within = group < groups;
                    let own = if within { group } else { 0 };
                    let cell = layout.group_cell((own, heads), head, targets[at] == 1.0, scores[at]);
                    cells.add(cell, within && first && present[at] == 1.0);
                }
            }
        }
    }
    Ok(cells.into_sum())
}

/// Counts customers by the values of their features: `unit` units for each customer and field, and as many for each field and label, where labels are
/// counted and known.
#[must_use]
pub fn count_features(trainer: &Trainer, layout: &CellLayout, unit: u32) -> ClippedSum {
    let width = trainer.architecture().inputs() as usize;
    let mut cells = Cells::new(layout, unit);
    for (batch, features) in trainer.features() {
        let (targets, present) = batch.labels();
        let heads = trainer.architecture().heads().len();
        for (slot, (row, customer)) in features.chunks_exact(width).zip(batch.customers()).enumerate() {
            let first = cells.is_first(*customer);
            let label = |head: usize| {
                let known = head < heads && present[slot * heads + head] == 1.0;
                known.then(|| targets[slot * heads + head] == 1.0)
            };
            layout.feature_cells(row, label, |cell, counts| cells.add(cell, first && counts));
        }
    }
    cells.into_sum()
}

/// What one customer's vector may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorBound {
    /// Coordinates.
    pub dimension: usize,
    /// Largest square of its L2 norm, in units squared.
    pub norm_squared: u128,
}

/// The sum of one integer vector for each customer: `make` writes it into zeros, from the features of the row that decides. A vector beyond the
/// bound counts as zeros. One customer more or less moves the sum by at most the root of `norm_squared`, whatever `make` does.
pub fn sum_of_customers(trainer: &Trainer, bound: VectorBound, mut make: impl FnMut(&[f32], &mut [i64])) -> ClippedSum {
    let width = trainer.architecture().inputs() as usize;
    let mut sum = Zeroizing::new(vec![0_i64; bound.dimension]);
    let mut own = Zeroizing::new(vec![0_i64; bound.dimension]);
    let mut before = NOBODY;
    for (batch, features) in trainer.features() {
        for (row, customer) in features.chunks_exact(width).zip(batch.customers()) {
            let first = std::mem::replace(&mut before, *customer) != *customer && *customer != NOBODY;
            own.fill(0);
            make(row, &mut own);
            let square = own.iter().map(|unit| u128::from(unit.unsigned_abs()).pow(2)).fold(0, u128::saturating_add);
            let mask = -i64::from(first & (square <= bound.norm_squared));
            sum.iter_mut().zip(own.iter()).for_each(|(sum, unit)| *sum = sum.wrapping_add(unit & mask));
        }
    }
    ClippedSum::new(sum)
}

/// Counts so far. Every slot does the same work; what does not count adds nothing.
struct Cells {
    counts: Zeroizing<Vec<i64>>,
    unit: i64,
    before: u32,
}

impl Cells {
    fn new(layout: &CellLayout, unit: u32) -> Self {
        Self { counts: Zeroizing::new(vec![0; layout.cells()]), unit: unit.into(), before: NOBODY }
    }

    /// Whether this slot holds the first row of a customer. A customer's rows are neighbours, in an order of their contents.
    fn is_first(&mut self, customer: u32) -> bool {
        std::mem::replace(&mut self.before, customer) != customer && customer != NOBODY
    }

    fn add(&mut self, cell: Option<usize>, counts: bool) {
        if let Some(count) = cell.and_then(|cell| self.counts.get_mut(cell)) {
            *count += self.unit & -i64::from(counts);
        }
    }

    fn into_sum(self) -> ClippedSum {
        ClippedSum::new(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Activation;
    use crate::schema::Schema;
    use crate::train::tests::{Dice, Row, matrix, parameters, rows, shape};
    use crate::train::{Placement, Table};

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
        let layout = CellLayout::scores(shape.heads(), 10, &[]);
        let count = |rows: &[Row]| {
            let table = Table::of_public(matrix(rows, 4, 3));
            let trainer = Trainer::new(&shape, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"));
            let sum = count_scores(&parameters, &trainer, (&layout, None), 1000).ok().unwrap();
            sum.values().to_vec()
        };
        let whole = count(&rows);
        assert_eq!(whole, count(&shuffled(&rows)), "the order of the file decides nothing");
        assert!(whole.iter().all(|units| units % 1000 == 0));
        let mut all_moved = vec![0; whole.len()];
        for missing in 0..60 {
            let rest: Vec<Row> = rows.iter().filter(|row| row.customer != missing).cloned().collect();
            let moved: Vec<i64> = whole.iter().zip(count(&rest)).map(|(all, rest)| all - rest).collect();
            assert!(moved.iter().all(|units| *units == 0 || *units == 1000), "{moved:?}");
            all_moved.iter_mut().zip(&moved).for_each(|(sum, units)| *sum += units);
            // As many labels as the row that decides has.
            let labels: Vec<i64> = (rows.iter().filter(|row| row.customer == missing))
                .map(|row| row.present.iter().filter(|present| **present == 1.0).count() as i64)
                .collect();
            assert!(labels.contains(&(moved.iter().sum::<i64>() / 1000)), "customer {missing}: {labels:?} {moved:?}");
            let square: i64 = moved.iter().map(|units| units * units).sum();
            assert!(square <= 1_000_000 * layout.counts_per_customer() as i64);
        }
        assert_eq!(all_moved, whole, "the counts are the customers', and nobody else's");
    }

    /// A logistic model with the weights 1 and a bias of 0, two heads: cells that can be counted by hand.
    #[test]
    fn scores_and_labels_decide_the_cell() {
        let shape = shape(1, &[], Activation::Tanh, 2);
        let parameters = Parameters::new(shape.clone(), vec![1.0, 1.0, 0.0, 0.0]).unwrap();
        let layout = CellLayout::scores(shape.heads(), 2, &[]);
        let row = |feature: f32, targets: [f32; 2], present: [f32; 2], customer| Row {
            features: vec![feature],
            targets: targets.to_vec(),
            present: present.to_vec(),
            customer,
        };
        let rows = [
            row(4.0, [1.0, 0.0], [1.0, 1.0], 0),
            row(3.0, [1.0, 0.0], [1.0, 0.0], 1),
            row(-4.0, [0.0, 1.0], [1.0, 1.0], 2),
        ];
        let table = Table::of_public(matrix(&rows, 1, 2));
        let trainer = Trainer::new(&shape, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"));
        let counted = count_scores(&parameters, &trainer, (&layout, None), 10).ok().unwrap();
        let mut expected = vec![0; layout.cells()];
        for (head, positive, score, customers) in
            [(0, true, 0.9, 2), (0, false, 0.1, 1), (1, false, 0.9, 1), (1, true, 0.1, 1)]
        {
            expected[layout.score_cell(head, positive, score).expect("a cell")] = 10 * customers;
        }
        assert_eq!(counted.values(), expected);
    }

    /// Whatever the vector before it was, a customer's begins with zeros: of two numbers that take turns neither is beyond the bound.
    #[test]
    fn what_a_customer_does_not_write_is_zero() {
        let shape = shape(1, &[], Activation::Relu, 1);
        let table = Table::of_public(matrix(&rows(&mut Dice::new(5), 1, 1, 20, 1), 1, 1));
        let trainer = Trainer::new(&shape, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"));
        let (bound, mut turn) = (VectorBound { dimension: 2, norm_squared: 1 }, 0);
        let sum = sum_of_customers(&trainer, bound, |_, vector| {
            vector[turn % 2] = 1;
            turn += 1;
        });
        assert_eq!(sum.values().iter().sum::<i64>(), 20);
        assert!(sum.values().iter().all(|units| *units > 0));
    }

    #[test]
    fn one_customer_is_one_count_a_field() {
        let schema = Schema::parse(include_str!("../../../docs/samples/schemas/deposit_churn.toml")).unwrap();
        let layout = CellLayout::features(&schema, 8, false);
        let width = schema.width();
        let mut dice = Dice::new(5);
        let rows = rows(&mut dice, width, 1, 20, 1);
        let architecture = shape(width, &[], Activation::Relu, 1);
        let count = |rows: &[Row]| {
            let table = Table::of_public(matrix(rows, width, 1));
            let trainer = Trainer::new(&architecture, &table, Placement::Dense);
            count_features(&trainer.unwrap_or_else(|error| panic!("{error}")), &layout, 7)
        };
        let sum = count(&rows);
        assert_eq!(sum.coordinates(), layout.cells());
        // Each customer in one cell of each histogram; the sum of all is the sum of each.
        let mut expected = vec![0; layout.cells()];
        for row in &rows {
            let alone = count(std::slice::from_ref(row));
            assert!(alone.values().iter().all(|units| *units == 0 || *units == 7));
            let counts = alone.values().iter().sum::<i64>() / 7;
            assert!((1..=layout.counts_per_customer() as i64).contains(&counts), "{counts}");
            expected.iter_mut().zip(alone.values()).for_each(|(sum, units)| *sum += units);
        }
        assert_eq!(sum.values(), expected);
    }
}
