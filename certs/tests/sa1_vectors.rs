//! The known answers of SA-1 in the shared folder: which bytes the labels stand for.
//!
//! | value | bytes that match |
//! |---|---|
//! | pair seed s_12 of round r | `Expand(K_12, "SA1/pair" ‖ batch ‖ r as u32 LE)`, r = 7 |
//! | self mask | AES-256-CTR under `Expand(b_1, "SA1/self" ‖ D)`, coordinate k = little-endian word k, counter from 0 |
//! | envelope | AES-256-GCM, zero nonce, under `Expand(kappa_1, "SA1/env")`, of the pair seeds in ascending order of the peer, unframed |
//! | shares | polynomial of degree 5 over F_l at x = 1..8, canonical little-endian scalars; t = 6 of 8 |
//!
//! Every Expand is HKDF-Expand alone, straight from the 32 bytes: there is no Extract after the one that makes K_12. The file gives
//! the first 64 bytes of the envelope without its tag, and of the pair seeds only s_12, so that the pair *mask* label cannot be checked.

#[path = "../../tests/needed.rs"]
mod needed;

use serde_json::Value;
use tributary_certs::suite::{RealSuite, ShareScalar};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::{FieldElement, Keystream, SecretKey, Suite};

const ROUND: u32 = 7;
const THRESHOLD: usize = 6;

fn vectors() -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors/sa1_kat.json");
    match std::fs::read_to_string(path) {
        Ok(text) => Some(serde_json::from_str(&text).expect("the vectors are JSON")),
        Err(fault) => {
            needed::skip("TRIBUTARY_TEST_VECTORS", "the known answers sa1_kat.json", fault);
            None
        }
    }
}

fn bytes32(value: &Value) -> [u8; 32] {
    let text = value.as_str().expect("values are text");
    *Digest::from_hex(text).expect("values are 32 bytes in hexadecimal").as_bytes()
}

fn key(value: &Value) -> SecretKey {
    SecretKey::new(bytes32(value))
}

#[test]
fn the_pair_seed_is_expanded_from_the_pair_key() {
    let Some(vectors) = vectors() else { return };
    let info: [&[u8]; 3] = [b"SA1/pair", &bytes32(&vectors["batch"]), &ROUND.to_le_bytes()];
    assert_eq!(RealSuite::expand(&key(&vectors["K12"]), &info).expose(), &bytes32(&vectors["s12"]));
}

#[test]
fn the_self_mask_is_the_stream_of_the_expanded_seed() {
    let Some(vectors) = vectors() else { return };
    let seed = RealSuite::expand(&key(&vectors["b1"]), &[b"SA1/self", &bytes32(&vectors["D"])]);
    let mut bytes = [0; 32];
    RealSuite::keystream(&seed).fill(&mut bytes);
    let words: Vec<u64> = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    let expected: Vec<u64> =
        vectors["self_mask1_first4"].as_array().unwrap().iter().map(|word| word.as_u64().unwrap()).collect();
    assert_eq!(words, expected);
}

#[test]
fn any_threshold_of_shares_gives_the_secret_and_fewer_do_not() {
    let Some(vectors) = vectors() else { return };
    let secret = ShareScalar::from_bytes(bytes32(&vectors["b1"])).unwrap();
    let shares: Vec<(u64, ShareScalar)> = (1..)
        .zip(vectors["share_b1"].as_array().unwrap())
        .map(|(x, share)| (x, ShareScalar::from_bytes(bytes32(share)).unwrap()))
        .collect();
    assert_eq!(shares.len(), 8);
    for start in 0..=shares.len() - THRESHOLD {
        assert!(at_zero(&shares[start..start + THRESHOLD]) == secret);
    }
    assert!(at_zero(&shares) == secret);
    assert!(at_zero(&shares[..THRESHOLD - 1]) != secret);
}

/// GCM's ciphertext is CTR from counter 2 under the same key, which shows the key and the plaintext's layout without the missing tag.
#[test]
fn the_envelope_holds_the_pair_seeds_in_order() {
    let Some(vectors) = vectors() else { return };
    let (first, second) = vectors["env1"].as_str().unwrap().split_at(64);
    let start = [first, second].map(|part| *Digest::from_hex(part).unwrap().as_bytes()).concat();
    let envelope_key = RealSuite::expand(&key(&vectors["kappa1"]), &[b"SA1/env"]);
    let mut stream = RealSuite::keystream(&envelope_key);
    let mut opened = [0; 64];
    stream.seek(2 * 16);
    stream.fill(&mut opened);
    opened.iter_mut().zip(&start).for_each(|(byte, sealed)| *byte ^= sealed);
    assert_eq!(opened[..32], bytes32(&vectors["s12"]));
    let mut text = opened.to_vec();
    RealSuite::seal(&envelope_key, b"", &mut text);
    assert_eq!(text[..64], start);
}

/// The Lagrange interpolation at 0.
fn at_zero(shares: &[(u64, ShareScalar)]) -> ShareScalar {
    let point = ShareScalar::from_u64;
    shares.iter().fold(point(0), |sum, (x, share)| {
        let others = shares.iter().filter(|(other, _)| other != x);
        let weight =
            others.fold(point(1), |weight, (other, _)| weight * point(*other) * (point(*other) - point(*x)).invert());
        sum + *share * weight
    })
}
