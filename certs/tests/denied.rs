//! The deny-list: who signs it, whom it names, what it refuses to become, and what a command without effect says.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::{Path, PathBuf};

use support::folders::{Folders, kind};
use support::{DAY, NOW};
use tributary_certs::denied::{Bearer, DENIED, Denied, DenyList, DenyOrder};
use tributary_certs::enrolment::{names, read_members};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::Identity;
use tributary_certs::office::{
    RevocationReason, WhomToRevoke, allow, begin, begin_renewal, decode_answer, deny, install, install_renewal,
    read_denied, renew_issuing, revoke,
};
use tributary_certs::revocation::{RevocationFileError, RevocationLists, Seen};
use tributary_certs::tls::TrustRoots;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::secagg::suite::VerifyingKey;

const WHY: RevocationReason = RevocationReason::KeyCompromise;

struct Home(Folders);

impl Home {
    fn new() -> Self {
        let folders = Folders::whole();
        folders.issue("branch-1");
        Self(folders)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.at(name)
    }

    fn ca(&self) -> PathBuf {
        self.0.ca()
    }

    fn path(&self) -> PathBuf {
        self.ca().join(DENIED)
    }

    fn seen(&self) -> Seen {
        Seen::beside(&self.at("centre").join(names::TRUST)).unwrap()
    }

    fn lists(&self) -> RevocationLists {
        let roots = TrustRoots::read(&self.ca().join(names::TRUST)).unwrap();
        RevocationLists::read(&self.ca().join(names::REVOCATIONS), &roots, &self.seen(), None).unwrap().lists
    }

    /// As the coordinator reads it, and puts it in force.
    fn read(&self, path: &Path, now: u64) -> Result<DenyList, RevocationFileError> {
        let (lists, mut seen) = (self.lists(), self.seen());
        let list = DenyList::read(path, &lists, &seen, now)?;
        seen.note(&lists, list.order()).unwrap();
        Ok(list)
    }

    fn deny(&self, who: Denied) -> bool {
        deny(&self.ca(), who, WHY, NOW).unwrap()
    }
}

fn branch() -> Identity {
    Identity::parse("spiffe://federation.example/north-bank/client/branch-1").unwrap()
}

#[test]
fn an_identity_a_key_and_a_number_are_denied_each_by_itself() {
    let home = Home::new();
    assert_eq!(home.read(&home.path(), NOW).unwrap(), DenyList::default(), "no file denies nobody");
    let (tls, signing) = (Digest::of(b"tls"), VerifyingKey::ed25519([7; 32]));
    let other = Identity::parse("spiffe://federation.example/partner/client/x").unwrap();
    let entries =
        [Denied::Identity(branch()), Denied::Key(tls), Denied::Signing(signing.clone()), Denied::Client(ClientId(1))];
    for who in entries {
        assert!(home.deny(who.clone()) && !home.deny(who.clone()), "the second time has no effect");
        let list = home.read(&home.path(), NOW).unwrap();
        let stands = |identity: &Identity, key: &Digest, signing: &VerifyingKey, client| {
            let bearer = Bearer { identity, tls_spki_sha256: key, signing_key: signing, client: ClientId(client) };
            list.denies(&bearer).is_none()
        };
        let far = Digest::of(b"another");
        assert!(stands(&other, &far, &VerifyingKey::ed25519([8; 32]), 2));
        assert_eq!(stands(&branch(), &far, &VerifyingKey::ed25519([8; 32]), 2), !matches!(who, Denied::Identity(_)));
        assert_eq!(stands(&other, &tls, &VerifyingKey::ed25519([8; 32]), 2), who != Denied::Key(tls));
        assert_eq!(stands(&other, &far, &signing, 2), who != Denied::Signing(signing.clone()));
        assert_eq!(stands(&other, &far, &VerifyingKey::ed25519([8; 32]), 1), !matches!(who, Denied::Client(_)));
        assert!(allow(&home.ca(), &who).unwrap() && !allow(&home.ca(), &who).unwrap());
    }
    // Each change has a number of its own.
    assert_eq!(home.read(&home.path(), NOW).unwrap().order().unwrap().number, 8);
}

/// A door refuses what nobody who stands has signed, and what was in force before something newer.
#[test]
fn a_forged_or_older_list_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    home.deny(Denied::Identity(branch()));
    let first = std::fs::read_to_string(home.path()).unwrap();
    let bad = home.at("bad");
    let read = |text: &str| {
        std::fs::write(&bad, text).unwrap();
        home.read(&bad, NOW).map(|_| ()).unwrap_err().to_string()
    };
    other.deny(Denied::Identity(branch()));
    assert!(read(&std::fs::read_to_string(other.path()).unwrap()).contains("[130 "), "another federation's");
    assert!(read(&first.replace("branch-1", "branch-2")).contains("[130 "), "altered");
    assert!(read(&first.replace("number 1", "number 9")).contains("[130 "), "another number");
    assert!(read(&first[..first.len() / 2]).contains("not a valid deny-list"), "torn");
    assert!(read("").contains("not a valid deny-list"));
    home.read(&home.path(), NOW).unwrap();
    assert!(allow(&home.ca(), &Denied::Identity(branch())).unwrap());
    home.read(&home.path(), NOW).unwrap();
    assert!(read(&first).contains("[128 "), "the one before is put back");
    let gone = home.read(&home.at("nothing"), NOW).unwrap_err().to_string();
    assert!(gone.contains("[128 ") && gone.contains("there is none"), "{gone}");
}

