//! Fresh revocation lists from the office at the coordinator's port, which needs no certificate for that: the lists prove themselves.
//!
//! They are asked for at half of their life, when no connection stands, and when they have ended. Usually there is nothing to ask: they come
//! after each session's welcome, and whenever they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::office::{ANSWER_BYTES_MAX, install_lists, lists_request};
use tributary_certs::revocation::ListEnd;
use tributary_certs::tls::{TrustRoots, system_clock};
use tributary_daemon::Pulse;
use tributary_transport::Dialer;

use crate::error::ClientError;
use crate::identity::{Keys, tls_files};
use crate::notice::Notice;
use crate::telemetry::Report;

/// Half of the life of an issuing authority's list: 3.5 days.
const HALF_SECONDS: u64 = 302_400;

/// First and longest pause between questions while no connection stands, in seconds.
const RETRY_SECONDS: (u64, u64) = (5, 300);

/// Pause between questions whose answers are no news, in seconds.
const CALM_SECONDS: u64 = 3_600;

/// How often an end that is near is reported, in seconds.
const REMIND_SECONDS: u64 = 6 * 3_600;

/// Whether the daemon has no connection: what keeps it from one may be in newer lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distress(Arc<AtomicBool>);

impl Distress {
    pub(crate) fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often it is looked at, whether the office is to be asked.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// For as long as the daemon runs.
pub(crate) async fn follow_lists(
    keys: Keys,
    dialer: Dialer,
    distress: Distress,
    notices: mpsc::UnboundedSender<Notice>,
    unix_seconds: fn() -> u64,
    pulse: Pulse,
) {
    let mut asking = Asking::new(distress);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let tell = |report| {
        // Without a receiver the daemon is ending.
        let _ = notices.send(Notice::Report(report));
    };
    while !notices.is_closed() {
        pulse.rest();
        ticks.tick().await;
        pulse.beat();
        if asking.ask_if_due(&keys, &dialer, unix_seconds(), &tell).await {
            let _ = notices.send(Notice::Judge);
        }
    }
    pulse.rest();
}

/// When the office is asked, and what was said of it.
struct Asking {
    distress: Distress,
    next: u64,
    pause: u64,
    reminded: u64,
}

impl Asking {
    fn new(distress: Distress) -> Self {
        Self { distress, next: 0, pause: RETRY_SECONDS.0, reminded: 0 }
    }

    /// Whether the last pause is over. A clock that was set back makes nobody wait for the time that it told before.
    fn may_ask(&mut self, now: u64) -> bool {
        self.next = self.next.min(now.saturating_add(CALM_SECONDS));
        self.reminded = self.reminded.min(now);
        now >= self.next
    }

    /// Asks if it is time to. Whether newer lists are in force now.
    async fn ask_if_due(&mut self, keys: &Keys, dialer: &Dialer, now: u64, tell: &(dyn Fn(Report) + Sync)) -> bool {
        let end = keys.lists_end(now);
        let old = are_old(end.as_ref(), now);
        let distressed = self.distress.is_on();
        if !distressed {
            self.pause = RETRY_SECONDS.0;
        }
        if !(old || distressed) || !self.may_ask(now) {
            return false;
        }
        let asked = ask(keys, dialer, now).await;
        let newer = matches!(asked, Ok(true));
        if let Err(fault) = &asked {
            tracing::info!(%fault, "the office did not give newer revocation lists");
        }
        // A distress that newer lists did not end may end with the next ones.
        self.next = now + if distressed { self.pause } else { CALM_SECONDS };
        self.pause = (self.pause * 2).min(RETRY_SECONDS.1);
        let end = keys.lists_end(now);
        if newer {
            tell(Report::ListsRenewed { next_update: end.as_ref().map_or(0, |end| end.next_update) });
        }
        if let Some(end) = end.filter(|end| end.is_near(now))
            && now >= self.reminded + REMIND_SECONDS
        {
            self.reminded = now;
            let (next_update, cure) = (end.next_update, end.cure().to_owned());
            tell(Report::ListsEnd { next_update, left_seconds: next_update.saturating_sub(now), cure });
        }
        newer
    }
}

/// Whether newer lists are asked for because of their age alone: there are none, less than half of a list's usual life is left, or its end is near.
fn are_old(end: Option<&ListEnd>, now: u64) -> bool {
    end.is_none_or(|end| end.next_update.saturating_sub(now) < HALF_SECONDS || end.is_near(now))
}

async fn ask(keys: &Keys, dialer: &Dialer, now: u64) -> Result<bool, ClientError> {
    let settings = keys.settings();
    let roots = TrustRoots::read(&tls_files(settings).trust).map_err(ClientError::file)?;
    // Whoever answers with the coordinator's name will do, revoked or not: it carries what it cannot change.
    let trust = CounterTrust::Roots(roots, None);
    let tls = counter_config(trust, keys.coordinator().clone(), system_clock(), settings.key_exchange);
    let tls = Arc::new(tls.map_err(ClientError::file)?);
    let answer = dialer.exchange(tls, &lists_request(), ANSWER_BYTES_MAX).await;
    take(keys, &answer.map_err(ClientError::file)?, now)
}

/// Puts the office's lists in force, if anything is newer. Whether that was so.
fn take(keys: &Keys, answer: &[u8], now: u64) -> Result<bool, ClientError> {
    let newer = install_lists(&keys.settings().folder, answer, now).map_err(ClientError::file)?;
    if newer {
        keys.reload(now)?;
    }
    Ok(newer)
}

#[cfg(test)]
mod tests {
    use tributary_certs::office::Office;
    use tributary_storage::faults::each_fault;

