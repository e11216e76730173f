//! A text in both languages, and what may stand in one.

use std::fmt::{self, Display};

use crate::Language;

/// The same in both languages. It cannot be printed without one.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    english: String,
    chinese: String,
}

impl fmt::Debug for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.english, formatter)
    }
}

impl Said {
    pub(crate) fn new(english: String, chinese: String) -> Self {
        Self { english, chinese }
    }

    /// A name, a number or a file's content, which is the same in every language; or the words of a part of this program that speaks English alone.
    #[must_use]
    pub fn verbatim(text: impl Display) -> Self {
        let text = text.to_string();
        Self { english: text.clone(), chinese: text }
    }

    /// What may stand in a text, as one.
    #[must_use]
    pub fn of(piece: impl Piece) -> Self {
        Self { english: piece.english(), chinese: piece.chinese() }
    }

    /// With other words in English, where a part of this program has its own.
    #[must_use]
    pub fn with_english(self, english: impl Display) -> Self {
        Self { english: english.to_string(), ..self }
    }

    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::verbatim("")
    }

    /// In a language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }

    /// Several things of equal rank, as each language lists them in a sentence.
    #[must_use]
    pub fn listed(parts: &[Said]) -> Self {
        let all = |language: Language| {
            parts.iter().map(|part| part.text(language)).collect::<Vec<_>>().join(language.semicolon())
        };
        Self { english: all(Language::English), chinese: all(Language::Chinese) }
    }

    /// Several, one after the other, with this between them.
    #[must_use]
    pub fn joined(parts: &[Said], between: &str) -> Self {
        let all = |language| parts.iter().map(|part| part.text(language)).collect::<Vec<_>>().join(between);
        Self { english: all(Language::English), chinese: all(Language::Chinese) }
    }
}

/// What may stand in a text: another text, or anything that is the same in both languages.
pub trait Piece {
    /// In English.
    fn english(&self) -> String;
    /// In Chinese.
    fn chinese(&self) -> String;
}

impl<T: Display> Piece for T {
    fn english(&self) -> String {
        self.to_string()
    }

    fn chinese(&self) -> String {
        self.to_string()
    }
}

impl Piece for Said {
    fn english(&self) -> String {
        self.english.clone()
    }

    fn chinese(&self) -> String {
        self.chinese.clone()
    }
}

impl Piece for &Said {
    fn english(&self) -> String {
        self.english.clone()
    }

    fn chinese(&self) -> String {
        self.chinese.clone()
    }
}
