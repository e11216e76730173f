//! The coordinator's sums: vectors arrive, are added up, opened, and become the next public state.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::message::ClosedReason;
use tributary_protocol::round::Input;
use tributary_protocol::secagg::permit::{Ticket, UnmaskPermit};

use super::World;
use super::centre::{Heard, RunAtCentre};
use crate::cast::Keyed;
use crate::link::{Link, Reading};
use crate::meaning::Opened;

impl<S: Keyed> World<'_, S> {
    /// The machine has judged a header: its connection may read on.
    pub(super) fn verdict(&mut self, run: RunId, client: ClientId, reading: Reading) {
        let Some(id) = self.centre.links.get(&client).copied() else { return };
        let awaits = |link: &&mut Link| matches!(link.reading, Reading::AwaitVerdict(of) if of == run);
        if let Some(link) = self.links.get_mut(&id).filter(awaits) {
            link.reading = reading;
            self.read_messages(id);
        }
    }

    /// Nobody judges a header: what it announces is read over.
    pub(super) fn pass_over(&mut self, client: ClientId) {
        let link = self.centre.links.get(&client).and_then(|id| self.links.get(id));
        if let Some(Reading::AwaitVerdict(run)) = link.map(|link| &link.reading) {
            self.verdict(*run, client, Reading::Discarded);
        }
    }

    /// An announced vector has arrived.
    pub(super) fn receive(&mut self, run: RunId, ticket: Ticket, bytes: Vec<u8>) {
        let (round, client, announced) = (ticket.round(), ticket.client(), ticket.digest());
        let digest = Digest::of_vector(&bytes);
        let input = match ticket.verify(bytes) {
            Ok(upload) => {
                self.judge.received(round, client, digest == announced);
                let spoilt = self.spoilt.contains(&digest);
                if let Some(own) = self.centre.runs.get_mut(&run) {
                    own.arrived.insert(client, (upload, spoilt));
                }
                Input::Arrived { round, client }
            }
            Err(_) => Input::UploadFailed { round, client },
        };
        self.centre.inbox.push_back(Heard::Run(run, input));
    }

    /// The machine wants what has arrived in the sum.
    pub(super) fn fold(&mut self, run: RunId, round: RoundId, client: ClientId) {
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        let Some((upload, spoilt)) = own.arrived.remove(&client) else {
            return self.judge.object("what is folded has arrived", format!("client {client}, round {round}"));
        };
        match own.sum.as_mut().map(|sum| sum.fold(upload)) {
            Some(Ok(_)) => self.judge.folded(run, round, spoilt),
            Some(Err(fault)) => self.judge.object("what is folded belongs to the round", fault),
            None => {
                self.judge.object("what is folded belongs to an open sum", format!("client {client}, round {round}"))
            }
        }
    }

    /// Opens the sum and makes the next public state of it, durable before the machine hears of it.
    pub(super) fn unmask(&mut self, run: RunId, permit: UnmaskPermit) {
        let round = permit.round();
        self.judge.unmasks(run, &permit);
        let survivors = permit.survivors().to_vec();
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        let opened = own.sum.take().map(|sum| sum.unmask::<S>(permit));
        let input = match opened {
            Some(Ok(sum)) => {
                let Some((parent, stage)) = open_round(own) else {
                    return self.judge.object("a sum is opened of an open round", format!("round {round}"));
                };
                let (Some(terms), Some(state)) = (own.run.stage(stage), self.centre.models.get(&parent)) else {
                    return self.judge.object("a round is of the plan, from a known state", format!("round {round}"));
                };
                let values = sum.values();
                let meaning = &self.cast.plans[own.plan].meaning;
                let given: &[u8] = if terms.model_bytes > 0 { state } else { &[] };
                let vectors = survivors.iter().map(|one| meaning.contribute(terms, one.0 as usize - 1, given));
                self.judge.opened(round, vectors, &values);
                let next = meaning.advance(terms, state, Opened { round, sum: &values, survivors: survivors.len() });
                let model = meaning.digest(&next);
                self.centre.models.insert(model, next);
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.judge.made(run, round, parent, model);
                Input::Updated { round, sum: Digest::of(&bytes), model }
            }
            Some(Err(fault)) => {
                self.judge.spoilt(run, round, &fault);
                Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed }
            }
            None => Input::UpdateFailed { round, reason: ClosedReason::ChecksFailed },
        };
        self.centre.inbox.push_front(Heard::Run(run, input));
    }

    /// What a stage hands on, durable before the machine hears of it.
    pub(super) fn conclude(&mut self, run: RunId, stage: u16) {
        let Some(own) = self.centre.runs.get(&run) else { return };
        let state = own.machine.as_ref().and_then(|machine| machine.record().model);
        let state = state.and_then(|model| self.centre.models.get(&model));
        let (Some(terms), Some(state)) = (own.run.stage(stage), state) else {
            return self.judge.object("a stage is of the plan, and has a state", format!("stage {stage}"));
        };
        let meaning = &self.cast.plans[own.plan].meaning;
        let next = meaning.conclude(terms, state);
        let model = meaning.digest(&next);
        self.centre.models.insert(model, next);
        self.judge.handed_on(run, stage, model);
        self.centre.inbox.push_front(Heard::Run(run, Input::Concluded { stage, model }));
    }
}

/// The public state and the stage of a run's open round.
fn open_round<S: Keyed>(own: &RunAtCentre<S>) -> Option<(Digest, u16)> {
    let open = own.machine.as_ref()?.record().round.as_ref()?;
    Some((open.model, open.stage))
}
