//! Which fields are told as the reasons of a score.

use super::scorer::Scored;
use crate::schema::{Field, Schema};

/// Most reasons of one score.
pub const REASONS_MAX: usize = 3;

/// One reason: a field that speaks for the label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The field, by its number in the schema.
    pub field: usize,
    /// What it adds to the baseline's logit: above 0.
    pub contribution: f64,
    /// Whether the customer has no value there: then that is the reason.
    pub is_missing: bool,
}

/// The fields that add most to a head's logit, the largest first. A field that adds nothing, or takes away, is no reason: there may be fewer than
/// [`REASONS_MAX`]. Of two that add the same, the one comes first that the schema names first.
#[must_use]
pub fn reasons(scored: &Scored, head: usize) -> [Option<Reason>; REASONS_MAX] {
    let mut best: [Option<Reason>; REASONS_MAX] = [None; REASONS_MAX];
    for (field, (contribution, is_missing)) in scored.contributions(head).zip(scored.missing()).enumerate() {
        if contribution <= 0.0 {
            continue;
        }
        let beats = |known: &Option<Reason>| known.is_none_or(|known| contribution > known.contribution);
        if let Some(place) = best.iter().position(beats) {
            best[place..].rotate_right(1);
            best[place] = Some(Reason { field, contribution, is_missing: *is_missing });
        }
    }
    best
}

impl Reason {
    /// The field in the schema's words for Chinese readers: `reason_zh`, else `title_zh`, else the English ones.
    #[must_use]
    pub fn in_chinese<'a>(&self, schema: &'a Schema) -> &'a str {
        let Some(field) = schema.fields().get(self.field) else { return "" };
        let own = field.reason_zh.as_deref().or(field.title_zh.as_deref());
        own.unwrap_or_else(|| english(field))
    }

    /// The field in the schema's words: its own `necessity`, else its name.
    #[must_use]
    pub fn in_english<'a>(&self, schema: &'a Schema) -> &'a str {
        schema.fields().get(self.field).map_or("", english)
    }
}

fn english(field: &Field) -> &str {
    field.necessity.as_deref().unwrap_or(&field.name)
}
