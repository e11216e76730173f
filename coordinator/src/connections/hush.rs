//! Keeps strangers from filling the log: so many lines in a while, and then a count of those that were left out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines in each [`WHILE`].
const LINES: u32 = 20;

const WHILE: Duration = Duration::from_secs(10);

/// Who may speak.
#[derive(Default)]
pub(super) struct Hush(Mutex<Spoken>);

#[derive(Default)]
struct Spoken {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Hush {
    /// Whether a line may be written now, and how many were left out before it.
    pub(super) fn may_speak(&self) -> Option<u64> {
        self.may_speak_at(Instant::now())
    }

    fn may_speak_at(&self, now: Instant) -> Option<u64> {
        let mut spoken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spoken.since.is_none_or(|since| now >= since + WHILE) {
            (spoken.since, spoken.lines) = (Some(now), 0);
        }
        if spoken.lines == LINES {
            spoken.left_out += 1;
            return None;
        }
        spoken.lines += 1;
        Some(std::mem::take(&mut spoken.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_counted() {
        let (hush, now) = (Hush::default(), Instant::now());
        for _ in 0..LINES {
            assert_eq!(hush.may_speak_at(now), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(hush.may_speak_at(now), None);
        }
        assert_eq!(hush.may_speak_at(now + WHILE - Duration::from_nanos(1)), None);
        assert_eq!(hush.may_speak_at(now + WHILE), Some(8));
        for _ in 1..LINES {
            assert_eq!(hush.may_speak_at(now + WHILE), Some(0));
        }
        // The next while begins with its own first line.
        assert_eq!(hush.may_speak_at(now + 2 * WHILE - Duration::from_nanos(1)), None);
        assert_eq!(hush.may_speak_at(now + 2 * WHILE), Some(1));
    }
}
