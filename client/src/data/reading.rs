//! How a data set is to be read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tributary_model::schema::{Dialect, Layout, Schema};
use tributary_protocol::plan::Date;

use super::error::FileError;
use super::events::Key;
use super::mapping::{MappedSource, Mapping};
use super::place::Origin;

/// A wish to stop reading, from another thread.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From here on reading ends at the next row.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wishes it.
    pub(super) fn is_wished(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether reading ends here.
    pub(super) fn checked(&self, path: &Path) -> Result<(), FileError> {
        if self.is_wished() { Err(FileError::Stopped { path: path.to_owned() }) } else { Ok(()) }
    }
}

/// Whether a customer refuses, by the plainest spelling of the key.
pub(super) type Refused<'a> = &'a dyn Fn(&Key) -> bool;

/// How a data set is to be read.
pub struct Reading<'a> {
    /// How its columns become the schema's, where they are not.
    pub mapping: Option<&'a Mapping>,
    /// Of which day it is, where that is known before it is read.
    pub day: Option<Date>,
    /// Largest share of rows with a fault, in percent, that are left out one by one. Above it nothing is used.
    pub faulty_percent_max: u8,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// Where the tables are that the mapping declares, in their order.
    pub tables: &'a [Origin],
    /// Where this branch's other data set is: its customers are no strangers.
    pub beside: &'a [&'a Origin],
    /// Which rows are looked at, by their index from 0.
    pub keep: &'a dyn Fn(usize) -> bool,
    /// Which customers refuse, by the plainest spelling of their keys: they are read as those are who have not agreed.
    pub refused: Option<Refused<'a>>,
}

impl<'a> Reading<'a> {
    /// Every row, and none may have a fault.
    #[must_use]
    pub fn strict(stop: &'a Stop) -> Self {
        Self {
            mapping: None,
            day: None,
            faulty_percent_max: 0,
            stop,
            tables: &[],
            beside: &[],
            keep: &|_| true,
            refused: None,
        }
    }

    /// How a text file is written.
    pub(super) fn dialect<'b>(&'b self, schema: &'b Schema) -> &'b Dialect {
        match self.mapping.map(|mapping| &mapping.source) {
            Some(MappedSource::Text(Some(own))) => own,
            _ => schema.dialect(),
        }
    }

    /// What a header's one column may be divided by.
    pub(super) fn hint(&self, schema: &Schema, header: &[&str]) -> Option<String> {
        /// In the order in which they are looked for: one may be a part of another.
        const USUAL: [&str; 10] = ["|@|", "|!|", "||", "\u{1}", ";", "\t", "|", ",", "^", "~"];
        let Layout::Delimited { delimiter, .. } = &self.dialect(schema).layout else { return None };
        let line = header.first()?;
        let count = |usual: &&str| line.matches(*usual).count();
        let found = USUAL.iter().copied().filter(|usual| usual != delimiter && count(usual) > 0);
        let found = found.max_by_key(|usual| (count(usual) * usual.len(), usual.len()))?;
        let key = match self.mapping.map(|mapping| &mapping.source) {
            Some(MappedSource::Text(Some(_))) => "the mapping's key is mapping.csv.delimiter",
            _ => "the schema's key is csv.delimiter",
        };
        Some(format!(
            " The file is divided at {delimiter:?}, and the line holds {found:?} {} times: {key}",
            count(&found)
        ))
    }
}
