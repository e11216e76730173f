//! One value to its slots.

use super::{DataError, ValueKind};
use crate::schema::{Field, FieldKind, Label, Missing, Range, Transform};

/// Whether the schema says what a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It does.
    Listed,
    /// It lists the values that may stand there, and this is none of them.
    Unlisted,
}

/// Appends the slots of `field` for `value` (blanks around it already removed) to `slots`. A category that is not listed, and for which the
/// schema names none, leaves every slot 0: what a list lacks must not decide over the whole table. On an error `slots` may have grown.
pub(super) fn value(field: &Field, value: &str, row: u64, slots: &mut Vec<f32>) -> Result<Known, DataError> {
    let coded = value.is_empty() || field.missing_codes.iter().any(|code| code == value);
    match &field.kind {
        FieldKind::Numeric { min, max, transform, missing, missing_numbers } => {
            let number = if coded { None } else { Some(finite(field, value, row)?) };
            let number = number.filter(|number| !missing_numbers.contains(number));
            let (number, gone) = settle(field, number, missing, row)?;
            let clamped = number.map(|number| number.clamp(*min, *max));
            match transform {
                Transform::Bins(edges) => {
                    let bin = clamped.map(|number| edges.iter().take_while(|edge| **edge <= number).count());
                    one_hot(bin, edges.len() + 1, slots);
                }
                _ => slots.push(clamped.map_or(0.0, |number| scaled(number, *min, *max, transform))),
            }
            indicator(missing, gone, slots);
        }
        FieldKind::Categorical { categories, unlisted, missing } => {
            let listed = categories.iter().position(|category| category == value).or(*unlisted);
            if !coded && listed.is_none() {
                one_hot(None, categories.len(), slots);
                indicator(missing, false, slots);
                return Ok(Known::Unlisted);
            }
            let (index, gone) = settle(field, listed.filter(|_| !coded), missing, row)?;
            one_hot(index, categories.len(), slots);
            indicator(missing, gone, slots);
        }
    }
    Ok(Known::Listed)
}

/// Target and presence of a label's value (blanks around it already removed). A value that is not listed teaches nothing.
pub(super) fn target(label: &Label, value: &str) -> (f32, f32, Known) {
    let among = |values: &[String]| values.iter().any(|known| known == value);
    if among(&label.positive) {
        (1.0, 1.0, Known::Listed)
    } else if among(&label.negative) {
        (0.0, 1.0, Known::Listed)
    } else if among(&label.missing_codes) {
        (0.0, 0.0, Known::Listed)
    } else {
        (0.0, 0.0, Known::Unlisted)
    }
}

fn finite(field: &Field, value: &str, row: u64) -> Result<f64, DataError> {
    let column = || field.column.clone();
    match value.parse::<f64>() {
        Ok(number) if number.is_nan() => Err(DataError::Nan { row, column: column() }),
        Ok(number) if number.is_infinite() => Err(DataError::Infinite { row, column: column() }),
        Ok(number) => Ok(number),
        Err(_) => Err(DataError::NotANumber { row, column: column(), found: ValueKind::of(value) }),
    }
}

/// Applies the missing rule: the value to encode, and whether the indicator is to be set.
fn settle<V: Copy>(
    field: &Field,
    value: Option<V>,
    missing: &Missing<V>,
    row: u64,
) -> Result<(Option<V>, bool), DataError> {
    match (value, missing) {
        (Some(value), _) => Ok((Some(value), false)),
        (None, Missing::Value(replacement)) => Ok((Some(*replacement), false)),
        (None, Missing::Indicator) => Ok((None, true)),
        (None, Missing::Refused) => Err(DataError::Empty { row, column: field.column.clone() }),
    }
}

fn one_hot(index: Option<usize>, width: usize, slots: &mut Vec<f32>) {
    slots.extend((0..width).map(|slot| if index == Some(slot) { 1.0 } else { 0.0 }));
}

fn indicator<V>(missing: &Missing<V>, gone: bool, slots: &mut Vec<f32>) {
    if matches!(missing, Missing::Indicator) {
        slots.push(f32::from(u8::from(gone)));
    }
}

/// `number` lies within the bounds; so does the result within its range.
fn scaled(number: f64, min: f64, max: f64, transform: &Transform) -> f32 {
    let (low, high) = (transform.curve(min), transform.curve(max));
    let share = ((transform.curve(number) - low) / (high - low)).clamp(0.0, 1.0);
    let result = match transform.range() {
        Range::Unit => share,
        Range::Symmetric => 2.0 * share - 1.0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a number between -1 and 1, rounded to the nearest f32")]
    let narrow = result as f32;
    narrow
}
