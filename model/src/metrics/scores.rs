//! What counts by label and score say of one head.

use super::bins::ScoreBins;
use super::estimate::{Estimate, standard_error};
use crate::elementary::ln;

/// Counts of one head's customers by label and score. Noised counts can be fractional or negative, and stay so: clamped ones would be too large.
#[derive(Clone, Copy, Debug)]
pub struct ScoreCounts<'a> {
    /// Where scores are cut.
    pub bins: &'a ScoreBins,
    /// Of customers whose label is 0, one for each bin.
    pub negatives: &'a [f64],
    /// Of customers whose label is 1, one for each bin.
    pub positives: &'a [f64],
    /// Standard deviation of the noise in each count, in customers.
    pub noise_stddev: f64,
}

/// Figures of a histogram: negatives of every bin, then positives of every bin.
pub(super) struct ScoreFigures<'a> {
    bins: &'a ScoreBins,
    /// Negatives, then positives.
    counts: Vec<f64>,
    stddev: f64,
}

/// Parts of a bin, from its highest scores down.
const PARTS: u32 = 8;

/// So far off its middle the customers of a bin may lie in the mean, in widths of the bin.
pub(super) const HIDDEN_SHIFT: f64 = 1.0 / 12.0;

/// A part of a bin, from the highest scores down, with what lies above it: negatives and positives.
struct Walk {
    here: (f64, f64),
    above: (f64, f64),
}

impl Walk {
    /// Negatives and positives down to the end of the part.
    fn so_far(&self) -> (f64, f64) {
        (self.above.0 + self.here.0, self.above.1 + self.here.1)
    }
}

/// How much of a bin's class lies in the part of it above a depth, where its customers are spread evenly and scores are calibrated: towards the top the
/// odds grow by the logit. The tilt is the class's part of it.
fn above_depth(depth: f64, tilt: f64) -> f64 {
    depth + tilt / 2.0 * depth * (1.0 - depth)
}

impl<'a> ScoreFigures<'a> {
    pub(super) fn new(of: ScoreCounts<'a>) -> Self {
        let counts = [of.negatives, of.positives].concat();
        Self { bins: of.bins, counts, stddev: of.noise_stddev }
    }

