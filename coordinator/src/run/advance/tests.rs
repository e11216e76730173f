//! How a sum becomes a mean, in every mode.

use tributary_model::server_optimizer::RoundMetrics;
use tributary_model::stage::StageSettings;
use tributary_model::update::{ClipRule, LocalRule};
use tributary_planning::guarantee::moving;
use tributary_protocol::roster::Roster;

use super::*;
use crate::connections::Members;
use crate::report::Event;
use crate::run::job::tests::{job, settings};
use crate::run::progress::Progress;
use tributary_planning::settings::{CountingSettings, LocalSteps, MechanismSettings, PlanSettings, PrivacyTarget};

const NOMINAL: f64 = 40_000.0;

/// The progress of a plan that has begun, of a federation without a member.
fn fresh(job: &Job) -> Progress {
    let folder = tempfile::tempdir().unwrap();
    let members = Members::open(&Roster::none(), folder.path()).unwrap();
    Progress::resume(job, Arc::new(members), &[])
}

fn near(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} instead of {expected}");
}

fn built(settings: &PlanSettings) -> Job {
    job(settings)
}

fn clip_rule(stage: &PlannedStage<'_>) -> ClipRule {
    match stage.settings() {
        StageSettings::Gradient(settings) => settings.rule(),
        StageSettings::Local(settings) => settings.clip_rule(stage.frame().privacy),
        _ => panic!("a stage that moves a model"),
    }
    .unwrap()
}

/// What one customer's whole clip norm on one coordinate moves the gradient by, and the metrics that ride along, where eight branches
/// survive and differences of models are bounded by a quarter.
fn reading(settings: &PlanSettings) -> (f64, RoundMetrics) {
    let job = built(settings);
    let stage = moving(&job.planned).expect("a plan that trains");
    let adaptive = matches!(stage.settings(), StageSettings::Local(local) if local.adaptive);
    let stepping = stage.stepping(&Beside::bound(adaptive.then_some(0.25)), 8).unwrap();
    let riders = clip_rule(&stage).riders().expect("a plan with riders");
    let losses = [100 * i64::from(riders.units), 100 * i64::from(riders.units), 50 * i64::from(riders.indicator_units)];
    let (outcome, _) = stepping.riders(&losses);
    (stepping.gradients(std::iter::once(stage.terms().reach.into())).sum(), outcome.metrics.expect("riders"))
}

fn sampled(sampling_rate: f64, privacy: PrivacyTarget, local: Option<LocalSteps>) -> PlanSettings {
    let mechanism = MechanismSettings { sampling_rate, local, ..MechanismSettings::default() };
    PlanSettings { mechanism, privacy, ..settings() }
}

/// Four steps under this bound of a difference of models.
fn local(update_clip_norm: f64, adaptive: bool) -> Option<LocalSteps> {
    Some(LocalSteps { rule: LocalRule { steps: 4, learning_rate: 0.5, update_clip_norm }, adaptive })
}

#[test]
fn a_mean_is_over_the_customers_that_a_coin_lets_take_part() {
    let privacy = PrivacyTarget::Customer { epsilon: 4.0, delta: 1e-6 };
    for (rate, customers) in [(1.0, NOMINAL), (0.25, NOMINAL / 4.0), (0.125, NOMINAL / 8.0)] {
        let (gradient, metrics) = reading(&sampled(rate, privacy, None));
        near(gradient, 1.0 / customers);
        near(metrics.loss_mean, 100.0 * 4.0 / customers);
        near(metrics.customers, 100.0);
        near(metrics.within_clip_norm, 50.0 / customers);
    }
}

/// Differences of models are averaged over those that survive; what rides along counts customers, or in branch mode branches.
#[test]
fn differences_of_models_are_averaged_over_the_survivors() {
    for rate in [1.0, 0.25] {
        let target = PrivacyTarget::Local { epsilon: 4.0, delta: 1e-6 };
        let (gradient, metrics) = reading(&sampled(rate, target, local(0.25, false)));
        near(gradient, -0.25 / 8.0);
        near(metrics.within_clip_norm, 50.0 / (NOMINAL * rate));
    }
    let target = PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 };
    for local in [local(0.25, false), local(1.0, true)] {
        let (gradient, metrics) = reading(&sampled(1.0, target, local));
        near(gradient, -0.25 / 8.0);
        near(metrics.within_clip_norm, 50.0 / 8.0);
    }
}

