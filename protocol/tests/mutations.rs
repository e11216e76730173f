//! A clean decoder: mutated encodings of every variant of every message. None panics, none is a second encoding of a value, none
//! allocates beyond what its length allows. One test, alone in its process, because the allocator counts for the whole process.
//!
//! `cargo test --release -p tributary-protocol --features toy --test mutations -- --nocapture` prints what came of them; the variable
//! `MUTATIONS` says how many. `.ci/long` asks for a million.

#[path = "../fuzz/targets/arbitrary.rs"]
mod arbitrary;
#[path = "../fuzz/targets/mutate.rs"]
mod mutate;

use arbitrary::{value, variants};
use mutate::Mutator;
use peak_alloc::PeakAlloc;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{Downstream, Upstream};
use tributary_protocol::plan::Plan;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, Recorded};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Mutations where nothing else is asked for.
const MUTATIONS_DEFAULT: u64 = 20_000;

/// Values of each variant that are mutated.
const VALUES: u64 = 12;

/// What came of the mutations of one type.
#[derive(Default)]
struct Tally {
    tried: u64,
    /// Decoded: encodings of another value.
    decoded: u64,
    /// Largest share of what the length allows that was allocated, in thousandths.
    permille: usize,
    /// Most bytes that were allocated at once.
    peak: usize,
}

#[test]
fn no_mutation_panics_or_is_a_second_encoding_or_allocates_beyond_its_limit() {
    let all: u64 = std::env::var("MUTATIONS").map_or(MUTATIONS_DEFAULT, |text| text.parse().expect("a number"));
    let each = all.div_ceil(6);
    let tallies = [
        ("upstream", mutated::<Upstream>(each)),
        ("downstream", mutated::<Downstream>(each)),
        ("signed roster", mutated::<SignedRoster>(each)),
        ("plan", mutated::<Plan>(each)),
        ("coordinator's event", mutated::<Recorded<CoordinatorEvent>>(each)),
        ("participant's event", mutated::<Recorded<ParticipantEvent>>(each)),
    ];
    for (name, Tally { tried, decoded, permille, peak }) in &tallies {
        eprintln!(
            "{name}: {tried} mutated, {decoded} decode to another value, at most {peak} bytes at once, {permille} thousandths of the limit"
        );
        assert!(decoded < tried && *peak > 0, "{name}: mutations do nothing, or the allocator counts nothing");
    }
    assert!(tallies.iter().map(|(_, tally)| tally.tried).sum::<u64>() >= all);
}

/// Most bytes that decoding a message of so many bytes holds at once, whatever its lengths say.
///
/// Sequences lie in one another three deep at most (members of a freeze, their keys, the bytes of one), and serde sets at most 1 MiB
/// aside for each on the word of its length. What is there takes at most sixteen times its bytes: the list of a list of bytes, three words
/// for an empty one of eight bytes, while it grows.
const fn decode_bytes_max(bytes: usize) -> usize {
    (3 << 20) + 4096 + 16 * bytes
}

fn mutated<T: Serialize + DeserializeOwned>(count: u64) -> Tally {
    let variants = u64::from(variants::<T>());
    let encode = |seed: u64| codec::encode(&value::<T>(seed, u32::try_from(seed % variants).ok()));
    let valid: Vec<Vec<u8>> = (0..VALUES * variants).map(encode).collect();
    let mut mutator = Mutator::new(7);
    let mut tally = Tally::default();
    while tally.tried < count {
        let (from, other) = (mutator.below(valid.len()), mutator.below(valid.len()));
        let bytes = mutator.mutate(&valid[from], &valid[other]);
        if bytes == valid[from] {
            continue;
        }
        tally.tried += 1;
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let decoded = codec::decode::<T>(&bytes, CONTROL_MESSAGE_BYTES_MAX);
        let used = ALLOCATOR.peak_usage().saturating_sub(before);
        let limit = decode_bytes_max(bytes.len());
        assert!(used <= limit, "{used} bytes allocated for {} where {limit} are allowed: {bytes:02x?}", bytes.len());
        tally.permille = tally.permille.max(used * 1000 / limit);
        tally.peak = tally.peak.max(used);
        if let Ok(value) = decoded {
            assert!(codec::encode(&value) == bytes, "a second encoding of one value was accepted: {bytes:02x?}");
            tally.decoded += 1;
        }
    }
    tally
}
