//! From a TOML file to a [`Mapping`].

use std::path::Path;

use tributary_model::schema::{FieldKind, Schema};
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::MemberName;
use tributary_settings::{Document, Faults};

use super::parse_source::{self, NAME, TEXT_BYTES_MAX, name};
use super::{ColumnKind, Conversion, Counted, DayForm, Home, MappedSource, Mapping, Money, Rule};
use crate::data::events::events;
use crate::error::ClientError;

/// Most columns of one mapping.
const RULES_MAX: usize = 1024;

impl Mapping {
    /// A mapping of this text, which was read from this file. Whether it is signed is another question.
    ///
    /// # Errors
    /// Every fault at once; also if it maps to another schema.
    pub fn parse(path: &Path, text: &str, schema: &Schema) -> Result<Self, ClientError> {
        Ok(Self::read((Document::parse(path, text)?, Digest::of(text.as_bytes())), path, schema)?)
    }

    fn read((mut file, digest): (Document, Digest), path: &Path, schema: &Schema) -> Result<Self, Faults> {
        let own = schema.digest();
        let of_member = "the branch's name in the roster, such as north-bank/branch-01";
        let branch = match file.has("mapping.branch") {
            true => file.text("mapping.branch", of_member, None, |text| MemberName::parse(text).ok()),
            false => None,
        };
        let pinned =
            file.text("mapping.schema", "the digest of a schema, 64 hexadecimal digits", None, Digest::from_hex);
        if let Some(pinned) = pinned.filter(|pinned| *pinned != own) {
            let allowed =
                format!("{own}, the schema of this branch; have the owner read the mapping for it, and sign it");
            file.fault("mapping.schema", pinned.to_string(), allowed);
        }
        let source = parse_source::source(&mut file, path, ("mapping", true))?;
        let home = home(&mut file);
        let prefixes = file.tables("columns", RULES_MAX).unwrap_or_default();
        let rules: Vec<Option<Rule>> = prefixes.iter().map(|prefix| rule(&mut file, prefix, schema)).collect();
        let known: Vec<(&str, &str)> =
            rules.iter().flatten().map(|rule| (rule.to.as_str(), rule.from.as_str())).collect();
        let events = events(&mut file, path, schema, &known)?;
        let plain = source == Some(MappedSource::Text(None));
        if prefixes.is_empty() && home.is_none() && plain && events.is_none() {
            file.fault("columns", "nothing", "one [[columns]] at least, or another source than the schema's own file");
        }
        for (index, rule) in rules.iter().enumerate() {
            let earlier = rules.get(..index).unwrap_or_default();
            if let Some(rule) = rule
                && earlier.iter().flatten().any(|other| other.to == rule.to)
            {
                file.fault(
                    &format!("columns.{}.to", index + 1),
                    format!("{:?} again", rule.to),
                    "each column of the schema once",
                );
            }
        }
        file.finish()?;
        let here = "every value is there when no fault is";
        let source = source.expect(here);
        let rules = rules.into_iter().flatten().collect();
        Ok(Self { digest, branch, schema: own, source, home, rules, events })
    }
}

fn home(file: &mut Document) -> Option<Home> {
    if !file.has("mapping.home") {
        return None;
    }
    let column = file.text("mapping.home.column", NAME, None, name);
    let values = file.texts("mapping.home.values", &format!("a list of texts, each {NAME}"), name);
    Some(Home { column: column?, values: values? })
}

/// What a field of the schema reads from a column.
struct Read<'schema> {
    numeric: bool,
    measured_in: Option<&'schema str>,
}

fn read<'schema>(schema: &'schema Schema, column: &str) -> Option<Read<'schema>> {
    let fields: Vec<_> = schema.fields().iter().filter(|field| field.column == column).collect();
    let other = schema.labels().iter().any(|label| label.column == column) || schema.customer_column() == Some(column);
    let audit = schema.audits().iter().any(|field| field.column == column);
    if fields.is_empty() {
        return (other || audit).then_some(Read { numeric: false, measured_in: None });
    }
    let numeric = fields.iter().all(|field| matches!(field.kind, FieldKind::Numeric { .. }));
    Some(Read { numeric, measured_in: fields.iter().find_map(|field| field.measured_in.as_deref()) })
}

