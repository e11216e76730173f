use super::super::clip_rule::{ClipForm, ClipSettings, ClipUnit};
use super::*;
use crate::architecture::{Activation, Architecture};
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::train::tests::{Dice, Row, matrix, parameters, rows, shape};
use crate::train::{Placement, Table, Trainer};

const UNITS: u32 = 1 << 20;

fn rule(unit: ClipUnit) -> ClipRule {
    let form = ClipForm::Exact;
    let settings = ClipSettings { example_clip_norm: 1.0, clip_units: UNITS, form, loss_bound: Some(4.0) };
    ClipRule::new(settings, unit).unwrap()
}

fn trainer(architecture: &Architecture) -> Trainer {
    let table = Table::of_public(matrix(&rows(&mut Dice::new(5), 3, 1, 40, 2), 3, 1));
    Trainer::new(architecture, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"))
}

fn local(update_clip_norm: f64) -> LocalRule {
    LocalRule { steps: 5, learning_rate: 0.5, update_clip_norm }
}

/// Plain gradient steps on clipped sums, as any reader of the definition would take them.
fn by_hand(trainer: &Trainer, start: &Parameters, steps: u32, rule: &ClipRule) -> Vec<f64> {
    let customers = trainer.customers() as f64;
    let mut model = start.clone();
    for _ in 0..steps {
        let sum = clipped_sum(trainer, &model, rule).unwrap_or_else(|error| panic!("{error}"));
        let gradient =
            sum.values()[..model.values().len()].iter().map(|units| *units as f64 / f64::from(UNITS) / customers);
        let values = model.values().iter().zip(gradient).map(|(value, slope)| narrow(f64::from(*value) - 0.5 * slope));
        model = Parameters::new(model.architecture().clone(), values.collect()).unwrap();
    }
    model.values().iter().zip(start.values()).map(|(new, old)| f64::from(*new) - f64::from(*old)).collect()
}

fn in_norms(units: &[i64], update_clip_norm: f64) -> Vec<f64> {
    units.iter().map(|units| *units as f64 / f64::from(UNITS) * update_clip_norm).collect()
}

#[test]
fn a_branch_uploads_the_difference_of_its_steps() {
    let architecture = shape(3, &[4], Activation::Tanh, 1);
    let (trainer, start) = (trainer(&architecture), parameters(&mut Dice::new(6), &architecture));
    let rule = rule(ClipUnit::Branch);
    let expected = by_hand(&trainer, &start, 5, &rule);
    let norm = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
    let sum = branch_update(&trainer, &start, (&rule, &local(2.0 * norm))).unwrap_or_else(|error| panic!("{error}"));
    let (difference, riders) = sum.values().split_at(expected.len());
    for (found, expected) in in_norms(difference, 2.0 * norm).iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5 * norm, "{found} {expected}");
    }
    let scale = rule.riders().unwrap();
    assert_eq!(riders[1..], [i64::from(scale.units), i64::from(scale.indicator_units)], "one branch, within its bound");
    // Its loss is the mean of its customers' at the first step.
    let first = clipped_sum(&trainer, &start, &rule).unwrap_or_else(|error| panic!("{error}"));
    let mean = first.values()[expected.len()] / 40;
    assert!(riders[0] > 0 && (riders[0] - mean).abs() <= 1, "{} {mean}", riders[0]);
}

#[test]
fn a_branch_beyond_its_bound_is_clipped_in_integers() {
    let architecture = shape(3, &[4], Activation::Tanh, 1);
    let (trainer, start) = (trainer(&architecture), parameters(&mut Dice::new(6), &architecture));
    let rule = rule(ClipUnit::Branch);
    for bound in [1e-3, 1e-6] {
        let sum = branch_update(&trainer, &start, (&rule, &local(bound))).unwrap_or_else(|error| panic!("{error}"));
        let (difference, riders) = sum.values().split_at(start.values().len());
        let square: i128 = difference.iter().map(|units| i128::from(*units).pow(2)).sum();
        assert!(square <= i128::from(UNITS).pow(2) && square > i128::from(UNITS).pow(2) * 99 / 100, "{square}");
        assert_eq!(riders[2], 0, "not within its bound");
    }
}

