//! A checkpoint as others read it: a signed note (C2SP signed-note and tlog-checkpoint) with cosignatures of witnesses (tlog-cosignature, version 1).
//!
//! ```text
//! tributary/audit/sha256/3d40..            origin: the federation's journal, and the hash of its tree
//! 20852163                                 entries, decimal
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3..   root of the tree, base64
//!
//! — tributary/audit/sha256/3d40.. Az3grlg..   the coordinator's signature; its key has the origin as its name
//! — north-bank/branch-01 jWbPPwAAAABkGFDL..   a branch's cosignature; its key has the branch's name in the roster
//! ```
//!
//! A signature line has, after the name, base64 of the key's number (4 bytes) and of the signature. The number is the first 4 bytes of
//! SHA-256(name | line feed | type | key). The type is one byte:
//!
//! | type | what | signature | signed text |
//! |---|---|---|---|
//! | 0x01 | a journal's Ed25519 key | 64 bytes | the three lines, each with its line feed |
//! | 0x04 | a witness's Ed25519 key | Unix seconds (8 bytes, big-endian), 64 bytes | `cosignature/v1`, `time SECONDS`, and the three lines |
//!
//! Keys of other algorithms have no type here, and are refused by name ([`NoteFault::Algorithm`]). What a signing key signs beside these texts
//! begins with `SA1/`, and no note or cosignature begins so.
//!
//! A note is read the one way that it is printed, and no other: no extension lines, no second empty line, no other base64. Lines by keys that
//! the reader does not know are kept and say nothing.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, is_key_name};
use crate::algorithm::SignatureAlgorithm;
use crate::digest::Digest;
use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, SIGNATURE_BYTES_MAX, VERIFYING_KEY_BYTES_MAX};
use crate::secagg::suite::Suite;
use crate::signature::{Signature, VerifyingKey};

/// An em dash and a space: how a signature line begins.
const DASH: &str = "\u{2014} ";

/// First line of what a witness signs.
const COSIGNATURE: &str = "cosignature/v1";

/// Why a note or a key's text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// More bytes than any note has.
    #[error(
        "the checkpoint has {bytes} bytes and may have {NOTE_BYTES_MAX}; it is another file, or its sender is faulty or hostile"
    )]
    TooLong {
        /// Bytes found.
        bytes: usize,
    },
    /// Not the text of a checkpoint.
    #[error("line {line} is not what a checkpoint has there: {expected}; the file is another one, or it was changed")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What stands there in a checkpoint.
        expected: &'static str,
    },
    /// More signatures than any note has.
    #[error("the checkpoint has more than {NOTE_SIGNATURES_MAX} signatures; its sender is faulty or hostile")]
    Signatures,
    /// The algorithm has no type in a note.
    #[error(
        "signatures of {algorithm} have no type in a checkpoint that this release knows; use a release that knows it, or an Ed25519 key"
    )]
    Algorithm {
        /// Of the key.
        algorithm: SignatureAlgorithm,
    },
    /// A type that this release does not know.
    #[error(
        "the key is of signature type {number:#04x} ({name}), which this release does not know; use a release that knows it, or an Ed25519 key"
    )]
    Type {
        /// The type's byte.
        number: u8,
        /// What it is, as C2SP lists it.
        name: &'static str,
    },
    /// Not the text of a key.
    #[error("this is no key of a journal or a witness: it has the form NAME+NUMBER+BASE64 in one line")]
    Key,
    /// No signature by this key.
    #[error("no signature of the checkpoint is by the key of {name}; it is signed by another key, or not at all")]
    Unsigned {
        /// The key's name.
        name: String,
    },
    /// A signature that does not verify.
    #[error(
        "the signature of {name} does not verify: the checkpoint was changed after it was signed, or it is forged. Keep it as evidence"
    )]
    Forged {
        /// The key's name.
        name: String,
    },
}

/// What a key signs in a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// The journal's own.
    Journal,
    /// A witness's, with a time.
    Witness,
}

impl SignatureKind {
    /// The type's byte, for keys of an algorithm.
    ///
    /// # Errors
    /// [`NoteFault::Algorithm`].
    pub fn number(self, algorithm: SignatureAlgorithm) -> Result<u8, NoteFault> {
        match (algorithm, self) {
            (SignatureAlgorithm::ED25519, Self::Journal) => Ok(0x01),
            (SignatureAlgorithm::ED25519, Self::Witness) => Ok(0x04),
            _ => Err(NoteFault::Algorithm { algorithm }),
        }
    }

    fn of_number(number: u8) -> Result<Self, NoteFault> {
        let name = match number {
            0x01 => return Ok(Self::Journal),
            0x04 => return Ok(Self::Witness),
            0x02 => "ECDSA",
            0x05 => "RFC 6962 tree heads",
            0x06 => "ML-DSA-44",
            0xff => "one without a number",
            _ => "not assigned",
        };
        Err(NoteFault::Type { number, name })
    }
}

