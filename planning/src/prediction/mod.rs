//! What public numbers say of a model before it is learnt: the noise in a customer's score, and how much of what tells customers apart comes through
//! it.
//!
//! Noise is added to sums of vectors. Rounds turn it into noise of the model, along each direction by the walk of its steps ([`walk`]), and a row
//! picks it up by what lies of it along that direction ([`spectrum`]). No row is looked at: of the population nothing is known but its number.

mod spectrum;
mod walk;

use serde::Serialize;
use tributary_model::blocks::Blocks;
use tributary_model::planned::Planned;
use tributary_model::server_optimizer::{OptimizerSettings, UpdateRule};
use tributary_model::stage::{
    GradientSettings, LabelSettings, LocalSettings, PlannedStage, StageSettings, StagedSettings, release,
};
use tributary_protocol::plan::{NoiseShare, Plan, PrivacyMode};

use self::spectrum::{CURVATURE, Directions, FLAT, STEEP, of_blocks, of_network, of_rows};
use self::walk::Walk;
use crate::guarantee::noise_excess;

/// Standard deviation of a score, on the logit scale, that a model without noise is taken to have: it orders three of four pairs rightly.
pub const SIGNAL: f64 = 1.0;
/// Of blocks that a stage has weighed anew, how much heavier those are in which something was found, where a quarter of the fields carry the signal.
const WEIGHED: f64 = 4.0;
/// Mean distance of a probability from its label, for whether a gradient is clipped.
const RESIDUAL: f64 = 0.2;

/// What is to be expected of a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Standard deviation of the noise in a customer's score, in logits.
    pub score_noise: f64,
    /// Part of the signal that the steps come to learn, in the mean over fields: 0 to about 1.
    pub learnt: f64,
    /// Correlation of the released score with the one without noise that has learnt everything.
    pub correlation: f64,
    /// Part of the square of that score that the released one explains as it stands, 0 to 1: what probabilities are worth, beside their order.
    pub explained: f64,
    /// Area under the curve, where a model without noise that has learnt everything has [`Prediction::auc_without`].
    pub auc: f64,
    /// Area under the curve of scores with a spread of [`SIGNAL`].
    pub auc_without: f64,
}

impl Prediction {
    /// Of a plan whose branches are so many; without a number, a complete cohort of the smallest size. Nothing without a schema, or where no stage
    /// learns.
    #[must_use]
    pub fn of(planned: &Planned, branches: Option<usize>) -> Option<Self> {
        let around = Around::of(planned, branches)?;
        let mut after: Option<Effect> = None;
        for stage in (0..).map_while(|number| planned.stage(number)) {
            let found = after.as_ref().map_or(0.0, Effect::found);
            if let Some(own) = around.of_stage(&stage, found) {
                after = Some(match after {
                    Some(before) => before.then(own),
                    None => own,
                });
            }
        }
        let after = after?;
        let order = Self::new(after.noise.sqrt(), after.learnt.clamp(0.0, 1.0), after.unequal);
        Some(Self { score_noise: (after.noise + after.level).sqrt(), ..order })
    }

    /// From the noise in a score and the part of the signal that is learnt: `unequal` is the mean of its square over fields, over the square of its mean.
    #[must_use]
    fn new(score_noise: f64, learnt: f64, unequal: f64) -> Self {
        let signal = learnt * SIGNAL;
        let (of_signal, of_noise) = (signal * signal * unequal.max(1.0), score_noise * score_noise);
        let length = (of_signal + of_noise).sqrt();
        let correlation = if length > 0.0 { signal / length } else { 0.0 };
        let auc = |correlation: f64| normal(correlation * SIGNAL / core::f64::consts::SQRT_2);
        // What is left: the part that is not learnt, and noise.
        let left = SIGNAL * SIGNAL - 2.0 * signal * SIGNAL + of_signal + of_noise;
        let explained = (1.0 - left / (SIGNAL * SIGNAL)).clamp(0.0, 1.0);
        Self { score_noise, learnt, correlation, explained, auc: auc(correlation), auc_without: auc(1.0) }
    }
}

