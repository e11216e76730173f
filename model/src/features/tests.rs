use super::{DataError, FeatureMatrix, KeyFault, RawBatch, ValueKind};
use crate::schema::Schema;

const HEADER: [&str; 7] = ["who", "age", "balance", "job", "churn", "buys", "secret"];

fn schema() -> Schema {
    Schema::parse(
        r#"
name = "small"
version = 1
customer_column = "who"
drop = ["secret"]
fields = [
    { name = "age", kind = "numeric", min = 20, max = 60, transform = "bins", edges = [30, 40], class = "C2", level = "L2" },
    { name = "age_line", column = "age", kind = "numeric", min = 20, max = 60, class = "C2", level = "L2" },
    { name = "balance", kind = "numeric", min = -100, max = 100, transform = "signed_log", unit = 10, missing = "indicator",
      missing_codes = [999, "none"], class = "C2", level = "L3", necessity = "a test" },
    { name = "balance_log", column = "balance", kind = "numeric", min = 0, max = 100, transform = "log", range = "unit",
      missing = { constant = 100 }, missing_codes = [999, "none"], class = "C2", level = "L3", necessity = "a test" },
    { name = "job", kind = "categorical", categories = ["office", "student"], missing = "indicator", missing_codes = ["?"],
      class = "C1", level = "L1" },
    { name = "job_or_other", column = "job", kind = "categorical", categories = ["office", "other"], unlisted = "other",
      missing = { category = "other" }, missing_codes = ["?"], class = "C1", level = "L1" },
]
labels = [
    { name = "churn", positive = ["yes", "y"], negative = ["no"], missing_codes = ["", "unknown"] },
    { name = "buys", positive = [1], negative = [0] },
]
"#,
    )
    .unwrap()
}

fn encode(rows: &[[&str; 7]]) -> Result<FeatureMatrix, DataError> {
    let schema = schema();
    let first = |faults: Vec<DataError>| faults.into_iter().next().unwrap();
    let mut batch = RawBatch::new(&schema, &HEADER).map_err(first)?;
    for (row, values) in (1..).zip(rows) {
        batch.push(row, values).map_err(first)?;
    }
    batch.into_features()
}

fn slots(age: &str, balance: &str, job: &str) -> Vec<f32> {
    encode(&[["a", age, balance, job, "no", "0", "x"]]).unwrap().features().row(0).to_vec()
}

/// The error of a second row, after a good first one.
fn second(values: [&str; 7]) -> DataError {
    match encode(&[["a", "20", "1", "office", "no", "0", "x"], values]) {
        Err(error) => error,
        Ok(_) => panic!("the row was accepted"),
    }
}

