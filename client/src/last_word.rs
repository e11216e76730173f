//! What a branch that leaves after a run still waits for: to cosign what the coordinator's journal says of the run's end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a branch that leaves after a run waits for the checkpoint of its end.
const LAST_WORD_TIME: Duration = Duration::from_secs(5);

/// The wait. Entries are those of the last checkpoint that the branch has cosigned; none before the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastWord {
    until: Instant,
    cosigned: Option<u64>,
}

impl LastWord {
    /// Begins as the run ends.
    pub(crate) fn after(cosigned: Option<u64>) -> Self {
        Self { until: Instant::now() + LAST_WORD_TIME, cosigned }
    }

    /// Whether it has come: a larger checkpoint was cosigned.
    pub(crate) fn has_come(&self, cosigned: Option<u64>) -> bool {
        cosigned > self.cosigned
    }

    /// Returns when the wait has lasted long enough; never where there is none.
    pub(crate) async fn is_over(waits: Option<Self>) {
        match waits {
            Some(Self { until, .. }) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_larger_checkpoint_is_the_last_word() {
        for (before, now, has) in [
            (None, None, false),
            (None, Some(1), true),
            (Some(7), None, false),
            (Some(7), Some(6), false),
            (Some(7), Some(7), false),
            (Some(7), Some(8), true),
        ] {
            assert_eq!(LastWord::after(before).has_come(now), has, "{before:?} {now:?}");
        }
    }

    /// It is said in the manual: five seconds. Without a wait nothing ends.
    #[test]
    fn the_last_word_is_waited_for_as_long_as_is_said_and_no_longer() {
        assert_eq!(LAST_WORD_TIME, Duration::from_secs(5));
        let before = Instant::now();
        let begun = LastWord::after(Some(7));
        assert!(before + LAST_WORD_TIME <= begun.until && begun.until <= Instant::now() + LAST_WORD_TIME);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let is_over = |waits| {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = LastWord::is_over(waits) => true,
                    () = std::future::ready(()) => false,
                }
            })
        };
        let passed = LastWord { until: before, cosigned: None };
        assert_eq!([None, Some(begun), Some(passed)].map(is_over), [false, false, true]);
    }
}
