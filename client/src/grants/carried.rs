//! What the owner has signed, where the coordinator carries it here: it is believed for the owner's signature alone, and put with what was carried by hand.

use std::path::{Path, PathBuf};

use tributary_certs::grant::{word_file_name, write_grant, write_withdrawal};
use tributary_certs::keys::read_verifying_key;
use tributary_protocol::limits::WITHDRAWALS_MAX;
use tributary_protocol::plan::OwnersWord;
use tributary_storage::files::{FileError, create_private_folder};

use super::held::{GRANT, WITHDRAWAL, folder_of, names};
use super::judged::{Place, speaks};
use crate::identity::IdentitySettings;
use crate::settings::Settings;

/// Grants in the folder, beyond which no more are taken from the coordinator.
const GRANTS_MAX: usize = 2_000;

/// Withdrawals in the folder, beyond which none is taken from the coordinator for a grant that is not here. An owner of many branches signs many, a budget
/// head names so many, and a branch that cannot name all of its own takes part in nothing: so half of them stay its own.
const STRANGE_WITHDRAWALS_MAX: usize = WITHDRAWALS_MAX / 2;

/// Why it is not put there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untaken {
    /// It is nothing for this branch.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read or written: a disk was full.
    #[error("{0}; it is tried again every second")]
    Again(#[from] FileError),
}

