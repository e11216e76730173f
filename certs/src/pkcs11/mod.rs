//! TLS keys in a token: a smart card, a USB token or a hardware security module, through the vendor's PKCS#11 library.
//!
//! ```text
//! a handshake ──digest──► at most `waiting` ──► `threads` threads, each with a session ──► vendor's library ──► token
//!             ◄─signature or, at the deadline, an error─┘
//! ```
//!
//! The key is an ECDSA key on P-256 that the token does not hand out. The token signs digests (CKM_ECDSA over SHA-256). A session that is lost,
//! as when the token was pulled out and is back, is opened again once for each signature that is asked for. A PIN that was refused is never
//! tried again: tokens lock themselves after a few.
//!
//! Does **not** protect against whoever can run code as this process: it can have the token sign. Does **not** check the PIN where another
//! session of this process is logged in to the same token. Loading a vendor's library means trusting it with the whole process.

mod device;
mod error;
mod pool;

use core::fmt;
use std::num::{NonZeroU8, NonZeroU16};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::PublicKeyData;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{OtherError, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use self::device::{Device, Halves, Place, Point};
use self::pool::{Pool, Unanswered};
use crate::keys::PrivateKey;
use tributary_storage::files::{self, FileError};

pub use error::TokenError;

/// Longest PIN, in bytes: more than any token takes.
pub const PIN_BYTES_MAX: usize = 255;

/// How long finding or making a key may take: libraries look for readers, and tokens take seconds to make a key.
const OPEN_DEADLINE: Duration = Duration::from_secs(60);

/// How much is asked of a token at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// Threads, and sessions, that use the token.
    pub threads: NonZeroU8,
    /// Signatures that may wait for a thread; more are refused.
    pub waiting: NonZeroU16,
    /// How long a handshake waits for its signature.
    pub deadline: Duration,
}

impl Default for TokenLimits {
    /// Two threads, 64 waiting, two seconds: less than the five that a handshake may take.
    fn default() -> Self {
        let (threads, waiting) = (NonZeroU8::MIN.saturating_add(1), NonZeroU16::MIN.saturating_add(63));
        Self { threads, waiting, deadline: Duration::from_secs(2) }
    }
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// The vendor's PKCS#11 library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The label of the private key, and of the public key beside it.
    pub key: String,
    /// The file of the user's PIN: one line of text, mode 0600.
    pub pin_file: PathBuf,
    /// How much is asked of the token at once.
    pub limits: TokenLimits,
}

/// A private key of TLS inside a token. Clones are the same key over the same sessions; these end with the last of them.
#[derive(Clone)]
pub struct TokenKey(Arc<Inner>);

struct Inner {
    pool: Pool<Device>,
    place: Arc<Place>,
    limits: TokenLimits,
    point: Point,
    spki: Vec<u8>,
}

impl TokenKey {
    /// Finds a key: logs in with the PIN, and has the key prove that it belongs to the public key beside it.
    ///
    /// # Errors
    /// [`TokenError`], within a minute.
    pub fn open(settings: &TokenSettings) -> Result<Self, TokenError> {
        Self::start(settings, Device::find)
    }

    /// Makes a key inside the token, which will never hand it out. Its label must be free.
    ///
    /// # Errors
    /// [`TokenError`], within a minute. After [`TokenError::Late`] the token may hold the key all the same.
    pub fn generate(settings: &TokenSettings) -> Result<Self, TokenError> {
        Self::start(settings, Device::generate)
    }

    /// Signs a message with ECDSA over SHA-256; the signature is in DER (RFC 3279, section 2.2.3).
    ///
    /// Waits for the token, but no longer than the deadline.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let inner = &self.0;
        let digest: [u8; 32] = Sha256::digest(message).into();
        let answer = inner.pool.call(inner.limits.deadline, move |device| device.sign(&digest));
        let halves = answer.map_err(|why| unanswered(&inner.place, inner.limits, inner.limits.deadline, why))??;
        Ok(signature_der(&halves))
    }

    fn start(
        settings: &TokenSettings,
        begin: impl FnOnce(&mut Device) -> Result<Point, TokenError> + Send + 'static,
    ) -> Result<Self, TokenError> {
        let TokenSettings { module, token, key, pin_file, limits } = settings.clone();
        let pin = read_pin(&pin_file)?;
        let place = Arc::new(Place::new(module, token, key, pin));
        let pool = Pool::start(limits.threads, limits.waiting, || Device::new(&place));
        let pool = pool.map_err(|source| TokenError::Threads { threads: limits.threads, source })?;
        let answer = pool.call(OPEN_DEADLINE, begin);
        let point = answer.map_err(|why| unanswered(&place, limits, OPEN_DEADLINE, why))??;
        let mut inner = Inner { pool, place, limits, point, spki: Vec::new() };
        inner.spki = PublicHalf(&inner.point).subject_public_key_info();
        Ok(Self(Arc::new(inner)))
    }
}

/// Says where the key is; there is nothing else to say.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { token, key, .. } = &*self.0.place;
        f.debug_struct("TokenKey").field("token", token).field("key", key).finish_non_exhaustive()
    }
}

/// A P-256 point as a certificate holds it.
struct PublicHalf<'a>(&'a Point);

impl PublicKeyData for PublicHalf<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl PublicKeyData for TokenKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0.point
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for TokenKey {
    /// The library's error carries no reason: [`TokenKey::sign`] tells it.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Self::sign(self, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

impl PrivateKey for TokenKey {
    fn for_tls(&self) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Ok(Arc::new(self.clone()))
    }
}

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let ours = offered.contains(&SignatureScheme::ECDSA_NISTP256_SHA256);
        ours.then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.spki.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for TokenKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Self::sign(self, message).map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

/// The PIN of a file, without the line's end.
fn read_pin(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut pin = files::read_private(path)?;
    if pin.ends_with(b"\n") {
        pin.pop();
    }
    if pin.ends_with(b"\r") {
        pin.pop();
    }
    let printable = pin.iter().all(|byte| !byte.is_ascii_control());
    if pin.is_empty() || pin.len() > PIN_BYTES_MAX || !printable {
        return Err(FileError::content(path, "PIN file (one line of text)"));
    }
    Ok(pin)
}

fn unanswered(place: &Place, limits: TokenLimits, deadline: Duration, why: Unanswered) -> TokenError {
    let token = place.token.clone();
    match why {
        Unanswered::Busy => TokenError::Busy { token, waiting: limits.waiting },
        Unanswered::Late => TokenError::Late { token, deadline },
    }
}

/// A signature in DER: a sequence of the integers r and s.
fn signature_der(halves: &Halves) -> Vec<u8> {
    let (r, s) = halves.split_at(32);
    let integers = [integer_der(r), integer_der(s)].concat();
    // At most 70 bytes, so that the length is one byte.
    let length = u8::try_from(integers.len()).expect("two integers of at most 35 bytes");
    [[0x30, length].as_slice(), &integers].concat()
}

/// A number without a sign, big-endian, in the fewest bytes whose first bit is 0.
fn integer_der(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let digits = &bytes[first..];
    let sign: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
    let length = u8::try_from(sign.len() + digits.len()).expect("at most 33 bytes");
    [[0x02, length].as_slice(), sign, digits].concat()
}

#[cfg(test)]
mod tests;
