//! How much the coordinator has this branch do. Each message that comes or goes counts, whatever it makes the branch write: a line of `sent.log`, an entry of
//! a ledger, a checkpoint, a line of a log. So nobody fills a disk here as fast as a network carries messages.

use std::time::Duration;

/// Messages that may come and go without a pause: some 20,000 rounds, which have six or seven each. They fill about 30 MB of `sent.log`.
const AT_ONCE: u64 = 131_072;

/// For how long each of them counts, in milliseconds: in the long run there are 25 in a second, about four rounds.
const EACH_MS: u64 = 40;

/// The longest pause, in milliseconds: the link is kept alive meanwhile.
const PAUSE_MS_MAX: u64 = 1_000;

/// The messages that still count.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When none of them does, in milliseconds.
    until: u64,
}

impl Pace {
    /// A message came or went, at this millisecond.
    pub(crate) fn count(&mut self, now: u64) {
        self.until = self.until.max(now).saturating_add(EACH_MS);
    }

    /// How long nothing more is read; nothing where the next message may be.
    pub(crate) fn wait(&self, now: u64) -> Option<Duration> {
        let beyond = self.until.saturating_sub(now).saturating_sub(AT_ONCE * EACH_MS);
        (beyond > 0).then(|| Duration::from_millis(beyond.min(PAUSE_MS_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever sends as fast as he can is read at a pace in the long run, and whoever has been silent is read at once.
    #[test]
    fn a_flood_of_messages_is_read_at_a_pace() {
        let (mut pace, mut now) = (Pace::default(), 5_000);
        for _ in 0..AT_ONCE {
            assert_eq!(pace.wait(now), None);
            pace.count(now);
        }
        let begun = now;
        for _ in 0..1_000 {
            pace.count(now);
            let wait = pace.wait(now).expect("it waits");
            assert_eq!(wait, Duration::from_millis(EACH_MS));
            now += EACH_MS;
            assert_eq!(pace.wait(now), None);
        }
        assert_eq!(now - begun, 1_000 * EACH_MS);
        // An hour of silence.
        now += 3_600_000;
        let more = (0..AT_ONCE).take_while(|_| {
            pace.count(now);
            pace.wait(now).is_none()
        });
        assert_eq!(more.count() as u64, 3_600_000 / EACH_MS);
    }
}
