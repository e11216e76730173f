//! Handshakes that must fail, each with its very number on the side that refuses, and with a number on the other side too.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, CodeSigning, ServerAuth};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use support::{Clock, DAY, Federation, MONTH, NOW, Refused, connect_to};
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::Role;
use tributary_certs::inspect::serial_of;
use tributary_certs::issue::{CertificateAuthority, Validity};
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{APPLICATION_PROTOCOL, ClientTls, TrustRoots, client_config};

const CLIENT: &str = "spiffe://federation.example/north-bank/client/x";
const CENTRE: &str = "spiffe://federation.example/north-bank/coordinator/centre";

type Presented = (Vec<CertificateDer<'static>>, KeyPair);
type Make = fn(&Scene) -> Presented;

/// Our federation; a partner whose root speaks for `partner` alone; strangers.
struct Scene {
    ours: Federation,
    partner: Federation,
    strangers: Federation,
}

impl Scene {
    fn new() -> Self {
        let [ours, partner, strangers] = ["federation.example"; 3].map(Federation::new);
        let third = Federation::new("federation.example");
        let roots = TrustRoots::new([ours.authority.root.clone()]).expect("one root");
        let roots = roots.with_organisation("partner", [partner.authority.root.clone()]).expect("one more");
        let roots = roots.with_organisation("third", [third.authority.root.clone()]).expect("one more");
        let partners = vec![partner.as_partner("partner"), third.as_partner("third")];
        Self { ours: Federation { roots, partners, ..ours }, partner, strangers }
    }

    /// A leaf that our authority signed, with arbitrary contents.
    fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Presented {
        leaf_of(&self.ours.authority.issuing, CLIENT, ClientAuth, change)
    }

    fn centre(&self, change: impl FnOnce(&mut CertificateParams)) -> Presented {
        leaf_of(&self.ours.authority.issuing, CENTRE, ServerAuth, change)
    }
}

fn leaf_of(
    issuing: &CertificateAuthority,
    uri: &str,
    purpose: ExtendedKeyUsagePurpose,
    change: impl FnOnce(&mut CertificateParams),
) -> Presented {
    let mut parameters = good(uri, purpose);
    change(&mut parameters);
    let key = KeyPair::generate().expect("a key");
    let leaf = parameters.signed_by(&key, &issuer(issuing)).expect("signed");
    (vec![leaf.into(), issuing.certificate().clone()], key)
}

fn good(uri: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    (parameters.not_before, parameters.not_after) = (moment(NOW - DAY), moment(NOW + DAY));
    parameters.subject_alt_names = vec![named(uri)];
    if purpose == ServerAuth {
        parameters.subject_alt_names.push(SanType::DnsName("coordinator.example".try_into().expect("ASCII")));
    }
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![purpose];
    parameters.use_authority_key_identifier_extension = true;
    parameters
}

fn moment(seconds: u64) -> time::OffsetDateTime {
    time::OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

fn named(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("ASCII"))
}

fn issuer(authority: &CertificateAuthority) -> rcgen::Issuer<'static, KeyPair> {
    rcgen::Issuer::from_ca_cert_der(authority.certificate(), pair(authority)).expect("an issuer")
}

fn pair(authority: &CertificateAuthority) -> KeyPair {
    let folder = tempfile::tempdir().expect("a folder");
    authority.key().write(&folder.path().join("key")).expect("written");
    KeyPair::from_pem(&std::fs::read_to_string(folder.path().join("key")).expect("read")).expect("a key")
}

fn uris(scene: &Scene, uris: &[&str]) -> Presented {
    scene.leaf(|parameters| parameters.subject_alt_names = uris.iter().map(|uri| named(uri)).collect())
}

/// An authority that was signed by this one's issuing authority.
fn below(authority: &CertificateAuthority) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (parameters.signed_by(&key, &issuer(authority)).expect("signed").into(), key)
}

fn huge(bytes: usize) -> impl FnOnce(&mut CertificateParams) {
    move |parameters| {
        parameters.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![4; bytes])];
    }
}

