//! The office from a token to a renewed certificate, and what a crash, a courier or a second branch must not change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_certs::binding::{admits, read_bindings};
use tributary_certs::ceremony::{sign_roster, sign_roster_with};
use tributary_certs::enrolment::{
    Apart, CoordinatorRequest, EnrolmentError, init_authority, init_authority_apart, issue_client, issue_coordinator,
    names, read_coordinator, read_members,
};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, TrustDomain, spki_sha256_of};
use tributary_certs::inspect::{serial_of, validity_of, verify_chain};
use tributary_certs::keys::read_verifying_key;
use tributary_certs::office::{
    Answer, Begun, Bundle, Fingerprint, Installed, Office, RevocationReason, TokenRequest, WhomToRevoke, approve,
    begin, begin_renewal, certify, decode_answer, fresh_list, install, install_renewal, make_token, read_issued,
    read_waiting, renew_coordinator, renew_issuing, renew_root, revoke,
};
use tributary_certs::renewal::{Expiry, current_binding};
use tributary_certs::revocation::{ListNumber, Revocation, RevocationFileError, RevocationLists, SEEN, Seen};
use tributary_certs::tls::{Credentials, TrustRoots, read_certificates};
use tributary_protocol::ids::ClientId;

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;

/// An authority (2 of 3) with a coordinator, in a folder of its own.
struct Federation {
    folder: tempfile::TempDir,
}

impl Federation {
    fn new() -> Self {
        let federation = Self { folder: tempfile::tempdir().expect("a folder") };
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&federation.authority(), &domain, 3, 2, NOW).expect("made");
        let hosts = ["coordinator.example".to_owned()];
        let addresses = ["127.0.0.1".parse().expect("an address")];
        let request =
            CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &addresses };
        issue_coordinator(&federation.authority(), &request, &federation.at("centre"), NOW).expect("issued");
        federation
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn authority(&self) -> PathBuf {
        self.at("authority")
    }

    fn office(&self) -> Office {
        Office::open(&self.authority()).expect("opened")
    }

    fn token(&self, id: &str, approval: bool, again: bool, now: u64) -> Result<Bundle, EnrolmentError> {
        let path = self.at(&format!("{id}-{now}-{again}.bundle"));
        let request = TokenRequest {
            organisation: "north-bank",
            id,
            coordinator_address: "coordinator.example:7443",
            hours: 24,
            approval,
            again,
        };
        make_token(&self.authority(), &request, &path, now)?;
        Ok(Bundle::read(&path).expect("read"))
    }

    fn enrol(&self, id: &str, now: u64) -> Installed {
        let begun = begin(&self.token(id, false, false, now).expect("a token"), &self.at(id)).expect("begun");
        install(&self.office().answer(&begun.request, now), &self.at(id), now).expect("installed")
    }

    fn renew(&self, id: &str, client: ClientId, now: u64) -> Result<Installed, EnrolmentError> {
        let begun = begin_renewal(&self.at(id), client).expect("begun");
        install_renewal(&self.at(id), &self.office().answer(&begun.request, now), now)
    }

    fn credentials(&self, id: &str) -> Credentials {
        Credentials::read(&self.at(id).join(names::CHAIN), &self.at(id).join(names::KEY)).expect("a pair")
    }

    fn lists(&self) -> RevocationLists {
        self.read_lists(&self.authority().join(names::REVOCATIONS)).expect("lists")
    }

    fn read_lists(&self, path: &Path) -> Result<RevocationLists, RevocationFileError> {
        let trust = self.authority().join(names::TRUST);
        let roots = TrustRoots::read(&trust).expect("roots");
        RevocationLists::read(path, &roots, &Seen::beside(&trust).expect("numbers"), None).map(|read| read.lists)
    }
}

fn revoked_in(lists: &RevocationLists, certificate: &[u8], now: u64) -> Revocation {
    lists.standing("bank", certificate, now)
}

/// Every file below a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("listed").path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("read"))).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    contents(folder).keys().map(|path| path.rsplit('/').next().expect("a name").to_owned()).collect()
}

