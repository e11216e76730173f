//! The samples of systemd units, as systemd itself reads them.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::needed::skip;
use crate::support::EXECUTABLE;

const SWITCH: &str = "TRIBUTARY_TEST_SYSTEMD";

/// Exposure by `systemd-analyze security`, in tenths: 0 is none, 100 all. A service that talks to the network has some.
const EXPOSURE_MAX: &str = "15";

/// Sample, and the name under which it is installed.
const UNITS: [(&str, &str); 2] = [
    ("tributary-client@.service", "tributary-client@branch-01.service"),
    ("tributary-coordinator.service", "tributary-coordinator.service"),
];

/// What systemd-analyze says, and whether it is content; nothing where it is not installed.
fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    Command::new("systemd-analyze").args(arguments).arg(unit).output().ok()
}

/// A sample that starts this executable, where systemd finds it.
fn installed(folder: &Path, sample: &str, name: &str) -> PathBuf {
    let text = fs::read_to_string(Path::new("docs/samples/systemd").join(sample)).unwrap();
    let there = "/usr/local/bin/tributary";
    assert_eq!(text.matches(there).count(), 1, "{sample} starts the executable once");
    let path = folder.join(name);
    fs::write(&path, text.replace(there, EXECUTABLE)).unwrap();
    path
}

#[test]
fn units_are_valid_and_hardened() {
    let folder = tempfile::tempdir().unwrap();
    for (sample, name) in UNITS {
        let unit = installed(folder.path(), sample, name);
        let Some(verified) = analyze(&["verify"], &unit) else {
            return skip(SWITCH, "systemd units", "systemd-analyze is not installed");
        };
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && said.is_empty(), "{sample}: {said}");
        let security = analyze(&["security", "--offline=true", "--threshold", EXPOSURE_MAX], &unit).unwrap();
        let table = String::from_utf8_lossy(&security.stdout).into_owned();
        assert!(security.status.success() && table.contains("exposure level"), "{sample}: {table}");
        // A unit without its sandbox is told from one with it.
        let text = fs::read_to_string(&unit).unwrap();
        let open =
            text.lines().filter(|line| !line.starts_with("SystemCallFilter=") && *line != "CapabilityBoundingSet=");
        let open: String = open.map(|line| format!("{line}\n")).collect();
        assert!(open.len() < text.len());
        fs::write(&unit, open).unwrap();
        let security = analyze(&["security", "--offline=true", "--threshold", EXPOSURE_MAX], &unit).unwrap();
        assert!(!security.status.success(), "{sample} without a filter of system calls");
    }
}

#[test]
fn instances_share_neither_user_nor_folder() {
    let text = fs::read_to_string("docs/samples/systemd/tributary-client@.service").unwrap();
    for line in [
        "User=tributary-%i",
        "StateDirectory=tributary/%i",
        "StateDirectoryMode=0700",
        "WorkingDirectory=/var/lib/tributary/%i",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}");
    }
    assert!(!text.contains("DynamicUser"), "key files belong to a user that stays the same");
}
