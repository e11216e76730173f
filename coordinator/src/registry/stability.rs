//! How far the customers' scores and fields have moved between two runs: stability indices of what both have counted.

use serde::Serialize;
use tributary_model::counts::NoisedHistogram;
use tributary_model::metrics::{Estimate, NoisedCounts, stability};

/// What one run has counted, each with the standard deviation of the noise in a count.
pub(super) struct Counts<'a> {
    /// By label and score.
    pub(super) scores: (&'a [NoisedHistogram], f64),
    /// By field.
    pub(super) fields: Option<(&'a [NoisedHistogram], f64)>,
}

/// How far everything has moved since another run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// Number of the other run.
    pub run: u32,
    /// Its model.
    pub model: String,
    /// Of the scores of each label.
    pub scores: Vec<Moved>,
    /// Of the fields that both runs have counted.
    pub fields: Vec<Moved>,
}

/// How far one distribution has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// The label, or the field.
    pub name: String,
    /// The population stability index; nothing where the counts do not stand out of the noise.
    pub index: Option<Estimate>,
}

impl Stability {
    /// From what two runs have counted. What only one of them has, or has in other bins, is left out.
    pub(super) fn of((run, model): (u32, String), was: &Counts<'_>, now: &Counts<'_>) -> Self {
        let fields = was.fields.zip(now.fields).map(|(was, now)| moved(&singles(was), &singles(now), false));
        Self {
            run,
            model,
            scores: moved(&of_scores(was.scores), &of_scores(now.scores), true),
            fields: fields.unwrap_or_default(),
        }
    }
}

/// A name, counts, and the noise in each.
type Named = (String, Vec<f64>, f64);

const CLASSES: [&str; 2] = [": negative", ": positive"];

/// Both classes of each label together. Groups are counted once more, and left out.
fn of_scores((histograms, noise_stddev): (&[NoisedHistogram], f64)) -> Vec<Named> {
    let pairs = histograms.chunks_exact(2).filter_map(|pair| {
        let name = pair[0].name.strip_suffix(CLASSES[0])?;
        (pair[1].name.strip_suffix(CLASSES[1]) == Some(name)).then_some(())?;
        let counts = pair[0].counts.iter().zip(&pair[1].counts).map(|(negative, positive)| negative + positive);
        Some((name.to_owned(), counts.collect(), noise_stddev * std::f64::consts::SQRT_2))
    });
    pairs.collect()
}

/// Of all customers alone: those by label are among them.
fn singles((histograms, noise_stddev): (&[NoisedHistogram], f64)) -> Vec<Named> {
    let by_label = |name: &str| CLASSES.iter().any(|class| name.ends_with(class));
    let all = histograms.iter().filter(|histogram| !by_label(&histogram.name));
    all.map(|histogram| (histogram.name.clone(), histogram.counts.clone(), noise_stddev)).collect()
}

fn moved(was: &[Named], now: &[Named], ordered: bool) -> Vec<Moved> {
    let pairs = now.iter().filter_map(|(name, counts, noise_stddev)| {
        let (_, before, noise_before) =
            was.iter().find(|(other, before, _)| other == name && before.len() == counts.len())?;
        let before = NoisedCounts { counts: before, noise_stddev: *noise_before };
        let now = NoisedCounts { counts, noise_stddev: *noise_stddev };
        Some(Moved { name: name.clone(), index: stability(before, now, ordered) })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(name: &str, counts: &[f64]) -> NoisedHistogram {
        NoisedHistogram { name: name.into(), counts: counts.to_vec() }
    }

    #[test]
    fn what_both_runs_have_counted_is_compared() {
        let scores = |shift: f64| {
            vec![
                histogram("churn: negative", &[900.0 - shift, 500.0, 200.0]),
                histogram("churn: positive", &[20.0, 60.0, 80.0 + shift]),
                histogram("churn: negative, gender f", &[1.0, 1.0, 1.0]),
                histogram("churn: positive, gender f", &[1.0, 1.0, 1.0]),
            ]
        };
        let fields = |name: &str, counts: &[f64]| {
            vec![
                histogram("job", &[500.0, 600.0]),
                histogram(name, counts),
                histogram("job, churn: negative", &[1.0, 9.0]),
            ]
        };
        let (was, is) = (scores(0.0), scores(300.0));
        let (old, new) = (fields("age", &[5.0, 5.0]), fields("age", &[5.0, 5.0, 5.0]));
        let before = Counts { scores: (&was, 2.0), fields: Some((&old, 2.0)) };
        let after = Counts { scores: (&is, 2.0), fields: Some((&new, 2.0)) };
        let found = Stability::of((1, "ab".into()), &before, &after);
        let names = |of: &[Moved]| of.iter().map(|moved| moved.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&found.scores), names(&found.fields)), (vec!["churn".into()], vec!["job".into()]));
        assert!(found.scores[0].index.unwrap().low > 0.1, "{found:?}");
        assert!(found.fields[0].index.unwrap().value < 0.01);
        let without = Stability::of((1, "ab".into()), &Counts { fields: None, ..before }, &after);
        assert!(without.fields.is_empty() && without.scores.len() == 1);
    }
}
