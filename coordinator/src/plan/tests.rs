use std::path::Path;

use tributary_model::privacy::cap;
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::secagg::parameters::CohortRule;

use super::*;
use crate::settings::{CountingSettings, LocalSettings, PrivacyTarget};

pub(crate) fn settings() -> PlanSettings {
    PlanSettings {
        name: "test".into(),
        schema: Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml"),
        model: ModelKind::Logistic,
        rounds: 40,
        retries: 2,
        privacy: PrivacyTarget::Customer { epsilon: 4.0, delta: 1e-6 },
        example_clip_norm: 1.0,
        loss_bound: 4.0,
        ring: Ring::Bits64,
        clip_units: None,
        customers_nominal: 40_000,
        customers_max: 100_000,
        seed: 1,
        session_rounds: 16,
        round_deadline_ms: 60_000,
        keying_deadline_ms: 30_000,
        cohort: CohortRule::USUAL,
        group: "all".into(),
        optimizer: OptimizerKind::Sgd { learning_rate: 1.0, momentum: 0.9 },
        tail_fraction: 0.25,
        mechanism: MechanismSettings::default(),
    }
}

fn mlp() -> PlanSettings {
    PlanSettings { model: ModelKind::Mlp { hidden: vec![64, 32] }, ..settings() }
}

fn fault(settings: &PlanSettings) -> Fault {
    Job::build(settings).map(|_| ()).expect_err("a fault")
}

#[test]
fn a_plan_follows_from_its_settings() {
    let job = Job::build(&settings()).unwrap();
    let plan = job.plan.plan();
    assert_eq!((plan.rounds, plan.rounds_charged_max, plan.riders), (40, 42, 3));
    assert_eq!(plan.parameters as usize, job.architecture.parameter_count());
    assert_eq!(plan.initial_model, job.initial.digest());
    assert_eq!(plan.clip_units, CLIP_UNITS_DEFAULT);
    assert_eq!(Ok(plan.sensitivity_squared), job.rule.sensitivity_squared_units(job.architecture.parameter_count()));
    assert_eq!(Architecture::decode(&plan.architecture).unwrap(), job.architecture);
    assert!(job.architecture.is_logistic());
    assert_eq!(job.optimizer.tail_start(), Some(30));
    assert_eq!(Job::build(&settings()).unwrap().plan.digest(), plan.digest());
}

#[test]
fn the_noise_covers_every_round_that_may_be_charged_and_not_much_more() {
    let job = Job::build(&settings()).unwrap();
    let guarantee = job.guarantee.unwrap();
    assert!(guarantee.epsilon <= 4.0 && guarantee.epsilon > 3.99, "{guarantee:?}");
    let charge = RdpVector::gaussian(job.plan.sensitivity_squared, job.plan.noise_variance);
    assert!(charge.times(42).within(&cap(4.0, 1e-6)));
    assert!(!charge.times(43).within(&cap(4.0, 1e-6)));
    assert_eq!(job.delta().to_bits(), 1e-6_f64.to_bits());
}

/// Everything that may be charged fits the target, and not much less noise would do.
fn assert_tight(settings: &PlanSettings, epsilon: f64) -> Plan {
    let plan = Job::build(settings).unwrap_or_else(|fault| panic!("{fault:?}")).plan.plan().clone();
    let unit = plan.privacy.unit().unwrap();
    let spent = epsilon_of(plan.charge_max().of(unit), 1e-6).0;
    assert!(spent <= epsilon && spent > 0.985 * epsilon, "{spent} of {epsilon}");
    planned::check(&plan, Some(&schema(settings).unwrap())).unwrap();
    plan
}

fn with(mechanism: MechanismSettings) -> PlanSettings {
    PlanSettings { mechanism, ..settings() }
}

