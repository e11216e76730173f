//! Who is revoked, what that ends, and how a member comes back.

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::names;
use tributary_certs::fault::FaultKind;
use tributary_certs::inspect::serial_of;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::office::{
    RevocationReason, WhomToRevoke, approve, begin, fresh_list, install, renew_issuing, renew_root, revoke,
};
use tributary_certs::revocation::{ListNumber, Revocation, RevocationLists};
use tributary_certs::tls::{TrustRoots, read_certificates};

use crate::support::folders::{Folders, kind, names_in};
use crate::support::{DAY, NOW};

fn revoked_in(lists: &RevocationLists, certificate: &[u8], now: u64) -> Revocation {
    lists.standing("bank", certificate, now)
}

#[test]
fn revoking_ends_connections_renewals_and_membership() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    federation.enrol("branch-2", NOW);
    sign_roster(&federation.ca()).unwrap();
    federation.renew("branch-1", installed.client, NOW + DAY).unwrap();
    assert_eq!(fresh_list(&federation.ca(), 7, NOW + DAY).unwrap(), ListNumber::from(2));
    let leaf = |id: &str| federation.credentials(id).leaf().clone();
    assert_eq!(revoked_in(&federation.lists(), &leaf("branch-1"), NOW + DAY), Revocation::Good);
    let (whom, now) = (WhomToRevoke::Identity(installed.identity.clone()), NOW + 2 * DAY);
    let revoked = revoke(&federation.ca(), &whom, RevocationReason::KeyCompromise, 7, now).unwrap();
    assert_eq!(revoked.certificates.len(), 2, "the first and the renewed certificate");
    assert!(revoked.member && revoked.denied);
    let again = revoke(&federation.ca(), &whom, RevocationReason::Unspecified, 7, now).unwrap();
    assert!(!again.had_effect());
    let lists = federation.lists();
    assert_eq!(lists.number(), Some(ListNumber::from(4)));
    assert_eq!(revoked_in(&lists, &leaf("branch-1"), now), Revocation::Revoked);
    assert_eq!(revoked_in(&lists, &leaf("branch-1"), now + 30 * DAY), Revocation::Revoked);
    assert_eq!(revoked_in(&lists, &leaf("branch-2"), now), Revocation::Good);
    assert_eq!(revoked_in(&lists, &leaf("branch-2"), now + 8 * DAY), Revocation::ListExpired);
    assert_eq!(revoked_in(&lists, b"", now), Revocation::Unknown);
    assert_eq!(revoked_in(&lists, Folders::whole().credentials("centre").leaf(), now), Revocation::Unknown);
    assert_eq!(kind(federation.renew("branch-1", installed.client, now)), FaultKind::MemberRevoked);
    assert_eq!(kind(federation.asked_token("branch-1", false, false, now).map(|_| ())), FaultKind::MemberRevoked);
    let left = sign_roster(&federation.ca()).unwrap();
    assert!(left.entry(installed.client).is_none() && left.roster.entries().len() == 1);
    // It comes back with a token that says so, with fresh keys alone, under its old number.
    let bundle = federation.token("branch-1", true, now);
    let begun = begin(&bundle, &federation.at("branch-1-anew")).unwrap();
    let back = install(&federation.office().answer(&begun.request, now), &federation.at("branch-1-anew"), now).unwrap();
    assert_eq!(back.client, installed.client);
    assert_eq!(sign_roster(&federation.ca()).unwrap().roster.entries().len(), 2);
    federation.renew("branch-1-anew", back.client, now + DAY).unwrap();
}

/// A branch's machine is lost, and it starts anew on another one: whoever found the first has nothing that opens a connection or renews.
#[test]
fn starting_anew_revokes_the_machine_before() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    federation.enrol("branch-2", NOW);
    let first = federation.credentials("branch-1").leaf().clone();
    federation.renew("branch-1", client, NOW + DAY).unwrap();
    let renewed = federation.credentials("branch-1").leaf().clone();
    let begun =
        begin(&federation.asked_token("branch-1", true, true, NOW + DAY).unwrap(), &federation.at("anew")).unwrap();
    let ask = || install(&federation.office().answer(&begun.request, NOW + DAY), &federation.at("anew"), NOW + DAY);
    // Not by the token, nor by a request that nobody has approved.
    assert_eq!(kind(ask()), FaultKind::ApprovalPending);
    assert_eq!(revoked_in(&federation.lists(), &first, NOW + DAY), Revocation::Good);
    approve(&federation.ca(), &[begun.fingerprint], "anna", NOW + DAY).unwrap();
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
    let roster = sign_roster(&federation.ca()).unwrap();
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
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let first = federation.credentials("branch-1").leaf().clone();
    federation.renew("branch-1", client, NOW + DAY).unwrap();
    let whom = WhomToRevoke::Serial(serial_of(&first).unwrap());
    revoke(&federation.ca(), &whom, RevocationReason::Superseded, 7, NOW + DAY).unwrap();
    assert_eq!(revoked_in(&federation.lists(), &first, NOW + DAY), Revocation::Revoked);
    let second = federation.credentials("branch-1").leaf().clone();
    assert_eq!(revoked_in(&federation.lists(), &second, NOW + DAY), Revocation::Good);
    federation.renew("branch-1", client, NOW + 2 * DAY).unwrap();
    let nobody = WhomToRevoke::Serial(vec![1]);
    let refused = revoke(&federation.ca(), &nobody, RevocationReason::Unspecified, 7, NOW);
    assert_eq!(kind(refused), FaultKind::MemberUnknown);
    let days = |days| fresh_list(&federation.ca(), days, NOW);
    assert!(days(0).is_err() && days(91).is_err() && days(90).is_ok());
}

