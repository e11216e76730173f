//! Hours of the day, by a local clock.

use std::fmt;

/// From one minute of the day to another, by a clock that is so far from UTC. They may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// First minute of the day.
    pub from: u32,
    /// First minute of the day after them.
    pub until: u32,
    /// Minutes to add to UTC.
    pub offset: i32,
}

const DAY: i64 = 86_400;

impl Hours {
    /// A time of the day, `HH:MM`, in minutes.
    #[must_use]
    pub fn minute(text: &str) -> Option<u32> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |part: &str, below: u32| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|number| digits && *number < below)
        };
        Some(number(hours, 24)? * 60 + number(minutes, 60)?)
    }

    /// `HH:MM-HH:MM`, by a clock that is so many minutes ahead of UTC. A whole day has no such form.
    #[must_use]
    pub fn parse(text: &str, offset: i32) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from, until) = (Self::minute(from)?, Self::minute(until)?);
        (from != until).then_some(Self { from, until, offset })
    }

    /// Seconds until they begin again; `now` is in Unix seconds.
    #[must_use]
    pub fn begins_in(&self, now: u64) -> u64 {
        u64::try_from((i64::from(self.from) * 60 - self.local(now)).rem_euclid(DAY)).unwrap_or_default()
    }

    /// Seconds until they are over, where they are now; `now` is in Unix seconds.
    #[must_use]
    pub fn left(&self, now: u64) -> Option<u64> {
        let second = |minute: u32| i64::from(minute) * 60;
        let since = (self.local(now) - second(self.from)).rem_euclid(DAY);
        let length = (second(self.until) - second(self.from)).rem_euclid(DAY);
        u64::try_from(length - since).ok().filter(|left| *left > 0)
    }

    /// The second of the day.
    fn local(&self, now: u64) -> i64 {
        i64::try_from(now).unwrap_or(i64::MAX / 2).wrapping_add(i64::from(self.offset) * 60).rem_euclid(DAY)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until, offset } = self;
        let (sign, ahead) = (if *offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        let part = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(formatter, "{}-{} (UTC{sign}{})", part(*from), part(*until), part(ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_span_midnight_and_follow_the_local_clock() {
        let minute = |text: &str| Hours::minute(text).unwrap();
        // 22:00 to 07:00 in Beijing.
        let hours = Hours { from: minute("22:00"), until: minute("07:00"), offset: 480 };
        let at = |utc: &str| hours.left(u64::from(minute(utc)) * 60 + 20 * 86_400);
        assert_eq!(at("13:59"), None);
        assert_eq!(at("14:00"), Some(9 * 3_600));
        assert_eq!(at("22:59"), Some(60));
        assert_eq!(at("23:00"), None);
        assert_eq!(at("05:00"), None);
        let noon = Hours { from: minute("12:00"), until: minute("13:00"), offset: 0 };
        assert_eq!(noon.left(12 * 3_600), Some(3_600));
        assert_eq!((noon.left(13 * 3_600), noon.left(11 * 3_600)), (None, None));
        for wrong in ["24:00", "12:60", "7:00", "07:0", "+1:00", "", "0700"] {
            assert_eq!(Hours::minute(wrong), None, "{wrong}");
        }
    }
}
