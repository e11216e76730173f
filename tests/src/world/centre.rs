//! The coordinator's process: its machine, its disk, its sum, and the one place where its effects are executed.

use std::collections::{BTreeMap, VecDeque};

use tributary_protocol::budget::{Heads, Kept};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::ids::{ClientId, RoundId, SessionId};
use tributary_protocol::message::{ClosedReason, Downstream, Start};
use tributary_protocol::plan::RoundKind;
use tributary_protocol::round::reliance::{early_at_coordinator, early_of_heads, is_heard_of_coordinator};
use tributary_protocol::round::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRecord, CoordinatorSettings, Input, Outbox,
    SessionMaterial,
};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::permit::{InMemory, Ticket, UnmaskPermit, VerifiedUpload};
use tributary_protocol::time::Millis;

use super::process::{DOWN_MS_MIN, Process};
use super::{Event, World};
use crate::cast::Stage;
use crate::disk::Disk;
use crate::enemy::{Rumour, Target};
use crate::link::{Body, Reading, name_down};
use crate::trace::Who;

/// A verified upload, and whether a byzantine client changed it.
type Arrived = (VerifiedUpload<InMemory<Vec<u8>>>, bool);

/// The coordinator.
pub(crate) struct Centre<S: Stage> {
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
    models: BTreeMap<Digest, Vec<u8>>,
    /// Durable: the public material of sessions.
    sessions: BTreeMap<SessionId, Vec<Vec<u8>>>,
    /// Uploads that are here whole and not in the sum.
    arrived: BTreeMap<ClientId, Arrived>,
    sum: Option<MaskedSum>,
    /// The operator has installed the newer roster.
    pub(crate) newer_roster: bool,
    replayed: CoordinatorRecord,
    replayed_events: usize,
    /// The machine has nothing more to say.
    idle: bool,
}

