//! Gathering: waiting for enough clients that admitted the plan, then opening a session with them.

use super::keying::Keying;
use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::COMPLETE_GRAPH_MAX;
use crate::message::{Downstream, Offer, SignedBody};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

pub(super) struct Gathering {
    /// Until when to hope for the whole roster; `None` while the daemon stops.
    pub(super) deadline: Option<Millis>,
}

impl<S: Suite> Coordinator<S> {
    pub(super) fn gathering_wait(&self, gathering: &Gathering) -> Wait {
        let ready = self.ready_clients().len();
        let enrolled = self.settings.roster.roster.entries().len();
        let least = self.settings.plan.cohort.cohort_min;
        if self.can_be_cohort(&self.ready_clients()) {
            Wait {
                reason: alloc::format!("the rest of {enrolled} enrolled clients; {ready} are ready"),
                deadline: gathering.deadline,
                next: "open a session with those that are ready",
            }
        } else {
            Wait {
                reason: alloc::format!("at least {least} clients that admit the plan; {ready} of {enrolled} are ready"),
                deadline: None,
                next: "open a session when enough are ready",
            }
        }
    }

    pub(super) fn on_accept(
        &mut self,
        now: Millis,
        from: ClientId,
        plan: Digest,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        if plan == self.settings.plan.digest() {
            self.set_accepted(from, true);
        } else {
            self.misbehaved(now, from, outbox);
        }
    }

    /// Opens a session if the machine gathers and its time has come. Called after every input, because any of them may have brought the
    /// last client or freed the way.
    pub(super) fn open_session_if_due(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let Phase::Gathering(Gathering { deadline: Some(deadline) }) = &self.phase else { return };
        let deadline = *deadline;
        if self.record.charged >= self.settings.plan.rounds_charged_max {
            self.finish(outbox);
            return;
        }
        let mut candidates = self.ready_clients();
        let everybody = candidates.len() == self.settings.roster.roster.entries().len();
        candidates.truncate(COMPLETE_GRAPH_MAX);
        let enough = self.can_be_cohort(&candidates);
        if !enough || (!everybody && now < deadline) {
            return;
        }
        let session = SessionId(entropy.bytes32());
        self.commit(CoordinatorEvent::SessionOpened { session, candidates: candidates.clone() }, outbox);
        let plan = &self.settings.plan;
        let left = plan.rounds_charged_max.saturating_sub(self.record.charged);
        let mut offer = Offer {
            plan: plan.digest(),
            roster: self.settings.roster.roster.digest(),
            session,
            first_round: RoundId(self.record.last_round.saturating_add(1)),
            rounds: plan.session_rounds.min(left),
            candidates: candidates.clone(),
            deadline_ms: plan.keying_deadline_ms,
            signature: Signature(alloc::vec::Vec::new()),
        };
        offer.signature = S::sign(&self.settings.signing_key, &offer.to_sign());
        for client in candidates {
            outbox.push(CoordinatorEffect::Send(client, Downstream::Offer(offer.clone())));
        }
        self.phase = Phase::Keying(Keying::new(offer, now));
    }

    /// Whether a session with exactly these clients would have thresholds.
    fn can_be_cohort(&self, clients: &[ClientId]) -> bool {
        let members = self.settings.roster.roster.organisations(clients);
        members.is_some_and(|members| self.settings.plan.cohort.thresholds(&members).is_ok())
    }

    /// Ends the plan, complete or not.
    pub(super) fn finish(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let model = self.record.model.expect("an open plan has a model");
        let rounds = self.record.committed;
        let complete = rounds >= self.settings.plan.rounds;
        self.commit(CoordinatorEvent::PlanFinished { model, rounds, complete }, outbox);
        outbox.push(CoordinatorEffect::Sync);
        for client in self.ready_clients() {
            outbox.push(CoordinatorEffect::Send(client, Downstream::Finished { model, rounds }));
        }
        self.phase = Phase::Finished;
        outbox.push(CoordinatorEffect::Finished { complete });
    }
}
