//! What is remarkable about a table that can be read, and what stops a branch from using it.

use serde::Serialize;
use tributary_model::features::{FieldCounts, LabelCounts, TableCounts};
use tributary_model::schema::{FieldKind, Schema};
use tributary_texts::{Language, Said, dataset as words};

use crate::settings::ShareLimits;

/// Something remarkable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Whether the table is not used.
    pub stops: bool,
    /// `field NAME` or `label NAME`, where it is about one.
    pub about: Option<String>,
    /// What it is, what it means, what to do.
    pub text: String,
    /// The same, for people.
    #[serde(skip)]
    pub said: Said,
}

impl Remark {
    pub(super) fn new(stops: bool, about: Option<String>, said: Said) -> Self {
        Self { stops, about, text: said.text(Language::English).to_owned(), said }
    }
}

/// Judges the counts of a file.
#[must_use]
pub fn remarks(counts: &TableCounts, schema: &Schema, limits: ShareLimits, rows_per_customer_max: u32) -> Vec<Remark> {
    let mut remarks = Vec::new();
    remarks.extend(customers(counts, schema, rows_per_customer_max));
    for (field, own) in schema.fields().iter().zip(&counts.fields) {
        fields(counts.rows, own, &field.kind, limits, &mut remarks);
    }
    for own in &counts.labels {
        labels(counts.rows, own, limits, &mut remarks);
    }
    remarks
}

/// Whether `count` of `rows` is above a limit in percent.
fn above(count: u64, rows: u64, percent: u8) -> bool {
    u128::from(count) * 100 > u128::from(rows) * u128::from(percent)
}

fn customers(counts: &TableCounts, schema: &Schema, rows_per_customer_max: u32) -> Option<Remark> {
    let TableCounts { rows, customers, rows_of_one_customer_max: most, .. } = counts;
    let column = schema.customer_column()?;
    let usual = customers.saturating_mul(rows_per_customer_max.into()).saturating_mul(2);
    let one = *customers == 1 && *rows > 1;
    // One customer with half of the rows is a code for nothing that no list knows.
    let half = *most > rows_per_customer_max.into() && above(*most, *rows, 50);
    (one || half || *rows > usual).then(|| {
        let customers = if *customers == 1 { words::one_customer(customers) } else { words::customers(customers) };
        let column = format!("{column:?}");
        Remark::new(false, None, words::few_customers(rows, customers, most, column, rows_per_customer_max))
    })
}

fn fields(rows: u64, own: &FieldCounts, kind: &FieldKind, limits: ShareLimits, remarks: &mut Vec<Remark>) {
    let (name, column) = (&own.name, format!("{:?}", own.column));
    let about = || Some(format!("field {name}"));
    let named = words::field_named(name, column);
    if let FieldKind::Numeric { min, max, .. } = kind
        && above(own.outside(), rows, limits.outside)
    {
        let said = words::outside(&named, own.outside(), rows, min, max, own.below, own.above, limits.outside);
        remarks.push(Remark::new(true, about(), said));
    }
    if own.unlisted > 0 && !own.has_unlisted {
        let stops = above(own.unlisted, rows, limits.unlisted);
        let cure = if stops { words::export_or_raise(limits.unlisted) } else { words::ask_exporter() };
        remarks.push(Remark::new(stops, about(), words::unlisted(&named, own.unlisted, rows, cure)));
    }
    if own.absent {
        remarks.push(Remark::new(false, about(), words::absent(&named)));
    } else if above(own.missing, rows, limits.missing) {
        remarks.push(Remark::new(true, about(), words::missing(&named, own.missing, rows, limits.missing)));
    }
    if own.looks_grouped() {
        remarks.push(Remark::new(false, about(), words::grouped(&named, own.grouped)));
    }
}

fn labels(rows: u64, own: &LabelCounts, limits: ShareLimits, remarks: &mut Vec<Remark>) {
    let (name, column) = (&own.name, format!("{:?}", own.column));
    let about = || Some(format!("label {name}"));
    let named = words::label_named(name, column);
    if own.unlisted > 0 {
        let stops = above(own.unlisted, rows, limits.unlisted);
        let quoted = |word: &str| format!("{word:?}");
        let look = own.usual().map_or_else(Said::empty, |[yes, no]| words::look_like(quoted(yes), quoted(no)));
        let limit = if stops { words::or_raise_unlisted(limits.unlisted) } else { Said::empty() };
        remarks.push(Remark::new(stops, about(), words::label_unlisted(&named, own.unlisted, rows, look, limit)));
    }
    if own.positive == 0 || own.negative == 0 {
        let lacking = match (own.positive, own.negative) {
            (0, 0) => words::no_value_known(),
            (0, _) => words::no_positive(),
            _ => words::no_negative(),
        };
        remarks.push(Remark::new(false, about(), words::teaches_little(&named, lacking)));
    }
}
