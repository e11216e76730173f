//! Writes the fuzz corpus, `fuzz/corpus`, from the messages, events and files of a federation that runs undisturbed: the shortest of each
//! kind.
//!
//! `cargo run -p tributary-protocol --features toy --example fuzz_corpus`, after a change of any message.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use targets::arbitrary::{value, variants};
use targets::federation::{Federation, Packet, roster};
use targets::mutate::Mutator;
use tributary_protocol::codec::encode;
use tributary_protocol::frame::encode_frame;
use tributary_protocol::log::{LOG_HEADER, LedgerId, Log};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR};
use tributary_protocol::plan::Plan;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_protocol::time::Millis;

/// By target and name.
type Corpus = BTreeMap<(&'static str, String), Vec<u8>>;

fn main() -> std::io::Result<()> {
    assert!(variants::<Downstream>() > 1 && !targets::TARGETS.is_empty());
    let mut corpus = Corpus::new();
    let mut federation = Federation::new();
    while let Some(packet) = federation.next_packet().cloned() {
        match packet {
            Packet::Up(_, message) => keep(&mut corpus, "upstream", 0, encode(&message)),
            Packet::Down(_, message) => keep(&mut corpus, "downstream", 0, encode(&message)),
            Packet::Start(_, start) => keep(&mut corpus, "downstream", 0, encode(&Downstream::Start(start))),
        }
        federation.deliver();
    }
    files(&mut corpus, &federation);
    corpus.insert(("signed_roster", "real".into()), encode(&roster()));
    corpus.insert(("signed_roster", "arbitrary".into()), encode(&value::<SignedRoster>(5, None)));
    corpus.insert(("plan", "arbitrary".into()), encode(&value::<Plan>(5, None)));
    let frames = [encode_frame(FRAME_CONTROL, b"control"), encode_frame(FRAME_VECTOR, &[7; 300])].concat();
    corpus.insert(("frames", "cut".into()), frames[..100].to_vec());
    corpus.insert(("frames", "two".into()), frames);
    for seed in 0..6 {
        let mut mutator = Mutator::new(seed);
        let actions = (0..200).map(|_| u8::try_from(mutator.below(256)).expect("below 256"));
        corpus.insert(("machines", format!("seed_{seed}")), actions.collect());
    }
    let deliveries = [0, 63].repeat(40);
    // A refusal that arrives behind the plan's end once ended the coordinator.
    let messages = (0..=u8::MAX).flat_map(|argument| [13, argument, 14, argument]);
    corpus.insert(("machines", "messages_after_the_end".into()), deliveries.iter().copied().chain(messages).collect());
    corpus.insert(("machines", "deliveries".into()), deliveries);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for ((target, name), bytes) in &corpus {
        fs::create_dir_all(root.join(target))?;
        fs::write(root.join(target).join(name), bytes)?;
    }
    println!("{} entries, {} bytes", corpus.len(), corpus.values().map(Vec::len).sum::<usize>());
    Ok(())
}

/// A run's ledger, the front of a budget file, and an event of each kind.
fn files(corpus: &mut Corpus, federation: &Federation) {
    let (mut coordinator, mut branch) = (Log::new(), Log::of_ledger(LedgerId::BUDGET));
    let (mut ledger, mut budget) = (LOG_HEADER.to_vec(), LOG_HEADER.to_vec());
    let next = |log: &mut Log, id: LedgerId, event: &[u8]| {
        log.append(id, log.next_sequence(&id), event).expect("events are short")
    };
    for event in federation.events() {
        let bytes = encode(&Recorded { at: Millis(1), event: event.clone() });
        if ledger.len() < 3000 {
            ledger.extend(next(&mut coordinator, LedgerId([7; 32]), &bytes));
        }
        keep(corpus, "coordinator_event", 8, bytes);
        if let CoordinatorEvent::RunOpened { plan, .. } = event {
            corpus.insert(("plan", "real".into()), encode(plan));
        }
    }
    for event in federation.branch_events() {
        let bytes = encode(&Recorded { at: Millis(1), event: event.clone() });
        if budget.len() < 1500 {
            budget.extend(next(&mut branch, LedgerId::BUDGET, &bytes));
        }
        keep(corpus, "participant_event", 8, bytes);
    }
    corpus.insert(("ledger", "torn".into()), budget[..budget.len() - 7].to_vec());
    corpus.insert(("ledger", "coordinator".into()), ledger);
    corpus.insert(("ledger", "budget".into()), budget);
}

/// Keeps the shortest of each variant, whose number stands `tag` bytes from the start: behind the time, in an event.
fn keep(corpus: &mut Corpus, target: &'static str, tag: usize, bytes: Vec<u8>) {
    let kept = corpus.entry((target, format!("variant_{:02}", bytes[tag]))).or_insert_with(|| bytes.clone());
    if bytes.len() < kept.len() {
        *kept = bytes;
    }
}
