use tributary_protocol::printable::is_hidden;

use super::{Decimal, Encoding, FieldKind, Layout, Missing, Schema, Transform, WIDTH_MAX};

const WHOLE: &str = r#"
name = "small"
version = 3
customer_column = "who"
drop = ["secret", "other"]
necessity = "to keep customers"

[csv]
delimiter = ";"

[[fields]]
name = "age"
kind = "numeric"
min = 18
max = 98
transform = "bins"
edges = [30, 60]
missing = "indicator"
missing_codes = [-1, "unknown"]
class = "C2"
level = "L2"

[[fields]]
name = "age_line"
column = "age"
kind = "numeric"
min = 18
max = 98
missing = { constant = 40 }
missing_codes = [-1, "unknown"]
class = "C2"
level = "L2"

[[fields]]
name = "balance"
kind = "numeric"
min = -1000
max = 1000
transform = "signed_log"
unit = 10
range = "unit"
class = "C2"
level = "L3"

[[fields]]
name = "job"
kind = "categorical"
categories = ["office", "other", "student"]
unlisted = "other"
missing = { category = "other" }
class = "C1"
level = "L1"

[[labels]]
name = "churn"
positive = ["yes", 1]
negative = ["no", 0]
missing_codes = [""]
"#;

/// The keys of all faults of `WHOLE` with `from` replaced by `to`.
fn faults(from: &str, to: &str) -> Vec<String> {
    assert!(WHOLE.contains(from), "{from}");
    let errors = Schema::parse(&WHOLE.replacen(from, to, 1)).expect_err(to);
    errors.faults().iter().map(|fault| fault.key.clone()).collect()
}

#[test]
fn a_whole_schema_is_read() {
    let schema = Schema::parse(WHOLE).unwrap();
    assert_eq!((schema.name(), schema.version(), schema.width()), ("small", 3, 4 + 1 + 1 + 3));
    assert_eq!(schema.customer_column(), Some("who"));
    assert_eq!(schema.dropped(), ["secret", "other"]);
    let layout = Layout::Delimited { delimiter: ";".into(), quote: Some(b'"') };
    assert_eq!((&schema.dialect().layout, &schema.dialect().columns), (&layout, &None));
    assert_eq!((schema.dialect().encoding, schema.dialect().decimal), (Encoding::Utf8, Decimal::Point));
    let FieldKind::Numeric { transform, missing, missing_numbers, .. } = &schema.fields()[0].kind else { panic!() };
    assert_eq!((transform, missing), (&Transform::Bins(vec![30.0, 60.0]), &Missing::Indicator));
    assert_eq!(missing_numbers, &[-1.0]);
    assert_eq!(schema.labels()[0].positive, ["yes", "1"]);
}

#[test]
fn class_c3_is_refused_with_its_reason() {
    let text = WHOLE.replacen("class = \"C2\"", "class = \"C3\"", 1);
    let errors = Schema::parse(&text).unwrap_err();
    assert_eq!(errors.faults().len(), 1);
    let message = errors.to_string();
    assert!(message.contains("fields[1] age.class") && message.contains("JR/T 0171"), "{message}");
    assert!(message.contains("must not be shared"), "{message}");
}

