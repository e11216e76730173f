//! What stands in a cell of a table.

use tributary_texts::{Said, assessor, words as terms};

/// Lines of a long table that a page shows; the JSON file has all.
pub(crate) const LINES_MAX: usize = 200;

/// A digest as tables show it: the first 16 digits, which name it on every screen.
pub(crate) fn short(digest: &str) -> Said {
    Said::verbatim(digest.chars().take(16).collect::<String>())
}

pub(crate) fn text(value: impl std::fmt::Display) -> Said {
    Said::verbatim(value)
}

/// A moment, which tables may break between day and time. Their columns say that it is of UTC.
pub(crate) fn moment(value: &str) -> Said {
    text(value.replace('T', " ").trim_end_matches('Z'))
}

/// A value, or that there is none.
pub(crate) fn or_none(value: Option<&String>) -> Said {
    value.map_or_else(terms::none, text)
}

pub(crate) fn yes(yes: bool) -> Said {
    if yes { terms::yes() } else { terms::no() }
}

/// The level of a field after JR/T 0197.
pub(crate) fn level(value: Option<&String>) -> Said {
    value.map_or_else(terms::none, |level| terms::level_of(level))
}

/// A stage of a plan: its number and what it does.
pub(crate) fn stage(number: u16, kind: &str) -> Said {
    Said::joined(&[text(number), terms::stage_of(kind)], ": ")
}

/// Words of a paper for assessors.
pub(crate) fn words_of(words: &[String]) -> Vec<Said> {
    words.iter().map(|word| assessor::of(word)).collect()
}

pub(crate) fn names(names: &[String]) -> Said {
    if names.is_empty() { terms::none() } else { text(names.join(", ")) }
}
