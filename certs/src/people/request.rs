//! A person's request: a staff number and the key that this person made, proved by the key itself.
//!
//! ```text
//! tributary person request 1
//! person north-bank/e20417 signing ed25519:3d40..
//! made 1900000000 proof ed25519:e556..
//! ```
//!
//! A request for another key of the same person ends its last line with `after ed25519:OLD proof ed25519:..`: the old key's word for the new one.

use std::path::Path;

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::roster::{Person, StaffNumber};
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};
use tributary_protocol::signed::signed_message;

use super::PeopleError;
use super::key::{PersonKey, Unsigned};
use super::lines::staff;
use crate::lines::{Fields, body};
use crate::office::Fingerprint;
use crate::suite::RealSuite;
use tributary_storage::files::{self, Existing, FileError, read_titled};

const TITLE: &str = "tributary person request 1";
const WHAT: &str = "person's request";

/// A key's word for the key that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The old key.
    pub key: VerifyingKey,
    /// Its signature.
    pub signature: Signature,
}

/// What a person brings: never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRequest {
    /// Who.
    pub staff: StaffNumber,
    /// The key that this person signs with.
    pub signing_key: VerifyingKey,
    /// When it was made, in Unix seconds.
    pub made: u64,
    /// The key's own signature: whoever brings it has the key.
    pub proof: Signature,
    /// The word of the key before it.
    pub after: Option<Word>,
}

/// What the key signs itself.
fn proof_input(staff: &StaffNumber, key: &VerifyingKey, made: u64) -> Vec<u8> {
    let body = key.canonical(Canonical::new("tributary/person request/1").bytes(staff.as_str().as_bytes()));
    signed_message("person", &Digest::of(&body.u64(made).into_bytes()))
}

/// What the key before it signs.
fn word_input(staff: &StaffNumber, old: &VerifyingKey, key: &VerifyingKey) -> Vec<u8> {
    let body = old.canonical(Canonical::new("tributary/person succession/1").bytes(staff.as_str().as_bytes()));
    signed_message("person-succession", &Digest::of(&key.canonical(body).into_bytes()))
}

/// The fingerprint of a person's key: what the person reads to whoever signs the roster.
#[must_use]
pub fn fingerprint(staff: &StaffNumber, key: &VerifyingKey) -> Fingerprint {
    let body = key.canonical(Canonical::new("tributary/person key/1").bytes(staff.as_str().as_bytes()));
    Fingerprint::of_keys(&Digest::of(&body.into_bytes()))
}

/// Whether a key proves itself under a staff number.
pub(crate) fn is_proved(staff: &StaffNumber, key: &VerifyingKey, made: u64, proof: &Signature) -> bool {
    RealSuite::knows(key).is_ok() && RealSuite::verify(key, &proof_input(staff, key, made), proof)
}

impl Word {
    /// Whether this is the word of a person's key for another one.
    pub(crate) fn is_of(&self, before: &Person, key: &VerifyingKey) -> bool {
        let signed = || RealSuite::verify(&self.key, &word_input(&before.staff, &self.key, key), &self.signature);
        self.key == before.signing_key && RealSuite::knows(&self.key).is_ok() && signed()
    }
}

impl PersonRequest {
    /// A request of a key; `old` gives its word, where the person had another key before.
    ///
    /// # Errors
    /// [`Unsigned`] if one of the keys is in a token that does not sign.
    pub fn make(
        staff: &StaffNumber,
        key: &dyn PersonKey,
        old: Option<&dyn PersonKey>,
        made: u64,
    ) -> Result<Self, Unsigned> {
        let signing_key = key.public();
        let proof = key.signature(&proof_input(staff, &signing_key, made))?;
        let word = |old: &dyn PersonKey| {
            let signature = old.signature(&word_input(staff, &old.public(), &signing_key))?;
            Ok::<_, Unsigned>(Word { key: old.public(), signature })
        };
        let after = old.map(word).transpose()?;
        Ok(Self { staff: staff.clone(), after, signing_key, made, proof })
    }

    /// The fingerprint of its key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.staff, &self.signing_key)
    }

    /// Whether its key is proved.
    ///
    /// # Errors
    /// [`PeopleError::Unproved`].
    pub fn verify(&self) -> Result<(), PeopleError> {
        let good = is_proved(&self.staff, &self.signing_key, self.made, &self.proof);
        if good { Ok(()) } else { Err(PeopleError::Unproved { staff: self.staff.clone() }) }
    }

    /// The text form.
    #[must_use]
    pub fn print(&self) -> String {
        let Self { staff, signing_key, made, proof, after } = self;
        let after = print_word(after.as_ref());
        format!("{TITLE}\nperson {staff} signing {signing_key}\nmade {made} proof {proof}{after}\n")
    }

    /// Parses the text form. Says nothing about the signatures: verify.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = body(text, TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let (staff, signing_key) = (staff(&mut fields, "person")?, fields.key("signing")?);
        fields.end()?;
        let mut fields = Fields::of(lines.next()?);
        let (made, proof) = (fields.number("made")?, fields.signature("proof")?);
        let request = Self { staff, signing_key, made, proof, after: word(&mut fields) };
        // Whatever is there beside it prints otherwise than it was read.
        (lines.next().is_none() && request.print() == text).then_some(request)
    }

    /// Reads a request, and verifies it.
    ///
    /// # Errors
    /// [`PeopleError::File`], [`PeopleError::Unproved`].
    pub fn read(path: &Path) -> Result<Self, PeopleError> {
        let text = read_titled(path, TITLE, WHAT)?;
        let request = Self::parse(&text).ok_or_else(|| FileError::content(path, WHAT))?;
        request.verify()?;
        Ok(request)
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), Existing::Replace)
    }
}

/// The fields of a word, with a blank before them; nothing without one.
pub(super) fn print_word(word: Option<&Word>) -> String {
    word.map(|Word { key, signature }| format!(" after {key} proof {signature}")).unwrap_or_default()
}

/// Reads the fields of a word, where there is one.
pub(super) fn word(fields: &mut Fields<'_>) -> Option<Word> {
    let mut more = fields.clone();
    let word = Word { key: more.key("after")?, signature: more.signature("proof")? };
    *fields = more;
    Some(word)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
