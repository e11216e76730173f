//! What is kept of committed rounds for whoever recomputes their sums later: a file for each round, and one for each opened sum.
//!
//! A round's file grows beside its name while uploads are folded. It gets its name, durably, after the sum was opened and before the ledger
//! commits the round. So every committed round has one; of a round that ended otherwise nothing stays, at the next start at the latest. A state
//! directory holds many runs, one after the other, and the files of each stay for as long as its own plan says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::plan::{Retention, RunRef};
use tributary_protocol::round::{CoordinatorEvent, Recorded, RoundDescriptor};
use tributary_protocol::secagg::kept::{KeptHead, SUM_FORMAT};
use tributary_protocol::secagg::masked_sum::AggregateSum;
use tributary_protocol::time::Millis;
use tributary_storage::files::{Draft, Existing, FileError, create_private_folder};

use super::{ROUNDS, STRAYS, SUMS, Store, StoreError};

const DAY_MS: u64 = 86_400_000;

/// A kept round in the making: nothing is left of it when it is dropped.
pub(crate) struct KeptDraft {
    draft: BufWriter<Draft>,
    path: PathBuf,
    /// The first thing that could not be written.
    fault: Option<io::Error>,
}

impl KeptDraft {
    /// Takes the next bytes. What cannot be written is told when the round is kept.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.fault.is_none() {
            self.fault = self.draft.write_all(bytes).err();
        }
    }

    /// Gives the round its name, after these last bytes: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`] if any of it could not be written.
    pub(crate) fn keep(mut self, last: &[u8]) -> Result<(), StoreError> {
        self.append(last);
        let Self { draft, path, fault } = self;
        let system = |fault| StoreError::System { action: "writing", path: path.clone(), fault };
        fault.map_or(Ok(()), |fault| Err(system(fault)))?;
        let draft = draft.into_inner().map_err(|fault| system(fault.into_error()))?;
        Ok(draft.place(&path, Existing::Replace)?)
    }
}

impl Store {
    /// Begins the file of a round that starts; nothing where the plan does not have its uploads kept.
    ///
    /// # Errors
    /// [`StoreError::System`] if no file can be made.
    pub(crate) fn begin_kept(
        &self,
        retention: &Retention,
        descriptor: &RoundDescriptor,
    ) -> Result<Option<KeptDraft>, StoreError> {
        let RoundDescriptor { run, round, ring, dimension, .. } = *descriptor;
        if !retention.keeps_uploads(dimension) {
            return Ok(None);
        }
        let folder = self.folder.join(ROUNDS);
        let path = folder.join(round_name(run, round));
        let draft = Draft::private(&folder);
        let draft = draft.map_err(|fault| StoreError::System { action: "writing to", path: folder, fault })?;
        let mut kept = KeptDraft { draft: BufWriter::new(draft), path, fault: None };
        kept.append(&KeptHead { round, descriptor: descriptor.digest(), ring, dimension }.encode());
        Ok(Some(kept))
    }

