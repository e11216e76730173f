//! Keyed pseudonyms: what a branch keeps of a customer where it does not need the customer's id. Without the key nobody finds the id by trying ids.

use std::path::Path;

use aws_lc_rs::hmac;
use tributary_protocol::entropy::Entropy as _;
use tributary_storage::files::{Existing, FileError, read_private, write_private};
use zeroize::Zeroizing;

use crate::entropy::OsEntropy;

const TITLE: &str = "tributary pseudonym key 1\n";
const WHAT: &str = "pseudonym key, as a client writes it";

/// The key of one branch's pseudonyms. It has no `Debug`, and its copy here is erased when dropped.
pub struct PseudonymKey(Zeroizing<[u8; 32]>);

impl PseudonymKey {
    /// A fresh key, in a new file of mode 0600.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something is there already, [`FileError::System`].
    pub fn make(path: &Path) -> Result<Self, FileError> {
        let key = Zeroizing::new(OsEntropy.bytes32());
        let mut text = Zeroizing::new(TITLE.to_owned());
        for byte in key.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).expect("a digit of 16"));
            }
        }
        text.push('\n');
        write_private(path, text.as_bytes(), Existing::Keep)?;
        Ok(Self(key))
    }

    /// Reads a key from its file.
    ///
    /// # Errors
    /// [`FileError::NotPrivate`] if others may read it, [`FileError::Content`] if it is none, [`FileError::System`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = read_private(path)?;
        let parse = || {
            let digits = bytes.strip_prefix(TITLE.as_bytes())?.strip_suffix(b"\n")?;
            let (pairs, odd) = digits.as_chunks();
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let mut key = Zeroizing::new([0; 32]);
            if pairs.len() != key.len() || !odd.is_empty() {
                return None;
            }
            for (byte, [high, low]) in key.iter_mut().zip(pairs) {
                *byte = digit(*high)? << 4 | digit(*low)?;
            }
            Some(Self(key))
        };
        parse().ok_or_else(|| FileError::content(path, WHAT))
    }

    /// The pseudonym of these bytes in a domain: HMAC-SHA256 (RFC 2104).
    #[must_use]
    pub fn of(&self, domain: &str, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let mut context = hmac::Context::with_key(&key);
        // Length first, so that no domain runs into what follows it.
        context.update(&(domain.len() as u64).to_le_bytes());
        context.update(domain.as_bytes());
        context.update(bytes);
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

#[cfg(test)]
#[path = "pseudonym_tests.rs"]
mod tests;