/// What a client presents, and the number that the coordinator refuses it with.
const CLIENTS: &[(&str, FaultKind, Make)] = &[
    ("expired", Expired, |scene| scene.leaf(|parameters| parameters.not_after = moment(NOW - 1))),
    ("expired long ago", Expired, |scene| {
        scene.leaf(|parameters| (parameters.not_before, parameters.not_after) = (moment(1), moment(2)))
    }),
    ("not valid yet", NotYetValid, |scene| scene.leaf(|parameters| parameters.not_before = moment(NOW + 1))),
    ("valid for thirty years", LifeTooLong, |scene| {
        scene.leaf(|parameters| parameters.not_after = moment(NOW + 30 * 365 * DAY))
    }),
    ("no extended key usage", NoUsage, |scene| scene.leaf(|parameters| parameters.extended_key_usages.clear())),
    ("a server's usage", WrongUsage, |scene| {
        scene.leaf(|parameters| parameters.extended_key_usages = vec![ServerAuth])
    }),
    ("a code signer's usage", WrongUsage, |scene| {
        scene.leaf(|parameters| parameters.extended_key_usages = vec![CodeSigning])
    }),
    ("no digital signatures", WrongKeyUsage, |scene| {
        scene.leaf(|parameters| parameters.key_usages = vec![KeyUsagePurpose::KeyEncipherment])
    }),
    ("key agreement alone", WrongKeyUsage, |scene| {
        scene.leaf(|parameters| parameters.key_usages = vec![KeyUsagePurpose::KeyAgreement])
    }),
    ("no name", NoIdentity, |scene| uris(scene, &[])),
    ("the identity in the common name alone", NoIdentity, |scene| {
        scene.leaf(|parameters| {
            parameters.subject_alt_names.clear();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, CLIENT);
        })
    }),
    ("the identity as a host name", NoIdentity, |scene| {
        let name = SanType::DnsName("federation.example".try_into().expect("ASCII"));
        scene.leaf(|parameters| parameters.subject_alt_names = vec![name])
    }),
    ("two identities", SeveralIdentities, |scene| uris(scene, &[CLIENT, &CLIENT.replace("/x", "/y")])),
    ("the same identity twice", SeveralIdentities, |scene| uris(scene, &[CLIENT, CLIENT])),
    ("an identity and a web address", SeveralIdentities, |scene| uris(scene, &[CLIENT, "https://bank.example/"])),
    ("a web address", ForeignIdentity, |scene| uris(scene, &["https://federation.example/north-bank/client/x"])),
    ("an identity in upper case", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace("north", "North")])),
    ("an identity with a path upwards", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace("/x", "/../x")])),
    ("an identity with one part more", ForeignIdentity, |scene| uris(scene, &[&format!("{CLIENT}/y")])),
    ("an identity with one part less", ForeignIdentity, |scene| {
        uris(scene, &["spiffe://federation.example/bank/client"])
    }),
    ("an identity with an empty part", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace("north-bank", "")])),
    ("an identity with an escape", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace("/x", "/%78")])),
    ("an identity with a port", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace(".example", ".example:1")])),
    ("an identity with a query", ForeignIdentity, |scene| uris(scene, &[&format!("{CLIENT}?role=coordinator")])),
    ("an identity with a zero byte", ForeignIdentity, |scene| uris(scene, &[&format!("{CLIENT}\0")])),
    ("an identity that is too long", ForeignIdentity, |scene| uris(scene, &[&format!("{CLIENT}{}", "x".repeat(63))])),
    ("a role of people", ForeignIdentity, |scene| uris(scene, &[&CLIENT.replace("client", "role/plan-owner")])),
    ("a coordinator", WrongRole, |scene| uris(scene, &[CENTRE])),
    ("a coordinator with both usages", WrongRole, |scene| {
        scene.centre(|parameters| parameters.extended_key_usages = vec![ClientAuth, ServerAuth])
    }),
    ("another trust domain under our root", ForeignDomain, |scene| {
        uris(scene, &[&CLIENT.replace("federation", "other")])
    }),
    ("a trust domain below ours", ForeignDomain, |scene| uris(scene, &[&CLIENT.replace("federation", "x.federation")])),
    ("another federation's authority", ForeignAuthority, |scene| {
        leaf_of(&scene.strangers.authority.issuing, CLIENT, ClientAuth, |_| ())
    }),
    ("another federation's authority below our issuing one", ForeignAuthority, |scene| {
        let (mut chain, key) = leaf_of(&scene.strangers.authority.issuing, CLIENT, ClientAuth, |_| ());
        chain.push(scene.ours.authority.issuing.certificate().clone());
        (chain, key)
    }),
    ("no authority between leaf and root", ForeignAuthority, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain.truncate(1);
        (chain, key)
    }),
    ("the partner's authority for our organisation", WrongAuthority, |scene| {
        leaf_of(&scene.partner.authority.issuing, CLIENT, ClientAuth, |_| ())
    }),
    ("our authority for the partner's organisation", WrongAuthority, |scene| {
        uris(scene, &[&CLIENT.replace("north-bank", "partner")])
    }),
    ("the partner's authority for a third organisation", WrongAuthority, |scene| {
        leaf_of(&scene.partner.authority.issuing, &CLIENT.replace("north-bank", "third"), ClientAuth, |_| ())
    }),
    ("a stranger's authority for the partner's organisation", ForeignAuthority, |scene| {
        leaf_of(&scene.strangers.authority.issuing, &CLIENT.replace("north-bank", "partner"), ClientAuth, |_| ())
    }),
    ("signed by itself", SelfSigned, |_| {
        let key = KeyPair::generate().expect("a key");
        (vec![good(CLIENT, ClientAuth).self_signed(&key).expect("signed").into()], key)
    }),
    ("our issuing authority itself", AuthorityAsLeaf, |scene| {
        let issuing = &scene.ours.authority.issuing;
        (vec![issuing.certificate().clone()], pair(issuing))
    }),
    ("an authority with a client's identity", AuthorityAsLeaf, |scene| {
        scene.leaf(|parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))
    }),
    ("issued by a client", IssuedByLeaf, |scene| {
        let (chain, key) = scene.leaf(|_| ());
        let client = good(CLIENT, ClientAuth);
        let issuer = rcgen::Issuer::from_params(&client, key);
        let own = KeyPair::generate().expect("a key");
        let leaf = good(&CLIENT.replace("/x", "/y"), ClientAuth).signed_by(&own, &issuer).expect("signed");
        ([vec![leaf.into()], chain].concat(), own)
    }),
    ("issued by an authority that ours may not make", Unreadable, |scene| {
        let issuing = &scene.ours.authority.issuing;
        let (middle, middle_key) = below(issuing);
        let issuer = rcgen::Issuer::from_ca_cert_der(&middle, middle_key).expect("an issuer");
        let own = KeyPair::generate().expect("a key");
        let leaf = good(CLIENT, ClientAuth).signed_by(&own, &issuer).expect("signed");
        (vec![leaf.into(), middle.clone(), issuing.certificate().clone()], own)
    }),
    ("five certificates", ChainTooLong, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain.extend(std::iter::repeat_n(chain[1].clone(), 3));
        (chain, key)
    }),
    ("forty certificates", ChainTooLong, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain.extend(std::iter::repeat_n(chain[1].clone(), 38));
        (chain, key)
    }),
    ("17 KiB", TooLarge, |scene| scene.leaf(huge(17 * 1024))),
    ("17 KiB above the leaf", TooLarge, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain.push(vec![0x30; 17 * 1024].into());
        (chain, key)
    }),
    ("100 KiB", TooLarge, |scene| scene.leaf(huge(100 * 1024))),
    ("an altered certificate", Forged, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        let mut bytes = chain[0].to_vec();
        let at = bytes.windows(10).position(|window| window == b"north-bank").expect("its name");
        bytes[at] = b'm';
        chain[0] = bytes.into();
        (chain, key)
    }),
    ("an altered signature", Forged, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        let mut bytes = chain[0].to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        chain[0] = bytes.into();
        (chain, key)
    }),
    ("another client's certificate", Forged, |scene| (scene.leaf(|_| ()).0, KeyPair::generate().expect("a key"))),
    ("no certificate at all inside", Unreadable, |scene| (vec![vec![0x42; 99].into()], scene.leaf(|_| ()).1)),
    ("an empty certificate", Unreadable, |scene| (vec![vec![0x30, 0].into()], scene.leaf(|_| ()).1)),
    ("a certificate with a byte more", Unreadable, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain[0] = [chain[0].as_ref(), &[0]].concat().into();
        (chain, key)
    }),
    ("half a certificate", Unreadable, |scene| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain[0] = chain[0][..chain[0].len() / 2].to_vec().into();
        (chain, key)
    }),
    ("an unknown critical extension", Unreadable, |scene| {
        scene.leaf(|parameters| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 2], vec![5, 0]);
            extension.set_criticality(true);
            parameters.custom_extensions = vec![extension];
        })
    }),
];

