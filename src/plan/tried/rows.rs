//! Rows to try a plan on: of public files, or invented.

use std::path::{Path, PathBuf};

use tributary_client::data::{PartitionRequest, read_csv, read_csv_rows, split_by_branch};
use tributary_model::features::{FeatureMatrix, RawBatch};
use tributary_model::schema::Schema;
use tributary_model::synthetic::{self, SyntheticSpec};
use tributary_rehearsal::Branch;

use crate::exit::Failure;

/// Share of each branch's invented customers that is held out.
const HELD_OUT: f64 = 0.2;
/// Most invented customers.
const INVENTED_MAX: u64 = 2_000_000;

/// Branches, and what all of them have held out.
pub(super) struct Rows {
    /// Each branch.
    pub(super) branches: Vec<Branch>,
    /// Everybody's held-out rows.
    pub(super) held_out: FeatureMatrix,
}

/// Rows of public files, divided as the demo divides them.
pub(super) fn public(
    schema: &Schema,
    data: &[PathBuf],
    (partition, split): (Option<&Path>, Option<&Path>),
) -> Result<Rows, Failure> {
    let (Some(partition), Some(split)) = (partition, split) else {
        return Err(Failure::usage("--data needs --partition and --split"));
    };
    let folder =
        tempfile::tempdir().map_err(|error| Failure::failed(format!("no folder for the branches' rows: {error}")))?;
    let request = PartitionRequest { data, schema, partition, split: Some(split), into: folder.path() };
    let files = split_by_branch(&request).map_err(Failure::failed)?;
    let own: Vec<PathBuf> = files.iter().filter_map(|branch| branch.held_out.clone()).collect();
    if own.is_empty() {
        return Err(Failure::failed(
            "the split holds no row out, so that nothing can be judged; mark some rows as test",
        ));
    }
    let read = |path: &Path| read_csv(path, schema).map_err(Failure::failed);
    let branches = files.iter().map(|branch| {
        let held_out = branch.held_out.as_deref().map(read).transpose()?;
        Ok(Branch::of_public(read(&branch.training)?, held_out))
    });
    let branches = branches.collect::<Result<_, Failure>>()?;
    Ok(Rows { branches, held_out: read_csv_rows(&own, schema, |_| true).map_err(Failure::failed)? })
}

/// Invented customers of so many branches.
pub(super) fn invented(schema: &Schema, branches: usize, (customers, seed): (u32, u64)) -> Result<Rows, Failure> {
    let known = [synthetic::SCHEMA_TOML, synthetic::BINNED_SCHEMA_TOML].map(Schema::parse);
    if !known.iter().flatten().any(|own| own.digest() == schema.digest()) {
        return Err(Failure::failed(format!(
            "invented customers have the columns of docs/samples/schemas/deposit_churn.toml and deposit_churn_bins.toml, and the plan's schema is \
             \"{}\"; take a plan on one of these two, or give public rows with --data",
            schema.name()
        )));
    }
    if branches as u64 * u64::from(customers) > INVENTED_MAX {
        return Err(Failure::usage(format!(
            "{branches} branches of {customers} invented customers are too many: {INVENTED_MAX} together at most"
        )));
    }
    let spec = SyntheticSpec { branches, customers_per_branch: customers as usize, holdout_fraction: HELD_OUT, seed };
    let data = synthetic::generate(&spec);
    let of = |rows: &mut dyn Iterator<Item = &Vec<String>>| features(schema, &data.header, rows);
    let branch = |own: &synthetic::SyntheticBranch| {
        let held_out = if own.held_out.is_empty() { None } else { Some(of(&mut own.held_out.iter())?) };
        Ok(Branch::of_public(of(&mut own.training.iter())?, held_out))
    };
    let held_out = of(&mut data.branches.iter().flat_map(|own| &own.held_out))?;
    Ok(Rows { branches: data.branches.iter().map(branch).collect::<Result<_, Failure>>()?, held_out })
}

fn features(
    schema: &Schema,
    header: &[String],
    rows: &mut dyn Iterator<Item = &Vec<String>>,
) -> Result<FeatureMatrix, Failure> {
    let unfit =
        |fault: &dyn std::fmt::Display| Failure::failed(format!("the invented rows do not fit the schema: {fault}"));
    let first = |faults: Vec<tributary_model::features::DataError>| match faults.first() {
        Some(fault) => unfit(fault),
        None => unfit(&"no fault is named"),
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut batch = RawBatch::new(schema, &header).map_err(first)?;
    for (number, row) in (1..).zip(rows) {
        batch.push(number, &row.iter().map(String::as_str).collect::<Vec<_>>()).map_err(first)?;
    }
    batch.into_features().map_err(|fault| unfit(&fault))
}
