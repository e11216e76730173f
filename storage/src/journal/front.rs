//! The front of a journal that somebody has read before.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, LogEntry, LogReader, Mark, Place, RECORD_BYTES_MAX};

use super::error::JournalError;
use super::follow::{Follower, Visit};

const DIGEST_BYTES: usize = 32;

/// The end of a journal at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Bytes of the file.
    pub offset: u64,
    /// The chain's digest over all entries.
    pub head: Digest,
}

/// What somebody has read of a journal of many, and has kept: its front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// Where it ends.
    pub mark: Mark,
    /// Where the journal ended when it was kept, so that no older copy of the file passes.
    pub seen: Seen,
    /// Where the entries of the federation's own ledger stand in it.
    pub administration: Vec<Place>,
}

/// Reads a journal from its first byte to a place, and compares all of it with what was kept of that place; gives the leaves of the entries before it.
///
/// # Errors
/// [`JournalError::Damaged`] naming the first bad entry, or saying that the entries come to something else.
pub fn check_front(path: &Path, mark: &Mark) -> Result<Vec<Digest>, JournalError> {
    let mut leaves = Vec::new();
    let read = walk(path, &Mark::start(), mark.offset(), |entry| {
        leaves.push(entry.leaf);
        Ok(())
    })?;
    if read.mark() == *mark {
        return Ok(leaves);
    }
    let fault = format!(
        "the first {} entries are not those that were there when they were last read: the file was changed or exchanged. Keep it as evidence, \
         and put its newest good copy in its place",
        mark.log().size()
    );
    Err(JournalError::Damaged { path: path.to_path_buf(), fault })
}

