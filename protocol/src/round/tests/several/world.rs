//! Several runs at once in one thread: a machine for each at the coordinator, a participant for each at every branch, and one link between the
//! coordinator and each branch, over which everything goes in order. No vector is made: what is done with vectors, the single runs' world shows.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use crate::budget::{BudgetHead, Heads, Kept};
use crate::codec;
use crate::digest::Digest;
use crate::ids::{ClientId, RunId};
use crate::limits::CONTROL_MESSAGE_BYTES_MAX;
use crate::message::{ClosedReason, Downstream, RefusalCode, Start, ToClient, ToCoordinator, Upstream};
use crate::plan::{Plan, Withdrawal};
use crate::roster::SignedRoster;
use crate::round::cast::{self, settings, signing_key};
use crate::round::record::reliance::{early_at_coordinator, early_at_participant, early_of_heads};
use crate::round::{
    Branch, BudgetRecord, Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Input, Outbox,
    Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy, RunRecord,
};
use crate::secagg::toy::{Seeded, Toy};
use crate::time::Millis;

/// What travels over a link.
#[derive(Clone)]
pub(super) enum Packet {
    Up(ClientId, ToCoordinator),
    Down(ClientId, ToClient),
    Start(ClientId, RunId, Start),
}

impl Packet {
    /// Whose link, and of which run.
    pub(super) fn of(&self) -> (ClientId, RunId) {
        match self {
            Self::Up(client, ToCoordinator::Run(run, _)) | Self::Down(client, ToClient::Run(run, _)) => (*client, *run),
            // What else travels over the link is of no run.
            Self::Up(client, _) | Self::Down(client, _) => (*client, RunId::NONE),
            Self::Start(client, run, _) => (*client, *run),
        }
    }

    /// What the coordinator says in a run.
    pub(super) fn down(&self) -> Option<&Downstream> {
        match self {
            Self::Down(_, ToClient::Run(_, message)) => Some(message),
            _ => None,
        }
    }

    /// What a client says in a run.
    pub(super) fn up(&self) -> Option<&Upstream> {
        match self {
            Self::Up(_, ToCoordinator::Run(_, message)) => Some(message),
            _ => None,
        }
    }
}

/// A run's machine at the coordinator, and its ledger.
pub(super) struct Side {
    pub(super) machine: Coordinator<Toy>,
    pub(super) events: Vec<CoordinatorEvent>,
    pub(super) finished: Option<bool>,
    synced: usize,
}

pub(super) struct Client {
    pub(super) branch: Branch<Toy>,
    pub(super) runs: BTreeMap<RunId, Participant<Toy>>,
    pub(super) events: Vec<ParticipantEvent>,
    pub(super) connected: bool,
    /// What it was told of runs that stopped for it, in order.
    pub(super) stopped: Vec<(RunId, String)>,
    /// Runs that have finished for it, with their rounds.
    pub(super) finished: BTreeMap<RunId, u32>,
    pub(super) distrusted: Vec<String>,
    synced: usize,
}

impl Client {
    fn new(client: ClientId, policy: Policy, events: Vec<ParticipantEvent>) -> Self {
        let branch = Branch::resume(policy, Digest::of(b"schema"), signing_key(client), &events);
        Self {
            branch: branch.expect("a file in order"),
            runs: BTreeMap::new(),
            synced: events.len(),
            events,
            connected: false,
            stopped: Vec::new(),
            finished: BTreeMap::new(),
            distrusted: Vec::new(),
        }
    }
}

pub(super) struct Several {
    pub(super) sides: BTreeMap<RunId, Side>,
    pub(super) clients: BTreeMap<ClientId, Client>,
    pub(super) packets: VecDeque<Packet>,
    pub(super) now: Millis,
    /// What the coordinator keeps of budgets, over all runs.
    kept: Vec<Kept>,
    kept_synced: usize,
    pub(super) roster: SignedRoster,
    /// Whom members have accused in a set-up, in which run, and of what.
    pub(super) accusations: Vec<(RunId, ClientId, RefusalCode)>,
    policy: Policy,
    entropy: Seeded,
}

