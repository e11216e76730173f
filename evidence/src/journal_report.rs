//! What a verified journal says.

use std::fmt;

use serde::Serialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::Log;
use tributary_protocol::printable::counted;

use crate::registry::RegistryReport;
use crate::run::{NotVerified, RunReport};

/// What a verified journal says.
#[derive(Debug, Serialize)]
pub struct JournalReport {
    /// Entries of the file, of all ledgers.
    pub entries: usize,
    /// Of these, how many are not in the evidence.
    pub left_out: usize,
    /// Digest over all of them: compare it with a copy that was kept elsewhere. Nothing where some are left out.
    pub head: Option<String>,
    /// Root of the tree over all of them (RFC 9162).
    pub root: String,
    /// Rosters whose authorities' signatures were verified: none where the authorities are not known.
    pub rosters_verified: usize,
    /// The latest time of an entry here, in milliseconds of the Unix clock: the coordinator's own word.
    pub last_at: Option<u64>,
    /// Each run, in the order in which they began.
    pub runs: Vec<RunReport>,
    /// The registry of models; nothing before a run was over.
    pub registry: Option<RegistryReport>,
}

/// How much of a journal there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Its entries.
    pub(crate) entries: u64,
    /// Of these, how many are not here.
    pub(crate) left_out: u64,
    /// The chain's digest over all of them, where all are here.
    pub(crate) head: Option<Digest>,
    /// Root of the tree over all of them.
    pub(crate) root: Digest,
}

impl Extent {
    /// Of a whole journal.
    pub(crate) fn whole(log: &Log) -> Self {
        Self { entries: log.size(), left_out: 0, head: Some(log.head()), root: log.root() }
    }
}

/// What was not verified of a run because it is not here.
pub(crate) fn of_run(run: &RunReport) -> Vec<NotVerified> {
    let reason = "sums were not recomputed, because the uploads of their rounds are not here".into();
    let sums = NotVerified { count: run.sums_not_verified, reason };
    let models = run.models_not_verified.iter().map(|models| NotVerified {
        count: models.count,
        reason: format!("models were not computed again, because {}", models.reason),
    });
    Some(sums).filter(|sums| sums.count > 0).into_iter().chain(models).collect()
}

impl JournalReport {
    /// What was not verified because it is not here: how many, and why. Everything else was.
    #[must_use]
    pub fn not_verified(&self) -> Vec<NotVerified> {
        let runs = self.runs.iter().flat_map(of_run);
        let registry = self.registry.iter().flat_map(|registry| registry.not_verified.iter().cloned());
        let disputed = self.registry.iter().flat_map(|registry| &registry.disputed);
        let disputed = disputed.map(|report| NotVerified { count: 1, reason: format!("report of attacks: {report}") });
        runs.chain(registry).chain(disputed).collect()
    }

    /// Signatures that were verified.
    #[must_use]
    pub fn signatures(&self) -> usize {
        let registry = self.registry.as_ref().map_or(0, |registry| registry.signatures);
        self.runs.iter().map(|run| run.signatures).fold(registry, usize::saturating_add)
    }
}

impl fmt::Display for JournalReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, entries) = (counted(self.runs.len(), "run"), counted(self.entries, "entry"));
        match self.left_out {
            0 => writeln!(formatter, "  coordinator's journal, {entries} of {runs}")?,
            left_out => writeln!(
                formatter,
                "  a part of the coordinator's journal, {} of {entries}, of {runs}",
                self.entries.saturating_sub(left_out)
            )?,
        }
        self.head.iter().try_for_each(|head| writeln!(formatter, "  head     {head}"))?;
        write!(formatter, "  root     {}", self.root)?;
        self.runs.iter().try_for_each(|run| write!(formatter, "\n{run}"))?;
        self.registry.as_ref().map_or(Ok(()), |registry| write!(formatter, "\n{registry}"))
    }
}
