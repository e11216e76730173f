//! Reading a bundle: its table in memory, its parts where they are asked for.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use tributary_protocol::digest::{Digest, Hasher};
use tributary_protocol::log::{Log, LogEntry, LogReader, Step};
use tributary_protocol::versioned::HEADER_BYTES;

use super::format::{
    BundleFault, FORMAT, JOURNAL, PART, PART_BYTES_MAX, Part, TABLE_BYTES_MAX, TRAILER_BYTES, parts, table_digest,
};
use super::part::{Piece, walk_part};
use crate::entries::{Bad, broken};
use crate::journal_report::Extent;
use crate::retained::{Item, Retained};

const PIECE_BYTES: usize = 1 << 18;

/// From what a bundle is read.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// A bundle whose table was read. Nothing of what its parts say is verified.
pub struct Bundle<S> {
    source: RefCell<S>,
    parts: Vec<Part>,
    digest: Digest,
    length: u64,
}

impl<S: Source> Bundle<S> {
    /// Reads the table.
    ///
    /// # Errors
    /// [`BundleFault`].
    pub fn open(mut source: S) -> Result<Self, BundleFault> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        source.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        FORMAT.read(&header)?;
        let end = length.checked_sub(TRAILER_BYTES).filter(|end| *end >= HEADER_BYTES as u64);
        let end = end.ok_or(BundleFault::Table)?;
        source.seek(SeekFrom::Start(end))?;
        let (mut offset, mut bytes, mut digest) = ([0; 8], [0; 8], [0; 32]);
        source.read_exact(&mut offset)?;
        source.read_exact(&mut bytes)?;
        source.read_exact(&mut digest)?;
        let (offset, bytes) = (u64::from_le_bytes(offset), u64::from_le_bytes(bytes));
        let fits = offset.checked_add(bytes) == Some(end) && bytes <= TABLE_BYTES_MAX && offset >= HEADER_BYTES as u64;
        if !fits {
            return Err(BundleFault::Table);
        }
        source.seek(SeekFrom::Start(offset))?;
        let mut table = Vec::new();
        source.by_ref().take(bytes).read_to_end(&mut table)?;
        let digest = Digest(digest);
        if table_digest(&table) != digest {
            return Err(BundleFault::OtherTable);
        }
        let parts = parts(&table, HEADER_BYTES as u64).ok_or(BundleFault::Table)?;
        let content = parts.last().map_or(HEADER_BYTES as u64, |last| last.offset.saturating_add(last.length));
        if content != offset {
            return Err(BundleFault::Table);
        }
        Ok(Self { source: RefCell::new(source), parts, digest, length })
    }

    /// The digest that names the bundle: of its table, which names every part by its digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of the file.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Names of the parts, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.name.as_str())
    }

    /// Names of the parts that are not what the table says, each read once from its first to its last byte.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn changed(&self) -> io::Result<Vec<String>> {
        let (mut piece, mut changed) = (vec![0; PIECE_BYTES], Vec::new());
        let mut source = self.source.borrow_mut();
        source.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        for part in &self.parts {
            let (mut hasher, mut left) = (Hasher::new(), part.length);
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
                let Some(piece) = piece.get_mut(..most) else { break };
                source.read_exact(piece)?;
                hasher.update(piece);
                left = left.saturating_sub(most as u64);
            }
            if hasher.finish() != part.digest {
                changed.push(part.name.clone());
            }
        }
        Ok(changed)
    }

    /// A part's bytes; nothing where there is none of this name. One that cannot be read, or is longer than anything that is taken into memory, has
    /// no bytes.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Vec<u8>> {
        let part = self.find(name)?;
        let read = || -> io::Result<Vec<u8>> {
            if part.length > PART_BYTES_MAX {
                return Ok(Vec::new());
            }
            let mut source = self.source.borrow_mut();
            source.seek(SeekFrom::Start(part.offset))?;
            let mut bytes = Vec::new();
            source.by_ref().take(part.length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Some(read().unwrap_or_default())
    }

    /// The same of a part that is so long at most; a longer one is not read.
    pub(super) fn short_part(&self, name: &str, most: usize) -> Option<Vec<u8>> {
        let fits = self.find(name).is_some_and(|part| part.length <= most as u64);
        if fits { self.part(name) } else { None }
    }

    /// Visits what there is of the journal: all of it, or a part. Parts may be read meanwhile.
    ///
    /// # Errors
    /// The first entry that is not in order, or that the visitor refuses.
    pub(crate) fn journal(&self, mut visit: impl FnMut(&Piece<'_>) -> Result<(), Bad>) -> Option<Result<Extent, Bad>> {
        let within =
            |part: &Part| Within { bundle: self, at: part.offset, end: part.offset.saturating_add(part.length) };
        if let Some(part) = self.find(JOURNAL) {
            let walked = walk(within(part), part.length, |entry| visit(&Piece::Entry(*entry)));
            return Some(walked.map(|log| Extent::whole(&log)));
        }
        let from = within(self.find(PART)?);
        let mut here = 0_u64;
        let walked = walk_part(from, |piece| {
            here = here.saturating_add(u64::from(matches!(piece, Piece::Entry(_))));
            visit(piece)
        });
        Some(walked.map(|tree| Extent {
            entries: tree.leaves(),
            left_out: tree.leaves().saturating_sub(here),
            head: None,
            root: tree.root(Digest::of_parts),
        }))
    }

    /// Whether it has a part of the journal in the place of all of it.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.find(JOURNAL).is_none() && self.find(PART).is_some()
    }

    fn find(&self, name: &str) -> Option<&Part> {
        let place = self.parts.binary_search_by(|part| part.name.as_str().cmp(name)).ok()?;
        self.parts.get(place)
    }
}