    /// Keeps an opened sum under its digest: durable when this returns. A sum that is there already is left as it is.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub(crate) fn keep_sum(&self, sum: &AggregateSum) -> Result<(), StoreError> {
        let folder = self.folder.join(SUMS);
        let path = folder.join(sum_name(&sum.digest()));
        let system = |action, path: &Path| {
            let path = path.to_path_buf();
            move |fault| StoreError::System { action, path, fault }
        };
        let mut draft = BufWriter::new(Draft::private(&folder).map_err(system("writing to", &folder))?);
        draft.write_all(&SUM_FORMAT.header()).map_err(system("writing", &path))?;
        for value in sum.values_from(0) {
            draft.write_all(&value.to_le_bytes()).map_err(system("writing", &path))?;
        }
        let draft = draft.into_inner().map_err(io::IntoInnerError::into_error).map_err(system("writing", &path))?;
        match draft.place(&path, Existing::Keep) {
            // Named by what it holds, and verified by whoever reads it.
            Ok(()) | Err(FileError::Exists { .. }) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// What is kept of a run, as its ledger says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptRun {
    run: RunId,
    /// Rounds that began; with its sum each that was committed.
    rounds: Vec<(RoundId, Option<Digest>)>,
    /// Until when it stays; nothing as long as the run goes on.
    until: Option<Millis>,
}

impl KeptRun {
    /// Nothing of a ledger that does not begin as a run's.
    pub(crate) fn of(recorded: &[Recorded<CoordinatorEvent>]) -> Option<Self> {
        let CoordinatorEvent::RunOpened { plan, number, .. } = &recorded.first()?.event else { return None };
        let (run, retention) = (RunRef { plan: plan.digest(), number: *number }.id(), &plan.retention);
        let ended = recorded.iter().find(|entry| matches!(entry.event, CoordinatorEvent::RunFinished { .. }));
        let until = ended.map(|ended| ended.at.plus(DAY_MS.saturating_mul(retention.days.into())));
        let mut rounds: Vec<(RoundId, Option<Digest>)> = Vec::new();
        let keeps_any = retention.sums || retention.uploads_dimension_max > 0;
        for entry in recorded.iter().filter(|_| keeps_any) {
            match &entry.event {
                CoordinatorEvent::RoundStarted { descriptor } => rounds.push((descriptor.round, None)),
                CoordinatorEvent::RoundCommitted { round, sum, .. } => {
                    let begun = rounds.iter_mut().rfind(|(begun, _)| begun == round);
                    begun.into_iter().for_each(|(_, committed)| *committed = Some(*sum));
                }
                _ => {}
            }
        }
        Some(Self { run, rounds, until })
    }

    /// A run that is over, of which nothing was kept, and that stays until then.
    #[cfg(test)]
    pub(crate) fn until_then(until: u64) -> Self {
        Self { run: RunId([1; 32]), rounds: Vec::new(), until: Some(Millis(until)) }
    }

    /// Until when it stays; nothing as long as the run goes on.
    pub(crate) fn until(&self) -> Option<Millis> {
        self.until
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether any file may be left of it.
    pub(crate) fn names_any(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Its files are gone.
    pub(crate) fn forgotten(&mut self) {
        self.rounds.clear();
    }
}

/// Removes from a state folder what belongs to rounds that a ledger started and did not commit, and what is kept of a run when its time is over. What no
/// ledger names at all is moved aside and not removed: a journal may have been cut, or an older copy put back, and then it is the proof.
pub(crate) fn forget_evidence<'a>(state_dir: &Path, runs: impl IntoIterator<Item = &'a KeptRun>, now: Millis) {
    let mut names = Names::default();
    runs.into_iter().for_each(|kept| names.add(kept, now));
    for (folder, stay, go) in [(ROUNDS, &names.rounds, &names.old_rounds), (SUMS, &names.sums, &names.old_sums)] {
        tidy(&state_dir.join(folder), (stay, go), &state_dir.join(STRAYS));
    }
}

/// Removes what is kept of a run whose time is over.
pub(crate) fn forget_run(state_dir: &Path, kept: &KeptRun) {
    let mut names = Names::default();
    names.add(kept, Millis(u64::MAX));
    for (folder, old) in [(ROUNDS, &names.old_rounds), (SUMS, &names.old_sums)] {
        old.iter()
            .map(|name| state_dir.join(folder).join(name))
            .filter(|path| path.exists())
            .for_each(|path| remove(&path));
    }
}

fn round_name(run: RunId, round: RoundId) -> String {
    format!("{run}-{round}.kept")
}

/// The files that the ledgers of a journal name.
#[derive(Default)]
struct Names {
    rounds: BTreeSet<String>,
    sums: BTreeSet<String>,
    /// Of rounds that were not committed, and of runs whose time is over.
    old_rounds: BTreeSet<String>,
    old_sums: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, kept: &KeptRun, now: Millis) {
        let (run, over) = (kept.run, kept.is_over(now));
        if over && kept.names_any() {
            tracing::info!(%run, "the time for which this run's rounds are kept is over; what is left of them is removed");
        }
        for (round, committed) in &kept.rounds {
            match committed {
                Some(sum) if !over => {
                    self.rounds.insert(round_name(run, *round));
                    self.sums.insert(sum_name(sum));
                }
                committed => {
                    self.old_rounds.insert(round_name(run, *round));
                    self.old_sums.extend(committed.iter().map(sum_name));
                }
            }
        }
    }
}

fn sum_name(sum: &Digest) -> String {
    format!("{sum}.sum")
}

/// Leaves the files that are to stay, removes those that are to go and unfinished ones, and moves every other one aside.
fn tidy(folder: &Path, (stay, go): (&BTreeSet<String>, &BTreeSet<String>), strays: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_str().unwrap_or_default();
        let finished = name.ends_with(".kept") || name.ends_with(".sum");
        if stay.contains(name) {
            continue;
        }
        if go.contains(name) || !finished {
            remove(&path);
            continue;
        }
        let aside = create_private_folder(strays).map(|()| fs::rename(&path, strays.join(name)));
        if !matches!(aside, Ok(Ok(()))) {
            tracing::warn!(file = %path.display(), "a file that no ledger names stays where it is, because it could not be moved aside");
            continue;
        }
        tracing::warn!(
            file = %path.display(), folder = %strays.display(),
            "no ledger names this file, and it was moved aside. After a crash that is the sum of a round that was not committed. Was the journal \
             cut, or an older copy put back, the file proves it: keep it"
        );
    }
}

