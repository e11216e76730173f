use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tributary_storage::files::{self, Existing};

use super::*;
use crate::enrolment::write_certificates;

fn root(name: &str) -> CertificateDer<'static> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().into()
}

fn roots(count: usize) -> Vec<CertificateDer<'static>> {
    (0..count).map(|number| root(&format!("root {number}"))).collect()
}

#[test]
fn as_many_roots_and_organisations_are_trusted_as_the_limits_say() {
    let many = roots(ROOTS_MAX + 1);
    assert!(matches!(TrustRoots::new([]), Err(TlsError::NoRoots)));
    assert!(TrustRoots::new(many[..ROOTS_MAX].to_vec()).is_ok());
    assert!(matches!(TrustRoots::new(many), Err(TlsError::TooManyRoots { limit: ROOTS_MAX })));
    let general = root("general");
    let mut trusted = TrustRoots::new([general.clone()]).unwrap();
    let own = roots(RESTRICTED_MAX + 1);
    for (number, root) in own[..RESTRICTED_MAX].iter().enumerate() {
        trusted = trusted.with_organisation(&format!("bank-{number:02}"), [root.clone()]).unwrap();
    }
    let more = trusted.clone().with_organisation("one-more", [own[RESTRICTED_MAX].clone()]);
    assert!(matches!(more, Err(TlsError::TooManyRoots { limit: RESTRICTED_MAX })));
    assert_eq!(trusted.organisations().count(), RESTRICTED_MAX);
    assert_eq!(trusted.organisations().next(), Some("bank-00"));
    assert_eq!(trusted.all_subjects().len(), 1 + RESTRICTED_MAX);
    assert_eq!(trusted.of("bank-07").certificates, [own[7].clone()]);
    assert_eq!(trusted.of("bank-64").certificates, [general]);
}

#[test]
fn an_organisation_has_roots_of_its_own_once_and_under_a_name_of_its_own() {
    let [general, second, own, other] = ["general", "second", "own", "other"].map(root);
    let trusted = TrustRoots::new([general.clone(), second.clone()]).unwrap();
    let trusted = trusted.with_organisation("bank", [own.clone()]).unwrap();
    let with = |name: &str, roots: &[&CertificateDer<'static>]| {
        trusted.clone().with_organisation(name, roots.iter().map(|root| (*root).clone()))
    };
    assert!(with("partner", &[&other]).is_ok());
    for shared in [&general, &second, &own] {
        let refused = with("partner", &[&other, shared]);
        assert!(matches!(refused, Err(TlsError::SharedRoot { organisation }) if organisation == "partner"));
    }
    assert!(matches!(with("bank", &[&other]), Err(TlsError::TooManyRoots { .. })));
    assert!(matches!(with("partner", &[]), Err(TlsError::NoRoots)));
    assert!(matches!(with("Partner", &[&other]), Err(TlsError::OwnIdentity(_))));
}

#[test]
fn the_files_of_a_folder_are_taken_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.pem");
    let write = |name: &str, root: &CertificateDer<'static>| {
        write_certificates(&folder.path().join(name), std::slice::from_ref(root), Existing::Keep).unwrap();
    };
    let (general, own) = (root("general"), root("own"));
    write("trust.pem", &general);
    write("trust-bank.pem", &own);
    for name in ["trust-notes.txt", "trusted-x.pem", "entrust-y.pem", "trust-"] {
        files::write_public(&folder.path().join(name), b"no certificate\n", Existing::Keep).unwrap();
    }
    let read = TrustRoots::read(&path).unwrap();
    assert_eq!(
        (read.of("other").certificates.clone(), read.of("bank").certificates.clone()),
        (vec![general], vec![own])
    );
    let files = organisation_files(&path).unwrap();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [("bank".to_owned(), folder.path().join("trust-bank.pem"))]);
}