/// Squared distance, in units, of what two neighbouring branches put into a sum: one has one customer, the other a second one with the same row
/// and another label. The first one's difference is a small step one way, the second's a longer step the other way; both are clipped.
fn neighbours_apart(rule: &ClipRule) -> u128 {
    let architecture = Architecture::logistic(2, &["label"]).unwrap();
    let row =
        |label: &f32, customer| Row { features: vec![0.5, -1.0], targets: vec![*label], present: vec![1.0], customer };
    let branch = |labels: &[f32]| {
        let rows: Vec<Row> = labels.iter().zip(0..).map(|(label, customer)| row(label, customer)).collect();
        let table = Table::of_public(matrix(&rows, 2, 1));
        Trainer::new(&architecture, &table, Placement::Dense).unwrap_or_else(|error| panic!("{error}"))
    };
    // Nearly sure of the first customer's label.
    let start = Parameters::new(architecture.clone(), vec![0.0, 0.0, 3.0]).unwrap();
    let local = LocalRule { steps: 1, learning_rate: 0.5, update_clip_norm: 1e-3 };
    let update = |labels: &[f32]| {
        branch_update(&branch(labels), &start, (rule, &local))
            .unwrap_or_else(|error| panic!("{error}"))
            .values()
            .to_vec()
    };
    let (without, with) = (update(&[1.0]), update(&[1.0, 0.0]));
    without.iter().zip(&with).map(|(one, other)| u128::from(one.abs_diff(*other)).pow(2)).sum()
}

/// What the plan's figure for a customer covers, of what one can move.
fn covered(rule: &ClipRule) -> (u128, u128) {
    let charged = rule.customer_sensitivity_squared_units(3).unwrap();
    (neighbours_apart(rule), charged)
}

#[test]
fn a_customer_moves_its_branch_by_two_clips_and_is_charged_for_them() {
    let rule = rule(ClipUnit::Branch);
    let (moved, charged) = covered(&rule);
    let clip = u128::from(UNITS).pow(2);
    assert!(moved > 399 * clip / 100, "the attack is as strong as any: {moved}");
    assert!(moved <= charged, "{moved} of {charged}");
    // No more than that is ever charged: two clips, and two riders.
    assert!(charged < 402 * clip / 100, "{charged}");
    assert!(moved > rule.sensitivity_squared_units(3).unwrap(), "the branch's own figure does not cover it");
}

/// Customers are charged as their branch is: they can move four times as much, in the square.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_customer_moves_more_than_it_is_charged() {
    use tributary_protocol::defence::{Defence, rebuild, take_down};
    take_down(Defence::CustomerAccount);
    let (moved, charged) = covered(&rule(ClipUnit::Branch));
    rebuild();
    assert!(moved > 39 * charged / 10, "{moved} of {charged}");
}

