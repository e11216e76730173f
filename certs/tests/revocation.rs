//! Who is believed after a theft: an issuing authority that its root has revoked, lists of others, older lists, and lists that were carried.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::Path;

use support::folders::{Folders, in_force, kind};
use support::{DAY, Federation, LONG, MONTH, NOW, assert_refused, connect, pair_of, root_of};
use tributary_certs::enrolment::{names, open_authority};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, Role, TrustDomain};
use tributary_certs::inspect::{inspect_chain, serial_of};
use tributary_certs::issue::{CertificateAuthority, LeafRequest, RevocationReason, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::office::{
    Office, ROOT_LIST_DAYS, begin_renewal, fresh_list, fresh_root_list, install_lists, install_renewal, lists_request,
    refresh_list, renew_issuing, renew_root, revoke_issuing,
};
use tributary_certs::revocation::{ListNumber, Revocation, RevocationLists, Seen, organisation_file};
use tributary_certs::tls::{Credentials, TrustRoots, read_certificates};
use tributary_protocol::ids::ClientId;

fn issuing_serial(federation: &Federation) -> Vec<u8> {
    serial_of(federation.authority.issuing.certificate()).unwrap()
}

/// The thief of an online authority's key makes itself whatever it likes. Once the root has revoked the authority, no side believes any of it.
#[test]
fn what_a_revoked_authority_issued_is_believed_by_neither_side() {
    let before = Federation::new("federation.example");
    let root_list = root_of(&before.authority).revocation_list(2, LONG, &[issuing_serial(&before)]).unwrap();
    let thief = before.credentials(Role::Coordinator, "centre", MONTH);
    assert!(connect(before.client(), before.server()).is_ok());
    let after = Federation { root_list, ..before };
    // At the branch: the coordinator's chain.
    assert_refused(connect(after.client(), after.server_with(thief, vec![], NOW)), false, FaultKind::Revoked);
    // At the coordinator: a client's chain. The client's own lists are the old ones.
    let old = root_of(&after.authority).revocation_list(1, LONG, &[]).unwrap();
    let server = after.server();
    let client = Federation { root_list: old, ..after }.client();
    assert_refused(connect(client, server), true, FaultKind::Revoked);
}

/// Whatever the thief signs as its own list, and with whatever number: the root's word is above it.
#[test]
fn the_largest_number_of_a_thief_is_of_no_use() {
    let federation = Federation::new("federation.example");
    let largest = ListNumber::from_be_bytes(&[[0x7f].as_slice(), &[0xff; 19]].concat()).unwrap();
    let own = federation.authority.issuing.revocation_list(largest, LONG, &[]).unwrap();
    let root_list = root_of(&federation.authority).revocation_list(2, LONG, &[issuing_serial(&federation)]).unwrap();
    let federation = Federation { root_list, usual_list: own, ..federation };
    let server = federation.server();
    let lists = federation.lists(vec![]);
    let leaf = federation.credentials(Role::Client, "branch-1", MONTH);
    assert_eq!(lists.standing("north-bank", leaf.leaf(), NOW), Revocation::Revoked);
    assert!(lists.authority_revoked("north-bank", leaf.leaf(), NOW));
    assert_refused(connect(federation.client(), server), false, FaultKind::Revoked);
}

#[test]
fn without_a_current_list_of_the_root_nobody_is_believed() {
    let federation = Federation::new("federation.example");
    let past = Validity { not_before: NOW - 2 * DAY, not_after: NOW - DAY };
    let root_list = root_of(&federation.authority).revocation_list(1, past, &[]).unwrap();
    let good = federation.server();
    let ended = Federation { root_list, ..federation };
    assert_refused(connect(ended.client(), good), false, FaultKind::RevocationListExpired);
    let end = ended.lists(vec![]).end(NOW).unwrap();
    assert!(end.by_root && end.is_over(NOW) && end.cure().contains("--root --keys"), "{end:?}");
    // No list of the root at all.
    let issuing = [ended.authority.issuing.certificate().clone()];
    let alone = RevocationLists::verified(vec![ended.usual_list.clone()], &issuing, &ended.roots).unwrap();
    let leaf = ended.credentials(Role::Client, "branch-1", MONTH);
    assert_eq!(alone.standing("north-bank", leaf.leaf(), NOW), Revocation::Unknown);
    // And no lists at all.
    let nothing = RevocationLists::default();
    assert_eq!(nothing.standing("north-bank", leaf.leaf(), NOW), Revocation::Unknown);
    let fresh = Federation::new("federation.example");
    let tls = tributary_certs::tls::CoordinatorTls {
        credentials: fresh.credentials(Role::Coordinator, "centre", MONTH),
        roots: &fresh.roots,
        revocations: &nothing,
        clock: std::sync::Arc::new(support::Clock(NOW)),
        key_exchange: tributary_certs::provider::KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    };
    let server = tributary_certs::tls::server_config(tls).unwrap();
    assert_refused(connect(fresh.client(), server), true, FaultKind::RevocationUnknown);
}

/// The end of a root's list is told weeks before, and of an issuing authority's a day before.
#[test]
fn an_end_is_told_in_time_and_says_who_must_do_what() {
    let federation = Federation::new("federation.example");
    let list = |authority: &CertificateAuthority, days: u64| {
        authority.revocation_list(2, Validity { not_before: NOW - DAY, not_after: NOW + days * DAY }, &[]).unwrap()
    };
    let cases = [(29, 7, Some(true)), (31, 7, None), (200, 2, None), (200, 0, Some(false))];
    for (root, issuing, told) in cases {
        let root_list = list(&root_of(&federation.authority), root);
        let usual_list = list(&federation.authority.issuing, issuing);
        let lists = [root_list, usual_list].to_vec();
        let of = [federation.authority.issuing.certificate().clone()];
        let lists = RevocationLists::verified(lists, &of, &federation.roots).unwrap();
        let end = lists.end(NOW).unwrap();
        let near = end.is_near(NOW).then_some(end.by_root);
        // Of two ends the first is told, which is the issuing authority's but where it is far.
        assert_eq!(near.or_else(|| (told == Some(true)).then_some(true)), told, "{root} {issuing} {end:?}");
        assert!(end.cure().contains("tributary certs crl"));
    }
}

/// An authority that certifies authorities issues no certificate of a member. Where none of those below it is in use, nobody waits for its list.
#[test]
fn an_authority_with_nothing_in_use_below_it_has_no_end_to_tell() {
    let domain = TrustDomain::parse("federation.example").unwrap();
    let make = |above: Option<&CertificateAuthority>, name: &str, below: u8| {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(below));
        parameters.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = above.is_some();
        let key = TlsKey::generate();
        let made = match above {
            None => parameters.self_signed(&pair_of(&key)),
            Some(above) => {
                let issuer = rcgen::Issuer::from_ca_cert_der(above.certificate(), pair_of(above.key())).unwrap();
                parameters.signed_by(&pair_of(&key), &issuer)
            }
        };
        CertificateAuthority::from_parts(domain.clone(), made.unwrap().into(), key).unwrap()
    };
    let root = make(None, "root", 2);
    let (middle, other) = (make(Some(&root), "middle", 1), make(Some(&root), "other", 0));
    let lowest = make(Some(&middle), "lowest", 0);
    let roots = TrustRoots::new([root.certificate().clone()]).unwrap();
    let authorities = [&middle, &other, &lowest].map(|authority| authority.certificate().clone());
    let end = |revoked: &[Vec<u8>]| {
        let soon = Validity { not_before: NOW - DAY, not_after: NOW + DAY };
        let lists = vec![
            root.revocation_list(1, LONG, &[]).unwrap(),
            middle.revocation_list(1, soon, revoked).unwrap(),
            other.revocation_list(1, LONG, &[]).unwrap(),
            lowest.revocation_list(1, LONG, &[]).unwrap(),
        ];
        RevocationLists::verified(lists, &authorities, &roots).unwrap().end(NOW).unwrap().next_update
    };
    assert_eq!(end(&[]), NOW + DAY);
    assert_eq!(end(&[serial_of(lowest.certificate()).unwrap()]), LONG.not_after);
}

