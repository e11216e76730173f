//! A branch's files, read and judged: the same for a run, for a preflight, and for whoever only wants to look.

mod change;
mod report;
mod summary;
mod verdict;

use std::path::Path;

use tributary_certs::entropy::OsEntropy;
use tributary_model::schema::Schema;
use tributary_model::train::{PlacementKey, Table, TableMaxima};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_texts::{Said, dataset as words};

pub use change::{Changes, FieldChange, LabelChange};
pub use report::{AuditLine, BoundCounts, DatasetReport, FieldLine, LabelLine};
pub use summary::{FieldSummary, LabelSummary, Summary};
pub use verdict::{Remark, remarks};

use crate::data::{FileError, Stop, read_table};
use crate::error::ClientError;
use crate::settings::Settings;

/// One file that can be read.
pub struct Loaded {
    /// Its rows, in order.
    pub table: Table,
    /// What it holds.
    pub report: DatasetReport,
    /// What is remarkable about it.
    pub remarks: Vec<Remark>,
    /// SHA-256 of the file as it was read.
    pub digest: Digest,
}

impl Loaded {
    /// Reads a file, and judges it.
    ///
    /// # Errors
    /// All faults of the file.
    pub fn read(file: &Path, settings: &Settings, schema: &Schema, stop: &Stop) -> Result<Self, FileError> {
        let read = read_table(file, schema, stop)?;
        let digest = read.digest;
        let doubts = read.doubts.into_iter().map(|doubt| Remark::new(false, None, Said::verbatim(doubt.text)));
        let mut found: Vec<Remark> = doubts.collect();
        found.extend(remarks(read.rows.counts(), schema, settings.share_limits, settings.rows_per_customer_max));
        let maxima = TableMaxima {
            customers: settings.customers_max,
            rows: settings.rows_max,
            rows_per_customer: settings.rows_per_customer_max,
        };
        let table = Table::new(read.rows, maxima, &PlacementKey::new(OsEntropy.bytes32()))?;
        let report = DatasetReport::new(file, table.data().counts(), schema, table.rows_left_out());
        Ok(Self { table, report, remarks: found, digest })
    }

    /// The file, if nothing about it stops a branch from using it.
    ///
    /// # Errors
    /// Everything that does.
    pub fn usable(self) -> Result<Self, ClientError> {
        let stops = self.remarks.iter().filter(|remark| remark.stops).map(|remark| remark.said.clone());
        let stops: Vec<Said> = stops.collect();
        if stops.is_empty() {
            return Ok(self);
        }
        let lines: Vec<Said> = std::iter::once(words::not_usable(&self.report.file)).chain(stops).collect();
        Err(ClientError::Rows(Said::joined(&lines, "\n  ")))
    }
}

/// Every file that the settings name, with its name in the settings.
pub fn files(settings: &Settings) -> impl Iterator<Item = (&'static str, &Path)> {
    let held_out = settings.held_out_file.as_deref().map(|file| ("data.held_out", file));
    std::iter::once(("data.file", settings.data_file.as_path())).chain(held_out)
}

#[cfg(test)]
mod tests;
