//! The coordinator's round machine.

mod approving;
mod budgets;
mod certifying;
mod collecting;
mod input;
mod keying;
mod links;
mod material;
mod membership;
mod muster;
mod proving;
mod scheduling;
mod settings;
mod unmasking;
mod updating;
mod wait;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use input::Input;
pub use links::answer_after_the_end;
pub use material::{MaterialFault, SessionMaterial};
pub use settings::{CoordinatorSettings, ResumeFault};
pub use wait::{Wait, too_few_enrolled};

use self::certifying::Certifying;
use self::collecting::Collecting;
use self::keying::Keying;
use self::links::{Caller, Link};
use self::material::Session;
use self::membership::Endings;
use self::unmasking::Unmasking;
use self::updating::Updating;
use super::effect::{CoordinatorEffect, Outbox};
use super::event::CoordinatorEvent;
use super::orders::Orders;
use super::record::{KeyedSession, RunRecord};
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId};
use crate::message::{ClosedReason, Downstream, RoundOutcome};
use crate::plan::{ApprovalFault, Approvals, Attestation, Run};
use crate::roster::SignedRoster;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// What the machine does with rounds; a key set-up may go on beside it.
enum Phase<S: Suite> {
    /// No round is open.
    Gathering,
    Collecting(Collecting),
    Certifying(Certifying),
    Unmasking(Unmasking<S>),
    Updating(Updating),
    /// A stage is over; the shell stores what it hands on.
    Concluding(u16),
    /// The daemon stops.
    Stopped,
    /// The plan is over.
    Finished,
}

/// The coordinator: decides on every input, records before it speaks, and never touches a vector.
pub struct Coordinator<S: Suite> {
    settings: CoordinatorSettings<S>,
    record: RunRecord,
    /// Those whose connection stands.
    callers: BTreeMap<ClientId, Caller>,
    /// Of these, those who are to be invited when the run may go on.
    uninvited: BTreeSet<ClientId>,
    /// Those who asked to be let in, and were.
    links: BTreeMap<ClientId, Link>,
    /// Those who are here, and whose operators have not said yet that their data are ready.
    late: BTreeSet<ClientId>,
    /// Breaches of each client, in this process.
    strikes: BTreeMap<ClientId, u32>,
    phase: Phase<S>,
    /// The set-up under way.
    keying: Option<Keying>,
    /// Keyed sessions in the order of their rounds: the one in use, and the next.
    sessions: VecDeque<Session>,
    /// Until when to hope for those that are not here; nothing once that has passed.
    gather_until: Option<Millis>,
    /// After a set-up that failed, when the next one may begin.
    rekey_after: Option<Millis>,
    /// Budget heads were kept, here or for another run, or recorded since the last sync.
    news_of_budgets: bool,
    /// A newer roster, until the open round has ended.
    next_roster: Option<SignedRoster>,
    /// Which entries of the roster are over.
    endings: Endings,
    /// Whether the roster in force has the plan's signers, by their signatures; roles end by the clock besides.
    signed: Result<(), ApprovalFault>,
    /// Signatures that count for nothing by the roster in force, and may by the next one.
    later: Option<Approvals>,
    /// Why nothing begins, in words; nothing where it may.
    held: Option<String>,
    /// The same, as far as it is the daemon's doing.
    withheld: Option<String>,
    /// Orders of people who may not give them by the roster in force: by the next one they may.
    unheard: Vec<Attestation>,
}

impl<S: Suite> Coordinator<S> {
    /// Starts or continues a plan. `recorded` are the ledger's events, empty for a new plan; `stored` is the material of the sessions that
    /// the ledger has open, as [`CoordinatorEffect::StoreSession`] gave it. A round or a set-up that was open when the last process ended is
    /// closed first: it does not survive a restart. Keyed sessions do.
    ///
    /// # Errors
    /// If the ledger belongs to another plan or contradicts itself.
    pub fn resume(
        settings: CoordinatorSettings<S>,
        recorded: &[CoordinatorEvent],
        stored: Vec<SessionMaterial>,
        now: Millis,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) -> Result<Self, ResumeFault> {
        let record = RunRecord::replay(recorded)?;
        let (configured, recorded) = (settings.run.reference(), record.reference());
        if let Some(recorded) = recorded.filter(|recorded| *recorded != configured) {
            return Err(ResumeFault::other_run(recorded, configured));
        }
        membership::continues(&record, &settings.roster.roster)?;
        let gather_until = Some(now.plus(settings.gather_ms));
        let endings = Endings::of(&settings.roster.roster, &settings.run.charter, now);
        let signed = settings.judge_signers();
        let mut machine = Self {
            settings,
            record,
            callers: BTreeMap::new(),
            uninvited: BTreeSet::new(),
            links: BTreeMap::new(),
            late: BTreeSet::new(),
            strikes: BTreeMap::new(),
            phase: Phase::Gathering,
            keying: None,
            sessions: VecDeque::new(),
            gather_until,
            rekey_after: None,
            news_of_budgets: false,
            next_roster: None,
            endings,
            signed,
            later: None,
            held: None,
            withheld: None,
            unheard: Vec::new(),
        };
        if machine.record.run.is_none() {
            let CoordinatorSettings { run, model, approvals, not_before, .. } = &machine.settings;
            let (plan, number) = (Box::new(run.plan().plan().clone()), run.reference().number);
            let approvals = Box::new(approvals.clone());
            let (model, begun) = (*model, now.max(*not_before));
            let opened = CoordinatorEvent::RunOpened { plan, approvals, number, model, begun };
            machine.commit(opened, outbox);
            let orders = machine.settings.orders.carried_to(&machine.settings.run.plan().digest());
            if orders != Orders::default() {
                machine.commit(CoordinatorEvent::OrdersCarried { orders }, outbox);
            }
        }
        for event in machine.record.interrupted(ClosedReason::Restart) {
            machine.commit(event, outbox);
        }
        machine.reopen_sessions(stored, outbox);
        machine.note_roster(outbox);
        machine.note_approvals(outbox);
        machine.keep_recorded_heads(outbox);
        machine.sync(outbox);
        if machine.record.finished.is_some() {
            machine.phase = Phase::Finished;
        }
        Ok(machine)
    }