/// A partner's authority can neither revoke a member of another organisation nor vouch for one by its lists.
#[test]
fn lists_are_confined_to_their_organisation() {
    let ours = Federation::new("federation.example");
    let partner = Federation::new("federation.example");
    let roots = TrustRoots::new([ours.authority.root.clone()]).unwrap();
    let roots = roots.with_organisation("partner", [partner.authority.root.clone()]).unwrap();
    let leaf = ours.credentials(Role::Client, "branch-1", MONTH);
    let serial = serial_of(leaf.leaf()).unwrap();
    // The partner's lists name our branch and our authority, under every name that they have.
    let named = [serial, issuing_serial(&ours)];
    let evil = partner.authority.issuing.revocation_list(9, LONG, &named).unwrap();
    let root_evil = root_of(&partner.authority).revocation_list(9, LONG, &named).unwrap();
    let authorities = [ours.authority.issuing.certificate().clone(), partner.authority.issuing.certificate().clone()];
    let general = vec![ours.root_list.clone(), ours.usual_list.clone(), evil.clone(), root_evil.clone()];
    let lists = RevocationLists::verified(general, &authorities, &roots).unwrap();
    assert_eq!(lists.to_tls().len(), 2, "theirs are left out among ours");
    let lists = lists.with_organisation("partner", vec![evil, root_evil], &authorities, &roots).unwrap();
    assert_eq!(lists.standing("north-bank", leaf.leaf(), NOW), Revocation::Good);
    // Ours say nothing of the partner's, which has nobody's word but its own.
    let own = LeafRequest {
        identity: Identity::parse("spiffe://federation.example/partner/client/x").unwrap(),
        host_names: vec![],
        addresses: vec![],
        validity: MONTH,
    };
    let (chain, _) = partner.authority.issuing.issue(&mut OsEntropy, &own).unwrap();
    assert_eq!(lists.standing("partner", chain.leaf(), NOW), Revocation::Good);
    let issuing = issuing_serial(&partner);
    let theirs =
        vec![root_of(&partner.authority).revocation_list(10, LONG, &[issuing]).unwrap(), partner.usual_list.clone()];
    let lists = lists.with_organisation("partner", theirs, &authorities, &roots).unwrap();
    assert_eq!(lists.standing("partner", chain.leaf(), NOW), Revocation::Revoked);
    assert_eq!(lists.standing("north-bank", leaf.leaf(), NOW), Revocation::Good);
}

