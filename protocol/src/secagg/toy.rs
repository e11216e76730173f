//! A suite for tests: fast, the right shapes and the right algebra, and no security whatsoever.

use alloc::vec::Vec;
use core::ops::{Add, Mul, Sub};

use zeroize::Zeroize;

use super::suite::{ExchangePublic, FieldElement, Keystream, SecretKey, Signature, Suite, SuiteError, VerifyingKey};
use crate::algorithm::{ExchangeAlgorithm, SignatureAlgorithm};
use crate::digest::Digest;
use crate::entropy::Entropy;

/// 2^61 - 1, a prime.
const PRIME: u64 = (1 << 61) - 1;

const GENERATOR: ToyField = ToyField(37);

/// Integers modulo 2^61 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToyField(u64);

/// 2^61 is 1 modulo the prime, so that high bits are added to low ones instead of dividing.
fn residue(value: u128) -> ToyField {
    let value = (value & u128::from(PRIME)) + (value >> 61);
    let value = low_word((value & u128::from(PRIME)) + (value >> 61));
    reduced((value & PRIME) + (value >> 61))
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
const fn low_word(value: u128) -> u64 {
    value as u64
}

/// Of a sum that is at most twice the prime. Without a branch, so that many are added at once.
const fn reduced(sum: u64) -> ToyField {
    let less = sum.wrapping_sub(PRIME);
    let borrowed = (less >> 63).wrapping_neg();
    ToyField(less.wrapping_add(PRIME & borrowed))
}

impl ToyField {
    fn power(self, mut exponent: u64) -> Self {
        let (mut base, mut result) = (self, ToyField(1));
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base;
            }
            base = base * base;
            exponent >>= 1;
        }
        result
    }
}

impl Add for ToyField {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        reduced(self.0 + other.0)
    }
}

impl Sub for ToyField {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        reduced(self.0 + (PRIME - other.0))
    }
}

impl Mul for ToyField {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        reduced(low_word(product & u128::from(PRIME)) + low_word(product >> 61))
    }
}

impl Zeroize for ToyField {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl FieldElement for ToyField {
    fn from_u64(value: u64) -> Self {
        residue(value.into())
    }
    fn invert(self) -> Self {
        assert_ne!(self.0, 0, "zero has no inverse");
        self.power(PRIME - 2)
    }
    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.0.to_le_bytes());
        bytes
    }
    fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let (value, rest) = bytes.split_first_chunk()?;
        let value = u64::from_le_bytes(*value);
        (value < PRIME && rest.iter().all(|byte| *byte == 0)).then_some(Self(value))
    }
    fn random(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        residue(u128::from_le_bytes(bytes))
    }
}

/// The toy.
pub struct Toy;

fn agreed(element: ToyField) -> SecretKey {
    SecretKey::new(blend(&[&element.to_bytes()]))
}

/// Half as long as the prime, for half the work; never zero, whose power is no key.
fn exponent(entropy: &mut dyn Entropy) -> u64 {
    ToyField::random(entropy).0 >> 30 | 1
}

fn element(bytes: &[u8]) -> Result<ToyField, SuiteError> {
    let bytes = bytes.try_into().map_err(|_| SuiteError::Malformed)?;
    ToyField::from_bytes(bytes).filter(|element| element.0 > 1).ok_or(SuiteError::Malformed)
}

fn tag(key: &SecretKey, associated: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    let length = (ciphertext.len() as u64).to_le_bytes();
    // What is long stands where words need not be put together from two.
    blend(&[key.expose(), &length, ciphertext, associated])
}

fn crypt(key: &SecretKey, bytes: &mut [u8]) {
    let seed = Toy::keystream(key).seed;
    let (words, rest) = bytes.as_chunks_mut();
    let last = words.len() as u64;
    for (word, index) in words.iter_mut().zip(0..) {
        *word = (u64::from_le_bytes(*word) ^ pad(seed, index)).to_le_bytes();
    }
    rest.iter_mut().zip(pad(seed, last).to_le_bytes()).for_each(|(byte, pad)| *byte ^= pad);
}

impl Suite for Toy {
    type Scalar = ToyField;
    type SigningKey = [u8; 32];
    type ExchangeSecret = (u64, u64);
    type Keystream = ToyStream;
    const TAG_BYTES: usize = 32;
    const SIGNATURES: &'static [SignatureAlgorithm] = &[SignatureAlgorithm::TOY];

