//! What runs that are over come to, so that a start need not read their events again.
//!
//! ```text
//! STATE/audit.index = header | signature | part*        each but the header with its length in four bytes
//! ```
//!
//! The journal alone says what is true. The index says what a coordinator has read in it: where the entries of the oldest open run begin, what all
//! entries before that come to (chain, tree, number in each ledger), and what each run that was over came to. It is written after a run's end, signed
//! with the coordinator's key, and replaced at once.
//!
//! A start takes the index if its signature is by its own key, if the journal has the same digests in both places that the index names, and if no run of it
//! has more entries than it had. It then reads and verifies every entry after the first place. Otherwise it reads the whole journal, and writes the index
//! anew. So somebody who may change the folder gains nothing by the index: without the key none that he makes is taken, and an old one is of the journal
//! or is not taken. That the entries before the first place are still what they were is checked beside the work ([`check_front`]), at every start.
//!
//! [`check_front`]: tributary_storage::journal::check_front

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::log::{LedgerId, Mark, Place};
use tributary_protocol::merkle::Frontier;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::{CoordinatorEvent, Orders};
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::signed_message;
use tributary_protocol::time::Millis;
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{self, Existing};
use tributary_storage::journal::{Front, Journal, Ledgers, Seen};

use super::ended::Ended;
use super::served::Known;
use crate::error::CoordinatorError;
use crate::store::{KeptRun, index_of, ledger_of};

const FORMAT: Versioned = Versioned {
    what: "an index of a journal",
    magic: *b"TRIBINDX",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "It is made anew from the journal",
};

/// So many small things are in one part at most.
const PART_MAX: usize = 4_096;

/// What people had ordered when the last run ended, of whatever plan, and when that was; before any has, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LastOrders {
    at: Option<Millis>,
    orders: Orders,
}

/// A piece of the file.
#[derive(Serialize, Deserialize)]
enum Part {
    /// First: where the oldest open run begins, head and tree before it; and where the journal ended.
    Journal {
        offset: u64,
        head: Digest,
        tree: Frontier,
        seen: Seen,
    },
    /// Entries of each ledger before that place.
    Counts(Vec<([u8; 32], u64)>),
    /// Where the federation's own entries stand before it.
    Administration(Vec<Place>),
    Ended(Box<Ended>),
    Orders(Box<LastOrders>),
}

/// The runs that are over, and where those begin that are not.
pub(crate) struct Past {
    file: PathBuf,
    key: Arc<SigningKey>,
    runs: BTreeMap<RunId, Ended>,
    last: LastOrders,
    /// Of each run that the journal may name and that is not over: a place before its first entry.
    open: BTreeMap<LedgerId, Mark>,
    /// What the index was taken from, until that is checked.
    unchecked: Option<Mark>,
    /// Whether the index says less than this.
    changed: bool,
}

/// What is known of the runs that are not over.
pub(crate) type Begun = BTreeMap<LedgerId, Option<RunRef>>;

impl Past {
    /// Opens the journal, with as little reading as the index allows. What is kept of the open runs comes last.
    ///
    /// # Errors
    /// If the journal cannot be used or contradicts itself.
    pub(crate) fn open(
        state_dir: &Path,
        key: &Arc<SigningKey>,
    ) -> Result<(Journal<CoordinatorEvent>, Self, Begun, Vec<KeptRun>), CoordinatorError> {
        let file = index_of(state_dir);
        let empty = || Self {
            file: file.clone(),
            key: Arc::clone(key),
            runs: BTreeMap::new(),
            last: LastOrders::default(),
            open: BTreeMap::new(),
            unchecked: None,
            changed: false,
        };
        let ledger = ledger_of(state_dir);
        let mut past = empty();
        if let Some(front) = past.read() {
            let known = |ledger: &LedgerId| past.runs.contains_key(&RunId(ledger.0));
            let opened = Journal::open_after(&ledger, LedgerId::ADMINISTRATION, (&front, &known))?;
            let as_many =
                |journal: &Journal<_>, run: &Ended| journal.entries_of(&run.reference.id().into()) == run.entries;
            let opened = opened.filter(|(journal, _)| past.runs.values().all(|run| as_many(journal, run)));
            if let Some((journal, ledgers)) = opened {
                past.unchecked = Some(front.mark.clone());
                let (begun, kept) = past.add(&ledgers, &front.mark)?;
                return Ok((journal, past, begun, kept));
            }
            tracing::warn!(file = %past.file.display(), "the index of the journal is not of this journal and is made anew; the whole journal is read");
            past = empty();
        }
        let (journal, ledgers) = Journal::open_view(&ledger, LedgerId::ADMINISTRATION)?;
        let (begun, kept) = past.add(&ledgers, &Mark::start())?;
        Ok((journal, past, begun, kept))
    }

