//! The fuzz targets on the stable toolchain: over the corpus, over mutations of it, and over values of every type. What libFuzzer finds
//! goes into the corpus, and is looked at here for ever after.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use targets::arbitrary::{value, variants};
use targets::mutate::Mutator;
use targets::{TARGETS, Target, federation};
use tributary_protocol::codec;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{Downstream, Upstream};
use tributary_protocol::plan::Plan;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, Recorded};

/// Mutations of each entry of a corpus.
const MUTATIONS: u64 = 150;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a readable entry"))).collect()
}

/// Runs a target and says which input it was that broke a promise.
fn run(name: &str, target: Target, bytes: &[u8], origin: &str) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    let hexadecimal = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(outcome.is_ok(), "target {name} fails on {origin}: {}", hexadecimal());
}

#[test]
fn every_target_has_a_corpus_and_stands_it() {
    for (name, target) in TARGETS {
        let entries = corpus(name);
        assert!(entries.len() >= 2, "{name} has {} entries; examples/fuzz_corpus.rs writes them", entries.len());
        for (path, bytes) in entries {
            run(name, target, &bytes, &path.display().to_string());
        }
    }
}

#[test]
fn every_target_stands_mutations_of_its_corpus() {
    for (name, target) in TARGETS {
        let entries = corpus(name);
        for (number, (path, bytes)) in entries.iter().enumerate() {
            let (_, other) = &entries[(number + 1) % entries.len()];
            for seed in 0..MUTATIONS {
                let mutated = Mutator::new(seed).mutate(bytes, other);
                run(name, target, &mutated, &format!("{} under mutation {seed}", path.display()));
            }
        }
    }
}

#[test]
fn the_machines_stand_any_actions() {
    for seed in 0..300 {
        let mut mutator = Mutator::new(seed);
        let actions: Vec<u8> = (0..400).map(|_| u8::try_from(mutator.below(256)).unwrap()).collect();
        run("machines", federation::machines, &actions, &format!("seed {seed}"));
    }
}

/// With nothing but deliveries the plan ends, every round committed: the actions above start from something that works.
#[test]
fn undisturbed_the_machines_finish() {
    let mut federation = federation::Federation::new();
    while federation.next_packet().is_some() {
        federation.deliver();
    }
    federation.check();
    let last = federation.events().last();
    assert!(matches!(last, Some(CoordinatorEvent::RunFinished { rounds: 5, complete: true, .. })), "{last:?}");
    assert!(federation.branch_events().any(|event| matches!(event, ParticipantEvent::SharesRevealed { .. })));
}

/// Every variant of every type, from its own definition: what is encoded decodes to itself.
#[test]
fn every_variant_survives_its_encoding() {
    fn all<T: Serialize + DeserializeOwned + PartialEq>(name: &str) {
        for seed in 0..20 * u64::from(variants::<T>()) {
            let found: T = value(seed, u32::try_from(seed).ok());
            let bytes = codec::encode(&found);
            assert!(codec::decode::<T>(&bytes, CONTROL_MESSAGE_BYTES_MAX) == Ok(found), "{name}, seed {seed}");
        }
    }
    assert!(variants::<Upstream>() > 5 && variants::<Downstream>() > 5, "the variants are seen");
    all::<Upstream>("upstream");
    all::<Downstream>("downstream");
    all::<SignedRoster>("roster");
    all::<Plan>("plan");
    all::<Recorded<CoordinatorEvent>>("coordinator's event");
    all::<Recorded<ParticipantEvent>>("participant's event");
    assert!(!federation::roster().roster.entries().is_empty());
}
