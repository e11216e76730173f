//! The security of a coordinator as it is configured, for a partner's assessor.

use serde::{Deserialize, Serialize};

use super::bill::BillLine;
use crate::paper::Body;
use crate::report::{Branch, PersonLine};

/// What an assessor of another organisation asks of the coordinator's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityReport {
    /// The layout.
    pub format: u32,
    /// `security`.
    pub kind: String,
    /// The program and its version.
    pub generator: String,
    /// The day on which it was made, of UTC.
    pub made: String,
    /// What names the federation: the fingerprint of its roster authorities.
    pub federation: String,
    /// Who the coordinator is, by its certificate.
    pub coordinator: String,
    /// Who opens what to whom.
    pub flows: Vec<FlowLine>,
    /// Every algorithm that the code uses.
    pub cryptography: Vec<BillLine>,
    /// Certificates, and how long they are valid.
    pub certificates: Vec<CertificateLine>,
    /// Epoch of the roster in force.
    pub roster: u64,
    /// Members of the roster, with the last day of their entries.
    pub members: Vec<Branch>,
    /// People with roles.
    pub people: Vec<PersonLine>,
    /// What protects the machine and its files.
    pub hardening: Vec<HardeningLine>,
    /// What is not promised: words.
    pub not_promised: Vec<String>,
    /// Versions.
    pub versions: Vec<VersionLine>,
    /// The list of components.
    pub sbom: SbomLine,
}

/// A connection, or a file that is carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowLine {
    /// Its number.
    pub number: u32,
    /// From whom, who also opens it: a word.
    pub from: String,
    /// To whom: a word.
    pub to: String,
    /// Address and port, or place.
    pub address: String,
    /// The protocol.
    pub protocol: String,
    /// What it carries: a word.
    pub carries: String,
    /// What protects it: a word.
    pub protection: String,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateLine {
    /// Whose: a word.
    pub what: String,
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// Kind and size of its key.
    pub key: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub until: String,
    /// Whole days that are left; below zero where it is over.
    pub days_left: i64,
}

/// Something that protects the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardeningLine {
    /// What: a word.
    pub what: String,
    /// `holds`, `not` or `unknown`.
    pub state: String,
    /// What was found.
    pub found: String,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionLine {
    /// Of what: a word.
    pub what: String,
    /// Which.
    pub version: String,
}

/// The list of components that the executable was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SbomLine {
    /// SHA-256 of `Cargo.lock`.
    pub digest: String,
    /// Packages in it.
    pub packages: u64,
}

/// What is not promised.
pub const NOT_PROMISED: [&str; 8] = [
    "no-certified-product",
    "no-national-algorithms",
    "no-outside-audit",
    "no-branch-machine",
    "no-hidden-traffic",
    "no-availability",
    "no-end-of-log",
    "no-anonymous-model",
];

impl Body for SecurityReport {
    const KIND: &'static str = "SECURITY-REPORT";
    const WHAT: &'static str = "security report";
    const FORMAT: u32 = 1;

    fn format(&self) -> u32 {
        self.format
    }
}
