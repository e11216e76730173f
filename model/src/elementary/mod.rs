//! The exponential function and the natural logarithm, with the same bits on every machine.
//!
//! The system's functions differ in their last bits: by library, by its version, and by what the processor has. An auditor could then not
//! recompute a model. Crates change theirs between two releases. So these are our own, and **their bits are part of the protocol**: whoever
//! changes them makes finished plans impossible to verify.
//!
//! The algorithms and their coefficients are those of FreeBSD's msun (`e_exp.c`, `e_log.c`), without branches. So the time does not depend on
//! the argument where the compiler selects instead of jumping. Both err by less than one unit in the last place. All operations are + - x / of
//! IEEE 754 doubles in the order that is written here; Rust neither reorders nor contracts them.
//!
//! ```text
//! Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All rights reserved.
//!
//! Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is preserved.
//! ```

#[cfg(all(target_arch = "x86", not(target_feature = "sse2")))]
compile_error!("this processor rounds doubles twice, so that models could not be verified: build for one with SSE2");

/// ln 2 in two parts. The first has 21 trailing zeros, so that its product with an exponent is exact.
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// 1 / ln 2.
const INVERSE_LN2: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);

/// 1.5 * 2^52: adding it and taking it off again rounds to the nearest integer.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

/// Beyond, the exponential function is 0 or infinite.
const EXPONENT_ABS_MAX: f64 = 750.0;

const EXP: [f64; 5] = [
    f64::from_bits(0x3fc5_5555_5555_553e),
    f64::from_bits(0xbf66_c16c_16be_bd93),
    f64::from_bits(0x3f11_566a_af25_de2c),
    f64::from_bits(0xbebb_bd41_c5d2_6bf1),
    f64::from_bits(0x3e66_3769_72be_a4d0),
];

const LN: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];

const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const FRACTION: u64 = (1 << FRACTION_BITS) - 1;
const BIAS: i64 = 1023;
const ONE: u64 = 1.0_f64.to_bits();

/// The root of one half, rounded to 32 bits. The logarithm's argument is brought to between this and twice this.
const ROOT_HALF: u64 = 0x3fe6_a09e << 32;

/// What makes a subnormal number normal.
const TWO_POW_54: f64 = 18_014_398_509_481_984.0;

/// e to the power of x: infinite above 709.78, 0 below -745.13, NaN of NaN.
#[must_use]
pub fn exp(x: f64) -> f64 {
    // A value that is no number stays one.
    let x = x.clamp(-EXPONENT_ABS_MAX, EXPONENT_ABS_MAX);
    let count = (x * INVERSE_LN2 + ROUNDING) - ROUNDING;
    let high = x - count * LN2_HIGH;
    let low = count * LN2_LOW;
    let rest = high - low;
    let square = rest * rest;
    let even = square * (EXP[0] + square * (EXP[1] + square * (EXP[2] + square * (EXP[3] + square * EXP[4]))));
    let odd = rest - even;
    let fraction = 1.0 + (rest * odd / (2.0 - odd) - low + high);
    // In two steps: the first is exact, the second rounds where the result is subnormal, and overflows where it is infinite.
    let exponent = whole(count);
    let half = exponent >> 1;
    fraction * power_of_two(half) * power_of_two(exponent - half)
}

/// The natural logarithm: minus infinity of 0, NaN of NaN and of what is below 0.
#[must_use]
pub fn ln(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let (normal, shift) = if subnormal { (x * TWO_POW_54, 54) } else { (x, 0) };
    let bits = normal.to_bits().wrapping_add(ONE - ROOT_HALF);
    let exponent = (bits >> FRACTION_BITS).cast_signed() - BIAS - shift;
    let rest = f64::from_bits((bits & FRACTION) + ROOT_HALF) - 1.0;
    let half_square = 0.5 * rest * rest;
    let share = rest / (2.0 + rest);
    let square = share * share;
    let fourth = square * square;
    let even = fourth * (LN[1] + fourth * (LN[3] + fourth * LN[5]));
    let odd = square * (LN[0] + fourth * (LN[2] + fourth * (LN[4] + fourth * LN[6])));
    let series = odd + even;
    let exponent = exponent as f64;
    let finite = share * (half_square + series) + exponent * LN2_LOW - half_square + rest + exponent * LN2_HIGH;
    if x > 0.0 && x < f64::INFINITY {
        finite
    } else if x == 0.0 {
        f64::NEG_INFINITY
    } else if x > 0.0 {
        x
    } else {
        f64::NAN
    }
}

/// The logistic function 1 / (1 + e^-z), in the same time for every z.
#[must_use]
pub fn sigmoid(z: f64) -> f64 {
    sigmoid_of(z, bounded_exp(-z.abs()))
}

/// The sigmoid of z, given e^-|z|.
pub(crate) fn sigmoid_of(z: f64, share: f64) -> f64 {
    let over = if z < 0.0 { share } else { 1.0 };
    over / (1.0 + share)
}

/// The exponential function between e^-64 and e^64. Beyond, neither a loss nor a gradient of 2^-40 and more can tell; and far
/// beyond the result is a denormal number, which takes some processors several times as long: the time would say something about a row.
pub(crate) fn bounded_exp(exponent: f64) -> f64 {
    exp(exponent.clamp(-64.0, 64.0))
}

/// 2 to a power between -1022 and 1023.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((BIAS + exponent).cast_unsigned() << FRACTION_BITS)
}

#[expect(clippy::cast_possible_truncation, reason = "an integer within 1083, or no number, which becomes 0")]
fn whole(count: f64) -> i64 {
    count as i64
}

#[cfg(test)]
mod tests;
