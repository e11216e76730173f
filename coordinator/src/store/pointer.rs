//! What was released: the file by which people and programs find the model.

use serde::{Deserialize, Serialize};
use tributary_model::architecture::Architecture;

/// `model.json`. Digests are 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPointer {
    /// Digest of the released parameters.
    pub model: String,
    /// The parameters' file, relative to this one.
    pub file: String,
    /// The network.
    pub architecture: Architecture,
    /// Digest of the feature schema.
    pub schema: String,
    /// Digest of the plan.
    pub plan: String,
    /// Digest of the last committed round's model, as the ledger names it. With tail averaging the released model is another one.
    pub last_model: String,
    /// Rounds committed.
    pub rounds: u32,
    /// Whether every round of the plan was committed.
    pub complete: bool,
}
