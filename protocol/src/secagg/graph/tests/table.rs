//! The table's rows, computed again: hypergeometric tails with their terms' logarithms in double precision, which are off by less than
//! a millionth of a bit here; the margins of the rows are above a hundredth of one.

use std::vec::Vec;

use super::super::degree::{COLUMNS, Column, Degree, ROWS};
use super::*;

const BITS: f64 = core::f64::consts::LN_2;

/// Natural logarithms of the factorials.
struct Factorials(Vec<f64>);

impl Factorials {
    fn new() -> Self {
        let logarithms = (1_u32..=COHORT_MAX.try_into().unwrap()).scan(0.0, |sum, number| {
            *sum += f64::from(number).ln();
            Some(*sum)
        });
        Self([0.0].into_iter().chain(logarithms).collect())
    }

    /// ln of the binomial coefficient.
    fn choose(&self, n: usize, k: usize) -> f64 {
        if k > n { f64::NEG_INFINITY } else { self.0[n] - self.0[k] - self.0[n - k] }
    }

    /// ln P[at least `least` of `draws` out of `all`, of which `marked` are marked].
    fn tail(&self, all: usize, marked: usize, draws: usize, least: usize) -> f64 {
        let term =
            |hits: usize| self.choose(marked, hits) + self.choose(all - marked, draws - hits) - self.choose(all, draws);
        sum_of_exponentials((least..=marked.min(draws)).map(term))
    }
}

/// ln of the sum of the exponentials.
fn sum_of_exponentials(terms: impl Iterator<Item = f64>) -> f64 {
    let terms: Vec<f64> = terms.collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        largest
    } else {
        largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
    }
}

/// A cohort: members, coalition, losses.
#[derive(Clone, Copy)]
struct Case {
    members: usize,
    coalition: usize,
    lost: usize,
}

impl Case {
    fn new(members: usize, column: Column) -> Self {
        let (coalition, lost) = column.counts(members);
        Self { members, coalition, lost }
    }

    fn honest(&self) -> usize {
        self.members - self.coalition
    }

    /// Condition 1: some honest member with `t - 1` neighbours in the coalition, in bits.
    fn opened(&self, ln: &Factorials, k: usize, t: usize) -> f64 {
        ((self.honest() as f64).ln() + ln.tail(self.members - 1, self.coalition, k, t - 1)) / BITS
    }

    /// Condition 2: some set of two and more honest members, not larger than the rest, without an edge to the rest but over members who
    /// are lost, in bits. Either nobody in it finds t holders outside the lost and the rest (2 e(A) + e(A, C) >= a (t - 1) by Chernoff),
    /// or there are no edges to the rest for any choice of the lost; the smaller bound counts for each size.
    fn cut_off(&self, ln: &Factorials, k: usize, t: usize) -> f64 {
        let (honest, coalition) = (self.honest(), self.coalition as f64);
        let edge = k as f64 / (self.members - 1) as f64;
        let bound = |size: usize| {
            let (rest, a) = (honest - size - self.lost, size as f64);
            let exponent = |s: f64| {
                a * (a - 1.0) / 2.0 * (edge * (2.0 * s).exp_m1()).ln_1p() + a * coalition * (edge * s.exp_m1()).ln_1p()
                    - s * a * (t - 1) as f64
            };
            let without_holders = minimum(exponent).min(0.0);
            let without_edges = ln.choose(honest - size, self.lost) + a * rest as f64 * (-edge).ln_1p();
            ln.choose(honest, size) + without_holders.min(without_edges)
        };
        sum_of_exponentials((2..=(honest - self.lost) / 2).map(bound)) / BITS
    }

    /// Condition 3: some secret with fewer than t holders alive, in bits.
    fn starved(&self, ln: &Factorials, k: usize, t: usize) -> f64 {
        let survivor = ((self.members - self.lost) as f64).ln() + ln.tail(self.members - 1, self.lost, k, k + 2 - t);
        let lost = (self.lost as f64).ln() + ln.tail(self.members - 1, self.lost - 1, k, k + 1 - t);
        sum_of_exponentials([survivor, lost].into_iter()) / BITS
    }

    /// Conditions 1 and 3, which are exact.
    fn stays_closed_and_alive(&self, ln: &Factorials, k: usize, t: usize) -> bool {
        self.opened(ln, k, t) <= -60.0 && self.starved(ln, k, t) <= -20.0
    }

    fn suffices(&self, ln: &Factorials, k: usize, t: usize) -> bool {
        if !self.stays_closed_and_alive(ln, k, t) {
            return false;
        }
        let both = [self.opened(ln, k, t), self.cut_off(ln, k, t)].map(|bits| bits * BITS);
        sum_of_exponentials(both.into_iter()) / BITS <= -60.0
    }
}

