//! The coordinator's TLS keys and trust while it runs: files that change are read again, and whoever was revoked is out.
//!
//! Nothing that is broken is put in force: where a changed file cannot be used, what was read before stays, and the log says so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tributary_certs::counter::door_configs;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, Role, identity_of};
use tributary_certs::inspect::{inspect_chain, validity_of};
use tributary_certs::issue::Validity;
use tributary_certs::office::Office;
use tributary_certs::renewal::Expiry;
use tributary_certs::revocation::{Revocation, RevocationLists, revoked_in};
use tributary_certs::tls::{CoordinatorTls, TrustRoots, read_certificates, server_config, system_clock};
use tributary_settings::Fault;
use tributary_transport::identity::{Stamp, TlsFiles};
use tributary_transport::{Listener, Metric, Metrics, Pulse, ServerKeys};

use crate::connections::Door;
use crate::runtime::unix_seconds;

/// How often files are looked at. Revocation has two seconds from the new list to the last closed connection.
pub(crate) const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Behind new lists, open sessions are judged for so long: a handshake that the old ones passed may be on its way to its seat.
const JUDGED_SECONDS: u64 = 15;

/// How often open sessions are judged where nothing has changed, because certificates run out.
const JUDGE_EVERY_SECONDS: u64 = 30;

/// How often a certificate or a list that runs out is reported.
const REMIND_SECONDS: u64 = 3_600;

const DAY: u64 = 86_400;

/// Keys, trust and lists in force, and the files that they came from.
pub struct Keyring {
    files: TlsFiles,
    office: Option<PathBuf>,
    stamp: Stamp,
    loaded: Loaded,
}

struct Loaded {
    keys: ServerKeys,
    revocations: RevocationLists,
    identity: Identity,
    validity: Validity,
}

impl Keyring {
    /// Opens every file; `now` is in Unix seconds.
    ///
    /// # Errors
    /// Every fault, under the key of its file.
    pub(crate) fn open(files: TlsFiles, office: Option<PathBuf>, now: u64) -> Result<Self, Vec<Fault>> {
        if let Some(folder) = &office {
            Office::open(folder).map_err(|fault| {
                vec![Fault {
                    key: "enrolment.authority".into(),
                    found: fault.to_string(),
                    allowed: "an authority's folder that this process may use".into(),
                }]
            })?;
        }
        let stamp = files.stamp();
        let loaded = load(&files, office.is_some(), now)?;
        Ok(Self { files, office, stamp, loaded })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.loaded.identity
    }

    pub(crate) fn validity(&self) -> Validity {
        self.loaded.validity
    }

    /// The TLS configurations in force.
    pub(crate) fn keys(&self) -> ServerKeys {
        self.loaded.keys.clone()
    }

    /// The authority's folder, where this coordinator keeps the office.
    pub(crate) fn office(&self) -> Option<&PathBuf> {
        self.office.as_ref()
    }

    /// What runs out soon.
    pub(crate) fn warning(&self, now: u64) -> Option<String> {
        let left = self.loaded.revocations.next_update()?.saturating_sub(now);
        (left < DAY).then(|| {
            format!(
                "the revocation list ends in {} hours, and everybody is refused behind it; install a fresh one (`tributary certs crl`)",
                left / 3_600
            )
        })
    }

