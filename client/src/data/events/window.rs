//! Windows before the day of the data. A window is half-open: the day after its begin is in it, and so is the day of the data.

use time::{Date as Calendar, Duration, Month};
use tributary_protocol::plan::Date;

use crate::data::mapping::EPOCH;

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// So many days.
    Days(u16),
    /// So many months of the calendar.
    Months(u16),
}

impl Window {
    /// Longest way back from the day of the data, in days: ten years.
    pub const LOOK_BACK_DAYS_MAX: i64 = 3_660;
    /// The same, for a function that keeps each day as a bit: three years.
    pub const KEPT_DAYS_MAX: i64 = 1_098;

    /// The last day before so many windows that end with the day of the data. Days are counted from 1970-01-01.
    ///
    /// A month goes back to the same day of the month, or to the month's last day where it is shorter. From a month's last day it goes back to the
    /// last day of a month: a month that ends with the data is always a whole one.
    #[must_use]
    pub fn begin(self, as_of: Date, windows: u16) -> i32 {
        let last = i32::try_from(as_of.0).unwrap_or(i32::MAX);
        match self {
            Self::Days(days) => last.saturating_sub(i32::from(days).saturating_mul(i32::from(windows))),
            Self::Months(months) => {
                let months = i32::from(months).saturating_mul(i32::from(windows));
                let Some(day) = last.checked_add(EPOCH).and_then(|day| Calendar::from_julian_day(day).ok()) else {
                    return last;
                };
                let ends = day.checked_add(Duration::DAY).is_none_or(|next| next.month() != day.month());
                let month = day.year() * 12 + i32::from(u8::from(day.month())) - 1 - months;
                let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
                let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
                let Some(month) = month else { return last };
                let length = month.length(year);
                let of_month = if ends { length } else { day.day().min(length) };
                Calendar::from_calendar_date(year, month, of_month).map_or(last, |begin| begin.to_julian_day() - EPOCH)
            }
        }
    }

    /// The most days that so many of these windows may have.
    #[must_use]
    pub fn days_max(self, windows: u16) -> i64 {
        let each = match self {
            Self::Days(days) => i64::from(days),
            Self::Months(months) => i64::from(months) * 31,
        };
        each * i64::from(windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn months_go_back_to_the_same_day_or_to_a_months_end() {
        for (as_of, months, begin) in [
            ("2026-11-30", 1, "2026-10-31"),
            ("2026-02-28", 1, "2026-01-31"),
            ("2024-02-29", 12, "2023-02-28"),
            ("2026-03-15", 1, "2026-02-15"),
            ("2026-03-30", 1, "2026-02-28"),
            ("2026-01-01", 13, "2024-12-01"),
            ("2026-12-31", 3, "2026-09-30"),
        ] {
            let found = Window::Months(months).begin(day(as_of), 1);
            assert_eq!(found, i32::try_from(day(begin).0).unwrap(), "{as_of} {months}");
            let half = Window::Months(1).begin(day(as_of), months);
            assert_eq!(half, found, "so many windows of one month");
        }
    }

    #[test]
    fn days_are_counted_from_the_day_of_the_data() {
        let as_of = day("2026-11-30");
        assert_eq!(Window::Days(30).begin(as_of, 1), i32::try_from(day("2026-10-31").0).unwrap());
        assert_eq!(Window::Days(30).begin(as_of, 2), i32::try_from(day("2026-10-01").0).unwrap());
        // Before the clock began, days are below 0.
        assert_eq!(Window::Days(30).begin(Date(0), 2), -60);
        assert!(Window::Months(120).begin(Date(0), 1) < -3_600);
        assert_eq!([Window::Days(7).days_max(3), Window::Months(2).days_max(2)], [21, 124]);
    }
}
