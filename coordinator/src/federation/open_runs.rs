//! The plans that are served, and the runs of them that are open. A run's end ends nothing else.

mod asked;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tributary_certs::clock::{unix_millis, unix_seconds};
use tributary_certs::suite::RealSuite;
use tributary_daemon::Metric;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::limits::RUNS_AT_ONCE_MAX;
use tributary_protocol::log::{LedgerId, Mark};
use tributary_protocol::message::{Join, Upstream};
use tributary_protocol::plan::{Attestation, RunRef};
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{
    CoordinatorEvent, CoordinatorSettings, Input, Orders, Recorded, ResumeFault, answer_after_the_end,
};
use tributary_protocol::time::Millis;
use tributary_storage::journal;

use super::agenda::Agenda;
use super::grants::Grants;
use super::hands::Hands;
use super::heard::{Heard, Waiting};
use super::models::{self, Word};
use super::past::{Begun, Past};
use super::served::{Known, began_from};
use super::{sinking, witnessing};
use crate::connections::{Arrival, Limits};
use crate::error::CoordinatorError;
use crate::open::upload_bytes;
use crate::report::Event;
use crate::run::job::Job;
use crate::run::shell::RunShell;
use crate::run::uploads::Verdict;
use crate::settings::Windows;
use crate::store::{KeptRun, Store, forget_run, ledger_of};

/// Statements that are kept for rosters that come later, at most.
const UNSTATED_MAX: usize = 100;

/// The plans that are served, and their open runs.
pub(crate) struct Federation<'a> {
    pub(crate) hands: Hands<'a>,
    state_dir: PathBuf,
    limits: Arc<Limits>,
    agenda: Agenda,
    runs: BTreeMap<RunId, RunShell>,
    /// Runs that are over, and where the open ones begin in the journal.
    past: Past,
    /// The newest roster.
    roster: SignedRoster,
    heard: Heard,
    /// What owners have granted and taken back, where it is carried.
    grants: Grants,
    /// Statements about models that count under no roster so far.
    unstated: Vec<Word>,
    /// What people had ordered when the last run ended, of whatever plan.
    orders: Orders,
    /// What the operator was last told of the queue.
    queued: Vec<String>,
    /// Why no round begins, as the runs were told last.
    withheld: Option<String>,
}

impl<'a> Federation<'a> {
    /// After what the journal holds. Nothing is opened yet.
    pub(crate) fn new(
        hands: Hands<'a>,
        (state_dir, limits, windows): (PathBuf, Arc<Limits>, Windows),
        (jobs, roster): (Vec<Job>, SignedRoster),
        (past, begun): (Past, Begun),
    ) -> Self {
        let orders = past.orders().clone();
        let agenda = Agenda::of(past.runs().values(), begun, windows, Millis(unix_millis()));
        let mut own = Self {
            hands,
            state_dir,
            limits,
            agenda,
            runs: BTreeMap::new(),
            past,
            roster,
            heard: Heard::after(orders.clone()),
            grants: Grants::default(),
            unstated: Vec::new(),
            orders,
            queued: Vec::new(),
            withheld: None,
        };
        own.withheld = own.hands.withheld();
        jobs.into_iter().for_each(|job| own.agenda.serve(job));
        own.agenda.name_the_lost();
        own
    }

    /// Keeps what the next start need not read again.
    pub(crate) fn keep_index(&mut self) {
        self.past.write(&self.hands.journal);
    }

