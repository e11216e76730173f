//! The plans that were activated here, as folders of the state: `plans/DIGEST/{plan, schema}`. Whoever carries a signed plan here puts it there
//! (`tributary plan activate`), and the daemon takes it up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tributary_certs::clock::unix_seconds;
use tributary_protocol::digest::Digest;
use tributary_settings::Fault;
use tributary_storage::files::{self, Existing, FileError, shown};

use crate::inbox::AGAIN_SECONDS;
use crate::run::job::Job;
use crate::settings::PlanFiles;

/// The folder of plans in a state folder.
pub(crate) const PLANS: &str = "plans";
const PLAN: &str = "plan";
const SCHEMA: &str = "schema";

/// Plans that are read, at most: a folder with more has others' files in it.
const PLANS_MAX: usize = 1_000;

/// The folder, and what was handed on of it.
pub(crate) struct PlansFolder {
    folder: PathBuf,
    /// By the plan's digest, when its file was written last.
    seen: BTreeMap<Digest, Option<SystemTime>>,
    /// Plans that cannot be served, what was said of each, and the Unix second from which it is tried again.
    faulty: BTreeMap<Digest, (String, u64)>,
}

impl PlansFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self { folder: state_dir.join(PLANS), seen: BTreeMap::new(), faulty: BTreeMap::new() }
    }

    /// Plans that have come, or were signed by others, since the last look. One that cannot be served is named once for each fault, and tried again
    /// now and then: the disk may have failed, and not the plan.
    pub(crate) fn new_ones(&mut self, now: u64) -> Vec<Job> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let digest_of = |entry: std::fs::DirEntry| Digest::from_hex(entry.file_name().to_str()?);
        let mut digests: Vec<Digest> = entries.flatten().filter_map(digest_of).take(PLANS_MAX).collect();
        digests.sort_unstable();
        let mut jobs = Vec::new();
        for digest in digests {
            let files = files_of(&self.folder, &digest);
            let written = std::fs::metadata(&files.file).and_then(|found| found.modified()).ok();
            let is_seen = self.seen.get(&digest) == Some(&written);
            let is_due = self.faulty.get(&digest).is_some_and(|(_, again)| *again <= now);
            if written.is_none() || is_seen && !is_due {
                continue;
            }
            self.seen.insert(digest, written);
            match open(&files, &digest) {
                Ok(job) => {
                    self.faulty.remove(&digest);
                    jobs.push(job);
                }
                Err(fault) => {
                    if self.faulty.get(&digest).is_none_or(|(said, _)| *said != fault) {
                        tracing::error!(plan = %digest, fault, "an activated plan cannot be served");
                    }
                    self.faulty.insert(digest, (fault, now.saturating_add(AGAIN_SECONDS)));
                }
            }
        }
        jobs
    }
}

fn open(files: &PlanFiles, digest: &Digest) -> Result<Job, String> {
    let job =
        Job::open(files).map_err(|Fault { found, allowed, .. }| format!("found {found}; allowed is {allowed}"))?;
    let found = job.plan().digest();
    if found == *digest { Ok(job) } else { Err(format!("the folder of this plan holds the plan {found}")) }
}

fn files_of(plans: &Path, digest: &Digest) -> PlanFiles {
    let folder = plans.join(digest.to_string());
    PlanFiles { file: folder.join(PLAN), schema: folder.join(SCHEMA) }
}

/// What stands in a state folder.
pub(crate) fn activated(state_dir: &Path) -> Vec<Job> {
    PlansFolder::of(state_dir).new_ones(unix_seconds())
}

/// Puts a signed plan that was carried here into the coordinator's state, with its schema. Whether its signatures count, the signed roster says. A plan
/// that is there already may be shown with other signatures.
///
/// # Errors
/// If it cannot be served; then nothing has changed.
pub fn activate_plan(state_dir: &Path, files: &PlanFiles) -> Result<Digest, Fault> {
    let digest = Job::open(files)?.plan().digest();
    let fault = |path: &Path, error: &dyn std::error::Error| Fault {
        key: "state_dir".into(),
        found: format!("{}: {error}", shown(path)),
        allowed: "a state folder that this user may write".into(),
    };
    let plans = state_dir.join(PLANS);
    let to = files_of(&plans, &digest);
    let put = |from: &Path, to: &Path| -> Result<(), Fault> {
        let bytes = std::fs::read(from).map_err(|error| fault(from, &error))?;
        files::write_private(to, &bytes, Existing::Replace).map_err(|error| fault(to, &error))
    };
    let make = |folder: &Path| files::create_private_folder(folder).map_err(|error: FileError| fault(folder, &error));
    make(state_dir)?;
    make(&plans)?;
    make(&plans.join(digest.to_string()))?;
    // The plan comes last: without it the folder is none.
    put(&files.schema, &to.schema)?;
    put(&files.file, &to.file)?;
    Ok(digest)
}
