//! What owners of data have granted and taken back, where their files came here: the coordinator carries them to the branches that they name, and believes
//! nothing for it. Each branch verifies its owner's signature.
//!
//! ```text
//! STATE/grants/9f86...grant         what was granted
//! STATE/grants/9f86...withdrawal    what was taken back
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::grant::{read_grant, read_withdrawal, write_grant, write_withdrawal};
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::OWNERS_WORDS_MAX;
use tributary_protocol::message::ToClient;
use tributary_protocol::plan::{Grant, OwnersWord, Withdrawal};
use tributary_protocol::roster::{MemberName, Roster};
use tributary_settings::Faults;
use tributary_storage::files::{FileError, create_private_folder};

use super::hands::Hands;
use crate::inbox::Inbox;
use crate::settings::Settings;

const FOLDER: &str = "grants";
const GRANT: &str = "grant";
const WITHDRAWAL: &str = "withdrawal";

/// Grants that are carried, at most.
const GRANTS_MAX: usize = 10_000;

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

/// What is carried.
#[derive(Default)]
pub(crate) struct Grants {
    grants: BTreeMap<Digest, Grant>,
    withdrawals: BTreeMap<Digest, Withdrawal>,
}

impl Grants {
    /// Takes what has come; the branches that are to hear of it. Nobody hears of what its owner has not signed.
    pub(crate) fn take(&mut self, word: OwnersWord) -> Vec<MemberName> {
        if !word.is_genuine::<RealSuite>() || self.grants.len() >= GRANTS_MAX {
            tracing::error!(grant = %word.grant(), "a file among the owners' grants is not signed by its owner, or there are too many: it is carried to nobody");
            return Vec::new();
        }
        match word {
            OwnersWord::Granted(grant) => {
                let branches = grant.branches.clone();
                self.grants.insert(grant.digest(), grant);
                branches
            }
            OwnersWord::TakenBack(withdrawal) => {
                // Another owner's key takes nothing back.
                let grant = self.grants.get(&withdrawal.grant).filter(|grant| grant.owner == withdrawal.owner);
                let branches = grant.map(|grant| grant.branches.clone()).unwrap_or_default();
                self.withdrawals.insert(withdrawal.grant, withdrawal);
                branches
            }
        }
    }

    /// What a branch is to hear: what was taken back in place of the grant, nothing that is over, and the latest ends first where there is more than one
    /// connection carries.
    fn of(&self, branch: &MemberName, now: u64) -> Vec<OwnersWord> {
        let named = self.grants.iter().filter(|(_, grant)| grant.branches.binary_search(branch).is_ok());
        let mut standing: Vec<(&Digest, &Grant)> = named.filter(|(_, grant)| grant.not_after >= now).collect();
        standing.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.not_after));
        let word = |(digest, grant): (&Digest, &Grant)| {
            let taken = self.withdrawals.get(digest).filter(|taken| taken.owner == grant.owner);
            taken.map_or_else(|| OwnersWord::Granted(grant.clone()), |taken| OwnersWord::TakenBack(taken.clone()))
        };
        standing.into_iter().map(word).take(OWNERS_WORDS_MAX).collect()
    }

    /// Carries to a member what it is to hear, if it is here.
    pub(crate) fn tell(&self, hands: &mut Hands<'_>, roster: &Roster, branch: &MemberName) {
        let Some(entry) = roster.entries().iter().find(|entry| entry.name == *branch) else { return };
        for word in self.of(branch, unix_seconds()) {
            hands.send_beside(entry.client, &ToClient::Owner(Box::new(word)));
        }
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
mod tests {
    use tributary_certs::grant::{sign_grant, sign_withdrawal};
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::plan::{GrantSubject, GrantUses};
    use tributary_protocol::secagg::suite::Signature;

    use super::*;

    fn name(name: &str) -> MemberName {
        MemberName::parse(name).unwrap()
    }

    fn grant(owner: &SigningKey, branches: &[&str], not_after: u64) -> Grant {
        let grant = Grant {
            federation: Digest::ZERO,
            branches: branches.iter().map(|branch| name(branch)).collect(),
            subject: GrantSubject::Plan(Digest::ZERO),
            uses: GrantUses::ALL,
            epsilon_run_bits: 1.0_f64.to_bits(),
            epsilon_year_bits: 1.0_f64.to_bits(),
            delta_bits: 1e-6_f64.to_bits(),
            runs: 1,
            fields: Vec::new(),
            not_before: 0,
            not_after,
            nonce: [0; 16],
            owner: owner.verifying_key(),
            signature: Signature::none(),
        };
        sign_grant(owner, grant)
    }

    #[test]
    fn a_branch_hears_what_names_it_until_it_is_over_or_taken_back() {
        let (owner, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let mut grants = Grants::default();
        let both = grant(&owner, &["bank/a", "bank/b"], 100);
        let short = grant(&owner, &["bank/a"], 50);
        assert_eq!(grants.take(OwnersWord::Granted(both.clone())), [name("bank/a"), name("bank/b")]);
        assert_eq!(grants.take(OwnersWord::Granted(short.clone())), [name("bank/a")]);
        let heard = |grants: &Grants, branch: &str, now| grants.of(&name(branch), now);
        assert_eq!(heard(&grants, "bank/a", 50), [OwnersWord::Granted(both.clone()), OwnersWord::Granted(short)]);
        assert_eq!(heard(&grants, "bank/a", 51), [OwnersWord::Granted(both.clone())]);
        assert_eq!(heard(&grants, "bank/c", 0), []);
        // Somebody else takes nothing back, and what nobody has signed is carried to nobody.
        let foreign = sign_withdrawal(&thief, both.digest(), 7);
        assert_eq!(grants.take(OwnersWord::TakenBack(foreign)), []);
        assert_eq!(heard(&grants, "bank/b", 0), [OwnersWord::Granted(both.clone())]);
        let forged = Grant { runs: 9, ..both.clone() };
        assert_eq!(grants.take(OwnersWord::Granted(forged)), []);
        assert_eq!(heard(&grants, "bank/b", 0).len(), 1);
        let own = sign_withdrawal(&owner, both.digest(), 7);
        assert_eq!(grants.take(OwnersWord::TakenBack(own.clone())).len(), 2);
        assert_eq!(heard(&grants, "bank/b", 0), [OwnersWord::TakenBack(own)]);
    }
}
