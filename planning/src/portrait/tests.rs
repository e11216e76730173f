use tributary_protocol::plan::Plan;

use super::*;
use crate::file::tests::plan;

#[test]
fn figures_are_short_and_never_a_nought_that_is_none() {
    for (value, shown) in [
        (0.0, "0"),
        (2.0, "2"),
        (1.96, "1.96"),
        (0.123_456, "0.1235"),
        (0.000_012_34, "1.2340e-5"),
        (12_345_678.0, "1.2346e7"),
        (f64::INFINITY, "without bound"),
    ] {
        assert_eq!(figure(value), shown);
    }
}

#[test]
fn the_cap_tells_how_many_runs_fit() {
    let capped = |runs, epsilon: f64| {
        let mut plan = plan("");
        plan.runs = runs;
        plan.cap.customer = tributary_model::privacy::cap(epsilon, plan.delta());
        runs_within_cap(&plan)
    };
    assert_eq!(capped(12, 1e-3), 0);
    assert_eq!(capped(12, 1e4), 12);
    let some = capped(1000, 8.0);
    let fits = |runs: u64| {
        let plan = plan("");
        plan.charge_of_run().times(runs).customer.within(&tributary_model::privacy::cap(8.0, plan.delta()))
    };
    assert!(fits(some) && !fits(some + 1), "{some}");
}

/// One order with a large threshold is enough to spend by: the cap's epsilon is that of its weakest order, not of its strongest.
#[test]
fn a_cap_is_as_weak_as_its_weakest_order() {
    let capped = |change: fn(&mut Vec<u64>)| {
        let mut plan = plan("");
        let mut thresholds = tributary_model::privacy::cap(1.0, plan.delta()).nanos().to_vec();
        change(&mut thresholds);
        plan.cap.customer = RdpVector::from_nanos(thresholds).unwrap();
        (epsilon_of_cap(&plan, Unit::Customer), plan)
    };
    let (usual, _) = capped(|_| {});
    assert!((usual - 1.0).abs() < 1e-6, "{usual}");
    let (weak, plan) = capped(|thresholds| *thresholds.last_mut().unwrap() = 50_000_000_000);
    assert!(weak > 49.0, "{weak}");
    // And so much can be spent under it.
    let mut spent = vec![u64::MAX / 2; plan.cap.customer.nanos().len()];
    *spent.last_mut().unwrap() = 50_000_000_000;
    let spent = RdpVector::from_nanos(spent).unwrap();
    assert!(spent.within(&plan.cap.customer) && epsilon_of(&spent, plan.delta()).0 <= weak);
    assert_eq!(capped(|thresholds| thresholds.fill(0)).0, 0.0);
    assert_eq!(capped(|thresholds| thresholds[5] = u64::MAX).0, f64::INFINITY);
    let mut all = plan;
    all.cap = all.charge_max();
    let runs = epsilon_of_runs(&all, Unit::Customer, all.runs.into());
    assert_eq!(epsilon_of_cap(&all, Unit::Customer), runs, "all runs fit at every order");
}

/// Nothing that the author wrote moves a cursor or begins a line; two plans never show the same facts.
#[test]
fn a_portrait_shows_every_field_and_escapes_each_text() {
    let shown = |change: fn(&mut Plan)| {
        let mut plan = plan("");
        change(&mut plan);
        Portrait::of(&plan).facts
    };
    let before = shown(|_| {});
    let changes: [fn(&mut Plan); 26] = [
        |plan| plan.name = "other".into(),
        |plan| plan.purpose = "other".into(),
        |plan| plan.schema = Digest::of(b"other"),
        |plan| plan.initial_model = ModelRef::Zero,
        |plan| plan.privacy = PrivacyMode::Local,
        |plan| plan.delta_bits = 1e-7_f64.to_bits(),
        |plan| plan.overlap_max = 2,
        |plan| plan.customers_nominal += 1,
        |plan| plan.customers_max += 1,
        |plan| plan.stages[0].rounds += 1,
        |plan| plan.stages[0].noise_variance += plan.stages[0].noise_variance,
        |plan| plan.retries += 1,
        |plan| plan.runs += 1,
        |plan| plan.schedule.not_after += 86_400,
        |plan| plan.cap.customer = plan.cap.customer.times(2),
        |plan| plan.session_rounds += 1,
        |plan| plan.cohort.cohort_min += 1,
        |plan| plan.cohort.honest_min += 1,
        |plan| plan.group = "pilot".into(),
        |plan| plan.round_deadline_ms += 1,
        |plan| plan.upload_offset_ms += 1,
        |plan| plan.keying_deadline_ms += 1,
        |plan| plan.retention.days += 1,
        |plan| plan.charter.prohibited_use = "nothing".into(),
        |plan| plan.charter.review_by += 86_400,
        |plan| plan.charter.agreements.clear(),
    ];
    for (row, change) in changes.into_iter().enumerate() {
        assert_ne!(shown(change), before, "row {row}");
    }
    let mut hostile = plan("");
    hostile.name = "a\u{1b}[2J\nprivacy mode: local".into();
    hostile.charter.data_assets.push("\u{202e}b\nc".into());
    let text = Portrait::of(&hostile).to_string();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert_eq!(text.lines().count(), Portrait::of(&hostile).facts.len() + 1);
}

#[test]
fn a_weak_mode_is_said_first() {
    let first = |mode: &str| Portrait::of(&plan(mode)).to_string().lines().next().unwrap_or_default().to_owned();
    assert!(first("branch").starts_with("MODE BRANCH: "), "{}", first("branch"));
    assert!(first("none").starts_with("MODE NONE: no noise"), "{}", first("none"));
    assert!(first("").starts_with("name: "));
}
