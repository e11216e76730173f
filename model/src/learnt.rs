//! What was learnt about features beside a model's parameters, for people and programs: edges of groups in the schema's own numbers, and categories
//! that are learnt as one.

use serde::{Deserialize, Serialize};

use crate::blocks::Blocks;
use crate::schema::{FieldKind, Schema, Transform};

/// What was learnt about one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearntField {
    /// Its name.
    pub field: String,
    /// Of a number, for each learnt resolution the lower edges of its groups but the first one: ascending, all of them edges of the schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Vec<f64>>,
    /// Of categories, those that are learnt as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<String>,
}

impl LearntField {
    /// What was learnt of a schema's fields: nothing of fields that have no more bins than groups, or no rare categories.
    #[must_use]
    pub fn all(schema: &Schema, blocks: &Blocks) -> Vec<Self> {
        let fields = schema.fields().iter().enumerate().map(|(number, field)| {
            let own = blocks.all().iter().filter(|block| block.field == number);
            let (mut edges, mut together) = (Vec::new(), Vec::new());
            match &field.kind {
                FieldKind::Numeric { transform: Transform::Bins(all), .. } => {
                    for block in own {
                        let begins =
                            (1..=all.len()).filter(|slot| blocks.cell(block, *slot) > blocks.cell(block, slot - 1));
                        let lower: Vec<f64> = begins.map(|slot| all[slot - 1]).collect();
                        if lower.len() < all.len() {
                            edges.push(lower);
                        }
                    }
                }
                FieldKind::Categorical { categories, .. } => {
                    for block in own {
                        let shared = |slot: usize| {
                            let cell = blocks.cell(block, slot);
                            (0..categories.len()).filter(|other| blocks.cell(block, *other) == cell).count() > 1
                        };
                        let slots = (0..categories.len()).filter(|slot| shared(*slot));
                        together.extend(slots.map(|slot| categories[slot].clone()));
                    }
                }
                FieldKind::Numeric { .. } => {}
            }
            Self { field: field.name.clone(), edges, together }
        });
        fields.filter(|field| !field.edges.is_empty() || !field.together.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_in_the_schemas_numbers() {
        let text = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [10, 20.5, 30, 40, 50], missing = "indicator", class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b", "c"], class = "C1", level = "L1" },
    { name = "open", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [5], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;
        let schema = Schema::parse(text).unwrap();
        let blocks = Blocks::to_learn(&schema, &[2, 4]).unwrap();
        let all = |learnt: &[u16]| LearntField::all(&schema, &blocks.with(learnt).unwrap());
        let age = |edges: [Vec<f64>; 2]| LearntField { field: "age".into(), edges: edges.into(), together: Vec::new() };
        assert_eq!(all(&[2, 1, 3, 5, 0, 1, 2]), [age([vec![20.5], vec![10.0, 30.0, 50.0]])]);
        let region = LearntField { field: "region".into(), edges: Vec::new(), together: vec!["a".into(), "c".into()] };
        assert_eq!(all(&[5, 2, 3, 4, 0, 1, 0]), [age([vec![50.0], vec![20.5, 30.0, 40.0]]), region]);
    }
}
