//! A client's process: a machine for each run over one budget, its disk, its worker, and the one place where its effects are executed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::message::{Downstream, MaskedHeader, Start, Upstream};
use tributary_protocol::plan::{Run, RunRef};
use tributary_protocol::round::record::reliance::{early_at_participant, is_heard_of_participant};
use tributary_protocol::round::{
    self, Contribution, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::time::Millis;

use super::process::Process;
use super::{Event, World};
use crate::cast::{Cast, Files, Keyed};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::enemy::{Cheat, Earned, FieldLie};
use crate::judge::client_of;
use crate::link::{Body, name_up};
use crate::trace::Who;

/// First and longest pause of a client between attempts to connect.
pub(super) const PAUSE_MS: (u64, u64) = (200, 2_000);

/// Until a client asks again that was put off, as daemons do.
const NOT_NOW_MS: u64 = 60_000;

/// A run at a client.
pub(crate) struct RunAtBranch<S: Keyed> {
    pub(crate) participant: Participant<S>,
    /// The newest round's vector.
    vector: Option<MaskedUpdate>,
    model: Option<Vec<u8>>,
    /// It was put off, and asks again then.
    pub(super) again: Option<u64>,
    /// Its machine does nothing more.
    over: bool,
}

/// What a client's process hears.
#[expect(clippy::large_enum_variant, reason = "few wait at a time")]
pub(crate) enum HeardThere {
    /// The connection stands: every run asks to be let in.
    Connected,
    /// The connection is over.
    Disconnected,
    /// A deadline may have passed, of whichever run.
    Timer,
    /// The operator stops the process.
    Stop,
    /// Every run has been left.
    Leave,
    /// What the owner has granted and taken back has changed.
    Granted,
    /// Of one run.
    Run(RunId, ParticipantInput),
}

/// A client.
pub(crate) struct Branch<S: Keyed> {
    pub(crate) machine: Option<round::Branch<S>>,
    pub(crate) runs: BTreeMap<RunId, RunAtBranch<S>>,
    /// Runs that were refused for good, in this life: nobody asks about them before somebody looks after it.
    pub(super) refused: BTreeSet<RunId>,
    pub(crate) process: Process,
    pub(crate) disk: Disk<ParticipantEvent>,
    pub(crate) inbox: VecDeque<HeardThere>,
    pub(super) outbox: Outbox<ParticipantEffect>,
    /// The run of what is in the outbox.
    pub(super) speaking: RunId,
    /// The connection that it made last.
    pub(crate) link: Option<u64>,
    /// The connection of whose beginning the machines have heard, and not of its end: what they say goes there.
    pub(super) speaks: Option<u64>,
    /// Models behind starts that no machine has heard of.
    pub(super) models: VecDeque<Vec<u8>>,
    /// Until the next attempt to connect.
    pub(crate) pause_ms: u64,
    /// Milliseconds to the coordinator.
    pub(crate) distance_ms: u64,
    /// Milliseconds that training takes, and until when.
    pub(crate) straggles: (u64, u64),
    /// Its true disk, while an old copy is in its place.
    pub(super) archive: Option<Disk<ParticipantEvent>>,
    pub(crate) files: Files,
    /// What makes it byzantine.
    pub(crate) cheat: Option<Cheat<S>>,
}

impl<S: Keyed> Branch<S> {
    pub(crate) fn new(cast: &Cast, client: ClientId, dice: &mut Dice) -> Self {
        Self {
            machine: None,
            runs: BTreeMap::new(),
            refused: BTreeSet::new(),
            process: Process::new(),
            disk: Disk::holding(cast.past::<S>(client)),
            inbox: VecDeque::new(),
            outbox: Outbox::new(),
            speaking: RunId::NONE,
            link: None,
            speaks: None,
            models: VecDeque::new(),
            pause_ms: PAUSE_MS.0,
            distance_ms: dice.between(1, 20),
            straggles: (0, 0),
            archive: None,
            files: cast.files::<S>(client),
            cheat: None,
        }
    }

    /// A start and the public state after it, of this digest, have arrived.
    pub(crate) fn started(&mut self, start: Start, (model, digest): (Vec<u8>, Digest)) -> ParticipantInput {
        self.models.push_back(model);
        ParticipantInput::Started { start, model: Ok(digest) }
    }

    /// The run that the speaking machine has admitted.
    fn run(&self) -> RunRef {
        let own = self.runs.get(&self.speaking);
        own.and_then(|own| own.participant.run()).map_or(RunRef::NONE, Run::reference)
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
        let begun = !self.inbox.iter().any(|heard| matches!(heard, HeardThere::Connected));
        let of_connection = |heard: &HeardThere| {
            use ParticipantInput::{Connected, Message, Started};
            match heard {
                HeardThere::Connected => true,
                HeardThere::Run(_, input) => matches!(input, Connected | Message(_) | Started { .. }),
                _ => false,
            }
        };
        self.inbox.retain(|heard| !of_connection(heard));
        if begun {
            self.inbox.push_back(HeardThere::Disconnected);
        }
    }

    /// The connection to which the machines speak.
    pub(crate) fn speaks(&self) -> Option<u64> {
        self.speaks
    }

    /// A run of which this process knows nothing yet: its machine asks to be let in where it can.
    pub(super) fn begin(&mut self, run: RunId) {
        let Some(branch) = &self.machine else { return };
        let participant = Participant::new(branch, run);
        self.runs.insert(run, RunAtBranch { participant, vector: None, model: None, again: None, over: false });
        self.inbox.push_front(HeardThere::Run(run, ParticipantInput::Connected));
    }

    /// What all machines hear, each in its turn and before anything else; what one of them hears. What is heard changes what the shell has at hand.
    fn heed(&mut self, heard: HeardThere) -> Option<(RunId, ParticipantInput)> {
        let connects = matches!(heard, HeardThere::Connected);
        let all: fn() -> ParticipantInput = match heard {
            HeardThere::Run(run, input) => return self.heed_run(run, input),
            HeardThere::Granted => return None,
            HeardThere::Leave => {
                self.process.leaving = true;
                return None;
            }
            HeardThere::Connected => {
                self.speaks = self.link;
                // What the file has accepted and not ended is asked about, so that what it has reserved is free once it is over.
                let record = self.machine.as_ref().map(round::Branch::record);
                let accepted =
                    record.into_iter().flat_map(|record| record.accepted.keys().map(move |run| (record, run)));
                let open = accepted.filter(|(record, run)| record.is_open(run)).map(|(_, run)| run.id());
                let unknown = open.filter(|run| !self.runs.contains_key(run) && !self.refused.contains(run));
                unknown.collect::<Vec<_>>().into_iter().for_each(|run| self.begin(run));
                || ParticipantInput::Connected
            }
            HeardThere::Disconnected => {
                self.speaks = None;
                self.runs.values_mut().for_each(|own| own.again = None);
                || ParticipantInput::Disconnected
            }
            HeardThere::Timer => || ParticipantInput::Timer,
            HeardThere::Stop => {
                self.inbox.push_front(HeardThere::Leave);
                || ParticipantInput::Stop
            }
        };
        let begun = |inbox: &VecDeque<HeardThere>, run: &RunId| {
            inbox.iter().any(|heard| matches!(heard, HeardThere::Run(of, ParticipantInput::Connected) if of == run))
        };
        for run in self.runs.keys().rev() {
            if !(connects && begun(&self.inbox, run)) {
                self.inbox.push_front(HeardThere::Run(*run, all()));
            }
        }
        None
    }

    fn heed_run(&mut self, run: RunId, input: ParticipantInput) -> Option<(RunId, ParticipantInput)> {
        let model = match &input {
            ParticipantInput::Started { .. } => self.models.pop_front(),
            // Whoever has no connection asks when it has one.
            ParticipantInput::Connected if self.speaks.is_none() => return None,
            _ => None,
        };
        let invited = matches!(input, ParticipantInput::Message(Downstream::Invite));
        let Some(own) = self.runs.get_mut(&run) else {
            if invited && !self.refused.contains(&run) {
                self.begin(run);
            }
            return None;
        };
        if invited {
            own.again = None;
        }
        own.model = model.or(own.model.take());
        Some((run, input))
    }

    pub(super) fn local(&self, now: u64) -> Millis {
        Millis(now + self.process.ahead_ms)
    }
}

impl<S: Keyed> World<'_, S> {
    /// Lets the machines judge what has arrived and does what they ask for, strictly in order, until they must wait.
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
            branch.runs.retain(|_, own| !own.over);
            let Some(heard) = branch.inbox.pop_front() else { break };
            if let HeardThere::Run(run, ParticipantInput::Message(message)) = &heard {
                self.judge.branch_hears(index, *run, message);
            }
            if matches!(heard, HeardThere::Granted) {
                self.take_grants(index);
                continue;
            }
            let branch = &mut self.branches[index];
            let now = branch.local(self.now);
            let Some((run, input)) = branch.heed(heard) else { continue };
            let deceiver = self.deceiver.as_mut();
            let lie = deceiver.and_then(|deceiver| deceiver.lie_heard(client_of(index), &input));
            let Some(machine) = branch.machine.as_mut() else { return };
            let Some(own) = branch.runs.get_mut(&run) else { continue };
            branch.speaking = run;
            own.participant.handle(machine, now, &mut self.entropy, input, &mut branch.outbox);
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
        let (who, run) = (Who::Branch(index), self.branches[index].speaking);
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
                    Some(cheat) => cheat.message(run, message, &mut self.dice),
                    None => vec![Body::Up(run, message)],
                };
                bodies.into_iter().for_each(|body| self.send_up(index, body));
            }
            ParticipantEffect::JudgeRun(judged) => self.judge_run(index, &judged),
            ParticipantEffect::Contribute(contribution) => self.contribute(index, contribution),
            ParticipantEffect::Upload(header) => self.upload(index, header),
            ParticipantEffect::ForgetVector(round) => {
                if let Some(own) = self.branches[index].runs.get_mut(&run) {
                    own.vector = own.vector.take().filter(|vector| vector.round() != round);
                }
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
                self.over(index);
            }
            ParticipantEffect::Distrust { what } => {
                self.trace.note(self.now, who, "distrusts: ", || what);
                self.close_by_branch(index);
                self.branches[index].lose();
                self.redial(index);
            }
            ParticipantEffect::Stop { explanation, retry } => {
                self.trace.note(self.now, who, "stops: ", || explanation.into());
                if retry {
                    let at = self.now + NOT_NOW_MS;
                    let branch = &mut self.branches[index];
                    if let Some(own) = branch.runs.get_mut(&run) {
                        own.again = Some(at);
                    }
                    let life = branch.process.life;
                    self.queue.push(at, Event::Again(index, life, run));
                } else {
                    self.over(index);
                    self.gives_up(index, run);
                }
            }
        }
    }

    /// The speaking machine does nothing more.
    fn over(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        if let Some(own) = branch.runs.get_mut(&branch.speaking) {
            own.over = true;
        }
    }

    /// The worker makes a vector of what it has, and masks it.
    fn contribute(&mut self, index: usize, contribution: Contribution) {
        let branch = &self.branches[index];
        let round = contribution.descriptor.round;
        let durable = branch.charged(round);
        let (Some(own), Some(at_centre)) = (branch.runs.get(&branch.speaking), self.centre.runs.get(&branch.speaking))
        else {
            return;
        };
        let state = own.model.as_deref().unwrap_or_default();
        let meaning = &self.cast.plans[at_centre.plan].meaning;
        self.judge.contributes(index, &contribution, meaning.digest(state), durable);
        let Some(terms) = at_centre.run.stage(contribution.descriptor.stage) else {
            return self
                .judge
                .object("a round is of a stage of the plan", format!("client {}, round {round}", index + 1));
        };
        let values = meaning.contribute(terms, index, state);
        let words = RingWords::reduce(contribution.descriptor.ring, &values);
        let update = mask::<S>(words, contribution.receipt, contribution.seeds);
        let vector = update.digest();
        let (train_ms, until) = self.branches[index].straggles;
        let ms = if until > self.now { train_ms } else { 5 };
        self.work(index, ms, Some(update), ParticipantInput::Masked { round, vector });
    }

    pub(super) fn work(&mut self, index: usize, ms: u64, update: Option<MaskedUpdate>, input: ParticipantInput) {
        let at = self.now + ms + self.dice.below(20);
        let branch = &self.branches[index];
        self.queue.push(at, Event::Worked(index, branch.process.life, branch.speaking, Box::new((update, input))));
    }

    /// The worker is done.
    pub(super) fn worked(
        &mut self,
        index: usize,
        life: u32,
        run: RunId,
        (update, input): (Option<MaskedUpdate>, ParticipantInput),
    ) {
        let branch = &mut self.branches[index];
        if !branch.process.up || branch.process.life != life {
            return;
        }
        if let Some(own) = branch.runs.get_mut(&run) {
            // The shell keeps the newest round's vector: an abandoned round's may come behind it.
            let newest = own.vector.as_ref().map(MaskedUpdate::round);
            if update.as_ref().is_some_and(|update| newest.is_none_or(|newest| newest < update.round())) {
                own.vector = update;
            }
        }
        branch.inbox.push_back(HeardThere::Run(run, input));
        self.run_branch(index);
    }

    fn upload(&mut self, index: usize, header: MaskedHeader) {
        let branch = &mut self.branches[index];
        let durable = branch.charged(header.round);
        let run = branch.speaking;
        let vector = branch.runs.get_mut(&run).and_then(|own| own.vector.take());
        let Some(update) = vector.filter(|update| update.round() == header.round) else {
            let text = format!("client {}, round {}", index + 1, header.round);
            return self.judge.object("a client uploads the vector that was masked", text);
        };
        self.judge.uploads(index, header.round, update.digest(), durable);
        self.trace.note(self.now, Who::Branch(index), "uploads ", || format!("round {}", header.round));
        let (vector, bytes) = (update.digest(), update.into_bytes());
        let bodies = match self.branches[index].cheat.as_mut().filter(|_| !self.healed) {
            Some(cheat) => cheat.upload(run, (header, bytes), &mut self.dice),
            None => vec![Body::Up(run, Upstream::Masked(header)), Body::Vector(bytes)],
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
}
