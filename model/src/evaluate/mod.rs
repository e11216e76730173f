//! How good scores are, on a branch's own rows. Nothing here is private: results leave a branch only as noised coordinates.

use ndarray::Array2;

use crate::elementary::ln;
use crate::features::FeatureMatrix;

/// Scores are kept this far from 0 and 1 before a logarithm is taken.
const PROBABILITY_MIN: f64 = 1e-7;

/// One head's scores against the labels that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Area under the receiver operating characteristic; None where only one class, or nothing, is labelled.
    pub auc: Option<f64>,
    /// Mean binary cross-entropy, in nats; None where nothing is labelled.
    pub log_loss: Option<f64>,
    /// Rows whose label is known.
    pub labelled: usize,
    /// Of these, rows whose label is 1.
    pub positives: usize,
}

/// Evaluates one head: `scores` is rows x heads, as `train::predict` gives it. None if the shapes differ or there is no such head.
#[must_use]
pub fn evaluate(scores: &Array2<f32>, data: &FeatureMatrix, head: usize) -> Option<Evaluation> {
    if scores.dim() != (data.rows(), data.labels()) || head >= scores.ncols() {
        return None;
    }
    let labels = (0..data.rows()).map(|row| (row, data.label(row, head)));
    let labelled = labels.filter(|(_, (_, present))| *present == 1.0);
    let (scores, targets): (Vec<f32>, Vec<bool>) =
        labelled.map(|(row, (target, _))| (scores[[row, head]], target == 1.0)).unzip();
    Some(Evaluation {
        auc: auc(&scores, &targets),
        log_loss: log_loss(&scores, &targets),
        labelled: scores.len(),
        positives: targets.iter().filter(|target| **target).count(),
    })
}

/// The exact area under the receiver operating characteristic: the share of (positive, negative) pairs in which the positive scores higher,
/// ties counting one half (Hanley and McNeil 1982), from mid-ranks in O(n log n).
///
/// None if the lengths differ, only one class is present, or a score is not a number.
#[must_use]
pub fn auc(scores: &[f32], targets: &[bool]) -> Option<f64> {
    if scores.len() != targets.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut ranked: Vec<(f32, bool)> = scores.iter().copied().zip(targets.iter().copied()).collect();
    ranked.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    // Twice the number of pairs won, in integers: negatives below count two, negatives in the same tie one.
    let (mut won, mut below) = (0_u128, 0_u128);
    for tie in ranked.chunk_by(|left, right| left.0 == right.0) {
        let positives = tie.iter().filter(|(_, target)| *target).count() as u128;
        let negatives = tie.len() as u128 - positives;
        won += positives * (2 * below + negatives);
        below += negatives;
    }
    let pairs = (ranked.len() as u128 - below) * below;
    (pairs > 0).then(|| won as f64 / (2 * pairs) as f64)
}

/// Mean binary cross-entropy in nats; scores are probabilities, kept 1e-7 away from 0 and 1. None if the lengths differ, there is none, or a
/// score is not a number.
#[must_use]
pub fn log_loss(scores: &[f32], targets: &[bool]) -> Option<f64> {
    if scores.len() != targets.len() || scores.is_empty() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let losses = scores.iter().zip(targets).map(|(score, target)| {
        let probability = f64::from(*score).clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
        // The difference loses nothing: a score has 24 bits, and is not near 0.
        -ln(if *target { probability } else { 1.0 - probability })
    });
    Some(losses.fold(0.0, |sum, loss| sum + loss) / scores.len() as f64)
}

/// Mean over branches, each branch counting once; branches without a value are left out. None if no branch has one.
#[must_use]
pub fn branch_mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().fold(0.0, |sum, value| sum + value) / known.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_has_the_known_values() {
        // The textbook example: three of four pairs are won.
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
        assert_eq!(auc(&[0.9, 0.1], &[true, false]), Some(1.0));
        assert_eq!(auc(&[0.1, 0.9], &[true, false]), Some(0.0));
        assert_eq!(auc(&[0.5; 6], &[true, false, true, false, false, false]), Some(0.5));
        // One tie of a positive and a negative, one pair won of two.
        assert_eq!(auc(&[0.2, 0.5, 0.5], &[false, true, false]), Some(0.75));
        assert_eq!(auc(&[-0.0, 0.0], &[true, false]), Some(0.5));
    }

    #[test]
    fn auc_agrees_with_counting_pairs() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for size in [2, 3, 10, 101, 300] {
            let scores: Vec<f32> = (0..size).map(|_| (next() % 20) as f32 / 20.0).collect();
            let targets: Vec<bool> = (0..size).map(|row| row == 0 || (row > 1 && next() % 3 == 0)).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (positive, _) in scores.iter().zip(&targets).filter(|(_, target)| **target) {
                for (negative, _) in scores.iter().zip(&targets).filter(|(_, target)| !**target) {
                    won += if positive > negative {
                        1.0
                    } else if positive == negative {
                        0.5
                    } else {
                        0.0
                    };
                    pairs += 1.0;
                }
            }
            assert_eq!(auc(&scores, &targets), Some(won / pairs));
        }
    }

    #[test]
    fn one_class_has_no_auc() {
        assert_eq!(auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auc(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(auc(&[], &[]), None);
        assert_eq!(auc(&[f32::NAN, 0.2], &[true, false]), None);
        assert_eq!(auc(&[0.1], &[true, false]), None);
    }

    #[test]
    fn log_loss_has_the_known_values() {
        let loss = log_loss(&[0.5, 0.25], &[true, false]).unwrap();
        assert!((loss - (2.0_f64.ln() - 0.75_f64.ln()) / 2.0).abs() < 1e-12);
        assert!((log_loss(&[1.0], &[false]).unwrap() - 16.118_095).abs() < 1e-5);
        assert_eq!(log_loss(&[], &[]), None);
        let loss = log_loss(&[0.1, 0.73, 0.999, 3e-8, 0.5], &[false, true, false, true, true]).unwrap();
        assert_eq!(loss.to_bits(), 0x4013_4faf_1d2c_728a, "to the bit, by another program");
    }

    #[test]
    fn only_labelled_rows_count() {
        let column = |values: [f32; 4]| Array2::from_shape_vec((4, 1), values.to_vec()).unwrap();
        let data = FeatureMatrix::new(
            column([0.0; 4]),
            column([1.0, 0.0, 0.0, 0.0]),
            column([1.0, 1.0, 0.0, 1.0]),
            vec![0, 1, 2, 3],
        )
        .unwrap_or_else(|error| panic!("{error}"));
        let found = evaluate(&column([0.5, 0.2, 0.9, 0.6]), &data, 0).unwrap();
        assert_eq!((found.auc, found.labelled, found.positives), (Some(0.5), 3, 1));
        assert_eq!(evaluate(&column([0.5; 4]), &data, 1), None);
    }

    #[test]
    fn branches_count_once() {
        assert_eq!(branch_mean(&[Some(0.5), None, Some(1.0)]), Some(0.75));
        assert_eq!(branch_mean(&[None]), None);
    }
}
