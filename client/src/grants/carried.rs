//! What the owner has signed, where the coordinator carries it here: it is believed for the owner's signature alone, and put with what was carried by hand.

use std::path::PathBuf;

use tributary_certs::grant::{write_grant, write_withdrawal};
use tributary_certs::keys::read_verifying_key;
use tributary_certs::suite::RealSuite;
use tributary_protocol::plan::OwnersWord;
use tributary_storage::files::create_private_folder;

use super::held::{GRANT, WITHDRAWAL, folder_of, names};
use crate::error::ClientError;
use crate::identity::{IdentitySettings, own_name};
use crate::settings::Settings;

/// Files of the folder, beyond which nothing more is taken from the coordinator.
const FILES_MAX: usize = 2_000;

/// Where it is put, and by what it is judged.
pub(super) struct Carried {
    folder: PathBuf,
    owner: PathBuf,
    identity: IdentitySettings,
}

impl Carried {
    pub(super) fn of(settings: &Settings) -> Self {
        Self::new(folder_of(settings), settings.policy_owner.clone(), settings.identity.clone())
    }

    pub(super) fn new(folder: PathBuf, owner: PathBuf, identity: IdentitySettings) -> Self {
        Self { folder, owner, identity }
    }

    /// Puts it into the folder; whether it was not there yet.
    ///
    /// # Errors
    /// Why it is nothing for this branch, or a file that cannot be used.
    pub(super) fn take(&self, word: &OwnersWord) -> Result<bool, ClientError> {
        let extension = match word {
            OwnersWord::Granted(_) => GRANT,
            OwnersWord::TakenBack(_) => WITHDRAWAL,
        };
        let path = self.folder.join(format!("{}.{extension}", word.grant()));
        if path.exists() {
            return Ok(false);
        }
        let refuse = |why: &str| Err(ClientError::File(why.to_owned()));
        if *word.owner() != read_verifying_key(&self.owner).map_err(ClientError::file)? {
            return refuse("it speaks for another owner than this branch's data have");
        }
        if !word.is_genuine::<RealSuite>() {
            return refuse("its owner has not signed it");
        }
        if names(&self.folder).map_err(ClientError::file)?.len() >= FILES_MAX {
            return refuse("the folder of grants is full: take out what is over, and connect again");
        }
        match word {
            OwnersWord::Granted(grant) => {
                if grant.branches.binary_search(&own_name(&self.identity)?).is_err() {
                    return refuse("it names other branches");
                }
                create_private_folder(&self.folder).map_err(ClientError::file)?;
                write_grant(grant, &path).map_err(ClientError::file)?;
            }
            OwnersWord::TakenBack(withdrawal) => {
                create_private_folder(&self.folder).map_err(ClientError::file)?;
                write_withdrawal(withdrawal, &path).map_err(ClientError::file)?;
            }
        }
        Ok(true)
    }
}
