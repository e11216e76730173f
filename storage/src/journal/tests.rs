//! What is appended, cut, changed and read apart.

use super::follow::WINDOW_BYTES;
use super::*;
#[cfg(unix)]
use crate::faults::{each_fault, number, synced};

const LEDGER: LedgerId = LedgerId([7; 32]);

fn filled(path: &Path, events: &[u32]) {
    let (mut journal, _) = Journal::<u32>::open(path, LEDGER).expect("opens");
    for event in events {
        journal.append(Millis(7), *event).expect("appends");
    }
    journal.sync().expect("syncs");
}

fn events(path: &Path) -> Vec<u32> {
    Journal::<u32>::open(path, LEDGER).expect("opens").1.into_iter().map(|recorded| recorded.event).collect()
}

#[test]
fn what_was_appended_is_read_back_and_continued() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("state/a.ledger");
    filled(&path, &[1, 2, 3]);
    filled(&path, &[4]);
    assert_eq!(events(&path), [1, 2, 3, 4]);
}

/// The federation's own ledger has events of another kind, and lies between those of runs.
#[test]
fn the_federations_own_ledger_is_read_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    assert!(read_view::<String>(&path, LedgerId::ADMINISTRATION).expect("nothing").is_empty());
    let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
    // A journal that has begun, and in which nothing stands yet.
    assert!(read_view::<String>(&path, LedgerId::ADMINISTRATION).expect("nothing").is_empty());
    journal.append(Millis(1), 7).expect("appends");
    journal.append_to(LedgerId::ADMINISTRATION, Millis(2), "a model").expect("appends");
    journal.append(Millis(3), 8).expect("appends");
    drop(journal);
    let (mut journal, ledgers) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
    let events: Vec<u32> = ledgers[&LEDGER].iter().map(|recorded| recorded.event).collect();
    assert_eq!((events, ledgers.len()), (vec![7, 8], 1));
    let own: Vec<Recorded<String>> = journal.administration().expect("texts");
    assert_eq!(own, [Recorded { at: Millis(2), event: "a model".to_owned() }]);
    journal.append_to(LedgerId::ADMINISTRATION, Millis(4), "a statement").expect("appends");
    journal.append(Millis(5), 9).expect("appends");
    drop(journal);
    let own = read_view::<String>(&path, LedgerId::ADMINISTRATION).expect("texts");
    assert_eq!(own.last().map(|recorded| recorded.event.as_str()), Some("a statement"));
    assert_eq!(read_view::<u32>(&path, LEDGER).expect("numbers").len(), 3);
    assert_eq!(read_ledgers::<u32>(&path).expect("numbers")[&LEDGER].len(), 3);
    // Beside a daemon that writes, half of an entry may be there; another kind of event is named.
    let length = std::fs::metadata(&path).expect("a file").len();
    OpenOptions::new().write(true).open(&path).expect("a file").set_len(length - 3).expect("cuts");
    assert_eq!(read_view::<String>(&path, LedgerId::ADMINISTRATION).expect("texts").len(), 2);
    let other = read_view::<[u64; 4]>(&path, LedgerId::ADMINISTRATION).map(|_| ()).expect_err("no such numbers");
    assert!(other.to_string().contains("entry 0 of its ledger"), "{other}");
    let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
    let other = journal.administration::<[u64; 4]>().map(|_| ()).expect_err("no such numbers");
    assert!(other.to_string().contains("entry 0 of its ledger"), "{other}");
}

