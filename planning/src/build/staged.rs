//! The stages of staged additive learning, with every number of theirs.

use tributary_model::architecture::HEADS_MAX;
use tributary_model::privacy::{CalibrateError, StageDemand, calibrate_stages};
use tributary_model::stage::{BlockSettings, LabelSettings, Reweight, StageSettings, StagedSettings, Steps, Wanted};

use crate::guarantee::noise_excess;
use crate::settings::{PlanSettings, StagedLearning};

/// Why there are no stages.
pub(super) enum Unfit {
    /// No noise meets the target.
    Noise(CalibrateError),
    /// A number is outside of its limits.
    Numbers,
}

/// The count of labels, the first stage and the second one, with these units and this share of the plan's budget. Each round of training costs as
/// much as any other. `tail_start` says after which of so many rounds models are averaged.
pub(super) fn stages(
    settings: &PlanSettings,
    learning: &StagedLearning,
    (clip_units, budget_share): (u32, f64),
    tail_start: impl Fn(u32) -> Option<u32>,
) -> Result<Vec<Wanted>, Unfit> {
    let excess = noise_excess(&settings.cohort);
    let noise = noise_of_one_release(settings, clip_units)? * excess.sqrt();
    let first_rounds = learning.first_rounds.clamp(1, settings.rounds.saturating_sub(1).max(1));
    let last_rounds = settings.rounds.saturating_sub(first_rounds).max(1);
    let of_blocks = BlockSettings { clip_units, coarse: learning.groups };
    let customers = settings.customers_nominal as f64;
    let training = |step: f64, rounds: u32, (tail_start, reweight): (Option<u32>, Option<Reweight>)| {
        let reach = if noise > 0.0 { (step * customers / noise).min(learning.step_max) } else { learning.step_max };
        // Momentum lets each round's step go on until it has this length.
        let rate = reach * (1.0 - learning.momentum) / f64::from(rounds);
        let steps = Steps::of(rate, learning.momentum, tail_start)?;
        StagedSettings { of_blocks, head_shares: [0; HEADS_MAX], steps, reweight }.checked()
    };
    let reweight = Reweight { floor: learning.floor, noise_excess: excess };
    let first = training(learning.first_step, first_rounds, (None, Some(reweight))).ok_or(Unfit::Numbers)?;
    let last = training(learning.step, last_rounds, (tail_start(last_rounds), None)).ok_or(Unfit::Numbers)?;
    let wanted = |of: StageSettings, rounds: u32, share: f64| Wanted {
        settings: of,
        ring: settings.ring,
        rounds,
        sampling_threshold: 0,
        budget_share: budget_share * share,
    };
    let of_rounds =
        |rounds: u32| (1.0 - learning.labels_share) * f64::from(rounds) / f64::from(first_rounds + last_rounds);
    Ok(vec![
        wanted(StageSettings::Labels(LabelSettings { clip_units }), 1, learning.labels_share),
        wanted(StageSettings::Staged(first), first_rounds, of_rounds(first_rounds)),
        wanted(StageSettings::Staged(last), last_rounds, of_rounds(last_rounds)),
    ])
}

/// Standard deviation of the least noise with which one release would cost the whole budget, over its sensitivity; 0 without noise.
fn noise_of_one_release(settings: &PlanSettings, clip_units: u32) -> Result<f64, Unfit> {
    let Some((epsilon, delta)) = settings.privacy.target() else { return Ok(0.0) };
    let sensitivity_squared = u128::from(clip_units).pow(2);
    let demand = StageDemand { sensitivity_squared, releases: 1, rounds: 1, sampling_threshold: 0, share: 1.0 };
    let variances = calibrate_stages(epsilon, delta, &[demand], 0);
    let variances = variances.map_err(Unfit::Noise)?;
    let variance = variances.first().copied().unwrap_or_default();
    Ok((variance as f64 / sensitivity_squared as f64).sqrt())
}
