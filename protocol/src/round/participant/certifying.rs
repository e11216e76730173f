//! Certifying: one survivor set is acknowledged, and shares are revealed for that set and no other.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::keying::Session;
use super::{Participant, Phase};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{QuorumCertificate, RefusalCode, Survivors, Upstream};
use crate::round::agreement::survivors_ack_message;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::suite::{FieldElement, Suite};
use crate::time::Millis;

/// The masked vector is out; the survivor set is awaited.
pub(super) struct Uploaded<S: Suite> {
    round: RoundId,
    descriptor: Digest,
    deadline: Millis,
    vector: Digest,
    held: BTreeMap<ClientId, S::Scalar>,
}

/// One survivor set is acknowledged; its certificate is awaited.
pub(super) struct Acknowledged<S: Suite> {
    uploaded: Uploaded<S>,
    survivors: Vec<ClientId>,
    digest: Digest,
}

impl<S: Suite> Uploaded<S> {
    pub(super) fn new(
        round: RoundId,
        descriptor: Digest,
        deadline: Millis,
        vector: Digest,
        held: BTreeMap<ClientId, S::Scalar>,
    ) -> Self {
        Self { round, descriptor, deadline, vector, held }
    }

    pub(super) fn round(&self) -> RoundId {
        self.round
    }

    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }

    /// SA-1, R3: the set is large enough, names members only, each once, and this member with its own upload.
    fn admits(&self, session: &Session<S>, client: ClientId, survivors: &Survivors) -> bool {
        let names = survivors.uploads.iter().map(|(member, _)| member);
        survivors.round == self.round
            && survivors.uploads.len() >= session.view().thresholds.survivors_min as usize
            && names.clone().is_sorted_by(|a, b| a < b)
            && names.clone().all(|member| session.cohort().binary_search(member).is_ok())
            && survivors.uploads.contains(&(client, self.vector))
    }
}

impl<S: Suite> Acknowledged<S> {
    pub(super) fn round(&self) -> RoundId {
        self.uploaded.round
    }

    pub(super) fn deadline(&self) -> Millis {
        self.uploaded.deadline
    }
}

impl<S: Suite> Participant<S> {
    /// R3 to R4.
    pub(super) fn on_survivors(&mut self, survivors: &Survivors, outbox: &mut Outbox<ParticipantEffect>) {
        let (Some(client), Phase::Uploaded(session, uploaded)) = (self.client, &self.phase) else {
            // A second survivor set for a round is an attack or a fault; either way nothing is revealed.
            return self.give_up(RefusalCode::Unexpected, outbox);
        };
        if !uploaded.admits(session, client, survivors) {
            return self.give_up(RefusalCode::SurvivorsInvalid, outbox);
        }
        let Some(plan) = self.offered.as_ref().map(|admitted| admitted.plan.digest()) else { return };
        let Phase::Uploaded(session, uploaded) = core::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let digest = survivors.digest();
        let round = uploaded.round;
        let signature = self.sign(&survivors_ack_message(&uploaded.descriptor, &digest));
        self.commit(ParticipantEvent::SurvivorsAcknowledged { plan, round, survivors: digest }, outbox);
        outbox.push(ParticipantEffect::Sync);
        outbox.push(ParticipantEffect::Send(Upstream::SurvivorsAck { round, signature }));
        let survivors = survivors.uploads.iter().map(|(member, _)| *member).collect();
        self.phase = Phase::Acknowledged(session, Acknowledged { uploaded, survivors, digest });
    }

    /// R5 to R6: a quorum signed the set that this member acknowledged; its shares leave, and the round's secrets are gone.
    pub(super) fn on_quorum(&mut self, certificate: &QuorumCertificate, outbox: &mut Outbox<ParticipantEffect>) {
        let Phase::Acknowledged(session, acknowledged) = &self.phase else {
            return self.give_up(RefusalCode::Unexpected, outbox);
        };
        if certificate.round != acknowledged.round() {
            return self.give_up(RefusalCode::Unexpected, outbox);
        }
        let message = survivors_ack_message(&acknowledged.uploaded.descriptor, &acknowledged.digest);
        let signers = certificate.signatures.iter().map(|(signer, _)| signer);
        let quorum = session.view().thresholds.quorum as usize;
        let valid = certificate.signatures.len() >= quorum
            && signers.clone().is_sorted_by(|a, b| a < b)
            && signers.clone().all(|signer| acknowledged.survivors.binary_search(signer).is_ok())
            && self.all_signed(&message, certificate.signatures.iter().map(|(signer, signature)| (*signer, signature)));
        if !valid {
            return self.give_up(RefusalCode::SignatureInvalid, outbox);
        }
        let Phase::Acknowledged(session, acknowledged) = core::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let Acknowledged { uploaded, survivors, digest } = acknowledged;
        let round = uploaded.round;
        let shares: Option<Vec<[u8; 32]>> =
            survivors.iter().map(|survivor| Some(uploaded.held.get(survivor)?.to_bytes())).collect();
        self.phase = Phase::Ready(session);
        let Some(shares) = shares else { return self.give_up(RefusalCode::SurvivorsInvalid, outbox) };
        self.commit(ParticipantEvent::SharesRevealed { round, survivors: digest }, outbox);
        outbox.push(ParticipantEffect::Sync);
        outbox.push(ParticipantEffect::Send(Upstream::Unmask { round, shares }));
    }
}
