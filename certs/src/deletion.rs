//! Certificates of deletion: what a branch has deleted, when, by which rule, and digests of what is gone. The branch's key signs each one, and each names the
//! digest of the one before it.
//!
//! No identifier of a customer is in one, and no number of customers.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::printable::is_one_line;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};
use tributary_protocol::signed::signed_message;

use crate::suite::{RealSuite, SigningKey};

/// The version of a certificate's file.
const FORMAT: u32 = 1;
/// Most things in one certificate.
const REMOVED_MAX: usize = 1_000_000;
/// Longest text in one, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// One thing that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// Which kind: `list`, `draw`, `scores`, `cache`, `unfinished` or `model`.
    pub kind: String,
    /// Its name: a number, a file's name, a model's digest.
    pub name: String,
    /// SHA-256 of what is gone, in hexadecimal digits.
    pub digest: String,
    /// By which rule, as the settings have it; or that an interruption left it.
    pub rule: String,
}

/// A certificate, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionCertificate {
    format: u32,
    /// The branch's name in the roster.
    pub branch: String,
    /// Its number, from 1.
    pub number: u32,
    /// When, in seconds of the branch's Unix clock.
    pub at: u64,
    /// Digest of the certificate before it; zeros for the first one.
    pub previous: String,
    /// What was deleted.
    pub removed: Vec<Removed>,
    /// The branch's signing key.
    pub key: String,
    /// By that key.
    pub signature: String,
}

/// Why a row of certificates is not what a branch wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionFault {
    /// A number is missing.
    #[error("certificate {0} is not there, and a later one is")]
    Missing(u32),
    /// It does not follow.
    #[error(
        "certificate {0} does not name the one before it, or is another branch's: one of them was changed or exchanged"
    )]
    Chain(u32),
    /// The signature.
    #[error("certificate {0} was changed: it is not signed by the key that it names")]
    Signature(u32),
    /// Another key.
    #[error("certificate {number} is signed by {key}, and not by a key that is trusted here")]
    Key {
        /// The certificate.
        number: u32,
        /// Whose.
        key: String,
    },
}

impl DeletionCertificate {
    /// A certificate that the branch signs.
    #[must_use]
    pub fn sign(
        key: &SigningKey,
        branch: &str,
        (number, previous): (u32, Digest),
        at: u64,
        mut removed: Vec<Removed>,
    ) -> Self {
        removed.sort();
        let mut certificate = Self {
            format: FORMAT,
            branch: branch.to_owned(),
            number,
            at,
            previous: previous.to_string(),
            removed,
            key: key.verifying_key().to_string(),
            signature: String::new(),
        };
        certificate.signature = RealSuite::sign(key, &certificate.message()).to_string();
        certificate
    }

    /// Reads a file; nothing if it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let certificate: Self = serde_json::from_slice(bytes).ok()?;
        let short = |text: &String| text.len() <= TEXT_BYTES_MAX && is_one_line(text);
        let texts = certificate.removed.iter().flat_map(|one| [&one.kind, &one.name, &one.digest, &one.rule]);
        let own = [&certificate.branch, &certificate.key, &certificate.previous, &certificate.signature];
        let plain = own.into_iter().chain(texts).all(short);
        let fits = certificate.format == FORMAT
            && certificate.removed.len() <= REMOVED_MAX
            && plain
            && certificate.removed.iter().all(|one| Digest::from_hex(&one.digest).is_some());
        fits.then_some(certificate)
    }

    /// As its file has it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("texts and numbers are JSON");
        text.push(b'\n');
        text
    }

    /// What names it: the digest of all that is signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/deletion/1").bytes(self.branch.as_bytes()).u32(self.number).u64(self.at);
        let body = body.bytes(self.previous.as_bytes()).bytes(self.key.as_bytes());
        let body = body.u64(self.removed.len() as u64);
        let removed = self.removed.iter();
        removed
            .fold(body, |body, Removed { kind, name, digest, rule }| {
                let texts = [kind, name, digest, rule];
                texts.into_iter().fold(body, |body, text| body.bytes(text.as_bytes()))
            })
            .finish()
    }

    fn message(&self) -> Vec<u8> {
        signed_message("DELETION", &self.digest())
    }

    /// Whether the key that it names has signed it as it stands.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let (key, signature) = (VerifyingKey::of_text(&self.key), Signature::of_text(&self.signature));
        key.zip(signature).is_some_and(|(key, signature)| RealSuite::verify(&key, &self.message(), &signature))
    }
}

/// Whether these are the first certificates of one branch, each after the one before, by the keys that are trusted; by whatever key where none is named.
///
/// # Errors
/// The first [`DeletionFault`].
pub fn verify_deletions(certificates: &[DeletionCertificate], trusted: &[VerifyingKey]) -> Result<(), DeletionFault> {
    let (mut previous, mut branch) = (Digest::ZERO, None);
    for (expected, certificate) in (1..).zip(certificates) {
        let number = certificate.number;
        if number != expected {
            return Err(DeletionFault::Missing(expected));
        }
        if !certificate.is_signed() {
            return Err(DeletionFault::Signature(number));
        }
        let same = *branch.get_or_insert(&certificate.branch) == &certificate.branch;
        if !same || certificate.previous != previous.to_string() {
            return Err(DeletionFault::Chain(number));
        }
        let known = trusted.is_empty() || trusted.iter().any(|key| key.to_string() == certificate.key);
        if !known {
            return Err(DeletionFault::Key { number, key: certificate.key.clone() });
        }
        previous = certificate.digest();
    }
    Ok(())
}

#[cfg(test)]
#[path = "deletion_tests.rs"]
mod tests;
