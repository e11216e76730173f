//! What a thief of the issuing authority's key, or a stale mirror, can answer a branch: answers made by hand and signed with the stolen key.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
    SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use support::folders::{Folders, contents, in_force};
use support::{DAY, NOW};
use tributary_certs::enrolment::{EnrolmentError, init_authority, names};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::TrustDomain;
use tributary_certs::issue::{AUTHORITY_SECONDS_MAX, LEAF_SECONDS_MAX};
use tributary_certs::keys::TlsKey;
use tributary_certs::office::{
    Answer, Begun, Granted, Hex, RevocationReason, WhomToRevoke, begin, begin_renewal, certify, decode_answer,
    encode_answer, install, install_renewal, renew_issuing, revoke,
};
use tributary_certs::revocation::RevocationFileError;
use tributary_certs::tls::read_certificates;
use tributary_certs::trust::ROOTS_MAX;
use tributary_protocol::digest::Canonical;
use tributary_protocol::ids::ClientId;

const URI: &str = "spiffe://federation.example/north-bank/client/branch-1";

/// An authority's certificate and key: the online one's, which was stolen, or a root's.
struct Stolen {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Stolen {
    fn read(certificate: &Path, key: &Path) -> Self {
        let certificate = read_certificates(certificate).unwrap().remove(0);
        Self { certificate, key: KeyPair::from_pem(&std::fs::read_to_string(key).unwrap()).unwrap() }
    }

    fn issuing(folder: &Path) -> Self {
        Self::read(&folder.join(names::ISSUING), &folder.join("issuing.key"))
    }

    fn sign(&self, parameters: &CertificateParams, spki: &[u8]) -> CertificateDer<'static> {
        let pem = self.key.serialize_pem();
        let issuer = Issuer::from_ca_cert_der(&self.certificate, KeyPair::from_pem(&pem).unwrap()).unwrap();
        parameters.signed_by(&SubjectPublicKeyInfo::from_der(spki).unwrap(), &issuer).unwrap().into()
    }

    /// A leaf for the key of a file, valid for so many seconds from yesterday on.
    fn leaf(&self, uri: &str, key: &Path, seconds: u64) -> CertificateDer<'static> {
        let mut parameters = CertificateParams::default();
        (parameters.not_before, parameters.not_after) = (moment(NOW - DAY), moment(NOW - DAY + seconds));
        parameters.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        parameters.use_authority_key_identifier_extension = true;
        self.sign(&parameters, &TlsKey::read(key).unwrap().spki())
    }

    /// Another issuing authority under this root.
    fn issuing_below(&self, seconds: u64) -> Self {
        self.below(IsCa::Ca(BasicConstraints::Constrained(0)), seconds)
    }

    /// A certificate that the root signed, of an authority or of nobody.
    fn below(&self, is_ca: IsCa, seconds: u64) -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let mut parameters = CertificateParams::default();
        (parameters.not_before, parameters.not_after) = (moment(NOW - DAY), moment(NOW - DAY + seconds));
        parameters.is_ca = is_ca;
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = self.sign(&parameters, &rcgen::PublicKeyData::subject_public_key_info(&key));
        Self { certificate, key }
    }

    /// Signs an answer with the authority's key, as the wire's format says.
    fn answer(&self, mut granted: Granted) -> Vec<u8> {
        let text = |body: Canonical, text: &str| body.bytes(text.as_bytes());
        let body = Canonical::new("SA1 granted").u32(granted.client);
        let body = text(text(body, &granted.chain), &granted.issuing).u32(granted.trust.len().try_into().unwrap());
        let body = granted.trust.iter().fold(body, |body, (name, roots)| text(text(body, name), roots));
        let rest = [&granted.succession, &granted.lists, &granted.authorities, &granted.coordinator];
        let body = rest.into_iter().fold(body, |body, part| text(body, part));
        let body = body.bytes(granted.binding.as_ref().map_or(&[], |binding| &binding.0));
        // The second byte after the label is the number of the hashes.
        let input = [b"SA1/granted\0\x01".as_slice(), body.finish().as_bytes()].concat();
        granted.signature = Hex(rcgen::SigningKey::sign(&self.key, &input).unwrap());
        encode_answer(&Answer::Granted(Box::new(granted)))
    }
}

fn moment(seconds: u64) -> time::OffsetDateTime {
    time::OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}

