//! How much each field moves the scores of an additive model: the variance of its contribution to the logit, over the customers as they were counted by the
//! field's values (the importance of a term in a generalised additive model; Hastie and Tibshirani 1990, section 9.4).

use serde::{Deserialize, Serialize};

use super::divergence::NoisedCounts;
use super::estimate::{Estimate, standard_error};

/// What a model's fields do to one label's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldImportance {
    /// The label.
    pub head: String,
    /// The field; of what two fields have together both, as `age × region`.
    pub field: String,
    /// Variance of its contribution, in logits squared. The interval is of the noise in the counts; the model is what it is.
    pub variance: Option<Estimate>,
    /// The variance that the noise in training alone gives a contribution in the mean; nothing where it is not known.
    pub noise: Option<f64>,
    /// Whether the noise in training explains the whole of it: the field may well say nothing.
    pub below_noise: bool,
}

/// What importance is worked out from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// Of every label and field.
    Fields(Vec<FieldImportance>),
    /// The plan has counted no fields.
    NoCounts,
    /// The model is no sum over fields, so that it has no importance of a field from public numbers.
    NotAdditive,
}

/// What one cell of a field adds to a score, and the variance of that by the noise in training.
#[derive(Clone, Copy, Debug)]
pub struct Contribution {
    /// In logits.
    pub value: f64,
    /// In logits squared.
    pub noise: Option<f64>,
}

/// By so many standard deviations of its own a variance must pass what the noise gives: one field of twenty passes by chance.
const DEVIATIONS: f64 = 1.645;

impl FieldImportance {
    /// From what each cell adds to a score, and how many customers it has.
    #[must_use]
    pub fn of((head, field): (&str, &str), cells: &[Contribution], counts: NoisedCounts<'_>) -> Self {
        let variance_of = |counts: &[f64]| {
            let all: f64 = counts.iter().sum();
            let mean = |of: &dyn Fn(&Contribution) -> f64| {
                cells.iter().zip(counts).map(|(cell, count)| of(cell) * count).sum::<f64>() / all
            };
            let middle = mean(&|cell| cell.value);
            (all > 0.0).then(|| mean(&|cell| (cell.value - middle) * (cell.value - middle)))
        };
        let stands_out = counts.stands_out(&(0..counts.counts.len()).collect::<Vec<_>>());
        let variance = variance_of(counts.counts).filter(|_| stands_out).and_then(|value| {
            let error = standard_error(&mut counts.counts.to_vec(), counts.noise_stddev, variance_of)?;
            Some(Estimate::new(value, error, (0.0, f64::INFINITY)))
        });
        let noise = variance.and(noise_in(cells, counts.counts));
        let below_noise = match (variance, noise) {
            (Some(variance), Some((noise, deviation))) => variance.value <= noise + DEVIATIONS * deviation,
            _ => false,
        };
        let noise = noise.map(|(noise, _)| noise);
        Self { head: head.to_owned(), field: field.to_owned(), variance, noise, below_noise }
    }
}

impl FieldImportance {
    /// Of a part of a score that several fields have together. `counts` are those of all of them, one field after the other, `cells` how many each has; a
    /// variance follows from such counts. What noise in training gives it is not known.
    #[must_use]
    pub fn of_several(
        (head, field): (&str, &str),
        (counts, cells): (NoisedCounts<'_>, &[usize]),
        variance_of: impl Fn(&[f64]) -> Option<f64>,
    ) -> Self {
        let mut next = 0;
        let mut stands_out = cells.iter().map(|count| {
            let own: Vec<usize> = (next..next + count).collect();
            next += count;
            counts.stands_out(&own)
        });
        let variance = if stands_out.all(|stands| stands) { variance_of(counts.counts) } else { None };
        let variance = variance.and_then(|value| {
            let error = standard_error(&mut counts.counts.to_vec(), counts.noise_stddev, variance_of)?;
            Some(Estimate::new(value, error, (0.0, f64::INFINITY)))
        });
        Self { head: head.to_owned(), field: field.to_owned(), variance, noise: None, below_noise: false }
    }
}

/// The mean variance over customers that independent noise in the cells gives, and how much that varies.
fn noise_in(cells: &[Contribution], counts: &[f64]) -> Option<(f64, f64)> {
    // Noise cannot be asked for less than nobody.
    let all: f64 = counts.iter().map(|count| count.max(0.0)).sum();
    let (mut noise, mut squares) = (0.0, 0.0);
    for (cell, count) in cells.iter().zip(counts) {
        let share = count.max(0.0) / all;
        let own = share * (1.0 - share) * cell.noise?;
        noise += own;
        squares += own * own;
    }
    (all > 0.0).then(|| (noise, (2.0 * squares).sqrt()))
}
