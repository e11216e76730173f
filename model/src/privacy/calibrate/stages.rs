//! Noise for several stages that share one budget.

use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::privacy::{ORDERS, RdpVector};

use super::{CalibrateError, SENSITIVITY_SQUARED_MAX, check, noise_multiplier};
use crate::privacy::accountant::{NANOS, SampledRound, cap, charge};
use crate::privacy::{NoiseError, SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN, sampling_probability};

/// Parts into which shares of the budget are told apart.
const SHARE_PARTS: f64 = 1_000_000.0;
/// A plan states the charge of a round with coins a little above what its author computed: noise is a little more than enough.
const STATED_ABOVE: f64 = 1e-6;

/// One stage as calibration sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageDemand {
    /// Of one release, in units squared.
    pub sensitivity_squared: u128,
    /// Releases of one round.
    pub releases: u32,
    /// Rounds to commit. One that has more than one round may retry.
    pub rounds: u32,
    /// Threshold of each customer's coin; 0: everybody.
    pub sampling_threshold: u64,
    /// Its part of the budget, above 0, in proportion to the others'.
    pub share: f64,
}

/// The retries beside stages that have so many rounds together, of those that have more than one: 5 %, rounded up, and at least one.
#[must_use]
pub fn retries_for(rounds: u32) -> u32 {
    rounds.div_ceil(20)
}

/// The least noise variances with which all rounds of all stages fit the target together, and retries beside them: each retry as dear as the
/// dearest round that may be tried again. Each stage costs its share of it, as if nobody threw a coin; what coins then spare is given back to the
/// stages that throw them.
///
/// # Errors
/// If a value is out of range, no order proves so small an epsilon, or the noise is beyond what a branch can draw.
pub fn calibrate_stages(
    epsilon: f64,
    delta: f64,
    demands: &[StageDemand],
    retries: u32,
) -> Result<Vec<u128>, CalibrateError> {
    let rounds = demands.iter().fold(retries, |sum, demand| sum.saturating_add(demand.rounds));
    // The core allows so many in stages of several rounds; single rounds and retries come on top.
    check(epsilon, delta, rounds.min(PLAN_ROUNDS_MAX))?;
    for StageDemand { sensitivity_squared, share, rounds, releases, .. } in demands {
        if !(1..=SENSITIVITY_SQUARED_MAX).contains(sensitivity_squared) {
            return Err(CalibrateError::Sensitivity(*sensitivity_squared));
        }
        if !(*share > 0.0 && *share <= SHARE_PARTS) {
            return Err(CalibrateError::BudgetShare(*share));
        }
        if *rounds == 0 || *rounds > PLAN_ROUNDS_MAX || *releases == 0 {
            return Err(CalibrateError::Rounds(rounds.saturating_mul(*releases)));
        }
    }
    let cap = cap(epsilon, delta);
    let budget = Budget::new(demands, retries);
    let orders = ORDERS.into_iter().zip(cap.nanos().iter().copied());
    let candidates = orders.filter_map(|(order, allowed)| budget.variances(order, allowed));
    // All variances grow and shrink together with the order, but for what is rounded: the first decides.
    let variances = candidates.min_by_key(|variances| variances.first().copied());
    let mut variances = variances.ok_or(CalibrateError::Unreachable { epsilon, delta, rounds })?;
    budget.give_back(&mut variances, &cap);
    match variances.iter().find(|variance| !(SHARE_VARIANCE_MIN..=SHARE_VARIANCE_MAX).contains(*variance)) {
        Some(small) if *small < SHARE_VARIANCE_MIN => Err(NoiseError::VarianceTooSmall(*small).into()),
        Some(large) => Err(NoiseError::VarianceTooLarge(*large).into()),
        None => Ok(variances),
    }
}

