use proptest::prelude::*;

use super::super::vectors::{close, rows};
use super::*;

const UNITS_SQUARED: u128 = 1 << 40;

fn target(epsilon: f64, delta: f64, rounds_charged: u32) -> Target {
    Target { epsilon, delta, rounds_charged, sensitivity_squared_units: UNITS_SQUARED }
}

fn admits(target: &Target, variance: u128, rounds: u32) -> bool {
    let spent = RdpVector::gaussian(target.sensitivity_squared_units, variance).times(u64::from(rounds));
    spent.within(&cap(target.epsilon, target.delta))
}

#[test]
fn known_answers() {
    // Epsilon, rounds, noise multiplier at delta 1e-6, by the reference accountants.
    for (epsilon, rounds, multiplier) in
        [(1.0, 100, 45.308_78), (2.0, 100, 23.825_78), (4.0, 50, 8.968_11), (8.0, 50, 4.912), (1.0, 50, 32.038_15)]
    {
        let calibrated = calibrate(&target(epsilon, 1e-6, rounds)).unwrap();
        let error = calibrated.noise_multiplier / multiplier - 1.0;
        assert!(error.abs() < 1e-4, "{calibrated:?} instead of {multiplier}");
        assert!(calibrated.epsilon_enforced <= epsilon && calibrated.epsilon_enforced > epsilon - 1e-4);
        assert!(calibrated.epsilon_gdp < 0.95 * epsilon && calibrated.epsilon_gdp > 0.9 * epsilon);
    }
}

#[test]
fn exactly_the_charged_rounds_fit() {
    let target = target(1.0, 1e-6, 105);
    let calibrated = calibrate(&target).unwrap();
    assert!(admits(&target, calibrated.total_variance_units, 105));
    assert!(!admits(&target, calibrated.total_variance_units, 106));
    assert!(!admits(&target, calibrated.total_variance_units - 1, 105));
}

#[test]
fn nonsense_is_named() {
    let refusal = |epsilon, delta, rounds| calibrate(&target(epsilon, delta, rounds)).unwrap_err();
    assert_eq!(refusal(0.0, 1e-6, 1), CalibrateError::Epsilon(0.0));
    assert_eq!(refusal(-1.0, 1e-6, 1), CalibrateError::Epsilon(-1.0));
    assert!(matches!(refusal(f64::NAN, 1e-6, 1), CalibrateError::Epsilon(_)));
    assert_eq!(refusal(1000.1, 1e-6, 1), CalibrateError::Epsilon(1000.1));
    assert_eq!(refusal(1.0, 0.0, 1), CalibrateError::Delta(0.0));
    assert_eq!(refusal(1.0, 0.11, 1), CalibrateError::Delta(0.11));
    assert!(matches!(refusal(1.0, f64::NAN, 1), CalibrateError::Delta(_)));
    assert_eq!(refusal(1.0, 1e-6, 0), CalibrateError::Rounds(0));
    assert_eq!(refusal(1.0, 1e-6, PLAN_ROUNDS_MAX + 1), CalibrateError::Rounds(PLAN_ROUNDS_MAX + 1));
    for sensitivity in [0, (1 << 80) + 1] {
        let target = Target { sensitivity_squared_units: sensitivity, ..target(1.0, 1e-6, 1) };
        assert_eq!(calibrate(&target), Err(CalibrateError::Sensitivity(sensitivity)));
    }
    assert!(matches!(refusal(0.001, 1e-6, 1), CalibrateError::Unreachable { .. }));
    let far = Target { sensitivity_squared_units: 1 << 80, ..target(1.0, 1e-6, 100) };
    assert!(matches!(calibrate(&far), Err(CalibrateError::Share(NoiseError::VarianceTooLarge(_)))));
    let sampled = |epsilon, sampling_probability| {
        calibrate_sampled(&SampledTarget { epsilon, delta: 1e-6, rounds_charged: 9, sampling_probability })
    };
    assert_eq!(sampled(1.0, 0.0), Err(CalibrateError::SamplingProbability(0.0)));
    assert!(matches!(sampled(1.0, f64::NAN), Err(CalibrateError::SamplingProbability(_))));
    assert_eq!(sampled(0.0, 0.5), Err(CalibrateError::Epsilon(0.0)));
    let far = SampledTarget { epsilon: 1e-4, delta: 1e-14, rounds_charged: 9, sampling_probability: 0.5 };
    assert!(matches!(calibrate_sampled(&far), Err(CalibrateError::Unreachable { .. })));
    let message = refusal(0.001, 1e-6, 7).to_string();
    assert!(message.contains("0.001") && message.contains("7 rounds"), "{message}");
}

