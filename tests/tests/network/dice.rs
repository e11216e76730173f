//! Draws that a failing test prints.

use std::time::{SystemTime, UNIX_EPOCH};

use tributary_protocol::digest::Digest;

/// A seed of this run, or the one in `TRIBUTARY_TEST_SEED`, printed: what it drew can be drawn again.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("TRIBUTARY_TEST_SEED").ok().map(|text| text.parse().expect("a number"));
    let clock = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
    };
    let seed = given.unwrap_or_else(clock);
    println!("TRIBUTARY_TEST_SEED={seed}");
    seed
}

/// The draw of this number: from `low` to `high`.
pub(crate) fn between(seed: u64, number: u64, low: u64, high: u64) -> u64 {
    let digest = Digest::of_parts(&[b"network", &seed.to_le_bytes(), &number.to_le_bytes()]);
    let (word, _) = digest.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
    low + u64::from_le_bytes(*word) % (high - low + 1)
}
