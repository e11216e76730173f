//! The headers of a Parquet file's pages, looked at before the library unpacks a page: it takes as much memory as a header says, and a header may say
//! two GiB of a page of a few bytes.
//!
//! Source: the format's `parquet.thrift`, in Thrift's compact protocol.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use ::parquet::basic::Type as Physical;
use ::parquet::file::metadata::ColumnChunkMetaData;

/// Most bytes of a page of values, unpacked.
const PAGE_BYTES_MAX: i64 = 128 << 20;
/// Most bytes of a dictionary, unpacked: the library makes objects of its values at once.
const DICTIONARY_BYTES_MAX: i64 = 8 << 20;
/// Most bytes of a header, which may hold the smallest and the largest value.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Deepest structure within a header.
const DEPTH_MAX: u8 = 6;

/// What ends the reading of a file.
#[derive(Debug)]
pub(super) enum PageFault {
    /// A page or a dictionary is too large; or more values than its bytes can hold.
    TooLarge,
    /// A column's lengths stand before its values, and nobody knows how many there are.
    Delta,
    /// It is no header, or its page does not end within its column.
    Torn,
}

impl PageFault {
    /// What it is, and what to do.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            Self::TooLarge => {
                "a page is larger than 128 MiB, or a dictionary than 8 MiB; export the file with pages of the usual size"
            }
            Self::Delta => {
                "a column of text is written as differences (DELTA_BYTE_ARRAY or DELTA_LENGTH_BYTE_ARRAY); export it plain or with a dictionary"
            }
            Self::Torn => "a page has no header that can be read",
        }
    }
}

impl From<io::Error> for PageFault {
    fn from(_: io::Error) -> Self {
        Self::Torn
    }
}

/// Looks at every page that holds a value of these rows.
pub(super) fn look(file: &File, column: &ColumnChunkMetaData, rows: i64) -> Result<(), PageFault> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let (start, length) = (number(start)?, number(column.compressed_size())?);
    let mut bytes = BufReader::new(file);
    bytes.seek(SeekFrom::Start(start))?;
    let (mut left, mut values) = (length, 0_i64);
    while values < rows {
        let mut header = Header::of((&mut bytes).take(HEADER_BYTES_MAX.min(left)));
        let found = header.page()?;
        left = left.checked_sub(header.taken).and_then(|left| left.checked_sub(found.packed)).ok_or(PageFault::Torn)?;
        judge(&found, column)?;
        values = values.saturating_add(if found.is_dictionary() { 0 } else { found.values });
        bytes.seek_relative(i64::try_from(found.packed).map_err(|_| PageFault::Torn)?)?;
    }
    Ok(())
}

fn judge(page: &Page, column: &ColumnChunkMetaData) -> Result<(), PageFault> {
    let each = match column.column_type() {
        Physical::INT64 | Physical::DOUBLE => 8,
        Physical::INT96 => 12,
        Physical::INT32 | Physical::FLOAT | Physical::BYTE_ARRAY => 4,
        Physical::BOOLEAN | Physical::FIXED_LEN_BYTE_ARRAY => 1,
    };
    let most = if page.is_dictionary() { DICTIONARY_BYTES_MAX } else { PAGE_BYTES_MAX };
    let crowded = page.is_dictionary() && page.values.saturating_mul(each) > page.unpacked;
    if page.unpacked > most || page.packed > number(most)? || crowded {
        return Err(PageFault::TooLarge);
    }
    let text = matches!(column.column_type(), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY);
    if text && [DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY].contains(&page.encoding) {
        Err(PageFault::Delta)
    } else {
        Ok(())
    }
}

fn number(count: i64) -> Result<u64, PageFault> {
    u64::try_from(count).map_err(|_| PageFault::Torn)
}

const DICTIONARY_PAGE: i64 = 2;
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;