/// What a coordinator presents, and the number that the client refuses it with.
const CENTRES: &[(&str, FaultKind, Make)] = &[
    ("valid for thirty years", LifeTooLong, |scene| {
        scene.centre(|parameters| parameters.not_after = moment(NOW + 30 * 365 * DAY))
    }),
    ("expired", Expired, |scene| scene.centre(|parameters| parameters.not_after = moment(NOW - 1))),
    ("not valid yet", NotYetValid, |scene| scene.centre(|parameters| parameters.not_before = moment(NOW + 1))),
    ("no extended key usage", NoUsage, |scene| scene.centre(|parameters| parameters.extended_key_usages.clear())),
    ("a client's usage", WrongUsage, |scene| {
        scene.centre(|parameters| parameters.extended_key_usages = vec![ClientAuth])
    }),
    ("no digital signatures", WrongKeyUsage, |scene| {
        scene.centre(|parameters| parameters.key_usages = vec![KeyUsagePurpose::KeyEncipherment])
    }),
    ("a client with a host name", WrongRole, |scene| {
        scene.centre(|parameters| parameters.subject_alt_names[0] = named(CLIENT))
    }),
    ("another host name", WrongHost, |scene| {
        let host = SanType::DnsName("elsewhere.example".try_into().expect("ASCII"));
        scene.centre(|parameters| parameters.subject_alt_names[1] = host)
    }),
    ("no host name", WrongHost, |scene| scene.centre(|parameters| parameters.subject_alt_names.truncate(1))),
    ("the host in the common name alone", WrongHost, |scene| {
        scene.centre(|parameters| {
            parameters.subject_alt_names.truncate(1);
            parameters.distinguished_name.push(rcgen::DnType::CommonName, "coordinator.example");
        })
    }),
    ("another coordinator", WrongPeer, |scene| {
        scene.centre(|parameters| parameters.subject_alt_names[0] = named(&CENTRE.replace("centre", "other")))
    }),
    ("no identity", NoIdentity, |scene| scene.centre(|parameters| drop(parameters.subject_alt_names.remove(0)))),
    ("two identities", SeveralIdentities, |scene| {
        scene.centre(|parameters| parameters.subject_alt_names.push(named(CLIENT)))
    }),
    ("a web address", ForeignIdentity, |scene| {
        scene.centre(|parameters| parameters.subject_alt_names[0] = named("https://coordinator.example/"))
    }),
    ("another trust domain", ForeignDomain, |scene| {
        scene.centre(|parameters| parameters.subject_alt_names[0] = named(&CENTRE.replace("federation", "other")))
    }),
    ("another federation's authority", ForeignAuthority, |scene| {
        leaf_of(&scene.strangers.authority.issuing, CENTRE, ServerAuth, |_| ())
    }),
    ("the partner's authority", WrongAuthority, |scene| {
        leaf_of(&scene.partner.authority.issuing, CENTRE, ServerAuth, |_| ())
    }),
    ("signed by itself", SelfSigned, |_| {
        let key = KeyPair::generate().expect("a key");
        (vec![good(CENTRE, ServerAuth).self_signed(&key).expect("signed").into()], key)
    }),
    ("an authority with a coordinator's identity", AuthorityAsLeaf, |scene| {
        scene.centre(|parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))
    }),
    ("five certificates", ChainTooLong, |scene| {
        let (mut chain, key) = scene.centre(|_| ());
        chain.extend(std::iter::repeat_n(chain[1].clone(), 3));
        (chain, key)
    }),
    ("17 KiB", TooLarge, |scene| scene.centre(huge(17 * 1024))),
    ("100 KiB", TooLarge, |scene| scene.centre(huge(100 * 1024))),
    ("an altered certificate", Forged, |scene| {
        let (mut chain, key) = scene.centre(|_| ());
        let mut bytes = chain[0].to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        chain[0] = bytes.into();
        (chain, key)
    }),
    ("another coordinator's key", Forged, |scene| (scene.centre(|_| ()).0, KeyPair::generate().expect("a key"))),
];

