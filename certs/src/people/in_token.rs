//! A person's key in a token: made, found again, and compared with the person's request.
//!
//! The place is written before the key is made, with the key's id in it. So a command that was killed between the two, or between the key and its
//! request, is finished by the same command: it takes the key of that id, and no other that has the label.

use std::path::Path;

use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use super::PeopleError;
use super::key::{PERSON_TOKEN, PersonKey, Unsigned};
use super::place::{ID_BYTES, Place, settled};
use crate::entropy::OsEntropy;
use crate::pkcs11::{TokenPerson, TokenSigningKey};
use crate::token::{TokenError, TokenSettings};
use tributary_storage::files::FileError;

impl PersonKey for TokenSigningKey {
    fn public(&self) -> VerifyingKey {
        self.verifying_key()
    }

    fn signature(&self, message: &[u8]) -> Result<Signature, Unsigned> {
        Ok(self.sign(message)?)
    }
}

/// A token that answers, and the place in it.
pub(super) struct Reached {
    token: TokenPerson,
    settings: TokenSettings,
}

/// Reaches the token for a folder's key, before anything is written.
pub(super) fn reach(settings: &TokenSettings, folder: &Path) -> Result<Reached, PeopleError> {
    let settings = settled(settings)?;
    let token = TokenPerson::new(&settings)?;
    // What a command that was killed has made is judged when it is taken.
    if !folder.join(PERSON_TOKEN).exists() {
        token.is_free()?;
    }
    Ok(Reached { token, settings })
}

impl Reached {
    /// Makes the key of a folder, or takes the one that was made for it.
    pub(super) fn make(self, folder: &Path) -> Result<Box<dyn PersonKey>, PeopleError> {
        let path = folder.join(PERSON_TOKEN);
        let place = if path.exists() {
            let place = Place::read(&path)?;
            if place.settings != self.settings {
                return Err(FileError::Exists { path }.into());
            }
            place
        } else {
            let mut id = [0; ID_BYTES];
            id.copy_from_slice(&OsEntropy.bytes32()[..ID_BYTES]);
            let place = Place { id, settings: self.settings };
            place.write(&path)?;
            place
        };
        Ok(Box::new(self.token.find_or_generate(&place.id)?))
    }
}

/// Finds the key of a folder, which must be that of the request at this path.
pub(super) fn open(folder: &Path, requested: &VerifyingKey, request: &Path) -> Result<Box<dyn PersonKey>, PeopleError> {
    let Place { settings, .. } = Place::read(&folder.join(PERSON_TOKEN))?;
    let found = TokenPerson::new(&settings)?.find()?;
    if found.verifying_key() != *requested {
        let TokenSettings { token, key, .. } = settings;
        return Err(TokenError::NotRequested { token, key, request: request.to_owned() }.into());
    }
    Ok(Box::new(found))
}
