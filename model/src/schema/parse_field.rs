//! One `[[fields]]` entry of a schema file.

use toml::Value;

use super::node::{Node, described, quoted};
use super::repeated::{repeated, repeated_value};
use super::second::Format;
use super::{DataClass, Field, FieldKind, Level, Missing, Range, Reason, Transform};

/// What a field is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A model learns from it.
    Input,
    /// It may show whether a model treats groups alike.
    Audit,
}

/// Reads a field of a schema that is or is not explained as a whole. `None` only with a fault; a field with one may be returned, so that later
/// checks see it.
pub(super) fn field(node: &Node<'_>, is_explained: bool, keys: Format) -> Option<(Use, Field)> {
    let name = node.name("name");
    let column = node.text("column").or_else(|| name.clone());
    let class = class(node);
    let level = level(node, class);
    let usage = match node.value("use") {
        None => Some(Use::Input),
        Some(_) => node.word("use", &[("input", Use::Input), ("audit", Use::Audit)]),
    };
    let necessity = node.reason("necessity");
    if let (Some(level), Some(usage), None) = (level, usage, node.value("necessity")) {
        without_reason(node, level, usage, is_explained);
    }
    let missing_codes = node.codes("missing_codes");
    if let Some(twice) = repeated(missing_codes.iter().map(String::as_str)) {
        node.fault("missing_codes", format!("{} twice", quoted(twice)), "each code once");
    }
    let numeric = node
        .required("kind", "\"numeric\" or \"categorical\"")
        .and_then(|_| node.word("kind", &[("numeric", true), ("categorical", false)]));
    let kind = match numeric {
        Some(true) => self::numeric(node, &missing_codes),
        Some(false) => categorical(node, &missing_codes),
        None => None,
    };
    let second = keys.of_field(node, kind.as_ref());
    // Without a kind it is not known which keys mean something.
    if numeric.is_some() {
        node.finish();
    }
    if let (Some(Use::Audit), Some(FieldKind::Numeric { transform, .. })) = (usage, &kind)
        && !matches!(transform, Transform::Bins(_))
    {
        let found = "a number that makes no groups, with use = \"audit\"";
        node.fault("transform", found, "\"bins\" with edges, or kind = \"categorical\": an audit compares groups");
    }
    let field = Field {
        name: name?,
        column: column?,
        kind: kind?,
        missing_codes,
        class: class?,
        level: level?,
        necessity,
        optional: second.optional,
        imputation: second.imputation,
        measured_in: second.measured_in,
        title_zh: second.title_zh,
        reason_zh: second.reason_zh,
    };
    Some((usage?, field))
}

fn level(node: &Node<'_>, class: Option<DataClass>) -> Option<Level> {
    let allowed = "\"L1\" (low), \"L2\" (personal), \"L3\" (sensitive), \"L4\" (severe)";
    if node.required("level", allowed)?.as_str() == Some("L5") {
        let found = "\"L5\" (JR/T 0197-2020: important data, whose leak harms the public or the state)";
        node.fault(
            "level",
            found,
            "\"L1\" to \"L4\"; data of level 5 are never learned from nor audited with, so take the field out",
        );
        return None;
    }
    let level = node.word("level", &Level::ALL.map(|level| (word(level), level)))?;
    if (class, level) == (Some(DataClass::C2), Level::L1) {
        let found = "\"L1\", beside class = \"C2\"";
        node.fault("level", found, "\"L2\" or higher: what identifies a person or its financial status is not low");
    }
    Some(level)
}

/// How a schema file writes a level.
const fn word(level: Level) -> &'static str {
    match level {
        Level::L1 => "L1",
        Level::L2 => "L2",
        Level::L3 => "L3",
        Level::L4 => "L4",
    }
}

/// Reports a field that lacks the reason that its level or its use asks for.
fn without_reason(node: &Node<'_>, level: Level, usage: Use, is_explained: bool) {
    let allowed = match (usage, level.reason()) {
        (Use::Audit, _) => "why this group is audited, in words: the schema's own necessity is about what is learned",
        (Use::Input, Reason::Own) => {
            "why this field is needed, in words; a necessity for the whole schema is not enough for level 4"
        }
        (Use::Input, Reason::Needed) if !is_explained => {
            "why this field is needed, in words; or a necessity for the whole schema, before its fields"
        }
        (Use::Input, _) => return,
    };
    let of = if usage == Use::Audit { "an audit column".to_owned() } else { format!("a field of {level}") };
    node.fault("necessity", format!("nothing, for {of}"), allowed);
}

fn class(node: &Node<'_>) -> Option<DataClass> {
    let allowed = "\"C1\" or \"C2\"";
    match node.required("class", allowed)?.as_str() {
        Some("C3") => {
            let found = "\"C3\" (JR/T 0171-2020: what authenticates a user, such as passwords, card codes, biometrics)";
            node.fault(
                "class",
                found,
                "\"C1\" or \"C2\"; class C3 must not be shared or used for analysis, so take the field out",
            );
            None
        }
        _ => node.word("class", &[("C1", DataClass::C1), ("C2", DataClass::C2)]),
    }
}

