//! The client's loops, as the watchdog sees them.

use std::time::Duration;

use tributary_daemon::{Pulse, Watchdog};

/// One for each loop.
pub(crate) struct Pulses {
    pub(crate) rounds: Pulse,
    pub(crate) renewal: Pulse,
    pub(crate) lists: Pulse,
    pub(crate) training: Pulse,
}

impl Pulses {
    pub(crate) fn of(watchdog: &mut Watchdog) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            rounds: watchdog.watch(
                "rounds",
                "rounds_stalled_seconds",
                "Seconds for which the loop of the rounds stands still at one step, beyond what it may; 0 where it goes on.",
                minute,
            ),
            renewal: watchdog.watch(
                "renewal",
                "renewal_stalled_seconds",
                "Seconds for which the loop that follows the certificate and its files stands still; 0 where it goes on.",
                minute,
            ),
            lists: watchdog.watch(
                "lists",
                "lists_stalled_seconds",
                "Seconds for which a question for newer revocation lists has taken, beyond what it may; 0 where the loop goes on.",
                minute * 5,
            ),
            training: watchdog.watch(
                "training",
                "training_stalled_seconds",
                "Seconds that the training's job in hand has taken, beyond what it may; 0 where it goes on.",
                minute * 10,
            ),
        }
    }
}