/// A key as its name and type stand in notes. Its text form is C2SP's: `NAME+NUMBER+BASE64`, without a line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    kind: SignatureKind,
    key: VerifyingKey,
    number: u32,
    kind_number: u8,
}

impl NoteKey {
    /// The key of a journal or a witness.
    ///
    /// # Errors
    /// [`NoteFault::Algorithm`] or [`NoteFault::Key`] for a name that no key can have.
    pub fn new(name: &str, kind: SignatureKind, key: &VerifyingKey) -> Result<Self, NoteFault> {
        let kind_number = kind.number(key.algorithm)?;
        if !is_key_name(name) || key.as_ed25519().is_none() {
            return Err(NoteFault::Key);
        }
        let digest = Digest::of_parts(&[name.as_bytes(), b"\n", &[kind_number], &key.bytes]);
        let [a, b, c, d, ..] = digest.0;
        let number = u32::from_be_bytes([a, b, c, d]);
        Ok(Self { name: name.into(), kind, key: key.clone(), number, kind_number })
    }

    /// Reads the text form; white space around it does not count.
    ///
    /// # Errors
    /// [`NoteFault::Key`], or [`NoteFault::Type`] for a type that this release does not know.
    pub fn parse(text: &str) -> Result<Self, NoteFault> {
        let text = text.trim();
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteFault::Key);
        };
        let bounded = Some(key).filter(|key| key.len() <= VERIFYING_KEY_BYTES_MAX.saturating_mul(2));
        let key = bounded.and_then(|key| BASE64.decode(key).ok()).ok_or(NoteFault::Key)?;
        let (kind, key) = key.split_first().ok_or(NoteFault::Key)?;
        let kind = SignatureKind::of_number(*kind)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| NoteFault::Key)?;
        let own = Self::new(name, kind, &VerifyingKey::ed25519(key))?;
        // Its number is a part of its text.
        if own.to_string() == text { Ok(own) } else { Err(NoteFault::Key) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    fn made(&self, line: &NoteSignature) -> bool {
        self.number == line.number && self.name == line.name
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(33);
        bytes.push(self.kind_number);
        bytes.extend_from_slice(&self.key.bytes);
        write!(formatter, "{}+{:08x}+{}", self.name, self.number, BASE64.encode(bytes))
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteSignature {
    name: String,
    number: u32,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// The name of the key that it claims.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A witness's cosignature of a checkpoint, at this Unix second.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn by_witness<S: Suite>(
        name: &str,
        key: &S::SigningKey,
        checkpoint: &Checkpoint,
        seconds: u64,
    ) -> Result<Self, NoteFault> {
        let named = NoteKey::new(name, SignatureKind::Witness, &S::verifying_key(key))?;
        let signature = S::sign(key, cosigned(checkpoint, seconds).as_bytes());
        let bytes = [seconds.to_be_bytes().as_slice(), &signature.bytes].concat();
        Ok(Self { name: named.name, number: named.number, bytes })
    }

    /// The Unix second of a witness's cosignature by this key, if it is one and verifies.
    ///
    /// # Errors
    /// [`NoteFault::Unsigned`] for a line by another key, [`NoteFault::Forged`].
    pub fn witnessed<S: Suite>(&self, key: &NoteKey, checkpoint: &Checkpoint) -> Result<u64, NoteFault> {
        let name = || key.name.clone();
        if !key.made(self) || key.kind != SignatureKind::Witness {
            return Err(NoteFault::Unsigned { name: name() });
        }
        let (time, signature) =
            self.bytes.split_first_chunk::<8>().ok_or_else(|| NoteFault::Forged { name: name() })?;
        let seconds = u64::from_be_bytes(*time);
        let signature = Signature { algorithm: key.key.algorithm, bytes: signature.to_vec() };
        let text = cosigned(checkpoint, seconds);
        // The specification's bound of a time.
        let good = seconds <= i64::MAX.cast_unsigned() && S::verify(&key.key, text.as_bytes(), &signature);
        if good { Ok(seconds) } else { Err(NoteFault::Forged { name: name() }) }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let longest = SIGNATURE_BYTES_MAX.saturating_add(12);
        if !is_key_name(name) || encoded.len() > longest.saturating_mul(2) {
            return None;
        }
        let bytes = BASE64.decode(encoded).ok()?;
        let (number, bytes) = bytes.split_first_chunk::<4>()?;
        let signed = (1..=longest).contains(&bytes.len());
        signed.then(|| Self { name: name.into(), number: u32::from_be_bytes(*number), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.number.to_be_bytes().as_slice(), &self.bytes].concat();
        writeln!(formatter, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

/// A checkpoint with the signatures under it. Its text form is the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    signatures: Vec<NoteSignature>,
}

impl SignedCheckpoint {
    /// A checkpoint, signed by its journal's key.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn sign<S: Suite>(checkpoint: Checkpoint, key: &S::SigningKey) -> Result<Self, NoteFault> {
        let named = NoteKey::new(&checkpoint.origin, SignatureKind::Journal, &S::verifying_key(key))?;
        let bytes = S::sign(key, text_of(&checkpoint).as_bytes()).bytes;
        Ok(Self {
            checkpoint,
            signatures: alloc::vec![NoteSignature { name: named.name, number: named.number, bytes }],
        })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteFault`] naming the first line that is not in order.
    pub fn parse(note: &[u8]) -> Result<Self, NoteFault> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteFault::TooLong { bytes: note.len() });
        }
        let fault = |line, expected| NoteFault::Line { line, expected };
        let note = core::str::from_utf8(note).map_err(|_| fault(1, "text in UTF-8"))?;
        let mut lines = note.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
        let mut next = |number, expected| lines.next().flatten().ok_or(fault(number, expected));
        let origin = next(1, "the origin")?;
        if !is_key_name(origin) {
            return Err(fault(1, "the origin: 1 to 255 visible ASCII characters without `+`"));
        }
        let digits = next(2, "the number of entries")?;
        let size = digits.parse::<u64>().ok().filter(|size| size.to_string() == digits);
        let size = size.ok_or(fault(2, "the number of entries, in decimal digits without a leading zero"))?;
        let root = BASE64.decode(next(3, "the root")?).ok().and_then(|bytes| bytes.try_into().ok());
        let root = root.ok_or(fault(3, "the root: 32 bytes in base64"))?;
        if !next(4, "an empty line")?.is_empty() {
            return Err(fault(4, "an empty line; a journal of a federation has no extension lines"));
        }
        let mut signatures = Vec::new();
        for (line, number) in lines.zip(5..) {
            if signatures.len() >= NOTE_SIGNATURES_MAX {
                return Err(NoteFault::Signatures);
            }
            let signature = line.and_then(NoteSignature::parse);
            signatures.push(signature.ok_or(fault(number, "a signature: a dash, the key's name, and base64"))?);
        }
        if signatures.is_empty() {
            return Err(fault(5, "a signature: a dash, the key's name, and base64"));
        }
        Ok(Self { checkpoint: Checkpoint { origin: origin.into(), size, root: Digest(root) }, signatures })
    }

    /// What is signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signatures, in the order of the text.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Whether the journal's key signed it.
    ///
    /// # Errors
    /// [`NoteFault::Unsigned`], [`NoteFault::Forged`], or as [`NoteKey::new`].
    pub fn verify<S: Suite>(&self, journal: &VerifyingKey) -> Result<(), NoteFault> {
        let key = NoteKey::new(&self.checkpoint.origin, SignatureKind::Journal, journal)?;
        let text = text_of(&self.checkpoint);
        let mut own = self.signatures.iter().filter(|line| key.made(line)).peekable();
        if own.peek().is_none() {
            return Err(NoteFault::Unsigned { name: key.name });
        }
        let verifies = |line: &NoteSignature| {
            let signature = Signature { algorithm: key.key.algorithm, bytes: line.bytes.clone() };
            S::verify(&key.key, text.as_bytes(), &signature)
        };
        if own.all(verifies) { Ok(()) } else { Err(NoteFault::Forged { name: key.name }) }
    }

    /// The Unix second at which this witness cosigned it.
    ///
    /// # Errors
    /// [`NoteFault::Unsigned`] where it did not, [`NoteFault::Forged`].
    pub fn witnessed<S: Suite>(&self, key: &NoteKey) -> Result<u64, NoteFault> {
        let line = self.signatures.iter().find(|line| key.made(line));
        line.ok_or_else(|| NoteFault::Unsigned { name: key.name.clone() })?.witnessed::<S>(key, &self.checkpoint)
    }

    /// Adds a signature, in the place of an earlier one by the same key. Whoever adds one has verified it. One too many is left out.
    pub fn add(&mut self, signature: NoteSignature) {
        let same = |line: &NoteSignature| line.number == signature.number && line.name == signature.name;
        let earlier = self.signatures.iter().position(same).and_then(|place| self.signatures.get_mut(place));
        if let Some(line) = earlier {
            *line = signature;
        } else if self.signatures.len() < NOTE_SIGNATURES_MAX {
            self.signatures.push(signature);
        }
    }

    /// The same checkpoint with the journal's signature alone: what travels.
    #[must_use]
    pub fn bare(&self) -> Self {
        let own = self.signatures.iter().filter(|line| line.name == self.checkpoint.origin).cloned();
        Self { checkpoint: self.checkpoint.clone(), signatures: own.collect() }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", text_of(&self.checkpoint))?;
        self.signatures.iter().try_for_each(|line| write!(formatter, "{line}"))
    }
}

/// The three lines that are signed.
fn text_of(Checkpoint { origin, size, root }: &Checkpoint) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64.encode(root.as_bytes()))
}

fn cosigned(checkpoint: &Checkpoint, seconds: u64) -> String {
    format!("{COSIGNATURE}\ntime {seconds}\n{}", text_of(checkpoint))
}
