//! Authorities below a root: how many tiers, and in what order.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;

use super::tests::{NOW, made, root_of};
use super::{Revocation, RevocationLists};
use crate::tls::TrustRoots;

/// What an authority of this name says of itself; where none is given, its key's identifier is of its key.
fn named(name: &str, key_identifier: Option<&[u8]>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.use_authority_key_identifier_extension = true;
    if let Some(identifier) = key_identifier {
        parameters.key_identifier_method = KeyIdMethod::PreSpecified(identifier.to_vec());
    }
    parameters
}

#[test]
fn three_tiers_below_a_root_have_a_word_and_a_fourth_has_none() {
    let mut above = KeyPair::generate().unwrap();
    let root = root_of(&above, vec![]);
    let (mut certificate, mut authorities, mut lists) = (root.clone(), Vec::new(), vec![made(&above, &root, |_| ())]);
    for tier in 1..=4 {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_ca_cert_der(&certificate, &above).unwrap();
        certificate = named(&format!("tier {tier}"), None).signed_by(&key, &issuer).unwrap().into();
        authorities.push(certificate.clone());
        lists.push(made(&key, &certificate, |_| ()));
        above = key;
    }
    // In whatever order they stand in the file.
    authorities.reverse();
    let roots = TrustRoots::new([root]).unwrap();
    let believed = RevocationLists::verified(lists, &authorities, &roots).unwrap();
    assert_eq!(believed.to_tls().len(), 1 + 3);
    let standing = |tier: usize| believed.standing("bank", &authorities[4 - tier], NOW);
    assert_eq!([1, 2, 3, 4].map(standing), [Revocation::Good; 4]);
    let below = believed.scopes().next().unwrap().authorities.len();
    assert_eq!(below, 1 + 3);
}

/// As many may stand below an authority as it says, and never more than three tiers, whatever it says: in the order in which they stand in a file, too.
#[test]
fn an_authority_has_as_many_tiers_below_it_as_it_says_and_as_there_may_be() {
    let words = |lengths: [u8; 5]| {
        let constrained = |tier: usize| {
            let mut parameters = named(&format!("tier {tier}"), None);
            parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(lengths[tier]));
            parameters
        };
        let mut above = KeyPair::generate().unwrap();
        let root: CertificateDer<'static> = constrained(0).self_signed(&above).unwrap().into();
        let (mut certificate, mut given) = (root.clone(), Vec::new());
        let lists = vec![made(&above, &root, |_| ())];
        for tier in 1..5 {
            let key = KeyPair::generate().unwrap();
            let issuer = Issuer::from_ca_cert_der(&certificate, &above).unwrap();
            certificate = constrained(tier).signed_by(&key, &issuer).unwrap().into();
            given.push(certificate.clone());
            above = key;
        }
        let believed = RevocationLists::verified(lists, &given, &TrustRoots::new([root]).unwrap()).unwrap();
        believed.general().authorities.len() - 1
    };
    assert_eq!([[200; 5], [3; 5], [2; 5], [0; 5]].map(words), [3, 3, 2, 0]);
    assert_eq!([[3, 200, 200, 200, 200], [3, 0, 200, 200, 200], [3, 1, 200, 200, 200]].map(words), [3, 1, 2]);
}

/// Whoever may issue nothing says nothing of others: a member's certificate among the authorities of a file is none of them.
#[test]
fn a_leaf_is_no_authority() {
    let [top, own] = [(); 2].map(|()| KeyPair::generate().unwrap());
    let root = root_of(&top, vec![]);
    let issuer = Issuer::from_ca_cert_der(&root, &top).unwrap();
    let mut parameters = named("leaf", None);
    for (is_ca, count) in [(IsCa::NoCa, 1), (IsCa::ExplicitNoCa, 1), (IsCa::Ca(BasicConstraints::Unconstrained), 2)] {
        parameters.is_ca = is_ca;
        // The root is no other one where it stands among them as well.
        let given = [parameters.signed_by(&own, &issuer).unwrap().into(), root.clone()];
        let lists = vec![made(&top, &root, |_| ())];
        let believed = RevocationLists::verified(lists, &given, &TrustRoots::new([root.clone()]).unwrap()).unwrap();
        assert_eq!(believed.general().authorities.len(), count);
    }
}

