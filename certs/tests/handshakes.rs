//! Full handshakes in memory, without a socket and with a clock of our own: who gets in, who does not, and what each is told.

mod support;

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, HandshakeKind};
use support::{Clock, DAY, Federation, MONTH, NOW, assert_refused, connect, connect_to, hand_made};
use tributary_certs::ended::{Ended, EndedCertificates};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Role, identity_of};
use tributary_certs::inspect::serial_of;
use tributary_certs::issue::{Chain, IssueError, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{
    APPLICATION_PROTOCOL, ClientTls, CoordinatorTls, Credentials, TlsError, TrustRoots, client_config, server_config,
    server_name,
};
use tributary_protocol::roster::MemberName;

#[test]
fn a_client_and_its_coordinator_know_each_other() {
    let federation = Federation::new("federation.example");
    let (client, server) = connect(federation.client(), federation.server()).expect("both are genuine");
    let of =
        |certificates: Option<&[CertificateDer<'static>]>| identity_of(&certificates.unwrap()[0]).unwrap().to_string();
    assert_eq!(of(server.peer_certificates()), "spiffe://federation.example/north-bank/client/branch-1");
    assert_eq!(of(client.peer_certificates()), "spiffe://federation.example/north-bank/coordinator/centre");
    assert_eq!(client.alpn_protocol(), Some(APPLICATION_PROTOCOL));
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let group = client.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[test]
fn an_expired_client_is_refused_and_told() {
    let federation = Federation::new("federation.example");
    let old =
        federation.credentials(Role::Client, "branch-1", Validity { not_before: NOW - 300, not_after: NOW + DAY });
    let server =
        federation.server_with(federation.credentials(Role::Coordinator, "centre", MONTH), vec![], NOW + 2 * DAY);
    let result = connect(federation.client_with(old, NOW + 2 * DAY), server);
    assert_eq!(result.as_ref().err().unwrap().told.kind, FaultKind::Expired);
    assert_refused(result, true, FaultKind::Expired);
}

/// The operator learns whose certificate has ended, where an authority that is trusted has issued it: what anybody can make names nobody.
#[test]
fn an_ended_certificate_is_named_where_it_was_good() {
    let (ours, theirs) = (Federation::new("federation.example"), Federation::new("federation.example"));
    let ended = EndedCertificates::default();
    let server = |now| {
        let tls = CoordinatorTls {
            credentials: ours.credentials(Role::Coordinator, "centre", MONTH),
            roots: &ours.roots,
            revocations: &ours.lists(vec![]),
            clock: Arc::new(Clock(now)),
            key_exchange: KeyExchange::DEFAULT,
            ended: ended.clone(),
        };
        server_config(tls).unwrap()
    };
    let day = Validity { not_before: NOW - 300, not_after: NOW + DAY };
    let knock = |federation: &Federation, now| {
        let shown = federation.credentials(Role::Client, "branch-1", day);
        drop(connect(ours.client_with(shown, now), server(now)));
        ended.take()
    };
    let name = MemberName::parse("north-bank/branch-1").unwrap();
    assert_eq!(knock(&ours, NOW), []);
    assert_eq!(knock(&ours, NOW + 2 * DAY), [Ended { name, not_after: NOW + DAY }]);
    assert_eq!(knock(&theirs, NOW + 2 * DAY), []);
}

#[test]
fn an_expired_coordinator_is_refused() {
    let federation = Federation::new("federation.example");
    let old =
        federation.credentials(Role::Coordinator, "centre", Validity { not_before: NOW - 300, not_after: NOW + DAY });
    let client = federation.client_with(federation.credentials(Role::Client, "branch-1", MONTH), NOW + 2 * DAY);
    assert_refused(connect(client, federation.server_with(old, vec![], NOW)), false, FaultKind::Expired);
}

#[test]
fn a_certificate_of_tomorrow_is_refused_today() {
    let federation = Federation::new("federation.example");
    let early =
        federation.credentials(Role::Client, "branch-1", Validity { not_before: NOW + 300, not_after: NOW + DAY });
    assert_refused(connect(federation.client_with(early, NOW), federation.server()), true, FaultKind::NotYetValid);
}

#[test]
fn an_expired_issuing_authority_takes_its_leaves_along() {
    let federation = Federation::new("federation.example");
    let (later, last) = (NOW + 800 * DAY, Validity { not_before: NOW + 700 * DAY, not_after: NOW + 729 * DAY });
    let client = federation.credentials(Role::Client, "branch-1", last);
    let server = federation.server_with(federation.credentials(Role::Coordinator, "centre", MONTH), vec![], later);
    assert_refused(connect(federation.client_with(client, NOW), server), true, FaultKind::Expired);
}

#[test]
fn a_self_signed_client_is_refused_as_such() {
    let federation = Federation::new("federation.example");
    let key = TlsKey::generate();
    let path = tempfile::tempdir().unwrap();
    key.write(&path.path().join("key")).unwrap();
    let pem = std::fs::read_to_string(path.path().join("key")).unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    let uri = "spiffe://federation.example/north-bank/client/branch-1";
    parameters.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.self_signed(&rcgen::KeyPair::from_pem(&pem).unwrap()).unwrap();
    let credentials = Credentials::new(Chain::new(vec![certificate.into()]).unwrap(), &key).unwrap();
    let result = connect(federation.client_with(credentials, NOW), federation.server());
    assert_refused(result, true, FaultKind::SelfSigned);
}

/// Whoever trusts an authority for some years trusts nothing of it after them.
#[test]
fn nothing_outlives_what_issued_it() {
    let federation = Federation::new("federation.example");
    let issuing = &federation.authority.issuing;
    let Validity { not_before, not_after } = issuing.validity();
    for (earlier, later) in [(0, 0), (1, 0), (0, 1)] {
        let validity = Validity { not_before: not_before - earlier, not_after: not_after + later };
        let issued = issuing.issue(&mut OsEntropy, &federation.request(Role::Client, "branch-1", validity));
        match earlier + later {
            0 => assert!(issued.is_ok()),
            _ => assert!(matches!(issued, Err(IssueError::OutsideIssuer)), "{earlier} earlier, {later} later"),
        }
    }
}

#[test]
fn a_certificate_of_another_key_is_noticed_at_once() {
    let federation = Federation::new("federation.example");
    let request = federation.request(Role::Client, "branch-1", MONTH);
    let (chain, _) = federation.authority.issuing.issue(&mut OsEntropy, &request).unwrap();
    let refused = Credentials::new(chain, &TlsKey::generate()).err().unwrap();
    assert!(matches!(refused, TlsError::Library(rustls::Error::InconsistentKeys(_))), "{refused}");
}

#[test]
fn another_federation_s_authority_is_not_believed_even_for_our_names() {
    let ours = Federation::new("federation.example");
    let theirs = Federation::new("federation.example");
    let intruder = theirs.credentials(Role::Client, "branch-1", MONTH);
    assert_refused(connect(ours.client_with(intruder, NOW), ours.server()), true, FaultKind::ForeignAuthority);
    assert_refused(connect(ours.client(), theirs.server()), false, FaultKind::ForeignAuthority);
}

/// An authority that both sides trust, but whose certificates name another federation: name constraints would not catch it.
#[test]
fn another_trust_domain_under_a_trusted_root_is_refused() {
    let ours = Federation::new("federation.example");
    let theirs = Federation::new("other.example");
    let both = TrustRoots::new([ours.authority.root.clone(), theirs.authority.root.clone()]).unwrap();
    let ours = Federation { roots: both, ..ours };
    let stranger = ours.client_with(theirs.credentials(Role::Client, "branch-1", MONTH), NOW);
    let domain = connect(stranger, ours.server()).map(|_| ()).unwrap_err();
    // The stranger's own rule refuses first: it expects a coordinator of its own federation.
    assert_eq!((domain.fault.kind, domain.by_server), (FaultKind::ForeignDomain, false));
    assert_refused(
        connect(ours.client(), Federation { roots: ours.roots.clone(), ..theirs }.server()),
        false,
        FaultKind::ForeignDomain,
    );
}

#[test]
fn a_coordinator_s_certificate_does_not_open_the_door_to_a_client() {
    let federation = Federation::new("federation.example");
    let credentials = federation.credentials(Role::Coordinator, "centre", MONTH);
    let tls = ClientTls {
        credentials,
        roots: &federation.roots,
        coordinator: None,
        revocations: &federation.lists(vec![]),
        clock: Arc::new(Clock(NOW)),
        key_exchange: KeyExchange::DEFAULT,
    };
    assert!(matches!(client_config(tls), Err(TlsError::OwnRole { needed: Role::Client, .. })));
    let credentials = federation.credentials(Role::Client, "branch-1", MONTH);
    let tls = CoordinatorTls {
        credentials,
        roots: &federation.roots,
        revocations: &federation.lists(vec![]),
        clock: Arc::new(Clock(NOW)),
        key_exchange: KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    };
    assert!(matches!(server_config(tls), Err(TlsError::OwnRole { needed: Role::Coordinator, .. })));
}

/// Certificates that our own authority would not issue: role and purpose disagree, or the purpose is missing.
#[test]
fn role_and_purpose_must_both_fit() {
    use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let federation = Federation::new("federation.example");
    let cases = [
        ("client", vec![ServerAuth], FaultKind::WrongUsage),
        ("client", vec![], FaultKind::NoUsage),
        ("coordinator", vec![ClientAuth], FaultKind::WrongRole),
    ];
    for (role, purposes, kind) in cases {
        let client = hand_made(&federation, &[&format!("spiffe://federation.example/north-bank/{role}/x")], purposes);
        assert_refused(connect(client, federation.server()), true, kind);
    }
}

#[test]
fn exactly_one_uri_makes_an_identity() {
    use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
    let federation = Federation::new("federation.example");
    let good = "spiffe://federation.example/north-bank/client/x";
    let cases: [(&[&str], FaultKind); 4] = [
        (&[], FaultKind::NoIdentity),
        (&[good, "spiffe://federation.example/north-bank/client/y"], FaultKind::SeveralIdentities),
        (&["spiffe://federation.example/north-bank/client/X"], FaultKind::ForeignIdentity),
        (&["https://federation.example/"], FaultKind::ForeignIdentity),
    ];
    for (uris, kind) in cases {
        let client = hand_made(&federation, uris, vec![ClientAuth]);
        assert_refused(connect(client, federation.server()), true, kind);
    }
    assert!(connect(hand_made(&federation, &[good], vec![ClientAuth]), federation.server()).is_ok());
}

#[test]
fn without_a_certificate_nobody_gets_in() {
    let federation = Federation::new("federation.example");
    let mut client = federation.client();
    client.client_auth_cert_resolver = Arc::new(NoCertificate);
    assert_refused(connect(client, federation.server()), true, FaultKind::NoCertificate);
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
    fn has_certs(&self) -> bool {
        false
    }
}

#[test]
fn the_host_dialled_and_the_very_coordinator_are_checked() {
    let federation = Federation::new("federation.example");
    let (client, server) = (Arc::new(federation.client()), Arc::new(federation.server()));
    assert_refused(connect_to("elsewhere.example", &client, &server), false, FaultKind::WrongHost);
    assert_refused(connect_to("192.0.2.1", &client, &server), false, FaultKind::WrongHost);
    let lists = federation.lists(vec![]);
    let expected = |id| ClientTls {
        credentials: federation.credentials(Role::Client, "branch-1", MONTH),
        roots: &federation.roots,
        coordinator: Some(federation.request(Role::Coordinator, id, MONTH).identity),
        revocations: &lists,
        clock: Arc::new(Clock(NOW)),
        key_exchange: KeyExchange::DEFAULT,
    };
    assert!(connect(client_config(expected("centre")).unwrap(), federation.server()).is_ok());
    assert_refused(
        connect(client_config(expected("other")).unwrap(), federation.server()),
        false,
        FaultKind::WrongPeer,
    );
}

#[test]
fn an_address_is_as_good_as_a_name() {
    let federation = Federation::new("federation.example");
    let mut request = federation.request(Role::Coordinator, "centre", MONTH);
    request.addresses = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let (chain, key) = federation.authority.issuing.issue(&mut OsEntropy, &request).unwrap();
    let server = Arc::new(federation.server_with(Credentials::new(chain, &key).unwrap(), vec![], NOW));
    let client = Arc::new(federation.client());
    assert!(connect_to("127.0.0.1", &client, &server).is_ok());
    assert!(connect_to("::1", &client, &server).is_ok());
    assert_refused(connect_to("127.0.0.2", &client, &server), false, FaultKind::WrongHost);
}

/// A client that would resume, if it were ever given a ticket: the second handshake is a full one, and the verifier is asked again.
#[test]
fn nothing_is_resumed() {
    let federation = Federation::new("federation.example");
    let mut client = federation.client();
    client.resumption = rustls::client::Resumption::in_memory_sessions(8);
    client.enable_early_data = true;
    let (client, server) = (Arc::new(client), Arc::new(federation.server()));
    for _ in 0..3 {
        let (client, server) = connect_to("coordinator.example", &client, &server).unwrap();
        assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(client.tls13_tickets_received(), 0);
    }
}

#[test]
fn a_revoked_client_is_refused_and_a_stale_list_refuses_everybody() {
    let federation = Federation::new("federation.example");
    let issuing = &federation.authority.issuing;
    let revoked = federation.credentials(Role::Client, "branch-1", MONTH);
    let serial = serial_of(revoked.leaf()).unwrap();
    let list = issuing.revocation_list(1, Validity { not_before: NOW - DAY, not_after: NOW + DAY }, &[serial]).unwrap();
    let server = |now| {
        let credentials = federation.credentials(Role::Coordinator, "centre", MONTH);
        federation.server_with(credentials, vec![list.clone()], now)
    };
    assert!(connect(federation.client(), server(NOW)).is_ok());
    assert_refused(connect(federation.client_with(revoked, NOW), server(NOW)), true, FaultKind::Revoked);
    assert_refused(connect(federation.client(), server(NOW + 2 * DAY)), true, FaultKind::RevocationListExpired);
}

#[test]
fn a_peer_without_the_hybrid_exchange_is_refused() {
    let federation = Federation::new("federation.example");
    let classical = rustls::crypto::CryptoProvider {
        kx_groups: vec![rustls::crypto::aws_lc_rs::kx_group::X25519],
        ..rustls::crypto::aws_lc_rs::default_provider()
    };
    let roots = rustls::RootCertStore { roots: vec![] };
    let mut client = ClientConfig::builder_with_details(Arc::new(classical), Arc::new(Clock(NOW)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    assert_refused(connect(client, federation.server()), true, FaultKind::TlsKeyExchange);
}

#[test]
fn another_application_protocol_is_refused() {
    let federation = Federation::new("federation.example");
    let mut client = federation.client();
    client.alpn_protocols = vec![b"h3".to_vec()];
    assert_refused(connect(client, federation.server()), true, FaultKind::TlsApplicationProtocol);
}

/// The configurations serve QUIC as they are (RFC 9001): its in-memory handshake goes through and carries the transport parameters.
#[test]
fn the_configurations_serve_quic() {
    use rustls::quic::{ClientConnection, Connection, ServerConnection, Version};
    let federation = Federation::new("federation.example");
    let host = server_name("coordinator.example").unwrap();
    let client = ClientConnection::new(Arc::new(federation.client()), Version::V1, host, b"from the client".to_vec());
    let server = ServerConnection::new(Arc::new(federation.server()), Version::V1, b"from the server".to_vec());
    let mut ends = [Connection::Client(client.unwrap()), Connection::Server(server.unwrap())];
    for _ in 0..8 {
        for from in 0..2 {
            // One level of encryption at a time, as QUIC carries them.
            loop {
                let mut bytes = Vec::new();
                let change = ends[from].write_hs(&mut bytes);
                if bytes.is_empty() && change.is_none() {
                    break;
                }
                ends[1 - from].read_hs(&bytes).unwrap();
            }
        }
    }
    assert!(ends.iter().all(|end| !end.is_handshaking()));
    assert_eq!(ends[0].quic_transport_parameters(), Some(b"from the server".as_slice()));
}
