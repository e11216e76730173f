//! The certificate renews itself: at half of its life a new key is made here, and the office at the coordinator's port certifies it.
//!
//! Nothing of a running round notices: the open connection stays, and the next one proves the new key. A certificate that has run out is
//! renewed as well, for 30 days, if a person at the office approves.

use std::time::Duration;

use tokio::sync::mpsc;
use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::issue::Validity;
use tributary_certs::office::{ANSWER_BYTES_MAX, begin_renewal, install_renewal};
use tributary_certs::renewal::{Expiry, renewal_due};
use tributary_certs::tls::{TrustRoots, system_clock};
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::ids::ClientId;
use tributary_transport::{DialSettings, Metric, MetricsFile, exchange};

use crate::error::ClientError;
use crate::identity::{Keys, read_number, tls_files};
use crate::telemetry::Report;

/// How often files and time are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// First and longest pause between attempts, in seconds.
const RETRY_SECONDS: (u64, u64) = (60, 3_600);

/// Follows the certificate of a running daemon.
pub(crate) struct Renewal {
    pub(crate) keys: Keys,
    pub(crate) dial: DialSettings,
    pub(crate) reports: mpsc::UnboundedSender<Report>,
    pub(crate) unix_seconds: fn() -> u64,
    pub(crate) metrics: MetricsFile,
}

impl Renewal {
    /// For as long as it is polled.
    pub(crate) async fn run(mut self) {
        let draw = u64::from_le_bytes(OsEntropy.bytes32()[..8].try_into().expect("eight bytes"));
        let mut stamp = tls_files(self.keys.settings()).stamp();
        let (mut next, mut pause) = (0, RETRY_SECONDS.0);
        let (mut level, mut failures) = (Expiry::Fine, 0);
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let now = (self.unix_seconds)();
            let seen = tls_files(self.keys.settings()).stamp();
            if seen != stamp {
                // Somebody installed another certificate, or a list: it counts from the next connection on.
                stamp = seen;
                if let Err(fault) = self.keys.reload() {
                    tracing::error!(%fault, "a changed file of the identity cannot be used; what was read before stays in force");
                }
            }
            let validity = self.keys.validity();
            let current = Expiry::of(validity, now);
            if current > level && current >= Expiry::Warning {
                self.tell(Report::CertificateEnds {
                    left_seconds: validity.not_after.saturating_sub(now),
                    level: current,
                });
            }
            level = current;
            let due = self.keys.settings().renew.then(|| renewal_due(validity, 0, draw));
            self.metrics.write(now, metrics(validity, due, failures));
            if due.is_none_or(|due| now < due) || now < next {
                continue;
            }
            // Before the first connection of a client that was enrolled without it there is nothing to ask with.
            let Some(number) = read_number(&self.keys.settings().folder) else { continue };
            match self.renew(ClientId(number), now).await {
                Ok(()) => {
                    stamp = tls_files(self.keys.settings()).stamp();
                    (next, pause) = (0, RETRY_SECONDS.0);
                    self.tell(Report::CertificateRenewed { not_after: self.keys.validity().not_after });
                }
                Err(fault) => {
                    failures += 1;
                    next = now + pause;
                    self.tell(Report::RenewalFailed { reason: fault.to_string(), retry_seconds: pause });
                    pause = (pause * 2).min(RETRY_SECONDS.1);
                }
            }
        }
    }

    async fn renew(&self, client: ClientId, now: u64) -> Result<(), ClientError> {
        let folder = &self.keys.settings().folder;
        let begun = begin_renewal(folder, client).map_err(ClientError::file)?;
        let trust = TrustRoots::read(&tls_files(self.keys.settings()).trust).map_err(ClientError::file)?;
        let tls = counter_config(
            CounterTrust::Roots(trust),
            self.keys.coordinator().clone(),
            system_clock(),
            self.keys.settings().key_exchange,
        );
        let tls = std::sync::Arc::new(tls.map_err(ClientError::file)?);
        let DialSettings { address, server_name, proxy, .. } = &self.dial;
        let answer = exchange(address, (server_name, tls), proxy.as_ref(), &begun.request, ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(ClientError::file)?;
        install_renewal(folder, &answer, now).map_err(ClientError::file)?;
        self.keys.reload()
    }

    fn tell(&self, report: Report) {
        // Without a receiver the daemon is ending.
        let _ = self.reports.send(report);
    }
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
