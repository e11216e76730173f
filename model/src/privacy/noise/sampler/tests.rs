use proptest::prelude::*;

use super::super::generator::test_entropy::CountingEntropy;
use super::super::generator::{NoiseGenerator, Scripted};
use super::super::reference::{probability, true_variance};
use super::*;

fn draws(variance: u128, count: usize, key: u8) -> Vec<i64> {
    let sampler = Sampler::new(variance);
    let mut generator = NoiseGenerator::new(&mut CountingEntropy(key));
    (0..count).map(|_| sampler.draw(&mut generator)).collect()
}

/// The first bytes of a digest of draws: of small variances, of wide steps, and of the widest.
#[test]
fn the_same_bits_give_the_same_noise() {
    let said = |variance: u128| {
        let bytes: Vec<u8> = draws(variance, 50_000, 5).iter().flat_map(|value| value.to_le_bytes()).collect();
        tributary_protocol::digest::Digest::of(&bytes).to_string()[..16].to_owned()
    };
    let found = [36, 1_100, 1 << 20, (1 << 48) + 12_345, 1 << 80].map(said);
    assert_eq!(
        found,
        ["6e58a9e9f169995e", "2910205b638689bf", "28e494b711e2a650", "2e6f89cd94021705", "fff602da2fdac67a"]
    );
}

