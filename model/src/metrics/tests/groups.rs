use super::*;
use crate::cells::Cell;

/// Customers of one group: scores are off by `shift` of the logit, and its positives are as frequent as the true logits say.
#[expect(clippy::cast_possible_truncation, reason = "scores are single numbers")]
fn group(count: usize, (middle, shift): (f64, f64), seed: u64) -> Vec<(f32, bool)> {
    let mut random = Repeatable(seed);
    let one = |random: &mut Repeatable| {
        let logit = 1.2 * random.normal() + middle;
        let chance = 1.0 / (1.0 + (-logit).exp());
        let score = 1.0 / (1.0 + (-logit - shift).exp());
        (score as f32, random.unit() < chance)
    };
    (0..count).map(|_| one(&mut random)).collect()
}

/// Share of positives, share in the list, true-positive rate, mean score, calibration.
fn pooled_group(all: &[(f32, bool)], of: &[(f32, bool)]) -> [f64; 5] {
    let mut scores: Vec<f32> = all.iter().map(|(score, _)| *score).collect();
    scores.sort_by(f32::total_cmp);
    let least = scores[scores.len() - scores.len() / 10];
    let count = |of: &dyn Fn(&&(f32, bool)) -> bool, from: &[(f32, bool)]| from.iter().filter(of).count() as f64;
    let all = of.len() as f64;
    let positives = count(&|customer| customer.1, of);
    let score = of.iter().map(|(score, _)| f64::from(*score)).sum::<f64>() / all;
    let found = count(&|customer| customer.1 && customer.0 >= least, of);
    [
        positives / all,
        count(&|customer| customer.0 >= least, of) / all,
        found / positives,
        score,
        score - positives / all,
    ]
}

fn of_group(figures: &GroupFigures) -> [Option<Compared>; 5] {
    [figures.positives, figures.listed, figures.found, figures.score, figures.calibration]
}

fn scores<'a>([negatives, positives]: &'a [Vec<f64>; 2], bins: &'a ScoreBins, noise_stddev: f64) -> ScoreCounts<'a> {
    ScoreCounts { bins, negatives, positives, noise_stddev }
}

const NAMES: [&str; 5] = ["positives", "listed", "found", "score", "calibration"];

/// In 100 runs with noise, each figure of a group and its distance to that of all lie in their intervals at least 90 times.
#[test]
fn intervals_of_groups_have_the_pooled_figures_in_them() {
    let bins = ScoreBins::new(28);
    let groups = [group(24_000, (-2.0, 0.0), 5), group(9_000, (-1.4, 0.5), 6), group(400, (-2.0, 0.0), 7)];
    let all = groups.concat();
    for stddev in [4.0, 20.0] {
        let mut random = Repeatable(9);
        let exact = groups.each_ref().map(|of| pooled_group(&all, of));
        let of_all = pooled_group(&all, &all);
        let counts = groups.each_ref().map(|of| counted(of, &bins));
        let mut covered = std::collections::BTreeMap::<String, [u32; 3]>::new();
        for _ in 0..100 {
            let whole = noised(&counted(&all, &bins), stddev, &mut random);
            for (place, own) in counts.iter().enumerate() {
                let own = noised(own, stddev, &mut random);
                let told = GroupFigures::of(&Cell::Missing, scores(&whole, &bins, stddev), scores(&own, &bins, stddev));
                let large = place < 2;
                for (figure, name) in NAMES.iter().enumerate() {
                    let Some(found) = of_group(&told)[figure] else {
                        assert!(!large, "{name} of a large group is absent");
                        continue;
                    };
                    let entry = covered.entry(format!("{name} of group {place}")).or_insert([0; 3]);
                    let apart = exact[place][figure] - of_all[figure];
                    let (own, difference) =
                        (covers(&found.own, exact[place][figure]), covers(&found.difference, apart));
                    *entry = [entry[0] + 1, entry[1] + u32::from(own), entry[2] + u32::from(difference)];
                }
            }
        }
        for (name, [given, own, apart]) in covered {
            // Where a figure is given in few runs, those are the ones with much noise.
            assert!(
                given < 50 || 10 * own.min(apart) >= 9 * given,
                "{name}: {own} and {apart} of {given}, noise {stddev}"
            );
            assert!(given == 100 || name.ends_with("group 2"), "{name}");
        }
    }
}

/// A group of whom the model promises too much shows, one that it treats as all does not, and one below the noise is said to be too small.
#[test]
fn what_is_unlike_all_others_shows_and_what_is_too_small_is_said() {
    let bins = ScoreBins::new(28);
    let (alike, promised, few) =
        (group(30_000, (-2.0, 0.0), 1), group(8_000, (-2.0, 1.0), 2), group(40, (-2.0, 0.0), 3));
    let all = [alike.clone(), promised.clone(), few.clone()].concat();
    let mut random = Repeatable(4);
    let mut told = |of: &[(f32, bool)]| {
        let (whole, own) =
            (noised(&counted(&all, &bins), 5.0, &mut random), noised(&counted(of, &bins), 5.0, &mut random));
        GroupFigures::of(&Cell::Category("f".into()), scores(&whole, &bins, 5.0), scores(&own, &bins, 5.0))
    };
    let of = told(&promised);
    let calibration = of.calibration.unwrap();
    assert!(calibration.own.low > 0.05 && calibration.difference.low > 0.05, "{calibration:?}");
    assert!(of.listed.unwrap().difference.low > 0.0);
    assert!(told(&alike).positives.unwrap().difference.low < 0.0);
    let few = told(&few);
    assert!(of_group(&few).iter().all(Option::is_none), "{few:?}");
}
