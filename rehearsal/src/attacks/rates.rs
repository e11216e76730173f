//! Rates of few trials, and what they prove (Clopper and Pearson 1934).

use serde::Serialize;

/// A rate with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Hits over trials.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Chance that an end of a 95 % interval is wrong.
const DOUBT_OF_AN_END: f64 = 0.025;

/// Chance that one of both rates in a bound of epsilon is wrong: the bound is of 99 % confidence.
const DOUBT_OF_A_RATE: f64 = 0.005;

impl Rate {
    /// Of so many hits; nothing of no trial.
    #[must_use]
    pub fn of(hits: usize, trials: usize) -> Option<Self> {
        (trials > 0).then(|| Self {
            value: hits as f64 / trials as f64,
            low: rate_min((hits, trials), DOUBT_OF_AN_END),
            high: rate_max((hits, trials), DOUBT_OF_AN_END),
        })
    }
}

/// The largest rate that gives so few hits of so many trials with this chance, which is above 0 and below 1; 1 where every trial was a hit.
#[must_use]
pub fn rate_max((hits, trials): (usize, usize), doubt: f64) -> f64 {
    if hits >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most((hits, trials), middle) > doubt { low = middle } else { high = middle }
    }
    high
}

/// The smallest rate that gives so many hits of so many trials with this chance; 0 where no trial was a hit.
#[must_use]
pub fn rate_min((hits, trials): (usize, usize), doubt: f64) -> f64 {
    1.0 - rate_max((trials.saturating_sub(hits), trials), doubt)
}

/// Chance of so many hits at most, at a rate strictly between 0 and 1.
fn at_most((hits, trials): (usize, usize), rate: f64) -> f64 {
    let (success, failure) = (rate.ln(), (-rate).ln_1p());
    let (mut ways, mut sum) = (0.0_f64, 0.0_f64);
    for hit in 0..=hits {
        let (own, left) = (hit as f64, (trials - hit) as f64);
        sum += (ways + own * success + left * failure).exp();
        ways += (left / (own + 1.0)).ln();
    }
    sum
}

/// A lower bound of epsilon at this delta, with 99 % confidence, from scores of trials with and without a customer; 0 where they prove nothing.
///
/// One half of the trials chooses the threshold, and the other one judges it. Whoever is `(epsilon, delta)` private has hits of `e^epsilon` times the
/// false alarms and delta at most, and the same of misses.
pub(super) fn epsilon_low(with: &[f64], without: &[f64], delta: f64) -> f64 {
    let halves = |scores: &[f64]| -> [Vec<f64>; 2] {
        let half = |odd: usize| scores.iter().skip(odd).step_by(2).copied().collect();
        [half(0), half(1)]
    };
    let ([with, judged_with], [without, judged_without]) = (halves(with), halves(without));
    let mut thresholds: Vec<f64> = with.iter().chain(&without).copied().collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let bound = |with: &[f64], without: &[f64], (threshold, above): (f64, bool)| {
        let count = |scores: &[f64]| {
            let hits = scores.iter().filter(|score| if above { **score > threshold } else { **score <= threshold });
            (hits.count(), scores.len())
        };
        // Below the threshold a customer who is not there is the hit.
        let (hits, alarms) = if above { (count(with), count(without)) } else { (count(without), count(with)) };
        let (least, most) = (rate_min(hits, DOUBT_OF_A_RATE), rate_max(alarms, DOUBT_OF_A_RATE));
        if least > delta && most > 0.0 { ((least - delta) / most).ln() } else { f64::MIN }
    };
    let step = (thresholds.len() / THRESHOLDS_MAX).max(1);
    let tried = thresholds.into_iter().step_by(step).flat_map(|threshold| [(threshold, true), (threshold, false)]);
    let of_tried = tried.map(|way| (bound(&with, &without, way), way));
    let best = of_tried.max_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or(0.0, |(_, way)| bound(&judged_with, &judged_without, way).max(0.0))
}

/// The largest bound that [`epsilon_low`] can come to with so many trials on each side: every customer told from its absence, without one error.
pub(super) fn epsilon_most(trials: usize, delta: f64) -> f64 {
    // Of each side the second half judges.
    let judged = trials / 2;
    let (least, most) = (rate_min((judged, judged), DOUBT_OF_A_RATE), rate_max((0, judged), DOUBT_OF_A_RATE));
    if judged > 0 && least > delta { ((least - delta) / most).ln().max(0.0) } else { 0.0 }
}

/// Thresholds that are tried.
const THRESHOLDS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_bounded_as_clopper_and_pearson_say() {
        // No hit in n: 1 - doubt^(1/n). One in two: 1 - sqrt(1 - doubt), and the mirror image.
        assert!((rate_max((0, 100), 0.005) - (1.0 - 0.005_f64.powf(0.01))).abs() < 1e-9);
        assert!((rate_max((1, 2), 0.005) - (1.0 - 0.005_f64).sqrt()).abs() < 1e-9);
        assert!((rate_min((1, 2), 0.005) - (1.0 - (1.0 - 0.005_f64).sqrt())).abs() < 1e-9);
        assert!((rate_max((7, 7), 0.005) - 1.0).abs() < 1e-12 && rate_min((0, 7), 0.005) < 1e-12);
        let rate = Rate::of(5, 10).unwrap();
        assert!((rate.value - 0.5).abs() < 1e-12 && (rate.low + rate.high - 1.0).abs() < 1e-9, "{rate:?}");
        assert_eq!(Rate::of(0, 0), None);
    }

    #[test]
    fn what_says_nothing_proves_nothing_and_what_says_all_proves_much() {
        let same: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(epsilon_low(&same, &same, 1e-6) < 0.3);
        let other: Vec<f64> = same.iter().map(|score| score + 5_000.0).collect();
        let found = epsilon_low(&other, &same, 1e-6);
        assert!(found > 4.0 && (found - epsilon_most(1000, 1e-6)).abs() < 1e-9, "{found}");
        assert!((epsilon_most(2000, 1e-6) - 5.24).abs() < 0.01 && (epsilon_most(100, 1e-6) - 2.19).abs() < 0.01);
        assert!(epsilon_most(1, 1e-6).abs() < 1e-12 && epsilon_most(100, 1.0).abs() < 1e-12);
        // Randomised response of epsilon ln 3: three quarters tell the truth.
        let answers = |yes: usize| -> Vec<f64> { (0..4000).map(|at| f64::from(u8::from(at % 8 < yes))).collect() };
        let found = epsilon_low(&answers(6), &answers(2), 0.0);
        assert!(found > 0.8 && found < 3.0_f64.ln(), "{found}");
        assert!(epsilon_low(&[], &[], 1e-6).abs() < 1e-12);
    }
}
