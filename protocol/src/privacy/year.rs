//! What was charged within a year, by days of the calendar (UTC).
//!
//! A year is the present day and the days before it, back to the same date of the year before, which counts no more. So twelve runs, each on the
//! same day of a month, are a year's, and nothing is freed before twelve months have passed. Charges of one month are kept together, under the day
//! of the last of them: few figures, and none is freed too early. Days pass by two clocks together: by the earlier of the branch's own and the one
//! that the coordinator signs in a welcome. A charge counts on the latest day that is known when it is made. So a clock that is wrong, or is set,
//! can keep a charge counted for longer, and frees none.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::digest::Canonical;
use crate::plan::{civil, days_before};
use crate::time::Millis;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Most figures of one [`YearSpend`]: the months that a year of days touches.
pub const YEAR_MONTHS_MAX: usize = 13;

/// A month of the calendar, counted from January of year 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(pub u32);

impl Month {
    /// The month of a moment.
    #[must_use]
    pub fn of(at: Millis) -> Self {
        let (year, month, _) = civil(at.0 / 1000);
        Self(u32::try_from(year).unwrap_or(u32::MAX).saturating_mul(12).saturating_add(month.saturating_sub(1)))
    }

    /// So many months later; saturates.
    #[must_use]
    pub const fn plus(self, months: u32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Its first second of the Unix clock; 0 for months before that.
    #[must_use]
    pub fn first_second(self) -> u64 {
        if self.0 < 1970 * 12 { 0 } else { days_before((self.0 / 12).into(), self.0 % 12 + 1, 1).saturating_mul(DAY) }
    }
}

/// `2026-11`.
impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// A day of the calendar, counted from the first of the Unix clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub u32);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(at: Millis) -> Self {
        Self(u32::try_from(at.0 / 1000 / DAY).unwrap_or(u32::MAX))
    }

    /// Its month.
    #[must_use]
    pub fn month(self) -> Month {
        Month::of(self.first_millisecond())
    }

    /// Its first moment.
    #[must_use]
    pub fn first_millisecond(self) -> Millis {
        Millis(u64::from(self.0) * DAY * 1000)
    }

    /// The first day that counts for a year when this one is the present one.
    #[must_use]
    pub fn year_begins(self) -> Self {
        let same = self.same_date(-1);
        // After 29 February a year without one goes on with 1 March, which still counts then.
        if same.falls() <= self { Self(same.0.saturating_add(1)) } else { same }
    }

    /// The first day on which a charge of this one does not count any more: the same date of the next year.
    #[must_use]
    pub fn falls(self) -> Self {
        self.same_date(1)
    }

    fn same_date(self, years: i64) -> Self {
        let (year, month, day) = civil(u64::from(self.0) * DAY);
        let year = year.saturating_add_signed(years);
        Self(u32::try_from(days_before(year, month, day)).unwrap_or(u32::MAX))
    }
}

/// `2026-11-28`.
impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(u64::from(self.0) * DAY);
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

/// What was charged in each month that still counts, on the last day of it with a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearSpend {
    /// The first day that counts: those before it are over, by two clocks.
    from: Day,
    /// The latest day that any clock has shown: no charge counts on an earlier one.
    latest: Day,
    /// Ascending, from `from` to `latest`, one in a month, at most [`YEAR_MONTHS_MAX`].
    days: Vec<(Day, Accounts)>,
}

impl YearSpend {
    /// The first day that counts.
    #[must_use]
    pub fn from(&self) -> Day {
        self.from
    }

    /// What was charged, ascending: each month's on the last day of it with a charge.
    #[must_use]
    pub fn days(&self) -> &[(Day, Accounts)] {
        &self.days
    }

    /// One more charge, at a moment of the branch's own clock: on the latest day that any clock has shown, where that one is later.
    pub fn charge(&mut self, at: Millis, charge: &Accounts) {
        if *charge == Accounts::zero() {
            return;
        }
        let day = Day::of(at).max(self.latest);
        self.latest = day;
        self.days.push((day, charge.clone()));
        self.gather();
    }

