//! The bytes under a schema's digest.

use tributary_protocol::digest::Canonical;

use super::{DataClass, Decimal, Dialect, Field, FieldKind, Label, Layout, Missing, Range, Schema, Transform};

/// Everything a schema says, in a fixed order. Lists whose order means nothing are sorted.
pub(super) fn encoding(schema: &Schema) -> Canonical {
    let title = if schema.format == 1 { "tributary schema 3" } else { "tributary schema 4" };
    let mut out = Canonical::new(title).bytes(schema.name.as_bytes()).u32(schema.version);
    out = dialect(out, &schema.dialect);
    out = texts(out, schema.customer_column.as_slice());
    out = set(out, &schema.dropped);
    out = texts(out, schema.necessity.as_slice());
    for fields in [&schema.fields, &schema.audits] {
        out = count(out, fields.len());
        out = fields.iter().fold(out, |out, own| graded(field(out, own), own));
    }
    out = count(out, schema.labels.len());
    out = schema.labels.iter().fold(out, label);
    if schema.format == 1 {
        return out;
    }
    // What the second format adds comes after all of the first one.
    out = texts(out.u32(schema.format), schema.reason_zh.as_slice());
    for own in schema.fields.iter().chain(&schema.audits) {
        out = texts(texts(read_otherwise(out, own), own.title_zh.as_slice()), own.reason_zh.as_slice());
    }
    schema.labels.iter().fold(out, |out, own| texts(out, own.title_zh.as_slice()))
}

/// What the second format adds to what a value becomes.
fn read_otherwise(out: Canonical, field: &Field) -> Canonical {
    let out = texts(out.u8(u8::from(field.optional)), field.measured_in.as_slice());
    match field.imputation {
        None => out.u8(0),
        Some(constant) => number(out.u8(1), constant),
    }
}

/// What a row of a file becomes, in a fixed order: who is a customer, the inputs and the labels.
pub(super) fn inputs(schema: &Schema) -> Canonical {
    let title = if schema.format == 1 { "tributary schema inputs 1" } else { "tributary schema inputs 2" };
    let mut out = dialect(Canonical::new(title), &schema.dialect);
    out = texts(out, schema.customer_column.as_slice());
    out = count(out, schema.fields.len());
    out = schema.fields.iter().fold(out, field);
    if schema.format > 1 {
        out = schema.fields.iter().fold(out, read_otherwise);
    }
    out = count(out, schema.labels.len());
    schema.labels.iter().fold(out, label)
}

fn dialect(out: Canonical, dialect: &Dialect) -> Canonical {
    // No character of a dialect is 0, which stands for none.
    let out = match &dialect.layout {
        Layout::Delimited { delimiter, quote } => out.u8(0).bytes(delimiter.as_bytes()).u8(quote.unwrap_or(0)),
        Layout::Fixed(spans) => {
            let out = count(out.u8(1), spans.len());
            spans.iter().fold(out, |out, span| out.u32(span.first).u32(span.last))
        }
    };
    let out = out.bytes(dialect.encoding.name().as_bytes());
    let out = out.u8(match dialect.decimal {
        Decimal::Point => 0,
        Decimal::Comma => 1,
    });
    let out = out.u8(dialect.comment.unwrap_or(0));
    match &dialect.columns {
        None => out.u8(0),
        Some(columns) => texts(out.u8(1), columns),
    }
}

/// What its data are, and why they are used.
fn graded(out: Canonical, field: &Field) -> Canonical {
    let out = out.u8(match field.class {
        DataClass::C1 => 1,
        DataClass::C2 => 2,
    });
    texts(out.u8(field.level.number()), field.necessity.as_slice())
}

fn field(out: Canonical, field: &Field) -> Canonical {
    let out = out.bytes(field.name.as_bytes()).bytes(field.column.as_bytes());
    let out = set(out, &field.missing_codes);
    match &field.kind {
        // The numbers among the missing codes follow from the codes.
        FieldKind::Numeric { min, max, transform: curve, missing: rule, missing_numbers: _ } => {
            let out = transform(number(number(out.u8(0), *min), *max), curve);
            missing(out, rule, |out, constant| number(out, *constant))
        }
        FieldKind::Categorical { categories, unlisted, missing: rule } => {
            let out = texts(out.u8(1), categories);
            let out = match unlisted {
                None => out.u8(0),
                Some(index) => count(out.u8(1), *index),
            };
            missing(out, rule, |out, index| count(out, *index))
        }
    }
}

fn transform(out: Canonical, transform: &Transform) -> Canonical {
    match transform {
        Transform::Linear(to) => range(out.u8(0), *to),
        Transform::Log { unit, range: to } => range(number(out.u8(1), *unit), *to),
        Transform::SignedLog { unit, range: to } => range(number(out.u8(2), *unit), *to),
        Transform::Bins(edges) => {
            let out = count(out.u8(3), edges.len());
            edges.iter().fold(out, |out, edge| number(out, *edge))
        }
    }
}

fn range(out: Canonical, range: Range) -> Canonical {
    out.u8(match range {
        Range::Symmetric => 0,
        Range::Unit => 1,
    })
}

fn missing<V>(out: Canonical, missing: &Missing<V>, value: impl Fn(Canonical, &V) -> Canonical) -> Canonical {
    match missing {
        Missing::Refused => out.u8(0),
        Missing::Indicator => out.u8(1),
        Missing::Value(replacement) => value(out.u8(2), replacement),
    }
}

fn label(out: Canonical, label: &Label) -> Canonical {
    let out = out.bytes(label.name.as_bytes()).bytes(label.column.as_bytes());
    set(set(set(out, &label.positive), &label.negative), &label.missing_codes)
}

/// A float by its bits; the parser has made both zeros one.
fn number(out: Canonical, value: f64) -> Canonical {
    out.u64(value.to_bits())
}

fn count(out: Canonical, count: usize) -> Canonical {
    out.u64(count as u64)
}

fn texts(out: Canonical, texts: &[String]) -> Canonical {
    texts.iter().fold(count(out, texts.len()), |out, text| out.bytes(text.as_bytes()))
}

fn set(out: Canonical, set: &[String]) -> Canonical {
    let mut sorted = set.to_vec();
    sorted.sort_unstable();
    texts(out, &sorted)
}