impl Several {
    /// A coordinator without a run, and branches with this policy; nobody is connected.
    pub(super) fn new(clients: u32, policy: Policy) -> Self {
        let client = |number| {
            let client = ClientId(number);
            (client, Client::new(client, policy.clone(), [cast::begun(client, false)].to_vec()))
        };
        Self {
            sides: BTreeMap::new(),
            clients: (1..=clients).map(client).collect(),
            packets: VecDeque::new(),
            now: Millis(0),
            kept: Vec::new(),
            kept_synced: 0,
            roster: cast::roster(clients),
            accusations: Vec::new(),
            policy,
            entropy: Seeded::new(11),
        }
    }

    /// The coordinator opens the first run of a plan, beside those that it has; whoever is connected is here for it as well.
    pub(super) fn open(&mut self, plan: &Plan) -> RunId {
        let run = cast::run(plan.clone()).id();
        let (roster, heads) = (self.roster.clone(), Heads::replay(&self.kept));
        let settings = CoordinatorSettings { roster, heads, ..settings(1, plan.clone()) };
        let mut outbox = Outbox::new();
        let machine = Coordinator::resume(settings, &[], Vec::new(), self.now, &mut outbox).expect("a new run");
        self.sides.insert(run, Side { machine, events: Vec::new(), finished: None, synced: 0 });
        self.execute(run, outbox);
        let here: Vec<ClientId> =
            self.clients.keys().copied().filter(|client| self.clients[client].connected).collect();
        here.into_iter().for_each(|client| self.tell(run, Input::Connected(client)));
        run
    }

    pub(super) fn connect_all(&mut self) {
        self.clients.keys().copied().collect::<Vec<_>>().into_iter().for_each(|client| self.connect(client));
    }

    /// A new link stands: every machine hears of it, and every run that the branch is in asks to be let in.
    pub(super) fn connect(&mut self, client: ClientId) {
        let own = self.clients.get_mut(&client).expect("a client");
        own.connected = true;
        let runs: Vec<RunId> = own.runs.keys().copied().collect();
        self.tell_all(|| Input::Connected(client));
        runs.into_iter().for_each(|run| self.tell_branch(client, run, ParticipantInput::Connected));
    }

    /// The link breaks: what was under way is gone.
    pub(super) fn cut(&mut self, client: ClientId) {
        let own = self.clients.get_mut(&client).expect("a client");
        own.connected = false;
        let runs: Vec<RunId> = own.runs.keys().copied().collect();
        self.packets.retain(|packet| packet.of().0 != client);
        runs.into_iter().for_each(|run| self.tell_branch(client, run, ParticipantInput::Disconnected));
        self.tell_all(|| Input::Disconnected(client));
    }

    /// A branch's process ends, and starts again with the first events of its file alone.
    pub(super) fn restore(&mut self, client: ClientId, events: usize) {
        let file = self.clients[&client].events.iter().take(events).cloned().collect();
        self.clients.insert(client, Client::new(client, self.policy.clone(), file));
    }

    /// The operator installs a roster: every machine hears of it in the same moment.
    pub(super) fn install(&mut self, roster: &SignedRoster) {
        self.roster = roster.clone();
        self.tell_all(|| Input::Roster(roster.clone().into()));
    }

    /// The owner of a branch takes a grant back.
    pub(super) fn withdraw(&mut self, client: ClientId, withdrawal: Withdrawal) {
        let mut outbox = Outbox::new();
        let own = self.clients.get_mut(&client).expect("a client");
        assert!(own.branch.withdraw(withdrawal, &mut outbox), "it is its owner's");
        let runs: Vec<RunId> = own.runs.keys().copied().collect();
        self.execute_branch(client, RunId::NONE, outbox);
        runs.into_iter().for_each(|run| self.tell_branch(client, run, ParticipantInput::Withdrawn));
    }

    /// Delivers until nothing is under way.
    pub(super) fn run(&mut self) {
        while self.step() {}
    }

