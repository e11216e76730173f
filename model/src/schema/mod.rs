//! What every branch's rows must look like, and how a row becomes numbers: one public file, approved once, the same everywhere.
//!
//! Scaling comes from the schema alone. Nothing here is computed from rows: a mean or a quantile taken from a branch's customers would be
//! a release about them. Format: `docs/SCHEMA.md`.

mod canonical;
mod dialect;
mod fault;
mod handling;
mod level;
mod node;
pub(crate) mod number;
mod parse;
mod parse_dialect;
mod parse_field;
mod repeated;
mod second;
mod words;

use tributary_protocol::digest::Digest;

pub use dialect::{DELIMITER_BYTES_MAX, Decimal, Dialect, Encoding, LINE_BYTES_MAX, Layout, Span};
pub use fault::{SchemaErrors, SchemaFault};
pub use handling::HandlingFault;
pub use level::{Level, Reason};
pub use words::SchemaWords;

/// Most fields of one schema.
pub const FIELDS_MAX: usize = 512;
/// Most numbers that one row is encoded into.
pub const WIDTH_MAX: usize = 4096;
/// Most labels of one schema.
pub const LABELS_MAX: usize = 16;
/// Longest schema file, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 1 << 20;
/// Longest name, column, category or code, in bytes.
pub const TEXT_BYTES_MAX: usize = 128;
/// Longest reason, in bytes.
pub const NECESSITY_BYTES_MAX: usize = 512;
/// Newest format of a schema file that this release reads. The key `format` names it; without the key it is 1.
pub const FORMAT_MAX: u32 = 2;

// A field has at least one slot.
const _: () = assert!(FIELDS_MAX <= WIDTH_MAX);

/// A parsed schema. Whatever holds one holds a valid one: [`Schema::parse`] is the only way to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    format: u32,
    name: String,
    version: u32,
    dialect: Dialect,
    customer_column: Option<String>,
    dropped: Vec<String>,
    necessity: Option<String>,
    reason_zh: Option<String>,
    fields: Vec<Field>,
    audits: Vec<Field>,
    labels: Vec<Label>,
}

/// One input of the model, or one audit column: a column and its encoding into slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name, unique in the schema.
    pub name: String,
    /// The column it is read from; several fields may read one column.
    pub column: String,
    /// Values and encoding.
    pub kind: FieldKind,
    /// Values that mean "missing", beside the empty one.
    pub missing_codes: Vec<String>,
    /// Class after JR/T 0171-2020.
    pub class: DataClass,
    /// The institution's own level, after JR/T 0197-2020.
    pub level: Level,
    /// Why the field is needed.
    pub necessity: Option<String>,
    /// Whether a file may lack the column: every value is then missing, and the field's indicator says so.
    pub optional: bool,
    /// A public number as which a missing value is read beside its indicator.
    pub imputation: Option<f64>,
    /// The unit of its values, such as 元 or months.
    pub measured_in: Option<String>,
    /// Its name for Chinese readers.
    pub title_zh: Option<String>,
    /// Why it is needed, for Chinese readers.
    pub reason_zh: Option<String>,
}

/// Values of a field, and how they become numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// A finite number. Below `min` it counts as `min`, above `max` as `max`: bounds are public and rows are clamped to them.
    Numeric {
        /// Smallest value, in the column's unit.
        min: f64,
        /// Largest value, above `min`.
        max: f64,
        /// Encoding.
        transform: Transform,
        /// What a missing value becomes.
        missing: Missing<f64>,
        /// Those of the missing codes that are numbers, compared as numbers: `999` also matches `999.0`.
        missing_numbers: Vec<f64>,
    },
    /// One of a public list, one-hot: one slot for each category.
    Categorical {
        /// The categories, in slot order.
        categories: Vec<String>,
        /// Index of the category that stands for all that are not listed. `None`: an unlisted value is in none of them, all slots are 0.
        unlisted: Option<usize>,
        /// What a missing value becomes: the index of a category.
        missing: Missing<usize>,
    },
}

/// Encoding of a number. Every result lies in the named range, whatever the rows are.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// Linear between the bounds.
    Linear(Range),
    /// `ln(1 + value / unit)`, then linear between the transformed bounds. For amounts and counts with a long tail.
    Log {
        /// The value around which the curve bends.
        unit: f64,
        /// Result range.
        range: Range,
    },
    /// `sign(value) ln(1 + |value| / unit)`, then linear between the transformed bounds. For flows and overdrafts.
    SignedLog {
        /// The value around which the curve bends.
        unit: f64,
        /// Result range.
        range: Range,
    },
    /// One-hot over fixed bins: bin `i` holds values of at least `edges[i - 1]` and below `edges[i]`.
    Bins(Vec<f64>),
}

/// Where the smallest and the largest value land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// -1 to 1, the default: centred columns converge in fewer rounds.
    Symmetric,
    /// 0 to 1.
    Unit,
}

