//! The parts of a page: headings, tables, facts, drawings. Whatever comes from a file is escaped here.

use std::fmt::Write as _;

use tributary_texts::{Language, Said, report as words};

use crate::model::escaped;

/// A page that grows.
pub(super) struct Page {
    out: String,
    language: Language,
}

impl Page {
    /// After what opens a page.
    pub(super) fn new(out: String, language: Language) -> Self {
        Self { out, language }
    }

    pub(super) fn closed(mut self) -> String {
        self.out.push_str("</body>\n</html>\n");
        self.out
    }

    fn said(&self, said: &Said) -> String {
        escaped(said.text(self.language))
    }

    pub(super) fn heading(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<h2>{text}</h2>");
    }

    pub(super) fn title(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<h3>{text}</h3>");
    }

    pub(super) fn line(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<p>{text}</p>");
    }

    pub(super) fn note(&mut self, said: &Said) {
        let text = self.said(said);
        let _ = writeln!(self.out, "<p class=\"note\">{text}</p>");
    }

    pub(super) fn list(&mut self, lines: &[Said]) {
        self.out.push_str("<ul>\n");
        for line in lines {
            let text = self.said(line);
            let _ = writeln!(self.out, "<li>{text}</li>");
        }
        self.out.push_str("</ul>\n");
    }

    /// Names and values, a line each.
    pub(super) fn facts(&mut self, facts: &[(Said, Said)]) {
        self.out.push_str("<div class=\"scroll\"><table>\n");
        for (name, value) in facts {
            let (name, value) = (self.said(name), self.said(value));
            let _ = writeln!(self.out, "<tr><th>{name}</th><td class=\"long\">{value}</td></tr>");
        }
        self.out.push_str("</table></div>\n");
    }

    /// A table; without a row it says that there is none.
    pub(super) fn table(&mut self, columns: &[Said], rows: Vec<Vec<Said>>) {
        if rows.is_empty() {
            return self.note(&words::none());
        }
        self.out.push_str("<div class=\"scroll\"><table><tr>");
        for column in columns {
            let text = self.said(column);
            let _ = write!(self.out, "<th>{text}</th>");
        }
        self.out.push_str("</tr>\n");
        for row in rows {
            self.out.push_str("<tr>");
            for cell in row {
                let text = self.said(&cell);
                let _ = write!(self.out, "<td class=\"n\">{text}</td>");
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</table></div>\n");
    }

    /// A drawing, with what its axes are.
    pub(super) fn drawing(&mut self, svg: &str, axes: &Said) {
        let text = self.said(axes);
        let _ =
            writeln!(self.out, "<figure class=\"wide\">{svg}<figcaption><small>{text}</small></figcaption></figure>");
    }
}
