use std::os::unix::fs::PermissionsExt as _;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{AsOf, Readiness};
use tributary_protocol::round::cast;
use tributary_storage::faults::each_sync_fails_once_and_heals;

use super::*;
use crate::ready::store::Subject;

const NOVEMBER: &str = "2026-11-30";
/// 2026-12-03.
const BEGUN: u64 = 1_796_256_000;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn files(data: &[u8]) -> FileDigests {
    FileDigests { data: Digest::of(data), held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None }
}

fn plan(as_of: AsOf) -> Plan {
    Plan { readiness: Readiness { as_of, ready_min: 0 }, ..cast::plan() }
}

fn english(said: &Said) -> String {
    said.text(tributary_texts::Language::English).to_owned()
}

struct Branch {
    folder: tempfile::TempDir,
    store: Store,
    plan: Plan,
}

impl Branch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        Self { folder, store, plan: plan(AsOf::MonthEnd) }
    }

    fn invitation(&self) -> Invitation<'_> {
        Invitation { run: RunRef { plan: self.plan.digest(), number: 2 }, plan: &self.plan, begun: BEGUN }
    }

    fn judge(&self, data: &[u8]) -> Answer {
        self.store.judge(self.invitation(), files(data)).unwrap()
    }

    fn say(&self, subject: Subject, day: &str, data: &[u8], at: u64) -> Statement {
        let statement = Statement { date: date(day), files: files(data), at };
        self.store.state(subject, &statement).unwrap();
        statement
    }

    fn reason(&self, data: &[u8]) -> String {
        match self.judge(data) {
            Answer::NotReady { as_of, reason } if as_of == date(NOVEMBER) => english(&reason),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_plan_without_a_day_asks_for_no_word() {
    let branch = Branch { plan: plan(AsOf::Undeclared), ..Branch::new() };
    assert_eq!(branch.judge(b"any"), Answer::Undated);
    assert!(!branch.store.folder().exists(), "nothing is kept");
}

#[test]
fn without_a_word_for_its_day_a_run_is_not_joined() {
    let branch = Branch::new();
    let reason = branch.reason(b"november");
    assert!(reason.starts_with("test run 2 ("), "{reason}");
    assert!(reason.contains("wants data of 2026-11-30; nobody has said here"), "{reason}");
    let asked = branch.store.asked().unwrap();
    assert_eq!((asked.len(), asked[0].as_of, asked[0].run()), (1, date(NOVEMBER), branch.invitation().run));
    // The word for the month before is about other data.
    branch.say(Subject::Day(date("2026-10-31")), "2026-10-31", b"october", 1);
    assert!(branch.reason(b"october").contains("the last data that were said to be ready are of 2026-10-31"));
    // Nor does a file's name make a day.
    branch.say(Subject::Day(date(NOVEMBER)), "2026-10-31", b"october", 2);
    branch.say(Subject::Run(branch.invitation().run), "2026-10-31", b"october", 2);
    branch.reason(b"october");
    assert_eq!(branch.store.used(branch.invitation().run).unwrap(), None);
}

#[test]
fn the_word_for_a_day_or_a_run_joins_with_those_files_alone() {
    for subject in [Subject::Day(date(NOVEMBER)), Subject::Run(Branch::new().invitation().run)] {
        let branch = Branch::new();
        branch.reason(b"november");
        let word = branch.say(subject, NOVEMBER, b"november", 7);
        assert_eq!(branch.judge(b"other"), Answer::ReadAgain);
        assert_eq!(branch.judge(b"november"), Answer::Ready(word));
        assert!(branch.store.asked().unwrap().is_empty(), "it asks for nothing any more");
        let used = branch.store.used(branch.invitation().run).unwrap().unwrap();
        assert_eq!((used.statement, used.number), (word, 2));
    }
}

/// A file that was replaced while a run goes on is not used before the operator says so again.
#[test]
fn a_run_keeps_its_files_until_another_word_is_given() {
    let branch = Branch::new();
    let first = branch.say(Subject::Day(date(NOVEMBER)), NOVEMBER, b"november", 7);
    assert_eq!(branch.judge(b"november"), Answer::Ready(first));
    // A later start: the file in memory is another one, and so is the one on the disk.
    assert_eq!(branch.judge(b"corrected"), Answer::ReadAgain);
    let Answer::NotReady { reason, .. } = branch.store.replaced(branch.invitation()).unwrap() else {
        panic!("it was joined");
    };
    let reason = english(&reason);
    assert!(reason.contains("the run was joined with another file"), "{reason}");
    // The daemon's lines go into logs, and a file's digest is made of its rows.
    for file in [&b"november"[..], b"corrected"] {
        assert!(!reason.contains(&Digest::of(file).to_string()[..8]), "{reason}");
    }
    assert!(reason.contains(&format!("ready --run {}/2", branch.plan.digest().short())), "{reason}");
    assert_eq!(branch.store.used(branch.invitation().run).unwrap().unwrap().statement, first);
    let again = branch.say(Subject::Run(branch.invitation().run), NOVEMBER, b"corrected", 8);
    assert_eq!(branch.judge(b"corrected"), Answer::Ready(again));
    assert_eq!(branch.judge(b"november"), Answer::ReadAgain, "the newest word counts");
    assert_eq!(branch.store.used(branch.invitation().run).unwrap().unwrap().statement, again);
}

#[test]
fn what_is_kept_is_private_and_what_is_damaged_is_not_believed() {
    let branch = Branch::new();
    branch.reason(b"november");
    branch.say(Subject::Day(date(NOVEMBER)), NOVEMBER, b"november", 7);
    branch.judge(b"november");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(branch.store.folder()), 0o700);
    let mut seen = 0;
    for entry in std::fs::read_dir(branch.store.folder()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        seen += 1;
    }
    assert_eq!(seen, 2, "a word, and what was used");
    let path = branch.folder.path().join("readiness/2026-11-30.ready");
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"", b"{}", b"[1,2]", &[0xff; 9]] {
        std::fs::write(&path, bytes).unwrap();
        let fault = branch.store.judge(branch.invitation(), files(b"november")).unwrap_err().to_string();
        assert!(fault.contains("is not believed") && fault.contains("2026-11-30.ready"), "{fault}");
    }
}

/// A run waits for its word, or is joined with its files, and either is noted first. The word itself is there whole, or not at all.
#[test]
fn a_word_of_which_a_write_failed_is_given_asked_for_and_used_again() {
    let judge = |branch: &Branch| branch.store.judge(branch.invitation(), files(b"november"));
    let word = Statement { date: date(NOVEMBER), files: files(b"november"), at: 7 };
    let asked = each_sync_fails_once_and_heals(Branch::new, |branch| {
        let answer = judge(branch)?;
        assert_eq!(branch.store.asked()?.len(), 1);
        Ok::<_, ClientError>(answer)
    });
    let said =
        each_sync_fails_once_and_heals(Branch::new, |branch| branch.store.state(Subject::Day(date(NOVEMBER)), &word));
    let told = || {
        let branch = Branch::new();
        branch.say(Subject::Day(date(NOVEMBER)), NOVEMBER, b"november", 7);
        branch
    };
    let joined = each_sync_fails_once_and_heals(told, |branch| {
        assert_eq!(judge(branch)?, Answer::Ready(word));
        assert!(branch.store.used(branch.invitation().run)?.is_some());
        Ok::<_, ClientError>(())
    });
    assert_eq!((asked, said, joined), (3, 3, 2));
}
