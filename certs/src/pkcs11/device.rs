//! One thread's session with a token: finding it, logging in once, finding and proving the key, signing, making a key.

use std::collections::BTreeMap;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Refusal, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::RawAuthPin;
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Halves};
use crate::token::TokenError;
use tributary_storage::files;

/// What a key signs to prove that its public half is its own. No handshake, no certificate and nothing that a person signs begins so.
const PROOF: &[u8] = b"tributary: this key belongs to the public key beside it";

/// The libraries that this process has loaded. They stay: a library may run threads of its own, and may not be loaded twice.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// What joins the two halves of a key in a token (CKA_ID).
pub(super) type Id = Vec<u8>;

/// What the threads of one key share.
pub(super) struct Place<A: Algorithm> {
    pub(super) module: PathBuf,
    pub(super) token: String,
    pub(super) key: String,
    pin: RawAuthPin,
    /// Why the PIN is not tried again. Held while logging in, so that no two threads spend a try each.
    refused: Mutex<Option<PinFault>>,
    /// The public half that was found first: another one later is another key.
    public: OnceLock<A::Public>,
}

/// A key that was found: its public half, and what joins that to the private one.
pub(super) struct Found<A: Algorithm> {
    pub(super) public: A::Public,
    pub(super) id: Id,
}

/// What is wrong with the PIN, until a person has done something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PinFault {
    Wrong,
    LastTry,
    Locked,
    Unset,
}

/// A thread's way to the key.
pub(super) struct Device<A: Algorithm> {
    place: Arc<Place<A>>,
    open: Option<Open>,
}

struct Open {
    session: Session,
    key: ObjectHandle,
}

#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}

impl<A: Algorithm> Device<A> {
    pub(super) fn new(place: &Arc<Place<A>>) -> Self {
        Self { place: Arc::clone(place), open: None }
    }

    /// Opens a session and finds the key, and gives its public half.
    pub(super) fn find(&mut self) -> Result<Found<A>, TokenError> {
        let session = self.place.connect(Access::Read)?;
        self.take(session)
    }

    /// Opens a session, and refuses if the label is taken.
    pub(super) fn is_free(&mut self) -> Result<(), TokenError> {
        let session = self.place.connect(Access::Read)?;
        self.place.is_free(&session)
    }

    /// Makes the key inside the token, never to leave it, and gives its public half.
    pub(super) fn generate(&mut self, id: Id) -> Result<Found<A>, TokenError> {
        let session = self.place.connect(Access::Write)?;
        self.place.generate(&session, id)?;
        self.take(session)
    }

    /// Signs what [`Algorithm::input`] made of a message. After an error of the connection, once more over a new one.
    pub(super) fn sign(&mut self, input: &[u8]) -> Result<Halves, TokenError> {
        if let Some(open) = &self.open {
            match open.session.sign(&A::signing(), open.key, input) {
                Err(refusal) if is_lost(&refusal) => self.open = None,
                answer => return self.place.halves(answer),
            }
        }
        self.find()?;
        let open = self.open.as_ref().expect("found above");
        self.place.halves(open.session.sign(&A::signing(), open.key, input))
    }

    fn take(&mut self, session: Session) -> Result<Found<A>, TokenError> {
        let (key, found) = self.place.find(&session)?;
        self.place.prove(&session, key, &found.public)?;
        if *self.place.public.get_or_init(|| found.public) != found.public {
            return Err(TokenError::Changed { token: self.place.token.clone(), key: self.place.key.clone() });
        }
        self.open = Some(Open { session, key });
        Ok(found)
    }
}

impl<A: Algorithm> Place<A> {
    pub(super) fn new(module: PathBuf, token: String, key: String, mut pin: Zeroizing<Vec<u8>>) -> Self {
        // It moves from one place that is erased to another.
        let pin = RawAuthPin::new(Box::new(mem::take(&mut *pin)));
        Self { module, token, key, pin, refused: Mutex::new(None), public: OnceLock::new() }
    }

