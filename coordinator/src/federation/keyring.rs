//! The coordinator's TLS keys and trust while it runs: files that change are read again, and whoever was revoked is out.
//!
//! Nothing that is broken is put in force: where a changed file cannot be used, what was read before stays, and the log says so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, watch};
use tributary_certs::clock::unix_seconds;
use tributary_certs::counter::door_configs;
use tributary_certs::denied::DenyList;
use tributary_certs::ended::EndedCertificates;
use tributary_certs::identity::{Identity, IdentityError, Role, identity_of};
use tributary_certs::inspect::{inspect_chain, validity_of};
use tributary_certs::issue::Validity;
use tributary_certs::office::{Office, refresh_list};
use tributary_certs::renewal::Expiry;
use tributary_certs::revocation::{ListEnd, Revocation, RevocationLists, read_carried};
use tributary_certs::tls::{CoordinatorTls, TrustRoots, read_certificates, server_config, system_clock};
use tributary_daemon::{Metric, Metrics, Pulse};
use tributary_protocol::printable::counted;
use tributary_settings::Fault;
use tributary_storage::files::FileError;
use tributary_transport::identity::{ListFiles, Stamp, TlsFiles, TlsMaterial};
use tributary_transport::{Listener, ServerKeys};

use crate::connections::{Arrival, Door};
use crate::federation::renewal::{Held, Renewal, Renewer};
use crate::federation::rereading::Rereading;
use crate::federation::standing::Standing;

/// How often files are looked at. Revocation has two seconds from the new list to the last closed connection.
pub(crate) const WATCH_EVERY: Duration = Duration::from_millis(500);

/// How often open sessions are judged where nothing has changed, because certificates run out.
const JUDGE_EVERY_SECONDS: u64 = 30;

/// How often an office looks whether its list is to be made anew.
const REFRESH_EVERY_SECONDS: u64 = 60;

/// How often a certificate or a list that runs out is reported.
const REMIND_SECONDS: u64 = 3_600;

const DAY: u64 = 86_400;

/// Keys, trust and lists in force, and the files that they came from.
pub struct Keyring {
    files: TlsFiles,
    office: Option<PathBuf>,
    rereading: Rereading<Stamp>,
    loaded: Loaded,
    standing: Arc<Standing>,
    ended: EndedCertificates,
    renewer: Renewer,
    /// Of the certificate in force, for whoever renews it.
    held: watch::Sender<Held>,
}

struct Loaded {
    keys: ServerKeys,
    revocations: RevocationLists,
    denied: DenyList,
    /// What branches are sent of the lists.
    carried: Option<Vec<u8>>,
    identity: Identity,
    leaf: CertificateDer<'static>,
    validity: Validity,
}

/// When what is done now and then was done last, in Unix seconds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    reminded: u64,
    judged: u64,
    refreshed: u64,
}

impl Keyring {
    /// Opens every file; `renew` is whether the daemon renews its certificate, and `now` in Unix seconds.
    ///
    /// # Errors
    /// Every fault, under the key of its file.
    pub(crate) fn open(files: TlsFiles, office: Option<PathBuf>, renew: bool, now: u64) -> Result<Self, Vec<Fault>> {
        let renewer = Renewer::of(&files, office.as_deref(), renew);
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
        let ended = EndedCertificates::default();
        let (loaded, _) = load(&files, office.is_some(), (None, &ended), now)?;
        if let Some(found) = loaded.ended(now) {
            let key = "identity.revocations".to_owned();
            return Err(vec![Fault { key, found, allowed: "lists that have not ended".into() }]);
        }
        let standing = Arc::new(Standing::new(loaded.revocations.clone(), loaded.denied.clone()));
        let (held, _) = watch::channel(loaded.held(now));
        Ok(Self { files, office, rereading: Rereading::of(stamp), loaded, standing, ended, renewer, held })
    }

