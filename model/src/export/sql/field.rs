//! What a field's value is, and what it adds.

use std::fmt::Write as _;

use super::super::ExportFault;
use super::super::column::{ColumnKind, Item};
use super::dialect::Dialect;
use crate::additive::{PairTerm, Term};
use crate::schema::{Field, FieldKind, Missing, Range, Transform};

/// The column of a field.
pub(super) struct Source<'a> {
    pub(super) dialect: Dialect,
    pub(super) kind: ColumnKind,
    /// The column: a trimmed text, or a double.
    pub(super) own: &'a str,
    /// The column as a double; absent where its texts are never looked at as numbers.
    pub(super) number: Option<&'a str>,
}

/// The slot of a value that is in none.
const NO_SLOT: i64 = -1;

impl Source<'_> {
    /// Whether there is no value, by the field's own rule.
    fn is_gone(&self, field: &Field) -> Result<String, ExportFault> {
        let mut gone = match self.kind {
            ColumnKind::Number => format!("{} IS NULL", self.own),
            ColumnKind::Text => self.dialect.is_empty(self.own),
        };
        for code in Item::all(&field.missing_codes) {
            if let Some(is) = self.is(&code)? {
                let _ = write!(gone, " OR {is}");
            }
        }
        Ok(gone)
    }

    /// Whether a value is this item of a list; nothing where it never is.
    fn is(&self, item: &Item) -> Result<Option<String>, ExportFault> {
        let text = item.text.as_ref().filter(|_| self.kind == ColumnKind::Text);
        let text = text.map(|text| format!("{} = {}", self.own, self.dialect.text(text)));
        let number = item.number.zip(self.number);
        let equal = |(number, own)| self.dialect.number(number).map(|number| format!("{own} = {number}"));
        let number = number.map(equal).transpose()?;
        Ok(text.into_iter().chain(number).reduce(|one, other| format!("{one} OR {other}")))
    }
}

/// 1 where the schema refuses the row for the field's value, and 0 elsewhere; nothing where it never does.
pub(super) fn refused(field: &Field, source: &Source<'_>) -> Result<Option<String>, ExportFault> {
    let (gone_refused, is_number) = match &field.kind {
        FieldKind::Numeric { missing, .. } => (*missing == Missing::Refused, true),
        FieldKind::Categorical { missing, .. } => (*missing == Missing::Refused, false),
    };
    let gone = source.is_gone(field)?;
    let told = u8::from(gone_refused);
    Ok(match (is_number, source.number) {
        (true, Some(number)) => {
            let good = match source.kind {
                ColumnKind::Number => source.dialect.is_finite(number),
                ColumnKind::Text => format!("{number} IS NOT NULL"),
            };
            Some(format!("CASE WHEN {gone} THEN {told} WHEN {good} THEN 0 ELSE 1 END"))
        }
        _ => gone_refused.then(|| format!("CASE WHEN {gone} THEN 1 ELSE 0 END")),
    })
}

/// The value of a field for the sum: its slot, or for a number what it adds.
pub(super) fn value(field: &Field, term: &Term, source: &Source<'_>) -> Result<String, ExportFault> {
    let gone = source.is_gone(field)?;
    match (&field.kind, term) {
        (FieldKind::Numeric { min, max, transform, missing, .. }, Term::Number { weight, missing: added }) => {
            let bounds = (*min, *max);
            let instead = match missing {
                Missing::Value(constant) => weight * scaled(transform, bounds, *constant),
                Missing::Indicator => added.unwrap_or_default(),
                Missing::Refused => 0.0,
            };
            line(source, (&gone, instead), (transform, bounds), *weight)
        }
        (FieldKind::Numeric { transform, missing, .. }, Term::Cells(_)) => {
            let edges = if let Transform::Bins(edges) = transform { edges.as_slice() } else { &[] };
            let place = |count: usize| i64::try_from(count).unwrap_or(NO_SLOT);
            let instead = match missing {
                Missing::Value(constant) => place(edges.iter().take_while(|edge| **edge <= *constant).count()),
                Missing::Indicator => place(edges.len() + 1),
                Missing::Refused => NO_SLOT,
            };
            let mut out = format!("CASE WHEN {gone} THEN {instead}");
            let number = source.number.unwrap_or(source.own);
            for (slot, edge) in edges.iter().enumerate() {
                let _ = write!(out, " WHEN {number} < {} THEN {slot}", source.dialect.number(*edge)?);
            }
            let _ = write!(out, " ELSE {} END", edges.len());
            Ok(out)
        }
        (FieldKind::Categorical { categories, unlisted, missing }, _) => {
            let place = |slot: Option<usize>| slot.and_then(|slot| i64::try_from(slot).ok()).unwrap_or(NO_SLOT);
            let instead = match missing {
                Missing::Value(category) => place(Some(*category)),
                Missing::Indicator => place(Some(categories.len())),
                Missing::Refused => NO_SLOT,
            };
            let mut out = format!("CASE WHEN {gone} THEN {instead}");
            for (slot, category) in categories.iter().enumerate() {
                if let Some(is) = source.is(&Item::of(category))? {
                    let _ = write!(out, " WHEN {is} THEN {slot}");
                }
            }
            let _ = write!(out, " ELSE {} END", place(*unlisted));
            Ok(out)
        }
    }
}

