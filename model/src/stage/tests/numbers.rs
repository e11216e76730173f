//! The numbers of a stage, in each mode.

use tributary_protocol::plan::NoiseShare;
use tributary_protocol::privacy::{RdpVector, Unit};

use super::*;
use crate::nominal::NoisedCustomers;
use crate::stage::kind::Kind as _;

/// Squared norm of what a customer moves in a rule of 1000 units with three riders of 50 units.
const RIDING: u128 = 1_000_000 + 3 * 2500;

#[test]
fn gradients_are_bounded_at_all_branches_of_a_customer() {
    let network = network();
    let form = |privacy, overlap_max| {
        let frame = Frame { overlap_max, ..frame(&network, privacy) };
        StageSettings::Gradient(gradient()).form(&frame).unwrap()
    };
    let own = form(PrivacyMode::Customer, 1);
    assert_eq!((own.dimension, own.reach, own.model_bytes, own.releases), (7, 1000, 16, 1));
    assert_eq!((own.summed, own.noise), (Unit::Customer, NoiseShare::Divided));
    assert_eq!((own.sensitivity_squared, own.customer_sensitivity_squared), (RIDING, RIDING));
    assert_eq!(form(PrivacyMode::Customer, 3).sensitivity_squared, 9 * RIDING);
    assert_eq!(form(PrivacyMode::None, 3).sensitivity_squared, RIDING);
}

#[test]
fn local_steps_are_releases_of_their_own_and_a_branch_is_one() {
    let network = network();
    let form = |settings, privacy, overlap_max| {
        let frame = Frame { overlap_max, ..frame(&network, privacy) };
        StageSettings::Local(settings).form(&frame).unwrap()
    };
    let steps = form(local(false), PrivacyMode::Local, 2);
    assert_eq!((steps.releases, steps.noise, steps.summed), (6, NoiseShare::Inside, Unit::Branch));
    assert_eq!((steps.sensitivity_squared, steps.customer_sensitivity_squared), (RIDING, RIDING));
    let branch = form(local(true), PrivacyMode::Branch, 2);
    assert_eq!((branch.releases, branch.noise, branch.summed), (1, NoiseShare::Divided, Unit::Branch));
    assert_eq!(branch.sensitivity_squared, 1_000_000 + 2 * 2500 + 10_000);
    assert_eq!(branch.customer_sensitivity_squared, 4 * (4 * 1_000_000 + 2500 + 10_000));
    // The bound is with the model where it adapts.
    assert_eq!((branch.model_bytes, form(local(false), PrivacyMode::Branch, 2).model_bytes), (24, 16));
    assert!(steps.coins && !branch.coins, "a coin is a customer's");
}

#[test]
fn counts_are_bounded_by_what_one_customer_adds() {
    let schema = schema();
    let network = Architecture::logistic(u32::try_from(schema.width()).unwrap(), &["churn", "deposit"]).unwrap();
    let frame = |privacy| Frame { overlap_max: 2, schema: Some(&schema), ..frame(&network, privacy) };
    let count = StageSettings::Count(CountSettings { clip_units: 10, bins: 5, labels: false });
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 10, bins: 5, groups: None });
    let fields = schema.fields().len() as u128;
    for (privacy, noise) in [
        (PrivacyMode::Customer, NoiseShare::Divided),
        (PrivacyMode::None, NoiseShare::Divided),
        (PrivacyMode::Local, NoiseShare::Whole),
    ] {
        let counted = count.form(&frame(privacy)).unwrap();
        assert_eq!((counted.sensitivity_squared, counted.noise), (fields * 100 * 4, noise));
        assert_eq!((counted.model_bytes, counted.reach, counted.summed), (0, 10, Unit::Customer));
        let evaluated = evaluate.form(&frame(privacy)).unwrap();
        assert_eq!((evaluated.dimension, evaluated.sensitivity_squared), (20, 2 * 100 * 4));
        assert_eq!(evaluated.model_bytes, 4 * network.parameter_count());
    }
    assert_eq!(count.form(&Frame { schema: None, ..frame(PrivacyMode::Customer) }), Err(StageFault::Schema));
}

