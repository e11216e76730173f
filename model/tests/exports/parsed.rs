//! Statements of dialects whose databases are not here, read by a parser; and what a dialect cannot write.

use sqlparser::dialect::{AnsiDialect, Dialect as Grammar, GenericDialect, HiveDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use tributary_model::architecture::Activation;
use tributary_model::export::{Dialect, ExportFault, SqlNames, sql};
use tributary_model::schema::Schema;

use super::{TEXT, additive, perceptron, schema, stamp};

/// A schema whose names Oracle can have.
fn plain() -> Schema {
    Schema::parse(&TEXT.replace("年龄 of \\\"him\\\"", "年龄")).unwrap_or_else(|faults| panic!("{faults}"))
}

const NAMES: SqlNames<'_> = SqlNames { table: "crm.customers", key: None };

#[test]
fn every_dialects_statement_is_one_query() {
    let (schema, grammars) = (plain(), |dialect| -> Vec<Box<dyn Grammar>> {
        match dialect {
            Dialect::Ansi => {
                vec![Box::new(AnsiDialect {}), Box::new(PostgreSqlDialect {}), Box::new(GenericDialect {})]
            }
            Dialect::Oracle => vec![Box::new(sqlparser::dialect::OracleDialect {}), Box::new(GenericDialect {})],
            Dialect::Hive => vec![Box::new(HiveDialect {})],
        }
    });
    for dialect in Dialect::ALL {
        let statement = sql(&additive(&schema), &schema, "churn", dialect, NAMES, &stamp(&schema)).unwrap();
        for grammar in grammars(dialect) {
            let parsed =
                Parser::new(&*grammar).with_recursion_limit(500).try_with_sql(&statement).unwrap().parse_statements();
            let parsed = parsed.unwrap_or_else(|fault| panic!("{}: {fault}\n{statement}", dialect.name()));
            assert!(matches!(parsed.as_slice(), [sqlparser::ast::Statement::Query(_)]), "{}", dialect.name());
        }
        // Of a dialect whose command line divides at semicolons, none stands in a text.
        let hive = dialect == Dialect::Hive;
        let comments_and_names = statement.lines().filter(|line| !line.starts_with("--"));
        let semicolons =
            comments_and_names.map(|line| line.replace("`job``; DROP`", "")).any(|line| line.contains(';'));
        assert_eq!(semicolons, !hive, "{}", dialect.name());
        assert!(statement.contains("-- for branch ?north? ?/ ? DROP, until 2027-01-31"), "{statement}");
    }
}

#[test]
fn what_a_dialect_cannot_say_is_refused() {
    let schema = schema();
    let of = |schema: &Schema, dialect, names| sql(&additive(schema), schema, "churn", dialect, names, &stamp(schema));
    let fault = |dialect| of(&schema, dialect, NAMES).unwrap_err();
    assert!(matches!(fault(Dialect::Oracle), ExportFault::Name { dialect: "oracle", .. }));
    let long = Schema::parse(&TEXT.replace("年龄 of \\\"him\\\"", &"年".repeat(43))).err();
    assert!(long.is_some(), "no name of a schema is longer than Oracle's");
    let table = SqlNames { table: "crm..customers", key: None };
    assert!(matches!(of(&schema, Dialect::Ansi, table), Err(ExportFault::Name { .. })));
    let table = SqlNames { table: "crm\ncustomers", key: None };
    assert!(matches!(of(&schema, Dialect::Hive, table), Err(ExportFault::Name { .. })));
    let nobody = Schema::parse(&TEXT.replace("customer_column = \"客户号\"\n", "")).unwrap();
    assert_eq!(of(&nobody, Dialect::Ansi, NAMES), Err(ExportFault::Key));
    assert!(of(&nobody, Dialect::Ansi, SqlNames { key: Some("id"), ..NAMES }).is_ok());
    let far = Schema::parse(&TEXT.replace("年龄 of \\\"him\\\"", "年龄").replace("max = 10,", "max = 1e120,")).unwrap();
    assert!(matches!(of(&far, Dialect::Oracle, NAMES), Err(ExportFault::Number { .. })));
    assert!(of(&far, Dialect::Hive, NAMES).is_ok());
    let network = perceptron(&schema, Activation::Relu);
    let refused = sql(&network, &schema, "churn", Dialect::Ansi, NAMES, &stamp(&schema)).unwrap_err();
    assert!(refused.to_string().contains("export a perceptron as onnx"), "{refused}");
}