/// A number along its curve.
fn scaled(transform: &Transform, (min, max): (f64, f64), value: f64) -> f64 {
    let (low, high) = (transform.curve(min), transform.curve(max));
    let share = ((transform.curve(value) - low) / (high - low)).clamp(0.0, 1.0);
    match transform.range() {
        Range::Unit => share,
        Range::Symmetric => 2.0 * share - 1.0,
    }
}

fn line(
    source: &Source<'_>,
    (gone, instead): (&str, f64),
    (transform, (min, max)): (&Transform, (f64, f64)),
    weight: f64,
) -> Result<String, ExportFault> {
    let number = |value: f64| source.dialect.number(value);
    let own = source.number.unwrap_or(source.own);
    let curve = match transform {
        Transform::Linear(_) | Transform::Bins(_) => own.to_owned(),
        Transform::Log { unit, .. } => format!("LN(1 + {own} / {})", number(*unit)?),
        Transform::SignedLog { unit, .. } => {
            let unit = number(*unit)?;
            format!("CASE WHEN {own} < 0 THEN 0 - LN(1 - {own} / {unit}) ELSE LN(1 + {own} / {unit}) END")
        }
    };
    let (low, high) = (transform.curve(min), transform.curve(max));
    let share = format!("({curve} - {}) / {}", number(low)?, number(high - low)?);
    let (at_min, encoded) = match transform.range() {
        Range::Unit => (0.0, share),
        Range::Symmetric => (-weight, format!("(2 * {share} - 1)")),
    };
    // Beyond the bounds the curve is not asked: it may have no value there.
    Ok(format!(
        "CASE WHEN {gone} THEN {} WHEN {own} <= {} THEN {} WHEN {own} >= {} THEN {} ELSE {} * {encoded} END",
        number(instead)?,
        number(min)?,
        number(at_min)?,
        number(max)?,
        number(weight)?,
        number(weight)?,
    ))
}

/// What a slot adds.
pub(super) fn added(slot: &str, weights: &[f64], dialect: Dialect) -> Result<Option<String>, ExportFault> {
    let mut out = format!("CASE {slot}");
    let before = out.len();
    for (number, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
        let _ = write!(out, " WHEN {number} THEN {}", dialect.number(*weight)?);
    }
    out.push_str(" ELSE 0 END");
    Ok((out.len() > before + " ELSE 0 END".len()).then_some(out))
}

/// What a pair of slots adds.
pub(super) fn added_by_pair(
    pair: &PairTerm,
    slots: [&str; 2],
    dialect: Dialect,
) -> Result<Option<String>, ExportFault> {
    let group = |place: usize| {
        let mut out = format!("CASE {}", slots[place]);
        for (slot, group) in pair.groups[place].iter().enumerate() {
            if let Some(group) = group {
                let _ = write!(out, " WHEN {slot} THEN {group}");
            }
        }
        // In no group the sum below is below 0, and no cell.
        out + " ELSE -1000000 END"
    };
    let cell = format!("{} * {} + {}", group(0), pair.side, group(1));
    added(&format!("({cell})"), &pair.cells, dialect)
}
