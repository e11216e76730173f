//! Scores as delimited text.

use std::io::{self, BufWriter, Write};

use encoding_rs::GB18030;
use tributary_texts::defused;

use super::line::Line;

/// How text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Gb18030,
}

/// Lines of text, each as long as it must be.
pub(super) struct CsvLines<W: Write> {
    out: BufWriter<W>,
    encoding: Encoding,
    line: String,
}

impl<W: Write> CsvLines<W> {
    pub(super) fn begin(out: W, columns: &[String], encoding: Encoding) -> io::Result<Self> {
        let mut lines = Self { out: BufWriter::with_capacity(1 << 16, out), encoding, line: String::new() };
        columns.iter().for_each(|column| lines.text(column));
        lines.end_line()?;
        Ok(lines)
    }

    pub(super) fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.text(line.customer);
        for head in line.heads {
            // The shortest text that is read back as the same number.
            self.plain(&head.score.to_string());
            self.plain(&head.probability.to_string());
            self.plain(&head.decile.to_string());
            self.plain(&head.points.map_or(String::new(), |points| points.to_string()));
            head.reasons.iter().for_each(|reason| self.text(reason));
        }
        [line.stage, line.action, line.notice, line.model].into_iter().for_each(|text| self.text(text));
        self.end_line()
    }

    pub(super) fn end(self) -> io::Result<W> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }

    fn plain(&mut self, value: &str) {
        self.line.push_str(value);
        self.line.push(',');
    }

    /// A text that no spreadsheet runs.
    fn text(&mut self, value: &str) {
        let value = defused(value);
        if value.contains([',', '"', '\n', '\r']) {
            self.line.push('"');
            self.line.push_str(&value.replace('"', "\"\""));
            self.line.push('"');
        } else {
            self.line.push_str(&value);
        }
        self.line.push(',');
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.pop();
        self.line.push('\n');
        match self.encoding {
            Encoding::Utf8 => self.out.write_all(self.line.as_bytes())?,
            // It has every character of Unicode.
            Encoding::Gb18030 => self.out.write_all(&GB18030.encode(&self.line).0)?,
        }
        self.line.clear();
        Ok(())
    }
}