    /// Follows the files for as long as it is polled: new keys and lists count from the next handshake on, and sessions of certificates that
    /// were revoked, or have run out, end at once.
    pub(crate) async fn watch(mut self, listener: Arc<Listener>, door: Arc<Door>, metrics: Arc<Metrics>, pulse: Pulse) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        let (mut reminded, mut judged, mut reloaded) = (0, 0, 0);
        loop {
            ticks.tick().await;
            pulse.beat();
            let now = unix_seconds();
            let stamp = self.files.stamp();
            if stamp != self.stamp {
                self.stamp = stamp;
                self.reload(&listener, now);
                reloaded = now;
            }
            if now < reloaded + JUDGED_SECONDS || now >= judged + JUDGE_EVERY_SECONDS {
                judged = now;
                door.cut(|certificate| self.judge(certificate, now));
            }
            metrics.publish("door", now, door.metrics());
            metrics.publish("identity", now, self.metrics());
            if now >= reminded + REMIND_SECONDS {
                reminded = now;
                self.remind(now);
            }
        }
    }

    fn reload(&mut self, listener: &Listener, now: u64) {
        let loaded = load(&self.files, self.office.is_some(), now);
        let loaded =
            loaded.map_err(|faults| faults.iter().map(|fault| fault.found.clone()).collect::<Vec<_>>().join("; "));
        let loaded = loaded.and_then(|loaded| match older(&loaded, &self.loaded) {
            true => Err("its revocation list is older than the one in force".to_owned()),
            false => Ok(loaded),
        });
        let loaded = loaded.and_then(|loaded| {
            listener.set_keys(loaded.keys.clone()).map(|()| loaded).map_err(|fault| fault.to_string())
        });
        match loaded {
            Ok(loaded) => {
                let (not_after, list) = (loaded.validity.not_after, loaded.revocations.number());
                tracing::info!(not_after, ?list, "keys, trust and revocation lists were read again");
                self.loaded = loaded;
            }
            Err(fault) => tracing::error!(
                fault,
                "a changed file of the identity cannot be used; what was read before stays in force"
            ),
        }
    }

    /// Why a session may not go on, if so.
    fn judge(&self, certificate: &CertificateDer<'static>, now: u64) -> Option<String> {
        if revoked_in(&self.loaded.revocations, certificate, now) == Revocation::Revoked {
            return Some(FaultKind::Revoked.fault(false, None).to_string());
        }
        let expired = validity_of(certificate).is_ok_and(|validity| validity.not_after < now);
        expired.then(|| FaultKind::Expired.fault(false, None).to_string())
    }

    fn metrics(&self) -> Vec<Metric> {
        let certificate = Metric {
            name: "certificate_not_after_seconds",
            help: "Unix time at which this coordinator's certificate ends.",
            value: self.loaded.validity.not_after,
        };
        let list = self.loaded.revocations.next_update().map(|value| Metric {
            name: "revocation_list_next_update_seconds",
            help: "Unix time at which the revocation list ends.",
            value,
        });
        std::iter::once(certificate).chain(list).collect()
    }

    fn remind(&self, now: u64) {
        let left = self.loaded.validity.not_after.saturating_sub(now) / DAY;
        match Expiry::of(self.loaded.validity, now) {
            Expiry::Fine | Expiry::Due => {}
            Expiry::Warning => {
                tracing::warn!(left, "this coordinator's certificate ends soon (days); `tributary certs renew`")
            }
            Expiry::Critical | Expiry::Expired => {
                tracing::error!(left, "this coordinator's certificate ends now (days); `tributary certs renew`");
            }
        }
        if let Some(warning) = self.warning(now) {
            tracing::warn!("{warning}");
        }
    }
}

/// A list that was put back must not take a revocation back.
fn older(new: &Loaded, old: &Loaded) -> bool {
    old.revocations.number() > new.revocations.number()
}

fn load(files: &TlsFiles, office: bool, now: u64) -> Result<Loaded, Vec<Fault>> {
    let fault = |name: &str, found: String| Fault {
        key: format!("identity.{name}"),
        found,
        allowed: "a valid file of a coordinator of this federation".into(),
    };
    let material = files.open();
    let material =
        material.map_err(|faults| faults.into_iter().map(|(name, found)| fault(name, found)).collect::<Vec<_>>())?;
    let bad = |found: String| vec![fault("certificate", found)];
    let identity = material.credentials.identity().clone();
    let validity = judge(files, material.credentials.leaf(), &material.roots, now).map_err(bad)?;
    let tls = CoordinatorTls {
        credentials: material.credentials,
        roots: &material.roots,
        revocations: material.revocations.to_tls(),
        clock: system_clock(),
        key_exchange: files.key_exchange,
    };
    let keys = match office {
        true => door_configs(tls).map(|doors| ServerKeys {
            peers: Arc::new(doors.peers),
            office: Some(Arc::new(doors.office)),
            quic: Arc::new(doors.both),
        }),
        false => {
            server_config(tls).map(Arc::new).map(|peers| ServerKeys { quic: Arc::clone(&peers), peers, office: None })
        }
    };
    let keys = keys.map_err(|error| bad(error.to_string()))?;
    Ok(Loaded { keys, revocations: material.revocations, identity, validity })
}

/// The validity of a certificate that clients would accept now.
fn judge(files: &TlsFiles, leaf: &CertificateDer<'static>, roots: &TrustRoots, now: u64) -> Result<Validity, String> {
    let validity = validity_of(leaf).map_err(|error| error.to_string())?;
    let Validity { not_before, not_after } = validity;
    if now > not_after {
        return Err(format!("a certificate that expired {} days ago", (now - not_after) / DAY));
    }
    if now < not_before {
        return Err("a certificate that is not valid yet; this machine's clock may be wrong".into());
    }
    let chain = read_certificates(&files.chain).map_err(|error| error.to_string())?;
    // At its first second, so that a certificate that merely ends soon has no problem.
    let inspection = inspect_chain(&chain, Some(roots), not_before).map_err(|error| error.to_string())?;
    let coordinates = identity_of(leaf).is_ok_and(|identity| identity.role() == Role::Coordinator);
    match inspection.problems.as_slice() {
        [] if coordinates => Ok(validity),
        [] => Err("a certificate that is not a coordinator's".into()),
        problems => Err(problems.join(" ")),
    }
}
