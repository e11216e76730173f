//! The folders of holders and of the office: whose they are, and what a crash leaves in them.

use std::path::{Path, PathBuf};

use tributary_certs::ceremony::{CeremonyError, Holder, install};
use tributary_certs::enrolment::{Apart, init_authority_apart, names, read_members};
use tributary_certs::identity::TrustDomain;
use tributary_certs::roster::print_roster;
use tributary_protocol::roster::RosterError;
use tributary_storage::files::FileError;

use crate::holders::{Federation, NOW, is, names_in};

#[cfg(unix)]
#[test]
fn a_holder_s_folder_is_its_own() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let proposal = federation.propose();
    let anna = federation.at("anna");
    let last = anna.join("roster-last");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    // Signed once with a predecessor, there is a last roster; nobody else reads or changes it.
    federation.sign("anna", &proposal, false).unwrap();
    assert_eq!(std::fs::metadata(&last).unwrap().permissions().mode() & 0o777, 0o600);
    mode(&last, 0o666);
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    mode(&last, 0o600);
    // A link to what the office writes.
    let elsewhere = federation.at("elsewhere");
    std::fs::rename(&last, &elsewhere).unwrap();
    symlink(&elsewhere, &last).unwrap();
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    // One that leads nowhere is not "no roster yet".
    std::fs::rename(&elsewhere, federation.at("gone")).unwrap();
    is(federation.review("anna", &proposal, true), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    std::fs::remove_file(&last).unwrap();
    std::fs::rename(federation.at("gone"), &last).unwrap();
    // A last roster that too few signed is none.
    let text = std::fs::read_to_string(&last).unwrap();
    let cut = text
        .lines()
        .filter(|line| !line.starts_with("signature 1"))
        .fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(&last, cut).unwrap();
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::TooFewSignatures { .. }))
    });
    std::fs::write(&last, text).unwrap();
    mode(&anna, 0o777);
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::OpenFolder { .. }))
    });
    mode(&anna, 0o700);
    assert!(federation.review("anna", &proposal, false).is_ok());
    // The key of another holder under her name, and no key at all.
    std::fs::remove_file(anna.join("authority-0.key")).unwrap();
    std::fs::copy(federation.at("ben").join("authority-1.key"), anna.join("authority-0.key")).unwrap();
    is(Holder::open(&anna).map(|_| ()), |fault| matches!(fault, CeremonyError::OtherKey { authority: 0 }));
    std::fs::remove_file(anna.join("authority-0.key")).unwrap();
    is(Holder::open(&anna).map(|_| ()), |fault| matches!(fault, CeremonyError::NoKey { .. }));
}

/// The office's process ends between the two files that an installation writes.
#[test]
fn an_installation_that_was_cut_is_done_again() {
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let signed = federation.sign("anna", &federation.propose(), false).unwrap();
    let signed = federation.sign("ben", &signed, false).unwrap();
    let before = std::fs::read(federation.ca().join(names::ROSTER)).unwrap();
    install(&federation.ca(), &signed).unwrap();
    std::fs::write(federation.ca().join(names::ROSTER), before).unwrap();
    install(&federation.ca(), &signed).unwrap();
    assert_eq!(federation.in_force(), signed.signed);
    // Another roster of that epoch does not take its place.
    std::fs::write(federation.ca().join("roster-000003"), print_roster(&signed.signed)).unwrap();
    federation.issue("north-bank", "branch-5");
    let next = federation.sign("anna", &federation.propose(), false).unwrap();
    let next = federation.sign("ben", &next, false).unwrap();
    is(install(&federation.ca(), &next), |fault| matches!(fault, CeremonyError::File(FileError::Exists { .. })));
    assert_eq!(federation.in_force(), signed.signed);
}

/// A folder that cannot keep a secret is found out before anything is made, and the second attempt succeeds.
#[cfg(unix)]
#[test]
fn keys_go_nowhere_where_others_could_take_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (ca, open) = (folder.path().join("ca"), folder.path().join("open"));
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let domain = TrustDomain::parse("federation.example").unwrap();
    let holders = [folder.path().join("anna"), open.clone(), folder.path().join("carla")];
    let init = |holders: &[PathBuf]| {
        init_authority_apart(&ca, Apart { offline: &folder.path().join("usb"), holders }, &domain, 3, 2, NOW)
    };
    assert!(init(&holders).is_err() && init(&holders[..2]).is_err());
    for folder in [&ca, &holders[0], &open] {
        assert_eq!(names_in(folder), [""; 0]);
    }
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o700)).unwrap();
    init(&holders).unwrap();
    assert!(read_members(&ca).unwrap().is_empty() && open.join("authority-1.key").exists());
}
