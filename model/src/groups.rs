//! Groups of customers whose treatment by a model is compared: the categories or bins of one field of the schema.

use crate::cells::{Cell, cells_of};
use crate::schema::{Field, FieldKind, Schema, Transform};

/// Most groups of one field. Each one has counts with noise of their own.
pub const GROUPS_MAX: usize = 8;

/// The field by which customers are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupField {
    /// An input of the model, by its number in the schema.
    Input(u16),
    /// An audit column, by its number among them. It is never an input.
    Audit(u16),
}

/// A field that makes no groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupFault {
    /// No such field.
    #[error("the schema has no field \"{0}\": name one of its categorical or binned fields, best an audit column")]
    Unknown(String),
    /// A number without bins.
    #[error(
        "the field \"{0}\" is a number without bins: give it transform = \"bins\" in the schema, or name another field"
    )]
    Number(String),
    /// Too many.
    #[error(
        "the field \"{name}\" makes {count} groups, and an evaluation compares 2 to {GROUPS_MAX}: name a field with fewer"
    )]
    Count {
        /// The field.
        name: String,
        /// Its groups.
        count: usize,
    },
    /// The schema is another.
    #[error("the plan compares groups by a field that the schema does not have: it belongs to another schema")]
    OtherSchema,
}

impl GroupField {
    /// The field of this name: an audit column, or an input.
    ///
    /// # Errors
    /// [`GroupFault`], where there is none or it makes no groups.
    pub fn named(schema: &Schema, name: &str) -> Result<Self, GroupFault> {
        let place = |fields: &[Field]| {
            let place = fields.iter().position(|field| field.name == name)?;
            u16::try_from(place).ok()
        };
        let audit = place(schema.audits()).map(Self::Audit);
        let found = audit.or_else(|| place(schema.fields()).map(Self::Input));
        let found = found.ok_or_else(|| GroupFault::Unknown(name.to_owned()))?;
        found.groups(schema)?;
        Ok(found)
    }

    /// The field itself.
    #[must_use]
    pub fn field<'a>(&self, schema: &'a Schema) -> Option<&'a Field> {
        match *self {
            Self::Input(place) => schema.fields().get(usize::from(place)),
            Self::Audit(place) => schema.audits().get(usize::from(place)),
        }
    }

    /// What its groups are.
    ///
    /// # Errors
    /// [`GroupFault`], where it makes none.
    pub fn groups(&self, schema: &Schema) -> Result<Vec<Cell>, GroupFault> {
        let field = self.field(schema).ok_or(GroupFault::OtherSchema)?;
        match &field.kind {
            FieldKind::Categorical { .. } | FieldKind::Numeric { transform: Transform::Bins(_), .. } => {}
            FieldKind::Numeric { .. } => return Err(GroupFault::Number(field.name.clone())),
        }
        let groups = cells_of(field, 0);
        if (2..=GROUPS_MAX).contains(&groups.len()) {
            Ok(groups)
        } else {
            Err(GroupFault::Count { name: field.name.clone(), count: groups.len() })
        }
    }

    /// The first slot of an input in a row.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn slot(&self, schema: &Schema) -> Option<usize> {
        match *self {
            Self::Input(place) => Some(schema.fields().iter().take(place.into()).map(Field::width).sum()),
            Self::Audit(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 18, max = 98, transform = "bins", edges = [40], missing = "indicator", class = "C2", level = "L2" },
    { name = "balance", kind = "numeric", min = 0, max = 98, class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["1", "2", "3", "4", "5", "6", "7", "8", "9"], class = "C1", level = "L1" },
    { name = "gender", use = "audit", necessity = "alike", kind = "categorical", categories = ["f", "m"], class = "C2", level = "L2" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

    #[test]
    fn fields_with_few_categories_or_bins_make_groups() {
        let schema = Schema::parse(TEXT).unwrap_or_else(|faults| panic!("{faults}"));
        let named = |name| GroupField::named(&schema, name);
        assert_eq!(named("age"), Ok(GroupField::Input(0)));
        assert_eq!(named("gender"), Ok(GroupField::Audit(0)));
        let groups = [Cell::Between(18.0, 40.0), Cell::Between(40.0, 98.0), Cell::Missing];
        assert_eq!(named("age").unwrap().groups(&schema).unwrap(), groups);
        assert_eq!(named("balance"), Err(GroupFault::Number("balance".into())));
        assert_eq!(named("job"), Err(GroupFault::Count { name: "job".into(), count: 9 }));
        assert_eq!(named("religion"), Err(GroupFault::Unknown("religion".into())));
        assert_eq!(GroupField::Audit(1).groups(&schema), Err(GroupFault::OtherSchema));
        assert_eq!((GroupField::Input(2).slot(&schema), GroupField::Audit(0).slot(&schema)), (Some(4), None));
    }
}
