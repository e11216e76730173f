//! What each list says, to the second: number, times, and whom it names, when and why.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use tributary_certs::enrolment::{EnrolmentError, names};
use tributary_certs::fault::FaultKind;
use tributary_certs::inspect::{serial_of, validity_of};
use tributary_certs::office::{
    RevocationReason, WhomToRevoke, fresh_list, fresh_root_list, refresh_list, renew_coordinator, renew_issuing,
    revoke, revoke_issuing,
};
use tributary_certs::tls::{read_certificates, read_revocations};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::support::folders::{Folders, contents, kind};
use crate::support::{DAY, NOW};

/// A list in one line. Times are in seconds after `NOW`.
fn line(list: &[u8]) -> String {
    let (_, list) = CertificateRevocationList::from_der(list).unwrap();
    let since = |time: x509_parser::time::ASN1Time| time.timestamp() - i64::try_from(NOW).unwrap();
    let tier = if list.issuer().to_string().contains("Tributary root") { "root" } else { "issuing" };
    let revoked = list.iter_revoked_certificates().map(|one| {
        let serial: String = one.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect();
        let why = one.reason_code().map_or(0, |(_, reason)| reason.0);
        format!(" {serial} at {} for {why}", since(one.revocation_date))
    });
    let (from, until) = (since(list.last_update()), since(list.next_update().unwrap()));
    format!("{tier} {} from {from} until {until}{}", list.crl_number().unwrap(), revoked.collect::<String>())
}

fn lines(folders: &Folders) -> Vec<String> {
    let mut lines: Vec<String> =
        read_revocations(&folders.ca().join(names::REVOCATIONS)).unwrap().iter().map(|list| line(list)).collect();
    lines.sort();
    lines
}

fn hex(serial: &[u8]) -> String {
    serial.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn first(path: &Path) -> rustls::pki_types::CertificateDer<'static> {
    read_certificates(path).unwrap().remove(0)
}

const D: u64 = DAY;

#[test]
fn lists_say_whom_they_revoke_since_when_and_why() {
    let folders = Folders::new();
    let (ca, usb) = (folders.ca(), folders.usb());
    let root = format!("root 1 from -300 until {}", 180 * D);
    assert_eq!(lines(&folders), [format!("issuing 1 from -300 until {}", 7 * D), root.clone()]);
    let leaf = first(&folders.at("branch-1").join(names::CHAIN));
    let serial = serial_of(&leaf).unwrap();
    revoke(&ca, &WhomToRevoke::Serial(serial.clone()), RevocationReason::CessationOfOperation, 9, NOW + 5).unwrap();
    let named = format!(" {} at 5 for 5", hex(&serial));
    assert_eq!(lines(&folders), [format!("issuing 2 from -295 until {}{named}", 9 * D + 5), root]);
    // Another issuing authority: both sign, and both name whom either revoked.
    let old = first(&ca.join(names::ISSUING));
    renew_issuing(&ca, &usb, None, None, NOW + D).unwrap();
    let issuing =
        |number: u64, at: u64, days: u64| format!("issuing {number} from {} until {}{named}", at - 300, at + days * D);
    let root = format!("root 2 from {} until {}", D - 300, 181 * D);
    assert_eq!(lines(&folders), [issuing(3, D, 7), issuing(3, D, 7), root]);
    assert!(revoke_issuing(&ca, &old, &usb, RevocationReason::KeyCompromise, NOW + 2 * D).unwrap());
    let gone = format!(" {} at {} for 1", hex(&serial_of(&old).unwrap()), 2 * D);
    let root = format!("root 3 from {} until {}{gone}", 2 * D - 300, 182 * D);
    assert_eq!(lines(&folders), [issuing(4, 2 * D, 7), issuing(4, 2 * D, 7), root.clone()]);
    // A leaf that has ended is named no more, and nobody asks about it.
    let end = 30 * D;
    assert_eq!(fresh_list(&ca, 90, NOW + end).unwrap().to_string(), "5");
    assert_eq!(lines(&folders)[..2], [issuing(5, end, 90), issuing(5, end, 90)]);
    fresh_list(&ca, 1, NOW + end + 1).unwrap();
    let plain = format!("issuing 6 from {} until {}", end + 1 - 300, end + 1 + D);
    assert_eq!(lines(&folders), [plain.clone(), plain, root]);
    // So is an authority, whose own list ends with it.
    let last = 730 * D;
    fresh_root_list(&ca, &usb, 1, NOW + last).unwrap();
    assert_eq!(lines(&folders)[2], format!("root 4 from {} until {}{gone}", last - 300, 731 * D));
    assert_eq!(lines(&folders).len(), 3);
    fresh_root_list(&ca, &usb, 400, NOW + last + 1).unwrap();
    let plain = format!("issuing 8 from {} until {}", last + 1 - 300, last + 1 + 7 * D);
    assert_eq!(lines(&folders), [plain, format!("root 5 from {} until {}", last + 1 - 300, last + 1 + 400 * D)]);
    // No list of a root outlives it.
    fresh_root_list(&ca, &usb, 30, NOW + 3_640 * D).unwrap();
    assert_eq!(lines(&folders)[1], format!("root 6 from {} until {}", 3_640 * D - 300, 3_650 * D));
}

