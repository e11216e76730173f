//! Exports do what the model does: each is run by what its readers use, over 10,000 rows with missing, unlisted and out-of-range values.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../../tests/needed.rs"]
mod needed;
mod parsed;
#[path = "../../../tests/postgres.rs"]
mod postgres;
mod postgres_statement;
mod python;
mod rows;
mod sqlite;
mod written;

use tributary_model::architecture::{Activation, Architecture, ArchitectureFields, PairShape};
use tributary_model::export::Stamp;
use tributary_model::pairs::{self, Pairing};
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;

/// Names and values that a hostile schema has: each is a text, and nothing else, wherever it stands.
const TEXT: &str = r#"
name = "exports"
version = 1
format = 2
customer_column = "客户号"
fields = [
    { name = "age", column = "年龄 of \"him\"", kind = "numeric", min = 18, max = 90, transform = "bins", edges = [25, 30.5, 60, 90], missing = "indicator", missing_codes = [-1], class = "C1", level = "L1" },
    { name = "job", column = "job`; DROP", kind = "categorical", categories = ["'; DROP TABLE customers; --", "a\"b", "办公室", "back\\slash\\'", "<b>&amp;", "\\E.*", "two  words", "a]b"], missing = "indicator", missing_codes = ["unknown", "n/a"], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["1", "2.5", "other", "-3"], unlisted = "other", missing = { category = "1" }, missing_codes = ["99"], class = "C1", level = "L1" },
    { name = "same", column = "region", kind = "categorical", categories = ["x", "other"], missing = "indicator", class = "C1", level = "L1" },
    { name = "balance", kind = "numeric", min = 0, max = 1000000, transform = "log", unit = 100, missing = "indicator", missing_codes = ["none", -9], imputation = 500, class = "C1", level = "L1" },
    { name = "wealth", column = "balance", kind = "numeric", min = 0, max = 5000, transform = "bins", edges = [10, 100, 1000], missing = { constant = 50 }, missing_codes = ["none", -9], class = "C1", level = "L1" },
    { name = "flow", kind = "numeric", min = -1000, max = 4000, transform = "signed_log", unit = 10, range = "unit", missing = { constant = -20 }, class = "C1", level = "L1" },
    { name = "calls", kind = "numeric", min = 0, max = 10, class = "C1", level = "L1" },
    { name = "tier", kind = "categorical", categories = ["gold", "silver"], class = "C1", level = "L1" },
    { name = "months", kind = "numeric", min = 0, max = 120, range = "unit", missing = "indicator", optional = true, class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["1"], negative = ["0"] }, { name = "deposit", positive = ["1"], negative = ["0"] }]
"#;

fn schema() -> Schema {
    Schema::parse(TEXT).unwrap_or_else(|faults| panic!("{faults}"))
}

fn stamp(schema: &Schema) -> Stamp {
    Stamp {
        number: 7,
        model: Digest([7; 32]),
        schema: schema.digest(),
        purpose: "churn'; --\u{4e00}".into(),
        recipient: "branch \"north\" */ ; DROP".into(),
        valid_until: "2027-01-31".into(),
    }
}

/// Numbers of a fixed sequence, for weights and rows.
struct Numbers(u64);

impl Numbers {
    fn whole(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn place<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.whole(of.len() as u64)).unwrap()]
    }

    /// From -1 to 1.
    fn weight(&mut self) -> f32 {
        self.whole(2_000_001) as f32 / 1_000_000.0 - 1.0
    }
}

const HEADS: [&str; 2] = ["churn", "deposit"];

fn with_weights(network: &Architecture, seed: u64, beside: &[f32]) -> Parameters {
    let mut numbers = Numbers(seed);
    let linear = network.parameter_count() - beside.len();
    let values = (0..linear).map(|_| numbers.weight()).chain(beside.iter().copied());
    Parameters::new(network.clone(), values.collect()).unwrap()
}

fn logistic(schema: &Schema) -> Architecture {
    Architecture::logistic(u32::try_from(schema.width()).unwrap(), &HEADS).unwrap()
}

/// With two tables of pairs: of age and job, of region and wealth.
fn additive(schema: &Schema) -> Parameters {
    let shape = PairShape { tables: 2, groups: 3 };
    let network = logistic(schema).with_pairs(Some(shape)).unwrap();
    let mut numbers = Numbers(5);
    let groups = (0..schema.width()).map(|_| u32::try_from(numbers.whole(4)).unwrap()).collect();
    let cells: Vec<f32> = (0..2 * 16 * 2).map(|_| numbers.weight()).collect();
    let pairing = Pairing { groups, fields: vec![[0, 1], [2, 5]] };
    let beside = pairs::values(shape, &tributary_model::additive::spans(schema), &pairing, &cells);
    with_weights(&network, 11, &beside)
}

fn perceptron(schema: &Schema, activation: Activation) -> Parameters {
    let network = Architecture::new(ArchitectureFields {
        inputs: u32::try_from(schema.width()).unwrap(),
        hidden: vec![12, 5],
        activation,
        heads: HEADS.map(str::to_owned).into(),
        pairs: None,
    });
    with_weights(&network.unwrap(), 13, &[])
}

/// A score of an export is that of the model: both are there or both are not, and they differ by less than 1e-5. The number of rows that have one.
fn assert_equal(expected: &[Option<f64>], found: &[Option<f64>], what: &str) {
    assert_eq!(expected.len(), found.len(), "{what}");
    let mut scored = 0;
    for (row, (expected, found)) in expected.iter().zip(found).enumerate() {
        match (expected, found) {
            (Some(expected), Some(found)) => {
                assert!((expected - found).abs() < 1e-5, "{what}, row {row}: {expected} and {found}");
                scored += 1;
            }
            (None, None) => {}
            _ => panic!("{what}, row {row}: {expected:?} and {found:?}"),
        }
    }
    assert!(scored > expected.len() / 2 && scored < expected.len(), "{what}: {scored} of {} rows", expected.len());
}
