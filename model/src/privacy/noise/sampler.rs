//! Draws from the discrete Gaussian through the staircase of [`Envelope`].

use super::envelope::{Envelope, Step, TAIL};
use super::exact::Decision;
use super::generator::BitSource;
use super::natural::Natural;

/// Half the width of the enclosure of an acceptance probability, in parts of 2^63: see [`Sampler::estimate`].
const MARGIN: u64 = 64;
/// Blocks of the tail that are drawn from, so that a magnitude is below 2^61: see the head of [`super`].
const TAIL_BLOCKS_MAX: u32 = 1 << 16;

/// `floor(2^63 / k!)` for k from 0 to 20: the exponential series.
const COEFFICIENTS: [u64; 21] = coefficients();

const fn coefficients() -> [u64; 21] {
    let mut coefficients = [1 << 63; 21];
    let mut factorial = 1;
    let mut index = 1;
    while index < 21 {
        factorial *= index as u64;
        coefficients[index] = (1 << 63) / factorial;
        index += 1;
    }
    coefficients
}

/// The discrete Gaussian of one variance.
pub(super) struct Sampler {
    envelope: Envelope,
    variance: u128,
    /// `floor(2^72 w^2 / (2 variance))`, below 2^64.
    inverse: u64,
    offset_mask: u64,
}

impl Sampler {
    /// For a variance from 1 to 2^80.
    pub(super) fn new(variance: u128) -> Self {
        let envelope = Envelope::new(variance);
        let inverse = Natural::ratio(1 << (2 * envelope.width_bits), 72, 2 * variance);
        // At width 1 offsets are zero and the quotient is not used.
        let inverse = if envelope.width_bits == 0 { 0 } else { inverse.to_u64().expect("w is at most sigma / 16") };
        Self { offset_mask: (1 << envelope.width_bits) - 1, envelope, variance, inverse }
    }

    /// One exact draw.
    #[inline]
    pub(super) fn draw<S: BitSource>(&self, source: &mut S) -> i64 {
        loop {
            let selector = source.next_u64();
            let [chosen, ..] = selector.to_le_bytes();
            let column = self.envelope.columns[usize::from(chosen)];
            let index = if selector >> 8 < column.threshold { chosen } else { column.alias };
            let step = &self.envelope.steps[usize::from(index)];
            // One bit of sign, at most 36 bits of offset, 27 bits of the uniform number U.
            let word = source.next_u64();
            let offset = (word >> 1) & self.offset_mask;
            let head = word >> 37;
            let mut magnitude = (u64::from(index) << self.envelope.width_bits) | offset;
            if head >= step.quick {
                match self.decide(step, index, offset, head, source) {
                    Some(decided) => magnitude = decided,
                    None => continue,
                }
            }
            let negative = word & 1;
            if magnitude | (negative ^ 1) == 0 {
                // Zero has one sign only.
                continue;
            }
            let sign = negative.wrapping_neg();
            return (magnitude ^ sign).wrapping_sub(sign).cast_signed();
        }
    }

    /// The acceptance test where the lower bound of the step did not settle it: the accepted magnitude, if any.
    #[inline(never)]
    fn decide<S: BitSource>(&self, step: &Step, index: u8, offset: u64, head: u64, source: &mut S) -> Option<u64> {
        let uniform = (head << 37) | (source.next_u64() >> 27);
        if index == TAIL {
            return self.decide_tail(step, uniform, source);
        }
        let magnitude = (u64::from(index) << self.envelope.width_bits) | offset;
        let estimate = self.estimate(step, index, offset);
        // U lies in [part, part + 1] / 2^63.
        let part = uniform >> 1;
        if part + 1 + MARGIN <= estimate {
            return Some(magnitude);
        }
        if part >= estimate + MARGIN {
            return None;
        }
        self.exactly(step, magnitude, 0, uniform, source)
    }

    /// The acceptance probability in parts of 2^63, at most [`MARGIN`] off.
    ///
    /// With `x = i w + r` it is `start * exp(-y)`, `y = (2 i w + r) r / (2 variance)`, and `y < 1` because `w <= sigma / 16`. Errors in parts
    /// of 2^63: `start` 2; `y` below 6 parts of 2^64, so 3; the series 43, that is at most 2 for each of 21 steps (a rounded coefficient and
    /// a rounded product, carried on with a factor below 1) and `2^63 / 21!` for the rest of it; the last product 1. Together 49.
    fn estimate(&self, step: &Step, index: u8, offset: u64) -> u64 {
        let width_bits = self.envelope.width_bits;
        let doubled = u128::from(index) << (width_bits + 1);
        let product = (doubled + u128::from(offset)) * u128::from(offset);
        // The product over w^2 is below 2^9: 55 fraction bits, rounded down.
        let ratio =
            if 2 * width_bits <= 55 { product << (55 - 2 * width_bits) } else { product >> (2 * width_bits - 55) };
        // (ratio + 1) (inverse + 1) - ratio * inverse < 2^65 + 1: y is at most 5 parts of 2^64 above.
        let y = low((ratio * u128::from(self.inverse)) >> 63);
        let mut series = 0;
        for coefficient in COEFFICIENTS.iter().rev() {
            series = coefficient - high(y, series);
        }
        low((u128::from(step.start) * u128::from(series)) >> 63)
    }

    /// The tail: block k >= 0 with probability 2^-(k+1), a uniform magnitude of the block, and the exact test.
    #[cold]
    fn decide_tail<S: BitSource>(&self, step: &Step, uniform: u64, source: &mut S) -> Option<u64> {
        let mut block = 0;
        loop {
            let zeros = source.next_u64().trailing_zeros();
            block += zeros;
            if zeros < 64 {
                break;
            }
        }
        if block >= TAIL_BLOCKS_MAX {
            return None;
        }
        let block_bits = self.envelope.width_bits + 8;
        let offset = source.next_u64() >> (64 - block_bits);
        let magnitude = (u64::from(TAIL) << self.envelope.width_bits) + (u64::from(block) << block_bits) + offset;
        self.exactly(step, magnitude, block, uniform, source)
    }

    #[cold]
    fn exactly<S: BitSource>(
        &self,
        step: &Step,
        magnitude: u64,
        doublings: u32,
        uniform: u64,
        source: &mut S,
    ) -> Option<u64> {
        let (variance, height, scale) = (self.variance, step.height, self.envelope.scale);
        let decision = Decision { magnitude, variance, height, scale, doublings };
        decision.accepts(uniform, source).then_some(magnitude)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "callers keep the value below 2^64")]
fn low(value: u128) -> u64 {
    value as u64
}

/// `floor(a b / 2^64)`.
fn high(a: u64, b: u64) -> u64 {
    low((u128::from(a) * u128::from(b)) >> 64)
}

#[cfg(test)]
mod tests;
