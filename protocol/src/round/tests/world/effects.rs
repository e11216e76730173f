//! What a shell does, in the test world: every effect of either machine is executed here, at once and in order.

use alloc::format;
use alloc::vec::Vec;

use super::{Packet, World, words};
use crate::codec;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::ClientId;
use crate::message::{ClosedReason, Upstream};
use crate::plan::Withdrawal;
use crate::round::cast;
use crate::round::record::reliance::{early_at_coordinator, early_at_participant, early_of_heads};
use crate::round::{Coordinator, CoordinatorEffect, Input, Outbox, ParticipantEffect, ParticipantInput};
use crate::secagg::masked_sum::{MaskedSum, mask};
use crate::secagg::modular::RingWords;
use crate::secagg::permit::Ticket;
use crate::secagg::toy::Toy;

impl World {
    pub(in crate::round::tests) fn tell(&mut self, input: Input) {
        let mut outbox = Outbox::new();
        self.coordinator.handle(self.now, &mut self.entropy, input, &mut outbox);
        let wait = self.coordinator.wait();
        assert_eq!(self.coordinator.deadline(), wait.deadline);
        self.note(format!("{wait:?}").as_bytes());
        self.execute(outbox);
    }

    pub(in crate::round::tests) fn tell_branch(&mut self, client: ClientId, input: ParticipantInput) {
        let mut outbox = Outbox::new();
        let branch = self.branches.get_mut(&client).unwrap();
        branch.machine.handle(self.now, &mut self.entropy, input, &mut outbox);
        let wait = branch.machine.wait();
        self.note(format!("{wait:?}").as_bytes());
        self.execute_branch(client, outbox);
    }

    /// The owner of this client's data takes a grant back.
    pub(in crate::round::tests) fn withdraw(&mut self, client: ClientId, withdrawal: Withdrawal) {
        let mut outbox = Outbox::new();
        let branch = self.branches.get_mut(&client).unwrap();
        branch.machine.withdraw(self.now, &mut self.entropy, withdrawal, &mut outbox);
        self.execute_branch(client, outbox);
    }

