//! A token that SoftHSM plays, in a process of its own.

use std::env;
use std::path::PathBuf;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use tributary_certs::token::{TokenLimits, TokenSettings};

use super::needed;
use super::softhsm::{self, MISSING, PIN, SWITCH};

/// Says to a test that it runs in its own process, and where.
const FOLDER: &str = "TRIBUTARY_TEST_TOKEN_FOLDER";
pub(crate) const TOKEN: &str = "branch";
pub(crate) const KEY: &str = "tls key";
/// P-256, P-384 and Ed25519 by their names in DER; this token takes the last as a text.
pub(crate) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
pub(crate) const ED25519: &[u8] = b"\x13\x0cedwards25519";

/// Runs a test in its own process, with a fresh token.
pub(crate) fn with_token(name: &str, test: fn(&Workplace)) {
    let Some(module) = softhsm::module() else { return needed::skip(SWITCH, name, MISSING) };
    if let Some(folder) = env::var_os(FOLDER) {
        return test(&Workplace { folder: folder.into(), module: module.to_owned() });
    }
    let folder = tempfile::tempdir().unwrap();
    let place = Workplace { folder: folder.path().to_owned(), module: module.to_owned() };
    softhsm::begin(&place.folder);
    place.make_token(TOKEN);
    let mut command = softhsm::command(env::current_exe().unwrap(), &place.folder);
    let output = command.env(FOLDER, &place.folder).args(["--exact", name, "--nocapture"]).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains(PIN), "the PIN was printed");
}

/// A fresh token, and the folder that everything is in.
pub(crate) struct Workplace {
    pub(crate) folder: PathBuf,
    pub(crate) module: PathBuf,
}

impl Workplace {
    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder.join("tokens")
    }

    pub(crate) fn pin_file(&self) -> PathBuf {
        self.folder.join("pin")
    }

    pub(crate) fn make_token(&self, label: &str) {
        softhsm::make_token(&self.folder, label);
    }

    pub(crate) fn settings(&self, key: &str) -> TokenSettings {
        TokenSettings {
            module: self.module.clone(),
            token: TOKEN.to_owned(),
            key: key.to_owned(),
            pin_file: self.pin_file(),
            limits: TokenLimits::default(),
        }
    }

    pub(crate) fn library(&self) -> Pkcs11 {
        let library = Pkcs11::new(&self.module).unwrap();
        let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        library
    }

    /// A session that may write, to do what is not this program's business.
    pub(crate) fn session(&self) -> Session {
        let library = self.library();
        let slots = library.get_slots_with_initialized_token().unwrap();
        let ours = |slot| library.get_token_info(slot).unwrap().label() == TOKEN;
        let slot = slots.into_iter().find(|slot| ours(*slot)).unwrap();
        let session = library.open_rw_session(slot).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        session
    }

    /// Ends the library under everybody's feet: every session is lost.
    pub(crate) fn lose_sessions(&self) {
        self.library().finalize().unwrap();
    }

    pub(crate) fn make_pair(&self, mechanism: &Mechanism, label: &str, public: &[Attribute], private: &[Attribute]) {
        let common = [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec())];
        let private_common = [Attribute::Private(true), Attribute::Sign(true)];
        let public = [&common, public].concat();
        let private = [&common, &private_common, private].concat();
        self.session().generate_key_pair(mechanism, &public, &private).unwrap();
    }
    /// The objects of a kind and a label.
    pub(crate) fn objects(&self, label: &str, class: ObjectClass) -> Vec<ObjectHandle> {
        let template = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
        self.session().find_objects(&template).unwrap()
    }

    /// Takes both halves of a key away.
    pub(crate) fn destroy(&self, label: &str) {
        let session = self.session();
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            self.objects(label, class).into_iter().for_each(|object| session.destroy_object(object).unwrap());
        }
    }

    /// What a key says of itself, and whether it can be read, wrapped or made extractable.
    pub(crate) fn is_kept_in(&self, label: &str) {
        let session = self.session();
        let [object] = self.objects(label, ObjectClass::PRIVATE_KEY)[..] else { panic!("one private key") };
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
    }

    /// Changes the PIN, after every session was lost.
    pub(crate) fn change_pin(&self, from: &str, to: &str) {
        self.lose_sessions();
        let library = self.library();
        let slots = library.get_slots_with_initialized_token().unwrap();
        let session = library.open_rw_session(slots[0]).unwrap();
        session.set_pin(&AuthPin::from(from), &AuthPin::from(to)).unwrap();
    }
}
