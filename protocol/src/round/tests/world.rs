//! A coordinator and its clients in one thread: every message delivered in order, every effect executed, every sum compared.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::liars::Liar;
use crate::codec;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::limits::CONTROL_MESSAGE_BYTES_MAX;
use crate::message::{ClosedReason, Downstream, RefusalCode, Start, Upstream};
use crate::plan::{ClipForm, Plan, PrivacyMode};
use crate::privacy::RdpVector;
use crate::roster::{AuthoritySignature, Roster, RosterEntry, SignedRoster};
use crate::round::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRecord, CoordinatorSettings, Input, Outbox,
    Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, ParticipantRecord, Policy, SessionMaterial,
};
use crate::secagg::masked_sum::{MaskedSum, MaskedUpdate, mask};
use crate::secagg::modular::{Ring, RingWords};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::permit::{InMemory, Ticket, VerifiedUpload};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::{Seeded, Toy};
use crate::time::Millis;

pub(super) const PARAMETERS: usize = 5;
const COORDINATOR_KEY: [u8; 32] = [200; 32];
const AUTHORITY_KEY: [u8; 32] = [201; 32];

/// What travels, in order.
pub(super) enum Packet {
    Up(ClientId, Upstream),
    Down(ClientId, Downstream),
    Start(ClientId, Start),
}

/// A participant under the toy suite, or under one that lies.
pub(super) trait Machine {
    fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    );
    fn record(&self) -> &ParticipantRecord;
}

impl<S: Suite> Machine for Participant<S> {
    fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        Participant::handle(self, now, entropy, input, outbox);
    }
    fn record(&self) -> &ParticipantRecord {
        Participant::record(self)
    }
}

pub(super) struct Branch {
    pub(super) machine: Box<dyn Machine>,
    pub(super) events: Vec<ParticipantEvent>,
    pub(super) stopped: Option<alloc::string::String>,
    pub(super) connected: bool,
    synced: usize,
    vector: Option<MaskedUpdate>,
    replayed: ParticipantRecord,
    replayed_events: usize,
}

pub(super) struct World {
    pub(super) coordinator: Coordinator<Toy>,
    pub(super) events: Vec<CoordinatorEvent>,
    pub(super) branches: BTreeMap<ClientId, Branch>,
    pub(super) packets: VecDeque<Packet>,
    pub(super) now: Millis,
    pub(super) finished: Option<bool>,
    /// The unmasked sum of every committed round, and the plain sum of what its survivors put in.
    pub(super) sums: Vec<(RoundId, Vec<i64>, Vec<i64>)>,
    pub(super) entropy: Seeded,
    plain: BTreeMap<(RoundId, ClientId), Vec<i64>>,
    uploads: BTreeMap<ClientId, MaskedUpdate>,
    /// Here whole, and not yet folded.
    arrived: BTreeMap<ClientId, VerifiedUpload<InMemory<Vec<u8>>>>,
    stored: BTreeMap<SessionId, Vec<Vec<u8>>>,
    sum: Option<MaskedSum>,
    synced: usize,
    replayed: CoordinatorRecord,
    replayed_events: usize,
}

pub(super) fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = Plan {
        name: "test".into(),
        schema: Digest::of(b"schema"),
        architecture: alloc::vec![1],
        parameters: u32::try_from(PARAMETERS).unwrap(),
        riders: 2,
        initial_model: Digest::of(b"model 0"),
        privacy: PrivacyMode::Customer,
        ring: Ring::Bits64,
        clip_form: ClipForm::Exact,
        example_clip_norm_bits: 1.0_f64.to_bits(),
        loss_bound_bits: 4.0_f64.to_bits(),
        clip_units: 1 << 20,
        sensitivity_squared: 1 << 40,
        noise_variance: 2000 << 40,
        rounds: 5,
        rounds_charged_max: 8,
        customers_nominal: 1000,
        customers_max: 2000,
        session_rounds: 3,
        cohort: CohortRule {
            coalition: CoalitionRule::Fraction { permille: 200 },
            cohort_min: 8,
            survivors_permille: 800,
            honest_min: 5,
        },
        round_deadline_ms: 1000,
        keying_deadline_ms: 500,
    };
    change(&mut plan);
    plan
}

pub(super) fn cap(plan: &Plan, rounds: u64) -> RdpVector {
    RdpVector::gaussian(plan.sensitivity_squared, plan.noise_variance).times(rounds)
}

fn signing_key(client: ClientId) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&client.0.to_le_bytes());
    key
}

pub(super) fn policy(plan: &Plan) -> Policy {
    Policy {
        cohort: plan.cohort,
        cap: cap(plan, plan.rounds_charged_max.into()),
        allow_no_privacy: false,
        coordinator: Toy::verifying_key(&COORDINATOR_KEY),
        authorities: alloc::vec![Toy::verifying_key(&AUTHORITY_KEY)],
        authorities_needed: 1,
    }
}

