//! A branch's budget: its file, which never begins by itself. What the file says is reported in `budget/report.rs`.

mod report;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use tributary_certs::budget::BudgetMark;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::state::judge_state;
use tributary_certs::suite::RealSuite;
use tributary_protocol::budget::OwnerChange;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::round::{BudgetFault, BudgetRecord, ParticipantEvent};
use tributary_protocol::time::Millis;
use tributary_storage::journal::{Journal, JournalError, read_whole};
use tributary_texts::{Said, budget as words};

pub use self::report::{BranchBudget, Budget, CapRaiseNote, Fall, PlanBudget, RunBudget, StageBudget, YearBudget};
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
    let failed = |fault: std::io::Error| ClientError::Said(words::of_file(path.display(), fault));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(fault)) => Err(failed(fault)),
        Err(TryLockError::WouldBlock) => Err(ClientError::Said(words::held_by_another(path.display()))),
    }
}

/// Judges the state folder and the budget file in it: both are this process's user's, and nobody else's business. What is absent is good.
///
/// # Errors
/// If others may use them, or one of them is no folder or no file; with the command that mends it.
pub(crate) fn private_budget(settings: &Settings) -> Result<(), ClientError> {
    judge_state(&settings.state_dir, &[BUDGET_FILE]).map_err(ClientError::file)
}

/// Opens the budget file and reads its events. It never begins by itself. Says nothing about its owner.
///
/// # Errors
/// If the file is not there, was not begun, or cannot be used; if anybody else may use it or its folder.
pub(crate) fn begun_budget(settings: &Settings) -> Result<(BudgetFile, Vec<ParticipantEvent>), ClientError> {
    private_budget(settings)?;
    let path = settings.state_dir.join(BUDGET_FILE);
    if !path.exists() {
        return Err(absent(&path, words::no_file()));
    }
    let identity = hold(&settings.identity.folder)?;
    let (journal, recorded) = Journal::open(&path, LedgerId::BUDGET)?;
    if let Some(torn) = journal.torn() {
        tracing::warn!("{torn}");
    }
    let events: Vec<ParticipantEvent> = recorded.into_iter().map(|recorded| recorded.event).collect();
    if !matches!(events.first(), Some(ParticipantEvent::BudgetBegun { .. })) {
        return Err(absent(&path, words::never_begun()));
    }
    Ok((BudgetFile { journal, _identity: identity }, events))
}

/// The state after these events: each may follow those before it, its owner began the budget, and each change of owner is signed by the one
/// before.
///
/// # Errors
/// The first entry that breaks a rule.
pub(crate) fn judged(events: &[ParticipantEvent]) -> Result<BudgetRecord, BudgetFault> {
    let mut record = BudgetRecord::default();
    for (entry, event) in (0..).zip(events) {
        record.verify::<RealSuite>(event, None).map_err(|rule| BudgetFault { entry, rule })?;
        record.apply(event);
    }
    Ok(record)
}

/// A budget file from which nothing is spent, because an entry of it breaks a rule.
pub(crate) fn bad_budget(settings: &Settings, fault: &BudgetFault) -> ClientError {
    ClientError::Said(words::of_file(settings.state_dir.join(BUDGET_FILE).display(), fault))
}

/// Opens the budget file and reads its events, if the policy's owner owns it.
///
/// # Errors
/// As [`begun_budget`]; if the budget is another owner's, another population's or another identity's.
pub(crate) fn open_budget(
    settings: &Settings,
    population: &str,
) -> Result<(BudgetFile, Vec<ParticipantEvent>), ClientError> {
    let (file, events) = begun_budget(settings)?;
    if let (_, Some(mark)) = judge_budget(settings, population, &events)? {
        mark.write(&settings.identity.folder).map_err(ClientError::file)?;
    }
    Ok((file, events))
}

/// As [`open_budget`] would judge the file, but nothing is changed and nobody is kept out; gives its counter.
///
/// # Errors
/// As [`open_budget`].
pub(crate) fn check_budget(settings: &Settings, population: &str) -> Result<u64, ClientError> {
    private_budget(settings)?;
    let path = settings.state_dir.join(BUDGET_FILE);
    if !path.exists() {
        return Err(absent(&path, words::no_file()));
    }
    // A torn tail is no fault: the daemon cuts it off, and says so.
    let (recorded, _) = read_whole::<ParticipantEvent>(&path, LedgerId::BUDGET)?;
    let events: Vec<ParticipantEvent> = recorded.into_iter().map(|recorded| recorded.event).collect();
    Ok(judge_budget(settings, population, &events)?.0.counter)
}

/// Grants that the budget has recorded as withdrawn: they never count again.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn withdrawn(settings: &Settings) -> Result<BTreeSet<Digest>, ClientError> {
    let path = settings.state_dir.join(BUDGET_FILE);
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let (recorded, _) = read_whole::<ParticipantEvent>(&path, LedgerId::BUDGET)?;
    let mut record = BudgetRecord::default();
    recorded.iter().for_each(|recorded| record.apply(&recorded.event));
    Ok(record.withdrawn)
}

fn absent(path: &Path, what: Said) -> ClientError {
    ClientError::Said(words::absent(path.display(), what))
}

/// Whether the policy's owner owns the budget of these events, and this identity: what they come to, and the mark that the identity's folder
/// lacks, if any.
fn judge_budget(
    settings: &Settings,
    population: &str,
    events: &[ParticipantEvent],
) -> Result<(BudgetRecord, Option<BudgetMark>), ClientError> {
    let path = settings.state_dir.join(BUDGET_FILE);
    let Some(ParticipantEvent::BudgetBegun { population: known, salt, first }) = events.first() else {
        return Err(absent(&path, words::never_begun()));
    };
    if known != population {
        return Err(ClientError::Said(words::two_populations(path.display(), known, population)));
    }
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let record = judged(events).map_err(|fault| bad_budget(settings, &fault))?;
    if record.owner() != Some(&owner) {
        return Err(ClientError::Said(words::not_policys_owner(path.display(), settings.policy_owner.display())));
    }
    let folder = &settings.identity.folder;
    match BudgetMark::read(folder).map_err(ClientError::file)? {
        Some(mark) if mark.population != first.population => {
            Err(ClientError::Said(words::of_another_identity(path.display(), BudgetMark::path(folder).display())))
        }
        Some(mark) if !record.was_owned_by(&mark.owner) => {
            Err(ClientError::Said(words::of_another_owner_by_mark(path.display(), BudgetMark::path(folder).display())))
        }
        Some(mark) if mark.owner == owner => Ok((record, None)),
        // Without the mark a deleted file could be begun anew; with an old one, by an earlier owner.
        _ => {
            let changes = events.iter().filter_map(|event| match event {
                ParticipantEvent::OwnerChanged { change } => Some(change.clone()),
                _ => None,
            });
            let mut changes: Vec<OwnerChange> = changes.collect();
            changes.sort_by_key(|change| record.owners().iter().position(|owner| *owner == change.from));
            Ok((record, Some(BudgetMark { population: first.population, salt: *salt, owner, changes })))
        }
    }
}
