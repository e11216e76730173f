//! From a source to whoever takes its rows.

use std::path::Path;

use tributary_model::schema::Dialect;
use tributary_protocol::digest::Digest;

use super::database::Database;
use super::error::FileError;
use super::looks;
use super::mapping::MappedSource;
use super::place::Origin;
use super::sink::Sink;
use super::{odbc, parquet, postgres, sqlite, text};

/// Hands a source's rows on, one by one. `said` is what a mapping says that it is; `dialect` is how a text file is written. Gives the digest of a
/// file's bytes, and none of a database.
pub(super) fn stream(
    origin: &Origin,
    said: Option<&MappedSource>,
    dialect: &Dialect,
    sink: &mut dyn Sink,
) -> Result<Option<Digest>, FileError> {
    match origin {
        Origin::File(path) => file(path, said, dialect, sink).map(Some),
        Origin::Sqlite { file, query, day_query } => {
            sqlite::read(file, (query, day_query.as_deref()), sink)?;
            Ok(None)
        }
        Origin::Database { at, query, day_query } => {
            let queries = (query.as_str(), day_query.as_deref());
            match &**at {
                Database::Postgres(at) => postgres::read(at, queries, sink)?,
                Database::Odbc(at) => odbc::read(at, queries, sink)?,
            }
            Ok(None)
        }
    }
}

/// A file of text, or a Parquet file, which its first bytes say.
fn file(path: &Path, said: Option<&MappedSource>, dialect: &Dialect, sink: &mut dyn Sink) -> Result<Digest, FileError> {
    // A pipe can be read once, and holds text.
    let looks_so = path.is_file() && looks::is_parquet(path);
    match said {
        Some(MappedSource::Parquet) => parquet::read(path, sink),
        None if looks_so => parquet::read(path, sink),
        _ => text::read(path, dialect, sink),
    }
}
