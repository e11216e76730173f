use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use time::OffsetDateTime;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use tributary_storage::files::{self, Existing};

use super::scope::Scope;
use super::*;
use crate::denied::{DenyList, DenyOrder};
use crate::enrolment::certificates_text;
use crate::entropy::OsEntropy;
use crate::fault::{CertificateFault, FaultKind};
use crate::identity::{Identity, TrustDomain, parse_certificate};
use crate::inspect::serial_of;
use crate::issue::{CertificateAuthority, LeafRequest, Validity};
use crate::trust::TrustRoots;

pub(super) const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;
const LONG: Validity = Validity { not_before: NOW - DAY, not_after: NOW + 2_000 * DAY };

/// A root and the issuing authority below it, which ends at `NOW + 700 DAY`.
struct Tiers {
    root: CertificateAuthority,
    issuing: CertificateAuthority,
    roots: TrustRoots,
}

fn tiers() -> Tiers {
    let domain = TrustDomain::parse("federation.example").unwrap();
    let validity = |days: u64| Validity { not_before: NOW - DAY, not_after: NOW + days * DAY };
    let new = CertificateAuthority::create(&mut OsEntropy, &domain, validity(3_000), validity(700)).unwrap();
    let roots = TrustRoots::new([new.root.clone()]).unwrap();
    let root = CertificateAuthority::from_parts(domain, new.root, new.root_key).unwrap();
    Tiers { root, issuing: new.issuing, roots }
}

impl Tiers {
    fn leaf(&self) -> CertificateDer<'static> {
        let identity = Identity::parse("spiffe://federation.example/bank/client/x").unwrap();
        let validity = Validity { not_before: NOW, not_after: NOW + DAY };
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
        self.issuing.issue(&mut OsEntropy, &request).unwrap().0.leaf().clone()
    }

    fn lists(&self, lists: Vec<CertificateRevocationListDer<'static>>) -> Result<RevocationLists, CertificateFault> {
        RevocationLists::verified(lists, &[self.issuing.certificate().clone()], &self.roots)
    }
}

fn until(not_after: u64) -> Validity {
    Validity { not_before: NOW - DAY, not_after }
}

fn list(
    authority: &CertificateAuthority,
    number: u64,
    until: Validity,
    revoked: &[Vec<u8>],
) -> CertificateRevocationListDer<'static> {
    authority.revocation_list(number, until, revoked).unwrap()
}

