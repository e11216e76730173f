//! Bad answers to an enrolment, which the branch does not install.

use tributary_certs::enrolment::{CoordinatorRequest, EnrolmentError, init_authority, issue_coordinator, names};
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::TrustDomain;
use tributary_certs::office::{
    Answer, EnrolRequest, Request, begin, decode_answer, decode_request, encode_answer, encode_request, install,
};
use tributary_storage::files::{Existing, write_public};

use crate::scene::Scene;
use crate::support::{DAY, NOW};

pub(crate) type Bend = fn(&Scene) -> (Vec<u8>, u64);

fn granted(scene: &Scene, change: impl Fn(&mut tributary_certs::office::Granted)) -> (Vec<u8>, u64) {
    let Ok(Answer::Granted(mut granted)) = decode_answer(&scene.ask(&scene.request, NOW)) else { panic!("granted") };
    change(&mut granted);
    (encode_answer(&Answer::Granted(granted)), NOW)
}

/// What is wrong with the answer, the number that the branch finds, the answer and the branch's time.
pub(crate) const ANSWERS: &[(&str, FaultKind, Bend)] = &[
    ("nothing", AnswerUnreadable, |_| (vec![], NOW)),
    ("a request", AnswerUnreadable, |scene| (scene.request.clone(), NOW)),
    ("cut off", AnswerUnreadable, |scene| {
        let answer = scene.ask(&scene.request, NOW);
        (answer[..answer.len() / 2].to_vec(), NOW)
    }),
    ("of another version", AnswerUnreadable, |scene| {
        let text = String::from_utf8(scene.ask(&scene.request, NOW)).expect("JSON");
        (text.replacen("\"version\":2", "\"version\":9", 1).into_bytes(), NOW)
    }),
    ("longer than 1 MiB", AnswerUnreadable, |_| (vec![b' '; (1 << 20) + 1], NOW)),
    ("no chain", AnswerAuthority, |scene| granted(scene, |granted| granted.chain.clear())),
    ("no trust", AnswerUnreadable, |scene| granted(scene, |granted| granted.trust.clear())),
    ("a file outside the folder", AnswerUnreadable, |scene| {
        granted(scene, |granted| {
            let text = granted.trust[names::TRUST].clone();
            granted.trust.insert("../trust.pem".to_owned(), text);
        })
    }),
    ("another signature", AnswerAuthority, |scene| granted(scene, |granted| granted.signature.0[12] ^= 1)),
    ("no signature", AnswerAuthority, |scene| granted(scene, |granted| granted.signature.0.clear())),
    ("another number", AnswerAuthority, |scene| granted(scene, |granted| granted.client += 1)),
    ("one root more", AnswerAuthority, |scene| {
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&scene.at("intruder"), &domain, 1, 1, NOW).expect("made");
        let root = std::fs::read_to_string(scene.at("intruder").join(names::TRUST)).expect("read");
        granted(scene, |granted| granted.trust.get_mut(names::TRUST).expect("there").push_str(&root))
    }),
    ("another federation's answer", AnswerAuthority, |scene| {
        let other = Scene::new();
        let csr = decode_request(&scene.request);
        let Ok(Request::Enrol(asked)) = csr else { panic!("an enrolment") };
        let request = EnrolRequest::sign(&other.token(), asked.csr.0, &scene.signing());
        (other.ask(&encode_request(&Request::Enrol(request)), NOW), NOW)
    }),
    ("signed by a member instead of an authority", AnswerAuthority, |scene| {
        let leaf =
            tributary_certs::tls::read_certificates(&scene.at("member").join(names::CHAIN)).expect("read").remove(0);
        let leaf = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.to_vec()));
        granted(scene, |granted| granted.issuing.clone_from(&leaf))
    }),
    ("before the authority's time", NotYetValid, |scene| (scene.ask(&scene.request, NOW), NOW - 10 * DAY)),
    ("after the certificate's time", Expired, |scene| (scene.ask(&scene.request, NOW), NOW + 31 * DAY)),
    ("another coordinator", AnswerPin, |scene| {
        let hosts = ["elsewhere.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "other", host_names: &hosts, addresses: &[] };
        issue_coordinator(&scene.ca(), &request, &scene.at("other-centre"), NOW).expect("issued");
        (scene.ask(&scene.request, NOW), NOW)
    }),
    ("other roster authorities", AnswerPin, |scene| {
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&scene.at("others"), &domain, 2, 1, NOW).expect("made");
        let others = std::fs::read(scene.at("others").join(names::AUTHORITIES)).expect("read");
        write_public(&scene.ca().join(names::AUTHORITIES), &others, Existing::Replace).expect("written");
        (scene.ask(&scene.request, NOW), NOW)
    }),
    ("the answer to another branch", AnswerOtherKeys, |scene| {
        let other = scene.folders.token("branch-2", false, NOW);
        let request = begin(&other, &scene.at("branch-2")).expect("begun").request;
        (scene.ask(&request, NOW), NOW)
    }),
    ("pending for other keys", AnswerOtherKeys, |_| {
        (encode_answer(&Answer::Pending { fingerprint: "0000-".repeat(8) }), NOW)
    }),
    ("a number of the future", UnknownToUs, |_| {
        let refused = tributary_certs::office::Refused { number: 399, code: "new".into(), detail: None };
        (encode_answer(&Answer::Refused(refused)), NOW)
    }),
];

#[test]
fn a_branch_installs_no_bad_answer() {
    for (name, kind, bend) in ANSWERS {
        let scene = Scene::new();
        let (answer, now) = bend(&scene);
        match install(&answer, &scene.at("branch-1"), now) {
            Err(EnrolmentError::Refused(fault)) => assert_eq!(fault.kind, *kind, "{name}: {fault}"),
            other => panic!("{name}: {other:?}"),
        }
        for file in [names::CHAIN, names::TRUST, names::AUTHORITIES, names::COORDINATOR] {
            assert!(!scene.at("branch-1").join(file).exists(), "{name}: {file} was written");
        }
    }
}
