use rcgen::PublicKeyData as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::entropy::OsEntropy;
use crate::identity::{Identity, Role};

const NOW: u64 = 1_900_000_000;
const YEAR: Validity = Validity { not_before: NOW, not_after: NOW + 31_536_000 };

/// The same byte for ever.
struct Same(u8);

impl Entropy for Same {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn domain(name: &str) -> TrustDomain {
    TrustDomain::parse(name).unwrap()
}

fn made(entropy: &mut dyn Entropy) -> NewAuthority {
    CertificateAuthority::create(entropy, &domain("federation.example"), YEAR, YEAR).unwrap()
}

fn request(role: Role) -> LeafRequest {
    let identity = Identity::new(domain("federation.example"), "bank", role, "x").unwrap();
    let host_names = if role == Role::Coordinator { vec!["fl.bank.example".to_owned()] } else { vec![] };
    LeafRequest { identity, host_names, addresses: vec![], validity: YEAR }
}

/// What a certificate says: subject, serial number, basic constraints with the path's length, key usages, extended ones, alternative names.
fn said(certificate: &[u8]) -> String {
    let (_, parsed) = X509Certificate::from_der(certificate).unwrap();
    let serial: String = parsed.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect();
    let constraints = parsed.basic_constraints().unwrap().unwrap().value;
    let usage = parsed.key_usage().unwrap().unwrap().value;
    let extended = parsed.extended_key_usage().unwrap().map(|usage| (usage.value.server_auth, usage.value.client_auth));
    let names = parsed.subject_alternative_name().unwrap();
    let names = names.map_or(0, |names| names.value.general_names.len());
    format!(
        "{} serial {serial} authority {} path {:?} signs {} {} {} server and client {extended:?} names {names} until {}",
        parsed.subject(),
        constraints.ca,
        constraints.path_len_constraint,
        usage.digital_signature(),
        usage.key_cert_sign(),
        usage.crl_sign(),
        parsed.validity().not_after.timestamp() - i64::try_from(NOW).unwrap(),
    )
}

#[test]
fn authorities_and_leaves_say_what_they_may_do_and_have_positive_numbers_of_their_own() {
    let new = made(&mut Same(0xff));
    let issuing = &new.issuing;
    let serial = "7fffffffffffffffffffffffffffffff";
    assert_eq!(
        said(&new.root),
        format!(
            "O=federation.example, CN=Tributary root authority ffffffff serial {serial} authority true path Some(1) signs false true true \
             server and client None names 0 until 31536000"
        )
    );
    assert_eq!(
        said(issuing.certificate()),
        format!(
            "O=federation.example, CN=Tributary issuing authority ffffffff serial {serial} authority true path Some(0) signs false true true \
             server and client None names 0 until 31536000"
        )
    );
    assert_eq!(issuing.key().algorithm(), &rcgen::PKCS_ECDSA_P384_SHA384);
    let leaf = |role| {
        let (chain, key) = issuing.issue(&mut Same(0), &request(role)).unwrap();
        assert_eq!(chain.certificates()[1..], [issuing.certificate().clone()]);
        assert_eq!(crate::identity::spki_sha256_of(chain.leaf()).unwrap(), key.spki_sha256());
        said(chain.leaf())
    };
    let least = "40000000000000000000000000000000";
    assert_eq!(
        leaf(Role::Client),
        format!(
            "O=bank, CN=x serial {least} authority false path None signs true false false server and client Some((false, true)) names 1 \
             until 31536000"
        )
    );
    assert_eq!(
        leaf(Role::Coordinator),
        format!(
            "O=bank, CN=x serial {least} authority false path None signs true false false server and client Some((true, false)) names 2 \
             until 31536000"
        )
    );
    let under = |entropy: &mut dyn Entropy| {
        let domain = domain("federation.example");
        CertificateAuthority::under(entropy, &domain, &new.root, &new.root_key, YEAR).unwrap()
    };
    let next = under(&mut Same(1));
    assert!(said(next.certificate()).contains("CN=Tributary issuing authority 01010101 serial 41010101"));
    assert_eq!((next.validity(), next.trust_domain()), (YEAR, &domain("federation.example")));
    assert!(crate::revocation::issued_by(next.certificate(), &new.root));
}

#[test]
fn whatever_no_certificate_may_have_is_refused_by_name() {
    let issuing = made(&mut OsEntropy).issuing;
    let refused = |change: &dyn Fn(&mut LeafRequest), role| {
        let mut request = request(role);
        change(&mut request);
        issuing.issue(&mut OsEntropy, &request).map(|_| ()).unwrap_err()
    };
    let address = "127.0.0.1".parse().unwrap();
    use Role::{Client, Coordinator};
    assert!(matches!(refused(&|one| one.host_names.clear(), Coordinator), IssueError::NoHost));
    assert!(matches!(refused(&|one| one.host_names.push("a.example".into()), Client), IssueError::HostOfClient));
    assert!(matches!(refused(&|one| one.addresses.push(address), Client), IssueError::HostOfClient));
    for bad in ["", "two words", "a..b", "\u{e4}.example", "-a.example:1"] {
        let fault = refused(&|one| one.host_names.push(bad.to_owned()), Coordinator);
        assert!(matches!(fault, IssueError::HostName { name } if name == bad), "{bad:?}");
    }
    let foreign =
        refused(&|one| one.identity = Identity::new(domain("other.example"), "bank", Client, "x").unwrap(), Client);
    assert!(
        matches!(foreign, IssueError::TrustDomain { asked, own } if (asked.as_str(), own.as_str()) == ("other.example", "federation.example"))
    );
    let by_address = LeafRequest { host_names: vec![], addresses: vec![address], ..request(Coordinator) };
    assert!(issuing.issue(&mut OsEntropy, &by_address).is_ok(), "an address alone is enough");
}

#[test]
fn a_validity_is_not_empty_and_ends_within_the_year_9999_and_within_its_issuer() {
    let create = |root, issuing| {
        let made = CertificateAuthority::create(&mut OsEntropy, &domain("federation.example"), root, issuing);
        made.map(|_| ())
    };
    let of = |not_before, not_after| Validity { not_before, not_after };
    let last = of(TIME_MAX - 1, TIME_MAX);
    assert!(create(last, last).is_ok());
    for bad in [of(TIME_MAX, TIME_MAX + 1), of(NOW, NOW), of(NOW + 1, NOW)] {
        let refused = create(bad, bad).unwrap_err();
        let named = (bad.not_before, bad.not_after);
        assert!(matches!(refused, IssueError::Validity { not_before, not_after } if (not_before, not_after) == named));
    }
    let outer = of(NOW, NOW + 10);
    assert!(create(outer, outer).is_ok());
    for inner in [of(NOW - 1, NOW + 10), of(NOW, NOW + 11)] {
        assert!(matches!(create(outer, inner), Err(IssueError::OutsideIssuer)));
    }
    let new = made(&mut OsEntropy);
    let under = |validity| {
        let domain = domain("federation.example");
        CertificateAuthority::under(&mut OsEntropy, &domain, &new.root, &new.root_key, validity).map(|_| ())
    };
    assert!(under(YEAR).is_ok());
    assert!(matches!(under(of(YEAR.not_before - 1, YEAR.not_after)), Err(IssueError::OutsideIssuer)));
    assert_eq!(Validity::starting(1_000, 50), of(700, 1_050));
    assert_eq!(Validity::starting(299, u64::MAX), of(0, u64::MAX));
}
