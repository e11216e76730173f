//! Every number of a plan that can be recomputed, wrong by itself.

use tributary_protocol::plan::{NoiseShare, PrivacyMode};
use tributary_protocol::privacy::{Accounts, RdpVector, Unit};
use tributary_protocol::round::cast;
use tributary_protocol::secagg::modular::Ring;

use super::*;
use crate::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use crate::stage::{CountSettings, EvaluateSettings, GradientSettings, LocalSettings, stated_charge};
use crate::update::{ClipForm, ClipSettings, LocalRule};

const SCHEMA: &str = include_str!("../../docs/samples/schemas/bank_full.toml");

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|error| panic!("{error}"))
}

fn architecture() -> Architecture {
    Architecture::logistic(u32::try_from(schema().width()).unwrap(), &["subscribed"]).unwrap()
}

fn clip(form: ClipForm) -> ClipSettings {
    ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form, loss_bound: Some(4.0) }
}

fn optimizer() -> OptimizerSettings {
    let update_rule = UpdateRule::Sgd { learning_rate: 0.75, momentum: 0.9 };
    OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(5) }).unwrap()
}

fn gradient(form: ClipForm) -> StageSettings {
    StageSettings::Gradient(GradientSettings { clip: clip(form), optimizer: optimizer() })
}

fn local(adaptive: bool) -> StageSettings {
    let rule = LocalRule { steps: 4, learning_rate: 0.1, update_clip_norm: 1.0 };
    StageSettings::Local(LocalSettings { clip: clip(ClipForm::Exact), rule, adaptive, optimizer: optimizer() })
}

/// What a test's plan is made of.
#[derive(Clone, Copy)]
struct Draft {
    privacy: PrivacyMode,
    overlap_max: u16,
    sampling_threshold: u64,
    training: StageSettings,
    counts: bool,
}

const CUSTOMER: Draft = Draft {
    privacy: PrivacyMode::Customer,
    overlap_max: 1,
    sampling_threshold: 0,
    // Replaced by each test's own.
    training: StageSettings::Count(CountSettings { clip_units: 1, bins: 2, labels: false }),
    counts: true,
};

/// A plan whose numbers all follow from one another: the stage that trains is its number 1, between two that count.
fn plan(draft: Draft) -> Plan {
    let (schema, architecture) = (schema(), architecture());
    let base = cast::plan();
    let Draft { privacy, overlap_max, sampling_threshold, training, counts } = draft;
    let frame = Frame {
        privacy,
        overlap_max,
        customers_nominal: base.customers_nominal,
        architecture: &architecture,
        schema: Some(&schema),
    };
    let terms = |settings: StageSettings, sampling_threshold, rounds| {
        let times = if rounds == 1 { 400 } else { 25 };
        let sensitivity = settings.form(&frame).unwrap().sensitivity_squared;
        let noise_variance = if privacy == PrivacyMode::None { 0 } else { times * sensitivity };
        let chosen = Chosen { ring: Ring::Bits64, noise_variance, sampling_threshold, rounds };
        settings.terms(&frame, chosen).unwrap()
    };
    let count = StageSettings::Count(CountSettings { clip_units: 1 << 10, bins: 3, labels: false });
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 1 << 10, bins: 5, groups: None });
    let training = terms(training, sampling_threshold, 10);
    let stages = if counts { vec![terms(count, 0, 1), training, terms(evaluate, 0, 1)] } else { vec![training] };
    let delta_bits = if privacy == PrivacyMode::None { 0 } else { base.delta_bits };
    let (schema, architecture) = (schema.digest(), architecture.encode());
    let plan = Plan { schema, architecture, privacy, delta_bits, overlap_max, stages, ..base };
    plan.clone().validate().unwrap_or_else(|fault| panic!("{fault}"));
    plan
}

fn exact() -> Draft {
    Draft { training: gradient(ClipForm::Exact), ..CUSTOMER }
}

fn sampled() -> Draft {
    Draft { sampling_threshold: 1 << 61, ..exact() }
}

/// Four local steps at two branches: eight releases.
fn locally() -> Draft {
    Draft { privacy: PrivacyMode::Local, overlap_max: 2, training: local(false), ..CUSTOMER }
}

