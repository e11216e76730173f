//! When something happened: a day of the bank's own calendar, and the second of it.

use tributary_model::features::Cell;
use tributary_protocol::plan::Date;

use crate::data::mapping::{DayForm, EPOCH};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A column of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeColumn {
    /// The column.
    pub column: String,
    /// How times are written.
    pub form: MomentForm,
    /// Whose clock they are of, where they do not say it themselves.
    pub zone: Zone,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentForm {
    /// `20261130`.
    Compact,
    /// `20261130235959`.
    CompactSeconds,
    /// `2026-11-30`; a time may stand after it.
    Dashes,
    /// `2026/11/30`; a time may stand after it.
    Slashes,
}

/// Whose clock a time is of that does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The bank's own.
    Local,
    /// UTC.
    Utc,
}

/// A second of the bank's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::data) struct Moment {
    /// Days since 1970-01-01.
    pub(in crate::data) day: i32,
    /// Second of the day, where more than the day is known.
    pub(super) second: Option<i32>,
}

impl MomentForm {
    /// Each of them, by its word.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("YYYYMMDD", Self::Compact),
        ("YYYYMMDDHHMMSS", Self::CompactSeconds),
        ("YYYY-MM-DD", Self::Dashes),
        ("YYYY/MM/DD", Self::Slashes),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, form)| *form == self).map_or("", |(name, _)| name)
    }
}

impl TimeColumn {
    /// The moment of a text on the bank's clock, which is ahead of UTC by so many minutes. Nothing where the text is none.
    ///
    /// A day without a time is that day of the bank. A time that says its own distance from UTC is moved to the bank's clock.
    pub(super) fn read(&self, text: &str, offset_minutes: i32) -> Option<Moment> {
        let text = text.trim();
        let (day, time) = match self.form {
            MomentForm::Compact => (DayForm::Compact.read(text)?, None),
            MomentForm::CompactSeconds => {
                let (day, time) = text.split_at_checked(8)?;
                let second = clock(time.get(..2)?, time.get(2..4)?, time.get(4..)?)?;
                (DayForm::Compact.read(day)?, Some((second, None)))
            }
            MomentForm::Dashes | MomentForm::Slashes => {
                let form = if self.form == MomentForm::Dashes { DayForm::Dashes } else { DayForm::Slashes };
                match text.split_once([' ', 'T']) {
                    None => (form.read(text)?, None),
                    Some((day, time)) => (form.read(day)?, Some(of_clock(time.trim())?)),
                }
            }
        };
        let day = day.to_julian_day() - EPOCH;
        let Some((second, own)) = time else { return Some(Moment { day, second: None }) };
        let bank = i64::from(offset_minutes) * 60;
        let shift = match (own, self.zone) {
            (Some(own), _) => bank - own,
            (None, Zone::Utc) => bank,
            (None, Zone::Local) => 0,
        };
        Moment::of_seconds(i64::from(day) * DAY + i64::from(second) + shift)
    }
}

impl Moment {
    /// Seconds from one moment to a later one; whole days where of one of them the day alone is known.
    pub(super) fn seconds_to(self, end: Self) -> i64 {
        let days = (i64::from(end.day) - i64::from(self.day)) * DAY;
        match (self.second, end.second) {
            (Some(begin), Some(end)) => days + i64::from(end) - i64::from(begin),
            _ => days,
        }
    }

    fn of_seconds(seconds: i64) -> Option<Self> {
        let day = i32::try_from(seconds.div_euclid(DAY)).ok()?;
        Some(Self { day, second: Some(i32::try_from(seconds.rem_euclid(DAY)).ok()?) })
    }
}

/// A value of a column of times; nothing where it is empty. What is wrong with it, without a word of it.
pub(in crate::data) fn read_moment(
    cell: Cell<'_>,
    column: &TimeColumn,
    offset_minutes: i32,
) -> Result<Option<Moment>, String> {
    let digits;
    let text = match cell {
        Cell::Missing => "",
        Cell::Text(text) => text.trim(),
        Cell::Integer(number) => {
            digits = number.to_string();
            &digits
        }
        Cell::Number(_) => "a number with a fraction",
    };
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("no time that is written {}; correct the export", column.form.name());
    column.read(text, offset_minutes).map(Some).ok_or_else(wrong)
}

