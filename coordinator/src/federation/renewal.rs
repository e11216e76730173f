//! The coordinator's own certificate renews itself, as a branch's does, where the coordinator keeps the office: at half of its life the
//! authority's folder certifies a new TLS key.
//!
//! Nothing of a running round notices. Open connections stay, and the next handshake proves the new key, because whatever watches the files reads
//! the new pair. Branches pin the identity and the signing key, and neither changes. A crash at any point leaves a usable pair, by the renames of
//! `tributary_certs::renewal`.
//!
//! Does **not** make keys in a PKCS#11 token, and renews nothing without an office: then the log says what a person types. A certificate that was
//! revoked by its own number is not renewed either: somebody meant that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tributary_certs::clock::unix_seconds;
use tributary_certs::enrolment::{EnrolmentError, names, open_authority};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::IdentityError;
use tributary_certs::inspect::{date, validity_of};
use tributary_certs::issue::Validity;
use tributary_certs::office::renew_coordinator;
use tributary_certs::renewal::{Expiry, finish, renewal_due};
use tributary_certs::tls::read_certificates;
use tributary_daemon::{Metric, Metrics, Pulse};
use tributary_protocol::entropy::Entropy as _;
use tributary_storage::files::{FileError, folder_of};
use tributary_transport::identity::{KeyPlace, TlsFiles};

use crate::connections::Arrival;
use crate::report::Event;

/// How often time is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// First and longest pause between attempts, in seconds. After a success the longest one is kept as well, so that nothing renews in a loop.
const RETRY_SECONDS: (u64, u64) = (60, 3_600);

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenewFault {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Certificate(#[from] IdentityError),
    #[error(transparent)]
    Office(#[from] EnrolmentError),
    #[error(
        "this certificate was revoked by its own number, so that a person must say whether there is to be another one"
    )]
    Revoked,
    #[error("the task that renews ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error(
        "the issuing authority of {authority} was revoked; put a new issuing authority there first: \
         `tributary certs renew --authority {authority} --issuing --keys MEDIUM`", authority = .0.display()
    )]
    AuthorityRevoked(PathBuf),
    #[error(
        "the issuing authority ends at {}, so that a new certificate would last no longer than this one; put a new issuing authority there \
         first: `tributary certs renew --authority {authority} --issuing --keys MEDIUM`", date(*.ends), authority = .authority.display()
    )]
    AuthorityEnds { authority: PathBuf, ends: u64 },
}

/// Who renews a coordinator's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Renewer {
    /// This daemon.
    Daemon(Folders),
    /// A person, who does this.
    Person(String),
}

/// What a renewal needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folders {
    /// The authority's.
    authority: PathBuf,
    /// The coordinator's own, with key and chain under their usual names.
    own: PathBuf,
}

/// What is known of the certificate in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) validity: Validity,
    /// An authority above it was revoked, and it is worth nothing, however young it is.
    pub(crate) authority_revoked: bool,
    /// It was revoked by its own number: somebody meant that.
    pub(crate) revoked: bool,
}

impl Renewer {
    /// As settings say: `wanted` is `identity.renew`.
    pub(crate) fn of(files: &TlsFiles, office: Option<&Path>, wanted: bool) -> Self {
        let folder = folder_of(&files.chain);
        let authority = office.map_or_else(|| "AUTHORITY".to_owned(), |office| office.display().to_string());
        let command =
            format!("`tributary certs renew --authority {authority} --coordinator-folder {}`", folder.display());
        #[cfg_attr(
            not(feature = "pkcs11"),
            expect(
                clippy::infallible_destructuring_match,
                reason = "there is a second place for a key where tokens are built in"
            )
        )]
        let key = match &files.key {
            KeyPlace::File(key) => key,
            #[cfg(feature = "pkcs11")]
            KeyPlace::Token(_) => {
                return Self::Person(format!(
                    "its TLS key is in a PKCS#11 token, in which no key is made here. Have the authority certify the key in the token again, by a request \
                     of the vendor's tool, and put the chain into {}; or go over to a key in a file: {command}, and name that file as \
                     identity.private_key in the place of [identity.token]",
                    files.chain.display()
                ));
            }
        };
        let usual = files.chain == folder.join(names::CHAIN) && *key == folder.join(names::KEY);
        match office {
            Some(authority) if usual && wanted => {
                Self::Daemon(Folders { authority: authority.to_owned(), own: folder.to_owned() })
            }
            Some(_) if usual => Self::Person(format!("identity.renew is false; type {command}")),
            None if usual => {
                Self::Person(format!("no office is kept here; where the authority's folder is, type {command}"))
            }
            _ => Self::Person(format!(
                "certificate and key are not {} and {} of one folder; type {command} for the folder that enrolment wrote, and name its files",
                names::CHAIN,
                names::KEY
            )),
        }
    }

    /// What helps where a certificate ends soon.
    pub(crate) fn cure(&self) -> String {
        match self {
            Self::Daemon(Folders { authority, own }) => format!(
                "it should have renewed itself: the log says why it did not. By hand: `tributary certs renew --authority {} --coordinator-folder {}`",
                authority.display(),
                own.display()
            ),
            Self::Person(how) => how.clone(),
        }
    }

    /// Before a daemon reads its identity: a renewal that a crash stopped is gone through with, and a certificate that ended while the daemon was
    /// away is renewed.
    ///
    /// # Errors
    /// Why not, for the log: what is there may be good all the same.
    pub(crate) fn catch_up(&self, now: u64) -> Result<Option<Validity>, RenewFault> {
        let Self::Daemon(folders) = self else { return Ok(None) };
        finish(&folders.own)?;
        let held = held(&folders.own)?;
        if Expiry::of(held, now) < Expiry::Expired {
            return Ok(None);
        }
        folders.renew(Held { validity: held, authority_revoked: false, revoked: false }, now).map(Some)
    }
}

