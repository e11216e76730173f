//! Edges of groups with about as many customers in each, from noised counts of fine bins. Integers alone, in a fixed order.

/// The first bin of each group but the first one: strictly ascending, above 0 and below the number of bins. There are more bins than groups, and
/// one group at least.
///
/// Noise makes counts negative, and more so their sums over empty bins. So the cumulative counts are made monotone first: each becomes the middle
/// between the largest before it and the smallest after it. A bin with more than a group's part counts as one group, so that what many
/// customers have in common leaves groups to the others.
pub(crate) fn edges(counts: &[i64], groups: usize) -> Vec<usize> {
    let masses = capped(masses(counts), groups);
    let mut sums = vec![0_i128];
    for mass in masses {
        sums.push(sums.last().copied().unwrap_or_default() + mass);
    }
    let (bins, parts, whole) = (counts.len(), wide(groups), sums.last().copied().unwrap_or_default());
    let mut found: Vec<usize> = Vec::with_capacity(groups.saturating_sub(1));
    for group in 1..groups {
        let wanted = wide(group) * whole;
        let above = sums.iter().position(|sum| sum * parts >= wanted).unwrap_or(bins);
        let below = above.saturating_sub(1);
        let nearest = if wanted - sums[below] * parts < sums[above] * parts - wanted { below } else { above };
        let least = found.last().map_or(1, |before| before + 1);
        found.push(nearest.max(least).min(bins + group - groups));
    }
    found
}

/// Twice the count of each bin, never negative, and so much finer that one more for each changes nothing but where nothing was counted.
fn masses(counts: &[i64]) -> Vec<i128> {
    let mut sums = vec![0_i128];
    for count in counts {
        sums.push(sums.last().copied().unwrap_or_default() + i128::from(*count));
    }
    let mut curve = Vec::with_capacity(sums.len());
    let mut most = 0;
    for sum in &sums {
        most = most.max(*sum);
        curve.push(most);
    }
    let mut least = sums.last().copied().unwrap_or_default();
    for (point, sum) in curve.iter_mut().zip(&sums).rev() {
        least = least.min(*sum);
        *point += least;
    }
    curve.windows(2).map(|pair| (pair[1] - pair[0]) * FINER + 1).collect()
}

/// Bins of one field are fewer by far.
const FINER: i128 = 1 << 16;

/// No bin above a group's part of what the bins above it leave.
fn capped(mut masses: Vec<i128>, groups: usize) -> Vec<i128> {
    let mut descending = masses.clone();
    descending.sort_unstable_by(|one, other| other.cmp(one));
    let mut rest: i128 = masses.iter().sum();
    let mut left = wide(groups);
    for mass in descending {
        if left <= 1 || mass * left <= rest {
            break;
        }
        rest -= mass;
        left -= 1;
    }
    let part = rest / left.max(1);
    for mass in &mut masses {
        *mass = (*mass).min(part);
    }
    masses
}

fn wide(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_have_about_as_many_customers_each() {
        assert_eq!(edges(&[10; 12], 4), [3, 6, 9]);
        // Most are in the first bins.
        assert_eq!(edges(&[40, 30, 20, 10, 5, 4, 3, 2, 1, 1, 0, 0], 4), [1, 2, 3]);
        assert_eq!(edges(&[0, 0, 100, 100, 100, 100, 0, 0], 2), [4]);
    }

    #[test]
    fn a_bin_of_many_leaves_groups_to_the_others() {
        let mut counts = [10; 21];
        for at in [0, 10, 20] {
            counts.fill(10);
            counts[at] = 10_000;
            let found = edges(&counts, 5);
            let alone = found.contains(&(at + 1)) || at == 20;
            assert!(alone && (at == 0 || found.contains(&at)), "{at}: {found:?}");
            let widest = [0].iter().chain(&found).zip(found.iter().chain(&[21])).map(|(from, to)| to - from).max();
            assert!(widest <= Some(7), "{found:?}");
        }
    }

    #[test]
    fn where_nothing_was_counted_groups_are_even() {
        assert_eq!(edges(&[0; 12], 4), [3, 6, 9]);
        assert_eq!(edges(&[-5; 12], 4), [3, 6, 9]);
        assert_eq!(edges(&[0, 0, 7, 0, 0, 0, 0, 9, 0, 0], 4), [3, 5, 8]);
    }

    proptest! {
        /// Whatever was summed, edges are edges.
        #[test]
        fn every_group_has_a_bin(counts in prop::collection::vec(any::<i64>(), 2..300), part in 0.0_f64..1.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small number")]
            let groups = 1 + (part * (counts.len() - 1) as f64) as usize;
            let found = edges(&counts, groups);
            prop_assert_eq!(found.len(), groups - 1);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(found.iter().all(|edge| *edge > 0 && *edge < counts.len()));
        }

        /// Without noise no group has more than twice its part and one bin.
        #[test]
        fn no_group_is_far_from_its_part(counts in prop::collection::vec(0_i64..1000, 40..200), groups in 2_usize..20) {
            let found = edges(&counts, groups);
            let bounds: Vec<usize> = [0].into_iter().chain(found).chain([counts.len()]).collect();
            let whole: i64 = counts.iter().sum();
            let largest = counts.iter().max().copied().unwrap_or_default();
            for pair in bounds.windows(2) {
                let own: i64 = counts[pair[0]..pair[1]].iter().sum();
                prop_assert!(own <= 2 * (whole / groups as i64 + largest), "{} of {}", own, whole);
            }
        }
    }
}
