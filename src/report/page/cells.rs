//! What stands in a cell of a table.

use tributary_texts::{Said, assessor, words as terms};

/// Lines of a long table that a page shows; the JSON file has all.
pub(super) const LINES_MAX: usize = 200;

/// A digest as tables show it: the first 16 digits, which name it on every screen.
pub(super) fn short(digest: &str) -> Said {
    Said::verbatim(digest.chars().take(16).collect::<String>())
}

pub(super) fn text(value: impl std::fmt::Display) -> Said {
    Said::verbatim(value)
}

/// A moment, which tables may break between day and time. Their columns say that it is of UTC.
pub(super) fn moment(value: &str) -> Said {
    text(value.replace('T', " ").trim_end_matches('Z'))
}

/// A value, or that there is none.
pub(super) fn or_none(value: Option<&String>) -> Said {
    value.map_or_else(terms::none, text)
}

pub(super) fn level(value: Option<&String>) -> Said {
    value.map_or_else(terms::none, |level| terms::of(level))
}

/// Words of a paper for assessors.
pub(super) fn words_of(words: &[String]) -> Vec<Said> {
    words.iter().map(|word| assessor::of(word)).collect()
}

pub(super) fn names(names: &[String]) -> Said {
    if names.is_empty() { terms::none() } else { text(names.join(", ")) }
}
