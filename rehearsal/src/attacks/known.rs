//! What somebody learns of one customer who knows everything else: which row it has, and whether it is there at all.

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_model::features::FeatureMatrix;
use tributary_model::planned::Planned;
use tributary_model::privacy::{NoiseSampler, sampling_probability};
use tributary_model::stage::{PlannedStage, PublicState, Rows};
use tributary_model::train::{Placement, Trainer};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::NoiseShare;

use super::draws::{Source, below};
use super::rates::{Rate, epsilon_low, epsilon_most};
use crate::fault::RehearsalFault;
use crate::run::{Branch, Noise, Rehearsal, initial};
use crate::side_by_side;

/// Most coordinates that are kept of all candidates' contributions.
const COORDINATES_MAX: usize = 6_000_000;
/// Most candidates.
const CANDIDATES_MAX: usize = 32;
/// Where a sampled stage leaves a customer out, it is asked again so often.
const TRIES_MAX: usize = 4096;

/// What the canary came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Canary {
    /// Trials with the customer, and as many without.
    pub trials: usize,
    /// A lower bound of epsilon, with 99 % confidence.
    pub epsilon_low: f64,
    /// The largest bound that so many trials can come to, had each of them told the truth.
    pub epsilon_most: f64,
}

/// What a reconstruction came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reconstruction {
    /// Rows among which the attacker looks: all of them are different.
    pub candidates: usize,
    /// Customers that were attacked, each several times.
    pub trials: usize,
    /// Share whose row was found exactly.
    pub exact: Rate,
    /// The same where no noise is added: what noise takes from the attacker.
    pub exact_without_noise: Rate,
    /// The same by guessing.
    pub by_chance: f64,
}

/// One round, as the attacker sees it.
struct Seen {
    sampler: Option<NoiseSampler>,
    /// Probability that a customer is in the round.
    share: f64,
    /// Of each candidate: the coordinates to which it gives something.
    given: Vec<Vec<(usize, i64)>>,
    dimension: usize,
}

/// Every round of a run, with what each candidate gives to it.
struct View {
    rounds: Vec<Seen>,
    candidates: usize,
}

/// Whether one customer's part of every sum stands alone, so that this attacker can be played.
fn is_known(planned: &Planned) -> bool {
    planned.plan().stages.iter().all(|stage| stage.noise != NoiseShare::Inside)
}

impl View {
    /// One run of the plan, in which the candidates are added to nothing: what they give depends on the public states alone.
    fn of(
        (planned, branches): (&Planned, &[Branch]),
        (noise, weaker): (Option<Noise>, u128),
        candidates: &[FeatureMatrix],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, RehearsalFault> {
        let rehearsal = Rehearsal::new(planned, branches)?;
        let alone: Vec<Alone> = candidates.iter().map(|rows| Alone::of(planned, rows)).collect::<Result<_, _>>()?;
        let mut rounds = Vec::new();
        let mut draws = Draws::of(entropy);
        rehearsal.watched(initial(planned), noise, entropy, &mut |stage, state| {
            let terms = stage.terms();
            let given: Vec<_> =
                alone.iter().map(|own| own.given(stage, state, &mut draws)).collect::<Result<_, _>>()?;
            let variance = terms.noise_variance / weaker.max(1);
            let sampler = (variance > 0).then(|| NoiseSampler::new(variance)).transpose()?;
            let share = sampling_probability(terms.sampling_threshold);
            rounds.push(Seen { sampler, share, given, dimension: terms.dimension as usize });
            Ok(())
        })?;
        Ok(Self { rounds, candidates: candidates.len() })
    }

    /// How far the sums stand out that a candidate is in, over the noise: the larger, the more is told.
    fn weight(&self, candidate: usize) -> f64 {
        let of_round = |seen: &Seen| {
            let squares: f64 = seen.given[candidate].iter().map(|(_, value)| (*value as f64).powi(2)).sum();
            seen.share * seen.share * squares / seen.variance()
        };
        self.rounds.iter().map(of_round).sum()
    }
}

impl Seen {
    /// In units squared; of a stage without noise as small as can be.
    fn variance(&self) -> f64 {
        self.sampler.as_ref().map_or(1e-3, |sampler| sampler.variance() as f64)
    }
}

/// A source of its own for what candidates draw, so that the run has the whole of the other one.
struct Draws([u8; 32], u64);

impl Draws {
    fn of(entropy: &mut dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self(key, 0)
    }
}

impl Entropy for Draws {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let drawn = tributary_protocol::digest::Digest::of_parts(&[&self.0, &self.1.to_le_bytes()]);
            part.copy_from_slice(&drawn.as_bytes()[..part.len()]);
            self.1 += 1;
        }
    }
}

/// One customer alone, laid out for every stage.
struct Alone {
    layouts: Vec<(Placement, Trainer)>,
    customers_nominal: u32,
}

