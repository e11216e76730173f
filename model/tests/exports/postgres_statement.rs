//! The statement in PostgreSQL.

use std::fmt::Write as _;
use std::fs;

use tributary_model::export::{ColumnKind, Dialect, SqlNames, columns, sql};

use super::postgres::{Cluster, run};
use super::rows::{Value, expected, rows};
use super::{HEADS, additive, assert_equal, needed, schema, stamp};

#[test]
fn a_statement_gives_the_models_scores_in_postgresql() {
    let cluster = match Cluster::start("", |_| Ok(String::new())) {
        Ok(cluster) => cluster,
        Err(missing) => return needed::skip("TRIBUTARY_TEST_POSTGRES", "a statement in PostgreSQL", missing),
    };
    let open = ["-c", "chmod 755 \"$1\"", "sh", &cluster.folder.display().to_string()];
    run(std::path::Path::new("sh"), &open).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        // The server's account reads what this one writes.
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let paths = [folder.path(), path.as_path()];
        for (path, mode) in paths.into_iter().zip([0o755, 0o644]) {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        cluster.owner("postgres", &["-F", "|", "-f", &path.display().to_string()])
    };
    let schema = schema();
    let (columns, rows) = (columns(&schema), rows(&schema));
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let kinds = columns.iter().map(|column| {
        let kind = if column.kind == ColumnKind::Number { "double precision" } else { "text" };
        format!(", \"{}\" {kind}", column.name.replace('"', "\"\""))
    });
    let mut made = format!("CREATE TABLE customers (\"客户号\" integer{});\n", kinds.collect::<String>());
    for (number, row) in (1..).zip(&rows) {
        let values = row.iter().map(|value| match value {
            Value::Number(None) => "NULL".to_owned(),
            Value::Number(Some(number)) if number.is_infinite() => "'infinity'".to_owned(),
            Value::Number(Some(number)) => format!("{number:?}"),
            Value::Text(own) => text(own),
        });
        let _ = writeln!(made, "INSERT INTO customers VALUES ({number}, {});", values.collect::<Vec<_>>().join(", "));
    }
    script("rows.sql", &format!("BEGIN;\n{made}COMMIT;\n")).unwrap();
    let model = additive(&schema);
    for (head, production) in HEADS.iter().zip(expected(&schema, &model, &rows)) {
        let names = SqlNames { table: "public.customers", key: None };
        let statement = sql(&model, &schema, head, Dialect::Ansi, names, &stamp(&schema)).unwrap();
        let printed = script("statement.sql", &format!("{statement}ORDER BY row_key;\n")).unwrap();
        let found: Vec<Option<f64>> =
            printed.lines().map(|line| line.split('|').nth(2).unwrap().parse().ok()).collect();
        assert_equal(&production, &found, head);
    }
}
