//! Scheduling: after every input, whatever is due begins: a round, a set-up beside it, or the end of a stage or of the run.
//!
//! A set-up begins when there is no session, when the session in use cannot carry a round any more, or, in the background, when half of its
//! rounds are used; so that no round waits for one. A client that comes late, or back without its keys, takes part from the next session.

use alloc::vec::Vec;

use super::collecting::Collecting;
use super::keying::Keying;
use super::material::Session;
use super::{Coordinator, Phase};
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::COHORT_MAX;
use crate::message::{ClosedReason, Downstream, Offer, SignedBody, Start};
use crate::round::descriptor::{RoundDescriptor, RoundHead};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::round::record::Next;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

impl<S: Suite> Coordinator<S> {
    /// Called after every input, because any of them may have brought the last client or freed the way.
    pub(super) fn schedule(&mut self, now: Millis, entropy: &mut dyn Entropy, outbox: &mut Outbox<CoordinatorEffect>) {
        self.gather_until = self.gather_until.filter(|until| now < *until);
        self.rekey_after = self.rekey_after.filter(|until| now < *until);
        if matches!(self.phase, Phase::Gathering) {
            if self.record.is_aborted() {
                return self.finish(outbox);
            }
            match self.record.next() {
                Some(Next::Conclude(stage)) => return self.conclude(stage, outbox),
                Some(Next::Finish) => {
                    self.finish(outbox);
                    return self.invite(now, outbox);
                }
                Some(Next::Round(_)) | None => {}
            }
            self.adopt_roster_if_due(now, outbox);
            self.end_entries(now, outbox);
            self.choose_session(outbox);
        }
        // Of every roster, and at every moment: roles end.
        self.held = self.held_back(now);
        if self.held.is_some() {
            return;
        }
        if !matches!(self.phase, Phase::Stopped) {
            self.invite(now, outbox);
        }
        if matches!(self.phase, Phase::Gathering) {
            self.start_round_if_due(now, outbox);
        }
        if !matches!(self.phase, Phase::Concluding(_) | Phase::Stopped | Phase::Finished) {
            self.open_keying_if_due(now, entropy, outbox);
        }
    }

    /// Closes the session in use when it is used up, or when the next one can be used by more of its members.
    fn choose_session(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        while let Some(current) = self.sessions.front() {
            let used_up = current.next_round(self.record.last_round).is_none();
            if !used_up && !self.sessions.get(1).is_some_and(|next| self.gives_way(current, next)) {
                return;
            }
            let reason = if used_up { ClosedReason::Exhausted } else { ClosedReason::Superseded };
            self.close_current(reason, outbox);
        }
    }

    /// Whether the session in use is worth less than the one after it. One that too few of its members came back to must not stand in the
    /// way for ever: neither of a next session that can carry a round, nor of a new one for those who are here.
    fn gives_way(&self, current: &Session, next: &Session) -> bool {
        let (here, there) = (self.present(current).len(), self.present(next).len());
        let least = |session: &Session| usize::from(session.view.thresholds.survivors_min);
        let patient = self.gather_until.is_some() || self.rekey_after.is_some();
        let stuck = here < least(current);
        let instead = || there >= least(next) || self.may_be_cohort(&self.ready_clients());
        there > here || (stuck && (there == here || (!patient && instead())))
    }

    /// R1, if enough members of the session in use are here. After a start the missing ones get time to come back.
    fn start_round_if_due(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(current) = self.sessions.front() else { return };
        let Some(round) = current.next_round(self.record.last_round) else { return };
        let present = self.present(current);
        let whole = present.len() == current.cohort().len();
        let enough = present.len() >= usize::from(current.view.thresholds.survivors_min);
        if whole || (enough && self.gather_until.is_none()) {
            self.start_round(now, round, present, outbox);
        }
    }

    fn start_round(
        &mut self,
        now: Millis,
        round: RoundId,
        present: Vec<ClientId>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Some(current) = self.sessions.front() else { return };
        let (Some(Next::Round(stage)), Some(model)) = (self.record.next(), self.record.model) else { return };
        let head = RoundHead { round, stage, model };
        let Some(descriptor) = RoundDescriptor::derive(&self.settings.run, &current.view, head) else { return };
        let signature = S::sign(&self.settings.signing_key, &descriptor.to_sign::<S>());
        let (ring, dimension) = (descriptor.ring, descriptor.dimension as usize);
        let awaited = present.iter().copied().filter(|client| !self.is_straggling(*client)).collect();
        let collecting = Collecting::new(now, &descriptor, awaited);
        self.commit(CoordinatorEvent::RoundStarted { descriptor: descriptor.clone() }, outbox);
        self.sync(outbox);
        outbox.push(CoordinatorEffect::OpenSum { round, ring, dimension });
        outbox.push(CoordinatorEffect::SendStart(present, Start { descriptor, signature }));
        self.phase = Phase::Collecting(collecting);
        self.gather_until = None;
    }

    fn is_straggling(&self, client: ClientId) -> bool {
        self.links.get(&client).is_some_and(|link| link.straggling)
    }

