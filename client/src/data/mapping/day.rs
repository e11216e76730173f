//! Days, and what lies between one and the day of the data.

use time::{Date as Calendar, Month};

/// The Julian day of 1970-01-01.
pub(in crate::data) const EPOCH: i32 = 2_440_588;

/// How a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayForm {
    /// `19800131`.
    Compact,
    /// `1980-01-31`; a time may stand after it.
    Dashes,
    /// `1980/1/31`; a time may stand after it.
    Slashes,
    /// `198001`: the first day of the month is meant.
    Month,
}

/// What is counted between a day and the day of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Whole years since then.
    YearsSince,
    /// Whole months since then.
    MonthsSince,
    /// Days since then.
    DaysSince,
    /// Whole months until then; below 0 where it is over.
    MonthsUntil,
    /// Days until then; below 0 where it is over.
    DaysUntil,
}

impl DayForm {
    /// Each of them, by its word.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("YYYYMMDD", Self::Compact),
        ("YYYY-MM-DD", Self::Dashes),
        ("YYYY/MM/DD", Self::Slashes),
        ("YYYYMM", Self::Month),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, form)| *form == self).map_or("", |(name, _)| name)
    }

    /// The day of a text, if the calendar has it.
    pub(in crate::data) fn read(self, text: &str) -> Option<Calendar> {
        let digits = |text: &str| (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
        let number = |text: &str| {
            digits(text)?;
            text.parse::<u16>().ok()
        };
        let (year, month, day) = match self {
            Self::Compact | Self::Month => {
                digits(text)?;
                let length = if self == Self::Compact { 8 } else { 6 };
                let day = if self == Self::Compact { number(text.get(6..8)?)? } else { 1 };
                (text.len() == length).then_some(())?;
                (number(text.get(..4)?)?, number(text.get(4..6)?)?, day)
            }
            Self::Dashes | Self::Slashes => {
                let day = text.split([' ', 'T']).next()?;
                let mut parts = day.split(if self == Self::Dashes { '-' } else { '/' });
                let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
                (parts.next().is_none() && year.len() == 4 && month.len() <= 2 && day.len() <= 2).then_some(())?;
                (number(year)?, number(month)?, number(day)?)
            }
        };
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        // A year before the first accounts of living people is a code or a mistake.
        (year >= YEAR_MIN).then_some(())?;
        Calendar::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
    }
}

/// Earliest year of a day.
const YEAR_MIN: u16 = 1850;

impl Counted {
    /// Each of them, by its word.
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("years-since", Self::YearsSince),
        ("months-since", Self::MonthsSince),
        ("days-since", Self::DaysSince),
        ("months-until", Self::MonthsUntil),
        ("days-until", Self::DaysUntil),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, counted)| *counted == self).map_or("", |(name, _)| name)
    }

    /// What is counted; nothing where a day since which something is counted comes after the day of the data.
    pub(super) fn between(self, day: Calendar, data: Calendar) -> Option<f64> {
        let months = |from: Calendar, to: Calendar| {
            let months =
                (to.year() - from.year()) * 12 + i32::from(u8::from(to.month())) - i32::from(u8::from(from.month()));
            // A month that began on the 31st is over on the last day of a shorter one.
            let last = to.month().length(to.year());
            months - i32::from(to.day() < from.day().min(last))
        };
        let days = |from: Calendar, to: Calendar| to.to_julian_day() - from.to_julian_day();
        let until = |count: i32| Some(f64::from(count));
        match self {
            Self::DaysUntil => until(days(data, day)),
            Self::MonthsUntil if day < data => until(-months(day, data)),
            Self::MonthsUntil => until(months(data, day)),
            _ if day > data => None,
            Self::DaysSince => until(days(day, data)),
            Self::MonthsSince => until(months(day, data)),
            Self::YearsSince => until(months(day, data) / 12),
        }
    }
}
