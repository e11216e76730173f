//! A second copy of the journal, elsewhere: each entry of `audit.log` as one line, in order, at least once.
//!
//! ```text
//! journal ─ synced ─► Sink (how far) ─► thread `audit-sink`: reads audit.log again ─► Way: a file elsewhere, or syslog over TLS
//!                       ▲                    │ acknowledged: STATE/audit.sink
//!                       └──── how far it lags ◄┘
//! ```
//!
//! The thread reads the file, so that nothing waits in memory however long the sink is away. A sink that lags too far withholds rounds: what is
//! under way ends, and nothing begins before the sink has caught up. Nothing else in the daemon waits for it.

mod entry;
mod file;
mod place;
mod preflight;
mod shared;
mod syslog;
#[cfg(test)]
mod tests;
mod way;
mod ways;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc;
use tributary_storage::journal::Durable;

use self::place::PlaceFile;
pub(crate) use self::preflight::preflight;
use self::shared::Shared;
use self::ways::way_of;
use self::worker::Worker;
use crate::connections::Arrival;
use crate::settings::{Lag, SinkSettings};
use crate::store::ledger_of;

/// How long a daemon that ends waits for the sink to take what is left.
pub(crate) const FAREWELL_TIME: Duration = Duration::from_secs(5);

/// How the sink stands, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Where entries go.
    pub(crate) target: String,
    /// Entries that it has.
    pub(crate) acknowledged: u64,
    /// Entries that it does not have yet.
    pub(crate) lag_entries: u64,
    /// Unix seconds since which entries are not taken, and why.
    pub(crate) failing: Option<(u64, String)>,
    /// Whether rounds wait for it.
    pub(crate) withholds: bool,
}

/// The daemon's end of the sink. Nothing here waits for it, but [`Sink::finish`].
pub(crate) struct Sink {
    shared: Arc<Shared>,
    target: String,
    lag: Lag,
    ended: Receiver<()>,
}

impl Sink {
    /// Begins to copy the journal of a state folder, of which so much is durable, from the place that the sink acknowledged last.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(
        settings: &SinkSettings,
        (state_dir, durable): (&Path, Durable),
        inputs: mpsc::Sender<Arrival>,
        unix_millis: fn() -> u64,
    ) -> std::io::Result<Self> {
        let way = way_of(&settings.way);
        let target = way.target();
        let shared = Arc::new(Shared::default());
        shared.state().durable = durable;
        let (done, ended) = sync_channel(1);
        let worker = Worker::new(
            (ledger_of(state_dir), PlaceFile::of(state_dir, &target)),
            (way, settings.enterprise),
            (Arc::clone(&shared), inputs),
            unix_millis,
        );
        std::thread::Builder::new().name("audit-sink".into()).spawn(move || {
            worker.run();
            let _ = done.send(());
        })?;
        Ok(Self { shared, target, lag: settings.lag, ended })
    }

    /// So much of the journal is durable.
    pub(crate) fn grows(&self, durable: Durable) {
        let mut state = self.shared.state();
        if state.durable != durable {
            state.durable = durable;
            self.shared.news.notify_one();
        }
    }

    /// Why no round may begin now, in words that stay the same while it stays so.
    pub(crate) fn withheld(&self, unix_millis: u64) -> Option<String> {
        let mut state = self.shared.state();
        let broken = state.broken.is_some() || !state.begun;
        state.withholds =
            broken || self.lag.withholds(state.lag_entries(), state.lag_seconds(unix_millis), state.withholds);
        state.withholds.then(|| {
            format!(
                "the second copy of audit.log, which goes to {}, lags too far. No round begins before it has caught up; `tributary coordinator \
                 status` says why",
                self.target
            )
        })
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let state = self.shared.state();
        let failing = state.broken.as_ref().or(state.failing.as_ref());
        Standing {
            target: self.target.clone(),
            acknowledged: state.acknowledged,
            lag_entries: state.lag_entries(),
            failing: failing.map(|(why, since)| (*since, why.clone())),
            withholds: state.withholds,
        }
    }

    /// Age of the oldest entry that it does not have, in seconds.
    pub(crate) fn lag_seconds(&self, unix_millis: u64) -> u64 {
        self.shared.state().lag_seconds(unix_millis)
    }

    /// The daemon ends: the sink is given what is left, as long as this takes at most.
    pub(crate) fn finish(&self, limit: Duration) {
        self.end();
        let _ = self.ended.recv_timeout(limit);
    }

    fn end(&self) {
        self.shared.state().ending = true;
        self.shared.news.notify_one();
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.end();
    }
}
