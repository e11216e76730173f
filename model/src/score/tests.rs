//! Scores are those of training, contributions add up, and reasons are told by the stated rules.

use proptest::prelude::*;

use super::*;
use crate::architecture::{Activation, Architecture, ArchitectureFields, PairShape};
use crate::features::{Cell, EncodedRow, FeatureMatrix, RawBatch, RowForm};
use crate::pairs::{Pairing, values};
use crate::parameters::Parameters;
use crate::schema::{Decimal, Schema};
use crate::train::logits;
use crate::train::tests::Dice;

const TEXT: &str = r#"
name = "small"
version = 1
format = 2
customer_column = "who"
necessity = "habits"
fields = [
    { name = "age", title_zh = "年龄", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [20, 40, 60], missing = "indicator", class = "C2", level = "L2" },
    { name = "balance", reason_zh = "存款减少", title_zh = "余额", necessity = "balance falls", kind = "numeric", min = 0, max = 1000, transform = "log", missing = "indicator", imputation = 10, class = "C2", level = "L3" },
    { name = "job", kind = "categorical", categories = ["office", "field", "none"], missing = { category = "none" }, class = "C1", level = "L1" },
    { name = "visits", kind = "numeric", min = 0, max = 8, range = "unit", class = "C1", level = "L1" },
    { name = "gender", use = "audit", necessity = "alike", kind = "categorical", categories = ["f", "m"], class = "C2", level = "L2" },
]
labels = [
    { name = "churn", column = "left", positive = ["1"], negative = ["0"] },
    { name = "deposit", positive = ["1"], negative = ["0"] },
]
"#;

