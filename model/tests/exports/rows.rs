//! Rows as a branch's systems have them, and what production gives each.

use tributary_model::export::{ColumnKind, columns};
use tributary_model::features::{Cell, RawBatch, RowForm};
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_model::score::{COMPLETE_WITHIN, Scorer, probability};
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_model::train::predict;

use super::Numbers;

pub(super) const ROWS: usize = 10_000;

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(Option<f64>),
    Text(&'static str),
}

/// Rows by the columns of [`columns`].
pub(super) fn rows(schema: &Schema) -> Vec<Vec<Value>> {
    let mut numbers = Numbers(17);
    let texts = |column: &str| -> &'static [&'static str] {
        match column {
            "job`; DROP" => &[
                "'; DROP TABLE customers; --",
                "a\"b",
                "办公室",
                " 办公室\u{3000}",
                "back\\slash\\'",
                "<b>&amp;",
                "\\E.*",
                "two  words",
                "a]b",
                "two words",
                "unknown",
                "n/a ",
                "",
                "  ",
                "A\"B",
                "anything",
                "gone",
                "none",
            ],
            "region" => &[
                "1", "2.5", "other", "-3", "1.0", "+1", "01", " 1 ", "1e0", "2.50", ".25e1", "25E-1", "-3.", "99",
                "99.0", "x", "", "\u{3000}", "NaN", "inf", "1-3", "--3", "e1", ".", "1e", "0x1", "1e999", "zzz",
            ],
            "balance" => &[
                "0",
                "1",
                "9.99",
                "10",
                "99.999",
                "100",
                "500",
                "1000",
                "12345.678",
                "1e3",
                " 750 ",
                "+5",
                "-4",
                "-9",
                "-9.0",
                "none",
                "",
                " ",
                "2000000",
                "1E5",
                "abc",
                "1,5",
                "NaN",
                "infinity",
                "12 000",
            ],
            "tier" => &["gold", "silver", "gold", "silver", "silver ", "gold", "silver", "bronze", "gold", ""],
            other => panic!("{other} has no texts"),
        }
    };
    let of_numbers = |column: &str, numbers: &mut Numbers| -> Option<f64> {
        match numbers.whole(40) {
            0 if column == "calls" => None,
            0 | 1 if column != "calls" => None,
            2 => Some(-1.0),
            3 => Some(1e9),
            4 => Some(-1e9),
            5 => Some(f64::INFINITY),
            6 => Some(30.5),
            7 => Some(90.0),
            8 => Some(0.0),
            9 => Some(25.0 - 1e-12),
            _ => Some(numbers.whole(200_000) as f64 / 1000.0 - 50.0),
        }
    };
    let columns = columns(schema);
    let row = |numbers: &mut Numbers| {
        let value = |column: &tributary_model::export::Column| match column.kind {
            ColumnKind::Number => Value::Number(of_numbers(&column.name, numbers)),
            ColumnKind::Text => {
                let all: &[&'static str] = texts(&column.name);
                Value::Text(numbers.place::<&'static str>(all))
            }
        };
        columns.iter().map(value).collect()
    };
    (0..ROWS).map(|_| row(&mut numbers)).collect()
}

/// The probability of each row and head by production, where the schema takes the row. Scoring gives the same; its contributions add up to the score, and
/// so do the points of an additive model, but for what was rounded.
pub(super) fn expected(schema: &Schema, model: &Parameters, rows: &[Vec<Value>]) -> Vec<Vec<Option<f64>>> {
    let columns = columns(schema);
    let labels: Vec<&str> = schema.labels().iter().map(|label| label.column.as_str()).collect();
    let key = schema.customer_column().unwrap();
    let header: Vec<&str> =
        columns.iter().map(|column| column.name.as_str()).chain(labels.iter().copied()).chain([key]).collect();
    let mut batch = RawBatch::new(schema, &header).unwrap();
    let mut places = Vec::with_capacity(rows.len());
    let mut taken = 0;
    for (number, row) in (1_u64..).zip(rows) {
        let cells = row.iter().map(|value| match value {
            Value::Number(None) => Cell::Missing,
            Value::Number(Some(number)) => Cell::Number(*number),
            Value::Text(text) => Cell::Text(text),
        });
        let id = i64::try_from(number).unwrap();
        let cells: Vec<Cell<'_>> =
            cells.chain(labels.iter().map(|_| Cell::Missing)).chain([Cell::Integer(id)]).collect();
        let is_taken = batch.push_cells(number, &cells).is_ok();
        places.push(is_taken.then_some(taken));
        taken += usize::from(is_taken);
    }
    let data = batch.into_features().unwrap();
    let scores = predict(model, &data).unwrap();
    let (scorer, form) = (Scorer::new(schema, model).unwrap(), RowForm::of(schema));
    let (mut scored, mut slots) = (scorer.room(), vec![0.0; form.width()]);
    let scale = Scale::default();
    let card = |head: &String| Scorecard::of(model, schema, head, scale).ok();
    let cards: Vec<Option<Scorecard>> = scorer.heads().iter().map(card).collect();
    assert!(cards.iter().all(|card| card.is_some() == scorer.is_additive()));
    for row in 0..taken {
        scorer.explain(data.encoded(row), &mut scored);
        form.write_slots(data.encoded(row), &mut slots);
        for (head, card) in cards.iter().enumerate() {
            let (score, production) = (scored.logits()[head], f64::from(scores[[row, head]]));
            assert!((probability(score) - production).abs() < 1e-5, "row {row}: {score} {production}");
            let sum = scored.contributions(head).fold(scorer.base()[head], |sum, own| sum + own);
            let within = if card.is_some() { 1e-9 } else { COMPLETE_WITHIN };
            assert!((sum - score).abs() <= within, "row {row}: {sum} {score}");
            if let Some(card) = card {
                let far = (card.points(&slots) as f64 - scale.score(score)).abs();
                assert!(far <= card.error_max + 1e-9, "row {row}: {far} points away");
            }
        }
    }
    let of = |head: usize| places.iter().map(|place| place.map(|row| f64::from(scores[[row, head]]))).collect();
    (0..scores.ncols()).map(of).collect()
}
