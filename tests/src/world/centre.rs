//! The coordinator's process: its machine, its disk, its sum, and the one place where its effects are executed.

use std::collections::{BTreeMap, VecDeque};

use tributary_protocol::budget::{Heads, Kept};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, SessionId};
use tributary_protocol::message::{Downstream, Start};
use tributary_protocol::round::record::reliance::{early_at_coordinator, early_of_heads, is_heard_of_coordinator};
use tributary_protocol::round::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Input, Outbox, SessionMaterial,
};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::permit::{InMemory, VerifiedUpload};
use tributary_protocol::time::Millis;

use super::process::{DOWN_MS_MIN, Process};
use super::{Event, World};
use crate::cast::Keyed;
use crate::disk::Disk;
use crate::enemy::{FieldLie, Rumour, Target};
use crate::link::{Body, Reading, name_down};
use crate::trace::Who;

/// A verified upload, and whether a byzantine client changed it.
pub(super) type Arrived = (VerifiedUpload<InMemory<Vec<u8>>>, bool);

/// The coordinator.
pub(crate) struct Centre<S: Keyed> {
    pub(crate) machine: Option<Coordinator<S>>,
    pub(crate) process: Process,
    pub(crate) disk: Disk<CoordinatorEvent>,
    /// Budget heads of all plans.
    heads: Disk<Kept>,
    pub(crate) inbox: VecDeque<Input>,
    outbox: Outbox<CoordinatorEffect>,
    /// Who is connected, from the first byte to the last.
    pub(crate) seats: BTreeMap<ClientId, u64>,
    /// Connections of whose beginning the machine has not heard.
    pub(crate) arrivals: VecDeque<u64>,
    /// The ways to those to whom the machine may still speak.
    pub(crate) links: BTreeMap<ClientId, u64>,
    /// Durable: the registry's models, by digest.
    pub(super) models: BTreeMap<Digest, Vec<u8>>,
    /// Durable: the public material of sessions.
    sessions: BTreeMap<SessionId, Vec<Vec<u8>>>,
    /// Uploads that are here whole and not in the sum.
    pub(super) arrived: BTreeMap<ClientId, Arrived>,
    pub(super) sum: Option<MaskedSum>,
    /// The operator has installed the newer roster.
    pub(crate) newer_roster: bool,
    /// The machine has nothing more to say.
    idle: bool,
}

impl<S: Keyed> Centre<S> {
    /// `first` is the public state from which the first run begins, and its digest.
    pub(crate) fn new(first: (Digest, Vec<u8>), kept: Vec<Kept>) -> Self {
        Self {
            machine: None,
            process: Process::new(),
            disk: Disk::new(),
            heads: Disk::holding(kept),
            inbox: VecDeque::new(),
            outbox: Outbox::new(),
            seats: BTreeMap::new(),
            arrivals: VecDeque::new(),
            links: BTreeMap::new(),
            models: BTreeMap::from([first]),
            sessions: BTreeMap::new(),
            arrived: BTreeMap::new(),
            sum: None,
            newer_roster: false,
            idle: false,
        }
    }

    /// Everything that the machine asked for is done.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle
    }

    /// What the machine is about to hear changes to whom the shell can speak.
    fn heed(&mut self, input: &Input) {
        match input {
            Input::Connected(client) => {
                let id = self.arrivals.pop_front().expect("every connection has a number");
                self.links.insert(*client, id);
            }
            Input::Disconnected(client) => {
                self.links.remove(client);
            }
            Input::Stop => self.process.leaving = true,
            _ => {}
        }
    }

    fn local(&self, now: u64) -> Millis {
        Millis(now + self.process.ahead_ms)
    }
}

