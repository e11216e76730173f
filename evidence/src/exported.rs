//! The record of a model that left as a file. Each is a file of its own, is never changed, and names the digest of the one before it. The journal names
//! number, model and digest of each, so that the last one is missed as well.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::ModelState;

use crate::paper::to_json;

/// One export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecord {
    /// The version of the record: [`ExportRecord::VERSION`].
    pub version: u32,
    /// Its number, from 1.
    pub number: u64,
    /// Digest of the model.
    pub model: String,
    /// In which state the model left: `champion`, `pilot`, `challenger` or `retired`; a `candidate` leaves for trial alone.
    pub state: String,
    /// `safetensors`, `onnx`, `pmml` or `sql`.
    pub format: String,
    /// The dialect of SQL.
    pub dialect: Option<String>,
    /// The label, where the file has one of several.
    pub head: Option<String>,
    /// Who may use it.
    pub recipient: String,
    /// Its last second, of the Unix clock.
    pub valid_until: u64,
    /// When it was made, in seconds of the Unix clock.
    pub made_at: u64,
    /// The file's name, without its folder.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// SHA-256 of the record before; zeros for the first one.
    pub previous: String,
}

impl ExportRecord {
    /// The version of a record.
    pub const VERSION: u32 = 1;
    /// Longest time for which a candidate leaves for trial, in seconds: 31 days.
    pub const TRIAL_SECONDS_MAX: u64 = 31 * 86_400;

    /// As it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_json(self).into_bytes()
    }

    /// Reads it in its one form; nothing for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        (record.version == Self::VERSION && record.to_bytes() == bytes).then_some(record)
    }

    /// Whether it says the state in which its model is, and, where that is a candidate, a last day that a trial may have.
    #[must_use]
    pub fn fits(&self, state: ModelState) -> bool {
        let last = match state {
            ModelState::Candidate => self.made_at.saturating_add(Self::TRIAL_SECONDS_MAX),
            _ => u64::MAX,
        };
        self.state == state.name() && self.valid_until <= last
    }

    /// Whether it is the record of this number and model, and follows the record of this digest.
    #[must_use]
    pub fn stands(&self, number: u64, model: &Digest, previous: &Digest) -> bool {
        self.number == number && self.model == model.to_string() && self.previous == previous.to_string()
    }
}
