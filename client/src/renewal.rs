//! The certificate renews itself: at half of its life a new key is made here, and the office at the coordinator's port certifies it.
//!
//! Nothing of a running round notices: the open connection stays, and the next one proves the new key. A certificate that has run out is
//! renewed as well, for 30 days, if a person at the office approves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::issue::Validity;
use tributary_certs::office::{ANSWER_BYTES_MAX, begin_renewal, install_renewal};
use tributary_certs::renewal::{Expiry, renewal_due};
use tributary_certs::tls::{TrustRoots, system_clock};
use tributary_daemon::{Metric, Metrics, Pulse};
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::ids::ClientId;
use tributary_transport::Dialer;
use tributary_transport::identity::Stamp;

use crate::error::ClientError;
use crate::identity::{Keys, read_number, tls_files};
use crate::lists::{Distress, follow_lists};
use crate::notice::Notice;
use crate::telemetry::Report;

/// How often files and time are looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// First and longest pause between attempts, in seconds.
const RETRY_SECONDS: (u64, u64) = (60, 3_600);

/// Follows the certificate, the trust and the lists of a running daemon.
pub(crate) struct Renewal {
    pub(crate) keys: Keys,
    pub(crate) dialer: Dialer,
    pub(crate) notices: mpsc::UnboundedSender<Notice>,
    /// Whether the daemon has no connection.
    pub(crate) distress: Distress,
    pub(crate) unix_seconds: fn() -> u64,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pulse: Pulse,
    /// Of the loop that asks for revocation lists.
    pub(crate) lists: Pulse,
    /// [`LOOK_EVERY`], but for tests.
    pub(crate) look_every: Duration,
}

/// A renewal that is being asked for, in a task of its own: whatever the office and the network do, files, warnings and metrics go on.
type Asking = JoinHandle<Result<(), ClientError>>;

/// The files of an identity, as they were when they were read last.
struct Files {
    stamp: Stamp,
    /// They could not be put in force: a disk was full, or one of them is damaged.
    behind: bool,
}

impl Files {
    fn of(keys: &Keys) -> Self {
        Self { stamp: tls_files(keys.settings()).stamp(), behind: false }
    }

    /// Reads them where somebody installed another certificate, or a list: it counts from the next connection on. What could not be put in force is
    /// tried again at each look, and told of once.
    fn look(&mut self, keys: &Keys, now: u64) {
        let seen = tls_files(keys.settings()).stamp();
        let changed = seen != self.stamp;
        if !changed && !self.behind {
            return;
        }
        let read = keys.reload(now);
        (self.stamp, self.behind) = (seen, read.is_err());
        if let Err(fault) = read.as_ref()
            && changed
        {
            tracing::error!(%fault, "a changed file of the identity cannot be used; what was read before stays in force");
        }
    }
}