#[test]
fn what_a_kind_does_not_do_is_refused_by_name() {
    let network = network();
    let terms = |settings: StageSettings, privacy, chosen| settings.terms(&frame(&network, privacy), chosen).err();
    let coins = |rounds| Chosen { sampling_threshold: 1 << 60, ..chosen(1 << 30, rounds) };
    let (gradients, evaluate) = (
        StageSettings::Gradient(gradient()),
        StageSettings::Evaluate(EvaluateSettings { clip_units: 10, bins: 5, groups: None }),
    );
    let chunks = ClipSettings { form: ClipForm::Chunked, clip_units: 1 << 20, ..CLIP };
    let chunked = StageSettings::Gradient(GradientSettings { clip: chunks, ..gradient() });
    let quiet = ClipSettings { loss_bound: None, ..CLIP };
    let blind = StageSettings::Local(LocalSettings { clip: quiet, ..local(true) });
    let rough = StageSettings::Gradient(GradientSettings {
        clip: ClipSettings { form: ClipForm::Chunked, clip_units: 256, ..CLIP },
        ..gradient()
    });
    use PrivacyMode::{Branch, Customer, Local};
    for (row, (found, expected)) in [
        (terms(gradients, Customer, coins(5)), None),
        (terms(chunked, Customer, chosen(1 << 60, 5)), None),
        (terms(chunked, Customer, coins(5)), Some(StageFault::CoinsInChunks)),
        (terms(evaluate, Customer, coins(1)), Some(StageFault::Coins("evaluate"))),
        (terms(StageSettings::Local(local(false)), Branch, coins(5)), Some(StageFault::Coins("local"))),
        (terms(StageSettings::Local(local(false)), Local, coins(5)), None),
        (terms(evaluate, Customer, chosen(1 << 30, 2)), Some(StageFault::Rounds("evaluate"))),
        (terms(StageSettings::Local(local(true)), Local, chosen(1 << 30, 5)), Some(StageFault::Adaptive)),
        (terms(blind, Branch, chosen(1 << 30, 5)), Some(StageFault::AdaptiveWithoutRiders)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(found, expected, "row {row}");
    }
    // The rounding of so many parameters would cost more than a tenth of the clip norm.
    let wide = Architecture::logistic(200, &["churn"]).unwrap();
    let refused = rough.terms(&frame(&wide, Customer), chosen(1 << 30, 5)).err();
    assert!(matches!(refused, Some(StageFault::Rule(_))), "{refused:?}");
    assert_eq!(terms(rough, Customer, chosen(1 << 30, 5)), None);
}

/// Where each step samples customers, the riding loss is divided by those who are expected in it; where branches are what is protected, by those
/// who survived.
#[test]
fn the_riding_loss_of_local_steps_is_divided_by_who_rides() {
    let network = network();
    let half = Chosen { sampling_threshold: 1 << 63, ..chosen(1 << 30, 5) };
    // 50 units stand for a loss of 4, 18.5 customers are expected, and 5 branches survive.
    for (privacy, chosen, units, expected) in
        [(PrivacyMode::Local, half, 1850, 8.0), (PrivacyMode::Branch, chosen(1 << 30, 5), 1000, 16.0)]
    {
        let frame = frame(&network, privacy);
        let terms = StageSettings::Local(local(false)).terms(&frame, chosen).unwrap();
        let stepping = local(false).stepping(Place { frame, terms: &terms }, &Beside::default(), 5).unwrap();
        let outcome = stepping.riders(&[units, 750, 0]).0;
        let metrics = outcome.metrics.expect("a loss rides");
        assert_eq!(metrics.loss_mean, expected, "{privacy:?}");
        // Customers are counted where they ride, with the whole noise of each of five branches.
        let variance = 5.0 * f64::from(1_u32 << 30) / 2500.0;
        let counted = NoisedCustomers::of_rider(&metrics, variance, 0.5);
        assert_eq!(outcome.customers, (privacy == PrivacyMode::Local).then_some(counted), "{privacy:?}");
    }
}

#[test]
fn a_stage_costs_what_its_noise_gives() {
    let network = network();
    let stage = StageSettings::Gradient(gradient());
    let stage = stage.terms(&frame(&network, PrivacyMode::Customer), chosen(25 * RIDING, 5)).unwrap();
    assert_eq!(stage.charge.customer, RdpVector::gaussian(1, 25));
    assert!((release(&stage).noise_multiplier - 5.0).abs() < 1e-9);
    let none = StageSettings::Gradient(gradient()).terms(&frame(&network, PrivacyMode::None), chosen(0, 5)).unwrap();
    assert_eq!(none.charge, Accounts::zero());
}

/// All stages of a plan together meet its target, retries included, and hardly anything of it is left.
#[test]
fn stages_are_priced_to_the_target() {
    let network = network();
    let wanted = |settings, rounds, sampling_threshold, budget_share| Wanted {
        settings,
        ring: Ring::Bits64,
        rounds,
        sampling_threshold,
        budget_share,
    };
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 10, groups: None });
    let mean = StageSettings::Mean(MeanSettings { column: 1, units: 1000 });
    for (privacy, training, coin) in [
        (PrivacyMode::Customer, StageSettings::Gradient(gradient()), 0),
        (PrivacyMode::Customer, StageSettings::Gradient(gradient()), 1 << 62),
        (PrivacyMode::Local, StageSettings::Local(local(false)), 0),
    ] {
        let list = [wanted(mean, 1, 0, 0.1), wanted(training, 40, coin, 0.7), wanted(evaluate, 1, 0, 0.2)];
        let frame = frame(&network, privacy);
        let stages = priced(&frame, &list, 2, Some((2.0, 1e-6))).unwrap();
        let plan = tributary_protocol::plan::Plan {
            privacy,
            architecture: network.encode(),
            stages,
            retries: 2,
            ..tributary_protocol::round::cast::plan()
        };
        let plan = plan.validate().unwrap_or_else(|fault| panic!("{fault}"));
        crate::planned::check(&plan, None).unwrap_or_else(|fault| panic!("{fault}"));
        let (epsilon, _) = crate::privacy::epsilon_of(&plan.charge_of_run().customer, 1e-6);
        assert!(epsilon <= 2.0 && epsilon > 1.999, "{privacy:?} {coin}: {epsilon}");
        // A stage of one round costs its share of the whole, at the order that decides.
        let cost = |stage: &Stage, rounds: u64| stage.charge.customer.times(rounds).nanos()[20] as f64;
        let ratio = cost(&plan.stages[2], 1) / cost(&plan.stages[0], 1);
        assert!((ratio - 2.0).abs() < 1e-3, "{ratio}");
        if coin == 0 {
            let ratio = cost(&plan.stages[1], 40) / cost(&plan.stages[0], 1);
            assert!((ratio - 7.0).abs() < 1e-3, "{ratio}");
        }
    }
    let gradients = [wanted(StageSettings::Gradient(gradient()), 5, 0, 1.0)];
    let bare = priced(&frame(&network, PrivacyMode::None), &gradients, 0, None).unwrap();
    assert_eq!((bare[0].noise_variance, &bare[0].charge), (0, &Accounts::zero()));
    let aimed = priced(&frame(&network, PrivacyMode::None), &gradients, 0, Some((1.0, 1e-6))).unwrap();
    assert_eq!(aimed, bare, "without protection there is no noise, whatever is aimed at");
    assert!(matches!(
        priced(&frame(&network, PrivacyMode::Branch), &gradients, 0, Some((1.0, 1e-6))),
        Err(PricingFault::Stage(StageFault::Mode { .. }))
    ));
}

/// Noise may take counts below nothing, or positives above all: a rate is always that of one customer of each class at least.
#[test]
fn a_rate_is_learnt_from_any_counts() {
    let network = network();
    let settings = StageSettings::Labels(LabelSettings { clip_units: 10 });
    let frame = frame(&network, PrivacyMode::Customer);
    let terms = settings.terms(&frame, chosen(1 << 10, 1)).unwrap();
    let stage = PlannedStage::new(&settings, frame, &terms);
    let third = crate::elementary::ln(1.0 / 3.0);
    for (sum, customers, bias) in [
        ([0, 0], 2.0, 0.0),
        ([-70, 90], 2.0, 0.0),
        ([19, 500], 2.0, 0.0),
        ([40, 0], 4.0, third),
        ([40, 10], 4.0, third),
        ([40, 30], 4.0, -third),
        ([40, 70], 4.0, -third),
    ] {
        let state = PublicState::zero(&network);
        let learnt = stage.learnt(&state, &sum).expect("counts");
        assert_eq!(learnt.known.customers, [customers], "{sum:?}");
        let found = f64::from(*learnt.parameters.values().last().expect("a bias"));
        assert!((found - bias).abs() < 1e-6, "{sum:?}: {found}");
    }
}
