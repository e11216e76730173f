//! What is wrong with a branch's rows, without a word of what is in them.

use std::fmt;

use super::ShapeError;
use crate::schema::TEXT_BYTES_MAX;

/// Rows do not fit the schema. Names rows and columns, never a value: these messages reach logs and screens.
///
/// Rows are counted from 1, without the header, comments and empty lines.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A column of the schema is not in the header.
    #[error(
        "the data has no column {column:?}, which the schema reads; add it to the export, or use the schema that fits this file"
    )]
    MissingColumn {
        /// As the schema names it.
        column: String,
    },
    /// A column of the schema is in the header more than once.
    #[error("the data has the column {column:?} more than once, so it is not known which one is meant; export it once")]
    DuplicateColumn {
        /// As the schema names it.
        column: String,
    },
    /// A row is longer or shorter than the header.
    #[error(
        "row {row} has {found} fields where the header has {expected}; check the delimiter, and quotes around text that holds it"
    )]
    FieldCount {
        /// Row, from 1.
        row: u64,
        /// Fields in the header.
        expected: usize,
        /// Fields in the row.
        found: usize,
    },
    /// A numeric column holds something else.
    #[error(
        "row {row}, column {column:?}: {found} where a number is expected (decimal point, no separators); correct the export, or list it in `missing_codes`"
    )]
    NotANumber {
        /// Row, from 1.
        row: u64,
        /// Column.
        column: String,
        /// What kind of value stands there.
        found: ValueKind,
    },
    /// A numeric column holds NaN.
    #[error(
        "row {row}, column {column:?}: NaN is not a number to learn from; leave the value empty where it is missing"
    )]
    Nan {
        /// Row, from 1.
        row: u64,
        /// Column.
        column: String,
    },
    /// A numeric column holds an infinity, or a number too large for one.
    #[error("row {row}, column {column:?}: the number is infinite; correct the export")]
    Infinite {
        /// Row, from 1.
        row: u64,
        /// Column.
        column: String,
    },
    /// A value is missing where the schema has no rule for that.
    #[error("row {row}, column {column:?}: empty, and the schema has no `missing` rule for it; fill it, or add a rule")]
    Empty {
        /// Row, from 1.
        row: u64,
        /// Column.
        column: String,
    },
    /// There are no rows.
    #[error("the data has no rows; nothing can be learned or scored from it")]
    NoRows,
    /// There are more rows than a batch can hold.
    #[error("the data has more than {rows_max} rows, the most that one batch may hold; split the file")]
    TooManyRows {
        /// The limit.
        rows_max: u32,
    },
    /// The encoded rows break a rule of the feature matrix.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// What kind of value stands somewhere; all that an error may say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// No character.
    Empty,
    /// A finite number.
    Number,
    /// NaN.
    Nan,
    /// An infinity.
    Infinity,
    /// Other text.
    Text,
    /// Text that is longer than any value of a schema.
    LongText,
}

impl ValueKind {
    /// The kind of a value, blanks around it removed.
    #[must_use]
    pub fn of(value: &str) -> Self {
        match (value.trim(), value.trim().parse::<f64>()) {
            ("", _) => Self::Empty,
            (_, Ok(number)) if number.is_nan() => Self::Nan,
            (_, Ok(number)) if number.is_infinite() => Self::Infinity,
            (_, Ok(_)) => Self::Number,
            (text, Err(_)) if text.len() > TEXT_BYTES_MAX => Self::LongText,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for ValueKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "an empty value",
            Self::Number => "a number",
            Self::Nan => "NaN",
            Self::Infinity => "an infinity",
            Self::Text => "text",
            Self::LongText => "long text",
        })
    }
}
