//! The points of one field.

use serde::Serialize;

use super::changed::PointChange;
use super::fault::ChangeFault;
use super::scale::{Scale, whole};
use crate::additive::Term;
use crate::cells::{Cell, cells_of};
use crate::schema::{Field, FieldKind, Missing, Range, Transform};

/// The points of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldPoints {
    /// Its number in the schema, from 1.
    pub number: usize,
    /// Its code in reasons.
    pub code: String,
    /// Its name.
    pub field: String,
    /// Its name for Chinese readers.
    pub title_zh: Option<String>,
    /// Why it is used, for Chinese readers.
    pub reason_zh: Option<String>,
    /// Values that mean "missing", beside the empty one.
    pub missing_codes: Vec<String>,
    /// Whether points only rise, or only fall, with the value.
    pub turn: Turn,
    /// How a value becomes points.
    pub rule: Rule,
}

/// Whether points move in one direction with a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// They never fall.
    Rises,
    /// They never rise.
    Falls,
    /// They are the same for all values.
    Level,
    /// They rise and fall.
    Both,
    /// The values have no order.
    Unordered,
}

/// How a field's value becomes points.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// By its bin or category.
    Bins(Vec<BinPoints>),
    /// By a formula, for a number without bins.
    Line(Line),
}

/// One bin, category or special value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BinPoints {
    /// Its number within the field, from 1.
    pub number: u32,
    /// Which values.
    pub values: Values,
    /// Which others count as these.
    pub also: Vec<Also>,
    /// What they add to the logit.
    pub weight: f64,
    /// The same in points, before it was rounded.
    pub exact: f64,
    /// Whole points.
    pub points: i64,
    /// The model's own points, where people have set others.
    pub model_points: Option<i64>,
}

/// Which values a bin has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Numbers of a bin, one category, or no value.
    Cell(Cell),
    /// Whatever the schema does not list.
    Unlisted,
}

/// Other values that count as those of a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Also {
    /// Numbers below the schema's least.
    Below,
    /// Numbers above its largest.
    Above,
    /// Missing values.
    Missing,
    /// Values that are not listed.
    Unlisted,
}

/// Points of a number without bins: from those at its least value to those at its largest, along the schema's curve, then rounded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its least value. What is below counts as it.
    pub min: f64,
    /// Its largest value. What is above counts as it.
    pub max: f64,
    /// What one unit of the encoded value adds to the logit.
    pub weight: f64,
    /// Points for each unit of the encoded value, before they are rounded.
    pub slope: f64,
    /// Points at the least value, before they are rounded.
    pub at_min: f64,
    /// Points at the largest value, before they are rounded.
    pub at_max: f64,
    /// How far a value is along the curve, from 0 to 1, as a formula of `v`.
    pub share: String,
    /// As which number a missing value is read, where the schema says one.
    pub missing_as: Option<f64>,
    /// Points of a missing value, where the schema has an indicator for it: bin 1.
    pub missing: Option<BinPoints>,
}

impl FieldPoints {
    pub(super) fn of((number, field): (usize, &Field), term: &Term, scale: Scale) -> Self {
        let rule = match (term, &field.kind) {
            (Term::Number { weight, missing: added }, FieldKind::Numeric { min, max, transform, missing, .. }) => {
                let missing_as = if let Missing::Value(constant) = missing { Some(*constant) } else { None };
                let line = Line::of((transform, *min, *max), *weight, scale);
                let added = added.map(|added| bin(1, Values::Cell(Cell::Missing), added, scale));
                Rule::Line(Line { missing_as, missing: added, ..line })
            }
            (Term::Number { .. }, FieldKind::Categorical { .. }) => Rule::Bins(bins(field, &[], scale)),
            (Term::Cells(weights), _) => Rule::Bins(bins(field, weights, scale)),
        };
        let mut own = Self {
            number,
            code: reason_code(number),
            field: field.name.clone(),
            title_zh: field.title_zh.clone(),
            reason_zh: field.reason_zh.clone(),
            missing_codes: field.missing_codes.clone(),
            turn: Turn::Unordered,
            rule,
        };
        own.turn = own.turned();
        own
    }

    /// Every bin, or the one for a missing number.
    pub fn bins(&self) -> impl Iterator<Item = &BinPoints> {
        let (bins, missing) = match &self.rule {
            Rule::Bins(bins) => (bins.as_slice(), None),
            Rule::Line(line) => (&[][..], line.missing.as_ref()),
        };
        bins.iter().chain(missing)
    }

    /// Slots of a row.
    pub(super) fn slots(&self) -> usize {
        match &self.rule {
            Rule::Bins(bins) => bins.len() - usize::from(unlisted(bins).is_some()),
            Rule::Line(line) => 1 + usize::from(line.missing.is_some()),
        }
    }