    /// A session with the token, logged in. One thread at a time, for the PIN's sake.
    fn connect(&self, access: Access) -> Result<Session, TokenError> {
        let mut refused = self.refused.lock().expect("nothing panics while it holds the lock");
        if let Some(fault) = *refused {
            return Err(self.pin(fault));
        }
        let module = load(&self.module)?;
        let (slot, about) = self.token(&module)?;
        let session = match access {
            Access::Read => module.open_ro_session(slot),
            Access::Write => module.open_rw_session(slot),
        };
        let session = session.map_err(self.call())?;
        if about.login_required()
            && let Err(fault) = self.login(&session, &about)?
        {
            *refused = Some(fault);
            return Err(self.pin(fault));
        }
        Ok(session)
    }

    /// The slot of the one token that has our label.
    fn token(&self, module: &Pkcs11) -> Result<(Slot, TokenInfo), TokenError> {
        let slots = module.get_slots_with_token().map_err(self.call())?;
        // A token that cannot be asked, another's or one just pulled out, is none of ours.
        let about = slots.into_iter().filter_map(|slot| Some((slot, module.get_token_info(slot).ok()?)));
        let all: Vec<_> = about.filter(|(_, about)| about.token_initialized()).collect();
        let present = all.iter().map(|(_, about)| about.label().to_owned()).collect();
        let mut ours: Vec<_> = all.into_iter().filter(|(_, about)| about.label() == self.token).collect();
        match (ours.len(), ours.pop()) {
            (1, Some(found)) => Ok(found),
            (0, _) => Err(TokenError::NoToken { token: self.token.clone(), present }),
            (count, _) => Err(TokenError::SeveralTokens { token: self.token.clone(), count }),
        }
    }

    /// Logs in, unless a session of this process has: then the token does not look at the PIN.
    fn login(&self, session: &Session, about: &TokenInfo) -> Result<Result<(), PinFault>, TokenError> {
        if let Some(fault) = before_trying(about.user_pin_locked(), about.user_pin_final_try()) {
            return Ok(Err(fault));
        }
        match session.login_with_raw(UserType::User, &self.pin) {
            Ok(()) | Err(Refusal::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(Ok(())),
            Err(refusal) => after_trying(&refusal).map(Err).ok_or_else(|| self.call()(refusal)),
        }
    }

    /// The private key of our label and its public half.
    fn find(&self, session: &Session) -> Result<(ObjectHandle, Found<A>), TokenError> {
        let (token, name) = (self.token.clone(), self.key.clone());
        let keys = session.find_objects(&self.template(ObjectClass::PRIVATE_KEY)).map_err(self.call())?;
        let key = match keys[..] {
            [key] => key,
            [] => return Err(TokenError::NoKey { token, key: name }),
            _ => return Err(TokenError::SeveralKeys { token, key: name, count: keys.len() }),
        };
        let wanted = [
            AttributeType::KeyType,
            AttributeType::AlwaysAuthenticate,
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::Id,
        ];
        let (mut public, mut joint) = (self.template(ObjectClass::PUBLIC_KEY), Id::new());
        for attribute in session.get_attributes(key, &wanted).map_err(self.call())? {
            match attribute {
                Attribute::KeyType(kind) if kind == A::KEY_TYPE => {}
                Attribute::KeyType(KeyType::RSA) => return Err(self.kind("an RSA key")),
                Attribute::KeyType(_) => return Err(self.kind("a key of another kind")),
                Attribute::AlwaysAuthenticate(true) => return Err(self.kind("a key that wants the PIN each time")),
                Attribute::Sensitive(false) | Attribute::Extractable(true) => {
                    return Err(TokenError::Exposed { token, key: name });
                }
                Attribute::Id(id) if !id.is_empty() => {
                    joint.clone_from(&id);
                    public.push(Attribute::Id(id));
                }
                _ => {}
            }
        }
        let halves = session.find_objects(&public).map_err(self.call())?;
        let [half] = halves[..] else {
            return Err(TokenError::PublicKeys { token, key: name, count: halves.len() });
        };
        let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
        match &session.get_attributes(half, &wanted).map_err(self.call())?[..] {
            [Attribute::EcParams(curve), Attribute::EcPoint(point)] if A::CURVES.contains(&curve.as_slice()) => {
                let public = A::public(point).ok_or_else(|| self.kind("stored beside an unreadable public key"))?;
                Ok((key, Found { public, id: joint }))
            }
            _ => Err(self.kind("a key on another curve")),
        }
    }

    /// Has the key sign something, which its public half must verify.
    fn prove(&self, session: &Session, key: ObjectHandle, public: &A::Public) -> Result<(), TokenError> {
        let halves = self.halves(session.sign(&A::signing(), key, &A::input(PROOF)))?;
        self.judge(public, PROOF, &halves)
    }

    /// Whether a signature is the key's.
    pub(super) fn judge(&self, public: &A::Public, message: &[u8], halves: &Halves) -> Result<(), TokenError> {
        let wrong = || TokenError::WrongPublicKey { token: self.token.clone(), key: self.key.clone() };
        A::verifies(public, message, halves).then_some(()).ok_or_else(wrong)
    }

    /// Whether nothing has the key's label yet.
    fn is_free(&self, session: &Session) -> Result<(), TokenError> {
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if !session.find_objects(&self.template(class)).map_err(self.call())?.is_empty() {
                return Err(TokenError::KeyExists { token: self.token.clone(), key: self.key.clone() });
            }
        }
        Ok(())
    }

