//! What a schema says, in words for the owner of the data: what is read, from which column, and what counts as what.

use tributary_protocol::digest::{Canonical, Digest};

use super::node::quoted;
use super::{Decimal, Dialect, Encoding, Field, FieldKind, Label, Layout, Missing, Schema, Transform};

/// Longest list that is written out. Of a longer one there is its length and the beginning of its digest.
const LISTED_MAX: usize = 16;

/// A schema's meaning, line by line. Schemas of one digest have the same lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaWords {
    /// Whose rows belong together.
    pub customer: String,
    /// Why the fields are needed that have no reason of their own.
    pub necessity: Option<String>,
    /// One line for each input, in their order, and then one for each audit column.
    pub fields: Vec<String>,
    /// One line for each label, in their order.
    pub labels: Vec<String>,
}

impl SchemaWords {
    /// The words of a schema.
    pub(super) fn of(schema: &Schema) -> Self {
        let dialect = &schema.dialect;
        let customer = match &schema.customer_column {
            None => "each row is a customer".to_owned(),
            Some(name) => format!("rows with the same value in the {} are one customer", column(name, dialect)),
        };
        // Who is not read is no customer.
        let skipped = dialect.comment.map_or(String::new(), |begin| {
            format!("; lines that begin with {} are left out", quoted(&char::from(begin).to_string()))
        });
        let customer = customer + &divided(dialect) + &written(dialect) + &skipped;
        let inputs = schema.fields.iter().map(|own| field(own, "", dialect));
        let audits = schema.audits.iter().map(|own| field(own, "never learned from, and for audits alone: ", dialect));
        let fields = inputs.chain(audits).collect();
        let labels = schema.labels.iter().map(|own| label(own, dialect)).collect();
        let zh = schema.reason_zh.as_ref().map_or(String::new(), |text| format!(" (zh: {})", quoted(text)));
        let customer = if schema.necessity.is_none() { customer + &zh } else { customer };
        let necessity = schema.necessity.as_ref().map(|text| format!("{text}{zh}"));
        Self { customer, necessity, fields, labels }
    }

    /// All of it under the schema's digest, for a person's screen.
    #[must_use]
    pub fn lines(&self, digest: &Digest) -> Vec<String> {
        let Self { customer, necessity, fields, labels } = self;
        let mut lines = vec![format!("schema {digest}: {customer}")];
        lines.extend(necessity.iter().map(|text| format!("  needed: {}", quoted(text))));
        lines.extend(fields.iter().map(|line| format!("  field {line}")));
        lines.extend(labels.iter().map(|line| format!("  label {line}")));
        lines
    }
}

/// What the number of a column means, where no line of the file says its name.
fn divided(dialect: &Dialect) -> String {
    let Layout::Delimited { delimiter, quote } = &dialect.layout else { return String::new() };
    if dialect.columns.is_none() {
        return String::new();
    }
    let outside =
        quote.map_or(String::new(), |quote| format!(" outside of {}", quoted(&char::from(quote).to_string())));
    format!("; lines are divided at {}{outside}", quoted(delimiter))
}

/// How characters and numbers are written, where it is not the usual way.
fn written(dialect: &Dialect) -> String {
    let encoding = match dialect.encoding {
        Encoding::Utf8 => String::new(),
        other => format!("; text is in {}", other.name()),
    };
    let decimal = match dialect.decimal {
        Decimal::Point => "",
        Decimal::Comma => "; numbers are written as in 1.250,00",
    };
    encoding + decimal
}

/// A column by its name; and by its place where no line of the file says the name, so that the schema alone decides what it means.
fn column(name: &str, dialect: &Dialect) -> String {
    let columns = dialect.columns.as_ref();
    let index = columns.and_then(|columns| columns.iter().position(|known| known == name));
    let place = match (index, &dialect.layout) {
        (None, _) => String::new(),
        (Some(index), Layout::Delimited { .. }) => format!(" (number {} of each line)", index + 1),
        (Some(index), Layout::Fixed(spans)) => spans
            .get(index)
            .map_or(String::new(), |span| format!(" (bytes {} to {} of each line)", span.first, span.last)),
    };
    format!("column {}{place}", quoted(name))
}

