//! A coordinator and its clients in one thread: every message delivered in order, every effect executed (`effects.rs`), every sum compared.

mod effects;
mod words;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::liars::Liar;
use crate::budget::{Heads, Kept};
use crate::codec;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, RunId, SessionId};
use crate::limits::CONTROL_MESSAGE_BYTES_MAX;
use crate::message::{ClosedReason, Downstream, RefusalCode, Start, Upstream};
use crate::plan::{Plan, Run, Withdrawal};
use crate::roster::{RosterChanges, RosterHead, SignedRoster};
use crate::round::cast::{self, policy, settings, signing_key};
use crate::round::{
    self, BudgetRecord, Coordinator, CoordinatorEvent, CoordinatorSettings, Granted, Input, OrderFault, Outbox,
    Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy, RunRecord, SessionMaterial, Wait,
};
use crate::secagg::masked_sum::{MaskedSum, MaskedUpdate};
use crate::secagg::permit::{InMemory, VerifiedUpload};
use crate::secagg::suite::Suite;
use crate::secagg::toy::{Seeded, Toy};
use crate::time::Millis;

/// What travels, in order.
#[derive(Clone)]
pub(super) enum Packet {
    Up(ClientId, Upstream),
    Down(ClientId, Downstream),
    Start(ClientId, Start),
}

/// A branch and its participant in one run, under the toy suite or under one that lies.
pub(super) trait Machine {
    fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    );
    /// The owner takes a grant back: the branch first, and then its participant.
    fn withdraw(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        withdrawal: Withdrawal,
        outbox: &mut Outbox<ParticipantEffect>,
    );
    fn set_grants(&mut self, grants: Vec<Granted>);
    fn asks_about(&mut self, run: RunId);
    fn record(&self) -> &BudgetRecord;
    fn wait(&self) -> Wait;
    fn overtaken_by(&mut self, event: &ParticipantEvent);
}

/// A branch whose budget one run alone is paid from.
struct Sole<S: Suite> {
    branch: round::Branch<S>,
    participant: Participant<S>,
}

impl<S: Suite> Sole<S> {
    fn open(policy: Policy, signing_key: S::SigningKey, run: &Run, events: &[ParticipantEvent]) -> Self {
        let branch = round::Branch::resume(policy, run.schema, signing_key, events).expect("a file in order");
        let participant = Participant::new(&branch, run.id());
        Self { branch, participant }
    }
}

impl<S: Suite> Machine for Sole<S> {
    fn handle(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        input: ParticipantInput,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        self.participant.handle(&mut self.branch, now, entropy, input, outbox);
        assert_eq!(self.participant.deadline(), self.participant.wait().deadline);
    }
    fn wait(&self) -> Wait {
        self.participant.wait()
    }
    fn withdraw(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        withdrawal: Withdrawal,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        if self.branch.withdraw(withdrawal, outbox) {
            self.handle(now, entropy, ParticipantInput::Withdrawn, outbox);
        }
    }
    fn set_grants(&mut self, grants: Vec<Granted>) {
        self.branch.set_grants(grants);
    }
    fn asks_about(&mut self, run: RunId) {
        self.participant.asks_about(run);
    }
    fn record(&self) -> &BudgetRecord {
        self.branch.record()
    }
    fn overtaken_by(&mut self, event: &ParticipantEvent) {
        self.branch.overtaken_by(event);
    }
}

pub(super) struct Branch {
    pub(super) machine: Box<dyn Machine>,
    pub(super) events: Vec<ParticipantEvent>,
    pub(super) stopped: Option<alloc::string::String>,
    /// Why connections were given up whose other end had not proved to be the coordinator.
    pub(super) distrusted: Vec<alloc::string::String>,
    /// Ends of rounds of which its operator hears.
    pub(super) heard_ends: usize,
    /// Rounds of the plan, when it is through.
    pub(super) finished: Option<u32>,
    pub(super) connected: bool,
    /// Its training is never ready; its noise alone is.
    pub(super) late: bool,
    /// Refusals before its budget was begun, which no file holds.
    pub(super) unrecorded: Vec<RefusalCode>,
    /// What its operator was told of rosters: epoch, how many are missing, what changed.
    pub(super) rosters: Vec<(u64, u64, Option<RosterChanges>)>,
    synced: usize,
    vector: Option<MaskedUpdate>,
    replayed: BudgetRecord,
    replayed_events: usize,
}

