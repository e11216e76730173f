//! Values with a delimiter between them, and quotes around some.
//!
//! Own code where a library would do: crate `csv` reads a quote that is not closed up to the end of the file, and text after a closing quote,
//! without a word; it has no delimiters of several characters, and does not say in which column something is wrong.

use std::io::{self, Read};

use memchr::memchr;
use memchr::memmem::Finder;

use super::error::RECORD_BYTES_MAX;
use super::lines::Lines;
use super::record::{OddityKind, Record};

/// What ends the reading of a file, for there is no telling where its next row begins.
#[derive(Debug)]
pub(super) enum Broken {
    /// A row does not end.
    TooLong,
    /// A quote is not closed: the number of its column, from 0.
    OpenQuote(usize),
    /// A row is no text in the encoding: some of its bytes.
    Encoding(Vec<u8>),
    /// Reading failed.
    Read(io::Error),
}

impl From<io::Error> for Broken {
    fn from(fault: io::Error) -> Self {
        Self::Read(fault)
    }
}

/// A file of delimited values, in UTF-8.
pub(super) struct Delimited<R> {
    lines: Lines<R>,
    delimiter: Finder<'static>,
    quote: Option<u8>,
    comment: Option<u8>,
    /// Delimiters in a row, once it is known.
    pub(super) delimiters: Option<usize>,
    bytes: Vec<u8>,
}

/// What stands after a value.
enum After {
    Delimiter,
    Line,
}

/// The end of a file as older systems mark it.
const CONTROL_Z: &[u8] = b"\x1a";

impl<R: Read> Delimited<R> {
    pub(super) fn new(lines: Lines<R>, delimiter: &str, quote: Option<u8>, comment: Option<u8>) -> Self {
        let delimiter = Finder::new(delimiter.as_bytes()).into_owned();
        Self { lines, delimiter, quote, comment, delimiters: None, bytes: Vec::new() }
    }

    /// Whether the line that begins here is a comment.
    fn is_comment(&self) -> bool {
        self.comment.is_some() && self.lines.rest().first() == self.comment.as_ref()
    }

