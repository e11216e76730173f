//! Whether a plan's public number of customers is near the noised one that its rounds open.
//!
//! The gradient, the loss and the steps are divided by `customers_nominal`, never by a count of rows. Where it is wrong by a factor, all of
//! them are. The noised count says so, as far as its noise lets it.

use crate::counts::{CellLayout, NoisedHistogram};
use crate::server_optimizer::RoundMetrics;

/// A nominal number is far from the counted one if it is wrong by more than this factor, whatever the noise.
pub const FAR_FACTOR: f64 = 1.5;

/// Standard deviations that are granted to the noise: it alone passes them once in 30,000 plans.
const DEVIATIONS: f64 = 4.0;

/// A count that passes its noise by less may be of nobody.
const NONE_DEVIATIONS: f64 = 2.0;

/// One round's number of customers, with its noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoisedCustomers {
    /// All customers of the branches in the sum, also those whom a coin left out; can be fractional or negative.
    pub customers: f64,
    /// Variance, at most.
    pub variance: f64,
}

/// The mean over rounds so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct CustomerEstimate {
    rounds: f64,
    sum: f64,
    variance: f64,
}

/// A nominal number that is far from the counted one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FarNominal {
    /// The plan's.
    pub nominal: u64,
    /// Counted, noise included.
    pub customers: f64,
    /// Standard deviation of that count, at most.
    pub stddev: f64,
}

impl NoisedCustomers {
    /// What rode along with gradients: `variance` is the noise of the count at most, in customers squared, and each customer was in by a coin of
    /// this probability.
    #[must_use]
    pub fn of_rider(metrics: &RoundMetrics, variance: f64, probability: f64) -> Self {
        let customers = metrics.customers / probability;
        let coins = customers.max(0.0) * (1.0 - probability) / probability;
        Self { customers, variance: variance / (probability * probability) + coins }
    }

    /// What histograms of fields counted: the mean over those in which everybody is. `of_cell` is the noise of one cell at most, in customers
    /// squared.
    #[must_use]
    pub fn of_histograms(layout: &CellLayout, histograms: &[NoisedHistogram], of_cell: f64) -> Option<Self> {
        let complete = histograms.iter().enumerate().filter(|(index, _)| layout.counts_everybody(*index));
        let (mut sum, mut cells, mut number) = (0.0, 0.0, 0.0);
        for (_, histogram) in complete {
            sum += histogram.counts.iter().fold(0.0, |sum, count| sum + count);
            cells += histogram.counts.len() as f64;
            number += 1.0;
        }
        (number > 0.0).then(|| Self { customers: sum / number, variance: of_cell * cells / (number * number) })
    }
}

impl NoisedCustomers {
    /// Whether this round alone is far from `nominal`, and its count what noise alone would give.
    #[must_use]
    pub fn is_noise_alone(self, nominal: u64) -> Option<FarNominal> {
        let mut round = CustomerEstimate::default();
        round.add(self);
        round.far_from(nominal).filter(FarNominal::is_noise_alone)
    }
}

impl CustomerEstimate {
    /// Takes one more round in. Each has noise of its own, so that the mean's becomes smaller.
    pub fn add(&mut self, round: NoisedCustomers) {
        self.rounds += 1.0;
        self.sum += round.customers;
        self.variance += round.variance;
    }

    /// Whether `nominal` is far from the mean, beyond what the noise explains.
    #[must_use]
    pub fn far_from(&self, nominal: u64) -> Option<FarNominal> {
        let (customers, stddev) = (self.sum / self.rounds, self.variance.sqrt() / self.rounds);
        let expected = nominal as f64;
        let margin = DEVIATIONS * stddev;
        let more = customers - margin > expected * FAR_FACTOR;
        let fewer = customers + margin < expected / FAR_FACTOR;
        (more || fewer).then_some(FarNominal { nominal, customers, stddev })
    }
}

impl FarNominal {
    /// Whether the count is what noise alone would give: no branch need have had a customer in it.
    #[must_use]
    pub fn is_noise_alone(&self) -> bool {
        self.customers <= NONE_DEVIATIONS * self.stddev
    }

    /// By so much loss and steps are wrong; nothing where hardly anybody was counted.
    #[must_use]
    pub fn factor(&self) -> Option<f64> {
        (self.customers >= 1.0).then(|| self.customers / self.nominal as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(rounds: &[(f64, f64)]) -> CustomerEstimate {
        let mut estimate = CustomerEstimate::default();
        for (customers, stddev) in rounds {
            estimate.add(NoisedCustomers { customers: *customers, variance: stddev * stddev });
        }
        estimate
    }

    #[test]
    fn a_number_is_far_only_beyond_its_noise() {
        assert_eq!(CustomerEstimate::default().far_from(1000), None);
        assert_eq!(estimate(&[(1499.0, 0.0)]).far_from(1000), None);
        assert!(estimate(&[(1501.0, 0.0)]).far_from(1000).is_some());
        assert!(estimate(&[(660.0, 0.0)]).far_from(1000).is_some());
        assert_eq!(estimate(&[(3000.0, 400.0)]).far_from(1000), None, "3000 less four times 400 is below 1500");
        let far = estimate(&[(3000.0, 350.0)]).far_from(1000).unwrap();
        assert_eq!(far.factor(), Some(3.0));
        // The noise of many rounds is smaller than that of one.
        assert!(estimate(&[(3000.0, 400.0); 4]).far_from(1000).is_some_and(|far| far.stddev == 200.0));
        assert_eq!(estimate(&[(-20.0, 10.0)]).far_from(1000).unwrap().factor(), None);
    }

    #[test]
    fn a_count_that_noise_alone_gives_is_told_apart_from_a_small_one() {
        let of = |customers, stddev: f64| {
            NoisedCustomers { customers, variance: stddev * stddev }.is_noise_alone(1000).is_some()
        };
        assert!(of(150.0, 80.0) && of(-300.0, 80.0) && of(0.0, 0.0));
        assert!(!of(165.0, 80.0), "some are there");
        assert!(!of(100.0, 150.0), "with such noise all of them may be");
        assert!(!of(1000.0, 80.0));
    }
}
