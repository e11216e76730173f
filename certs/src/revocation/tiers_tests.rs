//! Authorities below a root: how many tiers, and in what order.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair};
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

/// Whoever has an authority can have its certificates name each other: one whose issuer has another key than it says stands under nobody.
#[test]
fn authorities_that_name_each_other_in_a_circle_have_no_word() {
    let (top, first, second, last) = (
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
    );
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
    assert!(believed.end(NOW).is_some());
    let standing = |at: usize| believed.standing("bank", &authorities[at], NOW);
    assert_eq!(
        [0, 1, 2, 3].map(standing),
        [Revocation::Good, Revocation::Unknown, Revocation::Unknown, Revocation::Unknown]
    );
    assert_eq!(believed.scopes().next().unwrap().authorities.len(), 2);
}
