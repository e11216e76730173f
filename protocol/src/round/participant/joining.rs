//! Joining: the coordinator's welcome, judged before any data is read.

use alloc::boxed::Box;

use super::{Admitted, Phase, Turn};
use crate::budget::{BudgetHead, ShownHead};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::{ClientId, RunId};
use crate::limits::{CLOCK_SKEW_MS_MAX, PROTOCOL_VERSION};
use crate::message::{RefusalCode, SignedBody, Upstream, Welcome};
use crate::plan::{GrantFault, Run, RunRef};
use crate::privacy::Accounts;
use crate::roster::{Roster, RosterChanges, Succession};
use crate::round::agreement::welcome_message;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::{ParticipantEvent, StageTerms};
use crate::secagg::suite::{Signature, Suite};
use crate::time::Millis;

/// When a seat is over for a branch: after its end, by as much as the clocks may differ.
pub(super) fn ends_here(end: Millis) -> Millis {
    end.plus(CLOCK_SKEW_MS_MAX)
}

impl<S: Suite> Turn<'_, S> {
    /// Who speaks comes first, then this branch's own budget, and the plan last: what was spent under another one counts whether or not this one
    /// is admitted.
    pub(super) fn on_welcome(&mut self, now: Millis, welcome: &Welcome, outbox: &mut Outbox<ParticipantEffect>) {
        if !matches!(self.own.phase, Phase::Joining) {
            return self.refuse(RefusalCode::Unexpected, outbox);
        }
        // The answer to an earlier question, which nobody awaits any more.
        if welcome.nonce != self.own.nonce {
            return;
        }
        let run = RunRef { plan: welcome.plan.digest(), number: welcome.number };
        if run.id() != self.own.run {
            return self.refuse(RefusalCode::Unexpected, outbox);
        }
        let message = welcome_message::<S>(&self.own.nonce, run.id(), &welcome.roster, [welcome.at, welcome.begun]);
        if !S::verify(&self.branch.policy.coordinator, &message, &welcome.signature) {
            return self.refuse(RefusalCode::SignatureInvalid, outbox);
        }
        self.own.proved = true;
        let judged = self.judge_source(now, welcome).and_then(|client| {
            self.branch.client = Some(client);
            if self.branch.record.begun.is_none() && stands(Defence::FirstUse) {
                return Err(RefusalCode::BudgetNotBegun);
            }
            self.accept_roster(&welcome.roster.roster, outbox);
            self.settle_budget(welcome, client, outbox)?;
            self.judge_run(now, welcome, client)
        });
        match judged {
            Err(code) => self.refuse(code, outbox),
            Ok((run, grant)) => {
                // Keys that were agreed on under another roster, and those of sessions that the coordinator has closed, are of no use any more.
                let old = self.own.offered.as_ref();
                let same = old.is_some_and(|old| old.roster.digest() == welcome.roster.roster.digest());
                self.own.sessions.retain(|session| same && welcome.sessions.contains(&session.id()));
                let (roster, unknown) = (welcome.roster.roster.clone(), welcome.budget.is_none());
                self.own.offered =
                    Some(Admitted { run: run.clone(), grant, roster, unknown, clocks: (now, welcome.at) });
                if let Err(code) = self.judge_limits(now, outbox) {
                    return self.refuse(code, outbox);
                }
                self.own.phase = Phase::Judging;
                outbox.push(ParticipantEffect::JudgeRun(Box::new(run)));
            }
        }
    }

    /// Records a roster that is not the last one accepted, and says how it differs, as far as that is known here.
    fn accept_roster(&mut self, roster: &Roster, outbox: &mut Outbox<ParticipantEffect>) {
        let head = roster.head();
        let last = self.branch.record.roster;
        if last == Some(head) {
            return;
        }
        let missing = match last.map(|last| roster.follows(&last)) {
            Some(Ok(Succession::Skipped { missing })) => missing,
            _ => 0,
        };
        let before = self.branch.roster.replace(roster.clone()).filter(|before| last == Some(before.head()));
        let changes = before.map(|before| RosterChanges::between(Some(&before), roster));
        self.commit(ParticipantEvent::RosterAccepted { head, missing }, outbox);
        outbox.push(ParticipantEffect::RosterAccepted { epoch: head.epoch, missing, changes });
    }

    /// Whether a welcome of the coordinator is under a roster that counts; this branch's number in it.
    fn judge_source(&self, now: Millis, welcome: &Welcome) -> Result<ClientId, RefusalCode> {
        if welcome.version != PROTOCOL_VERSION {
            return Err(RefusalCode::PlanMalformed);
        }
        let signed = welcome.roster.verify::<S>(&self.branch.policy.authorities, self.branch.policy.authorities_needed);
        if stands(Defence::SignedRoster) && signed.is_err() {
            return Err(RefusalCode::RosterInvalid);
        }
        if stands(Defence::RosterChain)
            && self.branch.record.roster.is_some_and(|newest| welcome.roster.roster.follows(&newest).is_err())
        {
            return Err(RefusalCode::RosterRolledBack);
        }
        let own = S::verifying_key(&self.branch.signing_key);
        let entry = welcome.roster.roster.entries().iter().find(|entry| entry.signing_key == own);
        let entry = entry.ok_or(RefusalCode::RosterInvalid)?;
        if ends_here(entry.ends()) < now { Err(RefusalCode::EntryEnded) } else { Ok(entry.client) }
    }

    /// The run of a welcome, and the owner's grant for it.
    fn judge_run(&self, now: Millis, welcome: &Welcome, client: ClientId) -> Result<(Run, Digest), RefusalCode> {
        let plan = welcome.plan.clone().validate().map_err(|_| RefusalCode::PlanMalformed)?;
        self.judge_approvals(now, welcome)?;
        self.branch.policy.admits(&plan).map_err(RefusalCode::PolicyFloor)?;
        if !welcome.roster.roster.group(&plan.group).is_some_and(|group| group.has(client)) {
            return Err(RefusalCode::NotInGroup);
        }
        if plan.schema != self.branch.schema {
            return Err(RefusalCode::SchemaDiffers);
        }
        let run = Run::new(plan, welcome.number).ok_or(RefusalCode::PlanMalformed)?;
        let own = welcome.roster.entry(client).ok_or(RefusalCode::RosterInvalid)?;
        let grant = self.judge_grants(now, (&run, welcome), own)?;
        Ok((run, grant))
    }

    /// Adopts a head of this branch's budget that its file does not know, and demands that the budget was begun. Whoever shows it, a head can only
    /// raise what is counted, and to nothing that this branch has not signed itself.
    fn settle_budget(
        &mut self,
        welcome: &Welcome,
        client: ClientId,
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), RefusalCode> {
        if let Some(shown) = welcome.budget.as_deref().filter(|_| stands(Defence::RecordRollback)) {
            self.judge_head(shown, welcome, client)?;
            let head = &shown.head;
            let own = self.branch.record.counter;
            if !self.branch.record.knows(head) {
                let charge = self.charge_of(head, welcome);
                self.commit(ParticipantEvent::HeadAdopted { head: Box::new(head.clone()), charge }, outbox);
                outbox.push(ParticipantEffect::Sync);
                outbox.push(ParticipantEffect::HeadAdopted { own, shown: head.counter });
            }
        }
        let first = self.branch.record.begun.as_ref().filter(|_| !self.branch.record.awaits_head);
        let begun = first.is_some_and(|first| first.may_be_of(client, &welcome.roster.roster));
        if begun || !stands(Defence::FirstUse) { Ok(()) } else { Err(RefusalCode::BudgetNotBegun) }
    }

    /// A head is this branch's own by number, population and key. A file that takes the place of a lost one does not know its population's digest.
    fn judge_head(&self, shown: &ShownHead, welcome: &Welcome, client: ClientId) -> Result<(), RefusalCode> {
        let known = self.branch.record.population_digest.filter(|_| !self.branch.record.awaits_head);
        let own = shown.head.client == client && known.is_none_or(|known| known == shown.head.population);
        let authorities = (self.branch.policy.authorities.as_slice(), self.branch.policy.authorities_needed);
        let sound = shown.head.caps.is_none_or(|caps| caps.is_sound());
        if !own || !sound || !shown.is_signed::<S>(&welcome.roster, authorities) {
            return Err(RefusalCode::HeadInvalid);
        }
        // Whoever begins another file is the owner that the head names, or has the signature of that one.
        let owned = self.branch.record.was_owned_by(&shown.head.owner) || !stands(Defence::FirstUse);
        if owned || self.branch.record.begun.is_none() { Ok(()) } else { Err(RefusalCode::OwnerDiffers) }
    }

    /// What the head adds to the run that is welcomed: the rounds of it that the file does not know. Other runs' terms are not at hand; what was
    /// spent under them is in the accounts.
    fn charge_of(&self, head: &BudgetHead, welcome: &Welcome) -> Accounts {
        if head.run != (RunRef { plan: welcome.plan.digest(), number: welcome.number }) {
            return Accounts::zero();
        }
        let own = self.branch.record.charged(&head.run);
        let rounds = welcome.plan.stages.iter().enumerate().fold(Accounts::zero(), |sum, (stage, terms)| {
            let more = head.charged.of(stage).saturating_sub(own.of(stage));
            sum.plus(&terms.charge.times(more.into()))
        });
        rounds.least(&self.branch.record.spent.missing_to(&head.spent))
    }

    /// What this branch has spent, signed under the admitted run and roster.
    pub(super) fn sign_head(&self) -> Option<BudgetHead> {
        let admitted = self.own.offered.as_ref()?;
        let run = admitted.run.reference();
        let own = S::verifying_key(&self.branch.signing_key);
        let mut head = BudgetHead {
            client: self.branch.client?,
            population: self.branch.record.population_digest.unwrap_or(Digest::ZERO),
            counter: self.branch.record.counter,
            spent: self.branch.record.spent.clone(),
            year: self.branch.record.year.clone(),
            caps: self.branch.record.caps,
            run,
            charged: self.branch.record.charged(&run),
            others: self.branch.record.others(&run),
            day: self.branch.record.last_day(),
            withdrawn: self.branch.record.withdrawn.iter().copied().collect(),
            epoch: admitted.roster.epoch(),
            owner: self.branch.record.owner().cloned().unwrap_or(own),
            signature: Signature::none(),
        };
        head.signature = self.sign(&head.to_sign::<S>());
        Some(head)
    }

    /// Its operator has not said that its data are ready: it takes no part now, and may ask again any time. Nothing is recorded.
    pub(super) fn on_not_ready(&mut self, outbox: &mut Outbox<ParticipantEffect>) {
        if matches!(self.own.phase, Phase::Judging) {
            self.part(outbox);
            outbox.push(ParticipantEffect::Send(Upstream::NotReady));
        }
    }

    /// The data were judged. That took time, and this branch's other runs have gone on meanwhile: the limits are judged again before anything is promised.
    pub(super) fn on_judged(
        &mut self,
        now: Millis,
        entropy: &mut dyn Entropy,
        (run, verdict): (RunId, Result<(), RefusalCode>),
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        let Some(admitted) = self.own.offered.as_ref().filter(|admitted| admitted.run.id() == run) else { return };
        if !matches!(self.own.phase, Phase::Judging) {
            return;
        }
        // Another run has brought a newer roster. Nothing is signed under the one before: whoever asks anew is welcomed under the newer one.
        if verdict.is_ok() && self.branch.record.roster != Some(admitted.roster.head()) {
            self.part(outbox);
            return self.join(entropy, outbox);
        }
        match verdict.and_then(|()| self.judge_limits(now, outbox)) {
            // Another run has used the grant in hand up, and the owner has given others: whoever asks anew is judged by those.
            Err(RefusalCode::NotGranted(GrantFault::Uses | GrantFault::EpsilonYear))
                if self.branch.policy.grants.len() > 1 =>
            {
                self.part(outbox);
                self.join(entropy, outbox);
            }
            Err(code) => self.refuse(code, outbox),
            Ok(()) => self.accept(now, outbox),
        }
    }

    /// Promises to take part in the run in hand.
    fn accept(&mut self, now: Millis, outbox: &mut Outbox<ParticipantEffect>) {
        let Some(admitted) = &self.own.offered else { return };
        let (plan, run, unknown) = (&admitted.run, admitted.run.id(), admitted.unknown);
        let accepted = ParticipantEvent::RunAccepted {
            run: plan.reference(),
            name: plan.name.clone(),
            purpose: plan.purpose.clone(),
            privacy: plan.privacy,
            stages: plan.stages.iter().map(StageTerms::of).collect(),
            retries: plan.retries,
            charge_max: plan.charge_of_run(),
            grant: admitted.grant,
            at: now,
            shown: admitted.clocks.1,
            until: plan.last_end(),
        };
        self.commit(accepted, outbox);
        let Some(head) = self.sign_head().map(Box::new) else { return };
        if self.branch.record.signed != Some(head.counter) {
            self.commit(ParticipantEvent::HeadSigned { head: head.clone() }, outbox);
        }
        outbox.push(ParticipantEffect::Sync);
        self.branch.announced = head.counter;
        let begun = self.branch.record.begun.clone().filter(|_| unknown);
        if begun.is_some() {
            outbox.push(ParticipantEffect::BudgetAnnounced { counter: head.counter });
        }
        outbox.push(ParticipantEffect::Send(Upstream::Accept { run, head, begun }));
        self.own.phase = Phase::Ready(None);
    }
}
