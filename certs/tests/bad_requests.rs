//! Requests, tokens and answers that must be refused, each with its very number, on the side that finds it and on the other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use tributary_certs::binding::{KeyBinding, SignedBinding};
use tributary_certs::enrolment::{
    CoordinatorRequest, EnrolmentError, init_authority, issue_client, issue_coordinator, names,
};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::{Identity, TrustDomain};
use tributary_certs::keys::{TlsKey, read_signing_key};
use tributary_certs::office::{
    Answer, Bundle, EnrolRequest, Hex, Office, REQUEST_BYTES_MAX, RenewRequest, Request, RevocationReason,
    TokenRequest, WhomToRevoke, begin, begin_renewal, decode_answer, decode_request, encode_answer, encode_request,
    install, install_renewal, make_token, revoke,
};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_storage::files::{Existing, write_public};

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;
const URI: &str = "spiffe://federation.example/north-bank/client/branch-1";

/// An authority with a coordinator, one member (`member`, client 1), and a branch that has begun to enrol as `branch-1`.
struct Scene {
    folder: tempfile::TempDir,
    bundle: Bundle,
    request: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        Self::with(false)
    }

    fn with(approval: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&at("authority"), &domain, 1, 1, NOW).expect("made");
        let hosts = ["coordinator.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&at("authority"), &request, &at("centre"), NOW).expect("issued");
        issue_client(&at("authority"), "north-bank", "member", &at("member"), NOW).expect("issued");
        let bundle = token(&at("authority"), at("bundle"), "branch-1", approval);
        let request = begin(&bundle, &at("branch-1")).expect("begun").request;
        Self { folder, bundle, request }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn token(&self) -> String {
        self.bundle.token.expose().to_string()
    }

    fn signing(&self) -> SigningKey {
        read_signing_key(&self.at("branch-1").join(names::SIGNING_KEY)).expect("read")
    }

    fn ask(&self, request: &[u8], now: u64) -> Vec<u8> {
        Office::open(&self.at("authority")).expect("opened").answer(request, now)
    }

    /// The good request with a part of its text replaced.
    fn altered(&self, old: &str, new: &str) -> Vec<u8> {
        let text = String::from_utf8(self.request.clone()).expect("JSON");
        assert!(text.contains(old), "{old}");
        text.replace(old, new).into_bytes()
    }

    /// The good request with its fields changed, not signed anew.
    fn fields(&self, change: impl Fn(&mut EnrolRequest)) -> Vec<u8> {
        let Ok(Request::Enrol(mut request)) = decode_request(&self.request) else { panic!("an enrolment") };
        change(&mut request);
        encode_request(&Request::Enrol(request))
    }

    /// A request with this certificate request, signed as it must be.
    fn with_csr(&self, csr: Vec<u8>) -> Vec<u8> {
        encode_request(&Request::Enrol(EnrolRequest::sign(&self.token(), csr, &self.signing())))
    }

    fn renewal(&self) -> Vec<u8> {
        begin_renewal(&self.at("member"), ClientId(1)).expect("begun").request
    }

    /// A renewal of the member with these parts; whatever is signed is signed by `key`.
    fn renewal_of(&self, tls: &TlsKey, binding: impl Fn(KeyBinding) -> KeyBinding, key: &SigningKey) -> Vec<u8> {
        let identity = member();
        let csr = csr_of(&tls_pair(tls), |parameters| parameters.subject_alt_names = vec![uri(&identity.to_string())]);
        let plain = KeyBinding { client: ClientId(1), tls_spki_sha256: tls.spki_sha256(), sequence: 1 };
        let signed = binding(plain).sign(key).encode().to_vec();
        encode_request(&Request::Renew(RenewRequest::sign(identity, csr, signed, key)))
    }

    fn member_key(&self) -> SigningKey {
        read_signing_key(&self.at("member").join(names::SIGNING_KEY)).expect("read")
    }

    fn renewal_fields(&self, change: impl Fn(&mut RenewRequest)) -> Vec<u8> {
        let Ok(Request::Renew(mut request)) = decode_request(&self.renewal()) else { panic!("a renewal") };
        change(&mut request);
        encode_request(&Request::Renew(request))
    }

    fn revoke(&self, identity: &str) {
        let whom = WhomToRevoke::Identity(Identity::parse(identity).expect("an identity"));
        revoke(&self.at("authority"), &whom, RevocationReason::KeyCompromise, 7, NOW).expect("revoked");
    }
}

