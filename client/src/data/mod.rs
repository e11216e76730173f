//! A branch's data files: read once, row by row, into encoded features; nothing else of them stays.

mod delimited;
mod error;
mod faults;
mod fingerprint;
mod fixed;
mod lines;
mod looks;
mod partition;
mod read;
mod record;
mod records;
mod schema;
mod source;
mod write;

pub use error::{FileError, RECORD_BYTES_MAX};
pub use faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
pub use partition::{BranchFiles, PartitionError, PartitionRequest, split_by_branch};
pub use read::{ReadTable, Stop, file_digest, read_csv, read_csv_rows, read_table};
pub use schema::read_schema;
pub use write::write_csv;

#[cfg(test)]
mod tests;
