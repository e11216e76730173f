//! Where a branch's rows are.

use std::path::{Path, PathBuf};

use super::database::Database;

/// Where rows come from.
#[derive(Clone)]
pub enum Origin {
    /// A file: text, or Parquet.
    File(PathBuf),
    /// An SQLite file, and what is asked of it.
    Sqlite {
        /// The file.
        file: PathBuf,
        /// Gives the rows.
        query: String,
        /// Gives the day of the data.
        day_query: Option<String>,
    },
    /// A database, and what is asked of it.
    Database {
        /// Which, and how it is reached.
        at: Box<Database>,
        /// Gives the rows.
        query: String,
        /// Gives the day of the data.
        day_query: Option<String>,
    },
}

impl Origin {
    /// Its name for people: a path, or the database's address. No password is in it.
    #[must_use]
    pub fn name(&self) -> PathBuf {
        match self {
            Self::File(file) | Self::Sqlite { file, .. } => file.clone(),
            Self::Database { at, .. } => PathBuf::from(at.name()),
        }
    }

    /// The file, where the rows are all that is in it: it may have a ready file beside it, and its bytes have a checksum.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Sqlite { .. } | Self::Database { .. } => None,
        }
    }
}