    /// Delivers what is next of all that may be delivered; false where nothing may.
    pub(super) fn step_of(&mut self, may: impl Fn(&Packet) -> bool) -> bool {
        let Some(place) = self.packets.iter().position(may) else { return false };
        let packet = self.packets.remove(place).expect("it was found");
        self.deliver(packet);
        true
    }

    pub(super) fn step(&mut self) -> bool {
        self.step_of(|_| true)
    }

    /// Delivers until this holds.
    pub(super) fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            assert!(self.step(), "it comes to that: {:?}", self.waits());
        }
    }

    /// Delivers, and lets deadlines pass, until every run is over.
    pub(super) fn run_all_to_the_end(&mut self) {
        self.sides.keys().copied().collect::<Vec<_>>().into_iter().for_each(|run| self.run_to_its_end(run));
    }

    /// The same until one run is over.
    pub(super) fn run_to_its_end(&mut self, run: RunId) {
        for _ in 0..100 {
            self.run();
            if self.sides[&run].finished.is_some() {
                return self.assert_replayed();
            }
            let open = self.sides.values().filter(|side| side.finished.is_none());
            let deadline = open.filter_map(|side| side.machine.deadline()).min().expect("something is to come");
            self.pass(deadline);
        }
        panic!("it never ends: {:?}", self.waits());
    }

    /// The coordinator has done with a run, and with its ledger.
    pub(super) fn forget(&mut self, run: RunId) {
        self.sides.remove(&run).expect("it was open");
    }

    /// Events stand in a branch's file that no run of this world has made.
    pub(super) fn overtake(&mut self, client: ClientId, events: Vec<ParticipantEvent>) {
        let own = self.clients.get_mut(&client).expect("a client");
        events.iter().for_each(|event| own.branch.overtaken_by(event));
        own.events.extend(events);
        own.synced = own.events.len();
    }

    /// The coordinator's disk has nothing of a client's budget any more.
    pub(super) fn lose_heads_of(&mut self, client: ClientId) {
        self.kept.retain(|kept| !matches!(kept, Kept::Head(head) if head.client == client));
        self.kept_synced = self.kept.len();
    }

    /// What the coordinator has kept of a client's budget last.
    pub(super) fn newest_head(&self, client: ClientId) -> Option<BudgetHead> {
        let head = |kept: &Kept| match kept {
            Kept::Head(head) if head.client == client => Some(BudgetHead::clone(head)),
            _ => None,
        };
        self.kept.iter().rev().find_map(head)
    }

    /// Its counter.
    pub(super) fn newest(&self, client: ClientId) -> u64 {
        self.newest_head(client).map_or(0, |head| head.counter)
    }

    /// The clock comes to a moment, and everybody looks at it.
    pub(super) fn pass(&mut self, now: Millis) {
        self.now = self.now.max(now);
        self.tell_all(|| Input::Timer);
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            for run in self.clients[&client].runs.keys().copied().collect::<Vec<_>>() {
                self.tell_branch(client, run, ParticipantInput::Timer);
            }
        }
    }

    pub(super) fn waits(&self) -> Vec<String> {
        self.sides.values().map(|side| side.machine.wait().reason).collect()
    }

    pub(super) fn record(&self, client: ClientId) -> &BudgetRecord {
        self.clients[&client].branch.record()
    }

    /// What branches have refused, in whichever run.
    pub(super) fn refusals(&self) -> Vec<(ClientId, RefusalCode)> {
        let codes = |(client, own): (&ClientId, &Client)| {
            let codes = own.events.iter().filter_map(|event| match event {
                ParticipantEvent::Refused { code } => Some(*code),
                _ => None,
            });
            codes.map(|code| (*client, code)).collect::<Vec<_>>()
        };
        self.clients.iter().flat_map(codes).collect()
    }

    /// Why rounds and sessions of a run ended before their time.
    pub(super) fn breaks(&self, run: RunId) -> Vec<ClosedReason> {
        let reason = |event: &CoordinatorEvent| match event {
            CoordinatorEvent::RoundAborted { reason, .. } | CoordinatorEvent::SessionClosed { reason, .. } => {
                Some(*reason)
            }
            _ => None,
        };
        let reasons = self.sides[&run].events.iter().filter_map(reason);
        reasons.filter(|reason| !matches!(reason, ClosedReason::Exhausted | ClosedReason::Superseded)).collect()
    }

    /// How often a run's ledger has such an event.
    pub(super) fn count(&self, run: RunId, is: fn(&CoordinatorEvent) -> bool) -> usize {
        self.sides[&run].events.iter().filter(|event| is(event)).count()
    }

    fn assert_replayed(&self) {
        for side in self.sides.values() {
            assert_eq!(&RunRecord::replay(&side.events).expect("in order"), side.machine.record());
        }
        for own in self.clients.values() {
            assert_eq!(&BudgetRecord::replay(&own.events).expect("in order"), own.branch.record());
        }
    }

    fn deliver(&mut self, packet: Packet) {
        match packet {
            Packet::Up(client, message) => {
                let bytes = codec::encode(&message);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).expect("it was encoded");
                if let ToCoordinator::Run(run, message) = message {
                    self.tell(run, Input::Message(client, message));
                }
            }
            Packet::Down(client, message) => {
                let bytes = codec::encode(&message);
                let message = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX).expect("it was encoded");
                if let ToClient::Run(run, message) = message {
                    self.hear(client, run, message);
                }
            }
            Packet::Start(client, run, start) => {
                let model = Ok(start.descriptor.model);
                self.tell_branch(client, run, ParticipantInput::Started { start, model });
            }
        }
    }

    /// A branch that is invited to a run which it does not know asks to be let in, as a daemon does.
    fn hear(&mut self, client: ClientId, run: RunId, message: Downstream) {
        let own = self.clients.get_mut(&client).expect("a client");
        if !own.runs.contains_key(&run) && matches!(message, Downstream::Invite) {
            own.runs.insert(run, Participant::new(&own.branch, run));
        }
        self.tell_branch(client, run, ParticipantInput::Message(message));
    }

    /// A branch asks anew about a run that it has refused, as a daemon does after a while.
    pub(super) fn ask_anew(&mut self, client: ClientId, run: RunId) {
        let own = self.clients.get_mut(&client).expect("a client");
        own.runs.insert(run, Participant::new(&own.branch, run));
        self.tell_branch(client, run, ParticipantInput::Connected);
    }

    pub(super) fn tell_all(&mut self, input: impl Fn() -> Input) {
        let runs: Vec<RunId> = self.sides.keys().copied().collect();
        runs.into_iter().for_each(|run| self.tell(run, input()));
    }

    pub(super) fn tell(&mut self, run: RunId, input: Input) {
        let Some(side) = self.sides.get_mut(&run) else { return };
        let mut outbox = Outbox::new();
        side.machine.handle(self.now, &mut self.entropy, input, &mut outbox);
        assert_eq!(side.machine.deadline(), side.machine.wait().deadline);
        self.execute(run, outbox);
    }

    fn execute(&mut self, run: RunId, mut outbox: Outbox<CoordinatorEffect>) {
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            let side = self.sides.get_mut(&run).expect("it is open");
            let early = early_at_coordinator(&effect, &side.events[side.synced..]);
            assert_eq!(early, None, "a run relies on what is not on the disk");
            let early = early_of_heads(&effect, &self.kept[self.kept_synced..]);
            assert_eq!(early, None, "a run tells of heads that are not on the disk");
            let here = |clients: &BTreeMap<ClientId, Client>, client: &ClientId| clients[client].connected;
            match effect {
                CoordinatorEffect::Append(event) => side.events.push(event),
                CoordinatorEffect::Sync => (side.synced, self.kept_synced) = (side.events.len(), self.kept.len()),
                CoordinatorEffect::Keep(kept) => {
                    self.kept.push(kept.clone());
                    let others: Vec<RunId> = self.sides.keys().copied().filter(|other| *other != run).collect();
                    others.into_iter().for_each(|other| self.tell(other, Input::Kept(kept.clone())));
                }
                CoordinatorEffect::Send(to, message) => {
                    let message = ToClient::Run(run, message);
                    self.packets.extend(here(&self.clients, &to).then_some(Packet::Down(to, message)));
                }
                CoordinatorEffect::Broadcast(to, message) => {
                    let to = to.into_iter().filter(|to| here(&self.clients, to));
                    self.packets.extend(to.map(|to| Packet::Down(to, ToClient::Run(run, message.clone()))));
                }
                CoordinatorEffect::SendStart(to, start) => {
                    let to = to.into_iter().filter(|to| here(&self.clients, to));
                    self.packets.extend(to.map(|to| Packet::Start(to, run, start.clone())));
                }
                CoordinatorEffect::Admit(ticket) => {
                    answers.push(Input::Arrived { round: ticket.round(), client: ticket.client() });
                }
                CoordinatorEffect::Unmask(permit) => {
                    let (round, model) = (permit.round(), Digest::of(&permit.round().0.to_le_bytes()));
                    answers.push(Input::Updated { round, sum: Digest::of(b"sum"), model });
                }
                CoordinatorEffect::Conclude(stage) => {
                    answers.push(Input::Concluded { stage, model: Digest::of(b"released") });
                }
                CoordinatorEffect::Close(client) => self.cut(client),
                CoordinatorEffect::Finished { complete } => side.finished = Some(complete),
                CoordinatorEffect::StoreSession(_)
                | CoordinatorEffect::ForgetSession(_)
                | CoordinatorEffect::OpenSum { .. }
                | CoordinatorEffect::Fold { .. }
                | CoordinatorEffect::Discard(_)
                | CoordinatorEffect::DropSum(_)
                | CoordinatorEffect::Enrol(_)
                | CoordinatorEffect::OrderRefused { .. } => {}
            }
        }
        answers.into_iter().for_each(|answer| self.tell(run, answer));
    }

    pub(super) fn tell_branch(&mut self, client: ClientId, run: RunId, input: ParticipantInput) {
        let own = self.clients.get_mut(&client).expect("a client");
        let Some(participant) = own.runs.get_mut(&run) else { return };
        let mut outbox = Outbox::new();
        participant.handle(&mut own.branch, self.now, &mut self.entropy, input, &mut outbox);
        assert_eq!(participant.deadline(), participant.wait().deadline);
        self.execute_branch(client, run, outbox);
    }

    fn execute_branch(&mut self, client: ClientId, run: RunId, mut outbox: Outbox<ParticipantEffect>) {
        let own = self.clients.get_mut(&client).expect("a client");
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            let early = early_at_participant(&effect, &own.events[own.synced..]);
            assert_eq!(early, None, "client {client} relies on what is not on its disk");
            match effect {
                ParticipantEffect::Append(event) => own.events.push(event),
                ParticipantEffect::Sync => own.synced = own.events.len(),
                ParticipantEffect::Send(message) => {
                    if let Upstream::Abandon { code, accused: Some(accused), .. } = &message {
                        self.accusations.push((run, *accused, *code));
                    }
                    let packet = Packet::Up(client, ToCoordinator::Run(run, message));
                    self.packets.extend(own.connected.then_some(packet));
                }
                ParticipantEffect::Upload(header) => {
                    let packet = Packet::Up(client, ToCoordinator::Run(run, Upstream::Masked(header)));
                    self.packets.extend(own.connected.then_some(packet));
                }
                ParticipantEffect::JudgeRun(run) => {
                    answers.push(ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) });
                }
                ParticipantEffect::Contribute(contribution) => {
                    let round = contribution.descriptor.round;
                    let vector = Digest::of_parts(&[&client.0.to_le_bytes(), &round.0.to_le_bytes()]);
                    answers.push(ParticipantInput::Masked { round, vector });
                }
                ParticipantEffect::Distrust { what } => own.distrusted.push(what),
                ParticipantEffect::Stop { explanation, .. } => own.stopped.push((run, explanation.into())),
                ParticipantEffect::Finished { rounds } => {
                    own.finished.insert(run, rounds);
                }
                _ => {}
            }
        }
        answers.into_iter().for_each(|answer| self.tell_branch(client, run, answer));
    }
}
