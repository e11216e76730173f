//! What a preflight finds of the second copy of the journal: whether it would be taken, and whether it is elsewhere at all.

use std::path::Path;

use tributary_transport::preflight::{Cause, Findings, Outcome};

use super::ways::way_of;
use crate::settings::{SinkSettings, SinkWay};

/// Tries the way without an entry: a receiver proves itself and ends the connection as it should; a file is opened and synced.
pub(crate) fn preflight(found: &mut Findings, settings: &SinkSettings, state_dir: &Path) {
    let mut way = way_of(&settings.way);
    let tried = format!("trying the second copy of audit.log: {}", way.target());
    if let Err(fault) = way.deliver(&[]) {
        let (means, ask) = (
            "entries would wait, and no round would begin when it lags too far",
            "whoever runs the receiver, or the disk",
        );
        return found.bad(Cause::AuditSink, Outcome::Fault, [&tried, &fault.to_string(), means, ask]);
    }
    let beside = match &settings.way {
        SinkWay::File(path) => is_on_one_disk(path, state_dir),
        SinkWay::Syslog(_) => false,
    };
    if beside {
        let seen = "it is on the disk of the state folder";
        let means = "whoever loses the disk, or can write to it, loses or changes both copies";
        let ask = "whoever runs this machine: a file on another disk, or a receiver on another machine";
        return found.bad(Cause::AuditSink, Outcome::Warning, [&tried, seen, means, ask]);
    }
    found.good(Cause::AuditSink, &tried, "it would be taken");
}

#[cfg(unix)]
fn is_on_one_disk(file: &Path, state_dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
    device(file).is_some() && device(file) == device(state_dir)
}

/// Nobody says so outside Unix.
#[cfg(not(unix))]
fn is_on_one_disk(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::settings::Lag;

    fn found(way: SinkWay, state_dir: &Path) -> (Cause, Outcome, String) {
        let mut found = Findings::default();
        let lag = Lag { entries_max: 1, seconds_max: 2 };
        preflight(&mut found, &SinkSettings { way, lag, enterprise: 1 }, state_dir);
        let [line] = found.lines() else { panic!("one line: {found}") };
        (line.cause, line.outcome, line.seen.clone())
    }

    #[test]
    fn a_copy_that_could_not_be_written_is_a_fault_and_one_on_the_same_disk_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| SinkWay::File(folder.path().join(name));
        let (cause, outcome, seen) = found(at("none/copy.log"), folder.path());
        assert_eq!((cause, outcome), (Cause::AuditSink, Outcome::Fault), "{seen}");
        let (cause, outcome, seen) = found(at("copy.log"), folder.path());
        assert_eq!((cause, outcome), (Cause::AuditSink, Outcome::Warning));
        assert_eq!(seen, "it is on the disk of the state folder");
        assert_eq!(std::fs::read(folder.path().join("copy.log")).unwrap(), b"", "it was tried without an entry");
    }

    #[test]
    fn another_file_system_is_another_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (state, file) = (folder.path(), folder.path().join("file"));
        std::fs::write(&file, "x").unwrap();
        assert!(is_on_one_disk(&file, state));
        let elsewhere = PathBuf::from("/proc/self/status");
        assert!(!is_on_one_disk(&elsewhere, state) && !is_on_one_disk(&file, &elsewhere));
        assert!(!is_on_one_disk(&folder.path().join("none"), state));
        assert!(!is_on_one_disk(&folder.path().join("none"), &folder.path().join("none")), "nobody knows");
    }
}