/// An authority that its issuer does not let make others is none, whatever it calls itself: its lists would pass for its betters'.
#[test]
fn an_authority_below_the_lowest_tier_has_no_word() {
    let federation = Federation::new("federation.example");
    let folder = tempfile::tempdir().unwrap();
    federation.authority.issuing.key().write(&folder.path().join("key")).unwrap();
    let pem = std::fs::read_to_string(folder.path().join("key")).unwrap();
    let issuing = federation.authority.issuing.certificate();
    let issuer = rcgen::Issuer::from_ca_cert_der(issuing, rcgen::KeyPair::from_pem(&pem).unwrap()).unwrap();
    // With the root's own name.
    let root = inspect_chain(std::slice::from_ref(&federation.authority.root), None, NOW).unwrap().subject;
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "federation.example");
    parameters.distinguished_name.push(rcgen::DnType::CommonName, root.rsplit_once("CN=").unwrap().1);
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let rogue: rustls::pki_types::CertificateDer<'static> = parameters.signed_by(&key, &issuer).unwrap().into();
    let path = folder.path().join("rogue");
    std::fs::write(&path, key.serialize_pem()).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let domain = TrustDomain::parse("federation.example").unwrap();
    let key = TlsKey::read(&path).unwrap();
    let evil = CertificateAuthority::from_parts(domain, rogue.clone(), key).unwrap();
    let evil = evil.revocation_list(99, LONG, &[issuing_serial(&federation)]).unwrap();
    let authorities = [issuing.clone(), rogue];
    let mut lists = vec![federation.root_list.clone(), federation.usual_list.clone()];
    let good = RevocationLists::verified(lists.clone(), &authorities, &federation.roots).unwrap();
    let leaf = federation.credentials(Role::Client, "branch-1", MONTH);
    assert_eq!(good.standing("north-bank", leaf.leaf(), NOW), Revocation::Good);
    lists.push(evil);
    let refused = RevocationLists::verified(lists, &authorities, &federation.roots).unwrap_err();
    assert_eq!(refused.kind, FaultKind::RevocationListForged);
}

