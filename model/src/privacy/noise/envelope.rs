//! The proposal of the sampler: a staircase above the Gaussian curve, with integer steps.

use super::exact::{Interval, exp_negative};
use super::natural::Natural;

/// Steps of the staircase; the last one stands for the whole tail.
pub(super) const STEPS: usize = 256;
/// Index of the tail.
pub(super) const TAIL: u8 = 255;
/// Fraction limbs of the exponentials in the table.
const LIMBS: usize = 3;

/// One column of Walker's alias table (Walker 1977, Vose 1991) over the steps: `threshold` of its 2^56 parts belong to the step of the
/// same index, the others to `alias`. Exact, because the heights are integers and sum to 2^64.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) threshold: u64,
    pub(super) alias: u8,
}

/// What the acceptance test needs to know of one step.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// A lower bound of the acceptance probability anywhere on the step, in parts of 2^27. Zero for the tail.
    pub(super) quick: u64,
    /// A lower bound of the acceptance probability at the start of the step, in parts of 2^63, at most 2 parts too low.
    pub(super) start: u64,
    /// The height of the step.
    pub(super) height: u64,
}

/// A staircase for one variance. Step i covers the magnitudes from `i w` to `(i + 1) w - 1` with `w = 2^width_bits`.
pub(super) struct Envelope {
    pub(super) columns: [Column; STEPS],
    pub(super) steps: [Step; STEPS],
    /// The height of the curve at zero: the height at x is `scale * exp(-x^2 / (2 variance))`, never above its step.
    pub(super) scale: u64,
    /// `w` is the largest power of two with `16 w <= sigma`, at least 1.
    pub(super) width_bits: u32,
}

impl Envelope {
    /// The staircase for a variance from 1 to 2^80.
    pub(super) fn new(variance: u128) -> Self {
        assert!((1..=1 << 80).contains(&variance), "variance out of range");
        let width_bits = (variance.ilog2().saturating_sub(8)) / 2;
        let curve = curve(1 << (2 * width_bits), 2 * variance);
        let (scale, heights) = heights(&curve);
        let step = |index: usize| {
            let height = Natural::from_u64(heights[index]);
            let parts = |value: &Natural, bits| value.times(&Natural::from_u64(scale)).bits_up(bits).limbs_down(LIMBS);
            let (low, high) = (parts(&curve[index].low, 63), parts(&curve[index].high, 63));
            let start = low.divided_by(heights[index]).to_u64().expect("a probability");
            let above = high.divided_by(heights[index]).to_u64().expect("a probability") + 1;
            assert!(above - start <= 2 && low <= height.bits_up(63), "the staircase must stand above the curve");
            // A width of one has one magnitude; otherwise the start of the next step is just beyond the last magnitude.
            let last = if width_bits == 0 { index } else { index + 1 };
            let quick = curve
                .get(last)
                .map_or(0, |value| parts(&value.low, 27).divided_by(heights[index]).to_u64().expect("a probability"));
            Step { quick: if index == usize::from(TAIL) { 0 } else { quick }, start, height: heights[index] }
        };
        Self { columns: columns(&heights), steps: core::array::from_fn(step), scale, width_bits }
    }
}

/// Encloses `exp(-i^2 c)` for each step i, where c = numerator / denominator, by `exp(-(i+1)^2 c) = exp(-i^2 c) exp(-(2i+1) c)`.
fn curve(numerator: u128, denominator: u128) -> Vec<Interval> {
    let mut ratio = exp_negative(numerator, denominator, LIMBS);
    let factor = exp_negative(2 * numerator, denominator, LIMBS);
    let mut value = exp_negative(0, 1, LIMBS);
    let mut curve = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        let next = value.times(&ratio, LIMBS);
        curve.push(core::mem::replace(&mut value, next));
        ratio = ratio.times(&factor, LIMBS);
    }
    curve
}

/// The weight of a step among all proposals. The tail's blocks are as long as 256 steps and each is half as high as the one before.
fn weight(index: usize, height: u64) -> u128 {
    u128::from(height) * if index == usize::from(TAIL) { 2 * STEPS as u128 } else { 1 }
}

/// The scale and the heights, so that the weights sum to 2^64.
fn heights(curve: &[Interval]) -> (u64, [u64; STEPS]) {
    let mut sum = Natural::from_u64(0);
    for (index, value) in curve.iter().enumerate() {
        let count = if index == usize::from(TAIL) { 2 * STEPS as u64 } else { 1 };
        sum = sum.plus(&value.high.times(&Natural::from_u64(count)));
    }
    // An upper bound with 57 fraction bits. The sum is below 64, so it fits; rounding up costs each weight at most 1 for each of its parts.
    let bound = (sum.limbs_down(LIMBS - 1).to_u128().expect("the sum is below 64") >> 7) + 1;
    let parts = STEPS as u128 + 2 * STEPS as u128;
    let scale = (((1_u128 << 64) - parts) << 57) / bound;
    let scale = u64::try_from(scale).expect("the sum is above 1");
    let mut heights: [u64; STEPS] = core::array::from_fn(|index| {
        let height = curve[index].high.times(&Natural::from_u64(scale)).limbs_down(LIMBS);
        height.plus(&Natural::from_u64(1)).to_u64().expect("at most the scale and 1")
    });
    let total: u128 = heights.iter().enumerate().map(|(index, height)| weight(index, *height)).sum();
    // What is missing goes to the first step; a higher staircase is still a staircase.
    heights[0] += u64::try_from((1_u128 << 64) - total).expect("the weights sum to at most 2^64");
    (scale, heights)
}

