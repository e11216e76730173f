//! From a TOML file to a [`Schema`]: its sections, and what must hold between them.

use toml::{Table, Value};

use super::fault::SchemaErrors;
use super::node::{Faults, Node, described, quoted};
use super::parse_dialect::dialect;
use super::parse_field::{Use, field};
use super::repeated::{repeated, repeated_value};
use super::second::{Format, label_title};
use super::{Dialect, FIELDS_MAX, FORMAT_MAX, Field, LABELS_MAX, Label, SCHEMA_BYTES_MAX, Schema, WIDTH_MAX};

pub(super) fn schema(text: &str) -> Result<Schema, SchemaErrors> {
    let faults = Faults::default();
    let schema = table(text, &faults).and_then(|table| whole(&table, &faults));
    let faults = faults.into_inner();
    match schema {
        Some(schema) if faults.is_empty() => Ok(schema),
        _ => Err(SchemaErrors(faults)),
    }
}

impl Dialect {
    /// Reads what a table `[csv]` of a schema says, from the text of that table alone.
    ///
    /// # Errors
    /// Every fault, with its key.
    pub fn parse(toml: &str) -> Result<Self, SchemaErrors> {
        let faults = Faults::default();
        let read = table(toml, &faults).and_then(|table| dialect(&Node::new(String::new(), &table, &faults)));
        let faults = faults.into_inner();
        match read {
            Some(dialect) if faults.is_empty() => Ok(dialect),
            _ => Err(SchemaErrors(faults)),
        }
    }
}