/// The bytes that are cut are counted, by whoever opens the file and whoever only reads it, and told once.
#[test]
fn a_torn_tail_is_told_when_it_is_cut() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    filled(&path, &[1, 2]);
    let two = std::fs::read(&path).expect("reads").len();
    filled(&path, &[3]);
    let whole = std::fs::read(&path).expect("reads");
    for length in two + 1..whole.len() {
        std::fs::write(&path, &whole[..length]).expect("writes");
        let torn = TornTail { path: path.clone(), bytes: length - two, entry: 2 };
        assert_eq!(read_whole::<u32>(&path, LEDGER).expect("reads").1.as_ref(), Some(&torn), "cut at {length}");
        assert!(matches!(read::<u32>(&path, LEDGER), Err(JournalError::Torn(told)) if told == torn));
        assert_eq!(std::fs::read(&path).expect("reads").len(), length, "reading changes nothing");
        let (journal, events) = Journal::<u32>::open(&path, LEDGER).expect("opens");
        assert_eq!((journal.torn(), events.len()), (Some(&torn), 2), "cut at {length}");
        assert!(torn.to_string().contains(&format!("the last {} bytes", length - two)), "{torn}");
        drop(journal);
        assert_eq!(Journal::<u32>::open(&path, LEDGER).expect("opens").0.torn(), None, "it is gone");
    }
    // A file without a byte has not begun, and no byte is cut off it.
    std::fs::write(&path, []).expect("writes");
    assert_eq!(Journal::<u32>::open(&path, LEDGER).expect("opens").0.torn(), None);
}

#[cfg(unix)]
#[test]
fn what_is_made_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("above/state/a.ledger");
    filled(&path, &[1]);
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o600);
    for folder in path.ancestors().skip(1).take(2) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn a_second_opener_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    let (_held, _) = Journal::<u32>::open(&path, LEDGER).expect("opens");
    assert!(matches!(Journal::<u32>::open(&path, LEDGER), Err(JournalError::Locked(_))));
}

/// What is left of a record that was being written is gone before the next one is written: after it, that one would be damage.
#[test]
fn what_is_appended_behind_a_torn_tail_stands_behind_the_last_whole_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    filled(&path, &[1, 2, 3]);
    let whole = std::fs::read(&path).expect("reads");
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).expect("writes");
        let mut kept = events(&path);
        filled(&path, &[9]);
        kept.push(9);
        assert_eq!(events(&path), kept, "cut at {length}");
        let read: Vec<u32> =
            read(&path, LEDGER).expect("no tail is left").iter().map(|recorded| recorded.event).collect();
        assert_eq!(read, kept, "cut at {length}");
    }
}

/// Somebody put another ledger's file in this one's place.
#[test]
fn another_ledger_s_file_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    filled(&path, &[1]);
    let Err(fault) = Journal::<u32>::open(&path, LedgerId([8; 32])) else { panic!("opened") };
    assert!(fault.to_string().contains("does not belong into this file"), "{fault}");
    assert!(read_whole::<u32>(&path, LedgerId::BUDGET).is_err());
}

/// Nothing of it is written, and the journal goes on.
#[test]
fn an_event_that_is_too_long_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    let (mut journal, _) = Journal::<String>::open(&path, LEDGER).expect("opens");
    let long = "x".repeat(LEDGER_ENTRY_BYTES_MAX);
    assert!(matches!(journal.append(Millis(7), long), Err(JournalError::Refused { .. })));
    journal.append(Millis(7), "short".to_owned()).expect("appends");
    drop(journal);
    let read = read::<String>(&path, LEDGER).expect("is whole");
    assert_eq!(read.iter().map(|recorded| recorded.event.as_str()).collect::<Vec<_>>(), ["short"]);
}

/// An older file is left as it is, and its version is named.
#[test]
fn a_file_of_an_older_release_is_refused_by_its_version() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    let older = b"TRIBLDGR\x01\0\0\0";
    std::fs::write(&path, older).expect("writes");
    let Err(fault) = Journal::<u32>::open(&path, LEDGER) else { panic!("opened") };
    assert!(fault.to_string().contains("version 1, which an older release wrote"), "{fault}");
    assert_eq!(std::fs::read(&path).expect("reads"), older);
}

/// Bytes after a record that no record begins with are a torn one's; a whole record that contradicts the one before it is not.
#[test]
fn a_tail_is_torn_only_if_it_is_short() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    filled(&path, &[1]);
    let one = std::fs::read(&path).expect("reads");
    filled(&path, &[2]);
    let two = std::fs::read(&path).expect("reads");
    // The second record twice, and the first one again after it.
    for tail in [&two[one.len()..], &one[LOG_HEADER.len()..]] {
        let doubled = [two.as_slice(), tail].concat();
        std::fs::write(&path, &doubled).expect("writes");
        assert!(matches!(Journal::<u32>::open(&path, LEDGER), Err(JournalError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).expect("reads"), doubled, "a damaged file is left as it is");
    }
    // What decodes as another event is damage as well.
    filled_with(&path.with_extension("other"), "words");
    assert!(matches!(Journal::<u32>::open(&path.with_extension("other"), LEDGER), Err(JournalError::Damaged { .. })));
}

