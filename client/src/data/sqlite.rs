//! An SQLite file, by a query. Nothing in it is changed.

use std::path::Path;

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, Statement};
use tributary_model::features::Cell;
use tributary_model::schema::Decimal;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::Printable;

use super::error::FileError;
use super::faults::Fault;
use super::looks::must_be_ordinary;
use super::sink::{Column, Sink, Values};

/// After so many steps of a query it is looked whether somebody wishes to stop.
const STEPS: i32 = 10_000;
/// Longest value, in bytes. The library takes sixty times as many.
const VALUE_BYTES_MAX: i32 = 1 << 24;

/// A row, of which each value has its own type.
struct Typed<'row>(&'row Row<'row>, usize);

impl Values for Typed<'_> {
    fn count(&self) -> usize {
        self.1
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match self.0.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Cell::Integer(number),
            Ok(ValueRef::Real(number)) => Cell::Number(number),
            // What is no text was told before.
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_or(Cell::Missing, Cell::Text),
            Ok(ValueRef::Null | ValueRef::Blob(_)) | Err(_) => Cell::Missing,
        }
    }
}

/// Reads what a query gives; first of which day the data are, where a second query says it.
pub(super) fn read(file: &Path, (query, day): (&str, Option<&str>), sink: &mut dyn Sink) -> Result<(), FileError> {
    let asked = |doing: &'static str| {
        move |fault: rusqlite::Error| FileError::Database {
            path: file.to_owned(),
            doing,
            // The words are about the file and the query, and of no row.
            what: Printable::new(&fault.to_string()).as_str().to_owned(),
            cure: "look at the file and at the mapping's query",
        }
    };
    must_be_ordinary(file)?;
    if let Err(source) = std::fs::File::open(file) {
        return Err(FileError::Open { path: file.to_owned(), source });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(asked("cannot be opened"))?;
    let stop = sink.stop().clone();
    // A query may go over the whole file before it gives a row.
    connection.progress_handler(STEPS, Some(move || stop.is_wished())).map_err(asked("cannot be read"))?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX).map_err(asked("cannot be read"))?;
    // One state of the file for both queries, whoever writes meanwhile. A function that the file itself names in a view or an index is none of ours.
    connection
        .execute_batch("PRAGMA trusted_schema = 0; PRAGMA query_only = 1; BEGIN")
        .map_err(asked("cannot be read"))?;
    if let Some(day) = day {
        let mut statement = prepared(&connection, day, file)?;
        let text = statement.query_row([], |row| row.get::<_, String>(0)).map_err(|fault| match fault {
            // This query may read every row.
            rusqlite::Error::SqliteFailure(..) => ended(file, 0, &fault, sink),
            _ => asked("does not say the day of its data")(fault),
        })?;
        sink.dated(Date::parse(text.trim()).ok_or_else(|| FileError::no_date(file))?);
    }
    let mut statement = prepared(&connection, query, file)?;
    let columns: Vec<Column> =
        statement.column_names().map(|name| Column { name: name.to_owned(), kind: None }).collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    sink.begin(file, columns, Decimal::Point)?;
    let needed: Vec<usize> = (0..names.len()).filter(|column| sink.needs(*column)).collect();
    let mut rows = statement.query([]).map_err(asked("cannot be asked"))?;
    let mut number = 0;
    loop {
        match rows.next() {
            Ok(None) => return Ok(()),
            Ok(Some(row)) => {
                number += 1;
                let faults = needed.iter().filter_map(|column| unread(row, *column, number, &names)).collect();
                sink.row(number, &Typed(row, names.len()), faults)?;
            }
            Err(fault) => return Err(ended(file, number, &fault, sink)),
        }
    }
}

/// Reading ended before the last row. The library's words may hold a value, so its code alone is told.
fn ended(file: &Path, row: u64, fault: &rusqlite::Error, sink: &dyn Sink) -> FileError {
    if let Err(stopped) = sink.wished_to_stop() {
        return stopped;
    }
    let code = fault.sqlite_error_code().map_or_else(|| "no code".to_owned(), |code| format!("{code:?}"));
    let source = std::io::Error::other(format!("SQLite: {code}"));
    FileError::Read { path: file.to_owned(), row, source }
}

/// A query that reads, and does nothing else.
fn prepared<'db>(connection: &'db Connection, query: &str, file: &Path) -> Result<Statement<'db>, FileError> {
    let refused = |what: String| FileError::Database {
        path: file.to_owned(),
        doing: "does not take the mapping's query",
        what,
        cure: "correct the query, and have the owner sign the mapping again",
    };
    let statement =
        connection.prepare(query).map_err(|fault| refused(Printable::new(&fault.to_string()).as_str().to_owned()))?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(refused("it gives no rows, or would change something".to_owned()));
    }
    Ok(statement)
}