fn schema() -> Schema {
    Schema::parse(TEXT).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Rows of every kind of value, as text.
fn rows(dice: &mut Dice, count: usize) -> Vec<[String; 5]> {
    let row = |dice: &mut Dice| {
        let or_none = |dice: &mut Dice, text: String| if dice.below(5) == 0 { String::new() } else { text };
        let (age, balance) = (dice.below(130).to_string(), dice.below(1500).to_string());
        let job = ["office", "field", "none", "farmer"][dice.below(4) as usize].to_owned();
        [or_none(dice, age), or_none(dice, balance), or_none(dice, job), dice.below(10).to_string(), "c".to_owned()]
    };
    (0..count).map(|_| row(dice)).collect()
}

fn matrix(rows: &[[String; 5]]) -> FeatureMatrix {
    let schema = schema();
    let mut batch = RawBatch::new(&schema, &["age", "balance", "job", "visits", "who", "left", "deposit"]).unwrap();
    for (number, row) in (1..).zip(rows) {
        let [age, balance, job, visits, who] = row.each_ref().map(String::as_str);
        batch.push(number, &[age, balance, job, visits, who, "1", ""]).unwrap();
    }
    batch.into_features().unwrap()
}

/// Any model of a kind: 0 is plain, 1 has pairs, 2 and 3 have hidden layers.
fn model(dice: &mut Dice, kind: u32) -> Parameters {
    let schema = schema();
    let shape = PairShape { tables: 3, groups: 2 };
    let network = Architecture::new(ArchitectureFields {
        inputs: u32::try_from(schema.width()).unwrap(),
        hidden: [vec![], vec![], vec![8], vec![7, 5]][kind as usize].clone(),
        activation: if kind == 3 { Activation::Tanh } else { Activation::Relu },
        heads: vec!["churn".into(), "deposit".into()],
        pairs: (kind == 1).then_some(shape),
    });
    let network = network.unwrap();
    let linear = network.layout().last().unwrap().end();
    let mut all: Vec<f32> = (0..linear).map(|_| 2.0 * dice.unit()).collect();
    if kind == 1 {
        let mut first = 0;
        let spans: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| {
                let span = first..first + field.width();
                first = span.end;
                span
            })
            .collect();
        let groups = (0..schema.width()).map(|_| dice.below(3)).collect();
        let cells: Vec<f32> = (0..3 * 9 * 2).map(|_| dice.unit()).collect();
        let pairing = Pairing { groups, fields: vec![[0, 2], [0, 1], [1, 3]] };
        all.extend(values(shape, &spans, &pairing, &cells));
    }
    Parameters::new(network, all).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn logits_are_those_of_training_and_contributions_add_up(seed in any::<u64>(), kind in 0..4_u32) {
        let mut dice = Dice::new(seed);
        let (schema, data) = (schema(), matrix(&rows(&mut dice, 40)));
        let model = model(&mut dice, kind);
        let scorer = Scorer::new(&schema, &model).unwrap();
        prop_assert_eq!(scorer.is_additive(), kind < 2);
        let mut scored = scorer.room();
        for (row, expected) in logits(&model, &data).chunks_exact(2).enumerate() {
            scorer.explain(data.encoded(row), &mut scored);
            for (head, expected) in expected.iter().enumerate() {
                let (found, base) = (scored.logits()[head], scorer.base()[head]);
                prop_assert!((found - f64::from(*expected)).abs() < 1e-5, "{} {}", found, expected);
                let sum = scored.contributions(head).fold(base, |sum, own| sum + own);
                let within = if kind < 2 { 1e-12 } else { COMPLETE_WITHIN };
                prop_assert!((sum - found).abs() <= within, "{} {}", sum, found);
            }
        }
    }

    /// A row of any bytes is scored; what no row has is no value.
    #[test]
    fn whatever_the_bytes_are_they_have_a_finite_score(seed in any::<u64>(), kind in 0..4_u32, bytes in proptest::collection::vec(any::<u8>(), 0..14)) {
        let scorer = Scorer::new(&schema(), &model(&mut Dice::new(seed), kind)).unwrap();
        let mut scored = scorer.room();
        scorer.score(EncodedRow::new(&bytes), &mut scored);
        let number = f32::from_le_bytes(bytes.get(1..5).map_or([0; 4], |own| own.try_into().unwrap()));
        let other = f32::from_le_bytes(bytes.get(6..10).map_or([0; 4], |own| own.try_into().unwrap()));
        let usual = |number: f32| number.is_nan() || number.abs() < 1e30;
        prop_assert!(!usual(number) || !usual(other) || scored.logits().iter().all(|logit| logit.is_finite()));
    }
}

/// Two programs that were written apart: a row by hand.
#[test]
fn a_pairs_part_is_shared_by_its_two_fields() {
    let mut dice = Dice::new(3);
    let model = model(&mut dice, 1);
    let linear = model.architecture().layout().last().unwrap().end();
    // Nothing but the tables of pairs.
    let only: Vec<f32> =
        model.values().iter().enumerate().map(|(at, value)| if at < linear { 0.0 } else { *value }).collect();
    let scorer = Scorer::new(&schema(), &Parameters::new(model.architecture().clone(), only).unwrap()).unwrap();
    let data = matrix(&rows(&mut dice, 30));
    let mut scored = scorer.room();
    for row in 0..30 {
        scorer.explain(data.encoded(row), &mut scored);
        for head in 0..2 {
            let own: Vec<f64> = scored.contributions(head).collect();
            let sum = own.iter().fold(scorer.base()[head], |sum, own| sum + own);
            assert!((sum - scored.logits()[head]).abs() < 1e-12);
            // `visits` is in one table alone, with `balance`: were both as in the baseline, neither would have a part.
            assert!(own[3].abs() <= 1.5 && own.len() == 4);
        }
    }
}