    /// Time has passed up to the earlier of two clocks: what is older than a year by both counts no more.
    pub fn pass(&mut self, (one, other): (Millis, Millis)) {
        self.from = self.from.max(Day::of(one.min(other)).year_begins());
        self.latest = self.latest.max(Day::of(one.max(other)));
        let from = self.from;
        self.days.retain(|(day, _)| *day >= from);
    }

    /// Everything that counts.
    #[must_use]
    pub fn spent(&self) -> Accounts {
        self.since(self.from)
    }

    /// What would count if time had passed up to this moment.
    #[must_use]
    pub fn spent_at(&self, to: Millis) -> Accounts {
        self.since(Day::of(to).year_begins())
    }

    /// The next day, after that of a moment, from which on less counts, and what counts then.
    #[must_use]
    pub fn falls_after(&self, now: Millis) -> Option<(Day, Accounts)> {
        let begins = Day::of(now).year_begins();
        let (oldest, _) = self.days.iter().find(|(day, _)| *day >= begins)?;
        Some((oldest.falls(), self.since(Day(oldest.0.saturating_add(1)))))
    }

    /// Whether everything that another one says, as far as it counts here, is counted here: whenever time has passed, no less is.
    #[must_use]
    pub fn knows(&self, other: &Self) -> bool {
        let counts = other.days.iter().map(|(day, _)| *day).filter(|day| *day >= self.from);
        counts.into_iter().all(|day| other.since(day).at_most(&self.since(day)))
    }

    /// Counts what another one says as well: from every day on, the larger of the two figures. Nothing is counted twice.
    pub fn raise(&mut self, other: &Self) {
        let from = self.from.max(other.from);
        let mut all: Vec<Day> = self.days.iter().chain(&other.days).map(|(day, _)| *day).collect();
        all.retain(|day| *day >= from);
        // A day that stands twice adds nothing the first time, and so is in the raised days once.
        all.sort_unstable();
        let since = |day: Day| self.since(day).most(&other.since(day));
        let raised = all.iter().enumerate().map(|(place, day)| {
            let later = all.get(place.saturating_add(1)).map_or_else(Accounts::zero, |next| since(*next));
            (*day, later.missing_to(&since(*day)))
        });
        let days = raised.filter(|(_, charged)| *charged != Accounts::zero()).collect();
        (self.from, self.latest, self.days) = (from, self.latest.max(other.latest), days);
        self.gather();
    }

    /// Whether it has the form that this type keeps: what is longer goes into no file.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let days = self.days.iter().map(|(day, _)| *day);
        let ascending = days.clone().zip(days.clone().skip(1)).all(|(one, next)| one.month() < next.month());
        let known = days.clone().all(|day| (self.from..=self.latest).contains(&day));
        ascending && known && self.from <= self.latest && self.days.len() <= YEAR_MONTHS_MAX
    }

    pub(crate) fn canonical(&self, body: Canonical) -> Canonical {
        let body = body.u32(self.from.0).u32(self.latest.0).u32(u32::try_from(self.days.len()).unwrap_or(u32::MAX));
        self.days.iter().fold(body, |body, (day, charged)| charged.canonical(body.u32(day.0)))
    }

    fn since(&self, begins: Day) -> Accounts {
        let counting = self.days.iter().filter(|(day, _)| *day >= begins);
        counting.fold(Accounts::zero(), |sum, (_, charged)| sum.plus(charged))
    }

    /// Charges of one month count with the last of them; and where there are too many months, the oldest with the next: for longer, never for less.
    fn gather(&mut self) {
        let mut kept: Vec<(Day, Accounts)> = Vec::with_capacity(self.days.len());
        for (day, charged) in self.days.drain(..) {
            match kept.last_mut().filter(|(last, _)| last.month() == day.month()) {
                Some(last) => *last = (day, last.1.plus(&charged)),
                None => kept.push((day, charged)),
            }
        }
        while kept.len() > YEAR_MONTHS_MAX {
            let (_, oldest) = kept.remove(0);
            if let Some((_, next)) = kept.first_mut() {
                *next = next.plus(&oldest);
            }
        }
        self.days = kept;
    }
}

#[cfg(test)]
#[path = "year_tests.rs"]
mod tests;
