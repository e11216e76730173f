//! What a certificate says in words reaches people, and only as words.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use tributary_certs::fault::FaultKind;
use tributary_certs::inspect::{Inspection, inspect_chain, verify_chain};
use tributary_certs::tls::TrustRoots;
use tributary_protocol::printable::is_hidden;

/// Clears the screen, begins a line of its own, and turns the direction.
const HOSTILE: &str = "main\u{1b}[2J\nproblems      none\u{202e}";
const SHOWN: &str = "main\\u{1b}[2J\\u{a}problems      none\\u{202e}";

/// A certificate that signed itself, with hostile words as its subject and its host.
fn certificate(authority: bool) -> CertificateDer<'static> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, HOSTILE);
    // Of ASCII, which is all that a host name may hold.
    let host = "a\u{1b}[1mb\n".try_into().expect("ASCII");
    let uri = "spiffe://federation.example/north-bank/client/x".try_into().expect("ASCII");
    parameters.subject_alt_names = vec![SanType::DnsName(host), SanType::URI(uri)];
    if authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    parameters.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").into()
}

fn check(found: &Inspection) {
    assert!(found.subject.contains(SHOWN) && found.issuer.contains(SHOWN), "{found:?}");
    let (text, json) = (found.to_string(), serde_json::to_string(found).expect("plain data"));
    assert!(text.lines().all(|line| !line.contains(is_hidden)), "{text:?}");
    assert!(text.lines().any(|line| line.starts_with("hosts         a\\u{1b}[1mb\\u{a}")), "{text:?}");
    assert_eq!(text.lines().filter(|line| line.starts_with("subject")).count(), 1);
    assert!(!text.lines().any(|line| line.starts_with("problems      none\u{202e}")), "{text:?}");
    assert!(!json.contains(is_hidden) && json.contains("none\\\\u{202e}"), "{json:?}");
}

#[test]
fn an_inspection_shows_a_hostile_subject_escaped() {
    check(&inspect_chain(&[certificate(false)], None, 0).expect("it is a certificate"));
    check(&inspect_chain(&[certificate(true)], None, 0).expect("it is a certificate"));
}

/// What a handshake refuses is logged with the subject.
#[test]
fn a_refusal_shows_a_hostile_subject_escaped() {
    let roots = TrustRoots::new([certificate(true)]).expect("one root");
    let (leaf, authority) = (certificate(false), certificate(true));
    let cases = [
        (&authority, &[][..], FaultKind::AuthorityAsLeaf),
        (&leaf, std::slice::from_ref(&leaf), FaultKind::IssuedByLeaf),
    ];
    for (first, above, kind) in cases {
        let fault = verify_chain(&roots, first, above, 0).expect_err("it is refused");
        assert_eq!(fault.kind, kind);
        let text = fault.to_string();
        assert!(text.contains(SHOWN) && !text.contains(is_hidden), "{text:?}");
        assert!(!serde_json::to_string(&fault).expect("plain data").contains(is_hidden));
    }
}
