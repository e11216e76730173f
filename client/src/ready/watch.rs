//! The daemon's side of readiness: which runs wait for the operator's word, and when to ask again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use tributary_protocol::ids::RunId;
use tributary_protocol::plan::{Date, Run, RunRef};
use tributary_texts::Said;

use super::gate::{Answer, Invitation};
use super::store::{FileDigests, Store};
use crate::error::ClientError;

/// What the daemon does with a run that it was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Its plan is judged, as any other's.
    GoOn,
    /// The coordinator is told that this branch is not ready.
    Wait {
        /// What the operator is told, where there is something new.
        told: Option<Told>,
        /// Whether the files are to be read again: other ones are ready.
        read: bool,
    },
}

/// What the operator is told of a run that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Of which day its data must be.
    pub(crate) as_of: Date,
    /// Why, and what to do.
    pub(crate) reason: Said,
}

/// A run that waits.
struct Waiting {
    run: Run,
    begun: u64,
    /// What the operator was told last.
    told: Option<Said>,
}

/// The runs that wait, and the files in memory.
pub(crate) struct Watch {
    store: Store,
    files: FileDigests,
    waiting: BTreeMap<RunId, Waiting>,
    /// The folder as it was when anybody last looked.
    seen: BTreeMap<std::ffi::OsString, Option<SystemTime>>,
    /// Whether the files were read since the operator's last word.
    fresh: bool,
}

impl Watch {
    /// Of a branch whose files in memory are these.
    pub(crate) fn new(store: Store, files: FileDigests) -> Self {
        let seen = words(store.folder());
        Self { store, files, waiting: BTreeMap::new(), seen, fresh: true }
    }

    /// A new link stands: whoever else wants a word asks for it over this one.
    pub(crate) fn connected(&self) {
        let waiting: Vec<RunRef> = self.waiting.values().map(|waiting| waiting.run.reference()).collect();
        if let Err(fault) = self.store.ask_alone(&waiting) {
            tracing::warn!(%fault, "runs that may be over still stand among those that ask for a word");
        }
    }

    /// The coordinator asks about a run, which began at this second of the Unix clock.
    pub(crate) fn asked(&mut self, run: &Run, begun: u64) -> Step {
        let as_of = run.readiness.as_of.of_run(begun);
        // What cannot be read is no word; the operator hears why.
        self.judge(run, begun).unwrap_or_else(|fault| self.wait(run, begun, as_of.map(|as_of| (as_of, fault.said()))))
    }

    fn judge(&mut self, run: &Run, begun: u64) -> Result<Step, ClientError> {
        let invitation = Invitation { run: run.reference(), plan: run, begun };
        let mut answer = self.store.judge(invitation, self.files)?;
        // What was read after the last word and does not fit is not read again and again.
        if answer == Answer::ReadAgain && self.fresh {
            answer = self.store.replaced(invitation)?;
        }
        Ok(match answer {
            Answer::Undated | Answer::Ready(_) => {
                self.waiting.remove(&run.id());
                Step::GoOn
            }
            Answer::NotReady { as_of, reason } => self.wait(run, begun, Some((as_of, reason))),
            Answer::ReadAgain => self.wait(run, begun, None),
        })
    }

    /// Without a reason the files are to be read again.
    fn wait(&mut self, run: &Run, begun: u64, why: Option<(Date, Said)>) -> Step {
        let told = why.as_ref().map(|(_, reason)| reason.clone());
        let before = self.waiting.insert(run.id(), Waiting { run: run.clone(), begun, told: told.clone() });
        let read = why.is_none();
        let news = before.is_none_or(|before| before.told != told);
        Step::Wait { told: why.filter(|_| news).map(|(as_of, reason)| Told { as_of, reason }), read }
    }

    /// Whether the files are to be read again, because a word was given since the last look that is about other ones; and the runs that are
    /// ready now, which ask to be let in.
    pub(crate) fn look(&mut self) -> (bool, Vec<RunId>) {
        let seen = words(self.store.folder());
        if seen == self.seen {
            return (false, Vec::new());
        }
        (self.seen, self.fresh) = (seen, false);
        let (mut read, mut ready) = (false, Vec::new());
        for (id, Waiting { run, begun, .. }) in &self.waiting {
            let invitation = Invitation { run: run.reference(), plan: run, begun: *begun };
            match self.store.judge(invitation, self.files) {
                // Where a file cannot be read, the operator hears why when the run is asked about.
                Ok(Answer::Undated | Answer::Ready(_)) | Err(_) => ready.push(*id),
                Ok(Answer::ReadAgain) => read = true,
                Ok(Answer::NotReady { .. }) => {}
            }
        }
        (read, ready)
    }

    /// The files were read again: these are in memory now. The runs that are to ask again.
    pub(crate) fn read(&mut self, files: FileDigests) -> Vec<RunId> {
        (self.files, self.fresh) = (files, true);
        // Those that still wait tell their operator why.
        self.waiting.keys().copied().collect()
    }

    /// The files could not be read again: those in memory stay.
    pub(crate) fn unread(&mut self) -> Vec<RunId> {
        self.read(self.files)
    }