    /// Takes what these ledgers say, all of which begin after a place.
    fn add(
        &mut self,
        ledgers: &Ledgers<CoordinatorEvent>,
        from: &Mark,
    ) -> Result<(Begun, Vec<KeptRun>), CoordinatorError> {
        let (mut begun, mut kept) = (Begun::new(), Vec::new());
        for (ledger, events) in ledgers {
            match Known::of(events)? {
                Known::Open(reference) => {
                    begun.insert(*ledger, reference);
                    self.open.insert(*ledger, from.clone());
                    kept.extend(KeptRun::of(events));
                }
                Known::Over { ended, orders, last } => self.ended(*ended, (last, orders)),
            }
        }
        Ok((begun, kept))
    }

    /// The runs that are over.
    pub(crate) fn runs(&self) -> &BTreeMap<RunId, Ended> {
        &self.runs
    }

    /// What stood when the last of them ended.
    pub(crate) fn orders(&self) -> &Orders {
        &self.last.orders
    }

    /// The front of the journal that this start has not read, once.
    pub(crate) fn take_unchecked(&mut self) -> Option<Mark> {
        self.unchecked.take()
    }

    /// A place before the first entry of a run that the journal may name.
    pub(crate) fn before(&self, run: RunId) -> Mark {
        self.open.get(&run.into()).cloned().unwrap_or_else(Mark::start)
    }

    /// A run's first entry stands after this place, or will.
    pub(crate) fn begins(&mut self, run: RunId, here: Mark) {
        self.open.entry(run.into()).or_insert(here);
    }

    /// A run is over, with these orders.
    pub(crate) fn ended(&mut self, ended: Ended, (at, orders): (Millis, Orders)) {
        let run = ended.reference.id();
        self.open.remove(&run.into());
        self.runs.insert(run, ended);
        self.changed = true;
        let at = Some(at);
        if at >= self.last.at {
            self.last = LastOrders { at, orders };
        }
    }

    /// The files that were kept of a run are removed; gives what they were.
    pub(crate) fn forget(&mut self, run: RunId) -> Option<KeptRun> {
        let kept = self.runs.get_mut(&run)?.kept.as_mut()?;
        let before = kept.clone();
        kept.forgotten();
        self.changed = true;
        Some(before)
    }

    /// The files that were kept for so long are removed.
    pub(crate) fn forget_outlived(&mut self, now: Millis) {
        let over = |ended: &Ended| ended.kept.as_ref().is_some_and(|kept| kept.is_over(now) && kept.names_any());
        let over: Vec<RunId> = self.runs.iter().filter(|(_, ended)| over(ended)).map(|(run, _)| *run).collect();
        over.into_iter().for_each(|run| drop(self.forget(run)));
    }

