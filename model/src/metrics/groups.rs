//! How a model treats groups of customers: each group's figures from its own noised counts, and how far they are from those of all customers.

use serde::{Deserialize, Serialize};

use super::divergence::STANDS_OUT;
use super::estimate::{Estimate, standard_error};
use super::scores::{HIDDEN_SHIFT, ScoreCounts, ScoreFigures};
use crate::cells::Cell;

/// Share of all customers in the list for which groups are compared.
pub const GROUP_LIST_SHARE: f64 = 0.1;

/// What counts say of one group and one label. A figure is absent where the group does not stand out of the noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFigures {
    /// Which customers.
    pub group: Cell,
    /// How many with a label.
    pub customers: Estimate,
    /// Share of positives.
    pub positives: Option<Compared>,
    /// Share of the group that is in the list of the best [`GROUP_LIST_SHARE`] of all customers.
    pub listed: Option<Compared>,
    /// Share of the group's positives that is in that list: the true-positive rate.
    pub found: Option<Compared>,
    /// Mean score.
    pub score: Option<Compared>,
    /// Mean score less the share of positives: above 0, the model promises too much of the group.
    pub calibration: Option<Compared>,
}

/// A group's figure, beside that of all customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The group's.
    pub own: Estimate,
    /// How much higher it is than that of all.
    pub difference: Estimate,
}

/// Counts of all customers, and of a group.
struct Both<'a> {
    figures: &'a ScoreFigures<'a>,
    /// Negatives and positives of all, then of the group.
    counts: Vec<f64>,
    stddev: f64,
}

impl GroupFigures {
    /// Everything that the counts of all customers and of a group say of the group.
    #[must_use]
    pub fn of(group: &Cell, all: ScoreCounts<'_>, own: ScoreCounts<'_>) -> Self {
        let figures = ScoreFigures::new(all);
        let counts = [all.negatives, all.positives, own.negatives, own.positives].concat();
        let both = Both { figures: &figures, counts, stddev: own.noise_stddev };
        let listed = |whole: &[f64], of: &[f64]| {
            let place = both.figures.end_of_list(whole, GROUP_LIST_SHARE)?;
            let (negatives, positives) = both.figures.above(of, place);
            Some((negatives, positives, size(both.figures.totals(of)?)))
        };
        let positives = both.compared(Need::Customers, 0.0, |_, of| {
            let totals = both.figures.totals(of)?;
            Some(totals.1 / size(totals))
        });
        let score = |of: &[f64]| Some(both.figures.sum_of_scores(of) / size(both.figures.totals(of)?));
        let calibration = |of: &[f64]| {
            let totals = both.figures.totals(of)?;
            Some((both.figures.sum_of_scores(of) - totals.1) / size(totals))
        };
        Self {
            group: group.clone(),
            customers: ScoreFigures::new(own).customers(),
            positives,
            listed: both.compared(Need::Customers, both.hidden_in_list(false), |whole, of| {
                let (negatives, positives, all) = listed(whole, of)?;
                Some((negatives + positives) / all)
            }),
            found: both.compared(Need::Positives, both.hidden_in_list(true), |whole, of| {
                let (_, positives, _) = listed(whole, of)?;
                Some(positives / both.figures.totals(of)?.1)
            }),
            score: both.compared(Need::Customers, both.hidden_in_bins(), |_, of| score(of)),
            calibration: both.compared(Need::Customers, both.hidden_in_bins(), |_, of| calibration(of)),
        }
    }
}

fn size((negatives, positives): (f64, f64)) -> f64 {
    negatives + positives
}

/// What must stand out of the noise.
#[derive(Clone, Copy)]
enum Need {
    Customers,
    Positives,
}

impl Both<'_> {
    fn halves<'c>(&self, counts: &'c [f64]) -> (&'c [f64], &'c [f64]) {
        counts.split_at(counts.len() / 2)
    }

    /// A figure of the group and how much higher it is than that of all; the figure is given all counts, and those that it is of. `hidden` is the standard
    /// error of what the bins hide.
    fn compared(&self, need: Need, hidden: f64, figure: impl Fn(&[f64], &[f64]) -> Option<f64>) -> Option<Compared> {
        let (_, own) = self.halves(&self.counts);
        let totals = self.figures.totals(own)?;
        let (found, cells) = match need {
            Need::Customers => (size(totals), own.len()),
            Need::Positives => (totals.1, own.len() / 2),
        };
        if found < (STANDS_OUT * self.stddev * (cells as f64).sqrt()).max(1.0) {
            return None;
        }
        let own_figure = |counts: &[f64]| {
            let (all, own) = self.halves(counts);
            figure(all, own)
        };
        let difference = |counts: &[f64]| {
            let (all, own) = self.halves(counts);
            Some(figure(all, own)? - figure(all, all)?)
        };
        let estimate = |figure: &dyn Fn(&[f64]) -> Option<f64>, range| {
            let value = figure(&self.counts)?;
            let error = standard_error(&mut self.counts.clone(), self.stddev, figure)?;
            let error = (error * error + hidden * hidden).sqrt();
            (value.is_finite() && error.is_finite()).then(|| Estimate::new(value, error, range))
        };
        // All of them are shares, or differences of shares.
        Some(Compared { own: estimate(&own_figure, (-1.0, 1.0))?, difference: estimate(&difference, (-1.0, 1.0))? })
    }

    /// Which customers of the list's last bin are in the list is not known.
    fn hidden_in_list(&self, positives: bool) -> f64 {
        let (all, own) = self.halves(&self.counts);
        let of = || {
            let bin = self.figures.bin_of(self.figures.end_of_list(all, GROUP_LIST_SHARE)?);
            let (in_negatives, in_positives) = own.split_at(own.len() / 2);
            let totals = self.figures.totals(own)?;
            let (within, whole) = if positives {
                (in_positives[bin], totals.1)
            } else {
                (in_negatives[bin] + in_positives[bin], size(totals))
            };
            Some(within.max(1.0).sqrt() / whole)
        };
        of().unwrap_or(0.0)
    }

    /// Customers of a bin are not spread evenly over it.
    fn hidden_in_bins(&self) -> f64 {
        let (_, own) = self.halves(&self.counts);
        self.figures.totals(own).map_or(0.0, |totals| self.figures.off_middles(own, HIDDEN_SHIFT) / size(totals))
    }
}
