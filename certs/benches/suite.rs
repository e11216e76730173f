//! Costs of the primitives on one core, printed as plain lines: `cargo bench -p tributary-certs`.
//!
//! Each line is the best of several repetitions: the figure to compare on a busy machine.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::{RealSuite, ShareScalar, SigningKey};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::mask::{Sign, apply};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::suite::{FieldElement, Keystream, SecretKey, Suite};

/// Coordinates of the mask that is expanded: 1 MiB, so that a repetition fits into one slice of a busy machine's scheduler.
const WORDS: usize = 1 << 17;
const REPETITIONS: usize = 101;

fn main() {
    masks();
    exchanges();
    signatures();
    sealing();
    scalars();
}

/// Nanoseconds for each of `count` operations that one call makes; the best of all repetitions.
fn best(count: usize, mut operation: impl FnMut()) -> f64 {
    let runs = (0..REPETITIONS).map(|_| {
        let start = Instant::now();
        operation();
        start.elapsed().as_nanos()
    });
    let nanoseconds = runs.min().expect("at least one repetition");
    f64::from(u32::try_from(nanoseconds).expect("below four seconds")) / f64::from(u32::try_from(count).expect("small"))
}

fn print(what: &str, nanoseconds: f64) {
    if nanoseconds < 1_000.0 {
        println!("{what:<58} {nanoseconds:>9.3} ns");
    } else {
        println!("{what:<58} {:>9.2} us", nanoseconds / 1_000.0);
    }
}

fn masks() {
    let key = SecretKey::new(OsEntropy.bytes32());
    for words in [RingWords::W32(vec![1; 2 * WORDS]), RingWords::W64(vec![1; WORDS])] {
        one_mask(words, &key);
    }
}

/// What a parameter costs for each neighbour, beside the stream alone and the stream as the library gives it.
fn one_mask(mut words: RingWords, key: &SecretKey) {
    let bits = words.ring().bits();
    let cost = best(words.len(), || apply::<RealSuite>(black_box(&mut words), key, Sign::Add));
    print(&format!("one mask on a parameter of {bits} bits"), cost);
    let mut buffer = vec![0_u8; 4_096];
    let pieces = words.len() * words.ring().word_bytes() / buffer.len();
    let mut stream = RealSuite::keystream(key);
    let cost = best(words.len(), || (0..pieces).for_each(|_| stream.fill(black_box(&mut buffer))));
    print("  its key stream alone", cost);
    let zeroes = vec![0_u8; 4_096];
    let cost = best(words.len(), || {
        let mut stream = plain_stream(key);
        let mut piece = || stream.less_safe_update(&zeroes, &mut buffer).map(|_| ());
        (0..pieces).for_each(|_| piece().expect("buffer of the same length"));
    });
    print("  a plain AES-256-CTR stream of the same length", cost);
}

fn plain_stream(key: &SecretKey) -> StreamingEncryptingKey {
    let key = UnboundCipherKey::new(&AES_256, key.expose()).expect("32 bytes");
    StreamingEncryptingKey::less_safe_ctr(key, EncryptionContext::Iv128(FixedLength::from([0; 16]))).expect("a counter")
}

fn exchanges() {
    let (alice, _) = RealSuite::exchange_keys(&mut OsEntropy);
    let (bob, public) = RealSuite::exchange_keys(&mut OsEntropy);
    print(
        "X25519 and ML-KEM-768 key generation",
        best(1, || drop(black_box(RealSuite::exchange_keys(&mut OsEntropy)))),
    );
    print("X25519 agreement", best(1, || drop(black_box(RealSuite::agree(&alice, &public)))));
    print("ML-KEM-768 encapsulation", best(1, || drop(black_box(RealSuite::encapsulate(&mut OsEntropy, &public)))));
    let (ciphertext, _) = RealSuite::encapsulate(&mut OsEntropy, &public).expect("a good key");
    print("ML-KEM-768 decapsulation", best(1, || drop(black_box(RealSuite::decapsulate(&bob, &ciphertext)))));
}

fn signatures() {
    let key = SigningKey::generate(&mut OsEntropy);
    let public = key.verifying_key();
    let message = [7; 43];
    let signature = RealSuite::sign(&key, &message);
    print("Ed25519 signature", best(1, || drop(black_box(RealSuite::sign(&key, &message)))));
    let verify = || assert!(RealSuite::verify(&public, black_box(&message), &signature));
    print("Ed25519 strict verification", best(1, verify));
    let other = ParsedPublicKey::new(&ED25519, &public.bytes).expect("a good key");
    let verify = || other.verify_sig(black_box(&message), &signature.bytes).expect("a good signature");
    print("  the same by aws-lc-rs, key parsed before, small orders not refused", best(1, verify));
    for count in [2, 4, 8, 11, 32] {
        let keys: Vec<_> = (0..count).map(|_| SigningKey::generate(&mut OsEntropy)).collect();
        let signatures: Vec<_> = keys.iter().map(|key| RealSuite::sign(key, &message)).collect();
        let public: Vec<_> = keys.iter().map(SigningKey::verifying_key).collect();
        let listed: Vec<_> = public.iter().zip(&signatures).collect();
        let verify = || assert!(RealSuite::verify_all(black_box(&message), &listed));
        print(&format!("Ed25519 verification of {count} together, each"), best(count, verify));
    }
}

fn sealing() {
    let key = SecretKey::new(OsEntropy.bytes32());
    let mut bundle = Vec::with_capacity(64 * 64 + RealSuite::TAG_BYTES);
    let seal = || {
        bundle.resize(64 * 64, 7);
        RealSuite::seal(&key, b"header", black_box(&mut bundle));
    };
    print("AES-256-GCM seal of 4 KiB", best(1, seal));
    print("HKDF-SHA256 expansion", best(1, || drop(black_box(RealSuite::expand(&key, &[b"SA1/pair", &[0; 36]])))));
}

fn scalars() {
    let [mut left, right] = [(); 2].map(|()| ShareScalar::random(&mut OsEntropy));
    let cost = best(1_000, || (0..1_000).for_each(|_| left = black_box(left * right + right)));
    print("share field: multiply and add", cost);
    print("share field: inversion", best(1, || left = black_box(left.invert())));
}
