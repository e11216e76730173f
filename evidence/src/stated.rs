//! Whether a privacy statement is the one that follows from a ledger.
//!
//! Its figures come of logarithms and exponentials of the machine that computed them, whose last digits may differ from one system to the next. So
//! where the bytes differ, the statements are compared: every word alike, and every number to nine digits.

use serde_json::Value;
use tributary_protocol::digest::Digest;

use crate::statement::Statement;

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
    match read(&own).zip(read(file)) {
        Some((own, file)) if is_like(&own, &file) => Stated::Same,
        _ => Stated::Other,
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
