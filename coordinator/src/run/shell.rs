//! What a run's machine asks for, done in its order: append, sync, send, fold, unmask. Nothing here decides.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::log::Mark;
use tributary_protocol::message::{Downstream, Start};
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Input, Outbox, Recorded, RunRecord, Wait,
};
use tributary_protocol::time::Millis;
use tributary_storage::journal;

use crate::connections::start_frames;
use crate::control::{MemberState, MemberStatus, Readiness, Refusing, RunStatus};
use crate::error::CoordinatorError;
use crate::federation::hands::Hands;
use crate::federation::muster::Roll;
use crate::registry::{Release, learnt_features};
use crate::report::{Event, Missing, RunName};
use crate::run::advance::Advance;
use crate::run::job::Job;
use crate::run::progress::{Outcome, Progress};
use crate::run::uploads::{OpenSum, Verdict};
use crate::store::{Store, StoreError};

/// What is said of a member that is here and late.
const NOT_READY: &str = "it is here and not ready: its operator has not said that its data of the run's day are ready (`tributary client ready`), or \
                         its daemon cannot use what was said; its own screen says which (`tributary client status`)";

/// A run's machine and what belongs to it alone.
pub(crate) struct RunShell {
    run: RunId,
    name: RunName,
    machine: Coordinator<RealSuite>,
    outbox: Outbox<CoordinatorEffect>,
    store: Store,
    advance: Advance,
    progress: Progress,
    sum: OpenSum,
    /// Answers of this machine's own arithmetic.
    answers: VecDeque<Input>,
    /// A public state that is in the ledger and not yet known to be on the disk.
    committed: Option<Digest>,
    roll: Roll,
    /// What the operator was last told to be lacking.
    lacking: Option<String>,
    /// A place in the journal before its first entry.
    place: Mark,
    over: bool,
}

impl RunShell {
    /// A run, new or from its ledger, whose entries stand after a place in the journal. Nothing is written yet: whoever cannot have it has changed nothing.
    ///
    /// # Errors
    /// If ledger or store contradict the plan, or the store lacks what the ledger names.
    pub(crate) fn resume(
        job: &Job,
        settings: CoordinatorSettings<RealSuite>,
        store: Store,
        (place, recorded): (Mark, &[Recorded<CoordinatorEvent>]),
        hands: &Hands<'_>,
    ) -> Result<Self, CoordinatorError> {
        let events: Vec<CoordinatorEvent> = recorded.iter().map(|recorded| recorded.event.clone()).collect();
        let mut outbox = Outbox::new();
        let machine = Coordinator::resume(settings, &events, store.sessions(), hands.clock.now(), &mut outbox)?;
        let advance = Advance::start(job, &store, machine.record())?.after(&events);
        let progress = Progress::resume(job, Arc::clone(&hands.members), &events);
        let over = machine.record().finished.is_some();
        Ok(Self {
            run: job.run.id(),
            name: RunName::of(&job.run),
            machine,
            outbox,
            store,
            advance,
            progress,
            sum: OpenSum::default(),
            answers: VecDeque::new(),
            committed: None,
            roll: Roll::default(),
            lacking: None,
            place,
            over,
        })
    }

    /// Does what the machine asked for at its start, and tells it who is here, and why no round begins where the daemon withholds them.
    ///
    /// # Errors
    /// If ledger or store fail, which ends the process.
    pub(crate) fn begin(&mut self, withheld: Option<String>, hands: &mut Hands<'_>) -> Result<(), CoordinatorError> {
        self.execute(hands)?;
        let _ = self.state()?;
        if withheld.is_some() {
            self.input(Input::Withheld(withheld), hands)?;
        }
        hands.here().into_iter().try_for_each(|client| self.input(Input::Connected(client), hands))
    }

    /// Which run of which plan.
    pub(crate) fn reference(&self) -> RunRef {
        self.machine.run().reference()
    }

    /// A place in the journal before its first entry.
    pub(crate) fn place(&self) -> &Mark {
        &self.place
    }

    /// How people know it.
    pub(crate) fn name(&self) -> &RunName {
        &self.name
    }

    /// Of which day its data must be, where its plan says so.
    pub(crate) fn as_of(&self) -> Option<String> {
        let begun = self.machine.record().opened_at?;
        self.machine.run().readiness.as_of.of_run(begun.0 / 1000).map(|date| date.to_string())
    }

