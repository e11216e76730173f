//! The two machines over the toy suite, moved by bytes: every byte pair is a delivery, a loss, a repetition, a forged or damaged message, a
//! crash or the passing of time. No vector is made; folding and unmasking are answered as if they had been.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId, SessionId};
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{ClosedReason, Downstream, Start, Upstream};
use tributary_protocol::plan::Plan;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::cast::{self, policy, settings, signing_key};
use tributary_protocol::round::{
    Branch, BudgetRecord, Coordinator, CoordinatorEffect, CoordinatorEvent, Input, Outbox, Participant,
    ParticipantEffect, ParticipantEvent, ParticipantInput, RunRecord, SessionMaterial,
};
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_protocol::secagg::toy::{Seeded, Toy};
use tributary_protocol::time::Millis;

use super::arbitrary;
use super::mutate::Mutator;

const CLIENTS: u32 = 8;

/// The stage that moves the model.
const TRAINING: u16 = 1;

/// Something under way.
#[derive(Clone)]
pub(crate) enum Packet {
    /// From a client.
    Up(ClientId, Upstream),
    /// To a client.
    Down(ClientId, Downstream),
    /// To a client, with the model behind it.
    Start(ClientId, Start),
}

struct Client {
    branch: Branch<Toy>,
    participant: Participant<Toy>,
    events: Vec<ParticipantEvent>,
    /// The signature that acknowledged a survivor set, by round: there may be one.
    acknowledged: BTreeMap<RoundId, Vec<u8>>,
}

/// A coordinator and eight branches, and what is under way between them.
pub(crate) struct Federation {
    coordinator: Coordinator<Toy>,
    events: Vec<CoordinatorEvent>,
    branches: BTreeMap<ClientId, Client>,
    packets: VecDeque<Packet>,
    /// Material of keyed sessions, on the disk.
    sessions: BTreeMap<SessionId, Vec<Vec<u8>>>,
    now: Millis,
    entropy: Seeded,
}

/// The target: pairs of bytes, each an action and its argument, on a federation that has just connected.
pub(crate) fn machines(bytes: &[u8]) {
    let mut federation = Federation::new();
    for pair in bytes.chunks_exact(2).take(2000) {
        federation.act(pair[0], pair[1]);
    }
    federation.check();
}

impl Federation {
    /// Eight branches, connected.
    pub(crate) fn new() -> Self {
        let mut outbox = Outbox::new();
        let coordinator = Coordinator::resume(settings(CLIENTS, plan()), &[], Vec::new(), Millis(0), &mut outbox)
            .expect("a new plan");
        let branches = (1..=CLIENTS).map(|number| (ClientId(number), Client::new(ClientId(number), Vec::new())));
        let mut federation = Self {
            coordinator,
            events: Vec::new(),
            branches: branches.collect(),
            packets: VecDeque::new(),
            sessions: BTreeMap::new(),
            now: Millis(0),
            entropy: Seeded::new(1),
        };
        federation.execute(outbox);
        (1..=CLIENTS).for_each(|number| federation.connect(ClientId(number)));
        federation
    }

    /// What arrives next.
    pub(crate) fn next_packet(&self) -> Option<&Packet> {
        self.packets.front()
    }

    /// The coordinator's ledger.
    pub(crate) fn events(&self) -> &[CoordinatorEvent] {
        &self.events
    }

    /// The budget files, one behind the other.
    pub(crate) fn branch_events(&self) -> impl Iterator<Item = &ParticipantEvent> {
        self.branches.values().flat_map(|branch| &branch.events)
    }

    /// Delivers what is next; false where nothing is.
    pub(crate) fn deliver(&mut self) -> bool {
        match self.packets.pop_front() {
            None => return false,
            Some(Packet::Up(from, message)) => self.tell(Input::Message(from, message)),
            Some(Packet::Down(to, message)) => self.tell_branch(to, ParticipantInput::Message(message)),
            Some(Packet::Start(to, start)) => {
                let model = Ok(start.descriptor.model);
                self.tell_branch(to, ParticipantInput::Started { start, model });
            }
        }
        true
    }

    /// Whether what is recorded gives the state.
    pub(crate) fn check(&self) {
        let replayed = RunRecord::replay(&self.events).expect("the ledger is consistent");
        assert!(&replayed == self.coordinator.record(), "replay gives the state");
        for branch in self.branches.values() {
            let replayed = BudgetRecord::replay(&branch.events).expect("the file is consistent");
            assert!(&replayed == branch.branch.record(), "replay gives the state");
        }
    }

