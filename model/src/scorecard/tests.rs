use proptest::prelude::*;

use super::*;
use crate::architecture::{Architecture, PairShape};
use crate::cells::Cell;
use crate::features::{FeatureMatrix, RawBatch};
use crate::pairs::{self, Pairing};
use crate::score::Scorer;

const TEXT: &str = r#"
name = "small"
version = 1
format = 2
fields = [
    { name = "age", kind = "numeric", min = 18, max = 90, transform = "bins", edges = [30, 60, 90], missing = "indicator", missing_codes = [-1], title_zh = "年龄", class = "C1", level = "L1" },
    { name = "job", kind = "categorical", categories = ["a", "b", "c"], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["x", "other"], unlisted = "other", missing = { category = "x" }, class = "C1", level = "L1" },
    { name = "balance", kind = "numeric", min = 0, max = 999, transform = "log", unit = 1, missing = "indicator", imputation = 9, class = "C1", level = "L1" },
    { name = "calls", kind = "numeric", min = 0, max = 10, range = "unit", missing = { constant = 5 }, class = "C1", level = "L1" },
    { name = "months", kind = "numeric", min = 0, max = 10, transform = "bins", edges = [5], missing = { constant = 7 }, class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["1"], negative = ["0"] }, { name = "deposit", positive = ["1"], negative = ["0"] }]
"#;

const COLUMNS: [&str; 8] = ["age", "job", "region", "balance", "calls", "months", "churn", "deposit"];

/// Slots of the schema: 5 + 3 + 2 + 2 + 1 + 2.
const SLOTS: usize = 15;

fn schema() -> Schema {
    Schema::parse(TEXT).unwrap_or_else(|faults| panic!("{faults}"))
}

fn network() -> Architecture {
    Architecture::logistic(15, &["churn", "deposit"]).unwrap()
}

fn encoded(rows: &[[&str; 6]]) -> FeatureMatrix {
    let schema = schema();
    let mut batch = RawBatch::new(&schema, &COLUMNS).unwrap();
    for (number, [age, job, region, balance, calls, months]) in (1..).zip(rows) {
        batch.push(number, &[age, job, region, balance, calls, months, "1", "0"]).unwrap();
    }
    batch.into_features().unwrap()
}

fn slots(rows: &FeatureMatrix, row: usize) -> Vec<f32> {
    let mut slots = vec![0.0; SLOTS];
    rows.write_row(Some(row), &mut slots);
    slots
}

/// Both heads' weights: those of the second one are the negatives.
fn model(weights: &[f32], intercept: f32) -> Parameters {
    let values = weights.iter().chain([&intercept]).flat_map(|weight| [*weight, -weight]);
    Parameters::new(network(), values.collect()).unwrap()
}