/// Visits each entry from a place to a byte of the file, or to its end; gives where it came to. An incomplete last record ends the file.
pub(super) fn walk(
    path: &Path,
    from: &Mark,
    until: u64,
    mut visit: impl FnMut(LogEntry<'_>) -> Result<(), JournalError>,
) -> Result<LogReader, JournalError> {
    let mut follower = Follower::open(path, from)?;
    follower.visit(until, |entry| visit(entry).map(|()| Visit::Goes))?;
    Ok(follower.reader().clone())
}

/// The events of the federation's own entries in a front, read at their places; nothing if the file has other bytes there, or another head at its end.
pub(super) fn own_entries(file: &mut File, front: &Front) -> std::io::Result<Option<Vec<Vec<u8>>>> {
    let mut bytes = |offset: u64, length: usize| -> std::io::Result<Option<Vec<u8>>> {
        file.seek(SeekFrom::Start(offset))?;
        let mut found = vec![0; length];
        match file.read_exact(&mut found) {
            Ok(()) => Ok(Some(found)),
            Err(fault) if fault.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(fault) => Err(fault),
        }
    };
    let (mark, seen) = (&front.mark, front.seen);
    for (offset, head) in [(mark.offset(), mark.log().head()), (seen.offset, seen.head)] {
        let before = offset.checked_sub(DIGEST_BYTES as u64).filter(|_| mark.log().size() > 0);
        let found = before.map(|before| bytes(before, DIGEST_BYTES)).transpose()?.flatten();
        if found.as_deref() != Some(head.as_bytes()) {
            return Ok(None);
        }
    }
    let mut events = Vec::with_capacity(front.administration.len());
    for place in &front.administration {
        let length = usize::try_from(place.bytes).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let record = length.map(|length| bytes(place.offset, length)).transpose()?.flatten();
        let Some(record) = record else { return Ok(None) };
        let Some(entry) = place.read(&record).filter(|entry| entry.ledger == LedgerId::ADMINISTRATION) else {
            return Ok(None);
        };
        events.push(entry.event.to_vec());
    }
    Ok(Some(events))
}

#[cfg(test)]
mod tests {
    use tributary_protocol::codec;
    use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
    use tributary_protocol::round::Recorded;
    use tributary_protocol::time::Millis;

    use super::super::{Journal, Ledgers, read_view, read_view_after};
    use super::*;

    const LEDGER: LedgerId = LedgerId([7; 32]);
    const LATER: LedgerId = LedgerId([8; 32]);

    /// A journal of two ledgers and the federation's own, and its front before the second ledger.
    fn written(path: &Path) -> Front {
        let (mut journal, _) = Journal::<u32>::open_view(path, LEDGER).expect("opens");
        for number in 0..5 {
            journal.append(Millis(1), number).expect("appends");
            journal.append_to(LedgerId::ADMINISTRATION, Millis(2), format!("model {number}")).expect("appends");
        }
        let mark = journal.mark();
        journal.append_to(LATER, Millis(3), 9_u32).expect("appends");
        journal.append_to(LedgerId::ADMINISTRATION, Millis(4), "a statement").expect("appends");
        journal.sync().expect("syncs");
        journal.front(&mark)
    }

    fn opened(path: &Path, front: &Front) -> Option<(Journal<u32>, Ledgers<u32>)> {
        Journal::open_after(path, LEDGER, (front, &|_| false)).expect("no damage")
    }

    fn own(journal: &mut Journal<u32>) -> Vec<String> {
        journal.administration().expect("texts").into_iter().map(|recorded| recorded.event).collect()
    }

    #[test]
    fn a_journal_goes_on_after_its_front_as_if_all_of_it_had_been_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let front = written(&path);
        let (mut whole, ledgers) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
        assert_eq!(ledgers.len(), 2);
        let (mark, texts) = (whole.mark(), own(&mut whole));
        assert_eq!(texts.len(), 6);
        assert_eq!(whole.front(&front.mark), front);
        assert_eq!((whole.entries_of(&LEDGER), whole.entries_of(&LATER)), (5, 1));
        let all = whole.front(&mark);
        drop(whole);
        let (mut after, ledgers) = opened(&path, &front).expect("its front");
        assert_eq!((after.mark(), own(&mut after)), (mark, texts));
        assert_eq!(ledgers.keys().collect::<Vec<_>>(), [&LATER]);
        assert_eq!(after.front(&after.mark()), all);
        // A ledger that the front has goes on in its place.
        after.append(Millis(5), 5).expect("appends");
        drop(after);
        let numbers = |read: Vec<Recorded<u32>>| read.into_iter().map(|recorded| recorded.event).collect::<Vec<_>>();
        assert_eq!(numbers(read_view(&path, LEDGER).expect("whole")), [0, 1, 2, 3, 4, 5]);
        assert_eq!(numbers(read_view_after(&path, LEDGER, &front.mark).expect("whole")), [5]);
        check_front(&path, &front.mark).expect("as it was");
    }

    /// The federation's own entry right after a front's place is none of the front.
    #[test]
    fn a_front_has_own_entries_before_its_place_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
        journal.append_to(LedgerId::ADMINISTRATION, Millis(1), "one").expect("appends");
        let mark = journal.mark();
        journal.append_to(LedgerId::ADMINISTRATION, Millis(2), "two").expect("appends");
        journal.sync().expect("syncs");
        let front = journal.front(&mark);
        assert_eq!(front.administration.len(), 1);
        drop(journal);
        let (mut after, _) = opened(&path, &front).expect("its front");
        assert_eq!(own(&mut after), ["one", "two"]);
    }

    /// A place that says it is longer than any entry costs no memory, and the longest entry has its place.
    #[test]
    fn a_front_has_entries_of_any_length_and_none_that_is_longer() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
        let room = |length: usize| codec::encode(&Recorded { at: Millis(1), event: "x".repeat(length) }).len();
        let longest = "x".repeat(2 * LEDGER_ENTRY_BYTES_MAX - room(LEDGER_ENTRY_BYTES_MAX));
        journal.append_to(LedgerId::ADMINISTRATION, Millis(1), &longest).expect("just fits");
        journal.sync().expect("syncs");
        let front = journal.front(&journal.mark());
        drop(journal);
        let place = front.administration[0];
        assert_eq!(usize::try_from(place.bytes), Ok(RECORD_BYTES_MAX));
        assert!(own(&mut opened(&path, &front).expect("its front").0) == [longest]);
        for bytes in [0, place.bytes - 1, place.bytes + 1, u32::MAX] {
            let other = Front { administration: vec![Place { bytes, ..place }], ..front.clone() };
            assert!(opened(&path, &other).is_none(), "{bytes} bytes");
        }
    }

    /// A place that is that of another ledger's entry is no place of the federation's own, whatever that ledger is called.
    #[test]
    fn a_front_that_names_other_entries_is_not_taken() {
        for name in [[0; 32], [0xff; 32]] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("audit.log");
            let (mut journal, _) = Journal::<u32>::open_view(&path, LedgerId(name)).expect("opens");
            let start = journal.mark().offset();
            journal.append(Millis(1), 7).expect("appends");
            journal.sync().expect("syncs");
            let mut front = journal.front(&journal.mark());
            drop(journal);
            assert!(opened(&path, &front).is_some());
            let record = &std::fs::read(&path).expect("reads")[usize::try_from(start).expect("short")..];
            front.administration.extend(Place::of_record(start, record));
            assert_eq!(front.administration.len(), 1);
            assert!(opened(&path, &front).is_none());
        }
    }

    #[test]
    fn another_front_is_not_taken_and_a_changed_one_is_found_by_whoever_reads_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let front = written(&path);
        let whole = std::fs::read(&path).expect("reads");
        let end = usize::try_from(front.mark.offset()).expect("short");
        let changed_at = |byte: usize| {
            let mut changed = whole.clone();
            changed[byte] ^= 1;
            std::fs::write(&path, changed).expect("writes");
        };
        for byte in 0..end {
            changed_at(byte);
            assert!(check_front(&path, &front.mark).is_err(), "byte {byte}");
        }
        // The digest at the end, and the federation's own entries, are looked at by each start.
        let looked_at = front.administration.iter().map(|place| usize::try_from(place.offset).expect("short") + 60);
        for byte in looked_at.chain([end - 1, end - 32]) {
            changed_at(byte);
            assert!(opened(&path, &front).is_none(), "byte {byte}");
        }
        changed_at(end + 60);
        assert!(
            Journal::<u32>::open_after(&path, LEDGER, (&front, &|_| false)).is_err(),
            "what follows is read as ever"
        );
        // An older copy of the file, with all that the mark needs.
        for length in [0, end - 1, end, end + 1, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).expect("writes");
            assert!(opened(&path, &front).is_none(), "cut at {length}");
        }
        std::fs::write(&path, [whole.as_slice(), &[1]].concat()).expect("writes");
        let known = |ledger: &LedgerId| *ledger == LATER;
        let after = Journal::<u32>::open_after(&path, LEDGER, (&front, &known)).expect("no damage");
        let (journal, ledgers) = after.expect("its front");
        assert_eq!((journal.torn().map(|torn| torn.bytes), ledgers.len()), (Some(1), 0));
        drop(journal);
        // Another journal, whole and as long.
        let other = dir.path().join("other.log");
        let (mut journal, _) = Journal::<u32>::open_view(&other, LEDGER).expect("opens");
        (0..30).try_for_each(|number| journal.append(Millis(9), number)).expect("appends");
        drop(journal);
        assert!(opened(&other, &front).is_none());
        assert!(check_front(&other, &front.mark).is_err());
    }
}