    fn generate(&self, session: &Session, id: Id) -> Result<(), TokenError> {
        self.is_free(session)?;
        let mut refusal = None;
        // A token knows the curve by one of its names, and refuses the others each in its own way.
        for curve in A::CURVES {
            match self.make_pair(session, curve, &id) {
                Ok(()) => return Ok(()),
                Err(error) => refusal.get_or_insert(error),
            };
        }
        Err(self.call()(refusal.expect("a curve has a name")))
    }

    fn make_pair(&self, session: &Session, curve: &[u8], id: &Id) -> Result<(), Refusal> {
        let id = Attribute::Id(id.clone());
        let mut public = self.template(ObjectClass::PUBLIC_KEY);
        public.extend([
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(curve.to_vec()),
            id.clone(),
        ]);
        let mut private = self.template(ObjectClass::PRIVATE_KEY);
        private.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Derive(false),
            id,
        ]);
        session.generate_key_pair(&A::generation(), &public, &private).map(|_| ())
    }

    fn template(&self, class: ObjectClass) -> Vec<Attribute> {
        vec![Attribute::Class(class), Attribute::Token(true), Attribute::Label(self.key.as_bytes().to_vec())]
    }

    fn halves(&self, answer: Result<Vec<u8>, Refusal>) -> Result<Halves, TokenError> {
        let signature = answer.map_err(self.call())?;
        let length = signature.len();
        signature.try_into().map_err(|_| TokenError::Call {
            token: self.token.clone(),
            function: "C_Sign".to_owned(),
            code: format!("a signature of {length} bytes instead of 64"),
        })
    }

    fn kind(&self, found: &'static str) -> TokenError {
        TokenError::KeyKind { token: self.token.clone(), key: self.key.clone(), found, needed: A::NAME }
    }

    fn pin(&self, fault: PinFault) -> TokenError {
        let token = self.token.clone();
        match fault {
            PinFault::Wrong => TokenError::PinWrong { token },
            PinFault::LastTry => TokenError::PinLastTry { token },
            PinFault::Locked => TokenError::PinLocked { token },
            PinFault::Unset => TokenError::PinUnset { token },
        }
    }

    fn call(&self) -> impl FnOnce(Refusal) -> TokenError {
        let token = self.token.clone();
        move |refusal| match refusal {
            Refusal::Pkcs11(code, function) => {
                TokenError::Call { token, function: format!("C_{function:?}"), code: format!("{code:?}") }
            }
            other => TokenError::Call { token, function: "a call".to_owned(), code: other.to_string() },
        }
    }
}