/// What is wrong with a value before it is read.
fn unread(row: &Row<'_>, column: usize, number: u64, names: &[String]) -> Option<Fault> {
    let what = match row.get_ref(column) {
        Ok(ValueRef::Blob(_)) => "bytes that are no text; convert them in the query",
        Ok(ValueRef::Text(text)) if std::str::from_utf8(text).is_err() => {
            "text that is not UTF-8; convert it in the query"
        }
        _ => return None,
    };
    let name = names.get(column).cloned();
    let text = format!("row {number}, column {:?}: {what}", name.as_deref().unwrap_or_default());
    Some(Fault { row: Some(number), column: name, text })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;
    use tributary_model::schema::Schema;

    use super::*;
    use crate::data::{Mapping, Origin, ReadTable, Reading, Stop, read_origin};

    const SCHEMA: &str = r#"
name = "bank"
version = 1
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, range = "unit", missing = "indicator", class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["office", "1"], class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = [1], negative = [0] }]
"#;

    const QUERY: &str = "SELECT id AS who, born, job, y FROM rows";

    fn database(statements: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.db");
        Connection::open(&path).unwrap().execute_batch(statements).unwrap();
        (folder, path)
    }

    fn rows(values: &str) -> (TempDir, PathBuf) {
        database(&format!("CREATE TABLE rows (id, born, job, y); INSERT INTO rows VALUES {values}"))
    }

    fn read(path: &Path, query: &str, day: Option<&str>, percent: u8) -> Result<ReadTable, FileError> {
        let schema = Schema::parse(SCHEMA).unwrap();
        let text = format!(
            "[mapping]\nschema = \"{}\"\nsource = \"sqlite\"\nquery = \"SELECT 1\"\n[[columns]]\nto = \"age\"\nfrom = \"born\"\ndate = \"YYYYMMDD\"\n\
             count = \"years-since\"\n",
            schema.digest()
        );
        let mapping =
            Mapping::parse(Path::new("mapping.toml"), &text, &schema).unwrap_or_else(|fault| panic!("{fault}"));
        let stop = Stop::default();
        let reading = Reading { mapping: Some(&mapping), faulty_percent_max: percent, ..Reading::strict(&stop) };
        let day_query = day.map(str::to_owned);
        read_origin(&Origin::Sqlite { file: path.to_owned(), query: query.to_owned(), day_query }, &schema, &reading)
    }

    const DAY: Option<&str> = Some("SELECT '2026-11-30'");

    fn refused(path: &Path, query: &str, day: Option<&str>) -> String {
        read(path, query, day, 0).map(|_| ()).expect_err("the rows were taken").to_string()
    }

    #[test]
    fn a_query_gives_rows_of_every_type() {
        let (_folder, path) =
            rows("(7, 19800131, 'office', 1), ('7', '19801231', 1, 0.0), (9007199254740993, NULL, 1.0, NULL)");
        let table = read(&path, QUERY, DAY, 0).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(table.rows.customers(), [0, 0, 1]);
        let features = table.rows.features();
        assert_eq!(features.row(0).to_vec(), [0.46, 0.0, 1.0, 0.0]);
        assert_eq!(features.row(1).to_vec(), [0.45, 0.0, 0.0, 1.0]);
        assert_eq!(features.row(2).to_vec(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!((table.rows.targets().sum(), table.rows.present().sum()), (1.0, 2.0));
        assert_eq!(table.day, Date::parse("2026-11-30"));
        let turned =
            read(&path, &format!("{QUERY} ORDER BY id DESC;"), DAY, 0).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(turned.digest, table.digest, "whatever order they come in");
        let fewer = read(&path, &format!("{QUERY} LIMIT 2"), DAY, 0).unwrap_or_else(|fault| panic!("{fault}"));
        assert_ne!(fewer.digest, table.digest);
    }

    #[test]
    fn a_file_is_never_changed_and_queries_that_give_no_rows_are_refused() {
        let (folder, path) = rows("(1, 19800131, 'office', 1)");
        let before = std::fs::read(&path).unwrap();
        for (query, part) in [
            ("DELETE FROM rows", "would change something"),
            ("INSERT INTO rows SELECT * FROM rows RETURNING *", "would change something"),
            ("SELECT 1; DELETE FROM rows", "Multiple statements"),
            ("SELECT absent FROM rows", "no such column"),
            ("SELECT \u{1b}[2J", "unrecognized token"),
            ("", "does not take the mapping's query"),
            ("SELECT id AS who, born, job FROM rows", "no column \"y\""),
            ("SELECT id, id AS who, born, job, job, y FROM rows", "column \"job\" more than once"),
            ("SELECT id AS who, born, job, y FROM rows WHERE 0", "no rows"),
        ] {
            let told = refused(&path, query, DAY);
            assert!(told.contains(part) && !told.contains('\u{1b}'), "{query}: {told}");
        }
        for day in [
            "SELECT 20261130",
            "SELECT '20261130'",
            "SELECT '2026-11-31'",
            "SELECT '2026-11-30' WHERE 0",
            "DELETE FROM rows",
        ] {
            let told = refused(&path, QUERY, Some(day));
            assert!(told.contains("day of its data") || told.contains("would change"), "{day}: {told}");
        }
        assert!(refused(&path, QUERY, None).contains("nobody says which day that is"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file beside it");
        let absent = refused(&folder.path().join("absent.db"), QUERY, DAY);
        assert!(absent.contains("cannot be opened") && !folder.path().join("absent.db").exists(), "{absent}");
        std::fs::write(&path, "id,born\n1,2\n".repeat(100)).unwrap();
        assert!(refused(&path, QUERY, DAY).contains("not a database"));
    }

    /// What the library says of a value that a function does not take has the value in it.
    #[test]
    fn no_query_tells_of_a_value() {
        let (_folder, path) = rows("(1, 19800131, 'secret', 1)");
        let of_rows = "SELECT id AS who, born, json_extract('{}', job) AS job, y FROM rows";
        for (query, day) in [(of_rows, DAY), (QUERY, Some("SELECT json_extract('{}', job) FROM rows"))] {
            let fault = read(&path, query, day, 0).map(|_| ()).expect_err("the rows were taken");
            assert!(fault.tells_of_rows() && !fault.to_string().contains("secret"), "{fault}");
        }
    }

    /// Before the first row, too, and while the day is looked for.
    #[test]
    fn a_query_without_an_end_is_stopped_and_a_value_without_measure_is_not_read() {
        let (_folder, path) = rows("(1, 19800131, 'office', 1)");
        let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT ";
        let whole = "SELECT id AS who, 40 AS age, job, y FROM rows";
        let of_rows = format!("{endless} id AS who, 40 AS age, job, y FROM rows WHERE (SELECT count(*) FROM c) = 0");
        let of_day = format!("{endless} count(*) FROM c");
        for (query, day) in [(of_rows.as_str(), "SELECT '2026-11-30'"), (whole, &of_day)] {
            let (schema, stop) = (Schema::parse(SCHEMA).unwrap(), Stop::default());
            stop.now();
            let origin =
                Origin::Sqlite { file: path.clone(), query: query.to_owned(), day_query: Some(day.to_owned()) };
            let fault = read_origin(&origin, &schema, &Reading::strict(&stop)).map(|_| ()).unwrap_err();
            assert!(matches!(fault, FileError::Stopped { .. }), "{fault}");
        }
        let long = "SELECT id AS who, born, printf('%.*c', 20000000, 'x') AS job, y FROM rows";
        assert!(refused(&path, long, DAY).contains("TooBig"), "{}", refused(&path, long, DAY));
    }

    /// A column of a table holds whatever was put there.
    #[test]
    fn values_of_strange_types_are_faults_of_their_rows() {
        let good = "(1, 19800131, 'office', 1), (2, 19800131, 'office', 1), (3, 19800131, 'office', 1)";
        for (row, part) in [
            ("(4, x'00ff', 'office', 1)", "row 4, column \"born\": bytes that are no text"),
            ("(4, 1.5, 'office', 1)", "row 4, column \"born\": a number where a date is expected"),
            ("(4, CAST(x'ff' AS TEXT), 'office', 1)", "row 4, column \"born\": text that is not UTF-8"),
            ("(4, 20270101, 'office', 1)", "row 4, column \"born\": a date after the day of the data"),
            ("(4.5, 19800131, 'office', 1)", "row 4, column \"who\": a floating-point number"),
            ("(NULL, 19800131, 'office', 1)", "row 4, column \"who\": empty"),
            ("(4, 19800131, NULL, 1)", "row 4, column \"job\": empty"),
        ] {
            let (_folder, path) = rows(&format!("{good}, {row}"));
            let told = refused(&path, QUERY, DAY);
            assert!(told.contains(part), "{row}: {told}");
            let table = read(&path, QUERY, DAY, 25).unwrap_or_else(|fault| panic!("{row}: {fault}"));
            assert_eq!((table.rows.rows(), table.counts.faulty, table.counts.told.len()), (3, 1, 1), "{row}");
            assert!(read(&path, QUERY, DAY, 24).is_err(), "{row}");
        }
    }
}
