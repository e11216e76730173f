//! Signatures and the keys that verify them, each with its algorithm.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::algorithm::SignatureAlgorithm;
use crate::digest::Canonical;
use crate::limits::{SIGNATURE_BYTES_MAX, VERIFYING_KEY_BYTES_MAX};

/// The public half of a protocol signing key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct VerifyingKey {
    /// What it verifies. What a signature says of itself does not count beside this.
    pub algorithm: SignatureAlgorithm,
    /// The key as its algorithm writes it, at most [`VERIFYING_KEY_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// A signature by a protocol signing key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Signature {
    /// How it was made; must be the algorithm of the key.
    pub algorithm: SignatureAlgorithm,
    /// The signature as its algorithm writes it, at most [`SIGNATURE_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// Either of the two as it arrives.
#[derive(Deserialize)]
struct Parts {
    algorithm: SignatureAlgorithm,
    bytes: Vec<u8>,
}

/// More bytes than any key or signature has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} has {bytes} bytes and may have {limit}; its sender is faulty or hostile")]
pub struct TooLong {
    what: &'static str,
    bytes: usize,
    limit: usize,
}

impl Parts {
    fn within(self, what: &'static str, limit: usize) -> Result<Self, TooLong> {
        let bytes = self.bytes.len();
        if bytes > limit { Err(TooLong { what, bytes, limit }) } else { Ok(self) }
    }
}

impl TryFrom<Parts> for VerifyingKey {
    type Error = TooLong;

    fn try_from(parts: Parts) -> Result<Self, TooLong> {
        let Parts { algorithm, bytes } = parts.within("a signing key", VERIFYING_KEY_BYTES_MAX)?;
        Ok(Self { algorithm, bytes })
    }
}

impl TryFrom<Parts> for Signature {
    type Error = TooLong;

    fn try_from(parts: Parts) -> Result<Self, TooLong> {
        let Parts { algorithm, bytes } = parts.within("a signature", SIGNATURE_BYTES_MAX)?;
        Ok(Self { algorithm, bytes })
    }
}

impl VerifyingKey {
    /// An Ed25519 key.
    #[must_use]
    pub fn ed25519(bytes: [u8; 32]) -> Self {
        Self { algorithm: SignatureAlgorithm::ED25519, bytes: bytes.to_vec() }
    }

    /// The bytes of an Ed25519 key; nothing for a key of another algorithm or of a wrong length.
    #[must_use]
    pub fn as_ed25519(&self) -> Option<&[u8; 32]> {
        self.bytes.as_slice().try_into().ok().filter(|_| self.algorithm == SignatureAlgorithm::ED25519)
    }

    /// The key in the text form that people compare, as [`fmt::Display`] prints it: `ed25519:` and the bytes in lower-case hexadecimal digits.
    /// Nothing for an unknown algorithm or for too many bytes.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let (algorithm, bytes) = of_text(text)?;
        Parts { algorithm, bytes }.try_into().ok()
    }

    /// Into a canonical encoding, with the algorithm: who signs the body signs what the key is for.
    #[must_use]
    pub fn canonical(&self, body: Canonical) -> Canonical {
        body.u8(self.algorithm.number()).bytes(&self.bytes)
    }
}

impl Signature {
    /// An Ed25519 signature.
    #[must_use]
    pub fn ed25519(bytes: [u8; 64]) -> Self {
        Self { algorithm: SignatureAlgorithm::ED25519, bytes: bytes.to_vec() }
    }

    /// What stands in a body before it is signed; verifies under no key.
    #[must_use]
    pub const fn none() -> Self {
        Self { algorithm: SignatureAlgorithm::of_number(0), bytes: Vec::new() }
    }

    /// The signature in its text form, as [`VerifyingKey::of_text`].
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let (algorithm, bytes) = of_text(text)?;
        Parts { algorithm, bytes }.try_into().ok()
    }
}

fn of_text(text: &str) -> Option<(SignatureAlgorithm, Vec<u8>)> {
    let (name, digits) = text.split_once(':')?;
    Some((SignatureAlgorithm::of_name(name)?, bytes_of_digits(digits)?))
}

/// The bytes of a text of lower-case hexadecimal digits, two for each byte; nothing where it is another text.
#[must_use]
pub fn bytes_of_digits(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks();
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect();
    bytes.filter(|_| odd.is_empty())
}

