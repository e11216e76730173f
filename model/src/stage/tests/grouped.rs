//! Counts by group and by label: from rows with an audit column to integers that can be counted by hand, and what one customer adds.

use super::way::integers;
use super::*;
use crate::cells::Cell;
use crate::features::RawBatch;
use crate::groups::GroupField;
use crate::metrics::Importance;
use crate::parameters::Parameters;
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::train::{Placement, Table, Trainer};

const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [
    { name = "job", kind = "categorical", categories = ["office", "field"], missing = "indicator", class = "C1", level = "L1" },
    { name = "age", kind = "numeric", min = 0, max = 100, class = "C2", level = "L2" },
    { name = "gender", use = "audit", necessity = "alike", kind = "categorical", categories = ["f", "m"], missing = "indicator", class = "C2", level = "L2" },
]
labels = [
    { name = "churn", positive = ["yes"], negative = ["no"] },
    { name = "deposit", positive = ["yes"], negative = ["no"], missing_codes = ["-"] },
]
"#;

const HEADER: [&str; 6] = ["who", "gender", "job", "age", "churn", "deposit"];
const ROWS: [[&str; 6]; 7] = [
    ["a", "f", "office", "10", "yes", "no"],
    ["b", "f", "office", "80", "no", "-"],
    ["c", "m", "field", "20", "no", "yes"],
    ["d", "", "", "90", "yes", "yes"],
    ["e", "no such", "none such", "55", "no", "no"],
    ["c", "m", "field", "20", "no", "yes"],
    ["c", "f", "field", "21", "yes", "no"],
];

fn schema_of() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

fn shape() -> Architecture {
    Architecture::logistic(u32::try_from(schema_of().width()).unwrap(), &["churn", "deposit"]).unwrap()
}

fn trainer(header: &[&str], rows: &[&[&str]]) -> Trainer {
    let schema = schema_of();
    let mut batch = RawBatch::new(&schema, header).unwrap_or_else(|faults| panic!("{faults:?}"));
    for row in rows {
        batch.push(1, row).unwrap_or_else(|faults| panic!("{faults:?}"));
    }
    Trainer::new(&shape(), &Table::of_public(batch.into_features().unwrap()), Placement::Hashed).unwrap()
}

/// What these rows add to the one round of a stage: its histograms, in counts.
fn histograms(settings: StageSettings, trainer: &Trainer) -> Vec<(String, Vec<f64>)> {
    let (schema, shape) = (schema_of(), shape());
    let frame = Frame { schema: Some(&schema), ..frame(&shape, PrivacyMode::Customer) };
    let terms = settings.terms(&frame, chosen(1 << 20, 1)).unwrap();
    let stage = PlannedStage::new(&settings, frame, &terms);
    let rows = Rows { trainer, customers_nominal: 5 };
    let state = PublicState::of(Parameters::zero(&shape));
    let sum = stage.contribute(&rows, &state, &mut CountingEntropy(1)).unwrap();
    let outcome = stage.read(&integers(sum), 1).unwrap();
    outcome.histograms.into_iter().map(|histogram| (histogram.name, histogram.counts)).collect()
}

fn evaluate(groups: GroupField) -> StageSettings {
    StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 2, groups: Some(groups) })
}

fn count() -> StageSettings {
    StageSettings::Count(CountSettings { clip_units: 1000, bins: 2, labels: true })
}

fn all() -> Vec<&'static [&'static str]> {
    ROWS.iter().map(<[_; 6]>::as_slice).collect()
}

