//! Kinds of keys that several tables have.

use tributary_protocol::printable::is_hidden;
use tributary_settings::Document;

use crate::dates;

/// What a plan's name and purpose may be: branches show them.
pub(super) const NAME_ALLOWED: &str = "a text of 1 to 64 bytes, without control characters and marks of direction";

/// A text of one line that can be shown as it is.
pub(super) fn line(text: &str, most: usize) -> Option<String> {
    ((1..=most).contains(&text.len()) && !text.trim().is_empty() && !text.contains(is_hidden)).then(|| text.to_owned())
}

/// A key without a default that may be absent: nothing, if it is there and bad.
pub(super) fn optional_integer(document: &mut Document, key: &str, least: i64, most: i64) -> Option<Option<u32>> {
    if document.has(key) { document.integer(key, least..=most, None).map(Some) } else { Some(None) }
}

/// The first second of a date; `why` follows what is allowed.
pub(super) fn first_second(document: &mut Document, key: &str, why: &str) -> Option<u64> {
    document.date(key, &format!("a date, YYYY-MM-DD: {why}"), None, dates::first_second)
}

/// The last second of a date; `why` follows what is allowed.
pub(super) fn last_second(document: &mut Document, key: &str, why: &str) -> Option<u64> {
    document.date(key, &format!("a date, YYYY-MM-DD: {why}"), None, dates::last_second)
}

/// A key that would silently do nothing is a misunderstanding.
pub(super) fn only_with(document: &mut Document, keys: &[&str], other: &str) {
    for key in keys {
        if document.has(key) {
            document.fault(key, "a value that would have no effect", format!("nothing; it belongs to {other}"));
        }
    }
}
