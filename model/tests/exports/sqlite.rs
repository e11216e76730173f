//! The statement in SQLite.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, Value as Stored};
use rusqlite::{Connection, params_from_iter};
use tributary_model::export::{ColumnKind, Dialect, SqlNames, columns, sql};

use super::rows::{Value, expected, rows};
use super::{HEADS, additive, assert_equal, logistic, schema, stamp, with_weights};

/// The functions that SQLite has where it is built with them.
fn opened() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    database.create_scalar_function("ln", 1, flags, |context| Ok(context.get::<Option<f64>>(0)?.map(f64::ln))).unwrap();
    database
        .create_scalar_function("exp", 1, flags, |context| Ok(context.get::<Option<f64>>(0)?.map(f64::exp)))
        .unwrap();
    database
}

#[test]
fn a_statement_gives_the_models_scores_in_sqlite() {
    let schema = schema();
    let (columns, rows) = (columns(&schema), rows(&schema));
    let database = opened();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let kinds = columns.iter().map(|column| {
        let kind = if column.kind == ColumnKind::Number { "REAL" } else { "TEXT" };
        format!(", {} {kind}", quoted(&column.name))
    });
    database.execute(&format!("CREATE TABLE customers (\"客户号\" INTEGER{})", kinds.collect::<String>()), []).unwrap();
    let places = vec!["?"; columns.len() + 1].join(", ");
    let mut insert = database.prepare(&format!("INSERT INTO customers VALUES ({places})")).unwrap();
    for (number, row) in (1_i64..).zip(&rows) {
        let stored = row.iter().map(|value| match value {
            Value::Number(None) => Stored::Null,
            Value::Number(Some(number)) => Stored::Real(*number),
            Value::Text(text) => Stored::Text((*text).to_owned()),
        });
        let all = std::iter::once(Stored::Integer(number)).chain(stored).map(ToSqlOutput::Owned);
        insert.execute(params_from_iter(all)).unwrap();
    }
    for model in [additive(&schema), with_weights(&logistic(&schema), 3, &[])] {
        let production = expected(&schema, &model, &rows);
        for (head, production) in HEADS.iter().zip(production) {
            let names = SqlNames { table: "customers", key: None };
            let statement = sql(&model, &schema, head, Dialect::Ansi, names, &stamp(&schema)).unwrap();
            let mut scored = database.prepare(&format!("{statement}ORDER BY row_key")).unwrap();
            let read = |row: &rusqlite::Row<'_>| {
                let logit: Option<f64> = row.get("logit")?;
                let probability: Option<f64> = row.get("probability")?;
                assert_eq!(row.get::<_, String>("model")?, "07".repeat(32));
                assert_eq!(row.get::<_, String>("valid_until")?, "2027-01-31");
                let same = logit.zip(probability).is_none_or(|(z, p)| (1.0 / (1.0 + (-z).exp()) - p).abs() < 1e-12);
                assert!(same && logit.is_some() == probability.is_some());
                Ok(probability)
            };
            let found: Vec<Option<f64>> = scored.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap();
            assert_equal(&production, &found, head);
        }
    }
}
