//! What must be ready before a run begins: the day of which the data are, and how many branches.

use serde::{Deserialize, Serialize};

use super::date::Date;
use super::fault::{PlanFault, bounded};
use crate::digest::Canonical;
use crate::limits::{AS_OF_DAYS_MAX, ROSTER_ENTRIES_MAX};

/// The day as of which a run's data must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AsOf {
    /// None: a branch takes part with what it has.
    Undeclared,
    /// This day, in every run.
    Day(Date),
    /// The last day of the month before the one in which the run begins.
    MonthEnd,
    /// So many days before the one on which the run begins.
    DaysBefore {
        /// 0: the day itself.
        days: u16,
    },
}

impl AsOf {
    /// The day of a run that began at this second of the Unix clock.
    #[must_use]
    pub fn of_run(self, begun: u64) -> Option<Date> {
        let day = Date::of_second(begun);
        match self {
            Self::Undeclared => None,
            Self::Day(date) => Some(date),
            Self::MonthEnd => Some(day.month_end_before()),
            Self::DaysBefore { days } => Some(day.before(days.into())),
        }
    }
}

/// What must be ready before a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Of which day the data must be: a branch without an operator's word that they are does not join.
    pub as_of: AsOf,
    /// Fewest members that must have joined before the run's first keys are agreed on; 0: as many as a cohort needs.
    pub ready_min: u32,
}

impl Readiness {
    /// What a plan says whose author says nothing.
    pub const NONE: Self = Self { as_of: AsOf::Undeclared, ready_min: 0 };

    pub(super) fn check(&self, cohort_min: u16) -> Result<(), PlanFault> {
        match self.as_of {
            AsOf::Day(date) => {
                bounded("as_of (day)", date.0.into(), 0, Date::LAST.0.into(), "1970-01-01 to 9999-12-31")?
            }
            AsOf::DaysBefore { days } => {
                bounded("as_of (days)", days.into(), 0, AS_OF_DAYS_MAX.into(), "0 to 366 days before")?;
            }
            AsOf::Undeclared | AsOf::MonthEnd => {}
        }
        if self.ready_min == 0 {
            return Ok(());
        }
        let allowed = "0, or cohort_min to 10000";
        bounded("ready_min", self.ready_min.into(), cohort_min.into(), ROSTER_ENTRIES_MAX as u128, allowed)
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        let body = match self.as_of {
            AsOf::Undeclared => body.u8(0),
            AsOf::Day(date) => body.u8(1).u32(date.0),
            AsOf::MonthEnd => body.u8(2),
            AsOf::DaysBefore { days } => body.u8(3).u32(days.into()),
        };
        body.u32(self.ready_min)
    }
}
