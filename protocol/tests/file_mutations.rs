//! The core's files under mutations: journals of this and of the earlier layout, kept rounds and sums. One test, alone in its process, because the
//! allocator counts for the whole process.
//!
//! `MUTATIONS=1000000 cargo test --release -p tributary-protocol --features toy --test file_mutations -- --nocapture`

#[path = "../fuzz/targets/campaign.rs"]
mod campaign;
#[path = "../fuzz/targets/mutate.rs"]
mod mutate;

use std::collections::BTreeMap;
use std::path::Path;

use campaign::{Tally, campaign, cases_of_each};
use peak_alloc::PeakAlloc;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{FrameReader, encode_frame};
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{Entries, LogFaultKind, scan};
use tributary_protocol::message::frame_bytes_max;
use tributary_protocol::round::cast::masked_round;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, Recorded};
use tributary_protocol::secagg::kept::{
    CommittedRound, KeptHead, KeptRound, SUM_FORMAT, before_upload, opened_secrets, read_sum,
};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::toy::Toy;
use tributary_protocol::versioned::VersionFault;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RING: Ring = Ring::Bits64;

/// First bytes of a journal of version 1.
const EARLIER: &[u8] = b"TRIBLDGR\x01\0\0\0";

#[test]
fn no_mutated_file_panics_or_is_believed_or_allocates_beyond_its_limit() {
    let each = cases_of_each(5);
    for (name, tally) in [
        ("journal", journals(each)),
        ("journal of the earlier layout", earlier_journals(each)),
        ("kept round", kept_rounds(each)),
        ("kept sum", kept_sums(each)),
        ("frames", frames(each)),
    ] {
        tally.told(name);
    }
}

fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

/// What the events of a journal take, each a list of at most sixteen times its bytes and what serde sets aside on the word of a length.
fn journal_bytes_max(bytes: usize) -> usize {
    (3 << 20) + (64 << 10) + 64 * bytes
}

/// Entries are a front of what was written, or of another journal's: the chain is broken by every change.
fn journals(cases: u64) -> Tally {
    let valid: Vec<Vec<u8>> = corpus("ledger").into_iter().filter(|bytes| !bytes.starts_with(EARLIER)).collect();
    let written: Vec<Vec<Vec<u8>>> = valid
        .iter()
        .map(|bytes| scan(Entries::new(bytes)).entries.iter().map(|entry| entry.event.to_vec()).collect())
        .collect();
    assert!(written.iter().all(|entries| !entries.is_empty()), "the corpus is of the current layout");
    campaign(cases, &valid, journal_bytes_max, |bytes, _| {
        let found = scan(Entries::new(bytes));
        let front = |entries: &Vec<Vec<u8>>| {
            entries.len() >= found.entries.len()
                && entries.iter().zip(&found.entries).all(|(written, found)| written == found.event)
        };
        assert!(written.iter().any(front), "an entry that nobody wrote was believed");
        for entry in &found.entries {
            canonical::<Recorded<CoordinatorEvent>>(entry.event);
            canonical::<Recorded<ParticipantEvent>>(entry.event);
        }
        found.fault.is_none()
    })
}

fn canonical<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes, LEDGER_ENTRY_BYTES_MAX) {
        assert!(codec::encode(&value) == bytes, "a second encoding of one event was accepted");
    }
}

/// Version 1 had a header without the release, and one chain without ledgers. Nothing of it is read, and the version is named while it stands.
fn earlier_journals(cases: u64) -> Tally {
    let valid: Vec<Vec<u8>> = corpus("ledger").into_iter().filter(|bytes| bytes.starts_with(EARLIER)).collect();
    assert!(!valid.is_empty(), "corpus/ledger/version_1 was written by an earlier release and stays");
    for bytes in &valid {
        let fault = scan(Entries::new(bytes)).fault.expect("an older version").kind;
        assert!(matches!(fault, LogFaultKind::Header(VersionFault::Older { found: 1, reads: 2, .. })), "{fault}");
    }
    campaign(cases, &valid, journal_bytes_max, |bytes, _| {
        let found = scan(Entries::new(bytes));
        assert!(found.entries.is_empty(), "an entry of another layout was believed");
        if bytes.starts_with(EARLIER) {
            let kind = found.fault.expect("an older version").kind;
            assert!(matches!(kind, LogFaultKind::Header(VersionFault::Older { found: 1, .. })), "{kind}");
        }
        false
    })
}

