//! The whole way of a stage: from settings to a plan, from rows to integers, from their sum to what it says.

use tributary_protocol::plan::Plan;
use tributary_protocol::round::cast;

use super::*;
use crate::parameters::Parameters;
use crate::planned::{self, Planned};
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::privacy::{NoiseSampler, Selection};
use crate::train::tests::{Dice, matrix, rows};
use crate::train::{Placement, Table, Trainer};
use crate::update::{ClipRule, ClipUnit, ClippedSum, NoisedUpdate, branch_update, clipped_sum_of};

const UNITS: u32 = 1 << 20;

fn clip() -> ClipSettings {
    ClipSettings { clip_units: UNITS, ..CLIP }
}

/// A plan of these stages, in a mode, checked as every reader checks it.
fn planned(privacy: PrivacyMode, stages: &[(StageSettings, u32)], coin: u64) -> Planned {
    let network = network();
    let frame = frame(&network, privacy);
    let terms = stages.iter().map(|(settings, rounds)| {
        let form = settings.form(&frame).unwrap();
        let noise_variance = if privacy == PrivacyMode::None { 0 } else { 400 * form.sensitivity_squared };
        let sampling_threshold = if form.coins { coin } else { 0 };
        settings.terms(&frame, Chosen { sampling_threshold, ..chosen(noise_variance, *rounds) }).unwrap()
    });
    let stages: Vec<Stage> = terms.collect();
    let (architecture, customers_nominal) = (network.encode(), frame.customers_nominal);
    // Only a stage of several rounds may retry.
    let retries = if stages.iter().any(Stage::may_retry) { 3 } else { 0 };
    let delta_bits = if privacy == PrivacyMode::None { 0 } else { cast::plan().delta_bits };
    let plan = Plan { privacy, delta_bits, architecture, customers_nominal, stages, retries, ..cast::plan() };
    let plan = plan.validate().unwrap_or_else(|fault| panic!("{fault}"));
    planned::check(&plan, None).unwrap_or_else(|fault| panic!("{fault}"))
}

fn trainer(seed: u64, placement: Placement) -> Trainer {
    let table = Table::of_public(matrix(&rows(&mut Dice::new(seed), 3, 1, 40, 2), 3, 1));
    Trainer::new(&network(), &table, placement).unwrap()
}

fn words(noised: NoisedUpdate) -> Vec<i64> {
    noised.quantize(Ring::Bits64).into_words().centred()
}

/// The integers of a sum, as a test may see them.
pub(super) fn integers(sum: ClippedSum) -> Vec<i64> {
    let silence = vec![0; sum.coordinates()];
    words(sum.add_noise(silence).unwrap())
}

fn start() -> Parameters {
    Parameters::new(network(), vec![0.1, -0.2, 0.05, 0.0]).unwrap()
}

/// A new kind of stage: nothing in the core names it, and it goes the whole way.
#[test]
fn a_new_kind_needs_nothing_of_the_core() {
    let mean = StageSettings::Mean(MeanSettings { column: 1, units: UNITS });
    let planned = planned(PrivacyMode::Customer, &[(mean, 1)], 0);
    let stage = planned.stage(0).unwrap();
    let state = stage.admit_state(&[]).unwrap();
    let (mut sum, mut total, mut customers) = (vec![0; 2], 0.0, 0.0);
    for seed in 1..=3_u8 {
        let data = rows(&mut Dice::new(seed.into()), 3, 1, 40, 1);
        total += data.iter().map(|row| f64::from(row.features[1].clamp(0.0, 1.0))).sum::<f64>();
        customers += data.len() as f64;
        let table = Table::of_public(matrix(&data, 3, 1));
        let trainer = Trainer::new(&network(), &table, Placement::Dense).unwrap();
        let rows = Rows { trainer: &trainer, customers_nominal: 40 };
        let own = stage.contribute(&rows, &state, &mut CountingEntropy(seed)).unwrap();
        sum.iter_mut().zip(integers(own)).for_each(|(sum, own): (&mut i64, i64)| *sum += own);
    }
    assert_eq!(sum[1], 120 * i64::from(UNITS));
    let mut state = stage.start(start());
    let outcome = stage.advance(&mut state, &sum, 3).unwrap();
    let found = outcome.histograms[0].counts[0];
    assert!((found - total / customers).abs() < 1e-5, "{found} {}", total / customers);
    assert!((outcome.noise_stddev_min - 800.0_f64.sqrt()).abs() < 1e-6);
    assert!(stage.conclude(&state).unwrap().parameters == start());
}

