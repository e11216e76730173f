//! The schema's file, and what it does not list.

use std::path::Path;

use tributary_model::features::FeatureMatrix;
use tributary_model::schema::Schema;

use crate::error::ClientError;

/// Reads a schema file.
///
/// # Errors
/// If it cannot be read, or has faults: all of them.
pub fn read_schema(path: &Path) -> Result<Schema, ClientError> {
    let named = |fault: &dyn std::fmt::Display| ClientError::File(format!("{}: {fault}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|fault| named(&fault))?;
    Schema::parse(&text).map_err(|faults| named(&faults))
}

/// How many values a schema does not list, for the operator's screen; nothing where it lists all.
#[must_use]
pub fn unlisted(data: &FeatureMatrix) -> Option<String> {
    let counts: Vec<String> = data.unlisted().iter().map(|(what, count)| format!("{count} of the {what}")).collect();
    (!counts.is_empty()).then(|| format!("values that the schema does not list: {}", counts.join(", ")))
}