impl Folders {
    /// A new key, and its certificate, in the place of the old ones; waits for the lock of the authority's folder.
    fn renew(&self, held: Held, now: u64) -> Result<Validity, RenewFault> {
        if held.revoked {
            return Err(RenewFault::Revoked);
        }
        let authority = open_authority(&self.authority)?;
        let chain = read_certificates(&self.own.join(names::CHAIN))?;
        if held.authority_revoked {
            if chain.get(1) == Some(authority.certificate()) {
                return Err(RenewFault::AuthorityRevoked(self.authority.clone()));
            }
        } else if authority.validity().not_after <= held.validity.not_after {
            let ends = authority.validity().not_after;
            return Err(RenewFault::AuthorityEnds { authority: self.authority.clone(), ends });
        }
        Ok(renew_coordinator(&self.authority, &self.own, now)?)
    }
}

fn held(folder: &Path) -> Result<Validity, RenewFault> {
    let chain = read_certificates(&folder.join(names::CHAIN))?;
    let leaf = chain.first().ok_or(IdentityError::NotACertificate)?;
    Ok(validity_of(leaf)?)
}

/// What came of the attempts so far, and when the next one may be made.
struct Attempts {
    /// Not before this second.
    next: u64,
    /// Seconds to wait after the next failure.
    pause: u64,
    failures: u64,
}

impl Attempts {
    const fn none() -> Self {
        Self { next: 0, pause: RETRY_SECONDS.0, failures: 0 }
    }

    /// Whether a renewal that is due at `due` may be tried now.
    fn is_due(&self, due: u64, now: u64) -> bool {
        now >= due.max(self.next)
    }

    const fn succeeded(&mut self, now: u64) {
        (self.next, self.pause) = (now.saturating_add(RETRY_SECONDS.1), RETRY_SECONDS.0);
    }

    /// Seconds until the next attempt.
    fn failed(&mut self, now: u64) -> u64 {
        self.failures += 1;
        let pause = self.pause;
        self.next = now.saturating_add(pause);
        self.pause = (pause * 2).min(RETRY_SECONDS.1);
        pause
    }
}

/// Renews the certificate of a running coordinator, in a task of its own.
pub(crate) struct Renewal {
    pub(crate) folders: Folders,
    /// What whoever reads the files knows.
    pub(crate) held: watch::Receiver<Held>,
    pub(crate) inputs: mpsc::Sender<Arrival>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pulse: Pulse,
}

impl Renewal {
    /// For as long as it is polled, and the daemon's loop hears it.
    pub(crate) async fn run(mut self) {
        let draw = u64::from_le_bytes(OsEntropy.bytes32()[..8].try_into().expect("eight bytes"));
        let mut attempts = Attempts::none();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                changed = self.held.changed() => if changed.is_err() { return },
            }
            let now = unix_seconds();
            let held = *self.held.borrow_and_update();
            let due = if held.authority_revoked { now } else { renewal_due(held.validity, 0, draw) };
            self.metrics.publish("renewal", now, metrics(due, attempts.failures));
            if !attempts.is_due(due, now) {
                continue;
            }
            let folders = self.folders.clone();
            self.pulse.beat();
            // Files and their locks wait; sockets do not.
            let renewed = tokio::task::spawn_blocking(move || folders.renew(held, now)).await;
            self.pulse.rest();
            let event = match renewed.unwrap_or_else(|fault| Err(fault.into())) {
                Ok(Validity { not_after, .. }) => {
                    attempts.succeeded(now);
                    Event::CertificateRenewed { not_after }
                }
                Err(reason) => {
                    let retry_seconds = attempts.failed(now);
                    tracing::error!(retry_seconds, "this coordinator's certificate was not renewed: {reason}");
                    self.metrics.publish("renewal", now, metrics(due, attempts.failures));
                    Event::RenewalFailed { reason: reason.to_string(), retry_seconds }
                }
            };
            if self.inputs.send(Arrival::Told(Box::new(event))).await.is_err() {
                return;
            }
        }
    }
}

