//! Spending: what the budget pays for beside what other runs have reserved, and the end of a run, which frees what it has not charged.

use super::Turn;
use crate::limits::{CHARGED_RUNS_MAX, CLOCKS_APART_MS_MAX, WITHDRAWALS_MAX};
use crate::message::RefusalCode;
use crate::plan::{Run, RunRef};
use crate::privacy::Accounts;
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::{ParticipantEvent, RunEnd};
use crate::secagg::suite::Suite;
use crate::time::Millis;

impl<S: Suite> Turn<'_, S> {
    /// Whether the run in hand is due, stays within its plan and its grant, and can be paid. The runs of a branch are judged beside each other, and each
    /// counts for the others from its acceptance on: so this is asked at the welcome, and again before the run is accepted.
    pub(super) fn judge_limits(
        &mut self,
        now: Millis,
        outbox: &mut Outbox<ParticipantEffect>,
    ) -> Result<(), RefusalCode> {
        let admitted = self.own.offered.as_ref().ok_or(RefusalCode::Unexpected)?;
        self.judge_schedule(now, &admitted.run)?;
        self.judge_grant_in_hand(now, admitted)?;
        self.note_caps(outbox)?;
        let admitted = self.own.offered.as_ref().ok_or(RefusalCode::Unexpected)?;
        self.can_pay(&admitted.run, admitted.clocks)
    }

    /// Whether the rest of a run can be paid, and a head can name it. Months have passed by the earlier of two clocks: this machine's, and the one
    /// that the coordinator has signed.
    fn can_pay(&self, run: &Run, (now, shown): (Millis, Millis)) -> Result<(), RefusalCode> {
        if now.until(shown).max(shown.until(now)) > CLOCKS_APART_MS_MAX {
            return Err(RefusalCode::ClockDiffers);
        }
        let reference = run.reference();
        let charged = self.branch.record.charged(&reference);
        let named = self.branch.record.runs_beside(&reference) < CHARGED_RUNS_MAX;
        let named = named && self.branch.record.withdrawn.len() <= WITHDRAWALS_MAX;
        let caps = (&self.branch.policy.cap, &self.branch.policy.cap_year);
        let pays = self.branch.record.pays((&reference, &run.charge_left(&charged.rounds)), caps, now.min(shown));
        if named && pays { Ok(()) } else { Err(RefusalCode::BudgetExceeded) }
    }

    /// The policy's caps stand in the file before anything is promised under them. Higher ones than it has need the word of two people.
    fn note_caps(&mut self, outbox: &mut Outbox<ParticipantEffect>) -> Result<(), RefusalCode> {
        let caps = self.branch.policy.caps;
        if !self.branch.record.admits_caps(&caps) {
            return Err(RefusalCode::CapsHigher);
        }
        if self.branch.record.caps != Some(caps) {
            self.commit(ParticipantEvent::CapsNoted { caps }, outbox);
        }
        Ok(())
    }

    /// Whether one more charge of a run can be paid. No month passes by that: what counted when the run was accepted counts.
    pub(super) fn may_spend(&self, run: &RunRef, charge: &Accounts) -> bool {
        self.branch.record.pays((run, charge), (&self.branch.policy.cap, &self.branch.policy.cap_year), Millis(0))
    }

    /// A run that was accepted is over here: whatever it has reserved is free again.
    pub(super) fn end_run(&mut self, how: RunEnd, outbox: &mut Outbox<ParticipantEffect>) {
        let own = self.own.run;
        let Some(run) = self.branch.record.accepted.keys().find(|known| known.id() == own).copied() else { return };
        let ended = self.branch.record.accepted.get(&run).is_some_and(|terms| terms.ended.is_some());
        if !ended || (how.is_final() && !self.branch.record.has_ended(&run)) {
            self.commit(ParticipantEvent::RunEnded { run, at: self.now, how }, outbox);
            outbox.push(ParticipantEffect::Sync);
        }
    }
}
