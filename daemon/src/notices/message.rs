//! What a hook is given: one message, of one notice or of several.

use serde::Serialize;

use super::notice::{Notice, Severity};
use super::quiet::Parcel;
use super::words::{Text, summed_up};
use tributary_texts::Language;

/// The layout of what programs read.
const VERSION: u32 = 1;

/// One message.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    version: u32,
    /// Who tells.
    source: String,
    /// Unix seconds.
    at: u64,
    severity: Severity,
    kind: &'static str,
    /// The notices as they are; none in a trial.
    notices: Vec<Notice>,
    /// Notices besides, of which only the number is known.
    more: u64,
    text: Texts,
}

#[derive(Clone, Debug, Serialize)]
struct Texts {
    en: Words,
    zh: Words,
}

#[derive(Clone, Debug, Serialize)]
struct Words {
    subject: String,
    body: String,
}

impl From<Text> for Words {
    fn from(Text { subject, body }: Text) -> Self {
        Self { subject, body }
    }
}

impl Message {
    pub(super) fn of(parcel: &Parcel, source: &str, at: u64) -> Self {
        let Parcel { notices, more } = parcel;
        let (kind, text): (_, Box<dyn Fn(Language) -> Text>) = match notices.as_slice() {
            [one] if *more == 0 => (one.kind(), Box::new(|language| one.text(language))),
            many => ("summary", Box::new(|language| summed_up(many, *more, language))),
        };
        let severity = notices.iter().map(Notice::severity).max().unwrap_or(Severity::Warning);
        let text = Texts { en: text(Language::English).into(), zh: text(Language::Chinese).into() };
        Self {
            version: VERSION,
            source: source.to_owned(),
            at,
            severity,
            kind,
            notices: notices.clone(),
            more: *more,
            text,
        }
    }

    /// For a preflight: nothing has happened.
    pub(super) fn trial(source: &str, at: u64) -> Self {
        let words = |subject: &str, body: &str| Words { subject: subject.to_owned(), body: body.to_owned() };
        let text = Texts {
            en: words(
                "Trial of notices",
                "Nothing has happened. A preflight has tried this hook; whoever reads this is told of what does happen.",
            ),
            zh: words("通知试发", "没有发生任何事情。这是一次预检试发；收到本消息的人，今后会收到真正的通知。"),
        };
        let (severity, notices) = (Severity::Info, Vec::new());
        Self { version: VERSION, source: source.to_owned(), at, severity, kind: "trial", notices, more: 0, text }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn severity(&self) -> Severity {
        self.severity
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// One line, with who tells and how urgent it is.
    pub(super) fn headline(&self, language: Language) -> String {
        format!("[{}] {}: {}", self.source, self.severity.word(language), self.words(language).subject)
    }

    pub(super) fn body(&self, language: Language) -> &str {
        &self.words(language).body
    }

    fn words(&self, language: Language) -> &Words {
        match language {
            Language::English => &self.text.en,
            Language::Chinese => &self.text.zh,
        }
    }
}
