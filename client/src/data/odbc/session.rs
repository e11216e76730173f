//! The conversation with a driver. What it says is shown only while no row was read: later its words may hold a value of one.

use std::io;
use std::path::{Path, PathBuf};

use odbc_api::buffers::{Indicator, TextRowSet};
use odbc_api::handles::Record;
use odbc_api::{BlockCursor, ConnectionOptions, Cursor, DataType, Error, ResultSetMetadata, environment};
use tributary_model::features::Cell;
use tributary_model::schema::Decimal;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::Printable;

use super::OdbcSettings;
use crate::data::error::FileError;
use crate::data::faults::Fault;
use crate::data::mapping::ColumnKind;
use crate::data::sink::{Column, Sink, Values};

/// Seconds for a connection.
const CONNECT_S: u32 = 20;
/// Longest value, in bytes: a longer one is a fault of its row.
const VALUE_BYTES_MAX: usize = 4096;
/// Room for a value whose length nobody knows beforehand.
const VALUE_BYTES_UNKNOWN: usize = 1024;
/// Bytes of one batch, and most rows of it.
const BATCH_BYTES: usize = 1 << 24;
const BATCH_ROWS_MAX: usize = 1000;

const OF_SETTINGS: &str = "look at [data.odbc], at its connection file, and whether driver and server are there";
const OF_QUERY: &str = "correct the query, and have the owner sign the mapping again";
const OF_SERVER: &str = "ask whoever runs the database, and give the command again";

/// See [`super::read`].
pub(super) fn read(
    at: &OdbcSettings,
    (query, day): (&str, Option<&str>),
    sink: &mut dyn Sink,
) -> Result<(), FileError> {
    let name = PathBuf::from(at.name());
    let asked = |doing: &'static str, cure: &'static str| {
        let name = name.clone();
        move |fault: Error| FileError::Database { path: name, doing, what: words(&fault), cure }
    };
    for query in [Some(query), day].into_iter().flatten() {
        if !reads(query) {
            let what = "it does not begin with SELECT or WITH".to_owned();
            return Err(FileError::Database { path: name, doing: "is not asked", what, cure: OF_QUERY });
        }
    }
    let environment = environment().map_err(asked("cannot be asked", OF_SETTINGS))?;
    let options = ConnectionOptions { login_timeout_sec: Some(CONNECT_S), packet_size: None };
    let connection = environment
        .connect_with_connection_string(&at.connection, options)
        .map_err(asked("does not let this branch in", OF_SETTINGS))?;
    // One transaction for both queries, which ends with the connection and is never committed.
    connection.set_autocommit(false).map_err(asked("cannot be asked", OF_SETTINGS))?;
    let timeout = usize::try_from(at.timeout.as_secs()).ok();
    let none = |what: &str| FileError::Database {
        path: name.clone(),
        doing: "does not take the mapping's query",
        what: what.to_owned(),
        cure: OF_QUERY,
    };
    if let Some(day) = day {
        let refused = asked("does not take the mapping's date_query", OF_QUERY);
        let cursor = connection.execute(day, (), timeout).map_err(refused)?;
        let day = cursor.ok_or_else(|| FileError::no_date(&name)).and_then(|cursor| day_of(cursor, &name))?;
        sink.dated(day);
    }
    let refused = asked("does not take the mapping's query", OF_QUERY);
    let cursor = connection.execute(query, (), timeout).map_err(refused)?;
    let mut cursor = cursor.ok_or_else(|| none("it gives no rows"))?;
    let (columns, lengths) = described(&mut cursor).map_err(asked("does not describe its columns", OF_SERVER))?;
    if columns.is_empty() {
        return Err(none("it gives no rows"));
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let flags: Vec<bool> = columns.iter().map(|column| column.kind == Some(ColumnKind::Flag)).collect();
    sink.begin(&name, columns, Decimal::Point)?;
    let needed: Vec<usize> = (0..names.len()).filter(|column| sink.needs(*column)).collect();
    let rows = (BATCH_BYTES / lengths.iter().map(|length| length + 9).sum::<usize>().max(1)).clamp(1, BATCH_ROWS_MAX);
    let broken = |row: u64| {
        let name = name.clone();
        move |fault: Error| FileError::Read { path: name, row, source: io::Error::other(code(&fault)) }
    };
    let buffer = TextRowSet::from_max_str_lens(rows, lengths).map_err(asked("cannot be asked", OF_SERVER))?;
    let mut cursor: BlockCursor<_, TextRowSet> = cursor.bind_buffer(buffer).map_err(broken(0))?;
    let mut number = 0;
    while let Some(batch) = cursor.fetch().map_err(broken(number))? {
        sink.wished_to_stop()?;
        for row in 0..batch.num_rows() {
            number += 1;
            let typed = Typed { batch, row, flags: &flags };
            let faults = needed.iter().filter_map(|column| unread(&typed, *column, number, &names)).collect();
            sink.row(number, &typed, faults)?;
        }
    }
    Ok(())
}

/// Whether a query begins as one that reads. Comments may stand before it.
fn reads(query: &str) -> bool {
    let mut rest = query.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest).trim_start();
        } else {
            break;
        }
    }
    let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    ["select", "with"].iter().any(|reading| word.eq_ignore_ascii_case(reading))
}

