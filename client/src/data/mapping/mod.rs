//! How a branch's own files or tables become the schema's columns: `mapping.toml`, which the owner of its data reads and signs.
//!
//! The schema is the same at every branch; the files need not be. `docs/MAPPING.md` explains every key.

mod convert;
mod day;
mod money;
mod parse;
mod rule;
mod words;

use std::path::Path;

use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, verify_owned};
use tributary_model::schema::{Dialect, Schema};
use tributary_protocol::digest::Digest;

pub use day::{Counted, DayForm};
pub use money::Money;
pub use rule::{ColumnKind, Conversion, Rule};

use crate::error::ClientError;

/// A commented mapping with every key.
pub const SAMPLE: &str = include_str!("../../../../docs/samples/mapping.toml");

/// What a branch's rows are, and how they become the schema's.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Digest of the schema that it maps to.
    pub schema: Digest,
    /// Where rows come from.
    pub source: MappedSource,
    /// Which rows are this branch's own.
    pub home: Option<Home>,
    /// One for each column that is not taken as it is.
    pub rules: Vec<Rule>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum MappedSource {
    /// A text file; written as the schema says, or as this branch's own.
    Text(Option<Dialect>),
    /// A Parquet file.
    Parquet,
    /// An SQLite file, by queries.
    Sqlite(Queries),
    /// A PostgreSQL database, by queries.
    Postgres(Queries),
}

/// What is asked of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queries {
    /// The rows to learn from.
    pub rows: String,
    /// The rows that are only counted when a model is evaluated.
    pub held_out: Option<String>,
    /// The day of the data: one row of one column.
    pub day: Option<String>,
}

/// The column that says whose customer a row is, and the values that mean this branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// As the branch names it.
    pub column: String,
    /// Values that mean this branch.
    pub values: Vec<String>,
}

impl Mapping {
    /// The mapping in force: this file, if the owner signed it as it stands, and it maps to this schema.
    ///
    /// # Errors
    /// If it is not signed, has faults, or maps to another schema.
    pub fn owned(path: &Path, owner: &Path, schema: &Schema) -> Result<Self, ClientError> {
        let owner = read_verifying_key(owner).map_err(ClientError::file)?;
        // What was verified is what is parsed, whoever may change the file meanwhile.
        let text = verify_owned(Owned::Mapping, path, &owner).map_err(ClientError::file)?;
        Self::parse(path, &text, schema)
    }

    /// Whether it needs the day of the data.
    #[must_use]
    pub fn counts_days(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.conversion, Conversion::Day(..)))
    }
}

impl MappedSource {
    /// What is asked, where it is a database.
    #[must_use]
    pub fn queries(&self) -> Option<&Queries> {
        match self {
            Self::Text(_) | Self::Parquet => None,
            Self::Sqlite(queries) | Self::Postgres(queries) => Some(queries),
        }
    }
}

#[cfg(test)]
mod tests;
