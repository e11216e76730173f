//! The schema that a policy pins: by its digest, and in words for the owner, who signs what the words say.

use std::fmt::Write as _;

use tributary_model::schema::{Schema, SchemaWords};
use tributary_protocol::digest::Digest;
use tributary_settings::{Document, quoted};

/// Longest line of words, in bytes.
const LINE_BYTES_MAX: usize = 1 << 16;

/// A schema as a policy pins it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaPin {
    /// Its digest.
    pub digest: Digest,
    /// What it says.
    pub words: SchemaWords,
}

/// A schema is not the pinned one, or the policy's words do not say what the pinned one says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinFault {
    /// The pinned digest.
    pub pinned: Digest,
    /// The schema's.
    pub found: Digest,
    /// The first line that differs.
    pub line: Option<Box<DifferentLine>>,
}

/// A line of a policy that says another thing than the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferentLine {
    /// The key under which it stands.
    pub key: &'static str,
    /// What the policy says; nothing where it has no such line.
    pub policy: Option<String>,
    /// What the schema says; nothing where it has no such line.
    pub schema: Option<String>,
}

impl SchemaPin {
    /// The pin of a schema.
    #[must_use]
    pub fn of(schema: &Schema) -> Self {
        Self { digest: schema.digest(), words: schema.words() }
    }

    /// Reads the keys of [`SchemaPin::to_toml`]. Whether the words are the schema's is another question.
    pub(super) fn read(file: &mut Document) -> Option<Self> {
        let line = |text: &str| (!text.is_empty() && text.len() <= LINE_BYTES_MAX).then(|| text.to_owned());
        let allowed = "the lines that `tributary client policy init --schema FILE` writes";
        let digest =
            file.text("policy.schema", "the digest of a schema, 64 hexadecimal digits", None, Digest::from_hex);
        let customer = file.text("policy.customer", allowed, None, line);
        let necessity = match file.has("policy.necessity") {
            true => file.text("policy.necessity", allowed, None, line).map(Some),
            false => Some(None),
        };
        let fields = file.texts("policy.fields", allowed, line);
        let labels = file.texts("policy.labels", allowed, line);
        let (digest, customer, necessity) = (digest?, customer?, necessity?);
        Some(Self { digest, words: SchemaWords { customer, necessity, fields: fields?, labels: labels? } })
    }

    /// The lines of a policy, ready to be read and signed.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let SchemaWords { customer, necessity, fields, labels } = &self.words;
        let mut text = format!("schema = \"{}\"\ncustomer = {}\n", self.digest, quoted(customer));
        if let Some(necessity) = necessity {
            let _ = writeln!(text, "necessity = {}", quoted(necessity));
        }
        for (key, lines) in [("fields", fields), ("labels", labels)] {
            let lines: Vec<String> = lines.iter().map(|line| format!("    {},\n", quoted(line))).collect();
            let _ = writeln!(text, "{key} = [\n{}]", lines.concat());
        }
        text
    }

    /// The words, for a person's screen.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.words.lines(&self.digest)
    }

    /// Whether this is the pinned schema, and the words say what it says.
    ///
    /// # Errors
    /// The first line that differs.
    pub fn holds(&self, schema: &Schema) -> Result<(), PinFault> {
        let other = Self::of(schema);
        if *self == other {
            return Ok(());
        }
        Err(PinFault { pinned: self.digest, found: other.digest, line: self.words_differ(&other.words).map(Box::new) })
    }

    fn words_differ(&self, schema: &SchemaWords) -> Option<DifferentLine> {
        let own = &self.words;
        let customer = || differs("customer", Some(&own.customer), Some(&schema.customer));
        let lists = || {
            let lists = [("fields", &own.fields, &schema.fields), ("labels", &own.labels, &schema.labels)];
            lists.into_iter().find_map(|(key, policy, schema)| {
                let longer = policy.len().max(schema.len());
                (0..longer).find_map(|index| differs(key, policy.get(index), schema.get(index)))
            })
        };
        let necessity = || differs("necessity", own.necessity.as_ref(), schema.necessity.as_ref());
        customer().or_else(necessity).or_else(lists)
    }
}

