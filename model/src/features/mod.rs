//! From a branch's rows to numbers.

mod cell;
mod counts;
mod customers;
mod encode;
mod error;
mod matrix;
mod packed;
mod raw;

pub use cell::Cell;
pub use counts::{FieldCounts, LabelCounts, TableCounts, USUAL_WORDS};
pub use customers::KeyFault;
pub use error::{DataError, ValueKind};
pub use matrix::{FeatureMatrix, ShapeError};
pub use raw::RawBatch;

#[cfg(test)]
mod tests;
