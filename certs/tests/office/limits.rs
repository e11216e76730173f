//! The last second of everything that ends, and the first one after it; and what stands beside it unchanged.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use tributary_certs::enrolment::{EnrolmentError, init_authority, names, read_members};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::TrustDomain;
use tributary_certs::inspect::validity_of;
use tributary_certs::issue::Validity;
use tributary_certs::office::{
    Answer, Bundle, RevocationReason, Revoked, TokenRequest, WhomToRevoke, begin, begin_renewal, certify,
    decode_answer, install, install_lists, install_renewal, make_token, read_issued, read_revoked, renew_coordinator,
    renew_issuing, renew_root, revoke,
};
use tributary_certs::tls::read_certificates;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_storage::files::FileError;

use crate::support::folders::{Folders, kind};
use crate::support::{DAY, NOW};

/// Whether the office gives a certificate at once, or why not; a request that waits has `ApprovalPending`.
fn asked(federation: &Folders, request: &[u8], now: u64) -> Option<FaultKind> {
    match decode_answer(&federation.office().answer(request, now)).unwrap() {
        Answer::Granted(_) => None,
        Answer::Pending { .. } => Some(FaultKind::ApprovalPending),
        Answer::Refused(refused) => Some(refused.fault().kind),
        Answer::Lists(_) => panic!("nobody asked for lists"),
    }
}

#[test]
fn a_token_counts_to_its_last_second_and_is_remembered_for_ninety_days_after_it() {
    let federation = Folders::whole();
    let begun = ["branch-1", "branch-2"]
        .map(|id| begin(&federation.token(id, false, NOW), &federation.at(id)).unwrap().request);
    let end = NOW + 24 * 3_600;
    assert_eq!(asked(&federation, &begun[0], end + 1), Some(FaultKind::TokenExpired));
    assert_eq!(asked(&federation, &begun[0], end), None);
    for (later, expected) in [(end + 90 * DAY, FaultKind::TokenExpired), (end + 90 * DAY + 1, FaultKind::TokenUnknown)]
    {
        // Whoever makes a token puts the list in order.
        drop(federation.token("branch-9", false, later));
        assert_eq!(asked(&federation, &begun[1], later), Some(expected));
    }
}

#[test]
fn a_token_lives_from_one_hour_to_seventy_two_and_leads_to_an_address() {
    let federation = Folders::whole();
    let make = |hours: u64, coordinator_address: &str| {
        let id = format!("b{hours}");
        let request =
            TokenRequest { organisation: "bank", id: &id, coordinator_address, hours, approval: false, again: false };
        make_token(&federation.ca(), &request, &federation.at(&format!("{hours}.bundle")), NOW).map(|_| ())
    };
    for hours in [1, 72] {
        make(hours, "a:1").unwrap();
    }
    for (hours, address) in [(0, "a:1"), (73, "a:1"), (5, "a")] {
        assert!(matches!(make(hours, address), Err(EnrolmentError::Token { .. })), "{hours} {address}");
    }
    let tokens = std::fs::read_to_string(federation.ca().join("tokens")).unwrap();
    let ends: Vec<String> = tokens.lines().skip(1).map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect();
    assert_eq!(ends, [NOW + 3_600, NOW + 72 * 3_600].map(|end| end.to_string()));
}

#[test]
fn a_newer_token_takes_the_place_of_one_that_was_not_used_and_of_no_other() {
    let federation = Folders::whole();
    let begun = |id: &str, folder: &str, again, now| {
        begin(&federation.token(id, again, now), &federation.at(folder)).unwrap().request
    };
    let (first, other) = (begun("branch-1", "first", false, NOW), begun("branch-2", "branch-2", false, NOW));
    let second = begun("branch-1", "second", false, NOW + 1);
    assert_eq!(asked(&federation, &first, NOW + 2), Some(FaultKind::TokenUnknown));
    assert_eq!((asked(&federation, &other, NOW + 2), asked(&federation, &second, NOW + 2)), (None, None));
    // The one that was used stays: whoever lost the answer asks again.
    drop(federation.token("branch-1", true, NOW + 3));
    assert_eq!(asked(&federation, &second, NOW + 4), None);
    assert_eq!(read_issued(&federation.ca()).unwrap().len(), 3, "nothing was issued twice");
    let again = federation.asked_token("branch-1", false, false, NOW + 5).map(|_| ());
    assert_eq!(kind(again), FaultKind::MemberAlready);
}

