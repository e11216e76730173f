//! A branch's budget: its file, which never begins by itself. What the file says is reported in `budget/report.rs`.

mod report;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use tributary_certs::budget::BudgetMark;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::suite::RealSuite;
use tributary_journal::{Journal, JournalError};
use tributary_protocol::budget::population_digest;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;

pub use self::report::{BranchBudget, Budget, PlanBudget, RoundCounts};
use crate::error::ClientError;
use crate::settings::Settings;

/// Name of the budget file in the state directory.
pub const BUDGET_FILE: &str = "budget.ledger";

/// Locked in the identity's folder as long as a daemon spends: two state folders of one identity would each forget what the other spends.
const LOCK: &str = "budget.lock";

/// The open budget file of an identity that spends from no other one meanwhile.
pub(crate) struct BudgetFile {
    journal: Journal<ParticipantEvent>,
    _identity: File,
}

impl BudgetFile {
    /// Appends an event.
    ///
    /// # Errors
    /// [`JournalError`]; the caller must end the process.
    pub(crate) fn append(&mut self, at: Millis, event: ParticipantEvent) -> Result<(), JournalError> {
        self.journal.append(at, event)
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// [`JournalError`]; the caller must end the process.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.journal.sync()
    }
}

fn hold(identity: &Path) -> Result<File, ClientError> {
    let path = identity.join(LOCK);
    let failed = |fault: std::io::Error| ClientError::File(format!("{}: {fault}", path.display()));
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(fault)) => Err(failed(fault)),
        Err(TryLockError::WouldBlock) => Err(ClientError::File(format!(
            "{}: another daemon spends under this identity, from a budget file of its own; one customer's budget has one file: stop that daemon, or \
             this one's settings name the wrong identity",
            path.display()
        ))),
    }
}

/// Opens the budget file and reads its events. It never begins by itself.
///
/// # Errors
/// If the file is not there or was not begun by its owner, cannot be used, or belongs to another population.
pub(crate) fn open_budget(
    settings: &Settings,
    population: &str,
) -> Result<(BudgetFile, Vec<ParticipantEvent>), ClientError> {
    let path = settings.state_dir.join(BUDGET_FILE);
    let absent = |what: &str| {
        ClientError::File(format!(
            "{}: {what}. Nothing is spent without it. Has this branch taken part before, put the newest copy back, or let the coordinator show what \
             was spent: `tributary client budget begin --adopt`. Is this its first use, have the owner of the data begin it: \
             `tributary client budget begin --config CLIENT.TOML --key OWNER.KEY`",
            path.display()
        ))
    };
    if !path.exists() {
        return Err(absent("there is no budget file"));
    }
    let identity = hold(&settings.identity.folder)?;
    let (journal, recorded) = Journal::open(&path)?;
    let events: Vec<ParticipantEvent> = recorded.into_iter().map(|recorded| recorded.event).collect();
    let Some(ParticipantEvent::BudgetBegun { population: known, salt, first }) = events.first() else {
        return Err(absent("this budget was never begun"));
    };
    if known != population {
        return Err(ClientError::File(format!(
            "{}: this budget belongs to the population \"{known}\" and the policy names \"{population}\"; two populations have two budgets: \
             give the other one a state_dir and an identity of its own, or correct the policy and have it signed",
            path.display()
        )));
    }
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    if !first.is_signed::<RealSuite>() || first.population != population_digest(salt, known) || first.owner != owner {
        return Err(ClientError::File(format!(
            "{}: the first use of this budget is not signed by the policy's owner ({}), so nothing is spent from it; put the owner's public key \
             back, or move the file away and let its new owner begin one that adopts what was spent: `tributary client budget begin --adopt`",
            path.display(),
            settings.policy_owner.display()
        )));
    }
    let folder = &settings.identity.folder;
    match BudgetMark::read(folder).map_err(ClientError::file)? {
        Some(mark) if mark.population != first.population => {
            return Err(ClientError::File(format!(
                "{}: this is the budget of another identity, or of another population: this identity's own left the mark {}. Nothing is spent \
                 from it; put this branch's own file back",
                path.display(),
                BudgetMark::path(folder).display()
            )));
        }
        Some(_) => {}
        // Without the mark a deleted file could be begun anew.
        None => {
            let mark = BudgetMark { population: first.population, salt: *salt, owner };
            mark.write(folder).map_err(ClientError::file)?;
        }
    }
    Ok((BudgetFile { journal, _identity: identity }, events))
}
