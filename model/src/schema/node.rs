//! Reading a TOML table so that every fault is found, not only the first.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::{Table, Value};
use tributary_protocol::printable::{Printable, is_hidden};

use super::dialect::DELIMITER_BYTES_MAX;
use super::fault::SchemaFault;
use super::{NECESSITY_BYTES_MAX, TEXT_BYTES_MAX};

/// Faults collected so far.
#[derive(Default)]
pub(super) struct Faults(RefCell<Vec<SchemaFault>>);

/// One table of the file, and which of its keys were asked for.
pub(super) struct Node<'a> {
    path: String,
    table: &'a Table,
    asked: RefCell<BTreeSet<&'static str>>,
    faults: &'a Faults,
}

impl Faults {
    pub(super) fn add(&self, key: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) {
        // The key and what was found are the file's own words, and a schema comes from the plan's owner.
        let (key, found) = (Printable::from(key.into()).into(), Printable::from(found.into()).into());
        self.0.borrow_mut().push(SchemaFault { key, found, allowed: allowed.into() });
    }

    pub(super) fn into_inner(self) -> Vec<SchemaFault> {
        self.0.into_inner()
    }
}

impl<'a> Node<'a> {
    /// `path` stands before every key in faults: empty, or ending in a dot.
    pub(super) fn new(path: String, table: &'a Table, faults: &'a Faults) -> Self {
        Self { path, table, asked: RefCell::default(), faults }
    }

    /// A table inside this one.
    pub(super) fn child<'b>(&'b self, path: String, table: &'b Table) -> Node<'b> {
        Node::new(path, table, self.faults)
    }

    pub(super) fn fault(&self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        self.faults.add(format!("{}{key}", self.path), found, allowed);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(&self) {
        let asked = self.asked.borrow();
        let allowed = asked.iter().copied().collect::<Vec<_>>().join(", ");
        for key in self.table.keys().filter(|key| !asked.contains(key.as_str())) {
            self.fault(key, "a key that means nothing here", format!("one of {allowed}"));
        }
    }

    pub(super) fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    /// Whether a key is there, without asking for it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn required(&self, key: &'static str, allowed: &str) -> Option<&'a Value> {
        let value = self.value(key);
        if value.is_none() {
            self.fault(key, "nothing", allowed);
        }
        value
    }

    /// A text of 1 to 128 bytes without control characters.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.value(key).and_then(|value| self.as_text(key, value))
    }

    /// A sentence for people: of 1 to 512 bytes on one line, without control characters and marks of direction.
    pub(super) fn reason(&self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.as_str().map(str::trim);
        let text = text.filter(|text| (1..=NECESSITY_BYTES_MAX).contains(&text.len()) && !text.contains(is_hidden));
        if text.is_none() {
            let allowed = "words on one line, without control characters and marks of direction";
            self.fault(key, described(value), format!("1 to {NECESSITY_BYTES_MAX} bytes: {allowed}"));
        }
        text.map(str::to_owned)
    }

    /// A name: 1 to 128 of a-z, 0-9 and _.
    pub(super) fn name(&self, key: &'static str) -> Option<String> {
        let allowed = "a name of a-z, 0-9 and _";
        let name = self.as_text(key, self.required(key, allowed)?)?;
        if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            return Some(name);
        }
        self.fault(key, quoted(&name), allowed);
        None
    }

    /// A finite number.
    pub(super) fn number(&self, key: &'static str) -> Option<f64> {
        self.value(key).and_then(|value| self.as_number(key, value))
    }

    pub(super) fn as_number(&self, key: &str, value: &Value) -> Option<f64> {
        let number = match value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => {
                i32::try_from(*number).ok().map(f64::from).or_else(|| number.to_string().parse().ok())
            }
            _ => None,
        };
        // Both zeros mean the same.
        let number = number.filter(|number| number.is_finite()).map(|number| if number == 0.0 { 0.0 } else { number });
        if number.is_none() {
            self.fault(key, described(value), "a finite number");
        }
        number
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let value = self.value(key)?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let words = words.iter().map(|(word, _)| quoted(word)).collect::<Vec<_>>();
            self.fault(key, described(value), words.join(", "));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// One ASCII character; an empty text or no key is `None`.
    pub(super) fn character(&self, key: &'static str) -> Option<u8> {
        let value = self.value(key)?;
        match value.as_str().map(str::as_bytes) {
            Some([]) => None,
            Some([byte]) if (0x20..0x7f).contains(byte) || *byte == b'\t' => Some(*byte),
            _ => {
                self.fault(key, described(value), "one printable ASCII character or a tab");
                None
            }
        }
    }

    /// One to eight ASCII characters. Some systems put a control character between values, such as U+0001.
    pub(super) fn delimiter(&self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        let allowed = |byte: u8| (1..0x7f).contains(&byte) && !matches!(byte, b'\n' | b'\r' | 0x1a);
        let text = value.as_str().filter(|text| (1..=DELIMITER_BYTES_MAX).contains(&text.len()));
        let text = text.filter(|text| text.bytes().all(allowed));
        if text.is_none() {
            let allowed =
                format!("one to {DELIMITER_BYTES_MAX} ASCII characters other than line ends, such as \";\" or \"|@|\"");
            self.fault(key, described(value), allowed);
        }
        text.map(str::to_owned)
    }

    /// A list of texts; whole and decimal numbers count as their text. Empty where the key is absent.
    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        self.list(key).iter().filter_map(|value| self.as_text(key, value)).collect()
    }

    /// A list of codes: as [`Node::texts`], and the empty text may be one of them.
    pub(super) fn codes(&self, key: &'static str) -> Vec<String> {
        let empty = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        let one = |value| if empty(value) { Some(String::new()) } else { self.as_text(key, value) };
        self.list(key).iter().filter_map(one).collect()
    }

    /// A list of finite numbers.
    pub(super) fn numbers(&self, key: &'static str) -> Vec<f64> {
        self.list(key).iter().filter_map(|value| self.as_number(key, value)).collect()
    }

    /// A list of tables, such as `[[fields]]`.
    pub(super) fn tables(&self, key: &'static str, count_max: usize) -> Vec<&'a Table> {
        let list = self.list(key);
        if list.is_empty() || list.len() > count_max {
            self.fault(
                key,
                format!("{} entries", list.len()),
                format!("1 to {count_max} entries, each headed [[{key}]]"),
            );
            return Vec::new();
        }
        let tables: Vec<&Table> = list.iter().filter_map(Value::as_table).collect();
        if tables.len() < list.len() {
            self.fault(key, "an entry that is no table", format!("entries headed [[{key}]]"));
        }
        tables
    }

    /// The text of a scalar, blanks around it removed.
    pub(super) fn as_text(&self, key: &str, value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) if number.is_finite() => Some(number.to_string()),
            _ => None,
        };
        let text =
            text.filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control));
        if text.is_none() {
            self.fault(
                key,
                described(value),
                format!("a text of 1 to {TEXT_BYTES_MAX} bytes without control characters"),
            );
        }
        text
    }

    fn list(&self, key: &'static str) -> &'a [Value] {
        match self.value(key) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.fault(key, described(other), "a list in [ ]");
                &[]
            }
        }
    }
}

/// A TOML value as a fault quotes it.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::String(text) if text.len() <= TEXT_BYTES_MAX => quoted(text),
        Value::String(text) => format!("a text of {} bytes", text.len()),
        Value::Array(list) => format!("a list of {} values", list.len()),
        Value::Table(_) => "a table".into(),
        other => other.to_string(),
    }
}

/// A text as a fault quotes it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