fn filled_with(path: &Path, event: &str) {
    let (mut journal, _) = Journal::<String>::open(path, LEDGER).expect("opens");
    journal.append(Millis(7), event.to_owned()).expect("appends");
    journal.sync().expect("syncs");
}

#[test]
fn a_file_cut_anywhere_keeps_its_whole_records_and_a_changed_byte_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    filled(&path, &[1, 2, 3]);
    let whole = std::fs::read(&path).expect("reads");
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).expect("writes");
        let kept = events(&path);
        assert!([1, 2, 3].starts_with(&kept) && kept.len() < 3, "cut at {length} left {kept:?}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        std::fs::write(&path, &changed).expect("writes");
        assert!(read::<u32>(&path, LEDGER).is_err(), "byte {index} changed unseen");
        assert_eq!(std::fs::read(&path).expect("reads"), changed, "a damaged file is left as it is");
    }
}

/// A journal of years is read a piece at a time: longer than a piece, with entries that lie across two.
#[test]
fn a_long_journal_is_read_in_pieces() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let (mut journal, _) = Journal::<Vec<u8>>::open_view(&path, LEDGER).expect("opens");
    let long = |number: u8| vec![number; WINDOW_BYTES / 3 + 7];
    for number in 0..12 {
        journal.append(Millis(1), long(number)).expect("appends");
        journal.append_to(LedgerId::ADMINISTRATION, Millis(2), u32::from(number)).expect("appends");
    }
    drop(journal);
    let own = read_view::<u32>(&path, LedgerId::ADMINISTRATION).expect("numbers");
    assert_eq!(own.iter().map(|recorded| recorded.event).collect::<Vec<_>>(), (0..12).collect::<Vec<u32>>());
    let other = read_view::<Vec<u8>>(&path, LEDGER).expect("bytes");
    assert!((0..).zip(&other).all(|(number, recorded)| recorded.event == long(number)) && other.len() == 12);
    // A change far beyond the first piece is found.
    let mut bytes = std::fs::read(&path).expect("a file");
    let place = bytes.len() * 3 / 4;
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).expect("a file");
    assert!(matches!(read_view::<u32>(&path, LedgerId::ADMINISTRATION), Err(JournalError::Damaged { .. })));
}

/// A journal that is made is synced with its folder, and one that is opened is synced, because whoever reads it relies on it.
#[cfg(unix)]
#[test]
fn a_journal_is_on_the_disk_before_anybody_relies_on_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.ledger");
    let ((mut journal, _), begun) = synced(None, || Journal::<u32>::open(&path, LEDGER).expect("opens"));
    assert_eq!(begun, [number(&path), number(dir.path())]);
    let nothing = journal.durable();
    let mut sync = |fails, appends: u32| {
        (0..appends).try_for_each(|number| journal.append(Millis(1), number)).expect("appends");
        let (done, synced) = synced(fails, || journal.sync());
        (done.is_ok(), synced, journal.durable(), journal.mark().offset())
    };
    assert_eq!(sync(None, 0), (true, vec![], nothing, nothing.bytes), "nothing was appended");
    let (done, synced_files, durable, end) = sync(None, 3);
    assert_eq!((done, synced_files, durable), (true, vec![number(&path)], Durable { bytes: end, entries: 3 }));
    assert_eq!(sync(None, 0), (true, vec![], durable, end), "nothing was appended since");
    let (done, _, left, longer) = sync(Some(1), 1);
    assert!(!done && left == durable && longer > end, "a sync that fails makes nothing durable");
    assert_eq!(
        std::fs::metadata(&path).expect("a file").len(),
        end,
        "nor does the system keep it for the next process"
    );
    // The system may say that a second one went well. Nothing is lost by what comes after.
    assert!(matches!(journal.sync(), Err(JournalError::Failed(_))));
    let told = journal.append(Millis(1), 5).expect_err("failed");
    assert!(matches!(&told, JournalError::Failed(at) if *at == path) && told.to_string().contains("start the program"));
    drop(journal);
    let ((journal, _), again) = synced(None, || Journal::<u32>::open(&path, LEDGER).expect("opens"));
    assert_eq!((again, journal.durable()), (vec![number(&path), number(dir.path())], durable));
}