    /// The points of a row's slots, and which slot of bins is 1.
    pub(super) fn points(&self, own: &[f32]) -> (i64, Option<usize>) {
        match &self.rule {
            Rule::Bins(bins) => match own.iter().position(|slot| *slot != 0.0) {
                Some(slot) => (bins.get(slot).map_or(0, |bin| bin.points), Some(slot)),
                None => (unlisted(bins).map_or(0, |bin| bin.points), None),
            },
            Rule::Line(line) => match (&line.missing, own) {
                (Some(missing), [_, indicator, ..]) if *indicator != 0.0 => (missing.points, None),
                (_, [value, ..]) => (whole(line.slope * f64::from(*value)), None),
                _ => (0, None),
            },
        }
    }

    /// Sets the points of one bin.
    pub(super) fn change(&mut self, change: &PointChange) -> Result<(), ChangeFault> {
        let bins = self.bins().count();
        let own = match &mut self.rule {
            Rule::Bins(bins) => bins.iter_mut().find(|bin| bin.number == change.bin),
            Rule::Line(line) => line.missing.as_mut().filter(|bin| bin.number == change.bin),
        };
        let (field, bin) = (change.field.clone(), change.bin);
        let Some(own) = own else { return Err(ChangeFault::Bin { field, bin, bins }) };
        if own.points != change.before {
            return Err(ChangeFault::Before { field, bin, found: own.points, before: change.before });
        }
        own.model_points = Some(own.model_points.unwrap_or(own.points));
        own.points = change.after;
        self.turn = self.turned();
        Ok(())
    }

    fn turned(&self) -> Turn {
        let rising = match &self.rule {
            Rule::Line(line) => vec![line.at_min, line.at_max],
            Rule::Bins(bins) => {
                let numbers = bins.iter().filter(|bin| matches!(bin.values, Values::Cell(Cell::Between(..))));
                numbers.map(|bin| if bin.model_points.is_some() { bin.points as f64 } else { bin.exact }).collect()
            }
        };
        let never = |falls: fn(&f64, &f64) -> bool| !rising.windows(2).any(|pair| falls(&pair[0], &pair[1]));
        match (rising.len(), never(|one, next| next < one), never(|one, next| next > one)) {
            (0, ..) => Turn::Unordered,
            (_, true, true) => Turn::Level,
            (_, true, false) => Turn::Rises,
            (_, false, true) => Turn::Falls,
            (_, false, false) => Turn::Both,
        }
    }
}

/// The code of a field in reasons: the letter R and its number in the schema, from 1. It stays the same for as long as the schema does.
#[must_use]
pub fn reason_code(number: usize) -> String {
    format!("R{number:03}")
}

/// The last bin, where it is of values that are in no slot.
fn unlisted(bins: &[BinPoints]) -> Option<&BinPoints> {
    bins.last().filter(|bin| bin.values == Values::Unlisted)
}

fn bin(number: u32, values: Values, weight: f64, scale: Scale) -> BinPoints {
    let exact = scale.factor() * weight;
    BinPoints { number, values, also: Vec::new(), weight, exact, points: whole(exact), model_points: None }
}

fn bins(field: &Field, weights: &[f64], scale: Scale) -> Vec<BinPoints> {
    let cells = cells_of(field, 0);
    let named = (1..).zip(cells).zip(weights);
    let mut bins: Vec<BinPoints> =
        named.map(|((number, cell), weight)| bin(number, Values::Cell(cell), *weight, scale)).collect();
    let mut also = |place: usize, what: Also| {
        if let Some(bin) = bins.get_mut(place) {
            bin.also.push(what);
        }
    };
    match &field.kind {
        FieldKind::Numeric { transform, missing, min, .. } => {
            let edges = if let Transform::Bins(edges) = transform { edges.as_slice() } else { &[] };
            also(0, Also::Below);
            also(edges.len(), Also::Above);
            if let Missing::Value(constant) = missing {
                let number = constant.max(*min);
                also(edges.iter().take_while(|edge| **edge <= number).count(), Also::Missing);
            }
        }
        FieldKind::Categorical { unlisted, missing, .. } => {
            if let Missing::Value(category) = missing {
                also(*category, Also::Missing);
            }
            match unlisted {
                Some(category) => also(*category, Also::Unlisted),
                None => {
                    let number = u32::try_from(bins.len() + 1).unwrap_or(u32::MAX);
                    bins.push(bin(number, Values::Unlisted, 0.0, scale));
                }
            }
        }
    }
    bins
}

impl Line {
    fn of((transform, min, max): (&Transform, f64, f64), weight: f64, scale: Scale) -> Self {
        let slope = scale.factor() * weight;
        let at_min = match transform.range() {
            Range::Symmetric => -slope,
            Range::Unit => 0.0,
        };
        let share = share(transform, (min, max));
        Self { min, max, weight, slope, at_min, at_max: slope, share, missing_as: None, missing: None }
    }
}

/// How far a value `v` is along a curve, as a formula.
fn share(transform: &Transform, (min, max): (f64, f64)) -> String {
    let (low, high) = (transform.curve(min), transform.curve(max));
    let curve = match transform {
        Transform::Linear(_) | Transform::Bins(_) => "v".to_owned(),
        Transform::Log { unit, .. } => format!("ln(1 + v / {unit})"),
        Transform::SignedLog { unit, .. } => format!("sign(v) * ln(1 + |v| / {unit})"),
    };
    format!("({curve} - {low}) / ({high} - {low})")
}
