//! A watchdog for the loops of a daemon: each says that it moves, and a thread of its own looks whether one has stopped.
//!
//! The thread shares nothing with the daemon's runtime, so that it goes on where that stands still. It tells the log and the metrics, and ends
//! nothing: whoever supervises the daemon decides.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::metrics::{Metric, Metrics};

/// How often loops are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// By which a loop says that it moves. Cheap: one store.
#[derive(Clone)]
pub struct Pulse(Arc<Watched>);

struct Watched {
    name: &'static str,
    /// Of the loop's metric.
    metric: Metric,
    limit: Duration,
    origin: Instant,
    /// Milliseconds from the origin to the last beat, or [`AT_REST`].
    beat: AtomicU64,
    told: AtomicBool,
}

/// A loop that waits for something to do.
const AT_REST: u64 = u64::MAX;

impl Pulse {
    /// The loop begins a turn.
    pub fn beat(&self) {
        self.0.beat.store(self.0.at(Instant::now()), Ordering::Relaxed);
    }

    /// The loop waits for something to do, however long that takes.
    pub fn rest(&self) {
        self.0.beat.store(AT_REST, Ordering::Relaxed);
    }
}

impl Watched {
    fn at(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.origin).as_millis()).unwrap_or(AT_REST - 1)
    }

    /// Seconds since the last beat of a loop that should have moved since, else 0.
    fn stalled_seconds(&self, now: Instant) -> u64 {
        let beat = self.beat.load(Ordering::Relaxed);
        let since = Duration::from_millis(self.at(now).saturating_sub(beat));
        if beat != AT_REST && since > self.limit { since.as_secs() } else { 0 }
    }
}

/// Looks after loops.
#[derive(Default)]
pub struct Watchdog {
    watched: Vec<Arc<Watched>>,
}

impl Watchdog {
    /// Nobody is watched yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A loop that is at rest, or begins a turn at least every `limit`. Its metric, `metric`, is the seconds that it has stood still beyond
    /// that.
    pub fn watch(&mut self, name: &'static str, metric: &'static str, help: &'static str, limit: Duration) -> Pulse {
        let watched = Arc::new(Watched {
            name,
            metric: Metric { name: metric, help, value: 0 },
            limit,
            origin: Instant::now(),
            beat: AtomicU64::new(AT_REST),
            told: AtomicBool::new(false),
        });
        self.watched.push(Arc::clone(&watched));
        Pulse(watched)
    }

    /// Looks at the loops until the guard is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(self, metrics: Arc<Metrics>, unix_seconds: fn() -> u64) -> std::io::Result<WatchdogGuard> {
        let (guard, ended) = mpsc::channel::<()>();
        metrics.publish("loops", unix_seconds(), self.look(Instant::now()));
        std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Where a loop stands still in the middle of writing the metrics, the log is told all the same.
                let found = self.look(Instant::now());
                metrics.try_publish("loops", unix_seconds(), found);
            }
        })?;
        Ok(WatchdogGuard { _ended: guard })
    }

    /// What the loops do, for the metrics; the log is told of each that has stopped, once.
    fn look(&self, now: Instant) -> Vec<Metric> {
        let look = |watched: &Arc<Watched>| {
            let seconds = watched.stalled_seconds(now);
            let (name, told) = (watched.name, watched.told.swap(seconds > 0, Ordering::Relaxed));
            if seconds > 0 && !told {
                tracing::error!(
                    seconds,
                    "the loop \"{name}\" of this daemon stands still: a disk, a mount or a lock does not answer. What it does for this daemon \
                     is not done; look at the disk of the state folder, and restart the daemon if it does not go on by itself"
                );
            } else if seconds == 0 && told {
                tracing::info!("the loop \"{name}\" of this daemon goes on");
            }
            Metric { value: seconds, ..watched.metric }
        };
        self.watched.iter().map(look).collect()
    }
}

/// Ends the watchdog's thread when it is dropped.
pub struct WatchdogGuard {
    _ended: mpsc::Sender<()>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_found_and_one_that_waits_is_not() {
        let mut watchdog = Watchdog::new();
        let limit = Duration::from_secs(30);
        let (renewal, machine) = (
            watchdog.watch("renewal", "renewal_stalled_seconds", "Help.", limit),
            watchdog.watch("machine", "machine_stalled_seconds", "Help.", limit),
        );
        let stalled = |after: u64| {
            let found = watchdog.look(Instant::now() + Duration::from_secs(after));
            found.into_iter().map(|metric| (metric.name, metric.value)).collect::<Vec<_>>()
        };
        let nothing = [("renewal_stalled_seconds", 0), ("machine_stalled_seconds", 0)];
        assert_eq!(stalled(1_000), nothing, "a loop that has not begun waits");
        renewal.beat();
        machine.beat();
        assert_eq!(stalled(29), nothing);
        machine.rest();
        let found = stalled(600);
        assert!(found[0].1 >= 599 && found[1].1 == 0, "{found:?}");
        renewal.beat();
        assert_eq!(stalled(1), nothing, "it goes on");
        // From its last beat on, not from the process's beginning.
        renewal.0.beat.store(20_000, Ordering::Relaxed);
        assert_eq!(stalled(45), nothing, "25 seconds ago");
    }

    #[test]
    fn the_metrics_say_so_from_a_thread_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::in_folder(folder.path()));
        let mut watchdog = Watchdog::new();
        let _pulse = watchdog.watch("renewal", "renewal_stalled_seconds", "Help.", Duration::from_secs(30));
        let guard = watchdog.start(Arc::clone(&metrics), || 100).unwrap();
        let text = std::fs::read_to_string(folder.path().join("metrics.prom")).unwrap();
        assert!(text.contains("\ntributary_renewal_stalled_seconds 0\n"), "{text}");
        drop(guard);
    }
}
