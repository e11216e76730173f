//! The coordinator's process: a machine and a ledger for each run that it serves, one disk of budget heads for all of them, and the one place where
//! effects are executed.

use std::collections::{BTreeMap, VecDeque};

use tributary_protocol::budget::Kept;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId, SessionId};
use tributary_protocol::message::{Downstream, Start, Upstream};
use tributary_protocol::plan::{Approvals, Attestation, Run};
use tributary_protocol::round::record::reliance::{early_at_coordinator, early_of_heads, is_heard_of_coordinator};
use tributary_protocol::round::{Coordinator, CoordinatorEffect, CoordinatorEvent, Input, Outbox};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::permit::{InMemory, VerifiedUpload};
use tributary_protocol::time::Millis;

use super::process::Process;
use super::words::describe;
use super::{Event, Trouble, World};
use crate::cast::{Cast, Keyed, PRESENT};
use crate::disk::Disk;
use crate::enemy::{FieldLie, Rumour, Target};
use crate::link::{Body, Reading, name_down};
use crate::trace::Who;

/// A verified upload, and whether a byzantine client changed it.
pub(super) type Arrived = (VerifiedUpload<InMemory<Vec<u8>>>, bool);

/// A run at the coordinator.
pub(crate) struct RunAtCentre<S: Keyed> {
    /// Index of its plan.
    pub(super) plan: usize,
    pub(super) run: Run,
    pub(crate) machine: Option<Coordinator<S>>,
    pub(crate) disk: Disk<CoordinatorEvent>,
    pub(super) outbox: Outbox<CoordinatorEffect>,
    /// Durable: the public material of sessions.
    pub(super) sessions: BTreeMap<SessionId, Vec<Vec<u8>>>,
    /// Uploads that are here whole and not in the sum.
    pub(super) arrived: BTreeMap<ClientId, Arrived>,
    pub(super) sum: Option<MaskedSum>,
}

/// What the process hears.
#[expect(clippy::large_enum_variant, reason = "few wait at a time")]
pub(crate) enum Heard {
    /// A client has connected: every machine hears of it.
    Connected(ClientId),
    /// Its connection is over.
    Disconnected(ClientId),
    /// A deadline may have passed, of whichever run.
    Timer,
    /// The operator has installed the newer roster.
    Roster,
    /// The operator stops the process.
    Stop,
    /// Every machine has heard that.
    Leave,
    /// One run's machine alone hears this.
    Run(RunId, Input),
}

/// The coordinator.
pub(crate) struct Centre<S: Keyed> {
    /// The runs that it serves, or has served.
    pub(crate) runs: BTreeMap<RunId, RunAtCentre<S>>,
    pub(crate) process: Process,
    /// Budget heads of all plans.
    pub(super) heads: Disk<Kept>,
    pub(crate) inbox: VecDeque<Heard>,
    /// Who is connected, from the first byte to the last.
    pub(crate) seats: BTreeMap<ClientId, u64>,
    /// Connections of whose beginning the machines have not heard.
    pub(crate) arrivals: VecDeque<u64>,
    /// The ways to those to whom the machines may still speak.
    pub(crate) links: BTreeMap<ClientId, u64>,
    /// Durable: the registry's models, by digest.
    pub(super) models: BTreeMap<Digest, Vec<u8>>,
    /// The place of the newest roster that its operator has installed.
    pub(crate) roster: usize,
    /// By plan: who stands by it, as its operator has it.
    pub(crate) approvals: Vec<Approvals>,
    /// What people have ordered, in turn.
    pub(crate) orders: Vec<Attestation>,
    /// The run whose ledger is being synced.
    pub(super) syncing: Option<RunId>,
    /// No machine has anything more to say.
    pub(super) idle: bool,
}

impl<S: Keyed> Centre<S> {
    /// It has budget heads of earlier plans.
    pub(crate) fn new(cast: &Cast) -> Self {
        Self {
            runs: BTreeMap::new(),
            process: Process::new(),
            heads: Disk::holding(cast.kept_before::<S>()),
            inbox: VecDeque::new(),
            seats: BTreeMap::new(),
            arrivals: VecDeque::new(),
            links: BTreeMap::new(),
            models: BTreeMap::new(),
            roster: PRESENT,
            approvals: cast.plans.iter().map(|served| served.approvals.clone()).collect(),
            orders: Vec::new(),
            syncing: None,
            idle: false,
        }
    }

