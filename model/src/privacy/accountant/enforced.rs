//! The accounting that the ledger enforces: integers, one-sided. One full-batch round costs [`RdpVector::gaussian`], a sampled one [`charge`].

use tributary_protocol::privacy::{ORDERS, RdpVector};

use super::rdp::{SampledRound, conversion_offset, smallest_epsilon, zero_epsilon_rdp};

/// Nano-units in one nat.
pub(crate) const NANOS: u64 = 1_000_000_000;
/// A cap stays this far below the real threshold, so that no rounding of a float can admit what it should not. It also covers, many times
/// over, that a sum of shares is a discrete Gaussian but for a factor within 1e-150 of one.
const GUARD_NANOS: f64 = 2.0;

/// Squared sensitivity by which a noise multiplier becomes an integer variance.
const UNITS_SQUARED: u128 = 1 << 64;
/// Noise multipliers above this one are charged as if they were this one: beyond it the variance has no room.
const NOISE_MULTIPLIER_MAX: f64 = (1_u64 << 30) as f64;
/// By how much a sampled round's RDP is raised before it is rounded up: its sum in floats errs by less than a relative 1e-9.
const SUM_ERROR: f64 = 1e-9;

/// What one round costs, in nano-units rounded up: a full-batch round in integers throughout, a sampled one by the integer-order sum of
/// Mironov, Talwar, Zhang 2019, section 3.3, which bounds discrete Gaussian noise in both directions too.
///
/// No noise, or a sampling probability that is none, costs the largest value at every order.
#[must_use]
pub fn charge(round: SampledRound) -> RdpVector {
    let SampledRound { sampling_probability: q, noise_multiplier: z } = round;
    if q == 1.0 {
        let variance = if z > 0.0 { z.min(NOISE_MULTIPLIER_MAX).powi(2) * UNITS_SQUARED as f64 } else { 0.0 };
        // The square is off by a part in 2^53 at most.
        return RdpVector::gaussian(UNITS_SQUARED, whole_wide(variance * (1.0 - f64::EPSILON)));
    }
    let nanos = |order: u32| {
        let rdp = round.rdp(order);
        if rdp == 0.0 { 0 } else { whole((rdp * NANOS as f64 * (1.0 + SUM_ERROR)).ceil()) }
    };
    RdpVector::from_nanos(ORDERS.iter().map(|order| nanos(*order)).collect()).expect("one value for each order")
}

/// The most that may be spent for `(epsilon, delta)`: a threshold for each order, in nano-units, rounded down.
///
/// A spend that is within the cap at one order is `(epsilon, delta)`-private. An order that cannot prove this epsilon has the threshold 0,
/// which admits nothing; so has every order for an epsilon that is not positive or a delta that is not between 0 and 1.
#[must_use]
pub fn cap(epsilon: f64, delta: f64) -> RdpVector {
    let valid = epsilon > 0.0 && epsilon.is_finite() && delta > 0.0 && delta < 1.0;
    let threshold = |order: u32| -> u64 {
        let rdp = (epsilon - conversion_offset(order, delta)).max(zero_epsilon_rdp(delta));
        if valid { whole((rdp * NANOS as f64 - GUARD_NANOS).floor()) } else { 0 }
    };
    RdpVector::from_nanos(ORDERS.iter().map(|order| threshold(*order)).collect()).expect("one value for each order")
}

