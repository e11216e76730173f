//! The cryptography that SA-1 needs, as a trait: `certs` has the real suite, tests have a toy one.

use alloc::vec::Vec;
use core::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, optimization_barrier};

use crate::algorithm::{ExchangeAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
use crate::digest::{Canonical, Digest};
use crate::entropy::Entropy;
use crate::limits::EXCHANGE_KEY_BYTES_MAX;
pub use crate::signature::{Signature, VerifyingKey};

/// A 32-byte secret: a pair key, a mask seed, an AEAD key. Erased when dropped; cannot be printed or serialised.
#[derive(Clone, Zeroize)]
pub struct SecretKey([u8; 32]);

impl ZeroizeOnDrop for SecretKey {}

impl Drop for SecretKey {
    /// All at once: a session drops one for every share, and erasing it byte by byte takes as long as hashing it.
    fn drop(&mut self) {
        self.0 = [0; 32];
        optimization_barrier(&self.0);
    }
}

impl SecretKey {
    /// Takes ownership of secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one computation that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Erases a secret text and what may be left of it behind its end, as `Zeroize` does, but not byte by byte.
pub(crate) fn erase(text: &mut Vec<u8>) {
    text.resize(text.capacity(), 0);
    text.fill(0);
    optimization_barrier(text.as_slice());
    text.clear();
}

/// The public halves of a client's session keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ExchangeParts")]
pub struct ExchangePublic {
    /// What both are for.
    pub algorithm: ExchangeAlgorithm,
    /// X25519 (RFC 7748): 32 bytes in the real suite.
    pub diffie_hellman: Vec<u8>,
    /// ML-KEM-768 encapsulation key (FIPS 203): 1,184 bytes in the real suite.
    pub encapsulation: Vec<u8>,
}

impl ExchangePublic {
    /// Into a canonical encoding, with the algorithm.
    #[must_use]
    pub fn canonical(&self, body: Canonical) -> Canonical {
        body.u8(self.algorithm.number()).bytes(&self.diffie_hellman).bytes(&self.encapsulation)
    }
}

/// Session keys as they arrive.
#[derive(Deserialize)]
struct ExchangeParts {
    algorithm: ExchangeAlgorithm,
    diffie_hellman: Vec<u8>,
    encapsulation: Vec<u8>,
}

impl TryFrom<ExchangeParts> for ExchangePublic {
    type Error = SuiteError;

    fn try_from(parts: ExchangeParts) -> Result<Self, SuiteError> {
        let ExchangeParts { algorithm, diffie_hellman, encapsulation } = parts;
        let within = |key: &[u8]| key.len() <= EXCHANGE_KEY_BYTES_MAX;
        let keys = Self { algorithm, diffie_hellman, encapsulation };
        if within(&keys.diffie_hellman) && within(&keys.encapsulation) { Ok(keys) } else { Err(SuiteError::Malformed) }
    }
}

/// Why a cryptographic operation failed. Says no more, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// A key or ciphertext has the wrong shape, or the agreement gave all zeros.
    #[error("malformed key or ciphertext")]
    Malformed,
    /// An AEAD tag did not verify.
    #[error("authentication failed")]
    Unauthentic,
    /// A key of an algorithm that the suite does not have.
    #[error(transparent)]
    Unknown(#[from] UnknownAlgorithm),
}

/// An element of the prime field in which secrets are shared.
pub trait FieldElement: Copy + Eq + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Zeroize {
    /// The element of a small integer.
    fn from_u64(value: u64) -> Self;
    /// The inverse. The argument must not be zero.
    fn invert(self) -> Self;
    /// Canonical little-endian bytes.
    fn to_bytes(self) -> [u8; 32];
    /// Parses canonical bytes; `None` if they are not canonical.
    fn from_bytes(bytes: [u8; 32]) -> Option<Self>;
    /// A uniform element (wide reduction of 64 random bytes), zero included.
    fn random(entropy: &mut dyn Entropy) -> Self;
}

/// The primitives of SA-1 (docs/PROTOCOL.md, "Who says what").
pub trait Suite: Sized + 'static {
    /// The field of the secret shares.
    type Scalar: FieldElement;
    /// A protocol signing key.
    type SigningKey;
    /// The secret halves of a client's session keys; erased when dropped.
    type ExchangeSecret;

    /// The signatures that it verifies.
    const SIGNATURES: &'static [SignatureAlgorithm];

    /// Whether it can verify by this key, as far as the algorithm says.
    ///
    /// # Errors
    /// [`SuiteError::Unknown`] for a key of another algorithm than [`Suite::SIGNATURES`].
    fn knows(key: &VerifyingKey) -> Result<(), SuiteError> {
        Ok(key.algorithm.one_of(Self::SIGNATURES)?)
    }

    /// Signs a message.
    fn sign(key: &Self::SigningKey, message: &[u8]) -> Signature;

    /// The public half of a signing key.
    fn verifying_key(key: &Self::SigningKey) -> VerifyingKey;

    /// Whether a signature is valid (strictly: no malleability, no small-order keys) by the algorithm of its key. One that claims another
    /// algorithm than its key's, and any by a key that [`Suite::knows`] refuses, is not.
    fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool;

    /// Whether every one of several signatures over one message is valid. A suite may verify them together, which costs about half.
    ///
    /// Verification together may accept a signature that [`Suite::verify`] refuses, but only one that its own signer malformed on purpose.
    fn verify_all(message: &[u8], signatures: &[(&VerifyingKey, &Signature)]) -> bool {
        signatures.iter().all(|(key, signature)| Self::verify(key, message, signature))
    }

    /// SHA-256 of the concatenation of short parts, for commitments, trees and signed bodies. The caller makes the parts' borders unambiguous.
    fn hash(parts: &[&[u8]]) -> Digest {
        Digest::of_parts(parts)
    }

    /// [`Suite::hash`] of a label and a list of digests.
    fn hash_list(label: &[u8], digests: &[Digest]) -> Digest {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(1 + digests.len());
        parts.push(label);
        parts.extend(digests.iter().map(|digest| digest.as_bytes().as_slice()));
        Self::hash(&parts)
    }

    /// [`Suite::hash`] of a canonical encoding: of every body that is signed, and of the views that are made of them.
    fn digest(body: Canonical) -> Digest {
        Self::hash(&[&body.into_bytes()])
    }

    /// Fresh session keys.
    fn exchange_keys(entropy: &mut dyn Entropy) -> (Self::ExchangeSecret, ExchangePublic);

    /// Diffie-Hellman agreement.
    ///
    /// # Errors
    /// [`SuiteError::Malformed`] for an all-zero result, [`SuiteError::Unknown`] for keys of another algorithm.
    fn agree(secret: &Self::ExchangeSecret, peer: &ExchangePublic) -> Result<SecretKey, SuiteError>;

    /// Encapsulates a fresh secret to a peer: (ciphertext, secret).
    ///
    /// # Errors
    /// [`SuiteError::Malformed`] for a bad encapsulation key, [`SuiteError::Unknown`] for keys of another algorithm.
    fn encapsulate(entropy: &mut dyn Entropy, peer: &ExchangePublic) -> Result<(Vec<u8>, SecretKey), SuiteError>;

    /// Opens an encapsulation.
    ///
    /// # Errors
    /// [`SuiteError::Malformed`] for a ciphertext of the wrong length.
    fn decapsulate(secret: &Self::ExchangeSecret, ciphertext: &[u8]) -> Result<SecretKey, SuiteError>;

    /// HKDF-Extract with SHA-256 (RFC 5869) over the concatenated parts.
    fn extract(salt: &[u8], parts: &[&[u8]]) -> SecretKey;

    /// HKDF-Expand with SHA-256 to 32 bytes; `info` is the concatenation of the parts.
    fn expand(key: &SecretKey, info: &[&[u8]]) -> SecretKey;

    /// By how many bytes a sealed text is longer than the plain one; with so much spare capacity it is not moved.
    const TAG_BYTES: usize;

    /// AES-256-GCM with an all-zero nonce: every key seals one message only. The ciphertext takes the plaintext's place, which
    /// needs no erasing then, and the tag stands behind it.
    fn seal(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>);

    /// Opens what [`Suite::seal`] made: the plaintext takes the ciphertext's place.
    ///
    /// # Errors
    /// [`SuiteError::Unauthentic`] if key, associated data or ciphertext differ; the text is then as it was.
    fn open(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) -> Result<(), SuiteError>;

    /// A position in the mask generator's stream.
    type Keystream: Keystream;

    /// The mask generator under a key that is used for one mask: AES-256-CTR, 128-bit big-endian counter from 0.
    fn keystream(key: &SecretKey) -> Self::Keystream;
}

/// A seekable key stream.
pub trait Keystream {
    /// Moves to a byte position, a multiple of 16.
    fn seek(&mut self, position: u64);
    /// Writes the next bytes of the stream, replacing the contents of `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that moved would leave a copy behind.
    #[test]
    fn a_text_is_erased_where_it_lies() {
        let mut text = Vec::with_capacity(100);
        text.extend_from_slice(&[7; 60]);
        let (place, capacity) = (text.as_ptr(), text.capacity());
        erase(&mut text);
        assert!(text.is_empty());
        assert_eq!((text.as_ptr(), text.capacity()), (place, capacity));
        text.resize(capacity, 1);
        assert_eq!(text.as_ptr(), place);
    }

    /// Each of the two keys: what is longer goes into no agreement, however short the other is.
    #[test]
    fn session_keys_are_as_long_as_the_limit_at_most() {
        let keys = |diffie_hellman, encapsulation| {
            let algorithm = ExchangeAlgorithm::TOY;
            let key = |length: usize| alloc::vec![1; length];
            ExchangePublic::try_from(ExchangeParts {
                algorithm,
                diffie_hellman: key(diffie_hellman),
                encapsulation: key(encapsulation),
            })
        };
        let most = EXCHANGE_KEY_BYTES_MAX;
        let taken = keys(most, most - 1).expect("both are within the limit");
        assert_eq!((taken.diffie_hellman.len(), taken.encapsulation.len()), (most, most - 1));
        assert!(keys(0, most).is_ok());
        for (diffie_hellman, encapsulation) in [(most + 1, 0), (0, most + 1), (most + 1, most + 1)] {
            assert_eq!(keys(diffie_hellman, encapsulation), Err(SuiteError::Malformed));
        }
    }
}