#[test]
fn a_root_s_list_counts_for_one_day_to_four_hundred() {
    let folders = Folders::new();
    let made = |days| fresh_root_list(&folders.ca(), &folders.usb(), days, NOW);
    assert!(made(1).is_ok() && made(400).is_ok());
    for days in [0, 401] {
        assert!(matches!(made(days), Err(EnrolmentError::ListDays { limit: 400 })));
    }
    let revoked = |days| {
        let serial = serial_of(&first(&folders.at("branch-1").join(names::CHAIN))).unwrap();
        revoke(&folders.ca(), &WhomToRevoke::Serial(serial), RevocationReason::Superseded, days, NOW)
    };
    for days in [0, 91] {
        assert!(matches!(revoked(days), Err(EnrolmentError::ListDays { limit: 90 })));
    }
    assert!(revoked(1).is_ok());
}

#[test]
fn an_office_signs_anew_when_less_than_half_is_left_or_a_revocation_is_not_signed() {
    let folders = Folders::new();
    let ca = folders.ca();
    let half = NOW + 7 * DAY / 2;
    assert_eq!(refresh_list(&ca, half).unwrap(), None);
    assert_eq!(refresh_list(&ca, half + 1).unwrap().map(|number| number.to_string()).as_deref(), Some("2"));
    // A mark that no list has, because the signing failed: it is signed as long as its certificate has not ended.
    let leaf = first(&folders.at("branch-1").join(names::CHAIN));
    let end = validity_of(&leaf).unwrap().not_after;
    fresh_list(&ca, 7, end).unwrap();
    let roots = ca.join("root-list.pem");
    let good = std::fs::read(&roots).unwrap();
    std::fs::write(&roots, b"\xff").unwrap();
    let whom = WhomToRevoke::Serial(serial_of(&leaf).unwrap());
    assert!(revoke(&ca, &whom, RevocationReason::KeyCompromise, 7, end).is_err());
    std::fs::write(&roots, good).unwrap();
    assert_eq!(refresh_list(&ca, end + 1).unwrap(), None);
    assert!(refresh_list(&ca, end).unwrap().is_some());
    assert_eq!(refresh_list(&ca, end).unwrap(), None);
    // Without any list, and with the list of one of two authorities.
    std::fs::remove_file(ca.join(names::REVOCATIONS)).unwrap();
    assert!(refresh_list(&ca, end).unwrap().is_some());
}

