//! Why a model cannot be exported so.

use crate::additive::AdditiveFault;

/// Why a model cannot be exported so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// It is no sum over fields, has another schema, or no such head.
    #[error(transparent)]
    Sum(#[from] AdditiveFault),
    /// Several heads, and none named.
    #[error("the model has several heads ({0}), and this format has one: name it (`--head`)")]
    Heads(String),
    /// A name that the dialect cannot have.
    #[error(
        "{dialect} cannot name \"{name}\": {why}. Read the table through a view with other names, and export with a schema of those"
    )]
    Name {
        /// The dialect.
        dialect: &'static str,
        /// The name.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// A number that the dialect cannot write.
    #[error(
        "{dialect} cannot write the number {number}, which the schema has; choose bounds and edges within 1e-100 and 1e100"
    )]
    Number {
        /// The dialect.
        dialect: &'static str,
        /// The number, as text.
        number: String,
    },
    /// Too wide a statement.
    #[error(
        "the statement would have {found} columns in one step, and databases take {most}; export the model as onnx or pmml"
    )]
    Wide {
        /// Columns.
        found: usize,
        /// Most of them.
        most: usize,
    },
    /// No key.
    #[error(
        "the schema names no customer column, so that the scores would belong to nobody: name the key of the table (`--key`)"
    )]
    Key,
    /// Something about the file format.
    #[error("the file could not be made: {0}")]
    Format(String),
}
