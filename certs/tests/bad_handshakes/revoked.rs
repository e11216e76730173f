//! Revoked clients and coordinators, and lists that say nothing of them.

use std::sync::Arc;

use tributary_certs::fault::FaultKind::*;
use tributary_certs::identity::Role;
use tributary_certs::inspect::serial_of;
use tributary_certs::issue::Validity;
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{ClientTls, client_config};

use crate::scene::{Scene, certified, refused};
use crate::support::{Clock, DAY, MONTH, NOW, connect_to};

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