#[test]
fn shares_add_up() {
    assert_eq!(share_variance(1000, 3), Ok(334));
    assert_eq!(share_variance(999, 3), Ok(333));
    assert_eq!(share_variance(1000, 0), Err(CalibrateError::NoHonestShare));
    assert_eq!(share_variance(35 * 3, 3), Err(NoiseError::VarianceTooSmall(35).into()));
    assert_eq!(share_variance(35 * 3 + 1, 3), Ok(36));
    assert_eq!(share_variance(1 << 82, 2), Err(NoiseError::VarianceTooLarge(1 << 81).into()));
}

/// The continuous curve with this epsilon at this delta.
fn curve(epsilon: f64, delta: f64) -> GaussianDp {
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        *(if GaussianDp::round(1.0).times(middle).epsilon(delta) > epsilon { &mut high } else { &mut low }) = middle;
    }
    GaussianDp::round(1.0).times(high)
}

#[test]
fn what_collusion_leaves() {
    // By the exact curve: target, honest shares, epsilon left.
    for (epsilon, honest, left) in [(1.0, 5.0, 2.40), (1.0, 10.0, 3.52), (2.0, 20.0, 11.03), (0.5, 300.0, 12.0)] {
        let found = curve(epsilon, 1e-6).times(honest).epsilon(1e-6);
        assert!((found - left).abs() < 0.0051, "{epsilon} over {honest}: {found} instead of {left}");
    }
}

#[test]
fn collusion_vectors() {
    for row in rows("local_floor.csv") {
        let delta = row.number("delta");
        let central = curve(row.number("eps_central"), delta);
        close(central.mu(), row.number("mu"), 5e-5, &row);
        for honest in [5, 10, 20, 35, 50, 100, 300, 1000] {
            let column = format!("eps_local_if_all_others_collude_h{honest}");
            let digits = row.text(&column).split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let left = central.times(f64::from(honest)).epsilon(delta);
            // The reference search stopped at 700.
            if row.number(&column) < 700.0 {
                // At most two decimals are printed, one where the second is zero.
                let step = if digits < 2 { 0.01 } else { 0.1_f64.powi(i32::try_from(digits).unwrap()) };
                assert!((left - row.number(&column)).abs() <= 0.501 * step, "{row} {column}: {left}");
            } else {
                assert!(left > 700.0, "{row} {column}: {left}");
            }
        }
    }
}

#[test]
fn calibration_vectors() {
    let mut worst: f64 = 0.0;
    for row in rows("calib_vectors.csv") {
        let rounds_charged = row.text("steps").parse().unwrap();
        let (epsilon, delta) = (row.number("target_eps"), row.number("delta"));
        let sampling_probability = row.number("q");
        let sampled = SampledTarget { epsilon, delta, rounds_charged, sampling_probability };
        let multiplier = calibrate_sampled(&sampled).unwrap();
        close(multiplier, row.number("sigma_rdp_int_orders"), 1e-4, &row);
        let tight = calibrate_tight(&sampled).unwrap();
        close(tight, row.number("sigma_pld"), 2e-3, &row);
        worst = worst.max((tight / row.number("sigma_pld") - 1.0).abs());
        if sampling_probability == 1.0 {
            let calibrated = calibrate(&target(epsilon, delta, rounds_charged)).unwrap();
            close(calibrated.noise_multiplier, multiplier, 1e-5, &row);
        }
    }
    eprintln!("calibrated by loss distributions: at most a relative {worst} from the reference");
}

