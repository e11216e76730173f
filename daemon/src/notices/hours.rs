//! Hours in which only what is critical is told.

/// From one minute of the day to another, by a clock that is so far from UTC. They may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// First minute of the day.
    pub from: u32,
    /// First minute of the day at which everything is told again.
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

    /// Seconds until they are over, where they are now; `now` is in Unix seconds.
    #[must_use]
    pub fn left(&self, now: u64) -> Option<u64> {
        let second = |minute: u32| i64::from(minute) * 60;
        let local =
            i64::try_from(now).unwrap_or(i64::MAX / 2).wrapping_add(i64::from(self.offset) * 60).rem_euclid(DAY);
        let since = (local - second(self.from)).rem_euclid(DAY);
        let length = (second(self.until) - second(self.from)).rem_euclid(DAY);
        u64::try_from(length - since).ok().filter(|left| *left > 0)
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
