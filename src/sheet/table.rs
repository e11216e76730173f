//! The parts of a page: headings, tables, facts, drawings. Whatever comes from a file is escaped here.

use std::fmt::Write as _;

use tributary_texts::{Language, Said, words as terms};

use crate::page::{CLOSED, Entry, contents, escaped, heading, opened, table};

/// A section of a page: its heading, and what it writes of a file.
pub(crate) type Part<T> = (fn() -> Said, fn(&mut Page, &T));

/// A page that grows.
pub(crate) struct Page {
    out: String,
    language: Language,
    /// How many there are so far.
    headings: usize,
}

impl Page {
    /// A page with these headings, to which its contents lead.
    pub(crate) fn new(title: &Said, headings: &[Said], language: Language) -> Self {
        let mut out = opened(title.text(language), language);
        contents(&mut out, headings, language);
        Self { out, language, headings: 0 }
    }

    /// A whole page: these sections of a file.
    pub(crate) fn of<T>(title: &Said, parts: &[Part<T>], file: &T, language: Language) -> String {
        let headings: Vec<Said> = parts.iter().map(|(heading, _)| heading()).collect();
        let mut page = Self::new(title, &headings, language);
        for (heading, (_, write)) in headings.iter().zip(parts) {
            page.heading(heading);
            write(&mut page, file);
        }
        page.closed()
    }

    /// The language in which it is written.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn closed(mut self) -> String {
        self.out.push_str(CLOSED);
        self.out
    }

    fn said(&self, said: &Said) -> String {
        escaped(said.text(self.language))
    }

    pub(crate) fn heading(&mut self, said: &Said) {
        self.headings += 1;
        heading(&mut self.out, self.headings, said, self.language);
    }

    pub(crate) fn title(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<h3>{text}</h3>");
    }

    pub(crate) fn line(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<p>{text}</p>");
    }

    pub(crate) fn note(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<p class=\"note\">{text}</p>");
    }

    pub(crate) fn list(&mut self, lines: &[Said]) {
        self.out.push_str("<ul>\n");
        for line in lines {
            let text = self.said(line);
            let _ = writeln!(self.out, "<li>{text}</li>");
        }
        self.out.push_str("</ul>\n");
    }

    /// Names and values, a line each.
    pub(crate) fn facts(&mut self, facts: &[(Said, Said)]) {
        self.out.push_str("<div class=\"scroll\"><table>\n");
        for (name, value) in facts {
            let (name, value) = (self.said(name), self.said(value));
            let _ = writeln!(self.out, "<tr><th>{name}</th><td class=\"long\">{value}</td></tr>");
        }
        self.out.push_str("</table></div>\n");
    }

    /// A table; without a row it says that there is none.
    pub(crate) fn table(&mut self, columns: &[Said], rows: Vec<Vec<Said>>) {
        if rows.is_empty() {
            return self.note(&terms::none());
        }
        let rows: Vec<Vec<Entry>> =
            rows.into_iter().map(|row| row.iter().map(|cell| Entry::of(cell.text(self.language))).collect()).collect();
        table(&mut self.out, columns, &rows, self.language);
    }

    /// A drawing, with its title for readers that do not see, and what its axes are.
    pub(crate) fn drawing(&mut self, draw: impl FnOnce(&str) -> String, title: &Said, axes: &Said) {
        let (svg, text) = (draw(title.text(self.language)), self.said(axes));
        let _ =
            writeln!(self.out, "<figure class=\"wide\">{svg}<figcaption><small>{text}</small></figcaption></figure>");
    }
}