fn text(lists: &[CertificateRevocationListDer<'static>]) -> String {
    lists.iter().map(|list| pem::encode(&pem::Pem::new("X509 CRL", list.to_vec()))).collect()
}

#[test]
fn a_file_holds_as_many_lists_and_authorities_as_the_limit_says() {
    let tiers = tiers();
    let (own, issuing) = (list(&tiers.root, 1, LONG, &[]), tiers.issuing.certificate().clone());
    let judge = |lists: usize, authorities: usize| {
        RevocationLists::verified(vec![own.clone(); lists], &vec![issuing.clone(); authorities], &tiers.roots).is_ok()
    };
    assert!(judge(64, 1) && judge(1, 64) && judge(1, 0));
    assert!(!judge(65, 1) && !judge(1, 65) && !judge(0, 1));
    let parsed = |lists: usize, authorities: usize| {
        let all = [certificates_text(&vec![issuing.clone(); authorities]), text(&vec![own.clone(); lists])].concat();
        Scope::parse(all.as_bytes(), &tiers.roots.general().certificates).is_ok()
    };
    assert!(parsed(64, 64) && !parsed(65, 1) && !parsed(1, 65));
}

#[test]
fn the_newest_list_of_an_issuer_counts_wherever_it_stands() {
    let tiers = tiers();
    let leaf = tiers.leaf();
    let serial = [serial_of(&leaf).unwrap()];
    let root = list(&tiers.root, 5, LONG, &[]);
    let (old, new) = (list(&tiers.issuing, 1, LONG, &serial), list(&tiers.issuing, 2, LONG, &[]));
    for order in [[&old, &new, &root], [&new, &root, &old], [&root, &new, &old]] {
        let lists = tiers.lists(order.into_iter().cloned().collect()).unwrap();
        assert_eq!(lists.standing("bank", &leaf, NOW), Revocation::Good);
        assert_eq!(lists.to_tls().len(), 2);
        assert_eq!(lists.number(), Some(ListNumber::from(5)));
    }
    let revoked = tiers.lists(vec![root, old]).unwrap();
    assert_eq!(revoked.standing("bank", &leaf, NOW), Revocation::Revoked);
    assert!(!revoked.authority_revoked("bank", &leaf, NOW), "the leaf itself, and no authority above it");
}

#[test]
fn a_list_counts_to_its_last_second_and_the_first_fault_from_below_is_told() {
    let tiers = tiers();
    let leaf = tiers.leaf();
    let standing = |root: Option<u64>, issuing: Option<u64>, now| {
        let root = root.map(|end| list(&tiers.root, 1, until(end), &[]));
        let issuing = issuing.map(|end| list(&tiers.issuing, 1, until(end), &[]));
        tiers.lists(root.into_iter().chain(issuing).collect()).unwrap().standing("bank", &leaf, now)
    };
    let (end, late) = (NOW + DAY, NOW + 2 * DAY);
    let cases = [
        (Some(late), Some(late), NOW, Revocation::Good),
        (Some(late), Some(end), end, Revocation::Good),
        (Some(late), Some(end), end + 1, Revocation::ListExpired),
        (Some(end), Some(late), end, Revocation::Good),
        (Some(end), Some(late), end + 1, Revocation::ListExpired),
        (Some(late), None, NOW, Revocation::Unknown),
        (None, Some(late), NOW, Revocation::Unknown),
        (None, Some(end), end + 1, Revocation::ListExpired),
        (Some(end), None, end + 1, Revocation::Unknown),
    ];
    for (root, issuing, now, expected) in cases {
        assert_eq!(standing(root, issuing, now), expected, "{root:?} {issuing:?} at {now}");
    }
    // Whoever was revoked stays it, however old the list is.
    let serial = [serial_of(&leaf).unwrap()];
    let old = tiers.lists(vec![list(&tiers.root, 1, LONG, &[]), list(&tiers.issuing, 1, until(end), &serial)]).unwrap();
    assert_eq!(old.standing("bank", &leaf, end + 1), Revocation::Revoked);
    let authority = [serial_of(tiers.issuing.certificate()).unwrap()];
    let root = tiers.lists(vec![list(&tiers.root, 1, until(end), &authority)]).unwrap();
    assert!(root.authority_revoked("bank", &leaf, end + 1));
    assert!(!root.authority_revoked("bank", b"no certificate", NOW));
    let faults =
        [Revocation::Good, Revocation::Revoked, Revocation::Unknown, Revocation::ListExpired].map(Revocation::fault);
    let named = [FaultKind::Revoked, FaultKind::RevocationUnknown, FaultKind::RevocationListExpired].map(Some);
    assert_eq!((faults[0], &faults[1..]), (None, named.as_slice()));
}

#[test]
fn the_first_end_is_told_of_what_may_be_in_use() {
    let tiers = tiers();
    let name = |authority: &CertificateAuthority| {
        let parsed = parse_certificate(authority.certificate()).unwrap();
        Printable::from(parsed.subject().iter_common_name().next().unwrap().as_str().unwrap())
    };
    let end = |by_root: bool, next_update| {
        let authority = name(if by_root { &tiers.root } else { &tiers.issuing });
        Some(ListEnd { by_root, authority, next_update })
    };
    let of = |root: u64, issuing: u64| {
        tiers.lists(vec![list(&tiers.root, 1, until(root), &[]), list(&tiers.issuing, 1, until(issuing), &[])]).unwrap()
    };
    let (early, late) = (NOW + 5, NOW + 9);
    assert_eq!(of(late, early).end(NOW), end(false, early));
    assert_eq!(of(early, late).end(NOW), end(true, early));
    assert_eq!(of(early, early).end(NOW), end(false, early), "the issuing authority's, which is asked first");
    // A list that is missing has ended long ago.
    let without = tiers.lists(vec![list(&tiers.root, 1, LONG, &[])]).unwrap();
    assert_eq!(without.end(NOW), end(false, 0));
    let last = NOW + 700 * DAY;
    assert_eq!((of(late, early).end(last), of(late, early).end(last + 1)), (end(false, early), None));
    // A root alone may issue leaves itself.
    let alone = RevocationLists::verified(vec![list(&tiers.root, 1, until(late), &[])], &[], &tiers.roots).unwrap();
    assert_eq!(alone.end(NOW), end(true, late));
    // One that stands beside the root of an issuing authority may, and nobody waits for its list.
    let beside = TrustRoots::new([tiers.root.certificate().clone(), self::tiers().root.certificate().clone()]).unwrap();
    let both = vec![list(&tiers.root, 1, until(late), &[]), list(&tiers.issuing, 1, until(early), &[])];
    let beside = RevocationLists::verified(both, &[tiers.issuing.certificate().clone()], &beside).unwrap();
    assert_eq!(beside.end(NOW), end(false, early));
    let authority = [serial_of(tiers.issuing.certificate()).unwrap()];
    let revoked = tiers.lists(vec![list(&tiers.root, 1, LONG, &authority)]).unwrap();
    assert_eq!((revoked.end(NOW), RevocationLists::default().end(NOW)), (None, None));
}

#[test]
fn an_end_is_near_a_day_or_thirty_before_and_over_after_its_second() {
    let end = |by_root| ListEnd { by_root, authority: "x".to_owned().into(), next_update: NOW };
    for (by_root, before) in [(true, 30 * DAY), (false, DAY)] {
        let end = end(by_root);
        assert!(!end.is_near(NOW - before) && end.is_near(NOW - before + 1) && end.is_near(NOW + 9));
        assert!(!end.is_over(NOW) && end.is_over(NOW + 1));
        assert_eq!(end.cure().contains("--root --keys"), by_root);
    }
}

#[test]
fn lists_of_an_organisation_are_asked_about_its_members_alone() {
    let (general, own) = (tiers(), tiers());
    let roots = general.roots.clone().with_organisation("partner", [own.root.certificate().clone()]).unwrap();
    let both =
        |tiers: &Tiers, end: u64| vec![list(&tiers.root, 1, LONG, &[]), list(&tiers.issuing, 1, until(end), &[])];
    let lists =
        RevocationLists::verified(both(&general, NOW + 5), &[general.issuing.certificate().clone()], &roots).unwrap();
    let authorities = [own.issuing.certificate().clone()];
    assert!(lists.clone().with_organisation("stranger", both(&own, NOW), &authorities, &roots).is_err());
    let lists = lists.with_organisation("partner", both(&own, NOW + 9), &authorities, &roots).unwrap();
    let ends = ["bank", "partner"].map(|name| lists.end_of(name, NOW).unwrap().next_update);
    assert_eq!(ends, [NOW + 5, NOW + 9]);
    let told: Vec<(&str, u64)> = lists.organisations(NOW).map(|(name, end)| (name, end.unwrap().next_update)).collect();
    assert_eq!(told, [("partner", NOW + 9)]);
    let (ours, theirs) = (general.leaf(), own.leaf());
    for (name, leaf, expected) in [
        ("bank", &ours, Revocation::Good),
        ("partner", &theirs, Revocation::Good),
        ("bank", &theirs, Revocation::Unknown),
        ("partner", &ours, Revocation::Unknown),
    ] {
        assert_eq!(lists.standing(name, leaf, NOW), expected, "{name}");
    }
    assert_eq!(lists.for_roots_of(None), lists.to_tls());
    assert_eq!(lists.for_roots_of(Some("partner")).len(), 2);
    assert_ne!(lists.for_roots_of(Some("partner")), lists.to_tls());
    assert_eq!(lists.scopes().count(), 2);
}

#[test]
fn an_authority_is_asked_for_by_its_key_and_stands_from_its_first_second_to_its_last() {
    let tiers = tiers();
    let lists = tiers.lists(vec![list(&tiers.root, 1, LONG, &[])]).unwrap();
    let spki = tiers.issuing.key().spki_sha256();
    let found = |now| lists.general().authority(|one| one.spki_sha256 == spki, now).map(|one| one.validity);
    let Validity { not_before, not_after } = tiers.issuing.validity();
    assert_eq!(found(not_before - 1), Err(FaultKind::NotYetValid));
    assert_eq!((found(not_before), found(not_after)), (Ok(tiers.issuing.validity()), Ok(tiers.issuing.validity())));
    assert_eq!(found(not_after + 1), Err(FaultKind::Expired));
    assert_eq!(found(LONG.not_after + 1), Err(FaultKind::RevocationListExpired));
    let root = tiers.root.key().spki_sha256();
    let of_root = lists.general().authority(|one| one.spki_sha256 == root, NOW).map(|_| ());
    assert_eq!(of_root, Err(FaultKind::ForeignAuthority), "a root signs no deny-list");
}

/// A list with contents that ours never have.
pub(super) fn made(
    key: &KeyPair,
    certificate: &CertificateDer<'static>,
    change: impl FnOnce(&mut CertificateRevocationListParams),
) -> CertificateRevocationListDer<'static> {
    let moment = |seconds| OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let mut parameters = CertificateRevocationListParams {
        this_update: moment(NOW),
        next_update: moment(NOW + DAY),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    change(&mut parameters);
    let issuer = rcgen::Issuer::from_ca_cert_der(certificate, key).unwrap();
    parameters.signed_by(&issuer).unwrap().into()
}

/// A root of one's own making: what it may sign, and how many tiers stand below it.
pub(super) fn root_of(key: &KeyPair, usages: Vec<KeyUsagePurpose>) -> CertificateDer<'static> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "root");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = usages;
    parameters.self_signed(key).unwrap().into()
}