    /// What the machine has recorded.
    pub(crate) fn record(&self) -> &RunRecord {
        self.machine.record()
    }

    /// How it is going, for the operator.
    pub(crate) fn status(&self, hands: &Hands<'_>) -> RunStatus {
        let (record, plan) = (self.machine.record(), self.machine.run().plan());
        let Wait { reason, deadline, next } = self.machine.wait();
        let stage = plan.stage(record.concluded);
        let number = record.concluded.saturating_add(1);
        let refused = record.refused.iter().map(|(client, code)| (*client, code.to_string()));
        let evicted = record.evicted.iter().map(|(client, why)| (*client, format!("it is out of the run: {why}")));
        let (late, hopefuls) = (self.machine.late(), self.machine.hopefuls());
        let others = hopefuls.into_iter().filter(|client| !record.refused.contains_key(client));
        let others = others.filter_map(|client| match hands.is_here(client) {
            true => late.contains(&client).then(|| (client, NOT_READY.to_owned())),
            false => Some((client, format!("it is away: {}", hands.trouble(client)))),
        });
        let without = evicted.chain(refused).chain(others);
        RunStatus {
            of: self.name.clone(),
            stage: stage.map_or_else(|| "none: its end".into(), |stage| format!("{number} ({})", stage.kind)),
            committed: record.committed_all(),
            rounds: plan.rounds(),
            charged: record.charged_all(),
            charged_max: plan.rounds_charged_max(),
            epsilon: self.progress.epsilon(),
            group_size: record.group_size(),
            ready: self.machine.ready_clients().len(),
            without: without.map(|(client, reason)| Refusing { client: hands.whom(client), reason }).collect(),
            reason,
            deadline_unix_ms: deadline.map(|deadline| deadline.0),
            next: next.to_owned(),
        }
    }

    /// How far each member of its group is, for the operator.
    pub(crate) fn readiness(&self, hands: &Hands<'_>) -> Readiness {
        let (record, run) = (self.machine.record(), self.machine.run());
        let (ready, late, here) = (self.machine.ready_clients(), self.machine.late(), hands.here());
        let state = |client: &ClientId| match (record.refused.get(client), record.evicted.get(client)) {
            (_, Some(why)) => MemberState::Without { reason: format!("it is out of the run: {why}") },
            (Some(code), None) => MemberState::Without { reason: code.to_string() },
            _ if ready.contains(client) => MemberState::Ready,
            _ if late.contains(client) => MemberState::Late,
            _ if here.contains(client) => MemberState::Asked,
            _ => MemberState::Silent { last_seen: hands.last_seen(*client) },
        };
        let member = |client: ClientId| MemberStatus { client: hands.whom(client), state: state(&client) };
        Readiness {
            of: self.name.clone(),
            as_of: self.as_of(),
            ready_min: run.readiness.ready_min,
            members: record.group_members().into_iter().map(member).collect(),
        }
    }

