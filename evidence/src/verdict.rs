//! What a ledger's file is worth.

use std::fmt;

use serde::Serialize;
use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::budget::Kept;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent};

use crate::budget::{self, BudgetReport};
use crate::entries::{Bad, decode, ledgers, whole};
use crate::heads::{self, HeadsReport};
use crate::journal::JournalAudit;
use crate::journal_report::{Extent, JournalReport};
use crate::retained::{NothingKept, Retained};
use crate::statement::{Facts, Statement};
use crate::trust::Federation;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// A coordinator's journal in order.
    Coordinator(Box<JournalReport>),
    /// A branch's budget file in order.
    Budget(Box<BudgetReport>),
    /// A coordinator's file of budget heads in order.
    Heads(HeadsReport),
    /// A file with a header and no entry.
    Empty,
    /// A file that is not in order.
    Bad(Bad),
}

/// Judges a file; `delta` is that of a branch's statement, for a coordinator's journal names its own. Sums are recomputed from what was kept of
/// their rounds.
#[must_use]
pub fn judge(bytes: &[u8], delta: f64, kept: &dyn Retained) -> Verdict {
    judge_by(bytes, delta, kept, None)
}

/// The same, with every roster in a coordinator's file judged by these authorities. Where nobody names them, rosters are what the file says.
#[must_use]
pub fn judge_by(bytes: &[u8], delta: f64, kept: &dyn Retained, authorities: Option<&RosterAuthorities>) -> Verdict {
    judged(bytes, delta, kept, authorities).unwrap_or_else(Verdict::Bad)
}

/// The privacy statement that follows from the last run of a coordinator's journal which is in order.
///
/// # Errors
/// The verdict, where that is another one: then nothing is stated.
pub fn stated(bytes: &[u8]) -> Result<Statement, Verdict> {
    match judge(bytes, 1e-6, &NothingKept) {
        Verdict::Coordinator(report) if !report.runs.is_empty() => {}
        Verdict::Coordinator(_) => return Err(Verdict::Empty),
        other => return Err(other),
    }
    let entries = whole(bytes).and_then(|scan| {
        let last = ledgers(&scan).into_iter().rfind(|ledger| *ledger != LedgerId::ADMINISTRATION);
        last.map_or(Ok(Vec::new()), |ledger| decode::<CoordinatorEvent>(&scan, ledger))
    });
    let entries = entries.map_err(Verdict::Bad)?;
    let facts = Facts::read(entries.iter().map(|entry| &entry.event));
    let facts =
        facts.map_err(|nothing| Verdict::Bad(Bad { entry: None, offset: None, reason: nothing.to_string() }))?;
    Ok(Statement::of(&facts))
}

fn judged(
    bytes: &[u8],
    delta: f64,
    kept: &dyn Retained,
    authorities: Option<&RosterAuthorities>,
) -> Result<Verdict, Bad> {
    let scan = whole(bytes)?;
    let ledgers = ledgers(&scan);
    let head = scan.log.head().to_string();
    match ledgers.as_slice() {
        [] => return Ok(Verdict::Empty),
        [LedgerId::BUDGET] => {
            let entries = decode::<ParticipantEvent>(&scan, LedgerId::BUDGET)?;
            return budget::audit(&entries, head, delta).map(Box::new).map(Verdict::Budget);
        }
        [LedgerId::ADMINISTRATION] => {
            let kept = decode::<Kept>(&scan, LedgerId::ADMINISTRATION);
            // A journal may tell of an incident before its first run.
            if kept.is_ok() || decode::<RegistryEvent>(&scan, LedgerId::ADMINISTRATION).is_err() {
                let kept = kept?;
                Federation::of(authorities.cloned()).of_heads(&kept)?;
                return heads::audit(&kept, head).map(Verdict::Heads);
            }
        }
        _ => {}
    }
    let mut audit = JournalAudit::new(kept, authorities.cloned(), false);
    scan.entries.iter().try_for_each(|entry| audit.follow(entry))?;
    audit.report(&Extent::whole(&scan.log), None).map(Box::new).map(Verdict::Coordinator)
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator(report) => report.fmt(formatter),
            Self::Budget(report) => report.fmt(formatter),
            Self::Heads(report) => report.fmt(formatter),
            Self::Empty => write!(formatter, "  no entry yet"),
            Self::Bad(bad) => bad.fmt(formatter),
        }
    }
}
