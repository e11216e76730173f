//! Dates of a plan: days of the calendar in UTC, as seconds of the Unix clock.

use tributary_protocol::plan::{civil, days_before};

const DAY: u64 = 86_400;

/// The first second of a day that is written YYYY-MM-DD.
#[must_use]
pub fn first_second(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let digits = |text: &str, count: usize| {
        (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u32>().ok())?
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let second = days_before(year.into(), month, day).checked_mul(DAY)?;
    // Of a day that its month does not have, another date comes out.
    (civil(second) == (year.into(), month, day)).then_some(second)
}

/// The last second of such a day.
#[must_use]
pub fn last_second(text: &str) -> Option<u64> {
    first_second(text)?.checked_add(DAY - 1)
}

/// The day of a second, as [`first_second`] reads it.
#[must_use]
pub fn day(second: u64) -> String {
    let (year, month, day) = civil(second);
    if year > 9999 { "beyond the year 9999".into() } else { format!("{year:04}-{month:02}-{day:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_that_the_calendar_has() {
        assert_eq!(first_second("1970-01-01"), Some(0));
        assert_eq!(first_second("2026-11-28"), Some(1_795_824_000));
        assert_eq!(last_second("2026-11-28"), Some(1_795_824_000 + 86_399));
        for text in ["2024-02-29", "2000-02-29", "2026-12-31"] {
            let (first, last) = (first_second(text).unwrap(), last_second(text).unwrap());
            assert_eq!((day(first), day(last)), (text.to_owned(), text.to_owned()));
        }
        for text in [
            "",
            "2026-11",
            "2026-11-31",
            "2023-02-29",
            "1900-01-01",
            "2026-13-01",
            "2026-00-01",
            "2026-1-01",
            "+026-01-01",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(first_second(text), None, "{text}");
        }
        assert_eq!(day(u64::MAX), "beyond the year 9999");
    }
}
