//! A disk: an append-only file of hash-chained records, in the layout that both daemons write, that a crash leaves with a torn tail.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{Entries, LOG_HEADER, LedgerId, Log, LogFaultKind, scan};
use tributary_protocol::round::Recorded;
use tributary_protocol::time::Millis;

use crate::dice::Dice;

/// The file of one process, and what is known of it.
pub(crate) struct Disk<E> {
    events: Vec<E>,
    file: Vec<u8>,
    log: Log,
    synced_events: usize,
    synced_bytes: usize,
    /// Bytes that still fit, where the disk is nearly full.
    room: Option<usize>,
}

/// Each simulated file is of one ledger, whichever it is.
const LEDGER: LedgerId = LedgerId::BUDGET;

/// An append did not fit. Ends the process.
pub(crate) struct Full;

impl<E: Clone + PartialEq + Serialize + DeserializeOwned> Disk<E> {
    pub(crate) fn new() -> Self {
        Self {
            events: Vec::new(),
            file: LOG_HEADER.to_vec(),
            log: Log::of_ledger(LEDGER),
            synced_events: 0,
            synced_bytes: LOG_HEADER.len(),
            room: None,
        }
    }

    /// A disk that has held these events for long.
    pub(crate) fn holding(events: Vec<E>) -> Self {
        let mut disk = Self::new();
        for event in events {
            // There is room, and the moment of an entry is informative only.
            let _ = disk.append(Millis(0), event);
        }
        disk.sync();
        disk
    }

    /// Writes an event behind the end. Where the disk is full, part of the record may have been written.
    pub(crate) fn append(&mut self, at: Millis, event: E) -> Result<(), Full> {
        let bytes = codec::encode(&Recorded { at, event: event.clone() });
        let record = self.log.append(LEDGER, self.log.next_sequence(&LEDGER), &bytes).map_err(|_| Full)?;
        let fits = self.room.map_or(record.len(), |room| room.min(record.len()));
        self.file.extend_from_slice(&record[..fits]);
        self.room = self.room.map(|room| room - fits);
        if fits < record.len() {
            return Err(Full);
        }
        self.events.push(event);
        Ok(())
    }

    /// Everything appended survives a crash from now on. The events that were not synced before.
    pub(crate) fn sync(&mut self) -> &[E] {
        let fresh = self.synced_events;
        self.synced_events = self.events.len();
        self.synced_bytes = self.file.len();
        &self.events[fresh..]
    }

    /// The process ended without a word: of what was not synced any prefix is left, cut at any byte.
    pub(crate) fn crash(&mut self, dice: &mut Dice) {
        let unsynced = self.file.len() - self.synced_bytes;
        self.file.truncate(self.synced_bytes + dice.index(unsynced + 1));
    }

    /// Reads the file as a daemon does that starts: a torn tail is cut off. The events, and how many of them are news to whoever watched
    /// what was synced.
    ///
    /// # Errors
    /// If the file holds something else than a prefix of what was appended, which no crash explains.
    pub(crate) fn recover(&mut self) -> Result<(Vec<E>, usize), String> {
        let found = scan(Entries::of_ledger(&self.file, LEDGER));
        if let Some(fault) = found.fault.filter(|fault| fault.kind != LogFaultKind::TornTail) {
            return Err(format!("after a crash the file does not open: {fault}"));
        }
        let decode = |payload: &[u8]| codec::decode::<Recorded<E>>(payload, LEDGER_ENTRY_BYTES_MAX);
        let events: Result<Vec<E>, _> =
            found.entries.iter().map(|entry| decode(entry.event).map(|recorded| recorded.event)).collect();
        let events = events.map_err(|fault| format!("a recorded event does not decode: {fault}"))?;
        let good = usize::try_from(found.good_length).map_err(|fault| fault.to_string())?;
        let log = found.log;
        if !self.events.starts_with(&events) || events.len() < self.synced_events {
            return Err("the file lost what was synced, or holds what was never appended".into());
        }
        let news = events.len() - self.synced_events;
        self.file.truncate(good);
        (self.log, self.events) = (log, events.clone());
        self.synced_events = events.len();
        self.synced_bytes = good;
        Ok((events, news))
    }

    /// The disk as it was when it held so many events: somebody restored an old copy.
    pub(crate) fn as_of(&self, events: usize) -> Self {
        Self::holding(self.events.iter().take(events).cloned().collect())
    }

    /// Everything appended.
    pub(crate) fn events(&self) -> &[E] {
        &self.events
    }

    /// What survives a crash for certain.
    pub(crate) fn synced(&self) -> &[E] {
        &self.events[..self.synced_events]
    }

    /// What a crash may lose, whole or from any byte on.
    pub(crate) fn unsynced(&self) -> &[E] {
        &self.events[self.synced_events..]
    }

    /// Leaves room for so many bytes, or enough.
    pub(crate) fn set_room(&mut self, room: Option<usize>) {
        self.room = room;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut at every byte behind the last sync, the file opens again and holds a prefix that has everything synced.
    #[test]
    fn a_crash_leaves_what_was_synced_and_a_prefix_of_the_rest() {
        let mut kept = [0; 4];
        for seed in 0..400 {
            let mut disk = Disk::<u64>::new();
            let append = |disk: &mut Disk<u64>, value| assert!(disk.append(Millis(1), value).is_ok());
            append(&mut disk, 10);
            append(&mut disk, 11);
            assert_eq!(disk.sync(), [10, 11]);
            append(&mut disk, 12);
            append(&mut disk, 13);
            disk.crash(&mut Dice::new(seed, 0));
            let (events, news) = disk.recover().unwrap();
            assert_eq!(events, [10, 11, 12, 13][..2 + news]);
            kept[news] += 1;
            append(&mut disk, 14);
            disk.sync();
            disk.crash(&mut Dice::new(seed, 1));
            assert_eq!(disk.recover().unwrap().0.last(), Some(&14));
        }
        assert!(kept[0] > 50 && kept[1] > 50, "{kept:?}");
    }

    #[test]
    fn a_full_disk_tears_the_record_that_did_not_fit() {
        let mut disk = Disk::<u64>::new();
        assert!(disk.append(Millis(1), 10).is_ok());
        disk.set_room(Some(20));
        assert!(disk.append(Millis(1), 11).is_err());
        disk.set_room(None);
        assert_eq!(disk.recover().unwrap().0, [10]);
    }
}