    /// B0, if a set-up is needed and those that it wants are here.
    fn open_keying_if_due(&mut self, now: Millis, entropy: &mut dyn Entropy, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.keying.is_some() || !self.needs_session(now) {
            return;
        }
        let patient = self.gather_until.is_some() || self.rekey_after.is_some();
        let ready: Vec<ClientId> =
            self.ready_clients().into_iter().filter(|client| self.is_eligible(*client, now)).collect();
        let willing = |client: &ClientId| self.links.get(client).is_some_and(|link| !link.left_out);
        let mut candidates: Vec<ClientId> = ready.iter().copied().filter(willing).collect();
        if !patient && !self.may_begin(&candidates) {
            // Those that were left out are better than no session at all, once nobody else is awaited.
            candidates = ready;
        }
        let everybody = candidates.len() >= self.eligible_clients(now).len();
        candidates.truncate(COHORT_MAX);
        if (everybody || !patient) && self.may_begin(&candidates) {
            self.links.values_mut().for_each(|link| link.left_out = false);
            self.open_keying(now, entropy, candidates, outbox);
        }
    }

    /// Whether these clients satisfy the plan's rule.
    pub(super) fn may_be_cohort(&self, clients: &[ClientId]) -> bool {
        let organisations = self.settings.roster.roster.organisations(clients);
        let group = self.group_size(clients.len());
        organisations.is_some_and(|members| self.settings.run.cohort.thresholds(&members, group).is_ok())
    }

    /// Whether a session may open with these clients: they satisfy the plan's rule, and before the run's first round as many as it wants to be ready.
    pub(super) fn may_begin(&self, clients: &[ClientId]) -> bool {
        clients.len() >= self.ready_min() && self.may_be_cohort(clients)
    }

    /// How many members must have joined before a session opens; 0 once the run has had a round.
    pub(super) fn ready_min(&self) -> usize {
        let ready_min = if self.record.last_round == 0 { self.settings.run.readiness.ready_min } else { 0 };
        usize::try_from(ready_min).unwrap_or(usize::MAX)
    }

    fn needs_session(&self, now: Millis) -> bool {
        let mut sessions = self.sessions.iter();
        let (current, next) = (sessions.next(), sessions.next());
        let Some(current) = current else { return true };
        if next.is_some() {
            return false;
        }
        let left = current.end().saturating_sub(self.record.last_round.saturating_add(1));
        let under_way = u32::from(self.record.round.is_some());
        let wanted = self.record.rounds_left().saturating_sub(under_way);
        let half_used = 2 * left <= u64::from(current.material.offer.rounds) && left < u64::from(wanted);
        let stranded = matches!(self.phase, Phase::Gathering)
            && (self.gather_until.is_none() || self.ready_clients().len() >= self.eligible_clients(now).len())
            && self.present(current).len() < usize::from(current.view.thresholds.survivors_min);
        half_used || stranded
    }

    fn open_keying(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        candidates: Vec<ClientId>,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let session = SessionId(entropy.bytes32());
        self.commit(CoordinatorEvent::SessionOpened { session, candidates: candidates.clone() }, outbox);
        let run = &self.settings.run;
        let left = run.rounds_charged_max().saturating_sub(self.record.charged_all()).max(1);
        // Rounds only go forward: the keys are for the rounds after those of the session in use.
        let next = self.sessions.back().map_or(0, Session::end);
        let mut offer = Offer {
            run: run.id(),
            roster: self.settings.roster.roster.digest(),
            session,
            first_round: RoundId(next.max(self.record.last_round.saturating_add(1))),
            rounds: run.session_rounds.min(left),
            candidates: candidates.clone().into(),
            deadline_ms: run.keying_deadline_ms,
            signature: Signature::none(),
        };
        offer.signature = S::sign(&self.settings.signing_key, &offer.to_sign::<S>());
        outbox.push(CoordinatorEffect::Broadcast(candidates, Downstream::Offer(offer.clone())));
        self.keying = Some(Keying::new(offer, now));
    }

    /// Ends the run, complete or not.
    fn finish(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let Some(model) = self.record.end() else { return };
        let (rounds, complete) = (self.record.committed_all(), self.record.is_complete());
        let reason = match (self.record.is_aborted(), complete) {
            (true, _) => ClosedReason::Ordered,
            (false, true) => ClosedReason::Exhausted,
            (false, false) => ClosedReason::ChargesExhausted,
        };
        while !self.sessions.is_empty() {
            self.close_current(reason, outbox);
        }
        if let Some(keying) = self.keying.take() {
            let session = keying.session();
            self.commit(CoordinatorEvent::SessionClosed { session, reason }, outbox);
        }
        self.commit(CoordinatorEvent::RunFinished { model, rounds, complete }, outbox);
        self.sync(outbox);
        self.phase = Phase::Finished;
        outbox.push(CoordinatorEffect::Finished { complete });
        // Whoever is not here hears of it when it asks.
        for (client, link) in core::mem::take(&mut self.links) {
            self.dismiss(client, (link.accepted, link.nonce), outbox);
        }
    }
}