/// The one value of one row, as a day; a time may stand after it.
fn day_of(mut cursor: impl Cursor, name: &Path) -> Result<Date, FileError> {
    let broken =
        |fault: Error| FileError::Read { path: name.to_owned(), row: 0, source: io::Error::other(code(&fault)) };
    if cursor.num_result_cols().map_err(broken)? != 1 {
        return Err(FileError::no_date(name));
    }
    let buffer = TextRowSet::from_max_str_lens(2, [64]).map_err(broken)?;
    let mut cursor = cursor.bind_buffer(buffer).map_err(broken)?;
    let day = match cursor.fetch().map_err(broken)? {
        Some(batch) if batch.num_rows() == 1 => {
            batch.at_as_str(0, 0).ok().flatten().and_then(|text| Date::parse(text.trim().get(..10)?))
        }
        _ => None,
    };
    let more = cursor.fetch().map_err(broken)?.is_some_and(|batch| batch.num_rows() > 0);
    day.filter(|_| !more).ok_or_else(|| FileError::no_date(name))
}

/// The columns, and how many bytes a value of each may have.
fn described(cursor: &mut impl ResultSetMetadata) -> Result<(Vec<Column>, Vec<usize>), Error> {
    let count = u16::try_from(cursor.num_result_cols()?).unwrap_or_default();
    let (mut columns, mut lengths) = (Vec::new(), Vec::new());
    for number in 1..=count {
        let name = cursor.col_name(number)?;
        let kind = cursor.col_data_type(number)?;
        // Characters of up to four bytes.
        let length = cursor.col_display_size(number)?.map_or(VALUE_BYTES_UNKNOWN, |size| size.get().saturating_mul(4));
        lengths.push(length.clamp(64, VALUE_BYTES_MAX));
        columns.push(Column { name, kind: Some(kind_of(kind)) });
    }
    Ok((columns, lengths))
}

fn kind_of(kind: DataType) -> ColumnKind {
    match kind {
        DataType::TinyInt | DataType::SmallInt | DataType::Integer | DataType::BigInt => ColumnKind::Whole,
        DataType::Numeric { .. } | DataType::Decimal { .. } => ColumnKind::Decimal,
        DataType::Real | DataType::Float { .. } | DataType::Double => ColumnKind::Float,
        DataType::Char { .. }
        | DataType::WChar { .. }
        | DataType::Varchar { .. }
        | DataType::WVarchar { .. }
        | DataType::LongVarchar { .. }
        | DataType::WLongVarchar { .. } => ColumnKind::Text,
        DataType::Date | DataType::Timestamp { .. } => ColumnKind::Day,
        DataType::Bit => ColumnKind::Flag,
        other => ColumnKind::Other(Printable::new(&format!("{other:?}")).as_str().to_owned()),
    }
}

/// A row of a batch.
struct Typed<'batch> {
    batch: &'batch TextRowSet,
    row: usize,
    flags: &'batch [bool],
}

impl Values for Typed<'_> {
    fn count(&self) -> usize {
        self.flags.len()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        // What is no text was told before.
        let Ok(Some(text)) = self.batch.at_as_str(column, self.row) else { return Cell::Missing };
        match (self.flags.get(column), text) {
            (Some(true), "1") => Cell::Text("true"),
            (Some(true), "0") => Cell::Text("false"),
            _ => Cell::Text(text),
        }
    }
}

/// What is wrong with a value before it is read.
fn unread(typed: &Typed<'_>, column: usize, number: u64, names: &[String]) -> Option<Fault> {
    let (batch, row) = (typed.batch, typed.row);
    let cut = match batch.indicator_at(column, row) {
        Indicator::Null => return None,
        Indicator::NoTotal => true,
        Indicator::Length(length) => length > batch.max_len(column),
    };
    let what = if cut {
        "a value that is longer than the driver said; cut it in the query"
    } else if batch.at_as_str(column, row).is_err() {
        "text that is not UTF-8; set the driver's client character set to UTF-8"
    } else {
        return None;
    };
    let name = names.get(column).cloned();
    let text = format!("row {number}, column {:?}: {what}", name.as_deref().unwrap_or_default());
    Some(Fault { row: Some(number), column: name, text })
}

/// What a driver says before a row was read. Its words are about the connection and the query.
fn words(fault: &Error) -> String {
    let text = match fault {
        Error::Diagnostics { record, .. } => record.to_string(),
        other => other.to_string(),
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    Printable::new(&lines.join("; ")).as_str().to_owned()
}

/// What is told of a fault after that: its state alone.
fn code(fault: &Error) -> String {
    match fault {
        Error::Diagnostics { record, .. } => format!("the database gave up (SQLSTATE {})", state(record)),
        _ => "the database gave up".to_owned(),
    }
}

fn state(record: &Record) -> String {
    record.state.0.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod unit {
    use super::reads;

    #[test]
    fn a_query_that_changes_something_is_not_asked() {
        for good in ["SELECT 1", " select a from b", "-- who\n/* what */ With x AS (SELECT 1) SELECT * FROM x"] {
            assert!(reads(good), "{good}");
        }
        for bad in
            ["", "DELETE FROM kh", "-- SELECT", "/* SELECT */ DROP TABLE kh", "/* SELECT", "selected", "(SELECT 1)"]
        {
            assert!(!reads(bad), "{bad}");
        }
    }
}
