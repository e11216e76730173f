//! TLS keys in a token.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::{fs, thread};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use tributary_certs::identity::identity_of;
use tributary_certs::issue::Chain;
use tributary_certs::keys::{PrivateKey, TlsKey};
use tributary_certs::pkcs11::TokenKey;
use tributary_certs::tls::{Credentials, TlsError};
use tributary_certs::token::{TokenError, TokenSettings};
use tributary_storage::files::{Existing, FileError, write_private};
use x509_parser::prelude::{FromDer as _, X509CertificationRequest};

use super::softhsm::PIN;
use super::support::{Federation, NOW, connect_to};
use super::workplace::{KEY, P256, P384, TOKEN, Workplace, with_token};

/// Why a key cannot be opened where something differs from [`Workplace::settings`].
fn fault(place: &Workplace, change: impl FnOnce(&mut TokenSettings)) -> TokenError {
    let mut settings = place.settings(KEY);
    change(&mut settings);
    let error = TokenKey::open(&settings).expect_err("this must fail");
    assert!(!format!("{error} {error:?}").contains(PIN));
    error
}

/// A certificate of a branch for a key that the authority never sees.
fn certify(federation: &Federation, key: &TokenKey) -> Chain {
    let issuing = &federation.authority.issuing;
    let folder = tempfile::tempdir().unwrap();
    issuing.key().write(&folder.path().join("key")).unwrap();
    let issuer_key = TlsKey::read(&folder.path().join("key")).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(issuing.certificate(), issuer_key).unwrap();
    let leaf = parameters().signed_by(key, &issuer).unwrap();
    Chain::new(vec![leaf.into(), issuing.certificate().clone()]).unwrap()
}

fn parameters() -> rcgen::CertificateParams {
    let mut parameters = rcgen::CertificateParams::default();
    // Within the longest life of a leaf.
    let now = time::OffsetDateTime::from_unix_timestamp(NOW.try_into().unwrap()).unwrap();
    (parameters.not_before, parameters.not_after) = (now - time::Duration::HOUR, now + time::Duration::DAY);
    let uri = "spiffe://federation.example/north-bank/client/branch-1";
    parameters.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    parameters
}

fn verifies(key: &TokenKey, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.der_bytes()).verify(message, signature).is_ok()
}

#[test]
fn a_branch_whose_key_is_in_a_token_is_known() {
    with_token("tls::a_branch_whose_key_is_in_a_token_is_known", |place| {
        let federation = Federation::new("federation.example");
        let made = TokenKey::generate(&place.settings(KEY)).unwrap();
        let chain = certify(&federation, &made);
        let spki = made.spki_sha256();
        drop(made);
        let key = TokenKey::open(&place.settings(KEY)).unwrap();
        assert_eq!(key.spki_sha256(), spki);
        let credentials = Credentials::new(chain, &key).unwrap();
        assert_eq!(credentials.spki_sha256().unwrap(), spki);
        let client = federation.client_with(credentials, NOW);
        let shown = format!("{key:?} {client:?}");
        assert!(!shown.contains(PIN) && shown.contains(KEY));
        let (_, server) = connect_to("coordinator.example", &Arc::new(client), &Arc::new(federation.server())).unwrap();
        let leaf: &CertificateDer<'_> = &server.peer_certificates().unwrap()[0];
        assert_eq!(identity_of(leaf).unwrap().to_string(), "spiffe://federation.example/north-bank/client/branch-1");
    });
}

#[test]
fn sixteen_handshakes_share_the_token() {
    with_token("tls::sixteen_handshakes_share_the_token", |place| {
        let federation = Federation::new("federation.example");
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        let credentials = Credentials::new(certify(&federation, &key), &key).unwrap();
        let client = Arc::new(federation.client_with(credentials, NOW));
        let server = Arc::new(federation.server());
        let together = Barrier::new(16);
        thread::scope(|scope| {
            let connect = || {
                together.wait();
                connect_to("coordinator.example", &client, &server).map(|_| ())
            };
            let all: Vec<_> = (0..16).map(|_| scope.spawn(connect)).collect();
            for handshake in all {
                handshake.join().unwrap().unwrap();
            }
        });
    });
}

