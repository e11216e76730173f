//! A coordinator of one run: the real machine, one link over which the daemon speaks to it, and members in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tributary_certs::clock::{unix_millis, unix_seconds};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{Frame, encode_frame};
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::log::{Checkpoint, SignedCheckpoint, origin_of};
use tributary_protocol::merkle::{MerkleTree, leaf_digest};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, ShownCheckpoint, Start, ToClient, ToCoordinator, Upstream, frame_bytes_max,
};
use tributary_protocol::round::{Coordinator, CoordinatorEffect, CoordinatorSettings, Input, Outbox, ParticipantInput};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::permit::{InMemory, Ticket, VerifiedUpload};
use tributary_protocol::time::Millis;
use tributary_transport::{Accepted, Frames, Greeted, Link, LinkId, Listener, Timers, Welcome};

use super::member::Member;

/// The daemon's number.
pub(super) const DAEMON: ClientId = ClientId(1);

/// What a test does when the daemon has accepted the run for so many times.
type AtAccept = Box<dyn FnMut(usize) -> Then + Send>;

/// What becomes of the link then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// It breaks, and whoever dials again goes on over it.
    Cut,
}

pub(super) struct Centre {
    machine: Coordinator<RealSuite>,
    members: BTreeMap<ClientId, Member>,
    key: Arc<SigningKey>,
    federation: Digest,
    /// The public state, in every round.
    state: (Vec<u8>, Digest),
    link: Link,
    frames: Frames,
    inputs: VecDeque<Input>,
    sum: Option<MaskedSum>,
    arrived: BTreeMap<ClientId, VerifiedUpload<InMemory<Vec<u8>>>>,
    /// The daemon's vector comes next.
    awaited: Option<Ticket>,
    accepted: usize,
    at_accept: AtAccept,
    finished: bool,
    /// Of the journal whose checkpoints it shows.
    entries: Vec<Digest>,
    /// Survivors of each sum that was opened, and whether all of it was nought.
    pub(super) sums: Vec<(usize, bool)>,
}