fn differs(key: &'static str, policy: Option<&String>, schema: Option<&String>) -> Option<DifferentLine> {
    (policy != schema).then(|| DifferentLine { key, policy: policy.cloned(), schema: schema.cloned() })
}

impl PinFault {
    /// Whether the digest is right and the words are not.
    #[must_use]
    pub fn is_of_words(&self) -> bool {
        self.pinned == self.found
    }
}

impl std::fmt::Display for PinFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (pinned, found) = (self.pinned.short(), self.found.short());
        if self.is_of_words() {
            write!(out, "the policy pins the schema {pinned}, and its words do not say what that schema says")?;
        } else {
            write!(out, "the policy pins the schema {pinned}, and this schema is {found}")?;
        }
        if let Some(DifferentLine { key, policy, schema }) = self.line.as_deref() {
            let said = |line: &Option<String>| line.as_ref().map_or("nothing".to_owned(), |line| quoted(line));
            write!(out, ". Under policy.{key} the policy says {}, the schema says {}", said(policy), said(schema))?;
        }
        out.write_str(
            ". Nothing is learned from it. Put the pinned schema back; or write the lines anew (`tributary client policy init --schema FILE`) \
             and have the owner of the data read and sign them",
        )
    }
}

impl std::error::Error for PinFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BranchPolicy, SAMPLE, sample_for};

    const SCHEMA: &str = include_str!("../../../docs/samples/schemas/deposit_churn.toml");

    fn schema(text: &str) -> Schema {
        Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn policy(text: &str) -> BranchPolicy {
        let file = Document::parse("policy.toml".as_ref(), text).unwrap();
        BranchPolicy::read(file).unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn the_sample_pins_the_sample_schema_and_every_schema_can_take_its_place() {
        assert_eq!(sample_for(&schema(SCHEMA)), SAMPLE);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/schemas");
        for entry in std::fs::read_dir(folder).unwrap() {
            let schema = schema(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
            let policy = policy(&sample_for(&schema));
            assert_eq!(policy.schema, SchemaPin::of(&schema));
            assert_eq!(policy.schema.holds(&schema), Ok(()));
        }
    }

    /// What a proposer of plans changes in a schema, and the line in which the owner sees it. The names of all fields stay.
    const ATTACKS: [(&str, &str, &str, &str); 9] = [
        ("use = \"audit\"", "use = \"input\"", "fields", "gender: column \"gender\", one of 2"),
        ("level = \"L3\"", "level = \"L2\"", "fields", "; class C2, level 2 (personal)"),
        ("necessity = \"habits", "necessity = \"whims", "necessity", "whims of saving"),
        ("name = \"age\"\n", "name = \"age\"\ncolumn = \"religion\"\n", "fields", "column \"religion\", a number"),
        ("customer_column = \"customer_id\"\n", "", "customer", "each row is a customer"),
        ("\"service\", ", "", "fields", "one of 5: \"student\", \"worker\", \"office\""),
        ("max = 90\n", "max = 65\n", "fields", "a number from 18 to 65"),
        ("positive = [1]", "positive = [1, 2]", "labels", "positive is \"1\", \"2\""),
        (
            "missing_codes = [\"unknown\"]",
            "missing_codes = [\"unknown\", \"imam\"]",
            "fields",
            "also \"imam\", \"unknown\"",
        ),
    ];

    fn attacked((from, to, ..): (&str, &str, &str, &str)) -> Schema {
        assert!(SCHEMA.contains(from), "{from}");
        schema(&SCHEMA.replacen(from, to, 1))
    }

    #[test]
    fn a_schema_of_the_same_names_and_another_meaning_is_not_the_pinned_one() {
        let (pinned, honest) = (policy(SAMPLE).schema, schema(SCHEMA));
        let names = |schema: &Schema| schema.fields().iter().map(|field| field.name.clone()).collect::<Vec<_>>();
        for attack in ATTACKS {
            let hostile = attacked(attack);
            if !attack.0.starts_with("use") {
                assert_eq!(names(&hostile), names(&honest));
            }
            let fault = pinned.holds(&hostile).unwrap_err();
            assert!(!fault.is_of_words());
            let line = fault.line.clone().unwrap();
            assert_eq!(line.key, attack.2);
            assert!(line.schema.unwrap().contains(attack.3), "{fault}");
            assert!(fault.to_string().contains("the policy pins the schema"), "{fault}");
        }
    }

    #[test]
    fn a_line_of_a_pin_says_something_and_ends() {
        let with = |words: &str| {
            let line = |line: &str| match line.starts_with("customer = ") {
                true => format!("customer = {}\n", quoted(words)),
                false => format!("{line}\n"),
            };
            let text: String = SAMPLE.lines().map(line).collect();
            BranchPolicy::read(Document::parse("policy.toml".as_ref(), &text).unwrap()).map(drop)
        };
        assert!(with("a row").is_ok() && with(&"x".repeat(LINE_BYTES_MAX)).is_ok());
        for words in [String::new(), "x".repeat(LINE_BYTES_MAX + 1)] {
            let told = with(&words).unwrap_err().to_string();
            assert!(told.contains("policy.customer") && told.contains("the lines that"), "{told}");
        }
    }

    #[test]
    fn words_that_hide_what_the_digest_pins_are_a_fault() {
        let honest = policy(SAMPLE).schema;
        for attack in ATTACKS {
            let hostile = attacked(attack);
            let forged = SchemaPin { digest: hostile.digest(), words: honest.words.clone() };
            let fault = policy(&SAMPLE.replace(&honest.digest.to_string(), &forged.digest.to_string()));
            assert_eq!(fault.schema, forged);
            let fault = forged.holds(&hostile).unwrap_err();
            assert!(fault.is_of_words());
            assert!(fault.to_string().contains("its words do not say"), "{fault}");
            assert!(fault.line.unwrap().schema.unwrap().contains(attack.3));
            assert!(forged.holds(&schema(SCHEMA)).is_err(), "nor is the honest schema the one that it pins");
        }
    }

    #[test]
    fn a_line_too_few_or_too_many_is_a_fault() {
        let honest = policy(SAMPLE).schema;
        let schema = schema(SCHEMA);
        let line = |pin: &SchemaPin| *pin.holds(&schema).unwrap_err().line.unwrap();
        let mut fewer = honest.clone();
        let last = fewer.words.fields.pop();
        assert_eq!(line(&fewer), DifferentLine { key: "fields", policy: None, schema: last });
        let mut more = honest.clone();
        more.words.labels.push("x".into());
        assert_eq!(line(&more), DifferentLine { key: "labels", policy: Some("x".into()), schema: None });
        let other = SchemaPin { digest: Digest::ZERO, ..honest };
        assert_eq!(other.holds(&schema).unwrap_err().line, None, "all words are right and the digest is not");
    }

    #[test]
    fn a_policy_pins_a_schema_and_says_so_in_words() {
        let cases = [
            ("schema", "schema = \"91\"\n"),
            ("customer", ""),
            ("fields", "fields = []\n"),
            ("labels", "labels = 3\n"),
        ];
        let pin = policy(SAMPLE).schema.to_toml();
        for (key, by) in cases {
            let start = pin.find(&format!("{key} = ")).unwrap();
            let end = if key == "schema" || key == "customer" { "\n" } else { "\n]\n" };
            let end = start + pin[start..].find(end).unwrap() + end.len();
            let text = SAMPLE.replace(&pin[start..end], by);
            assert_ne!(text, SAMPLE);
            let faults = BranchPolicy::read(Document::parse("policy.toml".as_ref(), &text).unwrap()).unwrap_err();
            assert_eq!(faults.faults[0].key, format!("policy.{key}"), "{faults}");
        }
    }
}
