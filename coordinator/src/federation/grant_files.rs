//! Files of owners' grants and withdrawals at the coordinator: how they come into its state, and how its daemon takes them up.
//!
//! ```text
//! STATE/grants/9f86...grant         what was granted
//! STATE/grants/9f86...withdrawal    what was taken back
//! ```

use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::grant::{
    GRANT_EXTENSION as GRANT, WITHDRAWAL_EXTENSION as WITHDRAWAL, read_grant, read_withdrawal, write_grant,
    write_withdrawal,
};
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::OwnersWord;
use tributary_protocol::roster::MemberName;
use tributary_settings::Faults;
use tributary_storage::files::{FileError, create_private_folder};

use crate::inbox::Inbox;
use crate::settings::Settings;

const FOLDER: &str = "grants";

/// The folder, and what was handed on of it.
pub(crate) struct GrantsFolder {
    grants: Inbox,
    withdrawals: Inbox,
}

impl GrantsFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        let folder = |extension| Inbox::of(state_dir.join(FOLDER), extension);
        Self { grants: folder(GRANT), withdrawals: folder(WITHDRAWAL) }
    }

    /// What has come since the last look: grants before what takes them back.
    pub(crate) fn new_ones(&mut self) -> Vec<OwnersWord> {
        let now = unix_seconds();
        let grants = self.grants.new_ones(now, read_grant).into_iter().map(OwnersWord::Granted);
        grants.chain(self.withdrawals.new_ones(now, read_withdrawal).into_iter().map(OwnersWord::TakenBack)).collect()
    }
}

/// Why an owner's file is not carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The settings have faults.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Roster or authorities cannot be used.
    #[error(transparent)]
    Roster(#[from] RosterFileError),
    /// The signature is not the owner's.
    #[error("{path}: its owner's signature is not good, so nothing is carried. Ask the owner for the file again")]
    Unsigned {
        /// The file.
        path: String,
    },
    /// It is for another federation.
    #[error(
        "{path}: it was signed for another federation, so nothing is carried. The owner signs with this federation's list of authorities"
    )]
    Foreign {
        /// The file.
        path: String,
    },
    /// It names a branch that is no member.
    #[error(
        "{path}: {branch} is not in the roster, so nothing is carried. Check the name, or have the next roster signed first"
    )]
    NoMember {
        /// The file.
        path: String,
        /// The name.
        branch: MemberName,
    },
    /// The grant is over.
    #[error("{path}: the grant is over, so nothing is carried. Ask the owner for a new one")]
    Over {
        /// The file.
        path: String,
    },
    /// The grant that is taken back never came here.
    #[error(
        "{path}: it takes back the grant {}, which did not come through this coordinator, so nobody here knows whom to tell. Carry the file to the branches \
         (`tributary client authorise install`)", .grant.short()
    )]
    Unknown {
        /// The file.
        path: String,
        /// The grant.
        grant: Digest,
    },
}

/// Gives an owner's file to the coordinator, to be carried to the branches that it names; where it lies then, and who hears of it.
///
/// # Errors
/// [`CarryError`]; then nothing has changed.
pub fn carry(config: &Path, file: &Path) -> Result<(PathBuf, Vec<MemberName>), CarryError> {
    let settings = Settings::load(config)?;
    let (folder, path) = (settings.state_dir.join(FOLDER), tributary_storage::files::shown(file).to_string());
    let place = |digest: &Digest, extension: &str| folder.join(format!("{digest}.{extension}"));
    if file.extension().is_some_and(|extension| extension == WITHDRAWAL) {
        let withdrawal = read_withdrawal(file)?;
        if !withdrawal.is_genuine::<RealSuite>() {
            return Err(CarryError::Unsigned { path });
        }
        let known = place(&withdrawal.grant, GRANT);
        let grant = if known.exists() { Some(read_grant(&known)?) } else { None };
        let grant = grant.filter(|grant| grant.owner == withdrawal.owner);
        let grant = grant.ok_or(CarryError::Unknown { path, grant: withdrawal.grant })?;
        let to = place(&withdrawal.grant, WITHDRAWAL);
        write_withdrawal(&withdrawal, &to)?;
        return Ok((to, grant.branches));
    }
    let grant = read_grant(file)?;
    if !grant.is_genuine::<RealSuite>() {
        return Err(CarryError::Unsigned { path });
    }
    let authorities = RosterAuthorities::read(&settings.identity.authorities)?;
    if grant.federation != authorities.digest() {
        return Err(CarryError::Foreign { path });
    }
    if grant.not_after < unix_seconds() {
        return Err(CarryError::Over { path });
    }
    let roster = read_roster(&settings.identity.roster, &authorities)?;
    let is_member = |branch: &MemberName| roster.roster.entries().iter().any(|entry| entry.name == *branch);
    if let Some(branch) = grant.branches.iter().find(|branch| !is_member(branch)) {
        return Err(CarryError::NoMember { path, branch: branch.clone() });
    }
    create_private_folder(&settings.state_dir)?;
    create_private_folder(&folder)?;
    let to = place(&grant.digest(), GRANT);
    write_grant(&grant, &to)?;
    Ok((to, grant.branches))
}

#[cfg(test)]
mod tests;