    fn act(&mut self, action: u8, argument: u8) {
        let (number, client) = (usize::from(argument), ClientId(u32::from(argument) % CLIENTS + 1));
        let index = number.checked_rem(self.packets.len()).unwrap_or(0);
        match action % 16 {
            0..=4 => while_some(number % 64, || self.deliver()),
            5 => drop(self.packets.remove(index)),
            6 => {
                let copy = self.packets.get(index).cloned();
                self.packets.extend(copy);
            }
            7 => self.packets.rotate_left(index),
            8 => self.damage(index, argument),
            9 => {
                self.now = self.now.plus(u64::from(argument) * 10);
                self.tell(Input::Timer);
                (1..=CLIENTS).for_each(|number| self.tell_branch(ClientId(number), ParticipantInput::Timer));
            }
            10 => self.disconnect(client),
            11 => self.connect(client),
            12 => self.restart(client, argument),
            13 => {
                self.tell(Input::Message(client, arbitrary::value(u64::from(action) << 8 | u64::from(argument), None)))
            }
            14 => {
                let message = arbitrary::value(u64::from(action) << 8 | u64::from(argument), None);
                self.tell_branch(client, ParticipantInput::Message(message));
            }
            _ => self.lie(client, argument),
        }
    }

    /// A message that is under way arrives damaged, if it is a message still.
    fn damage(&mut self, index: usize, argument: u8) {
        fn damaged<T: Serialize + DeserializeOwned>(message: &T, argument: u8) -> Option<T> {
            let bytes = codec::encode(message);
            codec::decode(&Mutator::new(argument.into()).mutate(&bytes, &bytes), CONTROL_MESSAGE_BYTES_MAX).ok()
        }
        let changed = match self.packets.get(index) {
            Some(Packet::Up(from, message)) => damaged(message, argument).map(|message| Packet::Up(*from, message)),
            Some(Packet::Down(to, message)) => damaged(message, argument).map(|message| Packet::Down(*to, message)),
            Some(Packet::Start(to, start)) => damaged(start, argument).map(|start| Packet::Start(*to, start)),
            None => None,
        };
        match (changed, self.packets.get_mut(index)) {
            (Some(changed), Some(packet)) => *packet = changed,
            _ => drop(self.packets.remove(index)),
        }
    }