/// What becomes of a missing value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing<V> {
    /// It is an error.
    Refused,
    /// One more slot says so; the field's other slots are 0.
    Indicator,
    /// It is read as this value.
    Value(V),
}

/// Class of personal financial information after JR/T 0171-2020. There is no C3: authentication data is refused when a schema is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataClass {
    /// Internal information.
    C1,
    /// Identifies a person or a person's financial status.
    C2,
}

/// One binary thing to predict; one output of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Name, unique in the schema.
    pub name: String,
    /// Its name for Chinese readers.
    pub title_zh: Option<String>,
    /// The column it is read from.
    pub column: String,
    /// Values that mean 1.
    pub positive: Vec<String>,
    /// Values that mean 0.
    pub negative: Vec<String>,
    /// Values that mean "not known", as they are expected. Any other value teaches nothing either, and is counted for the operator.
    pub missing_codes: Vec<String>,
}

impl Schema {
    /// Parses a schema file.
    ///
    /// # Errors
    /// Every fault of the file, each with its key, what was found and what is allowed. Class C3 is one of them.
    pub fn parse(toml: &str) -> Result<Self, SchemaErrors> {
        parse::schema(toml)
    }

    /// The format of its file, from 1 to [`FORMAT_MAX`].
    #[must_use]
    pub fn format(&self) -> u32 {
        self.format
    }

    /// Name of the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, counted by whoever maintains the schema.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How files are written.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The column whose value tells customers apart. `None`: every row is a customer of its own.
    #[must_use]
    pub fn customer_column(&self) -> Option<&str> {
        self.customer_column.as_deref()
    }

    /// Columns that no field or label may read.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// Why its fields are needed, where they have no reason of their own.
    #[must_use]
    pub fn necessity(&self) -> Option<&str> {
        self.necessity.as_deref()
    }

    /// The same for Chinese readers.
    #[must_use]
    pub fn reason_zh(&self) -> Option<&str> {
        self.reason_zh.as_deref()
    }

    /// The inputs, in encoding order. Audit columns are not among them, and so in no row, layout or sum.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Columns that may show whether a model treats groups alike, and are never an input of it.
    #[must_use]
    pub fn audits(&self) -> &[Field] {
        &self.audits
    }

    /// The labels, in output order.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Numbers in an encoded row; at most [`WIDTH_MAX`]. A model's bias is not among them.
    #[must_use]
    pub fn width(&self) -> usize {
        self.fields.iter().map(Field::width).sum()
    }

    /// What it says, in words for the owner of the data.
    #[must_use]
    pub fn words(&self) -> SchemaWords {
        SchemaWords::of(self)
    }

    /// The schema's identity: SHA-256 of the canonical encoding of what it means. Comments, the order of keys and the way a number is
    /// written do not change it; the order of fields, labels and categories does.
    #[must_use]
    pub fn digest(&self) -> Digest {
        canonical::encoding(self).finish()
    }

    /// The canonical encoding of what it means, of which [`Schema::digest`] is the SHA-256.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encoding(self).into_bytes()
    }

    /// Identity of what a row becomes: the same for schemas that differ in audit columns, classes, levels and reasons alone.
    #[must_use]
    pub fn inputs_digest(&self) -> Digest {
        canonical::inputs(self).finish()
    }
}

impl DataClass {
    /// The word in schemas.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::C1 => "C1",
            Self::C2 => "C2",
        }
    }
}

impl Field {
    /// Number of slots.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.kind {
            FieldKind::Numeric { transform, missing, .. } => transform.width() + missing.width(),
            FieldKind::Categorical { categories, missing, .. } => categories.len() + missing.width(),
        }
    }
}

impl Transform {
    /// The curve before it is scaled: strictly ascending over a parsed field's bounds.
    pub(crate) fn curve(&self, value: f64) -> f64 {
        match self {
            Transform::Linear(_) | Transform::Bins(_) => value,
            Transform::Log { unit, .. } => (value / unit).ln_1p(),
            Transform::SignedLog { unit, .. } => (value.abs() / unit).ln_1p().copysign(value),
        }
    }

    /// The value at which the curve is so high.
    pub(crate) fn value(&self, curve: f64) -> f64 {
        match self {
            Transform::Linear(_) | Transform::Bins(_) => curve,
            Transform::Log { unit, .. } => unit * curve.exp_m1(),
            Transform::SignedLog { unit, .. } => (unit * curve.abs().exp_m1()).copysign(curve),
        }
    }

    /// Where the bounds land. Bins land on 0 and 1.
    pub(crate) fn range(&self) -> Range {
        match self {
            Transform::Bins(_) => Range::Unit,
            Transform::Linear(range) | Transform::Log { range, .. } | Transform::SignedLog { range, .. } => *range,
        }
    }

    fn width(&self) -> usize {
        match self {
            Transform::Bins(edges) => edges.len() + 1,
            _ => 1,
        }
    }
}

impl<V> Missing<V> {
    fn width(&self) -> usize {
        usize::from(matches!(self, Missing::Indicator))
    }
}

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod tests;
