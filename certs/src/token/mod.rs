//! Where a key in a PKCS#11 token is, and why it could not be used. Every build reads and names such a place; the crate's feature `pkcs11` uses it.

mod error;

use std::num::{NonZeroU8, NonZeroU16};
use std::path::PathBuf;
use std::time::Duration;

pub use error::TokenError;

/// Longest label of a token or a key, in bytes.
pub const LABEL_BYTES_MAX: usize = 64;

/// How much is asked of a token at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// Threads, and sessions, that use the token.
    pub threads: NonZeroU8,
    /// Signatures that may wait for a thread; more are refused.
    pub waiting: NonZeroU16,
    /// How long is waited for a signature.
    pub deadline: Duration,
}

impl TokenLimits {
    /// One signature after the other. A person may have to touch the token for each, so that there is a minute for it.
    pub const PERSON: Self =
        Self { threads: NonZeroU8::MIN, waiting: NonZeroU16::MIN, deadline: Duration::from_secs(60) };
}

impl Default for TokenLimits {
    /// Of a daemon: two threads, 64 waiting, two seconds: less than the five that a handshake may take.
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

/// Whether a text can be the label of a token or a key: 1 to [`LABEL_BYTES_MAX`] bytes, no control character.
#[must_use]
pub fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= LABEL_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_of_so_many_bytes() {
        for good in ["a", "plan owner, \u{4e2d}", &"x".repeat(LABEL_BYTES_MAX), &"\u{e4}".repeat(LABEL_BYTES_MAX / 2)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "a\nb", "a\u{7f}", &"x".repeat(LABEL_BYTES_MAX + 1), &"\u{e4}".repeat(LABEL_BYTES_MAX / 2 + 1)]
        {
            assert!(!is_label(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_usual_limits_are_those_of_the_manuals() {
        let TokenLimits { threads, waiting, deadline } = TokenLimits::default();
        assert_eq!((threads.get(), waiting.get(), deadline), (2, 64, Duration::from_secs(2)));
    }
}