/// A vector that a kind makes too long counts as none, and no other customer's is touched.
#[test]
fn no_kind_passes_its_bound() {
    let trainer = trainer(4, Placement::Dense);
    let bound = crate::update::VectorBound { dimension: 2, norm_squared: 25 };
    let mut number = 0;
    let sum = crate::update::sum_of_customers(&trainer, bound, |_, vector| {
        number += 1;
        vector.copy_from_slice(match number % 3 {
            0 => &[3, 4],
            // By one beyond the bound.
            1 => &[1, 5],
            _ => &[i64::MIN, i64::MAX],
        });
    });
    let [first, second] = *integers(sum) else { panic!("two coordinates") };
    assert!(first > 0 && first * 4 == second * 3 && first <= 3 * 40, "{first} {second}");
}

#[test]
fn gradients_are_clipped_by_their_rule_and_lower_the_loss() {
    let settings = GradientSettings { clip: clip(), optimizer: sgd() };
    let planned = planned(PrivacyMode::None, &[(StageSettings::Gradient(settings), 5)], 0);
    let stage = planned.stage(0).unwrap();
    assert_eq!((stage.placement(), stage.takes_held_out()), (Some(Placement::Dense), false));
    let trainers = [1, 2, 3].map(|seed| trainer(seed, Placement::Dense));
    let mut state = stage.start(start());
    let mut losses = Vec::new();
    for _ in 0..5 {
        let mut sum = vec![0_i64; stage.terms().dimension as usize];
        for trainer in &trainers {
            let rows = Rows { trainer, customers_nominal: 40 };
            let own = integers(stage.contribute(&rows, state.public(), &mut CountingEntropy(1)).unwrap());
            let rule = ClipRule::new(clip(), ClipUnit::Customer).unwrap();
            let alone = clipped_sum_of(trainer, &state.public().parameters, &rule, &Selection::everybody()).unwrap();
            assert_eq!(own, integers(alone));
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        let outcome = stage.advance(&mut state, &sum, 3).unwrap();
        losses.push(outcome.metrics.unwrap().loss_mean);
        let customers = outcome.customers.unwrap();
        assert!((customers.customers - 120.0).abs() < 1e-9 && customers.variance == 0.0);
    }
    assert!(losses[4] < losses[0], "{losses:?}");
    let refused = stage.contribute_noised(
        &Rows { trainer: &trainers[0], customers_nominal: 40 },
        state.public(),
        &NoiseSampler::new(400).unwrap(),
        &mut CountingEntropy(1),
    );
    assert!(matches!(refused.err(), Some(ContributeFault::NoiseOutside)));
}

#[test]
fn coins_leave_customers_out() {
    let settings = GradientSettings { clip: clip(), optimizer: sgd() };
    let planned = planned(PrivacyMode::Customer, &[(StageSettings::Gradient(settings), 5)], 1 << 62);
    let stage = planned.stage(0).unwrap();
    let trainer = trainer(5, Placement::Dense);
    let rows = Rows { trainer: &trainer, customers_nominal: 40 };
    let counted = |seed| {
        let own = integers(stage.contribute(&rows, &stage.begin(start()), &mut CountingEntropy(seed)).unwrap());
        own[5] / i64::from(UNITS / 20)
    };
    let counts = [1, 2, 3, 4].map(counted);
    assert!(counts.iter().all(|count| (1..30).contains(count)), "about ten of forty: {counts:?}");
    assert!(counts.iter().any(|count| *count != counts[0]), "the coins are thrown anew: {counts:?}");
}

#[test]
fn local_steps_carry_their_noise_and_give_nothing_without_it() {
    let settings = StageSettings::Local(LocalSettings { clip: clip(), ..local(false) });
    let planned = planned(PrivacyMode::Local, &[(settings, 5)], 0);
    let stage = planned.stage(0).unwrap();
    assert_eq!(stage.placement(), Some(Placement::Dense));
    let trainer = trainer(6, Placement::Dense);
    let (rows, state) = (Rows { trainer: &trainer, customers_nominal: 40 }, stage.begin(start()));
    let bare = stage.contribute(&rows, &state, &mut CountingEntropy(1)).err();
    assert_eq!(bare, Some(ContributeFault::NoiseInside));
    let expected = stage.terms().noise_variance;
    let noised = |variance, seed| {
        let sampler = NoiseSampler::new(variance).unwrap();
        stage.contribute_noised(&rows, &state, &sampler, &mut CountingEntropy(seed))
    };
    let (first, second) = (words(noised(expected, 1).unwrap()), words(noised(expected, 9).unwrap()));
    assert!(first.len() == stage.terms().dimension as usize && first != second);
    let norm: i128 = first[..4].iter().map(|unit| i128::from(*unit).pow(2)).sum();
    assert!(norm <= i128::from(UNITS).pow(2), "the difference is clipped");
    let less = noised(expected - 1, 1).err();
    assert_eq!(less, Some(ContributeFault::Variance { expected, found: expected - 1 }));
}

#[test]
fn a_branch_takes_the_bound_of_the_state() {
    let settings = StageSettings::Local(LocalSettings { clip: clip(), ..local(true) });
    let planned = planned(PrivacyMode::Branch, &[(settings, 5)], 0);
    let stage = planned.stage(0).unwrap();
    let trainer = trainer(7, Placement::Dense);
    let rows = Rows { trainer: &trainer, customers_nominal: 40 };
    let rule = ClipRule::new(clip(), ClipUnit::Branch).unwrap();
    for bound in [0.37, 0.002] {
        let state = PublicState { update_clip_norm: Some(bound), ..stage.begin(start()) };
        let own = integers(stage.contribute(&rows, &state, &mut CountingEntropy(1)).unwrap());
        let local = LocalRule { update_clip_norm: bound, ..RULE };
        assert_eq!(own, integers(branch_update(&trainer, &start(), (&rule, &local)).unwrap()));
    }
}

/// Stages one after another: each begins with what the one before has handed on, by digest.
#[test]
fn stages_hand_their_model_on() {
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 4, groups: None });
    let gradients = StageSettings::Gradient(GradientSettings { clip: clip(), optimizer: sgd() });
    let planned = planned(PrivacyMode::Customer, &[(gradients, 5), (evaluate, 1)], 0);
    let (training, evaluating) = (planned.stage(0).unwrap(), planned.stage(1).unwrap());
    let mut state = training.start(start());
    for round in 0..4 {
        training.advance(&mut state, &[round * 1000, 77, -5000, 3, 50, 900, 800], 9).unwrap();
    }
    let handed_on = training.conclude(&state).unwrap();
    assert!(handed_on.parameters != state.public().parameters, "the tail's models are averaged");
    let bytes = evaluating.begin(handed_on.parameters.clone()).to_bytes();
    assert_eq!(evaluating.state_digest(&bytes), handed_on.parameters.digest());
    assert!(evaluating.takes_held_out() && evaluating.placement().is_none());
    let trainer = trainer(8, Placement::Hashed);
    let rows = Rows { trainer: &trainer, customers_nominal: 40 };
    let given = evaluating.admit_state(&bytes).unwrap();
    let counts = integers(evaluating.contribute(&rows, &given, &mut CountingEntropy(1)).unwrap());
    assert!(counts.iter().all(|units| units % 1000 == 0) && counts.iter().sum::<i64>() > 0);
    let outcome = evaluating.read(&counts, 1).unwrap();
    assert!(evaluating.figures(&outcome.histograms, (0, 1)).heads[0].auc.is_some());
}