/// Whoever opens it, and however: nothing is relied on that may be lost.
#[cfg(unix)]
#[test]
fn a_journal_whose_disk_fails_is_not_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    let failed = each_fault(|fault| {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, open) = (dir.path().join("journal"), |path: &Path| Journal::<u32>::open(path, LEDGER).map(drop));
        let opened = fault.during(|| open(&path));
        assert_eq!(opened.is_err_and(|told| told.is_full_disk()), fault.struck());
        // The next one syncs both, as the first was to.
        let asked = [number(&path), number(dir.path())];
        assert_eq!(synced(None, || open(&path).expect("opens")).1, asked);
    });
    assert_eq!(failed, 2);
    let path = dir.path().join("again");
    filled(&path, &[1]);
    let (opened, _) = synced(Some(1), || Journal::<u32>::open_view(&path, LEDGER).map(drop));
    let full = opened.expect_err("a full disk");
    assert!(full.is_full_disk() && full.to_string().contains("Make room on its disk"), "{full}");
    let away = Journal::<u32>::open(&path.join("in a file"), LEDGER).map(drop).expect_err("no folder");
    assert!(!away.is_full_disk() && away.to_string().contains("See that the disk and the folder are there"), "{away}");
}

/// What is read at opening and what is appended since have their leaves, each once; whoever visits the file, or checks its front, finds the same.
#[test]
fn each_entry_has_its_leaf_and_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
    (0..3).try_for_each(|number| journal.append(Millis(1), number)).expect("appends");
    let mut leaves = journal.take_leaves();
    assert_eq!((leaves.len(), journal.take_leaves().len()), (3, 0));
    drop(journal);
    let (mut journal, _) = Journal::<u32>::open_view(&path, LEDGER).expect("opens");
    assert_eq!(journal.take_leaves(), leaves);
    journal.append(Millis(1), 3).expect("appends");
    leaves.extend(journal.take_leaves());
    journal.sync().expect("syncs");
    let mut visited = Vec::new();
    let end = visit(&path, |entry| {
        visited.push((entry.position, entry.leaf));
        Ok(())
    });
    assert_eq!(end.expect("is whole"), journal.mark());
    assert_eq!(visited, (0..).zip(leaves.iter().copied()).collect::<Vec<_>>());
    assert_eq!(check_front(&path, &journal.mark()).expect("is whole"), leaves);
    drop(journal);
    assert!(Journal::<u32>::open(&path, LEDGER).expect("opens").0.take_leaves().is_empty(), "of one ledger");
}

/// An event that just fits is read back by every way in; one byte more is refused.
#[test]
fn the_longest_event_is_appended_and_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let (mut journal, _) = Journal::<String>::open_view(&path, LEDGER).expect("opens");
    let room = |length: usize| codec::encode(&Recorded { at: Millis(1), event: "x".repeat(length) }).len();
    let longest =
        (0..).find(|spare| room(LEDGER_ENTRY_BYTES_MAX - spare) <= LEDGER_ENTRY_BYTES_MAX).expect("some room");
    let event = "x".repeat(LEDGER_ENTRY_BYTES_MAX - longest);
    assert_eq!(room(event.len()), LEDGER_ENTRY_BYTES_MAX);
    let longer = format!("{event}x");
    assert!(matches!(journal.append(Millis(1), longer), Err(JournalError::Refused { .. })));
    journal.append(Millis(1), event.clone()).expect("just fits");
    journal.append_to(LedgerId::ADMINISTRATION, Millis(1), event.clone()).expect("just fits");
    drop(journal);
    let (mut journal, ledgers) = Journal::<String>::open_view(&path, LEDGER).expect("opens");
    let whole = [Recorded { at: Millis(1), event }];
    assert_eq!(ledgers[&LEDGER], whole);
    assert_eq!(journal.administration::<String>().expect("texts"), whole);
    for ledger in [LEDGER, LedgerId::ADMINISTRATION] {
        assert_eq!(read_view::<String>(&path, ledger).expect("texts"), whole);
    }
}