#[test]
fn a_list_is_whole_complete_and_signed_by_whoever_may_sign_lists() {
    use KeyUsagePurpose::{CrlSign, KeyCertSign};

    let key = KeyPair::generate().unwrap();
    let root = root_of(&key, vec![KeyCertSign, CrlSign]);
    let judge = |root: &CertificateDer<'static>, list: CertificateRevocationListDer<'static>| {
        let lists = RevocationLists::verified(vec![list], &[], &TrustRoots::new([root.clone()]).unwrap());
        lists.map(|_| ()).map_err(|fault| fault.detail.unwrap().as_str().to_owned())
    };
    let good = made(&key, &root, |_| ());
    assert_eq!(judge(&root, good.clone()), Ok(()));
    let longer: CertificateRevocationListDer<'static> = [good.as_ref(), &[0]].concat().into();
    assert_eq!(judge(&root, longer).unwrap_err(), "it is no revocation list");
    assert_eq!(judge(&root, good[..good.len() - 1].to_vec().into()).unwrap_err(), "it is no revocation list");
    let of_a_part = made(&key, &root, |list| {
        let uris = vec!["https://bank.example/list".to_owned()];
        list.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris },
            scope: Some(CrlScope::UserCertsOnly),
        });
    });
    assert_eq!(judge(&root, of_a_part).unwrap_err(), "it is not a complete list of its issuer");
    let long = made(&key, &root, |list| list.crl_number = SerialNumber::from(vec![1; 21]));
    assert!(judge(&root, long).is_err());
    // By a root of the same name and key that may not sign lists, and by another key of the same name.
    let silent = root_of(&key, vec![KeyCertSign]);
    assert_eq!(judge(&silent, good.clone()).unwrap_err(), "its signature is wrong");
    assert_eq!(judge(&root_of(&key, vec![]), good.clone()), Ok(()), "a root without usages may do all");
    let other = root_of(&KeyPair::generate().unwrap(), vec![KeyCertSign, CrlSign]);
    assert_eq!(judge(&other, good).unwrap_err(), "its signature is wrong");
}