    /// A process that ended between a run's last record and its release: what was not released is released now.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn conclude_the_finished(&mut self) -> Result<(), CoordinatorError> {
        for run in self.agenda.last_runs() {
            if !self.hands.registry.is_whole(&run) {
                self.agenda.begins(run);
                self.open(run)?;
            }
        }
        Ok(())
    }

    /// Opens every run that is due, as far as there is room, in the order in which they are due.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn open_due(&mut self) -> Result<(), CoordinatorError> {
        let now = unix_seconds();
        // What is due is looked for anew each time: a run that is over as soon as it opens makes others due.
        loop {
            let due = self.agenda.due(&self.open_plans(), now);
            let Some(run) = due.first().copied().filter(|_| self.runs.len() < RUNS_AT_ONCE_MAX) else {
                self.tell_of_queue(&due);
                return Ok(());
            };
            self.open(run)?;
        }
    }

    /// Plans of which a run is open.
    fn open_plans(&self) -> BTreeSet<Digest> {
        self.runs.values().map(|run| run.reference().plan).collect()
    }

    fn tell_of_queue(&mut self, due: &[RunRef]) {
        let name = |run: &RunRef| Some(self.agenda.plan(&run.plan)?.job().name_of(run.number).to_string());
        let waiting: Vec<String> = due.iter().filter_map(name).collect();
        if waiting != self.queued {
            for name in &waiting {
                tracing::info!(run = %name, "waits until one of the {RUNS_AT_ONCE_MAX} open runs is over");
            }
            self.queued = waiting;
        }
    }

    /// Whether every run of every plan is over; not where there is no plan.
    pub(crate) fn is_through(&self) -> bool {
        self.runs.is_empty() && self.agenda.is_through()
    }

    /// Why no run is open and none will be, where something is wrong with those that are left.
    pub(crate) fn stuck(&self) -> Option<&str> {
        self.agenda.stuck().filter(|_| self.runs.is_empty())
    }

    fn open(&mut self, reference: RunRef) -> Result<(), CoordinatorError> {
        let mut shell = match self.prepared(reference) {
            Ok(shell) => shell,
            // Nothing was written: it ends nothing else.
            Err(
                fault @ (CoordinatorError::Resume(ResumeFault::OtherRun { .. })
                | CoordinatorError::Store(_)
                | CoordinatorError::Registry(_)),
            ) => {
                self.gave_up(reference.plan, &fault);
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        self.agenda.begins(reference);
        self.past.begins(reference.id(), shell.place().clone());
        // Its members may be let in, also those whom no other run has seen yet.
        self.hands.enrol(&self.roster.roster);
        shell.begin(self.withheld.clone(), &mut self.hands)?;
        self.hands.tell(Some(shell.name()), Event::RunOpened { as_of: shell.as_of() });
        for order in self.heard.all().to_vec() {
            shell.input(Input::Ordered(Box::new(order)), &mut self.hands)?;
        }
        self.runs.insert(reference.id(), shell);
        self.share(reference.id())
    }

    fn gave_up(&mut self, plan: Digest, fault: &dyn std::error::Error) {
        tracing::error!(
            %plan, %fault,
            "a run cannot be opened; the others go on. Mend this, and activate the plan again or start the coordinator again"
        );
        if let Some(served) = self.agenda.plan_mut(&plan) {
            served.fault = Some(fault.to_string());
        }
    }

    /// A run of a plan that is served, before anything of it is written.
    fn prepared(&self, reference: RunRef) -> Result<RunShell, CoordinatorError> {
        let served = self.agenda.plan(&reference.plan).expect("a run of a plan that is served");
        let ledger: LedgerId = reference.id().into();
        let (place, recorded): (Mark, Vec<Recorded<CoordinatorEvent>>) = match self.agenda.has_begun(reference) {
            true => {
                let place = self.past.before(reference.id());
                let recorded = journal::read_view_after(&ledger_of(&self.state_dir), ledger, &place)?;
                (place, recorded)
            }
            false => (self.hands.journal.mark(), Vec::new()),
        };
        let store = Store::open(&self.state_dir, reference)?;
        let job = served.open(reference.number, &store, (&self.hands.registry, began_from(&recorded)))?;
        let begins = served.next().map_or(0, |(_, begins)| begins);
        self.limits.admit(upload_bytes(&job), job.run.session_rounds);
        let settings = CoordinatorSettings::<RealSuite> {
            run: job.run.clone(),
            model: job.initial.digest(),
            approvals: job.approvals.clone(),
            federation: self.hands.federation,
            not_before: Millis(begins.saturating_mul(1000)),
            orders: self.orders.clone(),
            roster: self.roster.clone(),
            signing_key: Arc::clone(&self.hands.signing_key),
            heads: self.hands.heads.heads().clone(),
            gather_ms: self.hands.gather_ms,
        };
        RunShell::resume(&job, settings, store, (place, &recorded), &self.hands)
    }

    /// When something must be done, if ever, by the steady clock.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.runs.values().filter_map(RunShell::deadline).min()
    }

    /// Takes something from a connection, or from one of the federation's folders.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn arrive(&mut self, arrival: Arrival) -> Result<(), CoordinatorError> {
        self.withhold()?;
        match arrival {
            Arrival::Connected(client, link) => {
                self.hands.came(client, link);
                models::tell(&mut self.hands, &self.roster, client);
                let name = self.roster.roster.entry(client).map(|entry| entry.name.clone());
                name.inspect(|name| self.grants.tell(&mut self.hands, &self.roster.roster, name));
                self.hands.send_all();
                self.each(|| Input::Connected(client))
            }
            Arrival::TurnedAway(client, trouble) => {
                self.hands.turned_away(client, trouble);
                Ok(())
            }
            Arrival::Disconnected(client, why) => {
                self.hands.went(client, why);
                self.each(|| Input::Disconnected(client))
            }
            Arrival::Message(client, run, message) if self.runs.contains_key(&run) => {
                self.input(run, Input::Message(client, message))
            }
            Arrival::Message(client, run, message) => self.of_no_run(client, run, message),
            Arrival::ModelPiece(client, model, from) => {
                models::give(&mut self.hands, client, (model, from));
                Ok(())
            }
            Arrival::Copy(client, note) => models::note(&mut self.hands, &self.roster, client, *note),
            Arrival::Witness(client, word) => witnessing::hear(&mut self.hands, &self.roster, client, word),
            Arrival::Front(leaves) => {
                self.hands.witnesses.front(leaves);
                Ok(())
            }
            Arrival::Stated(signed) => self.stated(signed),
            Arrival::Vector(run, input) => self.input(run, input),
            // It was looked at before.
            Arrival::SinkMoved => Ok(()),
            // Nothing more is added to such a file.
            Arrival::Damaged(fault) => Err(fault.into()),
            Arrival::Lists(text) => {
                self.hands.carry(text);
                Ok(())
            }
            Arrival::Told(event) => {
                self.hands.tell(None, *event);
                Ok(())
            }
            Arrival::Roster(roster) => {
                if roster.roster.epoch() > self.roster.roster.epoch() {
                    self.roster = (*roster).clone();
                }
                if self.runs.is_empty() {
                    self.hands.enrol(&roster.roster);
                }
                for signed in std::mem::take(&mut self.unstated) {
                    self.stated(signed)?;
                }
                self.each(|| Input::Roster(roster.clone()))
            }
            Arrival::Ordered(order) => {
                self.heard.hear((*order).clone());
                self.announce(&order);
                self.each(|| Input::Ordered(order.clone()))
            }
            Arrival::Owners(words) => {
                self.grants.spread(&mut self.hands, &self.roster.roster, words);
                self.hands.send_all();
                Ok(())
            }
            Arrival::Plan(job) => self.activated(*job),
            Arrival::About(client, release) => {
                self.hands.runs_release(client, release);
                Ok(())
            }
        }
    }

    /// Tells the runs whether rounds may begin, where that has changed. The journal says so too.
    fn withhold(&mut self) -> Result<(), CoordinatorError> {
        let why = self.hands.withheld();
        sinking::note(&mut self.hands, why.is_some())?;
        if why == self.withheld {
            return Ok(());
        }
        self.withheld.clone_from(&why);
        self.each(|| Input::Withheld(why.clone()))
    }

    /// People hear of an order that no open run takes when it comes, and not when the next run begins.
    fn announce(&mut self, order: &Attestation) {
        let open = self.open_plans();
        let waiting = self.agenda.others(&open).map(|(plan, served)| {
            let job = served.job();
            Waiting { plan, approvals: &job.approvals, group: &job.plan().group }
        });
        let (waiting, grounds) = ((waiting, !open.is_empty()), (&self.roster.roster, unix_seconds()));
        if self.heard.counts::<RealSuite>(order, waiting, grounds) {
            self.hands.tell(None, Event::ordered(order));
        }
    }

    /// People have signed something about a model. A roster that comes later may give them their roles.
    fn stated(&mut self, signed: Word) -> Result<(), CoordinatorError> {
        let counts = models::stated(&mut self.hands, &self.roster, signed.clone())?;
        if !counts && self.unstated.len() < UNSTATED_MAX {
            self.unstated.push(signed);
        }
        Ok(())
    }

    /// A plan has come, or others have signed it.
    fn activated(&mut self, job: Job) -> Result<(), CoordinatorError> {
        let plan = job.plan().digest();
        tracing::info!(%plan, name = %job.plan().name, "a plan was activated");
        match self.agenda.plan_mut(&plan) {
            Some(served) => {
                served.fault = None;
                let open = self.runs.iter().find(|(_, run)| run.reference().plan == plan).map(|(run, _)| *run);
                let approvals = Box::new(job.approvals.clone());
                served.show(job);
                open.map_or(Ok(()), |run| self.input(run, Input::Approved(approvals)))?;
            }
            None => self.agenda.serve(job),
        }
        self.open_due()
    }

    /// Whoever asks for a run that is over is told so; of every other one nothing is known here.
    fn of_no_run(&mut self, client: ClientId, run: RunId, message: Upstream) -> Result<(), CoordinatorError> {
        match message {
            Upstream::Join(Join { nonce, .. }) => {
                let entry = self.roster.roster.entry(client);
                if let (Some(ended), Some(entry)) = (self.past.runs().get(&run), entry) {
                    let key = &self.hands.signing_key;
                    let answer = answer_after_the_end::<RealSuite>(key, (run, &ended.outcome), entry, &nonce);
                    self.hands.send(run, client, answer);
                    self.hands.send_all();
                }
            }
            Upstream::Masked(header) => {
                self.hands.judge(client, Verdict::Discard);
                // What was spent counts in the runs that are open; each judges by its own roster.
                return self.each(|| Input::Head(client, header.head.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Deadlines may have passed.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn timer(&mut self) -> Result<(), CoordinatorError> {
        self.withhold()?;
        let now = self.hands.clock.now();
        let due = |run: &RunShell| run.deadline().is_some_and(|deadline| deadline <= now);
        let due: Vec<RunId> = self.runs.iter().filter(|(_, run)| due(run)).map(|(run, _)| *run).collect();
        due.into_iter().try_for_each(|run| self.input(run, Input::Timer))
    }

    /// The operator stops the process: what was recorded goes on at its next start.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn stop(&mut self) -> Result<(), CoordinatorError> {
        for run in self.runs.values_mut() {
            run.input(Input::Stop, &mut self.hands)?;
        }
        let rounds = self.runs.values().map(|run| run.record().committed_all()).fold(0, u32::saturating_add);
        self.hands.tell(None, Event::Stopped { rounds });
        Ok(())
    }

    /// Tells people on both sides who is missing, and opens what has become due.
    ///
    /// # Errors
    /// If ledger or store fail.
    pub(crate) fn look(&mut self) -> Result<(), CoordinatorError> {
        let lacking = self.runs.values_mut().map(|run| run.call_the_roll(&mut self.hands)).max().unwrap_or(0);
        let help = "Members that a round or a key set-up needs and that are not here, of the run that lacks most.";
        let metric = Metric { name: "members_lacking", help, value: lacking.into() };
        let help = "Runs that are open.";
        let open = Metric { name: "runs_open", help, value: u32::try_from(self.runs.len()).unwrap_or(u32::MAX).into() };
        self.hands.metrics.publish("members", unix_seconds(), vec![metric, open]);
        for run in self.agenda.outlived(Millis(unix_millis())) {
            if let Some(kept) = self.past.forget(run) {
                forget_run(&self.state_dir, &kept);
            }
        }
        witnessing::look(&mut self.hands, &self.roster, false)?;
        sinking::look(&self.hands);
        self.withhold()?;
        self.open_due()
    }

    fn each(&mut self, input: impl Fn() -> Input) -> Result<(), CoordinatorError> {
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        runs.into_iter().try_for_each(|run| self.input(run, input()))
    }

    fn input(&mut self, run: RunId, input: Input) -> Result<(), CoordinatorError> {
        // The vector of a run that is over meanwhile.
        let Some(shell) = self.runs.get_mut(&run) else { return Ok(()) };
        shell.input(input, &mut self.hands)?;
        self.share(run)
    }

    /// What one run has kept of clients' budgets the others hear before anything else; and a run that is over makes room.
    fn share(&mut self, run: RunId) -> Result<(), CoordinatorError> {
        loop {
            let news = self.hands.take_news();
            if news.is_empty() {
                break;
            }
            for (of, kept) in news {
                for (_, other) in self.runs.iter_mut().filter(|(other, _)| **other != of) {
                    other.input(Input::Kept(kept.clone()), &mut self.hands)?;
                }
            }
        }
        if self.runs.get(&run).is_some_and(RunShell::is_over) {
            self.concluded(run)?;
        }
        Ok(())
    }

    fn concluded(&mut self, run: RunId) -> Result<(), CoordinatorError> {
        let Some(shell) = self.runs.remove(&run) else { return Ok(()) };
        let events = shell.conclude(&mut self.hands)?;
        let Known::Over { ended, orders, last } = Known::of(&events)? else {
            unreachable!("a run that is over has its end in its ledger")
        };
        self.orders = orders.clone();
        self.heard.ended(orders.clone());
        self.agenda.ended(ended.reference.plan, ended.over(), ended.kept.as_ref().and_then(KeptRun::until));
        self.past.ended(*ended, (last, orders));
        drop(shell);
        if self.runs.is_empty() {
            // No round is open any more in which an older roster would count.
            self.hands.enrol(&self.roster.roster);
        }
        self.open_due()?;
        // After the next run has begun: this may take its time.
        self.keep_index();
        witnessing::look(&mut self.hands, &self.roster, true)
    }
}