#[test]
fn a_renewal_needs_nobody_to_the_last_second_and_a_person_to_the_end_of_the_grace() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let request = begin_renewal(&federation.at("branch-1"), client).unwrap().request;
    let end = NOW + 30 * DAY;
    let cases = [
        (NOW + 365 * DAY + 1, Some(FaultKind::SigningKeyExpired)),
        (NOW + 365 * DAY, Some(FaultKind::RenewalTooLate)),
        (end + 30 * DAY + 1, Some(FaultKind::RenewalTooLate)),
        (end + 30 * DAY, Some(FaultKind::ApprovalPending)),
        (end + 1, Some(FaultKind::ApprovalPending)),
        (end, None),
    ];
    for (now, expected) in cases {
        assert_eq!(asked(&federation, &request, now), expected, "{now}");
    }
}

#[test]
fn the_ninth_certificate_is_given_when_one_of_the_eight_has_ended() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    for _ in 0..7 {
        federation.renew("branch-1", client, NOW).unwrap();
    }
    let request = begin_renewal(&federation.at("branch-1"), client).unwrap().request;
    let end = NOW + 30 * DAY;
    assert_eq!(asked(&federation, &request, end), Some(FaultKind::RenewalTooOften));
    assert_eq!(asked(&federation, &request, end + 1), Some(FaultKind::ApprovalPending));
}

#[test]
fn the_renewals_of_two_members_are_counted_apart() {
    let federation = Folders::whole();
    let [first, second] = ["branch-1", "branch-2"].map(|id| federation.enrol(id, NOW).client);
    for now in [NOW + 1, NOW + 2] {
        federation.renew("branch-1", first, now).unwrap();
    }
    federation.renew("branch-2", second, NOW + 3).unwrap();
    federation.renew("branch-1", first, NOW + 4).unwrap();
    let bindings = federation.office().bindings().unwrap();
    let numbers: Vec<(ClientId, u64)> = bindings.iter().map(|one| (one.binding.client, one.binding.sequence)).collect();
    assert_eq!(numbers, [(first, 3), (second, 1)]);
}

