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
    // Days are counted from March on: the month after the twelfth is the January of the next year.
    days_before(year, month + 1, day.into()).saturating_mul(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of a day.
    fn noon(year: u64, month: u32, day: u32) -> u64 {
        days_before(year, month, day) * DAY + DAY / 2
    }

    #[test]
    fn each_limit_of_a_schedule_is_allowed_and_one_beyond_it_is_refused() {
        let begins = 1_000;
        let monthly = |day| (begins, begins + 1, Rhythm::Monthly { day });
        let interval = |seconds| (begins, begins + 1, Rhythm::Interval { seconds });
        let lasts = |seconds: u64| (begins, begins + seconds, Rhythm::Interval { seconds: 0 });
        for ((not_before, not_after, rhythm), refused) in [
            (monthly(0), Some("schedule.day")),
            (monthly(1), None),
            (monthly(28), None),
            (monthly(29), Some("schedule.day")),
            (interval(0), None),
            (interval(RUN_INTERVAL_SECONDS_MAX), None),
            (interval(RUN_INTERVAL_SECONDS_MAX + 1), Some("schedule.interval (seconds)")),
            (lasts(0), Some("schedule (seconds)")),
            (lasts(1), None),
            (lasts(PLAN_SECONDS_MAX), None),
            (lasts(PLAN_SECONDS_MAX + 1), Some("schedule (seconds)")),
            ((begins, begins - 1, Rhythm::Interval { seconds: 0 }), Some("schedule (seconds)")),
        ] {
            let schedule = Schedule { not_before, not_after, rhythm };
            match (schedule.check(), refused) {
                (Ok(()), None) => {}
                (Err(PlanFault::OutOfRange { field, .. }), Some(refused)) => assert_eq!(field, refused),
                (found, _) => panic!("{schedule:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn runs_begin_by_the_calendar_or_by_seconds_and_none_before_the_plan() {
        let not_before = noon(2026, 11, 15);
        let by = |rhythm| Schedule { not_before, not_after: u64::MAX, rhythm };
        let day = |year, month, day| days_before(year, month, day) * DAY;
        let monthly = |day| by(Rhythm::Monthly { day });
        assert_eq!(monthly(15).next_after(None), not_before, "on its own day");
        assert_eq!(monthly(14).next_after(None), not_before, "later in the month");
        assert_eq!(monthly(16).next_after(None), day(2026, 11, 16));
        assert_eq!(monthly(16).next_after(Some(noon(2026, 11, 30))), day(2026, 12, 16));
        assert_eq!(monthly(28).next_after(Some(noon(2026, 12, 1))), day(2027, 1, 28));
        assert_eq!(monthly(28).next_after(Some(noon(2027, 1, 31))), day(2027, 2, 28));
        assert_eq!(monthly(1).next_after(Some(noon(2027, 2, 28))), day(2027, 3, 1));
        assert_eq!(monthly(1).next_after(Some(noon(2026, 1, 1))), not_before, "no run begins before the plan");
        let interval = by(Rhythm::Interval { seconds: 100 });
        assert_eq!(interval.next_after(None), not_before);
        assert_eq!(interval.next_after(Some(not_before)), not_before + 100);
        assert_eq!(interval.next_after(Some(1)), not_before);
        assert_eq!(interval.next_after(Some(u64::MAX)), u64::MAX);
    }
}
