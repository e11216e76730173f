//! A report in a file: its JSON text, and the coordinator's signature over the digest of that text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_certs::suite::SigningKey;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::make::{Material, compliance};
use super::parts::{AttacksLine, ComplianceReport, ModelLine, Processing, REPORT_FORMAT, RunLine};
use crate::entries::Bad;
use crate::paper::{PaperFault, holds, is_key, parsed, signed, to_json};
use crate::retained::Retained;

const KIND: &str = "REPORT";

/// Longest file, in bytes.
const BYTES_MAX: usize = 64 << 20;

/// A signed report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// What is reported.
    pub report: ComplianceReport,
    /// SHA-256 of the report's JSON text without spaces, in hexadecimal digits.
    digest: String,
    /// The coordinator's signing key, as people compare it.
    key: String,
    /// Its signature over the digest.
    signature: String,
}

/// What is wrong with what a report says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// The journal is not in order, or is no journal.
    #[error("the journal is not in order, so the report does not follow from it:\n{0}")]
    Journal(Bad),
    /// The journal says something else.
    #[error(
        "the journal says otherwise of: {0}. One of the two was changed, or they are of different federations; keep both as evidence"
    )]
    Differs(&'static str),
    /// Its period or scope cannot be read.
    #[error("its period or its scope is none that this program writes")]
    Asked,
}

impl ReportFile {
    /// Signs a report.
    #[must_use]
    pub fn sign(report: ComplianceReport, key: &SigningKey) -> Self {
        let [digest, key, signature] = signed(KIND, &report, key);
        Self { report, digest, key, signature }
    }

    /// Reads a file, and verifies its signature by the key that it names.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(bytes: &[u8]) -> Result<Self, PaperFault> {
        let unreadable = |fault: String| PaperFault::Unreadable { what: "compliance report", fault };
        let file: Self = parsed(bytes, BYTES_MAX).map_err(unreadable)?;
        if file.report.format != REPORT_FORMAT || file.report.kind != "compliance" {
            let (kind, format) = (&file.report.kind, file.report.format);
            return Err(unreadable(format!("its kind is \"{}\" and its format {format}", kind.escape_debug())));
        }
        if file.to_json().as_bytes() != bytes {
            return Err(PaperFault::OtherBytes);
        }
        let signed = holds(KIND, &file.report, [&file.digest, &file.key, &file.signature]);
        if signed { Ok(file) } else { Err(PaperFault::Signature) }
    }

    /// Whether the key that a reader names has signed.
    ///
    /// # Errors
    /// [`PaperFault::OtherKey`] if it is another one.
    pub fn check_key(&self, expected: &VerifyingKey) -> Result<(), PaperFault> {
        is_key(&self.key, expected)
    }

    /// Whether what it says follows from this journal: everything but the schemas' fields, the models' figures, the exports and the witnesses, which stand
    /// beside it. Entries that the journal has got since make no difference.
    ///
    /// # Errors
    /// The first part that differs.
    pub fn follows_from(&self, journal: &[u8], kept: &dyn Retained) -> Result<(), ReportFault> {
        let report = &self.report;
        let asked = report.asked().ok_or(ReportFault::Asked)?;
        let nothing = Material {
            journal,
            kept,
            schemas: Vec::new(),
            figures: BTreeMap::new(),
            exports: Vec::new(),
            checkpoints: Vec::new(),
            coordinator: None,
        };
        let again = compliance(&nothing, &asked).map_err(ReportFault::Journal)?;
        let parts = |report: &ComplianceReport| {
            let value = |part: Result<serde_json::Value, serde_json::Error>| part.expect("plain data");
            let runs: Vec<RunLine> = report.runs.iter().map(without_sums).collect();
            let processing: Vec<Processing> = report.processing.iter().map(without_fields).collect();
            let models: Vec<ModelLine> = report.models.iter().map(without_figures).collect();
            [
                ("the summary", value(serde_json::to_value(&report.summary))),
                ("the parties", value(serde_json::to_value(&report.parties))),
                ("the processing", value(serde_json::to_value(processing))),
                ("the runs", value(serde_json::to_value(runs))),
                ("the privacy ledger", value(serde_json::to_value(&report.spending))),
                ("the deviations", value(serde_json::to_value(&report.deviations))),
                ("the incidents", value(serde_json::to_value(&report.incidents))),
                ("the looks of inspectors", value(serde_json::to_value(&report.looks))),
                ("what left the branches", value(serde_json::to_value(&report.sent))),
                ("the decisions", value(serde_json::to_value(&report.duties))),
                ("the models", value(serde_json::to_value(models))),
            ]
        };
        let differs = parts(report).into_iter().zip(parts(&again)).find(|((_, one), (_, other))| one != other);
        differs.map_or(Ok(()), |((part, _), _)| Err(ReportFault::Differs(part)))
    }

    /// The key that has signed.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The digest that was signed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The JSON text, as the file holds it.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// How many sums could be recomputed depends on what is kept at the time.
fn without_sums(run: &RunLine) -> RunLine {
    RunLine { sums_verified: 0, sums_not_verified: 0, ..run.clone() }
}

fn without_fields(of: &Processing) -> Processing {
    Processing { fields: None, level_max: None, ..of.clone() }
}

fn without_figures(model: &ModelLine) -> ModelLine {
    let attacks = model.attacks.iter().map(|line| AttacksLine { findings: None, ..line.clone() }).collect();
    ModelLine { figures: Vec::new(), attacks, ..model.clone() }
}
