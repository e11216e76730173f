//! TLS keys in a token, which SoftHSM plays. Where SoftHSM is not installed, each test says that it was skipped, or fails if
//! `TRIBUTARY_TEST_TOKEN` is set.
//!
//! SoftHSM takes the place of its tokens from the environment, and one process has one. Each test therefore runs itself again in a process of its
//! own, with a fresh token in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../tests/needed.rs"]
mod needed;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::{env, fs, thread};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use support::{Federation, NOW, connect_to};
use tributary_certs::identity::identity_of;
use tributary_certs::issue::Chain;
use tributary_certs::keys::{PrivateKey, TlsKey};
use tributary_certs::pkcs11::{TokenError, TokenKey, TokenLimits, TokenSettings};
use tributary_certs::tls::{Credentials, TlsError};
use tributary_storage::files::{Existing, FileError, write_private};
use x509_parser::prelude::{FromDer as _, X509CertificationRequest};

/// Says to a test that it runs in its own process, and where.
const FOLDER: &str = "TRIBUTARY_TEST_TOKEN_FOLDER";
const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];
const TOKEN: &str = "branch";
const KEY: &str = "tls key";
/// Digits that nothing else prints.
const PIN: &str = "8675309";
/// P-256 and P-384 by their names in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

fn module() -> Option<&'static Path> {
    MODULES.into_iter().map(Path::new).find(|module| module.exists())
}

/// Runs a test in its own process, with a fresh token.
fn with_token(name: &str, test: fn(&Workplace)) {
    let Some(module) = module() else {
        return needed::skip("TRIBUTARY_TEST_TOKEN", name, "SoftHSM (softhsm2) is not installed");
    };
    if let Some(folder) = env::var_os(FOLDER) {
        return test(&Workplace { folder: folder.into(), module: module.to_owned() });
    }
    let folder = tempfile::tempdir().unwrap();
    let place = Workplace { folder: folder.path().to_owned(), module: module.to_owned() };
    fs::create_dir(place.tokens()).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", place.tokens().display());
    fs::write(folder.path().join("softhsm2.conf"), text).unwrap();
    write_private(&place.pin_file(), format!("{PIN}\n").as_bytes(), Existing::Keep).unwrap();
    place.make_token(TOKEN);
    let output = place.command(&env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains(PIN), "the PIN was printed");
}

struct Workplace {
    folder: PathBuf,
    module: PathBuf,
}

impl Workplace {
    fn tokens(&self) -> PathBuf {
        self.folder.join("tokens")
    }