impl Centre {
    pub(super) fn new(
        settings: CoordinatorSettings<RealSuite>,
        members: BTreeMap<ClientId, Member>,
        state: (Vec<u8>, Digest),
        at_accept: impl FnMut(usize) -> Then + Send + 'static,
    ) -> Self {
        let (key, federation) = (Arc::clone(&settings.signing_key), settings.federation);
        let mut outbox = Outbox::new();
        let now = Millis(unix_millis());
        let machine = Coordinator::resume(settings, &[], Vec::new(), now, &mut outbox).unwrap();
        let mut own = Self {
            machine,
            members,
            key,
            federation,
            state,
            link: Link::new(Timers::default()),
            frames: Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX)),
            inputs: VecDeque::new(),
            sum: None,
            arrived: BTreeMap::new(),
            awaited: None,
            accepted: 0,
            at_accept: Box::new(at_accept),
            finished: false,
            entries: Vec::new(),
            sums: Vec::new(),
        };
        own.execute(&mut outbox);
        own
    }

    /// Serves the daemon until it has left after the run's end.
    pub(super) async fn serve(mut self, listener: Listener) -> Self {
        self.begin(&listener).await;
        loop {
            self.turn();
            if !self.link.is_attached() {
                self.connect(&listener).await;
                self.gather();
                continue;
            }
            let deadlines = self.members.values().filter_map(Member::deadline);
            let next = deadlines.chain(self.machine.deadline()).min();
            let wait = next.map(|next| Duration::from_millis(Millis(unix_millis()).until(next)));
            tokio::select! {
                read = self.link.read() => match read {
                    Ok(chunk) => self.frames.feed(chunk),
                    Err(_) if self.finished => return self,
                    Err(_) => {
                        self.inputs.push_back(Input::Disconnected(DAEMON));
                        self.turn();
                        self.link = Link::new(Timers::default());
                        self.begin(&listener).await;
                    }
                },
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {
                    self.inputs.push_back(Input::Timer);
                    for client in self.members.keys().copied().collect::<Vec<_>>() {
                        self.tell(client, ParticipantInput::Timer);
                    }
                }
            }
            while let Some(frame) = self.frames.frame().unwrap() {
                self.hear(frame);
            }
        }
    }

    /// A daemon that has begun comes, and is invited.
    async fn begin(&mut self, listener: &Listener) {
        self.connect(listener).await;
        self.inputs.push_back(Input::Connected(DAEMON));
        self.say(&ToClient::Run(self.machine.run().id(), Downstream::Invite));
    }

    async fn connect(&mut self, listener: &Listener) {
        loop {
            let attempt = listener.next().await.unwrap();
            let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { continue };
            let Ok((greeted, greeting)) = Greeted::by_peer(*wire).await else { continue };
            let link = LinkId([7; 16]);
            let resumed = greeting.link == link;
            let welcome = Welcome { link, resumed, received: self.link.received(), unix_seconds: unix_seconds() };
            return self.link.welcome(greeted, greeting.received, welcome).unwrap();
        }
    }

    fn gather(&mut self) {
        for client in self.members.keys().copied().collect::<Vec<_>>() {
            self.inputs.push_back(Input::Connected(client));
            self.tell(client, ParticipantInput::Connected);
        }
    }

    fn turn(&mut self) {
        let mut outbox = Outbox::new();
        while let Some(input) = self.inputs.pop_front() {
            self.machine.handle(Millis(unix_millis()), &mut OsEntropy, input, &mut outbox);
            self.execute(&mut outbox);
        }
    }

    fn tell(&mut self, client: ClientId, input: ParticipantInput) {
        let said = self.members.get_mut(&client).unwrap().hear(input);
        self.inputs.extend(said.into_iter().map(|message| Input::Message(client, message)));
    }

    fn say(&mut self, message: &ToClient) {
        self.link.send([encode_frame(FRAME_CONTROL, &codec::encode(message)).into()]);
    }

    fn hear(&mut self, frame: Frame) {
        if frame.kind == FRAME_VECTOR {
            let ticket = self.awaited.take().unwrap();
            return self.admit(ticket, frame.payload);
        }
        let message: ToCoordinator = codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap();
        let message = match message {
            ToCoordinator::Run(_, message) => message,
            // Until it leaves, the next checkpoint is another one.
            ToCoordinator::Witness(_) if self.finished => return self.show_checkpoint(),
            _ => return,
        };
        let accepts = matches!(message, Upstream::Accept { .. });
        self.inputs.push_back(Input::Message(DAEMON, message));
        self.turn();
        if accepts {
            self.accepted += 1;
            match (self.at_accept)(self.accepted) {
                Then::GoOn => {}
                Then::Cut => self.link.detach(),
            }
        }
    }

    fn send(&mut self, client: ClientId, message: Downstream) {
        match client {
            DAEMON => self.say(&ToClient::Run(self.machine.run().id(), message)),
            member => self.tell(member, ParticipantInput::Message(message)),
        }
    }

    fn start(&mut self, client: ClientId, start: Start) {
        let model = Ok(start.descriptor.model);
        if client != DAEMON {
            return self.tell(client, ParticipantInput::Started { start, model });
        }
        self.send(client, Downstream::Start(start));
        self.link.send([encode_frame(FRAME_VECTOR, &self.state.0).into()]);
    }

    fn admit(&mut self, ticket: Ticket, bytes: Vec<u8>) {
        let (round, client) = (ticket.round(), ticket.client());
        self.arrived.insert(client, ticket.verify(bytes).unwrap());
        self.inputs.push_back(Input::Arrived { round, client });
    }

    fn execute(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        while let Some(effect) = outbox.pop() {
            match effect {
                CoordinatorEffect::Send(to, message) => self.send(to, message),
                CoordinatorEffect::Broadcast(to, message) => {
                    to.into_iter().for_each(|to| self.send(to, message.clone()));
                }
                CoordinatorEffect::SendStart(to, start) => to.into_iter().for_each(|to| self.start(to, start.clone())),
                CoordinatorEffect::OpenSum { round, ring, dimension } => {
                    self.sum = Some(MaskedSum::new(round, ring, dimension));
                }
                CoordinatorEffect::Admit(ticket) if ticket.client() == DAEMON => self.awaited = Some(ticket),
                CoordinatorEffect::Admit(ticket) => {
                    let announced = &mut self.members.get_mut(&ticket.client()).unwrap().announced;
                    let bytes = announced.pop_first().unwrap().1;
                    self.admit(ticket, bytes);
                }
                CoordinatorEffect::Fold { client, .. } => {
                    let upload = self.arrived.remove(&client).unwrap();
                    self.sum.as_mut().unwrap().fold(upload).unwrap();
                }
                CoordinatorEffect::Unmask(permit) => {
                    let (round, survivors) = (permit.round(), permit.survivors().len());
                    let sum = self.sum.take().unwrap().unmask::<RealSuite>(permit).unwrap();
                    self.sums.push((survivors, sum.values().iter().all(|value| *value == 0)));
                    self.inputs.push_back(Input::Updated { round, sum: Digest::of(b"sum"), model: self.state.1 });
                }
                CoordinatorEffect::Conclude(stage) => {
                    self.inputs.push_back(Input::Concluded { stage, model: self.state.1 });
                }
                CoordinatorEffect::Finished { complete } => {
                    assert!(complete);
                    self.finished = true;
                    self.show_checkpoint();
                }
                _ => {}
            }
        }
    }

    /// The journal has one entry more.
    fn show_checkpoint(&mut self) {
        let from = self.entries.len();
        self.entries.push(leaf_digest(Digest::of_parts, &from.to_le_bytes()));
        let tree = MerkleTree::new(Digest::of_parts, self.entries.clone());
        let (size, root) = (self.entries.len() as u64, tree.root());
        let checkpoint = Checkpoint { origin: origin_of(&self.federation), size, root };
        let note = SignedCheckpoint::sign::<RealSuite>(checkpoint, &self.key).unwrap().to_string().into_bytes();
        let proof = tree.consistency(from).unwrap_or_default();
        self.say(&ToClient::Checkpoint(ShownCheckpoint { note, from: from as u64, proof }));
    }
}
