//! Values that may only rise: the nearest such ones to given values, by least squares (pool adjacent violators; Ayer et al. 1955). Equal weights,
//! because nobody may know how many customers are in a bin. Pure: sums and quotients in one order.

/// Replaces values by the nearest ones that do not fall, or that do not rise.
pub fn smooth(values: &mut [f64], rising: bool) {
    let sign = if rising { 1.0 } else { -1.0 };
    // Of each pool the sum and the number of its values.
    let mut pools: Vec<(f64, u32)> = Vec::with_capacity(values.len());
    let mean = |(sum, count): (f64, u32)| sum / f64::from(count);
    for value in values.iter() {
        let mut pool = (sign * value, 1);
        while let Some((sum, count)) = pools.pop_if(|before| mean(*before) > mean(pool)) {
            pool = (sum + pool.0, count + pool.1);
        }
        pools.push(pool);
    }
    let pooled = pools.iter().flat_map(|pool| std::iter::repeat_n(sign * mean(*pool), pool.1 as usize));
    values.iter_mut().zip(pooled).for_each(|(value, pooled)| *value = pooled);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_that_fall_are_pooled() {
        let mut values = [1.0, 3.0, 2.0, 2.5, 0.5, 6.0];
        smooth(&mut values, true);
        assert_eq!(values, [1.0, 2.0, 2.0, 2.0, 2.0, 6.0]);
        let mut values = [2.0, 3.0, 1.0];
        smooth(&mut values, false);
        assert_eq!(values, [2.5, 2.5, 1.0]);
    }

    proptest! {
        /// In order, with the same mean, no further from the values than any other values in order, and a second time nothing changes.
        #[test]
        fn smoothed_values_are_the_nearest_in_order(values in proptest::collection::vec(-5.0..5.0_f64, 1..20), other in proptest::collection::vec(-5.0..5.0_f64, 20), rising in any::<bool>()) {
            let mut smoothed = values.clone();
            smooth(&mut smoothed, rising);
            let ordered = |pair: &[f64]| if rising { pair[0] <= pair[1] } else { pair[0] >= pair[1] };
            prop_assert!(smoothed.windows(2).all(ordered));
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!((mean(&values) - mean(&smoothed)).abs() < 1e-9);
            let mut other = other[..values.len()].to_vec();
            other.sort_by(f64::total_cmp);
            if !rising {
                other.reverse();
            }
            let distance = |far: &[f64]| values.iter().zip(far).map(|(one, other)| (one - other).powi(2)).sum::<f64>();
            prop_assert!(distance(&smoothed) <= distance(&other) + 1e-9);
            let mut again = smoothed.clone();
            smooth(&mut again, rising);
            prop_assert!(again.iter().zip(&smoothed).all(|(again, once)| (again - once).abs() < 1e-9));
        }
    }
}
