//! How one of the schema's columns is made.

use super::day::{Counted, DayForm};
use super::money::Money;

/// How one of the schema's columns is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The schema's column.
    pub to: String,
    /// The branch's column.
    pub from: String,
    /// What a database or a Parquet file must have there.
    pub kind: Option<ColumnKind>,
    /// What stands for what; applied before everything else.
    pub codes: Vec<(String, String)>,
    /// What becomes of a value.
    pub conversion: Conversion,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Conversion {
    /// Nothing.
    AsItIs,
    /// A number.
    Number {
        /// Whether a minus may stand after it, as in `123.45-`.
        trailing_sign: bool,
        /// From the branch's unit of money to the schema's.
        money: Option<(Money, Money)>,
    },
    /// A day becomes a number: what lies between it and the day of the data.
    Day(DayForm, Counted),
}

/// What a column of a database or a Parquet file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Whole numbers.
    Whole,
    /// Decimal numbers, exactly.
    Decimal,
    /// Floating-point numbers.
    Float,
    /// Days, or days with a time.
    Day,
    /// True and false.
    Flag,
    /// Something that is no single value; its own name.
    Other(String),
}

impl ColumnKind {
    /// Those that a mapping may name, by their words. A number is of any of the kinds of numbers.
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("whole", Self::Whole),
        ("number", Self::Decimal),
        ("date", Self::Day),
        ("flag", Self::Flag),
    ];

    /// For people.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Text => "text",
            Self::Whole => "whole numbers",
            Self::Decimal => "numbers",
            Self::Float => "floating-point numbers",
            Self::Day => "dates",
            Self::Flag => "flags",
            Self::Other(name) => name,
        }
    }

    /// Whether a column of this kind is one that a mapping names so.
    pub(in crate::data) fn is(&self, named: &Self) -> bool {
        match named {
            Self::Decimal => matches!(self, Self::Whole | Self::Decimal | Self::Float),
            _ => self == named,
        }
    }
}
