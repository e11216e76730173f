//! A branch's rows, from files and databases: read once, row by row, into encoded features; nothing else of them stays.
//!
//! ```text
//! text, Parquet, SQLite, PostgreSQL, ODBC ──► Values (one row) ──► Intake (mapping, faults) ──► RawBatch ──► FeatureMatrix
//! ```

mod begun;
mod columns;
mod database;
mod delimited;
mod error;
mod events;
mod faults;
mod fingerprint;
mod fixed;
mod intake;
mod lines;
mod looks;
mod mapping;
mod misfit;
mod odbc;
mod pages;
mod parquet;
mod partition;
mod pass;
mod passing;
mod place;
mod plain;
mod postgres;
mod read;
mod reading;
mod record;
mod records;
mod schema;
mod sink;
mod source;
mod sqlite;
mod stream;
mod text;
mod tolerance;
mod write;

pub use database::Database;
pub use error::{FileError, RECORD_BYTES_MAX};
pub use events::{
    ConsentRule, DerivedField, EventCounts, EventTable, Events, EventsRead, Function, LabelWindow, TableRead,
    TableSource, Window,
};
pub(crate) use events::{Key as CustomerKey, bank_day_of, plainest};
pub use faults::{FAULTS_TOLD_MAX, Fault, FileFaults};
pub(crate) use mapping::source as mapped_source;
pub use mapping::{
    ColumnKind, Conversion, Counted, DayForm, Home, MappedSource, Mapping, Money, Queries, Rule,
    SAMPLE as MAPPING_SAMPLE,
};
pub use odbc::OdbcSettings;
pub use partition::{BranchFiles, PartitionError, PartitionRequest, split_by_branch};
pub use pass::{PassedTable, pass_origin};
pub use passing::{PassedRow, Wanted};
pub use place::Origin;
pub(crate) use plain::{PlainRead, RowFault, Rows, place_of, read_plain};
pub use postgres::{PostgresSettings, PostgresTls};
pub(crate) use read::digest_of_file;
pub use read::{ReadTable, file_digest, read_csv, read_csv_rows, read_origin, read_table};
pub use reading::{Reading, Stop};
pub use schema::read_schema;
pub use tolerance::RowCounts;
pub use write::write_csv;

#[cfg(test)]
mod tests;
