//! `tributary client budget begin`: a budget has a first use, which the owner of the data signs, and it never begins by itself.

use std::path::Path;

use tributary_certs::budget::{BudgetMark, sign_first_use, sign_owner_change};
use tributary_certs::enrolment::names;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_protocol::budget::population_digest;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::log::LedgerId;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;
use tributary_storage::journal::{Journal, read_whole};
use tributary_texts::{Said, budget as words};

use crate::budget::{BUDGET_FILE, bad_budget, begun_budget, judged, private_budget};
use crate::error::ClientError;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Makes the budget file of a branch, with the owner's signature as its first entry. With `adopt` the file takes the place of a lost one: it is
/// good for nothing before it has adopted the newest head that the coordinator shows.
///
/// # Errors
/// If a file is there, if this identity has begun a budget before and `adopt` is not asked for, or if the key is not the policy's owner's.
pub fn begin_budget(config: &Path, key: &Path, adopt: bool, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    private_budget(&settings)?;
    let policy = BranchPolicy::owned(&settings)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    if read_verifying_key(&settings.policy_owner).map_err(ClientError::file)? != owner.verifying_key() {
        return Err(ClientError::Said(words::not_owners_key(key.display(), settings.policy_owner.display())));
    }
    let path = settings.state_dir.join(BUDGET_FILE);
    // A crash of this very command leaves a file without an entry, in which nothing began.
    let begun = path.exists() && !read_whole::<ParticipantEvent>(&path, LedgerId::BUDGET)?.0.is_empty();
    let left = || ClientError::Said(words::begun_already(path.display(), config.display()));
    if begun {
        return Err(left());
    }
    let folder = &settings.identity.folder;
    let known = BudgetMark::read(folder).map_err(ClientError::file)?;
    if known.is_some() && !adopt {
        return Err(ClientError::Said(words::file_missing(BudgetMark::path(folder).display(), path.display())));
    }
    let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).map_err(ClientError::file)?;
    let population = policy.population;
    if known.as_ref().is_some_and(|mark| mark.owner != owner.verifying_key()) {
        return Err(ClientError::Said(words::of_another_owner(
            BudgetMark::path(folder).display(),
            settings.policy_owner.display(),
        )));
    }
    if known.as_ref().is_some_and(|mark| mark.population != population_digest(&mark.salt, &population)) {
        return Err(ClientError::Said(words::of_another_population(BudgetMark::path(folder).display(), &population)));
    }
    let salt = known.as_ref().map_or_else(|| OsEntropy.bytes32(), |mark| mark.salt);
    let changes = known.map(|mark| mark.changes).unwrap_or_default();
    let first = sign_first_use(&owner, (&population, &salt), signing_key.verifying_key(), adopt);
    let mark =
        BudgetMark { population: population_digest(&salt, &population), salt, owner: first.owner.clone(), changes };
    let (mut journal, recorded) = Journal::<ParticipantEvent>::open(&path, LedgerId::BUDGET)?;
    if !recorded.is_empty() {
        return Err(left());
    }
    if let Some(torn) = journal.torn() {
        tracing::warn!("{torn}");
    }
    let begins = words::begins(path.display(), &population);
    journal.append(Millis(now_unix_ms), ParticipantEvent::BudgetBegun { population, salt, first })?;
    // Heads of earlier owners are this budget's as well.
    for change in mark.changes.iter().rev().cloned() {
        journal.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change })?;
    }
    journal.sync()?;
    mark.write(folder).map_err(ClientError::file)?;
    let next = match adopt {
        true => words::adopts_next(),
        false => words::keep_copies(),
    };
    Ok(vec![begins, next])
}

/// Passes a branch's budget to another owner of the data: its owner's key signs the next one's public key, and the budget file and the identity
/// keep that. The next owner then signs the policy.
///
/// # Errors
/// If there is no budget file, the key is not its owner's, or the next owner has owned it before.
pub fn change_owner(config: &Path, key: &Path, next: &Path, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let to = read_verifying_key(next).map_err(ClientError::file)?;
    let (mut file, events) = begun_budget(&settings)?;
    let record = judged(&events).map_err(|fault| bad_budget(&settings, &fault))?;
    let change = sign_owner_change(&owner, record.population_digest.unwrap_or(Digest::ZERO), to.clone());
    if record.owner() != Some(&change.from) || !record.admits_change(&change) {
        return Err(ClientError::Said(words::does_not_pass(
            settings.state_dir.join(BUDGET_FILE).display(),
            key.display(),
            next.display(),
        )));
    }
    let folder = &settings.identity.folder;
    let mut mark = BudgetMark::read(folder)
        .map_err(ClientError::file)?
        .ok_or_else(|| ClientError::Said(words::mark_missing(folder.display())))?;
    file.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change: change.clone() })?;
    file.sync()?;
    mark.owner = to;
    mark.changes.push(change);
    mark.write(folder).map_err(ClientError::file)?;
    Ok(vec![words::owner_changed(record.population.unwrap_or_default()), words::owner_next()])
}

#[cfg(test)]
mod tests;
