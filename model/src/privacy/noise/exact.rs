//! Is a uniform number below a multiple of `exp(-n/d)`? Decided exactly, with as many random bits as that takes.

use super::generator::BitSource;
use super::natural::Natural;

/// `low <= value * 2^(64 limbs) <= high` for some number of fraction limbs.
pub(super) struct Interval {
    pub(super) low: Natural,
    pub(super) high: Natural,
}

impl Interval {
    /// The product of two enclosures with `limbs` fraction limbs, with outward rounding.
    pub(super) fn times(&self, other: &Self, limbs: usize) -> Self {
        let high = self.high.times(&other.high).limbs_down(limbs);
        Self { low: self.low.times(&other.low).limbs_down(limbs), high: high.plus(&Natural::from_u64(1)) }
    }
}

/// One acceptance test: `U * height < exp(-magnitude^2 / (2 variance)) * scale * 2^doublings`.
#[derive(Clone, Copy)]
pub(super) struct Decision {
    pub(super) magnitude: u64,
    pub(super) variance: u128,
    pub(super) height: u64,
    pub(super) scale: u64,
    pub(super) doublings: u32,
}

impl Decision {
    /// Decides for a real U whose first 64 bits are `prefix` and whose further bits come from `source`.
    ///
    /// Each pass encloses both sides and asks for 64 more bits only where the enclosures overlap. Both shrink to a point, and the points
    /// coincide with probability zero, so it ends with probability one and its outcome has exactly the probability of the real inequality.
    pub(super) fn accepts<S: BitSource>(&self, prefix: u64, source: &mut S) -> bool {
        let height = Natural::from_u64(self.height);
        let factor = Natural::from_u64(self.scale).bits_up(self.doublings);
        let one = Natural::from_u64(1);
        let square = u128::from(self.magnitude) * u128::from(self.magnitude);
        let mut uniform = Natural::from_u64(prefix);
        let mut words = 1;
        loop {
            // 64 guard bits more than U has, so that the width of the enclosure of U dominates.
            let value = exp_negative(square, 2 * self.variance, words + 1);
            if uniform.plus(&one).times(&height).limbs_up(1) <= value.low.times(&factor) {
                return true;
            }
            if uniform.times(&height).limbs_up(1) >= value.high.times(&factor) {
                return false;
            }
            uniform = uniform.limbs_up(1).plus(&Natural::from_u64(source.next_u64()));
            words += 1;
        }
    }
}

