//! What the daemon and the sink's thread know of each other.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tributary_storage::journal::Durable;

/// Held by both; nobody holds the lock while it waits for anything else.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The journal has grown, or the daemon ends.
    pub(super) news: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) durable: Durable,
    /// Entries that the sink has.
    pub(super) acknowledged: u64,
    /// Whether the place that was kept is this journal's.
    pub(super) begun: bool,
    /// When the oldest entry was recorded that the sink does not have, in Unix milliseconds.
    pub(super) oldest: Option<u64>,
    /// Why the last attempt failed, and since when attempts fail, in Unix seconds.
    pub(super) failing: Option<(String, u64)>,
    /// Why nothing is attempted any more, and since when.
    pub(super) broken: Option<(String, u64)>,
    /// Rounds are withheld until it has caught up.
    pub(super) withholds: bool,
    pub(super) ending: bool,
}

impl State {
    /// Entries that the sink does not have yet.
    pub(super) fn lag_entries(&self) -> u64 {
        self.durable.entries.saturating_sub(self.acknowledged)
    }

    /// Age of the oldest of them, in seconds.
    pub(super) fn lag_seconds(&self, unix_millis: u64) -> u64 {
        self.oldest.map_or(0, |oldest| unix_millis.saturating_sub(oldest) / 1000)
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