/// What a stage does to a score.
struct Effect {
    /// Variance of the noise that differs from customer to customer.
    noise: f64,
    /// Variance of the noise that all scores have in common: it changes no order.
    level: f64,
    /// Part of the level's variance before it that it does not correct.
    keeps: f64,
    /// Part of the signal that it has learnt, in the mean over fields.
    learnt: f64,
    /// Mean of its square over fields, over the square of its mean: 1 where all fields are learnt alike.
    unequal: f64,
}

impl Effect {
    /// Of what a stage has moved a score by, the part that is signal.
    fn found(&self) -> f64 {
        let signal = self.learnt * self.learnt * SIGNAL * SIGNAL;
        if signal > 0.0 { signal / (signal + self.noise) } else { 0.0 }
    }

    /// What this stage has learnt is where the next one begins. Blocks are shrunk by what noise explains, and weighed by what is left of it: in the
    /// mean the one undoes the other.
    fn then(self, own: Self) -> Self {
        Self {
            noise: own.noise + self.noise,
            level: own.level + self.level * own.keeps,
            keeps: own.keeps * self.keeps,
            learnt: own.learnt + (1.0 - own.learnt) * self.learnt,
            unequal: own.unequal.max(1.0).min(self.unequal.max(1.0)),
        }
    }
}

/// What all stages have in common.
struct Around<'a> {
    planned: &'a Planned,
    plan: &'a Plan,
    branches: f64,
    /// Variance of a sum's noise over what its stage states, where the noise is divided.
    excess: f64,
}

impl<'a> Around<'a> {
    fn of(planned: &'a Planned, branches: Option<usize>) -> Option<Self> {
        let plan = planned.plan();
        planned.schema()?;
        let branches = branches.map_or(f64::from(plan.cohort.cohort_min), |branches| branches as f64).max(1.0);
        Some(Self { planned, plan, branches, excess: noise_excess(&plan.cohort) })
    }

    /// `found` says which part of what the stages before have moved is signal.
    fn of_stage(&self, stage: &PlannedStage<'_>, found: f64) -> Option<Effect> {
        match stage.settings() {
            StageSettings::Staged(settings) => self.staged(stage, settings, found),
            StageSettings::Gradient(settings) => Some(self.gradient(stage, settings)),
            StageSettings::Local(settings) => Some(self.local(stage, settings)),
            StageSettings::Labels(settings) => Some(self.labels(stage, settings)),
            _ => None,
        }
    }

    /// Standard deviation of the noise in a round's sum, in units.
    fn of_sum(&self, stage: &PlannedStage<'_>) -> f64 {
        let terms = stage.terms();
        let factor = match terms.noise {
            NoiseShare::Divided => self.excess,
            NoiseShare::Whole | NoiseShare::Inside => self.branches,
        };
        (terms.noise_variance as f64 * factor).sqrt()
    }

    fn customers(&self) -> f64 {
        (self.plan.customers_nominal as f64).max(1.0)
    }

    fn directions(&self, walk: &Walk, noise: f64) -> Vec<Directions> {
        let network = self.planned.architecture();
        match self.planned.schema() {
            Some(schema) if network.hidden().is_empty() => of_rows(schema),
            Some(schema) => of_network(schema, network, (walk, noise)),
            None => Vec::new(),
        }
    }

