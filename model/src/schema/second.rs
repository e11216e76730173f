//! The keys that the second format of a schema file adds.

use toml::Value;

use super::node::{Node, described};
use super::{FieldKind, Missing, Transform};

/// Which keys a file may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    First,
    Second,
}

/// What the second format adds to a field.
#[derive(Default)]
pub(super) struct OfField {
    pub(super) optional: bool,
    pub(super) imputation: Option<f64>,
    pub(super) measured_in: Option<String>,
    pub(super) title_zh: Option<String>,
    pub(super) reason_zh: Option<String>,
}

const OF_FIELD: [&str; 5] = ["optional", "imputation", "measured_in", "title_zh", "reason_zh"];

impl Format {
    /// Whether a key may stand here. In a file of the first format it is a fault with its cure.
    fn has(self, node: &Node<'_>, key: &'static str) -> bool {
        if self == Self::Second {
            return true;
        }
        // It is asked for only where it stands, so that it is no key of the first format in other faults.
        if node.has(key) {
            node.value(key);
            node.fault(
                key,
                "a key of format 2, in a schema of format 1",
                "nothing; or format = 2 at the head of the file",
            );
        }
        false
    }

    /// Why the fields are needed, for Chinese readers.
    pub(super) fn reason_zh(self, root: &Node<'_>) -> Option<String> {
        self.has(root, "reason_zh").then(|| root.reason("reason_zh")).flatten()
    }

    /// What it adds to a field of this kind.
    pub(super) fn of_field(self, node: &Node<'_>, kind: Option<&FieldKind>) -> OfField {
        if OF_FIELD.into_iter().map(|key| self.has(node, key)).filter(|has| *has).count() < OF_FIELD.len() {
            return OfField::default();
        }
        OfField {
            optional: optional(node, kind),
            imputation: imputation(node, kind),
            measured_in: node.text("measured_in"),
            title_zh: node.reason("title_zh"),
            reason_zh: node.reason("reason_zh"),
        }
    }
}

/// A label's name for Chinese readers.
pub(super) fn label_title(node: &Node<'_>, keys: Format) -> Option<String> {
    keys.has(node, "title_zh").then(|| node.reason("title_zh")).flatten()
}

fn optional(node: &Node<'_>, kind: Option<&FieldKind>) -> bool {
    let optional = match node.value("optional") {
        None => false,
        Some(Value::Boolean(optional)) => *optional,
        Some(other) => {
            node.fault("optional", described(other), "true or false");
            false
        }
    };
    // Anything but an indicator would invent values for a whole branch.
    let indicated = match kind {
        None => true,
        Some(FieldKind::Numeric { missing, .. }) => *missing == Missing::Indicator,
        Some(FieldKind::Categorical { missing, .. }) => *missing == Missing::Indicator,
    };
    if optional && !indicated {
        let allowed =
            "missing = \"indicator\" beside it: a branch without the column has no value, and a model must see that";
        node.fault("optional", "true, without an indicator", allowed);
    }
    optional
}