#[test]
fn a_bank_with_an_authority_of_its_own_renews_by_that_authority_alone() {
    let federation = Folders::whole();
    let bank = federation.at("bank");
    init_authority(&bank, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
    std::fs::copy(bank.join(names::TRUST), federation.ca().join("trust-north-bank.pem")).unwrap();
    let branch = federation.at("branch-1");
    let begun = begin(&federation.token("branch-1", false, NOW), &branch).unwrap();
    let register = |request: &[u8], now| {
        let chain = certify(&bank, request, now).unwrap();
        federation.office().register(request, &chain, now).bytes
    };
    let client = install(&register(&begun.request, NOW), &branch, NOW).unwrap().client;
    let renewal = begin_renewal(&branch, client).unwrap().request;
    assert_eq!(asked(&federation, &renewal, NOW + DAY), Some(FaultKind::WrongAuthority));
    install_renewal(&branch, &register(&renewal, NOW + DAY), NOW + DAY).unwrap();
    let leaf = federation.credentials("branch-1").leaf().clone();
    assert_eq!(validity_of(&leaf).unwrap(), Validity::starting(NOW + DAY, 30 * DAY));
    assert_eq!(read_issued(&bank).unwrap().len(), 2, "its own office made both");
}

#[test]
fn a_bundle_names_the_root_above_the_issuing_authority() {
    let federation = Folders::whole();
    let (ca, root) = (federation.ca(), |place: usize| {
        Digest::of(&read_certificates(&federation.ca().join(names::TRUST)).unwrap()[place])
    });
    assert_eq!(federation.token("branch-1", false, NOW).root_sha256, root(0));
    renew_root(&ca, &ca, NOW + 1).unwrap();
    assert_eq!(federation.token("branch-1", false, NOW + 2).root_sha256, root(0));
    renew_issuing(&ca, &ca, None, None, NOW + 3).unwrap();
    assert_eq!(federation.token("branch-1", false, NOW + 4).root_sha256, root(1));
}

#[test]
fn nothing_that_is_issued_outlives_the_authority_above_it() {
    let federation = Folders::whole();
    let client = federation.enrol("branch-1", NOW).client;
    let (ca, now) = (federation.ca(), NOW + 720 * DAY);
    // The branch starts anew, because its certificate has ended long ago.
    let begun = begin(&federation.token("branch-1", true, now), &federation.at("anew")).unwrap();
    tributary_certs::office::fresh_root_list(&ca, &ca, 180, now).unwrap();
    assert_eq!(
        install(&federation.office().answer(&begun.request, now), &federation.at("anew"), now).unwrap().client,
        client
    );
    let end = NOW + 730 * DAY;
    assert_eq!(
        validity_of(federation.credentials("anew").leaf()).unwrap(),
        Validity { not_before: now - 300, not_after: end }
    );
    let chain = certify(&ca, &begin_renewal(&federation.at("anew"), client).unwrap().request, now).unwrap();
    assert_eq!(validity_of(&chain[0]).unwrap().not_after, end);
    assert_eq!(
        renew_coordinator(&ca, &federation.at("centre"), now).unwrap(),
        Validity { not_before: now - 300, not_after: end }
    );
    // An issuing authority ends with its root, which lasts ten years.
    let late = NOW + 3_000 * DAY;
    let issuing = renew_issuing(&ca, &ca, None, None, late).unwrap();
    assert_eq!(issuing.validity, Validity { not_before: late - 300, not_after: NOW + 3_650 * DAY });
    let root = renew_root(&ca, &ca, late).unwrap();
    assert_eq!(root.validity, Validity { not_before: late - 300, not_after: late + 3_650 * DAY });
    assert_eq!(renew_issuing(&ca, &ca, None, None, late).unwrap().validity, Validity::starting(late, 730 * DAY));
}

#[test]
fn a_revocation_is_of_every_certificate_that_has_not_ended() {
    for (late, count) in [(0, 2), (1, 1)] {
        let federation = Folders::whole();
        let installed = federation.enrol("branch-1", NOW);
        federation.enrol("branch-2", NOW);
        federation.renew("branch-1", installed.client, NOW + DAY).unwrap();
        let now = NOW + 30 * DAY + late;
        let whom = WhomToRevoke::Identity(installed.identity.clone());
        let done = revoke(&federation.ca(), &whom, RevocationReason::AffiliationChanged, 7, now).unwrap();
        let issued = read_issued(&federation.ca()).unwrap();
        let own = issued.iter().filter(|line| line.identity == installed.identity && line.validity.not_after >= now);
        let expected: Vec<Revoked> = own
            .map(|line| Revoked {
                identity: line.identity.clone(),
                serial: line.serial.clone(),
                not_after: line.validity.not_after,
                at: now,
                reason: RevocationReason::AffiliationChanged,
            })
            .collect();
        assert_eq!((expected.len(), &done.certificates), (count, &expected));
        assert_eq!(read_revoked(&federation.ca()).unwrap(), expected);
        assert_eq!(read_members(&federation.ca()).unwrap().len(), 2, "its line stays, and a mark keeps it out");
    }
}

#[test]
fn an_enrolled_folder_begins_no_other_enrolment() {
    let federation = Folders::whole();
    federation.enrol("branch-1", NOW);
    let before = crate::support::folders::contents(&federation.at("branch-1"));
    let refused = begin(&federation.token("branch-2", false, NOW), &federation.at("branch-1"));
    assert!(matches!(refused, Err(EnrolmentError::File(FileError::Exists { path })) if path.ends_with(names::CHAIN)));
    assert_eq!(crate::support::folders::contents(&federation.at("branch-1")), before);
}

#[test]
fn an_answer_of_another_kind_installs_nothing_and_its_fault_is_told() {
    let federation = Folders::whole();
    let branch = federation.at("branch-1");
    let begun = begin(&federation.token("branch-1", false, NOW), &branch).unwrap();
    let mut office = federation.office();
    let lists = office.answer(&tributary_certs::office::lists_request(), NOW);
    assert_eq!(kind(install(&lists, &branch, NOW)), FaultKind::AnswerUnreadable);
    let granted = office.answer(&begun.request, NOW);
    let pending =
        tributary_certs::office::encode_answer(&Answer::Pending { fingerprint: begun.fingerprint.to_string() });
    let refused = office.answer(b"{}", NOW);
    // The root's list counts for 180 days, and is judged before the certificate.
    for (now, expected) in
        [(NOW + 180 * DAY, FaultKind::Expired), (NOW + 180 * DAY + 1, FaultKind::RevocationListExpired)]
    {
        assert_eq!(kind(install(&granted, &branch, now)), expected);
    }
    let issuing = validity_of(&read_certificates(&federation.ca().join(names::ISSUING)).unwrap()[0]).unwrap();
    let early = install(&granted, &branch, issuing.not_before - 1).unwrap_err().to_string();
    assert!(early.contains("[102 ") && early.contains("the office's issuing authority"), "{early}");
    install(&granted, &branch, issuing.not_before).unwrap();
    let take = |answer: &[u8]| kind(install_lists(&branch, answer, NOW));
    assert_eq!((take(&granted), take(&pending)), (FaultKind::AnswerUnreadable, FaultKind::AnswerUnreadable));
    assert_eq!((take(&refused), take(b"")), (FaultKind::RequestUnreadable, FaultKind::AnswerUnreadable));
    assert!(!install_lists(&branch, &lists, NOW).unwrap(), "the same lists are no news");
}

#[test]
fn a_bundle_comes_back_from_its_file_whole() {
    let federation = Folders::whole();
    let bundle = federation.token("branch-1", false, NOW);
    let path = federation.at("copy.bundle");
    bundle.write(&path, tributary_storage::files::Existing::Keep).unwrap();
    let again = Bundle::read(&path).unwrap();
    assert_eq!(again.identity, bundle.identity);
    assert_eq!(again.coordinator_address, "coordinator.example:7443");
    assert_eq!((again.root_sha256, &again.coordinator), (bundle.root_sha256, &bundle.coordinator));
    assert_eq!((&again.authorities, &again.lists), (&bundle.authorities, &bundle.lists));
    assert_eq!(again.token.expose(), bundle.token.expose());
}

#[test]
fn a_coordinator_is_revoked_by_its_certificates_alone_and_a_member_without_any_by_its_mark() {
    let federation = Folders::whole();
    let installed = federation.enrol("branch-1", NOW);
    let revoked = |identity| {
        let done =
            revoke(&federation.ca(), &WhomToRevoke::Identity(identity), RevocationReason::Superseded, 7, NOW).unwrap();
        (done.certificates.len(), done.member, done.denied)
    };
    assert_eq!(revoked(federation.coordinator()), (1, false, false));
    std::fs::remove_file(federation.ca().join("issued")).unwrap();
    assert_eq!(revoked(installed.identity.clone()), (0, true, true));
    assert_eq!(revoked(installed.identity), (0, false, false));
}
