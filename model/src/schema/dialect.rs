//! How a branch's text files are written.
/// How a branch's text files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Where one value ends and the next one begins.
    pub layout: Layout,
    /// How characters are bytes.
    pub encoding: Encoding,
    /// What stands before the fraction of a number.
    pub decimal: Decimal,
    /// Lines that begin with it are skipped; ASCII.
    pub comment: Option<u8>,
    /// The columns in order, for files whose first line is already data. `None`: the first line names them.
    pub columns: Option<Vec<String>>,
}

/// Where one value of a line ends and the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Something stands between two values.
    Delimited {
        /// One to [`DELIMITER_BYTES_MAX`] characters of ASCII that begin or end no line.
        delimiter: String,
        /// Around values that hold a delimiter; ASCII. `None`: quotes are ordinary characters.
        quote: Option<u8>,
    },
    /// Every column has its bytes of each line.
    Fixed(Vec<Span>),
}

/// A column's bytes in each line: from the first to the last one, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub first: u32,
    /// The last byte, not before the first.
    pub last: u32,
}

/// Longest delimiter.
pub const DELIMITER_BYTES_MAX: usize = 8;

/// Largest position of a byte in a line of fixed columns.
pub const LINE_BYTES_MAX: u32 = 1 << 16;

/// How characters are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16; a byte order mark says which half comes first, without one it is the low half.
    Utf16,
    /// GB18030, which reads GBK and GB2312 as well.
    Gb18030,
    /// Big5 with the Hong Kong characters.
    Big5,
    /// Windows-1252, which reads ISO 8859-1 as well.
    Latin1,
}

/// What stands before the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// `1250.00`, and nothing between thousands.
    Point,
    /// `1250,00`; points may stand between thousands: `1.250,00`.
    Comma,
}

impl Encoding {
    /// Every encoding, by the word of the schema.
    pub const ALL: [(&'static str, Self); 5] = [
        ("utf-8", Self::Utf8),
        ("utf-16", Self::Utf16),
        ("gb18030", Self::Gb18030),
        ("big5", Self::Big5),
        ("latin1", Self::Latin1),
    ];

    /// The word of the schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, encoding)| *encoding == self).map_or("utf-8", |(name, _)| name)
    }
}

impl Dialect {
    /// Values with commas between them, quotes around those that hold one, and a header: what a schema without a table `[csv]` means.
    #[must_use]
    pub fn comma_separated() -> Self {
        Self {
            layout: Layout::Delimited { delimiter: ",".into(), quote: Some(b'"') },
            encoding: Encoding::Utf8,
            decimal: Decimal::Point,
            comment: None,
            columns: None,
        }
    }
}
