//! Where a branch's data sets are, by its settings and by the mapping that its owner signed.

use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;
use tributary_texts::{dataset as words, events};

use super::signed::Signed;
use crate::data::{Database, MappedSource, Mapping, Origin, Queries, TableSource};
use crate::error::ClientError;
use crate::ready::{Stamp, StampFault};
use crate::settings::{DateSource, Settings};

/// One data set.
pub struct Place {
    /// Its key in the settings.
    pub key: &'static str,
    /// Where its rows come from.
    pub origin: Origin,
}

/// A branch's data sets.
pub struct Sources {
    /// How the branch's columns become the schema's, as its owner signed it.
    pub signed: Option<Signed>,
    /// The rows to learn from, and those that are only counted where there are any.
    pub places: Vec<Place>,
    /// The tables that the mapping reads beside them, in its order.
    pub tables: Vec<Origin>,
}

impl Sources {
    /// What the settings and the signed mapping name.
    ///
    /// # Errors
    /// If the mapping is not signed or has faults, or the two do not fit each other.
    pub fn of(settings: &Settings, schema: &Schema) -> Result<Self, ClientError> {
        let signed = Signed::of(settings, schema)?;
        let mapping = signed.as_ref().map(|signed| &signed.mapping);
        let places = places(settings, mapping.map(|mapping| &mapping.source))?;
        let tables = tables(settings, mapping)?;
        Ok(Self { signed, places, tables })
    }

    /// The mapping in force.
    #[must_use]
    pub fn mapping(&self) -> Option<&Mapping> {
        self.signed.as_ref().map(|signed| &signed.mapping)
    }

    /// Notes that the mapping is in force, so that no older one is from here on.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note(&self) -> Result<(), ClientError> {
        self.signed.as_ref().map_or(Ok(()), Signed::note)
    }
}

fn places(settings: &Settings, source: Option<&MappedSource>) -> Result<Vec<Place>, ClientError> {
    let refused = |said| Err(ClientError::Said(said));
    let file = settings.data_file.as_ref();
    let both = |queries: &Queries, origin: &dyn Fn(String, Option<String>) -> Origin| {
        let day = || queries.day.clone();
        let training = Place { key: "data.file", origin: origin(queries.rows.clone(), day()) };
        let held_out = queries.held_out.clone();
        let held_out = held_out.map(|query| Place { key: "data.held_out", origin: origin(query, day()) });
        std::iter::once(training).chain(held_out).collect::<Vec<_>>()
    };
    match (source, file, &settings.database) {
        (Some(MappedSource::Postgres(queries)), None, Some(at @ Database::Postgres(_)))
        | (Some(MappedSource::Odbc(queries)), None, Some(at @ Database::Odbc(_))) => {
            Ok(both(queries, &|query, day_query| Origin::Database { at: Box::new(at.clone()), query, day_query }))
        }
        (Some(MappedSource::Postgres(_) | MappedSource::Odbc(_)), _, _) | (_, None, _) | (_, _, Some(_)) => {
            refused(words::other_database())
        }
        (Some(MappedSource::Sqlite(_)), _, None) if settings.held_out_file.is_some() => {
            refused(words::held_out_has_a_query())
        }
        (Some(MappedSource::Sqlite(queries)), Some(file), None) => {
            Ok(both(queries, &|query, day_query| Origin::Sqlite { file: file.clone(), query, day_query }))
        }
        (Some(MappedSource::Text(_) | MappedSource::Parquet) | None, Some(file), None) => {
            let place = |key, file: &std::path::PathBuf| Place { key, origin: Origin::File(file.clone()) };
            let held_out = settings.held_out_file.as_ref().map(|file| place("data.held_out", file));
            Ok(std::iter::once(place("data.file", file)).chain(held_out).collect())
        }
    }
}

/// Where the tables are that a mapping reads beside the customers' own.
fn tables(settings: &Settings, mapping: Option<&Mapping>) -> Result<Vec<Origin>, ClientError> {
    let key = |name: &str| format!("data.events.{name}");
    let sources = || mapping.into_iter().flat_map(|mapping| mapping.events.sources());
    if let Some(name) = settings.tables.keys().find(|name| sources().all(|source| source.name != **name)) {
        return Err(ClientError::Said(events::no_table(name, key(name))));
    }
    let asked = |at: Option<Database>, queries: &Queries| {
        let query = queries.rows.clone();
        at.map(|at| Origin::Database { at: Box::new(at), query, day_query: None })
    };
    let place = |source: &TableSource| {
        let name = &source.name;
        let file = || {
            let none = || ClientError::Said(events::no_place(name, key(name)));
            settings.tables.get(name).cloned().ok_or_else(none)
        };
        Ok(match &source.source {
            MappedSource::Text(_) | MappedSource::Parquet => Origin::File(file()?),
            MappedSource::Sqlite(queries) => {
                Origin::Sqlite { file: file()?, query: queries.rows.clone(), day_query: None }
            }
            MappedSource::Postgres(queries) => {
                let at = settings.database.clone().filter(|at| matches!(at, Database::Postgres(_)));
                asked(at, queries).ok_or_else(|| ClientError::Said(events::no_database(name)))?
            }
            MappedSource::Odbc(queries) => {
                let at = settings.database.clone().filter(|at| matches!(at, Database::Odbc(_)));
                asked(at, queries).ok_or_else(|| ClientError::Said(events::no_odbc(name)))?
            }
        })
    };
    sources().map(place).collect()
}

impl Place {
    /// Of which day the rows are, as far as that is said before they are read; and the ready file that says it. A database says it with its rows.
    ///
    /// # Errors
    /// Why a file's day is not known.
    pub fn dated(&self, settings: &Settings) -> Result<(Option<Date>, Option<Stamp>), StampFault> {
        match (settings.date_source, self.origin.file()) {
            (DateSource::Fixed(date), _) => Ok((Some(date), None)),
            (DateSource::ReadyFile, Some(file)) => Stamp::read(file).map(|stamp| (Some(stamp.date), Some(stamp))),
            (DateSource::ReadyFile, None) => Ok((None, None)),
        }
    }

    /// The same day, for a reader alone: who counts no days needs none.
    #[must_use]
    pub fn day(&self, settings: &Settings) -> Option<Date> {
        self.dated(settings).ok().and_then(|(date, _)| date)
    }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
pub(super) mod tests;