fn metrics(due: u64, failures: u64) -> Vec<Metric> {
    vec![
        Metric {
            name: "certificate_renewal_failures_total",
            help: "Attempts to renew the certificate that failed, since the start.",
            value: failures,
        },
        Metric {
            name: "certificate_renewal_due_seconds",
            help: "Unix time at which the certificate is to be renewed.",
            value: due,
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_coordinator};
    use tributary_certs::identity::TrustDomain;
    use tributary_certs::office::renew_issuing;
    use tributary_certs::provider::KeyExchange;

    use super::*;

    const DAY: u64 = 86_400;

    fn files(chain: &str, key: &str) -> TlsFiles {
        TlsFiles {
            chain: chain.into(),
            key: KeyPlace::File(key.into()),
            trust: "c/trust.pem".into(),
            revocations: "c/revocations.pem".into(),
            denied: None,
            key_exchange: KeyExchange::DEFAULT,
        }
    }

    #[test]
    fn where_nothing_renews_by_itself_a_person_is_told_what_to_type() {
        let usual = files("c/identity.pem", "c/identity.key");
        let (authority, own) = (PathBuf::from("ca"), PathBuf::from("c"));
        assert_eq!(Renewer::of(&usual, Some(&authority), true), Renewer::Daemon(Folders { authority, own }));
        let ca = Some(Path::new("ca"));
        for (files, office, wanted, why) in [
            (&usual, None, true, "no office is kept here"),
            (&usual, ca, false, "identity.renew is false"),
            (&files("c/identity.pem", "d/identity.key"), ca, true, "of one folder"),
            (&files("c/other.pem", "c/identity.key"), ca, true, "of one folder"),
        ] {
            let cure = Renewer::of(files, office, wanted).cure();
            let command = format!("--authority {} --coordinator-folder c`", office.map_or("AUTHORITY", |_| "ca"));
            assert!(cure.contains(why) && cure.contains(&command), "{cure}");
        }
        // A chain without a folder lies in the settings' own.
        assert!(matches!(Renewer::of(&files("identity.pem", "identity.key"), ca, true), Renewer::Person(_)));
    }

    /// An authority, and a coordinator with a certificate of it, made so many days ago.
    fn home(days: u64) -> (tempfile::TempDir, Folders) {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders { authority: home.path().join("ca"), own: home.path().join("c") };
        let at = unix_seconds() - days * DAY;
        init_authority(&folders.authority, &TrustDomain::parse("federation.example").unwrap(), 1, 1, at).unwrap();
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let request = CoordinatorRequest { organisation: "centre", id: "main", host_names: &[], addresses: &addresses };
        issue_coordinator(&folders.authority, &request, &folders.own, at).unwrap();
        (home, folders)
    }

    #[test]
    fn attempts_begin_when_one_is_due_and_pause_after_each() {
        let mut attempts = Attempts::none();
        let mut now = 1_000_000;
        assert!(!attempts.is_due(now + 1, now) && attempts.is_due(now, now));
        for pause in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            assert_eq!(attempts.failed(now), pause);
            assert!(!attempts.is_due(0, now + pause - 1) && attempts.is_due(0, now + pause));
            now += pause;
        }
        assert_eq!(attempts.failures, 8);
        // Nothing renews in a loop, and the first failure after a success is followed soon.
        attempts.succeeded(now);
        assert!(!attempts.is_due(0, now + 3_599) && attempts.is_due(0, now + 3_600));
        assert_eq!(attempts.failed(now), 60);
        assert!(!attempts.is_due(now + DAY, now + 60), "a new certificate is not due for long");
    }

    #[test]
    fn an_authority_that_ends_or_was_revoked_is_not_asked_in_vain() {
        let (_home, folders) = home(0);
        let now = unix_seconds();
        let before = held(&folders.own).unwrap();
        let end = open_authority(&folders.authority).unwrap().validity().not_after;
        let last = Held { validity: Validity { not_after: end, ..before }, authority_revoked: false, revoked: false };
        let refused = folders.renew(last, now).unwrap_err().to_string();
        assert!(refused.contains("would last no longer") && refused.contains("--issuing"), "{refused}");
        let revoked = Held { validity: before, authority_revoked: true, revoked: false };
        let refused = folders.renew(revoked, now).unwrap_err().to_string();
        assert!(refused.contains("was revoked") && refused.contains("--issuing"), "{refused}");
        let meant = Held { validity: before, authority_revoked: false, revoked: true };
        let refused = folders.renew(meant, now).unwrap_err().to_string();
        assert!(refused.contains("revoked by its own number"), "{refused}");
        assert_eq!(held(&folders.own).unwrap(), before, "nothing is changed");
        // Under the one that takes its place there is a good one.
        renew_issuing(&folders.authority, &folders.authority, None, None, now).unwrap();
        folders.renew(revoked, now + 60).unwrap();
        assert!(held(&folders.own).unwrap().not_after > before.not_after);
    }
}