struct Budget<'a> {
    demands: &'a [StageDemand],
    retries: u32,
    /// Of each stage, in [`SHARE_PARTS`].
    parts: Vec<u128>,
    /// Parts and rounds of the stage whose round is dearest, of those that may retry.
    dearest: (u128, u128),
}

impl<'a> Budget<'a> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 2^40, rounded")]
    fn new(demands: &'a [StageDemand], retries: u32) -> Self {
        let parts: Vec<u128> =
            demands.iter().map(|demand| (demand.share * SHARE_PARTS).round().max(1.0) as u128).collect();
        let retrying = demands.iter().zip(&parts).filter(|(demand, _)| demand.rounds > 1);
        let prices = retrying.map(|(demand, parts)| (*parts, u128::from(demand.rounds)));
        let dearest = prices
            .max_by(|(left, left_rounds), (right, right_rounds)| (left * right_rounds).cmp(&(right * left_rounds)));
        Self { demands, retries, parts, dearest: dearest.unwrap_or((0, 1)) }
    }

    /// The smallest variances with which everything stays within what one order allows; nothing where that is too little.
    fn variances(&self, order: u32, allowed: u64) -> Option<Vec<u128>> {
        let (dearest, dearest_rounds) = self.dearest;
        let all = self.parts.iter().sum::<u128>() * dearest_rounds + u128::from(self.retries) * dearest;
        let variance = |(demand, parts): (&StageDemand, &u128)| {
            // One round's part of what is allowed, retries counted as rounds of the dearest stage.
            let of_round = u128::from(allowed) * parts * dearest_rounds / (u128::from(demand.rounds) * all);
            let of_release = Some(of_round / u128::from(demand.releases)).filter(|share| *share > 0)?;
            Some((demand.sensitivity_squared * u128::from(order) * u128::from(NANOS)).div_ceil(2 * of_release))
        };
        self.demands.iter().zip(&self.parts).map(variance).collect()
    }

    /// Shrinks the noise of stages with coins as far as the whole still fits.
    fn give_back(&self, variances: &mut Vec<u128>, cap: &RdpVector) {
        if self.demands.iter().all(|demand| demand.sampling_threshold == 0) {
            return;
        }
        let shrunk = |factor: f64| -> Vec<u128> {
            let each = self.demands.iter().zip(variances.iter());
            each.map(
                |(demand, variance)| if demand.sampling_threshold == 0 { *variance } else { scaled(*variance, factor) },
            )
            .collect()
        };
        let (mut low, mut high) = (0.0, 1.0);
        // To a millionth of itself, upwards.
        while high - low > 1e-6 * high && high > 1e-12 {
            let middle = low + (high - low) / 2.0;
            if self.spent(&shrunk(middle)).within(cap) {
                high = middle;
            } else {
                low = middle;
            }
        }
        let found = shrunk((high * (1.0 + STATED_ABOVE)).min(1.0));
        *variances = found;
    }

    /// What all rounds cost that may be charged.
    fn spent(&self, variances: &[u128]) -> RdpVector {
        let prices: Vec<RdpVector> =
            self.demands.iter().zip(variances).map(|(demand, variance)| price(demand, *variance)).collect();
        let planned = self.demands.iter().zip(&prices);
        let rounds = planned
            .clone()
            .fold(RdpVector::zero(), |sum, (demand, price)| sum.plus(&price.times(demand.rounds.into())));
        let retried = planned.filter(|(demand, _)| demand.rounds > 1);
        let dearest = retried.fold(RdpVector::zero(), |most, (_, price)| most.most(price));
        rounds.plus(&dearest.times(self.retries.into()))
    }
}

/// What one round costs.
fn price(demand: &StageDemand, variance: u128) -> RdpVector {
    let StageDemand { sensitivity_squared, releases, sampling_threshold, .. } = *demand;
    let release = if sampling_threshold == 0 {
        RdpVector::gaussian(sensitivity_squared, variance)
    } else {
        let noise_multiplier = noise_multiplier(variance, sensitivity_squared);
        charge(SampledRound { sampling_probability: sampling_probability(sampling_threshold), noise_multiplier })
    };
    release.times(releases.into())
}