#[test]
fn values_become_slots() {
    assert_eq!(slots("20", "100", "office"), [1.0, 0.0, 0.0, -1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(slots(" 30 ", "0", "student"), [0.0, 1.0, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let halfway = slots("4e1", "90", "office");
    assert_eq!(halfway[..4], [0.0, 0.0, 1.0, 0.0]);
    let signed = (1.0_f64 + 9.0).ln() / (1.0_f64 + 10.0).ln();
    let plain = 91.0_f64.ln() / 101.0_f64.ln();
    assert!((f64::from(halfway[4]) - signed).abs() < 1e-6 && (f64::from(halfway[6]) - plain).abs() < 1e-6);
    assert_eq!(slots("40", "-90", "office")[4], -halfway[4]);
}

#[test]
fn values_outside_the_bounds_are_clamped() {
    assert_eq!(slots("-7", "1e300", "office"), slots("20", "100", "office"));
    assert_eq!(slots("99", "-1e300", "office"), slots("60", "-100", "office"));
    assert_eq!(slots("20", "-100", "office")[6], 0.0);
}

#[test]
fn missing_values_follow_their_rule() {
    for code in ["", "  ", "999", "999.0", "none"] {
        assert_eq!(slots("20", code, "office")[4..7], [0.0, 1.0, 1.0], "{code:?}");
    }
    for code in ["", "?"] {
        assert_eq!(slots("20", "1", code)[7..], [0.0, 0.0, 1.0, 0.0, 1.0], "{code:?}");
    }
}

#[test]
fn labels_are_positive_negative_or_missing() {
    let row = |churn, buys| ["a", "20", "1", "office", churn, buys, "x"];
    let matrix = encode(&[row("yes", "1"), row("y", "0"), row(" no", "0"), row("", "1"), row("unknown", "1")]).unwrap();
    assert_eq!(matrix.targets().column(0).to_vec(), [1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(matrix.present().column(0).to_vec(), [1.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(matrix.targets().column(1).to_vec(), [1.0, 0.0, 0.0, 1.0, 1.0]);
    assert!(matrix.present().column(1).iter().all(|present| *present == 1.0));
}

#[test]
fn rows_of_one_customer_share_an_index() {
    let row = |who| [who, "20", "1", "office", "no", "0", "x"];
    let matrix = encode(&[row("b"), row("a"), row(" b "), row("c")]).unwrap();
    assert_eq!((matrix.customers(), matrix.customer_count(), matrix.rows()), (&[0, 1, 0, 2][..], 3, 4));
    let text = r#"
name = "plain"
version = 1
fields = [{ name = "age", kind = "numeric", min = 0, max = 9, class = "C1", level = "L1" }]
labels = [{ name = "y", positive = [1], negative = [0] }]
"#;
    let schema = Schema::parse(text).unwrap();
    let mut batch = RawBatch::new(&schema, &["y", "age"]).unwrap();
    batch.push(1, &["1", "3"]).unwrap();
    batch.push(2, &["1", "3"]).unwrap();
    assert_eq!(batch.into_features().unwrap().customers(), [0, 1]);
}

#[test]
fn every_fault_of_a_row_has_its_name_row_and_column() {
    use DataError as E;
    let good = ["a", "20", "1", "office", "no", "0", "x"];
    let with = |place: usize, value: &'static str| {
        let mut row = good;
        row[place] = value;
        second(row)
    };
    assert!(matches!(with(1, "x7"), E::NotANumber { row: 2, column, found: ValueKind::Text } if column == "age"));
    assert!(matches!(with(1, "1,5"), E::NotANumber { row: 2, .. }));
    assert!(matches!(with(1, "NaN"), E::Nan { row: 2, column } if column == "age"));
    assert!(matches!(with(1, "-inf"), E::Infinite { row: 2, column } if column == "age"));
    assert!(matches!(with(1, "1e999"), E::Infinite { row: 2, .. }));
    assert!(matches!(with(1, " "), E::Empty { row: 2, column } if column == "age"));
    assert!(matches!(with(0, " "), E::Empty { row: 2, column } if column == "who"));
    let schema = schema();
    let mut batch = RawBatch::new(&schema, &HEADER).unwrap();
    assert_eq!(batch.push(9, &good[..6]), Err(vec![E::FieldCount { row: 9, expected: 7, found: 6 }]));
    assert!(matches!(RawBatch::new(&schema, &HEADER).map(RawBatch::into_features), Ok(Err(E::NoRows))));
}

/// A list that lacks one value must not tell whether somebody has it: such a value is in no category, or teaches nothing, and that is all.
#[test]
fn a_value_that_is_not_listed_decides_over_nothing_but_itself() {
    let row = |job, churn, buys| ["a", "20", "1", job, churn, buys, "x"];
    let matrix = encode(&[row("office", "no", "0"), row("17", "perhaps", ""), row("other", "yes", "0")]).unwrap();
    assert_eq!(
        matrix.features().row(1).to_vec()[7..],
        [0.0, 0.0, 0.0, 0.0, 1.0],
        "none of its own list; the other field says other"
    );
    assert_eq!(matrix.present().row(1).to_vec(), [0.0, 0.0]);
    let listed = encode(&[row("office", "no", "0"), row("student", "no", "1"), row("other", "yes", "0")]).unwrap();
    for untouched in [0, 2] {
        assert_eq!(matrix.features().row(untouched), listed.features().row(untouched));
        assert_eq!(matrix.present().row(untouched), listed.present().row(untouched));
    }
    let counts = matrix.counts();
    let fields: Vec<u64> = counts.fields.iter().map(|field| field.unlisted).collect();
    assert_eq!(
        (fields, counts.fields[4].has_unlisted, counts.fields[5].has_unlisted),
        (vec![0, 0, 0, 0, 2, 1], false, true)
    );
    assert_eq!(counts.labels.iter().map(|label| label.unlisted).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn every_fault_of_a_header_is_named() {
    let schema = schema();
    let header = |from: &str, to: &'static str| HEADER.map(|column| if column == from { to } else { column });
    for column in ["who", "age", "job", "churn"] {
        let faults = RawBatch::new(&schema, &header(column, "else")).err();
        assert_eq!(faults, Some(vec![DataError::MissingColumn { column: column.into(), like: None }]));
        let faults = RawBatch::new(&schema, &header("secret", column)).err();
        assert_eq!(faults, Some(vec![DataError::DuplicateColumn { column: column.into() }]));
    }
    assert!(RawBatch::new(&schema, &header("secret", "else")).is_ok());
    let missing = |column: &str, like: Option<&str>| DataError::MissingColumn {
        column: column.into(),
        like: like.map(Into::into),
    };
    let faults = RawBatch::new(&schema, &["Who", "age", " BALANCE ", "job", "churn", "buys"]).err();
    assert_eq!(faults, Some(vec![missing("balance", Some("BALANCE")), missing("who", Some("Who"))]), "all at once");
    let told = missing("who", Some("Who")).to_string();
    assert!(told.contains("it has \"Who\", which differs in upper and lower case only"), "{told}");
    let faults = RawBatch::new(&schema, &["who;age;balance;job;churn;buys"]).err();
    assert_eq!(faults, Some(vec![DataError::OneColumn { needed: 6 }]));
}

#[test]
fn all_faults_of_a_row_are_told_by_column_and_once() {
    let schema = schema();
    let mut batch = RawBatch::new(&schema, &HEADER).unwrap();
    let faults = batch.push(3, &["-", "x", "", "office", "no", "0", "x"]).unwrap_err();
    let columns: Vec<Option<&str>> = faults.iter().map(DataError::column).collect();
    assert_eq!(columns, [Some("who"), Some("age")], "two fields read the age, and an empty balance is missing");
    assert!(faults.iter().all(|fault| fault.row() == Some(3)));
    batch.push(4, &["a", "20", "1", "office", "no", "0", "x"]).unwrap();
    assert_eq!(batch.rows(), 1);
}

#[test]
fn a_customers_key_that_is_none_is_refused() {
    let who = |who| second([who, "20", "1", "office", "no", "0", "x"]);
    assert!(matches!(who("6.22202E+18"), DataError::CustomerKey { found: KeyFault::Scientific, row: 2, .. }));
    assert!(matches!(who("NULL"), DataError::CustomerKey { found: KeyFault::Nothing, .. }));
    assert!(who("6.22202E+18").to_string().contains("export the column as text"));
}

#[test]
fn numbers_are_compared_as_numbers_in_labels_and_categories() {
    let text = r#"
name = "codes"
version = 1
fields = [
    { name = "grade", kind = "categorical", categories = [1, "2.50", "B"], missing = "indicator", missing_codes = [-1], class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = [1.0, "是"], negative = ["0.0", "否"], missing_codes = [9] }]
"#;
    let schema = Schema::parse(text).unwrap();
    let mut batch = RawBatch::new(&schema, &["grade", "y"]).unwrap();
    for row in [["1.0", "1.00"], ["2.5", "0"], ["B", "是"], ["-1.0", "9.0"], ["1e0", " 否 "], ["b", "yes"]] {
        batch.push(1, &row).unwrap_or_else(|faults| panic!("{faults:?}"));
    }
    let matrix = batch.into_features().unwrap();
    let slot = |row: usize| matrix.features().row(row).iter().position(|slot| *slot == 1.0);
    assert_eq!((0..6).map(slot).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3), Some(0), None]);
    assert_eq!(
        (0..6).map(|row| matrix.label(row, 0)).collect::<Vec<_>>()[..5],
        [(1.0, 1.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)]
    );
    let label = &matrix.counts().labels[0];
    assert_eq!((label.positive, label.negative, label.missing, label.unlisted), (2, 2, 1, 1));
    assert_eq!(label.usual(), Some(["yes", "no"]));
    for twice in ["[1, \"1.0\"]", "[\"01\", \"1\"]"] {
        let errors = Schema::parse(&text.replace("[1, \"2.50\", \"B\"]", twice)).unwrap_err();
        assert_eq!(errors.faults()[0].key, "fields[1] grade.categories");
    }
}

#[test]
fn a_decimal_comma_is_read_by_its_key_and_named_without_it() {
    let plain = r#"
name = "europe"
version = 1
fields = [{ name = "saldo", kind = "numeric", min = 0, max = 10000, missing = "indicator", missing_codes = [999.5], class = "C1", level = "L1" }]
labels = [{ name = "y", positive = [1], negative = [0] }]
"#;
    let comma = Schema::parse(&format!("{plain}csv = {{ delimiter = \";\", decimal = \",\" }}")).unwrap();
    let mut batch = RawBatch::new(&comma, &["saldo", "y"]).unwrap();
    for row in [["10.000,00", "1,0"], ["0,00", "0"], ["999,5", "0"], ["5000", "1"]] {
        batch.push(1, &row).unwrap();
    }
    let refused = batch.push(5, &["12.5", "0"]).unwrap_err();
    assert!(matches!(&refused[0], DataError::NotANumber { row: 5, .. }));
    let matrix = batch.into_features().unwrap();
    assert_eq!(matrix.features().column(0).to_vec(), [1.0, -1.0, 0.0, 0.0]);
    assert_eq!((matrix.features().column(1).sum(), matrix.targets().sum()), (1.0, 2.0));

    let point = Schema::parse(plain).unwrap();
    let mut batch = RawBatch::new(&point, &["saldo", "y"]).unwrap();
    let told = batch.push(1, &["1.250,00", "1"]).unwrap_err()[0].to_string();
    assert!(told.contains("a number with a decimal comma") && told.contains("csv.decimal = \",\""), "{told}");
    for (value, looks) in [("1.250", true), ("12.500", true), ("0.125", false), ("1250", false)] {
        let mut batch = RawBatch::new(&point, &["saldo", "y"]).unwrap();
        for row in 1..=3 {
            batch.push(row, &[value, "1"]).unwrap();
        }
        assert_eq!(batch.into_features().unwrap().counts().fields[0].looks_grouped(), looks, "{value}");
    }
}

#[test]
fn what_a_table_holds_is_counted() {
    let row = |age, balance, churn| ["a", age, balance, "office", churn, "0", "x"];
    let matrix =
        encode(&[row("19800131", "", "yes"), row("20", "999.0", "no"), row("60", "-100", ""), row("7", "5", "no")]);
    let matrix = matrix.unwrap();
    let counts = matrix.counts();
    let age = &counts.fields[0];
    assert_eq!((age.below, age.at_min, age.at_max, age.above, age.missing, age.outside()), (1, 1, 1, 1, 0, 2));
    assert_eq!((counts.fields[2].missing, counts.fields[2].at_min), (2, 1));
    let churn = &counts.labels[0];
    assert_eq!((churn.positive, churn.negative, churn.missing, churn.unlisted), (1, 2, 1, 0));
    assert_eq!((counts.rows, counts.customers, counts.rows_of_one_customer_max), (4, 1, 4));
}

#[test]
fn messages_hold_no_value() {
    let long = "Mustermann".repeat(20);
    for value in ["Mustermann", "4711.25", "NaN", "inf", long.as_str()] {
        for place in [1, 3, 4] {
            let mut row = ["a", "20", "1", "office", "no", "0", "x"];
            row[place] = value;
            let Err(error) = encode(&[row]) else { continue };
            let message = format!("{error} {error:?}");
            assert!(!message.contains("Muster") && !message.contains("4711"), "{message}");
        }
    }
}

#[test]
fn kinds_of_values() {
    for (text, kind) in [
        ("1.250,00", ValueKind::CommaNumber),
        ("1,5", ValueKind::CommaNumber),
        ("-12.345.678", ValueKind::CommaNumber),
        ("1,250.00", ValueKind::GroupedNumber),
        ("1,250,000", ValueKind::GroupedNumber),
        ("1 250", ValueKind::GroupedNumber),
        ("1'250.5", ValueKind::GroupedNumber),
        ("a,b", ValueKind::Text),
        (",", ValueKind::Text),
    ] {
        assert_eq!(ValueKind::of(text), kind, "{text}");
    }
    let kinds = ["", " ", "7", "-1e3", "nan", "infinity", "abc"].map(ValueKind::of);
    use ValueKind::{Empty, Infinity, LongText, Nan, Number, Text};
    assert_eq!(kinds, [Empty, Empty, Number, Number, Nan, Infinity, Text]);
    assert_eq!(ValueKind::of(&"x".repeat(200)), LongText);
}

proptest::proptest! {
    #[test]
    fn every_number_lands_in_its_range(age in -1e6_f64..1e6, balance in -1e6_f64..1e6) {
        let slots = slots(&age.to_string(), &balance.to_string(), "office");
        proptest::prop_assert!(slots.iter().all(|slot| (-1.0..=1.0).contains(slot)));
        proptest::prop_assert!(slots[..3].iter().sum::<f32>() == 1.0);
        proptest::prop_assert!((0.0..=1.0).contains(&slots[6]));
        let norm: f32 = 1.0 + slots.iter().map(|slot| slot * slot).sum::<f32>();
        proptest::prop_assert!(f64::from(norm.sqrt()) <= (1.0 + schema().fields().len() as f64).sqrt() + 1e-6);
    }
}

#[cfg(feature = "train")]
#[test]
fn a_table_of_some_customers_and_one_with_turned_labels_are_otherwise_the_same() {
    let rows = [
        ["a", "30", "5", "office", "yes", "1", ""],
        ["b", "40", "-5", "student", "no", "0", ""],
        ["a", "50", "none", "?", "unknown", "1", ""],
    ];
    let table = encode(&rows).unwrap();
    let own = table.of_customers(|customer| customer == 0);
    assert_eq!((own.rows(), own.customer_count(), own.customers()), (2, 1, [0, 0].as_slice()));
    assert_eq!(own.features().row(1), table.features().row(2));
    assert_eq!((own.label(1, 0), own.label(1, 1)), (table.label(2, 0), table.label(2, 1)));
    let turned = table.mislabelled();
    assert_eq!((turned.features(), turned.customers()), (table.features(), table.customers()));
    let labels = |table: &FeatureMatrix| [0, 1, 2].map(|row| [table.label(row, 0), table.label(row, 1)]);
    let (yes, no, unknown) = ((1.0, 1.0), (0.0, 1.0), (0.0, 0.0));
    assert_eq!(labels(&table), [[yes, yes], [no, no], [unknown, yes]]);
    assert_eq!(labels(&turned), [[no, no], [yes, yes], [unknown, no]]);
}