    /// Reads the next row; `false` after the last one. Empty lines and comments are skipped.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, Broken> {
        loop {
            record.clear();
            let length = match self.lines.line()? {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(false),
                // The line may be long because of a quote, which is then found.
                Err(_) if self.quote.is_some() && !self.is_comment() => RECORD_BYTES_MAX,
                Err(_) => return Err(Broken::TooLong),
            };
            let line = &self.lines.rest()[..length];
            let skipped = line.is_empty() || self.is_comment() || line == CONTROL_Z;
            if skipped {
                self.lines.take(length + 1);
                continue;
            }
            match self.quote.filter(|quote| memchr(*quote, line).is_some()) {
                None if length == RECORD_BYTES_MAX => return Err(Broken::TooLong),
                None => {
                    let text = std::str::from_utf8(line).map_err(|_| Broken::Encoding(line.to_vec()))?;
                    let mut from = 0;
                    for at in self.delimiter.find_iter(line) {
                        record.extend(&text[from..at]);
                        record.close();
                        from = at + self.delimiter.needle().len();
                    }
                    record.extend(&text[from..]);
                    record.close();
                    self.lines.take(length + 1);
                }
                Some(quote) => self.quoted_row(quote, record)?,
            }
            return Ok(true);
        }
    }

    /// A row with quotes in it, which may go over several lines.
    fn quoted_row(&mut self, quote: u8, record: &mut Record) -> Result<(), Broken> {
        let mut at = 0;
        loop {
            let begin = self.after_blanks(at)?;
            let after = if self.lines.byte(begin)? == Some(quote) {
                at = self.quoted_value(quote, begin + 1, record)?;
                let text = self.after_blanks(at)?;
                match self.ends(text)? {
                    Some(after) => (text, after),
                    None => {
                        record.note(OddityKind::TextAfterQuote);
                        self.plain_value(at, record)?
                    }
                }
            } else {
                self.plain_value(at, record)?
            };
            record.close();
            at = after.0;
            match after.1 {
                After::Delimiter => at += self.delimiter.needle().len(),
                After::Line => break,
            }
        }
        self.lines.take(at + 1);
        Ok(())
    }

    /// From after an opening quote to after the closing one.
    fn quoted_value(&mut self, quote: u8, begin: usize, record: &mut Record) -> Result<usize, Broken> {
        let mut at = begin;
        self.bytes.clear();
        loop {
            match self.lines.byte(at)? {
                Some(byte) if byte != quote => self.bytes.push(byte),
                Some(_) if self.lines.byte(at + 1)? == Some(quote) => {
                    self.bytes.push(quote);
                    at += 1;
                }
                Some(_) => break,
                None => return Err(Broken::OpenQuote(record.len())),
            }
            at += 1;
            if at > RECORD_BYTES_MAX {
                return Err(Broken::OpenQuote(record.len()));
            }
        }
        self.value(record)?;
        let value = record.open();
        let lines = memchr::memchr2(b'\n', b'\r', value.as_bytes()).is_some();
        if lines
            && self.delimiters.is_some_and(|row| row > 0 && self.delimiter.find_iter(value.as_bytes()).count() >= row)
        {
            record.note(OddityKind::HoldsARow);
        }
        Ok(at + 1)
    }

    /// From here to the next delimiter or the end of the line.
    fn plain_value(&mut self, begin: usize, record: &mut Record) -> Result<(usize, After), Broken> {
        let mut at = begin;
        self.bytes.clear();
        let after = loop {
            if let Some(after) = self.ends(at)? {
                break after;
            }
            self.bytes.extend(self.lines.byte(at)?);
            at += 1;
            if at > RECORD_BYTES_MAX {
                return Err(Broken::TooLong);
            }
        };
        self.value(record)?;
        Ok((at, after))
    }

    /// Appends the bytes of a value. Delimiters and quotes are ASCII, so that a value of good text is good text.
    fn value(&self, record: &mut Record) -> Result<(), Broken> {
        record.extend(std::str::from_utf8(&self.bytes).map_err(|_| Broken::Encoding(self.bytes.clone()))?);
        Ok(())
    }

    /// What ends a value here, if something does.
    fn ends(&mut self, at: usize) -> Result<Option<After>, Broken> {
        let Some(byte) = self.lines.byte(at)? else { return Ok(Some(After::Line)) };
        if byte == b'\n' || byte == b'\r' {
            return Ok(Some(After::Line));
        }
        let needle = self.delimiter.needle();
        if needle.first() != Some(&byte) {
            return Ok(None);
        }
        self.lines.reach(at + needle.len())?;
        Ok(self.lines.rest()[at..].starts_with(needle).then_some(After::Delimiter))
    }

    /// Past blanks that are no delimiter.
    fn after_blanks(&mut self, begin: usize) -> Result<usize, Broken> {
        let mut at = begin;
        while at <= RECORD_BYTES_MAX && matches!(self.lines.byte(at)?, Some(b' ' | b'\t')) && self.ends(at)?.is_none() {
            at += 1;
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Odd = Vec<(usize, OddityKind)>;

    /// Rows, what is odd about them, and what broke.
    fn read(text: &[u8], delimiter: &str) -> (Vec<Vec<String>>, Odd, Option<String>) {
        let mut file = Delimited::new(Lines::new(text), delimiter, Some(b'"'), Some(b'#'));
        file.delimiters = Some(2);
        let (mut rows, mut odd, mut record) = (Vec::new(), Vec::new(), Record::default());
        loop {
            match file.next(&mut record) {
                Ok(true) => rows.push(record.iter().map(str::to_owned).collect()),
                Ok(false) => return (rows, odd, None),
                Err(broken) => return (rows, odd, Some(format!("{broken:?}"))),
            }
            odd.extend(record.oddities.iter().map(|oddity| (oddity.column, oddity.kind)));
        }
    }

    fn rows(text: &str, delimiter: &str) -> Vec<Vec<String>> {
        let (rows, odd, broken) = read(text.as_bytes(), delimiter);
        assert_eq!((odd, broken), (Vec::new(), None), "{text:?}");
        rows
    }

    #[test]
    fn values_are_told_apart() {
        assert_eq!(rows("a,b\r\nc,d\n\n#x,y\ne,", ","), [["a", "b"], ["c", "d"], ["e", ""]]);
        assert_eq!(rows("a\rb\r", ","), [["a"], ["b"]]);
        assert_eq!(rows("\"a,\"\"1\"\"\", \"b\" ,c\n", ","), [["a,\"1\"", "b", "c"]]);
        assert_eq!(rows("5\" pipe,b\n", ","), [["5\" pipe", "b"]], "a quote within a value is a character");
        assert_eq!(rows("\"two\nlines\",b", ","), [["two\nlines", "b"]]);
        assert_eq!(rows("a|@|b|c|@|\"d|@|e\"\n", "|@|"), [["a", "b|c", "d|@|e"]]);
        assert_eq!(rows("a\t\"b\"\t\n", "\t"), [["a", "b", ""]]);
        assert_eq!(rows("a,b\n\x1a", ","), [["a", "b"]]);
        assert!(rows("", ",").is_empty() && rows("\n\r\n", ",").is_empty());
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_with_its_column() {
        let (before, _, broken) = read(b"a,b,c\nd,e,\"5 inch\nf,g,h\n", ",");
        assert_eq!((before.len(), broken.as_deref()), (1, Some("OpenQuote(2)")));
        let long = format!("a,\"{}", "x,y\n".repeat(RECORD_BYTES_MAX));
        assert_eq!(read(long.as_bytes(), ",").2.as_deref(), Some("OpenQuote(1)"));
        let long = format!("a,{}", "x".repeat(2 * RECORD_BYTES_MAX));
        assert_eq!(read(long.as_bytes(), ",").2.as_deref(), Some("TooLong"));
        // The end of a comment that is too long is no row.
        let long = format!("#{}\na,b\n", "x,y,".repeat(RECORD_BYTES_MAX));
        assert_eq!(read(long.as_bytes(), ","), (Vec::new(), Vec::new(), Some("TooLong".into())));
        let longest = format!("#{}\na,b\n", "x".repeat(RECORD_BYTES_MAX - 1));
        assert_eq!(rows(&longest, ","), [["a", "b"]]);
        let long = format!("a,\"b\",{}", "x".repeat(2 * RECORD_BYTES_MAX));
        assert_eq!(read(long.as_bytes(), ",").2.as_deref(), Some("TooLong"));
    }

    #[test]
    fn text_after_a_closing_quote_is_told_and_the_next_row_is_read() {
        let (rows, odd, broken) = read(b"a,\"b\"c,d\ne,f,g\n", ",");
        assert_eq!(
            (rows, broken),
            (vec![vec!["a".to_owned(), "bc".into(), "d".into()], vec!["e".into(), "f".into(), "g".into()]], None)
        );
        assert_eq!(odd, [(1, OddityKind::TextAfterQuote)]);
        // Two stray quotes swallow rows; the second one has text after it.
        let (_, odd, _) = read(b"a,b,\"5 inch\nc,d,e\nf,g,3\" wide\n", ",");
        assert_eq!(odd, [(2, OddityKind::HoldsARow), (2, OddityKind::TextAfterQuote)]);
    }

    #[test]
    fn a_value_over_lines_that_holds_a_row_is_odd() {
        assert_eq!(read(b"a,b,\"x\nc,d,e\ny\"\n", ",").1, [(2, OddityKind::HoldsARow)]);
        assert!(read(b"a,b,\"an address,\nover lines\"\n", ",").1.is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_are_found_in_their_row() {
        let (rows, _, broken) = read(b"a,b\n\xb7\xd6,c\n", ",");
        assert_eq!(rows.len(), 1);
        assert!(broken.is_some_and(|broken| broken.starts_with("Encoding")));
        // Two halves of a character on both sides of a delimiter are no character.
        assert!(read(b"\xe4,\xbd\xa0\n", ",").2.is_some() && read(b"\"x\",\xe4,\xbd\xa0\n", ",").2.is_some());
    }

    proptest::proptest! {
        /// Whatever the bytes are: an end, bounded values, and no row that the bytes do not have.
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::sample::select(b"a,\"\n\r|@# \t\x00\xb7\xe4".to_vec()), 0..400)) {
            for delimiter in [",", "|@|", "\t", " ", "|"] {
                let (rows, _, _) = read(&bytes, delimiter);
                let values: usize = rows.iter().map(Vec::len).sum();
                let characters: usize = rows.iter().flatten().map(String::len).sum();
                proptest::prop_assert!(values <= bytes.len() + 1 && characters <= bytes.len());
            }
        }

        /// What is written with quotes is read again.
        #[test]
        fn quoted_values_are_read_again(values in proptest::collection::vec("[a,\"\n|@ é]{0,8}", 1..6)) {
            let line: Vec<String> = values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            for delimiter in [",", "|@|"] {
                let (rows, _, broken) = read(line.join(delimiter).as_bytes(), delimiter);
                proptest::prop_assert!(broken.is_none());
                proptest::prop_assert_eq!(&rows, &vec![values.clone()]);
            }
        }
    }
}
