//! One epsilon of a budget: spent, reserved, left.

use tributary_protocol::privacy::{Accounts, Unit};

use super::plans;
use crate::policy::BranchPolicy;

/// What was spent and is reserved of an epsilon, and what is left.
pub(super) struct Part {
    pub(super) spent: Option<f64>,
    pub(super) reserved: Option<f64>,
    pub(super) left: f64,
}

impl Part {
    /// Spends are added up before an epsilon is taken of them, so that the three figures make the cap together.
    pub(super) fn of(policy: &BranchPolicy, unit: Unit, (spent, reserved): (&Accounts, &Accounts), cap: f64) -> Self {
        let all = plans::epsilon(policy, unit, &spent.plus(reserved));
        let spent = plans::epsilon(policy, unit, spent);
        let reserved = all.zip(spent).map(|(all, spent)| (all - spent).max(0.0));
        Self { spent, reserved, left: all.map_or(0.0, |all| (cap - all).max(0.0)) }
    }
}
