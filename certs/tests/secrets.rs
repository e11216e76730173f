//! Private keys in what is printed: nowhere. Types that hold one cannot be printed at all; those that lead to one print none of its bytes.

mod support;

use std::fmt::Debug;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use support::{Federation, MONTH};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::Role;
use tributary_certs::issue::CertificateAuthority;
use tributary_certs::keys::{PrivateKey as _, TlsKey, read_signing_key, write_signing_key};
use tributary_certs::people::SigningPerson;
use tributary_certs::suite::{ExchangeSecret, MaskStream, ShareScalar, SigningKey};
use tributary_certs::tls::Credentials;
use tributary_storage::files::{Existing, write_private};

/// Does not compile if the type implements the trait: which implementation is meant would then be ambiguous.
macro_rules! never {
    ($forbidden:path: $($kind:ty),+) => {
        const _: () = {
            trait Ambiguous<Witness> {
                fn witness() {}
            }
            struct Has;
            impl<Any: ?Sized> Ambiguous<()> for Any {}
            impl<Any: ?Sized + $forbidden> Ambiguous<Has> for Any {}
            $(let _ = <$kind as Ambiguous<_>>::witness;)+
        };
    };
}

never!(std::fmt::Debug: TlsKey, SigningKey, SigningPerson, ExchangeSecret, MaskStream, ShareScalar, Credentials, CertificateAuthority);
never!(std::fmt::Display: TlsKey, SigningKey, SigningPerson, ExchangeSecret, MaskStream, ShareScalar, Credentials, CertificateAuthority);
never!(Clone: TlsKey, SigningKey, SigningPerson, ExchangeSecret, Credentials, CertificateAuthority);

/// The ways in which eight bytes of a key would show.
fn traces(key: &[u8]) -> Vec<String> {
    let forms = |bytes: &[u8]| {
        let each = |print: fn(&u8) -> String, between: &str| bytes.iter().map(print).collect::<Vec<_>>().join(between);
        [each(|b| b.to_string(), ", "), each(|b| format!("{b:02x}"), ""), each(|b| format!("{b:02X}"), "")]
    };
    key.windows(8).flat_map(forms).collect()
}

fn assert_silent(text: &str, traces: &[String]) {
    for trace in traces {
        assert!(!text.contains(trace.as_str()), "a part of a private key is printed");
    }
}

#[test]
fn a_trace_is_found_where_there_is_one() {
    let key: Vec<u8> = (100..140).collect();
    let traces = traces(&key);
    let found = |text: &str| traces.iter().any(|trace| text.contains(trace.as_str()));
    assert!(found(&format!("{key:?}")) && found("..65666768696a6b6c..") && !found(&format!("{:?}", &key[..7])));
}

#[test]
fn configurations_and_signers_print_no_key() {
    let federation = Federation::new("federation.example");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let issue = |role, id| {
        let request = federation.request(role, id, MONTH);
        federation.authority.issuing.issue(&mut OsEntropy, &request).unwrap()
    };
    let (chain, key) = issue(Role::Client, "branch-1");
    key.write(&path).unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_file(&path).unwrap();
    // The scalar stands behind 36 bytes that every P-256 key begins with; the public half follows it and may be printed.
    let der = der.secret_pkcs8_der();
    assert_eq!(&der[34..36], [0x04, 32], "an octet string of 32 bytes");
    let traces = traces(&der[36..68]);
    let signer = key.for_tls().unwrap();
    assert_silent(&format!("{signer:#?} {signer:?}"), &traces);
    let chosen = signer.choose_scheme(&[rustls::SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
    assert_silent(&format!("{chosen:#?} {chosen:?}"), &traces);
    let client = federation.client_with(Credentials::new(chain, &key).unwrap(), support::NOW);
    assert_silent(&format!("{client:?} {:?}", client.client_auth_cert_resolver), &traces);
}

#[test]
fn errors_about_key_files_print_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");
    let key = SigningKey::generate(&mut OsEntropy);
    write_signing_key(&key, &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let mut traces = traces(key.seed().as_slice());
    traces.extend(body.as_bytes().windows(12).map(|part| String::from_utf8_lossy(part).into_owned()));
    let check = |error: &dyn Debug, said: String| assert_silent(&format!("{error:?} {said}"), &traces);
    for (number, damaged) in [text.replace("END", "DNE"), text.replacen(&body, &body[1..], 1)].iter().enumerate() {
        let path = folder.path().join(number.to_string());
        write_private(&path, damaged.as_bytes(), Existing::Keep).unwrap();
        let error = read_signing_key(&path).err().unwrap();
        check(&error, error.to_string());
        let error = TlsKey::read(&path).err().unwrap();
        check(&error, error.to_string());
    }
    let error = write_signing_key(&key, &path).unwrap_err();
    check(&error, error.to_string());
}
