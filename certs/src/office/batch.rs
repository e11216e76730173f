//! Tokens for many branches at once, from a list that a spreadsheet can write.
//!
//! ```text
//! organisation,id
//! north-bank,branch-01
//! north-bank,branch-02
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::members::{TokenRequest, make_known_token, revoked_members, withdraw_tokens};
use crate::attempt::Attempt;
use crate::enrolment::{EnrolmentError, open_authority, read_members};
use crate::identity::{Identity, Role};

/// Most branches of one list.
pub const BATCH_MAX: usize = 10_000;

const HEADER: &str = "organisation,id";

/// Faults that are told at once.
const FAULTS_TOLD: usize = 20;

/// What all tokens of a list have in common.
#[derive(Clone, Copy, Debug)]
pub struct BatchTerms<'a> {
    /// Where the coordinator answers, as `HOST:PORT`.
    pub coordinator_address: &'a str,
    /// Their life in hours.
    pub hours: u64,
    /// Whether a person must approve the fingerprint of each branch's keys.
    pub approval: bool,
    /// Whether they start enrolled or revoked members anew.
    pub again: bool,
}

/// Makes a token for each line of a list, and writes the bundles to `out/ORGANISATION/ID.bundle`. Gives each identity with its bundle.
///
/// # Errors
/// [`EnrolmentError::Batch`] with the faults of the list by line; then nothing was made. Otherwise as [`super::make_token`]; no bundle and no token of this
/// attempt is left then, so that the same list can be used again. [`EnrolmentError::TokensLeft`] if they cannot be taken back.
pub fn make_tokens(
    folder: &Path,
    list: &str,
    terms: &BatchTerms<'_>,
    out: &Path,
    now: u64,
) -> Result<Vec<(Identity, PathBuf)>, EnrolmentError> {
    let wanted = judged(folder, list, terms, out)?;
    let (mut attempt, mut made) = (Attempt::default(), Vec::new());
    let mut make = |identity: &Identity, bundle: &PathBuf| {
        tributary_storage::files::create_private_folder(bundle.parent().unwrap_or(out))?;
        let request = TokenRequest {
            organisation: identity.organisation(),
            id: identity.id(),
            coordinator_address: terms.coordinator_address,
            hours: terms.hours,
            approval: terms.approval,
            again: terms.again,
        };
        attempt.makes(bundle.clone(), |bundle| {
            made.push(make_known_token(folder, &request, bundle, now)?.1);
            Ok::<_, EnrolmentError>(())
        })
    };
    if let Err(told) = wanted.iter().try_for_each(|(identity, bundle)| make(identity, bundle)) {
        return Err(if made.is_empty() { told } else { withdraw_tokens(folder, &made, told, now) });
    }
    attempt.went_well();
    Ok(wanted)
}

/// Every line's identity and bundle, if all of them can be made.
fn judged(
    folder: &Path,
    list: &str,
    terms: &BatchTerms<'_>,
    out: &Path,
) -> Result<Vec<(Identity, PathBuf)>, EnrolmentError> {
    let domain = open_authority(folder)?.trust_domain().clone();
    let members: BTreeSet<Identity> = read_members(folder)?.into_iter().map(|member| member.identity).collect();
    let revoked = revoked_members(folder)?;
    let mut faults = Vec::new();
    let mut wanted: Vec<(Identity, PathBuf)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines = list.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1_usize..);
    let header = lines.find(|(line, _)| !line.is_empty());
    if header.is_none_or(|(line, _)| line != HEADER) {
        faults.push(format!("line 1: the first line must be \"{HEADER}\""));
    }
    for (line, number) in lines.filter(|(line, _)| !line.is_empty()) {
        let mut refuse = |what: String| faults.push(format!("line {number}: {what}"));
        let Some((organisation, id)) = line.split_once(',').map(|(first, second)| (first.trim(), second.trim())) else {
            refuse("an organisation and an id, with a comma between, are needed".to_owned());
            continue;
        };
        let identity = match Identity::new(domain.clone(), organisation, Role::Client, id) {
            Ok(identity) => identity,
            Err(error) => {
                refuse(error.to_string());
                continue;
            }
        };
        let bundle = out.join(organisation).join(format!("{id}.bundle"));
        if !seen.insert(identity.clone()) {
            refuse(format!("{identity} is in the list twice"));
        } else if !terms.again && members.contains(&identity) {
            refuse(format!("{identity} is enrolled already; with --again it would start anew"));
        } else if !terms.again && revoked.contains(&identity) {
            refuse(format!("{identity} was revoked; with --again it would start anew"));
        } else if bundle.symlink_metadata().is_ok() {
            refuse(format!("{} is there already; a bundle is never replaced", bundle.display()));
        } else {
            wanted.push((identity, bundle));
        }
    }
    if faults.is_empty() && wanted.is_empty() {
        faults.push("the list names no branch".to_owned());
    }
    if seen.len() > BATCH_MAX {
        faults.push(format!("the list names more than {BATCH_MAX} branches"));
    }
    if faults.is_empty() { Ok(wanted) } else { Err(EnrolmentError::Batch { faults: told(faults) }) }
}

fn told(mut faults: Vec<String>) -> String {
    let more = faults.len().saturating_sub(FAULTS_TOLD);
    faults.truncate(FAULTS_TOLD);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    faults.join("\n  ")
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