#[test]
fn a_card_says_what_each_value_is_worth() {
    // A unit of the logit is 20 points, and the base odds are even.
    let scale = Scale::new(500, 1.0, 20.0 * std::f64::consts::LN_2).unwrap();
    assert!((scale.factor() - 20.0).abs() < 1e-9);
    let weights = [0.1, 0.2, 0.224, 0.3, -0.2, 0.5, -0.5, 0.026, 1.0, 2.0, 0.5, 0.25, 2.0, -1.0, 1.0];
    let card = Scorecard::of(&model(&weights, -1.0), &schema(), "churn", scale).unwrap();
    assert_eq!((card.base, card.error_max), (480, 3.5));
    let of = |field: usize| -> Vec<(u32, Values, i64, &[Also])> {
        card.fields[field].bins().map(|bin| (bin.number, bin.values.clone(), bin.points, bin.also.as_slice())).collect()
    };
    let (bin, category) =
        (|low, high| Values::Cell(Cell::Between(low, high)), |name: &str| Values::Cell(Cell::Category(name.into())));
    let age = [
        (1, bin(18.0, 30.0), 2, &[Also::Below][..]),
        (2, bin(30.0, 60.0), 4, &[]),
        (3, bin(60.0, 90.0), 4, &[]),
        (4, bin(90.0, 90.0), 6, &[Also::Above]),
        (5, Values::Cell(Cell::Missing), -4, &[]),
    ];
    assert_eq!(of(0), age);
    let job = [
        (1, category("a"), 10, &[][..]),
        (2, category("b"), -10, &[]),
        (3, category("c"), 1, &[]),
        (4, Values::Unlisted, 0, &[]),
    ];
    assert_eq!(of(1), job);
    assert_eq!(of(2), [(1, category("x"), 20, &[Also::Missing][..]), (2, category("other"), 40, &[Also::Unlisted])]);
    // A missing balance is read as 9: a third along the curve, so -1/3 of half a unit, beside its indicator's quarter.
    assert_eq!(of(3), [(1, Values::Cell(Cell::Missing), 2, &[][..])]);
    assert_eq!(of(5)[1].3, [Also::Above, Also::Missing]);
    let turns: Vec<Turn> = card.fields.iter().map(|field| field.turn).collect();
    use Turn::{Rises, Unordered};
    assert_eq!(turns, [Rises, Unordered, Unordered, Rises, Rises, Rises]);
    let Rule::Line(calls) = &card.fields[4].rule else { panic!("calls have no bins") };
    assert_eq!((calls.at_min, calls.at_max.round(), calls.missing_as), (0.0, 40.0, Some(5.0)));
    assert_eq!(calls.share, "(v - 0) / (10 - 0)");
    assert_eq!((card.fields[0].code.as_str(), card.fields[0].title_zh.as_deref()), ("R001", Some("年龄")));

    let rows = encoded(&[
        ["17", "z", "z", "0", "10", "4"],
        ["-1", "a", "", "", "", ""],
        ["95", "c", "other", "5000", "99", "50"],
    ]);
    let points: Vec<i64> = (0..3).map(|row| card.points(&slots(&rows, row))).collect();
    assert_eq!(points, [480 + 2 + 40 - 10 + 40 - 20, 480 - 4 + 10 + 20 + 2 + 20 + 20, 480 + 6 + 1 + 40 + 10 + 40 + 20]);
    // The other head has the opposite of every weight.
    let other = Scorecard::of(&model(&weights, -1.0), &schema(), "deposit", scale).unwrap();
    assert_eq!((other.base, other.fields[0].turn), (520, Turn::Falls));
}

#[test]
fn points_that_people_set_stand_beside_the_models() {
    let card = Scorecard::of(&model(&[0.5; SLOTS], 0.0), &schema(), "churn", Scale::default()).unwrap();
    let change = |field: &str, bin, before, after| PointChange { field: field.into(), bin, before, after };
    let fault = |changes: &[PointChange]| card.clone().changed(changes).unwrap_err();
    assert!(matches!(fault(&[change("wage", 1, 14, 10)]), ChangeFault::Field(_)));
    assert!(matches!(fault(&[change("age", 6, 14, 10)]), ChangeFault::Bin { bins: 5, .. }));
    assert!(matches!(fault(&[change("calls", 1, 14, 10)]), ChangeFault::Bin { bins: 0, .. }));
    assert!(matches!(fault(&[change("age", 1, 13, 10)]), ChangeFault::Before { found: 14, .. }));
    assert_eq!(fault(&[change("age", 1, 14, 14)]), ChangeFault::Same(14));
    assert_eq!(fault(&[change("age", 1, 14, POINTS_ABS_MAX + 1)]), ChangeFault::Points(POINTS_ABS_MAX + 1));
    let changes =
        [change("age", 1, 14, 10), change("age", 1, 10, 9), change("job", 4, 0, -7), change("balance", 1, 10, 3)];
    let changed = card.clone().changed(&changes).unwrap();
    let bin = changed.fields[0].bins().next().unwrap();
    assert_eq!((bin.points, bin.model_points, changed.fields[0].turn), (9, Some(14), Turn::Rises));
    assert!(changed.has_changes() && !card.has_changes());
    let rows = encoded(&[["20", "z", "x", "", "5", "1"]]);
    let row = slots(&rows, 0);
    assert_eq!(changed.points(&row) - card.points(&row), (9 - 14) - 7 + (3 - 10));
}

#[test]
fn what_is_no_sum_has_no_card_and_bad_scales_are_refused() {
    let of = |network: &Architecture, head: &str| {
        Scorecard::of(&Parameters::zero(network), &schema(), head, Scale::default()).unwrap_err()
    };
    assert_eq!(of(&Architecture::mlp(15, &[4], &["churn"]).unwrap(), "churn"), AdditiveFault::Hidden);
    assert_eq!(
        of(&Architecture::logistic(14, &["churn"]).unwrap(), "churn"),
        AdditiveFault::Schema { expected: 14, found: 15 }
    );
    assert!(matches!(of(&network(), "loans"), AdditiveFault::Head { .. }));
    assert_eq!(Scale::new(POINTS_ABS_MAX + 1, 50.0, 20.0), Err(ScaleFault::Base(POINTS_ABS_MAX + 1)));
    for odds in [0.0, -1.0, f64::INFINITY, 1e10] {
        assert_eq!(Scale::new(600, odds, 20.0), Err(ScaleFault::Odds(odds)));
    }
    assert!(matches!(Scale::new(600, f64::NAN, 20.0), Err(ScaleFault::Odds(_))));
    for double in [0.0, -20.0, 1e5] {
        assert_eq!(Scale::new(600, 50.0, double), Err(ScaleFault::Double(double)));
    }
}