/// The least value of a convex function on 0 to 8.
fn minimum(function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..40 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if function(left) < function(right) { high = right } else { low = left }
    }
    function((low + high) / 2.0)
}

#[test]
fn the_tails_are_exact() {
    let ln = Factorials::new();
    // 5 marked of 20, 6 drawn: P[at least 3] = (10 * 455 + 5 * 105 + 15) / 38760.
    assert!((ln.tail(20, 5, 6, 3).exp() - 5090.0 / 38760.0).abs() < 1e-12);
    assert!(ln.tail(20, 5, 6, 0).abs() < 1e-12);
    assert_eq!(ln.tail(20, 5, 6, 6), f64::NEG_INFINITY);
    assert!((ln.choose(10_000, 5_000) / BITS - 9_993.030_359_678).abs() < 1e-8);
}

#[test]
fn every_cell_is_the_smallest_that_suffices() {
    let ln = Factorials::new();
    for (members, row) in ROWS {
        for (column, (k, t)) in COLUMNS.into_iter().zip(row) {
            let (k, t) = (usize::from(k), usize::from(t));
            // The last ten sizes of a row have every remainder of a tenth and a fifth.
            let suffices = |k, t| {
                let mut cases = (members - 9..=members).rev().map(|members| Case::new(members, column));
                cases.clone().all(|case| case.stays_closed_and_alive(&ln, k, t))
                    && cases.all(|case| case.suffices(&ln, k, t))
            };
            assert!(k % 2 == 0 && suffices(k, t), "{members} {column:?}: k {k}, t {t} fails");
            assert!(!suffices(k, t - 1), "{members} {column:?}: k {k} would do with t {}", t - 1);
            for lower in 2..k {
                assert!(!suffices(k - 2, lower), "{members} {column:?}: k {} would do with t {lower}", k - 2);
            }
        }
    }
}

/// A cohort between two rows takes the larger row, which withstands more than it needs.
#[test]
fn every_size_between_the_rows_is_covered() {
    let ln = Factorials::new();
    let mut smallest = COMPLETE_GRAPH_MAX + 1;
    for (largest, _) in ROWS {
        let sizes = (0..=4).map(|step| smallest + (largest - smallest) * step / 4).chain([smallest + 1, largest - 1]);
        let case = |members, column| {
            let case = Case::new(members, column);
            let degree = Degree::for_cohort(members, case.coalition, case.lost).unwrap();
            (case, usize::from(degree.neighbours), usize::from(degree.threshold))
        };
        for column in COLUMNS {
            for (case, k, t) in sizes.clone().map(|members| case(members, column)) {
                assert!(case.suffices(&ln, k, t), "{} {column:?}: k {k}, t {t} fails", case.members);
            }
            for (case, k, t) in (smallest..=largest).map(|members| case(members, column)) {
                assert!(case.stays_closed_and_alive(&ln, k, t), "{} {column:?}: k {k}, t {t} fails", case.members);
            }
        }
        smallest = largest + 1;
    }
}

#[test]
fn what_the_table_does_not_cover_has_no_degree() {
    assert_eq!(Degree::for_cohort(256, 10, 10), None);
    assert_eq!(Degree::for_cohort(COHORT_MAX + 1, 10, 10), None);
    assert_eq!(Degree::for_cohort(1000, 335, 10), None);
    assert_eq!(Degree::for_cohort(1000, 10, 201), None);
    let found = |coalition, lost| Degree::for_cohort(1000, coalition, lost).map(|degree| degree.neighbours);
    assert_eq!(
        [found(100, 100), found(101, 100), found(100, 101), found(0, 0)],
        [Some(54), Some(82), Some(78), Some(54)]
    );
    assert_eq!([found(334, 100), found(334, 200), found(200, 200)], [Some(130), Some(196), Some(118)]);
    // A coalition is rounded up to members, losses down: of 257 a tenth is 25.7, a third 85.8.
    let odd = |coalition, lost| Degree::for_cohort(257, coalition, lost).map(|degree| degree.neighbours);
    assert_eq!([odd(26, 25), odd(27, 25), odd(26, 26)], [Some(52), Some(72), Some(70)]);
    assert_eq!([odd(86, 51), odd(87, 51), odd(86, 52)], [Some(158), None, None]);
    // Each row ends with its own size.
    let at = |members| Degree::for_cohort(members, 10, 10).map(|degree| degree.neighbours);
    assert_eq!([at(512), at(513), at(5_000), at(5_001)], [Some(52), Some(54), Some(64), Some(66)]);
    // Every coalition below a third fits.
    for members in 257..=COHORT_MAX {
        assert!(Degree::for_cohort(members, (members - 1) / 3, members / 5).is_some(), "{members}");
    }
}