/// The thief of a replaced authority's key signs the largest number there is: the list of the authority that began later counts.
#[test]
fn the_list_of_a_replaced_authority_is_no_news() {
    let home = Home::new();
    home.deny(Denied::Client(ClientId(1)));
    let stolen = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(home.ca()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            std::fs::copy(&entry, stolen.path().join(entry.file_name().unwrap())).unwrap();
        }
    }
    let before = home.read(&home.path(), NOW).unwrap();
    let now = NOW + 3 * DAY;
    renew_issuing(&home.ca(), &home.ca(), None, None, now).unwrap();
    // It is signed anew, with what stood in it.
    let after = home.read(&home.path(), now).unwrap();
    assert_eq!(after.entries(), before.entries());
    assert!(after.order() > before.order() && after.order().unwrap().number == 1);
    for _ in 0..20 {
        allow(stolen.path(), &Denied::Client(ClientId(1))).unwrap();
        deny(stolen.path(), Denied::Client(ClientId(1)), WHY, now).unwrap();
    }
    allow(stolen.path(), &Denied::Client(ClientId(1))).unwrap();
    let refused = home.read(&stolen.path().join(DENIED), now).unwrap_err().to_string();
    assert!(refused.contains("[128 "), "{refused}");
    // Revoked, it signs nothing at all.
    renew_issuing(&home.ca(), &home.ca(), Some(WHY), None, now + DAY).unwrap();
    let (old, _) = (home.path(), ());
    assert!(home.read(&old, now + DAY).is_ok());
    assert!(DenyOrder { since: 2, number: 1 } > DenyOrder { since: 1, number: u64::MAX });
}

#[test]
fn what_can_have_no_effect_is_refused() {
    let home = Home::new();
    let refused = |who| kind(deny(&home.ca(), who, WHY, NOW));
    assert_eq!(refused(Denied::Client(ClientId(9))), FaultKind::MemberUnknown);
    let coordinator = Identity::parse("spiffe://federation.example/bank/coordinator/centre").unwrap();
    assert_eq!(refused(Denied::Identity(coordinator)), FaultKind::WrongRole, "no door asks this list about it");
    let foreign = Identity::parse("spiffe://other.example/bank/client/x").unwrap();
    assert_eq!(refused(Denied::Identity(foreign)), FaultKind::ForeignDomain);
    assert!(!home.path().exists());
    let nobody = WhomToRevoke::Identity(Identity::parse("spiffe://federation.example/bank/client/x").unwrap());
    assert_eq!(kind(revoke(&home.ca(), &nobody, WHY, 7, NOW)), FaultKind::MemberUnknown);
}

/// Whoever is denied renews nothing; a token that starts it anew lifts what its revocation did, and its old key stays out.
#[test]
fn the_office_gives_nothing_to_whoever_is_denied() {
    let home = Home::new();
    let begun = begin_renewal(&home.at("branch-1"), ClientId(1)).unwrap();
    let renew = |now| {
        let answer = home.0.office().answer(&begun.request, now);
        install_renewal(&home.at("branch-1"), &answer, now)
    };
    home.deny(Denied::Client(ClientId(1)));
    assert_eq!(kind(renew(NOW + DAY)), FaultKind::Denied);
    allow(&home.ca(), &Denied::Client(ClientId(1))).unwrap();
    renew(NOW + DAY).unwrap();
    let member = read_members(&home.ca()).unwrap().remove(0);
    let revoked = revoke(&home.ca(), &WhomToRevoke::Identity(branch()), WHY, 7, NOW + 2 * DAY).unwrap();
    assert!(revoked.denied && revoked.member && revoked.certificates.len() == 2);
    let key = Denied::Signing(member.entry.signing_key.clone());
    let list = read_denied(&home.ca()).unwrap();
    assert!(list.entry(&Denied::Identity(branch())).is_some() && list.entry(&key).is_some());
    let begun = begin(&home.0.token("branch-1", true, NOW + 3 * DAY), &home.at("anew")).unwrap();
    let answer = home.0.office().answer(&begun.request, NOW + 3 * DAY);
    assert!(decode_answer(&answer).is_ok());
    install(&answer, &home.at("anew"), NOW + 3 * DAY).unwrap();
    let list = read_denied(&home.ca()).unwrap();
    assert!(list.entry(&Denied::Identity(branch())).is_none() && list.entry(&key).is_some());
}