#[test]
fn a_coin_needs_less_noise_and_counting_rounds_leave_less_for_training() {
    let full = assert_tight(&settings(), 4.0);
    let sampled = assert_tight(&with(MechanismSettings { sampling_rate: 0.2, ..MechanismSettings::default() }), 4.0);
    assert!(sampled.noise_variance < full.noise_variance / 10, "{} {}", sampled.noise_variance, full.noise_variance);
    assert_eq!(sampled.sampling_threshold, sampling_threshold(0.2).unwrap());
    let counting = CountingSettings { bins: 20, budget_share: 0.1 };
    let counts = MechanismSettings {
        statistics: Some(CountingSettings { budget_share: 0.05, ..counting }),
        evaluation: Some(counting),
        ..MechanismSettings::default()
    };
    let measured = assert_tight(&with(counts.clone()), 4.0);
    assert!(measured.noise_variance > full.noise_variance);
    let (statistics, evaluation) = (measured.statistics.unwrap(), measured.evaluation.unwrap());
    assert_eq!((evaluation.cells, evaluation.sensitivity_squared), (40, 1 << 40), "one label, two classes of 20 bins");
    assert!(statistics.cells > 100 && statistics.sensitivity_squared > evaluation.sensitivity_squared);
    // Twice the share is twice the charge.
    let charges = [RoundKind::Statistics, RoundKind::Evaluation].map(|kind| measured.charge(kind).customer.nanos()[10]);
    assert!((charges[1] as f64 / charges[0] as f64 - 2.0).abs() < 0.01, "{charges:?}");
    assert_tight(&with(MechanismSettings { sampling_rate: 0.2, ..counts }), 4.0);
}