/// What a header says.
#[derive(Default)]
struct Page {
    kind: i64,
    unpacked: i64,
    packed: u64,
    values: i64,
    encoding: i64,
}

impl Page {
    fn is_dictionary(&self) -> bool {
        self.kind == DICTIONARY_PAGE
    }
}

/// The bytes of a header.
struct Header<R> {
    bytes: R,
    taken: u64,
}

/// Types of the compact protocol.
mod kind {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const STRUCT: u8 = 12;
}

impl<R: Read> Header<R> {
    fn of(bytes: R) -> Self {
        Self { bytes, taken: 0 }
    }

    /// `PageHeader`: 1 type, 2 size unpacked, 3 size packed; 5, 7 and 8 are what the kinds of pages say of themselves.
    fn page(&mut self) -> Result<Page, PageFault> {
        let mut page = Page { kind: -1, ..Page::default() };
        let mut last = 0;
        while let Some((field, kind)) = self.field(&mut last)? {
            match (field, kind) {
                (1, kind::I32) => page.kind = self.zigzag()?,
                (2, kind::I32) => page.unpacked = self.zigzag()?,
                (3, kind::I32) => page.packed = number(self.zigzag()?)?,
                (1..=3, _) => return Err(PageFault::Torn),
                (5 | 7, kind::STRUCT) => self.of_values(&mut page, 2)?,
                (8, kind::STRUCT) => self.of_values(&mut page, 4)?,
                (_, kind) => self.skip(kind, DEPTH_MAX)?,
            }
        }
        if page.kind < 0 || page.unpacked < 0 || page.values < 0 { Err(PageFault::Torn) } else { Ok(page) }
    }

    /// `DataPageHeader`, `DictionaryPageHeader` or `DataPageHeaderV2`: 1 number of values, and the encoding in this field.
    fn of_values(&mut self, page: &mut Page, encoding: i64) -> Result<(), PageFault> {
        let mut last = 0;
        while let Some((field, kind)) = self.field(&mut last)? {
            match (field, kind) {
                (1, kind::I32) => page.values = self.zigzag()?,
                (field, kind::I32) if field == encoding => page.encoding = self.zigzag()?,
                (_, kind) => self.skip(kind, DEPTH_MAX)?,
            }
        }
        Ok(())
    }

