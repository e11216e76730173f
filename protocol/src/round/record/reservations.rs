//! What accepted runs have reserved: what each may still charge, until it comes to an end.

use super::budget::{AcceptedRun, BudgetRecord};
use super::rule::{OutOfOrder, rule};
use crate::message::Charged;
use crate::plan::RunRef;
use crate::privacy::Accounts;
use crate::round::event::RunEnd;
use crate::time::Millis;

impl AcceptedRun {
    /// What so many rounds of it cost.
    #[must_use]
    pub fn cost_of(&self, charged: &Charged) -> Accounts {
        let stages = self.stages.iter().enumerate();
        stages.fold(Accounts::zero(), |sum, (stage, terms)| sum.plus(&terms.charge.times(charged.of(stage).into())))
    }
}

impl BudgetRecord {
    /// Whether a run was accepted and may still be charged: it has no end, and no later run of its plan was accepted.
    #[must_use]
    pub fn is_open(&self, run: &RunRef) -> bool {
        self.accepted.get(run).is_some_and(|terms| terms.ended.is_none()) && !self.is_overtaken(run)
    }

    /// Whether a run came to an end after which the branch never takes part in it again.
    #[must_use]
    pub fn has_ended(&self, run: &RunRef) -> bool {
        let ended = self.accepted.get(run).and_then(|terms| terms.ended.as_ref());
        ended.is_some_and(RunEnd::is_final)
    }

    /// What an open run may still charge: nothing under a grant that was withdrawn.
    #[must_use]
    pub fn reserved_by(&self, run: &RunRef) -> Accounts {
        let stands = |terms: &&AcceptedRun| self.is_open(run) && !self.withdrawn.contains(&terms.grant);
        let terms = self.accepted.get(run).filter(stands);
        terms.map_or_else(Accounts::zero, |terms| terms.allowance().charge_left(&self.charged(run).rounds))
    }

    /// What all open runs may still charge.
    #[must_use]
    pub fn reserved(&self) -> Accounts {
        self.accepted.keys().fold(Accounts::zero(), |sum, run| sum.plus(&self.reserved_by(run)))
    }

    /// What the open runs beside one may still charge, once that one is accepted: earlier runs of its plan are over then.
    #[must_use]
    pub fn reserved_beside(&self, run: &RunRef) -> Accounts {
        let others = self.accepted.keys().filter(|other| *other != run && !is_before(other, run));
        others.fold(Accounts::zero(), |sum, other| sum.plus(&self.reserved_by(other)))
    }

    /// Whether a run may be charged so much beside what was spent and what other runs have reserved: within the caps for life, and for the year
    /// up to a moment.
    #[must_use]
    pub fn pays(&self, (run, charge): (&RunRef, &Accounts), (life, year): (&Accounts, &Accounts), to: Millis) -> bool {
        let more = self.reserved_beside(run).plus(charge);
        self.spent.plus(&more).within(life) && self.year.spent_at(to).plus(&more).within(year)
    }

    pub(super) fn check_goes_on(&self, run: &RunRef) -> Result<(), OutOfOrder> {
        rule(!self.has_ended(run), "a run that came to its end is not accepted again")?;
        rule(!self.is_overtaken(run), "a run is not accepted after a later one of its plan")
    }

    pub(super) fn check_open(&self, run: &RunRef) -> Result<(), OutOfOrder> {
        rule(self.is_open(run), "nothing is charged in a run that is at its end")
    }

    pub(super) fn check_ended(&self, run: &RunRef, at: Millis, how: &RunEnd) -> Result<(), OutOfOrder> {
        let terms = self.accepted.get(run).ok_or(OutOfOrder("a run that ends was accepted"))?;
        let news = terms.ended.is_none() || (how.is_final() && !self.has_ended(run));
        rule(news, "a run comes to its end once")?;
        let RunEnd::Released(release) = how else { return Ok(()) };
        let owned = self.owner() == Some(&release.owner) && self.population_digest == Some(release.population);
        rule(owned && release.run == *run, "the owner of the budget lets go of the run")?;
        rule(at >= terms.until, "a run is let go of after the last moment at which it can be under way")
    }
}

pub(super) fn is_before(other: &RunRef, run: &RunRef) -> bool {
    other.plan == run.plan && other.number < run.number
}
