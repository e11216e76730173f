//! Whether a privacy statement is the one that follows from a ledger.
//!
//! Its figures come of logarithms and exponentials of the machine that computed them, whose last digits may differ from one system to the next. So
//! where the bytes differ, the statements are compared: every word alike, and every number to nine digits.
//!
//! Another release of this software may say the same in other sentences, and numbers its wording. Then every figure, name and code is compared, and
//! the sentences are called not verified: whoever edits them cannot call them verified by naming another wording.

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
    /// Its figures, names and codes are the same. Its sentences are those of another release.
    OtherWording,
    /// Its form is that of another release, which this one does not read.
    OtherForm,
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
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let Some((mut own, mut file)) = read(&own).zip(read(file)) else { return Stated::Other };
    if number(&file, "version").is_some_and(|version| version != STATEMENT_VERSION) {
        return Stated::OtherForm;
    }
    let other_wording = number(&file, "wording").is_some_and(|wording| wording != STATEMENT_WORDING);
    if other_wording {
        [&mut own, &mut file].into_iter().for_each(without_sentences);
    }
    match (is_like(&own, &file), other_wording) {
        (true, false) => Stated::Same,
        (true, true) => Stated::OtherWording,
        (false, _) => Stated::Other,
    }
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
            let near = |one: f64, other: f64| (one - other).abs() <= RELATIVE * one.abs().max(other.abs());
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| near(one, other))
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