#[test]
fn every_single_fault_is_named_by_its_key() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("name = \"small\"", "", &["name"]),
        ("name = \"small\"", "name = \"Small Bank\"", &["name"]),
        ("version = 3", "", &["version"]),
        ("version = 3", "version = 0", &["version"]),
        ("version = 3", "version = 3\nversoin = 4", &["versoin"]),
        ("delimiter = \";\"", "delimiter = \"\"", &["csv.delimiter"]),
        ("delimiter = \";\"", "delimiter = \"123456789\"", &["csv.delimiter"]),
        ("delimiter = \";\"", "delimiter = \"｜\"", &["csv.delimiter"]),
        ("delimiter = \";\"", "delimiter = \"|@|\"\ncomment = \"@\"", &["csv.delimiter"]),
        ("delimiter = \";\"", "encoding = \"gbk\"", &["csv.encoding"]),
        ("delimiter = \";\"", "decimal = \";\"", &["csv.decimal"]),
        ("delimiter = \";\"", "positions = [\"1-2\"]", &["csv.positions"]),
        (
            "delimiter = \";\"",
            "header = false\ncolumns = [\"who\", \"age\", \"balance\", \"job\", \"churn\"]\npositions = [\"1-9\", \"2-1\", \"3-4\", \"5-6\", \"7-8\"]",
            &["csv.positions"],
        ),
        ("delimiter = \";\"", "quote = \",\"", &["csv.delimiter"]),
        ("delimiter = \";\"", "header = 1", &["csv.header"]),
        ("delimiter = \";\"", "header = false", &["csv.columns"]),
        ("delimiter = \";\"", "columns = [\"a\"]", &["csv.columns"]),
        ("delimiter = \";\"", "comma = \";\"", &["csv.comma"]),
        ("[csv]\ndelimiter = \";\"", "csv = 3", &["csv"]),
        ("drop = [\"secret\", \"other\"]", "drop = [\"age\"]", &["fields", "fields"]),
        ("drop = [\"secret\", \"other\"]", "drop = \"age\"", &["drop"]),
        ("customer_column = \"who\"", "customer_column = \"job\"", &["fields"]),
        ("min = 18", "", &["fields[1] age.min"]),
        ("min = 18", "min = \"18\"", &["fields[1] age.min"]),
        ("min = 18", "min = nan", &["fields[1] age.min"]),
        ("max = 98", "max = 18", &["fields[1] age.max", "fields[1] age.edges"]),
        ("max = 98", "max = inf", &["fields[1] age.max"]),
        ("transform = \"bins\"", "transform = \"steps\"", &["fields[1] age.transform"]),
        ("edges = [30, 60]", "", &["fields[1] age.edges"]),
        ("edges = [30, 60]", "edges = [60, 30]", &["fields[1] age.edges"]),
        ("edges = [30, 60]", "edges = [18, 60]", &["fields[1] age.edges"]),
        ("edges = [30, 60]", "edges = [30, 99]", &["fields[1] age.edges"]),
        ("edges = [30, 60]", "edges = [30, 60]\nunit = 3", &["fields[1] age.unit"]),
        ("missing = \"indicator\"", "missing = \"mean\"", &["fields[1] age.missing"]),
        ("missing = \"indicator\"", "", &["fields[1] age.missing"]),
        ("[-1, \"unknown\"]", "[-1, -1]", &["fields[1] age.missing_codes"]),
        ("{ constant = 40 }", "{ constant = 4 }", &["fields[2] age_line.missing.constant"]),
        ("{ constant = 40 }", "{ category = 40 }", &["fields[2] age_line.missing"]),
        ("\"signed_log\"", "\"log\"", &["fields[3] balance.min"]),
        ("unit = 10", "unit = 0", &["fields[3] balance.unit"]),
        ("range = \"unit\"", "range = \"percent\"", &["fields[3] balance.range"]),
        ("max = 1000", "max = -999.9999999999999999", &["fields[3] balance.max"]),
        ("[\"office\", \"other\", \"student\"]", "[\"other\"]", &["fields[4] job.categories"]),
        ("[\"office\", \"other\", \"student\"]", "[\"other\", \"other\"]", &["fields[4] job.categories"]),
        ("unlisted = \"other\"", "unlisted = \"else\"", &["fields[4] job.unlisted"]),
        ("{ category = \"other\" }", "{ category = \"else\" }", &["fields[4] job.missing.category"]),
        ("kind = \"categorical\"", "kind = \"text\"", &["fields[4] job.kind"]),
        ("kind = \"categorical\"", "", &["fields[4] job.kind"]),
        ("class = \"C1\"", "", &["fields[4] job.class"]),
        ("class = \"C1\"", "class = \"C4\"", &["fields[4] job.class"]),
        ("level = \"L1\"", "", &["fields[4] job.level"]),
        ("level = \"L1\"", "level = 1", &["fields[4] job.level"]),
        ("name = \"age_line\"", "name = \"age\"", &["fields"]),
        ("name = \"balance\"", "", &["fields[3].name"]),
        ("positive = [\"yes\", 1]", "positive = []", &["labels[1] churn.positive"]),
        ("negative = [\"no\", 0]", "negative = [\"yes\"]", &["labels[1] churn.positive"]),
        ("negative = [\"no\", 0]", "", &["labels[1] churn.negative"]),
        ("name = \"churn\"", "name = \"churn\"\nkind = \"classes\"", &["labels[1] churn.kind"]),
        ("name = \"churn\"", "name = \"churn\"\ncolumn = \"job\"", &["fields"]),
        ("[[labels]]", "[[targets]]", &["labels", "targets"]),
    ];
    for (from, to, expected) in cases {
        assert_eq!(faults(from, to), *expected, "{from} -> {to}");
    }
}

