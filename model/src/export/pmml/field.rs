//! From columns to what each field adds.

use super::super::column::{Column, ColumnKind, Item};
use super::element::Element;
use super::expression::{any, apply, derived, either, field, is_missing, mapped, number, text, written};
use crate::additive::Term;
use crate::schema::{Field, FieldKind, Missing, Range, Transform};

/// What stands for a value that is in no slot, and for none at all: no slot's number.
const NO_SLOT: &str = "none";
const GONE: &str = "gone";

/// A text that is a number. Without square brackets: some readers of XML lose what stands before a closing one.
const NUMBER_PATTERN: &str = r"^(\+|-)?(\d+\.?\d*|\.\d+)((e|E)(\+|-)?\d{1,2})?$";

/// A text, its second group without the blanks around it.
const TRIM_PATTERN: &str = r"^(\s|\p{Z})*((.|\s)*?)(\s|\p{Z})*$";

/// The names of what is derived.
pub(super) struct Names(String);

impl Names {
    /// Names with which no column begins.
    pub(super) fn unlike(columns: &[Column]) -> Self {
        let mut prefix = "x".to_owned();
        while columns.iter().any(|column| column.name.starts_with(&prefix)) {
            prefix.push('_');
        }
        Self(prefix)
    }

    /// A part of a column.
    fn column(&self, number: usize, part: &str) -> String {
        format!("{}c{}{part}", self.0, number + 1)
    }

    /// A part of a field.
    pub(super) fn field(&self, number: usize, part: &str) -> String {
        format!("{}f{}{part}", self.0, number + 1)
    }

    /// What a table of a pair adds.
    pub(super) fn pair(&self, number: usize) -> String {
        format!("{}p{}", self.0, number + 1)
    }
}

/// A column: the text without blanks, and the number. A text that is none has no number.
pub(super) fn column(names: &Names, number: usize, column: &Column) -> Vec<Element> {
    let own = field(&column.name);
    match column.kind {
        ColumnKind::Number => vec![derived(&names.column(number, "n"), "double", own)],
        ColumnKind::Text => {
            let name = names.column(number, "t");
            let trimmed = apply("replace", [own, text(TRIM_PATTERN), text("$2")]);
            let trimmed = derived(&name, "string", trimmed);
            let is_number = apply("matches", [field(&name), text(NUMBER_PATTERN)]);
            let parsed = either(is_number, field(&name), None);
            vec![trimmed, derived(&names.column(number, "n"), "double", parsed)]
        }
    }
}

/// What a field adds: derived fields, the last of which is what it adds, and one that is missing where the schema refuses the value.
pub(super) struct Added {
    pub(super) derived: Vec<Element>,
    /// The names of what is summed up.
    pub(super) summed: Vec<String>,
}

/// One field; `at` is its number and that of its column.
pub(super) fn added(names: &Names, at: (usize, usize), own: &Field, term: &Term, kind: ColumnKind) -> Added {
    let (number_of, text_of) = (names.column(at.1, "n"), names.column(at.1, "t"));
    let is = |item: &Item| -> Option<Element> {
        let text_item = item.text.as_ref().filter(|_| kind == ColumnKind::Text);
        let as_text = text_item.map(|item| apply("equal", [field(&text_of), text(item)]));
        // A missing number is equal to none, and says so.
        let as_number = item.number.map(|value| {
            let equal = apply("equal", [field(&number_of), number(value)]);
            apply("and", [apply("isNotMissing", [field(&number_of)]), equal])
        });
        let both: Vec<Element> = as_text.into_iter().chain(as_number).collect();
        (!both.is_empty()).then(|| any(both))
    };
    let empty = match kind {
        ColumnKind::Number => is_missing(field(&number_of)),
        ColumnKind::Text => {
            let length = apply("stringLength", [field(&text_of)]);
            let blank = apply("equal", [length, Element::new("Constant").with("dataType", "integer").saying(0)]);
            either(is_missing(field(&text_of)), truth(true), Some(blank))
        }
    };
    let codes = Item::all(&own.missing_codes);
    let gone = codes.iter().filter_map(is).rev().fold(truth(false), |or, is| either(is, truth(true), Some(or)));
    let gone = either(empty, truth(true), Some(gone));
    let gone_name = names.field(at.0, "g");
    let mut all = vec![derived(&gone_name, "boolean", gone)];
    let is_gone = || apply("equal", [field(&gone_name), truth(true)]);
    let (slot_name, added_name, refused_name) =
        (names.field(at.0, "s"), names.field(at.0, "w"), names.field(at.0, "r"));
    let mut summed = vec![added_name.clone()];

    let (refuses, is_number) = match &own.kind {
        FieldKind::Numeric { missing, .. } => (*missing == Missing::Refused, true),
        FieldKind::Categorical { missing, .. } => (*missing == Missing::Refused, false),
    };
    if refuses || is_number {
        let most = apply("lessOrEqual", [apply("abs", [field(&number_of)]), number(f64::MAX)]);
        let number_there = either(is_missing(field(&number_of)), truth(false), Some(most));
        let good = if is_number { either(number_there, number(0.0), None) } else { number(0.0) };
        let refused = match refuses {
            true => either(apply("equal", [field(&gone_name), truth(false)]), good, None),
            false => either(is_gone(), number(0.0), Some(good)),
        };
        all.push(derived(&refused_name, "double", refused));
        summed.push(refused_name);
    }

    match (&own.kind, term) {
        (FieldKind::Numeric { min, max, transform, missing, .. }, Term::Number { weight, missing: added }) => {
            let instead = match missing {
                Missing::Value(constant) => weight * scaled(transform, (*min, *max), *constant),
                Missing::Indicator => added.unwrap_or_default(),
                Missing::Refused => 0.0,
            };
            let line = line(&number_of, transform, (*min, *max), *weight);
            all.push(derived(&added_name, "double", either(is_gone(), number(instead), Some(line))));
        }
        (FieldKind::Numeric { transform, missing, .. }, Term::Cells(weights)) => {
            let edges = if let Transform::Bins(edges) = transform { edges.as_slice() } else { &[] };
            let known = names.field(at.0, "n");
            all.push(derived(&known, "double", either(is_gone(), number(0.0), Some(field(&number_of)))));
            let bin = names.field(at.0, "b");
            all.push(derived(&bin, "string", binned(&known, edges)));
            let instead = match missing {
                Missing::Value(constant) => slot(edges.iter().take_while(|edge| **edge <= *constant).count()),
                Missing::Indicator => slot(edges.len() + 1),
                Missing::Refused => NO_SLOT.into(),
            };
            all.push(derived(&slot_name, "string", either(is_gone(), text(&instead), Some(field(&bin)))));
            all.push(derived(&added_name, "double", weighed(&slot_name, weights)));
        }
        (FieldKind::Categorical { categories, unlisted, missing }, Term::Cells(weights)) => {
            let items = Item::all(categories);
            // Numbers first, because they are few: each becomes the text of its category.
            let numbers = items.iter().enumerate().filter_map(|(place, item)| Some((place, item.number?)));
            let as_text = if kind == ColumnKind::Text { field(&text_of) } else { text(GONE) };
            let settled = numbers.collect::<Vec<_>>().into_iter().rev().fold(as_text, |or, (place, value)| {
                let equal = apply("equal", [field(&number_of), number(value)]);
                let equal = either(is_missing(field(&number_of)), truth(false), Some(equal));
                either(equal, text(&categories[place]), Some(or))
            });
            let known = names.field(at.0, "t");
            all.push(derived(&known, "string", either(is_gone(), text(GONE), Some(settled))));
            let met = categories.iter().zip(&items).enumerate().filter(|(_, (_, item))| item.text.is_some());
            let rows = met.map(|(place, (category, _))| (vec![category.clone()], slot(place)));
            let other = unlisted.map_or_else(|| NO_SLOT.to_owned(), slot);
            let found = names.field(at.0, "b");
            all.push(derived(&found, "string", mapped(&[&known], rows, Some(other), "string")));
            let instead = match missing {
                Missing::Value(category) => slot(*category),
                Missing::Indicator => slot(categories.len()),
                Missing::Refused => NO_SLOT.into(),
            };
            all.push(derived(&slot_name, "string", either(is_gone(), text(&instead), Some(field(&found)))));
            all.push(derived(&added_name, "double", weighed(&slot_name, weights)));
        }
        // Categories have cells.
        (FieldKind::Categorical { .. }, Term::Number { .. }) => summed.clear(),
    }
    Added { derived: all, summed }
}