fn kind<T: std::fmt::Debug>(result: Result<T, EnrolmentError>) -> FaultKind {
    match result {
        Err(EnrolmentError::Refused(fault)) => fault.kind,
        other => panic!("not refused with a number: {other:?}"),
    }
}

#[test]
fn a_token_makes_the_folder_that_issuing_makes() {
    let federation = Federation::new();
    let installed = federation.enrol("branch-1", NOW);
    issue_client(&federation.authority(), "south-bank", "branch-2", &federation.at("branch-2"), NOW).unwrap();
    assert_eq!(installed.client, ClientId(1));
    // And the numbers of the lists that its bundle knew.
    let mut made = names_in(&federation.at("branch-1"));
    made.retain(|name| name != SEEN);
    assert_eq!(made, names_in(&federation.at("branch-2")));
    assert!(federation.at("branch-1").join(SEEN).exists());
    let member = read_members(&federation.authority()).unwrap().remove(0);
    assert_eq!(member.identity, installed.identity);
    assert_eq!(member.entry.tls_spki_sha256, federation.credentials("branch-1").spki_sha256().unwrap());
    let signing = read_verifying_key(&federation.at("branch-1").join(names::SIGNING_PUBLIC)).unwrap();
    assert_eq!(member.entry.signing_key, signing);
    assert!(read_coordinator(&federation.at("branch-1").join(names::COORDINATOR)).is_ok());
    assert_eq!(sign_roster(&federation.authority()).unwrap().roster.entries().len(), 2);
    let issued = read_issued(&federation.authority()).unwrap();
    assert_eq!(issued.len(), 3);
    assert!(issued.iter().any(|line| line.serial == serial_of(federation.credentials("branch-1").leaf()).unwrap()));
}