fn numeric(node: &Node<'_>, missing_codes: &[String]) -> Option<FieldKind> {
    let bound =
        |key| node.required(key, "a finite number: public bounds, not fitted to rows").and_then(|_| node.number(key));
    let (min, max) = (bound("min"), bound("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min >= max
    {
        node.fault("max", max.to_string(), format!("a number above min ({min})"));
    }
    let transform = transform(node, min, max);
    if let (Some(min), Some(max), Some(transform)) = (min, max, &transform) {
        let span = transform.curve(max) - transform.curve(min);
        // Reported above where min is not below max, or not allowed under a logarithm.
        if min < max && !(span.is_finite() && span > 0.0) && !span.is_nan() {
            node.fault("max", max.to_string(), "bounds that a 64-bit float can tell apart after the transform");
        }
    }
    let missing = missing(node, "constant", "{ constant = a number from min to max }", |value| {
        let constant = node.as_number("missing.constant", value)?;
        let inside = min.is_none_or(|min| min <= constant) && max.is_none_or(|max| constant <= max);
        if !inside {
            node.fault("missing.constant", constant.to_string(), "a number from min to max");
        }
        inside.then_some(constant)
    });
    codes_need_a_rule(node, missing.as_ref(), missing_codes);
    let missing_numbers =
        missing_codes.iter().filter_map(|code| code.parse().ok()).filter(|code: &f64| code.is_finite()).collect();
    Some(FieldKind::Numeric { min: min?, max: max?, transform: transform?, missing: missing?, missing_numbers })
}

fn transform(node: &Node<'_>, min: Option<f64>, max: Option<f64>) -> Option<Transform> {
    let word = match node.value("transform") {
        None => "linear",
        Some(_) => {
            let word = node.word("transform", &["linear", "log", "signed_log", "bins"].map(|word| (word, word)));
            if word.is_none() {
                // Which of these belong here depends on the word.
                let _later = ["edges", "range", "unit"].map(|key| node.value(key));
            }
            word?
        }
    };
    if word == "bins" {
        return bins(node, min, max);
    }
    let range = match node.value("range") {
        None => Some(Range::Symmetric),
        Some(_) => node.word("range", &[("symmetric", Range::Symmetric), ("unit", Range::Unit)]),
    };
    if word == "linear" {
        return range.map(Transform::Linear);
    }
    let unit = match node.value("unit") {
        None => Some(1.0),
        Some(_) => node.number("unit"),
    };
    let (range, unit) = (range?, unit?);
    if unit <= 0.0 {
        node.fault("unit", unit.to_string(), "a number above 0");
        return None;
    }
    if word == "signed_log" {
        return Some(Transform::SignedLog { unit, range });
    }
    if let Some(min) = min
        && min < 0.0
    {
        node.fault(
            "min",
            min.to_string(),
            "0 or more with transform = \"log\"; use \"signed_log\" for negative values",
        );
    }
    Some(Transform::Log { unit, range })
}

fn bins(node: &Node<'_>, min: Option<f64>, max: Option<f64>) -> Option<Transform> {
    let edges = node.numbers("edges");
    let ascending = edges.windows(2).all(|pair| pair[0] < pair[1]);
    let inside = edges.iter().all(|edge| min.is_none_or(|min| min < *edge) && max.is_none_or(|max| *edge <= max));
    if edges.is_empty() || !ascending || !inside {
        node.fault("edges", format!("{edges:?}"), "one or more numbers, ascending, above min and at most max");
        return None;
    }
    Some(Transform::Bins(edges))
}

fn categorical(node: &Node<'_>, missing_codes: &[String]) -> Option<FieldKind> {
    let categories = node.texts("categories");
    if categories.len() < 2 {
        node.fault("categories", format!("{} categories", categories.len()), "the complete public list, two or more");
    }
    let all: Vec<&str> = categories.iter().chain(missing_codes).map(String::as_str).collect();
    if let Some(twice) = repeated_value(&all) {
        node.fault(
            "categories",
            format!("{} twice", quoted(twice)),
            "each value once, in categories or in missing_codes; numbers are compared as numbers",
        );
    }
    let index_of = |key: &str, value: &Value| {
        let text = node.as_text(key, value)?;
        let index = categories.iter().position(|category| *category == text);
        if index.is_none() {
            node.fault(key, quoted(&text), "one of categories");
        }
        index
    };
    let unlisted = match node.value("unlisted") {
        None => Some(None),
        Some(value) => index_of("unlisted", value).map(Some),
    };
    let missing =
        missing(node, "category", "{ category = one of categories }", |value| index_of("missing.category", value));
    codes_need_a_rule(node, missing.as_ref(), missing_codes);
    Some(FieldKind::Categorical { categories, unlisted: unlisted?, missing: missing? })
}

/// The `missing` key: absent, `"indicator"`, or a table with one key.
fn missing<V>(node: &Node<'_>, key: &str, form: &str, read: impl Fn(&Value) -> Option<V>) -> Option<Missing<V>> {
    match node.value("missing") {
        None => Some(Missing::Refused),
        Some(Value::String(word)) if word == "indicator" => Some(Missing::Indicator),
        Some(Value::Table(table)) if table.len() == 1 && table.contains_key(key) => {
            table.get(key).and_then(read).map(Missing::Value)
        }
        Some(other) => {
            node.fault("missing", described(other), format!("\"indicator\" or {form}"));
            None
        }
    }
}

fn codes_need_a_rule<V>(node: &Node<'_>, missing: Option<&Missing<V>>, codes: &[String]) {
    if matches!(missing, Some(Missing::Refused)) && !codes.is_empty() {
        node.fault("missing", "nothing, beside missing_codes", "a rule that says what a missing value becomes");
    }
}
