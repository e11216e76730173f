//! A branch's data files: read once, row by row, into encoded features; nothing is left behind.

mod csv;
mod error;
mod partition;
mod records;
mod schema;

pub use self::csv::{read_csv, read_csv_for_scoring, read_csv_rows, write_csv};
pub use error::{FileError, RECORD_BYTES_MAX};
pub use partition::{BranchFiles, PartitionError, PartitionRequest, split_by_branch};
pub use schema::{read_schema, unlisted};

#[cfg(test)]
mod tests;