    /// Judges one input, changes state, and asks for effects.
    pub fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: Input,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        self.take(now, input, outbox);
        self.schedule(now, entropy, outbox);
    }

    /// The durable state.
    #[must_use]
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.settings.run
    }

    /// Clients that are connected and have admitted the plan, ascending.
    #[must_use]
    pub fn ready_clients(&self) -> Vec<ClientId> {
        self.links.iter().filter(|(_, link)| link.accepted).map(|(client, _)| *client).collect()
    }

    /// Sessions that the ledger has open go on if their material is whole; their members say what they still hold when they come back.
    fn reopen_sessions(&mut self, stored: Vec<SessionMaterial>, outbox: &mut Outbox<CoordinatorEffect>) {
        let mut stored: BTreeMap<_, _> = stored.into_iter().map(|material| (material.session(), material)).collect();
        for KeyedSession { view, .. } in self.record.sessions.clone() {
            let id = view.session;
            let CoordinatorSettings { roster, run, .. } = &self.settings;
            let of = |material| Session::new::<S>(Arc::new(material), &roster.roster, &run.charter);
            let session = stored.remove(&id).and_then(of);
            match session.filter(|session| session.view == view) {
                Some(session) => self.sessions.push_back(session),
                None => {
                    let reason = ClosedReason::Restart;
                    self.commit(CoordinatorEvent::SessionClosed { session: id, reason }, outbox);
                }
            }
        }
    }

    /// The session whose keys rounds use now.
    fn current(&self) -> Option<&Session> {
        self.sessions.front()
    }

    /// Members of a session that could take part in a round now.
    fn present(&self, session: &Session) -> Vec<ClientId> {
        let here = |client: &ClientId| {
            self.links.get(client).is_some_and(|link| link.accepted && link.holding.contains(&session.id()))
        };
        session.cohort().iter().copied().filter(here).collect()
    }

    /// Ends the open round; everything charged stays charged. The session goes on, unless the reason says that its keys are not to be
    /// trusted.
    fn abort(&mut self, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(round) = self.record.round.as_ref().map(|open| open.round) else { return };
        self.commit(CoordinatorEvent::RoundAborted { round, reason }, outbox);
        self.sync(outbox);
        outbox.push(CoordinatorEffect::DropSum(round));
        let message = Downstream::Outcome(RoundOutcome::Aborted { round, reason });
        outbox.push(CoordinatorEffect::Broadcast(self.ready_clients(), message));
        self.phase = Phase::Gathering;
        if matches!(reason, ClosedReason::ChecksFailed | ClosedReason::DealerGuilty(_)) {
            self.close_current(reason, outbox);
        }
    }

    /// Ends the session in use; its members erase their keys.
    fn close_current(&mut self, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        self.close_session(0, reason, outbox);
    }

    /// Ends the session at this place of the queue.
    fn close_session(&mut self, place: usize, reason: ClosedReason, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(closed) = self.sessions.remove(place) else { return };
        let session = closed.id();
        self.commit(CoordinatorEvent::SessionClosed { session, reason }, outbox);
        let here: Vec<ClientId> = closed.cohort().iter().copied().filter(|one| self.links.contains_key(one)).collect();
        outbox.push(CoordinatorEffect::Broadcast(here, Downstream::SessionClosed { session, reason }));
        outbox.push(CoordinatorEffect::ForgetSession(session));
    }

    /// Everything recorded or kept is durable before anything that follows.
    fn sync(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        self.news_of_budgets = false;
        outbox.push(CoordinatorEffect::Sync);
    }

    fn is_open(&self, round: RoundId) -> bool {
        self.record.round.as_ref().is_some_and(|open| open.round == round)
    }

    /// Records an event: state first, the ledger's line next, before anything that relies on it.
    fn commit(&mut self, event: CoordinatorEvent, outbox: &mut Outbox<CoordinatorEffect>) {
        self.record.check(&event).expect("the machine only decides what its record allows");
        self.record.apply(&event);
        outbox.push(CoordinatorEffect::Append(event));
    }
}
