//! The rows on which a model is attacked: a table for each branch, and a table beside it with the customers from whom the model did not learn.

use std::path::{Path, PathBuf};

use tributary_client::data::{read_csv, read_csv_rows};
use tributary_model::features::FeatureMatrix;
use tributary_model::schema::Schema;
use tributary_rehearsal::Branch;

use crate::exit::Failure;

/// The ending of a table with the customers from whom a model did not learn.
const HELD_OUT: &str = ".held-out.csv";

/// Branches, and everybody from whom the model did not learn.
pub(super) struct Rows {
    pub(super) branches: Vec<Branch>,
    pub(super) others: FeatureMatrix,
}

/// Reads a folder: `NAME.csv` has what a branch learnt from, and `NAME.held-out.csv` what it did not.
///
/// # Errors
/// If there is no table, a row cannot be read, or nothing was held out.
pub(super) fn of_folder(folder: &Path, schema: &Schema) -> Result<Rows, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|fault| {
        Failure::failed(format!("{} cannot be read ({fault}); name the folder with the tables", folder.display()))
    })?;
    let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let mut tables: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    tables.retain(|path| name(path).is_some_and(|name| name.ends_with(".csv") && !name.ends_with(HELD_OUT)));
    tables.sort();
    let read = |path: &Path| read_csv(path, schema).map_err(Failure::failed);
    let (mut branches, mut held_out) = (Vec::new(), Vec::new());
    for table in &tables {
        let beside = table.with_extension("").with_extension("held-out.csv");
        let own = if beside.is_file() { Some(read(&beside)?) } else { None };
        held_out.extend(own.is_some().then_some(beside));
        branches.push(Branch::of_public(read(table)?, own));
    }
    if branches.is_empty() || held_out.is_empty() {
        return Err(Failure::failed(format!(
            "{} has no table of a branch, or none with held-out customers: NAME.csv and beside it NAME{HELD_OUT}",
            folder.display()
        )));
    }
    Ok(Rows { branches, others: read_csv_rows(&held_out, schema, |_| true).map_err(Failure::failed)? })
}