    /// Whether nothing more is to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// When the machine must be asked again, if ever.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.machine.deadline()
    }

    /// Lets the machine judge an input, and does what it asks for.
    ///
    /// # Errors
    /// If ledger or store fail, which ends the process: nothing may rely on what was not written.
    pub(crate) fn input(&mut self, input: Input, hands: &mut Hands<'_>) -> Result<(), CoordinatorError> {
        self.answers.push_back(input);
        while let Some(input) = self.answers.pop_front() {
            let now = hands.clock.now();
            self.machine.handle(now, &mut OsEntropy, input, &mut self.outbox);
            self.execute(hands)?;
        }
        self.tell_what_is_lacking(hands);
        Ok(())
    }

    /// Tells the operator when only more clients can help, once for each reason.
    fn tell_what_is_lacking(&mut self, hands: &mut Hands<'_>) {
        let lacking = self.machine.lacking();
        if lacking != self.lacking {
            if let Some(reason) = lacking.clone() {
                hands.tell(Some(&self.name), Event::Waiting { reason });
            }
            self.lacking = lacking;
        }
    }

    /// Tells people on both sides who is missing, where too few are here; how many are.
    pub(crate) fn call_the_roll(&mut self, hands: &mut Hands<'_>) -> u32 {
        let muster = self.machine.muster();
        let lacking = muster.as_ref().map_or(0, |muster| muster.needed.saturating_sub(muster.here));
        let Some(muster) = self.roll.due(muster, Instant::now()) else { return lacking };
        let late = self.machine.late();
        let missing = |client: &ClientId| Missing {
            client: hands.whom(*client),
            last_seen: hands.last_seen(*client),
            not_ready: late.contains(client),
            trouble: (!hands.is_here(*client)).then(|| hands.trouble(*client)),
        };
        let missing = muster.missing.iter().map(missing).collect();
        let (here, needed, more) = (muster.here, muster.needed, muster.more);
        let event = Event::Muster { here, needed, missing, more };
        hands.broadcast(self.run, &self.machine.ready_clients(), Downstream::Muster(muster));
        hands.send_all();
        hands.tell(Some(&self.name), event);
        lacking
    }

    /// Does everything in the outbox, in order.
    fn execute(&mut self, hands: &mut Hands<'_>) -> Result<(), CoordinatorError> {
        while let Some(effect) = self.outbox.pop() {
            self.effect(effect, hands)?;
        }
        hands.send_all();
        hands.tell_all();
        Ok(())
    }

    /// Writes the statement of what the ledger holds: at the start, before a client is told of the plan.
    fn state(&self) -> Result<Vec<Recorded<CoordinatorEvent>>, CoordinatorError> {
        let path = self.store.ledger();
        let recorded = journal::read_view_after::<CoordinatorEvent>(&path, self.run.into(), &self.place)?;
        self.store.write_statement(&events_of(&recorded))?;
        Ok(recorded)
    }

    /// Releases the model of a run that is over, and tells how it ended; gives its ledger.
    ///
    /// # Errors
    /// If the released model cannot be stored.
    pub(crate) fn conclude(&self, hands: &mut Hands<'_>) -> Result<Vec<Recorded<CoordinatorEvent>>, CoordinatorError> {
        let record = self.machine.record();
        let recorded = self.state()?;
        let Some(complete) = record.finished else { return Ok(recorded) };
        let (rounds, charged) = (record.committed_all(), record.charged_all());
        let Some(released) = record.released() else {
            let order = record.orders.aborted().expect("a run finishes after its stages, or by an order");
            let (by, role) = (order.staff.to_string(), order.role.name());
            hands.tell(Some(&self.name), Event::PlanAborted { by, role, rounds, charged });
            return Ok(recorded);
        };
        let planned = self.advance.planned();
        let parameters = self.store.model(planned.architecture(), &released)?;
        let events = events_of(&recorded);
        let features = learnt_features(&events, planned, &self.store)?;
        let ended = recorded.last().map_or(Millis(0), |recorded| recorded.at);
        let release = Release { events: &events, planned, parameters: &parameters, features, ended };
        let registered = hands.registry.register(&mut hands.journal, &release)?;
        let model_file = hands.registry.parameters_file(&registered).display().to_string();
        let (ledger, folder) =
            (self.store.ledger().display().to_string(), self.store.run_folder().display().to_string());
        let outcome = Outcome {
            complete,
            model: released,
            registered,
            model_file,
            ledger,
            folder,
            rounds,
            charged,
            bytes: hands.bytes(),
        };
        hands.tell(Some(&self.name), self.progress.finished(outcome));
        Ok(recorded)
    }

    fn effect(&mut self, effect: CoordinatorEffect, hands: &mut Hands<'_>) -> Result<(), CoordinatorError> {
        let run = self.run;
        match effect {
            CoordinatorEffect::Append(event) => self.append(event, hands)?,
            // Messages leave after the last effect: where nothing but records and messages stands between this one and another, one will do.
            CoordinatorEffect::Sync if self.syncs_again() => {}
            CoordinatorEffect::Sync => {
                hands.sync()?;
                if let Some(model) = self.committed.take() {
                    self.advance.adopt(model, &self.store);
                }
                hands.tell_all();
            }
            CoordinatorEffect::Keep(kept) => hands.keep(run, kept)?,
            CoordinatorEffect::Send(client, message) => self.send(client, message, hands),
            CoordinatorEffect::Broadcast(clients, message) => hands.broadcast(run, &clients, message),
            CoordinatorEffect::StoreSession(material) => self.store.add_session(&material)?,
            CoordinatorEffect::ForgetSession(session) => self.store.forget_session(session),
            CoordinatorEffect::SendStart(clients, start) => self.send_start(&clients, start, hands)?,
            CoordinatorEffect::OpenSum { round, ring, dimension } => {
                let open = self.machine.record().round.as_ref().filter(|open| open.round == round);
                let retention = &self.machine.run().retention;
                let kept = open.map(|open| self.store.begin_kept(retention, open)).transpose()?.flatten();
                self.sum.open(round, ring, dimension, kept);
            }
            CoordinatorEffect::Admit(ticket) => {
                hands.judge(ticket.client(), Verdict::Admit { run, ticket, sum: self.sum.clone() });
            }
            CoordinatorEffect::Fold { client, .. } => self.sum.fold(client),
            CoordinatorEffect::Discard(client) => hands.judge(client, Verdict::Discard),
            CoordinatorEffect::DropSum(_) => self.sum.forget(),
            CoordinatorEffect::Unmask(permit) => {
                let descriptor = self.machine.record().round.as_ref().expect("a sum is opened in an open round");
                let answer = self.advance.apply(descriptor, self.sum.take(), permit, &self.store)?;
                self.answers.push_back(answer);
            }
            CoordinatorEffect::Conclude(stage) => {
                let model = self.advance.conclude(stage, &self.store)?;
                self.answers.push_back(Input::Concluded { stage, model });
            }
            CoordinatorEffect::Enrol(roster) => hands.enrol(&roster.roster),
            CoordinatorEffect::Close(client) => hands.close(client),
            CoordinatorEffect::OrderRefused { order, fault } => {
                let (action, staff, why) = (order.action.name(), order.staff.as_str(), fault.to_string());
                tracing::warn!(run = %self.name, action, staff, why, "an order among the coordinator's files is not taken");
            }
            CoordinatorEffect::Finished { .. } => self.over = true,
        }
        Ok(())
    }

    /// Whether another sync follows before anything that relies on this one is done.
    fn syncs_again(&self) -> bool {
        let mut rest = self.outbox.iter();
        let next = rest.find(|effect| {
            !matches!(
                effect,
                CoordinatorEffect::Append(_)
                    | CoordinatorEffect::Keep(_)
                    | CoordinatorEffect::Send(..)
                    | CoordinatorEffect::Broadcast(..)
            )
        });
        matches!(next, Some(CoordinatorEffect::Sync))
    }

    fn append(&mut self, event: CoordinatorEvent, hands: &mut Hands<'_>) -> Result<(), CoordinatorError> {
        let mut outcome = None;
        if let CoordinatorEvent::RoundCommitted { model, .. } | CoordinatorEvent::StageConcluded { model, .. } = &event
        {
            self.committed = Some(*model).filter(|_| self.advance.is_pending());
            outcome = self.advance.take_outcome();
        }
        let told = self.progress.observe(&event, outcome.as_ref().and_then(|outcome| outcome.metrics));
        told.into_iter().for_each(|event| hands.tell_later(&self.name, event));
        let counted = outcome.and_then(|outcome| outcome.customers);
        let far = counted.and_then(|customers| self.progress.counted(customers));
        far.into_iter().for_each(|event| hands.tell_later(&self.name, event));
        hands.append(self.run, event)
    }

    fn send(&mut self, client: ClientId, message: Downstream, hands: &mut Hands<'_>) {
        if let Downstream::Rejected { code, explanation, .. } = &message {
            let (client, code, reason) = (hands.whom(client), format!("{code:?}"), explanation.to_string());
            hands.tell_later(&self.name, Event::TurnedAway { client, code, reason });
        }
        hands.send(self.run, client, message);
    }

    fn send_start(&mut self, clients: &[ClientId], start: Start, hands: &mut Hands<'_>) -> Result<(), StoreError> {
        assert!(
            start.descriptor.model == self.advance.digest(),
            "a round starts from the state that was committed last"
        );
        let model = self.advance.take_model(&start.descriptor, &self.store)?;
        hands.push_all(clients, &start_frames(self.run, start, model));
        Ok(())
    }
}

fn events_of(recorded: &[Recorded<CoordinatorEvent>]) -> Vec<CoordinatorEvent> {
    recorded.iter().map(|recorded| recorded.event.clone()).collect()
}
