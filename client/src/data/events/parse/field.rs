//! One derived field.

use tributary_model::features::Cell;
use tributary_model::schema::{Decimal, Field, FieldKind, Missing, Schema};
use tributary_settings::Document;

use crate::data::events::amount::Measure;
use crate::data::events::declared::{DerivedField, EventTable, Filter, Function, Holds, Sign};
use crate::data::events::window::Window;
use crate::data::mapping::{Money, NAME, name};

/// Windows before the last one, where the mapping does not say how many.
const FORMER_USUAL: u16 = 3;

pub(super) fn field(
    file: &mut Document,
    prefix: &str,
    schema: &Schema,
    tables: &[Option<EventTable>],
) -> Option<DerivedField> {
    let of = |key: &str| format!("{prefix}.{key}");
    let to = file.text(&of("to"), NAME, None, name);
    let table = file.string(&of("table"));
    let function = file.choice(&of("function"), &Function::WORDS, None);
    let window = window(file, prefix);
    let place = table.as_ref().and_then(|named| {
        let place = tables.iter().position(|table| table.as_ref().is_some_and(|table| table.source.name == *named));
        // A table with a fault of its own has told it.
        if place.is_none() && tables.iter().all(Option::is_some) {
            file.fault(&of("table"), format!("{named:?}, which is no table here"), "the name of one of [[events]]");
        }
        place
    });
    let table = place.and_then(|place| tables.get(place)?.as_ref());
    let function = function.and_then(|function| more(file, prefix, function, table));
    let filter = filter(file, prefix, table);
    let reads = to.as_deref().and_then(|to| read(file, &of("to"), schema, to));
    let (to, place, table, function, window) = (to?, place?, table?, function?, window?);
    let sound = sound(file, prefix, function, table);
    let units = units(file, &of("to"), function, table, &reads?);
    let holds = table.holds;
    let days = window.days_max(function.windows());
    let most = if function.keeps_days(holds) { Window::KEPT_DAYS_MAX } else { Window::LOOK_BACK_DAYS_MAX };
    if days > most {
        let found = format!("a look back over {days} days");
        file.fault(&of("function"), found, format!("at most {most} days for {}", function.name()));
        return None;
    }
    Some(DerivedField { to, table: place, function, window, filter: filter?, units: units.filter(|_| sound)? })
}

/// The fields that read a column.
fn read<'schema>(file: &mut Document, key: &str, schema: &'schema Schema, to: &str) -> Option<Vec<&'schema Field>> {
    let fields: Vec<&Field> = schema.fields().iter().filter(|field| field.column == to).collect();
    let other = schema.labels().iter().any(|label| label.column == to) || schema.customer_column() == Some(to);
    if other || fields.is_empty() {
        let what = if other { "which is no field" } else { "which the schema does not read" };
        file.fault(key, format!("{to:?}, {what}"), "a column that a field of the schema reads");
        return None;
    }
    Some(fields)
}

fn window(file: &mut Document, prefix: &str) -> Option<Window> {
    let [days, months] = ["window_days", "window_months"].map(|key| format!("{prefix}.{key}"));
    if file.has(&days) && file.has(&months) {
        let _known = file.integer(&months, 1..=120, Some(1_u16));
        file.fault(&months, "a second length of the window", "one of window_days and window_months");
    }
    if file.has(&months) {
        return file.integer(&months, 1..=120, None).map(Window::Months);
    }
    file.integer(&days, 1..=Window::LOOK_BACK_DAYS_MAX, None).map(Window::Days)
}

/// A function with its own numbers.
fn more(file: &mut Document, prefix: &str, function: Function, table: Option<&EventTable>) -> Option<Function> {
    let [code, former] = ["of", "former"].map(|key| format!("{prefix}.{key}"));
    if file.has(&former) && !matches!(function, Function::Decay(_)) {
        let _known = file.integer(&former, 1..=24, Some(1_u16));
        file.fault(&former, "a number of windows before", "nothing: decay alone has it");
    }
    if file.has(&code) && !matches!(function, Function::Distinct(_)) {
        let _known = file.string(&code);
        file.fault(&code, "a column of codes", "nothing: distinct alone has it");
    }
    match function {
        Function::Decay(_) => file.integer(&former, 1..=24, Some(FORMER_USUAL)).map(Function::Decay),
        Function::Distinct(_) => {
            let named = file.string(&code)?;
            let place = table?.codes.iter().position(|codes| codes.name == named);
            if place.is_none() {
                file.fault(
                    &code,
                    format!("{named:?}, which is no column of codes"),
                    "the name of one of [[events.codes]]",
                );
            }
            place.map(Function::Distinct)
        }
        other => Some(other),
    }
}