impl<S: Stage> Centre<S> {
    pub(crate) fn new(first_model: Vec<u8>, kept: Vec<Kept>) -> Self {
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
            models: BTreeMap::from([(Digest::of(&first_model), first_model)]),
            sessions: BTreeMap::new(),
            arrived: BTreeMap::new(),
            sum: None,
            newer_roster: false,
            replayed: CoordinatorRecord::default(),
            replayed_events: 0,
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

impl<S: Stage> World<'_, S> {
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
        let settings = CoordinatorSettings { heads, ..self.cast.settings::<S>(self.centre.newer_roster) };
        match Coordinator::resume(settings, &events, stored, now, outbox) {
            Ok(machine) => self.centre.machine = Some(machine),
            Err(fault) => return self.judge.object("a coordinator continues from its own ledger", fault),
        }
        self.centre.process.boot();
        match CoordinatorRecord::replay(&events) {
            Ok(record) => self.centre.replayed = record,
            Err(fault) => return self.judge.object("the ledger's events follow from one another", fault),
        }
        self.centre.replayed_events = events.len();
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
            let Some(machine) = self.centre.machine.as_mut() else { return };
            machine.handle(now, &mut self.entropy, input, &mut self.centre.outbox);
        }
        self.centre.idle = true;
        // What a machine waits for changes with what it says.
        if spoke || self.centre.process.timer.is_none() {
            self.arm(Who::Centre);
        }
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
                self.judge.centre_appends(&event);
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
            CoordinatorEffect::Release => {
                let last = self.centre.machine.as_ref().and_then(|machine| machine.record().model);
                let model = last.expect("an open plan has a model");
                self.centre.inbox.push_front(Input::Released { model });
            }
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
                .object("a round starts from a model in the registry", format!("round {}", start.descriptor.round));
        };
        if let Some(deceiver) = self.deceiver.as_mut().filter(|_| !self.healed) {
            let descriptor = &start.descriptor;
            let own = self.cast.thresholds(clients);
            let whole = self.judge.keyed_cohort(descriptor.round) == clients;
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
                    Some(deceiver) => deceiver.restart(*client, start, model),
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

    /// The machine has judged a header: its connection may read on.
    fn verdict(&mut self, client: ClientId, reading: Reading) {
        let Some(id) = self.centre.links.get(&client).copied() else { return };
        if let Some(link) = self.links.get_mut(&id).filter(|link| matches!(link.reading, Reading::AwaitVerdict)) {
            link.reading = reading;
            self.read_messages(id);
        }
    }

    /// An announced vector has arrived.
    pub(super) fn receive(&mut self, ticket: Ticket, bytes: Vec<u8>) {
        let (round, client, announced) = (ticket.round(), ticket.client(), ticket.digest());
        let digest = Digest::of_vector(&bytes);
        let input = match ticket.verify(bytes) {
            Ok(upload) => {
                self.judge.received(round, client, digest == announced);
                self.centre.arrived.insert(client, (upload, self.spoilt.contains(&digest)));
                Input::Arrived { round, client }
            }
            Err(_) => Input::UploadFailed { round, client },
        };
        self.centre.inbox.push_back(input);
    }

    /// The machine wants what has arrived in the sum.
    fn fold(&mut self, round: RoundId, client: ClientId) {
        let Some((upload, spoilt)) = self.centre.arrived.remove(&client) else {
            return self.judge.object("what is folded has arrived", format!("client {client}, round {round}"));
        };
        match self.centre.sum.as_mut().map(|sum| sum.fold(upload)) {
            Some(Ok(_)) => self.judge.folded(round, spoilt),
            Some(Err(fault)) => self.judge.object("what is folded belongs to the round", fault),
            None => {
                self.judge.object("what is folded belongs to an open sum", format!("client {client}, round {round}"))
            }
        }
    }

    /// Opens the sum and makes the next model of it, durable before the machine hears of it.
    fn unmask(&mut self, permit: UnmaskPermit) {
        let round = permit.round();
        self.judge.unmasks(&permit);
        let survivors = permit.survivors().to_vec();
        let opened = self.centre.sum.take().map(|sum| sum.unmask::<S>(permit));
        let input = match opened {
            Some(Ok(sum)) => {
                let values = sum.values();
                self.judge.opened(round, &survivors, &values);
                let parent = self.centre.machine.as_ref().and_then(|machine| machine.record().model);
                let parent = parent.unwrap_or(Digest::ZERO);
                let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                let sum = Digest::of(&values);
                let open = self.centre.machine.as_ref().and_then(|machine| machine.record().round.as_ref());
                let model = if open.is_some_and(|open| open.kind == RoundKind::Train) {
                    let bytes = Canonical::new("model").digest(&parent).u64(round.0).digest(&sum).finish().0.to_vec();
                    let model = Digest::of(&bytes);
                    self.centre.models.insert(model, bytes);
                    model
                } else {
                    parent
                };
                self.judge.made(round, parent, model);
                Input::Updated { round, sum, model, update_clip_norm_bits: 0 }
            }
            Some(Err(fault)) => {
                self.judge.spoilt(round, &fault);
                Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed }
            }
            None => Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed },
        };
        self.centre.inbox.push_front(input);
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
        let centre = &mut self.centre;
        let events = centre.disk.events();
        if centre.replayed_events == events.len() {
            return;
        }
        for event in &events[centre.replayed_events..] {
            if let Err(fault) = centre.replayed.check(event) {
                return self.judge.object("the ledger's events follow from one another", fault);
            }
            centre.replayed.apply(event);
        }
        centre.replayed_events = events.len();
        if centre.machine.as_ref().is_some_and(|machine| *machine.record() != centre.replayed) {
            self.judge.object("replaying the file gives the state", "coordinator");
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
        CoordinatorEvent::PlanOpened { .. } => "PlanOpened".into(),
        CoordinatorEvent::SessionOpened { candidates, .. } => format!("SessionOpened with {}", candidates.len()),
        CoordinatorEvent::SessionKeyed { cohort, .. } => format!("SessionKeyed with {}", cohort.len()),
        CoordinatorEvent::SessionClosed { reason, .. } => format!("SessionClosed: {reason}"),
        CoordinatorEvent::RoundStarted { descriptor } => {
            format!("RoundStarted {} for {}", descriptor.round, descriptor.kind.name())
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
        CoordinatorEvent::ModelReleased { .. } => "ModelReleased".into(),
        CoordinatorEvent::RosterAdopted { head, .. } => format!("RosterAdopted {}", head.epoch),
        CoordinatorEvent::ClientEvicted { client, reason } => format!("ClientEvicted {client}: {reason}"),
        CoordinatorEvent::PlanFinished { rounds, complete, .. } => {
            format!("PlanFinished after {rounds}, complete: {complete}")
        }
    }
}
