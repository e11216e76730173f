//! What the coordinator's honest machine must never do, whatever clients, network and disk do.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::RoundOutcome;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::permit::UnmaskPermit;

use super::{Judge, Made};

impl Judge {
    /// The coordinator writes into its ledger; not yet durable.
    pub(crate) fn centre_appends(&mut self, event: &CoordinatorEvent) {
        if self.forgetful {
            return;
        }
        match event {
            CoordinatorEvent::SurvivorsFrozen { round, .. } => {
                self.frozen.insert(*round);
            }
            CoordinatorEvent::SessionKeyed { session, cohort, .. } => {
                self.cohorts.insert(*session, cohort.clone());
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                self.sessions.insert(descriptor.round, descriptor.session);
            }
            CoordinatorEvent::ClientEvicted { client, reason } if !self.is_cheat(*client) && self.honest_centre => {
                self.object("an honest client is never blamed", format!("client {client} is evicted: {reason}"));
            }
            _ => {}
        }
    }

    /// An event is on the coordinator's disk for certain.
    pub(crate) fn centre_durable(&mut self, event: &CoordinatorEvent) {
        if self.forgetful {
            return;
        }
        if let Err(fault) = self.durable.check(event) {
            self.object("the ledger's events follow from one another", fault);
            return;
        }
        match event {
            CoordinatorEvent::RoundCommitted { round, model, .. } => {
                let chained = self
                    .made
                    .get(round)
                    .is_some_and(|made| made.model == *model && Some(made.parent) == self.durable.model);
                self.committed.insert(*round, *model);
                if !chained {
                    self.object("committed models form one chain", format!("round {round}"));
                }
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
        if self.frozen.contains(&round) {
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
        let cohort = self.keyed_cohort(round);
        let survivors = permit.survivors().len();
        let least = self.thresholds(&cohort).map_or(usize::MAX, |own| own.survivors_min.into());
        if survivors < least {
            self.object(
                "a sum has enough survivors",
                format!("round {round}: {survivors} of {}, at least {least} are needed", cohort.len()),
            );
        }
    }

    /// The cohort whose keys a round uses, as the coordinator keyed it.
    pub(crate) fn keyed_cohort(&self, round: RoundId) -> Vec<ClientId> {
        self.sessions.get(&round).and_then(|session| self.cohorts.get(session)).cloned().unwrap_or_default()
    }

    /// A sum was opened: client i put 1 at index i, so that the sum says who is in it, and how often.
    pub(crate) fn opened(&mut self, round: RoundId, survivors: &[ClientId], values: &[i64]) {
        let mut expected = vec![0; values.len()];
        for survivor in survivors {
            expected[survivor.0 as usize - 1] = 1;
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

    /// The sum became a model.
    pub(crate) fn made(&mut self, round: RoundId, parent: Digest, model: Digest) {
        if self.forgetful {
            return;
        }
        self.made.insert(round, Made { parent, model });
    }

    /// A client hears how a round ended: only what is durable may be told.
    pub(super) fn outcome_heard(&mut self, index: usize, outcome: &RoundOutcome) {
        let RoundOutcome::Committed { round, model, .. } = outcome else { return };
        if self.honest_centre && self.committed.get(round) != Some(model) {
            self.object(
                "a committed round is durable before it is told",
                format!("client {}, round {round}", index + 1),
            );
        }
    }
}
