#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

use alloc::collections::BTreeMap;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::digest::Digest;
use crate::ids::RunId;
use crate::limits::LEDGER_ENTRY_BYTES_MAX;
use crate::merkle::{Frontier, MerkleTree, leaf_digest};
use crate::versioned::VersionFault;

const RUN: LedgerId = LedgerId([7; 32]);
const OTHER: LedgerId = LedgerId([8; 32]);

/// Ledgers in turn, with their sequences and events.
const ENTRIES: [(LedgerId, u64, &[u8]); 5] =
    [(RUN, 0, b"opened"), (OTHER, 0, b""), (RUN, 1, b"charged 12"), (OTHER, 1, b"opened"), (RUN, 2, b"closed")];

/// The file and the offset of each record's end.
fn journal(entries: &[(LedgerId, u64, &[u8])]) -> (Vec<u8>, Vec<usize>) {
    let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
    let ends = entries.iter().map(|(ledger, sequence, event)| {
        file.extend(log.append(*ledger, *sequence, event).unwrap());
        file.len()
    });
    let ends = ends.collect();
    (file, ends)
}

fn records() -> Vec<Vec<u8>> {
    let (file, ends) = journal(&ENTRIES);
    let starts = [LOG_HEADER_BYTES].into_iter().chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| file[start..*end].to_vec()).collect()
}

fn file_of(records: &[&Vec<u8>]) -> Vec<u8> {
    let mut file = LOG_HEADER.to_vec();
    records.iter().for_each(|record| file.extend_from_slice(record));
    file
}

fn scanned(file: &[u8]) -> Scan<'_> {
    scan(Entries::new(file))
}

fn assert_front(scan: &Scan<'_>, count: usize) {
    let entries: Vec<_> = scan.entries.iter().map(|entry| (entry.ledger, entry.sequence, entry.event)).collect();
    assert_eq!(entries, ENTRIES[..count]);
    let (file, ends) = journal(&ENTRIES[..count]);
    assert_eq!(scan.good_length, ends.last().copied().unwrap_or(file.len()) as u64);
    assert_eq!(scan.log, scanned(&file).log);
}

fn fault(position: u64, offset: usize, kind: LogFaultKind) -> Option<LogFault> {
    Some(LogFault { position, offset: offset as u64, kind })
}

/// Reads through a window that is never longer than what the reader asks for.
fn through_windows(file: &[u8]) -> (Vec<Vec<u8>>, LogReader) {
    let (mut reader, mut events, mut asked) = (LogReader::new(), vec![], 1);
    loop {
        let rest = &file[usize::try_from(reader.offset()).unwrap()..];
        let window = &rest[..asked.min(rest.len())];
        match reader.step(window, window.len() == rest.len()) {
            Step::Entry(entry) => events.push(entry.event.to_vec()),
            Step::More(bytes) => {
                assert!(bytes > window.len() && bytes <= ZEROS_BYTES_MAX + 1, "{bytes} after {}", window.len());
                asked = bytes;
                continue;
            }
            Step::End | Step::Fault(_) => return (events, reader),
        }
        asked = 1;
    }
}

#[test]
fn a_journal_is_read_on_from_a_place_with_the_bytes_after_it_alone() {
    let (file, ends) = journal(&ENTRIES);
    let mut reader = LogReader::new();
    for _ in 0..2 {
        assert!(matches!(reader.step(&file[usize::try_from(reader.offset()).unwrap()..], true), Step::Entry(_)));
    }
    let mark = reader.mark();
    assert_eq!(mark.offset, ends[1] as u64);
    let rest = Entries::after(&mark, &file[ends[1]..]);
    assert_eq!(rest.length(), file.len() as u64);
    let read: Vec<_> = rest.map(|entry| (entry.ledger, entry.sequence, entry.event.to_vec())).collect();
    assert_eq!(
        read,
        ENTRIES[2..].iter().map(|(ledger, sequence, event)| (*ledger, *sequence, event.to_vec())).collect::<Vec<_>>()
    );
}

#[test]
fn what_was_appended_is_read() {
    let (file, ends) = journal(&ENTRIES);
    let scan = scanned(&file);
    assert_eq!(scan.fault, None);
    assert_front(&scan, 5);
    assert_eq!((scan.log.size(), scan.good_length), (5, file.len() as u64));
    for (entry, (position, end)) in scan.entries.iter().zip((0..).zip(&ends)) {
        let record = entry.event.len() + RECORD_OVERHEAD_BYTES;
        assert_eq!((entry.position, entry.offset), (position, (end - record) as u64));
    }
}

