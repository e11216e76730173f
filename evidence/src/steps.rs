//! A ledger event by event: what happened, in words, and the state after it.

use serde::Serialize;
use tributary_protocol::budget::Kept;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{RegistryEvent, RegistryRecord};
use tributary_protocol::round::{BudgetRecord, CoordinatorEvent, OutOfOrder, ParticipantEvent, RunRecord};
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
    let heads = ledgers == [LedgerId::ADMINISTRATION] && decode::<Kept>(&scan, LedgerId::ADMINISTRATION).is_ok();
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

/// Replays the events of one ledger; `follow` judges one, applies it, and says what happened and what the state is then.
fn replayed<R: Default, E>(
    entries: &[Entry<E>],
    follow: impl Fn(&mut R, &E) -> Result<[String; 2], OutOfOrder>,
) -> (Vec<Step>, Option<Bad>) {
    let (mut record, mut steps) = (R::default(), Vec::with_capacity(entries.len()));
    for entry in entries {
        let Millis(at) = entry.at;
        match follow(&mut record, &entry.event) {
            Ok([happened, state]) => steps.push(Step { entry: entry.position, at, happened, state }),
            Err(fault) => return (steps, Some(entry.bad(fault))),
        }
    }
    (steps, None)
}

fn of_run(entries: &[Entry<CoordinatorEvent>]) -> (Vec<Step>, Option<Bad>) {
    replayed(entries, |record: &mut RunRecord, event| {
        record.check(event)?;
        let happened = record.describe(event);
        record.apply(event);
        Ok([happened, record.state()])
    })
}

fn of_registry(entries: &[Entry<RegistryEvent>]) -> (Vec<Step>, Option<Bad>) {
    replayed(entries, |record: &mut RegistryRecord, event| {
        record.check(event)?;
        let happened = record.describe(event);
        record.apply(event);
        Ok([happened, record.state()])
    })
}

fn of_budget(entries: &[Entry<ParticipantEvent>]) -> (Vec<Step>, Option<Bad>) {
    replayed(entries, |record: &mut BudgetRecord, event| {
        record.check(event)?;
        let happened = record.describe(event, None);
        record.apply(event);
        Ok([happened, record.state()])
    })
}