#[test]
fn a_request_by_a_key_in_the_token_verifies() {
    with_token("tls::a_request_by_a_key_in_the_token_verifies", |place| {
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        let request = parameters().serialize_request(&key).unwrap();
        let (_, parsed) = X509CertificationRequest::from_der(request.der()).unwrap();
        let about = &parsed.certification_request_info;
        assert_eq!(about.subject_pki.raw, key.subject_public_key_info());
        assert!(verifies(&key, about.raw, &parsed.signature_value.data));
        assert!(!verifies(&key, b"another message", &parsed.signature_value.data));
    });
}

#[test]
fn a_key_never_leaves_its_token() {
    with_token("tls::a_key_never_leaves_its_token", |place| {
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        place.is_kept_in(KEY);
        assert!(verifies(&key, b"message", &key.sign(b"message").unwrap()));
    });
}

#[test]
fn what_is_missing_or_wrong_has_its_own_error() {
    with_token("tls::what_is_missing_or_wrong_has_its_own_error", |place| {
        let error = fault(place, |settings| settings.module = "/nowhere/vendor.so".into());
        assert!(matches!(error, TokenError::NoModule { .. }), "{error}");
        let text = place.folder.join("text.so");
        fs::write(&text, "no library").unwrap();
        let error = fault(place, |settings| settings.module.clone_from(&text));
        assert!(matches!(error, TokenError::Module { .. }), "{error}");
        let error = fault(place, |settings| settings.token = "another".to_owned());
        assert!(matches!(&error, TokenError::NoToken { present, .. } if *present == [TOKEN]), "{error}");
        let error = fault(place, |_| ());
        assert!(matches!(error, TokenError::NoKey { .. }), "{error}");
        let error = fault(place, |settings| settings.pin_file = place.folder.join("none"));
        assert!(matches!(error, TokenError::File(FileError::System { .. })), "{error}");
        TokenKey::generate(&place.settings(KEY)).unwrap();
        let error = TokenKey::generate(&place.settings(KEY)).unwrap_err();
        assert!(matches!(error, TokenError::KeyExists { .. }), "{error}");
        place.make_token(TOKEN);
        place.lose_sessions();
        let error = fault(place, |_| ());
        assert!(matches!(error, TokenError::SeveralTokens { count: 2, .. }), "{error}");
    });
}

#[cfg(unix)]
#[test]
fn files_that_others_may_change_are_not_trusted() {
    use std::os::unix::fs::PermissionsExt as _;
    with_token("tls::files_that_others_may_change_are_not_trusted", |place| {
        let copy = place.folder.join("copy.so");
        fs::copy(&place.module, &copy).unwrap();
        write_private(&place.tokens().join("pin"), PIN.as_bytes(), Existing::Keep).unwrap();
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        open(&copy, 0o775);
        let error = fault(place, |settings| settings.module.clone_from(&copy));
        assert!(matches!(error, TokenError::OpenModule { .. }), "{error}");
        open(&copy, 0o755);
        open(&place.folder, 0o777);
        let error = fault(place, |settings| {
            settings.module.clone_from(&copy);
            settings.pin_file = place.tokens().join("pin");
        });
        assert!(matches!(error, TokenError::OpenModule { .. }), "{error}");
        open(&place.folder, 0o700);
        open(&place.pin_file(), 0o640);
        let error = fault(place, |_| ());
        assert!(matches!(error, TokenError::File(FileError::NotPrivate { .. })), "{error}");
    });
}