    fn parts<'c>(&self, counts: &'c [f64]) -> (&'c [f64], &'c [f64]) {
        counts.split_at(self.bins.count().min(counts.len()))
    }

    /// All negatives and all positives, where there are some of both.
    pub(super) fn totals(&self, counts: &[f64]) -> Option<(f64, f64)> {
        let (negatives, positives) = self.parts(counts);
        let totals: (f64, f64) = (negatives.iter().sum(), positives.iter().sum());
        (totals.0 > 0.0 && totals.1 > 0.0).then_some(totals)
    }

    /// The part of a bin's negatives and positives above a depth in it.
    fn above_in(&self, bin: usize, depth: f64) -> (f64, f64) {
        let (score, step) = (self.bins.middle(bin), self.bins.step());
        (above_depth(depth, -step * score), above_depth(depth, step * (1.0 - score)))
    }

    fn down<'c>(&'c self, counts: &'c [f64]) -> impl Iterator<Item = Walk> + 'c {
        let (negatives, positives) = self.parts(counts);
        let parts = (0..self.bins.count()).rev().flat_map(move |bin| {
            (0..PARTS).map(move |part| {
                let end = |part: u32| self.above_in(bin, f64::from(part) / f64::from(PARTS));
                let (from, to) = (end(part), end(part + 1));
                (negatives[bin] * (to.0 - from.0), positives[bin] * (to.1 - from.1))
            })
        });
        let mut above = (0.0, 0.0);
        parts.map(move |here| {
            let walk = Walk { here, above };
            above = (above.0 + here.0, above.1 + here.1);
            walk
        })
    }

    /// A figure and its interval, where the counts can give them.
    fn estimate(&self, range: (f64, f64), figure: impl Fn(&[f64]) -> Option<f64>) -> Option<Estimate> {
        self.with_hidden(range, 0.0, figure)
    }

    /// As [`ScoreFigures::estimate`], with the standard error of what the bins hide.
    fn with_hidden(&self, range: (f64, f64), hidden: f64, figure: impl Fn(&[f64]) -> Option<f64>) -> Option<Estimate> {
        let value = figure(&self.counts)?;
        let error = standard_error(&mut self.counts.clone(), self.stddev, figure)?;
        let error = (error * error + hidden * hidden).sqrt();
        (value.is_finite() && error.is_finite()).then(|| Estimate::new(value, error, range))
    }

    /// Customers with a label.
    pub(super) fn customers(&self) -> Estimate {
        let error = self.stddev * (self.counts.len() as f64).sqrt();
        Estimate::new(self.counts.iter().sum(), error, (0.0, f64::INFINITY))
    }

    /// Share of positives.
    pub(super) fn positives(&self) -> Option<Estimate> {
        self.estimate((0.0, 1.0), |counts| {
            let (negatives, positives) = self.totals(counts)?;
            Some(positives / (negatives + positives))
        })
    }

    /// Area under the receiver operating characteristic.
    pub(super) fn auc(&self) -> Option<Estimate> {
        let (negatives, positives) = self.totals(&self.counts)?;
        // The order of a bin's customers is not known: as Mann and Whitney's U varies under chance.
        let varies = |bin: usize| {
            let (negative, positive) = (self.counts[bin].max(0.0), self.counts[self.bins.count() + bin].max(0.0));
            negative * positive * (negative + positive + 1.0) / 12.0
        };
        let hidden = (0..self.bins.count()).map(varies).sum::<f64>().sqrt() / (negatives * positives);
        self.with_hidden((0.0, 1.0), hidden, |counts| {
            let (negatives, positives) = self.totals(counts)?;
            let won: f64 =
                self.down(counts).map(|walk| walk.above.1 * walk.here.0 + walk.here.0 * walk.here.1 / 2.0).sum();
            Some(won / (negatives * positives))
        })
    }

    /// Area under precision and recall, as average precision: the mean precision at each positive.
    pub(super) fn pr_auc(&self) -> Option<Estimate> {
        let (_, positives) = self.totals(&self.counts)?;
        let hidden = self.hidden_in_precision().sqrt() / positives;
        self.with_hidden((0.0, 1.0), hidden, |counts| {
            let (_, positives) = self.totals(counts)?;
            let (mut area, mut waiting) = (0.0, 0.0);
            for (place, walk) in self.down(counts).enumerate() {
                let (negative, positive) = walk.here;
                let found = walk.above.1 + positive / 2.0;
                let listed = walk.above.0 + walk.above.1 + (negative + positive) / 2.0;
                waiting += positive;
                // A list that does not stand out of its noise has no precision: its positives have that of the first list that does.
                let cells = 2.0 * (1 + place / PARTS as usize) as f64;
                if listed >= (4.0 * self.stddev * cells.sqrt()).max(1.0) {
                    area += waiting * (found / listed).clamp(0.0, 1.0);
                    waiting = 0.0;
                }
            }
            Some(area / positives)
        })
    }

    /// How much the sum of all positives' precisions varies with the order of each bin's customers: a positive has any precision between those of the
    /// bin's edges.
    fn hidden_in_precision(&self) -> f64 {
        let (mut listed, mut found) = (0.0, 0.0);
        let (negatives, positives) = self.parts(&self.counts);
        let mut varies = 0.0;
        for (negative, positive) in negatives.iter().zip(positives).rev() {
            let before = if listed >= 1.0 { found / listed } else { 1.0 };
            (listed, found) = (listed + negative + positive, found + positive);
            let apart = if listed >= 1.0 { (found / listed - before).clamp(-1.0, 1.0) } else { 0.0 };
            varies += positive.max(0.0) * apart * apart / 12.0;
        }
        varies
    }

    /// The share of positives, and of negatives, with a score above each edge: from (0, 0) to (1, 1).
    pub(super) fn roc(&self) -> Vec<(f64, f64)> {
        let Some((negatives, positives)) = self.totals(&self.counts) else { return Vec::new() };
        let of_bins = self.down(&self.counts).skip(PARTS as usize - 1).step_by(PARTS as usize);
        let ends = of_bins.map(|walk| {
            let (negative, positive) = walk.so_far();
            ((negative / negatives).clamp(0.0, 1.0), (positive / positives).clamp(0.0, 1.0))
        });
        std::iter::once((0.0, 0.0)).chain(ends).collect()
    }

    /// Largest distance between the two classes' distributions of scores (Kolmogorov and Smirnov). The largest of noised distances is too large, by about
    /// the noise of one; the interval reaches lower by that.
    pub(super) fn ks(&self) -> Option<Estimate> {
        let totals = self.totals(&self.counts)?;
        let apart = |walk: &Walk, (negatives, positives): (f64, f64)| {
            let (negative, positive) = walk.so_far();
            (positive / positives - negative / negatives).abs()
        };
        let distances = self.down(&self.counts).map(|walk| apart(&walk, totals)).enumerate();
        let (place, value) = distances.max_by(|one, other| one.1.total_cmp(&other.1))?;
        let error = standard_error(&mut self.counts.clone(), self.stddev, |counts| {
            Some(apart(&self.down(counts).nth(place)?, self.totals(counts)?))
        })?;
        let bin = self.bins.count() - 1 - place / PARTS as usize;
        let hidden = self.counts[self.bins.count() + bin].max(1.0).sqrt() / totals.1;
        let interval = (value - 2.96 * error - hidden, value + 1.96 * error + 2.0 * hidden);
        Some(Estimate::between(value - error / 2.0, interval, (0.0, 1.0)))
    }

    /// Where the list of this share of customers ends, by score: after so many parts of bins, and how much of the next one.
    pub(super) fn end_of_list(&self, counts: &[f64], share: f64) -> Option<(usize, f64)> {
        let (negatives, positives) = self.totals(counts)?;
        let listed = share * (negatives + positives);
        let (mut place, mut within) = (0, 1.0);
        for (number, walk) in self.down(counts).enumerate() {
            let (here, above) = (walk.here.0 + walk.here.1, walk.above.0 + walk.above.1);
            let part = if here > 0.0 { ((listed - above) / here).clamp(0.0, 1.0) } else { 1.0 };
            (place, within) = (number, part);
            if above + here >= listed {
                break;
            }
        }
        Some((place, within))
    }

    /// Negatives and positives above the end of a list.
    pub(super) fn above(&self, counts: &[f64], (place, within): (usize, f64)) -> (f64, f64) {
        self.down(counts)
            .nth(place)
            .map_or((0.0, 0.0), |walk| (walk.above.0 + within * walk.here.0, walk.above.1 + within * walk.here.1))
    }

    /// The bin in which a list ends.
    pub(super) fn bin_of(&self, (place, _): (usize, f64)) -> usize {
        self.bins.count() - 1 - place / PARTS as usize
    }

    /// The sum of all customers' scores, each in the middle of its bin.
    pub(super) fn sum_of_scores(&self, counts: &[f64]) -> f64 {
        let (negatives, positives) = self.parts(counts);
        (0..self.bins.count()).map(|bin| self.bins.middle(bin) * (negatives[bin] + positives[bin])).sum()
    }

    /// How far the sum of all scores may be off, if in every bin they lie off its middle by this part of it.
    pub(super) fn off_middles(&self, counts: &[f64], shift: f64) -> f64 {
        let (negatives, positives) = self.parts(counts);
        let off = |bin: usize| self.bins.within(bin, 0.5 + shift) - self.bins.within(bin, 0.5 - shift);
        (0..self.bins.count()).map(|bin| off(bin) / 2.0 * (negatives[bin] + positives[bin]).max(0.0)).sum()
    }

    /// How many times more positives than at random are in the list of this share of customers, by score.
    pub(super) fn lift(&self, share: f64) -> Option<Estimate> {
        let lift = |counts: &[f64]| {
            let (_, positives) = self.totals(counts)?;
            let (_, found) = self.above(counts, self.end_of_list(counts, share)?);
            Some(found / positives / share)
        };
        // Which customers of the last bin are in the list is not known.
        let (_, positives) = self.totals(&self.counts)?;
        let bin = self.bin_of(self.end_of_list(&self.counts, share)?);
        let hidden = self.counts[self.bins.count() + bin].max(1.0).sqrt() / 2.0 / positives / share;
        self.with_hidden((0.0, 1.0 / share), hidden, lift)
    }

    /// The mean of a loss of each bin, by label.
    fn mean_loss(&self, loss: impl Fn(f64, bool) -> f64) -> Option<Estimate> {
        // Of one customer of each class in a bin, in the mean over the bin's parts.
        let of_bin = |bin: usize, shift: f64| {
            let mut losses = (0.0, 0.0);
            for part in 0..PARTS {
                let depth = |end: u32| f64::from(end) / f64::from(PARTS);
                let (from, to) = (self.above_in(bin, depth(part)), self.above_in(bin, depth(part + 1)));
                let score = self.bins.within(bin, 1.0 - (depth(part) + depth(part + 1)) / 2.0 + shift);
                losses.0 += (to.0 - from.0) * loss(score, false);
                losses.1 += (to.1 - from.1) * loss(score, true);
            }
            losses
        };
        let losses: Vec<(f64, f64)> = (0..self.bins.count()).map(|bin| of_bin(bin, 0.0)).collect();
        let sum = |counts: &[f64], losses: &[(f64, f64)]| -> f64 {
            let (negatives, positives) = self.parts(counts);
            let each = losses.iter().zip(negatives).zip(positives);
            each.map(|((loss, negative), positive)| loss.0 * negative + loss.1 * positive).sum()
        };
        // Customers of a bin are not spread evenly over it: their mean lies off its middle by a part of it.
        let (negatives, positives) = self.totals(&self.counts)?;
        let shifted = |shift| -> Vec<(f64, f64)> { (0..self.bins.count()).map(|bin| of_bin(bin, shift)).collect() };
        let [low, high] = [-HIDDEN_SHIFT, HIDDEN_SHIFT].map(|shift| sum(&self.counts, &shifted(shift)));
        // Nor are they at its mean: each lies anywhere in it.
        let (in_negatives, in_positives) = self.parts(&self.counts);
        let scattered = |bin: usize| {
            let apart =
                |positive| loss(self.bins.within(bin, 1.0), positive) - loss(self.bins.within(bin, 0.0), positive);
            let (negative, positive) = (apart(false), apart(true));
            (in_negatives[bin] * negative * negative + in_positives[bin] * positive * positive).max(0.0) / 12.0
        };
        let scattered: f64 = (0..self.bins.count()).map(scattered).sum();
        let hidden = ((high - low) * (high - low) / 4.0 + scattered).sqrt() / (negatives + positives);
        self.with_hidden((0.0, f64::INFINITY), hidden, |counts| {
            let (negatives, positives) = self.totals(counts)?;
            Some(sum(counts, &losses) / (negatives + positives))
        })
    }

    /// Mean logarithmic loss, in nats.
    pub(super) fn log_loss(&self) -> Option<Estimate> {
        self.mean_loss(|score, positive| -ln(if positive { score } else { 1.0 - score }))
    }

    /// Mean squared distance between score and label.
    pub(super) fn brier(&self) -> Option<Estimate> {
        self.mean_loss(|score, positive| {
            let distance = f64::from(u8::from(positive)) - score;
            distance * distance
        })
    }

    /// Groups of neighbouring bins, each with as many customers as ten equal groups would have, and enough to stand out of the noise.
    fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let (negatives, positives) = self.parts(&self.counts);
        let all: f64 = self.counts.iter().sum();
        let (mut groups, mut begun, mut size) = (Vec::new(), 0, 0.0);
        for bin in 0..self.bins.count() {
            size += negatives[bin] + positives[bin];
            let width = (bin + 1 - begun) as f64;
            let stands_out = 4.0 * self.stddev * (2.0 * width).sqrt();
            if size >= (all / 10.0).max(stands_out) {
                groups.push(begun..bin + 1);
                (begun, size) = (bin + 1, 0.0);
            }
        }
        // What is left at the end belongs to the last group: alone it would be too small to say something.
        match groups.last_mut() {
            Some(last) => last.end = self.bins.count(),
            None => groups.push(0..self.bins.count()),
        }
        groups
    }

    /// For each group of scores: the mean score, the share of positives, and the customers.
    pub(super) fn calibration(&self) -> Vec<(f64, Option<Estimate>, f64)> {
        let (negatives, positives) = self.parts(&self.counts);
        let group = |range: std::ops::Range<usize>| {
            let size = |bin: usize| negatives[bin] + positives[bin];
            let customers: f64 = range.clone().map(size).sum();
            let scores: f64 = range.clone().map(|bin| self.bins.middle(bin) * size(bin)).sum();
            let share = self.estimate((0.0, 1.0), |counts| {
                let (negatives, positives) = self.parts(counts);
                let found: f64 = range.clone().map(|bin| positives[bin]).sum();
                let all: f64 = range.clone().map(|bin| negatives[bin] + positives[bin]).sum();
                (all > 0.0).then(|| found / all)
            });
            let score = if customers > 0.0 { (scores / customers).clamp(0.0, 1.0) } else { 0.0 };
            (score, share, customers)
        };
        self.groups().into_iter().map(group).collect()
    }

    /// Expected calibration error: the mean distance between a group's share of positives and its mean score, by customers. A distance is too large by its
    /// noise, whose square is taken off.
    pub(super) fn ece(&self) -> Option<Estimate> {
        let (negatives, positives) = self.parts(&self.counts);
        let (all_negatives, all_positives) = self.totals(&self.counts)?;
        let (mut sum, mut noise, mut hidden) = (0.0, 0.0, 0.0);
        for range in self.groups() {
            let (mut apart, mut variance) = (0.0, 0.0);
            for bin in range {
                let score = self.bins.middle(bin);
                apart += positives[bin] * (1.0 - score) - negatives[bin] * score;
                variance += (score * score + (1.0 - score) * (1.0 - score)) * self.stddev * self.stddev;
                let off = self.bins.within(bin, 0.5 + HIDDEN_SHIFT) - self.bins.within(bin, 0.5 - HIDDEN_SHIFT);
                hidden += off / 2.0 * (positives[bin] + negatives[bin]);
            }
            sum += (apart * apart - variance).max(0.0).sqrt();
            noise += variance;
        }
        let all = all_negatives + all_positives;
        Some(Estimate::new(sum / all, (noise + hidden * hidden).sqrt() / all, (0.0, 1.0)))
    }
}