/// A table of a pair is read only where its fields have cells.
#[test]
fn a_pair_with_a_number_is_refused() {
    let shape = PairShape { tables: 1, groups: 2 };
    let network = network().with_pairs(Some(shape)).unwrap();
    let spans = crate::additive::spans(&schema());
    let with = |fields: [u32; 2]| {
        let beside =
            pairs::values(shape, &spans, &Pairing { groups: vec![0; SLOTS], fields: vec![fields] }, &[0.5; 18]);
        Parameters::new(network.clone(), std::iter::repeat_n(0.25, 32).chain(beside).collect()).unwrap()
    };
    let of = |fields| Scorecard::of(&with(fields), &schema(), "churn", Scale::default());
    assert_eq!(of([0, 3]).unwrap_err(), AdditiveFault::Pair(1));
    let card = of([0, 1]).unwrap();
    let [pair] = card.pairs.as_slice() else { panic!("one table") };
    assert_eq!(
        (pair.fields.each_ref().map(String::as_str), pair.rows[0].len(), pair.columns[0].len()),
        (["age", "job"], 5, 3)
    );
    assert_eq!((pair.cells.len(), pair.cells[0].points), (9, 14));
}

fn text(from: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the model and the row are, points are the score of [`Scorer`] but for what was rounded, and the score is the network's.
    #[test]
    fn points_add_up_to_the_score(
        weights in proptest::collection::vec(-3.0..3.0_f32, SLOTS + 1),
        cells in proptest::collection::vec(-1.0..1.0_f32, 2 * 2 * 9),
        groups in proptest::collection::vec(0..3_u32, SLOTS),
        row in (
            text(&["", "-1", "-1.0", "17", "30", "59.9", "60", "90", "1e3"]), text(&["a", "b", "c", "z"]), text(&["x", "other", "", "?"]),
            text(&["", "0", "10", "998.5", "-4", "5000"]), text(&["", "0", "3.3", "10", "11"]), text(&["", "0", "5", "7", "-2"]),
        ),
        (base, odds, double) in (-1000..1000_i64, 0.01..100.0_f64, 1.0..200.0_f64),
    ) {
        let shape = PairShape { tables: 2, groups: 2 };
        let pairing = Pairing { groups, fields: vec![[0, 1], [1, 5]] };
        let beside = pairs::values(shape, &crate::additive::spans(&schema()), &pairing, &cells);
        let linear = weights.iter().flat_map(|weight| [*weight, -weight]);
        let network = network().with_pairs(Some(shape)).unwrap();
        let model = Parameters::new(network, linear.chain(beside).collect()).unwrap();
        let scale = Scale::new(base, odds, double).unwrap();
        let rows = encoded(&[[row.0, row.1, row.2, row.3, row.4, row.5]]);
        let row = slots(&rows, 0);
        let scorer = Scorer::new(&schema(), &model).unwrap();
        let mut scored = scorer.room();
        scorer.score(rows.encoded(0), &mut scored);
        for (number, head) in ["churn", "deposit"].into_iter().enumerate() {
            let logit = scored.logits()[number];
            let mut plain = [0.0; 2];
            crate::pairs::PairTables::of(&model).unwrap().add(&row, &mut plain);
            let own: f64 = row.iter().zip(&weights).map(|(slot, weight)| f64::from(*slot) * f64::from(*weight)).sum();
            let sign = if number == 0 { 1.0 } else { -1.0 };
            prop_assert!((logit - sign * (own + f64::from(weights[SLOTS])) - plain[number]).abs() < 1e-9);
            let card = Scorecard::of(&model, &schema(), head, scale).unwrap();
            prop_assert_eq!(card.error_max, 4.5);
            let far = (card.points(&row) as f64 - scale.score(logit)).abs();
            prop_assert!(far <= card.error_max + 1e-9, "{} points away", far);
        }
    }
}
