//! Authorities that follow one another, that lie apart, or that are a bank's own.

use tributary_certs::ceremony::sign_roster_with;
use tributary_certs::enrolment::{Apart, init_authority, init_authority_apart, issue_client, names, read_members};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, TrustDomain, spki_sha256_of};
use tributary_certs::inspect::verify_chain;
use tributary_certs::office::{begin, certify, fresh_list, install, read_issued, renew_issuing, renew_root};
use tributary_certs::revocation::Revocation;
use tributary_certs::tls::{TrustRoots, read_certificates};
use tributary_protocol::ids::ClientId;

use crate::support::folders::{Folders, kind, names_in};
use crate::support::{DAY, NOW};

#[test]
fn authorities_roll_over_without_an_interruption() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let folder = federation.ca();
    let old = federation.credentials("branch-1").leaf().clone();
    renew_root(&folder, &folder, NOW + DAY).unwrap();
    // Whoever renews learns the new root; the answer still stands under the old one.
    federation.renew("branch-1", client, NOW + 2 * DAY).unwrap();
    assert_eq!(read_certificates(&federation.at("branch-1").join(names::TRUST)).unwrap().len(), 2);
    renew_issuing(&folder, &folder, None, None, NOW + 20 * DAY).unwrap();
    federation.renew("branch-1", client, NOW + 20 * DAY).unwrap();
    let chain = read_certificates(&federation.at("branch-1").join(names::CHAIN)).unwrap();
    let new_root = read_certificates(&folder.join(names::TRUST)).unwrap().remove(1);
    let only_new = TrustRoots::new([new_root]).unwrap();
    assert!(verify_chain(&only_new, &chain[0], &chain[1..], NOW + 20 * DAY).is_ok());
    // Both issuing authorities sign the lists, so that the old leaves are covered to their end.
    fresh_list(&folder, 7, NOW + 20 * DAY).unwrap();
    for leaf in [&old, &chain[0]] {
        assert_eq!(federation.lists().standing("bank", leaf, NOW + 20 * DAY), Revocation::Good);
    }
    let installed = federation.enrol("branch-2", NOW + 21 * DAY);
    assert_eq!(installed.client, ClientId(2));
}

#[test]
fn keys_apart_sign_rosters_and_the_folder_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, away) = (folder.path().join("authority"), folder.path().join("away"));
    let domain = TrustDomain::parse("federation.example").unwrap();
    init_authority_apart(&authority, Apart { offline: &away, holders: &[] }, &domain, 3, 2, NOW).unwrap();
    assert_eq!(names_in(&away), ["authorities", "authority-0.key", "authority-1.key", "authority-2.key", "root.key"]);
    assert!(names_in(&authority).iter().all(|name| name == "authorities" || !away.join(name).exists()));
    issue_client(&authority, "north-bank", "branch-1", &folder.path().join("branch-1"), NOW).unwrap();
    assert_eq!(sign_roster_with(&authority, &away).unwrap().signatures.len(), 3);
}

/// A bank's own authority: its root is trusted for its organisation alone, and its certificate is registered rather than issued.
#[test]
fn a_bank_brings_its_own_authority() {
    let federation = Folders::whole();
    let domain = TrustDomain::parse("federation.example").unwrap();
    let bank = federation.at("bank-authority");
    init_authority(&bank, &domain, 1, 1, NOW).unwrap();
    std::fs::copy(bank.join(names::TRUST), federation.ca().join("trust-north-bank.pem")).unwrap();
    let begun = begin(&federation.token("branch-1", false, NOW), &federation.at("branch-1")).unwrap();
    let ours = install(&federation.office().answer(&begun.request, NOW), &federation.at("branch-1"), NOW);
    assert_eq!(kind(ours), FaultKind::WrongAuthority);
    // The bank's authority signs for the key in the folder.
    let key = tributary_certs::keys::TlsKey::read(&federation.at("branch-1").join(names::KEY)).unwrap();
    let issue = |id: &str, spki: &[u8]| {
        let request = tributary_certs::issue::LeafRequest {
            identity: Identity::parse(&format!("spiffe://federation.example/north-bank/client/{id}")).unwrap(),
            host_names: vec![],
            addresses: vec![],
            validity: tributary_certs::issue::Validity::starting(NOW, 30 * DAY),
        };
        let authority = tributary_certs::enrolment::open_authority(&bank).unwrap();
        authority.issue_for(&mut tributary_certs::entropy::OsEntropy, &request, spki).unwrap().into_certificates()
    };
    let register = |chain: &[_]| {
        let reply = federation.office().register(&begun.request, chain, NOW);
        install(&reply.bytes, &federation.at("branch-1"), NOW)
    };
    let stranger = tributary_certs::keys::TlsKey::generate().spki();
    assert_eq!(kind(register(&issue("branch-1", &stranger))), FaultKind::KeyMismatch);
    assert_eq!(kind(register(&issue("branch-2", &key.spki()))), FaultKind::AnswerOtherKeys);
    assert_eq!(kind(register(&[])), FaultKind::NoCertificate);
    // As its own office does it: from the request alone, and logged.
    let chain = certify(&bank, &begun.request, NOW).unwrap();
    assert_eq!(read_issued(&bank).unwrap().len(), 1);
    register(&chain).unwrap();
    assert!(federation.at("branch-1").join("trust-north-bank.pem").exists());
    let leaf = federation.credentials("branch-1").leaf().clone();
    assert_eq!(read_members(&federation.ca()).unwrap()[0].entry.tls_spki_sha256, spki_sha256_of(&leaf).unwrap());
}
