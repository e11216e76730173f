//! A paper that the coordinator signs: a JSON object, and the signature over the digest of its text. Pages for people are made from the object alone.
//!
//! Numbers that are no whole ones are texts of decimals, so that whoever reads and writes the object again finds the bytes that were signed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};
use tributary_protocol::signed::signed_message;

/// The program that makes a paper, and its version.
pub const GENERATOR: &str = concat!("tributary ", env!("CARGO_PKG_VERSION"));

/// Longest file of most papers, in bytes.
const BYTES_MAX: usize = 4 << 20;

/// What a paper says.
pub trait Body: Serialize + DeserializeOwned {
    /// What is signed: no signature of one kind counts for another.
    const KIND: &'static str;
    /// What it is, for people.
    const WHAT: &'static str;
    /// Its layout.
    const FORMAT: u32;
    /// Longest file, in bytes. Nobody makes a longer one, and nobody reads one.
    const BYTES_MAX: usize = BYTES_MAX;

    /// The layout in which it is.
    fn format(&self) -> u32;
}

/// A signed paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Body")]
pub struct Paper<T> {
    /// What it says.
    pub paper: T,
    /// SHA-256 of the JSON text of that without spaces, in hexadecimal digits.
    digest: String,
    /// The coordinator's signing key, as people compare it.
    key: String,
    /// Its signature over the digest.
    signature: String,
}

/// What is wrong with a paper's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaperFault {
    /// It cannot be read.
    #[error("it is no {what} of this release ({fault}); read it with the release that made it")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// What was found.
        fault: String,
    },
    /// The bytes are not those that this program writes.
    #[error(
        "it says the same in other bytes than this program writes: somebody has written it anew; ask for the file as it was made"
    )]
    OtherBytes,
    /// It was changed after it was signed.
    #[error(
        "its signature does not verify: it was changed after it was signed, or another key has signed; keep the file as evidence"
    )]
    Signature,
    /// Another key has signed.
    #[error("the key {found} has signed it, and {expected} was expected: somebody else has made it")]
    OtherKey {
        /// In the file.
        found: String,
        /// What the reader named.
        expected: String,
    },
}

/// What kind of paper a file says that it is, before anything of it is verified; nothing where it says none.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> Option<String> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some(value.get("paper")?.get("kind")?.as_str()?.to_owned())
}

/// SHA-256 of an object's JSON text without spaces.
pub(crate) fn digest(body: &impl Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(body).expect("plain data"))
}

/// The JSON text of a file that this program writes.
pub(crate) fn to_json(file: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(file).expect("plain data");
    text.push('\n');
    text
}

/// A file of so many bytes at most, or what is wrong with it. Whether it has the bytes that this program writes is another question.
pub(crate) fn parsed<T: DeserializeOwned>(bytes: &[u8], most: usize) -> Result<T, String> {
    if bytes.len() > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    serde_json::from_slice(bytes).map_err(|fault| fault.to_string())
}

/// Digest, key and signature of an object, each as a text.
pub(crate) fn signed(kind: &str, body: &impl Serialize, key: &SigningKey) -> [String; 3] {
    let digest = digest(body);
    let signature = RealSuite::sign(key, &signed_message(kind, &digest));
    [digest.to_string(), key.verifying_key().to_string(), signature.to_string()]
}

/// Whether a digest and a signature are of this object, by this key; each as a text.
pub(crate) fn holds(kind: &str, body: &impl Serialize, [named, key, signature]: [&str; 3]) -> bool {
    let own = digest(body);
    let (Some(key), Some(signature)) = (VerifyingKey::of_text(key), Signature::of_text(signature)) else {
        return false;
    };
    named == own.to_string() && RealSuite::verify(&key, &signed_message(kind, &own), &signature)
}

/// Whether the key that a file names is the one that its reader names.
pub(crate) fn is_key(found: &str, expected: &VerifyingKey) -> Result<(), PaperFault> {
    let expected = expected.to_string();
    if found == expected { Ok(()) } else { Err(PaperFault::OtherKey { found: found.into(), expected }) }
}

impl<T: Body> Paper<T> {
    /// Signs what a paper says.
    #[must_use]
    pub fn sign(paper: T, key: &SigningKey) -> Self {
        let [digest, key, signature] = signed(T::KIND, &paper, key);
        Self { paper, digest, key, signature }
    }

    /// Reads a file, and verifies its signature by the key that it names.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(bytes: &[u8]) -> Result<Self, PaperFault> {
        let unreadable = |fault: String| PaperFault::Unreadable { what: T::WHAT, fault };
        let file: Self = parsed(bytes, T::BYTES_MAX).map_err(unreadable)?;
        if file.paper.format() != T::FORMAT {
            return Err(unreadable(format!("its format is {}", file.paper.format())));
        }
        if file.to_json().as_bytes() != bytes {
            return Err(PaperFault::OtherBytes);
        }
        let signed = holds(T::KIND, &file.paper, [&file.digest, &file.key, &file.signature]);
        if signed { Ok(file) } else { Err(PaperFault::Signature) }
    }

    /// Whether the key that a reader names has signed.
    ///
    /// # Errors
    /// [`PaperFault::OtherKey`] if it is another one.
    pub fn check_key(&self, expected: &VerifyingKey) -> Result<(), PaperFault> {
        is_key(&self.key, expected)
    }

    /// The key that has signed.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The digest that was signed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The JSON text, as the file holds it.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}
