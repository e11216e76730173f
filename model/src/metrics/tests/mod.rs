mod distributions;
mod groups;
mod importance;

use super::*;

/// A generator that repeats itself, for tests alone.
struct Repeatable(u64);

impl Repeatable {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Customers with a score and a label. A slope of 1 makes calibrated scores.
#[expect(clippy::cast_possible_truncation, reason = "scores are single numbers")]
fn customers(count: usize, slope: f64, seed: u64) -> Vec<(f32, bool)> {
    let mut random = Repeatable(seed);
    let one = |random: &mut Repeatable| {
        let logit = 1.2 * random.normal() - 2.2;
        let chance = 1.0 / (1.0 + (-slope * logit).exp());
        let score = 1.0 / (1.0 + (-logit).exp());
        (score as f32, random.unit() < chance)
    };
    (0..count).map(|_| one(&mut random)).collect()
}

fn counted(of: &[(f32, bool)], bins: &ScoreBins) -> [Vec<f64>; 2] {
    let mut counts = [vec![0.0; bins.count()], vec![0.0; bins.count()]];
    for (score, positive) in of {
        counts[usize::from(*positive)][bins.of(*score)] += 1.0;
    }
    counts
}

fn noised(counts: &[Vec<f64>; 2], stddev: f64, random: &mut Repeatable) -> [Vec<f64>; 2] {
    counts.each_ref().map(|class| class.iter().map(|count| count + stddev * random.normal()).collect())
}

fn figures([negatives, positives]: &[Vec<f64>; 2], bins: &ScoreBins, noise_stddev: f64) -> HeadFigures {
    HeadFigures::of("churn", ScoreCounts { bins, negatives, positives, noise_stddev })
}

/// The same figures from the customers themselves.
struct Pooled {
    auc: f64,
    pr_auc: f64,
    ks: f64,
    lift: Vec<f64>,
    log_loss: f64,
    brier: f64,
    positives: f64,
}

/// The calibration error over these groups of scores, ascending.
fn pooled_ece(of: &[(f32, bool)], groups: &[CalibrationGroup], bins: &ScoreBins) -> f64 {
    let mut apart = vec![0.0; groups.len()];
    for (score, positive) in of {
        let middle = bins.middle(bins.of(*score));
        // The group whose mean score is nearest is the customer's own, but for the bins at an edge.
        let distance = |group: &CalibrationGroup| (group.score - middle).abs();
        let nearest =
            (0..groups.len()).min_by(|one, other| distance(&groups[*one]).total_cmp(&distance(&groups[*other])));
        apart[nearest.unwrap()] += f64::from(u8::from(*positive)) - f64::from(*score);
    }
    apart.iter().map(|apart| apart.abs()).sum::<f64>() / of.len() as f64
}

fn pooled(of: &[(f32, bool)]) -> Pooled {
    let mut sorted = of.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let all = sorted.len() as f64;
    let positives = sorted.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = all - positives;
    let (mut found, mut listed, mut won, mut area, mut ks) = (0.0, 0.0, 0.0, 0.0, 0.0_f64);
    let mut lift = vec![0.0; LIST_SHARES.len()];
    for (_, positive) in &sorted {
        listed += 1.0;
        if *positive {
            found += 1.0;
            area += found / listed;
        } else {
            won += found;
        }
        ks = ks.max((found / positives - (listed - found) / negatives).abs());
        for (lift, share) in lift.iter_mut().zip(LIST_SHARES) {
            if *positive && listed <= share * all {
                *lift += 1.0 / positives / share;
            }
        }
    }
    let mean = |loss: &dyn Fn(f64, f64) -> f64| {
        of.iter().map(|(score, positive)| loss(f64::from(*score), f64::from(u8::from(*positive)))).sum::<f64>() / all
    };
    Pooled {
        auc: won / (positives * negatives),
        pr_auc: area / positives,
        ks,
        lift,
        log_loss: mean(&|score, label| -(label * score.ln() + (1.0 - label) * (1.0 - score).ln())),
        brier: mean(&|score, label| (score - label).powi(2)),
        positives: positives / all,
    }
}

const BINS: usize = 56;

fn covers(estimate: &Estimate, number: f64) -> bool {
    (estimate.low..=estimate.high).contains(&number)
}

/// In 100 runs with noise, each figure's interval has the pooled figure in it at least 90 times.
#[test]
fn intervals_have_the_pooled_figures_in_them() {
    for (count, slope, stddev) in [(8_000, 1.0, 5.0), (40_000, 0.8, 20.0), (40_000, 1.0, 0.5)] {
        let bins = ScoreBins::new(BINS);
        let of = customers(count, slope, count as u64 + 7);
        let exact = pooled(&of);
        let counts = counted(&of, &bins);
        let mut random = Repeatable(3);
        let mut covered = std::collections::BTreeMap::<String, u32>::new();
        for _ in 0..100 {
            let found = figures(&noised(&counts, stddev, &mut random), &bins, stddev);
            let mut check = |name: &str, estimate: Option<Estimate>, exact: f64| {
                let covered_it = estimate.is_some_and(|estimate| covers(&estimate, exact));
                *covered.entry(name.to_owned()).or_default() += u32::from(covered_it);
            };
            check("customers", Some(found.customers), count as f64);
            check("positives", found.positives, exact.positives);
            check("auc", found.auc, exact.auc);
            check("pr_auc", found.pr_auc, exact.pr_auc);
            check("ks", found.ks, exact.ks);
            check("log loss", found.log_loss, exact.log_loss);
            check("brier", found.brier, exact.brier);
            check("ece", found.ece, pooled_ece(&of, &found.calibration, &bins));
            for (lift, exact) in found.lift.iter().zip(&exact.lift) {
                check(&format!("lift {}", lift.share), lift.lift, *exact);
            }
        }
        for (name, covered) in covered {
            assert!(covered >= 90, "{name}: {covered} of 100 with {count} customers, slope {slope}, noise {stddev}");
        }
    }
}

/// Without noise the figures are those of the customers, but for what the bins hide.
#[test]
fn without_noise_the_figures_are_the_pooled_ones() {
    let bins = ScoreBins::new(BINS);
    let of = customers(50_000, 1.0, 5);
    let (exact, found) = (pooled(&of), figures(&counted(&of, &bins), &bins, 0.0));
    let near = |estimate: Option<Estimate>, exact: f64, by: f64| {
        let estimate = estimate.unwrap();
        assert!((estimate.value - exact).abs() < by, "{} is not {exact}", estimate.value);
        assert!(covers(&estimate, exact), "{exact} is not in {estimate:?}");
    };
    near(found.auc, exact.auc, 0.001);
    near(found.pr_auc, exact.pr_auc, 0.002);
    near(found.ks, exact.ks, 0.004);
    near(found.brier, exact.brier, 0.0005);
    near(found.log_loss, exact.log_loss, 0.001);
    near(found.positives, exact.positives, 1e-12);
    for (lift, exact) in found.lift.iter().zip(exact.lift) {
        near(lift.lift, exact, 0.02 * exact);
    }
    assert!(found.ece.unwrap().value < 0.006, "{:?}", found.ece);
    assert!(found.calibration.len() >= 6 && found.roc.len() == BINS + 1);
    let shares: f64 = found.calibration.iter().map(|group| group.customers).sum();
    assert!((shares - 50_000.0).abs() < 1e-6);
    // Scores that say too little by a half have an error that shows.
    let steep = customers(50_000, 2.0, 6);
    let found = figures(&counted(&steep, &bins), &bins, 0.0);
    assert!(found.ece.unwrap().value > 0.03);
}

/// Whatever the counts are, each figure is absent or a number in its range.
#[test]
fn no_counts_make_a_figure_outside_of_its_range() {
    let bins = ScoreBins::new(8);
    let mut random = Repeatable(11);
    for number in 0..2_000 {
        let scale = [0.0, 1.0, 50.0, 1e12][number % 4];
        let mut class = || -> Vec<f64> { (0..8).map(|_| scale * random.normal()).collect() };
        let found = figures(&[class(), class()], &bins, [0.0, 3.0, 1e6][number % 3]);
        let shares = [found.auc, found.pr_auc, found.ks, found.ece, found.positives];
        for estimate in shares.into_iter().flatten() {
            let Estimate { value, low, high } = estimate;
            assert!((0.0..=1.0).contains(&value) && low <= value && value <= high && high <= 1.0, "{estimate:?}");
        }
        assert!(found.roc.iter().all(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y)));
        assert!(found.calibration.iter().all(|group| group.score.is_finite()));
    }
    let none = figures(&[vec![0.0; 8], vec![0.0; 8]], &bins, 0.0);
    assert_eq!((none.auc, none.ks, none.ece, none.lift[0].lift), (None, None, None, None));
}

/// Noise of single counts is independent: its squares add up.
#[test]
fn noise_of_all_customers_is_that_of_all_counts() {
    let bins = ScoreBins::new(18);
    let customers = figures(&[vec![100.0; 18], vec![20.0; 18]], &bins, 5.0).customers;
    assert_eq!(customers.value, 2_160.0);
    assert!((customers.high - customers.low - 2.0 * 1.96 * 5.0 * 6.0).abs() < 1e-9, "{customers:?}");
}

/// Two figures with noise of their own: the squares of their errors add up, and neither is left out.
#[test]
fn a_difference_has_the_noise_of_both() {
    let figure = |value: f64, half: f64| Estimate { value, low: value - half, high: value + half };
    let Estimate { value, low, high } = figure(0.75, 0.03).minus(&figure(0.5, 0.04));
    let near = |found: f64, exact: f64| assert!((found - exact).abs() < 1e-12, "{found} is not {exact}");
    near(value, 0.25);
    near(low, 0.2);
    near(high, 0.3);
}