    fn sign(key: &[u8; 32], message: &[u8]) -> Signature {
        let public = Self::verifying_key(key);
        Signature { algorithm: SignatureAlgorithm::TOY, bytes: blend(&[&public.bytes, message, b"sign"]).to_vec() }
    }
    fn verifying_key(key: &[u8; 32]) -> VerifyingKey {
        VerifyingKey { algorithm: SignatureAlgorithm::TOY, bytes: blend(&[b"public", key]).to_vec() }
    }
    fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        let known = Self::knows(key).is_ok() && signature.algorithm == key.algorithm;
        known && signature.bytes == blend(&[&key.bytes, message, b"sign"])
    }
    #[inline(always)]
    fn hash(parts: &[&[u8]]) -> Digest {
        Digest(blend(parts))
    }
    fn hash_list(label: &[u8], digests: &[Digest]) -> Digest {
        let head = Blender::new().with(&[label]);
        Digest(digests.iter().fold(head, |blender, digest| blender.with(&[digest.as_bytes()])).finish())
    }
    fn exchange_keys(entropy: &mut dyn Entropy) -> ((u64, u64), ExchangePublic) {
        let secret = (exponent(entropy), exponent(entropy));
        let [diffie_hellman, encapsulation] =
            [secret.0, secret.1].map(|secret| GENERATOR.power(secret).to_bytes().to_vec());
        (secret, ExchangePublic { algorithm: ExchangeAlgorithm::TOY, diffie_hellman, encapsulation })
    }
    fn agree(secret: &(u64, u64), peer: &ExchangePublic) -> Result<SecretKey, SuiteError> {
        peer.algorithm.one_of(&[ExchangeAlgorithm::TOY])?;
        Ok(agreed(element(&peer.diffie_hellman)?.power(secret.0)))
    }
    fn encapsulate(entropy: &mut dyn Entropy, peer: &ExchangePublic) -> Result<(Vec<u8>, SecretKey), SuiteError> {
        peer.algorithm.one_of(&[ExchangeAlgorithm::TOY])?;
        let (peer, fresh) = (element(&peer.encapsulation)?, exponent(entropy));
        Ok((GENERATOR.power(fresh).to_bytes().to_vec(), agreed(peer.power(fresh))))
    }
    fn decapsulate(secret: &(u64, u64), ciphertext: &[u8]) -> Result<SecretKey, SuiteError> {
        Ok(agreed(element(ciphertext)?.power(secret.1)))
    }
    fn extract(salt: &[u8], parts: &[&[u8]]) -> SecretKey {
        let head = Blender::new().with(&[b"extract", &blend(&[salt])]);
        SecretKey::new(head.with(parts).finish())
    }
    #[inline(always)]
    fn expand(key: &SecretKey, info: &[&[u8]]) -> SecretKey {
        SecretKey::new(Blender::new().with(&[b"expand", key.expose()]).with(info).finish())
    }
    fn seal(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) {
        crypt(key, text);
        let tag = tag(key, associated, text);
        text.extend_from_slice(&tag);
    }
    fn open(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) -> Result<(), SuiteError> {
        let (ciphertext, found) = text.split_last_chunk::<{ Self::TAG_BYTES }>().ok_or(SuiteError::Unauthentic)?;
        if *found != tag(key, associated, ciphertext) {
            return Err(SuiteError::Unauthentic);
        }
        text.truncate(text.len() - Self::TAG_BYTES);
        crypt(key, text);
        Ok(())
    }
    fn keystream(key: &SecretKey) -> ToyStream {
        let Blender { low, high, .. } = Blender::new().with(&[key.expose()]);
        ToyStream { seed: low ^ high, position: 0 }
    }
}

/// 32 bytes that depend on every byte of the parts, so that equal inputs give equal outputs and others do not by chance. A simulated
/// federation makes millions of them; whoever wants to can find two that collide. Cut elsewhere, the same bytes are another input.
#[inline(always)]
fn blend(parts: &[&[u8]]) -> [u8; 32] {
    Blender::new().with(parts).finish()
}

struct Blender {
    low: u64,
    high: u64,
    length: u64,
}

impl Blender {
    fn new() -> Self {
        Self { low: 0x243f_6a88_85a3_08d3, high: 0x1319_8a2e_0370_7344, length: 0 }
    }

