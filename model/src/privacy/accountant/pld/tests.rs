use proptest::prelude::*;

use super::super::super::vectors::rows;
use super::super::GaussianDp;
use super::*;

fn round(sampling_probability: f64, noise_multiplier: f64) -> SampledRound {
    SampledRound { sampling_probability, noise_multiplier }
}

fn loss(q: f64, z: f64, count: u32) -> PrivacyLoss {
    PrivacyLoss::rounds(round(q, z), count)
}

/// By loss distributions alone.
fn epsilon(loss: &PrivacyLoss, delta: f64) -> f64 {
    loss.composed(delta).unwrap().epsilon(delta)
}

#[test]
fn the_published_table() {
    // The reference accountants, to four decimals.
    for (q, z, count, delta, expected) in [
        (1.0, 1.0, 1, 1e-5, 4.3772),
        (1.0, 100.0, 1000, 1e-6, 1.3676),
        (0.01, 1.0, 100, 1e-5, 0.7180),
        (0.01, 1.0, 1000, 1e-5, 1.8282),
        (0.05, 2.0, 1000, 1e-6, 4.1626),
        (0.1, 4.0, 1000, 1e-6, 3.8688),
        (0.2, 8.0, 500, 1e-6, 2.5829),
        (0.5, 20.0, 300, 1e-7, 2.1391),
        (0.1, 0.5, 100, 1e-5, 31.37),
        (1e-6, 1.0, 1, 1e-6, 0.0),
    ] {
        let found = epsilon(&loss(q, z, count), delta);
        assert!((found - expected).abs() < 0.005, "{q} {z} {count}: {found} instead of {expected}");
    }
}

#[test]
fn every_composed_vector() {
    let mut worst: f64 = 0.0;
    for row in rows("dp_vectors.csv") {
        let steps = row.text("steps").parse().expect("a number of steps");
        let found = epsilon(&loss(row.number("q"), row.number("sigma"), steps), row.number("delta"));
        let difference = (found - row.number("eps_pld_pess")).abs();
        assert!(difference <= 0.005, "{row}: {found} is {difference} off");
        if let Some(low) = row.optional("eps_prv_low") {
            assert!(found >= low, "{row}: {found} is below {low}");
        }
        worst = worst.max(difference);
    }
    eprintln!("loss distributions are at most {worst} from the reference");
}

#[test]
fn full_batch_is_the_exact_curve_from_above() {
    for (z, count, delta) in [
        (0.3, 1, 1e-6),
        (1.0, 1, 1e-5),
        (1.0, 10, 1e-12),
        (42.2, 100, 1e-6),
        (300.0, 10_000, 1e-9),
        (5.0, 7, 0.1),
        (10.0, 100, 1e-20),
    ] {
        let (found, exact) =
            (epsilon(&loss(1.0, z, count), delta), GaussianDp::round(z).times(count.into()).epsilon(delta));
        assert!(
            found >= exact && found <= exact + 1e-3_f64.min(0.001 * exact),
            "{z} {count} {delta}: {found}, {exact}"
        );
    }
}

#[test]
fn more_rounds_more_customers_and_less_noise_reveal_more() {
    let base = epsilon(&loss(0.05, 2.0, 100), 1e-6);
    assert!(epsilon(&loss(0.05, 2.0, 101), 1e-6) > base);
    assert!(epsilon(&loss(0.0505, 2.0, 100), 1e-6) > base);
    assert!(epsilon(&loss(0.05, 1.99, 100), 1e-6) > base);
    assert!(epsilon(&loss(0.05, 2.0, 100), 0.9e-6) > base);
}

