//! Other versions, exchanges, suites and protocols, and sessions that somebody would resume.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use tributary_certs::fault::FaultKind::*;
use tributary_certs::identity::Role;
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{APPLICATION_PROTOCOL, ClientTls, client_config};

use crate::scene::{Scene, certified, refused};
use crate::support::{Clock, MONTH, NOW, connect_to};

fn with_provider(change: impl Fn(&mut CryptoProvider)) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    change(&mut provider);
    Arc::new(provider)
}

/// A client that knows nothing of our rules.
fn foreign_client(
    provider: Arc<CryptoProvider>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let mut client = ClientConfig::builder_with_details(provider, Arc::new(Clock(NOW)))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    client.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    client
}

fn foreign_server(
    scene: &Scene,
    provider: Arc<CryptoProvider>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ServerConfig {
    let mut server = ServerConfig::builder_with_details(provider, Arc::new(Clock(NOW)))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(certified(scene.centre(|_| ())));
    server.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    server
}

#[test]
fn other_versions_exchanges_suites_and_protocols_are_refused_with_their_numbers() {
    use rustls::version::{TLS12, TLS13};
    let scene = Scene::new();
    let classical = || with_provider(|provider| provider.kx_groups = vec![aws_lc_rs::kx_group::X25519]);
    let chacha = || {
        with_provider(|provider| {
            provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
        })
    };
    let ours = || (scene.ours.client(), scene.ours.server());
    let alpn = |mut client: ClientConfig, name: &[u8]| {
        client.alpn_protocols = vec![name.to_vec()];
        client
    };
    let all = || with_provider(|_| ());
    let cases = [
        ("a TLS 1.2 client", TlsVersion, TlsVersion, true, foreign_client(all(), &[&TLS12]), ours().1),
        ("a TLS 1.2 server", TlsVersion, TlsVersion, true, ours().0, foreign_server(&scene, all(), &[&TLS12])),
        (
            "a classical client",
            TlsKeyExchange,
            TlsRefusedByPeer,
            true,
            foreign_client(classical(), &[&TLS13]),
            ours().1,
        ),
        (
            "a classical server",
            TlsKeyExchange,
            TlsRefusedByPeer,
            true,
            ours().0,
            foreign_server(&scene, classical(), &[&TLS13]),
        ),
        (
            "a client with ChaCha20 alone",
            TlsCipherSuite,
            TlsRefusedByPeer,
            true,
            foreign_client(chacha(), &[&TLS13]),
            ours().1,
        ),
        ("HTTP/3", TlsApplicationProtocol, TlsApplicationProtocol, true, alpn(ours().0, b"h3"), ours().1),
        (
            "an older tributary",
            TlsApplicationProtocol,
            TlsApplicationProtocol,
            true,
            alpn(ours().0, b"tributary/0"),
            ours().1,
        ),
    ];
    for (name, kind, told, by_server, client, server) in cases {
        let found = refused(client, server, name);
        assert_eq!((found.fault.kind, found.by_server, found.told.kind), (kind, by_server, told), "{name}");
    }
}

#[test]
fn the_preferred_exchange_serves_both_kinds_and_prefers_the_hybrid_one() {
    let scene = Scene::new();
    let lists = scene.ours.lists(vec![]);
    let tls = |key_exchange| ClientTls {
        credentials: scene.ours.credentials(Role::Client, "branch-1", MONTH),
        roots: &scene.ours.roots,
        coordinator: None,
        revocations: &lists,
        clock: Arc::new(Clock(NOW)),
        key_exchange,
    };
    let client = |key_exchange| Arc::new(client_config(tls(key_exchange)).expect("good"));
    let (preferred, required) = (client(KeyExchange::Preferred), client(KeyExchange::Required));
    let classical = with_provider(|provider| provider.kx_groups = vec![aws_lc_rs::kx_group::X25519]);
    let classical = Arc::new(foreign_server(&scene, classical, &[&rustls::version::TLS13]));
    let group = |client: &Arc<ClientConfig>, server: &Arc<ServerConfig>| {
        let (client, _) = connect_to("coordinator.example", client, server).ok()?;
        client.negotiated_key_exchange_group().map(|group| group.name())
    };
    assert_eq!(group(&preferred, &classical), Some(rustls::NamedGroup::X25519));
    assert_eq!(group(&required, &classical), None);
    for client in [&preferred, &required] {
        assert_eq!(group(client, &Arc::new(scene.ours.server())), Some(rustls::NamedGroup::X25519MLKEM768));
    }
}

/// Each setting by itself, so that the loss of one is seen although the others still stand.
#[test]
fn nothing_is_kept_that_could_be_resumed() {
    let scene = Scene::new();
    let (client, mut server) = (scene.ours.client(), scene.ours.server());
    assert_eq!((server.send_tls13_tickets, server.max_tls13_tickets), (0, 0));
    assert_eq!(server.max_early_data_size, 0);
    assert!(!server.session_storage.can_cache() && !server.ticketer.enabled() && !server.send_half_rtt_data);
    assert!(!client.enable_early_data);
    // Our client at a server that gives tickets, keeps sessions and takes early data: every handshake is a full one.
    server.send_tls13_tickets = 4;
    server.max_early_data_size = 1_024;
    server.session_storage = rustls::server::ServerSessionMemoryCache::new(8);
    let (client, server) = (Arc::new(client), Arc::new(server));
    for _ in 0..3 {
        let (mut client, _) = connect_to("coordinator.example", &client, &server).expect("both are genuine");
        assert!(client.tls13_tickets_received() > 0, "the server gives them");
        assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
        assert!(client.early_data().is_none());
    }
}
