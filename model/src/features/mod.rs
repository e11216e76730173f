//! From a branch's rows to numbers.

mod matrix;

pub use matrix::{FeatureMatrix, ShapeError};