    /// Writes the index where it says less than this. Without it the next start reads more, and is otherwise the same: a fault is told and ends nothing.
    pub(crate) fn write(&mut self, journal: &Journal<CoordinatorEvent>) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let end = journal.mark();
        let mark = self.open.values().min_by_key(|mark| mark.offset()).unwrap_or(&end);
        if mark.log().size() == 0 {
            return;
        }
        let body = self.encode(&journal.front(mark));
        let signature = RealSuite::sign(&self.key, &to_sign(&body));
        let mut bytes = Vec::with_capacity(body.len() + 256);
        append(&mut bytes, &signature);
        bytes.extend_from_slice(&body);
        if let Err(fault) = files::write_stored(&self.file, &FORMAT, &bytes, Existing::Replace) {
            tracing::warn!(%fault, "the index of the journal cannot be written; the next start reads more of the journal");
        }
    }

    fn encode(&self, front: &Front) -> Vec<u8> {
        let Front { mark, seen, administration } = front;
        let (offset, head, tree) = (mark.offset(), mark.log().head(), mark.log().tree().clone());
        let counts: Vec<([u8; 32], u64)> = mark.log().ledgers().map(|(ledger, count)| (ledger.0, count)).collect();
        let mut body = Vec::new();
        append(&mut body, &Part::Journal { offset, head, tree, seen: *seen });
        counts.chunks(PART_MAX).for_each(|counts| append(&mut body, &Part::Counts(counts.to_vec())));
        administration.chunks(PART_MAX).for_each(|places| append(&mut body, &Part::Administration(places.to_vec())));
        self.runs.values().for_each(|ended| append(&mut body, &Part::Ended(Box::new(ended.clone()))));
        append(&mut body, &Part::Orders(Box::new(self.last.clone())));
        body
    }

    /// Reads the index, if there is one that this coordinator has signed.
    fn read(&mut self) -> Option<Front> {
        if !self.file.exists() {
            return None;
        }
        let read = files::read_stored(&self.file, &FORMAT).ok().and_then(|bytes| self.decode(&bytes));
        if read.is_none() {
            tracing::warn!(
                file = %self.file.display(),
                "the index of the journal is damaged, or not signed with this coordinator's key, and is made anew; the whole journal is read"
            );
        }
        read
    }

    fn decode(&mut self, bytes: &[u8]) -> Option<Front> {
        let (signature, body) = split(bytes)?;
        let signature: Signature = codec::decode(signature, CONTROL_MESSAGE_BYTES_MAX).ok()?;
        if !RealSuite::verify(&self.key.verifying_key(), &to_sign(body), &signature) {
            return None;
        }
        let (mut place, mut counts, mut administration) = (None, BTreeMap::new(), Vec::new());
        let (mut runs, mut last, mut rest) = (BTreeMap::new(), LastOrders::default(), body);
        while !rest.is_empty() {
            let (part, after) = split(rest)?;
            match codec::decode(part, CONTROL_MESSAGE_BYTES_MAX).ok()? {
                Part::Journal { offset, head, tree, seen } => place = Some((offset, head, tree, seen)),
                Part::Counts(more) => counts.extend(more.into_iter().map(|(ledger, count)| (LedgerId(ledger), count))),
                Part::Administration(more) => administration.extend(more),
                Part::Ended(ended) => drop(runs.insert(ended.reference.id(), *ended)),
                Part::Orders(orders) => last = *orders,
            }
            rest = after;
        }
        let (offset, head, tree, seen) = place?;
        let mark = Mark::kept(offset, head, tree, counts)?;
        (self.runs, self.last) = (runs, last);
        Some(Front { mark, seen, administration })
    }
}

fn to_sign(body: &[u8]) -> Vec<u8> {
    signed_message("AUDIT-INDEX", &Digest::of(body))
}

