//! One value to its slots, by what is worked out once for each field.

use super::cell::Read;
use super::counts::{FieldCounts, FieldTally, LabelCounts, LabelTally, usual_words};
use super::packed::{CellKind, PackedRow};
use super::{DataError, ValueKind};
use crate::schema::number::{finite, grouped, parse};
use crate::schema::{Decimal, Field, FieldKind, Label, Missing, Range, Transform};

/// A field, ready for its values.
pub(super) struct FieldEncoder<'schema> {
    field: &'schema Field,
    decimal: Decimal,
    kind: Kind<'schema>,
}

enum Kind<'schema> {
    Numeric(Numeric<'schema>),
    Categorical {
        listed: Listed<'schema>,
        categories: usize,
        unlisted: Option<usize>,
        missing: &'schema Missing<usize>,
    },
}

struct Numeric<'schema> {
    min: f64,
    max: f64,
    transform: &'schema Transform,
    /// Where the curve is at `min`, and how far it is from there to `max`.
    low: f64,
    span: f64,
    missing: &'schema Missing<f64>,
    codes: &'schema [f64],
}

/// Values of a list: compared as texts first, and where the list has numbers, as numbers.
struct Listed<'schema> {
    texts: Vec<&'schema str>,
    numbers: Vec<(f64, usize)>,
}

impl<'schema> Listed<'schema> {
    fn new(texts: impl IntoIterator<Item = &'schema String>) -> Self {
        let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
        // A schema writes its numbers with a point.
        let numbers = texts.iter().enumerate();
        let numbers = numbers.filter_map(|(index, text)| Some((finite(text, Decimal::Point)?, index))).collect();
        Self { texts, numbers }
    }

    fn position(&self, value: Read<'_>, decimal: Decimal) -> Option<usize> {
        let number = match value {
            Read::Number(number) => number,
            Read::Text(value) => {
                if let Some(index) = self.texts.iter().position(|text| *text == value) {
                    return Some(index);
                }
                if self.numbers.is_empty() { None } else { finite(value, decimal) }?
            }
        };
        self.numbers.iter().find(|(known, _)| *known == number).map(|(_, index)| *index)
    }
}

impl<'schema> FieldEncoder<'schema> {
    pub(super) fn new(field: &'schema Field, decimal: Decimal) -> Self {
        let kind = match &field.kind {
            FieldKind::Numeric { min, max, transform, missing, missing_numbers } => {
                let (low, high) = (transform.curve(*min), transform.curve(*max));
                let (span, codes) = (high - low, missing_numbers);
                Kind::Numeric(Numeric { min: *min, max: *max, transform, low, span, missing, codes })
            }
            FieldKind::Categorical { categories, unlisted, missing } => Kind::Categorical {
                listed: Listed::new(categories.iter().chain(&field.missing_codes)),
                categories: categories.len(),
                unlisted: *unlisted,
                missing,
            },
        };
        Self { field, decimal, kind }
    }

    /// How the field lies in a packed row.
    pub(super) fn cell(field: &Field) -> (CellKind, usize) {
        let one_hot = match &field.kind {
            FieldKind::Numeric { transform, .. } => matches!(transform, Transform::Bins(_)),
            FieldKind::Categorical { .. } => true,
        };
        (if one_hot { CellKind::OneHot } else { CellKind::Number }, field.width())
    }

    /// Counts of no value, of a column that the file has or lacks.
    pub(super) fn counts(&self, absent: bool) -> FieldCounts {
        let Field { name, column, kind, .. } = self.field;
        let has_unlisted = matches!(kind, FieldKind::Categorical { unlisted: Some(_), .. });
        let numeric = matches!(kind, FieldKind::Numeric { .. });
        let (name, column) = (name.clone(), column.clone());
        FieldCounts { name, column, numeric, has_unlisted, absent, ..FieldCounts::default() }
    }

