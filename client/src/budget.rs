//! A branch's budget: its file, which never begins by itself. What the file says is reported in `budget/report.rs`.

mod report;

use tributary_certs::budget::BudgetMark;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::suite::RealSuite;
use tributary_journal::Journal;
use tributary_protocol::budget::population_digest;
use tributary_protocol::round::ParticipantEvent;

pub use self::report::{BranchBudget, Budget, PlanBudget, RoundCounts};
use crate::error::ClientError;
use crate::settings::Settings;

/// Name of the budget file in the state directory.
pub const BUDGET_FILE: &str = "budget.ledger";

/// Opens the budget file and reads its events. It never begins by itself.
///
/// # Errors
/// If the file is not there or was not begun by its owner, cannot be used, or belongs to another population.
pub(crate) fn open_budget(
    settings: &Settings,
    population: &str,
) -> Result<(Journal<ParticipantEvent>, Vec<ParticipantEvent>), ClientError> {
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
    // Without the mark a deleted file could be begun anew.
    let folder = &settings.identity.folder;
    if BudgetMark::read(folder).map_err(ClientError::file)?.is_none() {
        let mark = BudgetMark { population: first.population, salt: *salt, owner };
        mark.write(folder).map_err(ClientError::file)?;
    }
    Ok((journal, events))
}
