//! Hours of the day in which runs may begin: a bank may not want them beside its day's work.

use std::fmt;

use tributary_daemon::hours::Hours;

/// The windows of a queue. Without any a run may begin at every hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(pub Vec<Hours>);

impl Windows {
    /// Seconds until a run may begin, where none may now; `now` is in Unix seconds.
    #[must_use]
    pub fn opens_in(&self, now: u64) -> Option<u64> {
        let is_open = self.0.iter().any(|window| window.left(now).is_some());
        self.0.iter().map(|window| window.begins_in(now)).min().filter(|_| !is_open)
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(formatter, "{}", texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_begin_in_any_window_and_waits_for_the_next_one() {
        let window = |text: &str| Hours::parse(text, 480).unwrap();
        let windows = Windows(vec![window("22:00-06:00"), window("12:00-13:00")]);
        assert_eq!(windows.to_string(), "22:00-06:00 (UTC+08:00), 12:00-13:00 (UTC+08:00)");
        // Hours of Beijing, in seconds of UTC.
        let at = |hour: u64| windows.opens_in(20 * 86_400 + hour * 3_600 - 8 * 3_600);
        assert_eq!((at(22), at(29), at(12)), (None, None, None));
        assert_eq!((at(30), at(13), at(11)), (Some(6 * 3_600), Some(9 * 3_600), Some(3_600)));
        assert_eq!(Windows::default().opens_in(0), None);
    }
}
