use std::path::Path;

use tributary_model::architecture::Architecture;
use tributary_model::planned::Planned;
use tributary_model::privacy::epsilon_of;
use tributary_model::stage::noise_multiplier;
use tributary_model::update::LocalRule;
use tributary_protocol::plan::{Charter, Materiality, ModelRef, NoiseShare, PrivacyMode, Retention, Run, Stage};
use tributary_protocol::privacy::RdpVector;

use super::*;
use crate::guarantee::{Guarantee, moving};
use crate::lint::{Beside, Lint};
use crate::settings::{
    ClassWeights, CountingSettings, LearntFeatures, LocalSteps, MechanismSettings, PairLearning, PrivacyTarget,
    ScheduleSettings, StagedLearning,
};

#[path = "../../../tests/plan_settings.rs"]
mod plan_settings;

use plan_settings::settings;

/// A plan, read again, and what it promises.
struct Job {
    plan: ValidPlan,
    planned: Planned,
    guarantee: Option<Guarantee>,
}

impl Job {
    fn build(settings: &PlanSettings) -> Result<Self, Fault> {
        let Built { plan, schema } = build(settings)?;
        let planned = planned::check(&plan, Some(&schema)).unwrap();
        Ok(Self { plan, guarantee: Guarantee::of(&planned), planned })
    }

    fn plan(&self) -> &ValidPlan {
        &self.plan
    }
}

fn mlp() -> PlanSettings {
    PlanSettings { model: ModelKind::Mlp { hidden: vec![64, 32] }, ..settings() }
}

fn fault(settings: &PlanSettings) -> Fault {
    Job::build(settings).map(|_| ()).expect_err("a fault")
}

/// The stage that moves the model, and what its code is told.
fn training(job: &Job) -> (&Stage, StageSettings) {
    let stage = moving(&job.planned).expect("a plan that trains");
    (stage.terms(), *stage.settings())
}

fn gradient(job: &Job) -> GradientSettings {
    let (_, StageSettings::Gradient(settings)) = training(job) else { panic!("a stage of gradients") };
    settings
}

#[test]
fn a_plan_follows_from_its_settings() {
    let job = Job::build(&settings()).unwrap();
    let plan = job.plan().plan();
    let [stage] = plan.stages.as_slice() else { panic!("one stage") };
    let parameters = job.planned.architecture().parameter_count();
    assert_eq!((stage.kind.as_str(), stage.rounds, plan.retries), ("gradient", 40, 2));
    assert_eq!((plan.rounds(), plan.rounds_charged_max(), plan.runs), (40, 42, 1));
    assert_eq!((stage.dimension as usize, stage.model_bytes as usize), (parameters + 3, 4 * parameters));
    assert_eq!(plan.initial_model, ModelRef::Seed(1));
    assert_eq!((plan.delta().to_bits(), &plan.cap), (1e-6_f64.to_bits(), &plan.charge_max()));
    assert_eq!(stage.reach, CLIP_UNITS_DEFAULT);
    let rule = gradient(&job).rule().unwrap();
    assert_eq!(rule.rider_count(), 3);
    assert_eq!(Ok(stage.sensitivity_squared), rule.sensitivity_squared_units(parameters));
    assert_eq!(Architecture::decode(&plan.architecture).unwrap(), *job.planned.architecture());
    assert!(job.planned.architecture().is_logistic());
    assert_eq!(gradient(&job).optimizer.tail_start(), Some(30));
    assert_eq!(plan.retention, MechanismSettings::default().retention);
    assert!(Run::new(job.plan.clone(), 1).is_some());
    assert_eq!(Job::build(&settings()).unwrap().plan().digest(), plan.digest());
}

