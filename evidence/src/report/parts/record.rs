//! What was decided, what did not go as planned, and on what a report rests.

use serde::{Deserialize, Serialize};

/// Keys and algorithms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Signatures in the log that were verified, by algorithm and who signs.
    pub signatures: u32,
    /// What is used for what.
    pub algorithms: Vec<AlgorithmLine>,
    /// Members of the last roster whose entry ended within the period.
    pub entries_ended: Vec<String>,
    /// Clients that were put out of a run because of what they signed.
    pub evicted: u32,
}

/// An algorithm and its use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmLine {
    /// For what: a word.
    pub used_for: String,
    /// Its name in the standards.
    pub algorithm: String,
}

/// A decision of two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// When it was recorded.
    pub at: String,
    /// What was decided.
    pub what: String,
    /// Digest of what it is about.
    pub subject: String,
    /// Its number, where such decisions are counted: a change of a model's points.
    pub number: Option<u64>,
    /// Who signed, each with the role; nobody where the file with the signatures is not here.
    pub signers: Vec<Signer>,
    /// Why, where its form has a reason.
    pub why: Option<String>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Staff number.
    pub staff: String,
    /// In which role.
    pub role: String,
    /// When, by the signer's clock.
    pub at: String,
    /// For which action: a proposal, an approval, a statement or a report on gates are signed one by one.
    pub what: String,
}

/// Something that did not go as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Number of the entry in the log, from 0.
    pub entry: u64,
    /// When.
    pub at: String,
    /// Digits of the plan, and the run's number; nothing where it is of no run.
    pub run: Option<String>,
    /// `round-aborted`, `refused`, `charged-more`, `evicted`, `budget-begun`, `stopped`, `aborted`, `log-disputed`, `sink-failed` or `sink-back`.
    pub what: String,
    /// Which client, which round, or which person.
    pub who: Option<String>,
    /// Why, in the words of the protocol.
    pub why: String,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integrity {
    /// Entries of the whole log.
    pub entries: u64,
    /// Entries of the period.
    pub entries_in_period: u64,
    /// Entries from the first one to the last one that is not after the period.
    pub covered: u64,
    /// When the first entry was written.
    pub first: Option<String>,
    /// When the last one was.
    pub last: Option<String>,
    /// Digest over the chain.
    pub head: String,
    /// Root of the tree.
    pub root: String,
    /// Branches that have cosigned a checkpoint which this log goes on from, with its size.
    pub witnesses: Vec<WitnessLine>,
}

/// A cosignature on a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessLine {
    /// Which branch.
    pub client: u32,
    /// Entries of the log that it has witnessed.
    pub entries: u64,
}

/// A file on which the report rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceLine {
    /// What it is: `log`, `plan`, `schema` or `model`.
    pub what: String,
    /// The name of the plan, or the purpose of the model.
    pub name: Option<String>,
    /// Its digest.
    pub digest: String,
}
