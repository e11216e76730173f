//! What a model is worth, on rows that were held out: exact figures, because all rows are at hand.

use ndarray::Array2;
use serde::Serialize;
use tributary_model::evaluate::{auc, log_loss};
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::train::predict;

use crate::fault::RehearsalFault;

/// Share of customers in the list whose lift is given.
const LIST: f64 = 0.1;
/// Groups of the calibration error.
const GROUPS: usize = 10;

/// One head's figures. A figure is absent where only one class, or nothing, is labelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judged {
    /// Area under the receiver operating characteristic.
    pub auc: Option<f64>,
    /// Largest distance between both classes' distributions of scores (Kolmogorov and Smirnov).
    pub ks: Option<f64>,
    /// How many times more positives than at random are in the tenth of rows with the highest scores.
    pub lift_10: Option<f64>,
    /// Mean cross-entropy, in nats.
    pub log_loss: Option<f64>,
    /// Mean squared distance between score and label.
    pub brier: Option<f64>,
    /// Expected calibration error over ten groups of equal size (Naeini et al. 2015).
    pub ece: Option<f64>,
}

/// The figures of each head.
///
/// # Errors
/// If rows and model do not fit.
pub fn judge(model: &Parameters, rows: &FeatureMatrix) -> Result<Vec<Judged>, RehearsalFault> {
    let scores = predict(model, rows)?;
    Ok((0..rows.labels()).map(|head| of_head(&scores, rows, head)).collect())
}

fn of_head(scores: &Array2<f32>, rows: &FeatureMatrix, head: usize) -> Judged {
    let labels = (0..rows.rows()).map(|row| (row, rows.label(row, head)));
    let labelled = labels.filter(|(_, (_, known))| *known == 1.0);
    let (scores, targets): (Vec<f32>, Vec<bool>) =
        labelled.map(|(row, (target, _))| (scores[[row, head]], target == 1.0)).unzip();
    Judged::of(&scores, &targets)
}

impl Judged {
    /// The figures of scores, each a probability, against labels. All are absent where the lengths differ or a score is no number.
    #[must_use]
    pub fn of(scores: &[f32], targets: &[bool]) -> Self {
        if scores.len() != targets.len() || scores.is_empty() || scores.iter().any(|score| score.is_nan()) {
            return Self::default();
        }
        let mut ranked: Vec<(f64, f64)> = scores
            .iter()
            .zip(targets)
            .map(|(score, target)| (f64::from(*score), f64::from(u8::from(*target))))
            .collect();
        ranked.sort_by(|left, right| right.0.total_cmp(&left.0));
        Self {
            auc: auc(scores, targets),
            ks: ks(&ranked),
            lift_10: lift(&ranked, LIST),
            log_loss: log_loss(scores, targets),
            brier: Some(mean(ranked.iter().map(|(score, target)| (score - target) * (score - target)))),
            ece: Some(ece(&ranked)),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Positives and all.
fn totals(ranked: &[(f64, f64)]) -> (f64, f64) {
    (ranked.iter().map(|(_, target)| target).sum(), ranked.len() as f64)
}

/// Of rows from the highest score down.
fn ks(ranked: &[(f64, f64)]) -> Option<f64> {
    let (positives, all) = totals(ranked);
    if positives == 0.0 || positives == all {
        return None;
    }
    let (mut found, mut seen, mut most) = (0.0, 0.0, 0.0_f64);
    for tie in ranked.chunk_by(|left, right| left.0 == right.0) {
        let (own, size) = totals(tie);
        (found, seen) = (found + own, seen + size);
        most = most.max((found / positives - (seen - found) / (all - positives)).abs());
    }
    Some(most)
}

/// Rows of one score are in the list by their part of it.
fn lift(ranked: &[(f64, f64)], share: f64) -> Option<f64> {
    let (positives, all) = totals(ranked);
    if positives == 0.0 {
        return None;
    }
    let (mut left, mut found) = (share * all, 0.0);
    for tie in ranked.chunk_by(|left, right| left.0 == right.0) {
        let (own, size) = totals(tie);
        let part = (left / size).min(1.0);
        found += part * own;
        left -= part * size;
        if left <= 0.0 {
            break;
        }
    }
    Some(found / positives / share)
}

fn ece(ranked: &[(f64, f64)]) -> f64 {
    let count = ranked.len();
    let groups = (0..GROUPS).map(|group| &ranked[count * group / GROUPS..count * (group + 1) / GROUPS]);
    let apart = groups.map(|group| group.iter().map(|(score, target)| score - target).sum::<f64>().abs());
    apart.sum::<f64>() / count as f64
}