#[test]
fn the_noise_covers_every_round_that_may_be_charged_and_not_much_more() {
    let job = Job::build(&settings()).unwrap();
    let guarantee = job.guarantee.unwrap();
    assert!(guarantee.epsilon <= 4.0 && guarantee.epsilon > 3.99, "{guarantee:?}");
    let (stage, _) = training(&job);
    let charge = RdpVector::gaussian(stage.sensitivity_squared, stage.noise_variance);
    assert!(charge.times(42).within(&cap(4.0, 1e-6)));
    assert!(!charge.times(43).within(&cap(4.0, 1e-6)));
    let multiplier = (stage.noise_variance as f64 / stage.sensitivity_squared as f64).sqrt();
    assert!((guarantee.noise_multiplier / multiplier - 1.0).abs() < 1e-12, "{guarantee:?}");
    assert_eq!(guarantee.delta.to_bits(), 1e-6_f64.to_bits());
}

/// Everything that may be charged fits the target, and not much less noise would do.
fn assert_tight(settings: &PlanSettings, epsilon: f64) -> Plan {
    let plan = Job::build(settings).unwrap_or_else(|fault| panic!("{fault:?}")).plan().plan().clone();
    let unit = plan.privacy.unit().unwrap();
    let spent = epsilon_of(plan.charge_max().of(unit), 1e-6).0;
    assert!(spent <= epsilon && spent > 0.985 * epsilon, "{spent} of {epsilon}");
    planned::check(&plan, Some(&read_schema(&settings.schema).unwrap())).unwrap();
    plan
}

fn with(mechanism: MechanismSettings) -> PlanSettings {
    PlanSettings { mechanism, ..settings() }
}

#[test]
fn a_coin_needs_less_noise_and_counting_rounds_leave_less_for_training() {
    let full = assert_tight(&settings(), 4.0);
    let sampled = assert_tight(&with(MechanismSettings { sampling_rate: 0.2, ..MechanismSettings::default() }), 4.0);
    let [full, sampled] = [full, sampled].map(|plan| plan.stages[0].clone());
    assert!(sampled.noise_variance < full.noise_variance / 10, "{} {}", sampled.noise_variance, full.noise_variance);
    assert_eq!(sampled.sampling_threshold, sampling_threshold(0.2).unwrap());
    let counting = CountingSettings { bins: 20, budget_share: 0.1 };
    let counts = MechanismSettings {
        statistics: Some(CountingSettings { budget_share: 0.05, ..counting }),
        evaluation: Some(counting),
        ..MechanismSettings::default()
    };
    let measured = assert_tight(&with(counts.clone()), 4.0);
    let [statistics, training, evaluation] = measured.stages.as_slice() else { panic!("three stages, in this order") };
    let kinds = [statistics, training, evaluation].map(|stage| (stage.kind.as_str(), stage.rounds));
    assert_eq!(kinds, [("count", 1), ("gradient", 40), ("evaluate", 1)]);
    assert_eq!(measured.rounds_charged_max(), 44, "counting rounds have no retry");
    assert!(training.noise_variance > full.noise_variance);
    assert_eq!(
        (evaluation.dimension, evaluation.sensitivity_squared),
        (40, 1 << 40),
        "one label, two classes of 20 bins"
    );
    assert!(statistics.dimension > 100 && statistics.sensitivity_squared > evaluation.sensitivity_squared);
    // Labels and groups cost what one customer adds.
    let more =
        MechanismSettings { statistics_labels: true, evaluation_groups: Some("marital".into()), ..counts.clone() };
    let more = assert_tight(&with(more), 4.0);
    let units = |plan: &Plan, stage: usize| {
        let Stage { sensitivity_squared, reach, .. } = &plan.stages[stage];
        sensitivity_squared / u128::from(*reach).pow(2)
    };
    assert_eq!((units(&more, 0), units(&more, 2)), (2 * units(&measured, 0), 2 * units(&measured, 2)));
    assert_eq!((statistics.model_bytes, evaluation.model_bytes), (0, training.model_bytes));
    // Twice the share is twice the charge.
    let charges = [statistics, evaluation].map(|stage| stage.charge.customer.nanos()[10]);
    assert!((charges[1] as f64 / charges[0] as f64 - 2.0).abs() < 0.01, "{charges:?}");
    assert_tight(&with(MechanismSettings { sampling_rate: 0.2, ..counts }), 4.0);
}

