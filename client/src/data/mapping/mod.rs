//! How a branch's own files or tables become the schema's columns: `mapping.toml`, which the owner of its data reads and signs.
//!
//! The schema is the same at every branch; the files need not be. `docs/MAPPING.md` explains every key.

mod convert;
mod day;
mod dialect_words;
mod money;
mod parse;
mod parse_source;
mod rule;
mod sourced;
mod words;

use std::path::Path;

use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, OwnedText, verify_owned};
use tributary_model::features::Cell;
use tributary_model::schema::{Decimal, Schema};
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::MemberName;

pub(in crate::data) use convert::{ConvertFault, written};
pub(in crate::data) use day::EPOCH;
pub use day::{Counted, DayForm};
pub(in crate::data) use dialect_words::said_of;
pub use money::Money;
pub(crate) use parse_source::source;
pub(in crate::data) use parse_source::{NAME, TEXT_BYTES_MAX, name};
pub use rule::{ColumnKind, Conversion, Rule};
pub use sourced::{MappedSource, Queries};

use super::events::Events;
use crate::error::ClientError;

/// A commented mapping with every key.
pub const SAMPLE: &str = include_str!("../../../../docs/samples/mapping.toml");

/// What a branch's rows are, and how they become the schema's.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// SHA-256 of its text.
    pub digest: Digest,
    /// The branch that it is for; any branch of its owner, where it names none.
    pub branch: Option<MemberName>,
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
    /// This file, if the owner signed it as it stands, and it maps to this schema; and its signature's sequence.
    ///
    /// # Errors
    /// If it is not signed, has faults, or maps to another schema.
    pub fn owned(path: &Path, owner: &Path, schema: &Schema) -> Result<(Self, u64), ClientError> {
        let owner = read_verifying_key(owner).map_err(ClientError::file)?;
        // What was verified is what is parsed, whoever may change the file meanwhile.
        let OwnedText { text, sequence } = verify_owned(Owned::Mapping, path, &owner).map_err(ClientError::file)?;
        Ok((Self::parse(path, &text, schema)?, sequence))
    }

    /// How the customers' key is made, where it is not the column of its name.
    #[must_use]
    pub fn rule_of_key(&self, schema: &Schema) -> Option<&Rule> {
        let key = schema.customer_column()?;
        self.rules.iter().find(|rule| rule.to == key)
    }

    /// A customer's key as every table writes it, as the batch of rows gets it.
    pub(in crate::data) fn key<'row>(
        &'row self,
        schema: &Schema,
        cell: Cell<'row>,
        decimal: Decimal,
    ) -> Result<Cell<'row>, ConvertFault> {
        self.rule_of_key(schema).map_or(Ok(cell), |rule| rule.convert(cell, decimal, None))
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
