//! The answer to a customer: on the screen, and as one page to be printed on A4, in Chinese and in English.

use std::path::Path;

use tributary_certs::inspect::date;
use tributary_protocol::printable::Printable;
use tributary_storage::files::{Existing, write_private};
use tributary_texts::{Language, Said, customer as words};

use crate::error::ClientError;

/// The clock of a letter, in minutes ahead of UTC: all of China has this one.
const UTC_OFFSET_MINUTES: u64 = 480;

/// A moment by that clock.
pub(super) fn dated(seconds: u64) -> String {
    date(seconds.saturating_add(UTC_OFFSET_MINUTES * 60)).replace(" UTC", " UTC+8")
}

/// An answer.
pub struct Answer {
    id: Printable,
    title: Said,
    made: String,
    /// What the customer is told.
    told: Vec<Said>,
    /// What only the branch's people are told.
    pub(super) notes: Vec<Said>,
}

impl Answer {
    pub(super) fn new(id: &str, title: Said, now: u64) -> Self {
        Self { id: Printable::new(id), title, made: dated(now), told: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn tell(&mut self, said: Said) {
        self.told.push(said);
    }

    pub(super) fn note(&mut self, said: Said) {
        self.notes.push(said);
    }

    /// For the screen: what the customer is told, and what the branch's people are told beside it.
    #[must_use]
    pub fn lines(&self) -> Vec<Said> {
        self.told.iter().chain(&self.notes).cloned().collect()
    }

    /// A page without anything from elsewhere.
    #[must_use]
    pub fn page(&self) -> String {
        let section = |language: Language| {
            let text = |said: &Said| escaped(said.text(language));
            let told: String = self.told.iter().map(|said| format!("<li>{}</li>\n", text(said))).collect();
            let of = text(&words::reply_of(&self.id, &self.made));
            let end = text(&words::reply_end());
            let tag = if language == Language::Chinese { "zh-CN" } else { "en" };
            format!(
                "<section lang=\"{tag}\">\n<h1>{}</h1>\n<p>{of}</p>\n<ul>\n{told}</ul>\n<p class=\"end\">{end}</p>\n</section>\n",
                text(&self.title)
            )
        };
        let title = escaped(self.title.text(Language::Chinese));
        format!(
            "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{}{}</body>\n</html>\n",
            section(Language::Chinese),
            section(Language::English)
        )
    }
}

const STYLE: &str = "@page{size:A4;margin:20mm}body{font:11pt/1.6 \"Noto Sans CJK SC\",\"Source Han Sans SC\",\"SimSun\",sans-serif;max-width:170mm;margin:0 auto;color:#000}\
h1{font-size:16pt}li{margin:4pt 0;break-inside:avoid}.end{margin-top:18pt}@media screen{body{padding:1rem}}\
section+section{break-before:page}";

/// Text in a page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Writes the page, for this user's eyes. It takes the place of nothing.
///
/// # Errors
/// If it cannot be written, or something has its name.
pub fn write_reply(answer: &Answer, path: &Path) -> Result<(), ClientError> {
    write_private(path, answer.page().as_bytes(), Existing::Keep).map_err(ClientError::file)
}