pub(super) struct World {
    pub(super) coordinator: Coordinator<Toy>,
    pub(super) events: Vec<CoordinatorEvent>,
    pub(super) branches: BTreeMap<ClientId, Branch>,
    pub(super) packets: VecDeque<Packet>,
    pub(super) now: Millis,
    pub(super) finished: Option<bool>,
    /// Why orders were not taken.
    pub(super) order_faults: Vec<OrderFault>,
    /// The unmasked sum of every committed round, and the plain sum of what its survivors put in.
    pub(super) sums: Vec<(RoundId, Vec<i64>, Vec<i64>)>,
    /// Rounds whose sum did not pass its checks.
    pub(super) spoilt: Vec<RoundId>,
    /// The roster that the door was told of last.
    pub(super) enrolled: Option<RosterHead>,
    pub(super) entropy: Seeded,
    /// Workers and readers never answer: a test answers for them.
    pub(super) silent_workers: bool,
    /// Budget heads that the coordinator keeps over all plans.
    pub(super) kept: Vec<Kept>,
    /// Digest of every message, every event and every deadline so far, in order.
    pub(super) said: Digest,
    kept_synced: usize,
    policies: BTreeMap<ClientId, Policy>,
    plain: BTreeMap<(RoundId, ClientId), Vec<i64>>,
    uploads: BTreeMap<ClientId, MaskedUpdate>,
    /// Here whole, and not yet folded.
    arrived: BTreeMap<ClientId, VerifiedUpload<InMemory<Vec<u8>>>>,
    pub(super) stored: BTreeMap<SessionId, Vec<Vec<u8>>>,
    pub(super) sum: Option<MaskedSum>,
    synced: usize,
    replayed: RunRecord,
    replayed_events: usize,
}

/// The cast's plan, with changes.
pub(super) fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = cast::plan();
    change(&mut plan);
    plan
}

impl World {
    pub(super) fn new(clients: u32, plan: Plan) -> Self {
        Self::with_policy(clients, plan.clone(), |_| policy(&plan))
    }

    pub(super) fn with_policy(clients: u32, plan: Plan, policy: impl Fn(ClientId) -> Policy) -> Self {
        Self::with_settings(settings(clients, plan), policy)
    }

    pub(super) fn with_settings(settings: CoordinatorSettings<Toy>, policy: impl Fn(ClientId) -> Policy) -> Self {
        let mut outbox = Outbox::new();
        let run = settings.run.clone();
        let clients = settings.roster.roster.entries().iter().map(|entry| entry.client);
        let granted = |client| {
            // Beside what the policy has: the owner's grant for this branch by its own name.
            let (mut policy, plan) = (policy(client), settings.run.plan().plan());
            let name = settings.roster.roster.name_of(client).cloned().into_iter();
            policy.grants.push(cast::granted(plan, cast::grant_of(plan, name)));
            (client, policy)
        };
        let policies: BTreeMap<ClientId, Policy> = clients.map(granted).collect();
        let coordinator = Coordinator::resume(settings, &[], Vec::new(), Millis(0), &mut outbox).unwrap();
        let branches = policies.iter().map(|(client, policy)| {
            let (client, events) = (*client, alloc::vec![cast::begun(*client, false)]);
            let machine = Sole::<Toy>::open(policy.clone(), signing_key(client), &run, &events);
            let branch = Branch {
                machine: Box::new(machine),
                events,
                stopped: None,
                distrusted: Vec::new(),
                heard_ends: 0,
                finished: None,
                connected: false,
                late: false,
                unrecorded: Vec::new(),
                rosters: Vec::new(),
                synced: 1,
                vector: None,
                replayed: BudgetRecord::default(),
                replayed_events: 0,
            };
            (client, branch)
        });
        let mut world = Self {
            coordinator,
            events: Vec::new(),
            branches: branches.collect(),
            kept: Vec::new(),
            said: Digest::ZERO,
            kept_synced: 0,
            policies,
            packets: VecDeque::new(),
            now: Millis(0),
            finished: None,
            order_faults: Vec::new(),
            sums: Vec::new(),
            spoilt: Vec::new(),
            enrolled: None,
            entropy: Seeded::new(7),
            silent_workers: false,
            plain: BTreeMap::new(),
            uploads: BTreeMap::new(),
            arrived: BTreeMap::new(),
            stored: BTreeMap::new(),
            sum: None,
            synced: 0,
            replayed: RunRecord::default(),
            replayed_events: 0,
        };
        world.execute(outbox);
        world
    }