fn token(authority: &std::path::Path, path: PathBuf, id: &str, approval: bool) -> Bundle {
    let request = TokenRequest {
        organisation: "north-bank",
        id,
        coordinator_address: "coordinator.example:7443",
        hours: 24,
        approval,
        again: false,
    };
    make_token(authority, &request, &path, NOW).expect("a token");
    Bundle::read(&path).expect("read")
}

fn member() -> Identity {
    Identity::parse("spiffe://federation.example/north-bank/client/member").expect("an identity")
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("ASCII"))
}

fn csr_of(key: &KeyPair, change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.subject_alt_names = vec![uri(URI)];
    change(&mut parameters);
    parameters.serialize_request(key).expect("a request").der().to_vec()
}

fn csr(change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
    csr_of(&KeyPair::generate().expect("a key"), change)
}

fn tls_pair(key: &TlsKey) -> KeyPair {
    let folder = tempfile::tempdir().expect("a folder");
    key.write(&folder.path().join("key")).expect("written");
    KeyPair::from_pem(&std::fs::read_to_string(folder.path().join("key")).expect("read")).expect("a key")
}

/// The good certificate request with its URI's last letter changed after it was signed.
fn renamed(csr: &Hex) -> Hex {
    let mut bytes = csr.0.clone();
    let at = bytes.windows(8).position(|window| window == b"branch-1").expect("the name is there");
    bytes[at + 7] = b'2';
    Hex(bytes)
}

type Make = fn(&Scene) -> Vec<u8>;

