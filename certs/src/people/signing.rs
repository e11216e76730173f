//! A person's own folder: the key, and what is signed with it. No network and nothing of the office's.
//!
//! ```text
//! person.key       the signing key, which leaves this folder never
//! person.token     or where the key is, in a token that it leaves never
//! person.request   who, the public key, and its own signature: for the office
//! fingerprint      of the key, to be read to the holders of the roster keys
//! ```

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::signed::SignedBody as _;

use super::in_token;
use super::key::{PERSON_TOKEN, PersonKey, Unsigned};
use super::{PeopleError, PersonRequest};
use crate::enrolment::write_fingerprint;
use crate::entropy::OsEntropy;
use crate::keys::{read_signing_key, write_signing_key};
use crate::suite::{RealSuite, SigningKey};
use crate::token::TokenSettings;
use tributary_storage::files::{self, Existing, FileError};

/// The file of a person's signing key.
pub const PERSON_KEY: &str = "person.key";
/// The file of a person's request.
pub const PERSON_REQUEST: &str = "person.request";

/// Somebody who can sign: a staff number and its key. It has no `Debug`: it holds a key.
pub struct SigningPerson {
    request: PersonRequest,
    key: Box<dyn PersonKey>,
}

/// Where a person's new key is kept.
#[derive(Clone, Copy, Debug)]
pub enum KeptIn<'a> {
    /// In the person's folder.
    Folder,
    /// In a token, which the folder names. The limits are a person's, whatever is said here.
    Token(&'a TokenSettings),
}

/// Makes a person's folder: a key that nobody else has, and the request for the office. A folder that was begun and not finished is finished.
///
/// # Errors
/// [`FileError::Exists`] if the folder holds a person's key already, which is never replaced; [`PeopleError::File`].
pub fn make_person(folder: &Path, staff: &StaffNumber, now: u64) -> Result<SigningPerson, PeopleError> {
    make_key(folder, KeptIn::Folder, staff, None, now)
}

/// As [`make_person`], for another key of somebody who has one: the old key gives its word for it.
///
/// # Errors
/// As [`make_person`]; [`PeopleError::Unsigned`].
pub fn make_next_key(folder: &Path, old: &SigningPerson, now: u64) -> Result<SigningPerson, PeopleError> {
    make_key(folder, KeptIn::Folder, old.staff(), Some(old.key()), now)
}

/// As [`make_person`], with the key in the folder or in a token; `old` is the same person's key before it.
///
/// # Errors
/// As [`make_person`]; [`PeopleError::Token`] if the token cannot be used or the key's label is taken, [`PeopleError::Unsigned`].
pub fn make_key(
    folder: &Path,
    kept: KeptIn<'_>,
    staff: &StaffNumber,
    old: Option<&dyn PersonKey>,
    now: u64,
) -> Result<SigningPerson, PeopleError> {
    let request_path = folder.join(PERSON_REQUEST);
    // The place of a key of the other kind: a folder has one key.
    let other = folder.join(if matches!(kept, KeptIn::Folder) { PERSON_TOKEN } else { PERSON_KEY });
    if let Some(path) = [&request_path, &other].into_iter().find(|path| path.exists()) {
        return Err(FileError::Exists { path: path.clone() }.into());
    }
    let key: Box<dyn PersonKey> = match kept {
        KeptIn::Folder => {
            ready(folder)?;
            Box::new(key_in(folder)?)
        }
        KeptIn::Token(settings) => {
            let token = in_token::reach(settings, folder)?;
            ready(folder)?;
            token.make(folder)?
        }
    };
    let request = PersonRequest::make(staff, &*key, old, now)?;
    write_fingerprint(folder, &request.fingerprint())?;
    // One that is not there for good is not there: the next attempt finishes the folder.
    files::write_public(&request_path, request.print().as_bytes(), Existing::Keep)?;
    Ok(SigningPerson { request, key })
}

fn ready(folder: &Path) -> Result<(), FileError> {
    files::create_private_folder(folder)?;
    files::keeps_secrets(folder)
}

/// The key of a folder: a new one, or that of a command that was killed before it wrote the request.
fn key_in(folder: &Path) -> Result<SigningKey, FileError> {
    let path = folder.join(PERSON_KEY);
    if path.exists() {
        return read_signing_key(&path);
    }
    let key = SigningKey::generate(&mut OsEntropy);
    write_signing_key(&key, &path)?;
    Ok(key)
}