#[test]
fn a_customer_at_several_branches_is_paid_for() {
    let twice = assert_tight(&with(MechanismSettings { overlap_max: 2, ..MechanismSettings::default() }), 4.0);
    let once = assert_tight(&settings(), 4.0);
    let [once, twice] = [once, twice].map(|plan| plan.stages[0].clone());
    assert_eq!(twice.sensitivity_squared, 4 * once.sensitivity_squared);
    let ratio = twice.noise_variance as f64 / once.noise_variance as f64;
    assert!((ratio - 4.0).abs() < 1e-6, "{ratio}");
}

fn local(adaptive: bool) -> LocalSteps {
    LocalSteps { rule: LocalRule { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0 }, adaptive }
}

#[test]
fn local_steps_are_charged_each_and_a_branch_as_a_whole() {
    let mechanism = MechanismSettings { local: Some(local(false)), overlap_max: 2, ..MechanismSettings::default() };
    let target = PrivacyTarget::Local { epsilon: 4.0, delta: 1e-6 };
    let plan = assert_tight(&PlanSettings { privacy: target, ..with(mechanism.clone()) }, 4.0);
    let stage = &plan.stages[0];
    let release = RdpVector::gaussian(stage.sensitivity_squared, stage.noise_variance);
    assert_eq!(stage.charge, Accounts::customers(release.times(4 * 2)), "and nothing is promised to a branch");
    assert_eq!((stage.releases, stage.noise), (4 * 2, NoiseShare::Inside));
    assert_eq!(stage.share_variance(5), 0, "nothing is added to what is made of noise");
    let mechanism = MechanismSettings { local: Some(local(true)), ..mechanism };
    let target = PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 };
    let plan = assert_tight(&PlanSettings { privacy: target, ..with(mechanism) }, 4.0);
    let stage = &plan.stages[0];
    let unit = u128::from(stage.reach);
    let (rider, indicator) = ((unit / 20).pow(2), (unit / 10).pow(2));
    assert_eq!(stage.sensitivity_squared, unit * unit + 2 * rider + indicator);
    // Each of a customer's two branches can be moved from one clipped vector to the opposite one.
    assert_eq!(stage.customer_sensitivity_squared, 4 * (4 * unit * unit + rider + indicator));
    let release = |square| RdpVector::gaussian(square, stage.noise_variance);
    let both =
        Accounts { customer: release(stage.customer_sensitivity_squared), branch: release(stage.sensitivity_squared) };
    assert_eq!(stage.charge, both);
    let parameters = Architecture::decode(&plan.architecture).unwrap().parameter_count();
    assert_eq!(stage.model_bytes as usize, 4 * parameters + 8, "the bound travels with the model");
}

/// The author of a plan sees what it costs a customer before it runs, and whoever reads the plan finds too small a figure.
#[test]
fn in_mode_branch_both_epsilons_are_shown_and_recomputed() {
    let mechanism = MechanismSettings { local: Some(local(false)), ..MechanismSettings::default() };
    // The published figures of the fault: epsilon 1, 2, 4 for a branch are up to 2.10, 4.26, 8.77 for its customers.
    for (epsilon, customer) in [(1.0, 2.10), (2.0, 4.26), (4.0, 8.77)] {
        let privacy = PrivacyTarget::Branch { epsilon, delta: 1e-6 };
        let job = Job::build(&PlanSettings { privacy, ..with(mechanism.clone()) }).unwrap();
        let guarantee = job.guarantee.unwrap();
        let shown = guarantee.epsilon_customer.unwrap();
        assert!((shown - customer).abs() < 0.01 && guarantee.epsilon <= epsilon, "{guarantee:?}");
        let mut cheap = job.plan().plan().clone();
        let privacy = cheap.privacy;
        let stage = &mut cheap.stages[0];
        stage.customer_sensitivity_squared -= 1;
        stage.charge = stage.charge_without_coins(privacy);
        let fault = planned::check(&cheap, None).map(|_| ()).unwrap_err();
        assert!(fault.0.contains("squared sensitivity to a customer"), "{fault}");
    }
    assert_eq!(Job::build(&settings()).unwrap().guarantee.unwrap().epsilon_customer, None, "the customer is the unit");
}

