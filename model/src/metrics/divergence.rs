//! How far two noised distributions over the same cells are apart, by the symmetric divergence of Jeffreys 1946: the population stability index where
//! they are of two times, the information value where they are of two classes.

use super::estimate::{Estimate, standard_errors};
use crate::elementary::ln;

/// A count stands out of its noise from so many standard deviations on.
pub(super) const STANDS_OUT: f64 = 4.0;

/// Counts of cells, each with independent noise of this standard deviation. Noised counts can be fractional or negative.
#[derive(Clone, Copy, Debug)]
pub struct NoisedCounts<'a> {
    /// One for each cell.
    pub counts: &'a [f64],
    /// Standard deviation of the noise in each count, in customers.
    pub noise_stddev: f64,
}

impl NoisedCounts<'_> {
    /// The count of several cells together.
    pub(super) fn of(&self, cells: &[usize]) -> f64 {
        cells.iter().map(|cell| self.counts.get(*cell).copied().unwrap_or(0.0)).sum()
    }

    /// Whether the count of several cells together is no work of the noise, and that of one customer at least.
    pub(super) fn stands_out(&self, cells: &[usize]) -> bool {
        self.of(cells) >= (STANDS_OUT * self.noise_stddev * (cells.len() as f64).sqrt()).max(1.0)
    }

    fn all(&self) -> f64 {
        self.counts.iter().sum()
    }
}

/// Neighbouring cells put together until both counts stand out and both have this share of all. What is left at the end belongs to the last group.
pub(super) fn neighbours(one: NoisedCounts<'_>, other: NoisedCounts<'_>, share: f64) -> Vec<Vec<usize>> {
    let (mut groups, mut open) = (Vec::new(), Vec::new());
    let enough = |of: &NoisedCounts<'_>, cells: &[usize]| of.stands_out(cells) && of.of(cells) >= share * of.all();
    for cell in 0..one.counts.len() {
        open.push(cell);
        if enough(&one, &open) && enough(&other, &open) {
            groups.push(std::mem::take(&mut open));
        }
    }
    joined(groups, open)
}

/// Each cell in which both counts stand out, and the others together: alone where they stand out, else with the last one that does.
pub(super) fn alone(one: NoisedCounts<'_>, other: NoisedCounts<'_>) -> Vec<Vec<usize>> {
    let stands = |cells: &[usize]| one.stands_out(cells) && other.stands_out(cells);
    let (apart, rest): (Vec<usize>, Vec<usize>) = (0..one.counts.len()).partition(|cell| stands(&[*cell]));
    let mut groups: Vec<Vec<usize>> = apart.into_iter().map(|cell| vec![cell]).collect();
    if stands(&rest) {
        groups.push(rest);
        return groups;
    }
    joined(groups, rest)
}

fn joined(mut groups: Vec<Vec<usize>>, rest: Vec<usize>) -> Vec<Vec<usize>> {
    match groups.last_mut() {
        Some(last) => last.extend(rest),
        None => groups.push(rest),
    }
    groups
}

/// The divergence over groups of cells. What noise alone adds to it, which is the second order of its expansion, is taken off.
pub(super) fn divergence(one: NoisedCounts<'_>, other: NoisedCounts<'_>, groups: &[Vec<usize>]) -> Option<Estimate> {
    let side = |of: NoisedCounts<'_>| {
        let counts: Vec<f64> = groups.iter().map(|cells| of.of(cells)).collect();
        let all: f64 = counts.iter().sum();
        let variances = groups.iter().map(|cells| cells.len() as f64 * of.noise_stddev * of.noise_stddev / (all * all));
        let usable = counts.iter().all(|count| *count > 0.0);
        let variances: Vec<f64> = variances.collect();
        usable.then(|| (counts.iter().map(|count| count / all).collect::<Vec<f64>>(), variances))
    };
    if groups.len() < 2 {
        return None;
    }
    let ((a, of_a), (b, of_b)) = (side(one)?, side(other)?);
    let (mut value, mut excess, mut second) = (0.0, 0.0, 0.0);
    let (mut slopes_a, mut slopes_b) = (Vec::new(), Vec::new());
    for (((a, b), of_a), of_b) in a.iter().zip(&b).zip(&of_a).zip(&of_b) {
        let logarithm = ln(a / b);
        value += (a - b) * logarithm;
        slopes_a.push(logarithm + (a - b) / a);
        slopes_b.push(-logarithm - (a - b) / b);
        let (bend_a, bend_b, bend_both) = (1.0 / a + b / (a * a), 1.0 / b + a / (b * b), -1.0 / a - 1.0 / b);
        excess += (bend_a * of_a + bend_b * of_b) / 2.0;
        let squares = [(bend_a * of_a, 1.0), (bend_b * of_b, 1.0)].map(|(part, times)| times * part * part);
        second += squares.iter().sum::<f64>() / 2.0 + bend_both * bend_both * of_a * of_b;
    }
    // Shares sum up to 1, so that only what a slope has above the mean one counts.
    let first = |shares: &[f64], slopes: &[f64], variances: &[f64]| -> f64 {
        let mean: f64 = shares.iter().zip(slopes).map(|(share, slope)| share * slope).sum();
        slopes.iter().zip(variances).map(|(slope, variance)| (slope - mean) * (slope - mean) * variance).sum()
    };
    let error = (first(&a, &slopes_a, &of_a) + first(&b, &slopes_b, &of_b) + second).sqrt();
    let finite = value.is_finite() && error.is_finite();
    let (low, high) = standard_errors(value - excess, error);
    // A divergence is never below 0, and what is near 0 has an interval that begins there.
    finite.then(|| Estimate::between(value - excess, (low, high.max(error)), (0.0, f64::INFINITY)))
}

/// How far a distribution has moved from another one, over groups of about a tenth of each: the population stability index. Below 0.1 nothing has
/// moved that matters, by the usual reading; above 0.25 much has.
#[must_use]
pub fn stability(before: NoisedCounts<'_>, now: NoisedCounts<'_>, ordered: bool) -> Option<Estimate> {
    if before.counts.len() != now.counts.len() {
        return None;
    }
    let groups = if ordered { neighbours(before, now, 0.1) } else { alone(before, now) };
    divergence(now, before, &groups)
}