#[test]
fn an_authority_that_has_ended_is_not_revoked_any_more() {
    let folders = Folders::new();
    let (ca, usb) = (folders.ca(), folders.usb());
    let old = first(&ca.join(names::ISSUING));
    let end = validity_of(&old).unwrap().not_after;
    renew_issuing(&ca, &usb, None, None, NOW + DAY).unwrap();
    let revoke = |now| revoke_issuing(&ca, &old, &usb, RevocationReason::KeyCompromise, now);
    assert_eq!(kind(revoke(end + 1)), FaultKind::Expired);
    assert!(revoke(end).unwrap());
    // One that is replaced because it was stolen and has ended since is noted, and no root need sign.
    for (late, signed) in [(0, false), (1, true)] {
        let folders = Folders::new();
        let (ca, usb) = (folders.ca(), folders.usb());
        let now = NOW + 730 * DAY + late;
        tributary_certs::office::renew_root(&ca, &usb, now).unwrap();
        let medium = folders.at("medium");
        tributary_storage::files::create_private_folder(&medium).unwrap();
        std::fs::copy(usb.join("root.key"), medium.join("root.key")).unwrap();
        let replaced = renew_issuing(&ca, &medium, Some(RevocationReason::KeyCompromise), None, now);
        assert_eq!(replaced.is_ok(), signed, "{late} seconds after its end");
    }
}

#[test]
fn files_of_other_names_are_no_keys_no_authorities_and_no_lists() {
    let folders = Folders::new();
    let (ca, usb, centre) = (folders.ca(), folders.usb(), folders.at("centre"));
    for name in ["root-old-note.txt", "old-root.key", "root.keys", "note.key"] {
        std::fs::write(usb.join(name), "no key\n").unwrap();
    }
    for name in
        ["issuing-old-note.txt", "old-issuing.pem", "revocations-note.txt", "list-revocations.pem", "issuing-oldest.pe"]
    {
        std::fs::write(ca.join(name), "no certificate\n").unwrap();
    }
    std::fs::write(ca.join("revocations-partner.pem"), "a partner's\n").unwrap();
    fresh_root_list(&ca, &usb, 5, NOW).unwrap();
    renew_issuing(&ca, &usb, None, None, NOW + DAY).unwrap();
    let before = contents(&centre);
    renew_coordinator(&ca, &centre, NOW + DAY).unwrap();
    let after = contents(&centre);
    let new: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert_eq!(new, ["revocations-partner.pem"]);
    assert_eq!(after["revocations-partner.pem"], b"a partner's\n");
    assert_eq!(after[names::REVOCATIONS], folders.text());
}

/// A crash while it was replaced leaves the standing authority under an old one's name as well.
#[test]
fn an_authority_that_lies_there_twice_makes_one_list() {
    let folders = Folders::new();
    let ca = folders.ca();
    let issuing = ca.join(names::ISSUING);
    for part in ["pem", "key"] {
        let old = ca.join(format!("issuing-old-{NOW}.{part}"));
        std::fs::copy(issuing.with_extension(part), old).unwrap();
    }
    fresh_list(&ca, 5, NOW).unwrap();
    let lists = lines(&folders);
    assert_eq!(lists.iter().filter(|line| line.starts_with("issuing ")).count(), 1, "{lists:?}");
}

#[test]
fn a_new_root_is_begun_again_where_a_crash_left_no_key_or_one_that_nobody_trusts() {
    for left in [b"".to_vec(), {
        let folder = tempfile::tempdir().unwrap();
        tributary_certs::keys::TlsKey::generate().write(&folder.path().join("key")).unwrap();
        std::fs::read(folder.path().join("key")).unwrap()
    }] {
        let folders = Folders::new();
        let next = folders.usb().join("root.next.key");
        tributary_storage::files::write_private(&next, &left, tributary_storage::files::Existing::Keep).unwrap();
        tributary_certs::office::renew_root(&folders.ca(), &folders.usb(), NOW + DAY).unwrap();
        assert!(!next.exists());
        assert_eq!(read_certificates(&folders.ca().join(names::TRUST)).unwrap().len(), 2);
        // Both roots sign, and the issuing authority.
        let root = format!("root 2 from {} until {}", D - 300, 181 * D);
        assert_eq!(lines(&folders), [format!("issuing 2 from {} until {}", D - 300, 8 * D), root.clone(), root]);
    }
}