#[test]
fn without_privacy_there_is_no_noise_and_no_guarantee() {
    let job = Job::build(&PlanSettings { privacy: PrivacyTarget::None, ..settings() }).unwrap();
    assert_eq!((job.plan().privacy, job.plan().stages[0].noise_variance), (PrivacyMode::None, 0));
    assert_eq!((job.guarantee, job.plan().delta_bits), (None, 0));
}

#[test]
fn an_mlp_is_clipped_in_the_chunked_form() {
    let job = Job::build(&mlp()).unwrap();
    assert_eq!(gradient(&job).clip.form, ClipForm::Chunked);
    assert_eq!(job.planned.architecture().hidden(), [64, 32]);
    let (stage, _) = training(&job);
    assert!(stage.sensitivity_squared > u128::from(stage.reach).pow(2));
}

#[test]
fn the_small_ring_gets_the_largest_halving_of_the_units_that_cannot_wrap() {
    let small = PlanSettings { ring: Ring::Bits32, ..mlp() };
    let job = Job::build(&small).unwrap();
    let units = training(&job).0.reach;
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
    let retention = Retention { days: 0, ..Retention::USUAL };
    let kept_for_no_time = with(MechanismSettings { retention, ..MechanismSettings::default() });
    let groups = |name: &str| {
        with(MechanismSettings {
            evaluation: Some(CountingSettings { bins: 20, budget_share: 0.1 }),
            evaluation_groups: Some(name.into()),
            ..MechanismSettings::default()
        })
    };
    let cases: [(PlanSettings, &str); 9] = [
        (groups("religion"), "plan.evaluation.groups"),
        (groups("job"), "plan.evaluation.groups"),
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
        (PlanSettings { retries: 1_000_000, privacy: PrivacyTarget::None, ..settings() }, "plan.retries"),
        (kept_for_no_time, "plan.retention.days"),
    ];
    for (settings, key) in cases {
        let fault = fault(&settings);
        assert_eq!(fault.key, key, "{}", fault.found);
        assert!(!fault.found.is_empty() && !fault.allowed.is_empty());
    }
}

/// Before anything else is looked at, the schema included.
#[test]
fn what_is_shipped_builds_no_plan_in_a_weak_mode() {
    let with = |privacy| PlanSettings { privacy, schema: "/nowhere/schema.toml".into(), ..settings() };
    for privacy in [PrivacyTarget::None, PrivacyTarget::Branch { epsilon: 1.0, delta: 1e-6 }] {
        let refused = built_by(Build::SHIPPED, &with(privacy)).map(|_| ()).unwrap_err();
        assert_eq!(refused.key, "plan.privacy");
        assert!(refused.found.contains(privacy.mode().name()) && refused.allowed.contains("weak-modes"), "{refused:?}");
    }
    let local = PrivacyTarget::Local { epsilon: 1.0, delta: 1e-6 };
    assert_eq!(built_by(Build::SHIPPED, &with(local)).map(|_| ()).unwrap_err().key, "plan.schema");
    assert!(built_by(Build::SHIPPED, &settings()).is_ok());
}

#[test]
fn a_plan_of_little_weight_that_learns_from_severe_data_is_not_built() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.toml");
    let text = std::fs::read_to_string(settings().schema).unwrap();
    let severe = text.replacen("level = \"L3\"", "level = \"L4\"\nnecessity = \"debts come before deposits\"", 1);
    std::fs::write(&path, severe).unwrap();
    let of = |materiality| {
        let charter = Charter { materiality, ..settings().charter };
        PlanSettings { schema: path.clone(), charter, ..settings() }
    };
    let refused = fault(&of(Materiality::Medium));
    assert_eq!(refused.key, "charter.materiality");
    assert!(refused.found.contains("level 4 (severe): default"), "{}", refused.found);
    assert!(Job::build(&of(Materiality::High)).is_ok());
}

