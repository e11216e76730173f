//! The schema's file.

use std::path::Path;

use tributary_model::schema::Schema;
use tributary_storage::files::shown;

use crate::error::ClientError;

/// Reads a schema file.
///
/// # Errors
/// If it cannot be read, or has faults: all of them.
pub fn read_schema(path: &Path) -> Result<Schema, ClientError> {
    let named = |fault: &dyn std::fmt::Display| ClientError::File(format!("{}: {fault}", shown(path)));
    let text = std::fs::read_to_string(path).map_err(|fault| named(&fault))?;
    Schema::parse(&text).map_err(|faults| named(&faults))
}
