//! What the coordinator's honest machine must never do, whatever clients, network and disk do.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::message::RoundOutcome;
use tributary_protocol::round::{CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::permit::UnmaskPermit;
use tributary_protocol::secagg::suite::Suite;

use super::{Judge, Made};

impl Judge {
    /// The coordinator starts with what its ledger held.
    pub(crate) fn centre_recovers(&mut self, run: RunId, events: &[CoordinatorEvent]) {
        match RunRecord::replay(events) {
            Ok(record) => {
                let ledger = self.ledger(run);
                (ledger.written, ledger.fresh) = (record, true);
                ledger.stops.replay(events);
            }
            Err(fault) => self.object("the ledger's events follow from one another", fault),
        }
    }

    /// The coordinator writes into its ledger; not yet durable.
    pub(crate) fn centre_appends<S: Suite>(&mut self, run: RunId, event: &CoordinatorEvent) {
        let ledger = self.ledger(run);
        if let Err(fault) = ledger.written.check(event) {
            return self.object("the ledger's events follow from one another", fault);
        }
        match ledger.written.claims::<S>(event) {
            Ok(claims) if claims.iter().all(|claim| claim.holds::<S>()) => {}
            Ok(_) => return self.object("a ledger rests on signatures that hold", format!("{event:?}")),
            Err(fault) => return self.object("a ledger rests on signatures that hold", fault),
        }
        let ledger = self.ledger(run);
        let first = ledger.written.last_round == 0;
        ledger.written.apply(event);
        ledger.stops.note(event);
        ledger.fresh = true;
        match event {
            CoordinatorEvent::RosterAdopted { roster, .. } if !self.rosters.contains(&roster.roster) => {
                self.object("a ledger's rosters are the authorities' own", format!("epoch {}", roster.roster.epoch()));
            }
            CoordinatorEvent::SessionOpened { candidates, .. } => {
                self.begins::<S>(run, event);
                self.gathers(run, candidates, first);
            }
            CoordinatorEvent::RoundStarted { .. } => self.begins::<S>(run, event),
            CoordinatorEvent::RunFinished { .. } if self.quiet => self.late_ones_joined(run),
            CoordinatorEvent::ClientEvicted { client, reason } if !self.is_cheat(*client) && self.honest_centre => {
                self.object("an honest client is never blamed", format!("client {client} is evicted: {reason}"));
            }
            _ => {}
        }
    }

    /// The coordinator's machine has nothing more to say: its state is what its ledger comes to.
    pub(crate) fn centre_rests(&mut self, run: RunId, record: &RunRecord) {
        let ledger = self.ledger(run);
        if std::mem::take(&mut ledger.fresh) && *record != ledger.written {
            self.object("replaying the file gives the state", "coordinator");
        }
    }

    /// An event is on the coordinator's disk for certain.
    pub(crate) fn centre_durable(&mut self, run: RunId, event: &CoordinatorEvent) {
        if self.ledger(run).forgetful {
            return;
        }
        match event {
            CoordinatorEvent::RoundCommitted { round, model, .. } => {
                let ledger = self.ledger(run);
                let parent = ledger.durable.model;
                let made = ledger.made.get(round).filter(|made| made.model == *model && Some(made.parent) == parent);
                if made.is_none() {
                    self.object("committed states form one chain", format!("round {round}"));
                }
                self.ledger(run).committed.insert((*round, *model));
            }
            CoordinatorEvent::StageConcluded { stage, model }
                if self.ledger(run).handed_on.get(stage) != Some(model) =>
            {
                self.object("a stage hands on what was made of its states", format!("stage {stage}"));
            }
            CoordinatorEvent::RoundAborted { .. } => self.aborted += 1,
            _ => {}
        }
        match event {
            CoordinatorEvent::RunFinished { .. } => self.progress.ends(run),
            CoordinatorEvent::RoundCommitted { .. }
            | CoordinatorEvent::StageConcluded { .. }
            | CoordinatorEvent::OrderTaken { .. }
            | CoordinatorEvent::ApprovalsShown { .. }
            | CoordinatorEvent::RosterAdopted { .. } => self.progress.comes_forward(run, self.now),
            _ => {}
        }
        self.ledger(run).durable.apply(event);
    }

    /// The machine lets an upload in.
    pub(crate) fn admits(&mut self, run: RunId, round: RoundId, client: ClientId) {
        if self.ledger(run).forgetful {
            return;
        }
        let ledger = self.ledger(run);
        let collects = ledger.written.round.as_ref().is_some_and(|open| open.round == round);
        if !collects || ledger.written.survivors.is_some() {
            self.object(
                "what arrives after the survivor set was fixed is not read",
                format!("client {client}, round {round}"),
            );
        }
        if !self.ledger(run).admitted.insert((round, client)) {
            self.object("one update for each client and round", format!("client {client}, round {round}"));
        }
    }

    /// An upload has arrived, and the machine will hear that it is in order.
    pub(crate) fn received(&mut self, round: RoundId, client: ClientId, as_announced: bool) {
        if !as_announced {
            self.object("an upload is what its sender signed", format!("client {client}, round {round}"));
        }
    }

    /// An upload is in the sum.
    pub(crate) fn folded(&mut self, run: RunId, round: RoundId, spoilt: bool) {
        if spoilt {
            self.ledger(run).spoilt.insert(round);
        }
    }

    /// The machine lets a sum be opened.
    pub(crate) fn unmasks(&mut self, run: RunId, permit: &UnmaskPermit) {
        if self.ledger(run).forgetful {
            return;
        }
        let round = permit.round();
        if !self.ledger(run).unmasked.insert(round) {
            self.object("a round is unmasked at most once", format!("round {round}"));
        }
        let written = &self.ledger(run).written;
        let open = written.round.as_ref().is_some_and(|open| open.round == round);
        let survivors = permit.survivors().iter().eq(written.admitted.keys());
        if !open || !written.certified || !survivors {
            self.object("a sum is opened after a quorum, for exactly its survivors", format!("round {round}"));
        }
    }

    /// The cohort whose keys the open round uses, as the coordinator keyed it.
    pub(crate) fn keyed_cohort(&self, run: RunId) -> &[ClientId] {
        let session = self.ledgers.get(&run).and_then(|ledger| ledger.written.sessions.first());
        session.map_or(&[], |session| &session.cohort)
    }

    /// A sum was opened: it is that of the vectors that its survivors made, as anybody makes them again.
    pub(crate) fn opened(&mut self, round: RoundId, vectors: impl Iterator<Item = Vec<i64>>, values: &[i64]) {
        let mut expected = vec![0; values.len()];
        for vector in vectors {
            expected.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        if let Some(index) = (0..values.len()).find(|index| values[*index] != expected[*index]) {
            let text = format!("round {round}: coordinate {index} is {} instead of {}", values[index], expected[index]);
            self.object("an opened sum is exactly the sum of its survivors", text);
        }
    }

    /// A sum could not be opened, although its survivors and seeds were in order.
    pub(crate) fn spoilt(&mut self, run: RunId, round: RoundId, fault: &dyn std::fmt::Display) {
        if !self.ledger(run).spoilt.contains(&round) {
            self.object("only a client that lies about its own upload spoils a sum", format!("round {round}: {fault}"));
        }
    }

    /// A stage is over.
    pub(crate) fn handed_on(&mut self, run: RunId, stage: u16, model: Digest) {
        let ledger = self.ledger(run);
        if !ledger.forgetful {
            ledger.handed_on.insert(stage, model);
        }
    }

    /// The sum became a public state.
    pub(crate) fn made(&mut self, run: RunId, round: RoundId, parent: Digest, model: Digest) {
        if self.ledger(run).forgetful {
            return;
        }
        self.ledger(run).made.insert(round, Made { parent, model });
    }

    /// A client hears how a round ended: only what is durable may be told.
    pub(super) fn outcome_heard(&mut self, index: usize, run: RunId, outcome: &RoundOutcome) {
        let RoundOutcome::Committed { round, model, .. } = outcome else { return };
        if self.honest_centre && !self.ledger(run).committed.contains(&(*round, *model)) {
            self.object(
                "a committed round is durable before it is told",
                format!("client {}, round {round}", index + 1),
            );
        }
    }
}