#[cfg(unix)]
#[test]
fn keys_and_bundles_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let federation = Federation::new();
    begin(&federation.token("branch-1", false, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
    let bundle = federation.at(&format!("branch-1-{NOW}-false.bundle"));
    let begun = ["identity.key", "signing.key", "enrolment.bundle"].map(|name| federation.at("branch-1").join(name));
    for path in begun.iter().chain([&bundle]) {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let token = std::fs::read_to_string(&bundle).unwrap();
    let token = token.lines().last().unwrap().strip_prefix("token ").unwrap().to_owned();
    let stored = std::fs::read_to_string(federation.authority().join("tokens")).unwrap();
    assert!(token.len() == 32 && !stored.contains(&token));
}

#[test]
fn one_more_branch_changes_no_byte_of_the_others() {
    let federation = Federation::new();
    federation.enrol("branch-1", NOW);
    let before = ["centre", "branch-1"].map(|daemon| contents(&federation.at(daemon)));
    federation.enrol("branch-2", NOW + DAY);
    assert_eq!(before, ["centre", "branch-1"].map(|daemon| contents(&federation.at(daemon))));
}

#[test]
fn the_same_request_is_answered_with_the_same_certificate() {
    let federation = Federation::new();
    let begun = begin(&federation.token("branch-1", false, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
    let chain = |answer: &[u8]| match decode_answer(answer).unwrap() {
        Answer::Granted(granted) => granted.chain,
        other => panic!("{other:?}"),
    };
    let first = chain(&federation.office().answer(&begun.request, NOW));
    // The answer was lost, and the branch began again with the keys it has; a week later the token has expired.
    let again =
        begin(&Bundle::read(&federation.at("branch-1").join("enrolment.bundle")).unwrap(), &federation.at("branch-1"));
    for (request, now) in [(&begun.request, NOW), (&again.unwrap().request, NOW + 7 * DAY)] {
        assert_eq!(chain(&federation.office().answer(request, now)), first);
    }
    assert_eq!(read_issued(&federation.authority()).unwrap().len(), 2);
    assert_eq!(read_members(&federation.authority()).unwrap().len(), 1);
}

/// The office ends after each durable step in turn: the same request is granted, and other keys are not.
#[test]
fn a_crash_of_the_office_gives_nothing_twice() {
    for cut in ["granted", "issued", "members"] {
        let federation = Federation::new();
        let bundle = federation.token("branch-1", false, false, NOW).unwrap();
        let begun = begin(&bundle, &federation.at("branch-1")).unwrap();
        let before = contents(&federation.authority());
        let _ = federation.office().answer(&begun.request, NOW);
        // What the later steps wrote never was.
        let undone = match cut {
            "granted" => &["granted", "issued", "members"][..],
            "issued" => &["issued"],
            _ => &["members", "issued"],
        };
        for name in undone {
            let path = federation.authority().join(name);
            match before.get(&path.display().to_string()) {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_dir_all(&path).unwrap(),
            }
        }
        let stranger = begin(&bundle, &federation.at("stranger")).unwrap();
        let refused = install(&federation.office().answer(&stranger.request, NOW), &federation.at("stranger"), NOW);
        assert_eq!(kind(refused), FaultKind::TokenUsed, "{cut}");
        install(&federation.office().answer(&begun.request, NOW), &federation.at("branch-1"), NOW).unwrap();
        let leaf = federation.credentials("branch-1").leaf().clone();
        let logged = read_issued(&federation.authority()).unwrap();
        assert!(logged.iter().any(|line| line.serial == serial_of(&leaf).unwrap()), "{cut}");
        assert_eq!(read_members(&federation.authority()).unwrap().len(), 1, "{cut}");
    }
}

#[test]
fn a_person_approves_what_both_sides_read() {
    let federation = Federation::new();
    let begun = begin(&federation.token("branch-1", true, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
    let answer = |federation: &Federation| federation.office().answer(&begun.request, NOW);
    let error = install(&answer(&federation), &federation.at("branch-1"), NOW).unwrap_err();
    assert!(error.to_string().contains(&begun.fingerprint.to_string()) && error.to_string().contains("[314 "));
    let waiting = read_waiting(&federation.authority()).unwrap();
    assert_eq!((waiting.len(), waiting[0].fingerprint, waiting[0].approval.is_some()), (1, begun.fingerprint, false));
    assert!(read_members(&federation.authority()).unwrap().is_empty());
    let other = Fingerprint::parse("0123-4567-89ab-cdef-0123-4567-89ab-cdef").unwrap();
    assert_eq!(kind(approve(&federation.authority(), &other, "anna", NOW)), FaultKind::ApprovalUnknown);
    assert_eq!(kind(install(&answer(&federation), &federation.at("branch-1"), NOW)), FaultKind::ApprovalPending);
    let typed = begun.fingerprint.to_string().replace('-', "").to_uppercase();
    approve(&federation.authority(), &Fingerprint::parse(&typed).unwrap(), "anna", NOW).unwrap();
    install(&answer(&federation), &federation.at("branch-1"), NOW).unwrap();
    assert!(read_waiting(&federation.authority()).unwrap().is_empty());
}

#[test]
fn a_renewal_brings_a_fresh_key_that_its_binding_admits() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    let roster = sign_roster(&federation.authority()).unwrap();
    let entry = roster.entry(client).unwrap();
    let (mut now, mut last) = (NOW, federation.credentials("branch-1").spki_sha256().unwrap());
    assert!(current_binding(&federation.at("branch-1")).unwrap().is_none());
    for sequence in 1..=3 {
        now += 15 * DAY;
        federation.renew("branch-1", client, now).unwrap();
        let binding = current_binding(&federation.at("branch-1")).unwrap().unwrap();
        let spki = federation.credentials("branch-1").spki_sha256().unwrap();
        assert_ne!(spki, last);
        assert_eq!(binding.binding.sequence, sequence);
        let known = read_bindings(&federation.authority().join("bindings")).unwrap();
        assert_eq!(known, [binding]);
        assert!(admits(entry, Some(&known[0]), &spki));
        assert_eq!(Expiry::of(validity_of(federation.credentials("branch-1").leaf()).unwrap(), now), Expiry::Fine);
        last = spki;
    }
    assert_eq!(sign_roster(&federation.authority()).unwrap().roster.entries(), roster.roster.entries());
}

#[test]
fn an_expired_client_renews_for_thirty_days_if_a_person_approves() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    assert_eq!(kind(federation.renew("branch-1", client, NOW + 61 * DAY)), FaultKind::RenewalTooLate);
    let late = NOW + 45 * DAY;
    assert_eq!(kind(federation.renew("branch-1", client, late)), FaultKind::ApprovalPending);
    let waiting = read_waiting(&federation.authority()).unwrap().remove(0);
    assert!(waiting.renewal);
    approve(&federation.authority(), &waiting.fingerprint, "anna", late).unwrap();
    federation.renew("branch-1", client, late).unwrap();
    federation.renew("branch-1", client, late + DAY).unwrap();
}

#[test]
fn a_lost_answer_to_a_renewal_is_given_again() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    let now = NOW + 15 * DAY;
    let Begun { request, .. } = begin_renewal(&federation.at("branch-1"), client).unwrap();
    let _ = federation.office().answer(&request, now);
    federation.renew("branch-1", client, now).unwrap();
    assert_eq!(read_issued(&federation.authority()).unwrap().len(), 3);
    // The branch asked again with the key it had made, and was given the certificate that it had not received.
    assert_eq!(current_binding(&federation.at("branch-1")).unwrap().unwrap().binding.sequence, 1);
}

#[test]
fn revoking_ends_connections_renewals_and_membership() {
    let federation = Federation::new();
    let installed = federation.enrol("branch-1", NOW);
    federation.enrol("branch-2", NOW);
    sign_roster(&federation.authority()).unwrap();
    federation.renew("branch-1", installed.client, NOW + DAY).unwrap();
    assert_eq!(fresh_list(&federation.authority(), 7, NOW + DAY).unwrap(), ListNumber::from(2));
    let leaf = |id: &str| federation.credentials(id).leaf().clone();
    assert_eq!(revoked_in(&federation.lists(), &leaf("branch-1"), NOW + DAY), Revocation::Good);
    let (whom, now) = (WhomToRevoke::Identity(installed.identity.clone()), NOW + 2 * DAY);
    let revoked = revoke(&federation.authority(), &whom, RevocationReason::KeyCompromise, 7, now).unwrap();
    assert_eq!(revoked.certificates.len(), 2, "the first and the renewed certificate");
    assert!(revoked.member && revoked.denied);
    let again = revoke(&federation.authority(), &whom, RevocationReason::Unspecified, 7, now).unwrap();
    assert!(!again.had_effect());
    let lists = federation.lists();
    assert_eq!(lists.number(), Some(ListNumber::from(4)));
    assert_eq!(revoked_in(&lists, &leaf("branch-1"), now), Revocation::Revoked);
    assert_eq!(revoked_in(&lists, &leaf("branch-1"), now + 30 * DAY), Revocation::Revoked);
    assert_eq!(revoked_in(&lists, &leaf("branch-2"), now), Revocation::Good);
    assert_eq!(revoked_in(&lists, &leaf("branch-2"), now + 8 * DAY), Revocation::ListExpired);
    assert_eq!(revoked_in(&lists, b"", now), Revocation::Unknown);
    assert_eq!(revoked_in(&lists, Federation::new().credentials("centre").leaf(), now), Revocation::Unknown);
    assert_eq!(kind(federation.renew("branch-1", installed.client, now)), FaultKind::MemberRevoked);
    assert_eq!(kind(federation.token("branch-1", false, false, now).map(|_| ())), FaultKind::MemberRevoked);
    let left = sign_roster(&federation.authority()).unwrap();
    assert!(left.entry(installed.client).is_none() && left.roster.entries().len() == 1);
    // It comes back with a token that says so, with fresh keys alone, under its old number.
    let bundle = federation.token("branch-1", false, true, now).unwrap();
    let begun = begin(&bundle, &federation.at("branch-1-anew")).unwrap();
    let back = install(&federation.office().answer(&begun.request, now), &federation.at("branch-1-anew"), now).unwrap();
    assert_eq!(back.client, installed.client);
    assert_eq!(sign_roster(&federation.authority()).unwrap().roster.entries().len(), 2);
    federation.renew("branch-1-anew", back.client, now + DAY).unwrap();
}

/// A branch's machine is lost, and it starts anew on another one: whoever found the first has nothing that opens a connection or renews.
#[test]
fn starting_anew_revokes_the_machine_before() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    federation.enrol("branch-2", NOW);
    let first = federation.credentials("branch-1").leaf().clone();
    federation.renew("branch-1", client, NOW + DAY).unwrap();
    let renewed = federation.credentials("branch-1").leaf().clone();
    let begun = begin(&federation.token("branch-1", true, true, NOW + DAY).unwrap(), &federation.at("anew")).unwrap();
    let ask = || install(&federation.office().answer(&begun.request, NOW + DAY), &federation.at("anew"), NOW + DAY);
    // Not by the token, nor by a request that nobody has approved.
    assert_eq!(kind(ask()), FaultKind::ApprovalPending);
    assert_eq!(revoked_in(&federation.lists(), &first, NOW + DAY), Revocation::Good);
    approve(&federation.authority(), &begun.fingerprint, "anna", NOW + DAY).unwrap();
    ask().unwrap();
    let lists = federation.lists();
    let said = |leaf: &[u8]| revoked_in(&lists, leaf, NOW + DAY);
    assert_eq!((said(&first), said(&renewed)), (Revocation::Revoked, Revocation::Revoked));
    for id in ["anew", "branch-2", "centre"] {
        assert_eq!(said(federation.credentials(id).leaf()), Revocation::Good, "{id}");
    }
    assert_eq!(kind(federation.renew("branch-1", client, NOW + 2 * DAY)), FaultKind::RenewalForged);
    federation.renew("anew", client, NOW + 2 * DAY).unwrap();
    // The membership stands, with the new keys.
    let roster = sign_roster(&federation.authority()).unwrap();
    assert_eq!(
        roster.entry(client).unwrap().signing_key,
        read_verifying_key(&federation.at("anew").join(names::SIGNING_PUBLIC)).unwrap()
    );
    // The answer again makes no further list.
    let number = lists.number();
    let _ = federation.office().answer(&begun.request, NOW + DAY);
    assert_eq!(federation.lists().number(), number);
}

#[test]
fn one_certificate_is_revoked_by_its_number() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    let first = federation.credentials("branch-1").leaf().clone();
    federation.renew("branch-1", client, NOW + DAY).unwrap();
    let whom = WhomToRevoke::Serial(serial_of(&first).unwrap());
    revoke(&federation.authority(), &whom, RevocationReason::Superseded, 7, NOW + DAY).unwrap();
    assert_eq!(revoked_in(&federation.lists(), &first, NOW + DAY), Revocation::Revoked);
    let second = federation.credentials("branch-1").leaf().clone();
    assert_eq!(revoked_in(&federation.lists(), &second, NOW + DAY), Revocation::Good);
    federation.renew("branch-1", client, NOW + 2 * DAY).unwrap();
    let nobody = WhomToRevoke::Serial(vec![1]);
    let refused = revoke(&federation.authority(), &nobody, RevocationReason::Unspecified, 7, NOW);
    assert_eq!(kind(refused), FaultKind::MemberUnknown);
    let days = |days| fresh_list(&federation.authority(), days, NOW);
    assert!(days(0).is_err() && days(91).is_err() && days(90).is_ok());
}

#[test]
fn a_list_of_strangers_is_not_believed() {
    let (ours, theirs) = (Federation::new(), Federation::new());
    fresh_list(&theirs.authority(), 7, NOW).unwrap();
    let roots = TrustRoots::read(&ours.authority().join(names::TRUST)).unwrap();
    let path = theirs.authority().join(names::REVOCATIONS);
    let refused = ours.read_lists(&path).unwrap_err();
    assert!(refused.to_string().contains("[109 "), "{refused}");
    assert!(ours.read_lists(&ours.authority().join(names::TRUST)).is_err());
    // A stranger's list besides ours is left out; ours with another's signature is not believed.
    fresh_list(&ours.authority(), 7, NOW).unwrap();
    let text = |federation: &Federation| {
        std::fs::read_to_string(federation.authority().join(names::REVOCATIONS)).expect("read")
    };
    let (mixed, file) = (ours.at("mixed.pem"), text(&ours));
    std::fs::write(&mixed, [file.clone(), text(&theirs)].concat()).unwrap();
    assert_eq!(ours.read_lists(&mixed).unwrap().to_tls().len(), 2);
    let list = tributary_certs::tls::read_revocations(&ours.authority().join(names::REVOCATIONS)).unwrap().remove(0);
    let mut forged = list.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let authorities = read_certificates(&ours.authority().join(names::REVOCATIONS)).unwrap();
    let refused = RevocationLists::verified(vec![forged.into()], &authorities, &roots).unwrap_err();
    assert_eq!(refused.kind, FaultKind::RevocationListForged);
}

/// A root that was taken out of `trust.pem` keeps nobody from revoking.
#[test]
fn revoking_goes_on_after_a_root_is_gone() {
    let federation = Federation::new();
    let installed = federation.enrol("branch-1", NOW);
    let folder = federation.authority();
    fresh_list(&folder, 7, NOW).unwrap();
    renew_root(&folder, &folder, NOW).unwrap();
    renew_issuing(&folder, &folder, None, None, NOW).unwrap();
    let text = std::fs::read_to_string(folder.join(names::TRUST)).unwrap();
    let (_, newest) = text.split_once("-----END CERTIFICATE-----").unwrap();
    std::fs::write(folder.join(names::TRUST), newest.trim_start()).unwrap();
    let whom = WhomToRevoke::Identity(installed.identity);
    assert_eq!(revoke(&folder, &whom, RevocationReason::Unspecified, 7, NOW).unwrap().certificates.len(), 1);
    assert_eq!(federation.lists().to_tls().len(), 2, "the new root's, and the new authority's");
}

#[test]
fn a_coordinator_keeps_its_signing_key_and_its_names() {
    let federation = Federation::new();
    let before = federation.credentials("centre");
    let pin = std::fs::read(federation.at("centre").join(names::SIGNING_PUBLIC)).unwrap();
    renew_coordinator(&federation.authority(), &federation.at("centre"), NOW + 15 * DAY).unwrap();
    let after = federation.credentials("centre");
    assert_eq!(before.identity(), after.identity());
    assert_ne!(before.spki_sha256().unwrap(), after.spki_sha256().unwrap());
    assert_eq!(std::fs::read(federation.at("centre").join(names::SIGNING_PUBLIC)).unwrap(), pin);
    let inspection =
        tributary_certs::inspect::inspect(&federation.at("centre").join(names::CHAIN), None, NOW + 15 * DAY);
    assert_eq!(inspection.unwrap().hosts, ["coordinator.example", "127.0.0.1"]);
    federation.enrol("branch-1", NOW);
    let client = renew_coordinator(&federation.authority(), &federation.at("branch-1"), NOW);
    assert_eq!(kind(client), FaultKind::WrongRole);
}

#[test]
fn authorities_roll_over_without_an_interruption() {
    let federation = Federation::new();
    let client = federation.enrol("branch-1", NOW).client;
    let folder = federation.authority();
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
        assert_eq!(revoked_in(&federation.lists(), leaf, NOW + 20 * DAY), Revocation::Good);
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
    let federation = Federation::new();
    let domain = TrustDomain::parse("federation.example").unwrap();
    let bank = federation.at("bank-authority");
    init_authority(&bank, &domain, 1, 1, NOW).unwrap();
    std::fs::copy(bank.join(names::TRUST), federation.authority().join("trust-north-bank.pem")).unwrap();
    let begun = begin(&federation.token("branch-1", false, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
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
    assert_eq!(read_members(&federation.authority()).unwrap()[0].entry.tls_spki_sha256, spki_sha256_of(&leaf).unwrap());
}

/// A member that starts anew, and the office ends between the two lists that say so.
#[test]
fn a_member_that_starts_anew_is_not_lost_in_a_crash() {
    let federation = Federation::new();
    let installed = federation.enrol("branch-1", NOW);
    let whom = WhomToRevoke::Identity(installed.identity);
    revoke(&federation.authority(), &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let marks = std::fs::read(federation.authority().join("revoked-members")).unwrap();
    let bundle = federation.token("branch-1", false, true, NOW).unwrap();
    let begun = begin(&bundle, &federation.at("anew")).unwrap();
    let granted = |federation: &Federation| names_in(&federation.authority().join("granted"));
    let before = granted(&federation);
    let _ = federation.office().answer(&begun.request, NOW);
    std::fs::write(federation.authority().join("revoked-members"), marks).unwrap();
    for name in granted(&federation).iter().filter(|name| !before.contains(name)) {
        std::fs::remove_file(federation.authority().join("granted").join(name)).unwrap();
    }
    install(&federation.office().answer(&begun.request, NOW), &federation.at("anew"), NOW).unwrap();
    assert_eq!(sign_roster(&federation.authority()).unwrap().roster.entries().len(), 1);
}

/// Who was revoked comes back with fresh keys alone.
#[test]
fn the_keys_of_a_revoked_member_stay_out() {
    let federation = Federation::new();
    let installed = federation.enrol("branch-1", NOW);
    let whom = WhomToRevoke::Identity(installed.identity);
    revoke(&federation.authority(), &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let bundle = federation.token("branch-1", false, true, NOW + 1).unwrap();
    std::fs::remove_file(federation.at("branch-1").join(names::CHAIN)).unwrap();
    let begun = begin(&bundle, &federation.at("branch-1")).unwrap();
    let refused = install(&federation.office().answer(&begun.request, NOW + 1), &federation.at("branch-1"), NOW + 1);
    // The certificate that was granted for these keys is the revoked one.
    assert_eq!(kind(refused), FaultKind::MemberRevoked);
    std::fs::remove_dir_all(federation.authority().join("granted")).unwrap();
    let refused = install(&federation.office().answer(&begun.request, NOW + 1), &federation.at("branch-1"), NOW + 1);
    assert_eq!(kind(refused), FaultKind::KeyTaken);
}

/// Writers at the same time lose nothing of each other.
#[test]
fn one_change_of_the_folder_at_a_time() {
    let federation = Federation::new();
    std::thread::scope(|scope| {
        for index in 0..8 {
            let federation = &federation;
            scope.spawn(move || federation.enrol(&format!("branch-{index}"), NOW));
        }
    });
    let members = read_members(&federation.authority()).unwrap();
    let numbers: Vec<u32> = members.iter().map(|member| member.entry.client.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(read_issued(&federation.authority()).unwrap().len(), 9);
}

#[test]
fn whatever_is_asked_there_is_an_answer() {
    let federation = Federation::new();
    let begun = begin(&federation.token("branch-1", false, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
    let mut office = federation.office();
    for length in (0..begun.request.len()).step_by(7) {
        assert!(matches!(decode_answer(&office.answer(&begun.request[..length], NOW)), Ok(Answer::Refused(_))));
    }
    for index in (0..begun.request.len()).step_by(3) {
        let mut altered = begun.request.clone();
        altered[index] ^= 1;
        assert!(matches!(decode_answer(&office.answer(&altered, NOW)), Ok(Answer::Refused(_))), "{index}");
    }
    // The folder is gone: still an answer, and it names no file.
    std::fs::remove_file(federation.authority().join("issuing.key")).unwrap();
    let reply = office.reply(&begun.request, NOW);
    assert!(reply.outcome.contains("[328 ") && reply.outcome.contains("issuing.key"), "{}", reply.outcome);
    assert!(!String::from_utf8(reply.bytes).unwrap().contains("issuing.key"));
}