/// Encloses `exp(-numerator/denominator)` with `limbs` fraction limbs, at least 2. The numerator must be below 2^124.
///
/// The argument is halved until it is below 1/2, the alternating series is summed with outward rounding, and the result is squared back, low
/// end with low end (rounded down), high end with high end (rounded up): an enclosure at every step, with no error to estimate.
pub(super) fn exp_negative(numerator: u128, denominator: u128, limbs: usize) -> Interval {
    let fraction_bits = 64 * u32::try_from(limbs).expect("a few limbs");
    let unit = Natural::from_u64(1);
    let one = unit.limbs_up(limbs);
    if numerator == 0 {
        return Interval { low: one.clone(), high: one };
    }
    // numerator < 2^a and denominator >= 2^(b-1): a quotient below 2^(a-b+1).
    let (a, b) = (128 - numerator.leading_zeros(), 128 - denominator.leading_zeros());
    let halvings = (a + 2).saturating_sub(b);
    assert!(halvings <= fraction_bits, "the argument is too large for the precision");
    let argument_low = Natural::ratio(numerator, fraction_bits - halvings, denominator);
    let argument_high = argument_low.plus(&unit);

    let (mut term_low, mut term_high) = (one.clone(), one.clone());
    // Sums of the positive and of the negative terms, each from both sides.
    let (mut even_low, mut even_high) = (one.clone(), one);
    let (mut odd_low, mut odd_high) = (Natural::from_u64(0), Natural::from_u64(0));
    let mut index = 1;
    // Outward rounding keeps the upper term at 1 or more; there it can shrink no further.
    while index < 4 || term_high > Natural::from_u64(2) {
        term_low = term_low.times(&argument_low).limbs_down(limbs).divided_by(index);
        term_high = term_high.times(&argument_high).limbs_down(limbs).plus(&unit).divided_by(index).plus(&unit);
        let (sum_low, sum_high) =
            if index % 2 == 0 { (&mut even_low, &mut even_high) } else { (&mut odd_low, &mut odd_high) };
        *sum_low = sum_low.plus(&term_low);
        *sum_high = sum_high.plus(&term_high);
        index += 1;
    }
    // Terms shrink, so the rest of the alternating series is at most the next term, which is at most this one.
    let low = even_low.saturating_minus(&odd_high.plus(&term_high));
    let high = even_high.plus(&term_high).saturating_minus(&odd_low);
    (0..halvings).fold(Interval { low, high }, |value, _| value.times(&value, limbs))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::generator::Scripted;
    use super::*;

    /// `floor(2^128 exp(-n/d))`, computed with 80 decimal digits.
    const KNOWN: [(u128, u128, u128); 5] = [
        (1, 1, 0x5e2d_58d8_b3bc_df1a_bade_c782_9054_f90d),
        (1, 2, 0x9b45_97e3_7cb0_4ff3_d675_a355_30cd_d767),
        (7, 3, 0x18d3_27a6_9b3b_e5a8_9091_f41b_3ea8_3993),
        (100, 7, 0xa7b_d146_43c2_5f59_cb7b_1c48_6cb4),
        (12_345_678_901_234_567_890, 987_654_321_098_765_432, 0x3e85_daf6_4d77_2356_4ada_46db_e578),
    ];

    #[test]
    fn exponentials_are_enclosed_tightly() {
        for (numerator, denominator, known) in KNOWN {
            let Interval { low, high } = exp_negative(numerator, denominator, 4);
            assert_eq!(low.limbs_down(2).to_u128(), Some(known), "exp(-{numerator}/{denominator})");
            assert_eq!(high.limbs_down(2).to_u128(), Some(known));
            assert!(low < high);
            assert!(high.saturating_minus(&low).to_u64().is_some_and(|width| width < 1 << 20));
        }
        let Interval { low, high } = exp_negative(0, 5, 2);
        assert_eq!((&low, &low), (&high, &Natural::from_u64(1).limbs_up(2)));
    }

    /// The first words of the threshold `exp(-m^2/2v) * scale / height`, for scale = height.
    fn threshold(magnitude: u64, variance: u128) -> [u64; 3] {
        let value = exp_negative(u128::from(magnitude).pow(2), 2 * variance, 5).low.limbs_down(2);
        [2, 1, 0].map(|limb| {
            let above = value.limbs_down(limb + 1).limbs_up(limb + 1);
            value.saturating_minus(&above).limbs_down(limb).to_u64().unwrap()
        })
    }

    fn decide(magnitude: u64, variance: u128, words: [u64; 3]) -> (bool, usize) {
        let decision = Decision { magnitude, variance, height: 77, scale: 77, doublings: 0 };
        let mut source = Scripted::new(&words[1..]);
        (decision.accepts(words[0], &mut source), source.left())
    }

    proptest! {
        #[test]
        fn a_uniform_that_ties_is_decided_by_later_words(
            magnitude in 1_u64..1 << 40, extra in 0_u32..6, change in 1_u64..1 << 60
        ) {
            // From 0.01 to 45 standard deviations.
            let variance = (u128::from(magnitude).pow(2) >> extra).max(1);
            let [first, second, third] = threshold(magnitude, variance);
            let far = 1 << 8;
            prop_assume!(first > far && first < u64::MAX - far);
            prop_assume!(second > change && second < u64::MAX - change);
            prop_assume!(third > change && third < u64::MAX - change);
            prop_assert_eq!(decide(magnitude, variance, [first - far, 0, 0]), (true, 2));
            prop_assert_eq!(decide(magnitude, variance, [first + far, 0, 0]), (false, 2));
            prop_assert_eq!(decide(magnitude, variance, [first, second - change, 0]), (true, 1));
            prop_assert_eq!(decide(magnitude, variance, [first, second + change, 0]), (false, 1));
            prop_assert_eq!(decide(magnitude, variance, [first, second, third - change]), (true, 0));
            prop_assert_eq!(decide(magnitude, variance, [first, second, third + change]), (false, 0));
        }
    }

    #[test]
    fn a_certain_acceptance_needs_no_further_bits() {
        assert_eq!(decide(0, 4, [u64::MAX; 3]), (true, 2));
        let doubled = Decision { magnitude: 3, variance: 9, height: 4, scale: 1, doublings: 2 };
        let single = Decision { height: 1, doublings: 0, ..doubled };
        // exp(-1/2) = 0.6065...
        let below = 0x9b45_97e3_7cb0_4ff3;
        for decision in [doubled, single] {
            assert!(decision.accepts(below - 9, &mut Scripted::new(&[])));
            assert!(!decision.accepts(below + 9, &mut Scripted::new(&[])));
        }
    }
}
