//! What the cells of a field's histogram count, by the schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema::{Field, FieldKind, Missing, Transform};

/// Which values of a field a cell counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Numbers from the first one up to the second one.
    Between(f64, f64),
    /// One category.
    Category(String),
    /// No value.
    Missing,
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(low, high) => write!(out, "{low} to {high}"),
            Self::Category(name) => out.write_str(name),
            Self::Missing => out.write_str("missing"),
        }
    }
}

/// What the cells of a field's histogram count, where numbers without bins of their own have so many.
#[must_use]
pub fn cells_of(field: &Field, bins: usize) -> Vec<Cell> {
    let between = |edges: Vec<f64>| edges.windows(2).map(|pair| Cell::Between(pair[0], pair[1])).collect::<Vec<Cell>>();
    let (mut cells, missing) = match &field.kind {
        FieldKind::Numeric { min, max, transform: Transform::Bins(edges), missing, .. } => {
            let inner = edges.iter().copied().filter(|edge| edge < max);
            let mut cells = between(std::iter::once(*min).chain(inner).chain([*max]).collect());
            // The bin from the largest value on.
            cells.resize(edges.len() + 1, Cell::Between(*max, *max));
            (cells, matches!(missing, Missing::Indicator))
        }
        FieldKind::Numeric { min, max, transform, missing, .. } => {
            let (low, high) = (transform.curve(*min), transform.curve(*max));
            let inner = (1..bins).map(|edge| transform.value(low + (high - low) * edge as f64 / bins as f64));
            let edges = std::iter::once(*min).chain(inner).chain([*max]);
            (between(edges.collect()), matches!(missing, Missing::Indicator))
        }
        FieldKind::Categorical { categories, missing, .. } => {
            (categories.iter().cloned().map(Cell::Category).collect(), matches!(missing, Missing::Indicator))
        }
    };
    cells.extend(missing.then_some(Cell::Missing));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::CellLayout;
    use crate::schema::Schema;

    /// Each cell of a histogram has its name, bins ascend from the least value to the largest, and missing values come last.
    #[test]
    fn every_cell_of_every_field_is_named() {
        for text in [
            include_str!("../../docs/samples/schemas/adult.toml"),
            include_str!("../../docs/samples/schemas/bank_full.toml"),
            include_str!("../../docs/samples/schemas/deposit_churn.toml"),
        ] {
            let schema = Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
            let layout = CellLayout::features(&schema, 8, false);
            let counts = layout.read(&vec![0; layout.cells()], 1);
            for (field, counts) in schema.fields().iter().zip(counts) {
                let cells = cells_of(field, 8);
                assert_eq!(cells.len(), counts.counts.len(), "{}", field.name);
                let edges: Vec<f64> = cells
                    .iter()
                    .filter_map(|cell| if let Cell::Between(low, high) = cell { Some([*low, *high]) } else { None })
                    .flatten()
                    .collect();
                assert!(edges.is_sorted(), "{}: {edges:?}", field.name);
                if let FieldKind::Numeric { min, max, .. } = &field.kind {
                    let ends = (edges.first().unwrap(), edges.last().unwrap());
                    assert!((ends.0 - min).abs() < 1e-9 && (ends.1 - max).abs() < 1e-9, "{}: {ends:?}", field.name);
                }
                let missing = cells.iter().position(|cell| *cell == Cell::Missing);
                assert!(missing.is_none_or(|place| place + 1 == cells.len()));
            }
        }
    }
}
