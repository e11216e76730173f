//! Joining: the coordinator's welcome, judged before any data is read.

use super::{Admitted, Participant, Phase};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::limits::PROTOCOL_VERSION;
use crate::message::{RefusalCode, SignedBody, Upstream, Welcome};
use crate::plan::{PrivacyMode, ValidPlan};
use crate::privacy::RdpVector;
use crate::round::agreement::welcome_message;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::suite::Suite;

impl<S: Suite> Participant<S> {
    pub(super) fn on_welcome(&mut self, welcome: &Welcome, outbox: &mut Outbox<ParticipantEffect>) {
        if !matches!(self.phase, Phase::Joining) {
            return self.refuse(RefusalCode::Unexpected, outbox);
        }
        match self.judge_welcome(welcome) {
            Err(code) => self.refuse(code, outbox),
            Ok(admitted) => {
                let head = admitted.roster.head();
                if self.record.roster != Some(head) {
                    self.commit(ParticipantEvent::RosterAccepted { head }, outbox);
                }
                // Keys of another plan, and of sessions that the coordinator has closed, are of no use any more.
                let same = self.offered.as_ref().is_some_and(|old| old.plan.digest() == admitted.plan.digest());
                self.sessions.retain(|session| same && welcome.sessions.contains(&session.id()));
                outbox.push(ParticipantEffect::JudgePlan(admitted.plan.clone()));
                self.offered = Some(admitted);
            }
        }
    }

    fn judge_welcome(&mut self, welcome: &Welcome) -> Result<Admitted, RefusalCode> {
        if welcome.version != PROTOCOL_VERSION {
            return Err(RefusalCode::PlanMalformed);
        }
        let plan = welcome.plan.clone().validate().map_err(|_| RefusalCode::PlanMalformed)?;
        let message = welcome_message::<S>(&plan, &welcome.roster);
        if !S::verify(&self.policy.coordinator, &message, &welcome.signature) {
            return Err(RefusalCode::SignatureInvalid);
        }
        let signed = welcome.roster.verify::<S>(&self.policy.authorities, self.policy.authorities_needed);
        if stands(Defence::SignedRoster) && signed.is_err() {
            return Err(RefusalCode::RosterInvalid);
        }
        if stands(Defence::RosterChain)
            && self.record.roster.is_some_and(|newest| welcome.roster.roster.follows(&newest).is_err())
        {
            return Err(RefusalCode::RosterRolledBack);
        }
        let own = S::verifying_key(&self.signing_key);
        let entry = welcome.roster.roster.entries().iter().find(|entry| entry.signing_key == own);
        self.client = Some(entry.ok_or(RefusalCode::RosterInvalid)?.client);
        if let Some(header) = &welcome.last_upload
            && stands(Defence::RecordRollback)
            && header.round.0 > self.record.last_round(&plan.digest())
            && S::verify(&own, &header.to_sign::<S>(), &header.signature)
        {
            return Err(RefusalCode::RecordRolledBack);
        }
        if plan.schema != self.schema {
            return Err(RefusalCode::SchemaDiffers);
        }
        self.policy.admits(&plan)?;
        let left = u64::from(plan.rounds_charged_max).saturating_sub(self.record.rounds_charged(&plan.digest()).into());
        if !self.may_spend(&plan_charge(&plan), left) {
            return Err(RefusalCode::BudgetExceeded);
        }
        Ok(Admitted { plan, roster: welcome.roster.roster.clone() })
    }

    pub(super) fn on_judged(
        &mut self,
        plan: Digest,
        verdict: Result<(), RefusalCode>,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let Some(admitted) = self.offered.as_ref().filter(|admitted| admitted.plan.digest() == plan) else { return };
        if !matches!(self.phase, Phase::Joining) {
            return;
        }
        match verdict {
            Err(code) => self.refuse(code, outbox),
            Ok(()) => {
                let charge = plan_charge(&admitted.plan);
                self.commit(ParticipantEvent::PlanAccepted { plan, charge }, outbox);
                outbox.push(ParticipantEffect::Sync);
                outbox.push(ParticipantEffect::Send(Upstream::Accept { plan }));
                self.phase = Phase::Ready(None);
            }
        }
    }
}

/// What a round of the plan costs at most: shares are rounded up, never down.
fn plan_charge(plan: &ValidPlan) -> RdpVector {
    match plan.privacy {
        PrivacyMode::None => RdpVector::zero(),
        PrivacyMode::Customer => RdpVector::gaussian(plan.sensitivity_squared, plan.noise_variance),
    }
}
