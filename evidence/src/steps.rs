//! A ledger event by event: what happened, in words, and the state after it.

use serde::Serialize;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{RegistryEvent, RegistryRecord};
use tributary_protocol::round::{BudgetRecord, CoordinatorEvent, ParticipantEvent, RunRecord};
use tributary_protocol::time::Millis;

use crate::entries::{Bad, Entry, decode, ledgers, whole};

/// One event in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Number of the entry, from 0.
    pub entry: u64,
    /// Milliseconds of the Unix clock, as the daemon's was when it wrote the entry. Informative.
    pub at: u64,
    /// What happened.
    pub happened: String,
    /// The state after it.
    pub state: String,
}

/// Every event of a ledger in words, up to the first entry that breaks a rule.
///
/// The steps come with what is wrong, if anything is: somebody who looks for a fault sees how it came to it.
#[must_use]
pub fn steps(bytes: &[u8]) -> (Vec<Step>, Option<Bad>) {
    let scan = match whole(bytes) {
        Ok(scan) => scan,
        Err(bad) => return (Vec::new(), Some(bad)),
    };
    let mut all = Vec::new();
    let ledgers = ledgers(&scan);
    // The file of budget heads has the same ledger and events of its own.
    let heads = ledgers == [LedgerId::ADMINISTRATION];
    for ledger in ledgers {
        let (steps, bad) = match ledger {
            LedgerId::BUDGET => decode::<ParticipantEvent>(&scan, ledger).map(|entries| of_budget(&entries)),
            LedgerId::ADMINISTRATION if heads => continue,
            LedgerId::ADMINISTRATION => decode::<RegistryEvent>(&scan, ledger).map(|entries| of_registry(&entries)),
            _ => decode::<CoordinatorEvent>(&scan, ledger).map(|entries| of_run(&entries)),
        }
        .unwrap_or_else(|bad| (Vec::new(), Some(bad)));
        all.extend(steps);
        if bad.is_some() {
            return (all, bad);
        }
    }
    (all, None)
}

fn of_run(entries: &[Entry<CoordinatorEvent>]) -> (Vec<Step>, Option<Bad>) {
    let (mut record, mut steps) = (RunRecord::default(), Vec::with_capacity(entries.len()));
    for entry in entries {
        if let Err(fault) = record.check(&entry.event) {
            return (steps, Some(entry.bad(fault)));
        }
        let happened = record.describe(&entry.event);
        record.apply(&entry.event);
        steps.push(step(entry, happened, record.state()));
    }
    (steps, None)
}

fn of_registry(entries: &[Entry<RegistryEvent>]) -> (Vec<Step>, Option<Bad>) {
    let (mut record, mut steps) = (RegistryRecord::default(), Vec::with_capacity(entries.len()));
    for entry in entries {
        if let Err(fault) = record.check(&entry.event) {
            return (steps, Some(entry.bad(fault)));
        }
        let happened = record.describe(&entry.event);
        record.apply(&entry.event);
        steps.push(step(entry, happened, record.state()));
    }
    (steps, None)
}

fn of_budget(entries: &[Entry<ParticipantEvent>]) -> (Vec<Step>, Option<Bad>) {
    let (mut record, mut steps) = (BudgetRecord::default(), Vec::with_capacity(entries.len()));
    for entry in entries {
        if let Err(fault) = record.check(&entry.event) {
            return (steps, Some(entry.bad(fault)));
        }
        let happened = record.describe(&entry.event, None);
        record.apply(&entry.event);
        steps.push(step(entry, happened, record.state()));
    }
    (steps, None)
}

fn step<E>(entry: &Entry<E>, happened: String, state: String) -> Step {
    let Millis(at) = entry.at;
    Step { entry: entry.position, at, happened, state }
}
