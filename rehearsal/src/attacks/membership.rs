//! Whether a released model tells whose rows it learnt from.

use serde::Serialize;
use tributary_model::evaluate::auc;
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_model::train::predict;

use super::draws::{Source, coin};
use super::rates::Rate;
use crate::fault::RehearsalFault;
use crate::run::{Branch, Noise, Rehearsal, initial};
use crate::side_by_side;

/// False alarms at which hits are counted: one in a thousand (Carlini et al. 2022).
const FALSE_ALARM_OF: usize = 1000;

/// Losses are of probabilities at least so far from 0 and 1.
const PROBABILITY_MIN: f64 = 1e-7;

/// What the attack came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Membership {
    /// Customers from whose rows the model learnt.
    pub members: usize,
    /// Customers from whose rows it did not.
    pub others: usize,
    /// Models of the same plan that the attacker made for comparison.
    pub references: usize,
    /// The chance that a member scores above another customer, with its 95 % interval (Hanley and McNeil 1982): 0.5 where nothing is told.
    pub auc: Option<Rate>,
    /// Share of members that are found with one false alarm in a thousand; nothing with fewer than 1,000 others.
    pub found: Option<Rate>,
}

/// Attacks a model that learnt from these branches, and not from these others. For comparison the plan is run with a half of the customers and with the
/// other half, as often as `pairs` says. So each member is left out once of each pair, and one of each pair is drawn for everybody else: who took part
/// makes no other difference between the two.
///
/// A customer's score is how much smaller its loss is under the model than under those that did not learn from it.
///
/// # Errors
/// If rows and plan do not fit.
pub fn membership(
    (planned, noise): (&Planned, Option<Noise>),
    (model, pairs): (&Parameters, usize),
    (branches, others): (&[Branch], &FeatureMatrix),
    source: Source<'_>,
) -> Result<Membership, RehearsalFault> {
    // Of each pair: who is in the first half, branch by branch; and for everybody else which of the two is taken.
    let mut entropy = source(u64::MAX);
    let mut coins = |count: usize| -> Vec<bool> { (0..count).map(|_| coin(entropy.as_mut())).collect() };
    let drawn: Vec<(Vec<Vec<bool>>, Vec<bool>)> = (0..pairs)
        .map(|_| (branches.iter().map(|branch| coins(branch.customers())).collect(), coins(others.customer_count())))
        .collect();
    let models = side_by_side(pairs.saturating_mul(2), |number| {
        let (chosen, _) = &drawn[number / 2];
        let first = number.is_multiple_of(2);
        let halves: Vec<Branch> =
            branches.iter().zip(chosen).map(|(branch, chosen)| half(branch, chosen, first)).collect();
        let run = Rehearsal::new(planned, &halves)?.run(initial(planned), noise, source(number as u64).as_mut())?;
        Ok::<_, RehearsalFault>(run.model)
    })?;
    // `second` says of which of a pair a customer's loss is taken: one that did not learn from it.
    let scores = |rows: &FeatureMatrix, second: &dyn Fn(usize, usize) -> bool| -> Result<Vec<f32>, RehearsalFault> {
        let mut scores: Vec<f64> = losses(model, rows)?.into_iter().map(|loss| -loss).collect();
        for (pair, models) in models.chunks_exact(2).enumerate() {
            let [first, other] = [losses(&models[0], rows)?, losses(&models[1], rows)?];
            for (customer, score) in scores.iter_mut().enumerate() {
                *score += if second(pair, customer) { other[customer] } else { first[customer] } / pairs as f64;
            }
        }
        Ok(scores.into_iter().map(narrow).collect())
    };
    let mut members = Vec::new();
    for (number, branch) in branches.iter().enumerate() {
        members.extend(scores(branch.training.data(), &|pair, customer| drawn[pair].0[number][customer])?);
    }
    let others = scores(others, &|pair, customer| drawn[pair].1[customer])?;
    Ok(Membership {
        members: members.len(),
        others: others.len(),
        references: models.len(),
        auc: area(&members, &others),
        found: found(&members, &others),
    })
}

/// A branch with the customers who were chosen, or with all others.
fn half(branch: &Branch, chosen: &[bool], first: bool) -> Branch {
    let wanted = |customer: u32| chosen.get(customer as usize).is_some_and(|chosen| *chosen == first);
    let held_out = branch.held_out.as_ref().map(|table| table.data().of_customers(|_| true));
    Branch::of_public(branch.training.data().of_customers(wanted), held_out)
}

/// Each customer's mean loss over rows and known labels, in nats.
fn losses(model: &Parameters, rows: &FeatureMatrix) -> Result<Vec<f64>, RehearsalFault> {
    let scores = predict(model, rows)?;
    let (mut sums, mut times) = (vec![0.0; rows.customer_count()], vec![0_u32; rows.customer_count()]);
    for (row, customer) in rows.customers().iter().enumerate() {
        for label in 0..rows.labels() {
            let (target, known) = rows.label(row, label);
            if known == 1.0 {
                let score = f64::from(scores[[row, label]]).clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
                let hit = if target == 1.0 { score } else { 1.0 - score };
                sums[*customer as usize] -= hit.ln();
                times[*customer as usize] += 1;
            }
        }
    }
    Ok(sums.into_iter().zip(times).map(|(sum, times)| sum / f64::from(times.max(1))).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "scores are ranked: the nearest number will do")]
fn narrow(score: f64) -> f32 {
    score as f32
}

fn area(members: &[f32], others: &[f32]) -> Option<Rate> {
    let scores: Vec<f32> = members.iter().chain(others).copied().collect();
    let is_member: Vec<bool> = (0..scores.len()).map(|at| at < members.len()).collect();
    let value = auc(&scores, &is_member)?;
    let (positives, negatives) = (members.len() as f64, others.len() as f64);
    let (one, other) = (value / (2.0 - value), 2.0 * value * value / (1.0 + value));
    let square = value * value;
    let variance = value * (1.0 - value) + (positives - 1.0) * (one - square) + (negatives - 1.0) * (other - square);
    let error = 1.96 * (variance.max(0.0) / (positives * negatives)).sqrt();
    Some(Rate { value, low: (value - error).max(0.0), high: (value + error).min(1.0) })
}

fn found(members: &[f32], others: &[f32]) -> Option<Rate> {
    let alarms = others.len() / FALSE_ALARM_OF;
    if alarms == 0 {
        return None;
    }
    let mut sorted = others.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    let threshold = sorted.get(alarms)?;
    Rate::of(members.iter().filter(|score| **score > *threshold).count(), members.len())
}