fn by_branch() -> Draft {
    Draft { privacy: PrivacyMode::Branch, overlap_max: 2, training: local(true), counts: false, ..CUSTOMER }
}

fn fault(plan: &Plan) -> String {
    check(plan, Some(&schema())).err().expect("a number does not follow").0
}

#[test]
fn a_plan_whose_numbers_follow_passes() {
    let drafts = [
        exact(),
        sampled(),
        locally(),
        by_branch(),
        Draft { overlap_max: 3, ..exact() },
        Draft { training: gradient(ClipForm::Chunked), ..exact() },
        Draft { privacy: PrivacyMode::None, ..exact() },
    ];
    for draft in drafts {
        let plan = plan(draft);
        let planned = check(&plan, Some(&schema())).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(planned.stages().len(), plan.stages.len());
        assert_eq!(planned.stages()[plan.stages.len() / 2], draft.training);
        for (number, terms) in (0..).zip(&plan.stages) {
            let stage = planned.stage(number).unwrap();
            assert_eq!((stage.terms(), stage.settings().kind()), (terms, terms.kind.as_str()));
        }
        assert!(planned.stage(3).is_none());
        // Without the schema the first stage cannot be judged, and the rest is.
        assert!(check(&plan, None).is_ok());
    }
}

#[test]
fn every_number_that_does_not_follow_is_named() {
    type Row = (&'static str, fn(&mut Plan));
    let rows: [Row; 23] = [
        ("stage 1: dimension", |plan| plan.stages[0].dimension += 1),
        ("stage 2: dimension", |plan| plan.stages[1].dimension -= 1),
        ("stage 3: dimension", |plan| plan.stages[2].dimension -= 1),
        ("stage 1: reach", |plan| plan.stages[0].reach += 1),
        ("stage 2: reach", |plan| plan.stages[1].reach -= 1),
        ("stage 1: squared sensitivity", |plan| plan.stages[0].sensitivity_squared -= 1),
        ("stage 2: squared sensitivity", |plan| plan.stages[1].sensitivity_squared += 1),
        ("stage 2: squared sensitivity", |plan| plan.stages[1].sensitivity_squared -= 1),
        ("stage 1: squared sensitivity", |plan| plan.overlap_max += 1),
        ("stage 2: squared sensitivity to a customer", |plan| plan.stages[1].customer_sensitivity_squared -= 1),
        ("stage 3: squared sensitivity to a customer", |plan| plan.stages[2].customer_sensitivity_squared += 1),
        ("stage 2: number of releases", |plan| plan.stages[1].releases += 1),
        ("stage 1: number of model bytes", |plan| plan.stages[0].model_bytes += 4),
        ("stage 2: number of model bytes", |plan| plan.stages[1].model_bytes -= 4),
        ("stage 2: whose vectors", |plan| plan.stages[1].summed = Unit::Branch),
        ("stage 2: whose vectors", |plan| plan.stages[1].noise = NoiseShare::Whole),
        ("stage 2: charge of a round", |plan| {
            plan.stages[1].noise_variance -= plan.stages[1].noise_variance / 1_000_000
        }),
        ("stage 1: a stage of kind \"count\" has one round", |plan| plan.stages[0].rounds = 2),
        ("stage 3: a stage of kind \"evaluate\" takes every customer", |plan| plan.stages[2].sampling_threshold = 1),
        ("stage 2: no kind of stage is called \"gradients\"", |plan| plan.stages[1].kind.push('s')),
        ("stage 2: the settings of a stage cannot be read", |plan| plan.stages[1].settings.push(0)),
        // Another kind's name on a stage's settings, and settings that are other numbers.
        ("stage 1: the settings of a stage cannot be read", |plan| plan.stages[0].kind = "evaluate".into()),
        ("stage 3: dimension", |plan| {
            plan.stages[2].settings =
                StageSettings::Evaluate(EvaluateSettings { clip_units: 1 << 10, bins: 6, groups: None }).encode()
        }),
    ];
    for (row, (name, change)) in rows.into_iter().enumerate() {
        let mut wrong = plan(exact());
        change(&mut wrong);
        let fault = fault(&wrong);
        assert!(fault.starts_with(name), "row {row}: {fault}");
    }
    let mut garbage = plan(exact());
    garbage.architecture.pop();
    assert!(check(&garbage, None).is_err(), "no network");
}

/// Another mode than the stages are for.
#[test]
fn a_mode_has_its_own_kinds() {
    for (draft, privacy, text) in [
        (exact(), PrivacyMode::Local, "who adds the noise"),
        (
            Draft { counts: false, ..exact() },
            PrivacyMode::Local,
            "stage 1: a stage of kind \"gradient\" has no bound in mode local",
        ),
        (
            Draft { counts: false, ..exact() },
            PrivacyMode::Branch,
            "stage 1: a stage of kind \"gradient\" has no bound in mode branch",
        ),
        (exact(), PrivacyMode::Branch, "stage 1: a stage of kind \"count\" has no bound in mode branch"),
        (by_branch(), PrivacyMode::Customer, "stage 1: a stage of kind \"local\" has no bound in mode customer"),
        (by_branch(), PrivacyMode::Local, "stage 1: an adaptive update_clip_norm needs the mode branch"),
    ] {
        let fault = fault(&Plan { privacy, ..plan(draft) });
        assert!(fault.contains(text), "{fault}");
    }
}

/// One order too low is too low: of a plan with a coin, of one without, and where each step counts by itself.
#[test]
fn a_charge_that_is_stated_too_low_is_refused() {
    for honest in [exact(), sampled(), locally()].map(plan) {
        let own = round_charge(&honest.stages[1], honest.privacy);
        for order in 0..own.customer.nanos().len() {
            let below = |nanos: u64| {
                let mut wrong = honest.clone();
                let mut nanos_of = honest.stages[1].charge.customer.nanos().to_vec();
                nanos_of[order] = nanos;
                wrong.stages[1].charge = Accounts::customers(RdpVector::from_nanos(nanos_of).unwrap());
                wrong
            };
            let least = own.customer.nanos()[order];
            assert!(check(&below(least), None).is_ok(), "what it costs is enough, order {order}");
            assert!(check(&below(least + 1), None).is_ok(), "more than it costs is enough, order {order}");
            assert!(fault(&below(least - 1)).contains("charge of a round"), "order {order}");
            assert!(fault(&below(0)).contains("charge of a round"), "order {order}");
        }
    }
    // A coin costs less than none, and its charge is no other coin's.
    let charge = |draft| plan(draft).stages[1].charge.clone();
    let (none, coin) = (charge(exact()), charge(sampled()));
    assert!(coin.at_most(&none) && coin != none);
    let mut wrong = plan(sampled());
    wrong.stages[1].charge = charge(Draft { sampling_threshold: 1 << 60, ..exact() });
    assert!(fault(&wrong).contains("charge of a round"));
    // Local steps at two branches: eight times one release.
    let eight = plan(locally());
    let one = RdpVector::gaussian(eight.stages[1].sensitivity_squared, eight.stages[1].noise_variance);
    assert_eq!(eight.stages[1].charge, Accounts::customers(one.times(8)));
}

/// In mode branch customers and branches have an account each, and a charge for one of them is none for the other.
#[test]
fn a_branch_and_its_customers_are_charged_apart() {
    let honest = plan(by_branch());
    let Stage { charge, sensitivity_squared, customer_sensitivity_squared, noise_variance, .. } = &honest.stages[0];
    assert_eq!(charge.branch, RdpVector::gaussian(*sensitivity_squared, *noise_variance));
    assert_eq!(charge.customer, RdpVector::gaussian(*customer_sensitivity_squared, *noise_variance));
    for zero in
        [Accounts::customers(charge.customer.clone()), Accounts { customer: RdpVector::zero(), ..charge.clone() }]
    {
        let mut wrong = honest.clone();
        wrong.stages[0].charge = zero;
        assert!(fault(&wrong).contains("charge of a round"));
    }
}

#[test]
fn coins_need_the_exact_form() {
    let mut chunked = plan(Draft { training: gradient(ClipForm::Chunked), ..exact() });
    assert!(check(&chunked, None).is_ok());
    chunked.stages[1].sampling_threshold = 1 << 61;
    chunked.stages[1].charge = stated_charge(&chunked.stages[1], chunked.privacy);
    assert!(chunked.clone().validate().is_ok(), "the core sees numbers only");
    assert!(fault(&chunked).contains("made in chunks"));
}
