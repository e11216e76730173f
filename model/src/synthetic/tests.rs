use super::{BINNED_SCHEMA_TOML, SyntheticBranch, SyntheticData, SyntheticSpec, generate, schema};
use crate::features::{FeatureMatrix, RawBatch};
use crate::schema::{Field, Label, Schema};

fn encoded(data: &SyntheticData, branch: &SyntheticBranch) -> FeatureMatrix {
    encoded_by(&schema(), data, branch)
}

fn encoded_by(schema: &Schema, data: &SyntheticData, branch: &SyntheticBranch) -> FeatureMatrix {
    let header: Vec<&str> = data.header.iter().map(String::as_str).collect();
    let mut batch = RawBatch::new(schema, &header).unwrap_or_else(|faults| panic!("{faults:?}"));
    for (row, values) in (1..).zip(branch.training.iter().chain(&branch.held_out)) {
        batch.push(row, &values.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    batch.into_features().unwrap()
}

/// Share of positives among the known values of a label.
fn rate(matrix: &FeatureMatrix, label: usize) -> f32 {
    matrix.targets().column(label).sum() / matrix.present().column(label).sum()
}

#[test]
fn the_schema_reads_every_row_and_every_column() {
    let data = generate(&SyntheticSpec::default());
    let schema = schema();
    assert_eq!(data.header.len(), 1 + schema.fields().len() + schema.labels().len() + schema.audits().len());
    assert!((25..=35).contains(&schema.fields().len()));
    for branch in &data.branches {
        let matrix = encoded(&data, branch);
        assert_eq!(matrix.rows(), branch.training.len() + branch.held_out.len());
        assert_eq!(matrix.customer_count(), matrix.rows());
    }
}

/// The other schema differs in the encoding of numbers alone, and each number has a bin of its own.
#[test]
fn the_schema_with_bins_reads_the_same_columns() {
    let (plain, binned) = (schema(), Schema::parse(BINNED_SCHEMA_TOML).unwrap_or_else(|faults| panic!("{faults}")));
    let columns = |schema: &Schema| schema.fields().iter().map(|field| field.column.clone()).collect::<Vec<_>>();
    // Their names for Chinese readers are the one schema's alone.
    let labels = |schema: &Schema| {
        let bare = |label: &Label| Label { title_zh: None, ..label.clone() };
        schema.labels().iter().map(bare).collect::<Vec<_>>()
    };
    assert_eq!((columns(&binned), labels(&binned)), (columns(&plain), labels(&plain)));
    assert!(crate::blocks::Blocks::of(&plain, &[]).is_err());
    assert_eq!(crate::blocks::Blocks::of(&binned, &[]).map(|blocks| blocks.cells()), Ok(binned.width()));
    let data = generate(&SyntheticSpec { branches: 1, ..SyntheticSpec::default() });
    let [plain, binned] = [&plain, &binned].map(|schema| encoded_by(schema, &data, &data.branches[0]));
    assert_eq!((binned.rows(), binned.targets()), (plain.rows(), plain.targets()));
    assert!(binned.features().iter().all(|value| *value == 0.0 || *value == 1.0));
}

#[test]
fn the_seed_decides_everything() {
    let spec = SyntheticSpec { branches: 3, customers_per_branch: 50, ..SyntheticSpec::default() };
    let first = generate(&spec);
    assert!(first == generate(&spec));
    assert!(first != generate(&SyntheticSpec { seed: spec.seed + 1, ..spec.clone() }));
    let more = generate(&SyntheticSpec { branches: 4, ..spec });
    assert!(first.branches[..] == more.branches[..3]);
}

#[test]
fn branches_differ_in_size_customers_and_labels() {
    let data = generate(&SyntheticSpec::default());
    let sizes: Vec<usize> = data.branches.iter().map(|branch| branch.training.len() + branch.held_out.len()).collect();
    let (smallest, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(*largest >= 2 * smallest, "{sizes:?}");
    let total: usize = sizes.iter().sum();
    assert!((2_500..7_000).contains(&total), "{sizes:?}");
    let held_out: usize = data.branches.iter().map(|branch| branch.held_out.len()).sum();
    assert!((total * 17 / 100..total * 23 / 100).contains(&held_out));

    let branches: Vec<FeatureMatrix> = data.branches.iter().map(|branch| encoded(&data, branch)).collect();
    for label in 0..2 {
        let rates: Vec<f32> = branches.iter().map(|matrix| rate(matrix, label)).collect();
        let spread = rates.iter().copied().fold(0.0, f32::max) - rates.iter().copied().fold(1.0, f32::min);
        assert!(spread > 0.12, "{rates:?}");
        assert!(rates.iter().all(|rate| (0.02..0.75).contains(rate)), "{rates:?}");
        assert!(branches.iter().any(|matrix| matrix.present().column(label).sum() < matrix.rows() as f32));
    }
    let schema = schema();
    let before = schema.fields().iter().take_while(|field| field.name != "deposit_balance");
    let balance: usize = before.map(Field::width).sum();
    let means: Vec<f32> = branches.iter().map(|matrix| matrix.features().column(balance).mean().unwrap()).collect();
    let spread = means.iter().copied().fold(f32::MIN, f32::max) - means.iter().copied().fold(f32::MAX, f32::min);
    assert!(spread > 0.1, "{means:?}");
}

#[test]
fn no_slot_is_constant() {
    let data = generate(&SyntheticSpec::default());
    let all = SyntheticBranch {
        training: data.branches.iter().flat_map(|branch| branch.training.clone()).collect(),
        held_out: Vec::new(),
    };
    let matrix = encoded(&data, &all);
    for (slot, column) in matrix.features().columns().into_iter().enumerate() {
        assert!(column.iter().any(|value| *value != column[0]), "slot {slot}");
    }
}
