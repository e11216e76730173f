//! Digests, and the canonical encoding of what is signed or hashed.
//!
//! | what | function | why |
//! |---|---|---|
//! | everything encoded: messages, plans, rosters, the ledger's chain, keys | SHA-256 (FIPS 180-4) | small inputs, under signatures that others verify |
//! | a vector: an upload, a sum, a model's values, an optimizer's state | BLAKE3 (O'Connor et al. 2020) | its tree is hashed eight or sixteen leaves at once |
//!
//! Without SHA instructions SHA-256 takes about 5 ns a byte, twenty times as long as BLAKE3, and was a quarter of what a round cost outside
//! training. Both give 32 bytes at 128-bit collision resistance. A vector's digest enters signed bodies like any other value; which of the two
//! functions made a digest follows from the field it stands in, never from the sender.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A digest of 32 bytes: SHA-256, or BLAKE3 where it names a vector.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest before the first entry of a chain.
    pub const ZERO: Digest = Digest([0; 32]);

    /// SHA-256 of one byte string.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// BLAKE3 of a vector's wire form.
    #[must_use]
    pub fn of_vector(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// SHA-256 of the concatenation of `parts`. The caller makes the parts' borders unambiguous (fixed lengths or [`Canonical`]).
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = alloc::format!("{self}");
        text.truncate(8);
        text
    }

    /// Parses 64 hexadecimal digits; `None` if the text is anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let mut bytes = [0_u8; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = hex_value(*high)? << 4 | hex_value(*low)?;
        }
        Some(Self(bytes))
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// An incremental SHA-256, for bytes that arrive in pieces.
#[derive(Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts an empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// An incremental [`Digest::of_vector`]. Pieces of 16 KiB and more keep its speed; a leaf has 1 KiB.
#[derive(Clone, Default)]
pub struct VectorHasher(blake3::Hasher);

impl VectorHasher {
    /// Starts an empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// The canonical encoding: fixed order, little-endian integers, `u32` length before anything of variable length.
///
/// Hand-written rather than derived, so that a change of a struct cannot silently change what a signature means.
#[derive(Clone, Default)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts an encoding with a label that separates its domain from all others.
    #[must_use]
    pub fn new(label: &str) -> Self {
        // Most bodies fit, and need not grow.
        Self(Vec::with_capacity(512)).bytes(label.as_bytes())
    }

    /// Appends one byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Appends a 32-bit integer.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends a 64-bit integer.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends a 128-bit integer.
    #[must_use]
    pub fn u128(mut self, value: u128) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends a digest, without a length.
    #[must_use]
    pub fn digest(mut self, value: &Digest) -> Self {
        self.0.extend_from_slice(&value.0);
        self
    }

    /// Appends a byte string after its length.
    ///
    /// # Panics
    /// If the string is longer than `u32::MAX` bytes, which no limit of [`crate::limits`] allows.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).expect("limits keep byte strings below 4 GiB");
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// The encoding.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The digest of the encoding.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::of(&self.0)
    }
}

/// Of digests of which no two are alike: the first digits of one of them all, in their order. Frozen where it is asserted, because what was signed once
/// counts on.
#[cfg(test)]
pub(crate) fn frozen(digests: impl IntoIterator<Item = Digest>) -> String {
    let digests: alloc::vec::Vec<Digest> = digests.into_iter().collect();
    let different: alloc::collections::BTreeSet<&Digest> = digests.iter().collect();
    assert_eq!(different.len(), digests.len(), "two are alike");
    digests.iter().fold(Canonical::new("frozen"), |body, digest| body.digest(digest)).finish().short()
}

/// The same of something and of it with each of these changes.
#[cfg(test)]
pub(crate) fn frozen_fields<T: Clone>(base: &T, changes: &[fn(&mut T)], digest: impl Fn(&T) -> Digest) -> String {
    let changed = |change: &fn(&mut T)| {
        let mut other = base.clone();
        change(&mut other);
        digest(&other)
    };
    frozen(core::iter::once(digest(base)).chain(changes.iter().map(changed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abc_has_the_published_digest() {
        let digest = Digest::of(b"abc");
        assert_eq!(alloc::format!("{digest}"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::from_hex(&alloc::format!("{digest}")), Some(digest));
        assert_eq!(Digest::of_parts(&[b"a", b"bc"]), digest);
    }

    /// From the authors' list of known answers; the long ones pass through every width of the implementation.
    #[test]
    fn vectors_have_the_published_digests_however_they_are_cut() {
        let known = [
            (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
            (1_024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
            (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
        ];
        for (length, digest) in known {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            assert_eq!(Some(Digest::of_vector(&bytes)), Digest::from_hex(digest), "{length} bytes");
            for piece in [1, 1_000, 16_384] {
                let mut hasher = VectorHasher::new();
                bytes.chunks(piece).for_each(|piece| hasher.update(piece));
                assert_eq!(Some(hasher.finish()), Digest::from_hex(digest), "{length} bytes in pieces of {piece}");
            }
        }
    }

    #[test]
    fn hexadecimal_of_another_shape_is_refused() {
        assert_eq!(Digest::from_hex("00"), None);
        assert_eq!(Digest::from_hex(&"g".repeat(64)), None);
        let digits = "0123456789abcdefABCDEF9876543210".repeat(2);
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 0x98, 0x76, 0x54, 0x32, 0x10];
        assert_eq!(Digest::from_hex(&digits).map(|digest| digest.0.to_vec()), Some(bytes.repeat(2)));
        for other in [&digits[1..], &digits[2..], &[&digits, "0"].concat(), &[&digits, "00"].concat()] {
            assert_eq!(Digest::from_hex(other), None, "{other}");
        }
    }

    #[test]
    fn borders_between_byte_strings_count() {
        assert_ne!(
            Canonical::new("x").bytes(b"ab").bytes(b"c").finish(),
            Canonical::new("x").bytes(b"a").bytes(b"bc").finish()
        );
    }
}