impl<S: Keyed> World<'_, S> {
    /// The coordinator starts, from what its disk holds.
    pub(super) fn boot_centre(&mut self) {
        let (events, news) = match self.centre.disk.recover() {
            Ok(found) => found,
            Err(fault) => return self.judge.object("a crash leaves a readable file", format!("coordinator: {fault}")),
        };
        for event in &events[events.len() - news..] {
            self.judge.centre_durable(event);
        }
        let kept = match self.centre.heads.recover() {
            Ok((kept, _)) => kept,
            Err(fault) => return self.judge.object("a crash leaves a readable file", format!("heads: {fault}")),
        };
        self.trace.note(self.now, Who::Centre, "starts", String::new);
        let now = self.centre.local(self.now);
        let outbox = &mut self.centre.outbox;
        let stored =
            self.centre.sessions.values().filter_map(|parts| SessionMaterial::from_parts(parts).ok()).collect();
        let heads = Heads::replay(&kept);
        let settings = self.cast.settings::<S>(self.run.clone(), self.centre.newer_roster);
        let settings = CoordinatorSettings { heads, ..settings };
        match Coordinator::resume(settings, &events, stored, now, outbox) {
            Ok(machine) => self.centre.machine = Some(machine),
            Err(fault) => return self.judge.object("a coordinator continues from its own ledger", fault),
        }
        self.centre.process.boot();
        self.judge.centre_recovers(&events);
        self.run_centre();
    }

    /// Lets the machine judge what has arrived and does what it asks for, strictly in order, until it must wait.
    pub(super) fn run_centre(&mut self) {
        let mut spoke = false;
        loop {
            self.centre.idle = false;
            if !self.centre.process.up || self.centre.process.blocked || !self.judge.content() {
                return;
            }
            if let Some(effect) = self.centre.outbox.pop() {
                spoke = true;
                if self.centre.process.dies_now() {
                    return self.kill_centre();
                }
                self.centre_effect(effect);
                continue;
            }
            self.check_centre_replay();
            if self.centre.process.leaving {
                return self.end_centre();
            }
            let Some(input) = self.centre.inbox.pop_front() else { break };
            spoke |= matches!(input, Input::Timer);
            let now = self.centre.local(self.now);
            self.centre.heed(&input);
            let lie = self.lie_of(&input);
            let Some(machine) = self.centre.machine.as_mut() else { return };
            machine.handle(now, &mut self.entropy, input, &mut self.centre.outbox);
            if let Some((client, lie)) = lie {
                self.judge_liar(client, &lie);
            }
        }
        self.centre.idle = true;
        // What a machine waits for changes with what it says.
        if spoke || self.centre.process.timer.is_none() {
            self.arm(Who::Centre);
        }
    }

    /// The lie in one field that the machine is about to hear, and whose it is.
    fn lie_of(&mut self, input: &Input) -> Option<(ClientId, FieldLie<()>)> {
        let Input::Message(client, message) = input else { return None };
        let cheat = self.branches.get_mut((client.0 as usize).checked_sub(1)?)?.cheat.as_mut()?;
        Some((*client, cheat.lie_heard(message)?))
    }

    /// What the machine answers to a lie in one field.
    fn judge_liar(&mut self, client: ClientId, lie: &FieldLie<()>) {
        let rejected = self.judge.lies_to_centre(client, lie, self.centre.outbox.iter());
        self.refused += u32::from(rejected);
        let verdict = if rejected { "cuts off a liar: " } else { "passes over a lie: " };
        self.trace.note(self.now, Who::Centre, verdict, || format!("client {client}: {}", lie.what));
    }

    /// Executes one effect. Everything that a machine asks of the coordinator's shell is here.
    fn centre_effect(&mut self, effect: CoordinatorEffect) {
        if let Some(early) = early_of_heads(&effect, self.centre.heads.unsynced()) {
            self.judge.speaks_early(Who::Centre, early);
        }
        if let Some(early) = early_at_coordinator(&effect, self.centre.disk.unsynced()) {
            self.judge.speaks_early(Who::Centre, early);
        }
        if is_heard_of_coordinator(&effect) {
            self.centre.process.is_heard();
        }
        match effect {
            CoordinatorEffect::Append(event) => {
                self.judge.centre_appends::<S>(&event);
                self.trace.note(self.now, Who::Centre, "records ", || describe(&event));
                let at = self.centre.local(self.now);
                if self.centre.disk.append(at, event).is_err() {
                    self.trace.note(self.now, Who::Centre, "has a full disk", String::new);
                    self.kill_centre();
                } else if self.centre.process.dies_of_append() {
                    self.kill_centre();
                }
            }
            CoordinatorEffect::Sync => self.sync_centre(),
            CoordinatorEffect::Keep(kept) => {
                // It lies on a disk of its own, which is never full here.
                let _ = self.centre.heads.append(self.centre.local(self.now), kept);
            }
            CoordinatorEffect::Send(client, message) => self.tell(client, message),
            CoordinatorEffect::Broadcast(clients, message) => {
                clients.into_iter().for_each(|client| self.tell(client, message.clone()));
            }
            CoordinatorEffect::StoreSession(material) => {
                self.centre.sessions.insert(material.session(), material.parts().collect());
            }
            CoordinatorEffect::ForgetSession(session) => {
                self.centre.sessions.remove(&session);
            }
            CoordinatorEffect::Conclude(stage) => self.conclude(stage),
            CoordinatorEffect::SendStart(clients, start) => self.send_start(&clients, &start),
            CoordinatorEffect::OpenSum { round, ring, dimension } => {
                self.centre.sum = Some(MaskedSum::new(round, ring, dimension));
            }
            CoordinatorEffect::Admit(ticket) => {
                self.judge.admits(ticket.round(), ticket.client());
                let client = ticket.client();
                self.verdict(client, Reading::Admitted(ticket));
            }
            CoordinatorEffect::Fold { round, client } => self.fold(round, client),
            CoordinatorEffect::Discard(client) => self.verdict(client, Reading::Discarded),
            CoordinatorEffect::DropSum(_) => {
                self.centre.sum = None;
                self.centre.arrived.clear();
            }
            CoordinatorEffect::Unmask(permit) => self.unmask(permit),
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
                self.trace.note(self.now, Who::Centre, "is done: ", || format!("complete: {complete}"));
            }
        }
    }

    fn tell(&mut self, client: ClientId, message: Downstream) {
        let Some(id) = self.centre.links.get(&client).copied() else { return };
        self.trace.note(self.now, Who::Centre, "tells ", || format!("client {client}: {}", name_down(&message)));
        let (entropy, dice) = (&mut self.entropy, &mut self.dice);
        let rumours = match self.deceiver.as_mut().filter(|_| !self.healed) {
            Some(deceiver) => deceiver.rewrite(client, message, entropy, dice),
            None => vec![Rumour::Message(message)],
        };
        self.spread(id, rumours);
    }

    fn send_start(&mut self, clients: &[ClientId], start: &Start) {
        let Some(model) = self.centre.models.get(&start.descriptor.model).cloned() else {
            return self
                .judge
                .object("a round starts from a state in the registry", format!("round {}", start.descriptor.round));
        };
        let needed = self.run.stage(start.descriptor.stage).is_some_and(|terms| terms.model_bytes > 0);
        let model = if needed { model } else { Vec::new() };
        if let Some(deceiver) = self.deceiver.as_mut().filter(|_| !self.healed) {
            let descriptor = &start.descriptor;
            let own = self.cast.thresholds(clients);
            let whole = self.judge.keyed_cohort() == clients;
            let threshold = own.map_or(usize::MAX, |own| own.threshold.into());
            deceiver.round_starts(Target {
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
                    Some(deceiver) => deceiver.restart(*client, start, model, &mut self.dice),
                    None => vec![Rumour::Start(start, model)],
                };
                self.spread(id, rumours);
            }
        }
    }

    fn spread(&mut self, id: u64, rumours: Vec<Rumour>) {
        for rumour in rumours {
            match rumour {
                Rumour::Message(message) => self.send_down(id, Body::Down(message)),
                Rumour::Start(start, model) => {
                    self.send_down(id, Body::Down(Downstream::Start(start)));
                    self.send_down(id, Body::Vector(model));
                }
            }
        }
    }

    fn sync_centre(&mut self) {
        // Where nothing binds that is not durable yet, a sync may as well be left out.
        let word = CoordinatorEffect::Finished { complete: true };
        let binds = early_at_coordinator(&word, self.centre.disk.unsynced()).is_some();
        if (binds || !self.centre.heads.unsynced().is_empty()) && self.centre.process.misses_sync() {
            return self.trace.note(self.now, Who::Centre, "misses a sync", String::new);
        }
        if self.centre.process.sync_ms > 0 {
            self.centre.process.blocked = true;
            let (at, life) = (self.now + self.centre.process.sync_ms, self.centre.process.life);
            return self.queue.push(at, Event::Synced(Who::Centre, life));
        }
        self.centre_synced();
    }

    /// The coordinator's disk has everything.
    pub(super) fn centre_synced(&mut self) {
        self.centre.heads.sync();
        for event in self.centre.disk.sync() {
            self.judge.centre_durable(event);
        }
    }

    /// `replay(ledger) == state`, whenever the machine has nothing more to say.
    fn check_centre_replay(&mut self) {
        if let Some(machine) = &self.centre.machine {
            self.judge.centre_rests(machine.record());
        }
    }

    /// The next run of the plan begins with a ledger of its own; the budget heads are those of all runs.
    pub(super) fn next_run(&mut self) {
        self.run = self.cast.run(self.run.reference().number + 1);
        self.trace.note(self.now, Who::Centre, "serves ", || format!("run {}", self.run.reference().number));
        if self.centre.process.up {
            self.end_centre();
        }
        self.centre.disk = Disk::new();
        self.centre.sessions.clear();
        self.judge.next_run(self.run.reference());
        for index in 0..self.branches.len() {
            if self.healed {
                self.put_back(index);
            }
            let process = &self.branches[index].process;
            if !process.up {
                let life = process.life;
                self.queue.push(self.now + 1, Event::Boot(Who::Branch(index), life));
            }
        }
    }

    /// The process is killed: everything in memory is gone, the disk is torn, every connection breaks.
    pub(super) fn kill_centre(&mut self) {
        self.trace.note(self.now, Who::Centre, "is killed", String::new);
        self.centre.disk.crash(&mut self.dice);
        self.centre.heads.crash(&mut self.dice);
        let seats: Vec<u64> = std::mem::take(&mut self.centre.seats).into_values().collect();
        for id in seats {
            if let Some(link) = self.links.get_mut(&id) {
                link.centre = false;
            }
            self.break_link(id);
        }
        self.centre_down();
    }

    /// The coordinator pretends to have forgotten every round. It ends in order, so that everybody is back before the world heals.
    pub(super) fn forget(&mut self) {
        self.trace.note(self.now, Who::Centre, "forgets", String::new);
        self.end_centre();
        // What was not synced is whole in the true ledger as well.
        if let Ok((events, news)) = self.centre.disk.recover() {
            events[events.len() - news..].iter().for_each(|event| self.judge.centre_durable(event));
            let copy = self.centre.disk.as_of(1);
            self.archive = Some(std::mem::replace(&mut self.centre.disk, copy));
            self.judge.set_forgetful(true);
            if let Some(deceiver) = &mut self.deceiver {
                deceiver.lies += 1;
            }
        }
    }

    /// The true ledger is back.
    pub(super) fn remember(&mut self) {
        if let Some(archive) = self.archive.take() {
            if self.centre.process.up {
                self.kill_centre();
            }
            self.centre.disk = archive;
            self.judge.set_forgetful(false);
        }
    }

    /// The process ends by itself, in order.
    fn end_centre(&mut self) {
        let seats: Vec<u64> = std::mem::take(&mut self.centre.seats).into_values().collect();
        for id in seats {
            self.close_by_centre(id);
            if let Some(link) = self.links.get_mut(&id) {
                link.centre = false;
            }
        }
        self.centre_down();
    }

    fn centre_down(&mut self) {
        let down_ms = self.centre.process.down_ms.max(DOWN_MS_MIN);
        let centre = &mut self.centre;
        centre.process.end();
        centre.process.down_ms = 0;
        centre.machine = None;
        centre.links.clear();
        centre.arrivals.clear();
        centre.inbox.clear();
        centre.outbox = Outbox::new();
        centre.sum = None;
        centre.arrived.clear();
        let life = centre.process.life;
        self.queue.push(self.now + down_ms, Event::Boot(Who::Centre, life));
    }
}

