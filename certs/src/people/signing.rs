//! A person's own folder: the key, and what is signed with it. No network and nothing of the office's.
//!
//! ```text
//! person.key       the signing key, which leaves this folder never
//! person.request   who, the public key, and its own signature: for the office
//! fingerprint      of the key, to be read to the holders of the roster keys
//! ```

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;

use super::{PeopleError, PersonRequest};
use crate::enrolment::write_fingerprint;
use crate::entropy::OsEntropy;
use crate::keys::{read_signing_key, write_signing_key};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, FileError};

/// The file of a person's signing key.
pub const PERSON_KEY: &str = "person.key";
/// The file of a person's request.
pub const PERSON_REQUEST: &str = "person.request";

/// Somebody who can sign: a staff number and its key. It has no `Debug`: it holds a key.
pub struct SigningPerson {
    request: PersonRequest,
    key: SigningKey,
}

/// Makes a person's folder: a key that nobody else has, and the request for the office. A folder that was begun and not finished is finished.
///
/// # Errors
/// [`FileError::Exists`] if the folder holds a person's key already, which is never replaced; [`PeopleError::File`].
pub fn make_person(folder: &Path, staff: &StaffNumber, now: u64) -> Result<SigningPerson, PeopleError> {
    make(folder, staff, None, now)
}

/// As [`make_person`], for another key of somebody who has one: the old key gives its word for it.
///
/// # Errors
/// As [`make_person`].
pub fn make_next_key(folder: &Path, old: &SigningPerson, now: u64) -> Result<SigningPerson, PeopleError> {
    make(folder, &old.request.staff, Some(&old.key), now)
}

fn make(folder: &Path, staff: &StaffNumber, old: Option<&SigningKey>, now: u64) -> Result<SigningPerson, PeopleError> {
    files::create_private_folder(folder)?;
    files::keeps_secrets(folder)?;
    let (path, request_path) = (folder.join(PERSON_KEY), folder.join(PERSON_REQUEST));
    if request_path.exists() {
        return Err(FileError::Exists { path: request_path }.into());
    }
    // A key without its request is of a command that was killed.
    let key = if path.exists() {
        read_signing_key(&path)?
    } else {
        let key = SigningKey::generate(&mut OsEntropy);
        write_signing_key(&key, &path)?;
        key
    };
    let request = PersonRequest::make(staff, &key, old, now);
    write_fingerprint(folder, &request.fingerprint())?;
    request.write(&request_path)?;
    Ok(SigningPerson { request, key })
}

impl SigningPerson {
    /// Opens a person's folder.
    ///
    /// # Errors
    /// [`PeopleError::File`] if key or request cannot be used, or are of two keys.
    pub fn open(folder: &Path) -> Result<Self, PeopleError> {
        let (path, request_path) = (folder.join(PERSON_KEY), folder.join(PERSON_REQUEST));
        let request = PersonRequest::read(&request_path)?;
        let key = read_signing_key(&path)?;
        if key.verifying_key() != request.signing_key {
            return Err(FileError::content(&path, "key of the person's request beside it").into());
        }
        Ok(Self { request, key })
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
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// This person's signature on an action; see [`attest`].
    #[must_use]
    pub fn attest(&self, action: Action, subject: Digest, federation: Digest, role: Role, at: u64) -> Attestation {
        attest(&self.key, action, subject, federation, self.staff(), role, at)
    }
}

/// A person's signature on an action: what is done to the object of a digest, in the federation of a digest
/// ([`crate::roster::RosterAuthorities::digest`]), at a second of the Unix clock. Whether it counts, the roster in force says.
#[must_use]
pub fn attest(
    key: &SigningKey,
    action: Action,
    subject: Digest,
    federation: Digest,
    staff: &StaffNumber,
    role: Role,
    at: u64,
) -> Attestation {
    let signature = Signature::ed25519([0; 64]);
    let mut attestation = Attestation { action, subject, federation, staff: staff.clone(), role, at, signature };
    attestation.signature = RealSuite::sign(key, &attestation.to_sign::<RealSuite>());
    attestation
}
