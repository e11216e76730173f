//! Whether people stand by a run: two in the roster, and the owner of this branch's data.

use super::{Admitted, Branch, Granted, Phase, Turn};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::limits::{CLOCK_SKEW_SECONDS_MAX as SKEW, HOLDING_SECONDS_MAX};
use crate::log::{Checkpoint, NoteFault, NoteSignature};
use crate::message::{RefusalCode, Welcome};
use crate::plan::{GrantFault, Grounds, Run, Withdrawal};
use crate::registry::{CopyNote, Lineage};
use crate::roster::{MemberName, RosterEntry};
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::suite::Suite;
use crate::signed::SignedBody as _;
use crate::time::Millis;

impl<S: Suite> Turn<'_, S> {
    /// Whether the plan of a welcome is approved by two people of its roster, whose own signatures were verified.
    pub(super) fn judge_approvals(&self, now: Millis, welcome: &Welcome) -> Result<(), RefusalCode> {
        let roster = &welcome.roster.roster;
        let (federation, group) = (&self.branch.federation, welcome.plan.group.as_str());
        let grounds = Grounds { roster, federation, group, now: Some(now.0 / 1000) };
        let judged = welcome.approvals.judge::<S>(&welcome.plan.digest(), grounds);
        match judged {
            Err(fault) if stands(Defence::FourEyes) => Err(RefusalCode::NotApproved(fault)),
            _ => Ok(()),
        }
    }

    /// Whether a run may begin, or go on, by the plan's own schedule and cap. Clocks may differ: what the coordinator began in time is no fault.
    pub(super) fn judge_schedule(&self, now: Millis, run: &Run) -> Result<(), RefusalCode> {
        let (reference, second) = (run.reference(), now.0 / 1000);
        if self.branch.record.is_overtaken(&reference) || self.branch.record.has_ended(&reference) {
            return Err(RefusalCode::NotDue);
        }
        if !self.branch.record.accepted.contains_key(&reference) {
            let before = self.branch.record.run_before(&reference).map(|(_, at)| at.0 / 1000);
            let begins = run.schedule.next_after(before);
            let over = run.schedule.not_after.min(run.charter.review_by);
            if second.saturating_add(SKEW) < begins || second > over.saturating_add(SKEW) {
                return Err(RefusalCode::NotDue);
            }
        }
        let all = self.branch.record.beside(run).plus(&run.charge_of_run());
        if all.within(&run.cap) { Ok(()) } else { Err(RefusalCode::PlanSpent) }
    }

    /// The owner's grant under which a run may be accepted.
    pub(super) fn judge_grants(
        &self,
        now: Millis,
        (run, welcome): (&Run, &Welcome),
        own: &RosterEntry,
    ) -> Result<Digest, RefusalCode> {
        if !run.charter.admits(own.organisation, (now.0 / 1000).saturating_sub(SKEW)) {
            return Err(RefusalCode::NoAgreement);
        }
        let plan = run.plan().digest();
        // Under which it was accepted before: a run that has begun moves to no other grant.
        let bound = self.branch.record.accepted.get(&run.reference()).map(|terms| terms.grant);
        let about = self.branch.policy.grants.iter().filter(|granted| {
            let grant = &granted.grant;
            bound.is_none_or(|bound| bound == grant.digest())
                && grant.federation == self.branch.federation
                && grant.is_about(run.plan(), &plan, &welcome.approvals.proposal.staff, &own.name)
                && (self.branch.record.owner() == Some(&grant.owner) || !stands(Defence::FirstUse))
                && grant.is_genuine::<S>()
        });
        let withdrawn = bound.is_some_and(|bound| self.branch.record.withdrawn.contains(&bound));
        let mut last = if withdrawn { GrantFault::Withdrawn } else { GrantFault::None };
        for granted in about {
            match self.judge_grant(now, run, granted) {
                Ok(grant) => return Ok(grant),
                Err(fault) => last = fault,
            }
        }
        match stands(Defence::OwnersGrant) {
            true => Err(RefusalCode::NotGranted(last)),
            false => Ok(Digest::ZERO),
        }
    }

    /// Whether a run may still be accepted under the grant that was found for it.
    pub(super) fn judge_grant_in_hand(&self, now: Millis, admitted: &Admitted) -> Result<(), RefusalCode> {
        if !stands(Defence::OwnersGrant) {
            return Ok(());
        }
        let judged = match self.granted(&admitted.grant) {
            Some(granted) => self.judge_grant(now, &admitted.run, granted).map(|_| ()),
            None => Err(GrantFault::None),
        };
        judged.map_err(RefusalCode::NotGranted)
    }

    /// The grant of this digest, where the branch has it.
    fn granted(&self, grant: &Digest) -> Option<&Granted> {
        self.branch.policy.grants.iter().find(|granted| granted.grant.digest() == *grant)
    }

    fn judge_grant(&self, now: Millis, run: &Run, granted: &Granted) -> Result<Digest, GrantFault> {
        let Granted { grant, run: most, year, names_fields } = granted;
        let (digest, reference, charge) = (grant.digest(), run.reference(), run.charge_of_run());
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        holds(!self.branch.record.withdrawn.contains(&digest), GrantFault::Withdrawn)?;
        holds(grant.counts_at(now.0 / 1000), GrantFault::Window)?;
        holds(*names_fields, GrantFault::Fields)?;
        let uses = self.branch.record.uses_beside(&digest, &reference);
        holds(u32::try_from(uses).is_ok_and(|uses| uses < grant.runs), GrantFault::Uses)?;
        holds(charge.customer.within(most), GrantFault::EpsilonRun)?;
        let since = Millis(now.0.saturating_sub(HOLDING_SECONDS_MAX.saturating_mul(1000)));
        let used = self.branch.record.used_since(&digest, since, run);
        holds(used.plus(&charge).customer.within(year), GrantFault::EpsilonYear)?;
        Ok(digest)
    }

    /// Whether a round may begin under the grant of the run in hand.
    pub(super) fn grant_stands(&self, now: Millis) -> Result<(), RefusalCode> {
        let Some(admitted) = self.own.offered.as_ref().filter(|_| stands(Defence::OwnersGrant)) else { return Ok(()) };
        if self.branch.record.withdrawn.contains(&admitted.grant) {
            return Err(RefusalCode::NotGranted(GrantFault::Withdrawn));
        }
        match self.granted(&admitted.grant) {
            None => Err(RefusalCode::NotGranted(GrantFault::None)),
            Some(granted) if !granted.grant.counts_at(now.0 / 1000) => Err(RefusalCode::NotGranted(GrantFault::Window)),
            Some(_) => Ok(()),
        }
    }

    /// A grant was taken back: the run that rests on it is refused, whatever it is at. Where nobody has proved to be the coordinator on this
    /// connection yet, its keys are erased at once, and it is refused when somebody has.
    pub(super) fn on_withdrawn(&mut self, entropy: &mut dyn Entropy, outbox: &mut Outbox<ParticipantEffect>) {
        let offered = self.own.offered.as_ref();
        let rests = offered.is_some_and(|admitted| self.branch.record.withdrawn.contains(&admitted.grant));
        if !rests || self.own.is_over() {
            return;
        }
        if self.own.proved || !stands(Defence::SignedEnding) {
            return self.refuse(RefusalCode::NotGranted(GrantFault::Withdrawn), outbox);
        }
        let linked = !matches!(self.own.phase, Phase::Offline);
        self.part(outbox);
        self.own.sessions.clear();
        if linked {
            self.join(entropy, outbox);
        }
    }
}

