//! A person's key, in a file or in a token: what signs in the person's name.

use core::fmt;
use std::sync::Arc;

use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::suite::{RealSuite, SigningKey};
use crate::token::TokenError;

/// The file that names a person's token, in the place of the key.
pub const PERSON_TOKEN: &str = "person.token";

/// What signs in a person's name, wherever it is kept.
pub trait PersonKey: Send + Sync {
    /// The public half.
    fn public(&self) -> VerifyingKey;

    /// The key's signature on a message.
    ///
    /// # Errors
    /// [`Unsigned`] if it is in a token that does not sign.
    fn signature(&self, message: &[u8]) -> Result<Signature, Unsigned>;
}

/// A key in this process always signs.
impl PersonKey for SigningKey {
    fn public(&self) -> VerifyingKey {
        self.verifying_key()
    }

    fn signature(&self, message: &[u8]) -> Result<Signature, Unsigned> {
        Ok(RealSuite::sign(self, message))
    }
}

/// Why a person's key in a token gave no signature. Two that say the same are equal.
#[derive(Clone, Debug)]
pub struct Unsigned(Arc<TokenError>);

impl Unsigned {
    /// What the token said.
    #[must_use]
    pub fn reason(&self) -> &TokenError {
        &self.0
    }
}

impl From<TokenError> for Unsigned {
    fn from(reason: TokenError) -> Self {
        Self(Arc::new(reason))
    }
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was signed: {}", self.0)
    }
}

impl core::error::Error for Unsigned {}

impl PartialEq for Unsigned {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Unsigned {}