#[test]
fn tight_noise_meets_its_target_and_little_less_does_not() {
    for (epsilon, sampling_probability, rounds_charged) in
        [(1.0, 1.0, 100), (2.0, 0.2, 100), (0.5, 0.001, 20), (30.0, 1.0, 1)]
    {
        let target = SampledTarget { epsilon, delta: 1e-6, rounds_charged, sampling_probability };
        let multiplier = calibrate_tight(&target).unwrap();
        let found = |noise_multiplier| {
            let round = SampledRound { sampling_probability, noise_multiplier };
            PrivacyLoss::rounds(round, rounds_charged).epsilon(1e-6).epsilon
        };
        assert!(found(multiplier) <= epsilon, "{target:?}: {multiplier}");
        assert!(found(multiplier * 0.9998) > epsilon, "{target:?}: {multiplier}");
        assert!(multiplier < calibrate_sampled(&target).unwrap());
    }
    let nonsense = SampledTarget { epsilon: 1.0, delta: 0.0, rounds_charged: 1, sampling_probability: 0.5 };
    assert_eq!(calibrate_tight(&nonsense), Err(CalibrateError::Delta(0.0)));
}

#[test]
fn sampling_needs_less_noise() {
    let multiplier = |sampling_probability| {
        let target = SampledTarget { epsilon: 2.0, delta: 1e-6, rounds_charged: 100, sampling_probability };
        calibrate_sampled(&target).unwrap()
    };
    // The second is from the reference accountants.
    assert!((multiplier(1.0) / 23.825_78 - 1.0).abs() < 1e-4);
    assert!((multiplier(0.2) / 4.982 - 1.0).abs() < 1e-3);
    assert!(multiplier(0.05) < multiplier(0.2));
}

proptest! {
    #[test]
    fn the_variance_is_the_smallest_that_is_admitted(
        ln_epsilon in -3.0_f64..6.9, ln_delta in -27.0_f64..-2.4, rounds in 1_u32..20_000, bits in 0_u32..50
    ) {
        let target = Target { sensitivity_squared_units: 1 << bits, ..target(ln_epsilon.exp(), ln_delta.exp(), rounds) };
        let Ok(calibrated) = calibrate(&target) else {
            return Err(TestCaseError::reject("out of reach"));
        };
        prop_assert!(admits(&target, calibrated.total_variance_units, rounds));
        prop_assert!(!admits(&target, calibrated.total_variance_units - 1, rounds));
        prop_assert!(calibrated.epsilon_enforced <= target.epsilon);
        prop_assert!(ORDERS.contains(&calibrated.order));
        let variance = calibrated.noise_multiplier.powi(2) * (1_u128 << bits) as f64;
        prop_assert!(variance <= calibrated.total_variance_units as f64);
        prop_assert!(calibrated.epsilon_gdp <= calibrated.epsilon_enforced * 1.001 + 1e-9, "{calibrated:?}");
    }

    #[test]
    fn more_privacy_costs_more_noise(
        epsilon in 0.1_f64..20.0, ln_delta in -25.0_f64..-4.7, rounds in 1_u32..5000, factor in 1.0_f64..2.0
    ) {
        let variance = |epsilon, ln_delta: f64, rounds| {
            calibrate(&target(epsilon, ln_delta.exp(), rounds)).unwrap().total_variance_units
        };
        let base = variance(epsilon, ln_delta, rounds);
        prop_assert!(variance(epsilon * factor, ln_delta, rounds) <= base);
        prop_assert!(variance(epsilon, ln_delta / factor, rounds) <= base);
        prop_assert!(variance(epsilon, ln_delta, rounds + 1) > base);
    }
}

/// Where the root is a whole number: below it, and by no more than rounding takes.
#[test]
fn a_noise_multiplier_is_rounded_down() {
    for (multiplier, sensitivity) in [(1, 1), (3, 7), (1_000, 1 << 60), (12_345, 3), (1 << 20, 1 << 40)] {
        let found = noise_multiplier(multiplier * multiplier * sensitivity, sensitivity);
        let most = multiplier as f64;
        assert!(found < most && found > most * (1.0 - 1e-14), "{multiplier}: {found}");
    }
}
