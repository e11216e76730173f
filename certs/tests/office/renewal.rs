//! Renewals of branches and of the coordinator.

use tributary_certs::binding::{admits, read_bindings};
use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::names;
use tributary_certs::fault::FaultKind;
use tributary_certs::inspect::validity_of;
use tributary_certs::office::{Begun, approve, begin_renewal, read_issued, read_waiting, renew_coordinator};
use tributary_certs::renewal::{Expiry, current_binding};

use crate::support::folders::{Folders, kind};
use crate::support::{DAY, NOW};

#[test]
fn a_renewal_brings_a_fresh_key_that_its_binding_admits() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let roster = sign_roster(&federation.ca()).unwrap();
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
        let known = read_bindings(&federation.ca().join("bindings")).unwrap();
        assert_eq!(known, [binding]);
        assert!(admits(entry, Some(&known[0]), &spki));
        assert_eq!(Expiry::of(validity_of(federation.credentials("branch-1").leaf()).unwrap(), now), Expiry::Fine);
        last = spki;
    }
    assert_eq!(sign_roster(&federation.ca()).unwrap().roster.entries(), roster.roster.entries());
}

#[test]
fn an_expired_client_renews_for_thirty_days_if_a_person_approves() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    assert_eq!(kind(federation.renew("branch-1", client, NOW + 61 * DAY)), FaultKind::RenewalTooLate);
    let late = NOW + 45 * DAY;
    assert_eq!(kind(federation.renew("branch-1", client, late)), FaultKind::ApprovalPending);
    let waiting = read_waiting(&federation.ca()).unwrap().remove(0);
    assert!(waiting.renewal);
    approve(&federation.ca(), &[waiting.fingerprint], "anna", late).unwrap();
    federation.renew("branch-1", client, late).unwrap();
    federation.renew("branch-1", client, late + DAY).unwrap();
}

#[test]
fn a_lost_answer_to_a_renewal_is_given_again() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let now = NOW + 15 * DAY;
    let Begun { request, .. } = begin_renewal(&federation.at("branch-1"), client).unwrap();
    let _ = federation.office().answer(&request, now);
    federation.renew("branch-1", client, now).unwrap();
    assert_eq!(read_issued(&federation.ca()).unwrap().len(), 3);
    // The branch asked again with the key it had made, and was given the certificate that it had not received.
    assert_eq!(current_binding(&federation.at("branch-1")).unwrap().unwrap().binding.sequence, 1);
}

#[test]
fn a_coordinator_keeps_its_signing_key_and_its_names() {
    let federation = Folders::whole();
    let before = federation.credentials("centre");
    let pin = std::fs::read(federation.at("centre").join(names::SIGNING_PUBLIC)).unwrap();
    renew_coordinator(&federation.ca(), &federation.at("centre"), NOW + 15 * DAY).unwrap();
    let after = federation.credentials("centre");
    assert_eq!(before.identity(), after.identity());
    assert_ne!(before.spki_sha256().unwrap(), after.spki_sha256().unwrap());
    assert_eq!(std::fs::read(federation.at("centre").join(names::SIGNING_PUBLIC)).unwrap(), pin);
    let inspection =
        tributary_certs::inspect::inspect(&federation.at("centre").join(names::CHAIN), None, NOW + 15 * DAY);
    assert_eq!(inspection.unwrap().hosts, ["coordinator.example", "127.0.0.1"]);
    federation.enrol("branch-1", NOW);
    let client = renew_coordinator(&federation.ca(), &federation.at("branch-1"), NOW);
    assert_eq!(kind(client), FaultKind::WrongRole);
}