    /// Inlined, as everything behind it: nearly every caller's parts have lengths that it knows, and what is left of the work on borders is
    /// then a few shifts.
    #[inline(always)]
    fn with(mut self, parts: &[&[u8]]) -> Self {
        for part in parts {
            self.absorb(part);
        }
        self
    }

    #[inline(always)]
    fn absorb(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks();
        let (pairs, word) = words.as_chunks();
        for [one, other] in pairs {
            self.fold(u64::from_le_bytes(*one), u64::from_le_bytes(*other));
        }
        let (last, bits) = last_word(rest);
        // How much is left says where the part ends.
        let end = last | u64::from(bits + 8) << 56;
        match word {
            [word, ..] => self.fold(u64::from_le_bytes(*word), !end),
            [] if bits > 0 => self.fold(0, end),
            [] => {}
        }
    }

    /// Two words by one product, as wyhash does it (Wang Yi 2019). Two lanes take turns, so that neither waits for the other.
    #[inline(always)]
    fn fold(&mut self, one: u64, other: u64) {
        self.low = core::mem::replace(&mut self.high, product(self.low ^ one, other ^ 0xa076_1d64_78bd_642f));
    }

    #[inline(always)]
    fn finish(mut self) -> [u8; 32] {
        self.fold(self.length, 0);
        let (low, high) = (self.low, self.high);
        let words = [
            product(low ^ 0xe703_7ed1_a0b4_28db, high ^ 0x8ebc_6af0_9c88_c6e3),
            product(low ^ 0x5899_65cc_7537_4cc3, high ^ 0x1d8e_4e27_c47d_124f),
            product(low ^ 0xa409_3822_299f_31d0, high ^ 0x082e_fa98_ec4e_6c89),
            product(low ^ 0x4528_21e6_38d0_1377, high ^ 0xbe54_66cf_34e9_0c6c),
        ];
        let mut bytes = [0; 32];
        bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(chunk, word)| *chunk = word.to_le_bytes());
        bytes
    }
}

/// Both halves of a product as one word.
#[inline(always)]
fn product(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    low_word(product) ^ low_word(product >> 64)
}

/// Less than a word as one, and how many bits it has.
#[inline(always)]
fn last_word(bytes: &[u8]) -> (u64, u32) {
    let word = match bytes {
        [] => 0,
        [a] => u64::from(*a),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a, b, c] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        [a, b, c, d, e] => u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]),
        [a, b, c, d, e, f] => u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]),
        [a, b, c, d, e, f, g, ..] => u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, 0]),
    };
    (word, 8 * u32::from(bytes.len().to_le_bytes()[0] % 8))
}

/// Words by position, of one product each: the generator of wyhash (Wang Yi 2019).
pub struct ToyStream {
    seed: u64,
    position: u64,
}

impl Keystream for ToyStream {
    fn seek(&mut self, position: u64) {
        assert_eq!(position % 16, 0, "streams are positioned at multiples of 16");
        self.position = position;
    }
    fn fill(&mut self, mut bytes: &mut [u8]) {
        if self.position.is_multiple_of(8) {
            let (words, rest) = bytes.as_chunks_mut();
            for (word, index) in words.iter_mut().zip(self.position / 8..) {
                *word = pad(self.seed, index).to_le_bytes();
            }
            self.position += 8 * words.len() as u64;
            bytes = rest;
        }
        while !bytes.is_empty() {
            let word = pad(self.seed, self.position / 8).to_le_bytes();
            let offset = usize::from(self.position.to_le_bytes()[0] % 8);
            let count = bytes.len().min(8 - offset);
            let (piece, rest) = bytes.split_at_mut(count);
            piece.copy_from_slice(&word[offset..offset + count]);
            self.position += count as u64;
            bytes = rest;
        }
    }
}

/// The word of a stream at a position.
#[inline(always)]
fn pad(seed: u64, index: u64) -> u64 {
    let word = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0xa076_1d64_78bd_642f));
    product(word, word ^ 0xe703_7ed1_a0b4_28db)
}

/// Reproducible bytes for tests.
pub struct Seeded(ToyStream);

