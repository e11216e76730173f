//! What the people of a branch read, in Chinese and in English: one table.
//!
//! Each entry of the table is a function with named arguments, which gives a [`Said`]: the same in both languages. An entry without one of the
//! languages, or with a placeholder that is no argument, does not compile. What programs read (`--json`, `--events`) has nothing of it.

pub mod actions;
pub mod advice;
pub mod assessor;
pub mod attacks;
pub mod budget;
pub mod card;
pub mod commands;
pub mod confirm;
pub mod contact;
pub mod controls;
pub mod customer;
pub mod dataset;
pub mod evaluation;
pub mod events;
pub mod exports;
pub mod five_parts;
pub mod help;
mod language;
pub mod mapping;
pub mod month;
mod one;
pub mod preflight;
pub mod proof;
pub mod questions;
pub mod ready;
pub mod rehearsal;
pub mod report;
mod said;
pub mod score;
pub mod scorecard;
pub mod screen;
pub mod sent;
mod spreadsheet;
pub mod summary;
pub mod words;

pub use language::Language;
pub use said::{Piece, Said};
pub use spreadsheet::{begins_a_formula, defused};

/// One entry, for the test that the table is complete.
#[cfg(test)]
struct Entry {
    key: &'static str,
    arguments: &'static [&'static str],
    english: &'static str,
    chinese: &'static str,
}

/// Makes a part of the table.
macro_rules! texts {
    ($($key:ident($($argument:ident),*) { en: $english:literal, zh: $chinese:literal $(,)? })*) => {
        $(
            #[doc = concat!("```text\n", $english, "\n```")]
            #[must_use]
            #[allow(
                clippy::useless_format,
                clippy::too_many_arguments,
                reason = "a text has as many arguments as it needs, or none"
            )]
            pub fn $key($($argument: impl crate::Piece),*) -> crate::Said {
                let english = {
                    $(let $argument = crate::one::marked($argument.english());)*
                    crate::one::agreed(format!($english))
                };
                let chinese = {
                    $(let $argument = $argument.chinese();)*
                    format!($chinese)
                };
                crate::Said::new(english, chinese)
            }
        )*

        #[cfg(test)]
        pub(crate) const TABLE: &[crate::Entry] = &[$(crate::Entry {
            key: stringify!($key),
            arguments: &[$(stringify!($argument)),*],
            english: $english,
            chinese: $chinese,
        }),*];
    };
}

use texts;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn table() -> impl Iterator<Item = &'static Entry> {
        [
            actions::TABLE,
            advice::TABLE,
            assessor::TABLE,
            attacks::TABLE,
            budget::TABLE,
            card::TABLE,
            commands::TABLE,
            confirm::TABLE,
            contact::TABLE,
            customer::TABLE,
            dataset::TABLE,
            evaluation::TABLE,
            events::TABLE,
            exports::TABLE,
            five_parts::TABLE,
            mapping::TABLE,
            controls::TABLE,
            month::TABLE,
            preflight::TABLE,
            questions::TABLE,
            proof::TABLE,
            ready::TABLE,
            rehearsal::TABLE,
            report::TABLE,
            score::TABLE,
            scorecard::TABLE,
            screen::TABLE,
            sent::TABLE,
            summary::TABLE,
            words::TABLE,
        ]
        .into_iter()
        .flatten()
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts.filter_map(|part| part.split(['}', ':']).next()).filter(|name| !name.is_empty()).collect()
    }

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character))
    }

    #[test]
    fn every_text_says_the_same_in_both_languages() {
        let mut keys = BTreeSet::new();
        for Entry { key, arguments, english, chinese } in table() {
            let wanted: BTreeSet<&str> = arguments.iter().copied().collect();
            assert_eq!(placeholders(english), wanted, "{key}");
            assert_eq!(placeholders(chinese), wanted, "{key}");
            let words =
                |text: &str| text.split(['{', '}']).step_by(2).any(|part| part.chars().any(char::is_alphabetic));
            assert!(!words(english) || is_chinese(chinese), "{key} has no Chinese: {chinese}");
            assert!(!is_chinese(english), "{key}: {english}");
            // Commands, keys and files are the same in both.
            let named =
                |text: &str| -> BTreeSet<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
            assert_eq!(named(english), named(chinese), "{key}");
            assert!(keys.insert((*key, *english)), "{key} is there twice");
        }
        assert!(keys.len() > 100, "{}", keys.len());
    }

    #[test]
    fn no_sentence_is_long() {
        for Entry { key, english, .. } in table() {
            for sentence in english.split(['.', ';', ':', '\n']) {
                assert!(sentence.split_whitespace().count() <= 30, "{key}: {sentence}");
            }
        }
    }

    /// Words after a placeholder that end as nouns of several do, and are none.
    const OTHERS: [&str; 18] = [
        "s", "ms", "is", "was", "has", "does", "as", "its", "this", "reaches", "notes", "tells", "wants", "means",
        "begins", "ends", "names", "says",
    ];

    #[test]
    fn one_is_said_of_one() {
        let english = |said: Said| said.text(Language::English).to_owned();
        assert!(english(customer::runs(1)).starts_with("The branch has admitted 1 run of joint"));
        assert!(english(customer::runs(2)).starts_with("The branch has admitted 2 runs of joint"));
        assert!(english(customer::runs(11)).starts_with("The branch has admitted 11 runs of joint"));
        assert_eq!(english(contact::list_void(1)), "1 line is void");
        assert_eq!(english(budget::rounds("1")), "1 round");
        assert_eq!(english(report::witnessed(1)), "has cosigned 1 entry");
        assert_eq!(english(dataset::customers(1)), "1 customer");
        assert!(customer::runs(1).text(Language::Chinese).starts_with("本分行接受过 1 次"));
    }

    #[test]
    fn every_noun_after_a_count_has_a_form_for_one() {
        let after = |english: &'static str| english.split('}').skip(1).filter_map(|part| part.strip_prefix(' '));
        let words = table().flat_map(|entry| after(entry.english));
        let words = words.map(|part| part.split(|next: char| !next.is_alphanumeric()).next().unwrap_or_default());
        let several = words.filter(|word| word.ends_with('s') && !OTHERS.contains(word));
        let unknown: BTreeSet<&str> =
            several.filter(|word| one::NOUNS.iter().all(|(several, _)| several != word)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
