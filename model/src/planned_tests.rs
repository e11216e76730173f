//! Every number of a plan that can be recomputed, wrong by itself.

use super::*;
use tributary_protocol::plan::LocalTraining;
use tributary_protocol::round::cast;

const SCHEMA: &str = include_str!("../../docs/samples/schemas/bank_full.toml");

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|error| panic!("{error}"))
}

/// A plan with counting rounds whose numbers all follow from one another, after a change of what they follow from.
fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let architecture = Architecture::logistic(u32::try_from(schema().width()).unwrap(), &["subscribed"]).unwrap();
    let mut plan = cast::counting_plan();
    plan.architecture = architecture.encode();
    change(&mut plan);
    let rule = clip_rule(&plan).unwrap();
    let parameters = architecture.parameter_count();
    plan.parameters = u32::try_from(parameters).unwrap();
    plan.riders = u32::try_from(rule.rider_count()).unwrap();
    plan.sensitivity_squared = sensitivity_squared(&rule, plan.privacy, plan.overlap_max, parameters).unwrap();
    plan.customer_sensitivity_squared =
        customer_sensitivity_squared(&rule, plan.privacy, plan.overlap_max, parameters).unwrap();
    plan.noise_variance = if plan.privacy == PrivacyMode::None { 0 } else { 25 * plan.sensitivity_squared };
    for (kind, bins) in [(RoundKind::Statistics, 3), (RoundKind::Evaluation, 5)] {
        let layout = layout_of(kind, bins, &architecture, Some(&schema())).unwrap();
        let sensitivity_squared = counting_sensitivity_squared(&layout, plan.clip_units, plan.overlap_max);
        let cells = u32::try_from(layout.cells()).unwrap();
        let counting = Counting { cells, bins, sensitivity_squared, noise_variance: 400 * sensitivity_squared };
        match kind {
            RoundKind::Statistics => plan.statistics = Some(counting),
            _ => plan.evaluation = Some(counting),
        }
    }
    plan.round_charge = stated_charge(&plan);
    plan
}

fn sampled() -> Plan {
    plan(|plan| plan.sampling_threshold = 1 << 61)
}

/// Four local steps at two branches: eight releases.
fn local() -> Plan {
    plan(|plan| {
        plan.privacy = PrivacyMode::Local;
        plan.overlap_max = 2;
        plan.local = Some(LocalTraining {
            steps: 4,
            learning_rate_bits: 0.1_f64.to_bits(),
            update_clip_norm_bits: 1.0_f64.to_bits(),
            adaptive: false,
        });
    })
}

fn fault(plan: &Plan) -> String {
    check(plan, Some(&schema())).expect_err("a number does not follow").0
}

#[test]
fn a_plan_whose_numbers_follow_passes() {
    for plan in [plan(|_| {}), sampled(), local(), plan(|plan| plan.overlap_max = 3)] {
        let (architecture, rule) = check(&plan, Some(&schema())).unwrap();
        assert_eq!((architecture.parameter_count(), rule.rider_count()), (plan.parameters as usize, 3));
        // Without the schema the statistics cannot be judged, and the rest is.
        assert!(check(&plan, None).is_ok());
    }
}

#[test]
fn every_number_that_does_not_follow_is_named() {
    type Row = (&'static str, fn(&mut Plan));
    let rows: [Row; 18] = [
        ("number of parameters", |plan| plan.parameters += 1),
        ("number of parameters", |plan| plan.parameters -= 1),
        ("number of riders", |plan| plan.riders += 1),
        ("number of riders", |plan| plan.riders -= 1),
        ("squared sensitivity", |plan| plan.sensitivity_squared += 1),
        ("squared sensitivity", |plan| plan.sensitivity_squared -= 1),
        ("squared sensitivity", |plan| plan.overlap_max += 1),
        ("squared sensitivity to a customer", |plan| plan.customer_sensitivity_squared -= 1),
        ("squared sensitivity to a customer", |plan| plan.customer_sensitivity_squared += 1),
        ("number of cells of statistics", |plan| plan.statistics.as_mut().unwrap().cells += 1),
        ("number of cells of statistics", |plan| plan.statistics.as_mut().unwrap().bins += 1),
        ("squared sensitivity of statistics", |plan| plan.statistics.as_mut().unwrap().sensitivity_squared -= 1),
        ("squared sensitivity of statistics", |plan| plan.statistics.as_mut().unwrap().sensitivity_squared += 1),
        ("number of cells of evaluation", |plan| plan.evaluation.as_mut().unwrap().cells -= 1),
        ("number of cells of evaluation", |plan| plan.evaluation.as_mut().unwrap().bins -= 1),
        ("squared sensitivity of evaluation", |plan| plan.evaluation.as_mut().unwrap().sensitivity_squared -= 1),
        ("squared sensitivity of evaluation", |plan| plan.evaluation.as_mut().unwrap().sensitivity_squared += 1),
        ("charge of a round", |plan| plan.noise_variance -= plan.noise_variance / 1_000_000),
    ];
    for (row, (name, change)) in rows.into_iter().enumerate() {
        let mut wrong = plan(|_| {});
        change(&mut wrong);
        let fault = fault(&wrong);
        assert!(fault.starts_with(name), "row {row}: {fault}");
    }
    let mut garbage = plan(|_| {});
    garbage.architecture.pop();
    assert!(check(&garbage, None).is_err(), "no network");
    let mut unclipped = plan(|_| {});
    unclipped.example_clip_norm_bits = 0;
    assert!(check(&unclipped, None).is_err(), "no bound");
}

/// One order too low is too low: of a plan with a coin, of one without, and where each step counts by itself.
#[test]
fn a_charge_that_is_stated_too_low_is_refused() {
    for honest in [plan(|_| {}), sampled(), local()] {
        let own = round_charge(&honest);
        for order in 0..own.customer.nanos().len() {
            let below = |nanos: u64| {
                let mut nanos_of = honest.round_charge.customer.nanos().to_vec();
                nanos_of[order] = nanos;
                Plan { round_charge: Accounts::customers(RdpVector::from_nanos(nanos_of).unwrap()), ..honest.clone() }
            };
            let least = own.customer.nanos()[order];
            assert!(check(&below(least), None).is_ok(), "what it costs is enough, order {order}");
            assert!(fault(&below(least - 1)).starts_with("charge of a round"), "order {order}");
            assert!(fault(&below(0)).starts_with("charge of a round"), "order {order}");
        }
    }
    // A coin costs less than none, and its charge is no other coin's.
    let (none, coin) = (plan(|_| {}), sampled());
    assert!(coin.round_charge.at_most(&none.round_charge) && coin.round_charge != none.round_charge);
    let rarer = plan(|plan| plan.sampling_threshold = 1 << 60);
    assert!(fault(&Plan { round_charge: rarer.round_charge, ..coin }).starts_with("charge of a round"));
    // Local steps at two branches: eight times one release.
    let eight = local();
    let one = RdpVector::gaussian(eight.sensitivity_squared, eight.noise_variance);
    assert_eq!(eight.round_charge, Accounts::customers(one.times(8)));
}

#[test]
fn coins_need_the_exact_form() {
    let chunked = |change: fn(&mut Plan)| {
        plan(|plan| {
            plan.clip_form = ClipForm::Chunked;
            change(plan);
        })
    };
    let without = chunked(|_| {});
    assert!(check(&without, None).is_ok());
    assert!(fault(&chunked(|plan| plan.sampling_threshold = 1 << 61)).contains("made in chunks"));
}