#[test]
fn a_power_is_a_composition() {
    let (whole, parts) = (loss(0.02, 1.0, 60), [round(0.02, 1.0), round(0.02, 1.0 + 1e-12)]);
    let halves = PrivacyLoss::rounds(parts[0], 20).plus(parts[1], 40);
    assert_eq!(halves.parts.len(), 2, "unequal rounds are composed, not counted");
    assert_eq!(loss(0.02, 1.0, 20).plus(parts[0], 40), whole);
    let (one, two) = (epsilon(&whole, 1e-6), epsilon(&halves, 1e-6));
    assert!((one - two).abs() < 1e-6, "{one}, {two}");
}

#[test]
fn plans_compose_for_life() {
    // Full-batch plans of different noise add up in mu^2.
    let life = loss(1.0, 50.0, 100).plus(round(1.0, 20.0), 30).plus(round(1.0, 7.0), 1);
    let mu_squared = 100.0 / 2500.0 + 30.0 / 400.0 + 1.0 / 49.0;
    let exact = GaussianDp::round(1.0).times(mu_squared).epsilon(1e-6);
    let found = epsilon(&life, 1e-6);
    assert!(found >= exact && found < exact + 1e-4, "{found}, {exact}");
    // A sampled plan on top costs something, and less than its epsilon alone.
    let more = epsilon(&life.clone().plus(round(0.01, 1.0), 1000), 1e-6);
    assert!(more > found + 0.1 && more < found + epsilon(&loss(0.01, 1.0, 1000), 1e-6), "{more}");
    // What nobody is sampled for, and no round at all, reveals nothing.
    assert_eq!(life.clone().plus(round(0.0, 1.0), 1000).epsilon(1e-6), life.epsilon(1e-6));
    assert_eq!(PrivacyLoss::default().epsilon(1e-6).epsilon, 0.0);
    assert_eq!(PrivacyLoss::default().plus(round(0.5, 1.0), 0).delta(0.0), Ok(0.0));
}

#[test]
fn what_is_out_of_range_falls_back_with_the_reason() {
    let base = loss(0.1, 1.0, 10);
    for (loss, delta, reason) in [
        (base.clone(), 1e-21, PldError::Delta(1e-21)),
        (base.clone(), 0.7, PldError::Delta(0.7)),
        (loss(0.1, 0.01, 1), 1e-6, PldError::NoiseMultiplier(0.01)),
        (loss(1e-15, 1.0, 1), 1e-6, PldError::SamplingProbability(1e-15)),
        (loss(0.1, 1.0, 10_000_001), 1e-6, PldError::Rounds(10_000_001)),
    ] {
        let found = loss.epsilon(delta);
        assert_eq!(found.instead, Some(reason));
        assert_eq!(found.epsilon, loss.renyi_epsilon(delta));
        assert_eq!(loss.composed(delta).err(), Some(reason));
    }
    assert_eq!(base.delta(-1.0), Err(PldError::Epsilon(-1.0)));
    assert!(matches!(base.delta(f64::NAN), Err(PldError::Epsilon(_))));
    for nonsense in [loss(1.5, 1.0, 1), loss(f64::NAN, 1.0, 1), loss(0.1, f64::NAN, 1), loss(0.1, 0.0, 1)] {
        assert_eq!(nonsense.epsilon(1e-6).epsilon, f64::INFINITY);
        assert!(nonsense.epsilon(1e-6).instead.is_some());
    }
    assert!(base.epsilon(f64::NAN).epsilon.is_infinite());
}

