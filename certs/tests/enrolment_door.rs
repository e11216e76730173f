//! The connection by which a branch without a certificate reaches the office, in memory.

mod support;

use std::sync::Arc;

use support::{Clock, DAY, Federation, LONG, MONTH, NOW, connect, connect_to, root_of};
use tributary_certs::counter::{
    CounterTrust, DoorConfigs, OFFICE_PROTOCOL, counter_config, door_configs, office_config,
};
use tributary_certs::enrolment::CoordinatorPin;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, Role};
use tributary_certs::office::{Bundle, Token};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::KnownNumbers;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::skew::diagnosis_config;
use tributary_certs::tls::{APPLICATION_PROTOCOL, ClientTls, CoordinatorTls, TrustRoots, client_config};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;

fn bundle(federation: &Federation, coordinator: &str) -> Bundle {
    let identity =
        |uri: &str| Identity::parse(&format!("spiffe://federation.example/north-bank/{uri}")).expect("an identity");
    let folder = tempfile::tempdir().expect("a folder");
    let lists = folder.path().join("revocations.pem");
    let text = pem::encode(&pem::Pem::new("X509 CRL", federation.root_list.to_vec()));
    std::fs::write(&lists, text).expect("written");
    Bundle {
        identity: identity("client/branch-1"),
        coordinator_address: "coordinator.example:7443".to_owned(),
        root_sha256: Digest::of(&federation.authority.root),
        coordinator: CoordinatorPin {
            identity: identity(&format!("coordinator/{coordinator}")),
            signing_key: VerifyingKey::ed25519([1; 32]),
        },
        authorities: RosterAuthorities::new(1, vec![VerifyingKey::ed25519([2; 32])]).expect("one of one"),
        lists: KnownNumbers::read(&lists, &federation.roots).expect("a good list"),
        token: Token::generate(&mut OsEntropy),
    }
}

fn client_at(bundle: &Bundle, now: u64) -> rustls::ClientConfig {
    let trust = CounterTrust::Fingerprint(bundle.root_sha256);
    let coordinator = bundle.coordinator.identity.clone();
    counter_config(trust, coordinator, Arc::new(Clock(now)), KeyExchange::DEFAULT).expect("good")
}

fn client(bundle: &Bundle) -> rustls::ClientConfig {
    client_at(bundle, NOW)
}

fn door(federation: &Federation) -> rustls::ServerConfig {
    office_config(&federation.server(), &federation.roots).expect("good")
}

#[test]
fn a_branch_without_a_certificate_reaches_the_coordinator_of_its_bundle() {
    let federation = Federation::new("federation.example");
    let (client, _) = connect(client(&bundle(&federation, "centre")), door(&federation)).expect("both are genuine");
    assert_eq!(client.alpn_protocol(), Some(OFFICE_PROTOCOL));
    assert_eq!(client.tls13_tickets_received(), 0);
}

#[test]
fn anybody_else_is_refused() {
    let (ours, theirs) = (Federation::new("federation.example"), Federation::new("federation.example"));
    let refused = |client: rustls::ClientConfig, server: rustls::ServerConfig, host: &str| {
        let refused = connect_to(host, &Arc::new(client), &Arc::new(server)).map(|_| ()).unwrap_err();
        assert!(refused.told.found_by_peer);
        (refused.fault.kind, refused.by_server)
    };
    let good = || client(&bundle(&ours, "centre"));
    let host = "coordinator.example";
    assert_eq!(refused(good(), door(&theirs), host), (FaultKind::ForeignAuthority, false));
    // The root is public: presenting it is not enough.
    let pretender = office_config(&theirs.server(), &ours.roots).unwrap();
    assert_eq!(refused(good(), pretender, host), (FaultKind::ForeignAuthority, false));
    assert_eq!(refused(client(&bundle(&ours, "other")), door(&ours), host), (FaultKind::WrongPeer, false));
    assert_eq!(refused(good(), door(&ours), "elsewhere.example"), (FaultKind::WrongHost, false));
    let old = ours.server_with(ours.credentials(Role::Coordinator, "centre", MONTH), vec![], NOW);
    let late = client_at(&bundle(&ours, "centre"), NOW + 31 * support::DAY);
    let old = office_config(&old, &ours.roots).unwrap();
    assert_eq!(refused(late, old, host), (FaultKind::Expired, false));
}

#[test]
fn neither_door_takes_the_other_s_connections() {
    let federation = Federation::new("federation.example");
    let kind = |client, server| connect(client, server).map(|_| ()).unwrap_err().fault.kind;
    let enrolling = client(&bundle(&federation, "centre"));
    assert_eq!(kind(enrolling, federation.server()), FaultKind::TlsApplicationProtocol);
    assert_eq!(kind(federation.client(), door(&federation)), FaultKind::TlsApplicationProtocol);
}

fn doors(federation: &Federation, roots: &TrustRoots) -> DoorConfigs {
    let lists = federation.lists(vec![]);
    let tls = CoordinatorTls {
        credentials: federation.credentials(Role::Coordinator, "centre", MONTH),
        roots,
        revocations: &lists,
        clock: Arc::new(Clock(NOW)),
        key_exchange: KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    };
    door_configs(tls).expect("good")
}

