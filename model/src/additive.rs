//! One head of a model that is a sum over fields: what each field adds to the logit by its value, and what tables of pairs add.
//!
//! Scores, scorecards and exports read a model so. A perceptron is no such sum and is refused.

use std::ops::Range;

use crate::features::filling;
use crate::pairs::PairTables;
use crate::parameters::{Parameters, settled};
use crate::schema::{Field, FieldKind, Missing, Schema, Transform};

/// What one head adds up. The logit is the intercept, one term of each field, and one cell of each table of pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Additive {
    /// The logit of a row that adds nothing else.
    pub intercept: f64,
    /// One for each field of the schema, in its order.
    pub fields: Vec<Term>,
    /// Tables of pairs of fields.
    pub pairs: Vec<PairTerm>,
}

/// What a field adds to the logit.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A field of bins or categories: the weight of each slot. One slot of a row is 1, or none, which adds nothing.
    Cells(Vec<f64>),
    /// A number: its weight times the encoded value, which lies in -1 to 1.
    Number {
        /// Logits for each unit of the encoded value.
        weight: f64,
        /// What a missing value adds, where the schema has an indicator for it.
        missing: Option<f64>,
    },
}

/// A table of a pair of fields.
#[derive(Clone, Debug, PartialEq)]
pub struct PairTerm {
    /// The two fields, by their numbers in the schema.
    pub fields: [usize; 2],
    /// For each slot of both fields its row, and its column. Nothing: the slot is in no group, and the table adds nothing.
    pub groups: [Vec<Option<usize>>; 2],
    /// Rows, and columns.
    pub side: usize,
    /// What each cell adds, row by row.
    pub cells: Vec<f64>,
}

/// Why a model cannot be read as a sum over fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdditiveFault {
    /// It has hidden layers.
    #[error(
        "the model has hidden layers, so its score is no sum over fields. Scorecards, PMML and SQL are for logistic and additive models; \
         export a perceptron as onnx or safetensors"
    )]
    Hidden,
    /// The schema is another one.
    #[error(
        "the model takes {expected} numbers, and the schema encodes {found}: they do not belong together; use the schema of the model's plan"
    )]
    Schema {
        /// The network's inputs.
        expected: usize,
        /// The schema's width.
        found: usize,
    },
    /// No such head.
    #[error("the model has no head \"{head}\"; it has {known}")]
    Head {
        /// What was asked for.
        head: String,
        /// The heads that there are.
        known: String,
    },
    /// A table of a pair that is of no two fields of the schema.
    #[error(
        "table {0} of the model's pairs is of no two fields of the schema: they do not belong together; use the schema of the model's plan"
    )]
    Fields(usize),
    /// A table of a pair that is of no two fields of bins or categories.
    #[error(
        "table {0} of the model's pairs is not of two fields with bins or categories, so that its values have no cells; export the model as onnx"
    )]
    Pair(usize),
}

impl Additive {
    /// Reads one head of a model whose tables of pairs have cells for values: each of two fields of bins or categories.
    ///
    /// # Errors
    /// [`AdditiveFault`].
    pub fn of(parameters: &Parameters, schema: &Schema, head: &str) -> Result<Self, AdditiveFault> {
        let own = Self::read(parameters, schema, head)?;
        let celled = |pair: &PairTerm| pair.fields.iter().all(|field| matches!(own.fields[*field], Term::Cells(_)));
        match (1..).zip(&own.pairs).find(|(_, pair)| !celled(pair)) {
            Some((place, _)) => Err(AdditiveFault::Pair(place)),
            None => Ok(own),
        }
    }

    /// Reads one head of a model, whatever its tables of pairs are of.
    ///
    /// # Errors
    /// [`AdditiveFault`], but not [`AdditiveFault::Pair`].
    pub fn read(parameters: &Parameters, schema: &Schema, head: &str) -> Result<Self, AdditiveFault> {
        let architecture = parameters.architecture();
        if !architecture.hidden().is_empty() {
            return Err(AdditiveFault::Hidden);
        }
        let (expected, found) = (architecture.inputs() as usize, schema.width());
        if expected != found {
            return Err(AdditiveFault::Schema { expected, found });
        }
        let number = head_number(parameters, head)?;
        let heads = architecture.heads().len();
        let weight = |index: usize| {
            let value = parameters.values().get(index).copied().unwrap_or_default();
            // As scoring has it.
            f64::from(settled(value))
        };
        let of_slot = |slot: usize| weight(slot * heads + number);
        let spans = spans(schema);
        let fields = schema.fields().iter().zip(&spans).map(|(field, span)| term(field, span, of_slot)).collect();
        let pairs = match PairTables::of(parameters) {
            Some(tables) => pair_terms(&tables, &spans, (number, heads))?,
            None => Vec::new(),
        };
        Ok(Self { intercept: weight(expected * heads + number), fields, pairs })
    }
}

