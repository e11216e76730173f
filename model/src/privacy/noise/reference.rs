//! The discrete Gaussian by summation, to test against. In f64.

/// `sum_x exp(-x^2 / 2v)`. By Poisson summation it is `sqrt(2 pi v)` but for a relative `2 exp(-2 pi^2 v)`.
fn normalizer(variance: f64) -> f64 {
    if variance > 4.0 { (core::f64::consts::TAU * variance).sqrt() } else { sum(variance, |_| 1.0) }
}

/// Probability of `value`.
pub(super) fn probability(variance: f64, value: f64) -> f64 {
    (-value * value / (2.0 * variance)).exp() / normalizer(variance)
}

/// Variance of the discrete Gaussian with parameter `variance`.
pub(super) fn true_variance(variance: f64) -> f64 {
    sum(variance, |x| x * x) / normalizer(variance)
}

/// `sum_x f(x) exp(-x^2 / 2v)` over all integers, small terms first.
fn sum(variance: f64, f: impl Fn(f64) -> f64) -> f64 {
    let reach = (variance.sqrt() * 14.0).ceil().max(14.0);
    let mut total = 0.0;
    let mut x = reach;
    while x > 0.0 {
        total += 2.0 * f(x) * (-x * x / (2.0 * variance)).exp();
        x -= 1.0;
    }
    total + f(0.0)
}

mod tests {
    use super::super::super::vectors::{close, rows};
    use super::*;

    #[test]
    fn known_values() {
        // The reference accountants.
        assert!((true_variance(0.25) / 0.25 - 0.860_050_7).abs() < 1e-7);
        assert!((probability(0.25, 0.0) - 0.786_570_707).abs() < 1e-9);
        assert!((probability(1.0, 0.0) - 0.398_942_278).abs() < 1e-9);
    }

    #[test]
    fn vectors() {
        for row in rows("dgauss_vectors.csv") {
            let sigma = row.number("sigma");
            close(true_variance(sigma * sigma), row.number("variance"), 1e-9, &row);
        }
        for row in rows("dgauss_pmf_vectors.csv") {
            let (sigma, k) = (row.number("sigma"), row.number("k"));
            close(probability(sigma * sigma, k), row.number("pmf"), 1e-9, &row);
        }
    }
}