/// What is wrong, the number, and the request.
const REQUESTS: &[(&str, FaultKind, Make)] = &[
    ("nothing", RequestUnreadable, |_| vec![]),
    ("no JSON", RequestUnreadable, |_| b"hello".to_vec()),
    ("another JSON", RequestUnreadable, |_| b"{\"a\":1}".to_vec()),
    ("a JSON list", RequestUnreadable, |_| b"[2]".to_vec()),
    ("binary", RequestUnreadable, |_| vec![0xff; 64]),
    ("deeply nested JSON", RequestUnreadable, |_| vec![b'['; 60_000]),
    ("more than 64 KiB", RequestTooLong, |_| vec![b' '; REQUEST_BYTES_MAX + 1]),
    ("a good request behind 64 KiB of blanks", RequestTooLong, |scene| {
        [vec![b' '; REQUEST_BYTES_MAX], scene.request.clone()].concat()
    }),
    ("two requests", RequestUnreadable, |scene| [scene.request.clone(), scene.request.clone()].concat()),
    ("cut off", RequestUnreadable, |scene| scene.request[..scene.request.len() - 9].to_vec()),
    ("version 0", RequestVersion, |scene| scene.altered("\"version\":2", "\"version\":0")),
    ("version 3", RequestVersion, |scene| scene.altered("\"version\":2", "\"version\":3")),
    ("version 65536", RequestVersion, |scene| scene.altered("\"version\":2", "\"version\":65536")),
    ("no version", RequestUnreadable, |scene| scene.altered("\"version\":2,", "")),
    ("an unknown field outside", RequestUnreadable, |scene| scene.altered("\"version\":2", "\"x\":1,\"version\":2")),
    ("an unknown field inside", RequestUnreadable, |scene| scene.altered("\"token\"", "\"x\":1,\"token\"")),
    ("a field twice", RequestUnreadable, |scene| scene.altered("\"token\"", "\"token\":\"\",\"token\"")),
    ("an unknown kind", RequestUnreadable, |scene| scene.altered("\"enrol\"", "\"admit\"")),
    ("an answer", RequestUnreadable, |scene| scene.ask(b"", NOW)),
    ("an unknown token", TokenUnknown, |scene| {
        let request = EnrolRequest::sign(&"00".repeat(16), csr(|_| ()), &scene.signing());
        encode_request(&Request::Enrol(request))
    }),
    ("a token cut off", TokenMalformed, |scene| {
        scene.fields(|request| request.token.truncate(request.token.len() - 1))
    }),
    ("a token with more", TokenMalformed, |scene| scene.fields(|request| request.token += "00")),
    ("no token", TokenMalformed, |scene| scene.fields(|request| request.token.clear())),
    ("a token in upper case", TokenMalformed, |scene| {
        scene.fields(|request| request.token = format!("{}AB", &request.token[2..]))
    }),
    ("a token of letters", TokenMalformed, |scene| scene.fields(|request| request.token = "z".repeat(32))),
    ("a token changed after signing", RequestForged, |scene| scene.fields(|request| request.token = "ab".repeat(16))),
    ("the token's hash instead of it", TokenMalformed, |scene| {
        let stored = std::fs::read_to_string(scene.at("authority").join("tokens")).expect("read");
        let hash = stored.split(' ').nth(4).expect("a line").to_owned();
        scene.fields(|request| request.token.clone_from(&hash))
    }),
    ("the token of another branch", TokenOtherIdentity, |scene| {
        let other = token(&scene.at("authority"), scene.at("other-bundle"), "branch-2", false);
        let request = EnrolRequest::sign(&other.token.expose(), csr(|_| ()), &scene.signing());
        encode_request(&Request::Enrol(request))
    }),
    ("another branch of the same bank", TokenOtherIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names = vec![uri(&URI.replace("branch-1", "branch-2"))]))
    }),
    ("another bank", TokenOtherIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names = vec![uri(&URI.replace("north", "south"))]))
    }),
    ("another federation", TokenOtherIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names = vec![uri(&URI.replace("federation", "other"))]))
    }),
    ("a coordinator", TokenOtherIdentity, |scene| {
        scene
            .with_csr(csr(|parameters| parameters.subject_alt_names = vec![uri(&URI.replace("client", "coordinator"))]))
    }),
    ("a role of people", RequestIdentity, |scene| {
        scene.with_csr(csr(|parameters| {
            parameters.subject_alt_names = vec![uri(&URI.replace("client", "role/auditor"))]
        }))
    }),
    ("a renamed certificate request", RequestUnproven, |scene| {
        let Ok(Request::Enrol(good)) = decode_request(&scene.request) else { panic!("an enrolment") };
        scene.with_csr(renamed(&good.csr).0)
    }),
    ("a certificate request of another key's signature", RequestUnproven, |scene| {
        let (mut one, two) = (csr(|_| ()), csr(|_| ()));
        // Both have the same length but for their signatures.
        let start = one.len() - 60;
        one.truncate(start);
        one.extend_from_slice(&two[two.len() - 60..]);
        scene.with_csr(one)
    }),
    ("a certificate request cut off", RequestUnreadable, |scene| scene.with_csr(csr(|_| ())[..99].to_vec())),
    ("a certificate request with more", RequestUnreadable, |scene| scene.with_csr([csr(|_| ()), vec![0]].concat())),
    ("no certificate request", RequestUnreadable, |scene| scene.with_csr(vec![])),
    ("a certificate instead", RequestUnreadable, |scene| {
        let chain = tributary_certs::tls::read_certificates(&scene.at("member").join(names::CHAIN)).expect("read");
        scene.with_csr(chain[0].to_vec())
    }),
    ("a huge certificate request", RequestUnreadable, |scene| {
        scene.with_csr(csr(|parameters| {
            let name = |index| SanType::DnsName(format!("host-{index:032}.example").try_into().expect("ASCII"));
            parameters.subject_alt_names.extend((0..200).map(name));
        }))
    }),
    ("a certificate request in upper-case digits", RequestUnreadable, |scene| {
        let text = String::from_utf8(scene.request.clone()).expect("JSON");
        let (head, tail) = text.split_once("\"csr\":\"").expect("there");
        format!("{head}\"csr\":\"{}", tail.replacen("30", "3A", 1)).into_bytes()
    }),
    ("no name", RequestIdentity, |scene| scene.with_csr(csr(|parameters| parameters.subject_alt_names.clear()))),
    ("a common name alone", RequestIdentity, |scene| {
        scene.with_csr(csr(|parameters| {
            parameters.subject_alt_names.clear();
            parameters.distinguished_name.push(rcgen::DnType::CommonName, URI);
        }))
    }),
    ("two URIs", RequestIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names.push(uri(&URI.replace("branch-1", "branch-2")))))
    }),
    ("the same URI twice", RequestIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names.push(uri(URI))))
    }),
    ("a URI of another form", RequestIdentity, |scene| {
        scene.with_csr(csr(|parameters| parameters.subject_alt_names = vec![uri("https://federation.example/")]))
    }),
    ("a host name besides", RequestExtras, |scene| {
        scene.with_csr(csr(|parameters| {
            parameters.subject_alt_names.push(SanType::DnsName("coordinator.example".try_into().expect("ASCII")));
        }))
    }),
    ("an address besides", RequestExtras, |scene| {
        let address = SanType::IpAddress("127.0.0.1".parse().expect("an address"));
        scene.with_csr(csr(|parameters| parameters.subject_alt_names.push(address.clone())))
    }),
    ("a mail address besides", RequestExtras, |scene| {
        scene.with_csr(csr(|parameters| {
            parameters.subject_alt_names.push(SanType::Rfc822Name("x@federation.example".try_into().expect("ASCII")));
        }))
    }),
    ("an authority's rights", RequestExtras, |scene| {
        scene.with_csr(csr(|parameters| parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)))
    }),
    ("a server's purpose", RequestExtras, |scene| {
        scene.with_csr(csr(|parameters| parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]))
    }),
    ("the signing of certificates", RequestExtras, |scene| {
        scene.with_csr(csr(|parameters| parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign]))
    }),
    ("an RSA key", RequestKeyKind, |scene| {
        scene.with_csr(csr_of(&KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key"), |_| ()))
    }),
    ("an Ed25519 key", RequestKeyKind, |scene| {
        scene.with_csr(csr_of(&KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key"), |_| ()))
    }),
    ("a key on P-521", RequestKeyKind, |scene| {
        scene.with_csr(csr_of(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).expect("a key"), |_| ()))
    }),
    ("a short signing key", RequestUnreadable, |scene| {
        scene.fields(|request| request.signing_key.0.truncate(request.signing_key.0.len() - 1))
    }),
    ("a signing key of an algorithm that nobody knows", RequestUnreadable, |scene| {
        scene.fields(|request| request.algorithm = 3)
    }),
    ("no signing key", RequestUnreadable, |scene| scene.fields(|request| request.signing_key.0.clear())),
    ("an all-zero signing key", RequestForged, |scene| scene.fields(|request| request.signing_key.0.fill(0))),
    ("another's signing key", RequestForged, |scene| {
        let other = SigningKey::generate(&mut OsEntropy).verifying_key().bytes;
        scene.fields(|request| request.signing_key.0.clone_from(&other))
    }),
    ("a forged signature", RequestForged, |scene| scene.fields(|request| request.signature.0[9] ^= 1)),
    ("a short signature", RequestForged, |scene| {
        scene.fields(|request| request.signature.0.truncate(request.signature.0.len() - 1))
    }),
    ("no signature", RequestForged, |scene| scene.fields(|request| request.signature.0.clear())),
    ("another certificate request under the signature", RequestForged, |scene| {
        scene.fields(|request| request.csr.0 = csr(|_| ()))
    }),
    ("the signing key of another member", KeyTaken, |scene| {
        encode_request(&Request::Enrol(EnrolRequest::sign(&scene.token(), csr(|_| ()), &scene.member_key())))
    }),
    ("the TLS key of another member", KeyTaken, |scene| {
        let key = TlsKey::read(&scene.at("member").join(names::KEY)).expect("read");
        scene.with_csr(csr_of(&tls_pair(&key), |_| ()))
    }),
    ("the renewed TLS key of another member", KeyTaken, |scene| {
        let answer = scene.ask(&scene.renewal(), NOW);
        install_renewal(&scene.at("member"), &answer, NOW).expect("renewed");
        let key = TlsKey::read(&scene.at("member").join(names::KEY)).expect("read");
        scene.with_csr(csr_of(&tls_pair(&key), |_| ()))
    }),
    ("a token used with other keys", TokenUsed, |scene| {
        let _ = scene.ask(&scene.request, NOW);
        begin(&scene.bundle, &scene.at("thief")).expect("begun").request
    }),
    ("a token used with another TLS key", TokenUsed, |scene| {
        let _ = scene.ask(&scene.request, NOW);
        scene.with_csr(csr(|_| ()))
    }),
    ("a token whose branch was issued otherwise", MemberAlready, |scene| {
        issue_client(&scene.at("authority"), "north-bank", "branch-1", &scene.at("issued"), NOW).expect("issued");
        scene.request.clone()
    }),
    ("a branch that was revoked since", MemberRevoked, |scene| {
        let _ = scene.ask(&scene.request, NOW);
        scene.revoke(URI);
        scene.request.clone()
    }),
    ("an organisation with an authority of its own", WrongAuthority, |scene| {
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&scene.at("bank"), &domain, 1, 1, NOW).expect("made");
        let restricted = scene.at("authority").join("trust-north-bank.pem");
        std::fs::copy(scene.at("bank").join(names::TRUST), restricted).expect("copied");
        scene.request.clone()
    }),
    ("no coordinator yet", OfficeUnavailable, |scene| {
        std::fs::remove_file(scene.at("authority").join(names::COORDINATOR)).expect("removed");
        scene.request.clone()
    }),
    ("renewal of a stranger", MemberUnknown, |scene| {
        let stranger = Identity::parse(URI).expect("an identity");
        let (tls, key) = (TlsKey::generate(), scene.signing());
        let binding = KeyBinding { client: ClientId(1), tls_spki_sha256: tls.spki_sha256(), sequence: 1 }.sign(&key);
        let csr = csr_of(&tls_pair(&tls), |_| ());
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
        let csr = csr_of(&tls_pair(&tls), |parameters| parameters.subject_alt_names = vec![uri(&member().to_string())]);
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

#[test]
fn every_bad_request_is_refused_with_its_number() {
    for (name, kind, make) in REQUESTS {
        let scene = Scene::new();
        let request = make(&scene);
        let issued = || std::fs::read(scene.at("authority").join("issued")).expect("read");
        let before = issued();
        let reply = Office::open(&scene.at("authority")).expect("opened").reply(&request, NOW);
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
        let request = TokenRequest {
            organisation: "north-bank",
            id: "branch-9",
            coordinator_address: "coordinator.example:7443",
            hours: 1,
            approval: false,
            again: false,
        };
        make_token(&scene.at("authority"), &request, &scene.at("later"), NOW + 100 * DAY).expect("a token");
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

type Bend = fn(&Scene) -> (Vec<u8>, u64);

fn granted(scene: &Scene, change: impl Fn(&mut tributary_certs::office::Granted)) -> (Vec<u8>, u64) {
    let Ok(Answer::Granted(mut granted)) = decode_answer(&scene.ask(&scene.request, NOW)) else { panic!("granted") };
    change(&mut granted);
    (encode_answer(&Answer::Granted(granted)), NOW)
}

/// What is wrong with the answer, the number that the branch finds, the answer and the branch's time.
const ANSWERS: &[(&str, FaultKind, Bend)] = &[
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
        issue_coordinator(&scene.at("authority"), &request, &scene.at("other-centre"), NOW).expect("issued");
        (scene.ask(&scene.request, NOW), NOW)
    }),
    ("other roster authorities", AnswerPin, |scene| {
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority(&scene.at("others"), &domain, 2, 1, NOW).expect("made");
        let others = std::fs::read(scene.at("others").join(names::AUTHORITIES)).expect("read");
        write_public(&scene.at("authority").join(names::AUTHORITIES), &others, Existing::Replace).expect("written");
        (scene.ask(&scene.request, NOW), NOW)
    }),
    ("the answer to another branch", AnswerOtherKeys, |scene| {
        let other = token(&scene.at("authority"), scene.at("other-bundle"), "branch-2", false);
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

#[test]
fn a_request_that_waits_says_so_on_both_sides() {
    let scene = Scene::with(true);
    let answer = scene.ask(&scene.request, NOW);
    assert!(matches!(decode_answer(&answer), Ok(Answer::Pending { .. })));
    let Err(EnrolmentError::Refused(fault)) = install(&answer, &scene.at("branch-1"), NOW) else { panic!("it waits") };
    assert_eq!((fault.kind, fault.found_by_peer), (ApprovalPending, true));
}

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

/// Faults of requests and answers that earn their place in tests of their own, above and in the files named.
const ELSEWHERE: [FaultKind; 2] = [
    ApprovalPending,
    // certs/tests/office.rs
    ApprovalUnknown,
];

/// Every fault that a request or an answer can have is earned by some case, and no case is told twice.
#[test]
fn every_fault_of_an_enrolment_has_a_case() {
    let requests = REQUESTS.iter().map(|(name, kind, _)| (false, *name, *kind));
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