    fn staged(&self, stage: &PlannedStage<'_>, settings: &StagedSettings, found: f64) -> Option<Effect> {
        let coarse: Vec<u32> = settings.of_blocks.coarse.into_iter().filter(|groups| *groups > 0).collect();
        let schema = self.planned.schema()?;
        let blocks =
            if settings.of_blocks.learnt { Blocks::to_learn(schema, &coarse) } else { Blocks::of(schema, &coarse) };
        let blocks = blocks.ok()?;
        let heads = self.planned.architecture().heads().len().max(1) as f64;
        let noise = self.of_sum(stage) / f64::from(settings.of_blocks.clip_units) / self.customers();
        let walk = of_optimizer(settings.steps.optimizer(), stage.terms().rounds, noise);
        // Blocks are weighed by what was found: the more of it is noise, the more evenly.
        let weighed = 1.0 + (WEIGHED - 1.0) * found;
        let directions: Vec<Directions> = of_blocks(&blocks)
            .into_iter()
            .map(|own| Directions { share: own.share / heads, moment: own.moment / heads, ..own })
            .collect();
        Some(effect(&directions, walk, noise, (CURVATURE, weighed)))
    }

    /// The intercept is the logit of a noised rate.
    fn labels(&self, stage: &PlannedStage<'_>, settings: &LabelSettings) -> Effect {
        let of_rate = self.of_sum(stage) / f64::from(settings.clip_units) / self.customers();
        Effect { noise: 0.0, level: (of_rate / CURVATURE).powi(2), keeps: 1.0, learnt: 0.0, unequal: 1.0 }
    }

    fn gradient(&self, stage: &PlannedStage<'_>, settings: &GradientSettings) -> Effect {
        let expected = self.customers() * release(stage.terms()).sampling_probability;
        let clip = settings.clip.example_clip_norm;
        let noise = self.of_sum(stage) / f64::from(settings.clip.clip_units) * clip / expected.max(1.0);
        let walk = of_optimizer(&settings.optimizer, stage.terms().rounds, noise);
        let directions = self.directions(&walk, noise);
        effect(&directions, walk, noise, (CURVATURE * unclipped(&directions, clip), 1.0))
    }

    /// The coordinator averages: what a round's local steps add up to is one step of it.
    fn local(&self, stage: &PlannedStage<'_>, settings: &LocalSettings) -> Effect {
        let steps = f64::from(settings.rule.steps.max(1));
        let (clip, units) = (settings.clip.example_clip_norm, f64::from(settings.clip.clip_units));
        let rate = settings.rule.learning_rate;
        let (noise, rate) = if self.plan.privacy == PrivacyMode::Branch {
            (self.of_sum(stage) / units * settings.rule.update_clip_norm / self.branches, rate)
        } else {
            let own = self.customers() / self.branches * release(stage.terms()).sampling_probability;
            let step = (stage.terms().noise_variance as f64).sqrt() / units * clip / own.max(1.0);
            // A difference of models is as long as its noise makes it, and shortened to its bound, signal and all.
            let difference = rate * step * (steps * self.planned.architecture().parameter_count() as f64).sqrt();
            let shortened = (settings.rule.update_clip_norm / difference.max(f64::MIN_POSITIVE)).min(1.0);
            (rate * step * steps.sqrt() * shortened / self.branches.sqrt(), rate * shortened)
        };
        let walk = of_optimizer(&settings.optimizer, stage.terms().rounds, noise);
        let directions = self.directions(&walk, noise);
        let curvature = CURVATURE * unclipped(&directions, clip);
        let contracted = |moment: f64| 1.0 - (1.0 - rate * curvature * moment).clamp(0.0, 1.0).powf(steps);
        let directions: Vec<Directions> =
            directions.into_iter().map(|own| Directions { moment: contracted(own.moment), ..own }).collect();
        effect(&directions, walk, noise, (1.0, 1.0))
    }
}

/// Part of a gradient's length that its clip norm leaves, in the mean.
fn unclipped(directions: &[Directions], clip_norm: f64) -> f64 {
    let norm: f64 = directions.iter().map(|own| own.share).sum::<f64>().sqrt();
    (clip_norm / (RESIDUAL * norm).max(f64::MIN_POSITIVE)).min(1.0)
}

