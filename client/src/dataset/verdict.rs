//! What is remarkable about a table that can be read, and what stops a branch from using it.

use serde::Serialize;
use tributary_model::features::{FieldCounts, LabelCounts, TableCounts};
use tributary_model::schema::{FieldKind, Schema};

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
    (one || half || *rows > usual).then(|| Remark {
        stops: false,
        about: None,
        text: format!(
            "{rows} rows, {customers} {}, at most {most} rows each: rows with one value in the column {column:?} count as one customer, and at most \
             {rows_per_customer_max} of them are used (data.rows_per_customer_max); look whether the export has changed the column",
            if *customers == 1 { "customer" } else { "customers" }
        ),
    })
}

fn fields(rows: u64, own: &FieldCounts, kind: &FieldKind, limits: ShareLimits, remarks: &mut Vec<Remark>) {
    let (name, column) = (&own.name, &own.column);
    let about = || Some(format!("field {name}"));
    let named = format!("field {name} (column {column:?})");
    if let FieldKind::Numeric { min, max, .. } = kind
        && above(own.outside(), rows, limits.outside)
    {
        let text = format!(
            "{named}: {} of {rows} values are outside of {min} to {max} ({} below, {} above) and would count as a bound; export what the field \
             means, or raise data.outside_percent_max ({}) if that is meant",
            own.outside(),
            own.below,
            own.above,
            limits.outside
        );
        remarks.push(Remark { stops: true, about: about(), text });
    }
    if own.unlisted > 0 && !own.has_unlisted {
        let stops = above(own.unlisted, rows, limits.unlisted);
        let cure = if stops {
            format!(
                "export what the field means, or raise data.unlisted_percent_max ({}) if that is meant",
                limits.unlisted
            )
        } else {
            "ask whoever exports the data whether that is meant".to_owned()
        };
        let text = format!(
            "{named}: {} of {rows} values are not in the schema's list, and are learned as none of its categories; {cure}",
            own.unlisted
        );
        remarks.push(Remark { stops, about: about(), text });
    }
    if above(own.missing, rows, limits.missing) {
        let text = format!(
            "{named}: {} of {rows} values are missing; export the column, or raise data.missing_percent_max ({}) if that is meant",
            own.missing, limits.missing
        );
        remarks.push(Remark { stops: true, about: about(), text });
    }
    if own.looks_grouped() {
        let text = format!(
            "{named}: every point stands before three digits, {} times, as between thousands in 1.250; if 1.250 means 1250, the schema's key is \
             csv.decimal = \",\"",
            own.grouped
        );
        remarks.push(Remark { stops: false, about: about(), text });
    }
}

fn labels(rows: u64, own: &LabelCounts, limits: ShareLimits, remarks: &mut Vec<Remark>) {
    let (name, column) = (&own.name, &own.column);
    let about = || Some(format!("label {name}"));
    let named = format!("label {name} (column {column:?})");
    if own.unlisted > 0 {
        let stops = above(own.unlisted, rows, limits.unlisted);
        let words = own.usual().map_or(String::new(), |[yes, no]| format!(". They look like {yes:?} and {no:?}"));
        let limit =
            if stops { format!(", or raise data.unlisted_percent_max ({})", limits.unlisted) } else { String::new() };
        let text = format!(
            "{named}: {} of {rows} values are neither in `positive` nor in `negative`, and teach nothing{words}; ask the owner of the schema for \
             one that lists them{limit}",
            own.unlisted
        );
        remarks.push(Remark { stops, about: about(), text });
    }
    if own.positive == 0 || own.negative == 0 {
        let lacking = match (own.positive, own.negative) {
            (0, 0) => "no value is known",
            (0, _) => "no row is positive",
            _ => "no row is negative",
        };
        let text = format!("{named}: {lacking}, so that the table teaches little about it; look whether that is meant");
        remarks.push(Remark { stops: false, about: about(), text });
    }
}