#[test]
fn keys_of_other_kinds_are_refused() {
    with_token("tls::keys_of_other_kinds_are_refused", |place| {
        let hidden = [Attribute::Sensitive(true), Attribute::Extractable(false)];
        let curve = |name: &[u8]| [Attribute::EcParams(name.to_vec())];
        let rsa = [Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
        place.make_pair(&Mechanism::RsaPkcsKeyPairGen, "rsa", &rsa, &hidden);
        place.make_pair(&Mechanism::EccKeyPairGen, "p384", &curve(P384), &hidden);
        let open = [Attribute::Sensitive(true), Attribute::Extractable(true)];
        place.make_pair(&Mechanism::EccKeyPairGen, "extractable", &curve(P256), &open);
        let plain = [Attribute::Sensitive(false), Attribute::Extractable(false)];
        place.make_pair(&Mechanism::EccKeyPairGen, "readable", &curve(P256), &plain);
        for _ in 0..2 {
            place.make_pair(&Mechanism::EccKeyPairGen, "twice", &curve(P256), &hidden);
        }
        let key = |label: &'static str| fault(place, |settings| settings.key = label.to_owned());
        assert!(matches!(key("rsa"), TokenError::KeyKind { found: "an RSA key", .. }));
        assert!(matches!(key("p384"), TokenError::KeyKind { found: "a key on another curve", .. }));
        assert!(matches!(key("extractable"), TokenError::Exposed { .. }));
        assert!(matches!(key("readable"), TokenError::Exposed { .. }));
        assert!(matches!(key("twice"), TokenError::SeveralKeys { count: 2, .. }));
        // A public half that is another key's, and none at all.
        let session = place.session();
        for label in ["one", "other"] {
            place.make_pair(&Mechanism::EccKeyPairGen, label, &curve(P256), &hidden);
        }
        session.destroy_object(place.objects("one", ObjectClass::PUBLIC_KEY)[0]).unwrap();
        assert!(matches!(key("one"), TokenError::PublicKeys { count: 0, .. }));
        let renamed = [Attribute::Label(b"one".to_vec())];
        session.update_attributes(place.objects("other", ObjectClass::PUBLIC_KEY)[0], &renamed).unwrap();
        assert!(matches!(key("one"), TokenError::WrongPublicKey { .. }));
    });
}

#[test]
fn a_certificate_of_another_key_is_noticed() {
    with_token("tls::a_certificate_of_another_key_is_noticed", |place| {
        let federation = Federation::new("federation.example");
        let ours = TokenKey::generate(&place.settings(KEY)).unwrap();
        let other = TokenKey::generate(&place.settings("other")).unwrap();
        assert_ne!(ours.spki_sha256(), other.spki_sha256());
        let refused = Credentials::new(certify(&federation, &other), &ours).err().unwrap();
        assert!(matches!(refused, TlsError::Library(rustls::Error::InconsistentKeys(_))), "{refused}");
    });
}

#[test]
fn a_wrong_pin_is_tried_once() {
    with_token("tls::a_wrong_pin_is_tried_once", |place| {
        let wrong = place.folder.join("wrong");
        write_private(&wrong, b"1111111", Existing::Keep).unwrap();
        let error = fault(place, |settings| settings.pin_file.clone_from(&wrong));
        assert!(matches!(error, TokenError::PinWrong { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("1111111"));
        // The PIN is changed while the key is in use, and the sessions are lost: the old one is tried once, by whichever thread.
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        place.change_pin(PIN, "2222222");
        assert!(matches!(key.sign(b"message"), Err(TokenError::PinWrong { .. })));
        place.change_pin("2222222", PIN);
        // It would be right again now; nobody tries.
        for _ in 0..8 {
            assert!(matches!(key.sign(b"message"), Err(TokenError::PinWrong { .. })));
        }
        drop(key);
        assert!(TokenKey::open(&place.settings(KEY)).is_ok());
    });
}

#[test]
fn a_token_that_was_away_is_used_again() {
    with_token("tls::a_token_that_was_away_is_used_again", |place| {
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        let works = || key.sign(b"message").map(|signature| assert!(verifies(&key, b"message", &signature)));
        works().unwrap();
        place.lose_sessions();
        works().unwrap();
        let away = place.folder.join("away");
        let exchange = |from: &Path, to: &Path| {
            place.lose_sessions();
            fs::rename(from, to).unwrap();
        };
        exchange(&place.tokens(), &away);
        fs::create_dir(place.tokens()).unwrap();
        assert!(matches!(works(), Err(TokenError::NoToken { .. })));
        // Another token of the same label, with another key of the same label.
        place.make_token(TOKEN);
        place.lose_sessions();
        place.make_pair(
            &Mechanism::EccKeyPairGen,
            KEY,
            &[Attribute::EcParams(P256.to_vec())],
            &[Attribute::Sensitive(true), Attribute::Extractable(false)],
        );
        assert!(matches!(works(), Err(TokenError::Changed { .. })));
        exchange(&place.tokens(), &place.folder.join("another"));
        fs::rename(&away, place.tokens()).unwrap();
        works().unwrap();
        works().unwrap();
    });
}