/// Adam divides by the root of the squares that it has seen, which the noise decides: from there on it is momentum.
fn of_optimizer(optimizer: &OptimizerSettings, rounds: u32, noise: f64) -> Walk {
    let (learning_rate, momentum) = match optimizer.update_rule() {
        UpdateRule::Sgd { learning_rate, momentum } => (learning_rate, momentum),
        UpdateRule::Adam { learning_rate, beta1, epsilon, .. } => {
            (learning_rate * (1.0 - beta1) / (noise + epsilon), beta1)
        }
    };
    Walk::new((learning_rate, momentum), rounds, optimizer.tail_start())
}

/// `weighed` says how much steeper than the others those directions are that tell customers apart.
fn effect(directions: &[Directions], walk: Walk, noise: f64, (curvature, weighed): (f64, f64)) -> Effect {
    let (mut variance, mut learnt, mut squares, mut telling) = (0.0, 0.0, 0.0, 0.0_f64);
    // Fields of one width lie alike.
    let mut walked: Vec<(f64, f64, f64)> = Vec::new();
    for own in directions {
        let known = walked.iter().find(|(moment, ..)| *moment == own.moment).copied();
        let (_, of_noise, of_signal) = known.unwrap_or_else(|| {
            let (flat, steep) =
                (walk.response(curvature * FLAT * own.moment), walk.response(curvature * weighed * own.moment));
            walked.push((own.moment, flat.noise, steep.learnt));
            (own.moment, flat.noise, steep.learnt)
        });
        variance += own.share * of_noise * noise * noise;
        if own.tells {
            let of_signal = of_signal.clamp(0.0, 1.0);
            learnt += of_signal;
            squares += of_signal * of_signal;
            telling += 1.0;
        }
    }
    // All scores together lie along the steepest direction, the more so as bins are not equally frequent, and less so than what blocks are weighed for.
    let steepest = directions.iter().map(|own| own.moment).fold(0.0, f64::max);
    let left = 1.0 - walk.response(curvature * STEEP * weighed.sqrt() * steepest).learnt;
    let unequal = if learnt > 0.0 { squares * telling / (learnt * learnt) } else { 1.0 };
    Effect { noise: variance, level: 0.0, keeps: left * left, learnt: learnt / telling.max(1.0), unequal }
}

/// Distribution function of a standard normal number, to seven digits (Abramowitz and Stegun 1964, 26.2.17).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let coefficients = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = coefficients.iter().rev().fold(0.0, |sum, own| (sum + own) * t);
    let upper = sum * (-z * z / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt();
    if z < 0.0 { upper } else { 1.0 - upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_costs_order_and_nothing_learnt_is_a_coin() {
        let clean = Prediction::new(0.0, 1.0, 1.0);
        assert!((clean.auc - 0.760_25).abs() < 1e-4 && clean.auc == clean.auc_without);
        assert_eq!(Prediction::new(0.0, 0.0, 1.0).correlation, 0.0);
        assert!((Prediction::new(0.3, 0.0, 1.0).auc - 0.5).abs() < 1e-6);
        let noisy = Prediction::new(1.0, 1.0, 1.0);
        assert!((noisy.correlation - 0.5_f64.sqrt()).abs() < 1e-12 && noisy.auc < clean.auc);
        assert_eq!((clean.explained, noisy.explained), (1.0, 0.0));
        // Half of the signal in all fields keeps the order; all of it in one field of two does not.
        let (half, one) = (Prediction::new(0.0, 0.5, 1.0), Prediction::new(0.0, 0.5, 2.0));
        assert!(half.correlation == 1.0 && (half.explained - 0.75).abs() < 1e-12);
        assert!((one.correlation - 0.5_f64.sqrt()).abs() < 1e-12 && (one.explained - 0.5).abs() < 1e-12);
        assert!((normal(-1.0) - 0.158_655_25).abs() < 1e-7 && (normal(0.0) - 0.5).abs() < 1e-7);
    }
}
