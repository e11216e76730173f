//! Something that is wrong with a bundle.

use serde::Serialize;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The part.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}
