//! Names, limits and faults of a bundle.

use tributary_protocol::digest::Digest;
use tributary_protocol::versioned::{Release, VersionFault, Versioned};

/// The layout of a bundle.
pub(super) const FORMAT: Versioned = Versioned {
    what: "an audit bundle",
    magic: *b"TRIBBNDL",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Verify it with the release that wrote it, or export it again",
};

/// The journal's part.
pub(crate) const JOURNAL: &str = "audit.log";
/// The part of a part of the journal, in the place of all of it.
pub const PART: &str = "audit.part";
/// The roster authorities' part.
pub(crate) const AUTHORITIES: &str = "authorities";
/// What the bundle says of itself.
pub const CONTENTS: &str = "contents.json";
/// The branches' budget heads.
pub(crate) const HEADS: &str = "heads/budgets.ledger";

/// Longest name of a part.
pub const NAME_BYTES_MAX: usize = 200;
/// Most parts.
pub(super) const PARTS_MAX: usize = 1 << 20;
/// Longest table.
pub(super) const TABLE_BYTES_MAX: u64 = 256 << 20;
/// Offset, length and digest of the table.
pub(super) const TRAILER_BYTES: u64 = 8 + 8 + 32;
/// Longest part that is taken into memory: more than any public state. The journal is read piece by piece.
pub const PART_BYTES_MAX: u64 = 1 << 30;

/// Why a bundle is not used.
#[derive(Debug, thiserror::Error)]
pub enum BundleFault {
    /// The operating system refused.
    #[error("the bundle cannot be read ({0}), so nothing was verified; check path and permissions")]
    Io(#[from] std::io::Error),
    /// Another kind of file, or of another version.
    #[error(transparent)]
    Version(#[from] VersionFault),
    /// Its table or its trailer is none.
    #[error("the bundle has no table of contents at its end: it was cut, or changed there; take a whole copy")]
    Table,
    /// The table is another one than the trailer says.
    #[error(
        "the table of contents is not the one that the bundle's end names: the bundle was changed after it was made"
    )]
    OtherTable,
    /// A name that cannot be a part's, or not in its order.
    #[error("{0:?} cannot be the next part of a bundle: this is a fault of the program")]
    Name(String),
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) digest: Digest,
}

/// Whether a part may have this name: a relative path of plain characters.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let word = |word: &str| !word.is_empty() && !word.starts_with('.') && word.bytes().all(plain);
    name.len() <= NAME_BYTES_MAX && name.split('/').all(word)
}

/// The bytes of a table.
pub(super) fn table(parts: &[Part]) -> Vec<u8> {
    let mut bytes = u32::try_from(parts.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    for Part { name, length, digest, .. } in parts {
        bytes.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend_from_slice(digest.as_bytes());
    }
    bytes
}

/// The parts of a table, which begin at this byte of the file; nothing for any other bytes than [`table`] makes.
pub(super) fn parts(bytes: &[u8], first: u64) -> Option<Vec<Part>> {
    let (count, mut rest) = bytes.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok().filter(|count| *count <= PARTS_MAX)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut offset = first;
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk()?;
        let (name, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
        let (length, after) = after.split_first_chunk()?;
        let (digest, after) = after.split_first_chunk()?;
        let name = str::from_utf8(name).ok().filter(|name| is_name(name))?.to_owned();
        let length = u64::from_le_bytes(*length);
        if parts.last().is_some_and(|last| last.name >= name) {
            return None;
        }
        parts.push(Part { name, offset, length, digest: Digest(*digest) });
        (offset, rest) = (offset.checked_add(length)?, after);
    }
    rest.is_empty().then_some(parts)
}

/// What names a bundle.
pub(super) fn table_digest(table: &[u8]) -> Digest {
    Digest::of_parts(&[b"tributary/audit bundle/1", table])
}