#[test]
fn a_customer_at_several_branches_is_paid_for() {
    let twice = assert_tight(&with(MechanismSettings { overlap_max: 2, ..MechanismSettings::default() }), 4.0);
    let once = assert_tight(&settings(), 4.0);
    assert_eq!(twice.sensitivity_squared, 4 * once.sensitivity_squared);
    let ratio = twice.noise_variance as f64 / once.noise_variance as f64;
    assert!((ratio - 4.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn local_steps_are_charged_each_and_a_branch_as_a_whole() {
    let local = LocalSettings { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0, adaptive: false };
    let mechanism = MechanismSettings { local: Some(local), overlap_max: 2, ..MechanismSettings::default() };
    let target = PrivacyTarget::Local { epsilon: 4.0, delta: 1e-6 };
    let plan = assert_tight(&PlanSettings { privacy: target, ..with(mechanism.clone()) }, 4.0);
    let release = RdpVector::gaussian(plan.sensitivity_squared, plan.noise_variance);
    assert_eq!(plan.round_charge, Accounts::customers(release.times(4 * 2)), "and nothing is promised to a branch");
    assert_eq!(plan.round_variance(RoundKind::Train), 0, "nothing is added to what is made of noise");
    let mechanism = MechanismSettings { local: Some(LocalSettings { adaptive: true, ..local }), ..mechanism };
    let target = PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 };
    let plan = assert_tight(&PlanSettings { privacy: target, ..with(mechanism) }, 4.0);
    let unit = u128::from(plan.clip_units);
    let (rider, indicator) = ((unit / 20).pow(2), (unit / 10).pow(2));
    assert_eq!(plan.sensitivity_squared, unit * unit + 2 * rider + indicator);
    // Each of a customer's two branches can be moved from one clipped vector to the opposite one.
    assert_eq!(plan.customer_sensitivity_squared, 4 * (4 * unit * unit + rider + indicator));
    let release = |square| RdpVector::gaussian(square, plan.noise_variance);
    let both =
        Accounts { customer: release(plan.customer_sensitivity_squared), branch: release(plan.sensitivity_squared) };
    assert_eq!(plan.round_charge, both);
}

/// The author of a plan sees what it costs a customer before it runs, and whoever reads the plan finds too small a figure.
#[test]
fn in_mode_branch_both_epsilons_are_shown_and_recomputed() {
    let local = LocalSettings { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0, adaptive: false };
    let mechanism = MechanismSettings { local: Some(local), ..MechanismSettings::default() };
    // The published figures of the fault: epsilon 1, 2, 4 for a branch are up to 2.10, 4.26, 8.77 for its customers.
    for (epsilon, customer) in [(1.0, 2.10), (2.0, 4.26), (4.0, 8.77)] {
        let privacy = PrivacyTarget::Branch { epsilon, delta: 1e-6 };
        let job = Job::build(&PlanSettings { privacy, ..with(mechanism.clone()) }).unwrap();
        let guarantee = job.guarantee.unwrap();
        let shown = guarantee.epsilon_customer.unwrap();
        assert!((shown - customer).abs() < 0.01 && guarantee.epsilon <= epsilon, "{guarantee:?}");
        let mut cheap = job.plan.plan().clone();
        cheap.customer_sensitivity_squared -= 1;
        cheap.round_charge = cheap.charge_without_coins();
        let fault = planned::check(&cheap, None).unwrap_err();
        assert!(fault.0.contains("squared sensitivity to a customer"), "{fault}");
    }
    assert_eq!(Job::build(&settings()).unwrap().guarantee.unwrap().epsilon_customer, None, "the customer is the unit");
}

#[test]
fn without_privacy_there_is_no_noise_and_no_guarantee() {
    let job = Job::build(&PlanSettings { privacy: PrivacyTarget::None, ..settings() }).unwrap();
    assert_eq!((job.plan.privacy, job.plan.noise_variance), (PrivacyMode::None, 0));
    assert_eq!((job.guarantee, job.delta().to_bits()), (None, 0));
}

#[test]
fn an_mlp_is_clipped_in_the_chunked_form() {
    let job = Job::build(&mlp()).unwrap();
    assert_eq!((job.plan.clip_form, job.rule.form()), (ClipForm::Chunked, update::ClipForm::Chunked));
    assert_eq!(job.architecture.hidden(), [64, 32]);
    assert!(job.plan.sensitivity_squared > u128::from(job.plan.clip_units).pow(2));
}

#[test]
fn the_small_ring_gets_the_largest_halving_of_the_units_that_cannot_wrap() {
    let small = PlanSettings { ring: Ring::Bits32, ..mlp() };
    let job = Job::build(&small).unwrap();
    let units = job.plan.clip_units;
    assert!(units < CLIP_UNITS_DEFAULT && units.is_power_of_two(), "{units}");
    // Said by hand, twice as many are refused, and the operator learns which key to turn.
    let refused = fault(&PlanSettings { clip_units: Some(2 * units), ..small.clone() });
    assert_eq!(refused.key, "plan.clip_units");
    assert!(refused.found.contains("32-bit ring"), "{}", refused.found);
    assert!(Job::build(&PlanSettings { clip_units: Some(units), ..small.clone() }).is_ok());
    let crowded =
        PlanSettings { customers_max: 1 << 30, privacy: PrivacyTarget::None, model: ModelKind::Logistic, ..small };
    assert_eq!(fault(&crowded).key, "plan.ring");
}

#[test]
fn each_fault_names_its_key() {
    let cases: [(PlanSettings, &str); 6] = [
        (PlanSettings { schema: "/nowhere/schema.toml".into(), ..settings() }, "plan.schema"),
        (
            PlanSettings { schema: Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"), ..settings() },
            "plan.schema",
        ),
        (PlanSettings { model: ModelKind::Mlp { hidden: vec![9, 9, 9, 9, 9] }, ..settings() }, "plan.model"),
        (
            PlanSettings { privacy: PrivacyTarget::Customer { epsilon: 1e-9, delta: 1e-9 }, ..settings() },
            "plan.epsilon",
        ),
        (PlanSettings { clip_units: Some(256), ..mlp() }, "plan.clip_units"),
        (PlanSettings { retries: 1_000_000, privacy: PrivacyTarget::None, ..settings() }, "plan.rounds_charged_max"),
    ];
    for (settings, key) in cases {
        let fault = fault(&settings);
        assert_eq!(fault.key, key, "{}", fault.found);
        assert!(!fault.found.is_empty() && !fault.allowed.is_empty());
    }
}

#[test]
fn a_tail_has_one_model_at_least() {
    assert_eq!(tail_start(40, 0.0), None);
    assert_eq!(tail_start(40, 0.001), Some(39));
    assert_eq!(tail_start(40, 0.5), Some(20));
    assert_eq!(tail_start(40, 1.0), Some(0));
}
