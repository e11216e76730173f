//! `tributary client budget begin`: a budget has a first use, which the owner of the data signs, and it never begins by itself.

use std::path::Path;

use tributary_certs::budget::{BudgetMark, sign_first_use, sign_owner_change};
use tributary_certs::enrolment::names;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_protocol::budget::{OwnerChange, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::log::LedgerId;
use tributary_protocol::round::{ParticipantEvent, Recorded};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;
use tributary_storage::journal::{Journal, read_whole};
use tributary_texts::{Said, budget as words};

use crate::budget::{BUDGET_FILE, bad_budget, begun_budget, judged, open_budget, private_budget};
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
    let entries = if path.exists() { read_whole(&path, LedgerId::BUDGET)?.0 } else { Vec::new() };
    let left = || ClientError::Said(words::begun_already(path.display(), config.display()));
    let folder = &settings.identity.folder;
    let known = BudgetMark::read(folder).map_err(ClientError::file)?;
    let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).map_err(ClientError::file)?;
    if !entries.is_empty() {
        // The mark is written last: a file with its beginning alone, and no mark, is what this very command left when it could not write on.
        if known.is_some() || !is_first_use(&entries, (&signing_key.verifying_key(), adopt)) {
            return Err(left());
        }
        open_budget(&settings, &policy.population)?;
        return Ok(begun(&path, &policy.population, adopt));
    }
    if known.is_some() && !adopt {
        return Err(ClientError::Said(words::file_missing(BudgetMark::path(folder).display(), path.display())));
    }
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
    let said = begun(&path, &population, adopt);
    journal.append(Millis(now_unix_ms), ParticipantEvent::BudgetBegun { population, salt, first })?;
    // Heads of earlier owners are this budget's as well.
    for change in mark.changes.iter().rev().cloned() {
        journal.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change })?;
    }
    journal.sync()?;
    mark.write(folder).map_err(ClientError::file)?;
    Ok(said)
}

/// Whether these are the first use of a budget by this key, and nothing else.
fn is_first_use(entries: &[Recorded<ParticipantEvent>], (own, adopt): (&VerifyingKey, bool)) -> bool {
    match entries {
        [Recorded { event: ParticipantEvent::BudgetBegun { first, .. }, .. }] => {
            first.signing_key == *own && first.adopts == adopt
        }
        _ => false,
    }
}

/// What is said of a budget that has begun.
fn begun(path: &Path, population: &str, adopt: bool) -> Vec<Said> {
    let next = match adopt {
        true => words::adopts_next(),
        false => words::keep_copies(),
    };
    vec![words::begins(path.display(), population), next]
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
    let folder = &settings.identity.folder;
    let mark = BudgetMark::read(folder).map_err(ClientError::file)?;
    // The mark is written last: where it is of the owner before, that very change may be in the file already.
    let behind = mark.as_ref().is_some_and(|mark| mark.owner == owner.verifying_key()) && record.owner() == Some(&to);
    let left = if behind { left_in(&events, (&owner.verifying_key(), &to)) } else { None };
    let sign = || sign_owner_change(&owner, record.population_digest.unwrap_or(Digest::ZERO), to.clone());
    let change = left.cloned().unwrap_or_else(sign);
    if left.is_none() && (record.owner() != Some(&change.from) || !record.admits_change(&change)) {
        return Err(ClientError::Said(words::does_not_pass(
            settings.state_dir.join(BUDGET_FILE).display(),
            key.display(),
            next.display(),
        )));
    }
    let mut mark = mark.ok_or_else(|| ClientError::Said(words::mark_missing(folder.display())))?;
    if left.is_none() {
        file.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change: change.clone() })?;
        file.sync()?;
    }
    mark.owner = to;
    mark.changes.push(change);
    mark.write(folder).map_err(ClientError::file)?;
    Ok(vec![words::owner_changed(record.population.unwrap_or_default()), words::owner_next()])
}

/// The last change of a file, if it is from this owner to that one.
fn left_in<'a>(events: &'a [ParticipantEvent], (from, to): (&VerifyingKey, &VerifyingKey)) -> Option<&'a OwnerChange> {
    let last = events.iter().rev().find_map(|event| match event {
        ParticipantEvent::OwnerChanged { change } => Some(change),
        _ => None,
    });
    last.filter(|change| change.from == *from && change.to == *to)
}

#[cfg(test)]
mod tests;