#[test]
fn local_steps_are_noised_each_and_differ_by_their_noise_alone() {
    let architecture = shape(3, &[], Activation::Relu, 1);
    let (trainer, start) = (trainer(&architecture), parameters(&mut Dice::new(6), &architecture));
    let rule = rule(ClipUnit::Customer);
    let customers_nominal = trainer.customers() as f64;
    let update = |deviation_units: u128, key: u8, sampling_threshold: u64| {
        let sampler = NoiseSampler::new(deviation_units * deviation_units).unwrap();
        let noise = LocalNoise { sampler: &sampler, sampling_threshold, customers_nominal };
        let made = private_update(&trainer, &start, (&rule, &local(10.0)), noise, &mut CountingEntropy(key));
        made.unwrap_or_else(|error| panic!("{error}")).values().to_vec()
    };
    let count = start.values().len();
    let expected = by_hand(&trainer, &start, 5, &rule);
    let quiet = in_norms(&update(6, 1, 0)[..count], 10.0);
    for (found, expected) in quiet.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    // What rides is the first step's, and has its noise.
    let first = clipped_sum(&trainer, &start, &rule).unwrap_or_else(|error| panic!("{error}"));
    for (found, expected) in update(6, 1, 0)[count..].iter().zip(&first.values()[count..]) {
        assert!((found - expected).abs() < 60, "{found} {expected}");
    }
    assert!(first.values()[count] > 600 && first.values()[count + 1] > 600);
    // One clip norm of noise at each of five steps: 0.5 / customers of a standard deviation each, root of five together.
    let deviation = 0.5 / customers_nominal * 5_f64.sqrt();
    let noises: Vec<f64> = (0..60)
        .flat_map(|key| in_norms(&update(u128::from(UNITS), 3 * key, 0)[..count], 10.0))
        .zip(expected.iter().cycle())
        .map(|(found, expected)| found - expected)
        .collect();
    let variance = noises.iter().map(|noise| noise * noise).sum::<f64>() / noises.len() as f64;
    assert!((variance.sqrt() / deviation - 1.0).abs() < 0.25, "{} where {deviation} is due", variance.sqrt());
    // With a coin of a half and no more noise the steps are about half as long.
    let half = in_norms(&update(6, 1, 1 << 63)[..count], 10.0);
    assert_ne!(half, quiet);
    let length = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    assert!((0.2..0.9).contains(&(length(&half) / length(&quiet))), "{}", length(&half) / length(&quiet));
}

#[test]
fn an_unstable_step_is_a_long_one_and_no_refusal() {
    let architecture = shape(3, &[], Activation::Relu, 1);
    let (trainer, start) = (trainer(&architecture), parameters(&mut Dice::new(6), &architecture));
    let unit = i128::from(UNITS);
    for (learning_rate, update_clip_norm) in [(1e9, 1.0), (f64::MAX, 1e-6), (0.5, 5e-324), (0.0, 5e-324)] {
        let wild = LocalRule { learning_rate, ..local(update_clip_norm) };
        let sum = branch_update(&trainer, &start, (&rule(ClipUnit::Branch), &wild));
        let sum = sum.unwrap_or_else(|error| panic!("{error}"));
        let square: i128 = sum.values()[..start.values().len()].iter().map(|units| i128::from(*units).pow(2)).sum();
        assert!(square <= unit * unit, "{learning_rate} {update_clip_norm}: {square}");
        let moved = learning_rate > 0.0 && update_clip_norm > 1e-300;
        assert_eq!(square > 0, moved || learning_rate > 0.0, "{learning_rate} {update_clip_norm}");
    }
}

#[test]
fn a_tiny_learning_rate_makes_no_denormal_parameter() {
    let architecture = shape(3, &[4], Activation::Tanh, 1);
    let start = Parameters::new(architecture.clone(), vec![0.0; architecture.parameter_count()]).unwrap();
    let slopes = |size: f64| stepped(&start, vec![size; start.values().len()].into_iter(), 1e-40);
    assert!(slopes(0.5).values().iter().all(|value| *value == 0.0), "as where there is no gradient");
    assert!(slopes(1e6).values().iter().all(|value| value.is_normal()));
}

/// A difference as long as the bound is within it, and the next longer one is not: what a branch reports for the bound to follow.
#[test]
fn a_difference_at_its_bound_needs_no_clipping() {
    let architecture = Architecture::logistic(1, &["churn"]).unwrap();
    let start = Parameters::zero(&architecture);
    let rule = rule(ClipUnit::Customer);
    let within = |length: f32| {
        let mut values = start.values().to_vec();
        values[0] = length;
        let model = Parameters::new(architecture.clone(), values).unwrap();
        let mut units = vec![0; start.values().len()];
        super::clip_difference(&model, &start, (&rule, 0.5), &mut units)
    };
    assert!(within(0.5) && within(0.25) && !within(0.500_001));
}