    /// A run is over.
    pub(crate) fn forget(&mut self, run: RunId) {
        if let Some(waiting) = self.waiting.remove(&run)
            && let Err(fault) = self.store.ask_no_more(waiting.run.reference())
        {
            tracing::warn!(%fault, "a run that is over still stands among those that ask for a word");
        }
    }
}

/// The words in the folder, by name and time. One that cannot be looked at is one that changes: the operator hears why when it is read.
fn words(folder: &Path) -> BTreeMap<std::ffi::OsString, Option<SystemTime>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let words = entries.filter(|entry| Path::new(&entry.file_name()).extension().is_some_and(|end| end == "ready"));
    let time = |entry: &fs::DirEntry| entry.metadata().and_then(|found| found.modified()).ok();
    words.map(|entry| (entry.file_name(), time(&entry))).collect()
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::plan::{AsOf, Plan, Readiness};
    use tributary_protocol::round::cast;

    use super::*;
    use crate::ready::store::{Statement, Subject};

    /// 2026-12-03.
    const BEGUN: u64 = 1_796_256_000;

    fn files(data: &[u8]) -> FileDigests {
        FileDigests { data: Digest::of(data), held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None }
    }

    fn run(as_of: AsOf) -> Run {
        cast::run(Plan { readiness: Readiness { as_of, ready_min: 0 }, ..cast::plan() })
    }

    fn say(store: &Store, run: RunRef, data: &[u8], at: u64) {
        let date = Date::parse("2026-11-30").unwrap();
        let path = store.state(Subject::Run(run), &Statement { date, files: files(data), at }).unwrap();
        // Two words within one tick of the file system are two words all the same.
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn told(step: Step) -> Option<String> {
        match step {
            Step::Wait { told, read: false } => {
                told.map(|told| told.reason.text(tributary_texts::Language::English).to_owned())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_run_waits_for_its_word_and_is_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let mut watch = Watch::new(store.clone(), files(b"november"));
        let (dated, undated) = (run(AsOf::MonthEnd), run(AsOf::Undeclared));
        assert_eq!(watch.asked(&undated, BEGUN), Step::GoOn);
        assert!(told(watch.asked(&dated, BEGUN)).unwrap().contains("wants data of 2026-11-30"));
        assert_eq!(told(watch.asked(&dated, BEGUN)), None, "the same again");
        assert_eq!(watch.look(), (false, Vec::new()));
        say(&store, dated.reference(), b"november", 5);
        assert_eq!(watch.look(), (false, vec![dated.id()]));
        assert_eq!(watch.look(), (false, Vec::new()), "nothing has changed since");
        assert_eq!(watch.asked(&dated, BEGUN), Step::GoOn);
    }

    /// The process was killed while a run waited, and the run was over before the next one began.
    #[test]
    fn who_asked_a_process_that_is_gone_asks_no_more_once_a_link_stands() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let (gone, waits) = (run(AsOf::MonthEnd), run(AsOf::DaysBefore { days: 3 }));
        told(Watch::new(store.clone(), files(b"november")).asked(&gone, BEGUN));
        let mut watch = Watch::new(store.clone(), files(b"november"));
        told(watch.asked(&waits, BEGUN));
        assert_eq!(store.asked().unwrap().len(), 2, "until then its operator can answer it");
        watch.connected();
        let asked: Vec<RunRef> = store.asked().unwrap().iter().map(|asked| asked.run()).collect();
        assert_eq!(asked, [waits.reference()]);
    }

    /// The daemon was started before the export, and holds last month's rows.
    #[test]
    fn a_word_about_other_files_has_them_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let mut watch = Watch::new(store.clone(), files(b"october"));
        let run = run(AsOf::MonthEnd);
        told(watch.asked(&run, BEGUN));
        say(&store, run.reference(), b"november", 5);
        assert_eq!(watch.look(), (true, Vec::new()));
        assert_eq!(watch.asked(&run, BEGUN), Step::Wait { told: None, read: true }, "reading goes on");
        assert_eq!(watch.read(files(b"november")), [run.id()]);
        assert_eq!(watch.asked(&run, BEGUN), Step::GoOn);
        // The file is replaced once more, without a word; a later start of the daemon finds it.
        let mut later = Watch::new(store.clone(), files(b"another"));
        assert!(told(later.asked(&run, BEGUN)).unwrap().contains("the run was joined with"));
        assert_eq!(told(later.asked(&run, BEGUN)), None);
        assert_eq!(later.look(), (false, Vec::new()));
        say(&store, run.reference(), b"another", 6);
        assert_eq!(later.look(), (false, vec![run.id()]));
        assert_eq!(later.asked(&run, BEGUN), Step::GoOn);
        later.forget(run.id());
    }

    /// The operator's word is about a file that is gone by the time it is read.
    #[test]
    fn a_file_that_is_replaced_after_its_word_is_not_read_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(folder.path());
        let mut watch = Watch::new(store.clone(), files(b"october"));
        let run = run(AsOf::MonthEnd);
        told(watch.asked(&run, BEGUN));
        say(&store, run.reference(), b"november", 5);
        assert_eq!(watch.look(), (true, Vec::new()));
        assert_eq!(watch.read(files(b"torn")), [run.id()]);
        let reason = told(watch.asked(&run, BEGUN)).unwrap();
        assert!(reason.contains("another file was said to be ready"), "{reason}");
        assert_eq!(watch.look(), (false, Vec::new()));
    }
}
