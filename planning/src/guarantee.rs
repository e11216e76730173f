//! What the noise of a plan achieves.

use tributary_model::planned::Planned;
use tributary_model::privacy::epsilon_of;
use tributary_model::stage::{PlannedStage, noise_multiplier};
use tributary_protocol::plan::Plan;
use tributary_protocol::privacy::Unit;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};

/// What the noise of a plan achieves in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guarantee {
    /// Epsilon after every round of one run that may be charged, by the accounting that is enforced, for the unit of the mode.
    pub epsilon: f64,
    /// In mode branch: the same for one customer of a branch, whose account is charged as well.
    pub epsilon_customer: Option<f64>,
    /// Probability with which it may fail.
    pub delta: f64,
    /// Noise standard deviation over sensitivity, of the stage that moves the model.
    pub noise_multiplier: f64,
}

impl Guarantee {
    /// The guarantee of one run; none without noise.
    #[must_use]
    pub fn of(planned: &Planned) -> Option<Self> {
        let plan = planned.plan();
        let unit = plan.privacy.unit()?;
        let trained = moving(planned).map(|stage| stage.terms().clone());
        Some(Self {
            epsilon: epsilon_of_runs(plan, unit, 1),
            epsilon_customer: (unit == Unit::Branch).then(|| epsilon_of_runs(plan, Unit::Customer, 1)),
            delta: plan.delta(),
            noise_multiplier: trained
                .map_or(0.0, |stage| noise_multiplier(stage.noise_variance, stage.sensitivity_squared)),
        })
    }
}

/// Epsilon of so many runs for a unit, each at its dearest, at the plan's delta. Infinite where nothing bounds it.
#[must_use]
pub fn epsilon_of_runs(plan: &Plan, unit: Unit, runs: u64) -> f64 {
    epsilon_of(plan.charge_of_run().times(runs).of(unit), plan.delta()).0
}

/// Variance of the noise in a sum of a complete cohort, over what its plan counts on: branches add more, so that some may be missing.
pub(crate) fn noise_excess(cohort: &CohortRule) -> f64 {
    let coalition = match cohort.coalition {
        CoalitionRule::Fraction { permille } => f64::from(permille),
        CoalitionRule::Organisations { .. } => 0.0,
    };
    (1000.0 / (f64::from(cohort.survivors_permille) - coalition).max(10.0)).clamp(1.0, 100.0)
}

/// The first stage that moves the model.
#[must_use]
pub fn moving(planned: &Planned) -> Option<PlannedStage<'_>> {
    (0..).map_while(|number| planned.stage(number)).find(|stage| stage.layout().is_some())
}
