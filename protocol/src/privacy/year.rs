//! What was charged within a year, by months of the calendar (UTC).
//!
//! A year is the present month and the twelve full ones before it, so that nothing is freed before twelve months have passed. Months pass by two
//! clocks together: by the earlier of the branch's own and the one that the coordinator signs in a welcome. A charge counts in the latest month
//! that is known when it is made. So a clock that is wrong, or is set, can keep a charge counted for longer, and frees none.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::digest::Canonical;
use crate::plan::{civil, days_before};
use crate::time::Millis;

/// Full months that a charge counts for after its own.
const FULL_MONTHS: u32 = 12;

/// Most months of one [`YearSpend`]: the full ones and the present one.
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

    /// The first month that counts for a year when this one is the present one.
    #[must_use]
    pub const fn year_begins(self) -> Self {
        Self(self.0.saturating_sub(FULL_MONTHS))
    }

    /// The first month in which a charge of this one does not count any more.
    #[must_use]
    pub const fn falls(self) -> Self {
        self.plus(FULL_MONTHS + 1)
    }

    /// Its first second of the Unix clock; 0 for months before that.
    #[must_use]
    pub fn first_second(self) -> u64 {
        if self.0 < 1970 * 12 {
            0
        } else {
            days_before((self.0 / 12).into(), self.0 % 12 + 1, 1).saturating_mul(86_400)
        }
    }
}

/// `2026-11`.
impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// What was charged in each month that still counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearSpend {
    /// The first month that counts: those before it are over, by two clocks.
    from: Month,
    /// The latest month that any clock has shown: no charge counts in an earlier one.
    latest: Month,
    /// Ascending, from `from` to `latest`, at most [`YEAR_MONTHS_MAX`].
    months: Vec<(Month, Accounts)>,
}

impl YearSpend {
    /// The first month that counts.
    #[must_use]
    pub fn from(&self) -> Month {
        self.from
    }

    /// What was charged by month, ascending.
    #[must_use]
    pub fn months(&self) -> &[(Month, Accounts)] {
        &self.months
    }

    /// One more charge, at a moment of the branch's own clock: in the latest month that any clock has shown, where that one is behind.
    pub fn charge(&mut self, at: Millis, charge: &Accounts) {
        if *charge == Accounts::zero() {
            return;
        }
        let month = Month::of(at).max(self.latest);
        self.latest = month;
        match self.months.last_mut().filter(|(last, _)| *last == month) {
            Some((_, sum)) => *sum = sum.plus(charge),
            None => self.months.push((month, charge.clone())),
        }
        self.bound();
    }

    /// Time has passed up to the earlier of two clocks: what is older than a year by both counts no more.
    pub fn pass(&mut self, (one, other): (Millis, Millis)) {
        self.from = self.from.max(Month::of(one.min(other)).year_begins());
        self.latest = self.latest.max(Month::of(one.max(other)));
        let from = self.from;
        self.months.retain(|(month, _)| *month >= from);
    }

    /// Everything that counts.
    #[must_use]
    pub fn spent(&self) -> Accounts {
        self.since(self.from)
    }

    /// What would count if time had passed up to this moment.
    #[must_use]
    pub fn spent_at(&self, to: Millis) -> Accounts {
        self.since(Month::of(to).year_begins().max(self.from))
    }

    /// The next month, after that of a moment, from which on less counts, and what counts then.
    #[must_use]
    pub fn falls_after(&self, now: Millis) -> Option<(Month, Accounts)> {
        let begins = Month::of(now).year_begins().max(self.from);
        let (oldest, _) = self.months.iter().find(|(month, _)| *month >= begins)?;
        Some((oldest.falls(), self.since(oldest.plus(1))))
    }

    /// Whether everything that another one says, as far as it counts here, is counted here: whenever time has passed, no less is.
    #[must_use]
    pub fn knows(&self, other: &Self) -> bool {
        let counts = other.months.iter().map(|(month, _)| *month).filter(|month| *month >= self.from);
        counts.into_iter().all(|month| other.since(month).at_most(&self.since(month)))
    }

    /// Counts what another one says as well: from every month on, the larger of the two figures. Nothing is counted twice.
    pub fn raise(&mut self, other: &Self) {
        let from = self.from.max(other.from);
        let mut all: Vec<Month> = self.months.iter().chain(&other.months).map(|(month, _)| *month).collect();
        all.retain(|month| *month >= from);
        all.sort_unstable();
        all.dedup();
        let since = |month: Month| self.since(month).most(&other.since(month));
        let raised = all.iter().enumerate().map(|(place, month)| {
            let later = all.get(place.saturating_add(1)).map_or_else(Accounts::zero, |next| since(*next));
            (*month, later.missing_to(&since(*month)))
        });
        let months = raised.filter(|(_, charged)| *charged != Accounts::zero()).collect();
        (self.from, self.latest, self.months) = (from, self.latest.max(other.latest), months);
        self.bound();
    }

    /// Whether it has the form that this type keeps: what is longer goes into no file.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let months = self.months.iter().map(|(month, _)| *month);
        let ascending = months.clone().zip(months.clone().skip(1)).all(|(one, next)| one < next);
        let known = months.clone().all(|month| (self.from..=self.latest).contains(&month));
        ascending && known && self.months.len() <= YEAR_MONTHS_MAX
    }

    pub(crate) fn canonical(&self, body: Canonical) -> Canonical {
        let body = body.u32(self.from.0).u32(self.latest.0).u32(u32::try_from(self.months.len()).unwrap_or(u32::MAX));
        self.months.iter().fold(body, |body, (month, charged)| charged.canonical(body.u32(month.0)))
    }

    fn since(&self, begins: Month) -> Accounts {
        let counting = self.months.iter().filter(|(month, _)| *month >= begins);
        counting.fold(Accounts::zero(), |sum, (_, charged)| sum.plus(charged))
    }

    /// Where there are too many months, the oldest one counts with the next: for longer, never for less.
    fn bound(&mut self) {
        while self.months.len() > YEAR_MONTHS_MAX {
            let (_, oldest) = self.months.remove(0);
            if let Some((_, next)) = self.months.first_mut() {
                *next = next.plus(&oldest);
            }
        }
    }
}

#[cfg(test)]
#[path = "year_tests.rs"]
mod tests;
