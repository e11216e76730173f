//! Whether a privacy statement is the one that follows from a ledger.
//!
//! Its figures come of logarithms and exponentials of the machine that computed them, whose last digits may differ from one system to the next. So
//! where the bytes differ, the statements are compared: every word alike, and every number to nine digits.
//!
//! Another release of this software may say the same in other sentences, and numbers its wording. Then every figure, name and code is compared, and
//! the sentences are missing: they say what they should by the release that wrote them alone, and an edited statement that names another wording is
//! never in order.

use serde_json::Value;
use tributary_protocol::digest::Digest;

use crate::statement::{STATEMENT_VERSION, STATEMENT_WORDING, Statement};

/// What a statement says in sentences, which follow from its figures, names and codes.
const SENTENCES: [&str; 7] = ["unit", "neighbours", "claim", "visibility", "assumptions", "not_promised", "changes"];

/// Sentences of each release, of each protection and of each answer.
const SENTENCES_WITHIN: [(&str, &[&str]); 3] =
    [("releases", &["content"]), ("protections", &["who", "against", "by"]), ("questions", &["question", "answer"])];

/// Two numbers that stand for the same figure.
const RELATIVE: f64 = 1e-9;

/// How a registered statement compares with the one that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stated {
    /// It is the same.
    Same,
    /// It says something else.
    Other,
    /// The file is not the one that was registered.
    OtherFile,
    /// Its figures, names and codes are the same. Its sentences are those of another release, of this wording.
    OtherWording(u32),
    /// Its form is that of another release, of this version. Nothing of it was compared.
    OtherForm(u32),
    /// It has another digest, and nothing shows what it says.
    Unknown,
}

/// The file of a statement.
#[must_use]
pub fn statement_file(statement: &Statement) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(statement).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Compares the statement that follows with the one of this digest, whose file may be here.
pub(crate) fn compare(own: &Statement, registered: &Digest, file: Option<&[u8]>) -> Stated {
    if file.is_some_and(|file| Digest::of(file) != *registered) {
        return Stated::OtherFile;
    }
    let own = statement_file(own);
    if Digest::of(&own) == *registered {
        return Stated::Same;
    }
    let Some(file) = file else { return Stated::Unknown };
    if same_lines(&own, file) {
        return Stated::Same;
    }
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let Some((mut own, mut file)) = read(&own).zip(read(file)) else { return Stated::Other };
    if let Some(version) = number(&file, "version").filter(|version| *version != STATEMENT_VERSION) {
        return Stated::OtherForm(version);
    }
    let Some(wording) = number(&file, "wording").filter(|wording| *wording != STATEMENT_WORDING) else {
        return Stated::Other;
    };
    [&mut own, &mut file].into_iter().for_each(without_sentences);
    if is_like(&own, &file) { Stated::OtherWording(wording) } else { Stated::Other }
}

/// Whether two files of one writer have the same lines, but for last digits of figures: also in their order, and each as often.
fn same_lines(one: &[u8], other: &[u8]) -> bool {
    let Some((one, other)) = str::from_utf8(one).ok().zip(str::from_utf8(other).ok()) else { return false };
    let [mut one, mut other] = [one, other].map(|text| text.split('\n'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if is_like_line(one, other) => {}
            _ => return false,
        }
    }
}

fn is_like_line(one: &str, other: &str) -> bool {
    // A whole number is exact on every machine. Of a figure the writer has one spelling, in which no infinite one has any.
    let figure = |text: &str| {
        let number: f64 = text.parse().ok()?;
        let own = serde_json::to_string(&number).is_ok_and(|own| own == text);
        Some(number).filter(|number| own && number.is_finite() && text.contains(['.', 'e']))
    };
    let parts = |line: &'_ str| {
        let (key, value) = line.split_once(": ")?;
        let bare = value.strip_suffix(',');
        Some((key.to_owned(), bare.is_some(), figure(bare.unwrap_or(value))?))
    };
    let near = || match parts(one).zip(parts(other)) {
        Some(((key, more, one), (of, also, other))) => key == of && more == also && is_near(one, other),
        None => false,
    };
    one == other || near()
}

fn is_near(one: f64, other: f64) -> bool {
    one.is_finite() && other.is_finite() && (one - other).abs() <= RELATIVE * one.abs().max(other.abs())
}

fn number(file: &Value, name: &str) -> Option<u32> {
    file.get(name)?.as_u64()?.try_into().ok()
}

/// Leaves what every release says alike.
fn without_sentences(statement: &mut Value) {
    let Some(statement) = statement.as_object_mut() else { return };
    statement.remove("wording");
    SENTENCES.iter().for_each(|name| drop(statement.remove(*name)));
    for (list, names) in SENTENCES_WITHIN {
        let parts = statement.get_mut(list).and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
            names.iter().for_each(|name| drop(part.remove(*name)));
        }
    }
}

fn is_like(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let whole = one.is_u64() && other.is_u64();
            one == other || !whole && one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| is_near(one, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_like(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_like(value, other)))
        }
        _ => one == other,
    }
}
