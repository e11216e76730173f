//! Masks: the generator's stream added to a vector, and the check coordinates under them (docs/PROTOCOL.md, "Who says what").
//!
//! Coordinate k of a mask is little-endian word k of the stream, so that blocks of coordinates can be masked in any order and at once.
//! Nothing here allocates more than a list of blocks; the stream passes through a buffer that is erased.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::labels;
use super::modular::{Ring, RingSliceMut, RingWords};
use super::suite::{Keystream, SecretKey, Suite};
use crate::digest::Digest;
use crate::ids::ClientId;

/// Coordinates appended to an update before masking: a participation counter and a linear checksum.
pub const CHECK_COORDINATES: usize = 2;

/// Coordinates that all masks pass over before the next block: 64 or 128 KiB, which the second-level cache holds.
pub const BLOCK_WORDS: usize = 1 << 14;

/// Bytes of stream made at a time.
const PAD_BYTES: usize = 4096;

/// Positions in a key stream are multiples of this.
const STREAM_ALIGNMENT: u64 = 16;

/// Whether a mask is added or subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Added.
    Add,
    /// Subtracted.
    Subtract,
}

impl Sign {
    /// How `own` applies the mask that it shares with `peer`: the larger identity adds, the smaller subtracts, and the two cancel.
    #[must_use]
    pub fn of_pair(own: ClientId, peer: ClientId) -> Self {
        if own > peer { Sign::Add } else { Sign::Subtract }
    }

    /// The sign that undoes this one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Sign::Add => Sign::Subtract,
            Sign::Subtract => Sign::Add,
        }
    }
}

/// A mask: its sign and the key of the generator (from [`labels::self_mask_key`] or [`labels::pair_mask_key`]), used for this mask alone.
pub type Mask = (Sign, SecretKey);

/// Applies one mask to a whole vector.
pub fn apply<S: Suite>(words: &mut RingWords, key: &SecretKey, sign: Sign) {
    Pad::new().combine(words.view_mut(), &mut S::keystream(key), sign);
}

/// Applies many masks to a whole vector, block by block of [`BLOCK_WORDS`], so that the vector passes through memory once.
pub fn apply_all<S: Suite>(words: &mut RingWords, masks: &[Mask]) {
    let mut streams: Vec<_> = masks.iter().map(|(sign, key)| (*sign, S::keystream(key))).collect();
    let mut pad = Pad::new();
    for mut block in words.view_mut().blocks(BLOCK_WORDS) {
        for (sign, stream) in &mut streams {
            pad.combine(block.reborrow(), stream, *sign);
        }
    }
}

/// Applies many masks to the coordinates from `first` on: what [`apply_all`] would do to them.
pub fn apply_range<S: Suite>(mut words: RingSliceMut<'_>, first: usize, masks: &[Mask]) {
    let position = (first as u64) * (words.word_bytes() as u64);
    let (before, start) = (position % STREAM_ALIGNMENT, position - position % STREAM_ALIGNMENT);
    let mut pad = Pad::new();
    for (sign, key) in masks {
        let mut stream = S::keystream(key);
        stream.seek(start);
        pad.skip(&mut stream, before);
        pad.combine(words.reborrow(), &mut stream, *sign);
    }
}

/// Some coordinates of a vector and the masks to apply to them; independent of the other blocks, so that each may run on its own thread.
#[must_use = "a block that is not run stays unmasked"]
pub struct MaskBlock<'a> {
    first: usize,
    words: RingSliceMut<'a>,
    masks: &'a [Mask],
    done: &'a AtomicUsize,
}

impl MaskBlock<'_> {
    /// Applies the masks.
    pub fn run<S: Suite>(self) {
        let count = self.words.len();
        apply_range::<S>(self.words, self.first, self.masks);
        self.done.fetch_add(count, Ordering::Release);
    }
}

/// Hands all blocks of a vector to `execute`, which must run every one before it returns.
///
/// # Panics
/// If a block was not run: going on would send or keep numbers that are not masked.
pub(crate) fn apply_blocks(words: &mut RingWords, masks: &[Mask], execute: impl FnOnce(Vec<MaskBlock<'_>>)) {
    let (count, done) = (words.len(), AtomicUsize::new(0));
    let blocks = words.view_mut().blocks(BLOCK_WORDS).into_iter().enumerate();
    execute(blocks.map(|(index, words)| MaskBlock { first: index * BLOCK_WORDS, words, masks, done: &done }).collect());
    assert_eq!(done.load(Ordering::Acquire), count, "every block of a vector is masked before it is used");
}

/// Why an unmasked sum is not the sum of its participants' updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckFailure {
    /// The participation counter is not the number of participants.
    #[error(
        "the unmasked sum does not count its participants; a mask or an upload is wrong and the round must be aborted"
    )]
    Counter,
    /// The linear checksum does not fit the coordinates.
    #[error("the unmasked sum fails its checksum; a mask or an upload is wrong and the round must be aborted")]
    Checksum,
}

