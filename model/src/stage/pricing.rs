//! Stages from what their author wants of them: with the least noise that meets the plan's target.

use tributary_protocol::plan::{PrivacyMode, Stage};
use tributary_protocol::secagg::modular::Ring;

use super::frame::{Chosen, Form, Frame, StageFault};
use super::settings::StageSettings;
use crate::privacy::{CalibrateError, StageDemand, calibrate_stages};

/// What a plan's author wants of a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// What its code is told.
    pub settings: StageSettings,
    /// Ring of the masked sum.
    pub ring: Ring,
    /// Rounds to commit.
    pub rounds: u32,
    /// Threshold of each customer's secret coin; 0: everybody.
    pub sampling_threshold: u64,
    /// Its part of the budget, above 0, in proportion to the others'.
    pub budget_share: f64,
}

/// Stages that cannot be priced.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PricingFault {
    /// The settings make no stage of such a plan.
    #[error(transparent)]
    Stage(#[from] StageFault),
    /// No noise meets the target.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
}

/// A plan's stages. `target` is epsilon and delta for the unit of the mode, over all rounds and retries; nothing in mode none.
///
/// # Errors
/// If settings make no stage of such a plan, or no noise of a drawable size meets the target.
pub fn priced(
    frame: &Frame<'_>,
    wanted: &[Wanted],
    retries: u32,
    target: Option<(f64, f64)>,
) -> Result<Vec<Stage>, PricingFault> {
    let forms = wanted.iter().map(|wanted| wanted.settings.form(frame));
    let forms: Vec<Form> = forms.collect::<Result<_, _>>()?;
    let variances = match target.filter(|_| frame.privacy != PrivacyMode::None) {
        None => vec![0; wanted.len()],
        Some((epsilon, delta)) => {
            let demands: Vec<StageDemand> = wanted.iter().zip(&forms).map(demand).collect();
            calibrate_stages(epsilon, delta, &demands, retries)?
        }
    };
    let stages = wanted.iter().zip(variances).map(|(wanted, noise_variance)| {
        let Wanted { settings, ring, rounds, sampling_threshold, .. } = *wanted;
        Ok(settings.terms(frame, Chosen { ring, noise_variance, sampling_threshold, rounds })?)
    });
    stages.collect()
}

fn demand((wanted, form): (&Wanted, &Form)) -> StageDemand {
    StageDemand {
        sensitivity_squared: form.sensitivity_squared,
        releases: form.releases,
        rounds: wanted.rounds,
        sampling_threshold: wanted.sampling_threshold,
        share: wanted.budget_share,
    }
}
