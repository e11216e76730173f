//! Columns at fixed bytes of each line.

use std::io::Read;

use encoding_rs::Encoding;
use tributary_model::schema::Span;

use super::delimited::Broken;
use super::lines::Lines;
use super::record::{OddityKind, Record};

/// A file of fixed columns. Bytes are counted as the file has them, so that a character of GB18030 is two and one of UTF-8 is three.
pub(super) struct Fixed<R> {
    lines: Lines<R>,
    spans: Vec<Span>,
    encoding: &'static Encoding,
    comment: Option<u8>,
}

impl<R: Read> Fixed<R> {
    pub(super) fn new(lines: Lines<R>, spans: &[Span], encoding: &'static Encoding, comment: Option<u8>) -> Self {
        Self { lines, spans: spans.to_vec(), encoding, comment }
    }

    /// Reads the next row; `false` after the last one. Blank lines and comments are skipped. What a short line lacks is empty.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, Broken> {
        loop {
            record.clear();
            let length = match self.lines.line()? {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(false),
                Err(_) => return Err(Broken::TooLong),
            };
            let line = &self.lines.rest()[..length];
            let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\x1a'));
            if blank || line.first() == self.comment.as_ref() {
                self.lines.take(length + 1);
                continue;
            }
            let decoded = |bytes| self.encoding.decode_without_bom_handling_and_without_replacement(bytes);
            let mut whole = None;
            for span in &self.spans {
                let (begin, end) = (span.first as usize - 1, span.last as usize);
                let bytes = line.get(begin..end.min(length)).unwrap_or_default();
                match decoded(bytes) {
                    Some(text) => record.extend(&text),
                    None if *whole.get_or_insert_with(|| decoded(line).is_some()) => {
                        record.note(OddityKind::CutCharacter)
                    }
                    None => return Err(Broken::Encoding(line.to_vec())),
                }
                record.close();
            }
            self.lines.take(length + 1);
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], encoding: &'static Encoding) -> Vec<(Vec<String>, usize)> {
        let spans = [Span { first: 1, last: 4 }, Span { first: 7, last: 8 }, Span { first: 5, last: 6 }];
        let mut file = Fixed::new(Lines::new(text), &spans, encoding, Some(b'#'));
        let mut record = Record::default();
        let mut rows = Vec::new();
        while file.next(&mut record).unwrap_or_default() {
            rows.push((record.iter().map(str::to_owned).collect(), record.oddities.len()));
        }
        rows
    }

    #[test]
    fn columns_are_cut_by_bytes() {
        let rows = read(b"abcdefgh rest\r\n\n#x\n1   2\n", encoding_rs::UTF_8);
        let of = |values: [&str; 3]| (values.map(str::to_owned).to_vec(), 0);
        assert_eq!(rows, [of(["abcd", "gh", "ef"]), of(["1   ", "", "2"])]);
        // Two characters of GB18030 are four bytes.
        assert_eq!(read(b"\xbf\xcd\xbb\xa701yn", encoding_rs::GB18030), [of(["客户", "yn", "01"])]);
        assert_eq!(read(b"abc\xbf\xcd1yn", encoding_rs::GB18030)[0].1, 2, "both columns cut the character");
        assert!(read(b"abc\xff\xff", encoding_rs::UTF_8).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            for encoding in [encoding_rs::UTF_8, encoding_rs::GB18030, encoding_rs::BIG5, encoding_rs::WINDOWS_1252] {
                proptest::prop_assert!(read(&bytes, encoding).len() <= bytes.len());
            }
        }
    }
}
