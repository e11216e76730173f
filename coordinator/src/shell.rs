//! What the machine asks for, done in its order: append, sync, send, fold, unmask. Nothing here decides.
//!
//! Messages leave at the end of a batch of effects: later than asked for, never earlier.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tributary_certs::clock::{SteadyClock, unix_millis, unix_seconds};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, Start};
use tributary_protocol::round::{Coordinator, CoordinatorEffect, CoordinatorEvent, Input, Outbox};
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;
use tributary_transport::{Metric, Metrics};

use crate::advance::Advance;
use crate::connections::{Arrival, Link, Members, control_frame, start_frames};
use crate::error::CoordinatorError;
use crate::muster::Roll;
use crate::progress::{Outcome, Progress};
use crate::report::{Event, Missing};
use crate::store::{HeadsFile, ModelPointer, POINTER_VERSION, Store, StoreError};
use crate::uploads::{OpenSum, Verdict};

/// What a shell is made of.
pub(crate) struct ShellParts {
    pub(crate) machine: Coordinator<RealSuite>,
    /// What the machine asked for as it resumed.
    pub(crate) outbox: Outbox<CoordinatorEffect>,
    pub(crate) journal: Journal<CoordinatorEvent>,
    /// What clients have spent, over all plans.
    pub(crate) heads: HeadsFile,
    pub(crate) store: Store,
    pub(crate) advance: Advance,
    pub(crate) progress: Progress,
    pub(crate) sum: OpenSum,
    pub(crate) clock: SteadyClock,
    /// Whom the door lets in.
    pub(crate) members: Arc<Members>,
    pub(crate) metrics: Arc<Metrics>,
    /// Revocation lists for whoever comes; nothing where there are none to carry.
    pub(crate) lists: Option<Vec<u8>>,
}

/// The machine and its hands.
pub(crate) struct Shell<'a> {
    parts: ShellParts,
    links: BTreeMap<ClientId, Link>,
    report: &'a mut dyn FnMut(&Event),
    /// What leaves when the outbox is empty, each client's messages together: a packet and a wake-up for all of them.
    unsent: BTreeMap<ClientId, Vec<Bytes>>,
    /// Events that are told when they are durable.
    untold: Vec<Event>,
    /// Answers of this machine's own arithmetic.
    answers: VecDeque<Input>,
    /// A public state that is in the ledger and not yet known to be on the disk.
    committed: Option<Digest>,
    roll: Roll,
    /// What the operator was last told to be lacking.
    lacking: Option<String>,
    over: bool,
}

impl<'a> Shell<'a> {
    /// A shell that has executed nothing yet.
    pub(crate) fn new(parts: ShellParts, report: &'a mut dyn FnMut(&Event)) -> Self {
        let over = parts.machine.record().finished.is_some();
        Self {
            parts,
            links: BTreeMap::new(),
            report,
            unsent: BTreeMap::new(),
            untold: Vec::new(),
            answers: VecDeque::new(),
            committed: None,
            roll: Roll::default(),
            lacking: None,
            over,
        }
    }

    /// Clients of the roster in force.
    pub(crate) fn enrolled(&self) -> usize {
        self.parts.members.count()
    }

    /// Whether nothing more is to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the plan is over and the clients were told.
    pub(crate) fn is_concluded(&self) -> bool {
        let ShellParts { machine, store, .. } = &self.parts;
        let released = machine.record().finished.and(machine.record().released());
        released.is_some_and(|model| store.points_to(&model, &machine.run().plan().digest()))
    }