fn certified((chain, key): Presented) -> Arc<SingleCertAndKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let signer = aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, signer)))
}

fn refused(client: ClientConfig, server: ServerConfig, name: &str) -> Box<Refused> {
    let result = connect_to("coordinator.example", &Arc::new(client), &Arc::new(server));
    let refused = result.map(|_| ()).expect_err(name);
    // Both sides name a number, and the side that is told knows that it was told.
    assert!(refused.fault.to_string().contains(&refused.fault.kind.mark()), "{name}");
    assert!(refused.told.to_string().contains(&refused.told.kind.mark()), "{name}");
    assert!(!refused.fault.found_by_peer && refused.told.found_by_peer, "{name}");
    refused
}

#[test]
fn good_certificates_made_by_hand_are_accepted() {
    let scene = Scene::new();
    let partner =
        leaf_of(&scene.partner.authority.issuing, &CLIENT.replace("north-bank", "partner"), ClientAuth, |_| ());
    for presented in [scene.leaf(|_| ()), partner] {
        let mut client = scene.ours.client();
        client.client_auth_cert_resolver = certified(presented);
        let mut server = scene.ours.server();
        server.cert_resolver = certified(scene.centre(|_| ()));
        assert!(connect_to("coordinator.example", &Arc::new(client), &Arc::new(server)).is_ok());
    }
}

