//! Where rows come from, and what is asked there.

use tributary_model::schema::Dialect;

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
    /// Another database, over ODBC, by queries.
    Odbc(Queries),
}

/// What is asked of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queries {
    /// The rows to learn from.
    pub rows: String,
    /// The rows that are only counted when a model is evaluated.
    pub held_out: Option<String>,
    /// The rows of customers to score, where they are others.
    pub score: Option<String>,
    /// The day of the data: one row of one column.
    pub day: Option<String>,
}

impl MappedSource {
    /// What is asked, where it is a database.
    #[must_use]
    pub fn queries(&self) -> Option<&Queries> {
        match self {
            Self::Text(_) | Self::Parquet => None,
            Self::Sqlite(queries) | Self::Postgres(queries) | Self::Odbc(queries) => Some(queries),
        }
    }
}