impl Untaken {
    fn refused(why: impl ToString) -> Self {
        Self::Refused(why.to_string())
    }
}

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

    /// Puts it into the folder; whether it was not there yet. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`Untaken`].
    pub(super) fn take(&self, word: &OwnersWord, now: u64) -> Result<bool, Untaken> {
        let path = self.folder.join(word_file_name(word));
        if path.exists() {
            return Ok(false);
        }
        speaks(word, &read_verifying_key(&self.owner)?).map_err(Untaken::refused)?;
        if let OwnersWord::Granted(grant) = word {
            let place = Place::of(&self.identity).map_err(Untaken::refused)?;
            place.admits(grant, now).map_err(Untaken::refused)?;
        }
        self.has_room_for(word)?;
        create_private_folder(&self.folder)?;
        match word {
            OwnersWord::Granted(grant) => write_grant(grant, &path)?,
            OwnersWord::TakenBack(withdrawal) => write_withdrawal(withdrawal, &path)?,
        }
        Ok(true)
    }

    /// Grants take no room from withdrawals, and what takes back a grant that is here always has some.
    fn has_room_for(&self, word: &OwnersWord) -> Result<(), Untaken> {
        let names = names(&self.folder)?;
        let count = |ending: &str| {
            names.iter().filter(|name| Path::new(name).extension().is_some_and(|found| found == ending)).count()
        };
        let refuse = |why: String| Err(Untaken::Refused(why));
        match word {
            OwnersWord::Granted(_) if count(GRANT) >= GRANTS_MAX => refuse(format!(
                "{GRANTS_MAX} grants are here already, so it is not taken. Move those that are over out of the folder; it comes again at the next connection"
            )),
            OwnersWord::TakenBack(withdrawal)
                if count(WITHDRAWAL) >= STRANGE_WITHDRAWALS_MAX
                    && !self.folder.join(format!("{}.{GRANT}", withdrawal.grant)).exists() =>
            {
                refuse(format!(
                    "it takes back a grant that is not here, and {STRANGE_WITHDRAWALS_MAX} withdrawals are here already, so it is not taken. If the owner \
                     means this branch, install it by hand"
                ))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tributary_certs::grant::{read_grant, sign_grant, sign_withdrawal};
    use tributary_certs::keys::{read_signing_key, write_verifying_key};
    use tributary_certs::provider::KeyExchange;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::plan::Grant;
    use tributary_protocol::roster::MemberName;
    use tributary_protocol::round::cast;

    use super::*;
    use crate::whole_branch_tests::Home;

    /// A full folder refused every word, a withdrawal among them. And whoever has the withdrawals of all of an owner's branches could fill the heads of each.
    #[test]
    fn a_full_folder_still_takes_back_what_is_granted_and_strange_withdrawals_leave_room() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("grants");
        create_private_folder(&folder).unwrap();
        let owner = SigningKey::from_seed(&[1; 32]);
        write_verifying_key(&owner.verifying_key(), &state.path().join("owner.pub")).unwrap();
        let identity = IdentitySettings {
            folder: state.path().join("identity"),
            token: None,
            key_exchange: KeyExchange::DEFAULT,
            renew: true,
        };
        let carried = Carried::new(folder.clone(), state.path().join("owner.pub"), identity);
        let grant = sign_grant(&owner, cast::grant(&cast::plan()));
        write_grant(&grant, &folder.join(format!("{}.grant", grant.digest()))).unwrap();
        let fill = |ending: &str, files: usize| {
            (0..files).for_each(|number| fs::write(folder.join(format!("{number}.{ending}")), "").unwrap());
        };
        fill(GRANT, GRANTS_MAX);
        fill(WITHDRAWAL, STRANGE_WITHDRAWALS_MAX - 1);
        let taken_back = |grant: Digest| carried.take(&OwnersWord::TakenBack(sign_withdrawal(&owner, grant, 7)), 0);
        let room = carried.has_room_for(&OwnersWord::Granted(grant.clone())).unwrap_err().to_string();
        assert!(room.contains("Move those that are over"), "{room}");
        assert!(taken_back(Digest([1; 32])).unwrap());
        let room = taken_back(Digest([2; 32])).unwrap_err().to_string();
        assert!(room.contains("install it by hand"), "{room}");
        assert!(taken_back(grant.digest()).unwrap(), "what is granted here");
        assert!(!taken_back(grant.digest()).unwrap(), "it is known");
        fs::remove_file(folder.join("0.grant")).unwrap();
        fs::remove_file(folder.join("1.grant")).unwrap();
        assert!(carried.has_room_for(&OwnersWord::Granted(grant)).is_ok());
    }

    /// What would never count here takes no room.
    #[test]
    fn a_grant_is_taken_if_it_can_count_here_and_once() {
        const NOW: u64 = 1_900_000_000;
        let home = Home::enrolled_at(NOW);
        home.begin();
        let key = |name: &str| read_signing_key(&home.at(name)).unwrap_or_else(|fault| panic!("{fault}"));
        let (owner, carried) = (key("owner.key"), Carried::of(&home.settings()));
        let place = Place::of(&home.settings().identity).unwrap_or_else(|fault| panic!("{fault}"));
        let Place { federation, branch } = place;
        let branches = vec![branch];
        let usual = Grant { federation, branches, not_before: 0, not_after: NOW, ..cast::grant(&cast::plan()) };
        let take = |owner: &SigningKey, grant: Grant, now| {
            carried.take(&OwnersWord::Granted(sign_grant(owner, grant)), now).map_err(|fault| fault.to_string())
        };
        let elsewhere = Grant { federation: Digest::ZERO, ..usual.clone() };
        let others = Grant { branches: vec![MemberName::parse("north-bank/branch-09").unwrap()], ..usual.clone() };
        for (key, grant, now, part) in [
            (&key("other.key"), &usual, NOW, "another owner"),
            (&owner, &elsewhere, NOW, "another federation"),
            (&owner, &others, NOW, "does not name this branch"),
            (&owner, &usual, NOW + 1, "it is over"),
        ] {
            let refused = take(key, grant.clone(), now).unwrap_err();
            assert!(refused.contains(part), "{part}: {refused}");
        }
        assert!(!carried.folder.exists());
        assert_eq!([(); 2].map(|()| take(&owner, usual.clone(), NOW)), [Ok(true), Ok(false)]);
        let grant = sign_grant(&owner, usual);
        let path = carried.folder.join(format!("{}.{GRANT}", grant.digest()));
        assert_eq!(read_grant(&path).map(|read| read.digest()).ok(), Some(grant.digest()));
    }
}
