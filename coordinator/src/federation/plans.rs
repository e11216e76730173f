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

/// Plans that are read, at most: of more the newest.
const PLANS_MAX: usize = 1_000;

/// The folder, and what was handed on of it.
pub(crate) struct PlansFolder {
    folder: PathBuf,
    /// By the plan's digest, when its file was written last.
    seen: BTreeMap<Digest, SystemTime>,
    /// Plans that cannot be served, what was said of each, and the Unix second from which it is tried again.
    faulty: BTreeMap<Digest, (String, u64)>,
    /// How many plans are not read, as the operator was told.
    left_out: usize,
}

impl PlansFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self { folder: state_dir.join(PLANS), seen: BTreeMap::new(), faulty: BTreeMap::new(), left_out: 0 }
    }

    /// Plans that have come, or were signed by others, since the last look. One that cannot be served is named once for each fault, and tried again
    /// now and then: the disk may have failed, and not the plan.
    pub(crate) fn new_ones(&mut self, now: u64) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (written, digest) in self.newest() {
            let files = files_of(&self.folder, &digest);
            let is_seen = self.seen.get(&digest) == Some(&written);
            let is_due = self.faulty.get(&digest).is_some_and(|(_, again)| *again <= now);
            if is_seen && !is_due {
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

    /// The plans that are read, and when each was written last: the newest, in the order of their digests.
    fn newest(&mut self) -> Vec<(SystemTime, Digest)> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let found = |entry: std::fs::DirEntry| {
            let digest = Digest::from_hex(entry.file_name().to_str()?)?;
            let written = std::fs::metadata(files_of(&self.folder, &digest).file).and_then(|found| found.modified());
            Some((written.ok()?, digest))
        };
        let mut plans: Vec<(SystemTime, Digest)> = entries.flatten().filter_map(found).collect();
        plans.sort_unstable_by(|one, other| other.cmp(one));
        let left_out = plans.len().saturating_sub(PLANS_MAX);
        if left_out > self.left_out {
            tracing::error!(
                folder = %self.folder.display(), left_out,
                "more than {PLANS_MAX} plans are activated, and the oldest are not served: move folders of plans that are over to another place"
            );
        }
        self.left_out = left_out;
        plans.truncate(PLANS_MAX);
        plans.sort_unstable_by_key(|(_, digest)| *digest);
        plans
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

/// The schema of a plan that was activated here.
pub(crate) fn schema_of(state_dir: &Path, plan: &Digest) -> PathBuf {
    files_of(&state_dir.join(PLANS), plan).schema
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

#[cfg(test)]
mod tests {
    use tributary_storage::faults::each_sync_fails_once;

    use super::*;
    use crate::enrolled::Federation;

    /// A plan is activated for good, or the person who activates it hears that it is not, and does it again.
    #[test]
    fn a_plan_that_cannot_be_put_here_is_told() {
        let federation = Federation::new(2);
        federation.settings(|text| text);
        let world = || tempfile::tempdir().unwrap();
        let failed = each_sync_fails_once(world, |dir| activate_plan(&dir.path().join("state"), &federation.plan()));
        assert_eq!(failed, 3 + 2 * 2);
    }

    fn names(jobs: &[Job]) -> Vec<String> {
        jobs.iter().map(|job| job.plan().name.to_string()).collect()
    }

    /// A plan is handed on when it comes and when its file is written anew; one that cannot be served is tried again now and then.
    #[test]
    fn each_plan_is_handed_on_once_and_a_faulty_one_is_tried_again() {
        let federation = Federation::new(2);
        federation.settings(|text| text);
        let state = federation.path("state");
        let digest = Job::open(&federation.plan()).unwrap().plan().digest();
        let own = files_of(&state.join(PLANS), &digest);
        assert_eq!((&own.schema, names(&activated(&state))), (&schema_of(&state, &digest), vec!["test".to_owned()]));
        let mut plans = PlansFolder::of(&state);
        assert_eq!(names(&plans.new_ones(1_000)), ["test"]);
        assert_eq!(names(&plans.new_ones(u64::MAX)), [""; 0], "once");
        let since = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_900_000_000);
        let touch = |seconds: u64| {
            let file = std::fs::File::options().write(true).open(&own.file).unwrap();
            file.set_modified(since + std::time::Duration::from_secs(seconds)).unwrap();
        };
        touch(1);
        assert_eq!(names(&plans.new_ones(1_000)), ["test"], "others have signed it");
        // Its schema is away for a while, and no file of it changes.
        let away = state.join("away");
        std::fs::rename(&own.schema, &away).unwrap();
        touch(2);
        assert_eq!(names(&plans.new_ones(1_000)), [""; 0]);
        std::fs::rename(&away, &own.schema).unwrap();
        assert_eq!(names(&plans.new_ones(1_000 + AGAIN_SECONDS - 1)), [""; 0]);
        assert_eq!(names(&plans.new_ones(1_000 + AGAIN_SECONDS)), ["test"]);
        assert_eq!(names(&plans.new_ones(u64::MAX)), [""; 0], "once");
        // Under another plan's digest it is not that plan.
        let other = Digest([7; 32]);
        let folder = state.join(PLANS).join(other.to_string());
        std::fs::create_dir(&folder).unwrap();
        for (from, to) in [(&own.schema, SCHEMA), (&own.file, PLAN)] {
            std::fs::copy(from, folder.join(to)).unwrap();
        }
        assert_eq!(names(&plans.new_ones(1_000)), [""; 0]);
        let fault = open(&files_of(&state.join(PLANS), &other), &other).err().expect("a fault");
        assert_eq!(fault, format!("the folder of this plan holds the plan {digest}"));
    }

    #[test]
    fn what_cannot_be_served_or_written_is_not_activated() {
        let federation = Federation::new(2);
        federation.settings(|text| text);
        let (files, state) = (federation.plan(), federation.path("other"));
        let none = PlanFiles { file: federation.path("none"), schema: files.schema.clone() };
        assert_eq!(activate_plan(&state, &none).unwrap_err().key, "plan.file");
        assert!(!state.exists(), "nothing has changed");
        let digest = activate_plan(&state, &files).unwrap();
        let to = files_of(&state.join(PLANS), &digest);
        for (from, to) in [(&files.file, &to.file), (&files.schema, &to.schema)] {
            assert!(std::fs::read(from).unwrap() == std::fs::read(to).unwrap());
        }
        assert_eq!(activate_plan(&state, &files), Ok(digest), "it may be shown again");
        std::fs::write(federation.path("file"), "no folder").unwrap();
        let fault = activate_plan(&federation.path("file"), &files).unwrap_err();
        assert!(fault.key == "state_dir" && fault.found.contains("file"), "{fault:?}");
    }

    #[test]
    fn of_too_many_plans_the_newest_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut plans = PlansFolder::of(folder.path());
        let digest = |number: usize| Digest::of(&number.to_le_bytes());
        let since = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_900_000_000);
        for number in 0..PLANS_MAX + 3 {
            let file = files_of(&plans.folder, &digest(number)).file;
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let file = std::fs::File::create(file).unwrap();
            file.set_modified(since + std::time::Duration::from_secs(u64::try_from(number).unwrap())).unwrap();
        }
        // A folder without a plan is none.
        std::fs::create_dir(plans.folder.join(digest(PLANS_MAX + 3).to_string())).unwrap();
        let newest: std::collections::BTreeSet<Digest> = plans.newest().into_iter().map(|(_, digest)| digest).collect();
        assert_eq!((newest, plans.left_out), ((3..PLANS_MAX + 3).map(digest).collect(), 3));
    }
}