    /// Everything that the machines asked for is done.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether a run is over, as its machine says while the process is up.
    pub(super) fn is_over(&self, run: RunId) -> bool {
        let machine = self.runs.get(&run).and_then(|own| own.machine.as_ref());
        machine.is_some_and(|machine| machine.record().finished.is_some())
    }

    /// What all machines hear, each in its turn and before anything else; what one of them hears.
    fn heed(&mut self, heard: Heard, roster: impl Fn() -> Input) -> Option<(RunId, Input)> {
        let all: Box<dyn Fn() -> Input> = match heard {
            Heard::Run(run, input) => return Some((run, input)),
            Heard::Leave => {
                self.process.leaving = true;
                return None;
            }
            Heard::Connected(client) => {
                let id = self.arrivals.pop_front().expect("every connection has a number");
                self.links.insert(client, id);
                Box::new(move || Input::Connected(client))
            }
            Heard::Disconnected(client) => {
                self.links.remove(&client);
                Box::new(move || Input::Disconnected(client))
            }
            Heard::Timer => Box::new(|| Input::Timer),
            Heard::Roster => Box::new(roster),
            Heard::Stop => {
                self.inbox.push_front(Heard::Leave);
                Box::new(|| Input::Stop)
            }
        };
        self.runs.keys().rev().for_each(|run| self.inbox.push_front(Heard::Run(*run, all())));
        None
    }

    pub(super) fn local(&self, now: u64) -> Millis {
        Millis(now + self.process.ahead_ms)
    }
}