#[test]
fn every_bad_client_is_refused_with_its_number() {
    let scene = Scene::new();
    for (name, kind, make) in CLIENTS {
        let mut client = scene.ours.client();
        client.client_auth_cert_resolver = certified(make(&scene));
        let found = refused(client, scene.ours.server(), name);
        assert_eq!((found.fault.kind, found.by_server), (*kind, true), "{name}: {}", found.fault);
    }
}

#[test]
fn every_bad_coordinator_is_refused_with_its_number() {
    let scene = Scene::new();
    for (name, kind, make) in CENTRES {
        let tls = ClientTls {
            credentials: scene.ours.credentials(Role::Client, "branch-1", MONTH),
            roots: &scene.ours.roots,
            coordinator: Some(scene.ours.request(Role::Coordinator, "centre", MONTH).identity),
            revocations: &scene.ours.lists(vec![]),
            clock: Arc::new(Clock(NOW)),
            key_exchange: KeyExchange::DEFAULT,
        };
        let mut server = scene.ours.server();
        server.cert_resolver = certified(make(&scene));
        let found = refused(client_config(tls).expect("good"), server, name);
        assert_eq!((found.fault.kind, found.by_server), (*kind, false), "{name}: {}", found.fault);
    }
}

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

#[test]
fn revocation_is_asked_in_every_handshake() {
    let scene = Scene::new();
    let issuing = &scene.ours.authority.issuing;
    let revoked = scene.leaf(|_| ());
    let serial = serial_of(&revoked.0[0]).expect("a serial number");
    let week = Validity { not_before: NOW - 2 * DAY, not_after: NOW + DAY };
    let current = issuing.revocation_list(2, week, &[serial]).expect("a list");
    let stale =
        issuing.revocation_list(1, Validity { not_before: NOW - 2 * DAY, not_after: NOW - DAY }, &[]).expect("a list");
    let foreign = scene.strangers.authority.issuing.revocation_list(1, week, &[]).expect("a list");
    let server =
        |lists: Vec<_>| scene.ours.server_with(scene.ours.credentials(Role::Coordinator, "centre", MONTH), lists, NOW);
    let resolver = certified(revoked);
    let client = || {
        let mut client = scene.ours.client();
        client.client_auth_cert_resolver = resolver.clone();
        client
    };
    let cases = [
        ("revoked", Revoked, vec![current.clone()]),
        ("a list past its date", RevocationListExpired, vec![stale]),
        ("another authority's list alone", RevocationUnknown, vec![foreign]),
    ];
    for (name, kind, lists) in cases {
        let found = refused(client(), server(lists), name);
        assert_eq!((found.fault.kind, found.by_server), (kind, true), "{name}");
    }
    // A saved session does not help: the client would resume, but was given nothing to resume with.
    let mut saved = client();
    saved.resumption = rustls::client::Resumption::in_memory_sessions(8);
    let saved = Arc::new(saved);
    assert!(connect_to("coordinator.example", &saved, &Arc::new(server(vec![]))).is_ok());
    let after = connect_to("coordinator.example", &saved, &Arc::new(server(vec![current])));
    assert_eq!(after.map(|_| ()).expect_err("revoked").fault.kind, Revoked);
}