#[test]
fn what_is_printed_leaves_out_authorities_that_have_ended_with_their_lists() {
    let tiers = tiers();
    let lists = tiers.lists(vec![list(&tiers.root, 1, LONG, &[]), list(&tiers.issuing, 1, LONG, &[])]).unwrap();
    let last = NOW + 700 * DAY;
    let printed = |now| lists.general().print(now);
    let whole = [
        certificates_text(std::slice::from_ref(tiers.issuing.certificate())),
        text(&[list_of(&lists, 0), list_of(&lists, 1)]),
    ];
    assert_eq!(printed(last), whole.concat());
    assert_eq!(printed(last + 1), text(&[list_of(&lists, 0)]), "the root's list stays");
}

fn list_of(lists: &RevocationLists, place: usize) -> CertificateRevocationListDer<'static> {
    lists.to_tls()[place].clone()
}

#[test]
fn only_an_authority_of_the_right_name_and_key_has_issued_a_certificate() {
    let (tiers, others) = (tiers(), tiers());
    let (root, issuing, leaf) = (tiers.root.certificate(), tiers.issuing.certificate(), tiers.leaf());
    assert!(issued_by(root, root) && issued_by(issuing, root) && issued_by(&leaf, issuing));
    assert!(!issued_by(&leaf, root) && !issued_by(root, issuing) && !issued_by(issuing, others.root.certificate()));
    assert!(!issued_by(&leaf, &leaf) && !issued_by(&leaf, b"") && !issued_by(b"", root));
    // The same name over another key.
    let [one, two] = [(); 2].map(|()| root_of(&KeyPair::generate().unwrap(), vec![]));
    assert!(issued_by(&one, &one) && !issued_by(&one, &two));
}