impl Term {
    /// What the field adds, by its slots of a row that are not 0, each with what it holds. Slots are counted from the field's first one.
    pub(crate) fn added(&self, slots: impl Iterator<Item = (usize, f64)>) -> f64 {
        match self {
            Self::Cells(weights) => {
                slots.fold(0.0, |sum, (slot, share)| sum + share * weights.get(slot).copied().unwrap_or_default())
            }
            Self::Number { weight, missing } => slots.fold(0.0, |sum, (slot, value)| match (slot, missing) {
                (0, _) => weight * value,
                // It stands for what is in the number's own slot as well.
                (_, Some(missing)) => *missing,
                (_, None) => sum,
            }),
        }
    }
}

impl PairTerm {
    /// What the table adds, by the slots of both fields as [`Term::added`] has them.
    pub(crate) fn added(
        &self,
        one: impl Iterator<Item = (usize, f64)>,
        other: impl Iterator<Item = (usize, f64)> + Clone,
    ) -> f64 {
        let mut sum = 0.0;
        for (row, left) in self.grouped(0, one) {
            for (column, right) in self.grouped(1, other.clone()) {
                sum += left * right * self.cells.get(row * self.side + column).copied().unwrap_or_default();
            }
        }
        sum
    }

    /// The groups in which slots of one of the two fields are, each with what the slot holds.
    pub(crate) fn grouped(
        &self,
        place: usize,
        slots: impl Iterator<Item = (usize, f64)>,
    ) -> impl Iterator<Item = (usize, f64)> {
        slots.filter_map(move |(slot, share)| Some((self.groups[place].get(slot).copied().flatten()?, share)))
    }

    /// The cell of a row, by the slots that are 1 of all fields.
    #[must_use]
    pub fn cell(&self, active: &[Option<usize>]) -> Option<usize> {
        let group = |place: usize| {
            let slot = active.get(self.fields[place]).copied().flatten()?;
            self.groups[place].get(slot).copied().flatten()
        };
        Some(group(0)? * self.side + group(1)?)
    }
}

/// The number of a head.
///
/// # Errors
/// [`AdditiveFault::Head`].
pub fn head_number(parameters: &Parameters, head: &str) -> Result<usize, AdditiveFault> {
    let heads = parameters.architecture().heads();
    heads.iter().position(|own| own == head).ok_or_else(|| AdditiveFault::Head {
        head: tributary_protocol::printable::Printable::new(head).to_string(),
        known: heads.iter().map(|own| format!("\"{own}\"")).collect::<Vec<_>>().join(", "),
    })
}

/// Each field's slots of a row.
#[must_use]
pub fn spans(schema: &Schema) -> Vec<Range<usize>> {
    let mut first = 0;
    let span = |field: &Field| {
        let span = first..first + field.width();
        first = span.end;
        span
    };
    schema.fields().iter().map(span).collect()
}

fn term(field: &Field, span: &Range<usize>, weight: impl Fn(usize) -> f64) -> Term {
    match &field.kind {
        FieldKind::Numeric { transform, missing, .. } if !matches!(transform, Transform::Bins(_)) => {
            let own = weight(span.start);
            // Beside its indicator a missing value may be read as a number.
            let beside = || weight(span.start + 1) + own * f64::from(filling(field));
            Term::Number { weight: own, missing: (*missing == Missing::Indicator).then(beside) }
        }
        _ => Term::Cells(span.clone().map(weight).collect()),
    }
}

fn pair_terms(
    tables: &PairTables,
    spans: &[Range<usize>],
    (head, heads): (usize, usize),
) -> Result<Vec<PairTerm>, AdditiveFault> {
    let number = |slots: &Range<usize>| spans.iter().position(|span| span == slots);
    let read = (1..).zip(tables.tables()).map(|(place, (fields, cells))| {
        let both = [number(&fields[0]), number(&fields[1])];
        let [Some(one), Some(other)] = both else { return Err(AdditiveFault::Fields(place)) };
        let groups = fields.clone().map(|slots| slots.map(|slot| tables.group(slot)).collect());
        let cells = cells.iter().skip(head).step_by(heads).copied().collect();
        Ok(PairTerm { fields: [one, other], groups, side: tables.side(), cells })
    });
    read.collect()
}
