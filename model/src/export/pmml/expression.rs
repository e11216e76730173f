//! Expressions over fields. A function of a missing value is missing, but for those that ask for it.

use super::element::Element;

pub(super) fn field(name: &str) -> Element {
    Element::new("FieldRef").with("field", name)
}

pub(super) fn number(value: f64) -> Element {
    Element::new("Constant").with("dataType", "double").saying(written(value))
}

pub(super) fn text(value: &str) -> Element {
    Element::new("Constant").with("dataType", "string").saying(value)
}

pub(super) fn apply(function: &'static str, arguments: impl IntoIterator<Item = Element>) -> Element {
    Element::new("Apply").with("function", function).holding(arguments)
}

/// One or the other; without the other, a missing value.
pub(super) fn either(condition: Element, then: Element, or: Option<Element>) -> Element {
    apply("if", [condition, then].into_iter().chain(or))
}

pub(super) fn is_missing(of: Element) -> Element {
    apply("isMissing", [of])
}

/// One of them holds.
pub(super) fn any(conditions: Vec<Element>) -> Element {
    match <[Element; 1]>::try_from(conditions) {
        Ok([one]) => one,
        Err(conditions) => apply("or", conditions),
    }
}

pub(super) fn derived(name: &str, kind: &str, expression: Element) -> Element {
    let optype = if kind == "double" { "continuous" } else { "categorical" };
    let own = Element::new("DerivedField").with("name", name).with("optype", optype).with("dataType", kind);
    own.holding([expression])
}

/// A table from the values of fields to another value. `default`: for what is not in it.
pub(super) fn mapped(
    fields: &[&str],
    rows: impl IntoIterator<Item = (Vec<String>, String)>,
    default: Option<String>,
    kind: &str,
) -> Element {
    const COLUMNS: [&str; 2] = ["one", "other"];
    let mut own = Element::new("MapValues").with("outputColumn", "to").with("dataType", kind);
    if let Some(default) = default {
        own = own.with("defaultValue", default);
    }
    let pairs = fields.iter().zip(COLUMNS);
    let pairs =
        pairs.map(|(field, column)| Element::new("FieldColumnPair").with("field", field).with("column", column));
    let rows = rows.into_iter().map(|(from, to)| {
        let from = COLUMNS.into_iter().zip(from).map(|(column, value)| Element::new(column).saying(value));
        Element::new("row").holding(from.chain([Element::new("to").saying(to)]))
    });
    let table = Element::new("InlineTable").holding(rows.collect::<Vec<_>>());
    own.holding(pairs.collect::<Vec<_>>()).holding([table])
}

/// A number with as many digits as make it again.
pub(super) fn written(value: f64) -> String {
    if value != 0.0 && !(1e-6..1e15).contains(&value.abs()) { format!("{value:E}") } else { format!("{value:?}") }
}