impl Alone {
    fn of(planned: &Planned, rows: &FeatureMatrix) -> Result<Self, RehearsalFault> {
        let branch = Branch::of_public(rows.of_customers(|_| true), None);
        let mut layouts: Vec<(Placement, Trainer)> = Vec::new();
        for stage in (0..).map_while(|number| planned.stage(number)) {
            let placement = stage.placement().unwrap_or(Placement::Dense);
            if layouts.iter().all(|(known, _)| *known != placement) {
                layouts.push((placement, Trainer::new(planned.architecture(), &branch.training, placement)?));
            }
        }
        let customers_nominal = u32::try_from(planned.plan().customers_nominal).unwrap_or(u32::MAX);
        Ok(Self { layouts, customers_nominal })
    }

    /// What the customer gives to a round that it is in.
    fn given(
        &self,
        stage: &PlannedStage<'_>,
        state: &PublicState,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<(usize, i64)>, RehearsalFault> {
        let placement = stage.placement().unwrap_or(Placement::Dense);
        let trainer = self.layouts.iter().find(|(known, _)| *known == placement).map(|(_, trainer)| trainer);
        let trainer = trainer.ok_or(RehearsalFault::NoBranch)?;
        let rows = Rows { trainer, customers_nominal: self.customers_nominal };
        let terms = stage.terms();
        let tries = if terms.sampling_threshold == 0 { 1 } else { TRIES_MAX };
        for _ in 0..tries {
            let clipped = stage.contribute(&rows, state, entropy)?;
            let noised = clipped.add_noise(vec![0; terms.dimension as usize]).map_err(|_| RehearsalFault::Lengths)?;
            let values = noised.quantize(terms.ring).into_words().centred();
            let given: Vec<(usize, i64)> = values.into_iter().enumerate().filter(|(_, value)| *value != 0).collect();
            if !given.is_empty() {
                return Ok(given);
            }
        }
        Ok(Vec::new())
    }
}

/// So many different rows of customers, drawn from these, each with one customer.
fn drawn(planned: &Planned, rows: &FeatureMatrix, most: usize, entropy: &mut dyn Entropy) -> Vec<FeatureMatrix> {
    let coordinates: usize =
        planned.plan().stages.iter().map(|stage| stage.rounds as usize * stage.dimension as usize).sum();
    let most = (COORDINATES_MAX / coordinates.max(1)).clamp(2, most.clamp(2, CANDIDATES_MAX));
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    // Where many rows are equal, fewer are found.
    for _ in 0..most * 20 {
        if found.len() >= most || rows.customer_count() == 0 {
            break;
        }
        let chosen = below(rows.customer_count(), entropy);
        let one = rows.of_customers(|customer| customer as usize == chosen);
        let labels = (0..one.rows()).flat_map(|row| (0..one.labels()).map(move |label| (row, label)));
        let labels: Vec<u8> = labels
            .map(|(row, label)| one.label(row, label))
            .map(|(target, known)| u8::from(target == 1.0) | u8::from(known == 1.0) << 1)
            .collect();
        let bytes: Vec<u8> = (0..one.rows()).flat_map(|row| one.encoded(row).bytes().to_vec()).collect();
        if known.insert((bytes, labels)) {
            found.push(one);
        }
    }
    found
}

/// Plays a customer that is in the sums of a run or not; nothing where branches add their noise before anybody could see a customer's part of the sum.
///
/// The canary is the one among many, with true labels and with turned ones, whose part of the sums stands out most. `weaker` divides the noise: 1 for
/// the plan as it is.
///
/// # Errors
/// If rows and plan do not fit.
pub fn canary(
    (planned, branches): (&Planned, &[Branch]),
    (noise, weaker): (Option<Noise>, u128),
    (rows, delta): (&FeatureMatrix, f64),
    (trials, source): (usize, Source<'_>),
) -> Result<Option<Canary>, RehearsalFault> {
    if !is_known(planned) {
        return Ok(None);
    }
    let mut entropy = source(u64::MAX);
    let mut candidates = drawn(planned, rows, CANDIDATES_MAX / 2, entropy.as_mut());
    let turned: Vec<FeatureMatrix> = candidates.iter().map(FeatureMatrix::mislabelled).collect();
    candidates.extend(turned);
    let view = View::of((planned, branches), (noise, weaker), &candidates, entropy.as_mut())?;
    let weights = (0..view.candidates).map(|candidate| (candidate, view.weight(candidate)));
    let Some((chosen, _)) = weights.max_by(|one, other| one.1.total_cmp(&other.1)) else { return Ok(None) };
    let scores = side_by_side(trials.saturating_mul(2), |trial| {
        trial_of(&view, chosen, trial.is_multiple_of(2), source(trial as u64).as_mut())
    })?;
    let side = |odd: usize| -> Vec<f64> { scores.iter().skip(odd).step_by(2).copied().collect() };
    let epsilon_most = epsilon_most(trials, delta);
    Ok(Some(Canary { trials, epsilon_low: epsilon_low(&side(0), &side(1), delta), epsilon_most }))
}

/// The log of how much likelier everything that is seen is with the customer than without.
fn trial_of(view: &View, customer: usize, is_there: bool, entropy: &mut dyn Entropy) -> Result<f64, RehearsalFault> {
    let mut score = 0.0;
    for seen in &view.rounds {
        let given = &seen.given[customer];
        let noise = match &seen.sampler {
            Some(sampler) => sampler.share(given.len(), entropy)?.into_values(),
            None => vec![0; given.len()],
        };
        let counts = is_there && (seen.share >= 1.0 || chance(entropy) < seen.share);
        let variance = seen.variance();
        let (mut along, mut squares) = (0.0, 0.0);
        for ((_, value), noise) in given.iter().zip(noise) {
            let value = *value as f64;
            along += (if counts { value } else { 0.0 } + noise as f64) * value;
            squares += value * value;
        }
        let ratio = (along - squares / 2.0) / variance;
        // Where a coin decides whether the customer is in: ln(1 - q + q e^ratio).
        score += if seen.share >= 1.0 { ratio } else { mixed(seen.share, ratio) };
    }
    Ok(score)
}

fn mixed(share: f64, ratio: f64) -> f64 {
    if ratio > 0.0 {
        ratio + (share + (1.0 - share) * (-ratio).exp()).ln()
    } else {
        (share * ratio.exp() + (1.0 - share)).ln()
    }
}

/// Uniform in 0 to 1.
fn chance(entropy: &mut dyn Entropy) -> f64 {
    below(1 << 53, entropy) as f64 / (1_u64 << 53) as f64
}

/// Plays somebody who knows all rows but one, and looks for that one among candidates; nothing as for [`canary`], or without two different rows.
///
/// # Errors
/// If rows and plan do not fit.
pub fn reconstruction(
    (planned, branches): (&Planned, &[Branch]),
    noise: Option<Noise>,
    rows: &FeatureMatrix,
    (repeats, source): (usize, Source<'_>),
) -> Result<Option<Reconstruction>, RehearsalFault> {
    if !is_known(planned) {
        return Ok(None);
    }
    let mut entropy = source(u64::MAX);
    let candidates = drawn(planned, rows, CANDIDATES_MAX, entropy.as_mut());
    let count = candidates.len();
    if count < 2 {
        return Ok(None);
    }
    let view = View::of((planned, branches), (noise, 1), &candidates, entropy.as_mut())?;
    let trials = count.saturating_mul(repeats);
    let found = side_by_side(trials, |trial| {
        let target = trial % count;
        let with = likeliest(&view, target, true, source(trial as u64).as_mut())? == Some(target);
        let without = likeliest(&view, target, false, source(trial as u64).as_mut())? == Some(target);
        Ok::<_, RehearsalFault>((with, without))
    })?;
    let rate = |of: fn(&(bool, bool)) -> bool| Rate::of(found.iter().filter(|one| of(one)).count(), trials);
    let both = rate(|found| found.0).zip(rate(|found| found.1));
    Ok(both.map(|(exact, exact_without_noise)| Reconstruction {
        candidates: count,
        trials,
        exact,
        exact_without_noise,
        by_chance: 1.0 / count as f64,
    }))
}

/// The candidate that explains best what is seen of a customer; nothing where two do equally.
fn likeliest(
    view: &View,
    target: usize,
    noised: bool,
    entropy: &mut dyn Entropy,
) -> Result<Option<usize>, RehearsalFault> {
    let mut scores = vec![0.0; view.candidates];
    for seen in &view.rounds {
        let mut sum = match seen.sampler.as_ref().filter(|_| noised) {
            Some(sampler) => sampler.share(seen.dimension, entropy)?.into_values(),
            None => vec![0; seen.dimension],
        };
        if seen.share >= 1.0 || chance(entropy) < seen.share {
            seen.given[target].iter().for_each(|(at, value)| sum[*at] += value);
        }
        let variance = seen.variance();
        for (score, given) in scores.iter_mut().zip(&seen.given) {
            let of = |(at, value): &(usize, i64)| {
                let value = *value as f64;
                (sum[*at] as f64 - value / 2.0) * value
            };
            let ratio = given.iter().map(of).sum::<f64>() / variance;
            *score += if seen.share >= 1.0 { ratio } else { mixed(seen.share, ratio) };
        }
    }
    let best = scores.iter().copied().fold(f64::MIN, f64::max);
    let mut all = scores.iter().enumerate().filter(|(_, score)| **score >= best).map(|(at, _)| at);
    Ok(all.next().filter(|_| all.next().is_none()))
}
