//! The normal distribution far out in its tail, without a special-function library: two series and nothing that underflows.

use core::f64::consts::TAU;

/// Where the power series gives way to the continued fraction. There it loses a factor of 22, so a relative 5e-15.
const SERIES_MAX: f64 = 2.0;
/// Levels of the continued fraction; about 90 are needed at [`SERIES_MAX`], fewer beyond.
const LEVELS: u32 = 160;

/// Mills' ratio `Phi(-t) / phi(t)` for `t >= 0`: the tail of the normal distribution over its density. Relative error about 1e-14.
pub(super) fn mills(t: f64) -> f64 {
    debug_assert!(t >= 0.0, "the ratio is used in the upper tail alone");
    if t < SERIES_MAX {
        // Phi(t) - 1/2 = phi(t) sum t^(2n+1) / (2n+1)!! (Abramowitz and Stegun 26.2.11).
        let mut term = t;
        let mut sum = t;
        let mut odd = 1.0;
        while term > sum * f64::EPSILON / 4.0 {
            odd += 2.0;
            term *= t * t / odd;
            sum += term;
        }
        return 0.5 / density(t) - sum;
    }
    // 1/(t + 1/(t + 2/(t + 3/(t + ...)))) (Abramowitz and Stegun 26.2.14), from the bottom.
    let bottom = (1..=LEVELS).rev().fold(t, |below, level| t + f64::from(level) / below);
    1.0 / bottom
}

/// The standard normal density.
pub(super) fn density(t: f64) -> f64 {
    ln_density(t).exp()
}

/// Logarithm of the standard normal density.
pub(super) fn ln_density(t: f64) -> f64 {
    -0.5 * t * t - 0.5 * TAU.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_accurate_from_the_centre_to_where_densities_underflow() {
        // Phi(-t) / phi(t) with 50 digits.
        let known = [
            (0.0, 1.253_314_137_315_500_3),
            (0.5, 0.876_364_456_453_692_3),
            (1.0, 0.655_679_542_418_798_5),
            (1.999_999_999, 0.421_369_229_445_316),
            (2.0, 0.421_369_229_288_054_5),
            (3.0, 0.304_590_298_710_103_3),
            (6.0, 0.162_377_660_896_867_46),
            (10.0, 0.099_028_596_471_731_92),
            (40.0, 0.024_984_404_205_720_57),
            (1000.0, 9.999_990_000_03e-4),
        ];
        for (t, ratio) in known {
            assert!((mills(t) / ratio - 1.0).abs() < 2e-14, "at {t}: {} instead of {ratio}", mills(t));
        }
        assert!((density(0.0) - 0.398_942_280_401_432_7).abs() < 1e-16);
    }
}
