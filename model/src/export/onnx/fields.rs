//! From columns to slots, as the schema says.

use super::super::column::{Column, ColumnKind, Item, NUMBER_PATTERN};
use super::graph::{Builder, Name};
use super::proto::{Attribute, DOUBLE, FLOAT};
use crate::features::filling;
use crate::schema::{Field, FieldKind, Missing, Range, Transform};

/// Blanks as [`str::trim`] knows them, for RE2.
const BLANKS: &str = r"[\x{9}-\x{d}\x{85}\pZ]*";

/// A field's slots, and where its value refuses the row.
pub(super) struct Encoded {
    /// Rows x slots.
    pub(super) slots: Name,
    /// Rows x 1; nothing where no value refuses a row.
    pub(super) refused: Option<Name>,
}

/// One column, ready for its fields.
pub(super) struct Source {
    kind: ColumnKind,
    /// The column itself.
    own: Name,
    /// Where there is no value.
    empty: Name,
    /// Where there is a number, and the number: elsewhere it is 0.
    number: Option<(Name, Name)>,
}

impl Source {
    /// The column; `numbers`: whether a field reads its texts as numbers.
    pub(super) fn of(column: &Column, numbers: bool, out: &mut Builder) -> Self {
        let own = column.name.clone();
        let (empty, number) = match column.kind {
            ColumnKind::Number => {
                let empty = out.apply("IsNaN", &[&own]);
                let infinite = out.apply("IsInf", &[&own]);
                let none = out.apply("Or", &[&empty, &infinite]);
                let zero = out.double(0.0);
                let number = out.apply("Where", &[&none, &zero, &own]);
                let is_number = out.apply("Not", &[&none]);
                (empty, Some((is_number, number)))
            }
            ColumnKind::Text => {
                let empty = out.matches(&own, BLANKS);
                (empty, numbers.then(|| number_of(&own, out)))
            }
        };
        Self { kind: column.kind, own, empty, number }
    }

    /// Where the value is this item of a list; nothing where it never is.
    fn is(&self, item: &Item, out: &mut Builder) -> Option<Name> {
        let as_number = item.number.zip(self.number.as_ref()).map(|(number, (is_number, own))| {
            let number = out.double(number);
            let equal = out.apply("Equal", &[own, &number]);
            out.apply("And", &[is_number, &equal])
        });
        let text = item.text.as_ref().filter(|_| self.kind == ColumnKind::Text);
        let as_text = text.map(|text| out.matches(&self.own, &format!("{BLANKS}{}{BLANKS}", escaped(text))));
        out.any(as_number.into_iter().chain(as_text).collect())
    }
}

/// Where a text is a number, and which. A text that is none is read as 0.
fn number_of(own: &str, out: &mut Builder) -> (Name, Name) {
    let is_number = out.matches(own, &format!("{BLANKS}{NUMBER_PATTERN}{BLANKS}"));
    let zero = out.text("0");
    let texts = out.apply("Where", &[&is_number, own, &zero]);
    // Without the blanks around it: divided at blanks a number is one piece.
    let pieces = out.apply_with("StringSplit", &[&texts], vec![Attribute::of_text("delimiter", "")], 2);
    let shape = out.wholes(&[-1, 1]);
    let texts = out.apply("Reshape", &[&pieces, &shape]);
    let number = out.cast(&texts, DOUBLE);
    (is_number, number)
}