/// An event in a few words.
fn describe(event: &CoordinatorEvent) -> String {
    match event {
        CoordinatorEvent::RunOpened { number, .. } => format!("RunOpened {number}"),
        CoordinatorEvent::OrdersCarried { orders } => format!("OrdersCarried {}", orders.standing().count()),
        CoordinatorEvent::ApprovalsShown { approvals } => format!("ApprovalsShown of {}", approvals.approval.staff),
        CoordinatorEvent::OrderTaken { order } => format!("OrderTaken {}", order.action),
        CoordinatorEvent::SessionOpened { candidates, .. } => format!("SessionOpened with {}", candidates.len()),
        CoordinatorEvent::SessionKeyed { cohort, .. } => format!("SessionKeyed with {}", cohort.len()),
        CoordinatorEvent::SessionClosed { reason, .. } => format!("SessionClosed: {reason}"),
        CoordinatorEvent::RoundStarted { descriptor } => {
            format!("RoundStarted {} of stage {}", descriptor.round, descriptor.stage)
        }
        CoordinatorEvent::UpdateAdmitted { round, client, .. } => format!("UpdateAdmitted {round} of client {client}"),
        CoordinatorEvent::SurvivorsFrozen { round, survivors, .. } => {
            format!("SurvivorsFrozen {round} with {}", survivors.len())
        }
        CoordinatorEvent::QuorumReached { round, signatures } => {
            format!("QuorumReached {round} by {}", signatures.len())
        }
        CoordinatorEvent::RoundCommitted { round, .. } => format!("RoundCommitted {round}"),
        CoordinatorEvent::RoundAborted { round, reason } => format!("RoundAborted {round}: {reason}"),
        CoordinatorEvent::ClientRefused { client, code, .. } => format!("ClientRefused {client}: {code}"),
        CoordinatorEvent::BudgetBegun { client, .. } => format!("BudgetBegun of client {client}"),
        CoordinatorEvent::BudgetShown { head } => format!("BudgetShown of client {}: {}", head.client, head.counter),
        CoordinatorEvent::ClientChargedMore { client, .. } => format!("ClientChargedMore {client}"),
        CoordinatorEvent::StageConcluded { stage, .. } => format!("StageConcluded {stage}"),
        CoordinatorEvent::RosterAdopted { roster, .. } => format!("RosterAdopted {}", roster.roster.epoch()),
        CoordinatorEvent::ClientEvicted { client, reason } => format!("ClientEvicted {client}: {reason}"),
        CoordinatorEvent::RunFinished { rounds, complete, .. } => {
            format!("RunFinished after {rounds}, complete: {complete}")
        }
    }
}
