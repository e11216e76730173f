//! Natural numbers of any length: the few operations that the exact decision needs. Slow and plain on purpose.

use core::cmp::Ordering;

/// A natural number: little-endian 64-bit limbs, without leading zero limbs.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Natural(Vec<u64>);

impl Natural {
    pub(super) fn from_u64(value: u64) -> Self {
        Self(vec![value]).trimmed()
    }

    /// `floor(numerator * 2^shift / denominator)` by long division, bit by bit.
    ///
    /// The denominator must be neither zero nor above 2^127.
    pub(super) fn ratio(numerator: u128, shift: u32, denominator: u128) -> Self {
        assert!(denominator > 0 && denominator <= 1 << 127, "the remainder must fit 128 bits");
        let bits = (128 - numerator.leading_zeros()) + shift;
        let mut limbs = vec![0_u64; bits.div_ceil(64) as usize];
        let mut remainder = 0_u128;
        for bit in (0..bits).rev() {
            let next = if bit >= shift { (numerator >> (bit - shift)) & 1 } else { 0 };
            remainder = remainder * 2 + next;
            if remainder >= denominator {
                remainder -= denominator;
                limbs[(bit / 64) as usize] |= 1 << (bit % 64);
            }
        }
        Self(limbs).trimmed()
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut limbs = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for index in 0..self.0.len().max(other.0.len()) {
            let sum = u128::from(self.limb(index)) + u128::from(other.limb(index)) + u128::from(carry);
            limbs.push(low(sum));
            carry = high(sum);
        }
        limbs.push(carry);
        Self(limbs).trimmed()
    }

    /// `self - other`, or zero where that would be negative.
    pub(super) fn saturating_minus(&self, other: &Self) -> Self {
        if *self <= *other {
            return Self(Vec::new());
        }
        let mut limbs = Vec::with_capacity(self.0.len());
        let mut borrow = false;
        for index in 0..self.0.len() {
            let (difference, first) = self.0[index].overflowing_sub(other.limb(index));
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            limbs.push(difference);
            borrow = first || second;
        }
        Self(limbs).trimmed()
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u64; self.0.len() + other.0.len()];
        for (offset, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (index, b) in other.0.iter().enumerate() {
                // At most (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
                let sum = u128::from(*a) * u128::from(*b) + u128::from(limbs[offset + index]) + u128::from(carry);
                limbs[offset + index] = low(sum);
                carry = high(sum);
            }
            limbs[offset + other.0.len()] = carry;
        }
        Self(limbs).trimmed()
    }

    /// `floor(self / divisor)`; the divisor must not be zero.
    pub(super) fn divided_by(&self, divisor: u64) -> Self {
        let mut limbs = self.0.clone();
        let mut remainder = 0_u128;
        for limb in limbs.iter_mut().rev() {
            let dividend = (remainder << 64) | u128::from(*limb);
            *limb = low(dividend / u128::from(divisor));
            remainder = dividend % u128::from(divisor);
        }
        Self(limbs).trimmed()
    }

    /// `self * 2^(64 count)`.
    pub(super) fn limbs_up(&self, count: usize) -> Self {
        let mut limbs = vec![0; count];
        limbs.extend_from_slice(&self.0);
        Self(limbs).trimmed()
    }

    /// `floor(self / 2^(64 count))`.
    pub(super) fn limbs_down(&self, count: usize) -> Self {
        Self(self.0.get(count..).unwrap_or_default().to_vec())
    }

    /// `self * 2^bits`.
    pub(super) fn bits_up(&self, bits: u32) -> Self {
        self.times(&Self::from_u64(1 << (bits % 64))).limbs_up((bits / 64) as usize)
    }

    /// The value, if it fits 128 bits.
    pub(super) fn to_u128(&self) -> Option<u128> {
        (self.0.len() <= 2).then(|| (u128::from(self.limb(1)) << 64) | u128::from(self.limb(0)))
    }

    /// The value, if it fits 64 bits.
    pub(super) fn to_u64(&self) -> Option<u64> {
        (self.0.len() <= 1).then(|| self.limb(0))
    }

    fn limb(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(value: u128) -> u64 {
    value as u64
}

fn high(value: u128) -> u64 {
    low(value >> 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn natural(value: u128) -> Natural {
        Natural::from_u64(high(value)).limbs_up(1).plus(&Natural::from_u64(low(value)))
    }

    proptest! {
        #[test]
        fn agrees_with_native_integers(a: u64, b: u64, c: u128, d in 1_u128..=1 << 127, e in 1_u64..) {
            let (wide_a, wide_b) = (u128::from(a), u128::from(b));
            prop_assert_eq!(natural(wide_a).plus(&natural(wide_b)).to_u128(), Some(wide_a + wide_b));
            prop_assert_eq!(natural(wide_a).times(&natural(wide_b)).to_u128(), Some(wide_a * wide_b));
            prop_assert_eq!(natural(c).saturating_minus(&natural(wide_a)).to_u128(), Some(c.saturating_sub(wide_a)));
            prop_assert_eq!(natural(c).divided_by(e).to_u128(), Some(c / u128::from(e)));
            prop_assert_eq!(Natural::ratio(c, 0, d).to_u128(), Some(c / d));
            prop_assert_eq!(natural(c).cmp(&natural(d)), c.cmp(&d));
            prop_assert_eq!(natural(c).limbs_down(1).to_u64(), Some(high(c)));
        }

        #[test]
        fn long_products_divide_back(a: u128, b: u128, e in 1_u64.., shift in 0_u32..200) {
            let product = natural(a).times(&natural(b)).times(&Natural::from_u64(e));
            prop_assert_eq!(product.divided_by(e), natural(b).times(&natural(a)));
            prop_assert_eq!(natural(a).plus(&product).saturating_minus(&product), natural(a));
            // A shifted ratio by a power of two is a shift.
            prop_assert_eq!(Natural::ratio(a, shift, 1), natural(a).bits_up(shift));
        }
    }
}