/// Walker's table by Vose's method, in integers.
fn columns(heights: &[u64; STEPS]) -> [Column; STEPS] {
    const CAPACITY: u128 = 1 << 56;
    let mut left: [u128; STEPS] = core::array::from_fn(|index| weight(index, heights[index]));
    let mut columns: [Column; STEPS] =
        core::array::from_fn(|index| Column { threshold: 1 << 56, alias: u8::try_from(index).expect("256 steps") });
    let (mut small, mut large): (Vec<u8>, Vec<u8>) = (0..=TAIL).partition(|index| left[usize::from(*index)] < CAPACITY);
    while let Some(index) = small.pop() {
        // The weights sum to the capacities, so where one is below its capacity another is above.
        let donor = *large.last().expect("a deficit has a surplus");
        let (at, from) = (usize::from(index), usize::from(donor));
        columns[at] = Column { threshold: u64::try_from(left[at]).expect("below 2^56"), alias: donor };
        left[from] -= CAPACITY - left[at];
        if left[from] < CAPACITY {
            large.pop();
            small.push(donor);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIANCES: [u128; 14] =
        [1, 2, 4, 36, 100, 255, 256, 1023, 1024, 1 << 20, (1 << 20) - 1, (1 << 48) + 12_345, (1 << 80) - 1, 1 << 80];

    #[test]
    fn the_alias_table_has_exactly_the_weights() {
        for variance in VARIANCES {
            let envelope = Envelope::new(variance);
            let mut mass = [0_u128; STEPS];
            for (index, column) in envelope.columns.iter().enumerate() {
                assert!(column.threshold <= 1 << 56);
                mass[index] += u128::from(column.threshold);
                mass[usize::from(column.alias)] += (1 << 56) - u128::from(column.threshold);
            }
            for (index, step) in envelope.steps.iter().enumerate() {
                assert_eq!(mass[index], weight(index, step.height), "step {index} of variance {variance}");
            }
            assert_eq!(mass.iter().sum::<u128>(), 1 << 64);
        }
    }

    /// Every other step is as low as it may be.
    #[test]
    fn what_is_missing_goes_to_the_first_step_alone() {
        for variance in VARIANCES {
            let envelope = Envelope::new(variance);
            let curve = curve(1 << (2 * envelope.width_bits), 2 * variance);
            for (index, (step, value)) in envelope.steps.iter().zip(&curve).enumerate() {
                let least =
                    value.high.times(&Natural::from_u64(envelope.scale)).limbs_down(LIMBS).to_u64().unwrap() + 1;
                assert_eq!(step.height > least, index == 0, "step {index} of variance {variance}");
            }
        }
    }

    #[test]
    fn the_staircase_stands_above_the_curve_and_quick_tests_below() {
        for variance in VARIANCES {
            let envelope = Envelope::new(variance);
            let width = 1_u128 << envelope.width_bits;
            assert!(variance < 256 || (16 * width).pow(2) <= variance && variance < (32 * width).pow(2));
            for (index, step) in envelope.steps.iter().enumerate().take(usize::from(TAIL)) {
                let above = |magnitude: u128, parts: u64, bits: u32| {
                    let curve = exp_negative(magnitude.pow(2), 2 * variance, 4);
                    let height = |end: &Natural| end.times(&Natural::from_u64(envelope.scale)).bits_up(bits);
                    let product = Natural::from_u64(step.height).times(&Natural::from_u64(parts)).limbs_up(4);
                    (product <= height(&curve.low), product >= height(&curve.high))
                };
                let (first, last) = (index as u128 * width, index as u128 * width + width - 1);
                assert!(above(first, 1, 0).1, "step {index} of variance {variance} is below the curve");
                assert!(above(last, step.quick, 27).0, "step {index} of variance {variance} accepts too quickly");
                assert!(above(first, step.start, 63).0);
                assert!(above(first, step.start + 2, 63).1);
            }
        }
    }

    #[test]
    fn the_tail_is_covered_block_by_block() {
        for variance in VARIANCES {
            let envelope = Envelope::new(variance);
            let width = 1_u128 << envelope.width_bits;
            for block in 0..60_u32 {
                let start = width * (u128::from(TAIL) + 256 * u128::from(block));
                let curve = exp_negative(start.pow(2), 2 * variance, 4).high;
                let curve = curve.times(&Natural::from_u64(envelope.scale)).bits_up(block);
                assert!(curve <= Natural::from_u64(envelope.steps[255].height).limbs_up(4), "block {block}");
            }
        }
    }

    #[test]
    fn few_proposals_are_wasted() {
        for variance in [1 << 20, 1 << 48, 1 << 80, (1 << 80) - 1] {
            let envelope = Envelope::new(variance);
            let quick: f64 =
                envelope.steps.iter().map(|step| step.quick as f64 / f64::from(1 << 27) * step.height as f64).sum();
            assert!(quick / 2_f64.powi(64) > 0.9, "{}", quick / 2_f64.powi(64));
        }
    }
}