#[test]
fn numbers_are_noted_for_as_many_issuers_as_may_be_and_then_for_those_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.pem");
    let tiers = tiers();
    let lists = tiers.lists(vec![list(&tiers.root, 3, LONG, &[]), list(&tiers.issuing, 4, LONG, &[])]).unwrap();
    let strangers = |count: u32| {
        let mut known = KnownNumbers::default();
        (0..count).for_each(|number| known.note(Digest::of(&number.to_le_bytes()), ListNumber::from(1)));
        known
    };
    let lines = || {
        files::read_private(&folder.path().join(SEEN))
            .map(|text| text.iter().filter(|byte| **byte == b'\n').count() - 1)
    };
    let noted = |count: u32| {
        let _ = std::fs::remove_file(folder.path().join(SEEN));
        Seen::beside(&trust).unwrap().know(&strangers(count)).unwrap();
        let mut seen = Seen::beside(&trust).unwrap();
        seen.note(&lists, None).unwrap();
        assert!(seen.admits(lists.general()).is_ok());
        lines().unwrap()
    };
    assert_eq!((noted(1_022), noted(1_023), noted(1_024)), (1_024, 2, 2));
    // An older list of either is refused from then on, and the same one is not.
    let seen = Seen::beside(&trust).unwrap();
    let older = tiers.lists(vec![list(&tiers.root, 2, LONG, &[]), list(&tiers.issuing, 4, LONG, &[])]).unwrap();
    assert_eq!(seen.admits(older.general()).unwrap_err().kind, FaultKind::RevocationListOlder);
    assert!(seen.admits(lists.general()).is_ok());
}