/// A number that is wrong by a factor is told once, and only where the noise cannot have made it.
#[test]
fn a_nominal_number_that_is_far_from_the_count_is_told() {
    let privacy = PrivacyTarget::Customer { epsilon: 4.0, delta: 1e-6 };
    for rate in [1.0, 0.25] {
        let job = built(&sampled(rate, privacy, None));
        let stage = moving(&job.planned).unwrap();
        let units = clip_rule(&stage).riders().unwrap().units;
        let counted = |customers: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "a few thousand millions")]
            let riders = [0, (customers * rate * f64::from(units)).round() as i64, 0];
            let (outcome, _) = stage.stepping(&Beside::default(), 8).unwrap().riders(&riders);
            outcome.customers.expect("a plan with riders")
        };
        let stddev = counted(1.6 * NOMINAL).variance.sqrt();
        assert!(stddev > 20.0, "a count of this plan has noise: {stddev}");
        let mut progress = fresh(&job);
        assert_eq!(progress.counted(counted(NOMINAL)), None);
        let mut progress = fresh(&job);
        assert_eq!(progress.counted(counted(1.5 * NOMINAL + 3.0 * stddev)), None, "it may be the noise");
        let mut progress = fresh(&job);
        let told = progress.counted(counted(1.6 * NOMINAL + 5.0 * stddev));
        assert!(
            matches!(told, Some(Event::CustomersFar { nominal: 40_000, factor: Some(factor), .. }) if factor > 1.5)
        );
        assert_eq!(progress.counted(counted(2.0 * NOMINAL)), None, "once");
        let mut progress = fresh(&job);
        let fewer = progress.counted(counted(NOMINAL / 4.0));
        assert!(fewer.is_some_and(|event| event.to_string().contains("customers_nominal is 40000")));
        // Noise alone is told in the round in which it begins, once, whatever the rounds before have counted.
        let mut progress = fresh(&job);
        assert_eq!(progress.counted(counted(NOMINAL)), None);
        assert!(matches!(progress.counted(counted(stddev)), Some(Event::NoiseAlone { nominal: 40_000, .. })));
        assert_eq!(progress.counted(counted(0.0)), None, "once");
    }
    let job = built(&sampled(1.0, PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 }, local(1.0, false)));
    let (outcome, _) = moving(&job.planned).unwrap().stepping(&Beside::default(), 8).unwrap().riders(&[1, 8, 4]);
    assert!(outcome.metrics.is_some());
    assert_eq!(outcome.customers, None, "branches are counted there");
}

#[test]
fn a_statistics_round_counts_customers_where_everybody_is_counted() {
    let counting = Some(CountingSettings { bins: 20, budget_share: 0.05 });
    let mechanism = MechanismSettings { statistics: counting, ..MechanismSettings::default() };
    let job = built(&PlanSettings { mechanism, ..settings() });
    let stage = job.planned.stage(0).unwrap();
    let StageSettings::Count(count) = stage.settings() else { panic!("a plan with statistics") };
    let layout = count.layout(&stage.frame()).unwrap();
    let unit = i64::from(stage.terms().reach);
    // Everybody is in the first cell of each histogram; of those that need not have everybody, nobody is.
    let empty = layout.read(&vec![0; layout.cells()], stage.terms().reach);
    let mut sum = Vec::new();
    for (index, histogram) in empty.iter().enumerate() {
        let begin = sum.len();
        sum.resize(begin + histogram.counts.len(), 0);
        sum[begin] = if layout.counts_everybody(index) { 70_000 * unit } else { 0 };
    }
    let outcome = stage.read(&sum, 8).unwrap();
    let counted = outcome.customers.expect("a numeric field");
    near(counted.customers, 70_000.0);
    assert!(counted.variance > 0.0);
    let told = fresh(&job).counted(counted);
    assert!(matches!(told, Some(Event::CustomersFar { factor: Some(factor), .. }) if (factor - 1.75).abs() < 0.01));
}