#[test]
fn all_faults_are_reported_together_with_what_is_allowed() {
    let text = WHOLE
        .replacen("version = 3", "version = -3", 1)
        .replacen("max = 98", "max = 1", 1)
        .replacen("unlisted = \"other\"", "unlisted = \"nobody\"", 1)
        .replacen("drop = [\"secret\", \"other\"]", "drop = [\"balance\"]", 1)
        .replacen("name = \"churn\"", "name = \"churn\"\npositve = 1", 1);
    let errors = Schema::parse(&text).unwrap_err();
    let keys: Vec<&str> = errors.faults().iter().map(|fault| fault.key.as_str()).collect();
    for key in ["version", "fields[1] age.max", "fields[4] job.unlisted", "labels[1] churn.positve", "fields"] {
        assert!(keys.contains(&key), "{key} not in {keys:?}");
    }
    let message = errors.to_string();
    assert!(message.contains("found \"nobody\"; allowed: one of categories"), "{message}");
    assert!(message.contains("found -3; allowed: a whole number from 1 up"), "{message}");
}

/// A schema comes from the plan's owner, and a branch's operator reads what is wrong with it.
#[test]
fn words_of_a_faulty_schema_are_escaped() {
    let text = WHOLE.replacen("name = \"churn\"", "name = \"churn\"\n\"a\\u001B[2J\\u202Eb\" = 1", 1).replacen(
        "unlisted = \"other\"",
        "unlisted = \"\\n\\u2066x\"",
        1,
    );
    let errors = Schema::parse(&text).unwrap_err();
    let keys: Vec<&str> = errors.faults().iter().map(|fault| fault.key.as_str()).collect();
    assert!(keys.contains(&"labels[1] churn.a\\u{1b}[2J\\u{202e}b"), "{keys:?}");
    assert!(errors.faults().iter().all(|fault| !fault.found.contains(is_hidden)), "{errors:?}");
}

#[test]
fn broken_toml_is_named_by_its_line() {
    let errors = Schema::parse("name = \"x\"\nversion = = 1\n").unwrap_err();
    assert_eq!(errors.faults()[0].key, "(line 2)");
    assert_eq!(Schema::parse(&"#".repeat(super::SCHEMA_BYTES_MAX + 1)).unwrap_err().faults()[0].key, "(file)");
}

#[test]
fn limits_hold() {
    let field = |name: usize, more: &str| {
        format!(
            "\n[[fields]]\nname = \"f{name}\"\nkind = \"numeric\"\nmin = 0\nmax = 9999\nclass = \"C1\"\nlevel = \"L1\"\n{more}"
        )
    };
    let head = "name = \"x\"\nversion = 1\n";
    let label = "\n[[labels]]\nname = \"y\"\npositive = [1]\nnegative = [0]\n";
    let fields = |count| (0..count).map(|name| field(name, "")).collect::<String>();
    assert_eq!(Schema::parse(&format!("{head}{}{label}", fields(512))).unwrap().width(), 512);
    let keys = |text: &str| -> Vec<String> {
        Schema::parse(text).unwrap_err().faults().iter().map(|fault| fault.key.clone()).collect()
    };
    assert_eq!(keys(&format!("{head}{}{label}", fields(513))), ["fields"]);
    assert_eq!(keys(&format!("{head}{label}")), ["fields"]);
    assert_eq!(keys(&format!("{head}{}{}", fields(1), label.repeat(17))), ["labels"]);
    let edges: Vec<String> = (1..=WIDTH_MAX).map(|edge| edge.to_string()).collect();
    let wide = field(0, &format!("transform = \"bins\"\nedges = [{}]\n", edges.join(", ")));
    assert_eq!(keys(&format!("{head}{wide}{label}")), ["fields"]);
}

