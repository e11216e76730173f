//! Contributing: a start is checked, the budget charged, and training permitted once.

use alloc::boxed::Box;

use super::round::{OpenRound, Stage};
use super::{Phase, Timing, Turn};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::RoundId;
use crate::limits::{SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN};
use crate::message::{Floor, MaskedHeader, RefusalCode, SignedBody, Start};
use crate::round::descriptor::RoundDescriptor;
use crate::round::effect::{Contribution, Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::permit::BudgetReceipt;
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

impl<S: Suite> Turn<'_, S> {
    /// R1. The order is the protocol: check everything, record the spend, and only then let anybody train. A round that was still open is
    /// forgotten: the coordinator went on without this member.
    pub(super) fn on_start(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        (start, model): (&Start, Result<Digest, RefusalCode>),
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        if matches!(self.own.phase, Phase::Offline | Phase::Joining | Phase::Over) {
            return;
        }
        // It was on its way when this member gave that set-up up, and said so. The round goes on without this member.
        if self.own.given_up == Some(start.descriptor.session) {
            return;
        }
        // Another run has brought a newer roster, by which the plan may have nobody who stands by it. Nothing is charged under the one before.
        let newest = self.branch.record.roster;
        if self.admitted().is_some_and(|(_, admitted)| newest != Some(admitted.roster.head())) {
            self.part(outbox);
            return self.join(entropy, outbox);
        }
        match self.judge_start(now, start, model) {
            Err(code) => self.refuse(code, outbox),
            Ok(session) => self.contribute(now, session, &start.descriptor, outbox),
        }
    }

    /// The position of the session whose keys the round uses.
    fn judge_start(
        &self,
        now: Millis,
        start: &Start,
        model: Result<Digest, RefusalCode>,
    ) -> Result<usize, RefusalCode> {
        let (_, admitted) = self.admitted().ok_or(RefusalCode::Unexpected)?;
        let run = &admitted.run;
        let descriptor = &start.descriptor;
        self.grant_stands(now)?;
        if !S::verify(&self.branch.policy.coordinator, &descriptor.to_sign::<S>(), &start.signature) {
            return Err(RefusalCode::SignatureInvalid);
        }
        let position = self.own.sessions.iter().position(|session| session.id() == descriptor.session);
        let position = position.ok_or(RefusalCode::Unexpected)?;
        if self.own.sessions[position].ends < now {
            return Err(RefusalCode::EntryEnded);
        }
        if stands(Defence::FreshRound) && descriptor.round.0 <= self.branch.record.last_round(&run.reference()) {
            return Err(RefusalCode::RoundReused);
        }
        // Everything but the public state follows from the run and the session, so nothing else is accepted.
        let view = &self.own.sessions[position].view;
        let derived = RoundDescriptor::derive(run, view, descriptor.head());
        let terms = run.stage(descriptor.stage).filter(|_| derived.as_ref() == Some(descriptor));
        let terms = terms.ok_or(RefusalCode::DescriptorInvalid)?;
        // No sampler draws this noise: the round would be charged, and nothing sent.
        let share = descriptor.share_variance;
        if share != 0 && !(SHARE_VARIANCE_MIN..=SHARE_VARIANCE_MAX).contains(&share) {
            return Err(RefusalCode::DescriptorInvalid);
        }
        if terms.model_bytes > 0 && model? != descriptor.model && stands(Defence::ModelDigest) {
            return Err(RefusalCode::ModelDiffers);
        }
        // A later run of the plan was accepted meanwhile: what this one had reserved is free again, and may be promised to others.
        if !self.branch.record.is_open(&run.reference()) {
            return Err(RefusalCode::NotDue);
        }
        let charged = self.branch.record.charged(&run.reference());
        if !run.may_charge(&charged.rounds, descriptor.stage) || !self.may_spend(&run.reference(), &terms.charge) {
            return Err(RefusalCode::BudgetExceeded);
        }
        if self.branch.record.charged_within_a_day(now) >= self.branch.policy.rounds_a_day as usize {
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
        let (run, stage) = (admitted.run.reference(), descriptor.stage);
        let Some(charge) = admitted.run.stage(stage).map(|terms| terms.charge.clone()) else { return };
        let upload_offset_ms = admitted.run.upload_offset_ms;
        self.forget_round(outbox);
        // Rounds only go forward, and with them sessions.
        self.own.sessions.drain(..position);
        let Some(keys) = self.own.sessions.first_mut().and_then(|session| session.take(descriptor.round)) else {
            return self.refuse(RefusalCode::RoundReused, outbox);
        };
        let digest = descriptor.digest();
        let round = descriptor.round;
        let charged = ParticipantEvent::BudgetCharged { run, round, stage, at: now, descriptor: digest, charge };
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
        self.own.phase = Phase::Ready(Some(OpenRound {
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
        if let (Stage::Training { noise: Some(vector) }, Timing::Strict) = (&open.stage, self.branch.policy.timing) {
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
        let run = head.run;
        let counter = head.counter;
        let mut header = MaskedHeader { round, descriptor, vector, head, signature: Signature::none() };
        header.signature = self.sign(&header.to_sign::<S>());
        self.commit(ParticipantEvent::Uploaded { run, round, vector, counter }, outbox);
        self.branch.announced = counter;
        outbox.push(ParticipantEffect::Upload(header));
        self.set_stage(Stage::Uploaded { vector });
    }
}
