//! From a file to its text: unpacked, decoded, and called by its name where it is something else.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use encoding_rs::Decoder;
use flate2::read::MultiGzDecoder;
use tributary_model::schema::{Dialect, Encoding, Layout};

use super::error::FileError;
use super::fingerprint::Fingerprint;
use super::lines::Lines;
use super::looks;

/// Bytes of a file.
pub(super) type Bytes = Box<dyn Read + Send>;

/// The library's name for an encoding.
pub(super) fn library(encoding: Encoding) -> &'static encoding_rs::Encoding {
    match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Utf16 => encoding_rs::UTF_16LE,
        Encoding::Gb18030 => encoding_rs::GB18030,
        Encoding::Big5 => encoding_rs::BIG5,
        Encoding::Latin1 => encoding_rs::WINDOWS_1252,
    }
}

/// Opens a file as lines: of UTF-8 where values are delimited, of the file's own bytes where columns are fixed. A packed file (gzip) is
/// unpacked. A byte order mark is not part of them. The fingerprint is of the file as it lies there, packed or not.
pub(super) fn open(path: &Path, dialect: &Dialect) -> Result<(Lines<Bytes>, Fingerprint), FileError> {
    let failed = |source| FileError::Open { path: path.to_owned(), source };
    let fingerprint = Fingerprint::of(File::open(path).map_err(failed)?);
    let (mut head, mut bytes) = begin(Box::new(fingerprint.reader())).map_err(failed)?;
    if head.starts_with(looks::GZIP) {
        (head, bytes) = begin(Box::new(MultiGzDecoder::new(bytes))).map_err(|source| FileError::Read {
            path: path.to_owned(),
            row: 0,
            source,
        })?;
    }
    if let Some((kind, cure)) = looks::other_kind(&head) {
        return Err(FileError::Kind { path: path.to_owned(), kind, cure });
    }
    let encoding = dialect.encoding;
    if let Some(looks) = unexpected(&head, encoding) {
        return Err(FileError::Encoding { path: path.to_owned(), row: None, encoding, looks });
    }
    let fixed = matches!(dialect.layout, Layout::Fixed(_));
    let reader: Bytes =
        if encoding == Encoding::Utf8 || fixed { bytes } else { Box::new(Decoded::new(bytes, encoding)) };
    let mut lines = Lines::new(reader);
    lines.reach(BYTE_ORDER_MARK.len()).map_err(failed)?;
    if lines.rest().starts_with(BYTE_ORDER_MARK) {
        lines.take(BYTE_ORDER_MARK.len());
    }
    Ok((lines, fingerprint))
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The beginning of a file, and all of it.
fn begin(mut bytes: Bytes) -> io::Result<(Vec<u8>, Bytes)> {
    let mut head = Vec::new();
    bytes.by_ref().take(looks::HEAD_BYTES as u64).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(bytes);
    Ok((head, Box::new(whole)))
}

/// An encoding that is surely another one than the schema's.
fn unexpected(head: &[u8], encoding: Encoding) -> Option<Encoding> {
    let marked = looks::marked(head);
    match encoding {
        Encoding::Utf16 if marked.is_none() && !head.is_empty() => Some(Encoding::Utf8),
        Encoding::Utf16 => None,
        Encoding::Utf8 => marked,
        Encoding::Latin1 => marked.or(looks::is_utf8(head, '\u{80}').then_some(Encoding::Utf8)),
        // What is Chinese in UTF-8 has three bytes.
        Encoding::Gb18030 | Encoding::Big5 => marked.or(looks::is_utf8(head, '\u{800}').then_some(Encoding::Utf8)),
    }
}

/// Text of another encoding, as UTF-8. What cannot be read becomes the replacement character, which the row's reader finds.
struct Decoded {
    bytes: Bytes,
    decoder: Decoder,
    chunk: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 1 << 16;

impl Decoded {
    fn new(bytes: Bytes, encoding: Encoding) -> Self {
        let decoder = library(encoding).new_decoder();
        Self { bytes, decoder, chunk: vec![0; CHUNK_BYTES], text: Vec::new(), given: 0, ended: false }
    }

    /// Decodes the next bytes into the text, which is used up.
    fn decode(&mut self) -> io::Result<()> {
        let count = self.bytes.read(&mut self.chunk)?;
        self.ended = count == 0;
        let room = self.decoder.max_utf8_buffer_length(count).ok_or(io::ErrorKind::OutOfMemory)?;
        self.text.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&self.chunk[..count], &mut self.text, self.ended);
        self.text.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.decode()?;
        }
        let rest = &self.text[self.given..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Encoding) -> String {
        let mut text = String::new();
        Decoded::new(Box::new(Cursor::new(bytes.to_vec())), encoding).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn text_is_decoded_across_chunks() {
        let text = "客户号,年龄\n".repeat(CHUNK_BYTES / 5);
        let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
        assert!(decoded(&bytes, Encoding::Gb18030) == text);
        for endian in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = "\u{feff}né,年\n".encode_utf16().flat_map(endian).collect();
            assert_eq!(decoded(&bytes, Encoding::Utf16), "né,年\n");
        }
        assert_eq!(decoded(b"caf\xe9", Encoding::Latin1), "café");
        assert!(decoded(b"a\xff", Encoding::Gb18030).contains('\u{fffd}'));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            for (_, encoding) in Encoding::ALL {
                proptest::prop_assert!(decoded(&bytes, encoding).len() <= 3 * bytes.len() + 3);
            }
        }
    }
}
