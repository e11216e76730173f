//! What bytes look like, where they are not what was expected.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use tributary_model::schema::Encoding;

use super::error::FileError;

/// Bytes of a file's beginning that are looked at.
pub(super) const HEAD_BYTES: usize = 4096;

/// A program's file: how it begins, what it is, and how it becomes text.
type Kind = (&'static [u8], &'static str, &'static str);

/// Files of bytes. A header may begin with the same letters, so that they count only where bytes follow that no text has.
const OF_BYTES: [Kind; 11] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet of the old kind (xls)", SAVE_AS),
    (b"PAR1", "a Parquet file", "say source = \"parquet\" in the mapping"),
    (b"ORC", "an ORC file", CSV),
    (b"Obj\x01", "an Avro file", CSV),
    (b"SQLite format 3\0", "an SQLite database", "say source = \"sqlite\" and the query in a mapping (data.mapping)"),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"\x1f\x9d", "an archive of compress (Z)", UNPACK),
];

/// Files of text that hold no rows, in either case.
const OF_TEXT: [Kind; 6] = [
    (b"%PDF-", "a PDF document", "export the table from the system that made it"),
    (b"{\\rtf", "a document (RTF)", SAVE_AS),
    (b"<?xml", "an XML file, perhaps a spreadsheet of 2003", SAVE_AS),
    (b"<html", "a web page, perhaps a table that was saved as one", SAVE_AS),
    (b"<!doctype html", "a web page, perhaps a table that was saved as one", SAVE_AS),
    (b"<table", "a web page, perhaps a table that was saved as one", SAVE_AS),
];

const SAVE_AS: &str = "open it where it was made and save the table as CSV in UTF-8";
const UNPACK: &str = "unpack it, or pack it with gzip, which is read as it is";
const CSV: &str = "export the table as CSV";

/// How a gzip file begins.
pub(super) const GZIP: &[u8] = b"\x1f\x8b";

/// Refuses what is there and is no ordinary file, before it is opened: a pipe without a writer would keep its reader waiting for ever.
///
/// # Errors
/// [`FileError::Kind`]. What cannot be looked at is told by whoever opens it.
pub(super) fn must_be_ordinary(path: &Path) -> Result<(), FileError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(FileError::Kind {
            path: path.to_owned(),
            kind: "a pipe, a device or a folder",
            cure: "write the rows into an ordinary file",
        }),
        _ => Ok(()),
    }
}

/// Whether a file begins and ends as Parquet does. A header may begin with the same letters.
pub(super) fn is_parquet(path: &Path) -> bool {
    let ends = |path: &Path| -> io::Result<bool> {
        let mut file = File::open(path)?;
        let (mut begin, mut end) = ([0; 4], [0; 4]);
        file.read_exact(&mut begin)?;
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut end)?;
        Ok(&begin == b"PAR1" && &end == b"PAR1")
    };
    ends(path).unwrap_or(false)
}

/// What a file is that is no text, and what to do about it.
pub(super) fn other_kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let holds = |name: &[u8]| memchr::memmem::find(head, name).is_some();
        let sheet =
            holds(b"[Content_Types].xml") || holds(b"xl/") || holds(b"_rels/") || holds(b"opendocument.spreadsheet");
        return Some(if sheet { ("a spreadsheet (xlsx or ods)", SAVE_AS) } else { ("a zip archive", UNPACK) });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(("an archive of several files (tar)", "unpack it"));
    }
    // Control characters below the tab are in no text.
    let bytes = head.iter().any(|byte| *byte < b'\t');
    let of_bytes = OF_BYTES.iter().find(|(magic, ..)| bytes && head.starts_with(magic));
    let text = head.trim_ascii_start();
    let begins = |magic: &[u8]| text.get(..magic.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(magic));
    let found = of_bytes.or_else(|| OF_TEXT.iter().find(|(magic, ..)| begins(magic)));
    found.map(|(_, kind, cure)| (*kind, *cure))
}

/// What the encoding of a file's beginning looks like, where that is certain: by a byte order mark, or by zeros, which no other text has.
pub(super) fn marked(head: &[u8]) -> Option<Encoding> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some(Encoding::Utf16);
    }
    let zeros = memchr::memchr_iter(0, head).count();
    (zeros > 0 && zeros * 4 >= head.len()).then_some(Encoding::Utf16)
}