    /// When the machine must be asked again, if ever.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.parts.machine.deadline()
    }

    /// This daemon's clock.
    pub(crate) fn clock(&self) -> SteadyClock {
        self.parts.clock
    }

    /// Tells what happens.
    pub(crate) fn tell(&mut self, event: &Event) {
        (self.report)(event);
    }

    /// Takes something from a connection.
    ///
    /// # Errors
    /// As [`Shell::input`].
    pub(crate) fn arrive(&mut self, arrival: Arrival) -> Result<(), CoordinatorError> {
        match arrival {
            Arrival::Connected(client, link) => {
                self.links.insert(client, link);
                self.roll.saw(client, unix_seconds());
                self.input(Input::Connected(client))
            }
            Arrival::Lists(text) => {
                let frame = control_frame(&Downstream::Lists(text.clone()));
                for client in self.links.keys() {
                    self.unsent.entry(*client).or_default().push(frame.clone());
                }
                self.parts.lists = Some(text);
                self.send_all();
                Ok(())
            }
            Arrival::Told(event) => {
                self.tell(&event);
                Ok(())
            }
            Arrival::Input(input) => {
                if let Input::Disconnected(client) = &input {
                    self.links.remove(client);
                    self.roll.saw(*client, unix_seconds());
                    // With the plan's end everybody leaves.
                    if !self.over {
                        self.tell(&Event::Left { client: self.parts.members.whom(*client) });
                    }
                }
                self.input(input)
            }
        }
    }

    /// Lets the machine judge an input, and does what it asks for.
    ///
    /// # Errors
    /// If ledger or store fail, which ends the process: nothing may rely on what was not written.
    pub(crate) fn input(&mut self, input: Input) -> Result<(), CoordinatorError> {
        self.answers.push_back(input);
        while let Some(input) = self.answers.pop_front() {
            let now = self.parts.clock.now();
            self.parts.machine.handle(now, &mut OsEntropy, input, &mut self.parts.outbox);
            self.execute()?;
        }
        self.tell_what_is_lacking();
        Ok(())
    }

    /// Tells the operator when only more clients can help, once for each reason.
    pub(crate) fn tell_what_is_lacking(&mut self) {
        let lacking = self.parts.machine.lacking();
        if lacking != self.lacking {
            if let Some(reason) = lacking.clone() {
                self.tell(&Event::Waiting { reason });
            }
            self.lacking = lacking;
        }
    }

    /// Tells people on both sides who is missing, where too few are here.
    pub(crate) fn call_the_roll(&mut self) {
        let ShellParts { machine, metrics, .. } = &self.parts;
        let muster = machine.muster();
        let value = muster.as_ref().map_or(0, |muster| muster.needed.saturating_sub(muster.here)).into();
        let help = "Members that a round or a key set-up needs and that are not here.";
        metrics.publish("members", unix_seconds(), vec![Metric { name: "members_lacking", help, value }]);
        let Some(muster) = self.roll.due(muster, Instant::now()) else { return };
        let missing = muster.missing.iter().map(|client| Missing {
            client: self.parts.members.whom(*client),
            last_seen: self.roll.last_seen(*client),
        });
        let event =
            Event::Muster { here: muster.here, needed: muster.needed, missing: missing.collect(), more: muster.more };
        let audience = machine.audience();
        let frame = control_frame(&Downstream::Muster(muster));
        audience.into_iter().for_each(|client| self.unsent.entry(client).or_default().push(frame.clone()));
        self.send_all();
        self.tell(&event);
    }

    /// Does everything in the outbox, in order.
    ///
    /// # Errors
    /// As [`Shell::input`].
    pub(crate) fn execute(&mut self) -> Result<(), CoordinatorError> {
        while let Some(effect) = self.parts.outbox.pop() {
            self.effect(effect)?;
        }
        self.send_all();
        self.tell_all();
        Ok(())
    }

    /// Writes the statement of what the ledger holds: at the start, before a client is told of the plan.
    ///
    /// # Errors
    /// If the ledger cannot be read, or the statement not be written.
    pub(crate) fn state(&self) -> Result<(), CoordinatorError> {
        let store = &self.parts.store;
        let mut ledgers = tributary_storage::journal::read_ledgers::<CoordinatorEvent>(&store.ledger())?;
        let events = ledgers.remove(&self.parts.machine.run().id().into()).unwrap_or_default();
        let events: Vec<CoordinatorEvent> = events.into_iter().map(|recorded| recorded.event).collect();
        Ok(store.write_statement(&events)?)
    }

    /// The operator's stop was carried out.
    pub(crate) fn stopped(&mut self) {
        let rounds = self.parts.machine.record().committed_all();
        if !self.over {
            self.tell(&Event::Stopped { rounds });
        }
        self.over = true;
    }

    /// Closes every connection behind what is queued for it.
    pub(crate) fn leave(&mut self) {
        self.links.clear();
    }

    /// After the last connection: releases the model if the plan is over.
    ///
    /// # Errors
    /// If the released model cannot be stored.
    pub(crate) fn conclude(mut self, bytes: (u64, u64)) -> Result<(), CoordinatorError> {
        let record = self.parts.machine.record();
        let Some(complete) = record.finished else { return Ok(()) };
        self.state()?;
        let (rounds, charged) = (record.committed_all(), record.charged_all());
        let released = record.released().expect("a run finishes after its stages");
        let ShellParts { store, advance, machine, progress, .. } = &self.parts;
        let plan = machine.run().plan();
        store.write_pointer(&ModelPointer {
            version: POINTER_VERSION,
            model: released.to_string(),
            file: Store::model_name(&released),
            architecture: advance.architecture().clone(),
            schema: plan.schema.to_string(),
            plan: plan.digest().to_string(),
            rounds,
            complete,
        })?;
        let model_file = store.model_file(&released).display().to_string();
        let ledger = store.ledger().display().to_string();
        let outcome = Outcome { complete, model: released, model_file, ledger, rounds, charged, bytes };
        let event = progress.finished(outcome);
        self.tell(&event);
        Ok(())
    }

    fn effect(&mut self, effect: CoordinatorEffect) -> Result<(), CoordinatorError> {
        match effect {
            CoordinatorEffect::Append(event) => self.append(event)?,
            // Messages leave behind the last effect: where nothing but records and messages stands between this one and another, one will do.
            CoordinatorEffect::Sync if self.syncs_again() => {}
            CoordinatorEffect::Sync => {
                self.parts.heads.sync()?;
                self.parts.journal.sync()?;
                if let Some(model) = self.committed.take() {
                    self.parts.advance.adopt(model, &self.parts.store);
                }
                self.tell_all();
            }
            CoordinatorEffect::Keep(kept) => self.parts.heads.keep(Millis(unix_millis()), kept)?,
            CoordinatorEffect::Send(client, message) => self.send(client, message),
            CoordinatorEffect::Broadcast(clients, message) => {
                let frame = control_frame(&message);
                clients.into_iter().for_each(|client| self.unsent.entry(client).or_default().push(frame.clone()));
            }
            CoordinatorEffect::StoreSession(material) => self.parts.store.add_session(&material)?,
            CoordinatorEffect::ForgetSession(session) => self.parts.store.forget_session(session),
            CoordinatorEffect::SendStart(clients, start) => self.send_start(&clients, start)?,
            CoordinatorEffect::OpenSum { round, ring, dimension } => {
                let ShellParts { machine, sum, store, .. } = &self.parts;
                let open = machine.record().round.as_ref().filter(|open| open.round == round);
                let kept = open.map(|open| store.begin_kept(&machine.run().retention, open)).transpose()?.flatten();
                sum.open(round, ring, dimension, kept);
            }
            CoordinatorEffect::Admit(ticket) => self.judge(ticket.client(), Verdict::Admit(ticket)),
            CoordinatorEffect::Fold { client, .. } => self.parts.sum.fold(client),
            CoordinatorEffect::Discard(client) => self.judge(client, Verdict::Discard),
            CoordinatorEffect::DropSum(_) => self.parts.sum.forget(),
            CoordinatorEffect::Unmask(permit) => {
                let ShellParts { machine, sum, advance, store, .. } = &mut self.parts;
                let descriptor = machine.record().round.as_ref().expect("a sum is opened in an open round");
                let answer = advance.apply(descriptor, sum.take(), permit, store)?;
                self.answers.push_back(answer);
            }
            CoordinatorEffect::Conclude(stage) => {
                let ShellParts { advance, store, .. } = &mut self.parts;
                let model = advance.conclude(stage, store)?;
                self.answers.push_back(Input::Concluded { stage, model });
            }
            CoordinatorEffect::Enrol(roster) => {
                self.parts.members.replace(&roster.roster);
                let (epoch, enrolled) = (roster.roster.epoch(), self.parts.members.count());
                self.tell(&Event::Roster { epoch, enrolled });
            }
            CoordinatorEffect::Close(client) => {
                self.send_all();
                if let Some(link) = self.links.remove(&client)
                    && self.over
                {
                    link.farewell();
                }
            }
            CoordinatorEffect::OrderRefused { order, fault } => {
                let (action, staff, why) = (order.action.name(), order.staff.as_str(), fault.to_string());
                tracing::warn!(action, staff, why, "an order among the coordinator's files is not taken");
            }
            CoordinatorEffect::Finished { .. } => self.over = true,
        }
        Ok(())
    }

    /// Whether another sync follows before anything that relies on this one is done.
    fn syncs_again(&self) -> bool {
        let mut rest = self.parts.outbox.iter();
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

    fn append(&mut self, event: CoordinatorEvent) -> Result<(), CoordinatorError> {
        let ShellParts { journal, progress, advance, .. } = &mut self.parts;
        let mut outcome = None;
        if let CoordinatorEvent::RoundCommitted { model, .. } | CoordinatorEvent::StageConcluded { model, .. } = &event
        {
            self.committed = Some(*model).filter(|_| advance.is_pending());
            outcome = advance.take_outcome();
        }
        self.untold.extend(progress.observe(&event, outcome.as_ref().and_then(|outcome| outcome.metrics)));
        self.untold
            .extend(outcome.and_then(|outcome| outcome.customers).and_then(|customers| progress.counted(customers)));
        Ok(journal.append(Millis(unix_millis()), event)?)
    }

    fn send(&mut self, client: ClientId, message: Downstream) {
        if let Downstream::Rejected { code, explanation, .. } = &message {
            let client = self.parts.members.whom(client);
            let (code, reason) = (format!("{code:?}"), explanation.to_string());
            self.untold.push(Event::TurnedAway { client, code, reason });
        }
        let welcome = matches!(message, Downstream::Welcome(_));
        self.unsent.entry(client).or_default().push(control_frame(&message));
        if welcome {
            self.untold.push(Event::Joined { client: self.parts.members.whom(client) });
            let lists = self.parts.lists.clone().map(|text| control_frame(&Downstream::Lists(text)));
            self.unsent.entry(client).or_default().extend(lists);
        }
    }

    fn send_start(&mut self, clients: &[ClientId], start: Start) -> Result<(), StoreError> {
        let ShellParts { advance, store, .. } = &mut self.parts;
        assert!(start.descriptor.model == advance.digest(), "a round starts from the state that was committed last");
        let model = advance.take_model(&start.descriptor, store)?;
        let frames = start_frames(start, model);
        for client in clients {
            self.unsent.entry(*client).or_default().extend(frames.clone());
        }
        Ok(())
    }

    /// Everything before it in the outbox is done: what a message relies on is on the disk.
    fn send_all(&mut self) {
        for (client, frames) in std::mem::take(&mut self.unsent) {
            if self.links.get(&client).is_some_and(|link| !link.send(frames))
                && let Some(link) = self.links.remove(&client)
            {
                tracing::warn!(%client, "does not read what it is sent; the connection is closed");
                link.abort("this client did not read what it was sent");
            }
        }
    }

    fn judge(&self, client: ClientId, verdict: Verdict) {
        // Without a link the connection is closing, and its reader ends without a verdict.
        if let Some(link) = self.links.get(&client) {
            assert!(link.judge(verdict), "a connection waits for one verdict at a time");
        }
    }

    fn tell_all(&mut self) {
        for event in self.untold.drain(..) {
            (self.report)(&event);
        }
    }
}