fn roster(clients: u32) -> SignedRoster {
    let entries = (1..=clients)
        .map(|number| RosterEntry {
            client: ClientId(number),
            organisation: OrganisationId(1),
            signing_key: Toy::verifying_key(&signing_key(ClientId(number))),
            tls_spki_sha256: Digest::of(&number.to_le_bytes()),
            not_after: u64::MAX,
        })
        .collect();
    let roster = Roster::new(1, Digest::ZERO, entries).unwrap();
    let signature = Toy::sign(&AUTHORITY_KEY, &roster.signing_input());
    SignedRoster { roster, signatures: alloc::vec![AuthoritySignature { authority: 0, signature }] }
}

impl World {
    pub(super) fn new(clients: u32, plan: Plan) -> Self {
        Self::with_policy(clients, plan.clone(), |_| policy(&plan))
    }

    pub(super) fn with_policy(clients: u32, plan: Plan, policy: impl Fn(ClientId) -> Policy) -> Self {
        let mut outbox = Outbox::new();
        let schema = plan.schema;
        let coordinator =
            Coordinator::resume(settings(clients, plan), &[], Vec::new(), Millis(0), &mut outbox).unwrap();
        let branches = (1..=clients).map(|number| {
            let client = ClientId(number);
            let machine = Box::new(Participant::<Toy>::resume(policy(client), schema, signing_key(client), &[]));
            let branch = Branch {
                machine,
                events: Vec::new(),
                stopped: None,
                connected: false,
                synced: 0,
                vector: None,
                replayed: ParticipantRecord::default(),
                replayed_events: 0,
            };
            (client, branch)
        });
        let mut world = Self {
            coordinator,
            events: Vec::new(),
            branches: branches.collect(),
            packets: VecDeque::new(),
            now: Millis(0),
            finished: None,
            sums: Vec::new(),
            entropy: Seeded::new(7),
            plain: BTreeMap::new(),
            uploads: BTreeMap::new(),
            arrived: BTreeMap::new(),
            stored: BTreeMap::new(),
            sum: None,
            synced: 0,
            replayed: CoordinatorRecord::default(),
            replayed_events: 0,
        };
        world.execute(outbox);
        world
    }

    /// This client lies from the start.
    pub(super) fn corrupt<const LIE: u8>(&mut self, client: ClientId) {
        let plan = plan(|_| {});
        let machine = Participant::<Liar<LIE>>::resume(policy(&plan), plan.schema, signing_key(client), &[]);
        self.branches.get_mut(&client).unwrap().machine = Box::new(machine);
    }

    /// This client's process ends, and starts again with the first events of its file alone.
    pub(super) fn restore(&mut self, client: ClientId, events: usize) {
        let plan = plan(|_| {});
        let branch = self.branches.get_mut(&client).unwrap();
        branch.events.truncate(events);
        let machine = Participant::<Toy>::resume(policy(&plan), plan.schema, signing_key(client), &branch.events);
        (branch.machine, branch.synced, branch.replayed_events) = (Box::new(machine), events, 0);
        branch.replayed = ParticipantRecord::default();
    }

    pub(super) fn connect_all(&mut self) {
        for client in self.branches.keys().copied().collect::<Vec<_>>() {
            self.connect(client);
        }
    }

    pub(super) fn connect(&mut self, client: ClientId) {
        self.branches.get_mut(&client).unwrap().connected = true;
        self.tell(Input::Connected(client));
        self.tell_branch(client, ParticipantInput::Connected);
    }

    /// The connection breaks: what was under way is gone.
    pub(super) fn cut(&mut self, client: ClientId) {
        self.branches.get_mut(&client).unwrap().connected = false;
        self.packets.retain(|packet| match packet {
            Packet::Up(other, _) | Packet::Down(other, _) | Packet::Start(other, _) => *other != client,
        });
        self.tell_branch(client, ParticipantInput::Disconnected);
        self.tell(Input::Disconnected(client));
    }

    /// Delivers until nothing is under way.
    pub(super) fn run(&mut self) {
        while self.step() {}
    }

    /// Lets every deadline pass until nothing happens any more.
    pub(super) fn pass_deadlines(&mut self) {
        for _ in 0..50 {
            let Some(deadline) = self.coordinator.wait().deadline.filter(|_| self.finished.is_none()) else { return };
            self.now = self.now.max(deadline);
            self.tell(Input::Timer);
            for client in self.branches.keys().copied().collect::<Vec<_>>() {
                self.tell_branch(client, ParticipantInput::Timer);
            }
            self.run();
        }
        panic!("it never ends: {:?}", self.coordinator.wait());
    }