/// All scores are one half, in the second of two bins.
#[test]
fn customers_are_counted_in_their_group_as_well() {
    let of = |groups| histograms(evaluate(groups), &trainer(&HEADER, &all()));
    let found = of(GroupField::Audit(0));
    let second: Vec<(&str, f64)> = found.iter().map(|(name, counts)| (name.as_str(), counts[1])).collect();
    // Of "c" the row that comes first by its contents decides: 20 before 21.
    let expected = [
        ("churn: negative", 3.0),
        ("churn: positive", 2.0),
        ("deposit: negative", 2.0),
        ("deposit: positive", 2.0),
        ("churn: negative, gender f", 1.0),
        ("churn: positive, gender f", 1.0),
        ("deposit: negative, gender f", 1.0),
        ("deposit: positive, gender f", 0.0),
        ("churn: negative, gender m", 1.0),
        ("churn: positive, gender m", 0.0),
        ("deposit: negative, gender m", 0.0),
        ("deposit: positive, gender m", 1.0),
        ("churn: negative, gender missing", 0.0),
        ("churn: positive, gender missing", 1.0),
        ("deposit: negative, gender missing", 0.0),
        ("deposit: positive, gender missing", 1.0),
    ];
    assert_eq!(second, expected);
    assert!(found.iter().all(|(_, counts)| counts[0] == 0.0));
    let by_job = of(GroupField::Input(0));
    assert_eq!(
        by_job.iter().map(|(_, counts)| counts[1]).collect::<Vec<_>>()[4..],
        [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    );
    // A file without the column has nobody in a group, and no row is refused for it.
    let without: Vec<Vec<&str>> = ROWS.iter().map(|row| [&row[..1], &row[2..]].concat()).collect();
    let without: Vec<&[&str]> = without.iter().map(Vec::as_slice).collect();
    let found =
        histograms(evaluate(GroupField::Audit(0)), &trainer(&["who", "job", "age", "churn", "deposit"], &without));
    assert!(found[4..].iter().all(|(_, counts)| counts[1] == 0.0) && found[0].1[1] == 3.0);
}

#[test]
fn customers_are_counted_by_label_and_field() {
    let found = histograms(count(), &trainer(&HEADER, &all()));
    let told: Vec<(&str, Vec<f64>)> = found.iter().map(|(name, counts)| (name.as_str(), counts.clone())).collect();
    let expected = [
        ("job", vec![2.0, 1.0, 1.0]),
        ("age", vec![2.0, 3.0]),
        ("job, churn: negative", vec![1.0, 1.0, 0.0]),
        ("job, churn: positive", vec![1.0, 0.0, 1.0]),
        ("age, churn: negative", vec![1.0, 2.0]),
        ("age, churn: positive", vec![1.0, 1.0]),
        ("job, deposit: negative", vec![1.0, 0.0, 0.0]),
        ("job, deposit: positive", vec![0.0, 1.0, 1.0]),
        ("age, deposit: negative", vec![1.0, 1.0]),
        ("age, deposit: positive", vec![1.0, 1.0]),
    ];
    assert_eq!(told, expected);
}

/// Whoever leaves takes at most the counts with it that the stage is charged for, and moves nobody else's.
#[test]
fn one_customer_moves_the_sum_by_no_more_than_it_is_charged_for() {
    let (schema, shape) = (schema_of(), shape());
    let frame = Frame { schema: Some(&schema), ..frame(&shape, PrivacyMode::Customer) };
    for (settings, counts) in
        [(evaluate(GroupField::Audit(0)), 4), (evaluate(GroupField::Input(0)), 4), (count(), 2 * (1 + 2))]
    {
        let form = settings.form(&frame).unwrap();
        assert_eq!(form.sensitivity_squared, counts * 1_000_000, "{settings:?}");
        let flat = |rows: &[&[&str]]| -> Vec<f64> {
            histograms(settings, &trainer(&HEADER, rows)).into_iter().flat_map(|(_, counts)| counts).collect()
        };
        let whole = flat(&all());
        let mut moved_by_all = vec![0.0; whole.len()];
        for who in ["a", "b", "c", "d", "e"] {
            let rest: Vec<&[&str]> = all().into_iter().filter(|row| row[0] != who).collect();
            let moved: Vec<f64> = whole.iter().zip(flat(&rest)).map(|(all, rest)| all - rest).collect();
            let square: f64 = moved.iter().map(|count| count * count).sum();
            assert!(square <= counts as f64 && moved.iter().all(|count| [0.0, 1.0].contains(count)), "{moved:?}");
            moved_by_all.iter_mut().zip(&moved).for_each(|(sum, count)| *sum += count);
        }
        assert_eq!(moved_by_all, whole, "the counts are the customers', and nobody else's");
    }
}

/// Weights of evidence come from the counts by label, with the field's own bins as names; groups that a schema does not make refuse the stage.
#[test]
fn figures_of_counts_name_their_bins_and_groups_need_their_schema() {
    let (schema, shape) = (schema_of(), shape());
    let frame = Frame { schema: Some(&schema), ..frame(&shape, PrivacyMode::Customer) };
    let settings = count();
    let terms = settings.terms(&frame, chosen(1, 1)).unwrap();
    let stage = PlannedStage::new(&settings, frame, &terms);
    let counts = histograms(settings, &trainer(&HEADER, &all()));
    let counts: Vec<_> =
        counts.into_iter().map(|(name, counts)| crate::counts::NoisedHistogram { name, counts }).collect();
    let figures = stage.figures(&counts, (0, 1));
    let named: Vec<(&str, &str)> =
        figures.weights.iter().map(|weights| (weights.head.as_str(), weights.field.as_str())).collect();
    assert_eq!(named, [("churn", "job"), ("churn", "age"), ("deposit", "job"), ("deposit", "age")]);
    let bins: Vec<Cell> = figures.weights[0].bins.iter().map(|bin| bin.bin.clone()).collect();
    assert_eq!(bins, [Cell::Category("office".into()), Cell::Category("field".into()), Cell::Missing]);
    assert_eq!(figures.weights[1].bins[1].bin, Cell::Between(50.0, 100.0));
    assert!(figures.weights[1].bins[1].weight.unwrap().value < 0.0, "one of two churners, but two of three others");

    let form = |groups| evaluate(groups).form(&frame).err().map(|fault| fault.to_string());
    assert!(form(GroupField::Input(1)).unwrap().contains("number without bins"));
    assert!(form(GroupField::Audit(1)).unwrap().contains("another schema"));
    assert_eq!(evaluate(GroupField::Audit(0)).form(&Frame { schema: None, ..frame }), Err(StageFault::Schema));
}

/// A model's tables and the counts by field give the importance of each: a field without weights has none, and a network of layers has no tables.
#[test]
fn importance_follows_from_tables_and_counts() {
    let (schema, shape) = (schema_of(), shape());
    // Slots of "job", its indicator, and "age"; two labels each; then the biases.
    let values = vec![1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.5, -2.0, -2.0];
    let model = Parameters::new(shape.clone(), values).unwrap();
    let layout = crate::counts::CellLayout::features(&schema, 2, false);
    let counts = layout.read(&[500, 500, 0, 500, 500], 1);
    let Importance::Fields(found) = importance(&schema, &model, (&layout, &counts, 0.0), None) else {
        panic!("tables")
    };
    let told: Vec<(&str, &str, f64)> =
        found.iter().map(|field| (field.head.as_str(), field.field.as_str(), field.variance.unwrap().value)).collect();
    // The middles of the two bins of "age" lie at -0.5 and 0.5.
    let expected = [("churn", "job", 1.0), ("churn", "age", 0.0), ("deposit", "job", 0.0), ("deposit", "age", 0.0625)];
    assert_eq!(told, expected);
    let noise = vec![0.09; 10];
    let Importance::Fields(found) = importance(&schema, &model, (&layout, &counts, 0.0), Some(&noise)) else {
        panic!("tables")
    };
    assert_eq!(found.iter().map(|field| field.below_noise).collect::<Vec<_>>(), [false, true, true, false]);
    assert_eq!(importance(&schema, &model, (&layout, &[], 0.0), None), Importance::NoCounts);
    let layers = Parameters::zero(&Architecture::mlp(4, &[3], &["churn"]).unwrap());
    assert_eq!(importance(&schema, &layers, (&layout, &counts, 0.0), None), Importance::NotAdditive);
}