/// A round of three survivors and one lost member, as its coordinator keeps it.
struct Kept {
    bytes: Vec<u8>,
    head: KeptHead,
    admitted: BTreeMap<ClientId, Digest>,
    sum: Digest,
    values: Vec<i64>,
}

fn kept() -> Kept {
    let head = KeptHead { round: RoundId(9), descriptor: Digest([7; 32]), ring: RING, dimension: 4 };
    let values = [3, 5, 8].map(|client| (ClientId(client), vec![1, -2, 3, i64::from(client)]));
    let made = masked_round::<Toy>((head.round, head.descriptor, RING), &values, &[ClientId(6)]);
    let (mut bytes, mut admitted) = (head.encode(), BTreeMap::new());
    let mut sum = MaskedSum::new(head.round, RING, 4);
    for ((client, _), (ticket, upload)) in values.iter().zip(made.uploads) {
        bytes.extend_from_slice(&before_upload(*client));
        bytes.extend_from_slice(&upload);
        admitted.insert(*client, Digest::of_vector(&upload));
        sum.fold(ticket.verify(&upload).expect("its own upload")).expect("folds");
    }
    bytes.extend_from_slice(&opened_secrets(&made.permit));
    let sum = sum.unmask::<Toy>(made.permit).expect("opens");
    Kept { bytes, head, admitted, sum: sum.digest(), values: sum.values() }
}

/// Whatever decodes has the length of its parts, and none but the original recomputes the committed sum.
fn kept_rounds(cases: u64) -> Tally {
    let kept = kept();
    let committed = CommittedRound { head: kept.head, admitted: &kept.admitted, sum: kept.sum };
    let whole = KeptRound::decode(&kept.bytes).expect("as it was kept");
    assert!(whole.recompute::<Toy>(&committed).is_ok_and(|sum| sum.values() == kept.values));
    campaign(
        cases,
        std::slice::from_ref(&kept.bytes),
        |bytes| (64 << 10) + 64 * bytes,
        |bytes, _| {
            let Ok(round) = KeptRound::decode(bytes) else { return false };
            let survivors = round.survivors().count() as u64;
            let without_pairs = round.head().kept_bytes(survivors, 0);
            let pairs = (bytes.len() as u64).checked_sub(without_pairs).expect("no shorter than its parts");
            assert!(pairs.is_multiple_of(34), "bytes that are no part of the round");
            assert!(bytes.starts_with(&round.head().encode()));
            assert!(round.recompute::<Toy>(&committed).is_err(), "a changed round recomputes the committed sum");
            true
        },
    )
}

fn kept_sums(cases: u64) -> Tally {
    let kept = kept();
    let numbers = kept.values.iter().flat_map(|value| value.to_le_bytes());
    let valid: Vec<u8> = SUM_FORMAT.header().into_iter().chain(numbers).collect();
    assert_eq!(read_sum(RING, 4, &valid, kept.sum).as_ref(), Ok(&kept.values));
    campaign(
        cases,
        &[valid],
        |bytes| 4096 + 16 * bytes,
        |bytes, _| {
            assert!(read_sum(RING, 4, bytes, kept.sum).is_err(), "a changed sum was believed");
            false
        },
    )
}

/// What a stream holds encodes to its front.
fn frames(cases: u64) -> Tally {
    let valid = corpus("frames");
    campaign(
        cases,
        &valid,
        |bytes| (256 << 10) + 16 * bytes,
        |bytes, _| {
            let mut reader = FrameReader::new(|kind| frame_bytes_max(kind, 100_000));
            let (mut input, mut encoded) = (bytes, Vec::new());
            while let Ok(Some(frame)) = reader.push(&mut input) {
                encoded.extend_from_slice(&encode_frame(frame.kind, &frame.payload));
            }
            assert!(bytes.starts_with(&encoded), "a frame that was not sent");
            !encoded.is_empty()
        },
    )
}