    pub(super) fn step(&mut self) -> bool {
        let Some(packet) = self.packets.pop_front() else { return false };
        match packet {
            Packet::Up(from, message) => {
                let bytes = codec::encode(&message);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).unwrap();
                self.tell(Input::Message(from, message));
            }
            Packet::Down(to, message) => {
                let bytes = codec::encode(&message);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).unwrap();
                self.tell_branch(to, ParticipantInput::Message(message));
            }
            Packet::Start(to, start) => {
                let model = start.descriptor.model;
                self.tell_branch(to, ParticipantInput::Started { start, model });
            }
        }
        true
    }

    pub(super) fn tell(&mut self, input: Input) {
        let mut outbox = Outbox::new();
        self.coordinator.handle(self.now, &mut self.entropy, input, &mut outbox);
        self.execute(outbox);
    }

    pub(super) fn tell_branch(&mut self, client: ClientId, input: ParticipantInput) {
        let mut outbox = Outbox::new();
        let branch = self.branches.get_mut(&client).unwrap();
        branch.machine.handle(self.now, &mut self.entropy, input, &mut outbox);
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            let branch = self.branches.get_mut(&client).unwrap();
            match effect {
                ParticipantEffect::Append(event) => branch.events.push(event),
                ParticipantEffect::Sync => branch.synced = branch.events.len(),
                ParticipantEffect::Send(message) => {
                    if branch.connected {
                        self.packets.push_back(Packet::Up(client, message));
                    }
                }
                ParticipantEffect::JudgePlan(plan) => {
                    answers.push(ParticipantInput::PlanJudged { plan: plan.digest(), verdict: Ok(()) });
                }
                ParticipantEffect::Contribute(contribution) => {
                    assert_eq!(branch.synced, branch.events.len(), "the charge is durable before anybody trains");
                    let round = contribution.descriptor.round;
                    let mut values: Vec<i64> =
                        (0..PARAMETERS + 2).map(|_| i64::from(self.entropy.bytes32()[0]) - 128).collect();
                    values[0] = 1 << (client.0 % 50);
                    let words = RingWords::reduce(contribution.descriptor.ring, &values);
                    self.plain.insert((round, client), values);
                    let update = mask::<Toy>(words, contribution.receipt, contribution.seeds);
                    let vector = update.digest();
                    branch.vector = Some(update);
                    answers.push(ParticipantInput::Masked { round, vector });
                }
                ParticipantEffect::Upload(header) => {
                    if let Some(update) = branch.vector.take()
                        && branch.connected
                    {
                        self.uploads.insert(client, update);
                        self.packets.push_back(Packet::Up(client, Upstream::Masked(header)));
                    }
                }
                ParticipantEffect::ForgetVector(_) => branch.vector = None,
                ParticipantEffect::Stop { explanation, .. } => branch.stopped = Some(explanation),
                ParticipantEffect::Keyed { .. }
                | ParticipantEffect::RoundClosed { .. }
                | ParticipantEffect::Finished { .. } => {}
            }
        }
        let branch = self.branches.get_mut(&client).unwrap();
        for event in &branch.events[branch.replayed_events..] {
            branch.replayed.apply(event);
        }
        branch.replayed_events = branch.events.len();
        assert_eq!(&branch.replayed, branch.machine.record(), "replay gives the state");
        for answer in answers {
            self.tell_branch(client, answer);
        }
    }

    fn execute(&mut self, mut outbox: Outbox<CoordinatorEffect>) {
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            match effect {
                CoordinatorEffect::Append(event) => self.events.push(event),
                CoordinatorEffect::Sync => self.synced = self.events.len(),
                CoordinatorEffect::Send(to, message) => {
                    if self.branches[&to].connected {
                        self.packets.push_back(Packet::Down(to, message));
                    }
                }
                CoordinatorEffect::Broadcast(to, message) => {
                    for to in to.into_iter().filter(|to| self.branches[to].connected) {
                        self.packets.push_back(Packet::Down(to, message.clone()));
                    }
                }
                CoordinatorEffect::StoreSession(material) => {
                    self.stored.insert(material.session(), material.parts().collect());
                }
                CoordinatorEffect::ForgetSession(session) => {
                    self.stored.remove(&session);
                }
                CoordinatorEffect::SendStart(to, start) => {
                    assert_eq!(self.synced, self.events.len(), "a round is durable before anybody hears of it");
                    for client in to {
                        self.packets.push_back(Packet::Start(client, start.clone()));
                    }
                }
                CoordinatorEffect::OpenSum { round, ring, dimension } => {
                    self.sum = Some(MaskedSum::new(round, ring, dimension));
                }
                CoordinatorEffect::Admit(ticket) => answers.push(self.receive(ticket)),
                CoordinatorEffect::Fold { client, .. } => {
                    let upload = self.arrived.remove(&client).expect("it arrived");
                    self.sum.as_mut().unwrap().fold(upload).expect("it belongs to the round");
                }
                CoordinatorEffect::Discard(client) => {
                    self.uploads.remove(&client);
                    self.arrived.remove(&client);
                }
                CoordinatorEffect::DropSum(_) => {
                    self.sum = None;
                    self.arrived.clear();
                }
                CoordinatorEffect::Unmask(permit) => {
                    let round = permit.round();
                    let survivors = permit.survivors().to_vec();
                    let sum = self.sum.take().unwrap().unmask::<Toy>(permit).expect("checks hold");
                    let mut expected = alloc::vec![0_i64; PARAMETERS + 2];
                    for survivor in survivors {
                        let plain = &self.plain[&(round, survivor)];
                        expected.iter_mut().zip(plain).for_each(|(sum, value)| *sum += value);
                    }
                    self.sums.push((round, sum.values().to_vec(), expected));
                    let model = Digest::of(&round.0.to_le_bytes());
                    answers.push(Input::Updated { round, sum: Digest::of(b"sum"), model });
                }
                CoordinatorEffect::Close(client) => {
                    // What was sent before still arrives.
                    self.packets.retain(|packet| !matches!(packet, Packet::Up(other, _) if *other == client));
                }
                CoordinatorEffect::Finished { complete } => self.finished = Some(complete),
            }
        }
        for event in &self.events[self.replayed_events..] {
            self.replayed.check(event).expect("the ledger is consistent");
            self.replayed.apply(event);
        }
        self.replayed_events = self.events.len();
        assert_eq!(&self.replayed, self.coordinator.record(), "replay gives the state");
        for answer in answers {
            self.tell(answer);
        }
    }

    fn receive(&mut self, ticket: Ticket) -> Input {
        let (round, client) = (ticket.round(), ticket.client());
        let update = self.uploads.remove(&client).expect("announced");
        let Ok(upload) = ticket.verify(update.into_bytes()) else { return Input::UploadFailed { round, client } };
        self.arrived.insert(client, upload);
        Input::Arrived { round, client }
    }

    pub(super) fn tamper_upload(&mut self, from: ClientId, with: ClientId) {
        let other = self.uploads.remove(&with).unwrap();
        self.uploads.insert(from, other);
    }

    pub(super) fn aborts(&self) -> Vec<ClosedReason> {
        let reason = |event: &CoordinatorEvent| match event {
            CoordinatorEvent::RoundAborted { reason, .. } => Some(*reason),
            _ => None,
        };
        self.events.iter().filter_map(reason).collect()
    }

    pub(super) fn refusals(&self) -> Vec<(ClientId, RefusalCode)> {
        let code = |(client, branch): (&ClientId, &Branch)| {
            let codes = branch.events.iter().filter_map(|event| match event {
                ParticipantEvent::Refused { code } => Some(*code),
                _ => None,
            });
            codes.map(|code| (*client, code)).collect::<Vec<_>>()
        };
        self.branches.iter().flat_map(code).collect()
    }

    pub(super) fn assert_sums_exact(&self) {
        for (round, unmasked, expected) in &self.sums {
            assert_eq!(unmasked, expected, "round {round}");
        }
    }

    /// A coordinator that starts again from the ledger.
    pub(super) fn restart_coordinator(&mut self, clients: u32, plan: Plan) {
        let mut outbox = Outbox::new();
        let stored = self.stored.values().map(|parts| SessionMaterial::from_parts(parts).expect("whole")).collect();
        self.coordinator =
            Coordinator::resume(settings(clients, plan), &self.events, stored, self.now, &mut outbox).expect("resumes");
        self.sum = None;
        self.arrived.clear();
        self.packets.clear();
        self.execute(outbox);
        for client in self.branches.keys().copied().collect::<Vec<_>>() {
            self.tell_branch(client, ParticipantInput::Disconnected);
            self.connect(client);
        }
    }
}

fn settings(clients: u32, plan: Plan) -> CoordinatorSettings<Toy> {
    CoordinatorSettings {
        plan: plan.validate().expect("a valid plan"),
        delta_bits: 1e-6_f64.to_bits(),
        roster: roster(clients),
        signing_key: COORDINATOR_KEY,
        gather_ms: 100,
    }
}

/// A signature by the coordinator's own key: a coordinator that lies can sign its lies.
pub(super) fn coordinator_signs(message: &[u8]) -> Signature {
    Toy::sign(&COORDINATOR_KEY, message)
}
