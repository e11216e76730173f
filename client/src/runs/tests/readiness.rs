//! Runs whose data are not ready: what the daemon does with them, and with the operator's word.

use tributary_protocol::plan::{AsOf, Date, Readiness};

use super::*;
use crate::ready::{Statement, Subject};
use crate::worker::Snapshot;

/// What a machine asks when the coordinator has welcomed it to a run that began then.
fn judge_run(runs: &mut Runs<Noted>, run: &Run, begun: u64) -> bool {
    let Runs { open, branch, board, watch, out, .. } = runs;
    let own = open.get_mut(&run.id()).unwrap();
    own.begun = Millis(begun * 1000);
    let mut carrier = Carrier { now: at(1), run: run.id(), own, record: branch.record(), board, watch, out };
    carrier.carry_out(ParticipantEffect::JudgeRun(Box::new(run.clone()))).unwrap();
    let Some(waits) = own.waits.take() else { return true };
    runs.wait(at(1), run.id(), waits).unwrap();
    false
}

/// 2026-12-03.
const BEGUN: u64 = 1_796_256_000;

fn dated_run() -> Run {
    let mut plan = run_of(1).plan().plan().clone();
    plan.readiness = Readiness { as_of: AsOf::MonthEnd, ready_min: 0 };
    cast::run(plan)
}

fn word(folder: &tempfile::TempDir, run: &Run, files: FileDigests) {
    let statement = Statement { date: Date::parse("2026-11-30").unwrap(), files, at: 5 };
    Store::of(folder.path()).state(Subject::Run(run.reference()), &statement).unwrap();
}

#[test]
fn a_run_without_its_word_takes_no_place_and_asks_when_the_word_is_there() {
    let (folder, mut runs) = connected();
    let run = dated_run();
    runs.invite(at(0), run.id());
    assert!(!judge_run(&mut runs, &run, BEGUN));
    assert!(!runs.out.jobs.iter().any(|job| matches!(job, Job::Judge(_))), "its plan is not laid out");
    let told =
        runs.out.told.iter().filter(|report| matches!(report, Report::NotReady { as_of, .. } if as_of == "2026-11-30"));
    assert_eq!(told.count(), 1);
    assert!(runs.take_ended().is_none() && runs.status().runs.is_empty());
    assert_eq!(runs.status().put_off.len(), 1);
    runs.joins();
    // Whoever invites again and again is not answered again and again.
    runs.invite(at(2), run.id());
    runs.look_for_words(at(3)).unwrap();
    assert!(runs.joins().is_empty() && !runs.take_reread());
    word(&folder, &run, FILES);
    runs.look_for_words(at(4)).unwrap();
    assert_eq!(runs.joins(), [run.id()]);
    assert!(judge_run(&mut runs, &run, BEGUN));
    assert!(runs.out.jobs.iter().any(|job| matches!(job, Job::Judge(judged) if judged.id() == run.id())));
}

#[test]
fn a_word_about_other_files_has_them_read_and_the_run_asks_afterwards() {
    let (folder, mut runs) = connected();
    let run = dated_run();
    runs.invite(at(0), run.id());
    judge_run(&mut runs, &run, BEGUN);
    let files =
        FileDigests { data: Digest([6; 32]), held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None };
    word(&folder, &run, files);
    runs.joins();
    runs.look_for_words(at(2)).unwrap();
    assert!(runs.take_reread() && !runs.take_reread() && runs.joins().is_empty());
    // They cannot be read: the rows in memory stay, and the operator hears why.
    runs.read_again(at(3), Err(ClientError::File("row 3".into()))).unwrap();
    assert!(matches!(runs.out.told.last(), Some(Report::NotReadyAgain { reason, .. }) if reason == "row 3"));
    assert_eq!(runs.joins(), [run.id()]);
    assert!(!judge_run(&mut runs, &run, BEGUN) && !runs.take_reread(), "not again and again");
    runs.joins();
    let snapshot = Snapshot { files, ..crate::worker::tests::snapshot() };
    runs.read_again(at(4), Ok(snapshot)).unwrap();
    assert!(runs.out.jobs.iter().any(|job| matches!(job, Job::Replace(_))));
    assert_eq!(runs.joins(), [run.id()]);
    assert!(judge_run(&mut runs, &run, BEGUN));
}
