//! How a branch's own files or tables become the schema's columns: `mapping.toml`, which the owner of its data reads and signs.
//!
//! The schema is the same at every branch; the files need not be. `docs/MAPPING.md` explains every key.

mod convert;
mod day;
mod money;
mod parse;
mod parse_source;
mod rule;
mod sourced;
mod words;

use std::path::Path;

use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, verify_owned};
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;

pub(in crate::data) use day::EPOCH;
pub use day::{Counted, DayForm};
pub use money::Money;
pub(in crate::data) use parse_source::{NAME, TEXT_BYTES_MAX, name, source};
pub use rule::{ColumnKind, Conversion, Rule};
pub use sourced::{MappedSource, Queries};

use super::events::Events;
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
    /// Tables beside the customers' own, and what comes of them.
    pub events: Events,
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
        !self.events.tables.is_empty()
            || self.events.label.is_some()
            || self.rules.iter().any(|rule| matches!(rule.conversion, Conversion::Day(..)))
    }
}

#[cfg(test)]
mod tests;