/// Each limit is within its range, and the next number is not.
#[test]
fn every_range_ends_where_it_says() {
    let (most, least) = (u32::try_from(ROUNDS_MAX).unwrap(), SAMPLING_PROBABILITY_MIN);
    let (quiet, loud) = (*NOISE_MULTIPLIER.start(), *NOISE_MULTIPLIER.end());
    for (inside, beyond) in [
        (loss(0.1, 1.0, most), loss(0.1, 1.0, most + 1)),
        (loss(0.1, 1.0, most - 1).plus(round(0.2, 1.0), 1), loss(0.1, 1.0, most).plus(round(0.2, 1.0), 1)),
        (loss(least, 1.0, 1), loss(least.next_down(), 1.0, 1)),
        (loss(1.0, 1.0, 1), loss(1.0_f64.next_up(), 1.0, 1)),
        (loss(0.1, quiet, 1), loss(0.1, quiet.next_down(), 1)),
        (loss(0.1, loud, 1), loss(0.1, loud.next_up(), 1)),
        (loss(0.1, 1.0, 1).plus(round(1.0, loud), 1), loss(0.1, 1.0, 1).plus(round(1.0, loud.next_up()), 1)),
    ] {
        for delta in [*DELTA.start(), *DELTA.end()] {
            assert!(inside.checked(delta).is_ok() && beyond.checked(delta).is_err(), "{inside:?} {beyond:?}");
        }
        for delta in [DELTA.start().next_down(), DELTA.end().next_up()] {
            assert_eq!(inside.checked(delta), Err(PldError::Delta(delta)));
        }
    }
    // A count that would not fit is a part of its own.
    let twice = loss(0.1, 1.0, u32::MAX).plus(round(0.1, 1.0), 1);
    assert_eq!(twice.parts.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [u32::MAX, 1]);
    assert_eq!(twice.checked(0.1), Err(PldError::Rounds(1 << 32)));
    assert_eq!(loss(0.1, 1.0, 0).plus(round(0.0, 1.0), 7).checked(0.1), Ok(Vec::new()));
}

#[test]
fn the_curve_holds_away_from_where_it_was_laid_out() {
    let composed = loss(1.0, 10.0, 50).composed(1e-6).unwrap();
    for delta in [0.3, 1e-2, 1e-4, 1e-8] {
        let exact = GaussianDp::round(10.0).times(50.0).epsilon(delta);
        let found = composed.epsilon(delta);
        assert!(found >= exact && found <= exact * 1.01, "{delta}: {found}, {exact}");
    }
    // Below what was truncated nothing can be told.
    assert_eq!(composed.epsilon(1e-30), f64::INFINITY);
    assert!(composed.delta(1e3) > 0.0 && composed.delta(0.0) <= 1.0);
}

#[test]
fn extremes_stay_bounds() {
    for (q, z, count) in [
        (1e-12, 0.05, 1),
        (1e-12, 1e9, 1),
        (1.0, 1e9, 3),
        (1.0, 0.05, 1000),
        (0.999_999, 0.05, 10),
        (0.5, 1e6, 100_000),
    ] {
        for delta in [1e-20, 0.5] {
            let found = loss(q, z, count).epsilon(delta);
            assert!(found.instead.is_none() && found.epsilon >= 0.0, "{q} {z} {count} {delta}: {found:?}");
            if q == 1.0 {
                let exact = GaussianDp::round(z).times(count.into()).epsilon(delta);
                assert!(found.epsilon >= exact, "{z} {count} {delta}: {found:?} is below {exact}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn delta_and_epsilon_are_inverse_and_within_rdp(
        ln_q in -7.0_f64..0.0, ln_z in -0.7_f64..3.0, count in prop_oneof![1_u32..10, 10_u32..400], ln_delta in -30.0_f64..-5.0
    ) {
        let (loss, delta) = (loss(ln_q.exp(), ln_z.exp(), count), ln_delta.exp());
        let composed = loss.composed(delta).unwrap();
        let found = composed.epsilon(delta);
        prop_assert!(found <= loss.renyi_epsilon(delta) * (1.0 + 1e-6), "{found}, {}", loss.renyi_epsilon(delta));
        prop_assert!(composed.delta(found) <= delta * (1.0 + 1e-9));
        if found > 0.0 {
            prop_assert!(composed.delta(found * 0.99) > delta);
            // Laid out from the epsilon's side, the same curve is found.
            let again = loss.delta(found).unwrap();
            prop_assert!((again / delta - 1.0).abs() < 0.05, "{again}, {delta}");
        }
    }
}
