//! Whether an owner's word is one for this branch: asked where it comes here by hand, and where the coordinator carries it.

use tributary_certs::enrolment::names;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Grant, OwnersWord};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;

use crate::error::ClientError;
use crate::identity::{IdentitySettings, own_name};

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotForHere {
    #[error(
        "it speaks for another owner than this branch's data have, so it changes nothing. After a change of owner the next owner grants anew"
    )]
    Stranger,
    #[error("its owner has not signed it, so it changes nothing. Ask the owner for it again")]
    Unsigned,
    #[error(
        "it is of another federation, so it would never count here. The owner signs with this federation's list of authorities"
    )]
    Federation,
    #[error("it does not name this branch, so it would never count here. Ask the owner for one that does")]
    Branch,
    #[error("it is over by this machine's clock, so it would not count. Ask the owner for a new one, or set the clock")]
    Over,
}

/// Whether the owner of this branch's data speaks.
pub(super) fn speaks(word: &OwnersWord, owner: &VerifyingKey) -> Result<(), NotForHere> {
    match (word.owner() == owner, word.is_genuine::<RealSuite>()) {
        (false, _) => Err(NotForHere::Stranger),
        (true, false) => Err(NotForHere::Unsigned),
        (true, true) => Ok(()),
    }
}

/// Where a grant may count.
pub(super) struct Place {
    pub(super) federation: Digest,
    pub(super) branch: MemberName,
}

impl Place {
    /// As the branch's identity says.
    ///
    /// # Errors
    /// If a file of the identity cannot be used.
    pub(super) fn of(identity: &IdentitySettings) -> Result<Self, ClientError> {
        let authorities =
            RosterAuthorities::read(&identity.folder.join(names::AUTHORITIES)).map_err(ClientError::file)?;
        Ok(Self { federation: authorities.digest(), branch: own_name(&identity.folder)? })
    }

    /// Whether a grant can count here, at a second of the Unix clock or later.
    pub(super) fn admits(&self, grant: &Grant, now: u64) -> Result<(), NotForHere> {
        if grant.federation != self.federation {
            return Err(NotForHere::Federation);
        }
        if grant.branches.binary_search(&self.branch).is_err() {
            return Err(NotForHere::Branch);
        }
        if grant.not_after < now { Err(NotForHere::Over) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use tributary_certs::grant::{sign_grant, sign_withdrawal};
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::round::cast;

    use super::*;

    #[test]
    fn a_branch_takes_its_own_owners_word_about_itself_and_nothing_that_is_over() {
        let (owner, former) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let grant = |key: &SigningKey| sign_grant(key, cast::grant(&cast::plan()));
        let own = grant(&owner);
        let spoken = |word: OwnersWord| speaks(&word, &owner.verifying_key());
        assert_eq!(spoken(OwnersWord::Granted(own.clone())), Ok(()));
        assert_eq!(spoken(OwnersWord::Granted(grant(&former))), Err(NotForHere::Stranger));
        let widened = Grant { runs: own.runs + 1, ..own.clone() };
        assert_eq!(spoken(OwnersWord::Granted(widened)), Err(NotForHere::Unsigned));
        assert_eq!(spoken(OwnersWord::TakenBack(sign_withdrawal(&owner, own.digest(), 7))), Ok(()));
        let foreign = sign_withdrawal(&former, own.digest(), 7);
        assert_eq!(spoken(OwnersWord::TakenBack(foreign)), Err(NotForHere::Stranger));

        let branch = own.branches[0].clone();
        let here = Place { federation: own.federation, branch: branch.clone() };
        assert_eq!((here.admits(&own, own.not_after), here.admits(&own, 0)), (Ok(()), Ok(())));
        // Whoever keeps old grants puts none of them back into a folder that was tidied.
        let own = Grant { not_after: 7, ..own };
        assert_eq!(here.admits(&own, 8), Err(NotForHere::Over));
        let elsewhere = Place { federation: Digest([9; 32]), branch };
        assert_eq!(elsewhere.admits(&own, 0), Err(NotForHere::Federation));
        let other = Place { federation: own.federation, branch: MemberName::parse("other-bank/branch-9").unwrap() };
        assert_eq!(other.admits(&own, 0), Err(NotForHere::Branch));
    }
}
