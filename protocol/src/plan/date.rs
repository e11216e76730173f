//! A day of the calendar, in UTC (proleptic Gregorian).

use core::fmt;

use serde::{Deserialize, Serialize};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A day, as the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date(pub u32);

impl Date {
    /// 9999-12-31: the last day that has four digits of a year.
    pub const LAST: Self = Self(2_932_896);

    /// The day of a second of the Unix clock.
    #[must_use]
    pub fn of_second(second: u64) -> Self {
        Self(u32::try_from(second / DAY).unwrap_or(u32::MAX))
    }

    /// Its first second.
    #[must_use]
    pub fn first_second(self) -> u64 {
        u64::from(self.0).saturating_mul(DAY)
    }

    /// Its last second.
    #[must_use]
    pub fn last_second(self) -> u64 {
        self.first_second().saturating_add(DAY - 1)
    }

    /// A day that is written YYYY-MM-DD, and that the calendar has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |text: &str, count: usize| {
            (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u32>().ok())?
        };
        let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
        if parts.next().is_some() || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let date = Self(u32::try_from(days_before(year.into(), month, day)).ok()?);
        // Of a day that its month does not have, another date comes out.
        (date.civil() == (year.into(), month, day)).then_some(date)
    }

    /// The last day of the month before that of this day.
    #[must_use]
    pub fn month_end_before(self) -> Self {
        let (_, _, day) = self.civil();
        self.before(day)
    }

    /// So many days earlier; the first day of the clock where there are not so many.
    #[must_use]
    pub const fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    fn civil(self) -> (u64, u32, u32) {
        civil(self.first_second())
    }
}

/// YYYY-MM-DD.
impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self > Self::LAST {
            return out.write_str("beyond the year 9999");
        }
        let (year, month, day) = self.civil();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

/// Year, month and day of a second of the Unix clock.
#[must_use]
pub fn civil(second: u64) -> (u64, u32, u32) {
    // Days from 1 March of year 0: leap days then stand at the end of each year, each four centuries.
    let days = second / DAY + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let calendar = if month < 10 { month + 3 } else { month - 9 };
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    (year + era * 400 + u64::from(calendar <= 2), small(calendar), small(of_month))
}

/// Days from the beginning of the Unix clock to a date.
#[must_use]
pub fn days_before(year: u64, month: u32, day: u32) -> u64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_year = u64::from((153 * month + 2) / 5 + day - 1);
    let (era, year) = (year / 400, year % 400);
    (era * 146_097 + year * 365 + year / 4 - year / 100 + of_year).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).expect("a day of the calendar")
    }

    #[test]
    fn a_date_is_a_day_that_the_calendar_has() {
        for text in ["1970-01-01", "2024-02-29", "2000-02-29", "2026-12-31", "9999-12-31"] {
            let date = date(text);
            assert_eq!(date.to_string(), text);
            assert_eq!([Date::of_second(date.first_second()), Date::of_second(date.last_second())], [date; 2]);
        }
        assert_eq!((date("1970-01-01"), date("9999-12-31")), (Date(0), Date::LAST));
        for text in [
            "",
            "2026-11",
            "2026-11-31",
            "2023-02-29",
            "1900-01-01",
            "1969-12-31",
            "2026-13-01",
            "2026-00-01",
            "2026-03-00",
            "2026-03-32",
            "12026-03-01",
            "2026-03-011",
            "2026-1-01",
            "+026-01-01",
            "2026-01-01-",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert_eq!(Date(u32::MAX).to_string(), "beyond the year 9999");
        assert_eq!(Date::of_second(u64::MAX), Date(u32::MAX));
    }

    /// Counted by the rule of the calendar, over two of the centuries that have no leap day and over one that has.
    #[test]
    fn days_are_those_of_the_calendar() {
        let mut days = 0;
        for year in 1970_u64..=2405 {
            let leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leaps { 29 } else { 28 };
            for (month, length) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
                assert_eq!(days_before(year, month, 1), days, "{year}-{month}");
                assert_eq!(civil(days * DAY), (year, month, 1));
                days += u64::from(length);
                assert_eq!(civil(days * DAY - 1), (year, month, length));
                assert_eq!(days_before(year, month, length), days - 1, "{year}-{month}-{length}");
            }
        }
    }

    #[test]
    fn a_day_begins_at_its_first_second_and_ends_at_its_last() {
        let day = Date(2);
        assert_eq!((day.first_second(), day.last_second()), (172_800, 259_199));
        let of = [172_799, 172_800, 259_199, 259_200].map(Date::of_second);
        assert_eq!(of, [Date(1), day, day, Date(3)]);
        assert_eq!([0, 1, 2, 3].map(|days| day.before(days)), [day, Date(1), Date(0), Date(0)]);
    }

    #[test]
    fn a_month_ends_before_each_of_the_next_ones_days() {
        for (day, end) in [
            ("2026-12-01", "2026-11-30"),
            ("2026-12-31", "2026-11-30"),
            ("2027-01-15", "2026-12-31"),
            ("2024-03-01", "2024-02-29"),
        ] {
            assert_eq!(date(day).month_end_before(), date(end), "{day}");
        }
        assert_eq!(Date(20).month_end_before(), Date(0), "nothing is before the clock");
    }
}
