//! Plans that wait for the owner's answer: each was offered to this branch with signatures that count, and is not granted.
//!
//! ```text
//! STATE/inbox/9f86...request    the plan, who put it forward and who approved it
//! ```

use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_certs::clock::unix_seconds;
use tributary_certs::grant::{GrantAsked, read_request, write_request};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, Plan};
use tributary_storage::files::{FileError, create_private_folder, shown};

use crate::error::ClientError;
use crate::settings::Settings;

const FOLDER: &str = "inbox";
const REQUEST: &str = "request";

/// Plans that may wait; more are only told of.
const WAITING_MAX: usize = 64;

/// The folder.
pub(crate) struct OwnersInbox(PathBuf);

impl OwnersInbox {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self(settings.state_dir.join(FOLDER))
    }

    fn path(&self, plan: &Digest) -> PathBuf {
        self.0.join(format!("{plan}.{REQUEST}"))
    }

    /// A plan waits for the owner. A fault is said, and ends nothing: the branch's screen tells of the plan as well.
    pub(crate) fn asked(&self, plan: &Plan, approvals: &Approvals) {
        if let Err(fault) = self.put(plan, approvals) {
            tracing::error!(%fault, "a plan that waits for the owner could not be put into the inbox");
        }
    }

    fn put(&self, plan: &Plan, approvals: &Approvals) -> Result<(), FileError> {
        let digest = plan.digest();
        let path = self.path(&digest);
        if path.exists() {
            if one(&path, &digest).is_ok() {
                return Ok(());
            }
            // Another release wrote it, or somebody else did.
            remove(&path);
        }
        // What nobody answered makes room.
        let now = unix_seconds();
        let (standing, over): (Vec<_>, Vec<_>) =
            read(&self.0).flatten().partition(|(_, asked)| asked.plan.schedule.not_after >= now);
        over.iter().for_each(|(path, _)| remove(path));
        if standing.len() >= WAITING_MAX {
            tracing::warn!("{WAITING_MAX} plans wait for the owner already; this one is in the log alone");
            return Ok(());
        }
        create_private_folder(&self.0)?;
        let asked = GrantAsked { plan: plan.clone(), approvals: approvals.clone(), since: now };
        write_request(&asked, &path)
    }

    /// A plan is granted.
    pub(crate) fn answered(&self, plan: &Digest) {
        let path = self.path(plan);
        if path.exists() {
            remove(&path);
        }
    }
}

fn remove(path: &Path) {
    if let Err(fault) = std::fs::remove_file(path) {
        tracing::warn!(path = %shown(path), %fault, "a plan that waits no more could not be taken out of the inbox");
    }
}

/// What waits, and what lies there and cannot be read.
fn read(folder: &Path) -> impl Iterator<Item = Result<(PathBuf, GrantAsked), FileError>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|found| found == REQUEST)).collect();
    paths.sort_unstable();
    paths.into_iter().map(|path| read_request(&path).map(|asked| (path, asked)))
}

/// The plan of this digest. A file holds what its name says: an owner who reads one plan and grants the digest of another has granted what nobody read.
fn one(path: &Path, plan: &Digest) -> Result<GrantAsked, FileError> {
    let asked = read_request(path)?;
    if asked.plan.digest() == *plan { Ok(asked) } else { Err(FileError::content(path, "plan that its name says")) }
}

/// A plan that waits for the owner, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedLine {
    /// Digest of the plan.
    pub plan: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Who put it forward.
    pub proposer: String,
    /// Who approved it.
    pub approver: String,
    /// Most runs.
    pub runs: u32,
    /// Since when it waits, in Unix seconds.
    pub since: u64,
    /// The last second at which one of its runs may begin: an answer after it changes nothing.
    pub until: u64,
}

/// What waits for the owner of a settings file's branch, the one that ends first before the others.
///
/// # Errors
/// If the settings or a file of the inbox cannot be used.
pub fn waiting(config: &Path, now: u64) -> Result<Vec<AskedLine>, ClientError> {
    let inbox = OwnersInbox::of(&Settings::load(config)?);
    let all: Vec<_> = read(&inbox.0).collect::<Result<_, _>>().map_err(ClientError::file)?;
    let standing = all.into_iter().map(|(_, asked)| asked).filter(|asked| asked.plan.schedule.not_after >= now);
    let line = |GrantAsked { plan, approvals, since }: GrantAsked| AskedLine {
        plan: plan.digest().to_string(),
        name: plan.name.to_string(),
        purpose: plan.purpose.to_string(),
        proposer: approvals.proposal.staff.to_string(),
        approver: approvals.approval.staff.to_string(),
        runs: plan.runs,
        since,
        until: plan.schedule.not_after,
    };
    let mut lines: Vec<AskedLine> = standing.map(line).collect();
    lines.sort_by(|one, other| (one.until, &one.plan).cmp(&(other.until, &other.plan)));
    Ok(lines)
}

/// One plan that waits, whole, with the signatures of its two people.
///
/// # Errors
/// If the settings cannot be used, or it does not wait.
pub fn asked_plan(config: &Path, plan: &Digest) -> Result<(Plan, Approvals), ClientError> {
    let inbox = OwnersInbox::of(&Settings::load(config)?);
    let GrantAsked { plan, approvals, .. } = one(&inbox.path(plan), plan).map_err(ClientError::file)?;
    Ok((plan, approvals))
}

#[cfg(test)]
mod tests {
    use tributary_protocol::round::cast;

    use super::*;

    #[test]
    fn a_file_that_is_no_request_hides_no_plan_and_another_plan_is_never_shown_for_one() {
        let state = tempfile::tempdir().unwrap();
        let inbox = OwnersInbox(state.path().join(FOLDER));
        let plan = cast::plan();
        let other = Plan { runs: plan.runs + 1, ..plan.clone() };
        let (digest, approvals) = (plan.digest(), cast::approvals(&plan));
        create_private_folder(&inbox.0).unwrap();
        std::fs::write(inbox.0.join("old.request"), "of another release").unwrap();
        inbox.put(&plan, &approvals).unwrap();
        assert_eq!(one(&inbox.path(&digest), &digest).unwrap().plan, plan);
        // Somebody puts another plan in its place: the owner would read one and grant the other.
        std::fs::remove_file(inbox.path(&digest)).unwrap();
        let asked = GrantAsked { plan: other, approvals: approvals.clone(), since: 0 };
        write_request(&asked, &inbox.path(&digest)).unwrap();
        assert!(one(&inbox.path(&digest), &digest).unwrap_err().to_string().contains("plan that its name says"));
        inbox.put(&plan, &approvals).unwrap();
        assert_eq!(
            one(&inbox.path(&digest), &digest).unwrap().plan,
            plan,
            "it is put right as soon as it is offered again"
        );
    }
}
