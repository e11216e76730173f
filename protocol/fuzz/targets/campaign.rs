//! A campaign of mutations: each case is a mutated encoding, its decoder is watched by the allocator of the whole process.
//!
//! Included by tests that are alone in their process; each names its allocator `ALLOCATOR`.

use super::ALLOCATOR;
use super::mutate::Mutator;

/// Cases of all kinds of a test together, where nothing else is asked for.
const CASES_DEFAULT: u64 = 5_000;

/// What the variable `MUTATIONS` asks for, shared by so many kinds.
pub(crate) fn cases_of_each(kinds: u64) -> u64 {
    let all = std::env::var("MUTATIONS").map_or(CASES_DEFAULT, |text| text.parse().expect("a number"));
    all.div_ceil(kinds)
}

/// What came of the mutations of one kind.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) tried: u64,
    /// Taken by the decoder: encodings of another value.
    pub(crate) decoded: u64,
    /// Most bytes that were allocated at once.
    pub(crate) peak: usize,
}

impl Tally {
    /// Prints it, and asserts that mutations do something.
    pub(crate) fn told(&self, name: &str) {
        let Self { tried, decoded, peak } = self;
        eprintln!("{name}: {tried} mutated, {decoded} decode to another value, at most {peak} bytes at once");
        assert!(decoded < tried, "{name}: mutations do nothing");
    }
}

/// Mutates valid encodings and decodes them. `decode` says whether it took the bytes, and has asserted what follows from that; `limit` is how many
/// bytes it may allocate at once for so many.
pub(crate) fn campaign(
    cases: u64,
    valid: &[Vec<u8>],
    limit: impl Fn(usize) -> usize,
    mut decode: impl FnMut(&[u8], &[u8]) -> bool,
) -> Tally {
    let before = ALLOCATOR.current_usage();
    let held = vec![1_u8; 4096];
    assert!(ALLOCATOR.current_usage() - before >= held.len(), "the allocator counts");
    drop(held);
    let mut mutator = Mutator::new(11);
    let mut tally = Tally::default();
    while tally.tried < cases {
        let (from, other) = (mutator.below(valid.len()), mutator.below(valid.len()));
        let bytes = mutator.mutate(&valid[from], &valid[other]);
        if valid.contains(&bytes) {
            continue;
        }
        tally.tried += 1;
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let decoded = decode(&bytes, &valid[from]);
        let used = ALLOCATOR.peak_usage().saturating_sub(before);
        let limit = limit(bytes.len());
        assert!(used <= limit, "{used} bytes allocated for {} where {limit} are allowed: {bytes:02x?}", bytes.len());
        tally.peak = tally.peak.max(used);
        tally.decoded += u64::from(decoded);
    }
    tally
}
