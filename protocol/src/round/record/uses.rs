//! What a branch's budget file says of a plan's runs and of a grant's uses.

use super::budget::{AcceptedRun, BudgetRecord};
use crate::digest::Digest;
use crate::plan::RunRef;
use crate::privacy::Accounts;
use crate::time::Millis;

impl BudgetRecord {
    /// The last run of a plan that was accepted before this one, and when; runs are accepted in the order of their numbers.
    #[must_use]
    pub fn run_before(&self, run: &RunRef) -> Option<(u32, Millis)> {
        let before = self.accepted.range(RunRef { number: 0, ..*run }..*run);
        before.map(|(before, terms)| (before.number, terms.at)).next_back()
    }

    /// Whether a later run of the same plan was accepted.
    #[must_use]
    pub fn is_overtaken(&self, run: &RunRef) -> bool {
        let later = RunRef { number: run.number.saturating_add(1), ..*run }..=RunRef { number: u32::MAX, ..*run };
        self.accepted.range(later).next().is_some()
    }

    /// What the other runs of a plan were charged, and may be charged yet.
    #[must_use]
    pub fn beside(&self, run: &RunRef) -> Accounts {
        let plan = RunRef { number: 0, ..*run }..=RunRef { number: u32::MAX, ..*run };
        let others = self.accepted.range(plan).filter(|(other, _)| *other != run);
        others.fold(Accounts::zero(), |sum, (other, terms)| sum.plus(&self.may_cost((other, terms), run)))
    }

    /// How many other runs were accepted under a grant: its uses so far.
    #[must_use]
    pub fn uses_beside(&self, grant: &Digest, run: &RunRef) -> usize {
        self.accepted.iter().filter(|(other, terms)| terms.grant == *grant && *other != run).count()
    }

    /// What the other runs that were accepted under a grant since then may cost altogether.
    #[must_use]
    pub fn used_since(&self, grant: &Digest, since: Millis, run: &RunRef) -> Accounts {
        let under =
            self.accepted.iter().filter(|(other, terms)| terms.grant == *grant && terms.at >= since && *other != run);
        under.fold(Accounts::zero(), |sum, (other, terms)| sum.plus(&self.may_cost((other, terms), run)))
    }

    /// What a run was charged, and may be charged yet once `run` is accepted: earlier runs of its plan are over then.
    fn may_cost(&self, (other, terms): (&RunRef, &AcceptedRun), run: &RunRef) -> Accounts {
        let over = other.plan == run.plan && other.number < run.number;
        let left = if over { Accounts::zero() } else { self.reserved_by(other) };
        terms.cost_of(&self.charged(other)).plus(&left)
    }
}
