//! Who takes part in a round: everybody, or each customer by a secret coin of its own.
//!
//! Only independent coins satisfy the accountant of sampled rounds (Chua et al. 2024 show by how much shuffled batches miss it). A coin is a
//! uniform 64-bit number below a threshold, so that its probability is exactly `threshold / 2^64`; the accountant is given that number
//! rounded up.

use tributary_protocol::entropy::Entropy;
use zeroize::Zeroize;

use super::noise::BitGenerator;

/// 2^64.
const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;

/// The customers of one round or local step. Cannot be printed, copied or drawn again; erased when dropped.
pub struct Selection(Option<Vec<bool>>);

impl Selection {
    /// Everybody: a full batch.
    #[must_use]
    pub fn everybody() -> Self {
        Self(None)
    }

    /// An independent coin for each customer, under a fresh key; a threshold of 0 stands for everybody.
    #[must_use]
    pub fn draw(customers: usize, threshold: u64, entropy: &mut dyn Entropy) -> Self {
        if threshold == 0 {
            return Self::everybody();
        }
        let mut generator = BitGenerator::new(entropy);
        // The whole capacity at once: a vector that grew would leave copies behind.
        let mut coins = Vec::with_capacity(customers);
        coins.extend((0..customers).map(|_| generator.next_u64() < threshold));
        Self(Some(coins))
    }

    /// These coins.
    #[cfg(all(test, feature = "train"))]
    pub(crate) fn of(coins: Vec<bool>) -> Self {
        Self(Some(coins))
    }

    /// Whether a customer, by its dense index, takes part.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn includes(&self, customer: u32) -> bool {
        self.0.as_ref().is_none_or(|coins| coins.get(customer as usize).copied().unwrap_or(false))
    }
}

impl Drop for Selection {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The probability of a coin, rounded up to a double; 1 for a threshold of 0.
#[must_use]
pub fn sampling_probability(threshold: u64) -> f64 {
    if threshold == 0 {
        return 1.0;
    }
    let nearest = threshold as f64;
    // A double holds 53 bits exactly. Of more, the conversion errs by less than the step to the next double.
    let exact = threshold.leading_zeros() + threshold.trailing_zeros() >= u64::BITS - f64::MANTISSA_DIGITS;
    (if exact { nearest } else { nearest.next_up() } / TWO_POW_64).min(1.0)
}

/// The threshold of a coin of this probability, rounded down; `None` unless it is above 2^-64 and at most 1. 1 gives 0: everybody, without a
/// coin.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number below 2^64, rounded down"
)]
pub fn sampling_threshold(probability: f64) -> Option<u64> {
    if probability == 1.0 {
        return Some(0);
    }
    let threshold = (probability * TWO_POW_64) as u64;
    (probability > 0.0 && probability < 1.0 && threshold > 0).then_some(threshold)
}

#[cfg(test)]
mod tests {
    use super::super::noise::test_entropy::CountingEntropy;
    use super::*;

    #[test]
    fn coins_are_independent_and_fair_to_the_threshold() {
        const CUSTOMERS: usize = 1_000_000;
        for probability in [0.01, 0.2, 0.5, 0.9] {
            let threshold = sampling_threshold(probability).unwrap();
            let draw = |key| {
                let selection = Selection::draw(CUSTOMERS, threshold, &mut CountingEntropy(key));
                (0..u32::try_from(CUSTOMERS).unwrap())
                    .map(|customer| selection.includes(customer))
                    .collect::<Vec<bool>>()
            };
            let (first, second) = (draw(1), draw(101));
            // Chi-square over the four outcomes of neighbouring customers in one round and of one customer in two rounds: 3 degrees of
            // freedom, 0.999999 quantile 30.7.
            for (name, pairs) in [
                ("neighbours", first.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()),
                ("rounds", first.iter().copied().zip(second.iter().copied()).collect()),
            ] {
                let mut counts = [0_u32; 4];
                pairs.iter().for_each(|(a, b)| counts[2 * usize::from(*a) + usize::from(*b)] += 1);
                let expected = |a: bool, b: bool| {
                    let share = |side: bool| if side { probability } else { 1.0 - probability };
                    pairs.len() as f64 * share(a) * share(b)
                };
                let cells = [(false, false), (false, true), (true, false), (true, true)];
                let chi: f64 = cells
                    .iter()
                    .zip(counts)
                    .map(|((a, b), count)| (f64::from(count) - expected(*a, *b)).powi(2) / expected(*a, *b))
                    .sum();
                assert!(chi < 30.7, "{name} at {probability}: {counts:?}, chi-square {chi}");
            }
        }
    }

    #[test]
    fn a_probability_is_never_charged_below_its_coin() {
        for threshold in [1, 3, (1 << 53) + 1, 1 << 60, u64::MAX - 1, u64::MAX, 0x8000_0000_0000_0001] {
            let charged = sampling_probability(threshold);
            assert!(charged * TWO_POW_64 >= threshold as f64 && charged <= 1.0, "{threshold}");
            assert!(sampling_threshold(charged).is_none_or(|back| back == 0 || back >= threshold), "{threshold}");
        }
        assert_eq!(sampling_probability(0), 1.0);
        assert_eq!(sampling_probability(1 << 63), 0.5);
        assert_eq!(sampling_probability(3), 3.0 / TWO_POW_64);
        assert_eq!(sampling_threshold(0.5), Some(1 << 63));
        assert_eq!(sampling_threshold(1.0), Some(0));
        for bad in [0.0, -0.1, 1.1, f64::NAN, 1e-30] {
            assert_eq!(sampling_threshold(bad), None, "{bad}");
        }
    }

    #[test]
    fn everybody_takes_part_without_a_coin() {
        let all = Selection::draw(3, 0, &mut CountingEntropy(1));
        assert!((0..1000).all(|customer| all.includes(customer)));
        let some = Selection::draw(3, u64::MAX, &mut CountingEntropy(1));
        assert!((0..3).all(|customer| some.includes(customer)) && !some.includes(3), "nobody else has a coin");
    }
}
