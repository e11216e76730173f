//! The stages of staged additive learning, with every number of theirs.

use tributary_model::architecture::HEADS_MAX;
use tributary_model::privacy::{CalibrateError, StageDemand, calibrate_stages};
use tributary_model::schema::{FieldKind, Schema, Transform};
use tributary_model::stage::{
    BlockSettings, HEAD_SHARES, LabelSettings, MONOTONE_MAX, Monotone, QuantileSettings, Reweight, StageSettings,
    StagedSettings, Steps, Wanted,
};
use tributary_model::update::CLASS_UNITS;
use tributary_settings::Fault;

use crate::guarantee::noise_excess;
use crate::settings::{ClassWeights, LearntFeatures, PlanSettings, StagedLearning};

/// Why there are no stages.
pub(super) enum Unfit {
    /// A key does not fit the schema.
    Key(Fault),
    /// No noise meets the target.
    Noise(CalibrateError),
    /// A number is outside of its limits.
    Numbers,
}

/// The count of labels, perhaps counts for groups, the first stage and the second one, with these units and this share of the plan's budget. Each round of training costs as
/// much as any other. `tail_start` says after which of so many rounds models are averaged.
pub(super) fn stages(
    settings: &PlanSettings,
    (learning, schema): (&StagedLearning, &Schema),
    (clip_units, budget_share): (u32, f64),
    tail_start: impl Fn(u32) -> Option<u32>,
) -> Result<Vec<Wanted>, Unfit> {
    let excess = noise_excess(&settings.cohort);
    let noise = noise_of_one_release(settings, clip_units)? * excess.sqrt();
    let first_rounds = learning.first_rounds.clamp(1, settings.rounds.saturating_sub(1).max(1));
    let last_rounds = settings.rounds.saturating_sub(first_rounds).max(1);
    let features = settings.mechanism.features;
    let of_blocks = BlockSettings {
        learnt: features.is_some(),
        classes: classes(learning, schema)?,
        monotone: monotone(learning, schema)?,
        ..BlockSettings::plain(clip_units, learning.groups)
    };
    let head_shares = head_shares(learning, schema)?;
    let customers = settings.customers_nominal as f64;
    let training = |step: f64, rounds: u32, (tail_start, reweight): (Option<u32>, Option<Reweight>)| {
        let paired = learning.pairs.is_some() && reweight.is_none();
        let reach = if noise > 0.0 { (step * customers / noise).min(learning.step_max) } else { learning.step_max };
        // Momentum lets each round's step go on until it has this length.
        let rate = reach * (1.0 - learning.momentum) / f64::from(rounds);
        let steps = Steps::of(rate, learning.momentum, tail_start)?;
        StagedSettings { of_blocks, head_shares, steps, paired, reweight }.checked()
    };
    let pair_share = learning.pairs.map_or(0.0, |pairs| pairs.share);
    let reweight = Reweight { floor: learning.floor, noise_excess: excess, pair_share };
    let first = training(learning.first_step, first_rounds, (None, Some(reweight))).ok_or(Unfit::Numbers)?;
    let last = training(learning.step, last_rounds, (tail_start(last_rounds), None)).ok_or(Unfit::Numbers)?;
    let wanted = |of: StageSettings, rounds: u32, share: f64| Wanted {
        settings: of,
        ring: settings.ring,
        rounds,
        sampling_threshold: 0,
        budget_share: budget_share * share,
    };
    let groups = features.map(|LearntFeatures { budget_share, rare_deviations }| Wanted {
        budget_share,
        ..wanted(
            StageSettings::Quantile(QuantileSettings { clip_units, coarse: learning.groups, rare_deviations }),
            1,
            1.0,
        )
    });
    let of_rounds =
        |rounds: u32| (1.0 - learning.labels_share) * f64::from(rounds) / f64::from(first_rounds + last_rounds);
    let labels = wanted(StageSettings::Labels(LabelSettings { clip_units }), 1, learning.labels_share);
    let training = [
        wanted(StageSettings::Staged(first), first_rounds, of_rounds(first_rounds)),
        wanted(StageSettings::Staged(last), last_rounds, of_rounds(last_rounds)),
    ];
    Ok([labels].into_iter().chain(groups).chain(training).collect())
}

/// One number for each label of the schema.
fn for_each_label(schema: &Schema, (key, numbers): (&str, &[f64])) -> Result<(), Unfit> {
    let labels = schema.labels().len();
    if numbers.is_empty() || numbers.len() == labels {
        return Ok(());
    }
    let (key, found) = (format!("plan.staged.{key}"), format!("{} numbers", numbers.len()));
    Err(Unfit::Key(Fault { key, found, allowed: format!("{labels}: one for each label of the schema, in its order") }))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1, which the reader checks")]
fn millionths(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1e6).round() as u32
}

/// Each label's share of the squared norm.
fn head_shares(learning: &StagedLearning, schema: &Schema) -> Result<[u32; HEADS_MAX], Unfit> {
    for_each_label(schema, ("head_shares", &learning.head_shares))?;
    let mut shares = [0; HEADS_MAX];
    shares.iter_mut().zip(&learning.head_shares).for_each(|(own, share)| *own = millionths(*share));
    if shares.iter().sum::<u32>() <= HEAD_SHARES {
        return Ok(shares);
    }
    let found = format!("{:?}, which is more than 1 in all", learning.head_shares);
    let allowed = "numbers that are 1 together at most".into();
    Err(Unfit::Key(Fault { key: "plan.staged.head_shares".into(), found, allowed }))
}

/// Each label's weights of negatives and positives.
fn classes(learning: &StagedLearning, schema: &Schema) -> Result<[[u32; 2]; HEADS_MAX], Unfit> {
    let ClassWeights { negative, positive } = &learning.class_weights;
    for_each_label(schema, ("negative_weights", negative))?;
    for_each_label(schema, ("positive_weights", positive))?;
    let mut classes = [[0; 2]; HEADS_MAX];
    for (label, own) in classes.iter_mut().enumerate() {
        let weights =
            [negative, positive].map(|of| of.get(label).map_or(CLASS_UNITS, |weight| millionths(*weight).max(1)));
        *own = if weights == [CLASS_UNITS; 2] { [0; 2] } else { weights };
    }
    Ok(classes)
}

/// The fields whose tables rise or fall, by their numbers.
fn monotone(learning: &StagedLearning, schema: &Schema) -> Result<[Option<Monotone>; MONOTONE_MAX], Unfit> {
    let fault = |name: &str, allowed: String| {
        Unfit::Key(Fault { key: format!("plan.staged.monotone.{name}"), found: "this field".into(), allowed })
    };
    let mut all = Vec::new();
    for (name, rising) in &learning.monotone {
        let field = schema.fields().iter().position(|field| field.name == *name);
        let binned = |number: &usize| {
            matches!(schema.fields()[*number].kind, FieldKind::Numeric { transform: Transform::Bins(_), .. })
        };
        let number = field.filter(binned).and_then(|number| u16::try_from(number).ok());
        let number = number.ok_or_else(|| fault(name, "a field of the schema with transform = \"bins\"".into()))?;
        all.push(Monotone { field: number, rising: *rising });
    }
    all.sort_unstable_by_key(|own| own.field);
    if let Some((name, _)) = learning.monotone.get(MONOTONE_MAX) {
        return Err(fault(name, format!("at most {MONOTONE_MAX} fields")));
    }
    let mut listed = [None; MONOTONE_MAX];
    listed.iter_mut().zip(all).for_each(|(own, found)| *own = Some(found));
    Ok(listed)
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
