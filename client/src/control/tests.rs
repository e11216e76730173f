//! What the operator reads, and what outlives a process.

use tributary_daemon::control::Question as _;

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

/// One line for each thing, in this order, with its own figures; none for what is not.
#[test]
fn a_status_has_a_line_for_everything_that_is() {
    let told = |status: &Status| -> Vec<String> {
        status.lines(60_000).iter().map(|line| line.text(tributary_texts::Language::English).into()).collect()
    };
    let mut all = status();
    let (coordinator, transport) = ("the-coordinator".to_owned(), "quic".to_owned());
    all.link = LinkStatus::Connected { coordinator, transport, since: 19 };
    let of = RunName { plan_name: Some("deposits".to_owned()), run: Some(5), ..RunName::default() };
    let put_off = PutOffStatus { of, reason: "no grant".to_owned(), again_unix_ms: 74_001 };
    (all.runs.paused, all.runs.put_off, all.runs.invited) = (true, vec![put_off], vec!["a third run".to_owned()]);
    all.log = WitnessStatus { entries: Some(4_321), cosigned: Some(28), refused: vec!["one".to_owned(); 3] };
    let event = crate::telemetry::LastEvent {
        at: 53,
        text: "it went".to_owned(),
        text_zh: "去了".to_owned(),
        event: serde_json::Value::Null,
    };
    all.events = vec![event];
    let expected: [&[&str]; 8] = [
        &["the-coordinator", "quic", "41"],
        &["paused"],
        &["churn run 2", "this branch's training", "in 1 s: upload"],
        &["deposits run 5", "no grant", "in 15 s"],
        &["a third run"],
        &["4321", "32"],
        &["3"],
        &["     7 s ago  it went"],
    ];
    let lines = told(&all);
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, parts) in lines.iter().zip(expected) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}: {parts:?}");
    }
    // A moment that has passed is now, and without a limit none is told.
    all.runs.runs[0].deadline_unix_ms = Some(59_999);
    assert!(told(&all)[2].contains("; now: upload"), "{lines:?}");
    all.runs.runs[0].deadline_unix_ms = None;
    assert!(told(&all)[2].ends_with("this branch's training"), "{lines:?}");
    // Nothing to do, and nothing seen of the journal yet.
    let mut idle = status();
    idle.link = LinkStatus::Waiting { reason: "no route".to_owned(), again_unix_ms: 63_000 };
    idle.runs = RunsStatus::default();
    let lines = told(&idle);
    assert!(lines.len() == 3 && lines[0].contains("no route") && lines[0].contains("in 3 s"), "{lines:?}");
    idle.log.entries = Some(77);
    assert!(told(&idle)[2].contains("77") && told(&idle)[2] != lines[2]);
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

#[test]
fn each_question_is_read_back_from_its_line_and_no_other_line_is_one() {
    for (request, line) in [(Request::Status, "status"), (Request::Pause, "pause"), (Request::Resume, "resume")] {
        assert_eq!((request.line().as_str(), Request::of_line(line)), (line, Some(request)));
    }
    for line in ["", "Pause", "pause ", "stop"] {
        assert_eq!(Request::of_line(line), None, "{line}");
    }
}
