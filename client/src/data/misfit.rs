//! Whether a source's column holds what the schema reads there.

use tributary_model::schema::{Field, FieldKind, Schema};

use super::mapping::{ColumnKind, Conversion, Rule};

/// Why a column of this kind is none for one of the schema's columns: what is expected instead, and what to do.
pub(super) fn misfit(schema: &Schema, to: &str, rule: Option<&Rule>, kind: &ColumnKind) -> Option<String> {
    const CURE: &str = "convert it in the query or the export, or have the owner sign a mapping with its type";
    let key = schema.customer_column() == Some(to);
    let fields: Vec<&Field> = schema.fields().iter().filter(|field| field.column == to).collect();
    if !key && fields.is_empty() && !schema.labels().iter().any(|label| label.column == to) {
        return None;
    }
    if let ColumnKind::Other(_) = kind {
        return Some(format!("that is no single value; {CURE}"));
    }
    if key && *kind == ColumnKind::Float {
        return Some("a customer's key has more digits than they hold; give it as text or as whole numbers".to_owned());
    }
    if let Some(named) = rule.and_then(|rule| rule.kind.as_ref()) {
        let expected = || {
            format!("the mapping says {}: nothing was read. Ask whether the table has changed; {CURE}", named.name())
        };
        return (!kind.is(named)).then(expected);
    }
    let counted = rule.is_some_and(|rule| matches!(rule.conversion, Conversion::Day(..)));
    let decoded = rule.is_some_and(|rule| !rule.codes.is_empty());
    let numeric = fields.iter().any(|field| matches!(field.kind, FieldKind::Numeric { .. }));
    let fits = match kind {
        ColumnKind::Day => counted || !numeric,
        ColumnKind::Text => {
            counted
                || decoded
                || !numeric
                || matches!(rule.map(|rule| rule.conversion), Some(Conversion::Number { .. }))
        }
        ColumnKind::Flag => decoded || !numeric,
        ColumnKind::Whole => true,
        ColumnKind::Decimal | ColumnKind::Float => !counted,
        ColumnKind::Other(_) => false,
    };
    let wanted = if counted { "a date" } else { "a number" };
    (!fits).then(|| format!("the schema reads {wanted} there: nothing was read. {CURE}"))
}