    use super::*;
    use crate::renewal::tests::{branch, newer_lists};

    #[test]
    fn lists_are_old_when_half_of_their_life_is_over() {
        let now = 1_900_000_000;
        let ends = |by_root, next_update| ListEnd { by_root, authority: "north-bank".into(), next_update };
        let old = |left: u64| are_old(Some(&ends(false, now + left)), now);
        assert_eq!([0, HALF_SECONDS - 1, HALF_SECONDS].map(old), [true, true, false]);
        assert!(are_old(None, now) && are_old(Some(&ends(false, now - 1)), now));
        // A root's list lives for longer, and somebody must fetch its key: earlier, as its own end says.
        let root = |left: u64| (are_old(Some(&ends(true, now + left)), now), ends(true, now + left).is_near(now));
        for left in [HALF_SECONDS, 10 * HALF_SECONDS, 100 * HALF_SECONDS] {
            let (old, near) = root(left);
            assert_eq!(old, near, "{left}");
        }
    }

    /// Somebody has set the clock right that was years ahead.
    #[test]
    fn a_clock_that_was_set_back_has_the_office_asked_within_the_hour() {
        let (now, ahead) = (1_900_000_000, 2_900_000_000);
        let mut asking = Asking::new(Distress::default());
        (asking.next, asking.reminded) = (ahead + CALM_SECONDS, ahead);
        assert!(!asking.may_ask(now) && !asking.may_ask(now + CALM_SECONDS - 1));
        assert!(asking.may_ask(now + CALM_SECONDS));
        assert!(now + REMIND_SECONDS >= asking.reminded + REMIND_SECONDS, "and its operator reminded");
    }

    #[test]
    fn newer_lists_of_the_office_are_in_force_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, state) = branch(&folder);
        let (authority, now) = newer_lists(&state);
        let answer = Office::open(&authority).unwrap().answer(&lists_request(), now);
        let ends = || keys.lists_end(now).map(|end| end.next_update);
        let before = ends();
        assert!(take(&keys, &answer, now).unwrap());
        assert!(ends() > before, "{before:?}");
        assert!(!take(&keys, &answer, now).unwrap(), "it is no news");
        assert!(take(&keys, b"{}", now).is_err());
    }

    /// Whoever asks hears that they are not in force, and they are at the next look at the files.
    #[test]
    fn lists_that_could_not_be_written_are_not_called_in_force() {
        let failed = each_fault(|fault| {
            let folder = tempfile::tempdir().unwrap();
            let (keys, state) = branch(&folder);
            let (authority, now) = newer_lists(&state);
            let answer = Office::open(&authority).unwrap().answer(&lists_request(), now);
            let before = keys.lists_end(now).map(|end| end.next_update);
            assert_eq!(fault.during(|| take(&keys, &answer, now)).is_err(), fault.struck());
            let _known = take(&keys, &answer, now).unwrap();
            keys.reload(now).unwrap();
            assert!(keys.lists_end(now).map(|end| end.next_update) > before);
        });
        assert!(failed > 2, "{failed}");
    }
}
