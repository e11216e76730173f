//! Figures of scores, of several runs, and tasks side by side.

use tributary_rehearsal::{Judged, Spread, Summary, side_by_side};

#[test]
fn figures_are_those_of_the_textbooks() {
    // Twenty rows: the two best are positive, and one in the middle.
    let scores: Vec<f32> = (0_u8..20).map(|row| 1.0 - f32::from(row) / 20.0).collect();
    let targets: Vec<bool> = (0..20).map(|row| [0, 1, 10].contains(&row)).collect();
    let found = Judged::of(&scores, &targets);
    assert!((found.lift_10.unwrap() - 2.0 / 3.0 / 0.1).abs() < 1e-12);
    // After the two best all of their share and no negative; later 8 of 17 negatives and all positives.
    assert!((found.ks.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let brier = scores.iter().zip(&targets).map(|(s, t)| (f64::from(*s) - f64::from(u8::from(*t))).powi(2));
    assert!((found.brier.unwrap() - brier.sum::<f64>() / 20.0).abs() < 1e-9);
    assert!((found.auc.unwrap() - 43.0 / 51.0).abs() < 1e-12);
    // Groups of two rows: |1.95 - 2|, |1.75|, |1.55|, |1.35|, |1.15|, |0.95 - 1|, then 0.75, 0.55, 0.35, 0.15.
    assert!((found.ece.unwrap() - 7.7 / 20.0).abs() < 1e-6, "{found:?}");
}

#[test]
fn ties_and_single_classes_have_their_figures() {
    let same = Judged::of(&[0.5; 10], &[true, false, false, false, false, true, false, false, false, false]);
    assert_eq!((same.auc, same.ks), (Some(0.5), Some(0.0)));
    assert!((same.lift_10.unwrap() - 1.0).abs() < 1e-12);
    let one = Judged::of(&[0.5, 0.25], &[false, false]);
    assert_eq!((one.auc, one.ks, one.lift_10, one.brier), (None, None, None, Some(0.156_25)));
    assert_eq!(Judged::of(&[], &[]), Judged::default());
    assert_eq!(Judged::of(&[f32::NAN], &[true]), Judged::default());
}

#[test]
fn runs_have_a_mean_and_a_spread() {
    assert_eq!(Spread::of([None, None]), None);
    assert_eq!(Spread::of([Some(2.0), None]), Some(Spread { mean: 2.0, stddev: None }));
    assert_eq!(Spread::of([Some(1.0), Some(3.0)]), Some(Spread { mean: 2.0, stddev: Some(2.0_f64.sqrt()) }));
    let runs = [vec![Judged { auc: Some(0.5), ..Judged::default() }], vec![Judged::default()]];
    let summary = Summary::of(&["churn".into()], &runs);
    assert_eq!((summary[0].auc, summary[0].ks), (Some(Spread { mean: 0.5, stddev: None }), None));
}

#[test]
fn tasks_are_given_in_their_order_and_a_fault_is_told() {
    let squares: Result<Vec<usize>, ()> = side_by_side(100, |number| Ok(number * number));
    assert_eq!(squares, Ok((0..100).map(|number| number * number).collect()));
    assert_eq!(side_by_side(50, |number| if number == 3 { Err(number) } else { Ok(()) }), Err(3));
    assert_eq!(side_by_side(0, |_| Ok::<_, ()>(())), Ok(Vec::new()));
}
