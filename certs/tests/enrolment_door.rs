//! The connection by which a branch without a certificate reaches the office, in memory.

mod support;

use std::sync::Arc;

use support::{Clock, Federation, MONTH, NOW, connect, connect_to};
use tributary_certs::counter::{CounterTrust, OFFICE_PROTOCOL, counter_config, office_config};
use tributary_certs::enrolment::CoordinatorPin;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, Role};
use tributary_certs::office::{Bundle, Token};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::KnownNumbers;
use tributary_certs::roster::RosterAuthorities;
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
