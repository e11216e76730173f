//! What every page of this executable has: one style, a beginning, headings, tables. A page is one file that asks nobody for anything.

use std::fmt::Write as _;

use tributary_protocol::printable::is_hidden;
use tributary_texts::{Language, Said};

const STYLE: &str = "body{font:15px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;\
    color:#1b2430}h1{font-size:1.6em;overflow-wrap:anywhere}h2{font-size:1.39em;margin-top:1.8em;border-bottom:2px solid #1b2430}\
    h3{font-size:1.12em;margin:1.9em 0 .3em}code{overflow-wrap:anywhere}.note{color:#5a6675;font-size:.96em;margin:.2rem 0 .6rem;overflow-wrap:anywhere}\
    .scroll{overflow-x:auto}table{border-collapse:collapse;margin:.5em 0;font-size:.98em}\
    th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #dde3ea}th{font-weight:600}\
    td.n{font-variant-numeric:tabular-nums}td.long{overflow-wrap:anywhere}td.k{white-space:nowrap}th{min-width:3em}td.t{min-width:11rem}\
    td small{display:block;color:#5a6675;white-space:normal;overflow-wrap:anywhere}tr.head td{font-weight:600;padding-top:.8rem}\
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1.5rem;margin-top:1rem}figure{margin:0;break-inside:avoid}\
    figure.wide{max-width:44rem;margin:.6rem 0}figcaption{font-size:.96em}figcaption small{display:block;color:#5a6675}svg{width:100%;height:auto}\
    line.grid{stroke:#e6ebf1}line.chance{stroke:#9aa6b4;stroke-dasharray:4 3}line.whisker{stroke:#1b2430;stroke-width:1.5}\
    text{font-size:11px;fill:#5a6675}text.x{text-anchor:middle}text.y{text-anchor:end}\
    polyline{fill:none;stroke-width:2}.a{stroke:#0b5cad}.b{stroke:#b4470e}circle.a,rect.a{fill:#0b5cad}circle.b,rect.b{fill:#b4470e}\
    rect.a,rect.b,rect.z{stroke:none}rect.z{fill:#b9c3cf}.key{display:inline-block;width:1.4em;height:.28em;vertical-align:middle;margin-right:.4em}\
    nav a{display:inline-block;margin-right:1.2rem}\
    .key.a{background:#0b5cad}.key.b{background:#b4470e}\
    @media print{nav,.links{display:none}body{margin:0;max-width:none;font-size:9.5pt}h2,h3{break-after:avoid}h2{margin-top:1.4em}h3{margin-top:1.2em}\
    tr{break-inside:avoid}tr:first-child{break-after:avoid}table{font-size:.9em}th,td{padding:.1em .6em .1em 0;overflow-wrap:break-word}td.k{white-space:normal}td.k:first-child{white-space:nowrap}td.t,th{min-width:0}.scroll{overflow:visible}.charts{grid-template-columns:1fr 1fr}}\
    @page{size:A4;margin:14mm}";

/// A page up to its first heading, in the one style of all pages. The title is plain text.
pub(crate) fn opened(title: &str, language: Language) -> String {
    let code = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
    )
}

/// What closes a page.
pub(crate) const CLOSED: &str = "</body>\n</html>\n";

/// A table with a title.
pub(crate) struct Section {
    pub(crate) title: Said,
    pub(crate) note: Option<Said>,
    /// Names of the columns; none where the note says everything.
    pub(crate) columns: Vec<Said>,
    pub(crate) rows: Vec<Vec<Entry>>,
}

/// What stands in one place of a table: one line, or two.
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) below: Option<String>,
}

impl Entry {
    /// One line.
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), below: None }
    }
}

/// A heading to which the contents lead.
pub(crate) fn heading(out: &mut String, number: usize, title: &Said, language: Language) {
    let _ = writeln!(out, "<h2 id=\"part-{number}\">{}</h2>", escaped(title.text(language)));
}

/// What the page has, under its headings.
pub(crate) fn contents(out: &mut String, titles: &[Said], language: Language) {
    out.push_str("<nav>");
    for (number, title) in (1..).zip(titles) {
        let _ = write!(out, "<a href=\"#part-{number}\">{}</a>", escaped(title.text(language)));
    }
    out.push_str("</nav>\n");
}

/// A table with its title, its note and its drawings.
pub(crate) fn section(out: &mut String, section: &Section, drawings: &str, language: Language) {
    let say = |said: &Said| escaped(said.text(language));
    let _ = writeln!(out, "<h3>{}</h3>", say(&section.title));
    if let Some(note) = &section.note {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", say(note));
    }
    out.push_str(drawings);
    if !section.rows.is_empty() {
        table(out, &section.columns, &section.rows, language);
    }
}

/// A table. A row of which all but one place are empty is a heading within it.
pub(crate) fn table(out: &mut String, columns: &[Said], rows: &[Vec<Entry>], language: Language) {
    out.push_str("<div class=\"scroll\"><table><tr>");
    for column in columns {
        let _ = write!(out, "<th>{}</th>", escaped(column.text(language)));
    }
    out.push_str("</tr>\n");
    for row in rows {
        let head = row.iter().filter(|entry| entry.text.is_empty()).count() > 1;
        out.push_str(if head { "<tr class=\"head\">" } else { "<tr>" });
        for (place, entry) in row.iter().enumerate() {
            let class = class_of(place, &entry.text);
            let below =
                entry.below.as_ref().map_or_else(String::new, |below| format!("<small>{}</small>", escaped(below)));
            let _ = write!(out, "<td{class}>{}{below}</td>", escaped(&entry.text));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}

/// The class of a place in a table's row: short texts stay on one line, and long ones have room for a few words.
fn class_of(place: usize, text: &str) -> &'static str {
    match (place, text.chars().count() <= SHORT) {
        (0, true) => " class=\"k\"",
        (0, false) => "",
        (_, true) => " class=\"n k\"",
        (_, false) => " class=\"t\"",
    }
}

/// An estimate with its interval, in characters.
const SHORT: usize = 24;

/// A text in a page: nothing of it is markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What is never shown as it is on a terminal is not shown so here: marks of direction turn words around.
            hidden if is_hidden(hidden) && hidden != '\n' => out.extend(hidden.escape_unicode()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_a_page_is_neither_markup_nor_hidden() {
        assert_eq!(escaped("<b title='x'>&\"</b>"), "&lt;b title=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;");
        assert_eq!(escaped("3\u{202e}1\u{1b}[2m\u{200b}"), "3\\u{202e}1\\u{1b}[2m\\u{200b}");
        assert_eq!(escaped("分行 1\n2"), "分行 1\n2");
    }
}
