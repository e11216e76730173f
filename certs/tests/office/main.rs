//! The office from a token to a member, and what a crash, a courier or a second branch must not change.

mod authorities;
mod limits;
mod lists;
mod people_told;
mod renewal;
mod revoking;
#[path = "../support/mod.rs"]
mod support;
mod told;
#[path = "../../../tests/written.rs"]
mod written;

use support::folders::{Folders, contents, kind, names_in};
use support::{DAY, NOW};
use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{issue_client, names, read_coordinator, read_members};
use tributary_certs::fault::FaultKind;
use tributary_certs::inspect::serial_of;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::office::{
    Answer, Bundle, Fingerprint, Office, approve, begin, decode_answer, install, read_issued, read_waiting,
};
use tributary_certs::revocation::SEEN;
use tributary_protocol::ids::ClientId;

#[test]
fn a_token_makes_the_folder_that_issuing_makes() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    issue_client(&federation.ca(), "south-bank", "branch-2", &federation.at("branch-2"), NOW).unwrap();
    assert_eq!(installed.client, ClientId(1));
    // And the numbers of the lists that its bundle knew.
    let mut made = names_in(&federation.at("branch-1"));
    made.retain(|name| name != SEEN);
    assert_eq!(made, names_in(&federation.at("branch-2")));
    assert!(federation.at("branch-1").join(SEEN).exists());
    let member = read_members(&federation.ca()).unwrap().remove(0);
    assert_eq!(member.identity, installed.identity);
    assert_eq!(member.entry.tls_spki_sha256, federation.credentials("branch-1").spki_sha256().unwrap());
    let signing = read_verifying_key(&federation.at("branch-1").join(names::SIGNING_PUBLIC)).unwrap();
    assert_eq!(member.entry.signing_key, signing);
    assert!(read_coordinator(&federation.at("branch-1").join(names::COORDINATOR)).is_ok());
    assert_eq!(sign_roster(&federation.ca()).unwrap().roster.entries().len(), 2);
    let issued = read_issued(&federation.ca()).unwrap();
    assert_eq!(issued.len(), 3);
    assert!(issued.iter().any(|line| line.serial == serial_of(federation.credentials("branch-1").leaf()).unwrap()));
}

#[cfg(unix)]
#[test]
fn keys_and_bundles_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let federation = Folders::whole();
    begin(&federation.token("branch-1", false, NOW), &federation.at("branch-1")).unwrap();
    let bundle = federation.bundle("branch-1", false, NOW);
    let begun = ["identity.key", "signing.key", "enrolment.bundle"].map(|name| federation.at("branch-1").join(name));
    for path in begun.iter().chain([&bundle]) {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let token = std::fs::read_to_string(&bundle).unwrap();
    let token = token.lines().last().unwrap().strip_prefix("token ").unwrap().to_owned();
    let stored = std::fs::read_to_string(federation.ca().join("tokens")).unwrap();
    assert!(token.len() == 32 && !stored.contains(&token));
}

#[test]
fn one_more_branch_changes_no_byte_of_the_others() {
    let federation = Folders::whole();
    federation.enrol("branch-1", NOW);
    let before = ["centre", "branch-1"].map(|daemon| contents(&federation.at(daemon)));
    federation.enrol("branch-2", NOW + DAY);
    assert_eq!(before, ["centre", "branch-1"].map(|daemon| contents(&federation.at(daemon))));
}

#[test]
fn the_same_request_is_answered_with_the_same_certificate() {
    let federation = Folders::whole();
    let begun = begin(&federation.token("branch-1", false, NOW), &federation.at("branch-1")).unwrap();
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
    assert_eq!(read_issued(&federation.ca()).unwrap().len(), 2);
    assert_eq!(read_members(&federation.ca()).unwrap().len(), 1);
}

