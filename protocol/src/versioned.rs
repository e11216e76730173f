//! The version of a file's layout, and what is said of a file that this release does not read.
//!
//! ```text
//! header = magic (8 bytes) | version u32 | release that reads it: major u16 | minor u16
//! ```
//!
//! All integers little-endian. These sixteen bytes stay as they are in every later version, so that an older release can say which one to use.

use core::cmp::Ordering;
use core::fmt;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;

/// A release of the software.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// One kind of file in the layout that this release writes, which is the only one that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The kind, with its article: `a journal`.
    pub what: &'static str,
    /// First bytes of every file of the kind.
    pub magic: [u8; 8],
    /// Version of the layout, from 1.
    pub version: u32,
    /// The first release that reads this version.
    pub since: Release,
    /// What to do with a file of an older version: a sentence.
    pub older: &'static str,
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionFault {
    /// The file ends within its header: a crash while it was made.
    #[error("the file ends within its first {HEADER_BYTES} bytes: it was never begun, or was cut")]
    Cut,
    /// Another kind of file, or changed first bytes.
    #[error(
        "this does not begin as {what} of release {since} or later: it is another kind of file, was changed, or an earlier release wrote it; \
         restore it from its backup, or make it anew"
    )]
    Other {
        /// The kind that was expected.
        what: &'static str,
        /// The first release that writes this version.
        since: Release,
    },
    /// Written by an older release.
    #[error(
        "this is {what} of version {found}, which an older release wrote; this release reads version {reads} alone. {older}"
    )]
    Older {
        /// The kind.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The version that this release reads.
        reads: u32,
        /// What to do.
        older: &'static str,
    },
    /// Written by a newer release.
    #[error("this is {what} of version {found}, which a newer release wrote; use release {since} or later")]
    Newer {
        /// The kind.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The first release that reads it, as the file says.
        since: Release,
    },
}

impl Versioned {
    /// The first bytes of a file.
    #[must_use]
    pub const fn header(&self) -> [u8; HEADER_BYTES] {
        let [a, b, c, d, e, f, g, h] = self.magic;
        let [i, j, k, l] = self.version.to_le_bytes();
        let ([m, n], [o, p]) = (self.since.major.to_le_bytes(), self.since.minor.to_le_bytes());
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// What stands after the header.
    ///
    /// # Errors
    /// [`VersionFault`] if the file has another header. An empty file is a cut one.
    pub fn read<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], VersionFault> {
        let header = self.header();
        if let Some(rest) = file.strip_prefix(&header) {
            return Ok(rest);
        }
        // Some file systems leave zeros where a write was cut short.
        if header.starts_with(file) || (file.len() <= HEADER_BYTES && file.iter().all(|byte| *byte == 0)) {
            return Err(VersionFault::Cut);
        }
        let other = VersionFault::Other { what: self.what, since: self.since };
        let rest = file.strip_prefix(&self.magic).ok_or(other)?;
        let Some((found, rest)) = rest.split_first_chunk() else { return Err(VersionFault::Cut) };
        let found = u32::from_le_bytes(*found);
        // No version is 0; and where the version is ours, what follows it is not.
        if found == 0 || found == self.version {
            return Err(other);
        }
        let since = rest.split_first_chunk().and_then(|(major, rest)| {
            let (major, minor) = (u16::from_le_bytes(*major), u16::from_le_bytes(*rest.first_chunk()?));
            Some(Release { major, minor })
        });
        Err(match since {
            _ if found < self.version => self.older(found),
            Some(since) => self.newer(found, since),
            None => VersionFault::Cut,
        })
    }

    /// Judges what a text file says: its version, and the first release that reads it.
    ///
    /// # Errors
    /// [`VersionFault`] for every version but the one that this release reads.
    pub fn judge(&self, found: u32, since: Release) -> Result<(), VersionFault> {
        match found.cmp(&self.version) {
            Ordering::Less => Err(self.older(found)),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(self.newer(found, since)),
        }
    }

    fn older(&self, found: u32) -> VersionFault {
        VersionFault::Older { what: self.what, found, reads: self.version, older: self.older }
    }

    fn newer(&self, found: u32, since: Release) -> VersionFault {
        VersionFault::Newer { what: self.what, found, since }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    const FORMAT: Versioned = Versioned {
        what: "a list",
        magic: *b"TRIBLIST",
        version: 2,
        since: Release { major: 0, minor: 3 },
        older: "Make it again.",
    };

    #[test]
    fn the_header_is_sixteen_fixed_bytes() {
        assert_eq!(FORMAT.header(), *b"TRIBLIST\x02\0\0\0\0\0\x03\0");
        assert_eq!(FORMAT.read(b"TRIBLIST\x02\0\0\0\0\0\x03\0rest"), Ok(b"rest".as_slice()));
    }

    #[test]
    fn other_versions_are_refused_by_number_with_what_to_do() {
        let older = FORMAT.read(b"TRIBLIST\x01\0\0\0whatever").unwrap_err();
        assert_eq!(
            older.to_string(),
            "this is a list of version 1, which an older release wrote; this release reads version 2 alone. Make it again."
        );
        let newer = FORMAT.read(b"TRIBLIST\x07\0\0\0\x01\0\x04\0rest").unwrap_err();
        assert_eq!(
            newer.to_string(),
            "this is a list of version 7, which a newer release wrote; use release 1.4 or later"
        );
        let since = Release { major: 1, minor: 4 };
        assert_eq!((FORMAT.judge(1, since), FORMAT.judge(2, since)), (Err(older), Ok(())));
        assert_eq!(FORMAT.judge(7, since), Err(newer));
    }

    #[test]
    fn cut_and_changed_headers_are_told_apart() {
        let header = FORMAT.header();
        for end in 0..HEADER_BYTES {
            assert_eq!(FORMAT.read(&header[..end]), Err(VersionFault::Cut), "cut at {end}");
            assert_eq!(FORMAT.read(&[0; HEADER_BYTES][..end]), Err(VersionFault::Cut), "zeros up to {end}");
        }
        assert_eq!(FORMAT.read(&[0; HEADER_BYTES]), Err(VersionFault::Cut));
        let other = Err(VersionFault::Other { what: FORMAT.what, since: FORMAT.since });
        assert_eq!(FORMAT.read(&[0; HEADER_BYTES + 1]), other, "more zeros than a header has");
        assert_eq!(FORMAT.read(b"TRIBLIST\0\0\0\0\0\0\x03\0"), other, "no version is 0");
        // An older one is known by its version alone; a newer one must say which release reads it.
        let older = VersionFault::Older { what: FORMAT.what, found: 1, reads: 2, older: FORMAT.older };
        assert_eq!(FORMAT.read(b"TRIBLIST\x01\0\0\0"), Err(older));
        for whole in [b"TRIBLIST\x03\0\0\0".as_slice(), b"TRIBLIST\x03\0\0\0\x01\0\x04"] {
            assert_eq!(FORMAT.read(whole), Err(VersionFault::Cut));
        }
        for position in 0..HEADER_BYTES {
            for flip in [1, 0x80, 0xff] {
                let mut changed = header;
                changed[position] ^= flip;
                let fault = FORMAT.read(&changed).unwrap_err();
                assert_ne!(fault, VersionFault::Cut, "byte {position} flipped by {flip}");
                assert_eq!(matches!(fault, VersionFault::Other { .. }), !(8..12).contains(&position), "{fault}");
            }
        }
    }
}
