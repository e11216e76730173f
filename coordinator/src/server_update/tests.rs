//! How a sum becomes a mean, in every mode.

use tributary_protocol::ids::{RoundId, SessionId};
use tributary_protocol::round::{RoundHead, SessionView};
use tributary_protocol::secagg::parameters::CohortRule;

use super::*;
use crate::plan::tests::settings;
use crate::settings::{LocalSettings, MechanismSettings, PlanSettings, PrivacyTarget};

const NOMINAL: f64 = 40_000.0;

fn near(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} instead of {expected}");
}

/// What one customer's whole clip norm on one coordinate moves the gradient by, and the metrics that ride along, where eight branches
/// survive and differences of models are bounded by a quarter.
fn reading(settings: &PlanSettings) -> (f64, RoundMetrics) {
    let job = Job::build(settings).unwrap_or_else(|fault| panic!("{fault:?}"));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
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
