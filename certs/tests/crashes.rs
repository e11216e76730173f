//! Commands of an authority that a crash broke off, or that are typed twice: nothing is lost, and the next try goes through.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::PathBuf;

use tributary_certs::enrolment::{Apart, init_authority_apart, issue_client, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::{TlsKey, read_verifying_key};
use tributary_certs::office::{
    ROOT_LIST_DAYS, RevocationReason, fresh_root_list, renew_issuing, renew_root, revoke_issuing,
};
use tributary_certs::tls::read_certificates;

const NOW: u64 = 1_900_000_000;

struct Authority(tempfile::TempDir);

impl Authority {
    fn new() -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        let domain = TrustDomain::parse("federation.example").unwrap();
        let apart = Apart { offline: &own.at("usb"), holders: &[] };
        init_authority_apart(&own.at("ca"), apart, &domain, 1, 1, NOW).unwrap();
        own
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn renew_root(&self) {
        renew_root(&self.at("ca"), &self.at("usb"), NOW).unwrap();
    }

    /// How many roots are trusted, and of how many of them the key is on the medium.
    fn roots_with_keys(&self) -> (usize, usize) {
        let files = std::fs::read_dir(self.at("usb")).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("root"));
        let keys: Vec<Vec<u8>> = files.map(|path| TlsKey::read(&path).unwrap().spki()).collect();
        let roots = read_certificates(&self.at("ca").join(names::TRUST)).unwrap();
        assert!(self.at("usb").join("root.key").exists());
        let with = roots.iter().filter(|root| keys.iter().any(|key| contains(root, key))).count();
        (roots.len(), with)
    }
}

fn contains(certificate: &[u8], spki: &[u8]) -> bool {
    certificate.windows(spki.len()).any(|part| part == spki)
}

/// The crash comes before, or between, the two renames of the roots' keys: the new root is trusted, and its key must not be lost.
#[test]
fn a_new_root_whose_keys_a_crash_left_unnamed_goes_on() {
    for between in [false, true] {
        let authority = Authority::new();
        authority.renew_root();
        let (current, next) = (authority.at("usb/root.key"), authority.at("usb/root.next.key"));
        std::fs::rename(&current, &next).unwrap();
        if !between {
            std::fs::rename(authority.at(&format!("usb/root-old-{NOW}.key")), &current).unwrap();
        }
        authority.renew_root();
        assert_eq!(authority.roots_with_keys(), (2, 2), "no third root, and no key lost; between the two: {between}");
        assert!(!next.exists());
    }
}

#[test]
fn two_new_roots_within_a_second_keep_every_key() {
    let authority = Authority::new();
    authority.renew_root();
    authority.renew_root();
    assert_eq!(authority.roots_with_keys(), (3, 3));
    fresh_root_list(&authority.at("ca"), &authority.at("usb"), ROOT_LIST_DAYS, NOW).unwrap();
}

/// An old authority signs the list of what it issued; without its key nobody believes any of that.
#[test]
fn issuing_authorities_that_are_replaced_within_a_second_are_all_kept() {
    let authority = Authority::new();
    for _ in 0..3 {
        renew_issuing(&authority.at("ca"), &authority.at("usb"), None, None, NOW).unwrap();
    }
    let names = std::fs::read_dir(authority.at("ca")).unwrap().map(|entry| entry.unwrap().file_name());
    let kept = names.filter(|name| name.to_str().unwrap().starts_with("issuing-old-")).count();
    assert_eq!(kept, 2 * 3, "a key and a certificate of each");
}

/// Tokens and certificates would go on under it with nothing said, and no branch would believe them.
#[test]
fn the_issuing_authority_that_stands_is_not_revoked_without_another_in_its_place() {
    let authority = Authority::new();
    let (ca, usb) = (authority.at("ca"), authority.at("usb"));
    let standing = read_certificates(&ca.join(names::ISSUING)).unwrap().remove(0);
    let before = std::fs::read(ca.join(names::REVOCATIONS)).unwrap();
    let revoke = || revoke_issuing(&ca, &standing, &usb, RevocationReason::KeyCompromise, NOW);
    let refused = revoke().unwrap_err().to_string();
    assert!(refused.contains("nothing was revoked") && refused.contains("renew --issuing --revoke"), "{refused}");
    assert!(!ca.join("revoked-authorities").exists());
    assert_eq!(std::fs::read(ca.join(names::REVOCATIONS)).unwrap(), before);
    renew_issuing(&ca, &usb, None, None, NOW).unwrap();
    assert!(revoke().unwrap(), "one that was replaced is revoked by its certificate");
}

/// Killed before the member's line, and killed after it: the same command goes on, and what is finished is not replaced.
#[test]
fn an_enrolment_that_was_killed_is_typed_again() {
    let authority = Authority::new();
    let (ca, out) = (authority.at("ca"), authority.at("branch-1"));
    let issue = |id: &str| issue_client(&ca, "north-bank", id, &out, NOW);
    // The last file but the members' list cannot be copied.
    let authorities = std::fs::read(ca.join(names::AUTHORITIES)).unwrap();
    std::fs::write(ca.join(names::AUTHORITIES), b"damaged").unwrap();
    assert!(issue("branch-1").is_err() && out.join(names::SIGNING_KEY).exists());
    std::fs::write(ca.join(names::AUTHORITIES), authorities).unwrap();
    let other = issue("branch-2").unwrap_err().to_string();
    assert!(other.contains("begun for spiffe://federation.example/north-bank/client/branch-1"), "{other}");
    let mark = std::fs::read(out.join("unfinished")).unwrap();
    let member = issue("branch-1").unwrap();
    assert_eq!(read_verifying_key(&out.join(names::SIGNING_PUBLIC)).unwrap(), member.entry.signing_key);
    assert!(!out.join("unfinished").exists());
    // Killed before the mark was removed.
    std::fs::write(out.join("unfinished"), mark).unwrap();
    assert_eq!(issue("branch-1").unwrap(), member);
    let key = std::fs::read(out.join(names::SIGNING_KEY)).unwrap();
    assert!(issue("branch-1").is_err() && issue("branch-2").is_err());
    assert_eq!(std::fs::read(out.join(names::SIGNING_KEY)).unwrap(), key);
    assert!(!out.join("unfinished").exists(), "a finished folder is never marked again");
}

/// A root on its own list changes nothing, and whoever typed it would think that the thief is out.
#[test]
fn a_root_is_not_revoked_as_an_issuing_authority() {
    let authority = Authority::new();
    let root = read_certificates(&authority.at("ca").join(names::TRUST)).unwrap().remove(0);
    let before = std::fs::read(authority.at("ca").join(names::REVOCATIONS)).unwrap();
    let refused =
        revoke_issuing(&authority.at("ca"), &root, &authority.at("usb"), RevocationReason::KeyCompromise, NOW);
    assert!(refused.unwrap_err().to_string().contains("the certificate of a root"));
    assert!(!authority.at("ca/revoked-authorities").exists());
    assert_eq!(std::fs::read(authority.at("ca").join(names::REVOCATIONS)).unwrap(), before);
}

#[test]
fn a_key_that_a_crash_left_for_the_next_issuing_authority_is_made_anew() {
    let authority = Authority::new();
    let (ca, usb) = (authority.at("ca"), authority.at("usb"));
    let left = TlsKey::generate();
    left.write(&ca.join("issuing.next.key")).unwrap();
    renew_issuing(&ca, &usb, None, None, NOW).unwrap();
    assert!(!ca.join("issuing.next.key").exists());
    assert_ne!(TlsKey::read(&ca.join("issuing.key")).unwrap().spki(), left.spki());
}
