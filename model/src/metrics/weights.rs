//! Weight of evidence and information value of a field's bins, from noised counts of customers by label and bin (Good 1950; Siddiqi 2006).

use serde::{Deserialize, Serialize};

use super::divergence::{NoisedCounts, alone, divergence};
use super::estimate::Estimate;
use crate::cells::Cell;
use crate::elementary::ln;

/// What a field's counts say of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldWeights {
    /// The label.
    pub head: String,
    /// The field.
    pub field: String,
    /// Over bins that stand out of the noise, the others counting as one.
    pub information_value: Option<Estimate>,
    /// In the field's order.
    pub bins: Vec<BinWeight>,
}

/// One bin of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinWeight {
    /// Which values.
    pub bin: Cell,
    /// Customers in it whose label is known.
    pub customers: Estimate,
    /// The share of positives in it; nothing where it does not stand out of the noise.
    pub positives: Option<Estimate>,
    /// The logarithm of its share of all positives over its share of all negatives: above 0, positives are more frequent than on average. Nothing where
    /// one of both classes does not stand out of the noise.
    pub weight: Option<Estimate>,
}

impl FieldWeights {
    /// From the counts of both classes, one for each cell.
    #[must_use]
    pub fn of((head, field): (&str, &str), cells: &[Cell], [negatives, positives]: [NoisedCounts<'_>; 2]) -> Self {
        let bins = cells.iter().enumerate().map(|(at, cell)| bin(at, cell, negatives, positives)).collect();
        let information_value = divergence(positives, negatives, &alone(negatives, positives));
        Self { head: head.to_owned(), field: field.to_owned(), information_value, bins }
    }
}

fn bin(at: usize, cell: &Cell, negatives: NoisedCounts<'_>, positives: NoisedCounts<'_>) -> BinWeight {
    let both = [negatives, positives];
    let [own_negative, own_positive] = both.map(|class| class.of(&[at]));
    let variance = both.map(|class| class.noise_stddev * class.noise_stddev);
    let customers = own_negative + own_positive;
    let of_both = (variance[0] + variance[1]).sqrt();
    let stands_out = customers >= (super::divergence::STANDS_OUT * of_both).max(1.0);
    let share = || {
        let slopes = [own_positive / customers / customers, own_negative / customers / customers];
        let error = (slopes[0] * slopes[0] * variance[0] + slopes[1] * slopes[1] * variance[1]).sqrt();
        Estimate::new(own_positive / customers, error, (0.0, 1.0))
    };
    BinWeight {
        bin: cell.clone(),
        customers: Estimate::new(customers, of_both, (0.0, f64::INFINITY)),
        positives: stands_out.then(share),
        weight: both.iter().all(|class| class.stands_out(&[at])).then(|| weight(at, negatives, positives)).flatten(),
    }
}

fn weight(at: usize, negatives: NoisedCounts<'_>, positives: NoisedCounts<'_>) -> Option<Estimate> {
    // The logarithm of one class's share, how far noise alone moves it in the mean, and its variance.
    let part = |class: NoisedCounts<'_>| {
        let (own, all) = (class.of(&[at]), class.counts.iter().sum::<f64>());
        let (variance, others) = (class.noise_stddev * class.noise_stddev, class.counts.len().saturating_sub(1));
        let relative = variance / (own * own);
        let slope = 1.0 / own - 1.0 / all;
        let first = variance * (slope * slope + others as f64 / (all * all));
        (all >= own).then(|| (ln(own / all) + relative / 2.0, first + relative * relative / 2.0))
    };
    let (positive, negative) = (part(positives)?, part(negatives)?);
    let (value, error) = (positive.0 - negative.0, (positive.1 + negative.1).sqrt());
    (value.is_finite() && error.is_finite()).then(|| Estimate::new(value, error, (f64::NEG_INFINITY, f64::INFINITY)))
}
