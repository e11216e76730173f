//! Vectors of integers modulo 2^32 or 2^64: what is masked, sent and summed.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::mask::CHECK_COORDINATES;
use crate::digest::{Digest, VectorHasher};

/// Bytes written down and hashed at once: whole words, and enough for the hash to use all its lanes.
const PIECE_BYTES: usize = 64 << 10;

/// The ring of an aggregation's coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ring {
    /// Integers modulo 2^32: 4 bytes a coordinate.
    Bits32,
    /// Integers modulo 2^64: 8 bytes a coordinate.
    Bits64,
}

impl Ring {
    /// Bits of a coordinate: 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Ring::Bits32 => 32,
            Ring::Bits64 => 64,
        }
    }

    /// Bytes of a coordinate on the wire: 4 or 8.
    #[must_use]
    pub const fn word_bytes(self) -> usize {
        match self {
            Ring::Bits32 => 4,
            Ring::Bits64 => 8,
        }
    }
}

/// Why two vectors do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The vectors are in different rings.
    #[error("one vector is in another ring than this aggregation; the sender follows another round's parameters")]
    OtherRing,
    /// The vectors differ in length, or the bytes are not as many as the dimension needs.
    #[error("a vector has {found} where {expected} belong; the sender follows another round's parameters")]
    OtherLength {
        /// Coordinates or bytes expected.
        expected: usize,
        /// Coordinates or bytes found.
        found: usize,
    },
}

/// A vector in a ring. Erased when dropped: before masking these are a branch's numbers.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub enum RingWords {
    /// Modulo 2^32.
    W32(Vec<u32>),
    /// Modulo 2^64.
    W64(Vec<u64>),
}

impl RingWords {
    /// The zero vector.
    #[must_use]
    pub fn zero(ring: Ring, dimension: usize) -> Self {
        match ring {
            Ring::Bits32 => Self::W32(alloc::vec![0; dimension]),
            Ring::Bits64 => Self::W64(alloc::vec![0; dimension]),
        }
    }

    /// Reduces signed integers into the ring (two's complement). There is room for the check coordinates: a vector that grew would leave an
    /// unmasked copy behind.
    #[must_use]
    pub fn reduce(ring: Ring, values: &[i64]) -> Self {
        let room = values.len().saturating_add(CHECK_COORDINATES);
        match ring {
            Ring::Bits32 => {
                let mut words = Vec::with_capacity(room);
                words.extend(values.iter().map(|value| low_word(value.cast_unsigned())));
                Self::W32(words)
            }
            Ring::Bits64 => {
                let mut words = Vec::with_capacity(room);
                words.extend(values.iter().map(|value| value.cast_unsigned()));
                Self::W64(words)
            }
        }
    }

    /// The ring.
    #[must_use]
    pub const fn ring(&self) -> Ring {
        match self {
            Self::W32(_) => Ring::Bits32,
            Self::W64(_) => Ring::Bits64,
        }
    }

