//! The machine's clock, read in this one place.
//!
//! A clock before 1970 has no Unix time. Nothing starts with one, and no handshake succeeds with one. Where a clock is set back so far while a
//! daemon runs, the last time that it told counts on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tributary_protocol::time::Millis;

/// The clock's last good time, in Unix milliseconds.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The clock says a time before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this machine's clock says a time {before_days} days before 1970, so that no certificate can be judged and nothing is begun; set the clock \
     (NTP, or `date`), and look at the machine's battery"
)]
pub struct ClockFault {
    /// So many days.
    pub before_days: u64,
}

/// The time since 1970.
///
/// # Errors
/// [`ClockFault`].
pub fn since_1970(time: SystemTime) -> Result<Duration, ClockFault> {
    time.duration_since(UNIX_EPOCH).map_err(|before| ClockFault { before_days: before.duration().as_secs() / 86_400 })
}

/// Whether the machine's clock can be used.
///
/// # Errors
/// [`ClockFault`].
pub fn check() -> Result<(), ClockFault> {
    since_1970(SystemTime::now()).map(drop)
}

/// Milliseconds of the machine's Unix clock.
#[must_use]
pub fn unix_millis() -> u64 {
    read(SystemTime::now(), &LAST)
}

/// Seconds of the machine's Unix clock.
#[must_use]
pub fn unix_seconds() -> u64 {
    unix_millis() / 1_000
}

/// A daemon's clock: the Unix clock at its start, counted on by the monotonic one. Everything is decided by it, so that nobody who sets the
/// machine's clock moves a deadline.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    unix: Millis,
    origin: Instant,
}

impl SteadyClock {
    /// Starts at the Unix clock's time.
    #[must_use]
    pub fn start() -> Self {
        Self { unix: Millis(unix_millis()), origin: Instant::now() }
    }

    /// Milliseconds of the Unix clock at the start, counted on.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.unix.plus(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

fn read(time: SystemTime, last: &AtomicU64) -> u64 {
    match since_1970(time) {
        Ok(since) => {
            let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            last.store(now, Ordering::Relaxed);
            now
        }
        Err(_) => last.load(Ordering::Relaxed),
    }
}

/// The machine's clock for handshakes.
#[must_use]
pub fn system_clock() -> Arc<dyn TimeProvider> {
    Arc::new(MachineClock)
}

#[derive(Debug)]
struct MachineClock;

impl TimeProvider for MachineClock {
    /// Nothing before 1970: the library then refuses the handshake, where its own clock would end the process.
    fn current_time(&self) -> Option<UnixTime> {
        handshake_time(SystemTime::now())
    }
}

fn handshake_time(time: SystemTime) -> Option<UnixTime> {
    since_1970(time).ok().map(UnixTime::since_unix_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_1970_is_refused_and_stops_nothing_that_runs() {
        let (before, after) =
            (UNIX_EPOCH - Duration::from_secs(2 * 86_400), UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
        let fault = since_1970(before).unwrap_err();
        assert_eq!(fault, ClockFault { before_days: 2 });
        assert!(fault.to_string().contains("2 days before 1970") && fault.to_string().contains("set the clock"));
        assert!(handshake_time(before).is_none() && handshake_time(after).is_some());
        let last = AtomicU64::new(0);
        assert_eq!(read(after, &last), 1_700_000_000_123);
        assert_eq!(read(before, &last), 1_700_000_000_123, "the last good time counts on");
    }

    #[test]
    fn seconds_are_thousands_of_milliseconds() {
        let (before, now, after) = (unix_millis(), unix_seconds(), unix_millis());
        assert!(before / 1_000 <= now && now <= after / 1_000, "{before} {now} {after}");
    }

    #[test]
    fn a_steady_clock_goes_on_from_the_machine_s() {
        let before = unix_millis();
        let clock = SteadyClock {
            unix: Millis(before),
            origin: Instant::now().checked_sub(Duration::from_millis(1_500)).unwrap(),
        };
        let (started, ahead) = (SteadyClock::start().now().0, clock.now().0);
        let after = unix_millis();
        assert!(before <= started && started <= after, "{before} {started} {after}");
        assert!(before + 1_500 <= ahead && ahead <= after + 1_500, "{before} {ahead} {after}");
    }
}