impl Renewal {
    /// For as long as it is polled.
    pub(crate) async fn run(self) {
        let draw = u64::from_le_bytes(OsEntropy.bytes32()[..8].try_into().expect("eight bytes"));
        let mut files = Files::of(&self.keys);
        let (mut next, mut pause) = (0, RETRY_SECONDS.0);
        let (mut level, mut failures) = (Expiry::Fine, 0);
        let mut asking: Option<Asking> = None;
        // Lists are asked for in a task of their own, as renewals are.
        tokio::spawn(follow_lists(
            self.keys.clone(),
            self.dialer.clone(),
            self.distress.clone(),
            self.notices.clone(),
            self.unix_seconds,
            self.lists.clone(),
        ));
        let mut ticks = tokio::time::interval(self.look_every);
        loop {
            let asked = tokio::select! {
                asked = ended(&mut asking), if asking.is_some() => Some(asked),
                _ = ticks.tick() => None,
            };
            self.pulse.beat();
            let now = (self.unix_seconds)();
            // A clock that was set back makes nobody wait for the time that it told before.
            next = next.min(now.saturating_add(RETRY_SECONDS.1));
            match asked {
                Some(Ok(())) => {
                    let _ = self.notices.send(Notice::Judge);
                    files = Files::of(&self.keys);
                    (next, pause) = (0, RETRY_SECONDS.0);
                    self.tell(Report::CertificateRenewed { not_after: self.keys.validity().not_after });
                }
                Some(Err(fault)) => {
                    failures += 1;
                    next = now.saturating_add(pause);
                    self.tell(Report::RenewalFailed { reason: fault.to_string(), retry_seconds: pause });
                    pause = (pause * 2).min(RETRY_SECONDS.1);
                }
                None => {}
            }
            if asking.is_none() {
                files.look(&self.keys, now);
            }
            // Time alone ends lists and certificates, so that somebody is judged at each look.
            let _ = self.notices.send(Notice::Judge);
            let validity = self.keys.validity();
            let current = Expiry::of(validity, now);
            if current > level && current >= Expiry::Warning {
                self.tell(Report::CertificateEnds {
                    not_after: validity.not_after,
                    left_seconds: validity.not_after.saturating_sub(now),
                    level: current,
                });
            }
            level = current;
            let due = self.keys.settings().renew.then(|| renewal_due(validity, 0, draw));
            // Whatever a revoked authority issued is worth nothing, however young it is.
            let due = due.map(|due| if self.keys.authority_revoked(now) { now } else { due });
            self.metrics.publish("identity", now, metrics(validity, due, failures));
            if due.is_none_or(|due| now < due) || now < next || asking.is_some() {
                continue;
            }
            // Before the first connection of a client that was enrolled without it there is nothing to ask with.
            let Some(number) = read_number(&self.keys.settings().folder) else { continue };
            asking = Some(tokio::spawn(renew(self.keys.clone(), self.dialer.clone(), ClientId(number), now)));
        }
    }

    fn tell(&self, report: Report) {
        // Without a receiver the daemon is ending.
        let _ = self.notices.send(Notice::Report(report));
    }
}

/// Completes when a renewal that is being asked for has succeeded or failed. Cancel-safe.
async fn ended(asking: &mut Option<Asking>) -> Result<(), ClientError> {
    let asked = match asking {
        Some(task) => task.await,
        None => std::future::pending().await,
    };
    *asking = None;
    asked.unwrap_or_else(|fault| Err(ClientError::file(fault)))
}

/// Asks the office, and installs what it answers. Bounded by the exchange's deadline.
async fn renew(keys: Keys, dialer: Dialer, client: ClientId, now: u64) -> Result<(), ClientError> {
    let folder = &keys.settings().folder;
    let begun = begin_renewal(folder, client).map_err(ClientError::file)?;
    let trust = TrustRoots::read(&tls_files(keys.settings()).trust).map_err(ClientError::file)?;
    let tls = counter_config(
        CounterTrust::Roots(trust, Some(keys.lists())),
        keys.coordinator().clone(),
        system_clock(),
        keys.settings().key_exchange,
    );
    let tls = Arc::new(tls.map_err(ClientError::file)?);
    let answer = dialer.exchange(tls, &begun.request, ANSWER_BYTES_MAX).await;
    install_renewal(folder, &answer.map_err(ClientError::file)?, now).map_err(ClientError::file)?;
    keys.reload(now)
}

