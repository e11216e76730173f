//! What a mapping says of where rows come from, and names of columns.

use std::path::Path;

use tributary_model::schema::{Dialect, SchemaFault};
use tributary_settings::{Document, Fault, Faults};

use super::sourced::{MappedSource, Queries};

/// Longest name, code or meaning, in bytes.
pub(in crate::data) const TEXT_BYTES_MAX: usize = 128;
/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 1 << 16;
/// What [`name`] takes.
pub(in crate::data) const NAME: &str = "1 to 128 bytes without control characters";

/// A name of a column, or a code.
pub(in crate::data) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    ((1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)).then(|| text.to_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Parquet,
    Sqlite,
    Postgres,
    Odbc,
}

/// The source under a prefix of keys. `customers`: it is the customers' own, of which some are held out, and which says the day.
///
/// # Errors
/// The faults of the table `csv`, which are told at once.
pub(crate) fn source(
    file: &mut Document,
    path: &Path,
    (prefix, customers): (&str, bool),
) -> Result<Option<MappedSource>, Faults> {
    let kinds = [
        ("text", Kind::Text),
        ("parquet", Kind::Parquet),
        ("sqlite", Kind::Sqlite),
        ("postgres", Kind::Postgres),
        ("odbc", Kind::Odbc),
    ];
    let kind = file.choice(&format!("{prefix}.source"), &kinds, Some(Kind::Text));
    let queries = queries(file, kind, (prefix, customers));
    let dialect = dialect(file, path, kind, prefix)?;
    Ok(match kind {
        None => None,
        Some(Kind::Text) => Some(MappedSource::Text(dialect)),
        Some(Kind::Parquet) => Some(MappedSource::Parquet),
        Some(Kind::Sqlite) => queries.map(MappedSource::Sqlite),
        Some(Kind::Postgres) => queries.map(MappedSource::Postgres),
        Some(Kind::Odbc) => queries.map(MappedSource::Odbc),
    })
}

/// Queries, which databases alone have.
fn queries(file: &mut Document, kind: Option<Kind>, (prefix, customers): (&str, bool)) -> Option<Queries> {
    let [rows, held_out, score, day] =
        ["query", "held_out_query", "score_query", "date_query"].map(|key| format!("{prefix}.{key}"));
    let keys = if customers { vec![&rows, &held_out, &score, &day] } else { vec![&rows] };
    if !matches!(kind, Some(Kind::Sqlite | Kind::Postgres | Kind::Odbc)) {
        for key in keys {
            if file.has(key) {
                let _known = file.string(key);
                file.fault(
                    key,
                    "a query, without a database",
                    "nothing; or source = \"sqlite\", \"postgres\" or \"odbc\"",
                );
            }
        }
        return None;
    }
    let query = |text: &str| {
        let text = text.trim().trim_end_matches(';').trim_end();
        ((1..=QUERY_BYTES_MAX).contains(&text.len()) && !text.contains('\0')).then(|| text.to_owned())
    };
    let allowed = "one query of at most 65536 bytes";
    let rows = file.text(&rows, allowed, None, query);
    let mut more = |key: &String| if customers && file.has(key) { file.text(key, allowed, None, query) } else { None };
    let (held_out, score, day) = (more(&held_out), more(&score), more(&day));
    Some(Queries { rows: rows?, held_out, score, day })
}

/// How this branch's text files are written, where it is not as the schema says. Its faults are told at once, with the keys of that table.
fn dialect(file: &mut Document, path: &Path, kind: Option<Kind>, prefix: &str) -> Result<Option<Dialect>, Faults> {
    let key = format!("{prefix}.csv");
    if !file.has(&key) {
        return Ok(None);
    }
    let Some(text) = file.inner(&key) else { return Ok(None) };
    if kind != Some(Kind::Text) {
        file.fault(&key, "a table, without a text file", "nothing; or source = \"text\"");
        return Ok(None);
    }
    Dialect::parse(&text).map(Some).map_err(|faults| {
        let of = |fault: &SchemaFault| {
            let SchemaFault { key: own, found, allowed } = fault.clone();
            Fault { key: format!("{key}.{own}"), found, allowed }
        };
        Faults { file: path.to_path_buf(), faults: faults.faults().iter().map(of).collect() }
    })
}
