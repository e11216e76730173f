//! What a branch's budget file says of a plan's runs and of a grant's uses.

use core::ops::RangeInclusive;

use super::budget::{AcceptedRun, BudgetRecord};
use super::reservations::is_before;
use crate::digest::Digest;
use crate::message::Charged;
use crate::plan::{Run, RunRef};
use crate::privacy::Accounts;
use crate::time::Millis;

impl BudgetRecord {
    /// The last run of a plan that was accepted before this one, and when; runs are accepted in the order of their numbers.
    #[must_use]
    pub fn run_before(&self, run: &RunRef) -> Option<(u32, Millis)> {
        let before = self.accepted.range(RunRef { number: 0, ..*run }..*run);
        before.map(|(before, terms)| (before.number, terms.at)).next_back()
    }

    /// Whether a later run of the same plan was accepted or charged.
    #[must_use]
    pub fn is_overtaken(&self, run: &RunRef) -> bool {
        let later = RunRef { number: run.number.saturating_add(1), ..*run }..=RunRef { number: u32::MAX, ..*run };
        self.accepted.range(later.clone()).next().is_some() || self.forgotten(later).next().is_some()
    }

    /// What the other runs of a plan were charged, and may be charged yet.
    #[must_use]
    pub fn beside(&self, run: &Run) -> Accounts {
        let own = run.reference();
        let others = self.accepted.range(of_plan(&own)).filter(|(other, _)| **other != own);
        let known = others.fold(Accounts::zero(), |sum, (other, terms)| sum.plus(&self.may_cost((other, terms), &own)));
        known.plus(&self.forgotten_cost(run))
    }

    /// How many other runs were accepted under a grant: its uses so far. `run` is of a plan that the grant is for.
    #[must_use]
    pub fn uses_beside(&self, grant: &Digest, run: &RunRef) -> usize {
        let under = self.accepted.iter().filter(|(other, terms)| terms.grant == *grant && *other != run).count();
        under.saturating_add(self.forgotten(of_plan(run)).filter(|other| *other != run).count())
    }

    /// What the other runs under a grant may cost altogether that are open, or were accepted or charged since then.
    #[must_use]
    pub fn used_since(&self, grant: &Digest, since: Millis, run: &Run) -> Accounts {
        let own = run.reference();
        let counts = |(other, terms): &(&RunRef, &AcceptedRun)| {
            terms.grant == *grant && **other != own && (terms.last >= since || self.is_open(other))
        };
        let under = self.accepted.iter().filter(counts);
        let known = under.fold(Accounts::zero(), |sum, (other, terms)| sum.plus(&self.may_cost((other, terms), &own)));
        known.plus(&self.forgotten_cost(run))
    }

    /// What a run was charged, and may be charged yet once `run` is accepted: earlier runs of its plan are over then.
    fn may_cost(&self, (other, terms): (&RunRef, &AcceptedRun), run: &RunRef) -> Accounts {
        let left = if is_before(other, run) { Accounts::zero() } else { self.reserved_by(other) };
        terms.cost_of(&self.charged(other)).plus(&left)
    }

    /// Runs that an adopted head says were charged, and whose acceptance an older copy of the file has lost. Each counts as one under whatever grant is
    /// asked for its plan: with the file in its place it would be under one of them.
    fn forgotten(&self, runs: RangeInclusive<RunRef>) -> impl Iterator<Item = &RunRef> {
        let charged = self
            .runs
            .range(runs)
            .filter(|(run, spend)| spend.charged != Charged::default() && !self.accepted.contains_key(*run));
        charged.map(|(run, _)| run)
    }

    /// What the forgotten runs of a run's plan cost, by the plan's own charges.
    fn forgotten_cost(&self, run: &Run) -> Accounts {
        let own = run.reference();
        let others = self.forgotten(of_plan(&own)).filter(|other| **other != own);
        others.fold(Accounts::zero(), |sum, other| sum.plus(&run.charge_of(&self.charged(other).rounds)))
    }
}

fn of_plan(run: &RunRef) -> RangeInclusive<RunRef> {
    RunRef { number: 0, ..*run }..=RunRef { number: u32::MAX, ..*run }
}
