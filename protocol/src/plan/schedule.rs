//! When a plan's runs may begin.

use serde::{Deserialize, Serialize};

use super::date::{civil, days_before};
use super::fault::{PlanFault, bounded};
use crate::digest::Canonical;
use crate::limits::{PLAN_SECONDS_MAX, RUN_INTERVAL_SECONDS_MAX};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// How far apart runs are at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rhythm {
    /// So many seconds from the beginning of one run to that of the next.
    Interval {
        /// The seconds; 0: at once.
        seconds: u64,
    },
    /// One run in each month of the calendar (UTC), from this day of it on.
    Monthly {
        /// 1 to 28.
        day: u8,
    },
}

/// When runs may begin. Times are seconds of the Unix clock, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// No run begins earlier.
    pub not_before: u64,
    /// No run begins later.
    pub not_after: u64,
    /// How far apart they are.
    pub rhythm: Rhythm,
}

impl Schedule {
    pub(super) fn check(&self) -> Result<(), PlanFault> {
        let length = u128::from(self.not_after).wrapping_sub(self.not_before.into());
        bounded("schedule (seconds)", length, 1, PLAN_SECONDS_MAX.into(), "not_before to ten years after it")?;
        match self.rhythm {
            Rhythm::Interval { seconds } => {
                let most = RUN_INTERVAL_SECONDS_MAX.into();
                bounded("schedule.interval (seconds)", seconds.into(), 0, most, "0 to 10 years")
            }
            Rhythm::Monthly { day } => bounded("schedule.day", day.into(), 1, 28, "1 to 28"),
        }
    }

    /// The first second at which a run may begin after one that began then; without one, the first of all.
    #[must_use]
    pub fn next_after(&self, before: Option<u64>) -> u64 {
        let earliest = match (before, self.rhythm) {
            (None, Rhythm::Interval { .. }) => self.not_before,
            (None, Rhythm::Monthly { day }) => from_day(self.not_before, day),
            (Some(before), Rhythm::Interval { seconds }) => before.saturating_add(seconds),
            (Some(before), Rhythm::Monthly { day }) => next_month(before, day),
        };
        earliest.max(self.not_before)
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        let body = body.u64(self.not_before).u64(self.not_after);
        match self.rhythm {
            Rhythm::Interval { seconds } => body.u8(0).u64(seconds),
            Rhythm::Monthly { day } => body.u8(1).u64(day.into()),
        }
    }
}

/// The first second from this one on whose day of the month is this one or later.
fn from_day(second: u64, day: u8) -> u64 {
    let (year, month, own) = civil(second);
    if own >= day.into() { second } else { days_before(year, month, day.into()).saturating_mul(DAY) }
}

/// The first second of a day in the month after that of a second.
fn next_month(second: u64, day: u8) -> u64 {
    let (year, month, _) = civil(second);
    let (year, month) = if month == 12 { (year.saturating_add(1), 1) } else { (year, month + 1) };
    days_before(year, month, day.into()).saturating_mul(DAY)
}