    /// Coordinates.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::W32(words) => words.len(),
            Self::W64(words) => words.len(),
        }
    }

    /// Whether there are no coordinates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds another vector, coordinate by coordinate, in the ring.
    ///
    /// # Errors
    /// [`RingError`], with nothing changed, if ring or length differ.
    pub fn add(&mut self, other: &Self) -> Result<(), RingError> {
        self.combine(other, u32::wrapping_add, u64::wrapping_add)
    }

    /// Adds a piece of a vector in its wire form: `first` is the position of its first byte. Both are whole coordinates.
    ///
    /// # Errors
    /// [`RingError::OtherLength`] in bytes, with nothing changed, for a piece that ends behind the vector or cuts a coordinate.
    pub fn add_le_bytes_at(&mut self, first: usize, bytes: &[u8]) -> Result<(), RingError> {
        let (all, word) = (bytes_of(self.ring(), self.len()), self.ring().word_bytes());
        let fits = first.checked_add(bytes.len()).is_some_and(|end| end <= all);
        if !fits || !first.is_multiple_of(word) || !bytes.len().is_multiple_of(word) {
            return Err(RingError::OtherLength { expected: all.saturating_sub(first), found: bytes.len() });
        }
        match self {
            Self::W32(words) => {
                let (chunks, _) = bytes.as_chunks();
                let pairs = words[first / word..].iter_mut().zip(chunks);
                pairs.for_each(|(word, chunk)| *word = word.wrapping_add(u32::from_le_bytes(*chunk)));
            }
            Self::W64(words) => {
                let (chunks, _) = bytes.as_chunks();
                let pairs = words[first / word..].iter_mut().zip(chunks);
                pairs.for_each(|(word, chunk)| *word = word.wrapping_add(u64::from_le_bytes(*chunk)));
            }
        }
        Ok(())
    }

    /// The representatives nearest to zero: `-2^(bits-1) ..= 2^(bits-1) - 1` (two's complement).
    #[must_use]
    pub fn centred(&self) -> Vec<i64> {
        self.centred_from(0).collect()
    }

    /// [`RingWords::centred`] from the coordinate `first` on, one by one.
    pub fn centred_from(&self, first: usize) -> impl Iterator<Item = i64> {
        let (narrow, wide): (&[u32], &[u64]) = match self {
            Self::W32(words) => (words.get(first..).unwrap_or_default(), &[]),
            Self::W64(words) => (&[], words.get(first..).unwrap_or_default()),
        };
        narrow.iter().map(|word| i64::from(word.cast_signed())).chain(wide.iter().map(|word| word.cast_signed()))
    }

    /// The wire form: little-endian words.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(bytes_of(self.ring(), self.len()));
        self.encode(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// The wire form and its digest, while each piece of it is at hand.
    #[must_use]
    pub fn to_wire(&self) -> (Vec<u8>, Digest) {
        let (mut bytes, mut hasher) = (Vec::with_capacity(bytes_of(self.ring(), self.len())), VectorHasher::new());
        self.encode(|piece| {
            hasher.update(piece);
            bytes.extend_from_slice(piece);
        });
        (bytes, hasher.finish())
    }

    /// Reads the wire form of `dimension` coordinates.
    ///
    /// # Errors
    /// [`RingError::OtherLength`] in bytes, before anything is allocated.
    pub fn from_le_bytes(ring: Ring, dimension: usize, bytes: &[u8]) -> Result<Self, RingError> {
        expect_length(bytes_of(ring, dimension), bytes.len())?;
        Ok(match ring {
            Ring::Bits32 => Self::W32(bytes.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect()),
            Ring::Bits64 => Self::W64(bytes.as_chunks().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()),
        })
    }

    /// Digest of the wire form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = VectorHasher::new();
        self.encode(|piece| hasher.update(piece));
        hasher.finish()
    }

    /// A mutable view of all coordinates.
    pub fn view_mut(&mut self) -> RingSliceMut<'_> {
        match self {
            Self::W32(words) => RingSliceMut::W32(words),
            Self::W64(words) => RingSliceMut::W64(words),
        }
    }

    /// The wire form, piece by piece.
    fn encode(&self, mut each: impl FnMut(&[u8])) {
        let (all, word) = (bytes_of(self.ring(), self.len()), self.ring().word_bytes());
        let mut piece = alloc::vec![0; PIECE_BYTES.min(all)];
        for first in (0..all).step_by(PIECE_BYTES) {
            let piece = &mut piece[..PIECE_BYTES.min(all - first)];
            self.encode_from(first / word, piece);
            each(piece);
        }
    }

    /// Fills `bytes` with the wire form from the coordinate `first` on.
    fn encode_from(&self, first: usize, bytes: &mut [u8]) {
        match self {
            Self::W32(words) => {
                let (chunks, _) = bytes.as_chunks_mut();
                chunks.iter_mut().zip(&words[first..]).for_each(|(chunk, word)| *chunk = word.to_le_bytes());
            }
            Self::W64(words) => {
                let (chunks, _) = bytes.as_chunks_mut();
                chunks.iter_mut().zip(&words[first..]).for_each(|(chunk, word)| *chunk = word.to_le_bytes());
            }
        }
    }

    /// Appends one coordinate, reduced into the ring.
    pub(crate) fn push(&mut self, word: u64) {
        match self {
            Self::W32(words) => words.push(low_word(word)),
            Self::W64(words) => words.push(word),
        }
    }

    /// Removes the last coordinate.
    pub(crate) fn pop(&mut self) -> Option<u64> {
        match self {
            Self::W32(words) => words.pop().map(u64::from),
            Self::W64(words) => words.pop(),
        }
    }

    fn combine(
        &mut self,
        other: &Self,
        narrow: fn(u32, u32) -> u32,
        wide: fn(u64, u64) -> u64,
    ) -> Result<(), RingError> {
        expect_length(self.len(), other.len())?;
        match (self, other) {
            (Self::W32(own), Self::W32(other)) => own.iter_mut().zip(other).for_each(|(a, b)| *a = narrow(*a, *b)),
            (Self::W64(own), Self::W64(other)) => own.iter_mut().zip(other).for_each(|(a, b)| *a = wide(*a, *b)),
            _ => return Err(RingError::OtherRing),
        }
        Ok(())
    }
}

/// A mutable view of consecutive coordinates.
pub enum RingSliceMut<'a> {
    /// Modulo 2^32.
    W32(&'a mut [u32]),
    /// Modulo 2^64.
    W64(&'a mut [u64]),
}

impl<'a> RingSliceMut<'a> {
    /// Coordinates.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::W32(words) => words.len(),
            Self::W64(words) => words.len(),
        }
    }

    /// Whether there are no coordinates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of a coordinate: 4 or 8.
    #[must_use]
    pub const fn word_bytes(&self) -> usize {
        match self {
            Self::W32(_) => Ring::Bits32.word_bytes(),
            Self::W64(_) => Ring::Bits64.word_bytes(),
        }
    }

    /// The same view for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> RingSliceMut<'_> {
        match self {
            Self::W32(words) => RingSliceMut::W32(words),
            Self::W64(words) => RingSliceMut::W64(words),
        }
    }

    /// Views of `block` consecutive coordinates each; the last may be shorter.
    ///
    /// # Panics
    /// If `block` is 0.
    #[must_use]
    pub fn blocks(self, block: usize) -> Vec<RingSliceMut<'a>> {
        match self {
            Self::W32(words) => words.chunks_mut(block).map(RingSliceMut::W32).collect(),
            Self::W64(words) => words.chunks_mut(block).map(RingSliceMut::W64).collect(),
        }
    }
}

/// Bytes of `dimension` coordinates on the wire; saturates.
#[must_use]
pub const fn bytes_of(ring: Ring, dimension: usize) -> usize {
    dimension.saturating_mul(ring.word_bytes())
}

#[expect(clippy::cast_possible_truncation, reason = "reduction modulo 2^32 is what the ring means")]
pub(crate) const fn low_word(word: u64) -> u32 {
    word as u32
}

fn expect_length(expected: usize, found: usize) -> Result<(), RingError> {
    if expected == found { Ok(()) } else { Err(RingError::OtherLength { expected, found }) }
}

#[cfg(test)]
#[path = "modular_tests.rs"]
mod tests;
