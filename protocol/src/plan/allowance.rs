//! What a run may charge: of each stage its own rounds, and retries that its stages share.

use alloc::vec::Vec;

use crate::privacy::Accounts;

/// The terms of a run as far as rounds are counted and charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance<'a> {
    /// Rounds to commit and the charge of one, by stage.
    stages: Vec<(u32, &'a Accounts)>,
    retries: u32,
}

impl<'a> Allowance<'a> {
    /// Of stages with so many rounds and such a charge of each, in order, and the retries beside them.
    #[must_use]
    pub fn new(stages: impl IntoIterator<Item = (u32, &'a Accounts)>, retries: u32) -> Self {
        Self { stages: stages.into_iter().collect(), retries }
    }

    /// Retries that were taken from the shared ones, where so many rounds of each stage were charged.
    #[must_use]
    pub fn retries_used(&self, charged: &[u32]) -> u32 {
        let beyond = |((rounds, _), charged): (&(u32, &Accounts), &u32)| charged.saturating_sub(*rounds);
        self.stages.iter().zip(charged).map(beyond).fold(0, u32::saturating_add)
    }

    /// Whether one more round of a stage may be charged, where so many of each stage were.
    #[must_use]
    pub fn may_charge(&self, charged: &[u32], number: u16) -> bool {
        let Some((rounds, _)) = self.stages.get(usize::from(number)) else { return false };
        let own = charged.get(usize::from(number)).copied().unwrap_or_default();
        own < *rounds || (may_retry(*rounds) && self.retries_used(charged) < self.retries)
    }

    /// What a run costs at most that is yet to come, where so many rounds of each stage were charged.
    #[must_use]
    pub fn charge_left(&self, charged: &[u32]) -> Accounts {
        let own = |number: usize| charged.get(number).copied().unwrap_or_default();
        let rounds = self.stages.iter().enumerate().fold(Accounts::zero(), |sum, (number, (rounds, charge))| {
            sum.plus(&charge.times(rounds.saturating_sub(own(number)).into()))
        });
        let retried = self.stages.iter().filter(|(rounds, _)| may_retry(*rounds));
        let dearest = retried.fold(Accounts::zero(), |most, (_, charge)| most.most(charge));
        let retries = self.retries.saturating_sub(self.retries_used(charged));
        rounds.plus(&dearest.times(retries.into()))
    }
}

/// Whether the rounds of a stage with so many are tried again.
pub(super) fn may_retry(rounds: u32) -> bool {
    rounds > 1
}