    /// This client lies from the start.
    pub(super) fn corrupt<const LIE: u8>(&mut self, client: ClientId) {
        let branch = self.branches.get_mut(&client).unwrap();
        let run = self.coordinator.run();
        let policy = policy(&plan(|_| {}));
        branch.machine = Box::new(Sole::<Liar<LIE>>::open(policy, signing_key(client), run, &branch.events));
    }

    /// This client's process ends, and starts again with the first events of its file alone.
    pub(super) fn restore(&mut self, client: ClientId, events: usize) {
        let kept = self.branches[&client].events.iter().take(events).cloned().collect();
        self.reborn(client, self.policies[&client].clone(), kept);
    }

    /// This client's process starts with a policy and a file of somebody's choice.
    pub(super) fn reborn(&mut self, client: ClientId, policy: Policy, events: Vec<ParticipantEvent>) {
        let machine = Sole::<Toy>::open(policy, signing_key(client), self.coordinator.run(), &events);
        let branch = self.branches.get_mut(&client).unwrap();
        (branch.machine, branch.synced, branch.replayed_events) = (Box::new(machine), events.len(), 0);
        (branch.replayed, branch.events) = (BudgetRecord::default(), events);
    }

    /// Events of another run stand in this client's file all at once.
    pub(super) fn overtake(&mut self, client: ClientId, events: Vec<ParticipantEvent>) {
        let branch = self.branches.get_mut(&client).unwrap();
        events.iter().for_each(|event| branch.machine.overtaken_by(event));
        branch.events.extend(events);
        branch.synced = branch.events.len();
    }

    /// This client's process starts from what its file holds now.
    pub(super) fn reboot(&mut self, client: ClientId) {
        self.restore(client, usize::MAX);
        let branch = self.branches.get_mut(&client).unwrap();
        (branch.stopped, branch.finished, branch.connected) = (None, None, false);
    }

    /// This client's process ends, and starts again from what its file holds: it comes back on another connection.
    pub(super) fn start_again(&mut self, client: ClientId) {
        self.cut(client);
        self.reboot(client);
        self.connect(client);
    }

    /// This client has enrolled again, with another signing key.
    pub(super) fn rekey(&mut self, client: ClientId, key: [u8; 32]) {
        let branch = self.branches.get_mut(&client).unwrap();
        let (policy, run) = (self.policies[&client].clone(), self.coordinator.run());
        branch.machine = Box::new(Sole::<Toy>::open(policy, key, run, &branch.events));
    }

