//! The real cryptographic suite of SA-1 (docs/PROTOCOL.md, "Who says what").
//!
//! | part | primitive | crate | why this one |
//! |---|---|---|---|
//! | signatures | Ed25519, strict verification (RFC 8032) | ed25519-dalek | rejects small-order keys and malleable signatures; verifies many together |
//! | agreement | X25519 (RFC 7748), all-zero results refused | x25519-dalek | constant time, erased on drop |
//! | encapsulation | ML-KEM-768 (FIPS 203) | aws-lc-rs | already the TLS provider's library; its ML-KEM code is machine-checked |
//! | derivation | HKDF-SHA256 (RFC 5869) | hkdf | |
//! | sealing | AES-256-GCM, zero nonce | aes-gcm | every key seals one message |
//! | masks | AES-256-CTR, big-endian counter from 0 | aws-lc-rs | as fast as a processor's AES units everywhere, and erases what it frees; `keystream.rs` lets it seek |
//! | shares | integers modulo 2^252 + 277423.. | curve25519-dalek | constant-time arithmetic |
//!
//! `benches/suite.rs` measures the masks beside their plain stream. With two AES units (Zen 4) a 32-bit parameter takes 0.6 ns for each
//! neighbour, of which the stream is 0.5; with one (Cascade Lake, 14 rounds of one cycle for 16 bytes) the stream takes 1.16 ns. The crate
//! aes, which finds wider instructions at run time, took 0.7 and 1.14 ns: its loop for the widest ones calls functions instead of inlining.
//!
//! Does **not** guarantee that ML-KEM draws from the given [`Entropy`]: aws-lc-rs takes no randomness from outside, and draws from its own
//! generator, seeded by the operating system. Everything else uses the argument alone.

mod keystream;
mod scalar;
mod signatures;

use std::num::NonZero;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use hkdf::Hkdf;
use sha2::Sha256;
use tributary_protocol::algorithm::{ExchangeAlgorithm, SignatureAlgorithm};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::suite::{ExchangePublic, SecretKey, Signature, Suite, SuiteError, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

pub use keystream::MaskStream;
pub use scalar::ShareScalar;

/// Bytes of an ML-KEM-768 ciphertext (FIPS 203, table 3).
pub const ENCAPSULATION_CIPHERTEXT_BYTES: usize = 1_088;

const EXCHANGE: ExchangeAlgorithm = ExchangeAlgorithm::X25519_ML_KEM_768;

/// The suite that both daemons run.
pub struct RealSuite;

/// A protocol signing key (Ed25519): 32 secret bytes, erased when dropped. It has no `Debug` and no `Clone`.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let seed = Zeroizing::new(entropy.bytes32());
        Self::from_seed(&seed)
    }

    /// The key of an RFC 8032 seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The RFC 8032 seed, for the key's file.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::ed25519(self.0.verifying_key().to_bytes())
    }
}

/// The secret halves of a client's session keys. The X25519 half is erased when dropped, the ML-KEM half by its library when freed.
pub struct ExchangeSecret {
    diffie_hellman: StaticSecret,
    encapsulation: DecapsulationKey,
}

/// A signature to be verified: by whom, over what.
pub type Signed<'a> = (&'a VerifyingKey, &'a [u8], &'a Signature);

/// Fewest signatures for which another core is worth its start.
const THREADED_MIN: usize = 64;

/// Whether every one of several signatures is valid, each with its key and its own message, on all cores. As [`Suite::verify_all`] says: it costs about
/// half, and may accept a signature that its own signer malformed on purpose.
#[must_use]
pub fn verify_many(signed: &[Signed<'_>]) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = signed.len().div_ceil(cores).max(THREADED_MIN);
    let mut parts = signed.chunks(share);
    let Some(first) = parts.next() else { return true };
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| verify_each(part.iter().copied()))).collect();
        let own = verify_each(first.iter().copied());
        others.into_iter().fold(own, |all, other| other.join().unwrap_or(false) && all)
    })
}

fn verify_each<'a>(signed: impl Iterator<Item = Signed<'a>>) -> bool {
    let keyed = signed.map(|(key, message, signature)| {
        let key = key_for(key, signature)?;
        Some((key, message, signature.bytes.as_slice()))
    });
    keyed.collect::<Option<Vec<_>>>().is_some_and(|keyed| signatures::verify_all(keyed.into_iter()))
}

impl Suite for RealSuite {
    type Scalar = ShareScalar;
    type SigningKey = SigningKey;
    type ExchangeSecret = ExchangeSecret;
    type Keystream = MaskStream;
    const TAG_BYTES: usize = 16;
    const SIGNATURES: &'static [SignatureAlgorithm] = &[SignatureAlgorithm::ED25519];

    fn sign(key: &SigningKey, message: &[u8]) -> Signature {
        use ed25519_dalek::Signer as _;
        Signature::ed25519(key.0.sign(message).to_bytes())
    }

    fn verifying_key(key: &SigningKey) -> VerifyingKey {
        key.verifying_key()
    }

    fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        key_for(key, signature).is_some_and(|key| signatures::verify(key, message, &signature.bytes))
    }

    fn verify_all(message: &[u8], signatures: &[(&VerifyingKey, &Signature)]) -> bool {
        verify_each(signatures.iter().map(|(key, signature)| (*key, message, *signature)))
    }

    fn exchange_keys(entropy: &mut dyn Entropy) -> (ExchangeSecret, ExchangePublic) {
        let diffie_hellman = StaticSecret::from(*Zeroizing::new(entropy.bytes32()));
        let encapsulation =
            DecapsulationKey::generate(&ML_KEM_768).expect("ML-KEM key generation needs memory and entropy only");
        let public_bytes = encapsulation
            .encapsulation_key()
            .and_then(|key| key.key_bytes().map(|bytes| bytes.as_ref().to_vec()))
            .expect("a fresh ML-KEM key has a public half");
        let public = ExchangePublic {
            algorithm: EXCHANGE,
            diffie_hellman: PublicKey::from(&diffie_hellman).to_bytes().to_vec(),
            encapsulation: public_bytes,
        };
        (ExchangeSecret { diffie_hellman, encapsulation }, public)
    }

    fn agree(secret: &ExchangeSecret, peer: &ExchangePublic) -> Result<SecretKey, SuiteError> {
        peer.algorithm.one_of(&[EXCHANGE])?;
        let peer: [u8; 32] = peer.diffie_hellman.as_slice().try_into().map_err(|_| SuiteError::Malformed)?;
        let shared = secret.diffie_hellman.diffie_hellman(&PublicKey::from(peer));
        if !shared.was_contributory() {
            return Err(SuiteError::Malformed);
        }
        Ok(SecretKey::new(shared.to_bytes()))
    }

    /// The length is checked here, the coefficients by the library as it encapsulates (FIPS 203, section 7.2).
    fn encapsulate(_: &mut dyn Entropy, peer: &ExchangePublic) -> Result<(Vec<u8>, SecretKey), SuiteError> {
        peer.algorithm.one_of(&[EXCHANGE])?;
        let key = EncapsulationKey::new(&ML_KEM_768, &peer.encapsulation).map_err(|_| SuiteError::Malformed)?;
        let (ciphertext, shared) = key.encapsulate().map_err(|_| SuiteError::Malformed)?;
        Ok((ciphertext.as_ref().to_vec(), secret_key(shared.as_ref())?))
    }

    /// A tampered ciphertext of the right length gives another secret, not an error: implicit rejection (FIPS 203, section 6.3).
    fn decapsulate(secret: &ExchangeSecret, ciphertext: &[u8]) -> Result<SecretKey, SuiteError> {
        if ciphertext.len() != ENCAPSULATION_CIPHERTEXT_BYTES {
            return Err(SuiteError::Malformed);
        }
        let shared =
            secret.encapsulation.decapsulate(Ciphertext::from(ciphertext)).map_err(|_| SuiteError::Malformed)?;
        secret_key(shared.as_ref())
    }

    fn extract(salt: &[u8], parts: &[&[u8]]) -> SecretKey {
        let mut extraction = hkdf::HkdfExtract::<Sha256>::new(Some(salt));
        for part in parts {
            extraction.input_ikm(part);
        }
        let (mut key, _) = extraction.finalize();
        let secret = SecretKey::new(key.into());
        key.as_mut_slice().zeroize();
        secret
    }

    fn expand(key: &SecretKey, info: &[&[u8]]) -> SecretKey {
        let expansion = Hkdf::<Sha256>::from_prk(key.expose()).expect("32 bytes are a SHA-256 pseudorandom key");
        let mut bytes = Zeroizing::new([0; 32]);
        expansion.expand_multi_info(info, bytes.as_mut()).expect("32 bytes are one block of the expansion");
        SecretKey::new(*bytes)
    }

    fn seal(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) {
        Aes256Gcm::new(key.expose().into())
            .encrypt_in_place(&Nonce::default(), associated, text)
            .expect("limits keep messages far below the 64 GiB of AES-GCM");
    }

    fn open(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) -> Result<(), SuiteError> {
        Aes256Gcm::new(key.expose().into())
            .decrypt_in_place(&Nonce::default(), associated, text)
            .map_err(|_| SuiteError::Unauthentic)
    }

    fn keystream(key: &SecretKey) -> MaskStream {
        MaskStream::new(key)
    }
}

/// The key's bytes, if the signature claims no other algorithm than the key has.
fn key_for<'a>(key: &'a VerifyingKey, signature: &Signature) -> Option<&'a [u8; 32]> {
    key.as_ed25519().filter(|_| signature.algorithm == key.algorithm)
}

fn secret_key(shared: &[u8]) -> Result<SecretKey, SuiteError> {
    shared.try_into().map(SecretKey::new).map_err(|_| SuiteError::Malformed)
}

#[cfg(test)]
mod tests;