#[test]
fn the_highest_number_of_each_issuer_and_of_the_deny_list_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.pem");
    let tiers = tiers();
    let of = |number| tiers.lists(vec![list(&tiers.root, number, LONG, &[])]).unwrap();
    let order = |since, number| Some(DenyOrder { since, number });
    let mut seen = Seen::beside(&trust).unwrap();
    assert_eq!(seen.denied(), None);
    seen.note(&of(7), order(2, 5)).unwrap();
    for (number, denied) in [(6, None), (7, order(1, 9)), (5, order(2, 4))] {
        seen.note(&of(number), denied).unwrap();
        assert_eq!(seen.denied(), order(2, 5));
    }
    let again = Seen::beside(&trust).unwrap();
    assert_eq!(again.denied(), order(2, 5));
    assert!(again.admits(of(7).general()).is_ok() && again.admits(of(6).general()).is_err());
    let text = String::from_utf8(files::read_private(&folder.path().join(SEEN)).unwrap().to_vec()).unwrap();
    let line = format!("list {} number 07\n", tiers.root.key().spki_sha256());
    assert_eq!(text, format!("tributary list numbers 1\n{line}denied since 2 number 5\n"));
    for bad in [
        text.replace("since 2", "since 02"),
        text.replace("number 07", "number 7"),
        format!("{text}\n"),
        text.replace("denied", "deny"),
    ] {
        files::write_private(&folder.path().join(SEEN), bad.as_bytes(), Existing::Replace).unwrap();
        assert!(Seen::beside(&trust).is_err(), "{bad}");
    }
}

#[test]
fn a_deny_list_is_not_older_than_the_one_that_was_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("denied");
    let tiers = tiers();
    let lists = tiers.lists(vec![list(&tiers.root, 1, LONG, &[])]).unwrap();
    let mut own = DenyList::default();
    for _ in 0..3 {
        own.sign(&path, &tiers.issuing).unwrap();
    }
    let mut seen = Seen::beside(&folder.path().join("trust.pem")).unwrap();
    let since = tiers.issuing.validity().not_before;
    for (number, good) in [(2, true), (3, true), (4, false)] {
        seen.note(&lists, Some(DenyOrder { since, number })).unwrap();
        assert_eq!(DenyList::read(&path, &lists, &seen, NOW).is_ok(), good, "{number}");
    }
}

#[test]
fn the_lists_that_are_carried_are_those_of_the_coordinator_s_organisation() {
    let folder = tempfile::tempdir().unwrap();
    let (general, own) = (tiers(), tiers());
    let roots = general.roots.clone().with_organisation("partner", [own.root.certificate().clone()]).unwrap();
    let of = |name: &str| Identity::parse(&format!("spiffe://federation.example/{name}/coordinator/x")).unwrap();
    let names = ["bank", "partner"].map(|name| carried_name(&roots, &of(name)));
    assert_eq!(names, ["revocations.pem", "revocations-partner.pem"]);
    assert_eq!(carried_name(&general.roots, &of("partner")), "revocations.pem");
    // The general file may have another name.
    let path = folder.path().join("lists.pem");
    let write =
        |name: &str, text: &[u8]| files::write_public(&folder.path().join(name), text, Existing::Replace).unwrap();
    write("lists.pem", b"general");
    assert_eq!(read_carried(&path, &roots, &of("bank")).as_deref(), Some(b"general".as_slice()));
    assert_eq!(read_carried(&path, &roots, &of("partner")), None);
    write("revocations-partner.pem", &[b'x'; LISTS_BYTES_MAX]);
    assert_eq!(read_carried(&path, &roots, &of("partner")).map(|text| text.len()), Some(LISTS_BYTES_MAX));
    write("revocations-partner.pem", &[b'x'; LISTS_BYTES_MAX + 1]);
    assert_eq!(read_carried(&path, &roots, &of("partner")), None);
}

#[cfg(unix)]
#[test]
fn numbers_that_are_known_are_not_written_again() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = tempfile::tempdir().unwrap();
    let tiers = tiers();
    let of = |number| tiers.lists(vec![list(&tiers.root, number, LONG, &[])]).unwrap();
    let mut seen = Seen::beside(&folder.path().join("trust.pem")).unwrap();
    let file = || std::fs::metadata(folder.path().join(SEEN)).unwrap().ino();
    let denied = Some(DenyOrder { since: 1, number: 1 });
    seen.note(&of(2), None).unwrap();
    let first = file();
    seen.note(&of(2), None).unwrap();
    seen.note(&of(1), None).unwrap();
    assert_eq!(file(), first);
    seen.note(&of(2), denied).unwrap();
    let second = file();
    assert_ne!(second, first);
    seen.note(&of(3), denied).unwrap();
    assert_ne!(file(), second);
}
