//! The draft of a validation: what was computed again, and what a model validator may sign about it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_storage::files::read_public;

use crate::exit::Failure;

/// A draft. Whoever signs reads and changes the last three; the others say on what they rest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Digest of the model.
    pub(crate) model: String,
    /// Digest of the bundle.
    pub(crate) bundle: String,
    /// What was the same to the bit.
    pub(crate) same: Vec<String>,
    /// What could not be computed again.
    pub(crate) open: Vec<String>,
    /// What is known within its noise alone.
    pub(crate) within_noise: Vec<String>,
    /// What was found, in a sentence.
    pub(crate) findings: String,
    /// Under which conditions the model is used.
    pub(crate) conditions: Vec<String>,
    /// The last day on which the validation lets the model become champion, YYYY-MM-DD.
    pub(crate) valid_until: String,
}

impl Draft {
    /// Reads a draft about a model.
    ///
    /// # Errors
    /// If it cannot be read, or is about another model.
    pub(crate) fn read(path: &Path, model: &str) -> Result<Self, Failure> {
        let bytes = read_public(path).map_err(Failure::failed)?;
        let draft: Self = serde_json::from_slice(&bytes).map_err(|fault| {
            Failure::failed(format!(
                "{} is no draft as `tributary validate replicate` writes it: {fault}",
                path.display()
            ))
        })?;
        if draft.model != model {
            return Err(Failure::failed(format!(
                "{} is the draft of another model; nothing was signed",
                path.display()
            )));
        }
        Ok(draft)
    }

    /// The JSON text.
    #[cfg(feature = "rehearsal")]
    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        text
    }
}
