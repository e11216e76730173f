//! What was spent in a year, and when that falls.

use serde::Serialize;
use tributary_protocol::privacy::Unit;
use tributary_protocol::round::BudgetRecord;
use tributary_protocol::time::Millis;

use super::part::Part;
use super::plans;
use crate::policy::BranchPolicy;

/// The budget of a year: the present day, and the days before it back to the same date of the year before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct YearBudget {
    /// Epsilon charged.
    pub epsilon_spent: Option<f64>,
    /// What open runs add to that with all that they may still charge.
    pub epsilon_reserved: Option<f64>,
    /// Epsilon allowed; 0 where the policy admits none.
    pub epsilon_cap: f64,
    /// What is neither spent nor reserved; 0 where nothing is left.
    pub epsilon_left: f64,
    /// When the spend falls next, if ever: where nothing was spent, it does not.
    pub falls: Option<Fall>,
}

/// The oldest spend counts no more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fall {
    /// The first day on which it does not, such as `2027-02-05` (UTC).
    pub day: String,
    /// Epsilon of what is spent today and counts then.
    pub epsilon_spent: Option<f64>,
}

impl YearBudget {
    /// As a run sees it that is accepted at this time of the branch's clock and of the coordinator's.
    pub(super) fn of(policy: &BranchPolicy, unit: Unit, (record, now): (&BudgetRecord, Millis), cap: f64) -> Self {
        let part = Part::of(policy, unit, (&record.year.spent_at(now), &record.reserved()), cap);
        let falls = record
            .year
            .falls_after(now)
            .map(|(day, then)| Fall { day: day.to_string(), epsilon_spent: plans::epsilon(policy, unit, &then) });
        Self {
            epsilon_spent: part.spent,
            epsilon_reserved: part.reserved,
            epsilon_cap: cap,
            epsilon_left: part.left,
            falls,
        }
    }
}
