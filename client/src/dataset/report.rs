//! What a table holds, for the branch's own screen.

use std::path::Path;

use serde::Serialize;
use tributary_model::features::{FieldCounts, LabelCounts, TableCounts};
use tributary_model::schema::{Field, Schema};
use tributary_texts::{Said, dataset as words, events};

use super::events::EventLine;
use crate::data::{EventsRead, RowCounts};

/// Figures of one file. They depend on rows: they are for the branch's own screen, and no message has a place for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetReport {
    /// The file.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Customers.
    pub customers: u64,
    /// Rows of the customer who has most.
    pub rows_of_one_customer_max: u64,
    /// Rows beyond `data.rows_per_customer_max`.
    pub rows_left_out: u64,
    /// Rows with a fault, which are in no other figure.
    pub rows_faulty: u64,
    /// Rows of other branches, by the mapping; they are in no other figure.
    pub rows_elsewhere: u64,
    /// Rows of customers who have not agreed, or have refused; they are in no other figure. This one is never sent.
    pub rows_withheld: u64,
    /// These customers.
    pub customers_withheld: u64,
    /// The day after which the days of the labels begin, and the last one of them, where the mapping says it.
    pub label_days: Option<[String; 2]>,
    /// Each table of events that the rows were joined with.
    pub events: Vec<EventLine>,
    /// Each label.
    pub labels: Vec<LabelLine>,
    /// Each input.
    pub fields: Vec<FieldLine>,
    /// Each audit column.
    pub audits: Vec<AuditLine>,
}

/// Rows of one label, by class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelLine {
    /// The label.
    pub name: String,
    /// Its column.
    pub column: String,
    /// Positive.
    pub positive: u64,
    /// Negative.
    pub negative: u64,
    /// Not known, by the schema's codes.
    pub missing: u64,
    /// In none of its lists.
    pub unlisted: u64,
}

/// An audit column. No figure of it: it is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// The field.
    pub name: String,
    /// Its column.
    pub column: String,
    /// Its level.
    pub level: u8,
    /// Whether the file has the column.
    pub found: bool,
}

/// Rows of one field, by what their values are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldLine {
    /// The field.
    pub name: String,
    /// Its column.
    pub column: String,
    /// Its level.
    pub level: u8,
    /// Missing.
    pub missing: u64,
    /// Whether the file lacks the column, which the schema allows.
    pub absent: bool,
    /// In no list; of categories alone.
    pub unlisted: Option<u64>,
    /// Of numbers alone.
    pub bounds: Option<BoundCounts>,
}

/// Numbers at and beyond their bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoundCounts {
    /// Below the smallest, and counted as the smallest.
    pub below_min: u64,
    /// The smallest.
    pub at_min: u64,
    /// The largest.
    pub at_max: u64,
    /// Above the largest, and counted as the largest.
    pub above_max: u64,
}

impl DatasetReport {
    /// The report of a file.
    #[must_use]
    pub fn new(file: &Path, counts: &TableCounts, schema: &Schema, rows_left_out: usize) -> Self {
        let audit = |(own, found): (&Field, &bool)| AuditLine {
            name: own.name.clone(),
            column: own.column.clone(),
            level: own.level.number(),
            found: *found,
        };
        Self {
            file: file.display().to_string(),
            rows: counts.rows,
            customers: counts.customers,
            rows_of_one_customer_max: counts.rows_of_one_customer_max,
            rows_left_out: rows_left_out as u64,
            rows_faulty: 0,
            rows_elsewhere: 0,
            rows_withheld: 0,
            customers_withheld: 0,
            label_days: None,
            events: Vec::new(),
            labels: counts.labels.iter().map(LabelLine::new).collect(),
            fields: counts
                .fields
                .iter()
                .zip(schema.fields())
                .map(|(counts, own)| FieldLine::new(counts, own))
                .collect(),
            audits: schema.audits().iter().zip(&counts.audits_found).map(audit).collect(),
        }
    }
}

impl DatasetReport {
    /// Adds what became of the tables beside the customers' own.
    pub(super) fn add_events(&mut self, counts: &RowCounts, read: Option<&EventsRead>) {
        self.rows_withheld = counts.withheld;
        let Some(read) = read else { return };
        self.customers_withheld = read.withheld;
        self.events = read.tables.iter().map(EventLine::new).collect();
    }
}

impl LabelLine {
    fn new(counts: &LabelCounts) -> Self {
        let LabelCounts { name, column, positive, negative, missing, unlisted, .. } = counts.clone();
        Self { name, column, positive, negative, missing, unlisted }
    }
}

impl FieldLine {
    fn new(counts: &FieldCounts, own: &Field) -> Self {
        Self {
            name: counts.name.clone(),
            column: counts.column.clone(),
            level: own.level.number(),
            missing: counts.missing,
            absent: counts.absent,
            unlisted: (!counts.numeric).then_some(counts.unlisted),
            bounds: counts.numeric.then_some(BoundCounts {
                below_min: counts.below,
                at_min: counts.at_min,
                at_max: counts.at_max,
                above_max: counts.above,
            }),
        }
    }
}

/// A count, and its share of all rows.
fn share(count: u64, rows: u64) -> String {
    if count == 0 {
        return "0".into();
    }
    // In tenths of a percent, rounded down: 100.0 % are all.
    let tenths = u128::from(count) * 1000 / u128::from(rows.max(1));
    format!("{count} ({}.{} %)", tenths / 10, tenths % 10)
}

impl DatasetReport {
    /// For people.
    #[must_use]
    pub fn said(&self) -> Said {
        let Self { file, rows, customers, rows_of_one_customer_max, rows_left_out, .. } = self;
        let left_out = if *rows_left_out > 0 { words::left_out(rows_left_out) } else { Said::empty() };
        let mut lines = vec![words::holds(file, rows, customers, rows_of_one_customer_max, left_out)];
        lines.extend((self.rows_faulty > 0).then(|| words::holds_faulty(self.rows_faulty)));
        lines.extend((self.rows_elsewhere > 0).then(|| words::holds_elsewhere(self.rows_elsewhere)));
        let withheld = (self.customers_withheld, self.rows_withheld);
        lines.extend((withheld != (0, 0)).then(|| events::withheld(withheld.0, withheld.1)));
        lines.extend(self.label_days.as_ref().map(|[begin, end]| events::label_days(begin, end)));
        lines.extend(self.events.iter().flat_map(EventLine::said));
        let of = |count| share(count, *rows);
        for LabelLine { name, positive, negative, missing, unlisted, .. } in &self.labels {
            lines.push(words::label(name, of(*positive), of(*negative), of(*missing), of(*unlisted)));
        }
        for AuditLine { name, column, level, found } in &self.audits {
            let found = if *found { words::is_there() } else { words::is_not_there() };
            lines.push(words::audit(name, level, format!("{column:?}"), found));
        }
        for FieldLine { name, column, level, missing, absent, unlisted, bounds } in &self.fields {
            if *absent {
                lines.push(words::field_absent(name, level, format!("{column:?}")));
                continue;
            }
            let mut parts = vec![words::field(name, level, of(*missing))];
            parts.extend(unlisted.map(|unlisted| words::field_unlisted(of(unlisted))));
            parts.extend(bounds.as_ref().map(|BoundCounts { below_min, at_min, at_max, above_max }| {
                words::field_bounds(of(*below_min), of(*at_min), of(*at_max), of(*above_max))
            }));
            lines.push(Said::joined(&parts, ""));
        }
        Said::joined(&lines, "\n")
    }
}
