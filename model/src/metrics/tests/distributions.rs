use super::super::divergence::{alone, neighbours};
use super::*;
use crate::cells::Cell;

fn counts_of(counts: &[f64], noise_stddev: f64) -> NoisedCounts<'_> {
    NoisedCounts { counts, noise_stddev }
}

fn noise(counts: &[f64], stddev: f64, random: &mut Repeatable) -> Vec<f64> {
    counts.iter().map(|count| count + stddev * random.normal()).collect()
}

/// The divergence of the customers themselves, over these groups of cells.
fn pooled_divergence(one: &[f64], other: &[f64], groups: &[Vec<usize>]) -> f64 {
    let share = |of: &[f64], cells: &[usize]| cells.iter().map(|cell| of[*cell]).sum::<f64>() / of.iter().sum::<f64>();
    let part = |cells: &Vec<usize>| {
        let (a, b) = (share(one, cells), share(other, cells));
        (a - b) * (a / b).ln()
    };
    groups.iter().map(part).sum()
}

/// Counts of a distribution over 20 cells whose middle lies here.
fn bell(customers: f64, middle: f64) -> Vec<f64> {
    let weight = |cell: usize| (-(cell as f64 - middle).powi(2) / 30.0).exp();
    let all: f64 = (0..20).map(weight).sum();
    (0..20).map(|cell| (customers * weight(cell) / all).round()).collect()
}

/// In 100 runs with noise, the interval of a stability index has that of the customers in it at least 90 times: where much has moved, little, and nothing.
#[test]
fn intervals_of_stability_have_the_pooled_index_in_them() {
    let before = bell(40_000.0, 8.0);
    for (middle, stddev) in [(8.0, 15.0), (8.4, 15.0), (9.5, 40.0), (12.0, 40.0)] {
        let now = bell(30_000.0, middle);
        let mut random = Repeatable(21);
        for ordered in [true, false] {
            let mut covered = 0;
            for _ in 0..100 {
                let (was, is) = (noise(&before, stddev, &mut random), noise(&now, stddev, &mut random));
                let (was, is) = (counts_of(&was, stddev), counts_of(&is, stddev));
                let groups = if ordered { neighbours(was, is, 0.1) } else { alone(was, is) };
                let exact = pooled_divergence(&now, &before, &groups);
                let found = stability(was, is, ordered).unwrap();
                covered += u32::from(covers(&found, exact));
            }
            assert!(covered >= 90, "{covered} of 100, middle {middle}, noise {stddev}");
        }
    }
}

#[test]
fn a_stability_index_without_noise_is_the_pooled_one() {
    let (before, now) = (bell(40_000.0, 8.0), bell(40_000.0, 10.0));
    let found = stability(counts_of(&before, 0.0), counts_of(&now, 0.0), true).unwrap();
    let groups = neighbours(counts_of(&before, 0.0), counts_of(&now, 0.0), 0.1);
    assert!((5..=10).contains(&groups.len()), "{groups:?}");
    assert!((found.value - pooled_divergence(&now, &before, &groups)).abs() < 1e-12);
    assert!(found.value > 0.15 && found.low == found.value);
    let same = stability(counts_of(&before, 0.0), counts_of(&before, 0.0), true).unwrap();
    assert!(same.value.abs() < 1e-12);
    // What cannot be compared, or does not stand out, gives no index.
    assert_eq!(stability(counts_of(&before, 0.0), counts_of(&now[..19], 0.0), true), None);
    assert_eq!(stability(counts_of(&before, 1e6), counts_of(&now, 1e6), true), None);
    assert_eq!(stability(counts_of(&[], 0.0), counts_of(&[], 0.0), false), None);
}

fn cells(count: usize) -> Vec<Cell> {
    (0..count).map(|cell| Cell::Between(cell as f64, cell as f64 + 1.0)).collect()
}

/// In 100 runs with noise, each bin's weight and share and the field's information value lie in their intervals at least nine times of ten in which they
/// are given.
#[test]
fn intervals_of_weights_have_the_pooled_weights_in_them() {
    for (customers, stddev) in [(40_000.0, 12.0), (200_000.0, 80.0)] {
        let (negatives, positives) = (bell(0.88 * customers, 8.0), bell(0.12 * customers, 10.0));
        let all: (f64, f64) = (negatives.iter().sum(), positives.iter().sum());
        let mut random = Repeatable(33);
        let (mut information, mut bins) = ([0, 0], vec![[0, 0, 0]; 20]);
        for _ in 0..100 {
            let (no, yes) = (noise(&negatives, stddev, &mut random), noise(&positives, stddev, &mut random));
            let both = [counts_of(&no, stddev), counts_of(&yes, stddev)];
            let found = FieldWeights::of(("churn", "age"), &cells(20), both);
            let exact = pooled_divergence(&positives, &negatives, &alone(both[0], both[1]));
            let value = found.information_value.unwrap();
            information = [information[0] + 1, information[1] + u32::from(covers(&value, exact))];
            for (at, bin) in found.bins.iter().enumerate() {
                let Some(weight) = bin.weight else { continue };
                let exact = (positives[at] / all.1 / (negatives[at] / all.0)).ln();
                let share = positives[at] / (positives[at] + negatives[at]);
                let covered = [covers(&weight, exact), covers(&bin.positives.unwrap(), share)].map(u32::from);
                bins[at] = [bins[at][0] + 1, bins[at][1] + covered[0], bins[at][2] + covered[1]];
            }
        }
        assert!(information[1] >= 90, "{information:?} with {customers}");
        let given: u32 = bins.iter().map(|bin| bin[0]).sum();
        assert!(given > 500, "{bins:?}");
        // Where a bin is given in few runs, those are the ones with much noise.
        for [given, weight, share] in bins.iter().filter(|bin| bin[0] >= 50) {
            assert!(10 * weight.min(share) >= 9 * given, "{bins:?} with {customers}");
        }
    }
}

#[test]
fn bins_below_the_noise_have_no_weight_and_no_counts_make_no_number() {
    let (negatives, positives) = ([900.0, 60.0, 900.0], [100.0, 3.0, 200.0]);
    let found = FieldWeights::of(("churn", "age"), &cells(3), [counts_of(&negatives, 5.0), counts_of(&positives, 5.0)]);
    let given: Vec<bool> = found.bins.iter().map(|bin| bin.weight.is_some()).collect();
    assert_eq!(given, [true, false, true], "three positives are no more than noise");
    assert!(found.bins[1].positives.is_some(), "but 63 customers are");
    assert!(found.bins[2].weight.unwrap().low > 0.0 && found.bins[0].weight.unwrap().high < 0.0);
    let mut random = Repeatable(8);
    for number in 0..2_000 {
        let scale = [0.0, 1.0, 50.0, 1e12][number % 4];
        let stddev = [0.0, 3.0, 1e6][number % 3];
        let mut class = || -> Vec<f64> { (0..8).map(|_| scale * random.normal()).collect() };
        let (no, yes) = (class(), class());
        let found = FieldWeights::of(("churn", "age"), &cells(8), [counts_of(&no, stddev), counts_of(&yes, stddev)]);
        let all = found.bins.iter().filter_map(|bin| bin.weight).chain(found.information_value);
        for Estimate { value, low, high } in all {
            assert!(value.is_finite() && low <= value && value <= high, "{value} {low} {high}");
        }
    }
}
