//! Bad requests to enrol, and bytes that are no request.

use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use tributary_certs::enrolment::{init_authority, issue_client, names};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::fault::FaultKind::{self, *};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::TlsKey;
use tributary_certs::office::{
    EnrolRequest, Hex, REQUEST_BYTES_MAX, Request, begin, decode_request, encode_request, install_renewal,
};
use tributary_certs::suite::SigningKey;

use crate::scene::{Make, URI, csr, csr_of, uri};
use crate::support::{NOW, pair_of};

/// The good certificate request with its URI's last letter changed after it was signed.
fn renamed(csr: &Hex) -> Hex {
    let mut bytes = csr.0.clone();
    let at = bytes.windows(8).position(|window| window == b"branch-1").expect("the name is there");
    bytes[at + 7] = b'2';
    Hex(bytes)
}

/// What is wrong, the number, and the request.
pub(crate) const ENROLMENTS: &[(&str, FaultKind, Make)] = &[
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
        let stored = std::fs::read_to_string(scene.ca().join("tokens")).expect("read");
        let hash = stored.split(' ').nth(4).expect("a line").to_owned();
        scene.fields(|request| request.token.clone_from(&hash))
    }),
    ("the token of another branch", TokenOtherIdentity, |scene| {
        let other = scene.folders.token("branch-2", false, NOW);
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
        scene.with_csr(csr_of(&pair_of(&key), |_| ()))
    }),
    ("the renewed TLS key of another member", KeyTaken, |scene| {
        let answer = scene.ask(&scene.renewal(), NOW);
        install_renewal(&scene.at("member"), &answer, NOW).expect("renewed");
        let key = TlsKey::read(&scene.at("member").join(names::KEY)).expect("read");
        scene.with_csr(csr_of(&pair_of(&key), |_| ()))
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
        issue_client(&scene.ca(), "north-bank", "branch-1", &scene.at("issued"), NOW).expect("issued");
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
        let restricted = scene.ca().join("trust-north-bank.pem");
        std::fs::copy(scene.at("bank").join(names::TRUST), restricted).expect("copied");
        scene.request.clone()
    }),
    ("no coordinator yet", OfficeUnavailable, |scene| {
        std::fs::remove_file(scene.ca().join(names::COORDINATOR)).expect("removed");
        scene.request.clone()
    }),
];