    /// What renews the certificate by itself; where nothing does, the log says who has to do what.
    pub(crate) fn renewal(
        &self,
        inputs: mpsc::Sender<Arrival>,
        metrics: Arc<Metrics>,
        pulse: Pulse,
    ) -> Option<Renewal> {
        match &self.renewer {
            Renewer::Daemon(folders) => {
                Some(Renewal { folders: folders.clone(), held: self.held.subscribe(), inputs, metrics, pulse })
            }
            Renewer::Person(how) => {
                tracing::info!("this coordinator's certificate does not renew itself: {how}");
                None
            }
        }
    }

    /// What helps where the certificate ends soon.
    pub(crate) fn cure(&self) -> String {
        self.renewer.cure()
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

    /// Whom the door believes, beside the roster.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing)
    }

    /// Whose certificates are shown at the door after their end.
    pub(crate) fn ended(&self) -> EndedCertificates {
        self.ended.clone()
    }

    /// What branches are sent of the lists.
    pub(crate) fn carried(&self) -> Option<Vec<u8>> {
        self.loaded.carried.clone()
    }

    /// What runs out soon, or has.
    pub(crate) fn warnings(&self, now: u64) -> Vec<String> {
        self.loaded.warnings(&self.cure(), now)
    }

    /// From here on lists may not become older. For a daemon that serves; a mere check changes nothing.
    ///
    /// # Errors
    /// If that cannot be written.
    pub(crate) fn adopt(&self, now: u64) -> Result<(), Vec<Fault>> {
        let (_, mut lists) = load(&self.files, self.office.is_some(), self.before(), now)?;
        lists.adopt().map_err(|fault| {
            let found = fault.to_string();
            let allowed = "a folder of ca_certificate that this process may write, for the file list-numbers".into();
            vec![Fault { key: "identity.ca_certificate".into(), found, allowed }]
        })
    }