fn print(formatter: &mut fmt::Formatter<'_>, algorithm: SignatureAlgorithm, bytes: &[u8]) -> fmt::Result {
    write!(formatter, "{algorithm}:")?;
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(formatter, self.algorithm, &self.bytes)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(formatter, self.algorithm, &self.bytes)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec;

    use super::*;
    use crate::codec::{CodecError, decode, encode};

    /// Frozen: a change here changes the wire and every ledger on disk.
    #[test]
    fn golden_bytes() {
        let key = VerifyingKey::ed25519([7; 32]);
        let expected = [vec![1, 32, 0, 0, 0, 0, 0, 0, 0], vec![7; 32]].concat();
        assert_eq!(encode(&key), expected);
        assert_eq!(decode::<VerifyingKey>(&expected, 100), Ok(key));
        let signature = Signature::ed25519([9; 64]);
        let expected = [vec![1, 64, 0, 0, 0, 0, 0, 0, 0], vec![9; 64]].concat();
        assert_eq!(encode(&signature), expected);
        assert_eq!(decode::<Signature>(&expected, 100), Ok(signature));
    }

    #[test]
    fn an_unknown_algorithm_is_decoded_with_its_number() {
        let later = VerifyingKey { algorithm: SignatureAlgorithm::of_number(3), bytes: vec![1; 1_952] };
        assert_eq!(decode::<VerifyingKey>(&encode(&later), 4_000), Ok(later.clone()));
        assert_eq!(later.as_ed25519(), None);
    }

    #[test]
    fn what_is_longer_than_any_is_refused() {
        let algorithm = SignatureAlgorithm::of_number(3);
        let key = |bytes| encode(&VerifyingKey { algorithm, bytes: vec![1; bytes] });
        assert!(decode::<VerifyingKey>(&key(VERIFYING_KEY_BYTES_MAX), 9_000).is_ok());
        assert_eq!(decode::<VerifyingKey>(&key(VERIFYING_KEY_BYTES_MAX + 1), 9_000), Err(CodecError::Malformed));
        let signature = |bytes| encode(&Signature { algorithm, bytes: vec![1; bytes] });
        assert!(decode::<Signature>(&signature(SIGNATURE_BYTES_MAX), 9_000).is_ok());
        assert_eq!(decode::<Signature>(&signature(SIGNATURE_BYTES_MAX + 1), 9_000), Err(CodecError::Malformed));
    }

    #[test]
    fn texts_name_the_algorithm_and_are_read_the_one_way_that_they_are_printed() {
        let key = VerifyingKey::ed25519([0xab; 32]);
        let text = key.to_string();
        assert_eq!(text, ["ed25519:", &"ab".repeat(32)].concat());
        assert_eq!(VerifyingKey::of_text(&text), Some(key));
        let signature = Signature::ed25519([1; 64]);
        assert_eq!(Signature::of_text(&signature.to_string()), Some(signature));
        for other in ["", ":", "ab", "ed25519", "ed25519:a", "ed25519:AB", "ed25519:0g", "sm2:ab", "algorithm-1:ab"] {
            assert_eq!(VerifyingKey::of_text(other), None, "{other}");
        }
        assert_eq!(VerifyingKey::of_text(&["ed25519:", &"ab".repeat(VERIFYING_KEY_BYTES_MAX + 1)].concat()), None);
    }

    #[test]
    fn an_ed25519_key_has_its_algorithm_and_32_bytes() {
        assert_eq!(VerifyingKey::ed25519([5; 32]).as_ed25519(), Some(&[5; 32]));
        let short = VerifyingKey { algorithm: SignatureAlgorithm::ED25519, bytes: vec![5; 31] };
        assert_eq!(short.as_ed25519(), None);
        let toy = VerifyingKey { algorithm: SignatureAlgorithm::TOY, bytes: vec![5; 32] };
        assert_eq!(toy.as_ed25519(), None);
    }

    #[test]
    fn a_canonical_encoding_holds_the_algorithm() {
        let digest = |number| {
            let key = VerifyingKey { algorithm: SignatureAlgorithm::of_number(number), bytes: vec![5; 32] };
            key.canonical(Canonical::new("x")).finish()
        };
        assert_ne!(digest(1), digest(2));
    }
}
