//! Certifying: a quorum of survivors signs one survivor set: nobody unmasks under two.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::unmasking::Unmasking;
use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::list::List;
use crate::message::{ClosedReason, Downstream, QuorumCertificate};
use crate::round::agreement::survivors_ack_message;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

pub(super) struct Certifying {
    pub(super) round: RoundId,
    pub(super) descriptor: Digest,
    /// Digest of survivors and uploads.
    pub(super) digest: Digest,
    /// Ascending.
    pub(super) survivors: Vec<ClientId>,
    pub(super) certified_by: Millis,
    /// When the whole round must have ended.
    pub(super) deadline: Millis,
    pub(super) signatures: BTreeMap<ClientId, Signature>,
}

impl Certifying {
    pub(super) fn missing(&self) -> Vec<ClientId> {
        self.survivors.iter().copied().filter(|client| !self.signatures.contains_key(client)).collect()
    }

    pub(super) fn wait(&self) -> Wait {
        Wait {
            reason: alloc::format!(
                "round {}: acknowledgements of the survivor set, {} of {} so far",
                self.round,
                self.signatures.len(),
                self.survivors.len()
            ),
            deadline: Some(self.certified_by),
            next: "abort the round, and begin the next one without those that did not answer",
        }
    }
}

impl<S: Suite> Coordinator<S> {
    /// R4: with the quorum's last signature the certificate goes out (R5).
    pub(super) fn on_survivors_ack(
        &mut self,
        now: Millis,
        from: ClientId,
        round: RoundId,
        signature: Signature,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let entry = self.settings.roster.roster.entry(from);
        let (Phase::Certifying(certifying), Some(session)) = (&mut self.phase, self.sessions.front()) else { return };
        if round != certifying.round {
            return;
        }
        let message = survivors_ack_message::<S>(&certifying.descriptor, &certifying.digest);
        let valid = certifying.survivors.binary_search(&from).is_ok()
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &message, &signature));
        if !valid || certifying.signatures.contains_key(&from) {
            return self.misbehaved(now, from, outbox);
        }
        if session.topology.certifies(from) {
            certifying.signatures.insert(from, signature);
        }
        if certifying.signatures.len() >= usize::from(session.view.thresholds.quorum) {
            self.certify(outbox);
        }
    }

    fn certify(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let Phase::Certifying(certifying) = core::mem::replace(&mut self.phase, Phase::Gathering) else { return };
        let Some(session) = self.sessions.front() else { return };
        let Certifying { round, descriptor, survivors, deadline, signatures, .. } = certifying;
        let unmasking = Unmasking::new(session, round, descriptor, survivors, deadline);
        let signatures: List<(ClientId, Signature)> = signatures.into_iter().collect();
        self.commit(CoordinatorEvent::QuorumReached { round, signatures: signatures.to_vec() }, outbox);
        let here = unmasking.survivors.iter().copied().filter(|client| self.links.contains_key(client)).collect();
        outbox.push(CoordinatorEffect::Broadcast(here, Downstream::Quorum(QuorumCertificate { round, signatures })));
        self.phase = Phase::Unmasking(unmasking);
        self.unmasking_checked(outbox);
    }

    /// Aborts when a quorum cannot be reached any more.
    pub(super) fn certifying_checked(&mut self, outbox: &mut Outbox<CoordinatorEffect>) {
        let (Phase::Certifying(certifying), Some(session)) = (&self.phase, self.sessions.front()) else { return };
        let may_sign = |client: &&ClientId| {
            session.topology.certifies(**client)
                && (certifying.signatures.contains_key(client) || self.links.contains_key(client))
        };
        if certifying.survivors.iter().filter(may_sign).count() < usize::from(session.view.thresholds.quorum) {
            self.abort(ClosedReason::TooFew, outbox);
        }
    }
}
