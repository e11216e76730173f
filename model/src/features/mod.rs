//! From a branch's rows to numbers.

mod cell;
#[cfg(feature = "train")]
mod changed;
mod counts;
mod customers;
mod encode;
mod encoded;
mod error;
mod matrix;
mod packed;
mod raw;

pub use cell::Cell;
pub use counts::{FieldCounts, LabelCounts, TableCounts, USUAL_WORDS};
pub use customers::KeyFault;
pub use encoded::{EncodedRow, RowForm};
pub use error::{DataError, ValueKind};
pub use matrix::{FeatureMatrix, ShapeError};
pub(crate) use packed::FieldValue;
pub use raw::RawBatch;

/// What a missing number is read as beside its indicator, as it is encoded; 0 for other fields.
pub(crate) fn filling(field: &crate::schema::Field) -> f32 {
    encode::FieldEncoder::new(field, crate::schema::Decimal::Point).filling()
}

#[cfg(test)]
mod tests;
