//! What the operator reads, and what outlives a process.

use super::*;
use crate::telemetry::RunName;
use crate::witness::WitnessStatus;

fn status() -> Status {
    let of = RunName { plan_name: Some("churn".to_owned()), run: Some(2), ..RunName::default() };
    let reason = "round 7: this branch's training".to_owned();
    let next = "upload".to_owned();
    let run = RunStatus { of, reason, deadline_unix_ms: Some(61_000), next };
    Status {
        link: LinkStatus::Connecting,
        runs: RunsStatus { runs: vec![run], ..RunsStatus::default() },
        log: WitnessStatus::default(),
        events: Vec::new(),
    }
}

#[test]
fn a_status_says_what_each_run_waits_for() {
    let lines = status().lines(60_000);
    assert_eq!(
        lines[1].text(tributary_texts::Language::English),
        "runs      churn run 2: waits for round 7: this branch's training; in 1 s: upload"
    );
}

#[test]
fn a_pause_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let pause = PauseFile::of(folder.path());
    assert!(!pause.stands());
    pause.clear().unwrap();
    pause.set().unwrap();
    pause.set().unwrap();
    assert!(PauseFile::of(folder.path()).stands());
    pause.clear().unwrap();
    assert!(!PauseFile::of(folder.path()).stands());
}
