//! Rows with faults: left out one by one, counted, and told, up to a share of all rows.

use std::path::{Path, PathBuf};

use super::error::FileError;
use super::faults::{FAULTS_TOLD_MAX, Fault, FileFaults};

/// Rows that are in no batch, and all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that were read.
    pub read: u64,
    /// Of which have a fault, and are left out.
    pub faulty: u64,
    /// The first faults of these.
    pub told: Vec<Fault>,
    /// Of which are another branch's, by the mapping.
    pub elsewhere: u64,
    /// Of which are of customers who have not agreed, or have refused.
    pub withheld: u64,
    /// Rows whose label was known on the day of the data already, by the mapping's column for that.
    pub labels_before: u64,
    /// Rows of which the label's event came after the label's days.
    pub labels_after: u64,
}

/// What is left out of one data set or table.
pub(super) struct Tolerance {
    /// Largest share of rows with a fault, in percent. Above it nothing is used.
    percent_max: u8,
    /// Of the source that is being read.
    faults: FileFaults,
    /// Of all sources so far.
    pub(super) counts: RowCounts,
}

impl Tolerance {
    pub(super) fn new(percent_max: u8) -> Self {
        Self { percent_max, faults: FileFaults::default(), counts: RowCounts::default() }
    }

    /// A source begins.
    pub(super) fn begin(&mut self, name: &Path) {
        self.faults = FileFaults::new(name.to_owned());
    }

    /// The source that is being read.
    pub(super) fn name(&self) -> &PathBuf {
        &self.faults.path
    }

    /// A row was read, with these faults.
    pub(super) fn read(&mut self, faults: Vec<Fault>) {
        self.counts.read += 1;
        if !faults.is_empty() {
            self.counts.faulty += 1;
            faults.into_iter().for_each(|fault| self.faults.add(fault));
        }
    }

    /// Nothing after this can be read.
    pub(super) fn broken(&mut self, fault: Fault) {
        self.faults.stopped = true;
        self.faults.add(fault);
    }

    /// Whether there was a fault so far.
    pub(super) fn is_faulty(&self) -> bool {
        self.faults.count > 0
    }

    /// The source has ended. Its rows with faults are left out, unless they are too many, or its end was not seen.
    pub(super) fn end(&mut self) -> Result<(), FileError> {
        let faults = std::mem::take(&mut self.faults);
        let RowCounts { read, faulty, .. } = &self.counts;
        let many = u128::from(*faulty) * 100 > u128::from(*read) * u128::from(self.percent_max);
        if faults.count > 0 && (faults.stopped || many) {
            return Err(FileError::Faults(Box::new(faults)));
        }
        self.faults.path = faults.path;
        let room = FAULTS_TOLD_MAX.saturating_sub(self.counts.told.len());
        self.counts.told.extend(faults.told.into_iter().take(room));
        Ok(())
    }
}