#[test]
fn a_list_of_strangers_is_not_believed() {
    let (ours, theirs) = (Folders::whole(), Folders::whole());
    fresh_list(&theirs.ca(), 7, NOW).unwrap();
    let roots = TrustRoots::read(&ours.ca().join(names::TRUST)).unwrap();
    let path = theirs.ca().join(names::REVOCATIONS);
    let refused = ours.read_lists(&path).unwrap_err();
    assert!(refused.to_string().contains("[109 "), "{refused}");
    assert!(ours.read_lists(&ours.ca().join(names::TRUST)).is_err());
    // A stranger's list besides ours is left out; ours with another's signature is not believed.
    fresh_list(&ours.ca(), 7, NOW).unwrap();
    let text = |federation: &Folders| std::fs::read_to_string(federation.ca().join(names::REVOCATIONS)).expect("read");
    let (mixed, file) = (ours.at("mixed.pem"), text(&ours));
    std::fs::write(&mixed, [file.clone(), text(&theirs)].concat()).unwrap();
    assert_eq!(ours.read_lists(&mixed).unwrap().to_tls().len(), 2);
    let list = tributary_certs::tls::read_revocations(&ours.ca().join(names::REVOCATIONS)).unwrap().remove(0);
    let mut forged = list.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let authorities = read_certificates(&ours.ca().join(names::REVOCATIONS)).unwrap();
    let refused = RevocationLists::verified(vec![forged.into()], &authorities, &roots).unwrap_err();
    assert_eq!(refused.kind, FaultKind::RevocationListForged);
}

/// A root that was taken out of `trust.pem` keeps nobody from revoking.
#[test]
fn revoking_goes_on_after_a_root_is_gone() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    let folder = federation.ca();
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

/// A member that starts anew, and the office ends between the two lists that say so.
#[test]
fn a_member_that_starts_anew_is_not_lost_in_a_crash() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    let whom = WhomToRevoke::Identity(installed.identity);
    revoke(&federation.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let marks = std::fs::read(federation.ca().join("revoked-members")).unwrap();
    let bundle = federation.token("branch-1", true, NOW);
    let begun = begin(&bundle, &federation.at("anew")).unwrap();
    let granted = |federation: &Folders| names_in(&federation.ca().join("granted"));
    let before = granted(&federation);
    let _ = federation.office().answer(&begun.request, NOW);
    std::fs::write(federation.ca().join("revoked-members"), marks).unwrap();
    for name in granted(&federation).iter().filter(|name| !before.contains(name)) {
        std::fs::remove_file(federation.ca().join("granted").join(name)).unwrap();
    }
    install(&federation.office().answer(&begun.request, NOW), &federation.at("anew"), NOW).unwrap();
    assert_eq!(sign_roster(&federation.ca()).unwrap().roster.entries().len(), 1);
}

/// Who was revoked comes back with fresh keys alone.
#[test]
fn the_keys_of_a_revoked_member_stay_out() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    let whom = WhomToRevoke::Identity(installed.identity);
    revoke(&federation.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let bundle = federation.token("branch-1", true, NOW + 1);
    std::fs::remove_file(federation.at("branch-1").join(names::CHAIN)).unwrap();
    let begun = begin(&bundle, &federation.at("branch-1")).unwrap();
    let refused = install(&federation.office().answer(&begun.request, NOW + 1), &federation.at("branch-1"), NOW + 1);
    // The certificate that was granted for these keys is the revoked one.
    assert_eq!(kind(refused), FaultKind::MemberRevoked);
    std::fs::remove_dir_all(federation.ca().join("granted")).unwrap();
    let refused = install(&federation.office().answer(&begun.request, NOW + 1), &federation.at("branch-1"), NOW + 1);
    assert_eq!(kind(refused), FaultKind::KeyTaken);
}