impl<S: Source> Retained for Bundle<S> {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        self.part(&item.name())
    }
}

/// One part, read from its own place whatever else is read.
struct Within<'a, S> {
    bundle: &'a Bundle<S>,
    at: u64,
    end: u64,
}

impl<S: Source> Read for Within<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let mut source = self.bundle.source.borrow_mut();
        source.seek(SeekFrom::Start(self.at))?;
        let read = source.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

/// What a journal came to.
pub type Walked = Result<Log, Bad>;

/// Visits each entry of a journal of so many bytes, in a window that moves over it.
///
/// # Errors
/// The first entry that is not in order, or that the visitor refuses.
pub fn walk(mut from: impl Read, length: u64, mut visit: impl FnMut(&LogEntry<'_>) -> Result<(), Bad>) -> Walked {
    let unreadable = |fault: io::Error| Bad {
        entry: None,
        offset: None,
        reason: format!("the journal cannot be read ({fault}), so nothing was verified; check path and permissions"),
    };
    let (mut reader, mut window, mut start, mut last) = (LogReader::new(), Vec::new(), 0_u64, false);
    loop {
        let used = usize::try_from(reader.offset().saturating_sub(start)).unwrap_or(usize::MAX);
        match reader.step(window.get(used..).unwrap_or_default(), last) {
            Step::Entry(entry) => visit(&entry)?,
            Step::More(bytes) => {
                // The header was perhaps read in this very step.
                let used = usize::try_from(reader.offset().saturating_sub(start)).unwrap_or(usize::MAX);
                window.drain(..used.min(window.len()));
                start = reader.offset();
                let wanted = bytes.max(4 * PIECE_BYTES).saturating_sub(window.len());
                let read = from.by_ref().take(wanted as u64).read_to_end(&mut window).map_err(unreadable)?;
                last = read < wanted;
            }
            Step::End => return Ok(reader.into_log()),
            Step::Fault(fault) => return Err(broken(fault, reader.offset(), length)),
        }
    }
}
