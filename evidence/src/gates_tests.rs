use tributary_model::cells::Cell;
use tributary_model::metrics::{Compared, ScoreBins, ScoreCounts};

use super::*;

fn estimate(value: f64, half: f64) -> Estimate {
    Estimate { value, low: value - half, high: value + half }
}

fn group(customers: f64, found: Option<Estimate>) -> GroupFigures {
    let compared = |own| Compared { own, difference: own };
    GroupFigures {
        group: Cell::Missing,
        customers: estimate(customers, 5.0),
        positives: None,
        listed: None,
        found: found.map(compared),
        score: None,
        calibration: None,
    }
}

/// A label whose counts rise with the score, without noise.
fn measured(groups: Vec<GroupFigures>) -> Measured {
    let bins = ScoreBins::new(10);
    let positives: Vec<f64> = (0..10).map(|bin| f64::from(bin * bin)).collect();
    let negatives: Vec<f64> = (0..10).map(|bin| f64::from((10 - bin) * 20)).collect();
    let counts = ScoreCounts { bins: &bins, negatives: &negatives, positives: &positives, noise_stddev: 1.0 };
    let scores = vec![negatives.iter().zip(&positives).map(|(one, other)| one + other).collect()];
    let heads = vec![HeadFigures { groups, ..HeadFigures::of("churn", counts) }];
    Measured { heads, scores, noise_stddev: 1.0 }
}

fn gates(measures: &[Measure]) -> Gates {
    let gate = |measure: &Measure| Gate { label: "churn".into(), measure: *measure, limit: 1 };
    Gates { limits: measures.iter().map(gate).collect(), ..Gates::USUAL }
}

#[test]
fn each_measure_is_that_of_the_evaluation() {
    let measures = [Measure::CalibrationError, Measure::Auc, Measure::Ks, Measure::Lift { share: 1_000 }];
    let model = measured(Vec::new());
    let head = &model.heads()[0];
    let expected = [head.ece, head.auc, head.ks, head.lift[2].lift].map(|found| found.unwrap());
    for (figure, expected) in figures(&gates(&measures), Some(&model), None).into_iter().zip(expected) {
        let Figure::Measured { value, low, high } = figure else { panic!("{figure:?}") };
        let near = |parts: u32, of: f64| (f64::from(parts) / 1e4 - of).abs() < 1e-4;
        assert!(near(value, expected.value) && near(low, expected.low) && near(high, expected.high), "{figure:?}");
        // Rounding never helps a model.
        assert!(f64::from(low) / 1e4 <= expected.low && f64::from(high) / 1e4 >= expected.high);
    }
    // Without counts, of another label, or of a list that is not counted, there is no figure.
    assert_eq!(figures(&gates(&measures), None, None), [Figure::Absent; 4]);
    let mut others = gates(&[Measure::Auc, Measure::Lift { share: 1_001 }, Measure::FoundGap]);
    others.limits[0].label = "other".into();
    assert_eq!(figures(&others, Some(&model), None), [Figure::Absent; 3]);
}

/// Every pair of groups counts, and a group that says nothing leaves no answer: it is not passed over.
#[test]
fn the_largest_gap_between_groups_counts() {
    let gates = gates(&[Measure::FoundGap]);
    let found = |groups: Vec<GroupFigures>| figures(&gates, Some(&measured(groups)), None)[0];
    let three = || [0.5, 0.62, 0.4].map(|rate| group(300.0, Some(estimate(rate, 0.03)))).to_vec();
    let Figure::Measured { value, low, high } = found(three()) else { panic!("a figure") };
    // 0.62 - 0.4, with both intervals: 0.03 times the root of two.
    assert_eq!((value, low, high), (2_200, 1_775, 2_625));
    let mut silent = three();
    silent.push(group(300.0, None));
    assert_eq!(found(silent), Figure::Absent);
    let mut tiny = three();
    tiny.push(group(0.0, None));
    assert_eq!(found(tiny), Figure::Measured { value, low, high }, "hardly anybody is in it");
    assert_eq!(found(vec![group(300.0, Some(estimate(0.5, 0.03)))]), Figure::Absent, "one group is compared with none");
}

#[test]
fn scores_are_compared_with_the_champions() {
    let gates = gates(&[Measure::Stability]);
    let model = measured(Vec::new());
    let mut far = model.clone();
    far.scores[0] = vec![10.0, 10.0, 10.0, 10.0, 10.0, 200.0, 200.0, 200.0, 200.0, 200.0];
    let found = |champion| figures(&gates, Some(&model), champion)[0];
    assert_eq!(found(None), Figure::NoChampion);
    assert_eq!(found(Some(None)), Figure::Absent, "nothing is known of the champion");
    let Figure::Measured { low, .. } = found(Some(Some(&model))) else { panic!("a figure") };
    assert_eq!(low, 0);
    let Figure::Measured { low, .. } = found(Some(Some(&far))) else { panic!("a figure") };
    assert!(low > 2_500, "{low}");
}

/// What is no number passes no gate.
#[test]
fn a_figure_that_is_no_number_is_absent() {
    for (value, low, high) in [(f64::NAN, 0.0, 1.0), (0.5, f64::NAN, 1.0), (0.5, 0.0, f64::INFINITY), (0.5, 0.9, 0.1)] {
        assert_eq!(in_parts(Some(Estimate { value, low, high })), Figure::Absent);
    }
    let negative = Estimate { value: -0.1, low: -0.2, high: 0.1 };
    assert_eq!(in_parts(Some(negative)), Figure::Measured { value: 0, low: 0, high: 1_000 });
}
