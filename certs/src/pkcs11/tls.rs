//! A private key of TLS inside a token.

use core::fmt;
use std::sync::Arc;

use rcgen::PublicKeyData;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{OtherError, SignatureAlgorithm, SignatureScheme};
use tributary_protocol::entropy::Entropy as _;

use super::algorithm::{EcdsaP256, Halves, Point};
use super::device::{Found, Place};
use super::held::{Held, Reach};
use crate::entropy::OsEntropy;
use crate::keys::PrivateKey;
use crate::token::{TokenError, TokenSettings};

/// A private key of TLS inside a token. Clones are the same key over the same sessions; these end with the last of them.
#[derive(Clone)]
pub struct TokenKey(Arc<Inner>);

struct Inner {
    held: Held<EcdsaP256>,
    spki: Vec<u8>,
}

impl TokenKey {
    /// Finds a key: logs in with the PIN, and has the key prove that it belongs to the public key beside it.
    ///
    /// # Errors
    /// [`TokenError`], within a minute.
    pub fn open(settings: &TokenSettings) -> Result<Self, TokenError> {
        Self::begin(settings, Reach::find)
    }

    /// Makes a key inside the token, which will never hand it out. Its label must be free.
    ///
    /// # Errors
    /// [`TokenError`], within a minute. After [`TokenError::Late`] the token may hold the key all the same.
    pub fn generate(settings: &TokenSettings) -> Result<Self, TokenError> {
        Self::begin(settings, |reach| reach.generate(OsEntropy.bytes32()[..16].to_vec()))
    }

    /// Signs a message with ECDSA over SHA-256; the signature is in DER (RFC 3279, section 2.2.3).
    ///
    /// Waits for the token, but no longer than the deadline.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        Ok(signature_der(&self.0.held.sign(message)?))
    }

    fn begin(
        settings: &TokenSettings,
        begin: impl FnOnce(&Reach<EcdsaP256>) -> Result<Found<EcdsaP256>, TokenError>,
    ) -> Result<Self, TokenError> {
        let reach = Reach::start(settings)?;
        let found = begin(&reach)?;
        let spki = PublicHalf(&found.public).subject_public_key_info();
        Ok(Self(Arc::new(Inner { held: reach.hold(&found), spki })))
    }
}

/// Says where the key is; there is nothing else to say.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { token, key, .. } = &*self.0.held.reach.place;
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
        &self.0.held.public
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
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_fewest_bytes_and_no_sign() {
        for (number, der) in [
            (&[0, 0, 0][..], &[2, 1, 0][..]),
            (&[0, 0, 1], &[2, 1, 1]),
            (&[0, 0x7f, 0xff], &[2, 2, 0x7f, 0xff]),
            (&[0, 0x80, 0], &[2, 3, 0, 0x80, 0]),
            (&[0xff, 0, 1], &[2, 4, 0, 0xff, 0, 1]),
        ] {
            assert_eq!(integer_der(number), der);
        }
    }

    /// The library's own fixed and DER signatures agree: enough of them that both halves were short and long.
    #[test]
    fn a_verifier_reads_the_converted_signatures() {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{
            ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
        };
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key());
        let mut lengths = std::collections::BTreeSet::new();
        for number in 0..600_u32 {
            let message = number.to_le_bytes();
            let halves = Halves::try_from(pair.sign(&random, &message).unwrap().as_ref()).unwrap();
            let der = signature_der(&halves);
            public.verify(&message, &der).unwrap();
            lengths.insert(der.len());
        }
        assert!(lengths.contains(&70) && lengths.contains(&71) && lengths.contains(&72), "{lengths:?}");
    }
}