/// Whether a file's beginning is UTF-8 with characters from `least` on: two of them are hardly so by chance.
pub(super) fn is_utf8(head: &[u8], least: char) -> bool {
    if head.starts_with(b"\xef\xbb\xbf") {
        return true;
    }
    let whole = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(fault) if fault.error_len().is_none() => {
            std::str::from_utf8(&head[..fault.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    whole.chars().filter(|char| *char >= least).count() >= 2
}

/// What the encoding of text looks like that is no UTF-8.
pub(super) fn of_text(bytes: &[u8]) -> Encoding {
    if let Some(encoding) = marked(bytes) {
        return encoding;
    }
    // In words of Chinese most bytes are above ASCII; in European words few are.
    let letter = |byte: &u8| !byte.is_ascii() || byte.is_ascii_alphanumeric();
    let words = bytes.split(|byte| !letter(byte)).filter(|word| !word.is_ascii());
    let (high, all) = words.fold((0, 0), |(high, all), word| {
        (high + word.iter().filter(|byte| !byte.is_ascii()).count(), all + word.len())
    });
    if high * 2 < all {
        return Encoding::Latin1;
    }
    let pairs = bytes.split(|byte| byte.is_ascii()).filter(|run| !run.is_empty());
    // Usual characters of GB18030 are two high bytes; the second byte of Big5 may be ASCII.
    let (even, odd): (Vec<&[u8]>, Vec<&[u8]>) = pairs.partition(|run| run.len().is_multiple_of(2));
    let decodes = |encoding: &'static encoding_rs::Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    };
    if even.len() > odd.len() && decodes(encoding_rs::GB18030) {
        Encoding::Gb18030
    } else if decodes(encoding_rs::BIG5) {
        Encoding::Big5
    } else if decodes(encoding_rs::GB18030) {
        Encoding::Gb18030
    } else {
        Encoding::Latin1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        for (text, encoding, looks) in [
            ("客户号,性别,年龄", encoding_rs::GB18030, Encoding::Gb18030),
            ("b001,张三,是,31", encoding_rs::GB18030, Encoding::Gb18030),
            ("客戶編號,年齡,是否流失", encoding_rs::BIG5, Encoding::Big5),
            ("7;Müller;Straße 9", encoding_rs::WINDOWS_1252, Encoding::Latin1),
            ("café,31", encoding_rs::WINDOWS_1252, Encoding::Latin1),
        ] {
            let (bytes, _, faulty) = encoding.encode(text);
            assert!(!faulty && std::str::from_utf8(&bytes).is_err(), "{text}");
            assert_eq!(of_text(&bytes), looks, "{text}");
        }
        let wide: Vec<u8> = "id,age\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            (marked(&wide), marked(b"\xff\xfei\0"), marked(b"id,age\n")),
            (Some(Encoding::Utf16), Some(Encoding::Utf16), None)
        );
        let chinese = |head: &[u8]| is_utf8(head, '\u{800}');
        assert!(chinese("客户".as_bytes()) && chinese(&"客户号".as_bytes()[..7]) && !chinese(b"abc"));
        assert!(!chinese(b"\xbf\xcd\xbb\xa7"));
        // Two characters of GB18030 that could be two of UTF-8, but none of a Chinese text.
        assert!(!chinese(b"\xd3\xa1\xc5\xbf") && is_utf8(b"\xd3\xa1\xc5\xbf", '\u{80}'));
    }

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        for (head, part) in [
            (&b"PK\x03\x04....[Content_Types].xml"[..], "spreadsheet (xlsx"),
            (b"PK\x03\x04....customers.csv", "zip archive"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "(xls)"),
            (b"%PDF-1.7", "PDF"),
            (b"PAR1\x15\0", "Parquet"),
            (b"BZh91AY\x01", "bzip2"),
            (b"\n<HTML><table>", "web page"),
            (b"<?xml version='1.0'?>", "XML"),
        ] {
            assert!(other_kind(head).is_some_and(|(kind, _)| kind.contains(part)), "{part}");
        }
        let mut tar = vec![b'x'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(other_kind(&tar).is_some());
        for header in [&b"customer_id,age\n"[..], b"PAR1,PAR2\n", b"ORCID;age\n", b"BZh9\tage\n"] {
            assert_eq!(other_kind(header), None);
        }
    }
}
