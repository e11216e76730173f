//! Collecting: a round is open and uploads are folded as they arrive.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::certifying::Certifying;
use super::keying::Session;
use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{ClosedReason, Downstream, MaskedHeader, SignedBody, Start, Survivors};
use crate::round::descriptor::RoundDescriptor;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::permit::Ticket;
use crate::secagg::suite::Suite;
use crate::time::Millis;

pub(super) struct Collecting {
    pub(super) round: RoundId,
    pub(super) descriptor: Digest,
    pub(super) dimension: usize,
    /// When the whole round must have ended.
    pub(super) deadline: Millis,
    /// Announced by a ticket, folded or not.
    ticketed: BTreeMap<ClientId, Digest>,
    folded: BTreeSet<ClientId>,
}

impl Collecting {
    pub(super) fn missing<S: Suite>(&self, session: &Session<S>) -> Vec<ClientId> {
        session.members.keys().copied().filter(|client| !self.folded.contains(client)).collect()
    }

    pub(super) fn wait<S: Suite>(&self, session: &Session<S>) -> Wait {
        let missing = self.missing(session);
        Wait {
            reason: alloc::format!(
                "round {}: masked updates of {} of {} participants, first {}",
                self.round,
                missing.len(),
                session.members.len(),
                missing.first().map_or(0, |client| client.0)
            ),
            deadline: Some(self.deadline),
            next: "abort the round and key a session without those that did not answer",
        }
    }
}

impl<S: Suite> Coordinator<S> {
    /// R1: opens the next round of a session, or the next session, or ends the plan.
    pub(super) fn start_round(&mut self, now: Millis, session: Session<S>, outbox: &mut Outbox<CoordinatorEffect>) {
        let plan = &self.settings.plan;
        let round = RoundId(self.record.last_round.saturating_add(1));
        let over = self.record.committed >= plan.rounds;
        let spent = self.record.charged >= plan.rounds_charged_max;
        let lost = session.members.keys().find(|client| !self.links.get(client).is_some_and(|link| link.accepted));
        if over || spent || lost.is_some() || !session.covers(round) {
            let reason = match lost {
                _ if spent && !over => ClosedReason::ChargesExhausted,
                Some(client) if !over => ClosedReason::ParticipantLost(*client),
                _ => ClosedReason::Exhausted,
            };
            return self.close_session(now, &session, reason, over || spent, outbox);
        }
        let model = self.record.model.expect("an open plan has a model");
        let descriptor = RoundDescriptor::derive(plan, &session.view, round, model);
        let signature = S::sign(&self.settings.signing_key, &descriptor.to_sign());
        let dimension = plan.dimension();
        let ring = plan.ring;
        let deadline = now.plus(descriptor.deadline_ms);
        let digest = descriptor.digest();
        self.commit(CoordinatorEvent::RoundStarted { descriptor: descriptor.clone() }, outbox);
        outbox.push(CoordinatorEffect::Sync);
        outbox.push(CoordinatorEffect::OpenSum { round, ring, dimension });
        outbox.push(CoordinatorEffect::SendStart(session.cohort(), Start { descriptor, signature }));
        let collecting = Collecting {
            round,
            descriptor: digest,
            dimension,
            deadline,
            ticketed: BTreeMap::new(),
            folded: BTreeSet::new(),
        };
        self.phase = Phase::Collecting(session, collecting);
    }

    fn close_session(
        &mut self,
        now: Millis,
        session: &Session<S>,
        reason: ClosedReason,
        over: bool,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let id = session.view.session;
        self.commit(CoordinatorEvent::SessionClosed { session: id, reason }, outbox);
        for client in session.cohort() {
            outbox.push(CoordinatorEffect::Send(client, Downstream::SessionClosed { session: id, reason }));
        }
        if over {
            self.finish(outbox);
        } else {
            self.phase = Phase::Gathering(super::Gathering { deadline: Some(now) });
        }
    }

    /// R2, announced: the vector may be read if its sender may still contribute to this round.
    pub(super) fn on_masked(
        &mut self,
        now: Millis,
        from: ClientId,
        header: &MaskedHeader,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Collecting(session, collecting) = &mut self.phase else {
            return outbox.push(CoordinatorEffect::Discard(from));
        };
        if header.round != collecting.round || !session.has(from) {
            return outbox.push(CoordinatorEffect::Discard(from));
        }
        let entry = self.settings.roster.roster.entry(from);
        let valid = header.descriptor == collecting.descriptor
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &header.to_sign(), &header.signature))
            && collecting.ticketed.insert(from, header.vector).is_none();
        if valid {
            outbox.push(CoordinatorEffect::Admit(Ticket::new(
                collecting.round,
                from,
                collecting.dimension,
                header.vector,
            )));
        } else {
            outbox.push(CoordinatorEffect::Discard(from));
            self.misbehaved(now, from, outbox);
        }
    }

    /// R2, arrived: when the last one is in the sum, the survivor set is fixed.
    pub(super) fn on_folded(&mut self, round: RoundId, client: ClientId, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(_, collecting) = &mut self.phase else { return };
        let Some(vector) = collecting.ticketed.get(&client).copied() else { return };
        if round != collecting.round || !collecting.folded.insert(client) {
            return;
        }
        self.commit(CoordinatorEvent::UpdateAdmitted { round, client, vector }, outbox);
        let Phase::Collecting(session, collecting) = &self.phase else { return };
        if collecting.folded.len() == session.members.len() {
            self.freeze_survivors(outbox);
        }
    }

    /// R3: proposes the survivor set, once and for all.
    fn freeze_survivors(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Collecting(session, collecting) = core::mem::replace(&mut self.phase, Phase::Finished) else {
            return;
        };
        let uploads: Vec<(ClientId, Digest)> =
            self.record.admitted.iter().map(|(client, digest)| (*client, *digest)).collect();
        let survivors = Survivors { round: collecting.round, uploads };
        let digest = survivors.digest();
        let names: Vec<ClientId> = survivors.uploads.iter().map(|(client, _)| *client).collect();
        let event = CoordinatorEvent::SurvivorsFrozen { round: collecting.round, survivors: names.clone(), digest };
        self.commit(event, outbox);
        outbox.push(CoordinatorEffect::Sync);
        for client in &names {
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Survivors(survivors.clone())));
        }
        let certifying = Certifying::new(collecting.round, collecting.descriptor, digest, names, collecting.deadline);
        self.phase = Phase::Certifying(session, certifying);
    }
}
