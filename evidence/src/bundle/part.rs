//! A part of a journal: the entries that somebody needs, and in the place of all others the roots of full trees over their leaves.
//!
//! ```text
//! part  = header (16 bytes, `protocol::versioned`) | item, one after the other
//! entry = 0 u8 | length u32 | ledger (32 bytes) | sequence u64 | event
//! tree  = 1 u8 | height u8 | root (32 bytes): 2^height entries that are not here
//! ```
//!
//! Integers are little-endian. From the items follows the root of the whole journal's tree at each of its checkpoints, because a tree never crosses the end of
//! one. So every entry stands in the journal that was signed and cosigned, at its place, and each checkpoint goes on from the one before. That is a proof of
//! inclusion for every entry and of consistency between the checkpoints, in fewer bytes than one for each.
//!
//! What is left out has no contents here. A part says nothing of it, and shows that it is there.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use tributary_protocol::cover::Cover;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{LedgerId, LogEntry};
use tributary_protocol::merkle::{Frontier, leaf_digest};
use tributary_protocol::versioned::{HEADER_BYTES, Release, Versioned};

use crate::entries::Bad;

/// The layout of a part of a journal.
const FORMAT: Versioned = Versioned {
    what: "a part of a journal",
    magic: *b"TRIBPART",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Verify it with the release that wrote it, or export it again",
};

const ENTRY: u8 = 0;
const TREE: u8 = 1;
/// Ledger and sequence.
const OVERHEAD_BYTES: usize = 32 + 8;
const ENTRY_BYTES_MAX: usize = OVERHEAD_BYTES + LEDGER_ENTRY_BYTES_MAX;

/// What stands next in a part.
pub(crate) enum Piece<'a> {
    /// An entry, whose `offset` is its item's in the part.
    Entry(LogEntry<'a>),
    /// So many entries that are not here.
    LeftOut {
        /// The height of the full tree over them.
        height: u32,
        /// Its root.
        root: Digest,
    },
}

/// A part in the making. It keeps at most 128 digests in memory.
pub struct PartWriter<W> {
    out: W,
    left_out: Cover,
    /// Entries that are here.
    entries: u64,
}

impl<W: Write> PartWriter<W> {
    /// Begins the part of a journal, before its first entry.
    ///
    /// # Errors
    /// The operating system's.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&FORMAT.header())?;
        Ok(Self { out, left_out: Cover::at(0), entries: 0 })
    }

    /// The next entry of the journal is here.
    ///
    /// # Errors
    /// The operating system's.
    pub fn entry(&mut self, entry: &LogEntry<'_>) -> io::Result<()> {
        self.border()?;
        self.left_out = Cover::at(entry.position.saturating_add(1));
        self.entries = self.entries.saturating_add(1);
        let length = u32::try_from(entry.event.len().saturating_add(OVERHEAD_BYTES)).unwrap_or(u32::MAX);
        self.out.write_all(&[ENTRY])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&entry.ledger.0)?;
        self.out.write_all(&entry.sequence.to_le_bytes())?;
        self.out.write_all(entry.event)
    }

    /// The next entry is not.
    pub fn leave_out(&mut self, leaf: Digest) {
        self.left_out.push(Digest::of_parts, leaf);
    }

    /// A checkpoint ends here.
    ///
    /// # Errors
    /// The operating system's.
    pub fn border(&mut self) -> io::Result<()> {
        for (height, root) in self.left_out.take() {
            self.out.write_all(&[TREE, u8::try_from(height).unwrap_or(u8::MAX)])?;
            self.out.write_all(root.as_bytes())?;
        }
        Ok(())
    }

    /// The journal ends here; how many of its entries are here.
    ///
    /// # Errors
    /// The operating system's.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.border()?;
        self.out.flush()?;
        Ok((self.out, self.entries))
    }
}

/// Reads a part piece by piece, and gives the tree of the whole journal. Each ledger's entries must follow each other from its first one.
///
/// # Errors
/// The first item that is none, or that the visitor refuses.
pub(crate) fn walk_part(
    from: impl Read,
    mut visit: impl FnMut(&Piece<'_>) -> Result<(), Bad>,
) -> Result<Frontier, Bad> {
    let mut reader = Reader { from: io::BufReader::with_capacity(1 << 18, from), offset: 0, place: 0 };
    let mut header = [0; HEADER_BYTES];
    reader.fill(&mut header)?;
    FORMAT.read(&header).map_err(|fault| reader.bad(&fault.to_string()))?;
    let (mut tree, mut ledgers) = (Frontier::new(), BTreeMap::<LedgerId, u64>::new());
    let mut bytes = Vec::new();
    while let Some(kind) = reader.kind()? {
        let offset = reader.offset.saturating_sub(1);
        if kind == TREE {
            let (mut height, mut root) = ([0], [0; 32]);
            reader.fill(&mut height)?;
            reader.fill(&mut root)?;
            let (height, root) = (u32::from(height[0]), Digest(root));
            visit(&Piece::LeftOut { height, root })?;
            if !tree.push_full(Digest::of_parts, height, root) {
                return Err(reader.bad("entries are left out in another number than can be left out here"));
            }
        } else {
            let mut length = [0; 4];
            reader.fill(&mut length)?;
            let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
            if kind != ENTRY || !(OVERHEAD_BYTES..=ENTRY_BYTES_MAX).contains(&length) || tree.leaves() == u64::MAX {
                return Err(reader.bad("it is neither an entry nor the root of a tree"));
            }
            bytes.resize(length, 0);
            reader.fill(&mut bytes)?;
            let entry = entry(&bytes, (tree.leaves(), offset));
            let entry = entry.ok_or_else(|| reader.bad("it is no entry"))?;
            let due = ledgers.entry(entry.ledger).or_insert(0);
            if *due != entry.sequence {
                let (ledger, found) = (entry.ledger, entry.sequence);
                return Err(reader.bad(&format!(
                    "ledger {ledger} goes on with its entry {found} where entry {due} was due: an entry is missing or repeated"
                )));
            }
            *due = due.saturating_add(1);
            visit(&Piece::Entry(entry))?;
            tree.push(Digest::of_parts, entry.leaf);
        }
        reader.place = tree.leaves();
    }
    Ok(tree)
}

fn entry(bytes: &[u8], (position, offset): (u64, u64)) -> Option<LogEntry<'_>> {
    let (ledger, rest) = bytes.split_first_chunk()?;
    let (sequence, event) = rest.split_first_chunk()?;
    let (ledger, sequence) = (LedgerId(*ledger), u64::from_le_bytes(*sequence));
    let leaf = leaf_digest(Digest::of_parts, bytes);
    Some(LogEntry { position, offset, ledger, sequence, event, leaf })
}

struct Reader<R> {
    from: io::BufReader<R>,
    offset: u64,
    /// The entry that is read.
    place: u64,
}

impl<R: Read> Reader<R> {
    fn bad(&self, reason: &str) -> Bad {
        let reason = format!("{reason}; keep the file as evidence, no export of this release writes that");
        Bad { entry: Some(self.place), offset: Some(self.offset), reason }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Bad> {
        self.from.read_exact(bytes).map_err(|_| self.bad("it was cut off, or cannot be read"))?;
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// The kind of the next item; nothing at the end.
    fn kind(&mut self) -> Result<Option<u8>, Bad> {
        let mut kind = Vec::with_capacity(1);
        let read = self.from.by_ref().take(1).read_to_end(&mut kind);
        read.map_err(|_| self.bad("it cannot be read"))?;
        self.offset = self.offset.saturating_add(kind.len() as u64);
        Ok(kind.first().copied())
    }
}