    fn pin_file(&self) -> PathBuf {
        self.folder.join("pin")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.folder.join("softhsm2.conf")).env(FOLDER, &self.folder);
        command
    }

    fn make_token(&self, label: &str) {
        let mut command = self.command(Path::new("softhsm2-util"));
        command.args(["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN]);
        let output = command.output().expect("softhsm2-util comes with its library");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn settings(&self, key: &str) -> TokenSettings {
        TokenSettings {
            module: self.module.clone(),
            token: TOKEN.to_owned(),
            key: key.to_owned(),
            pin_file: self.pin_file(),
            limits: TokenLimits::default(),
        }
    }

    fn error(&self, change: impl FnOnce(&mut TokenSettings)) -> TokenError {
        let mut settings = self.settings(KEY);
        change(&mut settings);
        let error = TokenKey::open(&settings).expect_err("this must fail");
        assert!(!format!("{error} {error:?}").contains(PIN));
        error
    }

    fn library(&self) -> Pkcs11 {
        let library = Pkcs11::new(&self.module).unwrap();
        let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        library
    }

    /// A session that may write, to do what is not this program's business.
    fn session(&self) -> Session {
        let library = self.library();
        let slots = library.get_slots_with_initialized_token().unwrap();
        let ours = |slot| library.get_token_info(slot).unwrap().label() == TOKEN;
        let slot = slots.into_iter().find(|slot| ours(*slot)).unwrap();
        let session = library.open_rw_session(slot).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        session
    }

    /// Ends the library under everybody's feet: every session is lost.
    fn lose_sessions(&self) {
        self.library().finalize().unwrap();
    }

    fn make_pair(&self, mechanism: &Mechanism, label: &str, public: &[Attribute], private: &[Attribute]) {
        let common = [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec())];
        let private_common = [Attribute::Private(true), Attribute::Sign(true)];
        let public = [&common, public].concat();
        let private = [&common, &private_common, private].concat();
        self.session().generate_key_pair(mechanism, &public, &private).unwrap();
    }
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
    with_token("a_branch_whose_key_is_in_a_token_is_known", |place| {
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
    with_token("sixteen_handshakes_share_the_token", |place| {
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
    with_token("a_request_by_a_key_in_the_token_verifies", |place| {
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
    with_token("a_key_never_leaves_its_token", |place| {
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        let session = place.session();
        let private = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(KEY.as_bytes().to_vec())];
        let [object] = session.find_objects(&private).unwrap()[..] else { panic!("one private key") };
        let kinds = [
            AttributeType::Sensitive,
            AttributeType::AlwaysSensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
        ];
        let found = session.get_attributes(object, &kinds).unwrap();
        let [
            Attribute::Sensitive(true),
            Attribute::AlwaysSensitive(true),
            Attribute::Extractable(false),
            Attribute::NeverExtractable(true),
        ] = found[..]
        else {
            panic!("{found:?}")
        };
        assert!(session.get_attributes(object, &[AttributeType::Value]).unwrap().is_empty());
        let wrapping = [Attribute::ValueLen(32.into()), Attribute::Wrap(true), Attribute::Extractable(true)];
        let wrapping = session.generate_key(&Mechanism::AesKeyGen, &wrapping).unwrap();
        assert!(session.wrap_key(&Mechanism::AesKeyWrapPad, wrapping, object).is_err());
        assert!(session.update_attributes(object, &[Attribute::Extractable(true)]).is_err());
        assert!(verifies(&key, b"message", &key.sign(b"message").unwrap()));
    });
}

#[test]
fn what_is_missing_or_wrong_has_its_own_error() {
    with_token("what_is_missing_or_wrong_has_its_own_error", |place| {
        let error = place.error(|settings| settings.module = "/nowhere/vendor.so".into());
        assert!(matches!(error, TokenError::NoModule { .. }), "{error}");
        let text = place.folder.join("text.so");
        fs::write(&text, "no library").unwrap();
        let error = place.error(|settings| settings.module.clone_from(&text));
        assert!(matches!(error, TokenError::Module { .. }), "{error}");
        let error = place.error(|settings| settings.token = "another".to_owned());
        assert!(matches!(&error, TokenError::NoToken { present, .. } if *present == [TOKEN]), "{error}");
        let error = place.error(|_| ());
        assert!(matches!(error, TokenError::NoKey { .. }), "{error}");
        let error = place.error(|settings| settings.pin_file = place.folder.join("none"));
        assert!(matches!(error, TokenError::File(FileError::System { .. })), "{error}");
        TokenKey::generate(&place.settings(KEY)).unwrap();
        let error = TokenKey::generate(&place.settings(KEY)).unwrap_err();
        assert!(matches!(error, TokenError::KeyExists { .. }), "{error}");
        place.make_token(TOKEN);
        place.lose_sessions();
        let error = place.error(|_| ());
        assert!(matches!(error, TokenError::SeveralTokens { count: 2, .. }), "{error}");
    });
}

#[cfg(unix)]
#[test]
fn files_that_others_may_change_are_not_trusted() {
    use std::os::unix::fs::PermissionsExt as _;
    with_token("files_that_others_may_change_are_not_trusted", |place| {
        let copy = place.folder.join("copy.so");
        fs::copy(&place.module, &copy).unwrap();
        write_private(&place.tokens().join("pin"), PIN.as_bytes(), Existing::Keep).unwrap();
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        open(&copy, 0o775);
        let error = place.error(|settings| settings.module.clone_from(&copy));
        assert!(matches!(error, TokenError::OpenModule { .. }), "{error}");
        open(&copy, 0o755);
        open(&place.folder, 0o777);
        let error = place.error(|settings| {
            settings.module.clone_from(&copy);
            settings.pin_file = place.tokens().join("pin");
        });
        assert!(matches!(error, TokenError::OpenModule { .. }), "{error}");
        open(&place.folder, 0o700);
        open(&place.pin_file(), 0o640);
        let error = place.error(|_| ());
        assert!(matches!(error, TokenError::File(FileError::NotPrivate { .. })), "{error}");
    });
}

#[test]
fn keys_of_other_kinds_are_refused() {
    with_token("keys_of_other_kinds_are_refused", |place| {
        let hidden = [Attribute::Sensitive(true), Attribute::Extractable(false)];
        let curve = |name: &[u8]| [Attribute::EcParams(name.to_vec())];
        let rsa = [Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
        place.make_pair(&Mechanism::RsaPkcsKeyPairGen, "rsa", &rsa, &hidden);
        place.make_pair(&Mechanism::EccKeyPairGen, "p384", &curve(&P384), &hidden);
        let open = [Attribute::Sensitive(true), Attribute::Extractable(true)];
        place.make_pair(&Mechanism::EccKeyPairGen, "extractable", &curve(&P256), &open);
        let plain = [Attribute::Sensitive(false), Attribute::Extractable(false)];
        place.make_pair(&Mechanism::EccKeyPairGen, "readable", &curve(&P256), &plain);
        for _ in 0..2 {
            place.make_pair(&Mechanism::EccKeyPairGen, "twice", &curve(&P256), &hidden);
        }
        let key = |label: &'static str| place.error(|settings| settings.key = label.to_owned());
        assert!(matches!(key("rsa"), TokenError::KeyKind { found: "an RSA key", .. }));
        assert!(matches!(key("p384"), TokenError::KeyKind { found: "a key on another curve", .. }));
        assert!(matches!(key("extractable"), TokenError::Exposed { .. }));
        assert!(matches!(key("readable"), TokenError::Exposed { .. }));
        assert!(matches!(key("twice"), TokenError::SeveralKeys { count: 2, .. }));
        // A public half that is another key's, and none at all.
        let session = place.session();
        let halves = |label: &str, class| {
            let template = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
            session.find_objects(&template).unwrap()
        };
        for label in ["one", "other"] {
            place.make_pair(&Mechanism::EccKeyPairGen, label, &curve(&P256), &hidden);
        }
        session.destroy_object(halves("one", ObjectClass::PUBLIC_KEY)[0]).unwrap();
        assert!(matches!(key("one"), TokenError::PublicKeys { count: 0, .. }));
        let renamed = [Attribute::Label(b"one".to_vec())];
        session.update_attributes(halves("other", ObjectClass::PUBLIC_KEY)[0], &renamed).unwrap();
        assert!(matches!(key("one"), TokenError::WrongPublicKey { .. }));
    });
}

#[test]
fn a_certificate_of_another_key_is_noticed() {
    with_token("a_certificate_of_another_key_is_noticed", |place| {
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
    with_token("a_wrong_pin_is_tried_once", |place| {
        let wrong = place.folder.join("wrong");
        write_private(&wrong, b"1111111", Existing::Keep).unwrap();
        let error = place.error(|settings| settings.pin_file.clone_from(&wrong));
        assert!(matches!(error, TokenError::PinWrong { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("1111111"));
        // The PIN is changed while the key is in use, and the sessions are lost: the old one is tried once, by whichever thread.
        let key = TokenKey::generate(&place.settings(KEY)).unwrap();
        let change = |from: &str, to: &str| {
            place.lose_sessions();
            let library = place.library();
            let slots = library.get_slots_with_initialized_token().unwrap();
            let session = library.open_rw_session(slots[0]).unwrap();
            session.set_pin(&AuthPin::from(from), &AuthPin::from(to)).unwrap();
        };
        change(PIN, "2222222");
        assert!(matches!(key.sign(b"message"), Err(TokenError::PinWrong { .. })));
        change("2222222", PIN);
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
    with_token("a_token_that_was_away_is_used_again", |place| {
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