    /// The next field of a structure: its number, which grows, and its type. Nothing at the end.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>, PageFault> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let field = if byte >> 4 == 0 { self.zigzag()? } else { *last + i64::from(byte >> 4) };
        // A field that stands twice is read by one reader as the first, and by another one as the second.
        if field <= *last || field > i64::from(i16::MAX) {
            return Err(PageFault::Torn);
        }
        *last = field;
        Ok(Some((field, byte & 0x0f)))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Result<(), PageFault> {
        let depth = depth.checked_sub(1).ok_or(PageFault::Torn)?;
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.byte().map(drop),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(drop),
            kind::DOUBLE => self.pass(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            kind::LIST | kind::SET => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                for _ in 0..count {
                    // A flag of a list has a byte of its own.
                    let flag = matches!(byte & 0x0f, kind::TRUE | kind::FALSE);
                    self.skip(if flag { kind::BYTE } else { byte & 0x0f }, depth)?;
                }
                Ok(())
            }
            kind::STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
            _ => Err(PageFault::Torn),
        }
    }

    fn pass(&mut self, count: u64) -> Result<(), PageFault> {
        let passed = io::copy(&mut (&mut self.bytes).take(count), &mut io::sink())?;
        self.taken += passed;
        if passed == count { Ok(()) } else { Err(PageFault::Torn) }
    }

    fn byte(&mut self) -> Result<u8, PageFault> {
        let mut byte = [0];
        self.bytes.read_exact(&mut byte)?;
        self.taken += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> Result<u64, PageFault> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(PageFault::Torn)
    }

    fn zigzag(&mut self) -> Result<i64, PageFault> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: &[u8]) -> Result<(Page, u64), PageFault> {
        let mut header = Header::of(bytes);
        header.page().map(|page| (page, header.taken))
    }

    /// A page of values: 100 bytes, of which 50 are there; 7 values, plain; the smallest value is `a`.
    const GOOD: [u8; 21] =
        [0x15, 0, 0x15, 200, 1, 0x15, 100, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x68, 1, b'a', 0];

    #[test]
    fn a_header_says_how_large_its_page_is() {
        let (read, taken) = page(&[&GOOD[..], &[0, 0, 99]].concat()).unwrap();
        assert_eq!((read.kind, read.unpacked, read.packed, read.values, read.encoding), (0, 100, 50, 7, 0));
        assert_eq!(taken, 23);
        for length in 0..GOOD.len() {
            assert!(page(&GOOD[..length]).is_err(), "{length}");
        }
        // A field twice; a size of another type; a size below 0; a structure in a structure without an end.
        for bytes in [&[0x15, 0, 0x05, 2, 0, 0][..], &[0x18, 1, b'a', 0], &[0x15, 0, 0x15, 1, 0], &[0x4c; 40]] {
            assert!(page(bytes).is_err(), "{bytes:?}");
        }
    }

    /// The first page of a column of texts, with these sizes.
    fn looked_at(kind: u8, sizes: [i64; 3], encoding: u8) -> Result<(), PageFault> {
        fn put(bytes: &mut Vec<u8>, number: i64) {
            bytes.push(0x15);
            let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
            while left >= 0x80 {
                bytes.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
                left >>= 7;
            }
            bytes.push(u8::try_from(left).unwrap());
        }
        let [unpacked, packed, values] = sizes;
        let mut bytes = Vec::new();
        [kind.into(), unpacked, packed].iter().for_each(|number| put(&mut bytes, *number));
        bytes.push(if kind == 2 { 0x4c } else { 0x2c });
        [values, encoding.into()].iter().for_each(|number| put(&mut bytes, *number));
        bytes.extend([0, 0]);
        let page = bytes.clone();
        // After a dictionary, a page of values.
        bytes.extend([&[7; 10][..], &GOOD, &[0, 0], &[7; 50]].concat());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("column");
        std::fs::write(&path, &bytes).unwrap();
        let types = ::parquet::schema::parser::parse_message_type("message m { required binary a (UTF8); }").unwrap();
        let types = ::parquet::schema::types::SchemaDescriptor::new(std::sync::Arc::new(types));
        let length = if kind == 2 { bytes.len() } else { page.len() + 10 };
        let column = ColumnChunkMetaData::builder(types.column(0)).set_data_page_offset(0);
        let column = column.set_total_compressed_size(i64::try_from(length).unwrap()).build().unwrap();
        look(&File::open(&path).unwrap(), &column, 7)
    }

    #[test]
    fn a_page_is_no_larger_than_what_is_unpacked_at_once() {
        assert!(looked_at(0, [100, 10, 7], 0).is_ok() && looked_at(2, [100, 10, 25], 0).is_ok());
        for (kind, sizes) in [(0, [1 << 30, 10, 7]), (2, [9 << 20, 10, 7]), (2, [100, 10, 26]), (2, [100, 10, 1 << 31])]
        {
            assert!(matches!(looked_at(kind, sizes, 0), Err(PageFault::TooLarge)), "{kind} {sizes:?}");
        }
        for encoding in [6, 7] {
            assert!(matches!(looked_at(0, [100, 10, 7], encoding), Err(PageFault::Delta)));
        }
        for sizes in [[100, 11, 7], [100, 10, 6], [100, 10, -7], [-1, 10, 7]] {
            assert!(matches!(looked_at(0, sizes, 0), Err(PageFault::Torn)), "{sizes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok((_, taken)) = page(&bytes) {
                proptest::prop_assert!(taken <= bytes.len() as u64);
            }
        }
    }
}