    /// Appends a value to `out`, and says what it is. A category that is not listed, and for which the schema names none, leaves every slot 0:
    /// what a list lacks must not decide over the whole table. On an error `out` may have grown.
    pub(super) fn encode(&self, value: Read<'_>, row: u64, out: &mut PackedRow) -> Result<FieldTally, DataError> {
        let empty = matches!(value, Read::Text(""));
        match &self.kind {
            Kind::Numeric(numeric) => {
                let is_code = |text: &str| self.field.missing_codes.iter().any(|code| code == text);
                let coded = empty || matches!(value, Read::Text(text) if is_code(text));
                let number = if coded { None } else { Some(self.number(value, row)?) };
                let number = number.filter(|number| !numeric.codes.contains(number));
                let tally = number.map_or(FieldTally::Missing, |number| FieldTally::number(number, value));
                let (number, gone) = self.settle(number, numeric.missing, row)?;
                numeric.encode(number, gone, self.field.width(), out);
                Ok(tally)
            }
            Kind::Categorical { listed, categories, unlisted, missing } => {
                let found = if empty { None } else { listed.position(value, self.decimal) };
                let coded = empty || found.is_some_and(|index| index >= *categories);
                let tally = match (coded, found) {
                    (true, _) => FieldTally::Missing,
                    (false, None) => FieldTally::Unlisted,
                    (false, Some(_)) => FieldTally::Listed,
                };
                let category = found.filter(|_| !coded).or(unlisted.filter(|_| !coded));
                let width = self.field.width();
                if !coded && category.is_none() {
                    out.one_hot(None, width);
                    return Ok(tally);
                }
                let (index, gone) = self.settle(category, missing, row)?;
                // The slot of the indicator is the last one.
                out.one_hot(if gone { Some(*categories) } else { index }, width);
                Ok(tally)
            }
        }
    }

    /// Appends the group of an audit column to `out`. A value that is missing, not listed or no number is in none: it refuses no row.
    pub(super) fn group(&self, value: Read<'_>, out: &mut PackedRow) {
        let empty = matches!(value, Read::Text(""));
        let group = match &self.kind {
            Kind::Numeric(numeric) => {
                let is_code = |text: &str| self.field.missing_codes.iter().any(|code| code == text);
                let coded = empty || matches!(value, Read::Text(text) if is_code(text));
                let number = if coded { None } else { self.number(value, 0).ok() };
                let number = number.filter(|number| !numeric.codes.contains(number));
                numeric.group(number, coded, self.field.width())
            }
            Kind::Categorical { listed, categories, unlisted, missing } => {
                let found = if empty { None } else { listed.position(value, self.decimal) };
                let coded = empty || found.is_some_and(|index| index >= *categories);
                match (coded, missing) {
                    (false, _) => found.or(*unlisted),
                    (true, Missing::Indicator) => Some(*categories),
                    (true, Missing::Value(category)) => Some(*category),
                    (true, Missing::Refused) => None,
                }
            }
        };
        out.audit(group);
    }

    /// Counts a value of a row that was taken.
    pub(super) fn count(&self, tally: FieldTally, counts: &mut FieldCounts) {
        match tally {
            FieldTally::Listed => {}
            FieldTally::Missing => counts.missing += 1,
            FieldTally::Unlisted => counts.unlisted += 1,
            FieldTally::Number { number, pointed, grouped } => {
                if let Kind::Numeric(Numeric { min, max, .. }) = &self.kind {
                    counts.below += u64::from(number < *min);
                    counts.at_min += u64::from(number == *min);
                    counts.at_max += u64::from(number == *max);
                    counts.above += u64::from(number > *max);
                }
                counts.pointed += u64::from(pointed);
                counts.grouped += u64::from(grouped);
            }
        }
    }

    /// What a missing value is read as beside its indicator, as it is encoded.
    pub(super) fn filling(&self) -> f32 {
        match (&self.kind, self.field.imputation) {
            (Kind::Numeric(numeric), Some(number)) => numeric.scaled(number),
            _ => 0.0,
        }
    }

    fn number(&self, value: Read<'_>, row: u64) -> Result<f64, DataError> {
        let column = || self.field.column.clone();
        let (number, found) = match value {
            Read::Number(number) => (Some(number), ValueKind::Number),
            Read::Text(text) => {
                let number = parse(text, self.decimal);
                (number, if number.is_none() { ValueKind::of(text) } else { ValueKind::Number })
            }
        };
        match number {
            Some(number) if number.is_nan() => Err(DataError::Nan { row, column: column() }),
            Some(number) if number.is_infinite() => Err(DataError::Infinite { row, column: column() }),
            Some(number) => Ok(number),
            None => Err(DataError::NotANumber { row, column: column(), found }),
        }
    }

