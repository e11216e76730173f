//! What owners of data have granted and taken back, where their files came here: the coordinator carries them to the branches that they name, and believes
//! nothing for it. Each branch verifies its owner's signature.
//!
//! ```text
//! STATE/grants/9f86...grant         what was granted
//! STATE/grants/9f86...withdrawal    what was taken back
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::grant::{read_grant, read_withdrawal, write_grant, write_withdrawal};
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::{OWNERS_WORDS_MAX, WITHDRAWALS_MAX};
use tributary_protocol::message::ToClient;
use tributary_protocol::plan::{Grant, OwnersWord, Withdrawal};
use tributary_protocol::roster::{MemberName, Roster};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_settings::Faults;
use tributary_storage::files::{FileError, create_private_folder};

use super::hands::Hands;
use crate::inbox::Inbox;
use crate::settings::Settings;

const FOLDER: &str = "grants";
const GRANT: &str = "grant";
const WITHDRAWAL: &str = "withdrawal";

/// Grants that are carried, at most; and withdrawals of grants that never came here. What takes back a grant that is carried always has room.
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
    /// By the grant, and by the key in whose name it is taken back: another owner's word takes the place of none.
    withdrawals: BTreeMap<(Digest, VerifyingKey), Withdrawal>,
}

impl Grants {
    /// Takes what has come; what each branch is to hear of it. Nobody hears of what its owner has not signed.
    pub(crate) fn take(&mut self, words: Vec<OwnersWord>, now: u64) -> BTreeMap<MemberName, Vec<OwnersWord>> {
        let mut news = BTreeSet::new();
        for word in words {
            let grant = word.grant();
            match self.keep(word, now) {
                Ok(()) => {
                    news.insert(grant);
                }
                Err(why) => tracing::error!(%grant, "a file among the owners' grants is carried to nobody: {why}"),
            }
        }
        let named: BTreeSet<&MemberName> =
            news.iter().filter_map(|grant| self.grants.get(grant)).flat_map(|grant| &grant.branches).collect();
        named.into_iter().map(|branch| (branch.clone(), self.of(branch, now, |grant| news.contains(grant)))).collect()
    }

    fn keep(&mut self, word: OwnersWord, now: u64) -> Result<(), &'static str> {
        if !word.is_genuine::<RealSuite>() {
            return Err("the signature is not good. Ask its owner for it again, and remove the file");
        }
        match word {
            OwnersWord::Granted(grant) => {
                if self.grants.len() >= GRANTS_MAX {
                    self.forget_what_is_over(now);
                }
                if self.grants.len() >= GRANTS_MAX {
                    return Err("10000 grants are carried already. Carry it to the branches by hand");
                }
                self.grants.insert(grant.digest(), grant);
            }
            OwnersWord::TakenBack(withdrawal) => {
                let granted = self.grants.get(&withdrawal.grant);
                if granted.is_some_and(|grant| grant.owner != withdrawal.owner) {
                    return Err("it takes back what another owner has granted. Remove the file");
                }
                if granted.is_none() && self.withdrawals.len() >= 2 * GRANTS_MAX {
                    return Err(
                        "it takes back a grant that never came here, as too many do. Carry it to the branches by hand",
                    );
                }
                self.withdrawals.insert((withdrawal.grant, withdrawal.owner.clone()), withdrawal);
            }
        }
        Ok(())
    }

    fn forget_what_is_over(&mut self, now: u64) {
        for (digest, grant) in self.grants.extract_if(.., |_, grant| grant.not_after < now) {
            self.withdrawals.remove(&(digest, grant.owner));
        }
    }

    /// What a branch is to hear of some grants: what was taken back in place of the grant, nothing that is over, and the latest ends first where there
    /// are more than one connection carries. Grants take no room from withdrawals.
    fn of(&self, branch: &MemberName, now: u64, asked: impl Fn(&Digest) -> bool) -> Vec<OwnersWord> {
        let named = self.grants.iter().filter(|(digest, grant)| {
            asked(digest) && grant.not_after >= now && grant.branches.binary_search(branch).is_ok()
        });
        let mut standing: Vec<(&Digest, &Grant)> = named.collect();
        standing.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.not_after));
        let (mut granted, mut taken_back) = (Vec::new(), Vec::new());
        for (digest, grant) in standing {
            match self.withdrawals.get(&(*digest, grant.owner.clone())) {
                Some(taken) => taken_back.push(OwnersWord::TakenBack(taken.clone())),
                None if granted.len() < OWNERS_WORDS_MAX => granted.push(OwnersWord::Granted(grant.clone())),
                None => {}
            }
        }
        taken_back.truncate(WITHDRAWALS_MAX);
        taken_back.extend(granted);
        taken_back
    }

    /// Carries to a member what it is to hear, if it is here.
    pub(crate) fn tell(&self, hands: &mut Hands<'_>, roster: &Roster, branch: &MemberName) {
        send(hands, roster, branch, self.of(branch, unix_seconds(), |_| true));
    }

    /// Takes what has come, and carries it to those members that it names and that are here.
    pub(crate) fn spread(&mut self, hands: &mut Hands<'_>, roster: &Roster, words: Vec<OwnersWord>) {
        for (branch, words) in self.take(words, unix_seconds()) {
            send(hands, roster, &branch, words);
        }
    }
}