    fn execute_branch(&mut self, client: ClientId, mut outbox: Outbox<ParticipantEffect>) {
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            self.note(words::of_participant(&effect).as_bytes());
            let branch = self.branches.get_mut(&client).unwrap();
            let early = early_at_participant(&effect, &branch.events[branch.synced..]);
            assert_eq!(early, None, "client {client} relies on what is not on its disk");
            match effect {
                ParticipantEffect::Append(event) => {
                    let bytes = codec::encode(&event);
                    branch.events.push(event);
                    self.note(&bytes);
                }
                ParticipantEffect::Sync => branch.synced = branch.events.len(),
                ParticipantEffect::Send(message) => {
                    if let (Upstream::Refuse { code, .. }, true) = (&message, branch.events.is_empty()) {
                        branch.unrecorded.push(*code);
                    }
                    if branch.connected {
                        self.packets.push_back(Packet::Up(client, message));
                    }
                }
                ParticipantEffect::JudgeRun(run) => {
                    answers.push(ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) });
                }
                ParticipantEffect::Contribute(contribution) => {
                    let round = contribution.descriptor.round;
                    let mut values: Vec<i64> = (0..contribution.descriptor.dimension)
                        .map(|_| i64::from(self.entropy.bytes32()[0]) - 128)
                        .collect();
                    values[0] = 1 << (client.0 % 50);
                    if branch.late {
                        values.fill(0);
                    }
                    let words = RingWords::reduce(contribution.descriptor.ring, &values);
                    self.plain.insert((round, client), values);
                    let update = mask::<Toy>(words, contribution.receipt, contribution.seeds);
                    let vector = update.digest();
                    branch.vector = Some(update);
                    answers.push(match branch.late {
                        true => ParticipantInput::NoiseMasked { round, vector },
                        false => ParticipantInput::Masked { round, vector },
                    });
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
                ParticipantEffect::Distrust { what } => branch.distrusted.push(what),
                ParticipantEffect::Stop { explanation, .. } => branch.stopped = Some(explanation.into()),
                ParticipantEffect::Finished { rounds } => branch.finished = Some(rounds),
                ParticipantEffect::RosterAccepted { epoch, missing, changes } => {
                    branch.rosters.push((epoch, missing, changes));
                }
                ParticipantEffect::Keyed { .. }
                | ParticipantEffect::NoiseAlone(_)
                | ParticipantEffect::HeadAdopted { .. }
                | ParticipantEffect::Muster(_)
                | ParticipantEffect::BudgetAnnounced { .. } => {}
                ParticipantEffect::RoundClosed { .. } => branch.heard_ends += 1,
            }
        }
        let branch = self.branches.get_mut(&client).unwrap();
        for event in &branch.events[branch.replayed_events..] {
            branch.replayed.check(event).expect("the file is consistent");
            branch.replayed.apply(event);
        }
        branch.replayed_events = branch.events.len();
        assert_eq!(&branch.replayed, branch.machine.record(), "replay gives the state");
        if self.silent_workers {
            answers.clear();
        }
        for answer in answers {
            self.tell_branch(client, answer);
        }
    }

    pub(super) fn execute(&mut self, mut outbox: Outbox<CoordinatorEffect>) {
        let mut answers = Vec::new();
        while let Some(effect) = outbox.pop() {
            self.note(words::of_coordinator(&effect).as_bytes());
            let early = early_at_coordinator(&effect, &self.events[self.synced..]);
            assert_eq!(early, None, "the coordinator relies on what is not on its disk");
            let early = early_of_heads(&effect, &self.kept[self.kept_synced.min(self.kept.len())..]);
            assert_eq!(early, None, "the coordinator tells of heads that are not on its disk");
            match effect {
                CoordinatorEffect::Append(event) => {
                    self.note(&codec::encode(&event));
                    self.events.push(event);
                }
                CoordinatorEffect::Keep(kept) => {
                    self.note(&codec::encode(&kept));
                    self.kept.push(kept);
                }
                CoordinatorEffect::Sync => (self.synced, self.kept_synced) = (self.events.len(), self.kept.len()),
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
                    let Ok(sum) = self.sum.take().unwrap().unmask::<Toy>(permit) else {
                        self.spoilt.push(round);
                        answers.push(Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed });
                        continue;
                    };
                    let mut expected = alloc::vec![0_i64; sum.values().len()];
                    for survivor in survivors {
                        let plain = &self.plain[&(round, survivor)];
                        expected.iter_mut().zip(plain).for_each(|(sum, value)| *sum += value);
                    }
                    self.sums.push((round, sum.values().to_vec(), expected));
                    let record = self.coordinator.record();
                    let trains =
                        record.round.as_ref().is_some_and(|open| kind_of(&self.coordinator, open.stage) == cast::KIND);
                    let model = if trains { Some(Digest::of(&round.0.to_le_bytes())) } else { record.model };
                    let model = model.expect("an open plan has a model");
                    answers.push(Input::Updated { round, sum: Digest::of(b"sum"), model });
                }
                CoordinatorEffect::Conclude(stage) => {
                    // What a stage that trains hands on is chosen of its models; every other one hands on what it was given.
                    let trains = kind_of(&self.coordinator, stage) == cast::KIND;
                    let model = self.coordinator.record().model.filter(|_| !trains);
                    answers.push(Input::Concluded { stage, model: model.unwrap_or(Digest::of(b"released")) });
                }
                CoordinatorEffect::Enrol(roster) => self.enrolled = Some(roster.roster.head()),
                CoordinatorEffect::Close(client) => {
                    // What was sent before still arrives.
                    self.packets.retain(|packet| !matches!(packet, Packet::Up(other, _) if *other == client));
                }
                CoordinatorEffect::OrderRefused { fault, .. } => self.order_faults.push(fault),
                CoordinatorEffect::Finished { complete } => self.finished = Some(complete),
            }
        }
        for event in &self.events[self.replayed_events..] {
            self.replayed.check(event).expect("the ledger is consistent");
            self.replayed.apply(event);
        }
        self.replayed_events = self.events.len();
        assert_eq!(&self.replayed, self.coordinator.record(), "replay gives the state");
        if self.silent_workers {
            answers.clear();
        }
        for answer in answers {
            self.tell(answer);
        }
    }

    fn receive(&mut self, ticket: Ticket) -> Input {
        let (round, client) = (ticket.round(), ticket.client());
        // A vector that did not come after all is not the announced one either.
        let update = self.uploads.remove(&client).and_then(|update| ticket.verify(update.into_bytes()).ok());
        let Some(upload) = update else { return Input::UploadFailed { round, client } };
        self.arrived.insert(client, upload);
        Input::Arrived { round, client }
    }
}

/// The kind of a stage.
fn kind_of(coordinator: &Coordinator<Toy>, stage: u16) -> &str {
    coordinator.run().plan().plan().stage(stage).map_or("", |stage| stage.kind.as_str())
}
