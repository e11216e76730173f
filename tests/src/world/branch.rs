//! A client's process: its machine, its disk, its worker, and the one place where its effects are executed.

use std::collections::VecDeque;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::{MaskedHeader, Start, Upstream};
use tributary_protocol::plan::{Run, RunRef};
use tributary_protocol::round::record::reliance::{early_at_participant, is_heard_of_participant};
use tributary_protocol::round::{
    Contribution, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::time::Millis;

use super::process::{DOWN_MS_MIN, Process};
use super::wire::PAUSE_MS;
use super::{Event, World};
use crate::cast::{KEYING_DEADLINE_MS, Keyed, ROUND_DEADLINE_MS, client_key};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::enemy::{Cheat, Earned, FieldLie};
use crate::judge::client_of;
use crate::link::{Body, name_up};
use crate::trace::Who;

/// Milliseconds after the healing in which lies may still arrive, or be noticed at a deadline.
const GRACE_MS: u64 = ROUND_DEADLINE_MS + KEYING_DEADLINE_MS;

/// A client.
pub(crate) struct Branch<S: Keyed> {
    pub(crate) machine: Option<Participant<S>>,
    pub(crate) process: Process,
    pub(crate) disk: Disk<ParticipantEvent>,
    pub(crate) inbox: VecDeque<ParticipantInput>,
    outbox: Outbox<ParticipantEffect>,
    /// The connection that it made last.
    pub(crate) link: Option<u64>,
    /// The connection of whose beginning the machine has heard, and not of its end: what it says goes there.
    speaks: Option<u64>,
    /// Models behind starts that the machine has not heard of.
    models: VecDeque<Vec<u8>>,
    /// Until the next attempt to connect.
    pub(crate) pause_ms: u64,
    /// Milliseconds to the coordinator.
    pub(crate) distance_ms: u64,
    /// Milliseconds that training takes, and until when.
    pub(crate) straggles: (u64, u64),
    /// Its true disk, while an old copy is in its place.
    archive: Option<Disk<ParticipantEvent>>,
    /// What makes it byzantine.
    pub(crate) cheat: Option<Cheat<S>>,
    /// The newest round's vector, and the number of its run.
    vector: Option<(u32, MaskedUpdate)>,
    model: Option<Vec<u8>>,
    /// Number of the run that was served when its process started.
    began: u32,
}

impl<S: Keyed> Branch<S> {
    pub(crate) fn new(past: Vec<ParticipantEvent>, dice: &mut Dice) -> Self {
        Self {
            machine: None,
            process: Process::new(),
            disk: Disk::holding(past),
            inbox: VecDeque::new(),
            outbox: Outbox::new(),
            link: None,
            speaks: None,
            models: VecDeque::new(),
            pause_ms: PAUSE_MS.0,
            distance_ms: dice.between(1, 20),
            straggles: (0, 0),
            archive: None,
            cheat: None,
            vector: None,
            model: None,
            began: 0,
        }
    }

    /// A start and the public state after it, of this digest, have arrived.
    pub(crate) fn started(&mut self, start: Start, (model, digest): (Vec<u8>, Digest)) -> ParticipantInput {
        self.models.push_back(model);
        ParticipantInput::Started { start, model: Ok(digest) }
    }

    /// The run that the machine has admitted.
    fn run(&self) -> RunRef {
        self.machine.as_ref().and_then(Participant::run).map_or(RunRef::NONE, Run::reference)
    }

    /// Whether the disk says, durably, that a round of the admitted run was charged.
    fn charged(&self, round: RoundId) -> bool {
        let now = (self.run(), round);
        let charge = |event: &ParticipantEvent| match event {
            ParticipantEvent::BudgetCharged { run, round, .. } => Some((*run, *round)),
            _ => None,
        };
        self.disk.synced().iter().rev().filter_map(charge).any(|charged| charged == now)
    }

    /// The connection is over: nothing more of it is read.
    pub(crate) fn lose(&mut self) {
        self.link = None;
        self.models.clear();
        let begun = !self.inbox.iter().any(|input| matches!(input, ParticipantInput::Connected));
        let of_connection = |input: &ParticipantInput| {
            use ParticipantInput::{Connected, Message, Started};
            matches!(input, Connected | Message(_) | Started { .. })
        };
        self.inbox.retain(|input| !of_connection(input));
        if begun {
            self.inbox.push_back(ParticipantInput::Disconnected);
        }
    }

    /// The connection to which the machine speaks.
    pub(crate) fn speaks(&self) -> Option<u64> {
        self.speaks
    }

    /// What the machine is about to hear changes what the shell has at hand.
    fn heed(&mut self, input: &ParticipantInput) {
        match input {
            ParticipantInput::Connected => self.speaks = self.link,
            ParticipantInput::Disconnected => self.speaks = None,
            ParticipantInput::Started { .. } => self.model = self.models.pop_front(),
            ParticipantInput::Stop => self.process.leaving = true,
            _ => {}
        }
    }

    fn local(&self, now: u64) -> Millis {
        Millis(now + self.process.ahead_ms)
    }
}

impl<S: Keyed> World<'_, S> {
    /// A client starts, from what its disk holds.
    pub(super) fn boot_branch(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        let (events, _) = match branch.disk.recover() {
            Ok(found) => found,
            Err(fault) => {
                return self.judge.object("a crash leaves a readable file", format!("client {}: {fault}", index + 1));
            }
        };
        branch.process.boot();
        branch.began = self.run.reference().number;
        let key = client_key::<S>(client_of(index));
        match Participant::resume(self.cast.policy(), self.cast.plan.schema, key, &events) {
            Ok(machine) => branch.machine = Some(machine),
            Err(fault) => return self.judge.object("a client continues from its own file", fault),
        }
        branch.pause_ms = PAUSE_MS.0;
        let life = branch.process.life;
        self.judge.branch_recovers(index, &events);
        self.trace.note(self.now, Who::Branch(index), "starts", String::new);
        let at = self.now + self.dice.below(50);
        self.queue.push(at, Event::Dial(index, life));
    }

    /// Lets the machine judge what has arrived and does what it asks for, strictly in order, until it must wait.
    pub(super) fn run_branch(&mut self, index: usize) {
        loop {
            let branch = &mut self.branches[index];
            if !branch.process.up || branch.process.blocked || !self.judge.content() {
                return;
            }
            if let Some(effect) = branch.outbox.pop() {
                if branch.process.dies_now() {
                    return self.kill_branch(index);
                }
                self.branch_effect(index, effect);
                continue;
            }
            self.check_replay(index);
            let branch = &mut self.branches[index];
            if branch.process.leaving {
                return self.end_branch(index);
            }
            let Some(input) = branch.inbox.pop_front() else { break };
            if let ParticipantInput::Message(message) = &input {
                self.judge.branch_hears(index, message);
            }
            let now = branch.local(self.now);
            branch.heed(&input);
            let deceiver = self.deceiver.as_mut();
            let lie = deceiver.and_then(|deceiver| deceiver.lie_heard(client_of(index), &input));
            let Some(machine) = branch.machine.as_mut() else { return };
            machine.handle(now, &mut self.entropy, input, &mut branch.outbox);
            if let Some(lie) = lie {
                self.judge_lie(index, &lie);
            }
        }
        self.arm(Who::Branch(index));
    }

    /// What a client's machine answers to a lie in one field.
    fn judge_lie(&mut self, index: usize, lie: &FieldLie<Earned>) {
        let refused = self.judge.lies_to_branch(index, lie, self.branches[index].outbox.iter());
        self.refused += u32::from(refused == Some(true));
        let verdict = match refused {
            Some(true) => "refuses a lie: ",
            Some(false) => "refuses another thing than a lie: ",
            None => "passes over a lie: ",
        };
        self.trace.note(self.now, Who::Branch(index), verdict, || lie.what.into());
    }

    /// Executes one effect. Everything that a machine asks of a client's shell is here.
    fn branch_effect(&mut self, index: usize, effect: ParticipantEffect) {
        let who = Who::Branch(index);
        if let Some(early) = early_at_participant(&effect, self.branches[index].disk.unsynced()) {
            self.judge.speaks_early(who, early);
        }
        if is_heard_of_participant(&effect) {
            self.branches[index].process.is_heard();
        }
        self.judge.set_run(index, self.branches[index].run());
        match effect {
            ParticipantEffect::Append(event) => {
                self.judge.branch_appends::<S>(index, &event);
                let branch = &mut self.branches[index];
                let at = branch.local(self.now);
                if branch.disk.append(at, event).is_err() {
                    self.trace.note(self.now, who, "has a full disk", String::new);
                    self.kill_branch(index);
                } else if branch.process.dies_of_append() {
                    self.kill_branch(index);
                }
            }
            ParticipantEffect::Sync => self.sync_branch(index),
            ParticipantEffect::Send(message) => {
                self.judge.branch_says(index, &message);
                self.trace.note(self.now, who, "sends ", || name_up(&message).into());
                let bodies = match self.branches[index].cheat.as_mut().filter(|_| !self.healed) {
                    Some(cheat) => cheat.message(message, &mut self.dice),
                    None => vec![Body::Up(message)],
                };
                bodies.into_iter().for_each(|body| self.send_up(index, body));
            }
            ParticipantEffect::JudgeRun(run) => {
                let input = ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) };
                self.work(index, 5, None, input);
            }
            ParticipantEffect::Contribute(contribution) => self.contribute(index, contribution),
            ParticipantEffect::Upload(header) => self.upload(index, header),
            ParticipantEffect::ForgetVector(round) => {
                let branch = &mut self.branches[index];
                branch.vector = branch.vector.take().filter(|(_, vector)| vector.round() != round);
            }
            ParticipantEffect::NoiseAlone(round) => {
                self.trace.note(self.now, who, "is late: ", || format!("round {round}, noise alone"));
            }
            ParticipantEffect::Keyed { .. } => self.trace.note(self.now, who, "has keys", String::new),
            ParticipantEffect::RosterAccepted { epoch, missing, .. } => {
                self.trace.note(self.now, who, "accepts a roster", || format!("{epoch}, {missing} missing"));
            }
            ParticipantEffect::Muster(_) => {}
            ParticipantEffect::HeadAdopted { own, shown } => {
                self.trace.note(self.now, who, "adopts ", || format!("a head with counter {shown}, its own was {own}"));
            }
            ParticipantEffect::BudgetAnnounced { counter } => {
                self.trace.note(self.now, who, "announces ", || format!("its budget, counter {counter}"));
            }
            ParticipantEffect::RoundClosed { round, committed } => {
                self.trace.note(self.now, who, "closes ", || format!("round {round}, committed: {committed}"));
            }
            ParticipantEffect::Finished { rounds } => {
                self.trace.note(self.now, who, "is done: ", || format!("{rounds} rounds"));
                self.branches[index].process.leaving = true;
            }
            ParticipantEffect::Distrust { what } => {
                self.trace.note(self.now, who, "distrusts: ", || what);
                self.close_by_branch(index);
                self.branches[index].lose();
                self.redial(index);
            }
            ParticipantEffect::Stop { explanation, retry } => {
                self.trace.note(self.now, who, "stops: ", || explanation.into());
                if !retry {
                    self.branches[index].process.leaving = true;
                    self.branches[index].process.gave_up = true;
                }
            }
        }
    }

    /// The worker makes a vector of what it has, and masks it.
    fn contribute(&mut self, index: usize, contribution: Contribution) {
        let branch = &self.branches[index];
        let round = contribution.descriptor.round;
        let durable = branch.charged(round);
        let state = branch.model.as_deref().unwrap_or_default();
        self.judge.contributes(index, &contribution, self.cast.meaning.digest(state), durable);
        let Some(terms) = self.run.stage(contribution.descriptor.stage) else {
            return self
                .judge
                .object("a round is of a stage of the plan", format!("client {}, round {round}", index + 1));
        };
        let values = self.cast.meaning.contribute(terms, index, state);
        let words = RingWords::reduce(contribution.descriptor.ring, &values);
        let update = mask::<S>(words, contribution.receipt, contribution.seeds);
        let vector = update.digest();
        let (train_ms, until) = self.branches[index].straggles;
        let ms = if until > self.now { train_ms } else { 5 };
        let run = self.branches[index].run().number;
        self.work(index, ms, Some((run, update)), ParticipantInput::Masked { round, vector });
    }

    fn work(&mut self, index: usize, ms: u64, update: Option<(u32, MaskedUpdate)>, input: ParticipantInput) {
        let at = self.now + ms + self.dice.below(20);
        let life = self.branches[index].process.life;
        self.queue.push(at, Event::Worked(index, life, Box::new((update, input))));
    }

    /// The worker is done.
    pub(super) fn worked(
        &mut self,
        index: usize,
        life: u32,
        (update, input): (Option<(u32, MaskedUpdate)>, ParticipantInput),
    ) {
        let branch = &mut self.branches[index];
        if !branch.process.up || branch.process.life != life {
            return;
        }
        // The shell keeps the newest round's vector: an abandoned round's may come behind it.
        let place = |(run, vector): &(u32, MaskedUpdate)| (*run, vector.round());
        let newest = branch.vector.as_ref().map(place);
        if update.as_ref().map(place).is_some_and(|place| newest.is_none_or(|newest| newest < place)) {
            branch.vector = update;
        }
        branch.inbox.push_back(input);
        self.run_branch(index);
    }

    fn upload(&mut self, index: usize, header: MaskedHeader) {
        let branch = &mut self.branches[index];
        let durable = branch.charged(header.round);
        let vector = branch.vector.take().map(|(_, update)| update);
        let Some(update) = vector.filter(|update| update.round() == header.round) else {
            let text = format!("client {}, round {}", index + 1, header.round);
            return self.judge.object("a client uploads the vector that was masked", text);
        };
        self.judge.uploads(index, header.round, update.digest(), durable);
        self.trace.note(self.now, Who::Branch(index), "uploads ", || format!("round {}", header.round));
        let (vector, bytes) = (update.digest(), update.into_bytes());
        let bodies = match self.branches[index].cheat.as_mut().filter(|_| !self.healed) {
            Some(cheat) => cheat.upload(header, bytes, &mut self.dice),
            None => vec![Body::Up(Upstream::Masked(header)), Body::Vector(bytes)],
        };
        for body in bodies {
            if let Body::Vector(bytes) = &body
                && Digest::of_vector(bytes) != vector
            {
                self.spoilt.insert(Digest::of_vector(bytes));
            }
            self.send_up(index, body);
        }
    }

    fn sync_branch(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        // Where nothing binds that is not durable yet, a sync may as well be left out.
        let binds = early_at_participant(&ParticipantEffect::Finished { rounds: 0 }, branch.disk.unsynced()).is_some();
        if binds && branch.process.misses_sync() {
            return self.trace.note(self.now, Who::Branch(index), "misses a sync", String::new);
        }
        if branch.process.sync_ms == 0 {
            branch.disk.sync();
            return;
        }
        branch.process.blocked = true;
        let (at, life) = (self.now + branch.process.sync_ms, branch.process.life);
        self.queue.push(at, Event::Synced(Who::Branch(index), life));
    }

    /// `replay(budget file) == state`, whenever the machine has nothing more to say.
    fn check_replay(&mut self, index: usize) {
        let Some(machine) = &self.branches[index].machine else { return };
        self.judge.branch_rests(index, machine.record());
    }

    /// The process is killed: everything in memory is gone, the disk is torn, the network notices later.
    pub(super) fn kill_branch(&mut self, index: usize) {
        self.trace.note(self.now, Who::Branch(index), "is killed", String::new);
        let mut dice = self.dice.clone();
        self.dice.word();
        self.branches[index].disk.crash(&mut dice);
        if let Some(id) = self.branches[index].link.take() {
            if let Some(link) = self.links.get_mut(&id) {
                link.branch = false;
            }
            self.break_link(id);
        }
        let down_ms = self.branches[index].process.down_ms.max(DOWN_MS_MIN);
        self.clear_branch(index);
        let at = self.now + down_ms;
        let life = self.branches[index].process.life;
        self.queue.push(at, Event::Boot(Who::Branch(index), life));
    }

    /// The process ends by itself, in order.
    fn end_branch(&mut self, index: usize) {
        self.close_by_branch(index);
        let process = &self.branches[index].process;
        let (gave_up, down_ms) = (process.gave_up, process.down_ms);
        // Operators start what a lie made give up, so that the liar meets it afresh. Lies may be under way when the liar is gone.
        let lies = self.families.deceiver || self.families.cheats;
        let looked_after =
            lies && (self.families.deceiver && !self.healed || self.healed && self.now < self.healed_at + GRACE_MS);
        let looked_after = looked_after || self.healed && self.branches[index].archive.is_some();
        let down_ms = if gave_up && looked_after { self.dice.between(100, 600) } else { down_ms };
        // What ended with a run is started again for the next one.
        let next = self.branches[index].began < self.run.reference().number;
        let again = next || !gave_up && down_ms > 0 || gave_up && looked_after;
        self.clear_branch(index);
        if self.healed {
            self.put_back(index);
        }
        if again {
            let life = self.branches[index].process.life;
            self.queue.push(self.now + down_ms, Event::Boot(Who::Branch(index), life));
        }
    }

    /// An operator restores an old backup.
    pub(super) fn restore(&mut self, index: usize, permille: u64) {
        if !self.branches[index].process.up || self.branches[index].archive.is_some() {
            return;
        }
        self.kill_branch(index);
        let branch = &mut self.branches[index];
        if let Ok((events, _)) = branch.disk.recover() {
            // Without a first entry it would be no copy, but a budget that nobody has begun.
            let kept = (events.len() as u64 * permille / 1000).max(1);
            let copy = branch.disk.as_of(usize::try_from(kept).expect("fewer than there are"));
            let mut archive = std::mem::replace(&mut branch.disk, copy);
            // It is put aside on a disk of its own, which is not the one that may be full.
            archive.set_room(None);
            branch.archive = Some(archive);
            self.judge.restores(index);
        }
    }

    /// The operator puts the true disk back, where the client noticed and spent nothing on the copy's word. Whether it did.
    pub(super) fn put_back(&mut self, index: usize) -> bool {
        let branch = &mut self.branches[index];
        if !branch.process.gave_up || branch.process.up {
            return false;
        }
        let Some(archive) = branch.archive.take() else { return false };
        let spends = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
        let unknown = branch.disk.events().iter().filter(spends).any(|spend| !archive.events().contains(spend));
        if !unknown {
            branch.disk = archive;
        }
        !unknown
    }

    fn clear_branch(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        branch.process.end();
        branch.process.down_ms = 0;
        branch.machine = None;
        branch.inbox.clear();
        branch.outbox = Outbox::new();
        branch.vector = None;
        branch.model = None;
        branch.models.clear();
        branch.speaks = None;
    }
}
