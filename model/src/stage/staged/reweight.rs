//! Block weights: even ones to begin with, and those that follow from what a stage has found. Pure, in doubles of a fixed order: sums, products,
//! quotients and roots alone.

use super::super::frame::Place;
use super::super::state::{Known, PublicState, narrow};
use super::choice::{self, Found};
use super::released;
use super::staged_settings::{Reweight, StagedSettings};
use crate::architecture::Architecture;
use crate::blocks::Blocks;
use crate::parameters::Parameters;

/// Every field has the same share of a head's squared norm, and each of its blocks the same part of it.
pub(super) fn even(settings: &StagedSettings, blocks: &Blocks, heads: usize) -> Vec<u32> {
    let fields = blocks.fields() as f64;
    let of_fields = blocks.all().iter().map(|block| 1.0 / (fields * blocks.resolutions(block.field) as f64));
    // Nobody knows yet which pairs are worth something.
    let shares: Vec<f64> = of_fields.chain(std::iter::repeat(0.0)).take(blocks.count()).collect();
    let weights = (0..heads).flat_map(|head| weights_of(settings, (head, heads), &shares)).collect();
    within(settings, weights)
}

/// The state that the next stage begins with: each block's table is shrunk towards zero by the part of its energy that noise explains (James and
/// Stein 1961), and gets a new weight. Pairs begin with tables of zeros. `next` has the blocks of the next stage, `over` is its network.
pub(super) fn reweighted(
    settings: &StagedSettings,
    rule: &Reweight,
    (blocks, next, over): (&Blocks, &Blocks, Architecture),
    place: Place<'_>,
    last: PublicState,
) -> PublicState {
    let PublicState { parameters, known, .. } = last;
    let heads = parameters.architecture().heads().len();
    let mut values = parameters.values().to_vec();
    let number = blocks.all().len();
    let mut found = Vec::with_capacity(heads);
    for head in 0..heads {
        let own = known.weights.get(head * number..(head + 1) * number).unwrap_or_default();
        let customers = known.customers.get(head).copied().unwrap_or(1.0).max(1.0);
        let noise = noise_of_unit_weight(settings, rule, place, customers);
        let mut energies = Vec::with_capacity(number);
        for (block, weight) in blocks.all().iter().zip(own) {
            let cells = || (block.first..block.first + block.cells()).map(|cell| cell * heads + head);
            let square = cells().fold(0.0, |sum, at| sum + f64::from(values[at]) * f64::from(values[at]));
            let share = f64::from(*weight) / f64::from(settings.of_blocks.clip_units);
            let energy = (square - block.cells() as f64 * (share * share * noise)).max(0.0);
            let kept = if square > 0.0 { energy / square } else { 0.0 };
            for at in cells() {
                values[at] = narrow(f64::from(values[at]) * kept);
            }
            energies.push(energy);
        }
        found.push(energies);
    }
    released::smooth_blocks(settings, blocks, heads, &mut values);
    let pairing = next.pairs().map(|shape| {
        let shares: Vec<f64> = (0..heads).map(|head| settings.head_share(head, heads)).collect();
        let excluded: Vec<usize> = settings.monotone().map(|own| own.field.into()).collect();
        let found = Found { blocks, energies: &found, shares: &shares, values: &values };
        choice::chosen(&found, shape, &excluded)
    });
    let pairing = pairing.unwrap_or_default();
    let mut weights = Vec::with_capacity(heads * next.count());
    for (head, energies) in found.iter().enumerate() {
        let own = known.weights.get(head * number..(head + 1) * number).unwrap_or_default();
        let most = energies.iter().copied().fold(0.0, f64::max);
        if !(most > 0.0 && most.is_finite()) {
            // Nothing was found: what was shared out stays so.
            weights.extend(own.iter().copied().chain(std::iter::repeat(0)).take(next.count()));
            continue;
        }
        let of_pairs = choice::shares_of_pairs(blocks, energies, &pairing);
        let left = if of_pairs.iter().any(|share| *share > 0.0) { 1.0 - rule.pair_share } else { 1.0 };
        let roots: Vec<f64> = energies.iter().map(|energy| (energy / most + rule.floor).sqrt()).collect();
        let all = roots.iter().fold(0.0, |sum, root| sum + root);
        let of_fields = roots.iter().map(|root| left * (root / all));
        let shares: Vec<f64> = of_fields.chain(of_pairs.iter().map(|share| rule.pair_share * share)).collect();
        weights.extend(weights_of(settings, (head, heads), &shares));
    }
    let biases = values.split_off(blocks.cells() * heads);
    values.resize(next.cells() * heads, 0.0);
    values.extend(biases);
    let parameters = Parameters::new(over, values).unwrap_or(parameters);
    let known = Known { weights: within(settings, weights), pairing, ..known };
    PublicState { parameters, update_clip_norm: None, known }
}

/// The variance that a stage's noise gives to a cell of a block whose weight is the whole norm: each round's noise moves it by the learning rate
/// times the sum of the momentum's powers that are left.
fn noise_of_unit_weight(settings: &StagedSettings, rule: &Reweight, place: Place<'_>, customers: f64) -> f64 {
    let (learning_rate, momentum) = settings.steps.rates();
    let (mut power, mut reach, mut squares) = (1.0, 0.0, 0.0);
    for _ in 0..place.terms.rounds {
        reach += power;
        power *= momentum;
        squares += reach * reach;
    }
    let units = f64::from(settings.of_blocks.clip_units) * customers;
    let of_sum = place.terms.noise_variance as f64 * rule.noise_excess;
    learning_rate * learning_rate * squares * of_sum / (units * units)
}

/// A head's block weights from its blocks' shares of its squared norm, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded down, from 0 to 2^20; no number at all becomes 0"
)]
fn weights_of(settings: &StagedSettings, (head, heads): (usize, usize), shares: &[f64]) -> Vec<u32> {
    let units = f64::from(settings.of_blocks.clip_units);
    let own = settings.head_share(head, heads);
    shares.iter().map(|share| (units * (own * share).sqrt()) as u32).collect()
}

/// Integers decide: as long as the squares pass the norm, the largest weight becomes one less.
fn within(settings: &StagedSettings, mut weights: Vec<u32>) -> Vec<u32> {
    while !settings.within_norm(&weights) {
        match weights.iter_mut().max() {
            Some(largest) if *largest > 0 => *largest -= 1,
            _ => break,
        }
    }
    weights
}
