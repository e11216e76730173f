//! What is wrong with a schema file.

use std::fmt;

/// One fault of a schema file. A schema is public, so what was found is quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// Where: a path such as `fields[2].max`, counted from 1, with the field's name where it has one.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

/// Every fault of a schema file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaErrors(pub(super) Vec<SchemaFault>);

impl SchemaErrors {
    /// The faults, in the order of the file's sections.
    #[must_use]
    pub fn faults(&self) -> &[SchemaFault] {
        &self.0
    }
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: found {}; allowed: {}", self.key, self.found, self.allowed)
    }
}

impl fmt::Display for SchemaErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the schema was not loaded, it has {count} fault{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}

impl std::error::Error for SchemaErrors {}
