//! The words of reasons, in both languages.

use tributary_model::schema::Schema;
use tributary_model::score::Reason;
use tributary_texts::{Said, score as words};

/// Each field as a reason, and as one without a value.
pub(crate) fn reasons_of(schema: &Schema) -> Vec<[Said; 2]> {
    let said = |field: usize| {
        let reason = Reason { field, contribution: 1.0, is_missing: false };
        let plain = Said::verbatim(reason.in_chinese(schema)).with_english(reason.in_english(schema));
        [plain.clone(), words::without_value(plain)]
    };
    (0..schema.fields().len()).map(said).collect()
}