/// Loads a vendor's library, once for the process.
fn load(path: &Path) -> Result<Pkcs11, TokenError> {
    let no_module = |source| TokenError::NoModule { module: path.to_owned(), source };
    // The loader would look for a bare name in other places.
    let module = path.canonicalize().map_err(no_module)?;
    let about = fs::metadata(&module).map_err(no_module)?;
    let folder = fs::metadata(module.parent().unwrap_or(&module)).map_err(no_module)?;
    if !files::only_we_may_change(&about) || !files::only_we_may_change(&folder) {
        return Err(TokenError::OpenModule { module });
    }
    let mut modules = MODULES.lock().expect("nothing panics while it holds the lock");
    let unusable = |refusal: Refusal| TokenError::Module {
        module: module.clone(),
        reason: match refusal {
            Refusal::Pkcs11(code, function) => format!("C_{function:?}: {code:?}"),
            other => other.to_string(),
        },
    };
    let library = match modules.get(&module) {
        Some(library) => library.clone(),
        None => Pkcs11::new(&module).map_err(unusable)?,
    };
    // Each time, for somebody else in this process may have ended it.
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Refusal::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(refusal) => return Err(unusable(refusal)),
    }
    modules.insert(module, library.clone());
    Ok(library)
}

/// Why the PIN is not even tried.
fn before_trying(locked: bool, last_try: bool) -> Option<PinFault> {
    if locked {
        return Some(PinFault::Locked);
    }
    last_try.then_some(PinFault::LastTry)
}

/// What a refused login says about the PIN; `None` if it is about something else.
fn after_trying(refusal: &Refusal) -> Option<PinFault> {
    match refusal {
        Refusal::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => Some(PinFault::Wrong),
        Refusal::Pkcs11(RvError::PinLocked, _) => Some(PinFault::Locked),
        Refusal::Pkcs11(RvError::PinExpired | RvError::UserPinNotInitialized, _) => Some(PinFault::Unset),
        _ => None,
    }
}

/// Whether the session, the token or the library is gone, so that a new session may help.
fn is_lost(refusal: &Refusal) -> bool {
    use RvError::{
        CryptokiNotInitialized, DeviceError, DeviceRemoved, FunctionFailed, GeneralError, KeyHandleInvalid,
        ObjectHandleInvalid, OperationActive, SessionClosed, SessionHandleInvalid, SlotIdInvalid, TokenNotPresent,
        TokenNotRecognized, UserNotLoggedIn,
    };
    matches!(
        refusal,
        Refusal::Pkcs11(
            CryptokiNotInitialized
                | DeviceError
                | DeviceRemoved
                | FunctionFailed
                | GeneralError
                | KeyHandleInvalid
                | ObjectHandleInvalid
                | OperationActive
                | SessionClosed
                | SessionHandleInvalid
                | SlotIdInvalid
                | TokenNotPresent
                | TokenNotRecognized
                | UserNotLoggedIn,
            _
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    #[test]
    fn the_last_try_is_never_spent() {
        assert_eq!(before_trying(false, false), None);
        assert_eq!(before_trying(false, true), Some(PinFault::LastTry));
        assert_eq!(before_trying(true, true), Some(PinFault::Locked));
    }

    #[test]
    fn a_refused_pin_is_told_from_a_token_that_is_gone() {
        let refusal = |code| Refusal::Pkcs11(code, Function::Login);
        for (code, fault) in [
            (RvError::PinIncorrect, PinFault::Wrong),
            (RvError::PinLenRange, PinFault::Wrong),
            (RvError::PinLocked, PinFault::Locked),
            (RvError::UserPinNotInitialized, PinFault::Unset),
        ] {
            assert_eq!(after_trying(&refusal(code)), Some(fault));
            // Never retried as if the connection were to blame.
            assert!(!is_lost(&refusal(code)));
        }
        for code in [RvError::DeviceRemoved, RvError::SessionHandleInvalid, RvError::TokenNotPresent] {
            assert!(after_trying(&refusal(code)).is_none() && is_lost(&refusal(code)));
        }
    }
}
