//! A person's signing key inside a token.

use core::fmt;

use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use super::algorithm::{Ed25519, Halves};
use super::device::Place;
use super::held::{Held, Reach};
use crate::token::{TokenError, TokenSettings};

/// A token that a person can reach, where the person's key is or will be. The PIN is tried once, with the first call.
pub struct TokenPerson(Reach<Ed25519>);

/// An Ed25519 key inside a token, with which a person signs. Its session ends with it.
pub struct TokenSigningKey(Held<Ed25519>);

impl TokenPerson {
    /// Reads the PIN. The token is not asked yet.
    ///
    /// # Errors
    /// [`TokenError::File`], [`TokenError::Threads`].
    pub fn new(settings: &TokenSettings) -> Result<Self, TokenError> {
        Ok(Self(Reach::start(settings)?))
    }

    /// Whether nothing has the key's label yet.
    ///
    /// # Errors
    /// [`TokenError::KeyExists`] if something has; [`TokenError`], within a minute.
    pub fn is_free(&self) -> Result<(), TokenError> {
        self.0.is_free()
    }

    /// Finds the key, and has it prove that it belongs to the public key beside it.
    ///
    /// # Errors
    /// [`TokenError`], within a minute.
    pub fn find(self) -> Result<TokenSigningKey, TokenError> {
        let found = self.0.find()?;
        Ok(TokenSigningKey(self.0.hold(&found)))
    }

    /// The key whose halves `id` joins: as it was made before, or made now inside the token, which will never hand it out.
    ///
    /// # Errors
    /// [`TokenError::KeyExists`] if the label is another key's; [`TokenError`], within two minutes. After [`TokenError::Late`] the token may hold the
    /// key all the same: then another call finds it.
    pub fn find_or_generate(self, id: &[u8]) -> Result<TokenSigningKey, TokenError> {
        let found = match self.0.find() {
            Ok(found) if found.id == id => found,
            Ok(_) => {
                let Place { token, key, .. } = &*self.0.place;
                return Err(TokenError::KeyExists { token: token.clone(), key: key.clone() });
            }
            Err(TokenError::NoKey { .. }) => self.0.generate(id.to_vec())?,
            Err(error) => return Err(error),
        };
        Ok(TokenSigningKey(self.0.hold(&found)))
    }
}

impl TokenSigningKey {
    /// Its public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        Ed25519::key(&self.0.public)
    }

    /// Signs a message. The signature was verified by the public half before it is returned.
    ///
    /// # Errors
    /// [`TokenError`], within the deadline.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, TokenError> {
        verified(&self.0.reach.place, &self.0.public, message, self.0.sign(message)?)
    }
}

/// What a token gave, once it is a signature.
fn verified(
    place: &Place<Ed25519>,
    public: &[u8; 32],
    message: &[u8],
    halves: Halves,
) -> Result<Signature, TokenError> {
    place.judge(public, message, &halves)?;
    Ok(Signature::ed25519(halves))
}

/// Says where the key is; there is nothing else to say.
impl fmt::Debug for TokenSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { token, key, .. } = &*self.0.reach.place;
        f.debug_struct("TokenSigningKey").field("token", token).field("key", key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{RealSuite, SigningKey};
    use tributary_protocol::secagg::suite::Suite as _;
    use zeroize::Zeroizing;

    /// A token that is broken or lies signs nothing, whatever it proved when it was opened.
    #[test]
    fn what_the_public_half_does_not_verify_is_no_signature() {
        let (key, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let halves =
            |key: &SigningKey, message: &[u8]| Halves::try_from(RealSuite::sign(key, message).bytes.as_slice());
        let public = <[u8; 32]>::try_from(key.verifying_key().bytes.as_slice()).unwrap();
        let place: Place<Ed25519> =
            Place::new("/none".into(), "token".to_owned(), "key".to_owned(), Zeroizing::new(Vec::new()));
        let signature = |halves| verified(&place, &public, b"message", halves);
        assert_eq!(signature(halves(&key, b"message").unwrap()).unwrap(), RealSuite::sign(&key, b"message"));
        for wrong in [halves(&other, b"message").unwrap(), halves(&key, b"another").unwrap(), [0; 64]] {
            assert!(matches!(signature(wrong), Err(TokenError::WrongPublicKey { .. })));
        }
    }
}