fn rule(file: &mut Document, prefix: &str, schema: &Schema) -> Option<Rule> {
    let of = |name: &str| format!("{prefix}.{name}");
    let to = file.text(&of("to"), NAME, None, name);
    let from = file.text(&of("from"), NAME, None, name);
    let reads = to.as_deref().and_then(|to| read(schema, to));
    if let (Some(to), None) = (&to, &reads) {
        file.fault(&of("to"), format!("{to:?}, which the schema does not read"), "a column of the schema");
    }
    let words: Vec<&str> = ColumnKind::WORDS.iter().map(|(word, _)| *word).collect();
    let kind = match file.has(&of("type")) {
        true => file.text(&of("type"), &words.join(", "), None, |text| {
            ColumnKind::WORDS.iter().find(|(word, _)| *word == text).map(|(_, kind)| kind.clone())
        }),
        false => None,
    };
    let codes = codes(file, &of("codes"));
    let numeric = reads.as_ref().is_none_or(|reads| reads.numeric);
    let conversion = conversion(file, prefix, numeric, reads.and_then(|reads| reads.measured_in));
    Some(Rule { to: to?, from: from?, kind, codes: codes?, conversion: conversion? })
}

fn codes(file: &mut Document, key: &str) -> Option<Vec<(String, String)>> {
    let pairs = file.pairs(key)?;
    let trimmed = |text: &str| text.trim().to_owned();
    let codes: Vec<(String, String)> = pairs.iter().map(|(code, meaning)| (trimmed(code), trimmed(meaning))).collect();
    let fits = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control);
    if codes.iter().any(|(code, meaning)| !fits(code) || !fits(meaning)) {
        file.fault(key, "a code or a meaning of another form", "texts of at most 128 bytes without control characters");
        return None;
    }
    let mut names: Vec<&str> = codes.iter().map(|(code, _)| code.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        file.fault(key, "a code twice, but for the blanks around it", "each code once");
        return None;
    }
    Some(codes)
}

/// What becomes of a value: a day is counted, or a number is read, or nothing.
fn conversion(file: &mut Document, prefix: &str, numeric: bool, measured_in: Option<&str>) -> Option<Conversion> {
    let of = |name: &str| format!("{prefix}.{name}");
    let [date, count, money, sign] = ["date", "count", "money", "trailing_sign"].map(of);
    let asked: Vec<&String> = [&date, &count, &money, &sign].into_iter().filter(|key| file.has(key)).collect();
    if let (false, Some(key)) = (numeric, asked.first()) {
        let key = (*key).clone();
        file.fault(
            &key,
            "a number, for a column that is read as text",
            "nothing, but for columns that numeric fields alone read",
        );
    }
    if file.has(&date) || file.has(&count) {
        let form = file.choice(&date, &DayForm::WORDS, None);
        let counted = file.choice(&count, &Counted::WORDS, None);
        for key in [&money, &sign] {
            if file.has(key) {
                let _known = (file.has(key), file.boolean(key, false));
                file.fault(key, "a number's key, beside a date", "nothing: a date has neither money nor a sign");
            }
        }
        return Some(Conversion::Day(form?, counted?));
    }
    let trailing_sign = file.boolean(&sign, false);
    if !file.has(&money) {
        let trailing_sign = trailing_sign?;
        let plain = Conversion::AsItIs;
        return Some(if trailing_sign { Conversion::Number { trailing_sign, money: None } } else { plain });
    }
    let units = "分, 角, 元, 千元, 万元, 百万元, 亿元";
    let from = file.text(&money, units, None, Money::named);
    let to = measured_in.and_then(Money::named);
    if to.is_none() {
        let found = "a unit of money, where the schema names none for this column";
        file.fault(&money, found, format!("nothing; or a schema whose field says measured_in, one of {units}"));
    }
    Some(Conversion::Number { trailing_sign: trailing_sign?, money: Some((from?, to?)) })
}