fn field(field: &Field, usage: &str, dialect: &Dialect) -> String {
    let codes = match field.missing_codes.as_slice() {
        [] => String::new(),
        codes => format!(" (also {})", set(codes)),
    };
    let (kind, missing) = match &field.kind {
        FieldKind::Numeric { min, max, transform, missing: rule, .. } => {
            let bins = match transform {
                Transform::Bins(edges) => format!(", divided at {}", ordered(edges, f64::to_string)),
                _ => String::new(),
            };
            (format!("a number from {min} to {max}{bins}"), missing(rule, f64::to_string))
        }
        FieldKind::Categorical { categories, unlisted, missing: rule } => {
            let other = match unlisted {
                None => "none of them".to_owned(),
                Some(index) => quoted(&categories[*index]),
            };
            let listed = ordered(categories, |category| quoted(category));
            let kind = format!("one of {}: {listed}; any other value counts as {other}", categories.len());
            (kind, missing(rule, |index| quoted(&categories[*index])))
        }
    };
    let needed = field.necessity.as_ref().map_or(String::new(), |text| format!("; needed: {}", quoted(text)));
    let needed_zh = field.reason_zh.as_ref().map_or(String::new(), |text| format!("; needed (zh): {}", quoted(text)));
    let (name, column, level) = (&field.name, column(&field.column, dialect), field.level);
    let class = field.class.name();
    let titled = titled(name, field.title_zh.as_deref());
    let unit = field.measured_in.as_ref().map_or(String::new(), |unit| format!(" in {unit}"));
    let imputed = field.imputation.map_or(String::new(), |number| format!(" and read as {number} beside that"));
    let optional = if field.optional { "; a file may lack the column" } else { "" };
    format!(
        "{titled}: {usage}{column}, {kind}{unit}; a missing value{codes} {missing}{imputed}{optional}; class {class}, {level}{needed}{needed_zh}"
    )
}

/// A name, and the one for Chinese readers.
fn titled(name: &str, title_zh: Option<&str>) -> String {
    title_zh.map_or_else(|| name.to_owned(), |title| format!("{name} ({title})"))
}

fn missing<V>(rule: &Missing<V>, value: impl Fn(&V) -> String) -> String {
    match rule {
        Missing::Refused => "is an error".to_owned(),
        Missing::Indicator => "is learned as missing".to_owned(),
        Missing::Value(replacement) => format!("counts as {}", value(replacement)),
    }
}

fn label(label: &Label, dialect: &Dialect) -> String {
    format!(
        "{}: {}, positive is {}; negative is {}; any other value teaches nothing",
        titled(&label.name, label.title_zh.as_deref()),
        column(&label.column, dialect),
        set(&label.positive),
        set(&label.negative),
    )
}

/// A list whose order means nothing.
fn set(values: &[String]) -> String {
    let mut sorted: Vec<&String> = values.iter().collect();
    sorted.sort_unstable();
    ordered(&sorted, |value| quoted(value))
}