fn metrics(validity: Validity, due: Option<u64>, failures: u64) -> Vec<Metric> {
    let ends = Metric {
        name: "certificate_not_after_seconds",
        help: "Unix time at which this client's certificate ends.",
        value: validity.not_after,
    };
    let failed = Metric {
        name: "certificate_renewal_failures_total",
        help: "Attempts to renew the certificate that failed, since the start.",
        value: failures,
    };
    let due = due.map(|value| Metric {
        name: "certificate_renewal_due_seconds",
        help: "Unix time at which the certificate is to be renewed.",
        value,
    });
    [ends, failed].into_iter().chain(due).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::Ipv4Addr;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::io::AsyncReadExt as _;
    use tributary_certs::clock::unix_seconds;
    use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator, names};
    use tributary_certs::identity::TrustDomain;
    use tributary_certs::office::{ROOT_LIST_DAYS, fresh_list, fresh_root_list};
    use tributary_certs::provider::KeyExchange;
    use tributary_daemon::Watchdog;
    use tributary_storage::faults::each_fault;
    use tributary_transport::{DialSettings, Mode, Proxy, Timers};

    use super::*;
    use crate::identity::{BranchIdentity, IdentitySettings, write_number};
    use crate::log::logged;

    const DAY: u64 = 86_400;

    /// So long that only a hanging test meets it.
    const PATIENCE: Duration = Duration::from_secs(120);

    /// A branch whose certificate is to be renewed, and the folder of its metrics.
    pub(crate) fn branch(folder: &tempfile::TempDir) -> (Keys, PathBuf) {
        let path = |name: &str| folder.path().join(name);
        let domain = TrustDomain::parse("federation.example").unwrap();
        let long_ago = unix_seconds() - 20 * DAY;
        init_authority(&path("authority"), &domain, 1, 1, long_ago).unwrap();
        let host_names = ["localhost".to_owned()];
        let request =
            CoordinatorRequest { organisation: "centre", id: "main", host_names: &host_names, addresses: &[] };
        issue_coordinator(&path("authority"), &request, &path("coordinator"), long_ago).unwrap();
        issue_client(&path("authority"), "north-bank", "one", &path("client"), long_ago).unwrap();
        write_number(&path("client"), 1).unwrap();
        let settings =
            IdentitySettings { folder: path("client"), token: None, key_exchange: KeyExchange::DEFAULT, renew: true };
        let Ok(identity) = BranchIdentity::open(settings, unix_seconds()) else { panic!("a good identity") };
        (identity.keys, folder.path().to_path_buf())
    }

    /// A machine that takes every connection, answers CONNECT if it is a proxy, and then says nothing for ever.
    async fn silent() -> String {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read_u8().await;
                kept.push(stream);
            }
        });
        address.to_string()
    }

    fn dialer(address: String, proxy: Option<String>, exchange: Duration) -> Dialer {
        Dialer::new(DialSettings {
            address,
            server_name: "localhost".into(),
            mode: Mode::Tcp,
            proxy: proxy.map(|address| Proxy { address, credentials: None }),
            path: tributary_transport::Path::default(),
            timers: Timers { exchange, ..Timers::default() },
        })
    }

    fn renewal(
        keys: Keys,
        dialer: Dialer,
        folder: &std::path::Path,
        clock: fn() -> u64,
    ) -> (Renewal, mpsc::UnboundedReceiver<Notice>) {
        let (notices, told) = mpsc::unbounded_channel();
        let metrics = Arc::new(Metrics::in_folder(folder));
        let pulse = Watchdog::new().watch("renewal", "renewal_stalled_seconds", "Help.", PATIENCE);
        let lists = Watchdog::new().watch("lists", "lists_stalled_seconds", "Help.", PATIENCE);
        let look_every = Duration::from_millis(20);
        let distress = Distress::default();
        (Renewal { keys, dialer, notices, distress, unix_seconds: clock, metrics, pulse, lists, look_every }, told)
    }

    /// The next report that is not about lists.
    async fn next(told: &mut mpsc::UnboundedReceiver<Notice>) -> Report {
        loop {
            match tokio::time::timeout(PATIENCE, told.recv()).await.expect("it goes on").expect("it lives") {
                Notice::Judge | Notice::Report(Report::ListsEnd { .. } | Report::ListsRenewed { .. }) => {}
                Notice::Report(report) => return report,
            }
        }
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    #[test]
    fn a_silent_office_or_proxy_ends_in_a_report_and_another_attempt() {
        run(async {
            for behind_a_proxy in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let (keys, state) = branch(&folder);
                let silent = silent().await;
                let soon = Duration::from_millis(200);
                let dialer = match behind_a_proxy {
                    true => dialer("fl.example:7443".into(), Some(silent), soon),
                    false => dialer(silent, None, soon),
                };
                let (renewal, mut told) = renewal(keys, dialer, &state, unix_seconds);
                tokio::spawn(renewal.run());
                let Report::RenewalFailed { reason, retry_seconds: 60 } = next(&mut told).await else {
                    panic!("it fails")
                };
                assert!(reason.contains("did not come within 0.2 seconds"), "{reason}");
            }
        });
    }

    /// The clock of the next test.
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn warnings_and_metrics_go_on_while_an_office_is_silent_for_ever() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let (keys, state) = branch(&folder);
            let ends = keys.validity().not_after;
            NOW.store(ends - 10 * DAY, Ordering::Relaxed);
            // As if there were no deadline at all.
            let dialer = dialer(silent().await, None, Duration::from_secs(1 << 20));
            let (renewal, mut told) = renewal(keys, dialer, &state, || NOW.load(Ordering::Relaxed));
            tokio::spawn(renewal.run());
            for (days, wanted) in [(5, Expiry::Warning), (2, Expiry::Critical)] {
                NOW.store(ends - days * DAY, Ordering::Relaxed);
                let Report::CertificateEnds { level, left_seconds, .. } = next(&mut told).await else {
                    panic!("a warning")
                };
                assert_eq!((level, left_seconds), (wanted, days * DAY));
                let metrics = std::fs::read_to_string(state.join("metrics.prom")).unwrap();
                assert!(metrics.contains("tributary_certificate_not_after_seconds"), "{metrics}");
            }
            NOW.store(ends - DAY, Ordering::Relaxed);
            let written = format!("tributary_metrics_written_seconds {}\n", ends - DAY);
            while !std::fs::read_to_string(state.join("metrics.prom")).unwrap().contains(&written) {
                tokio::task::yield_now().await;
            }
        });
    }

    /// The clock of the next test.
    static JUMPING: AtomicU64 = AtomicU64::new(0);

    /// A battery had the clock years ahead when the last attempt failed, and somebody has set it right.
    #[test]
    fn a_clock_that_was_set_back_has_the_next_attempt_made_within_the_hour() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let (keys, state) = branch(&folder);
            let now = unix_seconds();
            JUMPING.store(now + 3_650 * DAY, Ordering::Relaxed);
            let dialer = dialer(silent().await, None, Duration::from_millis(100));
            let (renewal, mut told) = renewal(keys, dialer, &state, || JUMPING.load(Ordering::Relaxed));
            tokio::spawn(renewal.run());
            // Each look sends a notice: so many looks are patience enough.
            let failed = async |told: &mut mpsc::UnboundedReceiver<Notice>| {
                for _ in 0..1_000 {
                    if matches!(told.recv().await, Some(Notice::Report(Report::RenewalFailed { .. }))) {
                        return true;
                    }
                }
                false
            };
            assert!(failed(&mut told).await);
            JUMPING.store(now, Ordering::Relaxed);
            let written = format!("tributary_metrics_written_seconds {now}\n");
            while !std::fs::read_to_string(state.join("metrics.prom")).unwrap().contains(&written) {
                tokio::task::yield_now().await;
            }
            JUMPING.store(now + RETRY_SECONDS.1, Ordering::Relaxed);
            assert!(failed(&mut told).await, "the office is asked again");
        });
    }

    /// The office of [`branch`] makes newer lists: its folder, and when.
    pub(crate) fn newer_lists(state: &std::path::Path) -> (std::path::PathBuf, u64) {
        let (authority, now) = (state.join("authority"), unix_seconds());
        fresh_root_list(&authority, &authority, ROOT_LIST_DAYS, now).unwrap();
        fresh_list(&authority, 7, now).unwrap();
        (authority, now)
    }

    /// A disk is full while newer lists are put in force. They are tried again at each look, and that is told once.
    #[test]
    fn files_that_could_not_be_put_in_force_are_tried_again() {
        let failed = each_fault(|fault| {
            let folder = tempfile::tempdir().unwrap();
            let (keys, state) = branch(&folder);
            let mut files = Files::of(&keys);
            let (authority, now) = newer_lists(&state);
            let ends = || keys.lists_end(now).map(|end| end.next_update);
            let before = ends();
            let lists = std::fs::read(authority.join(names::REVOCATIONS)).unwrap();
            std::fs::write(state.join("client").join(names::REVOCATIONS), lists).unwrap();
            let (_, log) = logged(|| fault.during(|| files.look(&keys, now)));
            assert_eq!((ends() == before, log.contains("stays in force")), (fault.struck(), fault.struck()), "{log}");
            let (_, log) = logged(|| files.look(&keys, now));
            assert!(ends() > before && !log.contains("stays in force"), "{log}");
        });
        assert!(failed > 1, "{failed}");
    }
}
