//! What several tables of a mapping are made of.

use tributary_settings::Document;

use crate::data::events::moment::{MomentForm, TimeColumn, Zone};
use crate::data::mapping::{NAME, name};

/// A column of times, where it is named.
pub(super) fn time(
    file: &mut Document,
    [column, form, zone]: [&str; 3],
    usual: Option<MomentForm>,
) -> Option<TimeColumn> {
    if !file.has(column) {
        return None;
    }
    let column = file.text(column, NAME, None, name);
    let form = file.choice(form, &MomentForm::WORDS, Some(usual.unwrap_or(MomentForm::Dashes)));
    let zone = file.choice(zone, &[("local", Zone::Local), ("utc", Zone::Utc)], Some(Zone::Local));
    Some(TimeColumn { column: column?, form: form?, zone: zone? })
}

/// A name of a table or of a column of codes.
pub(super) fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// What [`word`] takes.
pub(super) const WORD: &str = "1 to 64 of a-z, 0-9 and _";
