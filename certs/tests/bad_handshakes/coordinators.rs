//! Coordinators that a client refuses, each with its number.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::{BasicConstraints, IsCa, KeyPair, KeyUsagePurpose, SanType};
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::Role;
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{ClientTls, client_config};

use crate::scene::{CENTRE, CLIENT, Make, Scene, certified, good, huge, leaf_of, moment, named, refused};
use crate::support::{Clock, DAY, MONTH, NOW};

/// What a coordinator presents, and the number that the client refuses it with.
pub(crate) const CENTRES: &[(&str, FaultKind, Make)] = &[
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