/// Frozen: journals on disk must stay readable, and auditors make the same leaves.
#[test]
fn golden_bytes() {
    assert_eq!(LOG_HEADER, *b"TRIBLDGR\x02\0\0\0\0\0\x02\0\x01");
    let mut log = Log::new();
    let first = log.append(RUN, 0, b"ab").unwrap();
    let second = log.append(RUN, 1, b"").unwrap();
    assert_eq!(first[..12], [42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(first[12..54], [[7; 32].as_slice(), &[0; 8], b"ab"].concat());
    let leaf = Digest::of(&[&[0], &first[12..54]].concat());
    let begin = Digest::of(&LOG_HEADER);
    let head = [b"tributary-log/2".as_slice(), begin.as_bytes(), &[0; 8], &[42, 0, 0, 0], leaf.as_bytes()].concat();
    assert_eq!(first[54..], *Digest::of(&head).as_bytes());
    assert_eq!(second[..12], [40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let other = Digest::of(&[&[0], &second[12..52]].concat());
    assert_eq!(log.root(), Digest::of(&[&[1], leaf.as_bytes().as_slice(), other.as_bytes()].concat()));
}

#[test]
fn the_fixed_ledgers_have_the_digests_of_their_labels() {
    let label = |label: &str| LedgerId(Digest::of(label.as_bytes()).0);
    assert_eq!(LedgerId::ADMINISTRATION, label("tributary/ledger/administration/1"));
    assert_eq!(LedgerId::BUDGET, label("tributary/ledger/budget/1"));
    assert_eq!(LedgerId::MODELS, label("tributary/ledger/models/1"));
    assert_eq!(LedgerId::CONTACT, label("tributary/ledger/contact/1"));
    assert_eq!(LedgerId::from(RunId([5; 32])), LedgerId([5; 32]));
}

#[test]
fn an_empty_file_is_an_empty_journal() {
    let scan = scanned(&[]);
    assert!(scan.entries.is_empty() && scan.fault.is_none());
    assert_eq!((scan.good_length, scan.log), (0, Log::new()));
}

#[test]
fn a_ledger_is_a_view_of_the_journal() {
    let (file, _) = journal(&ENTRIES);
    let view = |ledger| Entries::new(&file).view(ledger).map(|entry| (entry.sequence, entry.event)).collect::<Vec<_>>();
    assert_eq!(view(RUN), [(0, b"opened".as_slice()), (1, b"charged 12"), (2, b"closed")]);
    assert_eq!(view(OTHER), [(0, b"".as_slice()), (1, b"opened")]);
    assert_eq!(view(LedgerId::BUDGET), []);
    assert_eq!(scanned(&file).log.ledgers().collect::<Vec<_>>(), [(RUN, 3), (OTHER, 2)]);
    // A fault anywhere ends the view, and its reader says so.
    let mut changed = file;
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let mut view = Entries::new(&changed).view(OTHER);
    assert_eq!(view.by_ref().count(), 2);
    assert_eq!(view.reader().fault().map(|fault| (fault.position, fault.kind)), Some((4, LogFaultKind::BadDigest)));
}

#[test]
fn the_tree_is_over_the_entries() {
    let (file, _) = journal(&ENTRIES);
    let scan = scanned(&file);
    let leaves: Vec<Digest> = scan.entries.iter().map(|entry| entry.leaf).collect();
    for (leaf, (ledger, sequence, event)) in leaves.iter().zip(ENTRIES) {
        let entry = [ledger.0.as_slice(), &sequence.to_le_bytes(), event].concat();
        assert_eq!(*leaf, leaf_digest(Digest::of_parts, &entry));
    }
    let mut log = Log::new();
    let appended = ENTRIES.map(|(ledger, sequence, event)| log.append_leaf(ledger, sequence, event).unwrap());
    assert_eq!((appended.map(|(_, leaf)| leaf).as_slice(), &log), (leaves.as_slice(), &scan.log));
    assert_eq!(scan.log.root(), MerkleTree::new(Digest::of_parts, leaves).root());
}

#[test]
fn what_is_not_next_is_not_appended() {
    let mut log = Log::of_ledger(RUN);
    let _ = log.append(RUN, 0, b"first").unwrap();
    let before = log.clone();
    let cases = [
        (RUN, 0, 1, AppendFault::Sequence { ledger: RUN, given: 0, expected: 1 }),
        (RUN, 2, 1, AppendFault::Sequence { ledger: RUN, given: 2, expected: 1 }),
        (OTHER, 0, 1, AppendFault::OtherLedger { ledger: OTHER }),
        (
            RUN,
            1,
            LEDGER_ENTRY_BYTES_MAX + 1,
            AppendFault::TooLong { bytes: LEDGER_ENTRY_BYTES_MAX + 1, limit: LEDGER_ENTRY_BYTES_MAX },
        ),
    ];
    for (ledger, sequence, bytes, fault) in cases {
        assert_eq!(log.append(ledger, sequence, &vec![0; bytes]), Err(fault));
        assert_eq!(log, before, "{fault}");
    }
    let (mut file, _) = journal(&[(RUN, 0, b"first")]);
    let start = file.len();
    file.extend(log.append(RUN, 1, &vec![0; LEDGER_ENTRY_BYTES_MAX]).unwrap());
    assert_eq!(file.len() - start, RECORD_BYTES_MAX);
    // The longest one is read, through a window that is as long.
    let mut reader = LogReader::of_ledger(RUN);
    assert!(matches!(reader.step(&file, false), Step::Entry(_)));
    assert!(reader.step(&file[start..start + 12], false) == Step::More(RECORD_BYTES_MAX));
    assert!(matches!(reader.step(&file[start..], false), Step::Entry(_)));
    assert_eq!(reader.into_log(), log);
}

/// Whoever counts on it finds a number for the next entry of every ledger.
#[test]
fn a_ledgers_last_number_is_never_given() {
    for (sequence, admitted) in [(u64::MAX - 1, true), (u64::MAX, false)] {
        let mut log = Log::kept(Digest::ZERO, Frontier::new(), BTreeMap::from([(RUN, sequence)]));
        assert_eq!(log.append(RUN, sequence, b"").is_ok(), admitted);
        assert_eq!(log.next_sequence(&RUN), u64::MAX);
    }
}

#[test]
fn truncation_at_every_byte_keeps_the_whole_entries() {
    let (file, ends) = journal(&ENTRIES);
    for end in 1..file.len() {
        let scan = scanned(&file[..end]);
        let whole = ends.iter().filter(|boundary| **boundary <= end).count();
        let last = ends[..whole].last().copied().unwrap_or(LOG_HEADER_BYTES);
        if end < LOG_HEADER_BYTES {
            assert_eq!((scan.good_length, scan.fault), (0, fault(0, 0, LogFaultKind::TornTail)), "cut at {end}");
            continue;
        }
        let torn = (end > last).then(|| fault(whole as u64, last, LogFaultKind::TornTail)).flatten();
        assert_eq!(scan.fault, torn, "cut at {end}");
        assert_front(&scan, whole);
        // Recovery: cut, then append the rest again; the result is the original file.
        let (mut recovered, mut log) = (file[..last].to_vec(), scan.log);
        for (ledger, sequence, event) in &ENTRIES[whole..] {
            recovered.extend(log.append(*ledger, *sequence, event).unwrap());
        }
        assert!(recovered == file, "cut at {end}");
    }
}

#[test]
fn every_changed_byte_is_tampering_at_its_entry() {
    let (file, ends) = journal(&ENTRIES);
    for position in 0..file.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[position] ^= flip;
            let scan = scanned(&changed);
            let found = scan.fault.unwrap_or_else(|| panic!("byte {position} flipped by {flip}: not noticed"));
            assert_ne!(found.kind, LogFaultKind::TornTail, "byte {position} flipped by {flip}");
            if position < LOG_HEADER_BYTES {
                assert_eq!((found.position, found.offset, scan.good_length), (0, 0, 0));
                let fits = match found.kind {
                    LogFaultKind::Hashes(_) => position == LOG_HEADER_BYTES - 1,
                    LogFaultKind::Header(VersionFault::Newer { .. }) => (8..12).contains(&position),
                    LogFaultKind::Header(VersionFault::Other { .. }) => !(8..12).contains(&position),
                    _ => false,
                };
                assert!(fits, "byte {position} flipped by {flip}: {found}");
            } else {
                let entry = ends.iter().filter(|end| **end <= position).count();
                assert_eq!(found.position, entry as u64, "byte {position} flipped by {flip}");
                assert_front(&scan, entry);
            }
        }
    }
}

/// A length raised so that the record, and all after it, look like a torn tail.
#[test]
fn raised_lengths_are_tampering() {
    let (file, ends) = journal(&ENTRIES);
    let starts: Vec<usize> = [LOG_HEADER_BYTES].into_iter().chain(ends.iter().copied()).take(5).collect();
    for (entry, start) in starts.into_iter().enumerate() {
        let rest = file.len() - start - (RECORD_OVERHEAD_BYTES - 40);
        for length in rest + 1..rest + 300 {
            let mut changed = file.clone();
            changed[start..start + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            assert_eq!(scanned(&changed).fault, fault(entry as u64, start, LogFaultKind::BadDigest), "length {length}");
        }
    }
}

#[test]
fn a_record_longer_or_shorter_than_any_entry_is_refused() {
    for bytes in [0, 39, LEDGER_ENTRY_BYTES_MAX + 41, 0xffff_ffff] {
        let (mut file, ends) = journal(&ENTRIES[..1]);
        let bytes = u32::try_from(bytes).unwrap();
        file.extend_from_slice(&bytes.to_le_bytes());
        file.extend_from_slice(&1_u64.to_le_bytes());
        assert_eq!(scanned(&file).fault, fault(1, ends[0], LogFaultKind::BadLength { bytes }));
    }
}

#[test]
fn deleted_repeated_and_reordered_records_are_named() {
    let records = records();
    let [a, b, c, d, e] = &records[..] else { panic!("five records") };
    let cases: [(&[&Vec<u8>], u64); 6] = [
        (&[b, c, d, e], 0),
        (&[a, c, d, e], 1),
        (&[a, b, c, e], 3),
        (&[a, a, b, c, d, e], 1),
        (&[a, b, c, c, d, e], 3),
        (&[a, c, b, d, e], 1),
    ];
    for (records, entry) in cases {
        let file = file_of(records);
        let scan = scanned(&file);
        assert_eq!(scan.fault.map(|fault| (fault.position, fault.kind)), Some((entry, LogFaultKind::BadPosition)));
        assert_front(&scan, usize::try_from(entry).unwrap());
    }
    // Only a checkpoint, kept elsewhere, shows that the end is missing.
    let (shortened, whole) = (file_of(&[a, b, c, d]), file_of(&[a, b, c, d, e]));
    assert_eq!(scanned(&shortened).fault, None);
    assert_ne!(scanned(&shortened).log.checkpoint("x"), scanned(&whole).log.checkpoint("x"));
}

#[test]
fn an_inserted_record_breaks_the_chain_unless_everything_after_it_is_rewritten() {
    let (file, ends) = journal(&ENTRIES[..2]);
    let forged = scanned(&file).log.append(OTHER, 1, b"forged").unwrap();
    let records = records();
    let changed = [file.as_slice(), &forged, &records[2], &records[3]].concat();
    assert_eq!(scanned(&changed).fault, fault(3, ends[1] + forged.len(), LogFaultKind::BadPosition));
    // With the right number but made from another history.
    let mut other = Log::new();
    let _ = (other.append(OTHER, 0, b"x").unwrap(), other.append(OTHER, 1, b"y").unwrap());
    let changed = [file.as_slice(), &other.append(OTHER, 2, b"z").unwrap()].concat();
    assert_eq!(scanned(&changed).fault, fault(2, ends[1], LogFaultKind::BadDigest));
}

/// What the journal's own software wrote, or whoever wrote it anew with all its digests.
#[test]
fn a_gap_or_a_repeat_in_a_ledger_is_a_fault_in_a_file_that_is_well_chained() {
    for (sequence, expected) in [(0, 1), (2, 1), (u64::MAX, 1)] {
        let (mut file, ends) = journal(&ENTRIES[..2]);
        let log = scanned(&file).log;
        let (record, _) = layout::record(&log.head(), 2, (RUN, sequence), b"charged 12").unwrap();
        file.extend_from_slice(&record);
        let scan = scanned(&file);
        let kind = LogFaultKind::BadSequence { ledger: RUN, found: sequence, expected };
        assert_eq!(scan.fault, fault(2, ends[1], kind));
        assert_front(&scan, 2);
        assert!(scan.fault.unwrap().to_string().contains("where entry 1 was due"));
    }
}

#[test]
fn a_file_of_one_ledger_has_no_entry_of_another() {
    let (file, ends) = journal(&ENTRIES);
    let one = scan(Entries::of_ledger(&file, RUN));
    assert_eq!(one.entries.len(), 1);
    assert_eq!(one.fault, fault(1, ends[0], LogFaultKind::OtherLedger { ledger: OTHER }));
    let (file, _) = journal(&ENTRIES[..1]);
    let mut log = scan(Entries::of_ledger(&file, RUN)).log;
    assert_eq!(log.append(OTHER, 0, b""), Err(AppendFault::OtherLedger { ledger: OTHER }));
}

#[test]
fn a_tail_of_zeros_is_a_torn_append() {
    let (file, ends) = journal(&ENTRIES);
    for zeros in [1, 11, 12, 44, 84, 500, ZEROS_BYTES_MAX] {
        let mut torn = file.clone();
        torn.resize(file.len() + zeros, 0);
        let scan = scanned(&torn);
        assert_eq!(scan.fault, fault(5, ends[4], LogFaultKind::TornTail), "{zeros} zeros");
        assert_front(&scan, 5);
        // With something after them they are no tail.
        torn.push(1);
        assert_ne!(scanned(&torn).fault.map(|fault| fault.kind), Some(LogFaultKind::TornTail).filter(|_| zeros > 11));
    }
    let mut longer = file;
    longer.resize(longer.len() + ZEROS_BYTES_MAX + 1, 0);
    assert_eq!(scanned(&longer).fault, fault(5, ends[4], LogFaultKind::BadPosition));
    for zeros in [1, LOG_HEADER_BYTES, 500] {
        assert_eq!(scanned(&vec![0; zeros]).fault, fault(0, 0, LogFaultKind::TornTail), "{zeros} zeros alone");
    }
}

#[test]
fn other_versions_are_refused_with_what_to_do() {
    let told = |file: &[u8]| scanned(file).fault.unwrap().to_string();
    assert_eq!(
        told(b"TRIBLDGR\x01\0\0\0\x05\0\0\0and so on"),
        "journal entry 0 at byte 0: this is a journal of version 1, which an older release wrote; this release reads version 2 alone. Keep the \
         file as evidence, verify it with the release that wrote it, and begin a new one"
    );
    assert_eq!(
        told(b"TRIBLDGR\x03\0\0\0\x01\0\x05\0and so on"),
        "journal entry 0 at byte 0: this is a journal of version 3, which a newer release wrote; use release 1.5 or later"
    );
    let hashes = told(&[&LOG_HEADER[..LOG_HEADER_BYTES - 1], &[2]].concat());
    assert!(hashes.contains("digests of algorithm 2, which this release does not know"), "{hashes}");
    assert!(told(b"something else altogether").contains("does not begin as a journal"));
}

#[test]
fn a_window_reads_what_a_whole_file_does() {
    let (file, _) = journal(&ENTRIES);
    let mut zeros = file.clone();
    zeros.resize(file.len() + 3 * RECORD_BYTES_MAX, 0);
    let mut zeros_and_more = zeros.clone();
    zeros_and_more.push(1);
    let mut large = LOG_HEADER.to_vec();
    let mut log = Log::new();
    large.extend(log.append(RUN, 0, &vec![3; 1 << 20]).unwrap());
    large.extend(log.append(RUN, 1, b"small").unwrap());
    let mut files: Vec<Vec<u8>> = (0..=file.len()).map(|end| file[..end].to_vec()).collect();
    files.extend((0..file.len()).map(|position| {
        let mut changed = file.clone();
        changed[position] ^= 0x80;
        changed
    }));
    let zeros_first = [vec![0; 30], vec![1]].concat();
    files.extend([zeros, zeros_and_more, large, vec![0; 3 * RECORD_BYTES_MAX], zeros_first]);
    for file in &files {
        let (events, reader) = through_windows(file);
        let whole = scanned(file);
        assert_eq!(events, whole.entries.iter().map(|entry| entry.event.to_vec()).collect::<Vec<_>>());
        assert_eq!((reader.offset(), reader.fault(), reader.log()), (whole.good_length, whole.fault, &whole.log));
    }
}

#[test]
fn a_reader_stays_at_its_fault() {
    let (mut file, _) = journal(&ENTRIES[..1]);
    file.push(1);
    let mut entries = Entries::new(&file);
    assert_eq!(entries.by_ref().count(), 1);
    let fault = entries.reader().fault().unwrap();
    let mut reader = entries.reader().clone();
    let records = records();
    assert!(reader.step(&records[1], true) == Step::Fault(fault));
}

proptest! {
    #[test]
    fn arbitrary_tails_never_panic_and_never_hide_the_front(
        tail in prop::collection::vec(prop_oneof![4 => 0_u8..3, 1 => any::<u8>()], 0..120)
    ) {
        let (mut file, _) = journal(&ENTRIES);
        let length = file.len();
        file.extend_from_slice(&tail);
        let scan = scanned(&file);
        prop_assert_eq!(scan.entries.len(), 5);
        prop_assert_eq!(scan.good_length, length as u64);
        prop_assert_eq!(scan.fault.is_some(), !tail.is_empty());
        prop_assert_eq!(through_windows(&file).1.fault(), scan.fault);
    }

    #[test]
    fn arbitrary_files_never_panic(file in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(scanned(&file).entries.is_empty());
        prop_assert_eq!(through_windows(&file).1.fault(), scanned(&file).fault);
    }
}