impl<S: Suite> Branch<S> {
    /// Whether the owner of the data lets this branch, by its name in the roster, keep a model of this lineage now.
    #[must_use]
    pub fn keeps_model(&self, lineage: &Lineage, branch: &MemberName, now: Millis) -> bool {
        self.policy.grants.iter().any(|Granted { grant, .. }| {
            grant.federation == self.federation
                && lineage.is_granted(grant, branch)
                && grant.counts_at(now.0 / 1000)
                && self.record.owner() == Some(&grant.owner)
                && !self.record.withdrawn.contains(&grant.digest())
                && grant.is_genuine::<S>()
        })
    }

    /// This branch's word about its copy of a model, signed as it stands.
    #[must_use]
    pub fn sign_copy(&self, mut note: CopyNote) -> CopyNote {
        note.signature = self.sign(&note.to_sign::<S>());
        note
    }

    /// This branch's cosignature of a checkpoint, under its name in the roster; whoever asks has compared it with the last one, and has written it
    /// down.
    ///
    /// # Errors
    /// [`NoteFault`] if name or key cannot stand in a note.
    pub fn cosign(&self, name: &MemberName, checkpoint: &Checkpoint, seconds: u64) -> Result<NoteSignature, NoteFault> {
        NoteSignature::by_witness::<S>(name.as_str(), &self.signing_key, checkpoint, seconds)
    }

    /// The owner takes a grant back: recorded before anything else. Each run's participant is told after it ([`ParticipantInput::Withdrawn`]);
    /// whether there is anything to tell.
    ///
    /// [`ParticipantInput::Withdrawn`]: super::ParticipantInput::Withdrawn
    pub fn withdraw(&mut self, withdrawal: Withdrawal, outbox: &mut Outbox<ParticipantEffect>) -> bool {
        // An earlier owner takes back what it granted itself.
        let granted = self.policy.grants.iter().find(|granted| granted.grant.digest() == withdrawal.grant);
        let own = granted.is_none_or(|granted| granted.grant.owner == withdrawal.owner);
        let owned = own && self.record.was_owned_by(&withdrawal.owner) && withdrawal.is_genuine::<S>();
        if !owned || self.record.withdrawn.contains(&withdrawal.grant) {
            return false;
        }
        self.commit(ParticipantEvent::GrantWithdrawn { withdrawal }, outbox);
        outbox.push(ParticipantEffect::Sync);
        true
    }
}
