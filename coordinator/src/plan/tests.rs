use std::path::Path;

use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};

use super::*;

fn settings() -> PlanSettings {
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
        cohort: CohortRule {
            coalition: CoalitionRule::Fraction { permille: 200 },
            cohort_min: 8,
            survivors_permille: 800,
            honest_min: 5,
        },
        optimizer: OptimizerKind::Sgd { learning_rate: 1.0, momentum: 0.9 },
        tail_fraction: 0.25,
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
    assert_eq!((plan.rounds, plan.rounds_charged_max, plan.riders), (40, 42, 2));
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
    assert!(charge.times(42).within(&privacy::cap(4.0, 1e-6)));
    assert!(!charge.times(43).within(&privacy::cap(4.0, 1e-6)));
    assert_eq!(job.delta().to_bits(), 1e-6_f64.to_bits());
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
