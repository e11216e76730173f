//! Whole runs over the store, whose process may end at any moment, and whose sums are proved by what was kept.

mod evidence;
mod kills;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::round::cast::{MaskedRound, masked_round};
use tributary_protocol::round::record::Next;
use tributary_protocol::round::{CoordinatorEvent, Recorded, RoundHead, SessionView};
use tributary_protocol::secagg::kept::{CommittedRound, KeptHead, KeptRound, read_sum};
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;

use super::*;
use crate::run::job::tests::{job, settings};
use crate::run::spool::Spool;
use crate::run::uploads::OpenSum;
use crate::store::{KeptRun, forget_evidence};
use tributary_planning::settings::{CountingSettings, MechanismSettings, PlanSettings};

const SURVIVORS: u32 = 8;
const LOST: ClientId = ClientId(99);

/// What one branch puts into a round of a stage of which so many are committed.
type Values = fn(&PlannedStage<'_>, u32, u32) -> Vec<i64>;

/// A run of a plan over a folder.
struct World<'a> {
    job: &'a Job,
    values: Values,
    folder: tempfile::TempDir,
    store: Store,
    advance: Advance,
    record: RunRecord,
    ledger: Vec<Recorded<CoordinatorEvent>>,
    sum: OpenSum,
    /// Files that were there with the last event.
    durable: BTreeSet<PathBuf>,
    moments: u32,
    /// At which of them the process ends.
    killed_at: Option<u32>,
}

/// The process ends.
#[derive(Debug)]
struct Killed;

impl<'a> World<'a> {
    fn new(job: &'a Job, values: Values, killed_at: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state"), job.run.reference()).unwrap();
        let (record, sum) = (RunRecord::default(), OpenSum::default());
        let advance = Advance::start(job, &store, &record).unwrap();
        let (ledger, durable) = (Vec::new(), BTreeSet::new());
        let mut world =
            Self { job, values, folder, store, advance, record, ledger, sum, durable, moments: 0, killed_at };
        let plan = Box::new(job.plan().plan().clone());
        world.append(CoordinatorEvent::RunOpened {
            plan,
            number: 1,
            model: job.initial.digest(),
            approvals: Box::new(job.approvals.clone()),
            begun: Millis(0),
        });
        world
    }

    fn append(&mut self, event: CoordinatorEvent) {
        self.record.apply(&event);
        self.ledger.push(Recorded { at: Millis(0), event });
        self.durable = self.files();
    }

    fn moment(&mut self) -> Result<(), Killed> {
        self.moments += 1;
        if self.killed_at == Some(self.moments) { Err(Killed) } else { Ok(()) }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn forget_evidence<'e>(&self, ledgers: impl IntoIterator<Item = &'e [Recorded<CoordinatorEvent>]>, now: Millis) {
        let runs: Vec<KeptRun> = ledgers.into_iter().filter_map(KeptRun::of).collect();
        forget_evidence(&self.state(), &runs, now);
    }