fn pem_of(certificates: &[&CertificateDer<'_>]) -> String {
    let text = |certificate: &&CertificateDer<'_>| pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec()));
    certificates.iter().map(text).collect()
}

/// What the honest office grants, to be changed.
fn granted(folders: &Folders, begun: &Begun, now: u64) -> Granted {
    match decode_answer(&folders.office().answer(&begun.request, now)).unwrap() {
        Answer::Granted(granted) => *granted,
        other => panic!("{other:?}"),
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, EnrolmentError>) -> FaultKind {
    match result.unwrap_err() {
        EnrolmentError::Refused(fault) | EnrolmentError::Revocation(RevocationFileError::Refused(fault)) => fault.kind,
        other => panic!("{other}"),
    }
}

/// A branch that has begun to renew, and the stolen authority.
fn renewal() -> (Folders, Begun, Stolen) {
    let folders = Folders::new();
    let begun = begin_renewal(&folders.at("branch-1"), ClientId(1)).unwrap();
    let stolen = Stolen::issuing(&folders.ca());
    (folders, begun, stolen)
}

/// The helper signs as the office does; else every test below would pass for nothing.
#[test]
fn what_is_forged_without_a_change_is_installed() {
    let (folders, begun, stolen) = renewal();
    install_renewal(&folders.at("branch-1"), &stolen.answer(granted(&folders, &begun, NOW)), NOW).unwrap();
}

/// A certificate of thirty years would outlive every list that could revoke it.
#[test]
fn a_renewal_of_thirty_years_is_refused_and_changes_no_byte() {
    let (folders, begun, stolen) = renewal();
    let branch = folders.at("branch-1");
    let honest = granted(&folders, &begun, NOW);
    let of = |seconds: u64| {
        let leaf = stolen.leaf(URI, &branch.join("identity.next.key"), seconds);
        stolen.answer(Granted { chain: pem_of(&[&leaf, &stolen.certificate]), ..honest.clone() })
    };
    let before = contents(&branch);
    for seconds in [30 * 365 * DAY, LEAF_SECONDS_MAX + 1] {
        let refused = install_renewal(&branch, &of(seconds), NOW);
        assert!(refused.as_ref().unwrap_err().to_string().contains("398 are the most"), "{refused:?}");
        assert_eq!(kind(refused), FaultKind::LifeTooLong);
        assert_eq!(contents(&branch), before);
    }
    install_renewal(&branch, &of(LEAF_SECONDS_MAX), NOW).unwrap();
}

#[test]
fn an_enrolment_of_thirty_years_is_refused_and_changes_no_byte() {
    let folders = Folders::new();
    let branch = folders.at("branch-2");
    let begun = begin(&folders.token("branch-2", false, NOW), &branch).unwrap();
    let stolen = Stolen::issuing(&folders.ca());
    let honest = granted(&folders, &begun, NOW);
    let before = contents(&branch);
    let leaf = stolen.leaf(&URI.replace("branch-1", "branch-2"), &branch.join(names::KEY), 30 * 365 * DAY);
    let answer = stolen.answer(Granted { chain: pem_of(&[&leaf, &stolen.certificate]), ..honest.clone() });
    assert_eq!(kind(install(&answer, &branch, NOW)), FaultKind::LifeTooLong);
    assert_eq!(contents(&branch), before);
    install(&stolen.answer(honest), &branch, NOW).unwrap();
}

/// Above the leaf, or as the office that signs the answer: what a root has signed for decades is refused.
#[test]
fn an_authority_of_decades_is_refused() {
    let (folders, begun, stolen) = renewal();
    let branch = folders.at("branch-1");
    let root = Stolen::read(&folders.ca().join(names::TRUST), &folders.usb().join("root.key"));
    let honest = granted(&folders, &begun, NOW);
    let answers = |seconds: u64| {
        let office = root.issuing_below(seconds);
        let leaf = office.leaf(URI, &branch.join("identity.next.key"), 30 * DAY);
        [
            office.answer(Granted { issuing: pem_of(&[&office.certificate]), ..honest.clone() }),
            stolen.answer(Granted { chain: pem_of(&[&leaf, &office.certificate]), ..honest.clone() }),
        ]
    };
    let before = contents(&branch);
    for answer in answers(AUTHORITY_SECONDS_MAX + 1) {
        assert_eq!(kind(install_renewal(&branch, &answer, NOW)), FaultKind::LifeTooLong);
        assert_eq!(contents(&branch), before);
    }
    let [good, _] = answers(AUTHORITY_SECONDS_MAX);
    install_renewal(&branch, &good, NOW).unwrap();
}

/// The coordinator's side: a bank's own authority made it, and the office registers no such certificate.
#[test]
fn the_office_registers_no_certificate_of_thirty_years() {
    let folders = Folders::new();
    let bank = folders.at("bank");
    init_authority(&bank, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
    std::fs::copy(bank.join(names::TRUST), folders.ca().join("trust-north-bank.pem")).unwrap();
    let branch = folders.at("branch-2");
    let begun = begin(&folders.token("branch-2", false, NOW), &branch).unwrap();
    let own = Stolen::issuing(&bank);
    let before = contents_but_lock(&folders);
    let register = |seconds: u64| {
        let leaf = own.leaf(&URI.replace("branch-1", "branch-2"), &branch.join(names::KEY), seconds);
        let reply = folders.office().register(&begun.request, &[leaf, own.certificate.clone()], NOW);
        decode_answer(&reply.bytes).unwrap()
    };
    match register(30 * 365 * DAY) {
        Answer::Refused(refused) => assert_eq!(refused.number, FaultKind::LifeTooLong.number()),
        other => panic!("{other:?}"),
    }
    assert_eq!(contents_but_lock(&folders), before, "the token is not used up");
    assert!(matches!(register(300 * DAY), Answer::Granted(_)));
}

fn contents_but_lock(folders: &Folders) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&folders.ca());
    files.remove("lock");
    files
}

/// With the stolen key a thief would make itself the authority of the branch's own organisation, or take that authority's place.
#[test]
fn a_renewal_brings_no_other_roots_for_the_branch_s_own_organisation() {
    let (folders, begun, stolen) = renewal();
    let branch = folders.at("branch-1");
    let domain = TrustDomain::parse("federation.example").unwrap();
    for name in ["thief", "bank"] {
        init_authority(&folders.at(name), &domain, 1, 1, NOW).unwrap();
    }
    let roots = |name: &str| std::fs::read_to_string(folders.at(name).join(names::TRUST)).unwrap();
    let chain = |name: &str| {
        let chain = certify(&folders.at(name), &begun.request, NOW).unwrap();
        pem_of(&chain.iter().collect::<Vec<_>>())
    };
    let honest = granted(&folders, &begun, NOW);
    let own = "trust-north-bank.pem".to_owned();
    let with_own = |name: &str| {
        let mut granted = Granted { chain: chain(name), ..honest.clone() };
        granted.trust.insert(own.clone(), roots(name));
        stolen.answer(granted)
    };
    let refused = |answer: &[u8]| {
        let before = contents(&branch);
        let refused = install_renewal(&branch, answer, NOW);
        assert!(refused.as_ref().unwrap_err().to_string().contains("this branch's own organisation"), "{refused:?}");
        assert_eq!(kind(refused), FaultKind::AnswerAuthority);
        assert_eq!(contents(&branch), before);
    };
    // Its organisation has no authority of its own, and the answer brings one.
    refused(&with_own("thief"));
    // It has one: the answer brings another, or takes it away and names the branch itself.
    std::fs::write(branch.join(&own), roots("bank")).unwrap();
    refused(&with_own("thief"));
    refused(&stolen.answer(honest.clone()));
    // The bank's own is taken, and roots of another organisation are none of this branch's business.
    let mut granted = Granted { chain: chain("bank"), ..honest.clone() };
    granted.trust.insert(own.clone(), roots("bank"));
    granted.trust.insert("trust-south-bank.pem".to_owned(), roots("thief"));
    install_renewal(&branch, &stolen.answer(granted), NOW).unwrap();
}

/// A newcomer has seen no list: the bundle says which is the newest that the office knew.
#[test]
fn a_newcomer_takes_no_older_list_than_its_bundle_knows() {
    let folders = Folders::new();
    let (old_lists, stolen) = (String::from_utf8(folders.text()).unwrap(), Stolen::issuing(&folders.ca()));
    let whom = WhomToRevoke::Serial(tributary_certs::office::read_issued(&folders.ca()).unwrap()[0].serial.clone());
    revoke(&folders.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let branch = folders.at("branch-2");
    let begun = begin(&folders.token("branch-2", false, NOW), &branch).unwrap();
    let honest = granted(&folders, &begun, NOW);
    let before = contents(&branch);
    // The issuing authority's list from before the revocation.
    let answer = stolen.answer(Granted { lists: old_lists.clone(), ..honest.clone() });
    assert_eq!(kind(install(&answer, &branch, NOW)), FaultKind::RevocationListOlder);
    assert_eq!(contents(&branch), before);
    install(&stolen.answer(honest), &branch, NOW).unwrap();
    // Nor is an older one put in force before the first connection.
    std::fs::write(branch.join(names::REVOCATIONS), old_lists).unwrap();
    match in_force(&branch) {
        Err(RevocationFileError::Refused(fault)) => assert_eq!(fault.kind, FaultKind::RevocationListOlder),
        other => panic!("{other:?}"),
    }
}

/// The root has revoked the stolen authority; the thief answers a newcomer with the root's list of before.
#[test]
fn a_newcomer_does_not_believe_a_revoked_office_with_the_root_s_list_of_before() {
    let folders = Folders::new();
    let (old_lists, stolen) = (String::from_utf8(folders.text()).unwrap(), Stolen::issuing(&folders.ca()));
    renew_issuing(&folders.ca(), &folders.usb(), Some(RevocationReason::KeyCompromise), None, NOW + DAY).unwrap();
    let branch = folders.at("branch-2");
    let begun = begin(&folders.token("branch-2", false, NOW + DAY), &branch).unwrap();
    let before = contents(&branch);
    let leaf = stolen.leaf(&URI.replace("branch-1", "branch-2"), &branch.join(names::KEY), 30 * DAY);
    let forged = Granted {
        chain: pem_of(&[&leaf, &stolen.certificate]),
        issuing: pem_of(&[&stolen.certificate]),
        lists: old_lists,
        ..granted(&folders, &begun, NOW + DAY)
    };
    assert_eq!(kind(install(&stolen.answer(forged), &branch, NOW + DAY)), FaultKind::RevocationListOlder);
    assert_eq!(contents(&branch), before);
}

#[test]
fn what_a_root_signed_and_is_no_authority_answers_for_no_office() {
    let (folders, begun, _) = renewal();
    let branch = folders.at("branch-1");
    let root = Stolen::read(&folders.ca().join(names::TRUST), &folders.usb().join("root.key"));
    let honest = granted(&folders, &begun, NOW);
    for (is_ca, good) in [(IsCa::ExplicitNoCa, false), (IsCa::Ca(BasicConstraints::Constrained(0)), true)] {
        let office = root.below(is_ca, 30 * DAY);
        let answer = office.answer(Granted { issuing: pem_of(&[&office.certificate]), ..honest.clone() });
        let installed = install_renewal(&branch, &answer, NOW);
        assert_eq!(installed.is_ok(), good);
        if !good {
            assert!(installed.as_ref().unwrap_err().to_string().contains("it is no authority"), "{installed:?}");
            assert_eq!(kind(installed), FaultKind::AnswerAuthority);
        }
    }
}

/// Each root is looked up among the words of all others: more than a branch trusts are refused before that.
#[test]
fn an_answer_brings_no_more_roots_than_may_be_and_none_that_nobody_named() {
    let (folders, begun, stolen) = renewal();
    let branch = folders.at("branch-1");
    let domain = TrustDomain::parse("federation.example").unwrap();
    init_authority(&folders.at("thief"), &domain, 1, 1, NOW).unwrap();
    let foreign = std::fs::read_to_string(folders.at("thief").join(names::TRUST)).unwrap();
    let honest = granted(&folders, &begun, NOW);
    let before = contents(&branch);
    let told = |roots: usize| {
        let mut granted = honest.clone();
        granted.trust.get_mut(names::TRUST).unwrap().push_str(&foreign.repeat(roots - 1));
        let refused = install_renewal(&branch, &stolen.answer(granted), NOW).unwrap_err();
        assert_eq!(contents(&branch), before);
        refused.to_string()
    };
    let (most, more) = (told(ROOTS_MAX), told(ROOTS_MAX + 1));
    assert!(most.contains("no trusted root has named") && more.contains(&ROOTS_MAX.to_string()), "{most}; {more}");
}
