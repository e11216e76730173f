//! The network: who can reach whom, when, and how it ends.

use tributary_protocol::ids::RunId;
use tributary_protocol::message::{Downstream, RejectCode, Upstream};
use tributary_protocol::round::{Input, ParticipantInput};

use super::branch::{HeardThere, PAUSE_MS};
use super::centre::Heard;
use super::{Event, World};
use crate::cast::Keyed;
use crate::enemy::{Deceiver, Letters};
use crate::judge::client_of;
use crate::link::{Body, Link, Reading, Way, name_down, name_up};
use crate::trace::Who;

/// Milliseconds after which a connection without a sign of life is given up, as the transports do.
pub(super) const IDLE_MS: u64 = 3_000;

/// Bytes of a vector that pass in a millisecond: a slow line, on which a large model is noticed.
const BYTES_A_MS: u64 = 40;

/// Longest time that one vector takes.
const TRANSIT_MS_MAX: u64 = 800;

impl<S: Keyed> World<'_, S> {
    /// A client tries to connect.
    pub(super) fn dial(&mut self, index: usize, life: u32) {
        let branch = &self.branches[index];
        if !branch.process.up || branch.process.life != life || branch.link.is_some() || branch.process.leaving {
            return;
        }
        let (up, down) = self.weather.blocked[index];
        if up > self.now || down > self.now || !self.centre.process.up {
            self.redial(index);
            return;
        }
        self.links_made += 1;
        let id = self.links_made;
        self.links.insert(id, Link::new(index, self.vector_limits()));
        self.branches[index].link = Some(id);
        let at = self.now + self.latency(index);
        self.queue.push(at, Event::Knock(id));
    }

    /// A later attempt, each pause twice as long as the one before.
    pub(super) fn redial(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        let at = self.now + branch.pause_ms;
        branch.pause_ms = (branch.pause_ms * 2).min(PAUSE_MS.1);
        let life = branch.process.life;
        self.queue.push(at, Event::Dial(index, life));
    }

    /// An attempt reaches the coordinator's door, which lets one connection of each client in, and the first stays.
    pub(super) fn knock(&mut self, id: u64) {
        let Some(link) = self.links.get(&id).filter(|link| !link.broken) else { return };
        let (index, client) = (link.client, client_of(link.client));
        if !self.centre.process.up {
            return self.break_link(id);
        }
        let at = self.now + self.latency(index);
        self.queue.push(at, Event::Connected(id));
        if let Some(link) = self.links.get_mut(&id) {
            link.down.last_arrival = at;
        }
        if self.centre.seats.contains_key(&client) {
            self.trace.note(self.now, Who::Branch(index), "is connected already", String::new);
            let explanation = "connected already".into();
            let (code, proof) = (RejectCode::AlreadyConnected, None);
            self.send_down(id, Body::Down(RunId::NONE, Downstream::Rejected { code, explanation, proof }));
            return self.close_by_centre(id);
        }
        if let Some(link) = self.links.get_mut(&id) {
            link.centre = true;
        }
        self.centre.seats.insert(client, id);
        self.centre.arrivals.push_back(id);
        self.centre.inbox.push_back(Heard::Connected(client));
        self.run_centre();
    }

    /// A client's attempt has succeeded.
    pub(super) fn connected(&mut self, id: u64) {
        let Some(link) = self.links.get(&id).filter(|link| link.branch) else { return };
        let index = link.client;
        if self.branches[index].link == Some(id) {
            self.branches[index].pause_ms = PAUSE_MS.0;
            self.branches[index].inbox.push_back(HeardThere::Connected);
            self.run_branch(index);
        }
    }

    /// Sends one frame to a client.
    pub(super) fn send_down(&mut self, id: u64, body: Body) {
        let Some(client) = self.links.get(&id).map(|link| link.client) else { return };
        let soonest = self.now + self.latency(client);
        let Some(link) = self.links.get_mut(&id).filter(|link| link.down.open) else { return };
        let transit = transit(&body);
        let packet = link.down.pack(body);
        link.down.packets.push_back(packet);
        link.down.last_arrival = link.down.last_arrival.max(soonest) + transit;
        self.queue.push(link.down.last_arrival, Event::Down(id));
    }

    /// Sends one frame to the coordinator.
    pub(super) fn send_up(&mut self, index: usize, body: Body) {
        let Some(id) = self.branches[index].speaks() else { return };
        let soonest = self.now + self.latency(index);
        let Some(link) = self.links.get_mut(&id).filter(|link| link.up.open) else { return };
        let transit = transit(&body);
        let packet = link.up.pack(body);
        link.up.packets.push_back(packet);
        link.up.last_arrival = link.up.last_arrival.max(soonest) + transit;
        self.queue.push(link.up.last_arrival, Event::Up(id));
    }

    /// A packet reaches the coordinator.
    pub(super) fn arrive_up(&mut self, id: u64) {
        let Some(bodies) = self.receive_packet(id, Way::Up) else { return };
        if let Some(link) = self.links.get_mut(&id) {
            link.waiting.extend(bodies);
        }
        self.read_messages(id);
        self.run_centre();
    }

    /// Takes the next packet from a lane, unless nothing passes just now: order is kept, however long it takes. Nothing where its receiver
    /// is gone, or cannot understand it.
    fn receive_packet(&mut self, id: u64, way: Way) -> Option<Vec<Body>> {
        let link = self.links.get_mut(&id)?;
        let (up, down) = self.weather.blocked[link.client];
        let (until, stands, lane, again) = match way {
            Way::Up => (up, link.centre, &mut link.up, Event::Up(id)),
            Way::Down => (down, link.branch, &mut link.down, Event::Down(id)),
        };
        if until > self.now {
            lane.last_arrival = lane.last_arrival.max(until);
            self.queue.push(until, again);
            return None;
        }
        if !stands {
            lane.packets.pop_front();
            return None;
        }
        lane.receive(way).map_err(|fault| self.unreadable(id, &fault)).ok()
    }

    /// The coordinator's end of a connection takes what has arrived, as far as the machine's verdicts allow.
    pub(super) fn read_messages(&mut self, id: u64) {
        while let Some(link) = self.links.get_mut(&id).filter(|link| link.centre) {
            if matches!(link.reading, Reading::AwaitVerdict(_)) {
                return;
            }
            let Some(body) = link.waiting.pop_front() else { return };
            let client = client_of(link.client);
            let who = Who::Branch(link.client);
            match (std::mem::replace(&mut link.reading, Reading::Messages), body) {
                (Reading::Messages, Body::Up(run, message)) => {
                    let announces = matches!(message, Upstream::Masked(_));
                    let deceiver = self.deceiver.as_mut().filter(|_| !self.healed);
                    if let Some(letters) = deceiver.and_then(|deceiver| deceiver.overhear(run, client, &message)) {
                        if announces {
                            link.reading = Reading::Discarded;
                        }
                        self.post(run, letters);
                        continue;
                    }
                    if announces {
                        link.reading = Reading::AwaitVerdict(run);
                    }
                    self.trace.note(self.now, who, "> coordinator: ", || name_up(&message).into());
                    self.centre.inbox.push_back(Heard::Run(run, Input::Message(client, message)));
                }
                (Reading::Admitted(run, ticket), Body::Vector(bytes)) => self.receive(run, ticket, bytes),
                (Reading::Discarded, Body::Vector(bytes)) => {
                    let deceiver = self.deceiver.as_mut().filter(|_| !self.healed);
                    if let Some((run, deceiver)) = deceiver.and_then(|deceiver| Some((deceiver.robs()?, deceiver))) {
                        let letters = deceiver.overhear_vector(client, &bytes);
                        self.post(run, letters);
                    }
                }
                (Reading::Admitted(run, ticket), _) => {
                    let failed = Input::UploadFailed { round: ticket.round(), client };
                    self.centre.inbox.push_back(Heard::Run(run, failed));
                    return self.unreadable(id, "a message came where a vector was announced");
                }
                (_, _) => return self.unreadable(id, "a vector came that no header announced"),
            }
        }
    }

    /// A lying coordinator answers past its machine, and tries what it has learnt.
    fn post(&mut self, run: RunId, letters: Letters) {
        for (client, message) in letters {
            if let Some(id) = self.centre.links.get(&client).copied() {
                self.send_down(id, Body::Down(run, message));
            }
        }
        if let Some(round) = self.deceiver.as_ref().and_then(Deceiver::opened) {
            self.judge
                .object("a sum over two models stays noise", format!("round {round} was opened past the machine"));
        }
    }

    /// A packet reaches its client.
    pub(super) fn arrive_down(&mut self, id: u64) {
        let Some(index) = self.links.get(&id).map(|link| link.client) else { return };
        let Some(bodies) = self.receive_packet(id, Way::Down) else { return };
        for body in bodies {
            let Some(link) = self.links.get_mut(&id) else { return };
            let (run, input) = match (body, link.start.take()) {
                (Body::Down(run, Downstream::Start(start)), None) => {
                    link.start = Some((run, start));
                    continue;
                }
                (Body::Down(run, message), None) => {
                    self.trace.note(self.now, Who::Branch(index), "< coordinator: ", || name_down(&message).into());
                    (run, ParticipantInput::Message(message))
                }
                (Body::Vector(model), Some((run, start))) => {
                    self.trace.note(self.now, Who::Branch(index), "< coordinator: ", || "Start and its model".into());
                    let digest = self.digest_in(run, &model);
                    (run, self.branches[index].started(start, (model, digest)))
                }
                _ => return self.unreadable(id, "a model without a start, or a start without a model"),
            };
            self.branches[index].inbox.push_back(HeardThere::Run(run, input));
        }
        self.run_branch(index);
    }

    /// An end reads what it cannot understand, and closes.
    fn unreadable(&mut self, id: u64, fault: &str) {
        self.trace.note(self.now, Who::World, "unreadable: ", || fault.to_string());
        self.break_link(id);
    }

    /// The connection ends at any byte; each end notices by itself, behind what still arrives.
    pub(super) fn break_link(&mut self, id: u64) {
        let (centre, branch) = (self.dice.between(0, IDLE_MS), self.dice.between(0, IDLE_MS));
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.broken) else { return };
        link.cut(&mut self.dice);
        let centre = link.up.last_arrival.max(self.now) + centre;
        let branch = link.down.last_arrival.max(self.now) + branch;
        self.queue.push(centre, Event::LostByCentre(id));
        self.queue.push(branch, Event::LostByBranch(id));
    }

    /// As [`World::break_link`], but everything that was sent up arrives and nothing that goes down.
    pub(super) fn break_behind_requests(&mut self, id: u64) {
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.broken) else { return };
        link.broken = true;
        link.up.open = false;
        link.down.cut_at(0);
        let centre = link.up.last_arrival.max(self.now) + 1;
        self.queue.push(centre, Event::LostByCentre(id));
        let branch = self.now + self.dice.between(1, 2 * IDLE_MS);
        self.queue.push(branch, Event::LostByBranch(id));
    }

    /// The coordinator closes in order: what it sent arrives, nothing more is read.
    pub(super) fn close_by_centre(&mut self, id: u64) {
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.broken) else { return };
        link.broken = true;
        link.down.open = false;
        link.up.open = false;
        let at = link.down.last_arrival.max(self.now) + 1;
        self.queue.push(at, Event::LostByBranch(id));
        self.queue.push(at, Event::LostByCentre(id));
    }

    /// A client closes in order: what it sent arrives, nothing more is read.
    pub(super) fn close_by_branch(&mut self, index: usize) {
        let Some(id) = self.branches[index].link.take() else { return };
        let Some(link) = self.links.get_mut(&id) else { return };
        link.branch = false;
        link.up.open = false;
        if !link.broken {
            link.broken = true;
            let at = link.up.last_arrival.max(self.now) + 1;
            self.queue.push(at, Event::LostByCentre(id));
        }
    }

    /// The coordinator learns that a connection is over: an announced vector will not come.
    pub(super) fn lost_by_centre(&mut self, id: u64) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let client = client_of(link.client);
        let was = std::mem::replace(&mut link.centre, false);
        let reading = std::mem::replace(&mut link.reading, Reading::Messages);
        if !link.branch {
            self.links.remove(&id);
        }
        if !was {
            return;
        }
        self.trace.note(self.now, Who::Centre, "loses ", || format!("client {client}"));
        if let Reading::Admitted(run, ticket) = reading {
            self.centre.inbox.push_back(Heard::Run(run, Input::UploadFailed { round: ticket.round(), client }));
        }
        if self.centre.seats.get(&client) == Some(&id) {
            self.centre.seats.remove(&client);
        }
        self.centre.inbox.push_back(Heard::Disconnected(client));
        self.run_centre();
    }

    /// A client learns that its connection is over, and tries again later.
    pub(super) fn lost_by_branch(&mut self, id: u64) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let index = link.client;
        link.branch = false;
        if !link.centre {
            self.links.remove(&id);
        }
        if self.branches[index].link != Some(id) {
            return;
        }
        self.trace.note(self.now, Who::Branch(index), "loses the coordinator", String::new);
        self.branches[index].lose();
        self.run_branch(index);
        self.redial(index);
    }

    /// How long a frame takes between a client and the coordinator now.
    fn latency(&mut self, index: usize) -> u64 {
        let factor = if self.weather.until > self.now { self.weather.factor } else { 1 };
        (self.branches[index].distance_ms + self.dice.below(8)) * factor
    }
}

/// How long a vector keeps a connection busy: whatever other runs say is sent after it. Large cohorts have small models.
fn transit(body: &Body) -> u64 {
    match body {
        Body::Vector(bytes) => (bytes.len() as u64 / BYTES_A_MS).min(TRANSIT_MS_MAX),
        Body::Up(..) | Body::Down(..) => 0,
    }
}
