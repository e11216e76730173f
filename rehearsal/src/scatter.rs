//! How far runs of one plan score the same customer apart: the noise of their scores, measured.

use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::train::predict;

use crate::fault::RehearsalFault;

/// Scores are kept this far from 0 and 1.
const PROBABILITY_MIN: f64 = 1e-6;

/// Standard deviation of a customer's score over runs that differ in their noise alone, in logits: the root of the mean square over rows and heads.
/// Nothing of fewer than two models, or without rows.
///
/// # Errors
/// If rows and models do not fit.
pub fn score_noise(models: &[Parameters], rows: &FeatureMatrix) -> Result<Option<f64>, RehearsalFault> {
    if models.len() < 2 || rows.rows() == 0 {
        return Ok(None);
    }
    let (mut sums, mut squares) = (Vec::new(), Vec::new());
    for model in models {
        let scores = predict(model, rows)?;
        sums.resize(scores.len(), 0.0);
        squares.resize(scores.len(), 0.0);
        for ((score, sum), square) in scores.iter().zip(&mut sums).zip(&mut squares) {
            let probability = f64::from(*score).clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
            let logit = (probability / (1.0 - probability)).ln();
            *sum += logit;
            *square += logit * logit;
        }
    }
    let count = models.len() as f64;
    let variances =
        sums.iter().zip(&squares).map(|(sum, square)| ((square - sum * sum / count) / (count - 1.0)).max(0.0));
    Ok(Some((variances.sum::<f64>() / sums.len() as f64).sqrt()))
}
