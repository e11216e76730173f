//! What was released: the file by which people and programs find the model.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_model::architecture::Architecture;
use tributary_storage::files::FileError;

/// The version of `model.json`.
pub(crate) const POINTER_VERSION: u32 = 1;

/// `model.json`. Digests are 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPointer {
    /// The version of the file's layout.
    pub version: u32,
    /// Digest of the released parameters.
    pub model: String,
    /// The parameters' file, relative to the state folder.
    pub file: String,
    /// The network.
    pub architecture: Architecture,
    /// Digest of the feature schema.
    pub schema: String,
    /// Digest of the plan.
    pub plan: String,
    /// Number of its run, from 1.
    pub run: u32,
    /// Rounds committed.
    pub rounds: u32,
    /// Whether every round of the plan was committed.
    pub complete: bool,
}

/// The version alone, whatever else is there.
#[derive(Deserialize)]
struct Stated {
    /// Releases before 0.2 wrote none.
    #[serde(default)]
    version: u32,
}

/// Refuses a file of another version. One that is not there, or no JSON, is written anew from the ledger.
///
/// # Errors
/// [`FileError::Version`].
pub(super) fn judge(path: &Path) -> Result<(), FileError> {
    let found = fs::read(path).ok().and_then(|text| serde_json::from_slice::<Stated>(&text).ok());
    match found {
        Some(Stated { version }) if version != POINTER_VERSION => {
            Err(FileError::Version { path: path.to_path_buf(), found: version, reads: POINTER_VERSION })
        }
        _ => Ok(()),
    }
}
