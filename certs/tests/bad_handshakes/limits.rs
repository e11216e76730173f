//! The last good certificate of each limit, and what `certs inspect` says of each bad one.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::TrustDomain;
use tributary_certs::inspect::{inspect_chain, verify_chain};
use tributary_certs::issue::{AUTHORITY_SECONDS_MAX, CertificateAuthority, LEAF_SECONDS_MAX, Validity};
use tributary_certs::tls::TrustRoots;

use crate::clients::CLIENTS;
use crate::coordinators::CENTRES;
use crate::scene::{CLIENT, Presented, Scene, certified, huge, leaf_of, moment};
use crate::support::{DAY, NOW, connect_to};

/// A leaf of just so many bytes. A signature's length differs by a byte or two, so it is made until it fits.
fn of_size(scene: &Scene, bytes: usize) -> Presented {
    let other = scene.leaf(huge(bytes - 2_000)).0[0].len();
    let filling = bytes - 2_000 + bytes - other;
    let sizes = (0..1_000_usize).map(|turn| scene.leaf(huge(filling + turn % 3 - 1)));
    sizes.into_iter().find(|made| made.0[0].len() == bytes).expect("one of a thousand has the size")
}

/// What a handshake with this client comes to.
fn told(scene: &Scene, presented: Presented) -> Option<FaultKind> {
    let mut client = scene.ours.client();
    client.client_auth_cert_resolver = certified(presented);
    let result = connect_to("coordinator.example", &Arc::new(client), &Arc::new(scene.ours.server()));
    result.err().map(|refused| refused.fault.kind)
}

#[test]
fn the_last_good_certificate_of_each_limit_is_accepted() {
    let scene = Scene::new();
    let longest = LEAF_SECONDS_MAX;
    let four = |count: usize| {
        let (mut chain, key) = scene.leaf(|_| ());
        chain.extend(std::iter::repeat_n(chain[1].clone(), count - 2));
        (chain, key)
    };
    let cases: [(&str, Presented, Option<FaultKind>); 9] = [
        ("to this second", scene.leaf(|one| one.not_after = moment(NOW)), None),
        ("from this second", scene.leaf(|one| one.not_before = moment(NOW)), None),
        ("for the longest time", scene.leaf(|one| one.not_after = moment(NOW - DAY + longest)), None),
        ("for a second longer", scene.leaf(|one| one.not_after = moment(NOW - DAY + longest + 1)), Some(LifeTooLong)),
        ("four certificates", four(4), None),
        ("five certificates", four(5), Some(ChainTooLong)),
        ("16 KiB", of_size(&scene, 16 * 1024), None),
        ("a byte more", of_size(&scene, 16 * 1024 + 1), Some(TooLarge)),
        (
            "with two purposes",
            scene.leaf(|one| one.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ServerAuth)),
            None,
        ),
    ];
    for (name, presented, expected) in cases {
        assert_eq!(told(&scene, presented), expected, "{name}");
    }
}

#[test]
fn an_authority_of_the_longest_life_is_believed_and_one_of_a_second_more_is_not() {
    let domain = TrustDomain::parse("federation.example").unwrap();
    let judged = |seconds: u64| {
        let validity = Validity { not_before: NOW - DAY, not_after: NOW - DAY + seconds };
        let new = CertificateAuthority::create(&mut OsEntropy, &domain, validity, validity).unwrap();
        let (chain, _) = leaf_of(&new.issuing, CLIENT, ClientAuth, |_| ());
        verify_chain(&TrustRoots::new([new.root]).unwrap(), &chain[0], &chain[1..], NOW).map_err(|fault| fault.kind)
    };
    assert!(judged(AUTHORITY_SECONDS_MAX).is_ok());
    assert_eq!(judged(AUTHORITY_SECONDS_MAX + 1), Err(LifeTooLong));
}

/// What a chain by itself is judged as, where a handshake knows more: whom it wants, and that the key is there.
const BY_ITSELF: &[(&str, Option<FaultKind>)] = &[
    ("a coordinator", Some(WrongUsage)),
    ("a coordinator with both usages", None),
    ("another trust domain under our root", None),
    ("a trust domain below ours", None),
    ("another client's certificate", None),
    ("a client with a host name", Some(WrongUsage)),
    ("another host name", None),
    ("no host name", None),
    ("the host in the common name alone", None),
    ("another coordinator", None),
    ("another trust domain", None),
    ("another coordinator's key", None),
];

#[test]
fn a_chain_is_judged_by_itself_as_a_handshake_judges_it_and_each_fault_is_told_once() {
    let scene = Scene::new();
    for (name, kind, make) in CLIENTS.iter().chain(CENTRES) {
        let (chain, _) = make(&scene);
        let expected = BY_ITSELF.iter().find(|(other, _)| other == name).map_or(Some(*kind), |(_, kind)| *kind);
        let judged = verify_chain(&scene.ours.roots, &chain[0], &chain[1..], NOW);
        assert_eq!(judged.err().map(|fault| fault.kind), expected, "{name}");
        let Ok(found) = inspect_chain(&chain, Some(&scene.ours.roots), NOW) else {
            assert!(matches!(expected, Some(Unreadable | TooLarge)), "{name}");
            continue;
        };
        let own = matches!(
            expected,
            Some(Expired | NotYetValid | NoUsage | WrongUsage | NoIdentity | SeveralIdentities | ForeignIdentity)
        );
        let count = match (*name, expected) {
            // The authority above was not there in those seconds.
            ("expired long ago", _) => 2,
            (_, None | Some(AuthorityAsLeaf)) => 0,
            _ => 1,
        };
        assert_eq!(found.problems.len(), count, "{name}: {:?}", found.problems);
        if count == 1 {
            let mark = expected.expect("a fault").mark();
            assert_eq!(found.problems[0].contains(&mark), !own, "{name}: {:?}", found.problems);
        }
    }
}