#[test]
fn a_tail_has_one_model_at_least() {
    assert_eq!(tail_start(40, 0.0), None);
    assert_eq!(tail_start(40, 0.001), Some(39));
    assert_eq!(tail_start(40, 0.5), Some(20));
    assert_eq!(tail_start(40, 1.0), Some(0));
}

/// No run is admitted that could pass the cap, and by default all runs are.
#[test]
fn the_cap_over_all_runs_is_the_authors_or_what_they_come_to() {
    let schedule = ScheduleSettings { runs_max: 12, ..settings().schedule };
    let plan = |epsilon_all_runs| {
        let schedule = ScheduleSettings { epsilon_all_runs, ..schedule.clone() };
        build(&PlanSettings { schedule, ..settings() }).unwrap().plan
    };
    let open = plan(None);
    assert_eq!((open.runs, &open.cap), (12, &open.charge_max()));
    let capped = plan(Some(8.0));
    assert_eq!(capped.cap, Accounts { customer: cap(8.0, 1e-6), branch: open.charge_max().branch });
    assert!(capped.charge_of_run().within(&capped.cap) && !capped.charge_max().within(&capped.cap));
    assert_ne!(open.digest(), capped.digest());
}

fn staged(rounds: u32) -> PlanSettings {
    let mechanism = MechanismSettings {
        staged: Some(StagedLearning::usual(rounds)),
        evaluation: Some(CountingSettings { bins: 20, budget_share: 0.1 }),
        ..MechanismSettings::default()
    };
    PlanSettings { rounds, tail_fraction: 0.5, mechanism, ..settings() }
}

#[test]
fn staged_learning_is_three_stages_within_one_epsilon() {
    let privacy = PrivacyTarget::Customer { epsilon: 1.0, delta: 1e-6 };
    let job = Job::build(&PlanSettings { privacy, ..staged(40) }).unwrap();
    let stages = &job.plan().stages;
    let kinds: Vec<_> = stages.iter().map(|stage| (stage.kind.as_str(), stage.rounds)).collect();
    assert_eq!(kinds, [("labels", 1), ("staged", 10), ("staged", 30), ("evaluate", 1)]);
    let epsilon = job.guarantee.unwrap().epsilon;
    assert!(epsilon <= 1.0 && epsilon > 0.98, "{epsilon}");
    let noise = |stage: &Stage| noise_multiplier(stage.noise_variance, stage.sensitivity_squared);
    assert!((noise(&stages[1]) / noise(&stages[2]) - 1.0).abs() < 1e-6, "every round of training has the same noise");
    let [StageSettings::Staged(first), StageSettings::Staged(last)] = [1, 2].map(|at| job.planned.stages()[at]) else {
        panic!("two stages over blocks");
    };
    assert!(first.reweight.is_some_and(|rule| (rule.noise_excess - 1.0 / 0.6).abs() < 1e-9) && last.reweight.is_none());
    // Twice as far in the second stage, as long as neither is at its limit.
    let [first, last] = [first.steps.length(10), last.steps.length(30)];
    assert!((last / first - 2.0).abs() < 1e-6 && last < 4000.0, "{first} {last}");
    let quiet = PlanSettings { privacy: PrivacyTarget::Customer { epsilon: 90.0, delta: 1e-6 }, ..staged(40) };
    let StageSettings::Staged(last) = Job::build(&quiet).unwrap().planned.stages()[2] else { panic!("a stage") };
    assert!((last.steps.length(30) - 4000.0).abs() < 1e-6, "the longest step");
}

