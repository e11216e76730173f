//! What is wrong with a branch's rows, without a word of what is in them.

use std::fmt;

use super::KeyFault;
use crate::schema::TEXT_BYTES_MAX;
use crate::schema::number::grouped;

/// Rows do not fit the schema. Names rows and columns, never a value: these messages reach logs and screens.
///
/// Rows are counted from 1, without the header, comments and empty lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A column of the schema is not in the header.
    #[error("the data has no column {column:?}, which the schema reads; {}", absent(like.as_deref()))]
    MissingColumn {
        /// As the schema names it.
        column: String,
        /// A column of the header that differs in upper and lower case only.
        like: Option<String>,
    },
    /// The header is one name, and the schema reads several columns.
    #[error(
        "the header has one column, and {needed} columns that the schema reads are not there; is the delimiter right?"
    )]
    OneColumn {
        /// Columns that are missing.
        needed: usize,
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
    #[error("row {row}, column {column:?}: {found} where a number is expected; {}", found.cure())]
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
    /// The value that tells customers apart is none.
    #[error("row {row}, column {column:?}: {found}")]
    CustomerKey {
        /// Row, from 1.
        row: u64,
        /// Column.
        column: String,
        /// What it is.
        found: KeyFault,
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
}

impl DataError {
    /// The row, where it is one row's fault.
    #[must_use]
    pub fn row(&self) -> Option<u64> {
        match self {
            Self::FieldCount { row, .. }
            | Self::NotANumber { row, .. }
            | Self::Nan { row, .. }
            | Self::Infinite { row, .. }
            | Self::Empty { row, .. }
            | Self::CustomerKey { row, .. } => Some(*row),
            Self::MissingColumn { .. }
            | Self::OneColumn { .. }
            | Self::DuplicateColumn { .. }
            | Self::NoRows
            | Self::TooManyRows { .. } => None,
        }
    }

    /// The column, where it is one column's fault.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingColumn { column, .. }
            | Self::DuplicateColumn { column }
            | Self::NotANumber { column, .. }
            | Self::Nan { column, .. }
            | Self::Infinite { column, .. }
            | Self::Empty { column, .. }
            | Self::CustomerKey { column, .. } => Some(column),
            Self::OneColumn { .. } | Self::FieldCount { .. } | Self::NoRows | Self::TooManyRows { .. } => None,
        }
    }
}

fn absent(like: Option<&str>) -> String {
    match like {
        Some(like) => format!("it has {like:?}, which differs in upper and lower case only: use one spelling in both"),
        None => "add it to the export, or use the schema that fits this file".to_owned(),
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scientific => {
                "a customer's key in scientific notation, as a spreadsheet writes it: digits are lost, and several customers would count as one; \
                 export the column as text"
            }
            Self::Nothing => {
                "a code for nothing where a customer's key is expected: all rows that have it would count as one customer; leave such rows out \
                 of the export, or give each its own key"
            }
            Self::Inexact => {
                "a floating-point number where a customer's key is expected: such a number does not hold every digit of a long key; give the key as \
                 text or as a whole number"
            }
        })
    }
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
    /// A number with a comma before its fraction, as in `1.250,00`.
    CommaNumber,
    /// A number with separators between thousands, as in `1,250.00` or `1 250`.
    GroupedNumber,
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
            (text, Err(_)) => Self::of_text(text),
        }
    }

    /// Numbers that are written in another way.
    fn of_text(text: &str) -> Self {
        let digits = text.trim_start_matches(['-', '+']);
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let by = |separator: char, point: char| {
            let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
            whole.contains(separator) && grouped(whole, separator) && plain(fraction)
        };
        let comma = digits.split_once(',').is_some_and(|(whole, fraction)| {
            let begins = !whole.is_empty() && (plain(whole) || grouped(whole, '.'));
            begins && !fraction.is_empty() && plain(fraction)
        });
        let spaces = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}', '_'];
        if by(',', '.') && (digits.contains('.') || digits.matches(',').count() > 1) {
            Self::GroupedNumber
        } else if comma || by('.', ',') {
            Self::CommaNumber
        } else if by(',', '.') || spaces.into_iter().any(|space| by(space, '.') || by(space, ',')) {
            Self::GroupedNumber
        } else {
            Self::Text
        }
    }

    /// What to do where a number is expected.
    fn cure(self) -> &'static str {
        match self {
            Self::CommaNumber => {
                "if commas stand before fractions in this file, the schema's key is csv.decimal = \",\"; else export with decimal points"
            }
            Self::GroupedNumber => "export numbers without separators between thousands",
            _ => "correct the export, or list the value in `missing_codes`",
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
            Self::CommaNumber => "a number with a decimal comma",
            Self::GroupedNumber => "a number with separators between thousands",
            Self::Text => "text",
            Self::LongText => "long text",
        })
    }
}
