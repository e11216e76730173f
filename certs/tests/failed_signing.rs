//! A command notes what it will do before the signed list says so. Where the signing fails in between, the next try signs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::Path;

use support::folders::Folders;
use support::{DAY, NOW};
use tributary_certs::denied::{Denied, DenyList};
use tributary_certs::enrolment::names;
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::Identity;
use tributary_certs::inspect::serial_of;
use tributary_certs::office::{
    Answer, RevocationReason, WhomToRevoke, begin, decode_answer, deny, install, read_revoked, refresh_list,
    renew_issuing, renew_root, revoke, revoke_issuing,
};
use tributary_certs::revocation::{Revocation, Seen};
use tributary_certs::tls::read_certificates;

/// While it is broken no list of leaves can be made, and everything else works.
struct Broken {
    path: std::path::PathBuf,
    good: Vec<u8>,
}

impl Broken {
    fn lists(folders: &Folders) -> Self {
        let path = folders.ca().join("root-list.pem");
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, b"\xff").unwrap();
        Self { path, good }
    }

    fn mended(self) {
        std::fs::write(self.path, self.good).unwrap();
    }
}

fn standing(folders: &Folders, leaf: &[u8]) -> Revocation {
    folders.take(&folders.text(), NOW).unwrap();
    folders.branch_lists().unwrap().standing("north-bank", leaf, NOW)
}

#[test]
fn the_machine_before_is_revoked_though_the_first_signing_failed() {
    let folders = Folders::new();
    let old = read_certificates(&folders.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let begun = begin(&folders.token("branch-1", true, NOW), &folders.at("anew")).unwrap();
    let broken = Broken::lists(&folders);
    let ask = || folders.office().answer(&begun.request, NOW);
    match decode_answer(&ask()).unwrap() {
        Answer::Refused(refused) => assert_eq!(refused.number, FaultKind::OfficeUnavailable.number()),
        other => panic!("{other:?}"),
    }
    assert_eq!(read_revoked(&folders.ca()).unwrap().len(), 1, "the mark is there");
    broken.mended();
    install(&ask(), &folders.at("anew"), NOW).unwrap();
    assert_eq!(standing(&folders, &old), Revocation::Revoked);
    let anew = read_certificates(&folders.at("anew").join(names::CHAIN)).unwrap().remove(0);
    assert_eq!(standing(&folders, &anew), Revocation::Good);
}

/// The second try says what it did, and the third that there is nothing left to do.
#[test]
fn a_revocation_whose_list_failed_is_told_as_done_when_it_is() {
    let folders = Folders::new();
    let old = read_certificates(&folders.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let whom = Identity::parse("spiffe://federation.example/north-bank/client/branch-1").unwrap();
    let whom = WhomToRevoke::Identity(whom);
    let once = || revoke(&folders.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW);
    let broken = Broken::lists(&folders);
    assert!(once().is_err());
    broken.mended();
    assert_eq!(once().unwrap().certificates.len(), 1);
    assert_eq!(standing(&folders, &old), Revocation::Revoked);
    assert!(!once().unwrap().had_effect());
}

/// Nobody may come back to a command that failed: an office signs what was noted by itself.
#[test]
fn an_office_signs_what_was_noted() {
    let folders = Folders::new();
    let old = read_certificates(&folders.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let whom = WhomToRevoke::Serial(serial_of(&old).unwrap());
    let broken = Broken::lists(&folders);
    assert!(revoke(&folders.ca(), &whom, RevocationReason::KeyCompromise, 7, NOW).is_err());
    broken.mended();
    assert!(refresh_list(&folders.ca(), NOW).unwrap().is_some());
    assert_eq!(standing(&folders, &old), Revocation::Revoked);
    assert_eq!(refresh_list(&folders.ca(), NOW).unwrap(), None);
}

/// Two roots, and a medium with the key of the one that did not issue the authority: nobody is told that it is revoked.
#[test]
fn another_root_s_list_revokes_nobody() {
    let folders = Folders::new();
    let now = NOW + DAY;
    let issuing = read_certificates(&folders.ca().join(names::ISSUING)).unwrap().remove(0);
    renew_root(&folders.ca(), &folders.usb(), now).unwrap();
    renew_issuing(&folders.ca(), &folders.usb(), None, None, now).unwrap();
    let medium = folders.at("medium");
    tributary_storage::files::create_private_folder(&medium).unwrap();
    std::fs::copy(folders.usb().join("root.key"), medium.join("root.key")).unwrap();
    let usb = folders.usb();
    let once = |keys: &Path| revoke_issuing(&folders.ca(), &issuing, keys, RevocationReason::KeyCompromise, now);
    let refused = once(&medium).unwrap_err().to_string();
    assert!(refused.contains("[127 ") && refused.contains("bring the medium"), "{refused}");
    assert!(once(&usb).unwrap() && !once(&usb).unwrap());
}

/// The root has signed, and the file that everybody reads was not written: the same command goes on.
#[test]
fn a_root_s_list_that_nobody_got_is_no_revocation() {
    let folders = Folders::new();
    let issuing = read_certificates(&folders.ca().join(names::ISSUING)).unwrap().remove(0);
    let leaf = read_certificates(&folders.at("branch-1").join(names::CHAIN)).unwrap().remove(0);
    let usb = folders.usb();
    renew_issuing(&folders.ca(), &usb, None, None, NOW).unwrap();
    let once = || revoke_issuing(&folders.ca(), &issuing, &usb, RevocationReason::KeyCompromise, NOW);
    let damaged = folders.ca().join("revoked");
    std::fs::write(&damaged, b"damaged").unwrap();
    assert!(once().is_err());
    std::fs::remove_file(&damaged).unwrap();
    assert_eq!(standing(&folders, &leaf), Revocation::Good, "the root's list is not there yet");
    assert!(once().unwrap() && !once().unwrap());
    assert_eq!(standing(&folders, &leaf), Revocation::Revoked);
}

/// A deny-list that a replaced authority signed counts nowhere: an entry of it is as good as new.
#[test]
fn an_entry_that_a_replaced_authority_signed_is_signed_again() {
    let folders = Folders::new();
    let now = NOW + DAY;
    let who = Denied::Identity(Identity::parse("spiffe://federation.example/north-bank/client/x").unwrap());
    let once = || deny(&folders.ca(), who.clone(), RevocationReason::Unspecified, now).unwrap();
    assert!(once() && !once());
    let path = folders.ca().join("denied");
    let before = std::fs::read(&path).unwrap();
    renew_issuing(&folders.ca(), &folders.usb(), Some(RevocationReason::KeyCompromise), None, now).unwrap();
    // As if the command had ended before it came to the deny-list.
    std::fs::write(&path, before).unwrap();
    folders.take(&folders.text(), now).unwrap();
    let lists = folders.branch_lists().unwrap();
    let seen = Seen::beside(&folders.at("nowhere").join(names::TRUST)).unwrap();
    let believed = || DenyList::read(&path, &lists, &seen, now).is_ok_and(|list| list.entry(&who).is_some());
    assert!(!believed());
    assert!(once() && believed() && !once());
}