/// A text in a regular expression, where it means itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// One field.
pub(super) fn encoded(field: &Field, source: &Source, out: &mut Builder) -> Encoded {
    let codes = Item::all(&field.missing_codes);
    let coded: Vec<Name> = codes.iter().filter_map(|code| source.is(code, out)).collect();
    let gone = out.any(std::iter::once(source.empty.clone()).chain(coded).collect()).expect("at least the empty value");
    let there = out.apply("Not", &[&gone]);
    let mut refused = Vec::new();
    let is_refused = match &field.kind {
        FieldKind::Numeric { missing, .. } => *missing == Missing::Refused,
        FieldKind::Categorical { missing, .. } => *missing == Missing::Refused,
    };
    if is_refused {
        refused.push(gone.clone());
    }
    let slots = match &field.kind {
        FieldKind::Numeric { min, max, transform, missing, .. } => {
            let (is_number, number) = source.number.clone().expect("a column that a numeric field reads has numbers");
            let no_number = out.apply("Not", &[&is_number]);
            refused.push(out.apply("And", &[&there, &no_number]));
            let (low, high) = (out.double(*min), out.double(*max));
            let number = out.apply("Max", &[&number, &low]);
            let number = out.apply("Min", &[&number, &high]);
            let (number, indicator) = match missing {
                Missing::Value(constant) => {
                    let constant = out.double(*constant);
                    (out.apply("Where", &[&gone, &constant, &number]), None)
                }
                Missing::Indicator => (number, Some(out.number(&gone))),
                Missing::Refused => (number, None),
            };
            let slots = match transform {
                Transform::Bins(edges) => bins(&number, edges, out),
                _ => scaled(&number, transform, (*min, *max), out),
            };
            match indicator {
                None => slots,
                Some(indicator) => {
                    let instead = out.double(filling(field).into());
                    let slots = out.apply("Where", &[&gone, &instead, &slots]);
                    out.concat(&[slots, indicator])
                }
            }
        }
        FieldKind::Categorical { categories, unlisted, missing } => {
            let never = |out: &mut Builder| out.apply("And", &[&gone, &there]);
            let mut hits: Vec<Name> = Vec::with_capacity(categories.len() + 1);
            for category in categories {
                let hit = source.is(&Item::of(category), out);
                let hit = hit.map(|hit| out.apply("And", &[&hit, &there]));
                hits.push(hit.unwrap_or_else(|| never(out)));
            }
            if let Some(place) = unlisted {
                let listed = out.any(hits.clone()).expect("a field has two categories or more");
                let listed = out.apply("Or", &[&listed, &gone]);
                let other = out.apply("Not", &[&listed]);
                hits[*place] = out.apply("Or", &[&hits[*place].clone(), &other]);
            }
            match missing {
                Missing::Value(place) => hits[*place] = out.apply("Or", &[&hits[*place].clone(), &gone]),
                Missing::Indicator => hits.push(gone.clone()),
                Missing::Refused => {}
            }
            let hits: Vec<Name> = hits.iter().map(|hit| out.number(hit)).collect();
            out.concat(&hits)
        }
    };
    Encoded { slots, refused: out.any(refused) }
}

/// One of the bins is 1: as many edges as are not above the number.
fn bins(number: &str, edges: &[f64], out: &mut Builder) -> Name {
    let edges = out.doubles(&[1, edges.len()], edges);
    let reached = out.apply("GreaterOrEqual", &[number, &edges]);
    let reached = out.number(&reached);
    let (one, zero) = (out.double(1.0), out.double(0.0));
    // The constants, one for each row.
    let zeros = out.apply("Mul", &[number, &zero]);
    let ones = out.apply("Add", &[&zeros, &one]);
    let from = out.concat(&[ones, reached.clone()]);
    let to = out.concat(&[reached, zeros]);
    out.apply("Sub", &[&from, &to])
}

/// A number along its curve, rounded to 32 bits as branches round it.
fn scaled(number: &str, transform: &Transform, (min, max): (f64, f64), out: &mut Builder) -> Name {
    let (low, high) = (transform.curve(min), transform.curve(max));
    let one = out.double(1.0);
    let logarithm = |value: &str, unit: f64, out: &mut Builder| {
        let unit = out.double(unit);
        let value = out.apply("Div", &[value, &unit]);
        let value = out.apply("Add", &[&value, &one]);
        out.apply("Log", &[&value])
    };
    let curve = match transform {
        Transform::Linear(_) | Transform::Bins(_) => number.to_owned(),
        Transform::Log { unit, .. } => logarithm(number, *unit, out),
        Transform::SignedLog { unit, .. } => {
            let (size, sign) = (out.apply("Abs", &[number]), out.apply("Sign", &[number]));
            let size = logarithm(&size, *unit, out);
            out.apply("Mul", &[&size, &sign])
        }
    };
    let (low, span) = (out.double(low), out.double(high - low));
    let share = out.apply("Sub", &[&curve, &low]);
    let share = out.apply("Div", &[&share, &span]);
    let zero = out.double(0.0);
    let share = out.apply("Max", &[&share, &zero]);
    let mut share = out.apply("Min", &[&share, &one]);
    if transform.range() == Range::Symmetric {
        let two = out.double(2.0);
        share = out.apply("Mul", &[&share, &two]);
        share = out.apply("Sub", &[&share, &one]);
    }
    let narrow = out.cast(&share, FLOAT);
    out.cast(&narrow, DOUBLE)
}
