//! The bill of cryptography: every algorithm that the code uses, for what, with which keys, and where they are. A test holds it against the algorithms that
//! the code names; another one, of the executable, against the libraries that it is built with.

use serde::{Deserialize, Serialize};

/// One algorithm and its use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillLine {
    /// For what: a word.
    pub used_for: String,
    /// Its name in the standards.
    pub algorithm: String,
    /// Length of its key, or of its digest.
    pub bits: String,
    /// Where its key is: a word.
    pub key_place: String,
    /// Its standard.
    pub standard: String,
    /// The libraries that compute it.
    pub libraries: Vec<String>,
    /// The names by which the code knows it.
    pub identifiers: Vec<String>,
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const ROWS: [Row; 18] = [
    (
        "channel",
        "AES-256-GCM, SHA-384",
        "256",
        "memory-connection",
        "TLS 1.3: RFC 8446, RFC 9001",
        TLS,
        &["TLS13_AES_256_GCM_SHA384"],
    ),
    (
        "channel-first",
        "AES-128-GCM, SHA-256",
        "128",
        "memory-connection",
        "RFC 9001, 5.2",
        TLS,
        &["TLS13_AES_128_GCM_SHA256"],
    ),
    (
        "channel-keys",
        "X25519MLKEM768",
        "256, ML-KEM-768",
        "memory-connection",
        "FIPS 203, RFC 7748",
        TLS,
        &["X25519MLKEM768"],
    ),
    ("channel-keys-weaker", "X25519", "256", "memory-connection", "RFC 7748", TLS, &["X25519"]),
    (
        "certificates",
        "ECDSA P-256, SHA-256",
        "256",
        "file-or-token",
        "FIPS 186-5, RFC 5280",
        &["rcgen", "aws-lc-rs", "rustls-webpki"],
        &["ECDSA_P256"],
    ),
    (
        "certificates-authority",
        "ECDSA P-384, SHA-384",
        "384",
        "file-authority",
        "FIPS 186-5, RFC 5280",
        &["rcgen", "aws-lc-rs", "rustls-webpki"],
        &["ECDSA_P384"],
    ),
    ("signatures", "Ed25519", "256", "file-or-token", "RFC 8032", &["ed25519-dalek", "curve25519-dalek"], &["ed25519"]),
    ("tokens", "PKCS#11", "256", "token", "PKCS#11 2.40", &["cryptoki"], &[]),
    ("log", "SHA-256", "256", "no-key", "FIPS 180-4, RFC 9162", &["sha2"], &["sha256-blake3"]),
    ("vectors", "BLAKE3", "256", "no-key", "BLAKE3 (2020)", &["blake3"], &["sha256-blake3"]),
    (
        "key-agreement",
        "X25519, ML-KEM-768",
        "256, ML-KEM-768",
        "memory-session",
        "RFC 7748, FIPS 203",
        &["x25519-dalek", "aws-lc-rs"],
        &["x25519-ml-kem-768", "ML_KEM_768"],
    ),
    ("derivation", "HKDF, SHA-256", "256", "memory-session", "RFC 5869", &["hkdf", "sha2"], &[]),
    ("shares", "Shamir, Curve25519", "252", "memory-session", "Shamir (1979), Bell (2020)", &["curve25519-dalek"], &[]),
    ("sealing", "AES-256-GCM", "256", "memory-session", "NIST SP 800-38D", &["aes-gcm"], &[]),
    ("masks", "AES-256-CTR", "256", "memory-session", "NIST SP 800-38A", &["aws-lc-rs"], &["AES_256"]),
    ("noise", "ChaCha20", "256", "memory-round", "RFC 8439, Canonne (2020)", &["chacha20", "getrandom"], &[]),
    ("pseudonyms", "HMAC, SHA-256", "256", "file-own", "RFC 2104", &["aws-lc-rs"], &["HMAC_SHA256"]),
    ("others", "TLS 1.2, TLS 1.3", "128 - 256", "memory-connection", "RFC 5246, RFC 8446", TLS, &[]),
];

/// What speaks TLS.
const TLS: &[&str] = &["rustls", "aws-lc-rs"];

/// The bill.
#[must_use]
pub fn bill() -> Vec<BillLine> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let line = |(used_for, algorithm, bits, key_place, standard, libraries, identifiers): Row| BillLine {
        used_for: used_for.into(),
        algorithm: algorithm.into(),
        bits: bits.into(),
        key_place: key_place.into(),
        standard: standard.into(),
        libraries: owned(libraries),
        identifiers: owned(identifiers),
    };
    ROWS.map(line).into()
}
