//! Contributing: a start is checked, the budget charged, and training permitted once.

use alloc::collections::BTreeMap;

use super::certifying::Uploaded;
use super::{Participant, Phase};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{MaskedHeader, RefusalCode, SignedBody, Start};
use crate::round::descriptor::RoundDescriptor;
use crate::round::effect::{Contribution, Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::permit::BudgetReceipt;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// Training, clipping, noising and masking are under way.
pub(super) struct Training<S: Suite> {
    round: RoundId,
    descriptor: Digest,
    deadline: Millis,
    /// Shares to reveal for this round, once and only for a certified survivor set.
    held: BTreeMap<ClientId, S::Scalar>,
}

impl<S: Suite> Training<S> {
    pub(super) fn round(&self) -> RoundId {
        self.round
    }

    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }
}

impl<S: Suite> Participant<S> {
    /// R1. The order is the protocol: check everything, record the spend, and only then let anybody train.
    pub(super) fn on_start(
        &mut self,
        now: Millis,
        start: &Start,
        model: &Digest,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match self.judge_start(start, model) {
            Err(code) => self.give_up(code, outbox),
            Ok(()) => self.contribute(now, &start.descriptor, outbox),
        }
    }

    fn judge_start(&self, start: &Start, model: &Digest) -> Result<(), RefusalCode> {
        let Phase::Ready(session) = &self.phase else { return Err(RefusalCode::Unexpected) };
        let admitted = self.offered.as_ref().ok_or(RefusalCode::Unexpected)?;
        let plan = &admitted.plan;
        let descriptor = &start.descriptor;
        if !S::verify(&self.policy.coordinator, &descriptor.to_sign(), &start.signature) {
            return Err(RefusalCode::SignatureInvalid);
        }
        if descriptor.round.0 <= self.record.last_round(&plan.digest()) {
            return Err(RefusalCode::RoundReused);
        }
        // Everything but the model follows from the plan and the session, so nothing else is accepted.
        if *descriptor != RoundDescriptor::derive(plan, session.view(), descriptor.round, descriptor.model) {
            return Err(RefusalCode::DescriptorInvalid);
        }
        if descriptor.model != *model {
            return Err(RefusalCode::ModelDiffers);
        }
        let within_plan = self.record.rounds_charged(&plan.digest()) < plan.rounds_charged_max;
        if !within_plan || !self.may_spend(&descriptor.charge(plan.privacy), 1) {
            return Err(RefusalCode::BudgetExceeded);
        }
        Ok(())
    }

    fn contribute(&mut self, now: Millis, descriptor: &RoundDescriptor, outbox: &mut Outbox<ParticipantEffect>) {
        let Some(privacy) = self.offered.as_ref().map(|admitted| admitted.plan.privacy) else { return };
        let Phase::Ready(session) = &mut self.phase else { return };
        let Some((seeds, held)) = session.take(descriptor.round) else {
            return self.give_up(RefusalCode::RoundReused, outbox);
        };
        let digest = descriptor.digest();
        self.commit(
            ParticipantEvent::BudgetCharged {
                plan: descriptor.plan,
                round: descriptor.round,
                descriptor: digest,
                charge: descriptor.charge(privacy),
            },
            outbox,
        );
        outbox.push(ParticipantEffect::Sync);
        outbox.push(ParticipantEffect::Contribute(Contribution {
            descriptor: descriptor.clone(),
            receipt: BudgetReceipt::new(descriptor.round, digest),
            seeds,
        }));
        let Phase::Ready(session) = core::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let deadline = now.plus(descriptor.deadline_ms);
        self.phase = Phase::Training(session, Training { round: descriptor.round, descriptor: digest, deadline, held });
    }

    /// R2: the masked vector is ready to leave.
    pub(super) fn on_masked(&mut self, round: RoundId, vector: Digest, outbox: &mut Outbox<ParticipantEffect>) {
        // A vector of an abandoned round arrives late and is forgotten by the shell.
        let fits = matches!(&self.phase, Phase::Training(_, training) if training.round == round);
        if !fits {
            return;
        }
        let Phase::Training(session, training) = core::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let mut header = MaskedHeader {
            round,
            descriptor: training.descriptor,
            vector,
            signature: Signature(alloc::vec::Vec::new()),
        };
        header.signature = self.sign(&header.to_sign());
        self.commit(ParticipantEvent::Uploaded { round, vector }, outbox);
        outbox.push(ParticipantEffect::Upload(header));
        let uploaded = Uploaded::new(round, training.descriptor, training.deadline, vector, training.held);
        self.phase = Phase::Uploaded(session, uploaded);
    }
}
