//! The columns that an export reads, and what they hold.

use crate::schema::{Decimal, Field, FieldKind, Schema};

/// A column that an export reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be absent: every value is then missing.
    pub optional: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers, or no value.
    Number,
    /// Texts. The empty one is missing.
    Text,
}

impl ColumnKind {
    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

/// The columns of a schema's fields, in the order in which fields first read them.
#[must_use]
pub fn columns(schema: &Schema) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for field in schema.fields() {
        let kind = if is_number(field) { ColumnKind::Number } else { ColumnKind::Text };
        match columns.iter_mut().find(|column| column.name == field.column) {
            Some(known) => {
                if kind == ColumnKind::Text {
                    known.kind = kind;
                }
                known.optional &= field.optional;
            }
            None => columns.push(Column { name: field.column.clone(), kind, optional: field.optional }),
        }
    }
    columns
}

/// The number of a field's column.
pub(super) fn column_of(columns: &[Column], field: &Field) -> usize {
    columns.iter().position(|column| column.name == field.column).unwrap_or_default()
}

/// Whether a field reads numbers alone.
fn is_number(field: &Field) -> bool {
    let codes = || field.missing_codes.iter().all(|code| number_of(code).is_some());
    matches!(field.kind, FieldKind::Numeric { .. }) && codes()
}

/// A text of a schema as a number, where it is one.
pub(super) fn number_of(text: &str) -> Option<f64> {
    Decimal::Point.number(text)
}

/// One item of a list, as it is compared: a text first, and a number where it is one. A text with blanks around it is never met.
pub(super) struct Item {
    pub(super) text: Option<String>,
    pub(super) number: Option<f64>,
}

impl Item {
    pub(super) fn of(text: &str) -> Self {
        let met = !text.is_empty() && text.trim() == text;
        Self { text: met.then(|| text.to_owned()), number: number_of(text) }
    }

    pub(super) fn all(texts: &[String]) -> Vec<Self> {
        texts.iter().map(|text| Self::of(text)).collect()
    }
}

/// Longest text that is read as a number, in characters.
pub(super) const NUMBER_CHARACTERS_MAX: usize = 100;

/// A text that is a number, as a regular expression: an exponent has at most two digits.
pub(super) const NUMBER_PATTERN: &str = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?";
