//! Certifying: one survivor set is acknowledged, and shares are revealed for that set and no other.

use alloc::vec::Vec;

use super::round::{OpenRound, Stage};
use super::session::Session;
use super::{Phase, Turn};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{QuorumCertificate, RefusalCode, Survivors, Upstream};
use crate::plan::{Run, RunRef};
use crate::round::agreement::survivors_ack_message;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::parameters::SurvivorsRefused;
use crate::secagg::suite::Suite;

impl<S: Suite> Turn<'_, S> {
    /// R3 to R4.
    pub(super) fn on_survivors(&mut self, survivors: &Survivors, outbox: &mut Outbox<ParticipantEffect>) {
        // What belongs to a round that is over here was on its way when it ended.
        let Some(open) = self.open().filter(|open| open.round == survivors.round) else { return };
        let again = match &open.stage {
            Stage::Training { .. } | Stage::Masked { .. } => return self.refuse(RefusalCode::Unexpected, outbox),
            Stage::Uploaded { .. } => false,
            Stage::Acknowledged { .. } => true,
        };
        if again && stands(Defence::OneSurvivorSet) {
            // A second survivor set for a round is an attack or a fault; either way nothing is revealed.
            return self.refuse(RefusalCode::Unexpected, outbox);
        }
        let (round, descriptor) = (open.round, open.descriptor);
        let Some((run, vector)) = self.judge_survivors(open, survivors) else {
            return self.refuse(RefusalCode::SurvivorsInvalid, outbox);
        };
        let digest = S::digest(survivors.canonical());
        let signature = self.sign(&survivors_ack_message::<S>(&descriptor, &digest));
        self.commit(ParticipantEvent::SurvivorsAcknowledged { run, round, survivors: digest }, outbox);
        outbox.push(ParticipantEffect::Sync);
        outbox.push(ParticipantEffect::Send(Upstream::SurvivorsAck { round, signature }));
        let survivors = survivors.uploads.iter().map(|(member, _)| *member).collect();
        self.set_stage(Stage::Acknowledged { vector, survivors, digest });
    }

    /// Step R3: the set is large enough, names members only, each once, and this member with its own upload, and every secret that it
    /// asks this member to help open has enough holders in it. Gives the plan's digest and the own upload's.
    fn judge_survivors(&self, open: &OpenRound<S>, survivors: &Survivors) -> Option<(RunRef, Digest)> {
        let (client, admitted) = self.admitted()?;
        let session = self.own.sessions.iter().find(|session| session.id() == open.session)?;
        let (Stage::Uploaded { vector } | Stage::Acknowledged { vector, .. }) = &open.stage else { return None };
        let names: Vec<ClientId> = survivors.uploads.iter().map(|(member, _)| *member).collect();
        let indices = session.topology.indices(names.iter().copied());
        let members = session.topology.organisations();
        let verdict = self.branch.policy.cohort.admits_survivors(members, &session.view.thresholds, &indices);
        let allowed = match verdict {
            Ok(()) => true,
            Err(SurvivorsRefused::TooFewOrganisations { .. }) => !stands(Defence::OrganisationRule),
            Err(_) => !stands(Defence::SurvivorsMin),
        };
        let admitted_set = names.is_sorted_by(|a, b| a < b)
            && indices.len() == names.len()
            && survivors.uploads.contains(&(client, *vector))
            && allowed
            && (session.can_be_opened(client, &names) || !stands(Defence::SurvivorsMin));
        admitted_set.then(|| (admitted.run.reference(), *vector))
    }

    /// R5 to R6: a quorum signed the set that this member acknowledged; its shares leave, and the round's secrets are gone.
    pub(super) fn on_quorum(&mut self, certificate: &QuorumCertificate, outbox: &mut Outbox<ParticipantEffect>) {
        let Some(open) = self.open().filter(|open| open.round == certificate.round) else { return };
        let Some(session) = self.own.sessions.iter().find(|session| session.id() == open.session) else {
            return self.refuse(RefusalCode::Unexpected, outbox);
        };
        let Stage::Acknowledged { survivors, digest, .. } = &open.stage else {
            return self.refuse(RefusalCode::Unexpected, outbox);
        };
        if stands(Defence::QuorumCertificate) && !self.certified(open, session, (survivors, digest), certificate) {
            return self.refuse(RefusalCode::SignatureInvalid, outbox);
        }
        let Phase::Ready(round) = &mut self.own.phase else { return };
        let Some(OpenRound { round, session, held, stage: Stage::Acknowledged { survivors, digest, .. }, .. }) =
            round.take()
        else {
            return;
        };
        let (Some(client), Some(run)) = (self.branch.client, self.own.run().map(Run::reference)) else { return };
        let Some(session) = self.own.sessions.iter().find(|open| open.id() == session) else { return };
        let dealers = session.topology.dealers(client);
        let shares = held.reveal(dealers, |dealer| survivors.binary_search(&dealer).is_ok());
        self.commit(ParticipantEvent::SharesRevealed { run, round, survivors: digest }, outbox);
        outbox.push(ParticipantEffect::Sync);
        outbox.push(ParticipantEffect::Send(Upstream::Unmask { round, shares }));
        self.own.revealed = Some(round);
    }

    fn certified(
        &self,
        open: &OpenRound<S>,
        session: &Session<S>,
        (survivors, digest): (&[ClientId], &Digest),
        certificate: &QuorumCertificate,
    ) -> bool {
        let message = survivors_ack_message::<S>(&open.descriptor, digest);
        let mut signers = certificate.signatures.iter().map(|(signer, _)| *signer);
        certificate.signatures.len() >= usize::from(session.view.thresholds.quorum)
            && certificate.signatures.is_sorted_by(|(a, _), (b, _)| a < b)
            && signers.all(|signer| session.topology.certifies(signer) && survivors.binary_search(&signer).is_ok())
            && self.all_signed(&message, certificate.signatures.iter().map(|(signer, signature)| (*signer, signature)))
    }

    /// Shares that this member sent do not fit together: shows where its own stand in their dealers' trees. No secret is in that.
    pub(super) fn on_prove(&mut self, round: RoundId, dealers: &[ClientId], outbox: &mut Outbox<ParticipantEffect>) {
        if self.own.revealed != Some(round) {
            return;
        }
        let Some(client) = self.branch.client else { return };
        let proofs = self.own.sessions.first().and_then(|session| session.proofs_of(client, dealers));
        match proofs {
            Some(proofs) => outbox.push(ParticipantEffect::Send(Upstream::Proofs { round, proofs })),
            None => self.refuse(RefusalCode::Unexpected, outbox),
        }
    }
}
