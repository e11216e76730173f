//! An incident as a file: its timeline, and the entries of the log on which each line rests, each with the proof that it stands in the log under a
//! checkpoint. Whoever has the file needs neither the log nor the coordinator.
//!
//! Not shown by such a file: that nothing was left out of it. An audit bundle has the whole log.

mod follow;
mod make;
mod verify;

use serde::{Deserialize, Serialize};

pub use make::{IncidentFault, Source, export, timelines};
pub use verify::{Judged, judge};

use crate::paper::Body;
use crate::report::IncidentLine;

/// What is exported of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentExport {
    /// The layout.
    pub format: u32,
    /// The program and its version.
    pub generator: String,
    /// The list of roster authorities, as its file has it: it names the federation.
    pub authorities: String,
    /// The checkpoint under which the entries stand, as a note with its cosignatures.
    pub checkpoint: String,
    /// The incident.
    pub incident: IncidentLine,
    /// The entries on which it rests, in their order.
    pub entries: Vec<EntryLine>,
}

/// An entry of the log, with the proof that it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryLine {
    /// Its number in the log, from 0.
    pub entry: u64,
    /// The ledger, in hexadecimal digits.
    pub ledger: String,
    /// Its number in that ledger, from 0.
    pub sequence: u64,
    /// Time and event, in the log's encoding, in hexadecimal digits.
    pub event: String,
    /// The proof: digests beside the way from its leaf to the root, the lowest first.
    pub path: Vec<String>,
}

impl Body for IncidentExport {
    const KIND: &'static str = "INCIDENT";
    const WHAT: &'static str = "file of an incident";
    const FORMAT: u32 = 1;
    /// An incident has 1,000 words at most, and every deviation of its time beside them.
    const BYTES_MAX: usize = 64 << 20;

    fn format(&self) -> u32 {
        self.format
    }
}
