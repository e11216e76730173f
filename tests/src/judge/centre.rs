//! What the coordinator's honest machine must never do, whatever clients, network and disk do.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::RoundOutcome;
use tributary_protocol::round::{CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::permit::UnmaskPermit;
use tributary_protocol::secagg::suite::Suite;

use super::{Judge, Made};

impl Judge {
    /// The coordinator starts with what its ledger held.
    pub(crate) fn centre_recovers(&mut self, events: &[CoordinatorEvent]) {
        match RunRecord::replay(events) {
            Ok(record) => (self.written, self.fresh) = (record, true),
            Err(fault) => self.object("the ledger's events follow from one another", fault),
        }
    }

    /// The coordinator writes into its ledger; not yet durable.
    pub(crate) fn centre_appends<S: Suite>(&mut self, event: &CoordinatorEvent) {
        if let Err(fault) = self.written.check(event) {
            return self.object("the ledger's events follow from one another", fault);
        }
        match self.written.claims::<S>(event) {
            Ok(claims) if claims.iter().all(|claim| claim.holds::<S>()) => {}
            Ok(_) => return self.object("a ledger rests on signatures that hold", format!("{event:?}")),
            Err(fault) => return self.object("a ledger rests on signatures that hold", fault),
        }
        self.written.apply(event);
        self.fresh = true;
        match event {
            CoordinatorEvent::RosterAdopted { roster, .. } if !self.rosters.contains(&roster.roster) => {
                self.object("a ledger's rosters are the authorities' own", format!("epoch {}", roster.roster.epoch()));
            }
            CoordinatorEvent::ClientEvicted { client, reason } if !self.is_cheat(*client) && self.honest_centre => {
                self.object("an honest client is never blamed", format!("client {client} is evicted: {reason}"));
            }
            _ => {}
        }
    }

    /// The coordinator's machine has nothing more to say: its state is what its ledger comes to.
    pub(crate) fn centre_rests(&mut self, record: &RunRecord) {
        if std::mem::take(&mut self.fresh) && *record != self.written {
            self.object("replaying the file gives the state", "coordinator");
        }
    }

    /// An event is on the coordinator's disk for certain.
    pub(crate) fn centre_durable(&mut self, event: &CoordinatorEvent) {
        if self.forgetful {
            return;
        }
        match event {
            CoordinatorEvent::RoundCommitted { round, model, .. } => {
                let parent = self.durable.model;
                let made = self.made.get(round).filter(|made| made.model == *model && Some(made.parent) == parent);
                if made.is_none() {
                    self.object("committed states form one chain", format!("round {round}"));
                }
                self.committed.insert((*round, *model));
            }
            CoordinatorEvent::StageConcluded { stage, model } if self.handed_on.get(stage) != Some(model) => {
                self.object("a stage hands on what was made of its states", format!("stage {stage}"));
            }
            CoordinatorEvent::RoundAborted { .. } => self.aborted += 1,
            _ => {}
        }
        self.durable.apply(event);
    }

    /// The machine lets an upload in.
    pub(crate) fn admits(&mut self, round: RoundId, client: ClientId) {
        if self.forgetful {
            return;
        }
        let collects = self.written.round.as_ref().is_some_and(|open| open.round == round);
        if !collects || self.written.survivors.is_some() {
            self.object(
                "what arrives after the survivor set was fixed is not read",
                format!("client {client}, round {round}"),
            );
        }
        if !self.admitted.insert((round, client)) {
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
    pub(crate) fn folded(&mut self, round: RoundId, spoilt: bool) {
        if spoilt {
            self.spoilt.insert(round);
        }
    }

    /// The machine lets a sum be opened.
    pub(crate) fn unmasks(&mut self, permit: &UnmaskPermit) {
        if self.forgetful {
            return;
        }
        let round = permit.round();
        if !self.unmasked.insert(round) {
            self.object("a round is unmasked at most once", format!("round {round}"));
        }
        let open = self.written.round.as_ref().is_some_and(|open| open.round == round);
        let survivors = permit.survivors().iter().eq(self.written.admitted.keys());
        if !open || !self.written.certified || !survivors {
            self.object("a sum is opened after a quorum, for exactly its survivors", format!("round {round}"));
        }
    }

    /// The cohort whose keys the open round uses, as the coordinator keyed it.
    pub(crate) fn keyed_cohort(&self) -> &[ClientId] {
        self.written.sessions.first().map_or(&[], |session| &session.cohort)
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
    pub(crate) fn spoilt(&mut self, round: RoundId, fault: &dyn std::fmt::Display) {
        if !self.spoilt.contains(&round) {
            self.object("only a client that lies about its own upload spoils a sum", format!("round {round}: {fault}"));
        }
    }

    /// A stage is over.
    pub(crate) fn handed_on(&mut self, stage: u16, model: Digest) {
        if !self.forgetful {
            self.handed_on.insert(stage, model);
        }
    }

    /// The sum became a public state.
    pub(crate) fn made(&mut self, round: RoundId, parent: Digest, model: Digest) {
        if self.forgetful {
            return;
        }
        self.made.insert(round, Made { parent, model });
    }

    /// A client hears how a round ended: only what is durable may be told.
    pub(super) fn outcome_heard(&mut self, index: usize, outcome: &RoundOutcome) {
        let RoundOutcome::Committed { round, model, .. } = outcome else { return };
        if self.honest_centre && !self.committed.contains(&(*round, *model)) {
            self.object(
                "a committed round is durable before it is told",
                format!("client {}, round {round}", index + 1),
            );
        }
    }
}