fn learning(change: impl Fn(&mut StagedLearning)) -> PlanSettings {
    let mut plan = staged(40);
    let mut own = StagedLearning::usual(40);
    change(&mut own);
    plan.mechanism.staged = Some(own);
    PlanSettings { schema: sample("deposit_churn_bins"), ..plan }
}

fn sample(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/samples/schemas/{name}.toml"))
}

/// Pairs, class weights, shares and directions reach every stage, and an approver reads them.
#[test]
fn what_is_asked_of_staged_learning_is_in_its_stages() {
    let job = Job::build(&learning(|own| {
        own.pairs = Some(PairLearning { share: 0.3, ..PairLearning::USUAL });
        own.head_shares = vec![0.75, 0.25];
        own.class_weights = ClassWeights { negative: vec![0.2, 1.0], positive: Vec::new() };
        own.monotone = vec![("age".into(), true)];
    }));
    let job = job.unwrap();
    let network = job.planned.architecture();
    assert_eq!(network.pairs(), Some(PairLearning::USUAL.shape));
    let [StageSettings::Staged(first), StageSettings::Staged(last)] = [1, 2].map(|at| job.planned.stages()[at]) else {
        panic!("two stages over blocks");
    };
    assert_eq!(first.of_blocks, last.of_blocks);
    assert_eq!(first.of_blocks.classes[..2], [[200_000, 1_000_000], [0, 0]]);
    assert_eq!(first.head_shares[..3], [750_000, 250_000, 0]);
    assert_eq!(first.of_blocks.monotone[0].map(|own| (own.field, own.rising)), Some((1, true)));
    assert!(last.paired && !first.paired && first.reweight.is_some_and(|rule| rule.pair_share == 0.3));
    let portrait = crate::portrait::Portrait::of(job.plan());
    let shown = |key: &str| portrait.fact(key).map(|fact| fact.shown.to_string()).unwrap_or_default();
    assert!(shown("model").contains("logistic with 21 tables of pairs of fields, 5 groups a field"));
    assert_eq!(shown("stage.2.pairs"), "chosen after this stage, for 0.3 of the norm");
    assert_eq!(shown("stage.3.pairs"), "learnt");
    assert_eq!(shown("stage.3.class_weights"), "label 1: 0.2 of negatives and 1 of positives");
    assert_eq!(
        (shown("stage.3.head_shares"), shown("stage.3.monotone")),
        ("0.75, 0.25".into(), "field 2 rises".into())
    );
}

#[test]
fn what_does_not_fit_the_schema_is_named_by_its_key() {
    let key = |change: fn(&mut StagedLearning)| fault(&learning(change)).key;
    assert_eq!(key(|own| own.head_shares = vec![0.5]), "plan.staged.head_shares");
    assert_eq!(key(|own| own.head_shares = vec![0.7, 0.4]), "plan.staged.head_shares");
    assert_eq!(key(|own| own.class_weights.negative = vec![0.5; 3]), "plan.staged.negative_weights");
    assert_eq!(key(|own| own.class_weights.positive = vec![0.5]), "plan.staged.positive_weights");
    assert_eq!(key(|own| own.monotone = vec![("nobody".into(), true)]), "plan.staged.monotone.nobody");
    assert_eq!(key(|own| own.monotone = vec![("occupation".into(), true)]), "plan.staged.monotone.occupation");
    let crowded = learning(|own| {
        let shape = tributary_model::architecture::PairShape { tables: 120, groups: 5 };
        own.pairs = Some(PairLearning { shape, share: 0.25 });
    });
    assert!(fault(&crowded).found.contains("the number of groups of the stage"), "{}", fault(&crowded).found);
}