    /// Follows the files for as long as it is polled: new keys and lists count from the next handshake on, and sessions of certificates that
    /// were revoked, or have run out, end at once.
    pub(crate) async fn watch(
        mut self,
        listener: Arc<Listener>,
        door: Arc<Door>,
        inputs: mpsc::Sender<Arrival>,
        metrics: Arc<Metrics>,
        pulse: Pulse,
    ) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        let mut done = Done::default();
        loop {
            ticks.tick().await;
            pulse.beat();
            let fresh = self.look(&mut done, (&listener, &door), &metrics, unix_seconds()).await;
            if let Some(text) = fresh
                && inputs.send(Arrival::Lists(text)).await.is_err()
            {
                return;
            }
        }
    }

    /// One look at everything that is due. What branches are sent of the lists, if it has changed.
    async fn look(
        &mut self,
        done: &mut Done,
        (listener, door): (&Listener, &Door),
        metrics: &Metrics,
        now: u64,
    ) -> Option<Vec<u8>> {
        let mut fresh = None;
        if self.rereading.is_due(self.files.stamp(), now) {
            let before = self.loaded.carried.clone();
            let well = self.reload(listener, now);
            self.rereading.ended(well, now);
            // Whoever is on the way to a seat is judged when it has one.
            done.judged = 0;
            fresh = self.loaded.carried.clone().filter(|text| Some(text) != before.as_ref());
        }
        if now >= done.refreshed + REFRESH_EVERY_SECONDS {
            done.refreshed = now;
            self.refresh(now).await;
        }
        if now >= done.judged + JUDGE_EVERY_SECONDS {
            done.judged = now;
            door.judge();
            let held = self.loaded.held(now);
            self.held.send_if_modified(|before| std::mem::replace(before, held) != held);
        }
        metrics.publish("door", now, door.metrics());
        metrics.publish("identity", now, self.metrics(now));
        if now >= done.reminded + REMIND_SECONDS {
            done.reminded = now;
            self.remind(now);
        }
        fresh
    }

    /// What stays when files are read again.
    fn before(&self) -> (Option<&RevocationLists>, &EndedCertificates) {
        (Some(&self.loaded.revocations), &self.ended)
    }

    /// Whether everything could be read and is in force.
    fn reload(&mut self, listener: &Listener, now: u64) -> bool {
        let loaded = load(&self.files, self.office.is_some(), self.before(), now);
        let loaded =
            loaded.map_err(|faults| faults.iter().map(|fault| fault.found.clone()).collect::<Vec<_>>().join("; "));
        let loaded =
            loaded.and_then(|(loaded, mut lists)| lists.adopt().map(|()| loaded).map_err(|fault| fault.to_string()));
        let loaded = loaded.and_then(|loaded| {
            listener.set_keys(loaded.keys.clone()).map(|()| loaded).map_err(|fault| fault.to_string())
        });
        match loaded {
            Ok(loaded) => {
                let (not_after, list) = (loaded.validity.not_after, loaded.revocations.number());
                let denied = loaded.denied.entries().len();
                tracing::info!(not_after, ?list, denied, "keys, trust, revocation lists and deny-list were read again");
                self.standing.replace(loaded.revocations.clone(), loaded.denied.clone());
                self.loaded = loaded;
                true
            }
            Err(fault) => {
                tracing::error!(
                    fault,
                    "a changed file of the identity cannot be used; what was read before stays in force"
                );
                false
            }
        }
    }

    /// An office makes its authority's list anew by itself, at half of its life.
    async fn refresh(&self, now: u64) {
        let Some(folder) = self.office.clone() else { return };
        // Files and their locks wait; sockets do not.
        match tokio::task::spawn_blocking(move || refresh_list(&folder, now)).await {
            Ok(Ok(None)) | Err(_) => {}
            Ok(Ok(Some(number))) => tracing::info!(%number, "the office has made a fresh revocation list"),
            Ok(Err(fault)) => tracing::error!(%fault, "the office could not make a fresh revocation list"),
        }
    }

    fn metrics(&self, now: u64) -> Vec<Metric> {
        let certificate = Metric {
            name: "certificate_not_after_seconds",
            help: "Unix time at which this coordinator's certificate ends.",
            value: self.loaded.validity.not_after,
        };
        let end = self.loaded.revocations.end(now).map(|end| end.next_update);
        let list = end.map(|value| Metric {
            name: "revocation_list_next_update_seconds",
            help: "Unix time at which the revocation list ends.",
            value,
        });
        std::iter::once(certificate).chain(list).collect()
    }

    fn remind(&self, now: u64) {
        let (left, cure) = (self.loaded.validity.not_after.saturating_sub(now) / DAY, self.cure());
        match Expiry::of(self.loaded.validity, now) {
            Expiry::Fine | Expiry::Due => {}
            Expiry::Warning => {
                tracing::warn!(left, "this coordinator's certificate ends soon (days): {cure}");
            }
            Expiry::Critical | Expiry::Expired => {
                tracing::error!(left, "this coordinator's certificate ends now (days): {cure}");
            }
        }
        for warning in self.warnings(now) {
            tracing::warn!("{warning}");
        }
        if let Some(ended) = self.loaded.ended(now) {
            tracing::error!("{ended}");
        }
    }
}

impl Loaded {
    fn held(&self, now: u64) -> Held {
        let own = self.identity.organisation();
        let authority_revoked = self.revocations.authority_revoked(own, &self.leaf, now);
        let standing = self.revocations.standing(own, &self.leaf, now);
        let revoked = standing == Revocation::Revoked && !authority_revoked;
        Held { validity: self.validity, authority_revoked, revoked }
    }

    /// The list that has ended. Nobody is believed before a newer one is here.
    fn ended(&self, now: u64) -> Option<String> {
        let end = self.revocations.end(now);
        let end = end.filter(|end| end.is_over(now))?;
        Some(format!("the revocation list of {} has ended, and nobody is let in: {}", end.authority, end.cure()))
    }

