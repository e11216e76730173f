//! Clients that the coordinator refuses, each with its number.

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, CodeSigning, ServerAuth};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::pki_types::CertificateDer;
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::issue::CertificateAuthority;

use crate::scene::{
    CENTRE, CLIENT, Make, Presented, Scene, certified, good, huge, issuer, leaf_of, moment, named, pair, refused,
};
use crate::support::{DAY, NOW};

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

/// What a client presents, and the number that the coordinator refuses it with.
pub(crate) const CLIENTS: &[(&str, FaultKind, Make)] = &[
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