    /// The shell reports what did not happen.
    fn lie(&mut self, client: ClientId, argument: u8) {
        let round = RoundId(u64::from(argument / 8 % 4));
        match argument % 8 {
            0 => self.tell(Input::Arrived { round, client }),
            1 => self.tell(Input::UploadFailed { round, client }),
            2 => self.tell(Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed }),
            3 => self.tell_branch(client, ParticipantInput::NoiseMasked { round, vector: Digest([argument; 32]) }),
            4 => self.tell_branch(client, ParticipantInput::Masked { round, vector: Digest([argument; 32]) }),
            5 => self.tell_branch(client, ParticipantInput::RunJudged { run: RunId([argument; 32]), verdict: Ok(()) }),
            6 => self.tell_branch(client, ParticipantInput::Stop),
            _ => self.tell(Input::Updated { round, sum: Digest([argument; 32]), model: Digest([argument; 32]) }),
        }
    }

    fn connect(&mut self, client: ClientId) {
        self.tell(Input::Connected(client));
        self.tell_branch(client, ParticipantInput::Connected);
    }

    fn disconnect(&mut self, client: ClientId) {
        self.packets.retain(|packet| match packet {
            Packet::Up(other, _) | Packet::Down(other, _) | Packet::Start(other, _) => *other != client,
        });
        self.tell_branch(client, ParticipantInput::Disconnected);
        self.tell(Input::Disconnected(client));
    }

    /// A daemon starts again from its file: the coordinator, or one branch.
    fn restart(&mut self, client: ClientId, argument: u8) {
        if argument >= 128 {
            self.disconnect(client);
            if let Some(branch) = self.branches.get_mut(&client) {
                let acknowledged = core::mem::take(&mut branch.acknowledged);
                *branch = Client::new(client, core::mem::take(&mut branch.events));
                branch.acknowledged = acknowledged;
            }
            return self.connect(client);
        }
        let mut outbox = Outbox::new();
        self.packets.clear();
        self.coordinator =
            Coordinator::resume(settings(CLIENTS, plan()), &self.events, self.stored(), self.now, &mut outbox)
                .expect("its own ledger can be continued");
        self.execute(outbox);
        for number in 1..=CLIENTS {
            self.tell_branch(ClientId(number), ParticipantInput::Disconnected);
            self.connect(ClientId(number));
        }
    }

    /// The sessions on the disk.
    fn stored(&self) -> Vec<SessionMaterial> {
        self.sessions
            .values()
            .map(|parts| SessionMaterial::from_parts(parts).expect("what was stored is whole"))
            .collect()
    }

    fn tell(&mut self, input: Input) {
        let mut outbox = Outbox::new();
        self.coordinator.handle(self.now, &mut self.entropy, input, &mut outbox);
        self.execute(outbox);
    }

    fn execute(&mut self, mut outbox: Outbox<CoordinatorEffect>) {
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            match effect {
                CoordinatorEffect::Append(event) => self.events.push(event),
                CoordinatorEffect::Send(to, message) => self.packets.push_back(Packet::Down(to, message)),
                CoordinatorEffect::Broadcast(to, message) => {
                    self.packets.extend(to.into_iter().map(|to| Packet::Down(to, message.clone())));
                }
                CoordinatorEffect::StoreSession(material) => {
                    self.sessions.insert(material.session(), material.parts().collect());
                }
                CoordinatorEffect::ForgetSession(session) => {
                    self.sessions.remove(&session);
                }
                CoordinatorEffect::SendStart(to, start) => {
                    self.packets.extend(to.into_iter().map(|to| Packet::Start(to, start.clone())));
                }
                CoordinatorEffect::Admit(ticket) => {
                    answers.push(Input::Arrived { round: ticket.round(), client: ticket.client() });
                }
                CoordinatorEffect::Unmask(permit) => {
                    let (round, sum) = (permit.round(), Digest::of(b"sum"));
                    let record = self.coordinator.record();
                    let trains = record.round.as_ref().is_some_and(|open| open.stage == TRAINING);
                    let model = if trains { Some(Digest::of(&round.0.to_le_bytes())) } else { record.model };
                    let model = model.expect("an open plan has a model");
                    answers.push(Input::Updated { round, sum, model });
                }
                CoordinatorEffect::Conclude(stage) => {
                    answers.push(Input::Concluded { stage, model: Digest::of(b"released") });
                }
                CoordinatorEffect::Close(client) => {
                    self.packets.retain(|packet| !matches!(packet, Packet::Up(other, _) if *other == client));
                }
                _ => {}
            }
        }
        answers.into_iter().for_each(|answer| self.tell(answer));
    }

    fn tell_branch(&mut self, client: ClientId, input: ParticipantInput) {
        let mut outbox = Outbox::new();
        let branch = self.branches.get_mut(&client).expect("one of the eight");
        branch.participant.handle(&mut branch.branch, self.now, &mut self.entropy, input, &mut outbox);
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            match effect {
                ParticipantEffect::Append(event) => branch.events.push(event),
                ParticipantEffect::Send(message) => {
                    branch.note(&message);
                    self.packets.push_back(Packet::Up(client, message));
                }
                ParticipantEffect::JudgeRun(run) => {
                    answers.push(ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) });
                }
                ParticipantEffect::Contribute(contribution) => {
                    let round = contribution.descriptor.round;
                    let vector = Digest::of_parts(&[&client.0.to_le_bytes(), &round.0.to_le_bytes()]);
                    answers.push(ParticipantInput::Masked { round, vector });
                }
                ParticipantEffect::Upload(header) => {
                    self.packets.push_back(Packet::Up(client, Upstream::Masked(header)))
                }
                _ => {}
            }
        }
        answers.into_iter().for_each(|answer| self.tell_branch(client, answer));
    }
}

impl Client {
    fn new(client: ClientId, mut events: Vec<ParticipantEvent>) -> Self {
        if events.is_empty() {
            events.push(cast::begun(client, false));
        }
        let branch = Branch::resume(policy(&plan()), plan().schema, signing_key(client), &events)
            .expect("its own file can be continued");
        let participant = Participant::new(&branch, cast::run(plan()).id());
        Self { branch, participant, events, acknowledged: BTreeMap::new() }
    }

    /// Whatever happens, a branch signs one survivor set for each round.
    fn note(&mut self, message: &Upstream) {
        if let Upstream::SurvivorsAck { round, signature } = message {
            let before = self.acknowledged.insert(*round, signature.bytes.clone());
            assert!(
                before.is_none_or(|before| before == signature.bytes),
                "two survivor sets were acknowledged in one round"
            );
        }
    }
}

fn plan() -> Plan {
    let cohort = CohortRule { cohort_min: 5, survivors_permille: 600, honest_min: 3, ..cast::plan().cohort };
    let mut plan = Plan { name: "fuzz".into(), session_rounds: 2, cohort, ..cast::counting_plan() };
    plan.stages[usize::from(TRAINING)].rounds = 3;
    plan
}

/// The roster of the eight, signed.
pub(crate) fn roster() -> SignedRoster {
    cast::roster(CLIENTS)
}

/// Goes on up to `most` times more while there is something to do.
fn while_some(most: usize, mut step: impl FnMut() -> bool) {
    let _ = (0..=most).all(|_| step());
}