impl SigningPerson {
    /// Opens a person's folder. A key in a token is found there: the PIN is tried once.
    ///
    /// # Errors
    /// [`PeopleError::File`] if key or request cannot be used, or are of two keys; [`PeopleError::Token`].
    pub fn open(folder: &Path) -> Result<Self, PeopleError> {
        let request_path = folder.join(PERSON_REQUEST);
        let request = PersonRequest::read(&request_path)?;
        if folder.join(PERSON_TOKEN).exists() {
            let key = in_token::open(folder, &request.signing_key, &request_path)?;
            return Ok(Self { request, key });
        }
        let path = folder.join(PERSON_KEY);
        let key = read_signing_key(&path)?;
        if key.verifying_key() != request.signing_key {
            return Err(FileError::content(&path, "key of the person's request beside it").into());
        }
        Ok(Self { request, key: Box::new(key) })
    }

    /// Who.
    #[must_use]
    pub fn staff(&self) -> &StaffNumber {
        &self.request.staff
    }

    /// What the office is brought.
    #[must_use]
    pub fn request(&self) -> &PersonRequest {
        &self.request
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &dyn PersonKey {
        &*self.key
    }

    /// This person's signature on an action; see [`attest`].
    ///
    /// # Errors
    /// [`Unsigned`].
    pub fn attest(
        &self,
        action: Action,
        subject: Digest,
        federation: Digest,
        role: Role,
        at: u64,
    ) -> Result<Attestation, Unsigned> {
        attest(self.key(), action, subject, federation, self.staff(), role, at)
    }
}

/// A person's signature on an action: what is done to the object of a digest, in the federation of a digest
/// ([`crate::roster::RosterAuthorities::digest`]), at a second of the Unix clock. Whether it counts, the roster in force says.
///
/// # Errors
/// [`Unsigned`] if the key is in a token that does not sign.
pub fn attest(
    key: &dyn PersonKey,
    action: Action,
    subject: Digest,
    federation: Digest,
    staff: &StaffNumber,
    role: Role,
    at: u64,
) -> Result<Attestation, Unsigned> {
    let signature = Signature::ed25519([0; 64]);
    let mut attestation = Attestation { action, subject, federation, staff: staff.clone(), role, at, signature };
    attestation.signature = key.signature(&attestation.to_sign::<RealSuite>())?;
    Ok(attestation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A power cut between key and request costs no key, and nobody has a key in a folder beside one in a token.
    #[test]
    fn a_folder_has_one_key_and_a_making_that_broke_off_goes_on_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let staff = StaffNumber::parse("north-bank/e1").unwrap();
        let made = |folder: &Path| make_person(folder, &staff, 7).map(|person| person.key().public());
        let stands = |made: Result<_, PeopleError>| match made {
            Err(PeopleError::File(FileError::Exists { path })) => path,
            _ => panic!("something stands there"),
        };
        let own = folder.path().join("own");
        let key = made(&own).unwrap();
        assert_eq!(stands(made(&own)), own.join(PERSON_REQUEST));
        std::fs::remove_file(own.join(PERSON_REQUEST)).unwrap();
        assert_eq!(made(&own).unwrap(), key);
        let other = folder.path().join("other");
        files::create_private_folder(&other).unwrap();
        std::fs::write(other.join(PERSON_TOKEN), "").unwrap();
        assert_eq!(stands(made(&other)), other.join(PERSON_TOKEN));
        assert!(!other.join(PERSON_KEY).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_person_s_folder_is_finished_whichever_write_fails() {
        let staff = StaffNumber::parse("north-bank/e1").unwrap();
        let failed = tributary_storage::faults::each_sync_fails_once(
            || tempfile::tempdir().unwrap(),
            |folder| {
                let own = folder.path().join("own");
                let person = make_person(&own, &staff, 7)?;
                let opened = SigningPerson::open(&own)?;
                assert!(opened.request() == person.request() && own.join("fingerprint").exists());
                Ok::<_, PeopleError>(())
            },
        );
        assert!(failed > 0);
    }
}