/// Appends the check coordinates: 1, and the sum of rho_k x_k over everything before it. Both are linear, so that sums of updates pass the
/// same check, and they reveal nothing that the noised coordinates do not.
///
/// An error of unmasking goes unnoticed with probability 2^-bits; a single coordinate changed by a multiple of 2^m with 2^(m-bits).
pub fn append_checks<S: Suite>(words: &mut RingWords, descriptor: &Digest) {
    words.push(1);
    let checksum = checksum::<S>(words, descriptor);
    words.push(checksum);
}

/// Verifies and removes the check coordinates of a sum over `participants` updates.
///
/// # Errors
/// [`CheckFailure`].
pub fn split_checks<S: Suite>(
    mut sum: RingWords,
    descriptor: &Digest,
    participants: usize,
) -> Result<RingWords, CheckFailure> {
    let claimed = sum.pop().ok_or(CheckFailure::Checksum)?;
    let expected = checksum::<S>(&sum, descriptor);
    let counter = sum.pop().ok_or(CheckFailure::Counter)?;
    if counter != participants as u64 {
        return Err(CheckFailure::Counter);
    }
    if claimed != expected {
        return Err(CheckFailure::Checksum);
    }
    Ok(sum)
}

/// The sum of rho_k x_k in the ring.
pub(crate) fn checksum<S: Suite>(words: &RingWords, descriptor: &Digest) -> u64 {
    let mut stream = S::keystream(&labels::checksum_key::<S>(descriptor));
    let mut pad = Pad::new();
    match words {
        RingWords::W32(words) => {
            u64::from(words.chunks(PAD_BYTES / Ring::Bits32.word_bytes()).fold(0_u32, |sum, words| {
                let pairs = words.iter().zip(pad.words32(&mut stream, words.len()));
                pairs.fold(sum, |sum, (word, rho)| sum.wrapping_add(word.wrapping_mul(u32::from_le_bytes(*rho))))
            }))
        }
        RingWords::W64(words) => words.chunks(PAD_BYTES / Ring::Bits64.word_bytes()).fold(0_u64, |sum, words| {
            let pairs = words.iter().zip(pad.words64(&mut stream, words.len()));
            pairs.fold(sum, |sum, (word, rho)| sum.wrapping_add(word.wrapping_mul(u64::from_le_bytes(*rho))))
        }),
    }
}

/// A piece of key stream, erased when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Pad([u8; PAD_BYTES]);

impl Pad {
    fn new() -> Self {
        Self([0; PAD_BYTES])
    }

    fn words32(&mut self, stream: &mut impl Keystream, count: usize) -> &[[u8; 4]] {
        let bytes = &mut self.0[..count * Ring::Bits32.word_bytes()];
        stream.fill(bytes);
        bytes.as_chunks().0
    }

    fn words64(&mut self, stream: &mut impl Keystream, count: usize) -> &[[u8; 8]] {
        let bytes = &mut self.0[..count * Ring::Bits64.word_bytes()];
        stream.fill(bytes);
        bytes.as_chunks().0
    }

    fn skip(&mut self, stream: &mut impl Keystream, bytes: u64) {
        if bytes != 0 {
            let bytes = usize::try_from(bytes).expect("less than the stream's alignment");
            stream.fill(&mut self.0[..bytes]);
        }
    }

    fn combine(&mut self, words: RingSliceMut<'_>, stream: &mut impl Keystream, sign: Sign) {
        match words {
            RingSliceMut::W32(words) => {
                for words in words.chunks_mut(PAD_BYTES / Ring::Bits32.word_bytes()) {
                    let pads = self.words32(stream, words.len());
                    let pairs = words.iter_mut().zip(pads);
                    match sign {
                        Sign::Add => pairs.for_each(|(word, pad)| *word = word.wrapping_add(u32::from_le_bytes(*pad))),
                        Sign::Subtract => {
                            pairs.for_each(|(word, pad)| *word = word.wrapping_sub(u32::from_le_bytes(*pad)))
                        }
                    }
                }
            }
            RingSliceMut::W64(words) => {
                for words in words.chunks_mut(PAD_BYTES / Ring::Bits64.word_bytes()) {
                    let pads = self.words64(stream, words.len());
                    let pairs = words.iter_mut().zip(pads);
                    match sign {
                        Sign::Add => pairs.for_each(|(word, pad)| *word = word.wrapping_add(u64::from_le_bytes(*pad))),
                        Sign::Subtract => {
                            pairs.for_each(|(word, pad)| *word = word.wrapping_sub(u64::from_le_bytes(*pad)))
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
