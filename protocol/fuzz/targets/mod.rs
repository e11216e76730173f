//! What is fuzzed. The same functions run under libFuzzer (`fuzz_targets/`), over the corpus and over mutations of it on the stable
//! toolchain (`tests/fuzz.rs`): a target takes bytes, and panics where a promise is broken.

pub(crate) mod arbitrary;
pub(crate) mod federation;
pub(crate) mod mutate;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::frame::{Frame, FrameReader, encode_frame};
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, LEDGER_ENTRY_BYTES_MAX};
use tributary_protocol::log::{Entries, LogFaultKind, scan};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, Upstream, frame_bytes_max};
use tributary_protocol::plan::Plan;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, Recorded};

/// Takes bytes, and panics where a promise is broken.
pub(crate) type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its corpus.
pub(crate) const TARGETS: [(&str, Target); 9] = [
    ("upstream", upstream),
    ("downstream", downstream),
    ("signed_roster", signed_roster),
    ("plan", plan),
    ("coordinator_event", coordinator_event),
    ("participant_event", participant_event),
    ("frames", frames),
    ("ledger", ledger),
    ("machines", federation::machines),
];

/// A client's message.
pub(crate) fn upstream(bytes: &[u8]) {
    canonical::<Upstream>(bytes, CONTROL_MESSAGE_BYTES_MAX);
}

/// The coordinator's message.
pub(crate) fn downstream(bytes: &[u8]) {
    canonical::<Downstream>(bytes, CONTROL_MESSAGE_BYTES_MAX);
}

/// A roster as it arrives: what parses can be hashed and looked up.
pub(crate) fn signed_roster(bytes: &[u8]) {
    if let Some(signed) = canonical::<SignedRoster>(bytes, CONTROL_MESSAGE_BYTES_MAX) {
        let roster = &signed.roster;
        assert_eq!(roster.follows(&roster.head()), Ok(tributary_protocol::roster::Succession::Same));
        assert!(roster.entries().iter().all(|entry| roster.entry(entry.client) == Some(entry)));
        for group in roster.groups() {
            let found = roster.group(&group.name).expect("a group is found by its name");
            assert!(found.size() == group.members.len() && group.members.iter().all(|member| found.has(*member)));
            assert!(group.members.iter().all(|member| roster.entry(*member).is_some()));
        }
    }
}

/// A plan: judging it and hashing it are total.
pub(crate) fn plan(bytes: &[u8]) {
    if let Some(plan) = canonical::<Plan>(bytes, CONTROL_MESSAGE_BYTES_MAX) {
        let digest = plan.digest();
        if let Ok(valid) = plan.validate() {
            assert!(valid.digest() == digest && valid.dimension_max() > 0);
        }
    }
}

/// An entry of the coordinator's ledger.
pub(crate) fn coordinator_event(bytes: &[u8]) {
    canonical::<Recorded<CoordinatorEvent>>(bytes, LEDGER_ENTRY_BYTES_MAX);
}

/// An entry of a budget file.
pub(crate) fn participant_event(bytes: &[u8]) {
    canonical::<Recorded<ParticipantEvent>>(bytes, LEDGER_ENTRY_BYTES_MAX);
}

/// A stream of frames gives the same in one piece and byte by byte, and its frames encode to what was read.
pub(crate) fn frames(bytes: &[u8]) {
    const VECTOR_BYTES_MAX: usize = 100_000;
    let read = |piece: usize| {
        let mut reader = FrameReader::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
        let mut frames: Vec<Frame> = Vec::new();
        for mut input in bytes.chunks(piece) {
            loop {
                match reader.push(&mut input) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
        }
        (frames, reader.finish())
    };
    let whole = read(bytes.len().max(1));
    assert!(whole == read(1));
    let encoded: Vec<u8> = whole.0.iter().flat_map(|frame| encode_frame(frame.kind, &frame.payload)).collect();
    assert!(bytes.starts_with(&encoded) && (whole.1.is_err() || encoded.len() == bytes.len()));
    for frame in &whole.0 {
        let limit = frame_bytes_max(frame.kind, VECTOR_BYTES_MAX);
        assert!(
            [FRAME_CONTROL, FRAME_VECTOR].contains(&frame.kind)
                && limit.is_some_and(|limit| frame.payload.len() <= limit)
        );
    }
}

/// A journal's file: its good front scans to the same entries, without a fault; what follows it is named.
pub(crate) fn ledger(bytes: &[u8]) {
    let found = scan(Entries::new(bytes));
    let good_length = usize::try_from(found.good_length).expect("within the file");
    assert!(good_length <= bytes.len());
    assert_eq!(found.fault.is_none(), good_length == bytes.len());
    assert_eq!(u64::try_from(found.entries.len()), Ok(found.log.size()));
    let torn_header = good_length == 0 && found.fault.is_some_and(|fault| fault.kind == LogFaultKind::TornTail);
    let front = scan(Entries::new(&bytes[..good_length]));
    assert!(front.entries == found.entries && front.log == found.log);
    assert!(front.fault.is_none() || good_length == 0 || torn_header);
    for entry in &found.entries {
        coordinator_event(entry.event);
        participant_event(entry.event);
    }
}

/// Decodes; what decodes must be the one encoding of its value.
fn canonical<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Option<T> {
    let value = codec::decode::<T>(bytes, limit).ok()?;
    assert!(codec::encode(&value) == bytes, "a second encoding of one value was accepted");
    Some(value)
}