/// One address may serve members and newcomers: the protocol that is asked for decides, and a certificate that is shown is judged.
#[test]
fn each_door_serves_its_own_protocol_and_the_common_one_serves_both() {
    let (ours, theirs) = (Federation::new("federation.example"), Federation::new("federation.example"));
    let served = |client: rustls::ClientConfig, server: rustls::ServerConfig| match connect(client, server) {
        Ok((client, _)) => {
            let shown = client.peer_certificates().map_or(0, <[_]>::len);
            Ok((client.alpn_protocol().map(<[u8]>::to_vec), shown))
        }
        Err(refused) => Err((refused.fault.kind, refused.by_server)),
    };
    let peer = Ok((Some(APPLICATION_PROTOCOL.to_vec()), 2));
    // A newcomer has nothing but the root's fingerprint, so the root is sent as well.
    let newcomer = Ok((Some(OFFICE_PROTOCOL.to_vec()), 3));
    let other = Err((FaultKind::TlsApplicationProtocol, true));
    let member = || ours.client();
    let stranger = || {
        let credentials = theirs.credentials(Role::Client, "branch-1", MONTH);
        ours.client_with(credentials, NOW)
    };
    let enrolling = || client(&bundle(&ours, "centre"));
    let open = || doors(&ours, &ours.roots);
    assert_eq!((served(member(), open().peers), served(member(), open().both)), (peer.clone(), peer));
    assert_eq!((served(enrolling(), open().office), served(enrolling(), open().both)), (newcomer.clone(), newcomer));
    assert_eq!((served(enrolling(), open().peers), served(member(), open().office)), (other.clone(), other));
    let foreign = Err((FaultKind::ForeignAuthority, true));
    assert_eq!((served(stranger(), open().peers), served(stranger(), open().both)), (foreign.clone(), foreign));
    // However many roots there are, a chain has four certificates.
    let more = [Federation::new("federation.example"), Federation::new("federation.example")];
    let roots = [&ours, &more[0], &more[1]].map(|federation| federation.authority.root.clone());
    let many = doors(&ours, &TrustRoots::new(roots).expect("three roots"));
    assert_eq!(served(enrolling(), many.office).expect("served").1, 4);
}

#[test]
fn a_branch_that_trusts_roots_asks_their_lists_about_its_coordinator() {
    let federation = Federation::new("federation.example");
    let coordinator = bundle(&federation, "centre").coordinator.identity;
    let asked = |lists| {
        let trust = CounterTrust::Roots(federation.roots.clone(), lists);
        let config = counter_config(trust, coordinator.clone(), Arc::new(Clock(NOW)), KeyExchange::DEFAULT);
        connect(config.expect("good"), door(&federation)).err().map(|refused| refused.fault.kind)
    };
    assert_eq!((asked(None), asked(Some(federation.lists(vec![])))), (None, None));
    let issuing = federation.authority.issuing.certificate();
    let serial = tributary_certs::inspect::serial_of(issuing).expect("a serial number");
    let root_list = root_of(&federation.authority).revocation_list(2, LONG, &[serial]).expect("a list");
    let lists = tributary_certs::revocation::RevocationLists::verified(
        vec![root_list, federation.usual_list.clone()],
        std::slice::from_ref(issuing),
        &federation.roots,
    );
    assert_eq!(asked(Some(lists.expect("good lists"))), Some(FaultKind::Revoked));
}

/// Whether a wrong clock alone stands between two sides: everything but the time is judged.
#[test]
fn a_diagnosis_judges_a_coordinator_at_its_first_second() {
    let (ours, theirs) = (Federation::new("federation.example"), Federation::new("federation.example"));
    let lists = ours.lists(vec![]);
    let tls = |now| ClientTls {
        credentials: ours.credentials(Role::Client, "branch-1", MONTH),
        roots: &ours.roots,
        coordinator: None,
        revocations: &lists,
        clock: Arc::new(Clock(now)),
        key_exchange: KeyExchange::DEFAULT,
    };
    let far = NOW + 400 * DAY;
    let fault = |config: rustls::ClientConfig, federation: &Federation| {
        connect(config, federation.server()).err().map(|refused| (refused.fault.kind, refused.by_server))
    };
    assert_eq!(fault(client_config(tls(far)).expect("good"), &ours), Some((FaultKind::Expired, false)));
    assert_eq!(fault(client_config(tls(NOW - 400)).expect("good"), &ours), Some((FaultKind::NotYetValid, false)));
    for now in [far, NOW - 400, NOW] {
        assert_eq!(fault(diagnosis_config(tls(now)).expect("good"), &ours), None, "{now}");
        let stranger = fault(diagnosis_config(tls(now)).expect("good"), &theirs);
        assert_eq!(stranger, Some((FaultKind::ForeignAuthority, false)), "{now}");
    }
    assert_eq!(tributary_certs::skew::CLOCK_FAULTS.map(FaultKind::number), [101, 102, 108]);
}
