//! What a data set looks like as a whole, kept at the branch so that the next one can be laid beside it. It holds counts, never a value, and depends
//! on rows: no message has a place for it.

use serde::{Deserialize, Serialize};
use tributary_model::counts::CellLayout;
use tributary_model::features::FeatureMatrix;
use tributary_model::schema::Schema;

/// Equal bins of a number between its bounds, where its schema names no bins.
const BINS: usize = 10;

/// Counts of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows.
    pub rows: u64,
    /// Customers.
    pub customers: u64,
    /// Each label.
    pub labels: Vec<LabelSummary>,
    /// Each field.
    pub fields: Vec<FieldSummary>,
}

/// Rows of one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSummary {
    /// Its name.
    pub name: String,
    /// Rows that are positive, and rows that are negative.
    pub classes: [u64; 2],
}

/// Rows of one field, by the schema's bins or categories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// Its name.
    pub name: String,
    /// Values that are missing, whatever the schema puts in their place.
    pub missing: u64,
    /// Rows in each bin or category; the last cell counts those that are in none.
    pub cells: Vec<u64>,
    /// Of each label, by cell: rows that are positive, and rows that are negative.
    pub by_label: Vec<Vec<[u64; 2]>>,
}

impl Summary {
    /// Counts a table.
    #[must_use]
    pub fn of(rows: &FeatureMatrix, schema: &Schema) -> Self {
        let layout = CellLayout::features(schema, BINS, false);
        let labels = rows.labels();
        let mut cells = vec![0_i64; layout.cells()];
        let mut by_label = vec![[vec![0_i64; layout.cells()], vec![0_i64; layout.cells()]]; labels];
        let mut slots = vec![0.0; rows.width()];
        let mut own = Vec::new();
        let mut classes = vec![[0_u64; 2]; labels];
        for row in 0..rows.rows() {
            rows.write_row(Some(row), &mut slots);
            own.clear();
            layout.feature_cells(&slots, |_| None, |cell, _| own.extend(cell));
            own.iter().for_each(|cell| cells[*cell] += 1);
            for label in 0..labels {
                let (target, present) = rows.label(row, label);
                if present == 1.0 {
                    let class = usize::from(target != 1.0);
                    classes[label][class] += 1;
                    own.iter().for_each(|cell| by_label[label][class][*cell] += 1);
                }
            }
        }
        // As the layout divides its cells among the fields.
        let divided = |counts: &[i64]| -> Vec<Vec<u64>> {
            let whole = |counts: Vec<f64>| counts.into_iter().map(count).collect();
            layout.read(counts, 1).into_iter().map(|histogram| whole(histogram.counts)).collect()
        };
        let all = rows.rows() as u64;
        let counted = divided(&cells);
        let by_label: Vec<[Vec<Vec<u64>>; 2]> =
            by_label.iter().map(|[positive, negative]| [divided(positive), divided(negative)]).collect();
        let fields = counted.into_iter().zip(&rows.counts().fields).enumerate().map(|(field, (mut cells, counts))| {
            let with_none = |cells: &mut Vec<u64>, all: u64| cells.push(all.saturating_sub(cells.iter().sum()));
            with_none(&mut cells, all);
            let by_label = by_label.iter().zip(&classes).map(|(of_label, classes)| {
                let mut own = [0, 1].map(|class: usize| of_label[class][field].clone());
                own.iter_mut().zip(classes).for_each(|(cells, all)| with_none(cells, *all));
                let [positive, negative] = own;
                positive.into_iter().zip(negative).map(|(positive, negative)| [positive, negative]).collect()
            });
            FieldSummary { name: counts.name.clone(), missing: counts.missing, by_label: by_label.collect(), cells }
        });
        let names = rows.counts().labels.iter().map(|label| label.name.clone());
        Self {
            rows: all,
            customers: rows.customer_count() as u64,
            labels: names.zip(&classes).map(|(name, classes)| LabelSummary { name, classes: *classes }).collect(),
            fields: fields.collect(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count that was a whole number")]
fn count(value: f64) -> u64 {
    value as u64
}
