//! Requests, tokens and answers that must be refused, each with its very number, on the side that finds it and on the other.

mod answers;
mod enrolment;
mod renewals;
mod scene;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use answers::ANSWERS;
use enrolment::ENROLMENTS;
use renewals::RENEWALS;
use scene::{Make, Scene};
use support::{DAY, NOW};
use tributary_certs::enrolment::EnrolmentError;
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::office::{Answer, decode_answer, install};

#[test]
fn every_bad_request_is_refused_with_its_number() {
    for (name, kind, make) in ENROLMENTS.iter().chain(RENEWALS) {
        let scene = Scene::new();
        let request = make(&scene);
        let issued = || std::fs::read(scene.ca().join("issued")).expect("read");
        let before = issued();
        let reply = scene.folders.office().reply(&request, NOW);
        assert!(reply.outcome.contains(&kind.mark()), "{name}: {}", reply.outcome);
        let Ok(Answer::Refused(refused)) = decode_answer(&reply.bytes) else { panic!("{name}: not refused") };
        // The branch is told the same number, in three sentences.
        let told = refused.fault();
        assert_eq!((told.kind, told.found_by_peer), (*kind, true), "{name}");
        assert!(told.to_string().contains(&kind.mark()), "{name}");
        assert_eq!(issued(), before, "{name}: nothing is issued");
    }
}

/// What is refused for the time alone.
const LATE: &[(&str, FaultKind, u64, Make)] = &[
    ("an expired token", TokenExpired, NOW + 24 * 3_600 + 1, |scene| scene.request.clone()),
    ("a renewal after the grace", RenewalTooLate, NOW + 60 * DAY + 1, Scene::renewal),
    ("a signing key of last year", SigningKeyExpired, NOW + 365 * DAY + 1, Scene::renewal),
    ("a token that was forgotten", TokenUnknown, NOW + 100 * DAY, |scene| {
        // Any later token tidies the list up.
        let _ = scene.folders.token("branch-9", false, NOW + 100 * DAY);
        scene.request.clone()
    }),
];

#[test]
fn what_comes_too_late_is_refused_with_its_number() {
    for (name, kind, now, make) in LATE {
        let scene = Scene::new();
        let Ok(Answer::Refused(refused)) = decode_answer(&scene.ask(&make(&scene), *now)) else { panic!("{name}") };
        assert_eq!(refused.fault().kind, *kind, "{name}");
    }
}

#[test]
fn a_request_that_waits_says_so_on_both_sides() {
    let scene = Scene::with(true);
    let answer = scene.ask(&scene.request, NOW);
    assert!(matches!(decode_answer(&answer), Ok(Answer::Pending { .. })));
    let Err(EnrolmentError::Refused(fault)) = install(&answer, &scene.at("branch-1"), NOW) else { panic!("it waits") };
    assert_eq!((fault.kind, fault.found_by_peer), (ApprovalPending, true));
}

/// Faults of requests and answers that earn their place in tests of their own, above and in the files named.
const ELSEWHERE: [FaultKind; 2] = [
    ApprovalPending,
    // certs/tests/office/main.rs
    ApprovalUnknown,
];

/// Every fault that a request or an answer can have is earned by some case, and no case is told twice.
#[test]
fn every_fault_of_an_enrolment_has_a_case() {
    let requests = ENROLMENTS.iter().chain(RENEWALS).map(|(name, kind, _)| (false, *name, *kind));
    let requests = requests.chain(LATE.iter().map(|(name, kind, _, _)| (false, *name, *kind)));
    let cases: Vec<_> = requests.chain(ANSWERS.iter().map(|(name, kind, _)| (true, *name, *kind))).collect();
    let names: BTreeSet<_> = cases.iter().map(|(answer, name, _)| (*answer, *name)).collect();
    assert_eq!(names.len(), cases.len(), "a case has the name of another");
    let of_enrolments = FaultKind::ALL.iter().filter(|kind| (300..400).contains(&kind.number()));
    let missing: Vec<_> = of_enrolments
        .filter(|kind| !ELSEWHERE.contains(kind) && !cases.iter().any(|(_, _, met)| met == *kind))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