/// The epsilon that a spend comes to at `delta` (between 0 and 1), and the order that proves it. Rounded up to a multiple of 1e-9.
///
/// Infinite where the charge saturated at every order. `spent.within(&cap(epsilon, delta))` implies `epsilon_of(spent, delta).0 <= epsilon`;
/// the converse holds but for a few 1e-9 of rounding, and but for an empty spend under a cap that admits nothing.
#[must_use]
pub fn epsilon_of(spent: &RdpVector, delta: f64) -> (f64, u32) {
    let nats = |nanos: &u64| if *nanos == u64::MAX { f64::INFINITY } else { *nanos as f64 / NANOS as f64 };
    let best = smallest_epsilon(spent.nanos().iter().map(nats), delta);
    let nanos = best.epsilon * NANOS as f64;
    // Float error is a few parts of 2^53; a thousandth of a nano-unit covers it up to an epsilon of 1000.
    let rounded = if nanos == 0.0 { 0.0 } else { (nanos + nanos.mul_add(1e-15, 1e-3)).ceil() / NANOS as f64 };
    (rounded, best.order)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and whole numbers stay whole"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and rounds a variance down"
)]
fn whole_wide(value: f64) -> u128 {
    value as u128
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::vectors::rows;
    use super::*;

    #[test]
    fn charges_are_exact_and_rounded_up() {
        // z = 45: order / 4050.
        let charged = RdpVector::gaussian(1 << 40, 2025 << 40);
        for (order, nanos) in ORDERS.into_iter().zip(charged.nanos()) {
            assert_eq!(*nanos, (u64::from(order) * NANOS).div_ceil(4050));
        }
        assert_eq!(RdpVector::gaussian(4, 2).nanos()[0], 2 * NANOS);
        assert_eq!(RdpVector::gaussian(1, u128::MAX / 2).nanos()[72], 1, "rounded up, never to nothing");
        assert_eq!(RdpVector::gaussian(0, 1), RdpVector::zero());
        for unbounded in [
            RdpVector::gaussian(1, 0),
            RdpVector::gaussian(u128::MAX, 1),
            RdpVector::gaussian(1, u128::MAX),
            RdpVector::gaussian(u128::MAX, u128::MAX / 2),
        ] {
            assert_eq!(unbounded.nanos(), [u64::MAX; 73]);
            assert_eq!(epsilon_of(&unbounded, 1e-6).0, f64::INFINITY);
            assert!(!unbounded.within(&cap(1e6, 1e-6)));
        }
    }

    #[test]
    fn caps_are_those_of_the_conversion() {
        let cap = cap(1.0, 1e-6);
        // Order 2: 1 - ln(1/2) + ln(2e-6) < 0.
        assert_eq!(cap.nanos()[0], 0);
        // Order 25: 1 - ln(24/25) + ln(25e-6)/24 = 0.5993...
        let expected: f64 = 1.0 - (24.0_f64 / 25.0).ln() + 25e-6_f64.ln() / 24.0;
        let difference = expected * 1e9 - cap.nanos()[23] as f64;
        assert!((2.0..=3.0).contains(&difference), "{difference}");
        assert!(expected > 0.59 && expected < 0.61);
    }

    #[test]
    fn nonsense_admits_nothing() {
        for (epsilon, delta) in [
            (0.0, 1e-6),
            (-1.0, 1e-6),
            (f64::NAN, 1e-6),
            (f64::INFINITY, 1e-6),
            (1.0, 0.0),
            (1.0, 1.0),
            (1.0, f64::NAN),
        ] {
            assert_eq!(cap(epsilon, delta), RdpVector::zero(), "{epsilon} {delta}");
        }
        assert_eq!(epsilon_of(&RdpVector::gaussian(1, 100), f64::NAN).0, f64::INFINITY);
        assert_eq!(epsilon_of(&RdpVector::zero(), 1e-6).0, 0.0);
    }

    #[test]
    fn the_published_example_costs_what_it_should() {
        // The reference accountants: z = 42.2 over 100 rounds is 1.08 by RDP; 45.3 is 1.00.
        let spent =
            |z_hundred_thousandths: u128| RdpVector::gaussian(10_u128.pow(10), z_hundred_thousandths.pow(2)).times(100);
        assert!((epsilon_of(&spent(4_220_000), 1e-6).0 - 1.08).abs() < 0.005);
        assert!((epsilon_of(&spent(4_530_878), 1e-6).0 - 1.0).abs() < 1e-5);
        // z = 10, one round: within a nano-unit of the float accountant's 0.429951519...
        let (epsilon, order) = epsilon_of(&RdpVector::gaussian(1, 100), 1e-6);
        assert!((0.429_951_519_0..0.429_951_521_2).contains(&epsilon), "{epsilon}");
        assert_eq!(order, 46);
    }

    #[test]
    fn a_sampled_round_is_charged_its_sum_rounded_up() {
        for (q, z) in [(0.01, 1.0), (1e-6, 0.5), (0.2, 8.0), (1.0, 3.0), (1.0, 46.43), (0.999, 0.2)] {
            let round = SampledRound { sampling_probability: q, noise_multiplier: z };
            for (order, nanos) in ORDERS.into_iter().zip(charge(round).nanos()) {
                let real = round.rdp(order) * 1e9;
                let charged = *nanos as f64;
                assert!(
                    charged >= real * (1.0 - 1e-12) && charged <= real * (1.0 + 2e-9) + 1.0,
                    "{q} {z} {order}: {charged}"
                );
            }
        }
        let none = |q, z| charge(SampledRound { sampling_probability: q, noise_multiplier: z });
        assert_eq!(none(0.0, 1.0), RdpVector::zero());
        for (q, z) in [(1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN), (0.5, 0.0), (f64::NAN, 1.0), (1.1, 1.0)] {
            assert_eq!(none(q, z).nanos(), [u64::MAX; 73], "{q} {z}");
        }
        assert_eq!(none(1.0, 1e30), RdpVector::gaussian(1, 1 << 60), "charged as the largest multiplier");
    }

    #[test]
    fn enforced_vectors() {
        // What the ledger says is never below the float accountant, and above it by rounding alone.
        for row in rows("dp_vectors.csv") {
            let round = SampledRound { sampling_probability: row.number("q"), noise_multiplier: row.number("sigma") };
            let steps: u32 = row.text("steps").parse().expect("a number of steps");
            let (epsilon, _) = epsilon_of(&charge(round).times(steps.into()), row.number("delta"));
            let excess = epsilon - row.number("eps_rdp_int");
            assert!(
                excess >= 0.0 && excess <= 2e-9 * (f64::from(steps) + 10.0 + epsilon),
                "{row}: {epsilon}, {excess}"
            );
        }
    }

    #[test]
    fn the_bound_covers_discrete_noise() {
        // One-dimensional sums, exactly: where delta is the discrete Gaussian's at an epsilon, the bound proves no smaller epsilon.
        for row in rows("dgauss_delta_vectors.csv") {
            let ratio = row.number("sigma") / row.number("sens");
            let round = SampledRound { sampling_probability: 1.0, noise_multiplier: ratio };
            let (epsilon, _) = epsilon_of(&charge(round), row.number("delta_discrete_exact"));
            assert!(epsilon >= row.number("eps"), "{row}: {epsilon}");
        }
    }

    proptest! {
        #[test]
        fn within_the_cap_means_within_epsilon(
            mantissa in 1_u128 << 20..1 << 21,
            bits in 14..40,
            rounds in 1_u64..2000,
            ln_delta in -25.0_f64..-2.4,
            factor in 0.9_f64..1.1,
            exact: bool,
        ) {
            // Noise multipliers from an eighth to a thousand.
            let spent = RdpVector::gaussian(1 << 40, mantissa << bits).times(rounds);
            let delta = ln_delta.exp();
            let (proved, _) = epsilon_of(&spent, delta);
            prop_assume!(proved < 1000.0);
            let allowed = if exact { proved } else { proved * factor };
            if spent.within(&cap(allowed, delta)) {
                prop_assert!(proved <= allowed, "{proved} was admitted under {allowed}");
            } else {
                prop_assert!(proved > allowed - 5e-9, "{proved} was refused under {allowed}");
            }
        }

        #[test]
        fn integer_charges_are_never_below_the_float_ones(sensitivity in 1_u128..1 << 60, variance in 1_u128..1 << 80) {
            for (order, nanos) in ORDERS.into_iter().zip(RdpVector::gaussian(sensitivity, variance).nanos()) {
                let real = f64::from(order) * sensitivity as f64 / (2.0 * variance as f64) * 1e9;
                prop_assert!(*nanos == u64::MAX || *nanos as f64 >= real * (1.0 - 1e-12));
                prop_assert!(*nanos as f64 <= (real + 1.0) * (1.0 + 1e-12));
            }
        }
    }
}