/// The chi-square statistic of observed counts.
fn chi_square(observed: &[u64], expected: &[f64]) -> f64 {
    assert!(expected.iter().all(|count| *count >= 2.5), "cells are too small: {expected:?}");
    observed.iter().zip(expected).map(|(seen, expected)| (*seen as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn small_variances_fit_cell_by_cell() {
    const DRAWS: usize = 1_000_000;
    for (variance, reach) in [(1_u128, 4_i64), (4, 7), (36, 18), (100, 25), (1100, 60)] {
        let cells = usize::try_from(2 * reach + 1).unwrap();
        let mut observed = vec![0; cells + 1];
        for value in draws(variance, DRAWS, 3) {
            observed[usize::try_from(value + reach).unwrap_or(cells).min(cells)] += 1;
        }
        let parameter = variance as f64;
        let mut expected: Vec<f64> =
            (-reach..=reach).map(|x| DRAWS as f64 * probability(parameter, x as f64)).collect();
        expected.push(DRAWS as f64 - expected.iter().sum::<f64>());
        let statistic = chi_square(&observed, &expected);
        // Chi-square with k degrees of freedom is normal(k, 2k) nearly; five deviations, and the draws are always the same.
        let degrees = cells as f64;
        assert!(statistic < degrees + 5.0 * (2.0 * degrees).sqrt(), "variance {variance}: chi-square {statistic}");
    }
}

/// Ten million draws, at the smallest share and at one whose steps are wide: every integer within five deviations comes, both tails come,
/// and all as often as the probabilities say.
#[test]
fn ten_million_draws_have_the_whole_support() {
    const DRAWS: usize = 10_000_000;
    for (variance, deviation) in [(36_u128, 6_i64), (1 << 16, 256)] {
        let (reach, sampler) = (5 * deviation, Sampler::new(variance));
        let cells = usize::try_from(2 * reach + 1).unwrap();
        let mut observed = vec![0_u64; cells];
        let mut tails = [0_u64; 2];
        let mut generator = NoiseGenerator::new(&mut CountingEntropy(29));
        for _ in 0..DRAWS {
            let value = sampler.draw(&mut generator);
            match observed.get_mut(usize::try_from(value + reach).unwrap_or(cells)) {
                Some(count) => *count += 1,
                None => tails[usize::from(value > 0)] += 1,
            }
        }
        let parameter = variance as f64;
        let each: Vec<f64> = (-reach..=reach).map(|x| DRAWS as f64 * probability(parameter, x as f64)).collect();
        let tail = (DRAWS as f64 - each.iter().sum::<f64>()) / 2.0;
        for (seen, what) in tails.into_iter().zip(["lower", "upper"]) {
            assert!(
                (seen as f64 - tail).abs() < 5.0 * tail.sqrt() + 1.0,
                "variance {variance}: {seen} in the {what} tail"
            );
        }
        // Cells of fewer than ten draws are put together with their neighbours, outermost first.
        let (mut statistic, mut degrees, mut open) = (0.0_f64, 0.0_f64, (0.0_f64, 0.0_f64));
        for (seen, expected) in observed.iter().zip(&each) {
            open = (open.0 + *seen as f64, open.1 + expected);
            if open.1 >= 10.0 {
                statistic += (open.0 - open.1).powi(2) / open.1;
                degrees += 1.0;
                open = (0.0, 0.0);
            }
        }
        assert!(statistic < degrees + 5.0 * (2.0 * degrees).sqrt(), "variance {variance}: {statistic} of {degrees}");
        let missing = observed.iter().zip(&each).filter(|(seen, expected)| **seen == 0 && **expected > 20.0).count();
        assert_eq!(missing, 0, "variance {variance}: integers that never come");
    }
}

#[test]
fn large_variances_fit_interval_by_interval() {
    const DRAWS: usize = 400_000;
    // Central intervals of equal probability, by the quantiles of the normal distribution at k / 10.
    let quantiles = [-1.281_551_565_5, -0.841_621_233_6, -0.524_400_512_7, -0.253_347_103_1, 0.0];
    let quantiles: Vec<f64> = quantiles.into_iter().chain(quantiles.into_iter().rev().skip(1).map(|q| -q)).collect();
    for variance in [1 << 20, (1 << 48) + 99, (1_u128 << 79) + 12_345, 1 << 80] {
        let deviation = (variance as f64).sqrt();
        let mut observed = [0; 10];
        for value in draws(variance, DRAWS, 5) {
            observed[quantiles.iter().filter(|quantile| value as f64 + 0.5 > **quantile * deviation).count()] += 1;
        }
        let statistic = chi_square(&observed, &[DRAWS as f64 / 10.0; 10]);
        // At sigma = 2^10 a boundary falls between two integers, which moves a cell by less than 1e-4 of its count.
        assert!(statistic < 9.0 + 5.0 * 18_f64.sqrt(), "variance {variance}: chi-square {statistic}: {observed:?}");
    }
}

#[test]
fn moments_are_those_of_the_distribution() {
    const DRAWS: usize = 1_000_000;
    for variance in [1, 4, 36, 100, 1 << 20, 1 << 48, 1 << 80] {
        let parameter = variance as f64;
        let deviation = if variance < 1 << 20 { true_variance(parameter).sqrt() } else { parameter.sqrt() };
        let mut moments = [0.0; 4];
        for value in draws(variance, DRAWS, 11) {
            let z = value as f64 / deviation;
            for (power, moment) in moments.iter_mut().enumerate() {
                *moment += z.powi(i32::try_from(power).unwrap() + 1) / DRAWS as f64;
            }
        }
        // Variances of z, z^2, z^3, z^4 of a normal z: 1, 2, 15, 96. At variance 1 the fourth moment differs by 1e-6 or so.
        for ((moment, expected), spread) in moments.iter().zip([0.0, 1.0, 0.0, 3.0]).zip([1.0, 2.0, 15.0, 96.0_f64]) {
            let error = (moment - expected) / (spread / DRAWS as f64).sqrt();
            assert!(error.abs() < 5.0, "variance {variance}: {moments:?} is {error} deviations off {expected}");
        }
    }
}

#[test]
fn low_bits_of_large_noise_are_uniform() {
    const DRAWS: usize = 400_000;
    for variance in [1 << 20, 1 << 48, 1 << 80] {
        let mut observed = [0; 32];
        for value in draws(variance, DRAWS, 17) {
            observed[usize::try_from(value.rem_euclid(32)).unwrap()] += 1;
        }
        let statistic = chi_square(&observed, &[DRAWS as f64 / 32.0; 32]);
        assert!(statistic < 31.0 + 5.0 * 62_f64.sqrt(), "variance {variance}: chi-square {statistic}");
    }
}

/// Every position within a step is equally likely to be proposed; acceptance must undo that. Compares the two ends of wide steps.
#[test]
fn the_curve_within_steps_is_followed() {
    const DRAWS: usize = 2_000_000;
    let sampler = Sampler::new(1 << 48);
    let width_bits = sampler.envelope.width_bits;
    let deviation = 2_f64.powi(24);
    let width = 2_f64.powi(i32::try_from(width_bits).unwrap());
    let mut counts = [[0_u64; 2]; 2];
    for value in draws(1 << 48, DRAWS, 23) {
        // Steps around one and two deviations, where the curve is steep.
        let step = value.unsigned_abs() >> width_bits;
        if let Some(zone) = [14..18, 30..34].iter().position(|zone| zone.contains(&step)) {
            counts[zone][usize::from(value.unsigned_abs() >> (width_bits - 1) & 1 == 1)] += 1;
        }
    }
    for (zone, [first, second]) in counts.into_iter().enumerate() {
        // Within the first half of all steps of a zone over both halves, by integration of the density.
        let start = 14 + 16 * zone;
        let half = |half: usize| -> f64 {
            (start..start + 4)
                .flat_map(|step| (0..32).map(move |part| step as f64 + (half * 32 + part) as f64 / 64.0 + 1.0 / 128.0))
                .map(|x| (-(x * width / deviation).powi(2) / 2.0).exp())
                .sum()
        };
        let share = half(0) / (half(0) + half(1));
        let total = (first + second) as f64;
        let error = (first as f64 - share * total) / (total * share * (1.0 - share)).sqrt();
        assert!(error.abs() < 5.0, "zone {zone}: {first} and {second}, share {share}, {error} deviations off");
        // The test would see a uniform step.
        assert!((share - 0.5) * total.sqrt() * 2.0 > 5.0, "zone {zone}: share {share} of {total}");
    }
}

/// The words that propose `index` and `offset`, positive, with the first 64 bits of U.
fn propose(index: u8, offset: u64, uniform: u64) -> [u64; 3] {
    // Every weight is positive, so the first part of every column is the column's own.
    [u64::from(index), (uniform >> 37 << 37) | (offset << 1), uniform << 27]
}

/// A variance of `bits` bits.
fn sampler(bits: u32, low_bits: u128) -> Sampler {
    Sampler::new(((1 << bits) | (low_bits & ((1 << bits) - 1))).min(1 << 80))
}

/// The acceptance probability of a proposal in parts of 2^128, rounded down.
fn probability_parts(sampler: &Sampler, index: u8, magnitude: u64) -> u128 {
    let height = sampler.envelope.steps[usize::from(index)].height;
    let curve = super::super::exact::exp_negative(u128::from(magnitude).pow(2), 2 * sampler.variance, 4).low;
    let parts = curve.times(&Natural::from_u64(sampler.envelope.scale)).divided_by(height).limbs_down(2);
    parts.to_u128().expect("a probability below 1")
}

proptest! {
    #[test]
    fn estimates_stay_within_their_margin(bits in 0_u32..=80, low_bits: u128, index in 0_u8..TAIL, offset: u64) {
        let sampler = sampler(bits, low_bits);
        let offset = offset & sampler.offset_mask;
        let estimate = sampler.estimate(&sampler.envelope.steps[usize::from(index)], index, offset);
        let magnitude = (u64::from(index) << sampler.envelope.width_bits) + offset;
        let parts = probability_parts(&sampler, index, magnitude) >> 65;
        prop_assert!(u128::from(estimate).abs_diff(parts) < u128::from(MARGIN) - 8, "{estimate} for {parts}");
    }

    #[test]
    fn the_lazy_decision_equals_the_exact_one(
        bits in 0_u32..=80, low_bits: u128, index in 0_u8..TAIL, offset: u64, uniform: u64, shift in -300_i64..300, near: bool
    ) {
        let sampler = sampler(bits, low_bits);
        let offset = offset & sampler.offset_mask;
        let step = sampler.envelope.steps[usize::from(index)];
        let magnitude = (u64::from(index) << sampler.envelope.width_bits) + offset;
        prop_assume!(magnitude > 0);
        let close = low(probability_parts(&sampler, index, magnitude) >> 64);
        let uniform = if near { close.saturating_add_signed(shift) } else { uniform };
        let decision = Decision {
            magnitude, variance: sampler.variance, height: step.height, scale: sampler.envelope.scale, doublings: 0,
        };
        let later = [1 << 63; 3];
        let exact = decision.accepts(uniform, &mut Scripted::new(&later));
        let [selector, word, rest] = propose(index, offset, uniform);
        let quick = (word >> 37) < step.quick;
        prop_assert!(exact || !quick, "a quick acceptance where the exact one refuses");
        if exact {
            let mut script = vec![selector, word];
            if !quick {
                script.push(rest);
                script.extend(later);
            }
            prop_assert_eq!(sampler.draw(&mut Scripted::new(&script)).unsigned_abs(), magnitude);
        } else {
            let mut source = Scripted::new(&[&[rest], later.as_slice()].concat());
            prop_assert_eq!(sampler.decide(&step, index, offset, word >> 37, &mut source), None);
        }
    }

    #[test]
    fn a_tie_in_the_first_64_bits_is_decided_by_the_next(
        bits in 0_u32..=80, low_bits: u128, index in 1_u8..TAIL, offset: u64
    ) {
        let sampler = sampler(bits, low_bits);
        let offset = offset & sampler.offset_mask;
        let magnitude = (u64::from(index) << sampler.envelope.width_bits) + offset;
        let parts = probability_parts(&sampler, index, magnitude);
        let (first, second) = (low(parts >> 64), low(parts));
        let [selector, word, rest] = propose(index, offset, first);
        prop_assume!((1_u64 << 40..u64::MAX - (1 << 40)).contains(&second));
        // After a refusal: zero, by the first part of the first column.
        let script = |next| [selector, word, rest, next, 0, 0];
        let mut below = Scripted::new(&script(second - (1 << 40)));
        prop_assert_eq!(sampler.draw(&mut below).unsigned_abs(), magnitude);
        prop_assert_eq!(below.left(), 2);
        let mut above = Scripted::new(&script(second + (1 << 40)));
        prop_assert_eq!(sampler.draw(&mut above), 0);
        prop_assert_eq!(above.left(), 0);
    }
}

#[test]
fn the_tail_is_drawn_from_block_by_block() {
    // Steps are a 32nd of the deviation wide, so the tail begins at eight deviations.
    let sampler = Sampler::new((1 << 48) - 1);
    let bits = sampler.envelope.width_bits;
    let zeros = [0; 16];
    let [selector, word, rest] = propose(TAIL, 0, 0);
    // Block 0, its first magnitude: just below the staircase, so U = 0 accepts.
    assert_eq!(sampler.draw(&mut Scripted::new(&[selector, word, rest, 1, 0])), 255 << bits);
    // Minus, and the last magnitude of the block, with U = 0 to as many bits as it takes.
    let script = [&[selector, word | 1, rest, 1, u64::MAX], zeros.as_slice()].concat();
    assert_eq!(sampler.draw(&mut Scripted::new(&script)), -((511 << bits) - 1));
    // Block 2.
    let script = [&[selector, word, rest, 0b100, 5 << (56 - bits)], zeros.as_slice()].concat();
    assert_eq!(sampler.draw(&mut Scripted::new(&script)), ((255 + 2 * 256) << bits) + 5);
    // A middling U refuses, here in block 65, which takes two words to say; then zero.
    let [_, word, rest] = propose(TAIL, 0, 1 << 63);
    assert_eq!(sampler.draw(&mut Scripted::new(&[selector, word, rest, 0, 0b10, u64::MAX, 0, 0])), 0);
    // A block that is too far out is refused: 1024 words of zeros.
    let script = [&[selector, word, rest], [0; 1024].as_slice(), &[1, 0, 0]].concat();
    assert_eq!(sampler.draw(&mut Scripted::new(&script)), 0);
}

#[test]
fn zero_has_one_sign() {
    for variance in [1, 1 << 48] {
        let sampler = Sampler::new(variance);
        // Minus zero, then plus zero.
        let mut source = Scripted::new(&[0, 1, 0, 0]);
        assert_eq!((sampler.draw(&mut source), source.left()), (0, 0));
    }
}
