//! A report in a file: its JSON text, and the coordinator's signature over the digest of that text.

use serde::{Deserialize, Serialize};
use tributary_certs::suite::SigningKey;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::again::{Besides, front};
use super::compared::{Compared, PARTS, Sides, comparable};
use super::make::{Material, witnessed_by};
use super::parts::{ComplianceReport, REPORT_FORMAT};
use crate::entries::Bad;
use crate::paper::{PaperFault, holds, is_key, parsed, signed, to_json};

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
    /// It names more entries than the journal has.
    #[error(
        "the report is of {0} entries of the journal, and this file has fewer: it is an older copy, or its end was cut off. Keep both as evidence"
    )]
    Shorter(u64),
    /// Its period or scope cannot be read.
    #[error("its period, its preset or its scope is none that this program writes: a preset names its own days")]
    Asked,
    /// It names a witness twice, or one of nothing.
    #[error(
        "it names a branch twice as a witness, or as one of no entry, which this program never writes; keep it as evidence"
    )]
    Witnesses,
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

    /// Whether what it says follows from the first entries of this journal, as many as it names, and how far that could be compared: schemas, figures of
    /// models, findings of attacks, changes of points and records of exports are compared where they are kept and the report has them, and witnesses where a checkpoint has
    /// their cosignature. Entries that the journal has got since make no difference. Schemas and figures of `beside` are read anew.
    ///
    /// # Errors
    /// The first part that differs, or that the journal has fewer entries.
    pub fn follows_from(&self, beside: &Material<'_>) -> Result<Compared, ReportFault> {
        let report = &self.report;
        let asked = report.asked().ok_or(ReportFault::Asked)?;
        let (named, witnesses) = (report.integrity.entries, &report.integrity.witnesses);
        let ascending = witnesses.windows(2).all(|two| matches!(two, [one, next] if one.client < next.client));
        if !ascending || witnesses.iter().any(|line| line.entries == 0) {
            return Err(ReportFault::Witnesses);
        }
        let front = front(beside.journal, named).map_err(ReportFault::Journal)?.ok_or(ReportFault::Shorter(named))?;
        let besides = Besides::of(front, report, beside.kept).map_err(ReportFault::Journal)?;
        let material = Material {
            journal: front,
            kept: beside.kept,
            schemas: besides.schemas.clone(),
            figures: besides.figures.clone(),
            checkpoints: beside.checkpoints.clone(),
            coordinator: beside.coordinator.clone(),
        };
        let again = witnessed_by(&material, &asked, beside.journal).map_err(ReportFault::Journal)?;
        let sides = Sides { report, again: &again, besides: &besides };
        let value = |report: &ComplianceReport| {
            serde_json::to_value(comparable(report, &sides)).expect("a report is plain data")
        };
        let (own, other) = (value(report), value(&again));
        match PARTS.iter().find(|(key, _)| own[key] != other[key]) {
            Some((_, part)) => Err(ReportFault::Differs(part)),
            None => Ok(Compared::of(&sides)),
        }
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