fn table(text: &str, faults: &Faults) -> Option<Table> {
    if text.len() > SCHEMA_BYTES_MAX {
        faults.add("(file)", format!("{} bytes", text.len()), format!("at most {SCHEMA_BYTES_MAX} bytes"));
        return None;
    }
    let table = text.parse::<Table>();
    if let Err(error) = &table {
        let line =
            error.span().map_or(1, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        faults.add(format!("(line {line})"), error.message(), "TOML 1.0");
    }
    table.ok()
}

/// `None` only with a fault. What could be read is put together in either case, so that faults between sections show as well.
fn whole(table: &Table, faults: &Faults) -> Option<Schema> {
    let root = Node::new(String::new(), table, faults);
    let format = format(&root);
    // Without a format that is known, the keys of all of them may stand there.
    let keys = if format == Some(1) { Format::First } else { Format::Second };
    let (name, version) = (root.name("name"), version(&root));
    let customer_column = root.text("customer_column");
    let dropped = root.texts("drop");
    let dialect = match root.value("csv") {
        None => Some(Dialect::comma_separated()),
        Some(Value::Table(table)) => dialect(&root.child("csv.".into(), table)),
        Some(other) => {
            root.fault("csv", described(other), "a table headed [csv]");
            None
        }
    };
    let necessity = root.reason("necessity");
    let is_explained = root.value("necessity").is_some();
    let reason_zh = keys.reason_zh(&root);
    let fields = each(&root, "fields", FIELDS_MAX, |node| field(node, is_explained, keys));
    let labels = each(&root, "labels", LABELS_MAX, |node| label(node, keys));
    root.finish();
    let complete = format.is_some()
        && name.is_some()
        && version.is_some()
        && dialect.is_some()
        && fields.iter().all(Option::is_some)
        && labels.iter().all(Option::is_some);
    let (fields, audits) = divided(fields.into_iter().flatten());
    if complete && fields.is_empty() && !audits.is_empty() {
        root.fault("fields", "audit columns alone", "one input at least: a model learns from nothing else");
    }
    let schema = Schema {
        format: format.unwrap_or(FORMAT_MAX),
        name: name.unwrap_or_default(),
        version: version.unwrap_or_default(),
        dialect: dialect.unwrap_or_else(Dialect::comma_separated),
        customer_column,
        dropped,
        necessity,
        reason_zh,
        fields,
        audits,
        labels: labels.into_iter().flatten().collect(),
    };
    together(&schema, faults);
    complete.then_some(schema)
}

/// Inputs, and audit columns.
fn divided(fields: impl Iterator<Item = (Use, Field)>) -> (Vec<Field>, Vec<Field>) {
    let (inputs, audits): (Vec<_>, Vec<_>) = fields.partition(|(usage, _)| *usage == Use::Input);
    let bare = |fields: Vec<(Use, Field)>| fields.into_iter().map(|(_, field)| field).collect();
    (bare(inputs), bare(audits))
}

/// Reads every table of a list.
fn each<T>(
    root: &Node<'_>,
    list: &'static str,
    count_max: usize,
    read: impl Fn(&Node<'_>) -> Option<T>,
) -> Vec<Option<T>> {
    let tables = root.tables(list, count_max).into_iter().enumerate();
    tables.map(|(index, table)| read(&root.child(path(list, index, table), table))).collect()
}

/// `fields[2] age.`: the place for a machine, the name for a person.
fn path(list: &str, index: usize, table: &Table) -> String {
    match table.get("name").and_then(Value::as_str) {
        Some(name) => format!("{list}[{}] {}.", index + 1, name.escape_debug()),
        None => format!("{list}[{}].", index + 1),
    }
}

/// The file's format; 1 where it does not say one. `None` only with a fault.
fn format(root: &Node<'_>) -> Option<u32> {
    let Some(value) = root.value("format") else { return Some(1) };
    let format = value.as_integer().and_then(|number| u32::try_from(number).ok());
    let format = format.filter(|format| (1..=FORMAT_MAX).contains(format));
    if format.is_none() {
        root.fault("format", described(value), format!("1 to {FORMAT_MAX}; a later one needs a later release"));
    }
    format
}

fn version(root: &Node<'_>) -> Option<u32> {
    let allowed = "a whole number from 1 up";
    let value = root.required("version", allowed)?;
    let version = value.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
    if version.is_none() {
        root.fault("version", described(value), allowed);
    }
    version
}

fn label(node: &Node<'_>, keys: Format) -> Option<Label> {
    let name = node.name("name");
    let title_zh = label_title(node, keys);
    let column = node.text("column").or_else(|| name.clone());
    let (positive, negative, missing_codes) =
        (node.texts("positive"), node.texts("negative"), node.codes("missing_codes"));
    let _only = node.word("kind", &[("binary", ())]);
    for (key, values) in [("positive", &positive), ("negative", &negative)] {
        if values.is_empty() {
            node.fault(key, "no value", "at least one value");
        }
    }
    let all: Vec<&str> = positive.iter().chain(&negative).chain(&missing_codes).map(String::as_str).collect();
    if let Some(twice) = repeated_value(&all) {
        node.fault(
            "positive",
            format!("{} twice", quoted(twice)),
            "each value in one of positive, negative, missing_codes; numbers are compared as numbers",
        );
    }
    node.finish();
    Some(Label { name: name?, title_zh, column: column?, positive, negative, missing_codes })
}

/// What holds between the sections.
fn together(schema: &Schema, faults: &Faults) {
    let both = || schema.fields.iter().chain(&schema.audits);
    if let Some(twice) = repeated(both().map(|field| field.name.as_str())) {
        faults.add(
            "fields",
            format!("the name {} twice", quoted(twice)),
            "each name once; several fields may share a column",
        );
    }
    if let Some(twice) = repeated(schema.labels.iter().map(|label| label.name.as_str())) {
        faults.add("labels", format!("the name {} twice", quoted(twice)), "each name once");
    }
    if schema.width() > WIDTH_MAX {
        faults.add("fields", format!("{} encoded numbers", schema.width()), format!("at most {WIDTH_MAX}"));
    }
    for audit in &schema.audits {
        if schema.fields.iter().any(|field| field.column == audit.column) {
            faults.add(
                "fields",
                format!("the column {} with use = \"audit\", and as an input as well", quoted(&audit.column)),
                "one use: an audit column is never an input",
            );
        }
    }
    let inputs = both().map(|field| ("fields", field.column.as_str()));
    let targets = schema.labels.iter().map(|label| ("labels", label.column.as_str()));
    let customer = schema.customer_column.iter().map(|column| ("customer_column", column.as_str()));
    for (key, column) in inputs.clone().chain(targets.clone()).chain(customer.clone()) {
        if schema.dropped.iter().any(|dropped| dropped == column) {
            faults.add(key, format!("the column {}", quoted(column)), "a column that is not in drop");
        }
        if let Some(columns) = &schema.dialect.columns
            && !columns.iter().any(|known| known == column)
        {
            faults.add(key, format!("the column {}", quoted(column)), "a column of csv.columns");
        }
    }
    for (_, column) in inputs {
        if targets.clone().any(|(_, target)| target == column) {
            faults.add(
                "fields",
                format!("the column {}, which is a label", quoted(column)),
                "a column that no label reads",
            );
        }
        if schema.customer_column.as_deref() == Some(column) {
            faults.add(
                "fields",
                format!("the column {}, which tells customers apart", quoted(column)),
                "another column",
            );
        }
    }
}