fn ordered<V>(values: &[V], written: impl Fn(&V) -> String) -> String {
    let written: Vec<String> = values.iter().map(written).collect();
    if written.len() <= LISTED_MAX {
        return written.join(", ");
    }
    let list =
        written.iter().fold(Canonical::new("tributary schema list 1"), |list, value| list.bytes(value.as_bytes()));
    format!("a list of {} with the digest {}", written.len(), list.finish().short())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> Schema {
        Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
    }

    const TEXT: &str = r#"
name = "small"
version = 1
customer_column = "who"
necessity = "to see \"who\" leaves"
fields = [
    { name = "age", kind = "numeric", min = 18, max = 98.5, transform = "bins", edges = [30, 60], missing = "indicator",
      missing_codes = ["unknown", -1], class = "C2", level = "L2" },
    { name = "balance", column = "saldo", kind = "numeric", min = -10, max = 10, missing = { constant = 1.5 }, class = "C2", level = "L3" },
    { name = "job", kind = "categorical", categories = ["office", "a \"b\""], class = "C1", level = "L1" },
    { name = "trade", column = "job", kind = "categorical", categories = ["office", "other"], unlisted = "other",
      missing = { category = "other" }, class = "C1", level = "L1", necessity = "trades differ" },
    { name = "gender", column = "sex", use = "audit", kind = "categorical", categories = ["f", "m"], class = "C2", level = "L2",
      necessity = "women and men alike" },
]
labels = [{ name = "churn", column = "left", positive = ["yes", 1], negative = ["no"], missing_codes = [""] }]
"#;

    #[test]
    fn a_schema_is_said_in_words() {
        let words = schema(TEXT).words();
        assert_eq!(words.customer, r#"rows with the same value in the column "who" are one customer"#);
        assert_eq!(
            words.fields,
            [
                r#"age: column "age", a number from 18 to 98.5, divided at 30, 60; a missing value (also "-1", "unknown") is learned as missing; class C2, level 2 (personal)"#,
                r#"balance: column "saldo", a number from -10 to 10; a missing value counts as 1.5; class C2, level 3 (sensitive)"#,
                r#"job: column "job", one of 2: "office", "a \"b\""; any other value counts as none of them; a missing value is an error; class C1, level 1 (low)"#,
                r#"trade: column "job", one of 2: "office", "other"; any other value counts as "other"; a missing value counts as "other"; class C1, level 1 (low); needed: "trades differ""#,
                r#"gender: never learned from, and for audits alone: column "sex", one of 2: "f", "m"; any other value counts as none of them; a missing value is an error; class C2, level 2 (personal); needed: "women and men alike""#,
            ]
        );
        assert_eq!(words.necessity.as_deref(), Some("to see \"who\" leaves"));
        let lines = words.lines(&Digest::ZERO);
        assert_eq!(lines.len(), 2 + words.fields.len() + words.labels.len());
        assert_eq!(lines[1], r#"  needed: "to see \"who\" leaves""#);
        assert_eq!(
            words.labels,
            [r#"churn: column "left", positive is "1", "yes"; negative is "no"; any other value teaches nothing"#]
        );
        let plain = schema(&TEXT.replace("customer_column = \"who\"\n", "")).words();
        assert_eq!(plain.customer, "each row is a customer");
    }

    /// Without a header the schema says which column is which, and a proposer could let `age` stand for what is in another one's place.
    #[test]
    fn columns_that_no_header_names_are_said_by_their_number() {
        let csv = |columns: &str, more: &str| format!("[csv]\nheader = false\ncolumns = [{columns}]\n{more}");
        let of = |csv: &str| schema(&format!("{TEXT}\n{csv}")).words();
        let honest = of(&csv("\"who\", \"age\", \"saldo\", \"job\", \"left\", \"sex\", \"religion\"", ""));
        let hostile = of(&csv("\"who\", \"religion\", \"saldo\", \"job\", \"left\", \"age\", \"sex\"", ""));
        assert!(honest.fields[0].starts_with("age: column \"age\" (number 2 of each line), a number"), "{honest:?}");
        assert!(hostile.fields[0].starts_with("age: column \"age\" (number 6 of each line), a number"));
        assert!(honest.labels[0].contains("(number 5 of each line)") && honest.customer.contains("(number 1 of"));
        let skipping = of(&csv("\"who\", \"age\", \"saldo\", \"job\", \"left\", \"sex\"", "comment = \"7\"\n"));
        assert!(skipping.customer.ends_with("; lines that begin with \"7\" are left out"));
        assert!(skipping.customer.contains("are one customer; lines are divided at \",\" outside of \"\\\"\"; "));
    }

    /// A proposer who chooses the bytes chooses what is read; and a comma in the place of a point makes another number of the same digits.
    #[test]
    fn positions_encoding_and_decimal_comma_are_said() {
        let columns = "[csv]\nheader = false\ncolumns = [\"who\", \"age\", \"saldo\", \"job\", \"left\", \"sex\"]\n";
        let fixed = format!(
            "{columns}positions = [\"1-12\", \"13-15\", \"16-30\", \"31-40\", \"41-41\", \"42-42\"]\nencoding = \"gb18030\"\n"
        );
        let words = schema(&format!("{TEXT}\n{fixed}decimal = \",\"\n")).words();
        assert!(
            words.fields[0].starts_with("age: column \"age\" (bytes 13 to 15 of each line), a number"),
            "{words:?}"
        );
        assert!(words.labels[0].contains("(bytes 41 to 41 of each line)"));
        assert!(
            words.customer.contains("(bytes 1 to 12 of each line) are one customer; text is in gb18030; numbers are")
        );
    }

    #[test]
    fn one_meaning_has_one_set_of_words() {
        let turned = TEXT.replace("[\"unknown\", -1]", "[\"-1\", 'unknown']").replace("[\"yes\", 1]", "[1, \"yes\"]");
        let turned = schema(&turned.replace("max = 98.5", "max = 9.85e1"));
        assert_eq!((turned.digest(), turned.words()), (schema(TEXT).digest(), schema(TEXT).words()));
    }

    #[test]
    fn a_long_list_has_its_length_and_its_digest() {
        let long = |count: usize, last: &str| {
            let mut list: Vec<String> = (1..count).map(|value| format!("\"c{value}\"")).collect();
            list.push(format!("\"{last}\""));
            let text = TEXT.replacen("[\"office\", \"a \\\"b\\\"\"]", &format!("[{}]", list.join(", ")), 1);
            schema(&text).words().fields[2].clone()
        };
        assert!(long(16, "z").contains("\"c1\"") && long(16, "z").contains("\"z\""));
        let line = long(17, "z");
        assert!(line.contains("one of 17: a list of 17 with the digest ") && !line.contains("\"c1\""), "{line}");
        assert_ne!(line, long(17, "y"));
        assert_ne!(line, long(18, "z"));
    }
}
