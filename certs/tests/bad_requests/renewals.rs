//! Bad requests to renew, and bad answers to a good one.

use tributary_certs::binding::{KeyBinding, SignedBinding};
use tributary_certs::enrolment::{EnrolmentError, names};
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::Identity;
use tributary_certs::keys::TlsKey;
use tributary_certs::office::{
    Answer, RenewRequest, Request, decode_answer, encode_answer, encode_request, install_renewal,
};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;

use crate::scene::{Make, Scene, URI, csr_of, member, uri};
use crate::support::{NOW, pair_of};

/// What is wrong, the number, and the request.
pub(crate) const RENEWALS: &[(&str, FaultKind, Make)] = &[
    ("renewal of a stranger", MemberUnknown, |scene| {
        let stranger = Identity::parse(URI).expect("an identity");
        let (tls, key) = (TlsKey::generate(), scene.signing());
        let binding = KeyBinding { client: ClientId(1), tls_spki_sha256: tls.spki_sha256(), sequence: 1 }.sign(&key);
        let csr = csr_of(&pair_of(&tls), |_| ());
        encode_request(&Request::Renew(RenewRequest::sign(stranger, csr, binding.encode().to_vec(), &key)))
    }),
    ("renewal with a forged signature", RenewalForged, |scene| {
        scene.renewal_fields(|request| request.signature.0[5] ^= 1)
    }),
    ("renewal without a signature", RenewalForged, |scene| scene.renewal_fields(|request| request.signature.0.clear())),
    ("renewal by another signing key", RenewalForged, |scene| {
        scene.renewal_of(&TlsKey::generate(), |binding| binding, &scene.signing())
    }),
    ("renewal with another client's number", RenewalForged, |scene| {
        let other = |binding| KeyBinding { client: ClientId(2), ..binding };
        scene.renewal_of(&TlsKey::generate(), other, &scene.member_key())
    }),
    ("renewal that binds another key", RenewalForged, |scene| {
        let other = |binding| KeyBinding { tls_spki_sha256: Digest::of(b"other"), ..binding };
        scene.renewal_of(&TlsKey::generate(), other, &scene.member_key())
    }),
    ("renewal with a binding that somebody else signed", RenewalForged, |scene| {
        let (tls, key) = (TlsKey::generate(), scene.member_key());
        let binding = KeyBinding { client: ClientId(1), tls_spki_sha256: tls.spki_sha256(), sequence: 1 };
        let binding = binding.sign(&scene.signing()).encode().to_vec();
        let csr = csr_of(&pair_of(&tls), |parameters| parameters.subject_alt_names = vec![uri(&member().to_string())]);
        encode_request(&Request::Renew(RenewRequest::sign(member(), csr, binding, &key)))
    }),
    ("renewal with a short binding", RequestUnreadable, |scene| {
        scene.renewal_fields(|request| request.binding.0.truncate(request.binding.0.len() - 1))
    }),
    ("renewal with the number 0", RenewalSequence, |scene| {
        let zero = |binding| KeyBinding { sequence: 0, ..binding };
        scene.renewal_of(&TlsKey::generate(), zero, &scene.member_key())
    }),
    ("renewal with the last number", RenewalSequence, |scene| {
        let _ = scene.ask(&scene.renewal(), NOW);
        scene.renewal_of(&TlsKey::generate(), |binding| binding, &scene.member_key())
    }),
    ("renewal for the key of the roster", RenewalSameKey, |scene| {
        let key = TlsKey::read(&scene.at("member").join(names::KEY)).expect("read");
        scene.renewal_of(&key, |binding| binding, &scene.member_key())
    }),
    ("renewal for the key of somebody else", RenewalSameKey, |scene| {
        let key = TlsKey::read(&scene.at("centre").join(names::KEY)).expect("read");
        scene.renewal_of(&key, |binding| binding, &scene.member_key())
    }),
    ("renewal while eight certificates are valid", RenewalTooOften, |scene| {
        // With keys of its own: whoever asks in a loop fills the office's log, which others need.
        let renewal = |sequence| {
            let next = move |binding| KeyBinding { sequence, ..binding };
            scene.renewal_of(&TlsKey::generate(), next, &scene.member_key())
        };
        for sequence in 1..=7 {
            assert!(matches!(decode_answer(&scene.ask(&renewal(sequence), NOW)), Ok(Answer::Granted(_))), "{sequence}");
        }
        renewal(8)
    }),
    ("renewal for a coordinator", RequestIdentity, |scene| {
        let centre = Identity::parse(&URI.replace("client", "coordinator")).expect("an identity");
        scene.renewal_fields(|request| request.identity = centre.clone())
    }),
    ("renewal in the name of a member before it in the alphabet", RequestIdentity, |scene| {
        let other = Identity::parse(&URI.replace("branch-1", "a")).expect("an identity");
        scene.renewal_fields(|request| request.identity = other.clone())
    }),
    ("renewal with an unproven key", RequestUnproven, |scene| {
        scene.renewal_fields(|request| {
            let last = request.csr.0.len() - 1;
            request.csr.0[last] ^= 1;
        })
    }),
    ("renewal of a revoked member", MemberRevoked, |scene| {
        scene.revoke(&member().to_string());
        scene.renewal()
    }),
];

/// A renewal's answer is verified against what the folder trusts; the old pair stays whatever comes.
#[test]
fn a_member_installs_no_bad_renewal() {
    let scene = Scene::new();
    let request = scene.renewal();
    let answer = scene.ask(&request, NOW);
    let with = |change: &dyn Fn(&mut tributary_certs::office::Granted)| {
        let Ok(Answer::Granted(mut granted)) = decode_answer(&answer) else { panic!("granted") };
        change(&mut granted);
        encode_answer(&Answer::Granted(granted))
    };
    let other = Scene::new();
    let cases = [
        ("no binding", AnswerAuthority, with(&|granted| granted.binding = None)),
        ("another signature", AnswerAuthority, with(&|granted| granted.signature.0[12] ^= 1)),
        ("another federation", AnswerAuthority, other.ask(&other.renewal(), NOW)),
        ("an enrolment's answer", AnswerOtherKeys, scene.ask(&scene.request, NOW)),
        ("nothing", AnswerUnreadable, vec![]),
    ];
    let pair = || [names::CHAIN, names::KEY].map(|name| std::fs::read(scene.at("member").join(name)).expect("read"));
    let before = pair();
    for (name, kind, answer) in cases {
        match install_renewal(&scene.at("member"), &answer, NOW) {
            Err(EnrolmentError::Refused(fault)) => assert_eq!(fault.kind, kind, "{name}: {fault}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(pair(), before, "{name}");
    }
    install_renewal(&scene.at("member"), &answer, NOW).expect("the good one");
    assert_ne!(pair(), before);
    let binding = SignedBinding::read(&scene.at("member").join(names::BINDING)).expect("read");
    assert_eq!(binding.binding.sequence, 1);
}
