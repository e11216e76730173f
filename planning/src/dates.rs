//! Dates of a plan: days of the calendar in UTC, as seconds of the Unix clock.

use tributary_protocol::plan::Date;

/// The first second of a day that is written YYYY-MM-DD.
#[must_use]
pub fn first_second(text: &str) -> Option<u64> {
    Date::parse(text).map(Date::first_second)
}

/// The last second of such a day.
#[must_use]
pub fn last_second(text: &str) -> Option<u64> {
    Date::parse(text).map(Date::last_second)
}

/// The day of a second, as [`first_second`] reads it.
#[must_use]
pub fn day(second: u64) -> String {
    Date::of_second(second).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_first_and_a_last_second() {
        assert_eq!(first_second("1970-01-01"), Some(0));
        assert_eq!(first_second("2026-11-28"), Some(1_795_824_000));
        assert_eq!(last_second("2026-11-28"), Some(1_795_824_000 + 86_399));
        assert_eq!((first_second("2026-11-31"), last_second("")), (None, None));
        assert_eq!((day(1_795_824_000), day(1_795_824_000 + 86_399)), ("2026-11-28".into(), "2026-11-28".into()));
        assert_eq!(day(u64::MAX), "beyond the year 9999");
    }
}
