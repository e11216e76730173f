//! Tokens for many branches at once, from a list that a spreadsheet can write.
//!
//! ```text
//! organisation,id
//! north-bank,branch-01
//! north-bank,branch-02
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::members::{TokenRequest, make_token, revoked_members};
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
/// [`EnrolmentError::Batch`] with the faults of the list by line; then nothing was made. Otherwise as [`make_token`].
pub fn make_tokens(
    folder: &Path,
    list: &str,
    terms: &BatchTerms<'_>,
    out: &Path,
    now: u64,
) -> Result<Vec<(Identity, PathBuf)>, EnrolmentError> {
    let wanted = judged(folder, list, terms, out)?;
    for (identity, bundle) in &wanted {
        tributary_storage::files::create_private_folder(bundle.parent().unwrap_or(out))?;
        let request = TokenRequest {
            organisation: identity.organisation(),
            id: identity.id(),
            coordinator_address: terms.coordinator_address,
            hours: terms.hours,
            approval: terms.approval,
            again: terms.again,
        };
        make_token(folder, &request, bundle, now)?;
    }
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
mod tests {
    use super::*;
    use crate::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator};
    use crate::identity::TrustDomain;
    use crate::office::Bundle;

    const NOW: u64 = 1_900_000_000;
    const TERMS: BatchTerms<'_> =
        BatchTerms { coordinator_address: "fl.bank.example:7443", hours: 24, approval: true, again: false };

    fn authority() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        init_authority(&ca, &TrustDomain::parse("bank.example").unwrap(), 1, 1, NOW).unwrap();
        let hosts = ["fl.bank.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "main", host_names: &hosts, addresses: &[] };
        issue_coordinator(&ca, &request, &folder.path().join("coordinator"), NOW).unwrap();
        issue_client(&ca, "north-bank", "branch-00", &folder.path().join("branch-00"), NOW).unwrap();
        folder
    }

    #[test]
    fn each_line_has_a_bundle_of_its_own() {
        let folder = authority();
        let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
        let list = "\u{feff}organisation,id\r\nnorth-bank,branch-01\r\n\r\nsouth-bank , branch-01\r\n";
        let made = make_tokens(&ca, list, &TERMS, &out, NOW).unwrap();
        let names: Vec<String> = made.iter().map(|(identity, _)| identity.to_string()).collect();
        assert_eq!(
            names,
            ["north-bank", "south-bank"].map(|org| format!("spiffe://bank.example/{org}/client/branch-01"))
        );
        let tokens: Vec<Vec<u8>> = made
            .iter()
            .map(|(identity, bundle)| {
                let bundle = Bundle::read(bundle).unwrap();
                assert_eq!(&bundle.identity, identity);
                bundle.token.expose().as_bytes().to_vec()
            })
            .collect();
        assert_ne!(tokens[0], tokens[1]);
    }

    #[test]
    fn a_list_with_a_fault_makes_nothing_and_every_fault_is_told() {
        let folder = authority();
        let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
        let before = std::fs::read(ca.join("tokens")).ok();
        let list = "organisation,id\nnorth-bank,branch-01\nnorth-bank;branch-02\nnorth-bank,Branch 3\nnorth-bank,branch-01\nnorth-bank,branch-00\n";
        let refused = make_tokens(&ca, list, &TERMS, &out, NOW).unwrap_err().to_string();
        for part in ["line 3: an organisation", "line 4: ", "line 5: ", "twice", "line 6: ", "enrolled already"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        assert!(!out.exists() && std::fs::read(ca.join("tokens")).ok() == before);
        for (bad, part) in [("north-bank,branch-01\n", "line 1"), ("", "line 1"), ("organisation,id\n", "no branch")] {
            let refused = make_tokens(&ca, bad, &TERMS, &out, NOW).unwrap_err().to_string();
            assert!(refused.contains(part), "{refused}");
        }
    }
}