/// The day on the bank's clock of a text `YYYY-MM-DD`, after which a time may stand: one that says its own distance from UTC is moved to that clock.
pub(crate) fn bank_day_of(text: &str, offset_minutes: i32) -> Option<Date> {
    let column = TimeColumn { column: String::new(), form: MomentForm::Dashes, zone: Zone::Local };
    column.read(text, offset_minutes).and_then(|moment| u32::try_from(moment.day).ok()).map(Date)
}

/// The second of a day.
fn clock(hours: &str, minutes: &str, seconds: &str) -> Option<i32> {
    let of = |text: &str, most: i32| two(text).filter(|value| *value <= most);
    Some(of(hours, 23)? * 3600 + of(minutes, 59)? * 60 + of(seconds, 59)?)
}

/// A number of two digits.
fn two(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.FFF`, perhaps with its distance from UTC after it: the second of the day, and that distance in seconds.
fn of_clock(text: &str) -> Option<(i32, Option<i64>)> {
    let at = text.find(['Z', 'z', '+', '-']);
    let (time, zone) = text.split_at(at.unwrap_or(text.len()));
    let (time, fraction) = time.trim_end().split_once('.').map_or((time.trim_end(), "0"), |(time, rest)| (time, rest));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = time.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("00"));
    if parts.next().is_some() {
        return None;
    }
    let second = clock(hours, minutes, seconds)?;
    Some((second, if zone.is_empty() { None } else { Some(distance(zone)?) }))
}

/// `Z`, `+08`, `+0800` or `+08:00`, in seconds.
fn distance(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { two(minutes).filter(|minutes| *minutes <= 59)? };
    let seconds = i64::from(two(hours).filter(|hours| *hours <= 15)? * 3600 + minutes * 60);
    Some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: MomentForm, zone: Zone, text: &str) -> Option<(String, i32)> {
        let column = TimeColumn { column: "t".into(), form, zone };
        let Moment { day, second } = column.read(text, 480)?;
        Some((Date(u32::try_from(day).ok()?).to_string(), second.unwrap_or(0)))
    }

    #[test]
    fn a_time_is_a_day_of_the_bank() {
        use MomentForm::{Compact, CompactSeconds, Dashes, Slashes};
        for (form, zone, text, day, second) in [
            (Compact, Zone::Local, "20261130", "2026-11-30", 0),
            (Compact, Zone::Utc, "20261130", "2026-11-30", 0),
            (CompactSeconds, Zone::Local, "20261130235959", "2026-11-30", 86_399),
            (CompactSeconds, Zone::Utc, "20261130160000", "2026-12-01", 0),
            (Dashes, Zone::Local, "2026-11-30 23:30", "2026-11-30", 84_600),
            (Dashes, Zone::Utc, "2026-11-30T15:59:59.999", "2026-11-30", 86_399),
            (Dashes, Zone::Utc, "2026-11-30 16:00:00", "2026-12-01", 0),
            (Dashes, Zone::Local, "2026-11-30 16:00:00Z", "2026-12-01", 0),
            (Dashes, Zone::Utc, "2026-12-01 00:00:00+08", "2026-12-01", 0),
            (Dashes, Zone::Local, "2026-11-30 23:00:00 -05:30", "2026-12-01", 45_000),
            (Slashes, Zone::Local, "2026/1/5 00:00:01", "2026-01-05", 1),
            (Dashes, Zone::Local, "2026-11-30 00:00:59.0", "2026-11-30", 59),
            (Dashes, Zone::Local, "2026-11-30 00:59", "2026-11-30", 3_540),
            (Dashes, Zone::Local, "2026-11-30T23:59:59 z", "2026-12-01", 28_799),
            (Dashes, Zone::Utc, "2026-11-30 12:00-1559", "2026-12-01", 43_140),
            (Dashes, Zone::Utc, "2026-12-01 12:00+15:59", "2026-12-01", 14_460),
        ] {
            assert_eq!(read(form, zone, text), Some((day.to_owned(), second)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for (form, text) in [
            (MomentForm::Compact, "20261131"),
            (MomentForm::Compact, "2026-11-30"),
            (MomentForm::Compact, ""),
            (MomentForm::CompactSeconds, "20261130"),
            (MomentForm::CompactSeconds, "20261130246000"),
            (MomentForm::CompactSeconds, "202611302359599"),
            (MomentForm::CompactSeconds, "2026113é000000"),
            (MomentForm::Dashes, "2026-11-30 24:00"),
            (MomentForm::Dashes, "2026-11-30 12"),
            (MomentForm::Dashes, "2026-11-30 12:00:00."),
            (MomentForm::Dashes, "2026-11-30 12:00:00+99:00"),
            (MomentForm::Dashes, "2026-11-30 12:00:00+"),
            (MomentForm::Dashes, "2026-11-30 12:00:00+é"),
            (MomentForm::Dashes, "2026-11-30 1:2:3:4"),
            (MomentForm::Dashes, "2026-11-30 01:02:03:04"),
            (MomentForm::Dashes, "2026-11-30 12:00:00.1x"),
            (MomentForm::Dashes, "2026-11-30 12:60"),
            (MomentForm::Dashes, "2026-11-30 12:00:60"),
            (MomentForm::Dashes, "2026-11-30 12:00:0"),
            (MomentForm::Dashes, "2026-11-30 12:00:00+16:00"),
            (MomentForm::Dashes, "2026-11-30 12:00:00+08:60"),
            (MomentForm::Dashes, "2026-11-30 12:00:00+8"),
            (MomentForm::CompactSeconds, "20261130126000"),
            (MomentForm::CompactSeconds, "20261130120060"),
            (MomentForm::Slashes, "2026-11-30 12:00"),
            (MomentForm::Slashes, "2026-11-30"),
        ] {
            assert_eq!(read(form, Zone::Local, text), None, "{text}");
        }
    }

    /// Where of one of two moments the day alone is known, whole days are between them.
    #[test]
    fn the_time_between_two_moments_is_as_exact_as_both() {
        let at = |day, second| Moment { day, second };
        for (begin, end, seconds) in [
            (at(3, Some(86_399)), at(4, Some(1)), 2),
            (at(4, Some(1)), at(3, Some(86_399)), -2),
            (at(3, None), at(5, Some(7)), 172_800),
            (at(3, Some(7)), at(5, None), 172_800),
            (at(3, None), at(3, None), 0),
        ] {
            assert_eq!(begin.seconds_to(end), seconds, "{begin:?} {end:?}");
        }
        assert_eq!(Moment::of_seconds(-1), Some(at(-1, Some(86_399))));
        assert_eq!(bank_day_of("2026-11-30 16:00Z", 480), Date::parse("2026-12-01"));
        assert_eq!(bank_day_of("2026-11-30 16:00Z", -480), Date::parse("2026-11-30"));
        assert_eq!([bank_day_of("1969-12-31", 0), bank_day_of("1970-01-01", 0)], [None, Some(Date(0))]);
    }

    #[test]
    fn a_cell_is_a_time_as_it_is_written_and_an_empty_one_is_none() {
        let column = TimeColumn { column: "t".into(), form: MomentForm::Compact, zone: Zone::Local };
        let read = |cell| read_moment(cell, &column, 0).map(|found| found.map(|moment| moment.day));
        let day = Date::parse("2026-11-30").map(|day| i32::try_from(day.0).unwrap());
        assert_eq!([Cell::Missing, Cell::Text(" ")].map(read), [Ok(None), Ok(None)]);
        assert_eq!([Cell::Integer(20_261_130), Cell::Text(" 20261130 ")].map(read), [Ok(day), Ok(day)]);
        let wrong = Err("no time that is written YYYYMMDD; correct the export".to_owned());
        for cell in [Cell::Integer(-20_261_130), Cell::Number(20_261_130.0), Cell::Text("today")] {
            assert_eq!(read(cell), wrong);
        }
        let names: Vec<&str> = MomentForm::WORDS.iter().map(|(_, form)| form.name()).collect();
        assert_eq!(names, ["YYYYMMDD", "YYYYMMDDHHMMSS", "YYYY-MM-DD", "YYYY/MM/DD"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(text in ".{0,40}", pick in 0_usize..4) {
            let _ = read(MomentForm::WORDS[pick].1, Zone::Utc, &text);
            let _ = of_clock(&text);
        }
    }
}