fn send(hands: &mut Hands<'_>, roster: &Roster, branch: &MemberName, words: Vec<OwnersWord>) {
    let Some(entry) = roster.entries().iter().find(|entry| entry.name == *branch) else { return };
    for word in words {
        hands.send_beside(entry.client, &ToClient::Owner(Box::new(word)));
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

    fn take(grants: &mut Grants, words: Vec<OwnersWord>) -> Vec<String> {
        grants.take(words, 0).into_keys().map(|branch| branch.to_string()).collect()
    }

    fn heard(grants: &Grants, branch: &str, now: u64) -> Vec<OwnersWord> {
        grants.of(&name(branch), now, |_| true)
    }

    #[test]
    fn a_branch_hears_what_names_it_until_it_is_over_or_taken_back() {
        let (owner, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let mut grants = Grants::default();
        let both = grant(&owner, &["bank/a", "bank/b"], 100);
        let short = grant(&owner, &["bank/a"], 50);
        assert_eq!(take(&mut grants, vec![OwnersWord::Granted(both.clone())]), ["bank/a", "bank/b"]);
        // What it heard before it does not hear again with every file that comes.
        let news = grants.take(vec![OwnersWord::Granted(short.clone())], 0);
        assert_eq!(news, BTreeMap::from([(name("bank/a"), vec![OwnersWord::Granted(short.clone())])]));
        assert_eq!(heard(&grants, "bank/a", 50), [OwnersWord::Granted(both.clone()), OwnersWord::Granted(short)]);
        assert_eq!(heard(&grants, "bank/a", 51), [OwnersWord::Granted(both.clone())]);
        assert_eq!(heard(&grants, "bank/c", 0), []);
        // Somebody else takes nothing back, and what nobody has signed is carried to nobody.
        let foreign = OwnersWord::TakenBack(sign_withdrawal(&thief, both.digest(), 7));
        assert!(take(&mut grants, vec![foreign.clone()]).is_empty());
        assert_eq!(heard(&grants, "bank/b", 0), [OwnersWord::Granted(both.clone())]);
        let forged = Grant { runs: 9, ..both.clone() };
        assert!(take(&mut grants, vec![OwnersWord::Granted(forged)]).is_empty());
        assert_eq!(heard(&grants, "bank/b", 0).len(), 1);
        let own = OwnersWord::TakenBack(sign_withdrawal(&owner, both.digest(), 7));
        assert_eq!(take(&mut grants, vec![own.clone()]).len(), 2);
        assert_eq!(heard(&grants, "bank/b", 0), std::slice::from_ref(&own));
        // Nor does a stranger's word undo the owner's, in whatever order the files are read.
        assert!(take(&mut grants, vec![foreign.clone()]).is_empty());
        assert_eq!(heard(&grants, "bank/b", 0), std::slice::from_ref(&own));
        let mut late = Grants::default();
        assert!(take(&mut late, vec![own.clone(), foreign]).is_empty(), "the grant is not here yet");
        assert_eq!(late.take(vec![OwnersWord::Granted(both)], 0).get(&name("bank/a")), Some(&vec![own]));
    }

    /// Else an owner's withdrawal would be carried to nobody as soon as there are many grants.
    #[test]
    fn many_grants_leave_room_for_what_takes_one_back() {
        let owner = SigningKey::from_seed(&[1; 32]);
        let one = grant(&owner, &["bank/a"], 5);
        let mut grants = Grants::default();
        take(&mut grants, vec![OwnersWord::Granted(one.clone())]);
        let number = |number: usize| Digest::of(&number.to_le_bytes());
        let long = Grant { not_after: 100, ..one.clone() };
        grants.grants.extend((1..GRANTS_MAX).map(|place| (number(place), long.clone())));
        let granted = |grants: &Grants| {
            heard(grants, "bank/a", 0).iter().filter(|word| matches!(word, OwnersWord::Granted(_))).count()
        };
        assert_eq!((granted(&grants), heard(&grants, "bank/a", 0).len()), (OWNERS_WORDS_MAX, OWNERS_WORDS_MAX));
        let own = OwnersWord::TakenBack(sign_withdrawal(&owner, one.digest(), 7));
        let news = grants.take(vec![own.clone()], 0);
        assert_eq!(news.get(&name("bank/a")), Some(&vec![own.clone()]));
        let all = heard(&grants, "bank/a", 0);
        assert_eq!((all.first(), all.len()), (Some(&own), OWNERS_WORDS_MAX + 1), "it comes first, whatever ends later");
        // One more has room where another one is over.
        let more = OwnersWord::Granted(grant(&owner, &["bank/b"], 100));
        assert!(grants.take(vec![more.clone()], 5).is_empty());
        assert_eq!(grants.take(vec![more], 6).len(), 1);
        assert_eq!((grants.grants.len(), grants.withdrawals.len()), (GRANTS_MAX, 0));
    }
}