/// A variance times a factor of at most 1, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part in 2^50 more than the product, so that no rounding makes it less; the cast saturates"
)]
fn scaled(variance: u128, factor: f64) -> u128 {
    let product = (variance as f64 * factor * (1.0 + 8.0 * f64::EPSILON)).ceil() as u128;
    product.min(variance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Target, calibrate};
    use super::*;

    fn demand(rounds: u32, share: f64) -> StageDemand {
        StageDemand { sensitivity_squared: 1 << 40, releases: 1, rounds, sampling_threshold: 0, share }
    }

    fn spent(demands: &[StageDemand], variances: &[u128], retries: u32) -> RdpVector {
        Budget::new(demands, retries).spent(variances)
    }

    /// One stage alone needs exactly what a plan of training rounds needed before.
    #[test]
    fn one_stage_is_calibrated_as_its_rounds_and_retries() {
        for (epsilon, rounds) in [(1.0, 100), (4.0, 50), (0.5, 20), (8.0, 1000)] {
            let retries = retries_for(rounds);
            let target =
                Target { epsilon, delta: 1e-6, rounds_charged: rounds + retries, sensitivity_squared_units: 1 << 40 };
            let alone = calibrate(&target).unwrap().total_variance_units;
            assert_eq!(calibrate_stages(epsilon, 1e-6, &[demand(rounds, 0.3)], retries), Ok(vec![alone]));
        }
        assert_eq!((retries_for(100), retries_for(0), retries_for(3)), (5, 0, 1));
        assert_eq!([0, 1, 20, 21, 41].map(retries_for), [0, 1, 1, 2, 3]);
    }

    /// Local steps are charged one by one: six releases a round are as dear as six rounds.
    #[test]
    fn releases_count_as_rounds() {
        let local = StageDemand { releases: 6, ..demand(10, 1.0) };
        assert_eq!(calibrate_stages(2.0, 1e-6, &[local], 1), calibrate_stages(2.0, 1e-6, &[demand(60, 1.0)], 6));
    }

    #[test]
    fn coins_need_less_noise_and_take_nothing_from_the_others() {
        let counting = demand(1, 0.1);
        let training = demand(40, 0.9);
        let coin = StageDemand { sampling_threshold: 1 << 62, ..training };
        let without = calibrate_stages(2.0, 1e-6, &[counting, training], 2).unwrap();
        let with = calibrate_stages(2.0, 1e-6, &[counting, coin], 2).unwrap();
        assert_eq!(with[0], without[0]);
        assert!(with[1] < without[1] / 4, "{with:?} {without:?}");
        let cap = cap(2.0, 1e-6);
        let demands = [counting, coin];
        assert!(spent(&demands, &with, 2).within(&cap));
        // A part in a hundred thousand less is too little.
        let less = [with[0], with[1] - with[1] / 100_000];
        assert!(!spent(&demands, &less, 2).within(&cap));
    }

    #[test]
    fn nonsense_is_named() {
        let refusal = |demands: &[StageDemand]| calibrate_stages(1.0, 1e-6, demands, 0).unwrap_err();
        for share in [0.0, -1.0, 1e7] {
            assert_eq!(refusal(&[demand(5, 1.0), demand(1, share)]), CalibrateError::BudgetShare(share));
        }
        assert!(matches!(refusal(&[demand(5, f64::NAN)]), CalibrateError::BudgetShare(_)));
        assert_eq!(refusal(&[demand(0, 1.0), demand(1, 1.0)]), CalibrateError::Rounds(0));
        assert_eq!(refusal(&[demand(PLAN_ROUNDS_MAX + 1, 1.0)]), CalibrateError::Rounds(PLAN_ROUNDS_MAX + 1));
        let twice = StageDemand { releases: 2, ..demand(u32::MAX, 1.0) };
        assert_eq!(refusal(&[twice]), CalibrateError::Rounds(u32::MAX));
        // Each limit itself is taken; what there is to say is said of something else, or nothing.
        let limits = [demand(PLAN_ROUNDS_MAX, 1.0), demand(1, SHARE_PARTS)];
        let largest = StageDemand { sensitivity_squared: SENSITIVITY_SQUARED_MAX, ..demand(1, 1.0) };
        for taken in limits.into_iter().chain([largest]) {
            let found = calibrate_stages(8.0, 1e-6, &[taken], 0);
            assert!(matches!(found, Ok(_) | Err(CalibrateError::Share(NoiseError::VarianceTooLarge(_)))), "{found:?}");
        }
        assert_eq!(refusal(&[StageDemand { releases: 0, ..demand(5, 1.0) }]), CalibrateError::Rounds(0));
        assert_eq!(refusal(&[]), CalibrateError::Rounds(0));
        for sensitivity_squared in [0, (1 << 80) + 1] {
            let wrong = StageDemand { sensitivity_squared, ..demand(1, 1.0) };
            assert_eq!(refusal(&[wrong]), CalibrateError::Sensitivity(sensitivity_squared));
        }
        // A variance grows with the square of what is moved: the first one that is drawn is the least that may be.
        let of = |sensitivity_squared| {
            calibrate_stages(8.0, 1e-3, &[StageDemand { sensitivity_squared, ..demand(1, 1.0) }], 0)
        };
        let small = |found: &Result<Vec<u128>, CalibrateError>| match found {
            Err(CalibrateError::Share(NoiseError::VarianceTooSmall(variance))) => Some(*variance),
            _ => None,
        };
        assert!(small(&of(1)).is_some_and(|variance| variance < SHARE_VARIANCE_MIN));
        let found: Vec<_> = (1..1000).map(of).skip_while(|found| small(found).is_some()).collect();
        let least = found.first().and_then(|found| found.clone().ok()).unwrap();
        assert!(found.iter().all(Result::is_ok) && least[0] >= SHARE_VARIANCE_MIN && least[0] < SHARE_VARIANCE_MIN + 4);
        let large = StageDemand { sensitivity_squared: 1 << 80, ..demand(100, 1.0) };
        assert!(matches!(refusal(&[large]), CalibrateError::Share(NoiseError::VarianceTooLarge(_))));
        assert!(matches!(
            calibrate_stages(0.001, 1e-6, &[demand(10, 1.0)], 0),
            Err(CalibrateError::Unreachable { .. })
        ));
        assert!(matches!(calibrate_stages(0.0, 1e-6, &[demand(10, 1.0)], 0), Err(CalibrateError::Epsilon(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the stages are, all of them with every retry fit, and hardly less noise would.
        #[test]
        fn all_rounds_and_retries_fit_and_hardly_more_would(
            list in prop::collection::vec((1_u32..60, 1_u32..5, 0.01_f64..1.0, 20_u32..50), 1..6),
            retries in 0_u32..8,
            epsilon in 0.5_f64..8.0,
        ) {
            let demands: Vec<StageDemand> = list
                .into_iter()
                .map(|(rounds, releases, share, bits)| StageDemand {
                    sensitivity_squared: 1 << bits,
                    releases,
                    ..demand(rounds, share)
                })
                .collect();
            let retries = if demands.iter().any(|demand| demand.rounds > 1) { retries } else { 0 };
            let variances = calibrate_stages(epsilon, 1e-6, &demands, retries).unwrap();
            let cap = cap(epsilon, 1e-6);
            prop_assert!(spent(&demands, &variances, retries).within(&cap));
            let less: Vec<u128> = variances.iter().map(|variance| variance - variance.div_ceil(1000)).collect();
            prop_assert!(!spent(&demands, &less, retries).within(&cap));
        }
    }
}
