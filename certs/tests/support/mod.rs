//! A federation, its handshakes in memory, and certificates that no authority of ours would issue.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod folders;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::{CertificateFault, FaultKind, explain};
use tributary_certs::identity::{Identity, Role, TrustDomain};
use tributary_certs::issue::{CertificateAuthority, LeafRequest, NewAuthority, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::RevocationLists;
use tributary_certs::tls::{
    ClientTls, CoordinatorTls, Credentials, TrustRoots, client_config, server_config, server_name,
};

pub(crate) const NOW: u64 = 1_900_000_000;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const MONTH: Validity = Validity::starting(NOW, 30 * DAY);

#[derive(Debug)]
pub(crate) struct Clock(pub(crate) u64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// A federation with its authority, and everything a test may replace.
pub(crate) struct Federation {
    pub(crate) authority: NewAuthority,
    pub(crate) roots: TrustRoots,
    pub(crate) root_list: CertificateRevocationListDer<'static>,
    pub(crate) usual_list: CertificateRevocationListDer<'static>,
    /// Organisations with authorities of their own: name, issuing authority, lists.
    pub(crate) partners: Vec<(String, CertificateDer<'static>, Vec<CertificateRevocationListDer<'static>>)>,
}

/// The usual life of a list in tests: longer than any of their clocks goes.
pub(crate) const LONG: Validity = Validity { not_before: NOW - DAY, not_after: NOW + 3_000 * DAY };

/// A root as an authority that signs lists.
pub(crate) fn root_of(authority: &NewAuthority) -> CertificateAuthority {
    let folder = tempfile::tempdir().expect("a folder");
    authority.root_key.write(&folder.path().join("key")).expect("written");
    let key = TlsKey::read(&folder.path().join("key")).expect("read");
    let domain = authority.issuing.trust_domain().clone();
    CertificateAuthority::from_parts(domain, authority.root.clone(), key).expect("an authority")
}

impl Federation {
    pub(crate) fn new(domain: &str) -> Self {
        let domain = TrustDomain::parse(domain).expect("a good domain");
        let authority = CertificateAuthority::create(
            &mut OsEntropy,
            &domain,
            Validity::starting(NOW - DAY, 3_650 * DAY),
            Validity::starting(NOW - DAY, 730 * DAY),
        );
        let authority = authority.expect("a good authority");
        let roots = TrustRoots::new([authority.root.clone()]).expect("one root");
        let root_list = root_of(&authority).revocation_list(1, LONG, &[]).expect("a list");
        let usual_list = authority.issuing.revocation_list(1, LONG, &[]).expect("a list");
        Self { authority, roots, root_list, usual_list, partners: Vec::new() }
    }

    pub(crate) fn request(&self, role: Role, id: &str, validity: Validity) -> LeafRequest {
        let domain = self.authority.issuing.trust_domain().clone();
        let identity = Identity::new(domain, "north-bank", role, id).expect("a good identity");
        let hosts = if role == Role::Coordinator { vec!["coordinator.example".to_owned()] } else { vec![] };
        LeafRequest { identity, host_names: hosts, addresses: vec![], validity }
    }

    pub(crate) fn credentials(&self, role: Role, id: &str, validity: Validity) -> Credentials {
        let request = self.request(role, id, validity);
        let (chain, key) = self.authority.issuing.issue(&mut OsEntropy, &request).expect("issued");
        Credentials::new(chain, &key).expect("an identity")
    }

    /// The root's list, and these of issuing authorities; the usual one where none is given.
    pub(crate) fn lists(&self, given: Vec<CertificateRevocationListDer<'static>>) -> RevocationLists {
        let mut lists = if given.is_empty() { vec![self.usual_list.clone()] } else { given };
        lists.push(self.root_list.clone());
        let issuing = [self.authority.issuing.certificate().clone()];
        let general = RevocationLists::verified(lists, &issuing, &self.roots).expect("good lists");
        self.partners.iter().fold(general, |all, (name, issuing, lists)| {
            let issuing = std::slice::from_ref(issuing);
            all.with_organisation(name, lists.clone(), issuing, &self.roots).expect("good lists")
        })
    }

    /// Who this federation is to another one that trusts it for an organisation alone.
    pub(crate) fn as_partner(
        &self,
        name: &str,
    ) -> (String, CertificateDer<'static>, Vec<CertificateRevocationListDer<'static>>) {
        let lists = vec![self.root_list.clone(), self.usual_list.clone()];
        (name.to_owned(), self.authority.issuing.certificate().clone(), lists)
    }

    pub(crate) fn server(&self) -> ServerConfig {
        self.server_with(self.credentials(Role::Coordinator, "centre", MONTH), vec![], NOW)
    }

    pub(crate) fn server_with(
        &self,
        credentials: Credentials,
        revocations: Vec<CertificateRevocationListDer<'static>>,
        now: u64,
    ) -> ServerConfig {
        let revocations = &self.lists(revocations);
        let tls = CoordinatorTls {
            credentials,
            roots: &self.roots,
            revocations,
            clock: Arc::new(Clock(now)),
            key_exchange: KeyExchange::DEFAULT,
            ended: tributary_certs::ended::EndedCertificates::default(),
        };
        server_config(tls).expect("a good configuration")
    }

    pub(crate) fn client(&self) -> ClientConfig {
        self.client_with(self.credentials(Role::Client, "branch-1", MONTH), NOW)
    }

    pub(crate) fn client_with(&self, credentials: Credentials, now: u64) -> ClientConfig {
        let clock = Arc::new(Clock(now));
        let tls = ClientTls {
            credentials,
            roots: &self.roots,
            coordinator: None,
            revocations: &self.lists(vec![]),
            clock,
            key_exchange: KeyExchange::DEFAULT,
        };
        client_config(tls).expect("a good configuration")
    }
}

/// A handshake: both ends once they are through, or the first end that refused and why.
pub(crate) fn connect(
    client: ClientConfig,
    server: ServerConfig,
) -> Result<(ClientConnection, ServerConnection), Box<Refused>> {
    connect_to("coordinator.example", &Arc::new(client), &Arc::new(server))
}

#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) by_server: bool,
    pub(crate) fault: CertificateFault,
    /// What the other end makes of the alert it is sent.
    pub(crate) told: CertificateFault,
}

pub(crate) fn connect_to(
    host: &str,
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), Box<Refused>> {
    let mut client = ClientConnection::new(Arc::clone(client), server_name(host).expect("a host")).expect("a client");
    let mut server = ServerConnection::new(Arc::clone(server)).expect("a server");
    // A TLS 1.3 handshake takes three flights; the rest carries what follows it.
    for _ in 0..6 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
        if let Err(error) =
            feed(&bytes, |piece| server.read_tls(piece).map(|_| server.process_new_packets().map(|_| ())))
        {
            let mut alert = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut alert).expect("memory");
            }
            let told = feed(&alert, |piece| client.read_tls(piece).map(|_| client.process_new_packets().map(|_| ())));
            let told = told_of(told);
            return Err(Box::new(Refused { by_server: true, fault: explain(&error), told }));
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("memory");
        }
        if let Err(error) =
            feed(&bytes, |piece| client.read_tls(piece).map(|_| client.process_new_packets().map(|_| ())))
        {
            let mut alert = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut alert).expect("memory");
            }
            let told = feed(&alert, |piece| server.read_tls(piece).map(|_| server.process_new_packets().map(|_| ())));
            let told = told_of(told);
            return Err(Box::new(Refused { by_server: false, fault: explain(&error), told }));
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