#[test]
fn a_revoked_coordinator_is_refused() {
    let scene = Scene::new();
    let credentials = scene.ours.credentials(Role::Coordinator, "centre", MONTH);
    let serial = serial_of(credentials.leaf()).expect("a serial number");
    let week = Validity { not_before: NOW - DAY, not_after: NOW + DAY };
    let tls = ClientTls {
        credentials: scene.ours.credentials(Role::Client, "branch-1", MONTH),
        roots: &scene.ours.roots,
        coordinator: None,
        revocations: &scene
            .ours
            .lists(vec![scene.ours.authority.issuing.revocation_list(1, week, &[serial]).expect("a list")]),
        clock: Arc::new(Clock(NOW)),
        key_exchange: KeyExchange::DEFAULT,
    };
    let found = refused(client_config(tls).expect("good"), scene.ours.server_with(credentials, vec![], NOW), "revoked");
    assert_eq!((found.fault.kind, found.by_server), (Revoked, false));
    assert_eq!(found.told.kind, Revoked);
}

/// A client whose list of revocations is past its date, or another authority's, knows nothing of its coordinator.
#[test]
fn a_client_asks_a_current_list_about_its_coordinator() {
    let scene = Scene::new();
    let issuing = &scene.ours.authority.issuing;
    let (past, week) = (
        Validity { not_before: NOW - 2 * DAY, not_after: NOW - DAY },
        Validity { not_before: NOW - 2 * DAY, not_after: NOW + DAY },
    );
    let foreign = scene.strangers.authority.issuing.revocation_list(1, week, &[]).expect("a list");
    let cases = [
        ("a current list", None, issuing.revocation_list(1, week, &[]).expect("a list")),
        ("a list past its date", Some(RevocationListExpired), issuing.revocation_list(1, past, &[]).expect("a list")),
        ("another authority's list alone", Some(RevocationUnknown), foreign),
    ];
    for (name, kind, list) in cases {
        let tls = ClientTls {
            credentials: scene.ours.credentials(Role::Client, "branch-1", MONTH),
            roots: &scene.ours.roots,
            coordinator: None,
            revocations: &scene.ours.lists(vec![list]),
            clock: Arc::new(Clock(NOW)),
            key_exchange: KeyExchange::DEFAULT,
        };
        let (client, server) = (Arc::new(client_config(tls).expect("good")), Arc::new(scene.ours.server()));
        let found = connect_to("coordinator.example", &client, &server).err();
        assert_eq!(found.map(|found| (found.fault.kind, found.by_server)), kind.map(|kind| (kind, false)), "{name}");
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

/// Faults of certificates that earn their place in tests of their own, above and in the files named.
const ELSEWHERE: [FaultKind; 9] = [
    Revoked,
    RevocationUnknown,
    RevocationListExpired,
    // certs/tests/handshakes.rs
    NoCertificate,
    // certs/tests/revocation.rs and denied.rs
    RevocationListOlder,
    Denied,
    DenyListForged,
    // certs/tests/office.rs
    RevocationListForged,
    KeyMismatch,
];

/// Every fault that a certificate can have is earned by some case, and no case is told twice.
#[test]
fn every_fault_of_a_certificate_has_a_case() {
    let clients = CLIENTS.iter().map(|(name, kind, _)| (false, *name, *kind));
    let cases: Vec<_> = clients.chain(CENTRES.iter().map(|(name, kind, _)| (true, *name, *kind))).collect();
    let names: BTreeSet<_> = cases.iter().map(|(centre, name, _)| (*centre, *name)).collect();
    assert_eq!(names.len(), cases.len(), "a case has the name of another");
    let of_certificates = FaultKind::ALL.iter().filter(|kind| kind.number() < 200);
    let missing: Vec<_> = of_certificates
        .filter(|kind| !ELSEWHERE.contains(kind) && !cases.iter().any(|(_, _, met)| met == *kind))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
