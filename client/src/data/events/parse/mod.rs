//! What a mapping says of tables beside the customers' own, from its TOML file.

mod consent;
mod field;
mod parts;
mod table;

use std::path::Path;

use tributary_model::schema::Schema;
use tributary_settings::{Document, Faults};

use self::parts::time;
use super::declared::{DerivedField, EventTable, Events, LabelWindow, TableSource};
use crate::data::mapping::{NAME, name};

/// Most tables of one mapping.
pub(super) const TABLES_MAX: usize = 16;
/// Most derived fields.
const FIELDS_MAX: usize = 128;
/// Most consents.
const CONSENTS_MAX: usize = 8;
/// Longest label window, in days.
const LABEL_DAYS_MAX: i64 = 1_098;
/// The clock of a bank in China.
const UTC_OFFSET_USUAL: i32 = 480;

/// Reads the tables, the fields that come of them, the consents and the label's days. `known`: the schema's columns that the mapping makes of the
/// customers' own, each with the column that it is made from.
///
/// # Errors
/// The faults of a table `csv`, which are told at once.
pub(in crate::data) fn events(
    file: &mut Document,
    path: &Path,
    schema: &Schema,
    known: &[(&str, &str)],
) -> Result<Events, Faults> {
    let offset = file.integer("mapping.utc_offset_minutes", -720..=840, Some(UTC_OFFSET_USUAL));
    let mut tables = Vec::new();
    for prefix in file.tables("events", TABLES_MAX).unwrap_or_default() {
        tables.push(table::table(file, path, &prefix)?);
    }
    let mut fields = Vec::new();
    for prefix in file.tables("derived", FIELDS_MAX).unwrap_or_default() {
        fields.push((field::field(file, &prefix, schema, &tables), prefix));
    }
    let mut consents = Vec::new();
    for prefix in file.tables("consent", CONSENTS_MAX).unwrap_or_default() {
        consents.push(consent::consent(file, path, &prefix)?);
    }
    let (label, known_after_label) = label(file);
    if schema.customer_column().is_none() && !(tables.is_empty() && consents.is_empty()) {
        let found = "tables, without a key of customers by which they are joined";
        file.fault("mapping.schema", found, "a schema with customer_column");
    }
    once(file, &fields, known);
    let sources = tables.iter().flatten().map(|table: &EventTable| &table.source);
    names_once(file, sources, consents.iter().flatten().filter_map(|consent| Some(&consent.table.as_ref()?.0)));
    for (place, table) in tables.iter().enumerate() {
        let used = fields.iter().any(|(field, _)| field.as_ref().is_none_or(|field| field.table == place));
        if let Some(table) = table.as_ref().filter(|_| !used) {
            let found = format!("{:?}, from which nothing is derived", table.source.name);
            file.fault(
                &format!("events.{}.name", place + 1),
                found,
                "a [[derived]] that names the table, or no such table",
            );
        }
    }
    Ok(Events {
        utc_offset_minutes: offset.unwrap_or(UTC_OFFSET_USUAL),
        tables: tables.into_iter().flatten().collect(),
        fields: fields.into_iter().filter_map(|(field, _)| field).collect(),
        consents: consents.into_iter().flatten().collect(),
        label,
        known_after_label,
    })
}

/// Each column of the schema has one maker, and no maker reads what another one makes.
fn once(file: &mut Document, fields: &[(Option<DerivedField>, String)], known: &[(&str, &str)]) {
    for (place, (field, prefix)) in fields.iter().enumerate() {
        let Some(field) = field else { continue };
        let earlier = fields.iter().take(place).filter_map(|(field, _)| field.as_ref());
        let key = format!("{prefix}.to");
        let allowed = "each column of the schema once, in [[derived]] or in [[columns]]";
        if earlier.map(|field| &field.to).any(|to| *to == field.to) {
            file.fault(&key, format!("{:?} again", field.to), allowed);
        }
        if known.iter().any(|(to, _)| *to == field.to) {
            file.fault(&key, format!("{:?}, which [[columns]] makes as well", field.to), allowed);
        }
        if let Some((to, _)) = known.iter().find(|(_, from)| *from == field.to) {
            let found = format!("{:?}, from which [[columns]] makes {to:?}", field.to);
            file.fault(&key, found, "a field that nothing else is made of: what is derived comes from tables alone");
        }
    }
}

fn names_once<'a>(
    file: &mut Document,
    tables: impl Iterator<Item = &'a TableSource>,
    consents: impl Iterator<Item = &'a TableSource>,
) {
    let mut names: Vec<&str> = tables.chain(consents).map(|source| source.name.as_str()).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        file.fault("events", format!("two tables of the name {:?}", pair[0]), "each name once");
    }
}

/// The days of the labels, and the columns that are known only after them.
fn label(file: &mut Document) -> (Option<LabelWindow>, Vec<String>) {
    let after = match file.has("label.known_after") {
        true => file.texts("label.known_after", &format!("a list of columns, each {NAME}"), name),
        false => None,
    };
    let days = match file.has("label") {
        true => file.integer("label.days", 1..=LABEL_DAYS_MAX, None),
        false => None,
    };
    let happened = time(file, ["label.happened", "label.happened_form", "label.time_zone"], None);
    (days.map(|days| LabelWindow { days, happened }), after.unwrap_or_default())
}