#[test]
fn the_digest_follows_meaning_and_not_writing() {
    let digest = |text: &str| Schema::parse(text).unwrap().digest();
    let whole = digest(WHOLE);
    // Frozen: a change of the encoding gives every schema, and so every model, another identity.
    assert_eq!(whole.to_string(), "2c393863e36b6bd357b24208a71be8e4e9b7d962498dc644fb0ca658d2dd7844");
    let same = [
        ("name = \"small\"\nversion = 3", "# A comment.\nversion = 3\nname = 'small'"),
        ("min = 18\nmax = 98", "max = 98.0\nmin = 1.8e1"),
        ("drop = [\"secret\", \"other\"]", "drop = [\"other\", \"secret\"]"),
        ("[-1, \"unknown\"]", "[\"unknown\", \"-1\"]"),
        ("positive = [\"yes\", 1]", "positive = [\"1\", \" yes \"]"),
        ("name = \"age\"\n", "name = \"age\"\ncolumn = \"age\"\n"),
        ("delimiter = \";\"", "delimiter = \";\"\nquote = '\"'\nheader = true"),
    ];
    for (from, to) in same {
        assert!(WHOLE.contains(from), "{from}");
        assert_eq!(digest(&WHOLE.replacen(from, to, 1)), whole, "{from} -> {to}");
    }
    let different = [
        ("name = \"small\"", "name = \"smaller\""),
        ("version = 3", "version = 4"),
        ("customer_column = \"who\"\n", ""),
        ("customer_column = \"who\"", "customer_column = \"whom\""),
        ("drop = [\"secret\", \"other\"]", "drop = [\"secret\"]"),
        ("delimiter = \";\"", "delimiter = \",\""),
        ("delimiter = \";\"", "delimiter = \";\"\ncomment = \"#\""),
        ("delimiter = \";\"", "delimiter = \";\"\nquote = \"\""),
        ("delimiter = \";\"", "delimiter = \";;\""),
        ("delimiter = \";\"", "delimiter = \";\"\nencoding = \"gb18030\""),
        ("delimiter = \";\"", "delimiter = \";\"\ndecimal = \",\""),
        (
            "delimiter = \";\"",
            "delimiter = \";\"\nheader = false\ncolumns = [\"who\", \"age\", \"balance\", \"job\", \"churn\"]",
        ),
        ("name = \"age\"\n", "name = \"age\"\ncolumn = \"religion\"\n"),
        ("name = \"age\"\n", "name = \"years\"\ncolumn = \"age\"\n"),
        ("missing_codes = [-1, \"unknown\"]", "missing_codes = [-1, \"unknown\", \"?\"]"),
        ("[\"office\", \"other\", \"student\"]", "[\"office\", \"other\"]"),
        ("unlisted = \"other\"", "unlisted = \"office\""),
        ("name = \"churn\"", "name = \"churned\"\ncolumn = \"churn\""),
        ("name = \"churn\"", "name = \"churn\"\ncolumn = \"left\""),
        ("negative = [\"no\", 0]", "negative = [\"no\"]"),
        ("min = 18", "min = 17"),
        ("max = 98", "max = 99"),
        ("edges = [30, 60]", "edges = [30, 61]"),
        ("missing = \"indicator\"", "missing = { constant = 20 }"),
        ("{ constant = 40 }", "{ constant = 41 }"),
        ("[-1, \"unknown\"]", "[-1]"),
        ("\"signed_log\"", "\"linear\"\n#"),
        ("unit = 10", "unit = 11"),
        ("range = \"unit\"", "range = \"symmetric\""),
        ("[\"office\", \"other\", \"student\"]", "[\"other\", \"office\", \"student\"]"),
        ("unlisted = \"other\"\n", ""),
        ("{ category = \"other\" }", "{ category = \"office\" }"),
        ("class = \"C2\"", "class = \"C1\""),
        ("level = \"L1\"", "level = \"L2\""),
        ("necessity = \"to keep customers\"", "necessity = \"to win customers\""),
        ("level = \"L1\"", "level = \"L1\"\nnecessity = \"jobs differ\""),
        ("column = \"age\"", "column = \"years\""),
        ("positive = [\"yes\", 1]", "positive = [\"yes\"]"),
        ("missing_codes = [\"\"]", ""),
    ];
    for (from, to) in different {
        assert!(WHOLE.contains(from), "{from}");
        let text = WHOLE.replacen(from, to, 1).replace("#\nunit = 10", "");
        assert_ne!(digest(&text), whole, "{from} -> {to}");
    }
}

#[test]
fn sample_schemas_parse_and_differ() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/schemas");
    let mut digests = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let schema = Schema::parse(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(schema.name()));
        assert!(digests.insert(schema.digest()));
    }
    assert!(digests.len() >= 5);
}