fn append(bytes: &mut Vec<u8>, part: &impl Serialize) {
    let part = codec::encode(part);
    bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&part);
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::RoundId;
    use tributary_protocol::message::ClosedReason;
    use tributary_protocol::plan::Attestation;
    use tributary_protocol::role::{Action, Role};
    use tributary_protocol::round::cast::{self, PROPOSER};

    use super::*;

    fn past(folder: &Path) -> Past {
        Past {
            file: index_of(folder),
            key: Arc::new(SigningKey::from_seed(&[9; 32])),
            runs: BTreeMap::new(),
            last: LastOrders::default(),
            open: BTreeMap::new(),
            unchecked: None,
            changed: false,
        }
    }

    fn reference(number: u32) -> RunRef {
        RunRef { plan: Digest([7; 32]), number }
    }

    fn ended(number: u32, until: Option<u64>) -> Ended {
        Ended {
            reference: reference(number),
            entries: 5,
            began: 6,
            outcome: Ok((Digest([8; 32]), 3)),
            aborted: false,
            kept: until.map(KeptRun::until_then),
        }
    }

    /// A journal in which this many ledgers have an entry, and each tenth entry is the federation's own.
    fn journal(folder: &Path, ledgers: u32) -> Journal<CoordinatorEvent> {
        let (mut journal, _) = Journal::open_view(&ledger_of(folder), LedgerId([1; 32])).unwrap();
        for number in 0..ledgers {
            let ledger = LedgerId(Digest::of(&number.to_le_bytes()).0);
            let event = CoordinatorEvent::RoundAborted { round: RoundId(1), reason: ClosedReason::Stopped };
            journal.append_to(ledger, Millis(1), &event).unwrap();
            journal.append_to(LedgerId::ADMINISTRATION, Millis(1), &event).unwrap();
        }
        journal.sync().unwrap();
        journal
    }

    fn pause(number: u8) -> Attestation {
        cast::attestation(PROPOSER, Role::PlanOwner, Action::PausePlan, Digest([number; 32]))
    }

    fn orders(number: u8) -> Orders {
        let mut orders = Orders::default();
        orders.apply(&pause(number));
        orders
    }

    fn sealed(past: &Past, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(&mut bytes, &RealSuite::sign(&past.key, &to_sign(body)));
        bytes.extend_from_slice(body);
        bytes
    }

    /// More ledgers and places than one part has. What is cut anywhere, or signed by somebody else, is nothing.
    #[test]
    fn an_index_is_read_as_it_was_written_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path(), u32::try_from(PART_MAX).unwrap() + 1);
        let mut own = past(folder.path());
        own.ended(ended(1, Some(9)), (Millis(4), orders(1)));
        own.ended(ended(2, None), (Millis(5), orders(2)));
        let front = journal.front(&journal.mark());
        let body = own.encode(&front);
        let bytes = sealed(&own, &body);
        let mut other = past(folder.path());
        let found = other.decode(&bytes).expect("its own word");
        assert_eq!((&other.runs, &other.last), (&own.runs, &own.last));
        assert_eq!((other.runs.len(), found.administration.len()), (2, PART_MAX + 1));
        assert!(found.mark == front.mark && other.encode(&found) == body);
        // Nobody takes a part of it, or what another key has signed.
        for length in [0, 1, 4, 80, bytes.len() / 2, bytes.len() - 1] {
            assert!(past(folder.path()).decode(&bytes[..length]).is_none(), "cut at {length}");
        }
        let mut longer = body.clone();
        longer.extend_from_slice(&[9, 0, 0, 0, 1]);
        let parts = |of: &Past, body: &[u8]| past(folder.path()).decode(&sealed(of, body)).is_some();
        assert!(parts(&own, &body) && !parts(&own, &longer) && !parts(&own, &[]));
        let stranger = Past { key: Arc::new(SigningKey::from_seed(&[8; 32])), ..past(folder.path()) };
        assert!(!parts(&stranger, &body));
    }

    /// It is written where something has changed, and says the oldest place at which a run is open.
    #[test]
    fn an_index_is_written_when_it_says_less_than_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let empty = journal(folder.path(), 0);
        let mut own = past(folder.path());
        own.changed = true;
        own.write(&empty);
        assert!(!own.file.exists(), "before the first entry there is nothing to say");
        drop(empty);
        let mut journal = journal(folder.path(), 1);
        let (early, event) =
            (journal.mark(), CoordinatorEvent::RunFinished { model: Digest([1; 32]), rounds: 1, complete: true });
        journal.append_to(LedgerId([5; 32]), Millis(2), &event).unwrap();
        journal.sync().unwrap();
        let late = journal.mark();
        own.write(&journal);
        assert!(!own.file.exists(), "it was told already");
        own.ended(ended(1, None), (Millis(1), Orders::default()));
        let read = |own: &mut Past, journal: &Journal<CoordinatorEvent>| {
            own.write(journal);
            past(folder.path()).read().map(|front| front.mark)
        };
        assert!(read(&mut own, &journal).is_some_and(|mark| mark == late), "no run is open");
        // The first place of a run stays, and the oldest of all counts until its run is over.
        for (number, place) in [(2, &late), (3, &early), (3, &late), (2, &early)] {
            own.begins(reference(number).id(), place.clone());
        }
        let before = |own: &Past| [2, 3, 4].map(|number| own.before(reference(number).id()));
        assert!(before(&own) == [late.clone(), early.clone(), Mark::start()]);
        own.changed = true;
        assert!(read(&mut own, &journal).is_some_and(|mark| mark == early));
        own.ended(ended(3, None), (Millis(2), Orders::default()));
        assert!(read(&mut own, &journal).is_some_and(|mark| mark == late));
        assert!(before(&own) == [late, Mark::start(), Mark::start()]);
    }

    /// Of runs that end in the same moment the last one that was told counts; one that ended before changes nothing.
    #[test]
    fn the_orders_of_the_run_that_ended_last_stand() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = past(folder.path());
        assert_eq!(own.orders(), &Orders::default());
        for (number, at, stands) in [(1, 5, 1), (2, 4, 1), (3, 5, 3), (4, 6, 4)] {
            own.ended(ended(number, None), (Millis(at), orders(u8::try_from(number).unwrap())));
            assert_eq!(own.orders(), &orders(stands), "run {number}");
        }
        assert_eq!(own.runs().len(), 4);
    }

    /// What was kept of a run goes with its last millisecond, once; the run itself stays known.
    #[test]
    fn what_is_kept_of_runs_is_forgotten_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = past(folder.path());
        for (number, until) in [(1, Some(9)), (2, Some(10)), (3, None)] {
            own.ended(ended(number, until), (Millis(1), Orders::default()));
        }
        own.changed = false;
        own.forget_outlived(Millis(u64::MAX));
        assert!(!own.changed, "nothing was kept of them");
        let until = |own: &mut Past, number: u32| own.forget(reference(number).id()).and_then(|kept| kept.until());
        assert_eq!([1, 2, 3, 4].map(|number| until(&mut own, number)), [Some(Millis(9)), Some(Millis(10)), None, None]);
        assert!(own.changed && own.runs().len() == 3);
        assert!(own.take_unchecked().is_none());
    }
}
