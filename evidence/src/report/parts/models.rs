//! Models, with figures and gates, and models that left as files.

use serde::{Deserialize, Serialize};

use super::record::Signer;
use crate::attacks::Attacks;

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelLine {
    /// Its digest.
    pub model: String,
    /// Its purpose.
    pub purpose: String,
    /// Digest of its plan.
    pub plan: String,
    /// The run's number.
    pub run: u32,
    /// The model from which its run began.
    pub parent: Option<String>,
    /// Its state at the end of the log.
    pub state: String,
    /// When it was registered.
    pub registered: String,
    /// Its figures, as far as they were measured under privacy.
    pub figures: Vec<FigureLine>,
    /// Its gates, with the newest report.
    pub gates: Vec<GateLine>,
    /// Who validated it last.
    pub validator: Option<String>,
    /// What that person found.
    pub findings: Option<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// The last day of that report.
    pub valid_until: Option<String>,
    /// Digest of its card's file.
    pub card: Option<String>,
    /// Reports of attacks on it, in their order.
    pub attacks: Vec<AttacksLine>,
    /// Changes of its scorecard's points, in their order.
    pub points: Vec<PointsLine>,
}

/// A change of the points of a model's scorecard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsLine {
    /// Which change of this model's points it is, from 1.
    pub number: u64,
    /// When it was recorded.
    pub at: String,
    /// SHA-256 of its file.
    pub change: String,
    /// What two people set, where the file is here.
    pub set: Option<SetPoints>,
}

/// What two people set in the place of a model's points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPoints {
    /// Of which label.
    pub label: String,
    /// Which field.
    pub field: String,
    /// Which bin of it, from 1.
    pub bin: u32,
    /// The values of the bin.
    pub values: String,
    /// The points that it had.
    pub before: i64,
    /// The points that it has from then on.
    pub after: i64,
    /// Why.
    pub reason: String,
    /// Who signed.
    pub signers: Vec<Signer>,
}

/// A report of attacks on a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttacksLine {
    /// Digest of what was found.
    pub digest: String,
    /// Who has signed it.
    pub staff: String,
    /// Whether it shows a larger epsilon than was claimed.
    pub alarm: bool,
    /// What was found, where the file is here.
    pub findings: Option<Attacks>,
}

/// A figure with the interval that the noise gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureLine {
    /// The label.
    pub label: String,
    /// Which figure.
    pub figure: String,
    /// The group of customers; nothing for all.
    pub group: Option<String>,
    /// The estimate.
    pub value: String,
    /// Lower end of the 95 % interval.
    pub low: String,
    /// Upper end.
    pub high: String,
}

/// A gate and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateLine {
    /// The label.
    pub label: String,
    /// What is measured.
    pub measure: String,
    /// The limit.
    pub limit: String,
    /// What it came to; nothing where the counts do not give it.
    pub value: Option<String>,
    /// Whether it holds.
    pub holds: bool,
}

/// A model that left as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    /// Its number.
    pub number: u64,
    /// The model.
    pub model: String,
    /// The format.
    pub file_format: String,
    /// Who may use it.
    pub recipient: String,
    /// When it was made.
    pub made: String,
    /// Its last day.
    pub until: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// Whether nobody may use it any more.
    pub void: bool,
}

impl ExportLine {
    /// What the journal says of it without its record.
    #[must_use]
    pub fn bare(number: u64, model: String) -> Self {
        let [file_format, recipient, made, until, digest] = std::array::from_fn(|_| String::new());
        Self { number, model, file_format, recipient, made, until, digest, void: false }
    }

    /// Whether its record was here.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.digest.is_empty()
    }
}