    /// The same coordinator serves another plan with a fresh ledger, under this roster; nobody is connected yet.
    pub(super) fn serve_next(&mut self, roster: SignedRoster, plan: Plan) {
        self.lose_ledger();
        let mut outbox = Outbox::new();
        let heads = Heads::replay(&self.kept);
        let settings = CoordinatorSettings { heads, roster, ..settings(8, plan) };
        self.coordinator = Coordinator::resume(settings, &[], Vec::new(), self.now, &mut outbox).expect("a new plan");
        (self.finished, self.sum) = (None, None);
        self.sums.clear();
        self.packets.clear();
        self.execute(outbox);
        for client in self.branches.keys().copied().collect::<Vec<_>>() {
            self.reboot(client);
        }
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

    /// Adds to what was said.
    pub(super) fn note(&mut self, bytes: &[u8]) {
        self.said = Digest::of(&[self.said.as_bytes(), bytes].concat());
    }

    /// Delivers until nothing is under way.
    pub(super) fn run(&mut self) {
        while self.step() {}
    }

    /// Lets every deadline pass until nothing happens any more.
    pub(super) fn pass_deadlines(&mut self) {
        for _ in 0..50 {
            if self.finished.is_some() || self.coordinator.wait().deadline.is_none() {
                return;
            }
            self.pass_deadline();
            self.run();
        }
        panic!("it never ends: {:?}", self.coordinator.wait());
    }

    /// The next deadline is over, if there is one, and everybody's timer goes off.
    pub(super) fn pass_deadline(&mut self) {
        self.now = self.coordinator.wait().deadline.map_or(self.now, |deadline| self.now.max(deadline));
        self.tell(Input::Timer);
        self.pass_at_branches();
    }

    /// The timer of every branch goes off.
    pub(super) fn pass_at_branches(&mut self) {
        for client in self.branches.keys().copied().collect::<Vec<_>>() {
            self.tell_branch(client, ParticipantInput::Timer);
        }
    }

    pub(super) fn step(&mut self) -> bool {
        let Some(packet) = self.packets.pop_front() else { return false };
        match packet {
            Packet::Up(from, message) => {
                let bytes = codec::encode(&message);
                self.note(&bytes);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).unwrap();
                self.tell(Input::Message(from, message));
            }
            Packet::Down(to, message) => {
                let bytes = codec::encode(&message);
                self.note(&bytes);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).unwrap();
                self.tell_branch(to, ParticipantInput::Message(message));
            }
            Packet::Start(to, start) => {
                let model = Ok(start.descriptor.model);
                self.tell_branch(to, ParticipantInput::Started { start, model });
            }
        }
        true
    }

    pub(super) fn tamper_upload(&mut self, from: ClientId, with: ClientId) {
        let other = self.uploads.remove(&with).unwrap();
        self.uploads.insert(from, other);
    }

    /// Whether a vector of this client is on its way.
    pub(super) fn has_upload(&self, client: ClientId) -> bool {
        self.uploads.contains_key(&client)
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
            codes.chain(branch.unrecorded.iter().copied()).map(|code| (*client, code)).collect::<Vec<_>>()
        };
        self.branches.iter().flat_map(code).collect()
    }

    pub(super) fn assert_sums_exact(&self) {
        assert!(self.spoilt.is_empty(), "sums that cannot be opened: {:?}", self.spoilt);
        for (round, unmasked, expected) in &self.sums {
            assert_eq!(unmasked, expected, "round {round}");
        }
    }

    /// The coordinator's disk is lost, and an empty one put in its place.
    pub(super) fn lose_ledger(&mut self) {
        (self.synced, self.replayed_events, self.replayed) = (0, 0, RunRecord::default());
        self.events.clear();
        self.stored.clear();
    }

    /// The end of the ledger was not on the disk.
    pub(super) fn shorten(&mut self, events: usize) {
        self.events.truncate(events);
        let kept = RunRecord::replay(&self.events).expect("a ledger in order");
        (self.synced, self.replayed_events, self.replayed) = (events, events, kept);
    }

    /// A coordinator that starts again from the ledger.
    pub(super) fn restart_coordinator(&mut self, clients: u32, plan: Plan) {
        self.restart_with(settings(clients, plan));
        self.all_come_back();
    }

    /// Everybody's connection breaks, and everybody is on another one.
    pub(super) fn all_come_back(&mut self) {
        for client in self.branches.keys().copied().collect::<Vec<_>>() {
            self.tell_branch(client, ParticipantInput::Disconnected);
            self.connect(client);
        }
    }

    /// The coordinator's process is killed when so many of its events are on the disk.
    pub(super) fn forget_events_after(&mut self, kept: usize) {
        self.events.truncate(kept);
        (self.synced, self.replayed_events, self.replayed) = (kept, 0, RunRecord::default());
    }

    /// As [`World::restart_coordinator`] with settings of somebody's choice; nobody is connected yet.
    pub(super) fn restart_with(&mut self, settings: CoordinatorSettings<Toy>) {
        let mut outbox = Outbox::new();
        let stored = self.stored.values().map(|parts| SessionMaterial::from_parts(parts).expect("whole")).collect();
        let settings = CoordinatorSettings { heads: Heads::replay(&self.kept), ..settings };
        self.coordinator = Coordinator::resume(settings, &self.events, stored, self.now, &mut outbox).expect("resumes");
        self.sum = None;
        self.arrived.clear();
        self.packets.clear();
        self.execute(outbox);
    }
}
