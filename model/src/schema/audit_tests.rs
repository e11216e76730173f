use super::{NECESSITY_BYTES_MAX, Schema};
use crate::features::RawBatch;

const TEXT: &str = r#"
name = "small"
version = 1
customer_column = "who"

[[fields]]
name = "age"
kind = "numeric"
min = 18
max = 98
class = "C2"
level = "L2"

[[fields]]
name = "gender"
use = "audit"
necessity = "women and men are treated alike"
kind = "categorical"
categories = ["f", "m"]
class = "C2"
level = "L2"

[[fields]]
name = "job"
kind = "categorical"
categories = ["office", "other"]
class = "C1"
level = "L1"

[[labels]]
name = "churn"
positive = ["yes"]
negative = ["no"]
"#;

fn schema(text: &str) -> Schema {
    Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The keys and words of all faults with `from` replaced by `to`.
fn faults(from: &str, to: &str) -> Vec<(String, String)> {
    assert!(TEXT.contains(from), "{from}");
    let errors = Schema::parse(&TEXT.replacen(from, to, 1)).expect_err(to);
    errors.faults().iter().map(|fault| (fault.key.clone(), fault.to_string())).collect()
}

#[test]
fn every_fault_of_a_level_a_use_and_a_reason_is_explained() {
    let age = "class = \"C2\"\nlevel = \"L2\"";
    let reason = "necessity = \"women and men are treated alike\"\n";
    let long = format!("necessity = \"{}\"\n", "x".repeat(NECESSITY_BYTES_MAX + 1));
    let cases = [
        (age, "class = \"C2\"\nlevel = \"L5\"", "fields[1] age.level", "take the field out"),
        (age, "class = \"C2\"\nlevel = \"L6\"", "fields[1] age.level", "\"L4\""),
        (age, "class = \"C2\"\nlevel = \"L1\"", "fields[1] age.level", "is not low"),
        (age, "class = \"C2\"\nlevel = \"L3\"", "fields[1] age.necessity", "or a necessity for the whole schema"),
        (age, "class = \"C2\"\nlevel = \"L4\"", "fields[1] age.necessity", "is not enough for level 4"),
        ("version = 1", "version = 1\nnecessity = \"\"", "necessity", "1 to 512 bytes"),
        ("version = 1", "version = 1\nnecessity = \"a\u{202e}b\"", "necessity", "marks of direction"),
        ("version = 1", "version = 1\nnecessity = 3", "necessity", "1 to 512 bytes"),
        (reason, "", "fields[2] gender.necessity", "why this group is audited"),
        (reason, &long, "fields[2] gender.necessity", "1 to 512 bytes"),
        ("use = \"audit\"", "use = \"both\"", "fields[2] gender.use", "\"input\", \"audit\""),
        (
            "kind = \"categorical\"\ncategories = [\"f\", \"m\"]",
            "kind = \"numeric\"\nmin = 0\nmax = 1",
            "fields[2] gender.transform",
            "an audit compares groups",
        ),
        ("name = \"gender\"", "name = \"gender\"\ncolumn = \"job\"", "fields", "an audit column is never an input"),
        ("name = \"gender\"", "name = \"gender\"\ncolumn = \"churn\"", "fields", "that no label reads"),
        ("name = \"gender\"", "name = \"gender\"\ncolumn = \"who\"", "fields", "another column"),
        ("name = \"gender\"", "name = \"job\"\ncolumn = \"gender\"", "fields", "each name once"),
        ("version = 1", "version = 1\ndrop = [\"gender\"]", "fields", "not in drop"),
    ];
    for (from, to, key, words) in cases {
        let found = faults(from, to);
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(found[0].0 == key && found[0].1.contains(words), "{to}: {found:?}");
    }
    let whole = TEXT.replacen("version = 1", "version = 1\nnecessity = \"churn\"", 1);
    assert!(Schema::parse(&whole.replacen("level = \"L2\"", "level = \"L3\"", 1)).is_ok());
    let keys = |text: &str| Schema::parse(text).unwrap_err().faults()[0].key.clone();
    assert_eq!(keys(&whole.replacen("level = \"L2\"", "level = \"L4\"", 1)), "fields[1] age.necessity");
    assert_eq!(keys(&whole.replace(reason, "")), "fields[2] gender.necessity", "the schema's reason is about learning");
    let alone = TEXT.replace("kind = ", "use = \"audit\"\nkind = ").replace("use = \"audit\"\nnecessity", "necessity");
    let alone = alone.replace("max = 98\n", "max = 98\ntransform = \"bins\"\nedges = [40]\nnecessity = \"a\"\n");
    let alone = alone.replace("\"other\"]\n", "\"other\"]\nnecessity = \"b\"\n");
    assert!(Schema::parse(&alone).unwrap_err().to_string().contains("one input at least"), "{alone}");
}

/// Not in a row, not in a layout, and not in the identity of what is learned from; but in the identity of what is approved.
#[test]
fn an_audit_column_is_no_input() {
    let with = schema(TEXT);
    let block = TEXT.find("[[fields]]\nname = \"gender\"").unwrap()..TEXT.find("[[fields]]\nname = \"job\"").unwrap();
    let without = schema(&TEXT.replace(&TEXT[block], ""));
    let names = |schema: &Schema| schema.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&with), with.width()), (names(&without), without.width()));
    assert_eq!(with.audits().iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["gender"]);
    assert_eq!(with.inputs_digest(), without.inputs_digest());
    assert_ne!(with.digest(), without.digest());
    let input = schema(&TEXT.replace("use = \"audit\"", "use = \"input\""));
    assert_ne!(input.inputs_digest(), with.inputs_digest());
    assert_eq!(input.width(), with.width() + 2);

    let header = ["who", "gender", "age", "job", "churn"];
    // What stands in the column decides nothing: it is not read.
    let rows = |schema: &Schema, gender: &str| {
        let mut batch = RawBatch::new(schema, &header).unwrap();
        batch.push(1, &["c1", gender, "40", "office", "yes"]).unwrap();
        batch.into_features().unwrap()
    };
    let plain = rows(&without, "f");
    for gender in ["f", "m", "", "\u{1b}[2J"] {
        let read = rows(&with, gender);
        assert_eq!(read.features(), plain.features());
        assert_eq!(read.counts().fields, plain.counts().fields);
        assert_eq!(read.counts().audits_found, [true]);
    }
    let mut batch = RawBatch::new(&with, &["who", "age", "job", "churn"]).unwrap();
    batch.push(1, &["c1", "40", "office", "yes"]).unwrap();
    assert_eq!(batch.into_features().unwrap().counts().audits_found, [false], "a file need not have it");
}

#[test]
fn level_class_and_reason_are_in_the_identity_of_the_whole_alone() {
    let whole = schema(TEXT);
    for (from, to) in [
        ("class = \"C2\"\nlevel = \"L2\"", "class = \"C1\"\nlevel = \"L2\""),
        ("level = \"L2\"", "level = \"L2\"\nnecessity = \"life phases\""),
        ("level = \"L1\"", "level = \"L2\""),
        ("version = 1", "version = 1\nnecessity = \"churn\""),
        ("treated alike", "treated equally"),
    ] {
        assert!(TEXT.contains(from));
        let other = schema(&TEXT.replacen(from, to, 1));
        assert_ne!(other.digest(), whole.digest(), "{to}");
        assert_ne!(other.words(), whole.words(), "{to}");
        assert_eq!(other.inputs_digest(), whole.inputs_digest(), "{to}");
    }
    for (from, to) in [("max = 98", "max = 99"), ("name = \"churn\"", "name = \"left\"\ncolumn = \"churn\"")] {
        assert_ne!(schema(&TEXT.replacen(from, to, 1)).inputs_digest(), whole.inputs_digest(), "{to}");
    }
}