pub(super) fn remove(path: &Path) {
    if let Err(fault) = fs::remove_file(path) {
        tracing::warn!(%fault, file = %path.display(), "a file that the ledger does not name could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use tributary_storage::faults::each_sync_fails_once;

    use super::*;

    fn run(number: u8) -> RunId {
        RunId([number; 32])
    }

    fn sum(number: u8) -> Digest {
        Digest([number; 32])
    }

    /// Rounds that began, and the sums of those that were committed.
    fn kept(number: u8, rounds: &[(u64, Option<u8>)], until: Option<u64>) -> KeptRun {
        let rounds = rounds.iter().map(|(round, committed)| (RoundId(*round), committed.map(sum))).collect();
        KeptRun { run: run(number), rounds, until: until.map(Millis) }
    }

    /// A state folder with the files of these rounds and sums.
    fn state(rounds: &[(u8, u64)], sums: &[u8]) -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        for folder in [ROUNDS, SUMS] {
            fs::create_dir_all(state.path().join(folder)).unwrap();
        }
        for (number, round) in rounds {
            fs::write(state.path().join(ROUNDS).join(round_name(run(*number), RoundId(*round))), "x").unwrap();
        }
        for number in sums {
            fs::write(state.path().join(SUMS).join(sum_name(&sum(*number))), "x").unwrap();
        }
        state
    }

    fn files(state: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [ROUNDS, SUMS, STRAYS] {
            let entries = fs::read_dir(state.join(folder)).into_iter().flatten();
            names.extend(entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap())));
        }
        names.sort();
        names
    }

    fn names(rounds: &[(u8, u64)], sums: &[u8]) -> Vec<String> {
        let rounds =
            rounds.iter().map(|(number, round)| format!("{ROUNDS}/{}", round_name(run(*number), RoundId(*round))));
        let mut names: Vec<String> =
            rounds.chain(sums.iter().map(|number| format!("{SUMS}/{}", sum_name(&sum(*number))))).collect();
        names.sort();
        names
    }

    /// What a ledger committed stays as long as its run's time is not over, and what it did not commit goes.
    #[test]
    fn what_a_ledger_does_not_commit_goes_and_what_none_names_is_moved_aside() {
        let state = state(&[(1, 1), (1, 2), (2, 1), (2, 2), (3, 7)], &[1, 2, 3, 9]);
        for unfinished in ["draft", "half.tmp"] {
            fs::write(state.path().join(ROUNDS).join(unfinished), "x").unwrap();
        }
        // The third sum was opened in both runs.
        let goes_on = kept(1, &[(1, Some(1)), (2, None), (3, Some(3))], None);
        let ended = kept(2, &[(1, Some(2)), (2, Some(3))], Some(1_000));
        let runs = [goes_on.clone(), ended.clone()];
        forget_evidence(state.path(), &runs, Millis(999));
        let strays = |names: Vec<String>| {
            let aside =
                [format!("{STRAYS}/{}", round_name(run(3), RoundId(7))), format!("{STRAYS}/{}", sum_name(&sum(9)))];
            let mut all: Vec<String> = names.into_iter().chain(aside).collect();
            all.sort();
            all
        };
        assert_eq!(files(state.path()), strays(names(&[(1, 1), (2, 1), (2, 2)], &[1, 2, 3])));
        forget_evidence(state.path(), &runs, Millis(1_000));
        assert_eq!(files(state.path()), strays(names(&[(1, 1)], &[1, 3])));
        // A folder that is not there has nothing to forget.
        fs::remove_dir_all(state.path().join(SUMS)).unwrap();
        forget_evidence(state.path(), &runs, Millis(1_000));
        assert_eq!(files(state.path()), [&names(&[(1, 1)], &[])[..], &strays(Vec::new())].concat());
    }

    #[test]
    fn a_run_is_forgotten_with_all_that_was_kept_of_it_and_nothing_else() {
        let state = state(&[(1, 1), (1, 2), (2, 1)], &[1, 2]);
        forget_run(state.path(), &kept(1, &[(1, Some(1)), (2, None), (3, Some(8))], Some(5)));
        assert_eq!(files(state.path()), names(&[(2, 1)], &[2]));
    }

    #[test]
    fn its_time_is_over_from_its_last_millisecond_on() {
        let mut ended = kept(1, &[(1, None)], Some(1_000));
        assert_eq!([999, 1_000, 1_001].map(|at| ended.is_over(Millis(at))), [false, true, true]);
        assert!(ended.until() == Some(Millis(1_000)) && ended.names_any());
        ended.forgotten();
        assert!(!ended.names_any());
        let goes_on = kept(1, &[], None);
        assert!(!goes_on.is_over(Millis(u64::MAX)) && !goes_on.names_any() && goes_on.until().is_none());
    }

    /// What cannot be moved aside stays where it is, and nobody is told otherwise.
    #[test]
    fn a_stray_file_that_cannot_be_moved_aside_stays() {
        let state = state(&[(3, 7)], &[9]);
        let all = files(state.path());
        fs::write(state.path().join(STRAYS), "no folder").unwrap();
        let ((), told) = crate::log::logged(|| forget_evidence(state.path(), &[], Millis(0)));
        fs::remove_file(state.path().join(STRAYS)).unwrap();
        assert_eq!((files(state.path()), all.len()), (all, 2));
        assert_eq!(told.matches("stays where it is, because it could not be moved aside").count(), 2, "{told}");
        assert!(!told.contains("it was moved aside"), "{told}");
        let ((), told) = crate::log::logged(|| forget_evidence(state.path(), &[], Millis(0)));
        assert_eq!(told.matches("no ledger names this file, and it was moved aside").count(), 2, "{told}");
        assert!(files(state.path()).iter().all(|name| name.starts_with(STRAYS)));
    }

    fn descriptor(round: u64, dimension: u32) -> RoundDescriptor {
        RoundDescriptor {
            run: run(1),
            session: tributary_protocol::ids::SessionId([2; 32]),
            round: RoundId(round),
            stage: 0,
            model: Digest([3; 32]),
            view: Digest([4; 32]),
            ring: tributary_protocol::secagg::modular::Ring::Bits64,
            dimension,
            sensitivity_squared: 6,
            share_variance: 7,
            honest_min: 8,
            survivors_min: 9,
            deadline_ms: 10,
        }
    }

    /// A round's file has its head, whatever was folded, and its end; before that it has no name.
    #[test]
    fn a_round_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state"), RunRef { plan: Digest::ZERO, number: 1 }).unwrap();
        let state = folder.path().join("state");
        let retention = Retention { uploads_dimension_max: 5, ..Retention::USUAL };
        assert!(store.begin_kept(&retention, &descriptor(4, 6)).unwrap().is_none(), "it is too long to be kept");
        let of = descriptor(4, 5);
        let mut kept = store.begin_kept(&retention, &of).unwrap().expect("it is kept");
        [&b"one"[..], b"two"].into_iter().for_each(|bytes| kept.append(bytes));
        assert_eq!(files(&state).len(), 1, "a draft");
        drop(kept);
        assert!(files(&state).is_empty(), "nothing is left of it");
        for last in [&b"end"[..], b"other end"] {
            let mut kept = store.begin_kept(&retention, &of).unwrap().expect("it is kept");
            kept.append(b"one");
            kept.append(b"two");
            kept.keep(last).unwrap();
            assert_eq!(files(&state), names(&[(1, 4)], &[]));
            let head = KeptHead { round: RoundId(4), descriptor: of.digest(), ring: of.ring, dimension: 5 };
            let expected = [&head.encode()[..], b"onetwo", last].concat();
            assert!(fs::read(state.join(ROUNDS).join(round_name(run(1), RoundId(4)))).unwrap() == expected);
        }
        // Also where it cannot be synced: the ledger is not to name what may be lost.
        let failed =
            each_sync_fails_once(|| (), |()| store.begin_kept(&retention, &of)?.expect("it is kept").keep(b"end"));
        assert_eq!(failed, 2);
        // What could not be written is told at the end, and the round has no file.
        fs::remove_file(state.join(ROUNDS).join(round_name(run(1), RoundId(4)))).unwrap();
        let mut kept = store.begin_kept(&retention, &of).unwrap().expect("it is kept");
        kept.fault = Some(io::ErrorKind::StorageFull.into());
        kept.append(b"one");
        let refused = kept.keep(b"end").unwrap_err();
        assert!(
            matches!(&refused, StoreError::System { action: "writing", path, .. } if path.ends_with(round_name(run(1), RoundId(4))))
        );
        assert!(files(&state).is_empty());
        fs::remove_dir_all(state.join(ROUNDS)).unwrap();
        assert!(matches!(store.begin_kept(&retention, &of), Err(StoreError::System { action: "writing to", .. })));
    }

    /// What a ledger says of what is kept: each round that began, with the last sum of it, and until when.
    #[test]
    fn what_is_kept_follows_from_the_ledger_and_the_plan() {
        use crate::run::job::tests::{job, settings};
        let job = job(&settings());
        let own = RunRef { plan: job.plan().digest(), number: 2 };
        let at = |at: u64, event| Recorded { at: Millis(at), event };
        let opened = |retention: Retention| {
            let mut plan = job.plan().plan().clone();
            plan.retention = retention;
            let (approvals, model) = (Box::new(job.approvals.clone()), job.initial.digest());
            CoordinatorEvent::RunOpened { plan: Box::new(plan), approvals, number: 2, model, begun: Millis(1) }
        };
        let started = |round: u64| CoordinatorEvent::RoundStarted { descriptor: descriptor(round, 5) };
        let committed = |round: u64, of: u8| CoordinatorEvent::RoundCommitted {
            round: RoundId(round),
            sum: sum(of),
            model: sum(0),
        };
        let events = |retention: Retention| {
            vec![
                at(1, opened(retention)),
                at(2, started(1)),
                at(3, started(2)),
                at(4, committed(2, 7)),
                at(5, started(3)),
                at(6, committed(3, 8)),
            ]
        };
        let goes_on = events(job.plan().retention);
        let found = KeptRun::of(&goes_on).unwrap();
        assert_eq!(found, KeptRun { run: own.id(), ..kept(1, &[(1, None), (2, Some(7)), (3, Some(8))], None) });
        assert!(KeptRun::of(&goes_on[1..]).is_none() && KeptRun::of(&[]).is_none());
        let ended = |retention: Retention| {
            let finished = CoordinatorEvent::RunFinished { model: sum(0), rounds: 2, complete: true };
            let mut events = events(retention);
            events.push(at(1_000, finished));
            KeptRun::of(&events).unwrap()
        };
        for (uploads, sums, any) in [(0, false, false), (1, false, true), (0, true, true)] {
            let found = ended(Retention { uploads_dimension_max: uploads, sums, days: 3 });
            assert_eq!(
                (found.names_any(), found.until()),
                (any, Some(Millis(1_000 + 3 * 86_400_000))),
                "{uploads} {sums}"
            );
        }
    }
}
