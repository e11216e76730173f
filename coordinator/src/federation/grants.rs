//! What owners of data have granted and taken back, where their files came here: the coordinator carries them to the branches that they name, and believes
//! nothing for it. Each branch verifies its owner's signature.

use std::collections::{BTreeMap, BTreeSet};

use tributary_certs::clock::unix_seconds;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::{OWNERS_WORDS_MAX, WITHDRAWALS_MAX};
use tributary_protocol::message::ToClient;
use tributary_protocol::plan::{Grant, OwnersWord, Withdrawal};
use tributary_protocol::roster::{MemberName, Roster};
use tributary_protocol::secagg::suite::VerifyingKey;

use super::hands::Hands;

/// Grants that are carried, at most; and withdrawals of grants that never came here. What takes back a grant that is carried always has room.
const GRANTS_MAX: usize = 10_000;

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

#[cfg(test)]
mod tests {
    use tributary_certs::grant::{sign_grant, sign_withdrawal};
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::round::cast;

    use super::*;

    fn name(name: &str) -> MemberName {
        MemberName::parse(name).unwrap()
    }

    fn grant(owner: &SigningKey, branches: &[&str], not_after: u64) -> Grant {
        let grant = Grant {
            branches: branches.iter().map(|branch| name(branch)).collect(),
            not_after,
            ..cast::grant(&cast::plan())
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
