//! Certifying: a quorum of survivors signs one survivor set, so that nobody unmasks under two.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::unmasking::Unmasking;
use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Downstream, QuorumCertificate};
use crate::round::agreement::survivors_ack_message;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

pub(super) struct Certifying {
    round: RoundId,
    descriptor: Digest,
    digest: Digest,
    survivors: Vec<ClientId>,
    deadline: Millis,
    signatures: BTreeMap<ClientId, Signature>,
}

impl Certifying {
    pub(super) fn new(
        round: RoundId,
        descriptor: Digest,
        digest: Digest,
        survivors: Vec<ClientId>,
        deadline: Millis,
    ) -> Self {
        Self { round, descriptor, digest, survivors, deadline, signatures: BTreeMap::new() }
    }

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
            deadline: Some(self.deadline),
            next: "abort the round and key a session without those that did not answer",
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
        let Phase::Certifying(session, certifying) = &mut self.phase else { return };
        if round != certifying.round {
            return;
        }
        let entry = self.settings.roster.roster.entry(from);
        let message = survivors_ack_message(&certifying.descriptor, &certifying.digest);
        let valid = certifying.survivors.contains(&from)
            && entry.is_some_and(|entry| S::verify(&entry.signing_key, &message, &signature));
        if !valid || certifying.signatures.insert(from, signature).is_some() {
            return self.misbehaved(now, from, outbox);
        }
        if certifying.signatures.len() < session.view.thresholds.quorum as usize {
            return;
        }
        let Phase::Certifying(session, certifying) = core::mem::replace(&mut self.phase, Phase::Finished) else {
            return;
        };
        let signatures: Vec<(ClientId, Signature)> = certifying.signatures.into_iter().collect();
        self.commit(CoordinatorEvent::QuorumReached { round, signatures: signatures.clone() }, outbox);
        for client in &certifying.survivors {
            let certificate = QuorumCertificate { round, signatures: signatures.clone() };
            outbox.push(CoordinatorEffect::Send(*client, Downstream::Quorum(certificate)));
        }
        let unmasking = Unmasking::new(round, certifying.descriptor, certifying.survivors, certifying.deadline);
        self.phase = Phase::Unmasking(session, unmasking);
    }
}