    /// Of the state, or of the run.
    fn files_in(&self, folder: &str) -> BTreeSet<PathBuf> {
        let of_run = ["counts", "optimizer"].contains(&folder);
        let place = if of_run { self.store.run_folder().join(folder) } else { self.state().join(folder) };
        let Ok(entries) = std::fs::read_dir(place) else {
            return BTreeSet::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// What is kept of the noise in the run's models.
    fn noise(&self) -> Vec<Vec<u8>> {
        let files = self.files_in("counts").into_iter().filter(|path| path.to_string_lossy().ends_with("-noise.json"));
        files.map(|path| std::fs::read(path).unwrap()).collect()
    }

    fn files(&self) -> BTreeSet<PathBuf> {
        ["models", "optimizer", "counts", "rounds", "sums"].iter().flat_map(|folder| self.files_in(folder)).collect()
    }

    /// Goes on to the end of the run.
    fn go_on(&mut self) -> Result<(), Killed> {
        loop {
            match self.record.next().expect("a run that is open") {
                Next::Round(stage) => self.round(stage)?,
                Next::Conclude(stage) => {
                    let model = self.advance.conclude(stage, &self.store).unwrap();
                    self.moment()?;
                    self.append(CoordinatorEvent::StageConcluded { stage, model });
                    self.adopt(model)?;
                }
                Next::Finish => {
                    let (model, complete) = (self.record.released().unwrap(), self.record.is_complete());
                    let rounds = self.record.committed_all();
                    self.append(CoordinatorEvent::RunFinished { model, rounds, complete });
                    return Ok(());
                }
            }
        }
    }

    /// As the shell does after it has synced the ledger.
    fn adopt(&mut self, model: Digest) -> Result<(), Killed> {
        self.moment()?;
        if self.advance.is_pending() {
            self.advance.adopt(model, &self.store);
            let Version { stage, steps, .. } = self.advance.current;
            assert_eq!(steps, self.record.committed(stage), "what it has stepped is what the ledger has committed");
        }
        self.moment()
    }

    fn descriptor(&self, stage: u16) -> RoundDescriptor {
        let thresholds = CohortRule::USUAL.thresholds(&[OrganisationId(1); 10], 10).unwrap();
        let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
        let head = RoundHead { round: RoundId(self.record.last_round + 1), stage, model: self.record.model.unwrap() };
        RoundDescriptor::derive(&self.job.run, &view, head).unwrap()
    }

    /// Starts a round and folds what its survivors upload.
    fn collect(&mut self, stage: u16) -> (RoundDescriptor, UnmaskPermit) {
        let descriptor = self.descriptor(stage);
        let RoundDescriptor { round, ring, dimension, .. } = descriptor;
        let committed = self.record.committed(stage);
        self.append(CoordinatorEvent::RoundStarted { descriptor: descriptor.clone() });
        assert_eq!(descriptor.model, self.advance.digest());
        let given = self.advance.take_model(&descriptor, &self.store).unwrap();
        let planned = self.job.planned.stage(stage).unwrap();
        assert_eq!(given.len(), planned.terms().model_bytes as usize);
        assert!(given.is_empty() || planned.state_digest(&given) == descriptor.model);
        assert!(given == self.advance.take_model(&descriptor, &self.store).unwrap(), "a second time it is read again");
        let values: Vec<(ClientId, Vec<i64>)> =
            (1..=SURVIVORS).map(|client| (ClientId(client), (self.values)(&planned, committed, client))).collect();
        let shape = (round, descriptor.digest(), ring);
        let MaskedRound { uploads, permit } = masked_round::<RealSuite>(shape, &values, &[LOST]);
        let kept = self.store.begin_kept(&self.job.run.retention, &descriptor).unwrap();
        self.sum.open(round, ring, dimension as usize, kept);
        let spool = Spool::new(self.folder.path().to_path_buf());
        for (ticket, bytes) in uploads {
            let (client, vector) = (ticket.client(), ticket.digest());
            let mut arriving = ticket.receive_into(spool.room(bytes.len()).unwrap());
            arriving.append(&bytes).unwrap();
            assert!(matches!(self.sum.arrive(arriving), Input::Arrived { .. }));
            let (head, signature) = (Digest::ZERO, Signature::none());
            self.append(CoordinatorEvent::UpdateAdmitted { round, client, vector, head, signature });
            self.sum.fold(client);
        }
        (descriptor, permit)
    }

    fn round(&mut self, stage: u16) -> Result<(), Killed> {
        let (descriptor, permit) = self.collect(stage);
        self.moment()?;
        let answer = self.advance.apply(&descriptor, self.sum.take(), permit, &self.store).unwrap();
        let Input::Updated { round, sum, model } = answer else { panic!("a sum that can be used") };
        assert!(self.advance.take_outcome().is_some());
        self.moment()?;
        self.append(CoordinatorEvent::RoundCommitted { round, sum, model });
        self.adopt(model)
    }

    /// Another process takes the folder and the ledger over. Of the files that the last one wrote after its last event, those of `lost` never
    /// reached the disk.
    fn restart(&mut self, lost: Lost) {
        let new: Vec<PathBuf> = self.files().difference(&self.durable).cloned().collect();
        match lost {
            Lost::Nothing => {}
            Lost::One(which) => new.iter().skip(which).take(1).for_each(|path| std::fs::remove_file(path).unwrap()),
            Lost::All => new.iter().for_each(|path| std::fs::remove_file(path).unwrap()),
        }
        self.sum = OpenSum::default();
        for event in self.record.interrupted(ClosedReason::Restart) {
            self.append(event);
        }
        let events = self.ledger.iter().map(|recorded| &recorded.event);
        self.advance = Advance::start(self.job, &self.store, &self.record).unwrap().after(events);
        self.forget_evidence([self.ledger.as_slice()], Millis(0));
        self.killed_at = None;
    }

    /// What lies in the folder is what the ledger names, and each sum is recomputed from what was kept of its round.
    fn assert_proved(&self) {
        let state = self.folder.path().join("state");
        let (mut rounds, mut sums, mut counts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut open, mut admitted) = (None, BTreeMap::new());
        for Recorded { event, .. } in &self.ledger {
            match event {
                CoordinatorEvent::RoundStarted { descriptor } => {
                    (open, admitted) = (Some(descriptor), BTreeMap::new());
                }
                CoordinatorEvent::UpdateAdmitted { client, vector, .. } => {
                    admitted.insert(*client, *vector);
                }
                CoordinatorEvent::RoundCommitted { round, sum, .. } => {
                    let RoundDescriptor { ring, dimension, stage, .. } = *open.unwrap();
                    let head = KeptHead { round: *round, descriptor: open.unwrap().digest(), ring, dimension };
                    let path = state.join(format!("rounds/{}-{round}.kept", self.job.run.id()));
                    let bytes = std::fs::read(&path).unwrap();
                    assert_eq!(bytes.len() as u64, head.kept_bytes(SURVIVORS.into(), SURVIVORS.into()));
                    let kept = KeptRound::decode(&bytes).unwrap();
                    let committed = CommittedRound { head, admitted: &admitted, sum: *sum };
                    let opened = kept.recompute::<RealSuite>(&committed).unwrap();
                    rounds.insert(path);
                    let path = state.join(format!("sums/{sum}.sum"));
                    let values = read_sum(ring, dimension as usize, &std::fs::read(&path).unwrap(), *sum).unwrap();
                    assert_eq!(values, opened.values());
                    sums.insert(path);
                    let planned = self.job.planned.stage(stage).unwrap();
                    if planned.layout().is_none() {
                        counts.insert(self.store.run_folder().join(format!(
                            "counts/{}-{}.json",
                            stage + 1,
                            planned.terms().kind
                        )));
                    }
                }
                CoordinatorEvent::StageConcluded { stage, .. } => {
                    let planned = self.job.planned.stage(*stage).unwrap();
                    let moved = self.record.committed(*stage) > 0;
                    if moved && planned.noise_in_model(&planned.first(), (1, 1)).is_some() {
                        counts.insert(self.store.run_folder().join(format!("counts/{}-noise.json", stage + 1)));
                    }
                }
                _ => {}
            }
        }
        assert_eq!((self.files_in("rounds"), self.files_in("sums")), (rounds, sums));
        assert_eq!((self.files_in("counts"), self.files_in("optimizer")), (counts, BTreeSet::new()));
        self.store.model(self.advance.planned().architecture(), &self.record.released().unwrap()).unwrap();
    }
}

/// Which of the files that were just written are lost with the process.
#[derive(Clone, Copy, Debug)]
enum Lost {
    Nothing,
    One(usize),
    All,
}

/// Count, three rounds of gradients of which the last two are averaged, evaluation.
fn counting_job() -> Job {
    let counting = Some(CountingSettings { bins: 4, budget_share: 0.1 });
    let mechanism = MechanismSettings { statistics: counting, evaluation: counting, ..MechanismSettings::default() };
    job(&PlanSettings { rounds: 3, retries: 3, tail_fraction: 0.7, mechanism, ..settings() })
}

fn spread(stage: &PlannedStage<'_>, committed: u32, client: u32) -> Vec<i64> {
    let dimension = i64::from(stage.terms().dimension);
    (0..dimension).map(|k| 1000 * i64::from(client) * i64::from(committed + 1) * (k % 7 - 2) + k).collect()
}