fn filter(file: &mut Document, prefix: &str, table: Option<&EventTable>) -> Option<Filter> {
    let of = |key: &str| format!("{prefix}.{key}");
    let table = table?;
    let (mut groups, mut sound) = (Vec::new(), true);
    for (place, codes) in table.codes.iter().enumerate() {
        let key = of(&format!("only.{}", codes.name));
        if !file.has(&key) {
            continue;
        }
        let allowed = format!("a list of groups of this column: {}", codes.groups.join(", "));
        let found = file.texts(&key, &allowed, |text| codes.groups.iter().position(|group| group == text));
        match found {
            Some(found) => groups.push((place, found.into_iter().fold(0_u64, |mask, group| mask | 1 << group))),
            None => sound = false,
        }
    }
    let inward = match file.has(&of("direction")) {
        true => {
            if !has_direction(table) {
                let found = "a direction, of a table that says none";
                file.fault(&of("direction"), found, "a table with a direction, or with sign = \"direction\"");
            }
            let inward = file.choice(&of("direction"), &[("in", true), ("out", false)], None);
            sound &= inward.is_some();
            inward
        }
        false => None,
    };
    let amount_min = match file.has(&of("amount_min")) {
        true => {
            let measure = table.amount.as_ref().map(|amount| amount.measure);
            let parse = |text: &str| measure?.read(Cell::Text(text), Decimal::Point, false).ok();
            let allowed = "an amount as a text, in the unit of a table that has amounts, such as \"50000\"";
            let found = file.text(&of("amount_min"), allowed, None, parse);
            sound &= found.is_some();
            found
        }
        false => None,
    };
    sound.then_some(Filter { groups, inward, amount_min })
}

fn has_direction(table: &EventTable) -> bool {
    table.direction.is_some() || table.amount.as_ref().is_some_and(|amount| amount.sign == Sign::Direction)
}

/// Whether the table has what the function needs.
fn sound(file: &mut Document, prefix: &str, function: Function, table: &EventTable) -> bool {
    let key = format!("{prefix}.function");
    let name = function.name();
    let mut faults: Vec<(String, &str)> = Vec::new();
    if !function.fits(table.holds) {
        let rows = if table.holds == Holds::Events { "events" } else { "balances" };
        faults.push((
            format!("{name} of {rows}"),
            "for balances last, mean, share_of_amount, trend_ratio and trend_slope; for events the others",
        ));
    }
    if function.reads_amounts() && table.amount.is_none() {
        faults.push((format!("{name}, of a table without amounts"), "a table with amount and unit"));
    }
    if function == Function::Net && !has_direction(table) {
        faults.push((
            format!("{name}, of a table without a direction"),
            "a table with a direction, or with sign = \"direction\"",
        ));
    }
    if matches!(function, Function::Open | Function::HoursMean) && table.until.is_none() {
        faults.push((format!("{name}, of a table without an end"), "a table with until"));
    }
    let sound = faults.is_empty();
    faults.into_iter().for_each(|(found, allowed)| file.fault(&key, found, allowed));
    sound
}

/// How many of the table's smallest units are one of the schema's; also whether the schema can have what comes of it.
fn units(file: &mut Document, key: &str, function: Function, table: &EventTable, fields: &[&Field]) -> Option<i64> {
    let mut sound = true;
    for field in fields {
        let named = &field.name;
        let (numeric, refused) = match &field.kind {
            FieldKind::Numeric { missing, .. } => (true, *missing == Missing::Refused),
            FieldKind::Categorical { missing, .. } => (false, *missing == Missing::Refused),
        };
        if !numeric && function != Function::Any {
            let found = format!("{} for the field {named}, which has categories", function.name());
            file.fault(key, found, "a numeric field; or any, which gives 0 or 1");
            sound = false;
        }
        if refused && function.may_lack() {
            let found = format!(
                "{} for the field {named}, which takes no missing value: a customer without events has none",
                function.name()
            );
            file.fault(key, found, "a field with missing, such as \"indicator\"");
            sound = false;
        }
    }
    if !sound || !function.is_amount() {
        return sound.then_some(1);
    }
    let measure = table.amount.as_ref()?.measure;
    if measure == Measure::Plain {
        return Some(measure.smallest());
    }
    let unit = fields.iter().find_map(|field| field.measured_in.as_deref()).and_then(Money::named);
    if unit.is_none() {
        let found = "an amount of money, where the schema names no unit of it for this column";
        file.fault(key, found, "a field that says measured_in, one of 分, 角, 元, 千元, 万元, 百万元, 亿元");
    }
    unit.map(Money::fen)
}
