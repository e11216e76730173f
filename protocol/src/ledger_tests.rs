#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

use alloc::vec;

use proptest::prelude::*;

use super::*;

const PAYLOADS: [&[u8]; 4] = [b"opened", b"", b"charged 12", b"closed"];

/// The file and the offset of each record's end.
fn ledger(payloads: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
    let mut file = LEDGER_HEADER.to_vec();
    let mut chain = Chain::new();
    let mut ends = vec![];
    for payload in payloads {
        file.extend(chain.append(payload));
        ends.push(file.len());
    }
    (file, ends)
}

fn records() -> Vec<Vec<u8>> {
    let (file, ends) = ledger(&PAYLOADS);
    let mut start = LEDGER_HEADER.len();
    ends.iter()
        .map(|end| {
            let record = file[start..*end].to_vec();
            start = *end;
            record
        })
        .collect()
}

fn file_of(records: &[&Vec<u8>]) -> Vec<u8> {
    let mut file = LEDGER_HEADER.to_vec();
    records.iter().for_each(|record| file.extend_from_slice(record));
    file
}

fn assert_front(scan: &Scan<'_>, count: usize) {
    let payloads: Vec<&[u8]> = scan.entries.iter().map(|entry| entry.payload).collect();
    assert_eq!(payloads, PAYLOADS[..count]);
    let (file, ends) = ledger(&PAYLOADS[..count]);
    assert_eq!(scan.good_length, ends.last().copied().unwrap_or(file.len()));
    assert_eq!(scan.chain, super::scan(&file).chain);
}

fn fault(sequence: u64, offset: usize, kind: LedgerFaultKind) -> Option<LedgerFault> {
    Some(LedgerFault { sequence, offset, kind })
}

#[test]
fn what_was_appended_is_read() {
    let (file, _) = ledger(&PAYLOADS);
    let scan = scan(&file);
    assert_eq!(scan.fault, None);
    assert_front(&scan, 4);
    assert_eq!(scan.good_length, file.len());
    assert_eq!(scan.chain.next_sequence(), 4);
    assert_eq!(scan.chain.head(), scan.entries[3].digest);
}

/// Frozen: ledgers on disk must stay readable.
#[test]
fn golden_bytes() {
    let record = Chain::new().append(b"ab");
    assert_eq!(record[..14], [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    let digest = Digest::of(&[b"tributary-ledger".as_slice(), &[0; 32], &[0; 8], &[2, 0, 0, 0], b"ab"].concat());
    assert_eq!(record[14..], *digest.as_bytes());
    assert_eq!(LEDGER_HEADER, *b"TRIBLDGR\x01\0\0\0");
}

#[test]
fn an_empty_file_is_an_empty_ledger() {
    let scan = scan(&[]);
    assert!(scan.entries.is_empty() && scan.fault.is_none());
    assert_eq!((scan.good_length, scan.chain), (0, Chain::new()));
}

#[test]
fn truncation_at_every_byte_keeps_the_whole_entries() {
    let (file, ends) = ledger(&PAYLOADS);
    for end in 1..file.len() {
        let scan = scan(&file[..end]);
        let whole = ends.iter().filter(|boundary| **boundary <= end).count();
        let last = ends[..whole].last().copied().unwrap_or(LEDGER_HEADER.len());
        if end < LEDGER_HEADER.len() {
            assert_eq!((scan.good_length, scan.fault), (0, fault(0, 0, LedgerFaultKind::TornTail)), "cut at {end}");
            continue;
        }
        let torn = (end > last).then_some(LedgerFault {
            sequence: whole as u64,
            offset: last,
            kind: LedgerFaultKind::TornTail,
        });
        assert_eq!(scan.fault, torn, "cut at {end}");
        assert_front(&scan, whole);
        // Recovery: cut, then append the rest again; the result is the original file.
        let (mut recovered, mut chain) = (file[..scan.good_length].to_vec(), scan.chain);
        PAYLOADS[whole..].iter().for_each(|payload| recovered.extend(chain.append(payload)));
        assert!(recovered == file, "cut at {end}");
    }
}

#[test]
fn every_changed_byte_is_tampering_at_its_entry() {
    let (file, ends) = ledger(&PAYLOADS);
    for position in 0..file.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[position] ^= flip;
            let scan = scan(&changed);
            let found = scan.fault.unwrap_or_else(|| panic!("byte {position} flipped by {flip}: not noticed"));
            assert_ne!(found.kind, LedgerFaultKind::TornTail, "byte {position} flipped by {flip}");
            if position < LEDGER_HEADER.len() {
                assert_eq!(Some(found), fault(0, 0, LedgerFaultKind::BadHeader));
            } else {
                let entry = ends.iter().filter(|end| **end <= position).count();
                assert_eq!(found.sequence, entry as u64, "byte {position} flipped by {flip}");
                assert_front(&scan, entry);
            }
        }
    }
}