impl Seeded {
    /// The bytes of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ToyStream { seed, position: 0 })
    }

    /// A fresh key.
    pub fn key(&mut self) -> SecretKey {
        SecretKey::new(self.bytes32())
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::UnknownAlgorithm;

    #[test]
    fn blending_sees_every_byte() {
        let bytes: Vec<u8> = (0..41).collect();
        let whole = blend(&[&bytes]);
        for cut in 0..41 {
            assert_ne!(blend(&[&bytes[..cut]]), whole);
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[cut] ^= 1 << bit;
                assert_ne!(blend(&[&other]), whole);
            }
        }
        for (one, other) in (0..40).flat_map(|one| (0..one).map(move |other| (one, other))) {
            assert_ne!(blend(&[&bytes[..one], b"x"]), blend(&[&bytes[..other], b"x"]));
            assert_ne!(blend(&[&[0; 40][..one]]), blend(&[&[0; 40][..other]]));
        }
    }

    #[test]
    fn a_list_is_hashed_as_its_parts_are() {
        let digests = [1, 2, 3].map(|byte| Digest([byte; 32]));
        for count in 0..=3 {
            let parts: Vec<&[u8]> = [b"label".as_slice()]
                .into_iter()
                .chain(digests[..count].iter().map(|digest| digest.as_bytes().as_slice()))
                .collect();
            assert_eq!(Toy::hash_list(b"label", &digests[..count]), Toy::hash(&parts), "{count}");
        }
    }

    #[test]
    fn the_stream_is_the_same_from_every_position() {
        let key = SecretKey::new([3; 32]);
        let mut whole = [0; 100];
        Toy::keystream(&key).fill(&mut whole);
        let mut stream = Toy::keystream(&key);
        let mut pieces = [0; 100];
        let (first, rest) = pieces.split_at_mut(13);
        stream.fill(first);
        stream.fill(rest);
        assert_eq!(pieces, whole);
        let mut stream = Toy::keystream(&key);
        stream.seek(48);
        let mut tail = [0; 52];
        stream.fill(&mut tail);
        assert_eq!(tail, whole[48..]);
    }

    /// What the suite asks of every implementation: the key decides, and what is said beside it changes nothing.
    #[test]
    fn other_algorithms_are_refused_by_their_number() {
        let (key, later) = ([1; 32], SignatureAlgorithm::of_number(3));
        let (public, signature) = (Toy::verifying_key(&key), Toy::sign(&key, b"message"));
        assert!(Toy::verify(&public, b"message", &signature));
        assert!(!Toy::verify(&public, b"message", &Signature { algorithm: later, ..signature.clone() }));
        let renamed = VerifyingKey { algorithm: later, ..public };
        assert!(!Toy::verify(&renamed, b"message", &signature));
        assert!(!Toy::verify(&renamed, b"message", &Signature { algorithm: later, ..signature }));
        let unknown = |what, number| SuiteError::Unknown(UnknownAlgorithm { what, number });
        assert_eq!(Toy::knows(&renamed), Err(unknown("a signing key or a signature", 3)));
        let (secret, public) = Toy::exchange_keys(&mut Seeded::new(1));
        let renamed = ExchangePublic { algorithm: ExchangeAlgorithm::of_number(2), ..public };
        assert_eq!(Toy::agree(&secret, &renamed).err(), Some(unknown("a session key", 2)));
        assert_eq!(Toy::encapsulate(&mut Seeded::new(2), &renamed).err(), Some(unknown("a session key", 2)));
    }

    #[test]
    fn the_toy_has_the_right_algebra() {
        let mut entropy = Seeded::new(1);
        for _ in 0..50 {
            let (a, b) = (ToyField::random(&mut entropy), ToyField::random(&mut entropy));
            assert_eq!(a * a.invert(), ToyField(1));
            assert_eq!(a - b + b, a);
            assert_eq!(ToyField::from_bytes(a.to_bytes()), Some(a));
        }
        let ((one, one_public), (other, other_public)) =
            (Toy::exchange_keys(&mut entropy), Toy::exchange_keys(&mut entropy));
        let (a, b) = (Toy::agree(&one, &other_public).unwrap(), Toy::agree(&other, &one_public).unwrap());
        assert_eq!(a.expose(), b.expose());
        let (ciphertext, a) = Toy::encapsulate(&mut entropy, &one_public).unwrap();
        assert_eq!(a.expose(), Toy::decapsulate(&one, &ciphertext).unwrap().expose());
        let mut text = b"text".to_vec();
        Toy::seal(&a, b"to", &mut text);
        assert_eq!(Toy::open(&a, b"other", &mut text), Err(SuiteError::Unauthentic));
        assert_eq!((Toy::open(&a, b"to", &mut text), text), (Ok(()), b"text".to_vec()));
    }
}