/// The office ends after each durable step in turn: the same request is granted, and other keys are not.
#[test]
fn a_crash_of_the_office_gives_nothing_twice() {
    for cut in ["granted", "issued", "members"] {
        let federation = Folders::whole();
        let bundle = federation.token("branch-1", false, NOW);
        let begun = begin(&bundle, &federation.at("branch-1")).unwrap();
        let before = contents(&federation.ca());
        let _ = federation.office().answer(&begun.request, NOW);
        // What the later steps wrote never was.
        let undone = match cut {
            "granted" => &["granted", "issued", "members"][..],
            "issued" => &["issued"],
            _ => &["members", "issued"],
        };
        for name in undone {
            let path = federation.ca().join(name);
            match before.get(*name) {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_dir_all(&path).unwrap(),
            }
        }
        let stranger = begin(&bundle, &federation.at("stranger")).unwrap();
        let refused = install(&federation.office().answer(&stranger.request, NOW), &federation.at("stranger"), NOW);
        assert_eq!(kind(refused), FaultKind::TokenUsed, "{cut}");
        install(&federation.office().answer(&begun.request, NOW), &federation.at("branch-1"), NOW).unwrap();
        let leaf = federation.credentials("branch-1").leaf().clone();
        let logged = read_issued(&federation.ca()).unwrap();
        assert!(logged.iter().any(|line| line.serial == serial_of(&leaf).unwrap()), "{cut}");
        assert_eq!(read_members(&federation.ca()).unwrap().len(), 1, "{cut}");
    }
}

#[test]
fn a_person_approves_what_both_sides_read() {
    let federation = Folders::whole();
    let begun =
        begin(&federation.asked_token("branch-1", true, false, NOW).unwrap(), &federation.at("branch-1")).unwrap();
    let answer = |federation: &Folders| federation.office().answer(&begun.request, NOW);
    let error = install(&answer(&federation), &federation.at("branch-1"), NOW).unwrap_err();
    assert!(error.to_string().contains(&begun.fingerprint.to_string()) && error.to_string().contains("[314 "));
    let waiting = read_waiting(&federation.ca()).unwrap();
    assert_eq!((waiting.len(), waiting[0].fingerprint, waiting[0].approval.is_some()), (1, begun.fingerprint, false));
    assert!(read_members(&federation.ca()).unwrap().is_empty());
    let other = Fingerprint::parse("0123-4567-89ab-cdef-0123-4567-89ab-cdef").unwrap();
    assert_eq!(kind(approve(&federation.ca(), &[other], "anna", NOW)), FaultKind::ApprovalUnknown);
    assert_eq!(kind(install(&answer(&federation), &federation.at("branch-1"), NOW)), FaultKind::ApprovalPending);
    let typed = begun.fingerprint.to_string().replace('-', "").to_uppercase();
    approve(&federation.ca(), &[Fingerprint::parse(&typed).unwrap()], "anna", NOW).unwrap();
    install(&answer(&federation), &federation.at("branch-1"), NOW).unwrap();
    assert!(read_waiting(&federation.ca()).unwrap().is_empty());
}

/// Writers at the same time lose nothing of each other.
/// Before anybody asks.
#[test]
fn an_office_with_a_damaged_file_does_not_open() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    federation.renew("branch-1", client, NOW + DAY).unwrap();
    for name in ["trust.pem", "members", "tokens", "approvals", "issued", "revoked", "denied", "bindings"] {
        let path = federation.ca().join(name);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, "damaged\n").unwrap();
        assert!(Office::open(&federation.ca()).is_err(), "{name}");
        match before {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert!(Office::open(&federation.ca()).is_ok(), "{name}");
    }
}

#[test]
fn one_change_of_the_folder_at_a_time() {
    let federation = Folders::whole();
    std::thread::scope(|scope| {
        for index in 0..8 {
            let federation = &federation;
            scope.spawn(move || federation.enrol(&format!("branch-{index}"), NOW));
        }
    });
    let members = read_members(&federation.ca()).unwrap();
    let numbers: Vec<u32> = members.iter().map(|member| member.entry.client.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(read_issued(&federation.ca()).unwrap().len(), 9);
}

#[test]
fn whatever_is_asked_there_is_an_answer() {
    let federation = Folders::whole();
    let begun = begin(&federation.token("branch-1", false, NOW), &federation.at("branch-1")).unwrap();
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
    std::fs::remove_file(federation.ca().join("issuing.key")).unwrap();
    let reply = office.reply(&begun.request, NOW);
    assert!(reply.outcome.contains("[328 ") && reply.outcome.contains("issuing.key"), "{}", reply.outcome);
    assert!(!String::from_utf8(reply.bytes).unwrap().contains("issuing.key"));
}