    /// Applies the missing rule: the value to encode, and whether the indicator is to be set.
    fn settle<V: Copy>(
        &self,
        value: Option<V>,
        missing: &Missing<V>,
        row: u64,
    ) -> Result<(Option<V>, bool), DataError> {
        match (value, missing) {
            (Some(value), _) => Ok((Some(value), false)),
            (None, Missing::Value(replacement)) => Ok((Some(*replacement), false)),
            (None, Missing::Indicator) => Ok((None, true)),
            (None, Missing::Refused) => Err(DataError::Empty { row, column: self.field.column.clone() }),
        }
    }
}

impl Numeric<'_> {
    /// The bin of a number, or of none that was coded so.
    fn group(&self, number: Option<f64>, coded: bool, width: usize) -> Option<usize> {
        let Transform::Bins(edges) = self.transform else { return None };
        let number = match (number, self.missing) {
            (None, Missing::Value(constant)) if coded => Some(*constant),
            (None, Missing::Indicator) if coded => return Some(width - 1),
            _ => number,
        };
        number.map(|number| bin_of(edges, number.clamp(self.min, self.max)))
    }

    fn encode(&self, number: Option<f64>, gone: bool, width: usize, out: &mut PackedRow) {
        let clamped = number.map(|number| number.clamp(self.min, self.max));
        match self.transform {
            Transform::Bins(edges) => {
                let bin = clamped.map(|number| bin_of(edges, number));
                // The slot of the indicator is the last one.
                out.one_hot(if gone { Some(width - 1) } else { bin }, width);
            }
            _ => out.number(clamped.map(|number| self.scaled(number))),
        }
    }

    /// `number` lies within the bounds; so does the result within its range.
    fn scaled(&self, number: f64) -> f32 {
        let share = ((self.transform.curve(number) - self.low) / self.span).clamp(0.0, 1.0);
        let result = match self.transform.range() {
            Range::Unit => share,
            Range::Symmetric => 2.0 * share - 1.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a number between -1 and 1, rounded to the nearest f32")]
        let narrow = result as f32;
        narrow
    }
}

/// The bin of a number: how many edges are not above it.
fn bin_of(edges: &[f64], number: f64) -> usize {
    edges.iter().take_while(|edge| **edge <= number).count()
}

impl FieldTally {
    fn number(number: f64, value: Read<'_>) -> Self {
        let text = match value {
            Read::Text(text) if text.as_bytes().contains(&b'.') => text,
            _ => return Self::Number { number, pointed: false, grouped: false },
        };
        Self::Number { number, pointed: true, grouped: grouped(text.trim_start_matches(['-', '+']), '.') }
    }
}

/// A label, ready for its values.
pub(super) struct LabelEncoder<'schema> {
    label: &'schema Label,
    decimal: Decimal,
    listed: Listed<'schema>,
}

impl<'schema> LabelEncoder<'schema> {
    pub(super) fn new(label: &'schema Label, decimal: Decimal) -> Self {
        let listed = Listed::new(label.positive.iter().chain(&label.negative).chain(&label.missing_codes));
        Self { label, decimal, listed }
    }

    /// Counts of no value.
    pub(super) fn counts(&self) -> LabelCounts {
        let Label { name, column, .. } = self.label;
        LabelCounts { name: name.clone(), column: column.clone(), ..LabelCounts::default() }
    }

    /// Appends the class of a value to `out`, and says what it is. A value that is not listed teaches nothing.
    pub(super) fn encode(&self, value: Read<'_>, out: &mut PackedRow) -> LabelTally {
        let (positive, negative) = (self.label.positive.len(), self.label.negative.len());
        let (class, tally) = match self.listed.position(value, self.decimal) {
            Some(index) if index < positive => (Some(true), LabelTally::Positive),
            Some(index) if index < positive + negative => (Some(false), LabelTally::Negative),
            Some(_) => (None, LabelTally::Missing),
            None => {
                let text = if let Read::Text(text) = value { Some(text) } else { None };
                (None, LabelTally::Unlisted(text == Some(""), text.and_then(usual_words)))
            }
        };
        out.label(class);
        tally
    }
}