    fn warnings(&self, cure: &str, now: u64) -> Vec<String> {
        let mut warnings = Vec::new();
        let left = |end: &ListEnd| {
            let hours = end.next_update.saturating_sub(now) / 3_600;
            format!("{} days and {} hours", hours / 24, hours % 24)
        };
        let near = |end: &ListEnd| end.is_near(now) && !end.is_over(now);
        if let Some(end) = self.revocations.end(now).filter(near) {
            let (authority, left, cure) = (&end.authority, left(&end), end.cure());
            warnings
                .push(format!("the revocation list of {authority} ends in {left}, and then nobody is let in: {cure}"));
        }
        for (organisation, end) in self.revocations.organisations(now) {
            let file = format!("revocations-{organisation}.pem");
            match end {
                None => warnings.push(format!(
                    "there are no usable revocation lists of {organisation}, so that none of its branches is let in; install its {file}"
                )),
                Some(end) if end.is_over(now) => warnings.push(format!(
                    "a revocation list of {organisation} has ended, so that none of its branches is let in; ask it for a fresh {file}"
                )),
                Some(end) if near(&end) => warnings.push(format!(
                    "a revocation list of {organisation} ends in {}; ask it for a fresh {file}", left(&end)
                )),
                Some(_) => {}
            }
        }
        let own = self.revocations.standing(self.identity.organisation(), &self.leaf, now);
        if let Some(fault) = own.fault().filter(|_| self.ended(now).is_none()) {
            warnings.push(format!(
                "branches do not believe this coordinator's own certificate: {} It needs another one: {cure}",
                fault.fault(false, None)
            ));
        }
        warnings
    }
}

fn load(
    files: &TlsFiles,
    office: bool,
    (before, ended): (Option<&RevocationLists>, &EndedCertificates),
    now: u64,
) -> Result<(Loaded, ListFiles), Vec<Fault>> {
    let fault = |name: &str, found: String| Fault {
        key: format!("identity.{name}"),
        found,
        allowed: "a valid file of a coordinator of this federation".into(),
    };
    let material = files.open(before, now);
    let material = material
        .map_err(|faults| faults.into_iter().map(|(name, found)| fault(name, found.to_string())).collect::<Vec<_>>())?;
    let bad = |found: String| vec![fault("certificate", found)];
    let TlsMaterial { credentials, roots, lists } = material;
    let (identity, leaf) = (credentials.identity().clone(), credentials.leaf().clone());
    for note in &lists.notes {
        tracing::error!("{note}");
    }
    let validity = judge(files, &leaf, &roots, now).map_err(|fault| bad(fault.to_string()))?;
    let tls = CoordinatorTls {
        credentials,
        roots: &roots,
        revocations: &lists.revocations,
        clock: system_clock(),
        key_exchange: files.key_exchange,
        ended: ended.clone(),
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
    let carried = read_carried(&files.revocations, &roots, &identity);
    let (revocations, denied) = (lists.revocations.clone(), lists.denied.clone());
    Ok((Loaded { keys, revocations, denied, carried, identity, leaf, validity }, lists))
}

/// Why clients would not accept the coordinator's certificate.
#[derive(Debug, thiserror::Error)]
enum LeafFault {
    #[error(transparent)]
    Certificate(#[from] IdentityError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("a certificate that expired {} ago", counted(.0, "day"))]
    Expired(u64),
    #[error("a certificate that is not valid yet; this machine's clock may be wrong")]
    Early,
    #[error("a certificate that is not a coordinator's")]
    Role,
    #[error("{}", .0.join(" "))]
    Problems(Vec<String>),
}

/// The validity of a certificate that clients would accept now.
fn judge(
    files: &TlsFiles,
    leaf: &CertificateDer<'static>,
    roots: &TrustRoots,
    now: u64,
) -> Result<Validity, LeafFault> {
    let validity = validity_of(leaf)?;
    let Validity { not_before, not_after } = validity;
    if now > not_after {
        return Err(LeafFault::Expired((now - not_after) / DAY));
    }
    if now < not_before {
        return Err(LeafFault::Early);
    }
    let chain = read_certificates(&files.chain)?;
    // At its first second, so that a certificate that merely ends soon has no problem.
    let inspection = inspect_chain(&chain, Some(roots), not_before)?;
    let coordinates = identity_of(leaf).is_ok_and(|identity| identity.role() == Role::Coordinator);
    match inspection.problems.as_slice() {
        [] if coordinates => Ok(validity),
        [] => Err(LeafFault::Role),
        _ => Err(LeafFault::Problems(inspection.problems)),
    }
}

#[cfg(test)]
mod tests;