#[test]
fn learnt_groups_are_a_stage_within_the_same_epsilon() {
    let settings = |features| {
        let learning = Some(StagedLearning::over_learnt_groups(40));
        let usual = staged(40);
        let mechanism = MechanismSettings { staged: learning, features, ..usual.mechanism };
        PlanSettings { mechanism, ..usual }
    };
    let share = |budget_share| Some(LearntFeatures { budget_share, ..LearntFeatures::USUAL });
    let plan = assert_tight(&settings(share(0.02)), 4.0);
    let kinds: Vec<_> = plan.stages.iter().map(|stage| (stage.kind.as_str(), stage.rounds)).collect();
    assert_eq!(kinds, [("labels", 1), ("quantile", 1), ("staged", 10), ("staged", 30), ("evaluate", 1)]);
    let cost = |plan: &Plan, stage: usize| plan.stages[stage].charge.customer.nanos()[10] as f64;
    assert!((cost(&plan, 4) / cost(&plan, 1) - 5.0).abs() < 0.01, "a tenth of the budget, and a fiftieth");
    let asked = |settings: &PlanSettings| {
        let lint = Lint::of(Job::build(settings).unwrap().plan(), Beside::default());
        ["counted by their values twice", "very different sizes"]
            .map(|text| lint.findings.iter().any(|finding| finding.text.to_string().contains(text)))
    };
    assert_eq!(asked(&settings(share(0.02))), [false, false]);
    let mut twice = settings(share(0.001));
    twice.mechanism.statistics = Some(CountingSettings { bins: 4, budget_share: 0.1 });
    twice.customers_nominal = 2000;
    assert_eq!(asked(&twice), [true, true]);
    let dear = assert_tight(&settings(share(0.2)), 4.0);
    assert!(dear.stages[1].noise_variance < plan.stages[1].noise_variance / 9);
}

#[test]
fn what_staged_learning_cannot_learn_from_is_named() {
    let deep = PlanSettings { model: ModelKind::Mlp { hidden: vec![4] }, ..staged(40) };
    assert!(fault(&deep).found.contains("model = \"logistic\""));
    let over = |name| PlanSettings { schema: sample(name), ..staged(40) };
    assert!(fault(&over("deposit_churn")).found.contains("give it transform = \"bins\""));
    for name in ["deposit_churn_bins", "bank_additional", "bank_full", "default_credit", "adult"] {
        assert!(Job::build(&over(name)).is_ok(), "{name}");
    }
}

/// Few customers for their epsilon: an author hears of it before anybody pays.
#[test]
fn too_few_customers_for_staged_learning_are_asked_about() {
    let asked = |customers_nominal, epsilon| {
        let privacy = PrivacyTarget::Customer { epsilon, delta: 1e-6 };
        let job = Job::build(&PlanSettings { customers_nominal, privacy, ..staged(200) }).unwrap();
        let lint = Lint::of(job.plan(), Beside { schema: job.planned.schema(), ..Beside::default() });
        lint.findings.iter().any(|finding| finding.text.to_string().contains("worse than it could"))
    };
    assert!(asked(5_000, 1.0));
    assert!(!asked(40_000, 1.0) && !asked(20_000, 4.0));
    let found = |customers_nominal, change: fn(&mut StagedLearning)| {
        let privacy = PrivacyTarget::Customer { epsilon: 1.0, delta: 1e-6 };
        let mut plan = PlanSettings { customers_nominal, privacy, rounds: 200, ..learning(change) };
        plan.mechanism.staged.as_mut().unwrap().first_rounds = 50;
        let lint = Lint::of(Job::build(&plan).unwrap().plan(), Beside::default());
        lint.findings
            .iter()
            .filter(|finding| finding.key.starts_with("plan.staged"))
            .map(|finding| finding.key.to_string())
            .collect::<Vec<_>>()
    };
    let pairs = |own: &mut StagedLearning| own.pairs = Some(PairLearning::USUAL);
    assert_eq!(found(18_000, pairs), ["plan.staged.pairs"]);
    assert!(found(60_000, pairs).is_empty());
    let light = |own: &mut StagedLearning| {
        own.class_weights = ClassWeights { negative: vec![0.5, 1.0], positive: vec![0.5, 1.0] };
    };
    assert_eq!(found(60_000, light), ["plan.staged.positive_weights"]);
}