/// What the other side makes of the alert; of a connection that merely ends where the library sends none.
fn told_of(told: Result<(), rustls::Error>) -> CertificateFault {
    told.map_or_else(|error| explain(&error), |()| FaultKind::ClosedByPeer.fault(true, None))
}

fn feed(
    bytes: &[u8],
    mut read: impl FnMut(&mut &[u8]) -> std::io::Result<Result<(), rustls::Error>>,
) -> Result<(), rustls::Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        read(&mut rest).expect("memory")?;
    }
    Ok(())
}

pub(crate) fn assert_refused(
    result: Result<(ClientConnection, ServerConnection), Box<Refused>>,
    by_server: bool,
    kind: FaultKind,
) {
    let refused = result.map(|_| ()).expect_err("this handshake must fail");
    assert_eq!((refused.fault.kind, refused.by_server), (kind, by_server), "{}", refused.fault);
    assert!(!refused.fault.found_by_peer && refused.told.found_by_peer);
}

/// A client whose leaf the federation's authority signed with arbitrary contents; its configuration skips our own checks.
pub(crate) fn hand_made(
    federation: &Federation,
    uris: &[&str],
    purposes: Vec<rcgen::ExtendedKeyUsagePurpose>,
) -> ClientConfig {
    let issuing = &federation.authority.issuing;
    let issuer = rcgen::Issuer::from_ca_cert_der(issuing.certificate(), pair_of(issuing.key())).expect("an issuer");
    let mut parameters = rcgen::CertificateParams::default();
    let moment = |seconds| time::OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds);
    (parameters.not_before, parameters.not_after) = (moment(NOW - DAY), moment(NOW + DAY));
    let uri = |uri: &&str| rcgen::SanType::URI((*uri).try_into().expect("ASCII"));
    parameters.subject_alt_names = uris.iter().map(uri).collect();
    parameters.extended_key_usages = purposes;
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = parameters.signed_by(&key, &issuer).expect("signed");
    let mut config = federation.client();
    let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key.into()).expect("a key");
    let chain = vec![leaf.into(), issuing.certificate().clone()];
    config.client_auth_cert_resolver =
        Arc::new(rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(chain, signer)));
    config
}

/// A key in the form that signs certificates with arbitrary contents.
pub(crate) fn pair_of(key: &TlsKey) -> rcgen::KeyPair {
    let folder = tempfile::tempdir().expect("a folder");
    key.write(&folder.path().join("key")).expect("written");
    rcgen::KeyPair::from_pem(&std::fs::read_to_string(folder.path().join("key")).expect("read")).expect("a key")
}
