//! Any database that has an ODBC driver, by a query: Oracle, DB2 and domestic ones. Values come as text, in batches of a bounded size.
//!
//! ODBC cannot say that nothing is changed. So the query must begin as one that reads, nothing is ever committed, and the role that the connection
//! string names should have the right to read alone.

#[cfg(feature = "odbc")]
mod session;
mod settings;
#[cfg(all(test, feature = "odbc"))]
mod tests;

pub use settings::OdbcSettings;

use super::error::FileError;
use super::sink::Sink;

/// Reads what a query gives; first of which day the data are, where a second query says it.
#[cfg(feature = "odbc")]
pub(super) fn read(at: &OdbcSettings, queries: (&str, Option<&str>), sink: &mut dyn Sink) -> Result<(), FileError> {
    session::read(at, queries, sink)
}

/// Says that this build has no ODBC.
///
/// # Errors
/// Always.
#[cfg(not(feature = "odbc"))]
pub(super) fn read(at: &OdbcSettings, _: (&str, Option<&str>), _: &mut dyn Sink) -> Result<(), FileError> {
    Err(FileError::Database {
        path: at.name().into(),
        doing: "cannot be asked",
        what: "this executable was built without ODBC".to_owned(),
        cure: "use one that was built with the feature odbc",
    })
}