/// Whoever has an authority can have certificates name each other in a circle: each is asked of whoever signed it, and whoever asks comes to a root.
#[test]
fn authorities_that_name_each_other_in_a_circle_are_gone_through_once() {
    let [top, first, second, last] = [(); 4].map(|()| KeyPair::generate().unwrap());
    let root = root_of(&top, vec![]);
    let issuer = Issuer::from_ca_cert_der(&root, &top).unwrap();
    let own = named("first", Some(b"own"));
    let mut authorities: Vec<CertificateDer<'static>> = vec![own.signed_by(&first, &issuer).unwrap().into()];
    // Signed by the first one, and says that it is by the one that stands below it.
    let other = named("first", Some(b"other"));
    let issuer = Issuer::from_params(&other, &first);
    authorities.push(named("second", None).signed_by(&second, &issuer).unwrap().into());
    let issuer = Issuer::from_ca_cert_der(&authorities[1], &second).unwrap();
    for (parameters, key) in [(&other, &first), (&named("last", None), &last)] {
        authorities.push(parameters.signed_by(key, &issuer).unwrap().into());
    }
    let lists = vec![made(&top, &root, |_| ()), made(&first, &authorities[0], |_| ())];
    let roots = TrustRoots::new([root]).unwrap();
    let believed = RevocationLists::verified(lists, &authorities, &roots).unwrap();
    assert_eq!(believed.end(NOW).map(|end| end.next_update), Some(0), "the last one's list is not here");
    let standing = |at: usize| believed.standing("bank", &authorities[at], NOW);
    assert_eq!([0, 3].map(standing), [Revocation::Good, Revocation::Unknown]);
}

/// A certificate need not say by which key it was signed.
#[test]
fn a_certificate_without_its_issuer_s_key_is_asked_of_whoever_has_the_name() {
    let [top, own] = [(); 2].map(|()| KeyPair::generate().unwrap());
    let root: CertificateDer<'static> = named("root", Some(b"root")).self_signed(&top).unwrap().into();
    let believed =
        RevocationLists::verified(vec![made(&top, &root, |_| ())], &[], &TrustRoots::new([root.clone()]).unwrap());
    let believed = believed.unwrap();
    let issuer = Issuer::from_ca_cert_der(&root, &top).unwrap();
    let standing = |says: bool| {
        let mut parameters = named("leaf", None);
        (parameters.is_ca, parameters.use_authority_key_identifier_extension) = (IsCa::ExplicitNoCa, says);
        let leaf = parameters.signed_by(&own, &issuer).unwrap();
        believed.standing("bank", leaf.der(), NOW)
    };
    assert_eq!([true, false].map(standing), [Revocation::Good; 2]);
}

/// An authority that takes another one's name, and its key's, is not asked in its place.
#[test]
fn a_certificate_is_asked_of_whoever_signed_it() {
    let [top, middle, false_key, true_key, leaf] = [(); 5].map(|()| KeyPair::generate().unwrap());
    let root = root_of(&top, vec![]);
    let of = |parameters: &CertificateParams, key: &KeyPair, (above, by): (&CertificateDer<'static>, &KeyPair)| {
        let issuer = Issuer::from_ca_cert_der(above, by).unwrap();
        CertificateDer::from(parameters.signed_by(key, &issuer).unwrap())
    };
    let taken = named("one", Some(b"one"));
    let between = of(&named("middle", None), &middle, (&root, &top));
    let (false_one, true_one) = (of(&taken, &false_key, (&between, &middle)), of(&taken, &true_key, (&root, &top)));
    let serial = |number: u64| {
        let mut parameters = named("leaf", None);
        (parameters.is_ca, parameters.serial_number) = (IsCa::ExplicitNoCa, Some(SerialNumber::from(number)));
        of(&parameters, &leaf, (&true_one, &true_key))
    };
    let revoked = |list: &mut CertificateRevocationListParams| {
        list.revoked_certs.push(RevokedCertParams {
            serial_number: SerialNumber::from(2_u64),
            revocation_time: list.this_update,
            reason_code: None,
            invalidity_date: None,
        });
    };
    let lists = vec![
        made(&top, &root, |_| ()),
        made(&middle, &between, |_| ()),
        made(&false_key, &false_one, |_| ()),
        made(&true_key, &true_one, revoked),
    ];
    let roots = TrustRoots::new([root.clone()]).unwrap();
    for authorities in [[&between, &false_one, &true_one], [&true_one, &between, &false_one]] {
        let authorities = authorities.map(CertificateDer::clone);
        let believed = RevocationLists::verified(lists.clone(), &authorities, &roots).unwrap();
        let standing = [1, 2].map(|number| believed.standing("bank", &serial(number), NOW));
        assert_eq!(standing, [Revocation::Good, Revocation::Revoked]);
    }
}
