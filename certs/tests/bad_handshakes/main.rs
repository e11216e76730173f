//! Handshakes that must fail, each with its very number on the side that refuses, and with a number on the other side too.

mod clients;
mod coordinators;
mod limits;
mod revoked;
mod scene;
mod stacks;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use clients::CLIENTS;
use coordinators::CENTRES;
use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
use scene::{CLIENT, Scene, certified, leaf_of};
use support::connect_to;
use tributary_certs::fault::FaultKind::{self, *};

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

/// Faults of certificates that earn their place in tests of their own, in `revoked.rs` and in the files named.
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
    // certs/tests/office/
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
