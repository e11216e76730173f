//! Places in a journal that somebody has read: one from which reading goes on, and one where an entry stands.
//!
//! Whoever keeps such a place relies on what it says of the entries before it. It is worth what its keeper is worth: these types check shapes alone.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{LedgerId, LogEntry};
use super::layout::{LOG_HEADER_BYTES, Prefix, RECORD_OVERHEAD_BYTES, entry};
use super::state::Log;
use crate::digest::Digest;
use crate::merkle::{Frontier, leaf_digest};

/// A place between two entries: where the next record starts, and what the entries before it come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub(super) offset: u64,
    pub(super) log: Log,
}

impl Mark {
    /// The start of a file, before its header.
    #[must_use]
    pub fn start() -> Self {
        Self { offset: 0, log: Log::new() }
    }

    /// The end of a journal that has so many bytes.
    #[must_use]
    pub fn at_end(log: &Log, offset: u64) -> Self {
        Self { offset, log: log.clone() }
    }

    /// A place as somebody has kept it: the offset in bytes, head and tree of the entries before it, and how many each ledger has. Nothing if these
    /// numbers are not those of any journal.
    #[must_use]
    pub fn kept(offset: u64, head: Digest, tree: Frontier, ledgers: BTreeMap<LedgerId, u64>) -> Option<Self> {
        let counted = ledgers.values().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        let least = tree.leaves().checked_mul(RECORD_OVERHEAD_BYTES as u64)?.checked_add(LOG_HEADER_BYTES as u64)?;
        let fits = tree.is_whole() && counted == Some(tree.leaves()) && offset >= least;
        let log = Log::kept(head, tree, ledgers);
        (fits && (log.size() > 0 || log == Log::new())).then_some(Self { offset, log })
    }

    /// Where the next record starts, in bytes from the start of the file.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The entries before it.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }
}

/// Where an entry stands, and what its leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its place in the journal, from 0.
    pub position: u64,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: u64,
    /// Bytes of its record.
    pub bytes: u32,
    /// Its leaf's digest.
    pub leaf: Digest,
}

impl Place {
    /// The place of a record that was appended at this offset.
    #[must_use]
    pub fn of_record(offset: u64, record: &[u8]) -> Option<Self> {
        let prefix = Prefix::read(record)?;
        let (entry, _) = prefix.body(record)?;
        let (leaf, bytes) = (leaf_digest(Digest::of_parts, entry), u32::try_from(record.len()).ok()?);
        Some(Self { position: prefix.position, offset, bytes, leaf })
    }

    /// The entry of this record, if it is the one that stands here.
    #[must_use]
    pub fn read<'a>(&self, record: &'a [u8]) -> Option<LogEntry<'a>> {
        let here = Self::of_record(self.offset, record)? == *self;
        let (bytes, _) = Prefix::read(record)?.body(record)?;
        let (ledger, sequence, event) = entry(bytes)?;
        let Self { position, offset, leaf, .. } = *self;
        here.then_some(LogEntry { position, offset, ledger, sequence, event, leaf })
    }
}

impl LogEntry<'_> {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        let bytes = u32::try_from(self.event.len().saturating_add(RECORD_OVERHEAD_BYTES)).unwrap_or(u32::MAX);
        Place { position: self.position, offset: self.offset, bytes, leaf: self.leaf }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::codec::{decode, encode};
    use crate::log::{Entries, LOG_HEADER, LogReader, Step};

    fn journal() -> (Vec<u8>, Log) {
        let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
        for number in 0..40_u8 {
            let ledger = LedgerId([number % 3; 32]);
            let event = alloc::vec![number; usize::from(number)];
            let record = log.append(ledger, u64::from(number / 3), &event).expect("the next one");
            file.extend_from_slice(&record);
        }
        (file, log)
    }

    fn from(file: &[u8], offset: u64) -> &[u8] {
        &file[usize::try_from(offset).expect("a short file")..]
    }

    fn places(file: &[u8]) -> Vec<Place> {
        Entries::new(file).map(|entry| entry.place()).collect()
    }

    #[test]
    fn reading_goes_on_from_every_mark_as_if_it_had_never_ended() {
        let (file, log) = journal();
        for (number, place) in places(&file).iter().enumerate() {
            let mut reader = LogReader::new();
            (0..number)
                .for_each(|_| assert!(matches!(reader.step(from(&file, reader.offset()), true), Step::Entry(_))));
            let mark = reader.mark();
            // What has not begun to be read has not even a header.
            assert_eq!(mark.offset, if number == 0 { 0 } else { place.offset });
            let counts = mark.log.ledgers().collect();
            let kept = Mark::kept(place.offset, mark.log.head(), mark.log.tree().clone(), counts).expect("a place");
            assert_eq!(kept.log, mark.log);
            let mut reader = LogReader::at(&kept);
            let mut left = 0;
            while let Step::Entry(_) = reader.step(from(&file, reader.offset()), true) {
                left += 1;
            }
            assert_eq!((left, reader.fault(), reader.log()), (40 - number, None, &log));
            assert_eq!(reader.mark(), Mark::at_end(&log, file.len() as u64));
        }
    }

    #[test]
    fn a_place_that_no_journal_has_is_refused() {
        let (file, log) = journal();
        let end = file.len() as u64;
        let counts = || log.ledgers().collect::<BTreeMap<_, _>>();
        let kept = |offset, counts| Mark::kept(offset, log.head(), log.tree().clone(), counts);
        assert!(kept(end, counts()).is_some());
        assert!(kept(0, counts()).is_none() && kept(17, counts()).is_none(), "so many entries have more bytes");
        let mut fewer = counts();
        fewer.pop_first();
        assert!(kept(end, fewer).is_none());
        let mut wrapped = counts();
        wrapped.insert(LedgerId([9; 32]), u64::MAX);
        assert!(kept(end, wrapped).is_none());
        // No record has fewer bytes than one without an event.
        let least = LOG_HEADER_BYTES as u64 + 40 * RECORD_OVERHEAD_BYTES as u64;
        assert!(kept(least, counts()).is_some() && kept(least - 1, counts()).is_none());
        // The tree's size, and a root less than it needs.
        let tree = (log.tree().leaves(), alloc::vec![Digest::ZERO]);
        let tree: Frontier = decode(&encode(&tree), 100).expect("a tree");
        assert!(Mark::kept(end, log.head(), tree, counts()).is_none());
        let begun = BTreeMap::from([(LedgerId([9; 32]), 0)]);
        assert!(Mark::kept(17, Log::new().head(), Frontier::new(), begun).is_none(), "a ledger without entries");
        assert!(Mark::kept(17, log.head(), Frontier::new(), BTreeMap::new()).is_none(), "a head without entries");
        assert!(Mark::kept(17, Log::new().head(), Frontier::new(), BTreeMap::new()).is_some());
    }

    #[test]
    fn an_entry_is_read_at_its_own_place_alone() {
        let (file, _) = journal();
        let all = places(&file);
        let record = |place: &Place| &from(&file, place.offset)[..usize::try_from(place.bytes).expect("short")];
        for (place, entry) in all.iter().zip(Entries::new(&file)) {
            assert_eq!(Place::of_record(place.offset, record(place)), Some(*place));
            assert!(place.read(record(place)) == Some(entry));
            assert!(place.read(&record(place)[1..]).is_none());
        }
        assert!(all[7].read(record(&all[8])).is_none());
        let mut changed = record(&all[7]).to_vec();
        changed[50] ^= 1;
        assert!(all[7].read(&changed).is_none());
        assert!(all[7].read(&[]).is_none());
    }
}
