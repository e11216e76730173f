//! What a run has learnt about features beside its model's parameters: `features.json` of the model's folder, whose digest is in the manifest.

use serde::{Deserialize, Serialize};
use tributary_model::learnt::LearntField;

/// The version of `features.json`.
pub const FEATURES_VERSION: u32 = 1;

/// The file. Nothing is learnt where the schema alone says how features are encoded.
#[derive(Serialize, Deserialize)]
pub struct FeaturesFile {
    /// [`FEATURES_VERSION`].
    pub version: u32,
    /// What each field has learnt.
    pub learnt: Vec<LearntField>,
}

impl FeaturesFile {
    /// The file of a run that has learnt this.
    #[must_use]
    pub fn of(learnt: Vec<LearntField>) -> Self {
        Self { version: FEATURES_VERSION, learnt }
    }

    /// Its bytes.
    ///
    /// # Panics
    /// Never: it is plain data.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("plain data");
        text.push(b'\n');
        text
    }
}
