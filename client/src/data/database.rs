//! A database that a branch's rows are asked of, beside the kinds that are files.

use super::odbc::OdbcSettings;
use super::postgres::PostgresSettings;

/// Which database, and how it is reached.
#[derive(Clone)]
pub enum Database {
    /// PostgreSQL, in its own protocol.
    Postgres(PostgresSettings),
    /// Any other, over ODBC.
    Odbc(OdbcSettings),
}

impl Database {
    /// Its name for people. No password is in it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Postgres(at) => at.name(),
            Self::Odbc(at) => at.name(),
        }
    }
}
