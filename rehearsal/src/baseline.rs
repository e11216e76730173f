//! The same method without noise, for comparison: with all branches' rows, and with those of a single branch. **Not private.**

use tributary_model::planned::{self, Planned};
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::stage::{Chosen, Frame, GradientSettings, StageSettings, StagedSettings, Steps};
use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::plan::{Plan, PrivacyMode};

use crate::fault::RehearsalFault;

/// Longest way of additive learning where no noise ends it. With rows of norm 1 it stands for a ridge of one over it.
const LENGTH_MAX: f64 = 4000.0;
/// Share of the last step that the next one keeps, in additive learning.
const MOMENTUM: f64 = 0.9;

/// The plan's method for so many customers, in mode none: the same network, rounds, clip norm and steps, every row in every round. Local steps become
/// as many steps on the pooled rows. Additive learning goes as far as the customers carry it, instead of as far as the noise allows. Stages that only
/// count are left out.
///
/// # Errors
/// If no such plan can be made.
pub fn without_noise(planned: &Planned, customers: u64) -> Result<Planned, RehearsalFault> {
    let customers_nominal = customers.max(1);
    let plan = Plan { privacy: PrivacyMode::None, customers_nominal, delta_bits: 0, ..planned.plan().clone() };
    let frame = Frame::of(&plan, planned.architecture(), planned.schema());
    let mut stages = Vec::new();
    for (settings, terms) in planned.stages().iter().zip(&planned.plan().stages) {
        let Some((settings, rounds)) = quiet(settings, terms.rounds, customers_nominal as f64) else { continue };
        let chosen = Chosen { ring: terms.ring, noise_variance: 0, sampling_threshold: 0, rounds };
        stages.push(settings.terms(&frame, chosen)?);
    }
    Ok(planned::check(&Plan { stages, ..plan.clone() }, planned.schema())?)
}

/// The settings and rounds of a stage that learns.
fn quiet(settings: &StageSettings, rounds: u32, customers: f64) -> Option<(StageSettings, u32)> {
    match settings {
        StageSettings::Labels(_) | StageSettings::Quantile(_) | StageSettings::Gradient(_) => Some((*settings, rounds)),
        StageSettings::Local(local) => {
            let steps = rounds.saturating_mul(local.rule.steps).min(PLAN_ROUNDS_MAX);
            let update_rule = UpdateRule::Sgd { learning_rate: local.rule.learning_rate, momentum: 0.0 };
            let fields = OptimizerFields { update_rule, tail_start: Some(steps / 2) };
            let optimizer = OptimizerSettings::new(fields).ok()?;
            Some((StageSettings::Gradient(GradientSettings { clip: local.clip, optimizer }), steps))
        }
        StageSettings::Staged(staged) => {
            // A way as long as there are customers lets a score move by about one logit at most.
            let whole = customers.min(LENGTH_MAX);
            let (length, tail_start) =
                if staged.reweight.is_some() { (whole / 2.0, None) } else { (whole, Some(rounds / 2)) };
            let steps = Steps::of(length * (1.0 - MOMENTUM) / f64::from(rounds.max(1)), MOMENTUM, tail_start)?;
            Some((StageSettings::Staged(StagedSettings { steps, ..*staged }), rounds))
        }
        _ => None,
    }
}