#[test]
fn an_older_list_is_refused_after_a_restart_as_well() {
    let office = Folders::new();
    let old = office.text();
    let first = office.branch_lists().unwrap().number();
    fresh_list(&office.ca(), 7, NOW + DAY).unwrap();
    assert!(office.take(&office.text(), NOW + DAY).unwrap());
    assert!(!office.take(&office.text(), NOW + DAY).unwrap(), "the same again is no news");
    assert!(office.branch_lists().unwrap().number() > first);
    // Carried: what is newer here stays.
    assert!(!office.take(&old, NOW + DAY).unwrap());
    // Put back by hand, before a process that knows nothing but the files.
    std::fs::write(office.at("branch-1").join(names::REVOCATIONS), &old).unwrap();
    let refused = office.branch_lists().unwrap_err().to_string();
    assert!(refused.contains("[128 certificate-revocation-list-older]"), "{refused}");
    // The newest makes it good.
    assert!(office.take(&office.text(), NOW + DAY).unwrap());
    office.branch_lists().unwrap();
}

#[test]
fn what_does_not_prove_itself_changes_no_byte_of_a_branch() {
    let (office, other) = (Folders::new(), Folders::new());
    let path = office.at("branch-1").join(names::REVOCATIONS);
    let before = std::fs::read(&path).unwrap();
    fresh_list(&office.ca(), 7, NOW + DAY).unwrap();
    let text = office.text();
    let torn = &text[..text.len() / 2];
    let mut flipped = String::from_utf8(text.clone()).unwrap();
    let middle = flipped.rfind("-----END").unwrap() - 10;
    let letter = if flipped.as_bytes()[middle] == b'A' { "B" } else { "A" };
    flipped.replace_range(middle..=middle, letter);
    let long = vec![b'\n'; tributary_certs::revocation::LISTS_BYTES_MAX + 1];
    for bad in [b"".as_slice(), b"nothing", &other.text(), flipped.as_bytes(), &long] {
        assert!(office.take(bad, NOW + DAY).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    // A torn text may hold something whole; it never takes anything away.
    let _ = office.take(torn, NOW + DAY);
    assert!(office.branch_lists().unwrap().end(NOW).unwrap().next_update >= NOW + 7 * DAY);
    assert!(office.take(&text, NOW + DAY).is_ok());
    // As long as lists may be.
    let longest = [text.as_slice(), &long[text.len() + 1..]].concat();
    assert_eq!(longest.len(), tributary_certs::revocation::LISTS_BYTES_MAX);
    assert!(office.take(&longest, NOW + DAY).is_ok());
}

/// The whole theft of an online authority, by the files of everybody: what the operators type, and who believes whom after it.
#[test]
fn a_stolen_issuing_authority_is_replaced_and_its_answers_are_refused() {
    let office = Folders::new();
    let stolen = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(office.ca()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            std::fs::copy(&entry, stolen.path().join(entry.file_name().unwrap())).unwrap();
        }
    }
    let now = NOW + 3 * DAY;
    let old_leaf = read_certificates(&office.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    // One command with the medium; the branch hears of it from whoever carries it.
    renew_issuing(&office.ca(), &office.usb(), Some(RevocationReason::KeyCompromise), None, now).unwrap();
    assert!(office.take(&office.text(), now).unwrap());
    let lists = office.branch_lists().unwrap();
    assert_eq!(lists.standing("north-bank", &old_leaf, now), Revocation::Revoked);
    assert!(lists.authority_revoked("north-bank", &old_leaf, now));
    // What the thief's office answers is refused, with the lists that it has and with a root list of before.
    let begun = begin_renewal(&office.at("branch-1"), ClientId(1)).unwrap();
    let answer = Office::open(stolen.path()).unwrap().answer(&begun.request, now);
    let refused = install_renewal(&office.at("branch-1"), &answer, now).unwrap_err().to_string();
    assert!(refused.contains("[325 ") && refused.contains("revoked"), "{refused}");
    // The true one gives the branch a certificate that counts again.
    office.renew("branch-1", ClientId(1), now).unwrap();
    let leaf = read_certificates(&office.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    assert_eq!(office.branch_lists().unwrap().standing("north-bank", &leaf, now), Revocation::Good);
    // By its file, afterwards, it is revoked already.
    let file = std::fs::read_dir(office.ca()).unwrap().map(|entry| entry.unwrap().path());
    let file = file
        .into_iter()
        .find(|path| path.to_string_lossy().contains("issuing-old-") && path.extension().unwrap() == "pem");
    let old = read_certificates(&file.unwrap()).unwrap().remove(0);
    assert!(!revoke_issuing(&office.ca(), &old, &office.usb(), RevocationReason::Unspecified, now).unwrap());
}

/// A routine renewal revokes nobody, and by the file of the old one it is revoked later.
#[test]
fn an_authority_that_was_replaced_can_be_revoked_by_its_file() {
    let office = Folders::new();
    let now = NOW + DAY;
    let old = read_certificates(&office.ca().join(names::ISSUING)).unwrap().remove(0);
    renew_issuing(&office.ca(), &office.usb(), None, None, now).unwrap();
    let leaf = read_certificates(&office.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    office.take(&office.text(), now).unwrap();
    assert_eq!(office.branch_lists().unwrap().standing("north-bank", &leaf, now), Revocation::Good);
    assert!(revoke_issuing(&office.ca(), &old, &office.usb(), RevocationReason::KeyCompromise, now).unwrap());
    office.take(&office.text(), now).unwrap();
    assert_eq!(office.branch_lists().unwrap().standing("north-bank", &leaf, now), Revocation::Revoked);
    // Not without the root's key, nor for a stranger's authority.
    let other = Folders::new();
    let strange = read_certificates(&other.ca().join(names::ISSUING)).unwrap().remove(0);
    assert!(revoke_issuing(&office.ca(), &strange, &office.usb(), RevocationReason::Unspecified, now).is_err());
    assert!(fresh_root_list(&office.ca(), &other.usb(), ROOT_LIST_DAYS, now).is_err());
    assert!(fresh_root_list(&office.ca(), &office.usb(), 401, now).is_err());
}

/// A retry after a mistake revokes the authority that was meant, whatever was typed first.
#[test]
fn a_revocation_that_failed_is_gone_through_with_at_the_next_try() {
    let office = Folders::new();
    let now = NOW + DAY;
    let issuing = office.ca().join(names::ISSUING);
    let stolen = read_certificates(&issuing).unwrap().remove(0);
    let leaf = read_certificates(&office.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let standing = |leaf: &[u8]| {
        office.take(&office.text(), now).unwrap();
        office.branch_lists().unwrap().standing("north-bank", leaf, now)
    };
    let replace = |coordinator: &str| {
        let (reason, coordinator) = (Some(RevocationReason::KeyCompromise), office.at(coordinator));
        renew_issuing(&office.ca(), &office.usb(), reason, Some(&coordinator), now)
    };
    // Another's folder, and one that is not there: nothing is replaced.
    assert!(replace("branch-1").is_err() && replace("typo").is_err());
    assert_eq!(read_certificates(&issuing).unwrap(), std::slice::from_ref(&stolen));
    replace("centre").unwrap();
    assert_eq!(standing(&leaf), Revocation::Revoked);
    // The coordinator beside it knows at once, and is not the last to hear.
    assert_eq!(std::fs::read(office.at("centre").join(names::REVOCATIONS)).unwrap(), office.text());
    office.renew("branch-1", ClientId(1), now).unwrap();
    let anew = read_certificates(&office.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    assert_eq!(standing(&anew), Revocation::Good);
    // By its file, with a medium that is another one: the mark stands, and the next try signs.
    let current = read_certificates(&issuing).unwrap().remove(0);
    let other = Folders::new();
    renew_issuing(&office.ca(), &office.usb(), None, None, now).unwrap();
    let revoke = |keys: &Path| revoke_issuing(&office.ca(), &current, keys, RevocationReason::KeyCompromise, now);
    assert!(revoke(&other.usb()).is_err());
    assert!(revoke(&office.usb()).unwrap() && !revoke(&office.usb()).unwrap());
    assert_eq!(standing(&anew), Revocation::Revoked);
}

/// A list of one that the TLS library does not read would leave a branch without a configuration; nobody gets it kept.
#[test]
fn a_list_that_the_tls_library_does_not_read_changes_no_byte() {
    let office = Folders::new();
    let serial = vec![7];
    let whom = tributary_certs::issue::ListEntry { serial, at: NOW, reason: RevocationReason::KeyCompromise };
    let authority = tributary_certs::enrolment::open_authority(&office.ca()).unwrap();
    let list = authority.revocation_list_of(9, Validity::starting(NOW, 7 * DAY), &[whom]).unwrap().to_vec();
    // The reason of the one entry becomes the one that RFC 5280 leaves unused.
    let reason = [0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, 0x01];
    let at = list.windows(reason.len()).position(|window| window == reason).unwrap() + reason.len() - 1;
    let mut odd = list;
    odd[at] = 7;
    let text = [office.text(), pem::encode(&pem::Pem::new("X509 CRL", odd)).into_bytes()].concat();
    let files = || std::fs::read(office.at("branch-1").join(names::REVOCATIONS)).ok();
    let before = files();
    let refused = office.take(&text, NOW).unwrap_err().to_string();
    assert!(refused.contains("the TLS library does not read it"), "{refused}");
    assert!(files() == before && office.branch_lists().is_ok());
}

/// The online authority's word brings no root that none of the old ones has named; else its thief could never be revoked.
#[test]
fn an_answer_brings_no_root_that_nobody_named() {
    let office = Folders::new();
    let thief = Folders::new();
    let trust = office.ca().join(names::TRUST);
    let own = std::fs::read_to_string(&trust).unwrap();
    let before = std::fs::read(office.at("branch-1").join(names::TRUST)).unwrap();
    std::fs::write(&trust, [own.clone(), std::fs::read_to_string(thief.ca().join(names::TRUST)).unwrap()].concat())
        .unwrap();
    assert_eq!(kind(office.renew("branch-1", ClientId(1), NOW + DAY)), FaultKind::AnswerAuthority);
    assert_eq!(std::fs::read(office.at("branch-1").join(names::TRUST)).unwrap(), before);
    // Nor one that would speak for the coordinator's organisation alone.
    std::fs::write(&trust, &own).unwrap();
    std::fs::copy(thief.ca().join(names::TRUST), office.ca().join("trust-bank.pem")).unwrap();
    assert_eq!(kind(office.renew("branch-1", ClientId(1), NOW + DAY)), FaultKind::AnswerAuthority);
    std::fs::remove_file(office.ca().join("trust-bank.pem")).unwrap();
    // One that the old root has named is taken, with its list.
    renew_root(&office.ca(), &office.usb(), NOW + DAY).unwrap();
    office.renew("branch-1", ClientId(1), NOW + DAY).unwrap();
    assert_eq!(read_certificates(&office.at("branch-1").join(names::TRUST)).unwrap().len(), 2);
    assert_eq!(office.branch_lists().unwrap().to_tls().len(), 3, "two roots and an issuing authority");
}

#[test]
fn the_lists_are_to_be_had_without_a_certificate_and_an_office_refreshes_its_own() {
    let office = Folders::new();
    assert_eq!(refresh_list(&office.ca(), NOW + 3 * DAY).unwrap(), None, "more than half is left");
    assert!(refresh_list(&office.ca(), NOW + 4 * DAY).unwrap().is_some());
    assert_eq!(refresh_list(&office.ca(), NOW + 4 * DAY).unwrap(), None);
    let answer = Office::open(&office.ca()).unwrap().answer(&lists_request(), NOW + 8 * DAY);
    let branch = office.at("branch-1");
    assert!(office.branch_lists().unwrap().end(NOW + 8 * DAY).unwrap().is_over(NOW + 8 * DAY));
    assert!(install_lists(&branch, &answer, NOW + 8 * DAY).unwrap());
    assert!(!office.branch_lists().unwrap().end(NOW + 8 * DAY).unwrap().is_over(NOW + 8 * DAY));
    assert!(install_lists(&branch, b"{}", NOW).is_err());
}

/// A partner's file that is damaged, or older, keeps its own people out and nobody else's.
#[test]
fn the_lists_of_one_organisation_stop_no_other() {
    let (office, partner) = (Folders::new(), Folders::new());
    let general = office.ca().join(names::REVOCATIONS);
    std::fs::copy(partner.ca().join(names::TRUST), office.ca().join("trust-partner.pem")).unwrap();
    let trust = office.ca().join(names::TRUST);
    let roots = TrustRoots::read(&trust).unwrap();
    let file = organisation_file(&general, "partner");
    let mut seen = Seen::beside(&trust).unwrap();
    let leaf = read_certificates(&partner.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let read =
        |seen: &Seen, before: Option<&RevocationLists>| RevocationLists::read(&general, &roots, seen, before).unwrap();
    let missing = read(&seen, None);
    assert!(missing.notes[0].contains("revocations-partner.pem is missing"), "{:?}", missing.notes);
    assert!(missing.notes[0].contains("nobody of it is believed"), "{:?}", missing.notes);
    assert_eq!(missing.lists.standing("partner", &leaf, NOW), Revocation::Unknown);
    let own = open_authority(&office.ca()).unwrap().certificate().clone();
    assert_eq!(missing.lists.standing("bank", &own, NOW), Revocation::Good);
    let first = partner.text();
    std::fs::write(&file, &first).unwrap();
    let good = read(&seen, None);
    assert!(good.notes.is_empty());
    assert_eq!(good.lists.standing("partner", &leaf, NOW), Revocation::Good);
    fresh_list(&partner.ca(), 7, NOW).unwrap();
    std::fs::write(&file, partner.text()).unwrap();
    let newer = read(&seen, None);
    seen.note(&newer.lists, None).unwrap();
    // Torn while it is replaced, and the old one put back: what was in force stays, as long as the process lives.
    for bad in [&first[..first.len() / 3], &first] {
        std::fs::write(&file, bad).unwrap();
        let kept = read(&seen, Some(&newer.lists));
        assert!(kept.notes[0].contains("the lists before stay"), "{:?}", kept.notes);
        assert_eq!((kept.notes.len(), kept.lists.standing("partner", &leaf, NOW)), (1, Revocation::Good));
        assert_eq!(read(&seen, None).lists.standing("partner", &leaf, NOW), Revocation::Unknown);
    }
    // Where there were none nothing stays, nor where the partner has other roots now.
    let none = read(&seen, Some(&missing.lists));
    assert!(none.notes[0].contains("nobody of it is believed"), "{:?}", none.notes);
    // `certs crl` of the federation leaves the partner's file alone.
    fresh_list(&office.ca(), 7, NOW).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), first);
    std::fs::copy(Folders::new().ca().join(names::TRUST), office.ca().join("trust-partner.pem")).unwrap();
    let others = TrustRoots::read(&trust).unwrap();
    let other = RevocationLists::read(&general, &others, &seen, Some(&newer.lists)).unwrap();
    assert!(other.notes[0].contains("nobody of it is believed"), "{:?}", other.notes);
    assert_eq!(other.lists.standing("partner", &leaf, NOW), Revocation::Unknown);
}

#[test]
fn a_pair_of_a_renewed_coordinator_comes_with_its_lists() {
    let office = Folders::new();
    fresh_list(&office.ca(), 7, NOW + DAY).unwrap();
    tributary_certs::office::renew_coordinator(&office.ca(), &office.at("centre"), NOW + DAY).unwrap();
    assert_eq!(std::fs::read(office.at("centre").join(names::REVOCATIONS)).unwrap(), office.text());
    let folder = office.at("centre");
    let credentials = Credentials::read(&folder.join(names::CHAIN), &folder.join(names::KEY)).unwrap();
    let lists = in_force(&folder).unwrap();
    assert_eq!(lists.standing("bank", credentials.leaf(), NOW + DAY), Revocation::Good);
}
