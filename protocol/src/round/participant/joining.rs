//! Joining: the coordinator's welcome, judged before any data is read.

use alloc::boxed::Box;

use super::{Admitted, Participant, Phase};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::limits::{CLOCK_SKEW_MS_MAX, PROTOCOL_VERSION};
use crate::message::{Charged, RefusalCode, SignedBody, Upstream, Welcome};
use crate::plan::{RoundKind, ValidPlan};
use crate::privacy::Accounts;
use crate::roster::{Roster, RosterEntry, Succession};
use crate::round::agreement::welcome_message;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// When an entry of the roster is over for a branch: after its end, by as much as the clocks may differ.
pub(super) fn ends_here(entry: &RosterEntry) -> Millis {
    entry.ends().plus(CLOCK_SKEW_MS_MAX)
}

impl<S: Suite> Participant<S> {
    pub(super) fn on_welcome(&mut self, now: Millis, welcome: &Welcome, outbox: &mut Outbox<ParticipantEffect>) {
        if !matches!(self.phase, Phase::Joining) {
            return self.refuse(RefusalCode::Unexpected, outbox);
        }
        match self.judge_welcome(now, welcome) {
            Err(code) => self.refuse_plan(welcome.plan.digest(), code, outbox),
            Ok(admitted) => {
                self.accept_roster(&admitted.roster, outbox);
                // Keys of another plan, those agreed on under another roster, and those of sessions that the coordinator has closed, are of no
                // use any more.
                let same = self.offered.as_ref().is_some_and(|old| {
                    old.plan.digest() == admitted.plan.digest() && old.roster.digest() == admitted.roster.digest()
                });
                self.sessions.retain(|session| same && welcome.sessions.contains(&session.id()));
                let plan = admitted.plan.clone();
                self.offered = Some(admitted);
                if let Err(code) = self.settle_charges(welcome, &plan, outbox) {
                    return self.refuse(code, outbox);
                }
                outbox.push(ParticipantEffect::JudgePlan(Box::new(plan)));
            }
        }
    }

    /// Records a roster that is not the last one accepted, and says how it differs, as far as that is known here.
    fn accept_roster(&mut self, roster: &Roster, outbox: &mut Outbox<ParticipantEffect>) {
        let head = roster.head();
        let last = self.record.roster;
        if last == Some(head) {
            return;
        }
        let missing = match last.map(|last| roster.follows(&last)) {
            Some(Ok(Succession::Skipped { missing })) => missing,
            _ => 0,
        };
        let before = self.offered.as_ref().map(|old| &old.roster).filter(|before| last == Some(before.head()));
        let changes = before.map(|before| roster.changes_since(before));
        self.commit(ParticipantEvent::RosterAccepted { head, missing }, outbox);
        outbox.push(ParticipantEffect::RosterAccepted { epoch: head.epoch, missing, changes });
    }

    fn judge_welcome(&mut self, now: Millis, welcome: &Welcome) -> Result<Admitted, RefusalCode> {
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
        let entry = entry.ok_or(RefusalCode::RosterInvalid)?;
        self.client = Some(entry.client);
        if ends_here(entry) < now {
            return Err(RefusalCode::EntryEnded);
        }
        self.policy.admits(&plan).map_err(RefusalCode::PolicyFloor)?;
        if !welcome.roster.roster.group(&plan.group).is_some_and(|group| group.has(entry.client)) {
            return Err(RefusalCode::NotInGroup);
        }
        if plan.schema != self.schema {
            return Err(RefusalCode::SchemaDiffers);
        }
        Ok(Admitted { plan, roster: welcome.roster.roster.clone() })
    }

    /// Compares this branch's record of the plan with what its own signed uploads prove, adopts what is missing, and asks whether the rest of
    /// the plan can be paid. Of two figures the larger counts: a lie of the coordinator can only cost rounds, and not more than the plan has.
    fn settle_charges(
        &mut self,
        welcome: &Welcome,
        plan: &ValidPlan,
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), RefusalCode> {
        let digest = plan.digest();
        let own = self.record.charged(&digest);
        if let Some(signed) = self.signed_round(welcome).filter(|signed| *signed > own.last_round)
            && stands(Defence::RecordRollback)
        {
            let mut charged = Charged { rounds: own.rounds, last_round: signed };
            let mut missing = Accounts::zero();
            for kind in RoundKind::ALL {
                let index = usize::from(kind.number());
                // The signed upload is one round at least that the record does not have.
                let claimed =
                    welcome.charged.rounds[index].max(own.rounds[index] + u32::from(kind == RoundKind::Train));
                charged.rounds[index] = claimed.min(plan.charged_max(kind)).max(own.rounds[index]);
                let more = charged.rounds[index] - own.rounds[index];
                missing = missing.plus(&plan.charge(kind).times(more.into()));
            }
            if !self.may_spend(&missing) {
                return Err(RefusalCode::RecordRolledBack);
            }
            self.commit(ParticipantEvent::ChargesAdopted { plan: digest, charged, charge: missing }, outbox);
            outbox.push(ParticipantEffect::Sync);
            outbox.push(ParticipantEffect::ChargesAdopted { own, charged });
        }
        let charged = self.record.charged(&digest);
        let left = RoundKind::ALL.into_iter().fold(Accounts::zero(), |left, kind| {
            let rounds = plan.charged_max(kind).saturating_sub(charged.rounds[usize::from(kind.number())]);
            left.plus(&plan.charge(kind).times(rounds.into()))
        });
        if self.may_spend(&left) { Ok(()) } else { Err(RefusalCode::BudgetExceeded) }
    }

    /// The last round of this plan for which the coordinator shows an upload that this branch itself has signed.
    fn signed_round(&self, welcome: &Welcome) -> Option<u64> {
        let header = welcome.last_upload.as_ref()?;
        let own = S::verifying_key(&self.signing_key);
        S::verify(&own, &header.to_sign::<S>(), &header.signature).then_some(header.round.0)
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
                let terms = &admitted.plan;
                let accepted = ParticipantEvent::PlanAccepted {
                    plan,
                    name: terms.name.clone(),
                    purpose: terms.purpose.clone(),
                    privacy: terms.privacy,
                    charge: terms.charge(RoundKind::Train),
                    charge_max: terms.charge_max(),
                    rounds_charged_max: terms.rounds_charged_max,
                };
                self.commit(accepted, outbox);
                outbox.push(ParticipantEffect::Sync);
                let charged = self.record.charged(&plan);
                outbox.push(ParticipantEffect::Send(Upstream::Accept { plan, charged }));
                self.phase = Phase::Ready(None);
            }
        }
    }
}
