//! How a sum becomes a mean, in every mode.

use std::sync::Arc;

use tributary_protocol::ids::{RoundId, SessionId};
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{RoundHead, SessionView};
use tributary_protocol::secagg::parameters::CohortRule;

use super::*;
use crate::connections::Members;
use crate::plan::tests::settings;
use crate::progress::Progress;
use crate::report::Event;
use crate::settings::{CountingSettings, LocalSettings, MechanismSettings, PlanSettings, PrivacyTarget};

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

/// What one customer's whole clip norm on one coordinate moves the gradient by, and the metrics that ride along, where eight branches
/// survive and differences of models are bounded by a quarter.
fn reading(settings: &PlanSettings) -> (f64, RoundMetrics) {
    let job = Job::build(settings).unwrap_or_else(|fault| panic!("{fault:?}"));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let update = ServerUpdate::start(&job, &store, None).unwrap();
    let organisations = [tributary_protocol::ids::OrganisationId(1); 10];
    let thresholds = CohortRule::USUAL.thresholds(&organisations, organisations.len()).unwrap();
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let local = job.plan.local.is_some();
    let update_clip_norm_bits = if local { 0.25_f64.to_bits() } else { 0 };
    let (round, kind, model) = (RoundId(1), RoundKind::Train, job.plan.initial_model);
    let head = RoundHead { round, kind, model, update_clip_norm_bits };
    let scale = update.scale(&RoundDescriptor::derive(&job.plan, &view, head), 8);
    let riders = job.rule.riders().expect("a plan with riders");
    let losses = [100 * i64::from(riders.units), 100 * i64::from(riders.units), 50 * i64::from(riders.indicator_units)];
    (scale.gradient(i64::from(job.plan.clip_units)), scale.metrics(&losses).expect("riders"))
}

fn sampled(sampling_rate: f64, privacy: PrivacyTarget, local: Option<LocalSettings>) -> PlanSettings {
    let mechanism = MechanismSettings { sampling_rate, local, ..MechanismSettings::default() };
    PlanSettings { mechanism, privacy, ..settings() }
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
    let local = Some(LocalSettings { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0, adaptive: false });
    for rate in [1.0, 0.25] {
        let target = PrivacyTarget::Local { epsilon: 4.0, delta: 1e-6 };
        let (gradient, metrics) = reading(&sampled(rate, target, local));
        near(gradient, -0.25 / 8.0);
        near(metrics.within_clip_norm, 50.0 / (NOMINAL * rate));
    }
    let (gradient, metrics) = reading(&sampled(1.0, PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 }, local));
    near(gradient, -0.25 / 8.0);
    near(metrics.within_clip_norm, 50.0 / 8.0);
}

/// A number that is wrong by a factor is told once, and only where the noise cannot have made it.
#[test]
fn a_nominal_number_that_is_far_from_the_count_is_told() {
    let privacy = PrivacyTarget::Customer { epsilon: 4.0, delta: 1e-6 };
    for rate in [1.0, 0.25] {
        let job = Job::build(&sampled(rate, privacy, None)).unwrap_or_else(|fault| panic!("{fault:?}"));
        let counted = |customers: f64| {
            let metrics = RoundMetrics { loss_mean: 0.5, customers: customers * rate, within_clip_norm: 0.5 };
            NoisedCustomers::of_training(&job.plan, &metrics, 8).expect("a plan with riders")
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
    }
    let local = Some(LocalSettings { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0, adaptive: false });
    let job = Job::build(&sampled(1.0, PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 }, local))
        .unwrap_or_else(|fault| panic!("{fault:?}"));
    let metrics = RoundMetrics { loss_mean: 0.5, customers: 8.0, within_clip_norm: 0.5 };
    assert_eq!(NoisedCustomers::of_training(&job.plan, &metrics, 8), None, "branches are counted there");
}

#[test]
fn a_statistics_round_counts_customers_where_everybody_is_counted() {
    let counting = Some(CountingSettings { bins: 20, budget_share: 0.05 });
    let mechanism = MechanismSettings { statistics: counting, ..MechanismSettings::default() };
    let job = Job::build(&PlanSettings { mechanism, ..settings() }).unwrap_or_else(|fault| panic!("{fault:?}"));
    let layout = job.statistics.clone().expect("a plan with statistics");
    let unit = i64::from(job.plan.clip_units);
    // Everybody is in the first cell of each histogram; of those that need not have everybody, nobody is.
    let empty = layout.read(&vec![0; layout.cells()], job.plan.clip_units);
    let mut sum = Vec::new();
    for (index, histogram) in empty.iter().enumerate() {
        let begin = sum.len();
        sum.resize(begin + histogram.counts.len(), 0);
        sum[begin] = if layout.counts_everybody(index) { 70_000 * unit } else { 0 };
    }
    let histograms = layout.read(&sum, job.plan.clip_units);
    let counted = NoisedCustomers::of_statistics(&job.plan, &layout, &histograms, 8).expect("a numeric field");
    near(counted.customers, 70_000.0);
    assert!(counted.variance > 0.0);
    let told = fresh(&job).counted(counted);
    assert!(matches!(told, Some(Event::CustomersFar { factor: Some(factor), .. }) if (factor - 1.75).abs() < 0.01));
}
