//! The points of a table of a pair of fields.

use serde::Serialize;

use super::field::{BinPoints, FieldPoints, Values};
use super::scale::{Scale, whole};
use crate::additive::PairTerm;
use crate::schema::Schema;

/// A table of points for two fields taken together. They come on top of the points of each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairPoints {
    /// The names of both fields.
    pub fields: [String; 2],
    /// For each row, the values of the first field that are in it.
    pub rows: Vec<Vec<Values>>,
    /// For each column, the values of the second field that are in it.
    pub columns: Vec<Vec<Values>>,
    /// Row by row.
    pub cells: Vec<PairCell>,
    #[serde(skip)]
    term: PairTerm,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairCell {
    /// What it adds to the logit.
    pub weight: f64,
    /// Whole points.
    pub points: i64,
}

impl PairPoints {
    pub(super) fn of(pair: &PairTerm, schema: &Schema, fields: &[FieldPoints], scale: Scale) -> Self {
        let name = |place: usize| schema.fields()[pair.fields[place]].name.clone();
        let values = |place: usize| {
            let bins: Vec<&BinPoints> = fields[pair.fields[place]].bins().collect();
            let of = |group: usize| {
                let own = pair.groups[place].iter().zip(&bins).filter(|(own, _)| **own == Some(group));
                own.map(|(_, bin)| bin.values.clone()).collect()
            };
            (0..pair.side).map(of).collect()
        };
        let cells =
            pair.cells.iter().map(|weight| PairCell { weight: *weight, points: whole(scale.factor() * weight) });
        Self {
            fields: [name(0), name(1)],
            rows: values(0),
            columns: values(1),
            cells: cells.collect(),
            term: pair.clone(),
        }
    }

    /// The points of a row, by the slots that are 1 of all fields.
    pub(super) fn points(&self, active: &[Option<usize>]) -> i64 {
        self.term.cell(active).and_then(|cell| self.cells.get(cell)).map_or(0, |cell| cell.points)
    }
}