/// A length raised so that the record, and all after it, look like a torn tail.
#[test]
fn raised_lengths_are_tampering() {
    let (file, ends) = ledger(&PAYLOADS);
    let starts: Vec<usize> = [LEDGER_HEADER.len()].into_iter().chain(ends.iter().copied()).take(4).collect();
    for (entry, start) in starts.into_iter().enumerate() {
        let rest = file.len() - start - RECORD_OVERHEAD_BYTES;
        for length in rest + 1..rest + 300 {
            let mut changed = file.clone();
            changed[start..start + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            assert_eq!(scan(&changed).fault, fault(entry as u64, start, LedgerFaultKind::BadDigest), "length {length}");
        }
    }
}

#[test]
fn a_record_longer_than_any_entry_is_refused() {
    let (mut file, ends) = ledger(&PAYLOADS[..1]);
    let mut record = u32::try_from(LEDGER_ENTRY_BYTES_MAX + 1).unwrap().to_le_bytes().to_vec();
    record.extend_from_slice(&1_u64.to_le_bytes());
    file.extend_from_slice(&record);
    assert_eq!(scan(&file).fault, fault(1, ends[0], LedgerFaultKind::TooLong));
}

#[test]
fn deleted_repeated_and_reordered_records_are_named() {
    let records = records();
    let [a, b, c, d] = &records[..] else { panic!("four records") };
    let cases: [(&[&Vec<u8>], u64); 6] = [
        (&[b, c, d], 0),
        (&[a, c, d], 1),
        (&[a, b, d], 2),
        (&[a, a, b, c, d], 1),
        (&[a, b, c, c, d], 3),
        (&[a, c, b, d], 1),
    ];
    for (records, entry) in cases {
        let file = file_of(records);
        let scan = scan(&file);
        assert_eq!(scan.fault.map(|fault| (fault.sequence, fault.kind)), Some((entry, LedgerFaultKind::BadSequence)));
        assert_front(&scan, usize::try_from(entry).unwrap());
    }
    // Only the chain's head, anchored elsewhere, shows that the end is missing.
    let shortened = file_of(&[a, b, c]);
    assert_eq!(scan(&shortened).fault, None);
    assert_ne!(scan(&shortened).chain, scan(&file_of(&[a, b, c, d])).chain);
}

#[test]
fn an_inserted_record_breaks_the_chain_unless_everything_after_it_is_rewritten() {
    let (file, ends) = ledger(&PAYLOADS[..2]);
    let mut forger = scan(&file).chain;
    let forged = forger.append(b"forged");
    let records = records();
    let changed = [file.as_slice(), &forged, &records[2], &records[3]].concat();
    assert_eq!(scan(&changed).fault, fault(3, ends[1] + forged.len(), LedgerFaultKind::BadSequence));
    // With the right number but made from another history.
    let mut other = Chain::new();
    let _ = (other.append(b"x"), other.append(b"y"));
    let changed = [file.as_slice(), &other.append(b"z")].concat();
    assert_eq!(scan(&changed).fault, fault(2, ends[1], LedgerFaultKind::BadDigest));
}

#[test]
fn a_tail_of_zeros_is_a_torn_append() {
    let (file, ends) = ledger(&PAYLOADS);
    for zeros in [1, 11, 12, 44, 500] {
        let mut torn = file.clone();
        torn.resize(file.len() + zeros, 0);
        let scan = scan(&torn);
        assert_eq!(scan.fault, fault(4, ends[3], LedgerFaultKind::TornTail));
        assert_front(&scan, 4);
    }
}

proptest! {
    #[test]
    fn arbitrary_tails_never_panic_and_never_hide_the_front(
        tail in prop::collection::vec(prop_oneof![4 => 0_u8..3, 1 => any::<u8>()], 0..120)
    ) {
        let (mut file, _) = ledger(&PAYLOADS);
        let length = file.len();
        file.extend_from_slice(&tail);
        let scan = scan(&file);
        prop_assert_eq!(scan.entries.len(), 4);
        prop_assert_eq!(scan.good_length, length);
        prop_assert_eq!(scan.fault.is_some(), !tail.is_empty());
    }

    #[test]
    fn arbitrary_files_never_panic(file in prop::collection::vec(any::<u8>(), 0..120)) {
        let scan = scan(&file);
        prop_assert!(scan.entries.is_empty());
    }
}
