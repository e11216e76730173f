//! From a branch's rows to numbers.

mod encode;
mod error;
mod matrix;
mod raw;

pub use error::{DataError, ValueKind};
pub use matrix::{FeatureMatrix, ShapeError};
pub use raw::RawBatch;

#[cfg(test)]
mod tests;