fn imputation(node: &Node<'_>, kind: Option<&FieldKind>) -> Option<f64> {
    node.value("imputation")?;
    let number = node.number("imputation")?;
    match kind? {
        FieldKind::Numeric { min, max, transform, missing: Missing::Indicator, .. }
            if !matches!(transform, Transform::Bins(_)) =>
        {
            if !(*min..=*max).contains(&number) {
                node.fault("imputation", number.to_string(), "a number from min to max");
                return None;
            }
            Some(number)
        }
        _ => {
            let allowed = "nothing; it belongs to a number that is no bins, with missing = \"indicator\"";
            node.fault("imputation", number.to_string(), allowed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::Schema;

    const FIRST: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, missing = "indicator", class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["a", "b"], missing = "indicator", class = "C1", level = "L1" },
    { name = "aum", kind = "numeric", min = 0, max = 10, transform = "bins", edges = [5], missing = { constant = 0 }, class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = ["1"], negative = ["0"] }]
"#;

    fn second() -> String {
        FIRST
            .replace("version = 1", "version = 1\nformat = 2\nreason_zh = \"客户流失预测\"")
            .replace("max = 100,", "max = 100, optional = true, imputation = 40, measured_in = \"岁\", title_zh = \"年龄\", reason_zh = \"人生阶段\",")
            .replace("name = \"y\",", "name = \"y\", title_zh = \"流失\",")
    }

    fn faults(text: &str) -> Vec<String> {
        Schema::parse(text).err().map_or(Vec::new(), |faults| faults.0.iter().map(|fault| fault.key.clone()).collect())
    }

    #[test]
    fn a_schema_of_the_second_format_says_more() {
        let schema = Schema::parse(&second()).unwrap_or_else(|faults| panic!("{faults}"));
        let age = &schema.fields()[0];
        assert_eq!((schema.format(), schema.reason_zh()), (2, Some("客户流失预测")));
        assert_eq!((age.optional, age.imputation), (true, Some(40.0)));
        assert_eq!((age.measured_in.as_deref(), age.title_zh.as_deref()), (Some("岁"), Some("年龄")));
        assert_eq!(
            (age.reason_zh.as_deref(), schema.labels()[0].title_zh.as_deref()),
            (Some("人生阶段"), Some("流失"))
        );
        assert!(!schema.fields()[1].optional);
        let words = schema.words().lines(&schema.digest()).join("\n");
        for said in ["客户流失预测", "年龄", "人生阶段", "in 岁", "read as 40", "a file may lack the column", "流失"]
        {
            assert!(words.contains(said), "{said}: {words}");
        }
    }

    /// Plans and policies hold the digests of schemas that were written before.
    #[test]
    fn a_schema_of_the_first_format_keeps_its_digests_and_each_new_key_changes_them() {
        let first = Schema::parse(FIRST).unwrap();
        assert_eq!(
            Schema::parse(&FIRST.replace("version = 1", "version = 1\nformat = 1")).unwrap().digest(),
            first.digest()
        );
        let text = second();
        let all = Schema::parse(&text).unwrap();
        assert_ne!(all.digest(), first.digest());
        for (part, is_input) in [
            ("optional = true, ", true),
            ("imputation = 40, ", true),
            ("measured_in = \"岁\", ", true),
            ("title_zh = \"年龄\", ", false),
            ("reason_zh = \"人生阶段\",", false),
            ("title_zh = \"流失\",", false),
            ("reason_zh = \"客户流失预测\"", false),
        ] {
            let less = Schema::parse(&text.replace(part, "")).unwrap_or_else(|faults| panic!("{part}: {faults}"));
            assert_ne!(less.digest(), all.digest(), "{part}");
            assert_eq!(less.inputs_digest() != all.inputs_digest(), is_input, "{part}");
            assert_ne!(less.words(), all.words(), "{part}");
        }
    }

    #[test]
    fn what_the_second_format_does_not_allow_is_told_with_its_key() {
        assert_eq!(faults(&second().replace("format = 2", "format = 3")), ["format"]);
        assert_eq!(faults(&second().replace("format = 2", "format = \"2\"")), ["format"]);
        let keys = faults(&second().replace("format = 2\n", ""));
        let of_age = ["optional", "imputation", "measured_in", "title_zh", "reason_zh"]
            .map(|key| format!("fields[1] age.{key}"));
        assert_eq!(keys, [&["reason_zh".to_owned()], of_age.as_slice(), &["labels[1] y.title_zh".to_owned()]].concat());
        for (from, to, key) in [
            ("imputation = 40", "imputation = 140", "fields[1] age.imputation"),
            ("imputation = 40", "imputation = \"x\"", "fields[1] age.imputation"),
            ("optional = true", "optional = 1", "fields[1] age.optional"),
            ("name = \"job\"", "imputation = 1, name = \"job\"", "fields[2] job.imputation"),
            ("name = \"aum\"", "imputation = 1, name = \"aum\"", "fields[3] aum.imputation"),
            ("name = \"aum\"", "optional = true, name = \"aum\"", "fields[3] aum.optional"),
        ] {
            assert_eq!(faults(&second().replace(from, to)), [key], "{to}");
        }
    }
}
