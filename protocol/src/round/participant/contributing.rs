//! Contributing: a start is checked, the budget charged, and training permitted once.

use alloc::boxed::Box;

use super::round::{OpenRound, Stage};
use super::{Participant, Phase, Timing};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::message::{Floor, MaskedHeader, RefusalCode, SignedBody, Start};
use crate::plan::RoundKind;
use crate::round::descriptor::RoundDescriptor;
use crate::round::effect::{Contribution, Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::permit::BudgetReceipt;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

impl<S: Suite> Participant<S> {
    /// R1. The order is the protocol: check everything, record the spend, and only then let anybody train. A round that was still open is
    /// forgotten: the coordinator went on without this member.
    pub(super) fn on_start(
        &mut self,
        now: Millis,
        start: &Start,
        model: &Digest,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        match self.judge_start(now, start, model) {
            Err(code) => self.refuse(code, outbox),
            Ok(session) => self.contribute(now, session, &start.descriptor, outbox),
        }
    }

    /// The position of the session whose keys the round uses.
    fn judge_start(&self, now: Millis, start: &Start, model: &Digest) -> Result<usize, RefusalCode> {
        let (_, admitted) = self.admitted().ok_or(RefusalCode::Unexpected)?;
        let plan = &admitted.plan;
        let descriptor = &start.descriptor;
        if !S::verify(&self.policy.coordinator, &descriptor.to_sign::<S>(), &start.signature) {
            return Err(RefusalCode::SignatureInvalid);
        }
        let position = self.sessions.iter().position(|session| session.id() == descriptor.session);
        let position = position.ok_or(RefusalCode::Unexpected)?;
        if self.sessions[position].ends < now {
            return Err(RefusalCode::EntryEnded);
        }
        if stands(Defence::FreshRound) && descriptor.round.0 <= self.record.last_round(&plan.digest()) {
            return Err(RefusalCode::RoundReused);
        }
        // Everything but the model and an adaptive bound follows from the plan and the session, so nothing else is accepted.
        let view = &self.sessions[position].view;
        let follows = *descriptor == RoundDescriptor::derive(plan, view, descriptor.head());
        if !follows || !descriptor.has_valid_bound(plan) || plan.rounds_of(descriptor.kind) == 0 {
            return Err(RefusalCode::DescriptorInvalid);
        }
        // A bound of differences of models may adapt within a plan, and never below the policy's floor.
        let adapts = plan.local.is_some_and(|local| local.adaptive) && descriptor.kind == RoundKind::Train;
        if adapts && !self.policy.admits_clip_norm(descriptor.update_clip_norm_bits) {
            return Err(RefusalCode::PolicyFloor(Floor::ClipNorm));
        }
        if stands(Defence::ModelDigest) && descriptor.model != *model {
            return Err(RefusalCode::ModelDiffers);
        }
        let kind = descriptor.kind;
        let within_plan = self.record.rounds_charged(&plan.digest(), kind) < plan.charged_max(kind);
        if !within_plan || !self.may_spend(&plan.charge(kind)) {
            return Err(RefusalCode::BudgetExceeded);
        }
        if self.record.charged_within_a_day(now) >= self.policy.rounds_a_day as usize {
            return Err(RefusalCode::PolicyFloor(Floor::RoundsADay));
        }
        Ok(position)
    }

    fn contribute(
        &mut self,
        now: Millis,
        position: usize,
        descriptor: &RoundDescriptor,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let Some((_, admitted)) = self.admitted() else { return };
        let kind = descriptor.kind;
        let charge = admitted.plan.charge(kind);
        let upload_offset_ms = admitted.plan.upload_offset_ms;
        self.forget_round(outbox);
        // Rounds only go forward, and with them sessions.
        self.sessions.drain(..position);
        let Some(keys) = self.sessions.first_mut().and_then(|session| session.take(descriptor.round)) else {
            return self.refuse(RefusalCode::RoundReused, outbox);
        };
        let digest = descriptor.digest();
        let round = descriptor.round;
        let (plan, at) = (descriptor.plan, now);
        let charged = ParticipantEvent::BudgetCharged { plan, round, kind, at, descriptor: digest, charge };
        let masks = if stands(Defence::DescriptorKeysMasks) { digest } else { Digest::ZERO };
        let contribution = ParticipantEffect::Contribute(Contribution {
            descriptor: descriptor.clone(),
            receipt: BudgetReceipt::new(round, masks),
            seeds: keys.seeds,
        });
        if stands(Defence::ChargeFirst) {
            self.commit(charged, outbox);
            outbox.push(ParticipantEffect::Sync);
            outbox.push(contribution);
        } else {
            outbox.push(contribution);
            self.commit(charged, outbox);
        }
        let deadline = now.plus(descriptor.deadline_ms);
        let leaves = now.plus(upload_offset_ms);
        self.phase = Phase::Ready(Some(OpenRound {
            round,
            session: descriptor.session,
            descriptor: digest,
            deadline,
            leaves,
            held: keys.held,
            stage: Stage::Training { noise: None },
        }));
    }

    /// R2: the masked vector is ready to leave.
    pub(super) fn on_masked(
        &mut self,
        now: Millis,
        round: RoundId,
        vector: Digest,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        // A vector of an abandoned round arrives late and is forgotten by the shell.
        let Some(open) = self.open().filter(|open| open.round == round && open.is_training()) else { return };
        let early = now < open.leaves;
        self.set_stage(Stage::Masked { vector });
        if !early {
            self.upload(outbox);
        }
    }

    /// The round's noise is masked by itself. It leaves at the offset where the policy is strict and the vector is not ready by then.
    pub(super) fn on_noise_masked(
        &mut self,
        now: Millis,
        round: RoundId,
        vector: Digest,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let Some(open) = self.open().filter(|open| open.round == round && open.is_training()) else { return };
        let late = open.leaves <= now;
        self.set_stage(Stage::Training { noise: Some(vector) });
        if late {
            self.upload_in_time(now, outbox);
        }
    }

    /// The time has come at which uploads leave: the vector, or noise alone where the policy does not wait for it. Which of the two it is
    /// nobody can tell from outside.
    pub(super) fn upload_in_time(&mut self, now: Millis, outbox: &mut Outbox<ParticipantEffect>) {
        let Some(open) = self.open().filter(|open| open.leaves <= now) else { return };
        if let (Stage::Training { noise: Some(vector) }, Timing::Strict) = (&open.stage, self.policy.timing) {
            let (round, vector) = (open.round, *vector);
            self.set_stage(Stage::Masked { vector });
            outbox.push(ParticipantEffect::NoiseAlone(round));
        }
        self.upload(outbox);
    }

    /// The masked vector leaves.
    fn upload(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        let Some((round, descriptor, vector)) = self.open().and_then(|open| match open.stage {
            Stage::Masked { vector } => Some((open.round, open.descriptor, vector)),
            _ => None,
        }) else {
            return;
        };
        let Some(head) = self.sign_head().map(Box::new) else { return };
        let counter = head.counter;
        let mut header = MaskedHeader { round, descriptor, vector, head, signature: Signature(alloc::vec::Vec::new()) };
        header.signature = self.sign(&header.to_sign::<S>());
        self.commit(ParticipantEvent::Uploaded { round, vector, counter }, outbox);
        self.announced = counter;
        outbox.push(ParticipantEffect::Upload(header));
        self.set_stage(Stage::Uploaded { vector });
    }
}