#[test]
fn a_model_of_another_schema_is_refused() {
    let mut dice = Dice::new(1);
    let other = |text: &str| Schema::parse(&TEXT.replace("\"none\"]", text)).unwrap();
    let model = model(&mut dice, 1);
    assert!(matches!(
        Scorer::new(&other("\"none\", \"farmer\"]"), &model).err(),
        Some(ScoreFault::Inputs { expected: 11, found: 12 })
    ));
    let renamed = Schema::parse(&TEXT.replace("\"deposit\"", "\"saves\"")).unwrap();
    assert_eq!(Scorer::new(&renamed, &model).err(), Some(ScoreFault::Heads));
    // As wide, but its fields lie elsewhere.
    let moved = TEXT.replace("edges = [20, 40, 60]", "edges = [20, 40]").replace("\"none\"]", "\"none\", \"farmer\"]");
    assert_eq!(Scorer::new(&Schema::parse(&moved).unwrap(), &model).err(), Some(ScoreFault::Pairs));
}

#[test]
fn reasons_are_the_largest_contributions_in_the_schemas_words() {
    let schema = schema();
    let network = Architecture::logistic(11, &["churn", "deposit"]).unwrap();
    // age: four bins and a slot for none; balance: the number and a slot for none; job: three; visits.
    let churn = [0.0, 0.0, 0.0, 4.0, 2.0, -1.0, 0.5, 1.0, 1.0, -2.0, 2.0];
    let mut all = vec![0.0; 24];
    churn.iter().enumerate().for_each(|(slot, weight)| all[2 * slot] = *weight);
    let scorer = Scorer::new(&schema, &Parameters::new(network, all).unwrap()).unwrap();
    let mut scored = scorer.room();
    let mut told = |row: [&str; 4]| {
        let [age, balance, job, visits] = row.map(str::to_owned);
        scorer.explain(matrix(&[[age, balance, job, visits, "c".into()]]).encoded(0), &mut scored);
        reasons(&scored, 0).map(|reason| reason.map(|reason| (reason.field, reason.is_missing)))
    };
    // The mean of the bins is 1, of the jobs 0: age adds 3, the job 1, as many visits as the middle nothing.
    assert_eq!(told(["70", "0", "office", "4"]), [Some((0, false)), Some((1, false)), Some((2, false))]);
    // Age and job add 1 each: the schema's order decides. No value is a reason of its own.
    assert_eq!(told(["", "1000", "field", "0"]), [Some((0, true)), Some((2, false)), None]);
    assert_eq!(told(["10", "1000", "none", "4"]), [None; 3]);
    let of = |field| Reason { field, contribution: 1.0, is_missing: false };
    assert_eq!([0, 1, 2, 9].map(|field| of(field).in_chinese(&schema)), ["年龄", "存款减少", "job", ""]);
    assert_eq!([0, 1, 2].map(|field| of(field).in_english(&schema)), ["age", "balance falls", "job"]);
}

/// A table to score has no column of a label or for audits, and none is asked for.
#[test]
fn rows_pass_through_without_labels_and_none_is_kept() {
    let schema = schema();
    let data = matrix(&[["30", "5", "field", "2", "c"].map(str::to_owned), ["", "", "", "8", "d"].map(str::to_owned)]);
    let mut batch = RawBatch::to_score(&schema, &["who", "visits", "age", "job", "balance"], Decimal::Point).unwrap();
    batch.push(1, &["c", "2", "30", "field", "5"]).unwrap();
    assert!(batch.encoded() == data.encoded(0));
    assert_eq!(batch.encoded().bytes().len(), RowForm::of(&schema).bytes());
    let missing = Cell::Missing;
    batch.push_cells(2, &[Cell::Integer(7), Cell::Integer(8), missing, missing, missing]).unwrap();
    assert!(batch.encoded() == data.encoded(1));
    assert_eq!((batch.rows(), batch.counts().fields[0].missing, batch.counts().labels.len()), (2, 1, 0));
    assert!(batch.push(3, &["", "2", "30", "field", "5"]).is_err(), "whose row it is must be known");
    assert!(batch.into_features().is_err(), "none is kept");
    let lacking = RawBatch::to_score(&schema, &["who", "age", "job", "balance"], Decimal::Point).err().unwrap();
    assert!(lacking[0].to_string().contains("\"visits\""), "{lacking:?}");
}
