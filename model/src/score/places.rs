//! Where fields lie in a row's slots, and the public row with which every row is compared.
//!
//! The baseline is the middle of every field, by the schema alone:
//!
//! - of bins and categories each slot has the same share, but the one of missing values, which has none;
//! - a number is in the middle of its range, as it is encoded, and not missing.

use std::ops::Range;

use crate::additive::spans;
use crate::features::{FieldValue, filling};
use crate::schema::{Field, FieldKind, Missing, Range as NumberRange, Schema, Transform};

/// Where one field lies.
pub(super) struct FieldPlace {
    /// Its first slot in a row, and the one after its last.
    pub(super) slots: Range<usize>,
    /// How many of them are values: all, but one where missing values have a slot.
    values: usize,
    number: Option<NumberPlace>,
}

/// Of a field that is a number.
#[derive(Clone, Copy)]
struct NumberPlace {
    middle: f64,
    /// What stands in the place of a missing one.
    filling: f64,
}

/// The slots of one field that are not 0, and what they are: two at most.
#[derive(Clone, Copy, Default)]
pub(super) struct Active {
    slots: [(usize, f64); 2],
    count: usize,
}

impl Active {
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> {
        self.slots.into_iter().take(self.count)
    }

    /// The same, with slots counted from the field's first one.
    pub(super) fn after(&self, first: usize) -> impl Iterator<Item = (usize, f64)> + Clone + use<> {
        self.slots.into_iter().take(self.count).map(move |(slot, value)| (slot - first, value))
    }
}

impl FieldPlace {
    /// Each field of a schema, in order.
    pub(super) fn all(schema: &Schema) -> Vec<Self> {
        schema.fields().iter().zip(spans(schema)).map(|(field, slots)| Self::of(field, slots)).collect()
    }

    fn of(field: &Field, slots: Range<usize>) -> Self {
        let (indicated, number) = match &field.kind {
            FieldKind::Numeric { transform, missing, .. } => {
                let middle = match transform.range() {
                    NumberRange::Symmetric => 0.0,
                    NumberRange::Unit => 0.5,
                };
                let is_number = !matches!(transform, Transform::Bins(_));
                let place = NumberPlace { middle, filling: f64::from(filling(field)) };
                (matches!(missing, Missing::Indicator), is_number.then_some(place))
            }
            FieldKind::Categorical { missing, .. } => (matches!(missing, Missing::Indicator), None),
        };
        let values = slots.len() - usize::from(indicated);
        Self { slots, values, number }
    }

    /// The slots of a value that are not 0.
    pub(super) fn active(&self, value: FieldValue) -> Active {
        let first = self.slots.start;
        match (value, self.number) {
            (FieldValue::Slot(Some(slot)), None) => Active { slots: [(first + slot, 1.0), (0, 0.0)], count: 1 },
            (FieldValue::Number(Some(number)), Some(_)) => {
                Active { slots: [(first, f64::from(number)), (0, 0.0)], count: 1 }
            }
            (FieldValue::Number(None), Some(number)) => {
                let indicated = self.slots.len() > self.values;
                Active { slots: [(first, number.filling), (first + 1, 1.0)], count: 1 + usize::from(indicated) }
            }
            _ => Active::default(),
        }
    }

    /// Whether a value is a missing one.
    pub(super) fn is_missing(&self, value: FieldValue) -> bool {
        match value {
            FieldValue::Slot(slot) => slot.is_some_and(|slot| slot >= self.values),
            FieldValue::Number(number) => number.is_none(),
        }
    }

    /// The slots of the baseline that are not 0, and what they are.
    pub(super) fn baseline(&self) -> impl Iterator<Item = (usize, f64)> {
        let share = match self.number {
            Some(number) => number.middle,
            None => 1.0 / self.values.max(1) as f64,
        };
        let first = self.slots.start;
        (first..first + self.values).map(move |slot| (slot, share))
    }
}