impl<S: Keyed> World<'_, S> {
    /// Lets the machines judge what has arrived and does what they ask for, strictly in order, until they must wait.
    pub(super) fn run_centre(&mut self) {
        let mut spoke = false;
        loop {
            self.centre.idle = false;
            if !self.centre.process.up || self.centre.process.blocked || !self.judge.content() {
                return;
            }
            let mut runs = self.centre.runs.iter_mut();
            if let Some((run, effect)) = runs.find_map(|(run, own)| Some((*run, own.outbox.pop()?))) {
                spoke = true;
                if self.centre.process.dies_now() {
                    return self.kill_centre();
                }
                self.centre_effect(run, effect);
                continue;
            }
            self.check_centre_replay();
            if self.centre.process.leaving {
                return self.end_centre();
            }
            let Some(heard) = self.centre.inbox.pop_front() else { break };
            spoke |= matches!(heard, Heard::Timer);
            let next = &self.cast.rosters[self.centre.roster].0;
            let Some((run, input)) = self.centre.heed(heard, || Input::Roster(next.clone().into())) else { continue };
            let ordered = if let Input::Ordered(order) = &input { Some(order.clone()) } else { None };
            if let Some(order) = ordered.as_ref().filter(|_| self.trouble == Some(Trouble::UnheardOrders)) {
                self.judge.ordered(run, order, std::iter::empty());
                continue;
            }
            let now = self.centre.local(self.now);
            let lie = self.lie_of(&input);
            let Some(own) = self.centre.runs.get_mut(&run) else {
                self.hear_of_unknown(&input);
                continue;
            };
            let Some(machine) = own.machine.as_mut() else { return };
            machine.handle(now, &mut self.entropy, input, &mut own.outbox);
            if let Some(order) = ordered {
                self.judge.ordered(run, &order, own.outbox.iter());
            }
            if let Some((client, lie)) = lie {
                self.judge_liar(run, client, &lie);
            }
        }
        self.centre.idle = true;
        // What a machine waits for changes with what it says.
        if spoke || self.centre.process.timer.is_none() {
            self.arm(Who::Centre);
        }
    }

    /// A client says something in a run that the coordinator does not know, or does not serve any more. Its vector is read over.
    fn hear_of_unknown(&mut self, input: &Input) {
        if let Input::Message(client, Upstream::Masked(header)) = input {
            self.pass_over(*client);
            // What was spent counts in the runs that are open.
            let now = self.centre.local(self.now);
            let open = self.centre.runs.values_mut().find_map(|own| Some((own.machine.as_mut()?, &mut own.outbox)));
            if let Some((machine, outbox)) = open {
                machine.handle(now, &mut self.entropy, Input::Head(*client, header.head.clone()), outbox);
            }
        }
    }

    /// The lie in one field that the machine is about to hear, and whose it is.
    fn lie_of(&mut self, input: &Input) -> Option<(ClientId, FieldLie<()>)> {
        let Input::Message(client, message) = input else { return None };
        let cheat = self.branches.get_mut((client.0 as usize).checked_sub(1)?)?.cheat.as_mut()?;
        Some((*client, cheat.lie_heard(message)?))
    }

    /// What the machine answers to a lie in one field.
    fn judge_liar(&mut self, run: RunId, client: ClientId, lie: &FieldLie<()>) {
        let Some(own) = self.centre.runs.get(&run) else { return };
        let rejected = self.judge.lies_to_centre(client, lie, own.outbox.iter());
        self.refused += u32::from(rejected);
        let verdict = if rejected { "cuts off a liar: " } else { "passes over a lie: " };
        self.trace.note(self.now, Who::Centre, verdict, || format!("client {client}: {}", lie.what));
    }

    /// Executes one effect. Everything that a machine asks of the coordinator's shell is here.
    fn centre_effect(&mut self, run: RunId, effect: CoordinatorEffect) {
        if let Some(early) = early_of_heads(&effect, self.centre.heads.unsynced()) {
            self.judge.speaks_early(Who::Centre, early);
        }
        let at = self.centre.local(self.now);
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        if let Some(early) = early_at_coordinator(&effect, own.disk.unsynced()) {
            self.judge.speaks_early(Who::Centre, early);
        }
        if is_heard_of_coordinator(&effect) {
            self.centre.process.is_heard();
        }
        match effect {
            CoordinatorEffect::Append(event) => {
                self.judge.centre_appends::<S>(run, &event);
                self.trace.note(self.now, Who::Centre, "records ", || describe(&event));
                if own.disk.append(at, event).is_err() {
                    self.trace.note(self.now, Who::Centre, "has a full disk", String::new);
                    self.kill_centre();
                } else if self.centre.process.dies_of_append() {
                    self.kill_centre();
                }
            }
            CoordinatorEffect::Sync => self.sync_centre(run),
            CoordinatorEffect::Keep(kept) => {
                // The other runs' machines know it before they hear anything else.
                let others = self.centre.runs.keys().copied().filter(|other| *other != run);
                for other in others.collect::<Vec<_>>() {
                    self.centre.inbox.push_front(Heard::Run(other, Input::Kept(kept.clone())));
                }
                // It lies on a disk of its own, which is never full here.
                let _ = self.centre.heads.append(at, kept);
            }
            CoordinatorEffect::Send(client, message) => self.tell(run, client, message),
            CoordinatorEffect::Broadcast(clients, message) => {
                clients.into_iter().for_each(|client| self.tell(run, client, message.clone()));
            }
            CoordinatorEffect::StoreSession(material) => {
                own.sessions.insert(material.session(), material.parts().collect());
            }
            CoordinatorEffect::ForgetSession(session) => {
                own.sessions.remove(&session);
            }
            CoordinatorEffect::Conclude(stage) => self.conclude(run, stage),
            CoordinatorEffect::SendStart(clients, start) => self.send_start(run, &clients, &start),
            CoordinatorEffect::OpenSum { round, ring, dimension } => {
                own.sum = Some(MaskedSum::new(round, ring, dimension));
            }
            CoordinatorEffect::Admit(ticket) => {
                self.judge.admits(run, ticket.round(), ticket.client());
                let client = ticket.client();
                self.verdict(run, client, Reading::Admitted(run, ticket));
            }
            CoordinatorEffect::Fold { round, client } => self.fold(run, round, client),
            CoordinatorEffect::Discard(client) => self.verdict(run, client, Reading::Discarded),
            CoordinatorEffect::DropSum(_) => {
                own.sum = None;
                own.arrived.clear();
            }
            CoordinatorEffect::Unmask(permit) => self.unmask(run, permit),
            CoordinatorEffect::Enrol(roster) => {
                self.trace.note(self.now, Who::Centre, "admits by ", || format!("roster {}", roster.roster.epoch()));
            }
            CoordinatorEffect::Close(client) => {
                if let Some(id) = self.centre.links.remove(&client) {
                    self.close_by_centre(id);
                }
            }
            CoordinatorEffect::OrderRefused { order, fault } => {
                let told = || format!("{} of {}: {fault}", order.action, order.staff);
                self.trace.note(self.now, Who::Centre, "takes no order: ", told);
            }
            CoordinatorEffect::Finished { complete } => {
                let done = || format!("{}, complete: {complete}", own.run.name.printable());
                self.trace.note(self.now, Who::Centre, "is done: ", done);
            }
        }
    }

    fn tell(&mut self, run: RunId, client: ClientId, message: Downstream) {
        let Some(id) = self.centre.links.get(&client).copied() else { return };
        self.trace.note(self.now, Who::Centre, "tells ", || format!("client {client}: {}", name_down(&message)));
        let (entropy, dice) = (&mut self.entropy, &mut self.dice);
        let rumours = match self.deceiver.as_mut().filter(|_| !self.healed) {
            Some(deceiver) => deceiver.rewrite(client, message, entropy, dice),
            None => vec![Rumour::Message(message)],
        };
        self.spread(run, id, rumours);
    }

    fn send_start(&mut self, run: RunId, clients: &[ClientId], start: &Start) {
        let Some(model) = self.centre.models.get(&start.descriptor.model).cloned() else {
            return self
                .judge
                .object("a round starts from a state in the registry", format!("round {}", start.descriptor.round));
        };
        let Some(own) = self.centre.runs.get(&run) else { return };
        let needed = own.run.stage(start.descriptor.stage).is_some_and(|terms| terms.model_bytes > 0);
        let model = if needed { model } else { Vec::new() };
        if let Some(deceiver) = self.deceiver.as_mut().filter(|_| !self.healed) {
            let descriptor = &start.descriptor;
            let thresholds = self.cast.plans[own.plan].thresholds(clients);
            let whole = self.judge.keyed_cohort(run) == clients;
            let threshold = thresholds.map_or(usize::MAX, |own| own.threshold.into());
            deceiver.round_starts(Target {
                run,
                round: descriptor.round,
                cohort: clients.to_vec(),
                threshold: if whole { threshold } else { usize::MAX },
                victim: *self.dice.pick(clients),
                ring: descriptor.ring,
                dimension: descriptor.dimension as usize,
            });
        }
        for client in clients {
            if let Some(id) = self.centre.links.get(client).copied() {
                let (start, model) = (start.clone(), model.clone());
                let rumours = match self.deceiver.as_mut().filter(|_| !self.healed) {
                    Some(deceiver) => deceiver.restart(run, *client, (start, model), &mut self.dice),
                    None => vec![Rumour::Start(start, model)],
                };
                self.spread(run, id, rumours);
            }
        }
    }

    fn spread(&mut self, run: RunId, id: u64, rumours: Vec<Rumour>) {
        for rumour in rumours {
            match rumour {
                Rumour::Message(message) => self.send_down(id, Body::Down(run, message)),
                Rumour::Start(start, model) => {
                    self.send_down(id, Body::Down(run, Downstream::Start(start)));
                    self.send_down(id, Body::Vector(model));
                }
            }
        }
    }

    fn sync_centre(&mut self, run: RunId) {
        let Some(own) = self.centre.runs.get(&run) else { return };
        // Where nothing binds that is not durable yet, a sync may as well be left out.
        let word = CoordinatorEffect::Finished { complete: true };
        let binds = early_at_coordinator(&word, own.disk.unsynced()).is_some();
        if (binds || !self.centre.heads.unsynced().is_empty()) && self.centre.process.misses_sync() {
            return self.trace.note(self.now, Who::Centre, "misses a sync", String::new);
        }
        self.centre.syncing = Some(run);
        if self.centre.process.sync_ms > 0 {
            self.centre.process.blocked = true;
            let (at, life) = (self.now + self.centre.process.sync_ms, self.centre.process.life);
            return self.queue.push(at, Event::Synced(Who::Centre, life));
        }
        self.centre_synced();
    }

    /// The coordinator's disk has everything of the run that asked, and every budget head.
    pub(super) fn centre_synced(&mut self) {
        self.centre.heads.sync().iter().for_each(|kept| self.judge.kept(kept));
        let Some(run) = self.centre.syncing.take() else { return };
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        for event in own.disk.sync() {
            self.judge.centre_durable(run, event);
        }
    }

    /// `replay(ledger) == state`, whenever no machine has anything more to say.
    fn check_centre_replay(&mut self) {
        for (run, own) in &self.centre.runs {
            if let Some(machine) = &own.machine {
                self.judge.centre_rests(*run, machine.record());
            }
        }
    }
}
