//! A model as a file for systems that are not this one: tensors, ONNX, PMML, SQL.
//!
//! ONNX, PMML and SQL take the **columns as they are**. Missing codes, values that no list has and numbers beyond the bounds are handled in the
//! file as the schema says. A row that the schema refuses has no score there: NaN, a missing result, NULL.
//!
//! What a column holds is the same in all three ([`Column`]):
//!
//! - A column that numeric fields alone read, and none of them with a missing code in words, holds **numbers**. No value is missing.
//! - Any other column holds **texts**. The empty one is missing. Blanks around a text do not count. Where the schema compares with a number, a text
//!   that is a number is compared as one.

mod column;
mod fault;
mod onnx;
mod pmml;
mod sql;
mod stamp;
mod tensors;

pub use column::{Column, ColumnKind, columns};
pub use fault::ExportFault;
pub use onnx::onnx;
pub use pmml::pmml;
pub use sql::{Dialect, SqlNames, sql};
pub use stamp::Stamp;
pub use tensors::safetensors;

use crate::parameters::Parameters;

/// The one head of an export that has one: the named one, or the model's only one.
///
/// # Errors
/// [`ExportFault::Heads`], [`ExportFault::Sum`] with the heads that there are.
pub fn one_head(parameters: &Parameters, named: Option<&str>) -> Result<String, ExportFault> {
    match (named, parameters.architecture().heads()) {
        (Some(head), _) => {
            crate::additive::head_number(parameters, head)?;
            Ok(head.to_owned())
        }
        (None, [only]) => Ok(only.clone()),
        (None, heads) => Err(ExportFault::Heads(heads.join(", "))),
    }
}