/// A slot by its number, as text.
pub(super) fn slot(place: usize) -> String {
    format!("s{place}")
}

fn truth(holds: bool) -> Element {
    Element::new("Constant").with("dataType", "boolean").saying(holds)
}

fn weighed(slot_name: &str, weights: &[f64]) -> Element {
    let rows = weights.iter().enumerate().map(|(place, weight)| (vec![slot(place)], written(*weight)));
    mapped(&[slot_name], rows, Some(written(0.0)), "double")
}

fn binned(known: &str, edges: &[f64]) -> Element {
    let bins = (0..=edges.len()).map(|place| {
        let (low, high) = (place.checked_sub(1).map(|before| edges[before]), edges.get(place));
        let closure = if low.is_some() { "closedOpen" } else { "openOpen" };
        let mut interval = Element::new("Interval").with("closure", closure);
        if let Some(low) = low {
            interval = interval.with("leftMargin", written(low));
        }
        if let Some(high) = high {
            interval = interval.with("rightMargin", written(*high));
        }
        Element::new("DiscretizeBin").with("binValue", slot(place)).holding([interval])
    });
    Element::new("Discretize").with("field", known).with("dataType", "string").holding(bins)
}

/// A number along its curve.
fn scaled(transform: &Transform, (min, max): (f64, f64), value: f64) -> f64 {
    let (low, high) = (transform.curve(min), transform.curve(max));
    let share = ((transform.curve(value) - low) / (high - low)).clamp(0.0, 1.0);
    match transform.range() {
        Range::Unit => share,
        Range::Symmetric => 2.0 * share - 1.0,
    }
}

fn line(own: &str, transform: &Transform, (min, max): (f64, f64), weight: f64) -> Element {
    let logarithm =
        |value: Element, unit: f64| apply("ln", [apply("+", [number(1.0), apply("/", [value, number(unit)])])]);
    // Beyond the bounds the curve may have no value.
    let value = apply("max", [number(min), apply("min", [number(max), field(own)])]);
    let curve = match transform {
        Transform::Linear(_) | Transform::Bins(_) => value,
        Transform::Log { unit, .. } => logarithm(value, *unit),
        Transform::SignedLog { unit, .. } => {
            let negative = apply("lessThan", [field(own), number(0.0)]);
            let size = logarithm(apply("abs", [value]), *unit);
            either(negative, apply("-", [number(0.0), size.clone()]), Some(size))
        }
    };
    let (low, high) = (transform.curve(min), transform.curve(max));
    let share = apply("/", [apply("-", [curve, number(low)]), number(high - low)]);
    let encoded = match transform.range() {
        Range::Unit => share,
        Range::Symmetric => apply("-", [apply("*", [number(2.0), share]), number(1.0)]),
    };
    apply("*", [number(weight), encoded])
}
