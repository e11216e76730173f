//! The committee: who holds shares and certifies, where one organisation has too many members (docs/PROTOCOL.md, "Numbers").
//!
//! Where a coalition may have a third of the cohort or more, two quorums of the cohort need not meet in an honest member, and the holders
//! of a secret may be the coalition alone. So at most `holder_cap` members of each organisation hold shares and sign certificates: the
//! lowest ids, which nobody chooses. One committee serves all secrets of a session, and quorum and threshold count in it alone.
//!
//! This is at least as strict as the specification's cap on the holders of each secret. There the cap is asked to leave a coalition below
//! the threshold; here it leaves it below a *third* of the holders, so that threshold = quorum = floor((m + c) / 2) + 1, for m holders of
//! whom c may collude, is above c with room to lose members, and the shares of both kinds of one secret (2 t > m + c) cannot both be had
//! even without a certificate. And there the quorum is of the whole cohort, which such a coalition may split; here two certificates on
//! different survivor sets need an honest member of the committee to sign twice. The coalition is whole organisations and the cap holds
//! for each of them, so it does not matter which organisations it turns out to be, nor that the committee is known beforehand.
//!
//! What is released is still judged on the whole cohort: the fewest survivors and the honest among them do not know of the committee.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::ids::OrganisationId;

/// The members that hold the shares of every secret and sign the quorum's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    holders: Vec<u32>,
}

impl Committee {
    /// The first `holder_cap` members of each organisation, in the cohort's order. `members` gives each member's organisation.
    #[must_use]
    pub(super) fn new(members: &[OrganisationId], holder_cap: u16) -> Self {
        if usize::from(holder_cap) >= members.len() {
            return Self { holders: (0_u32..).zip(members).map(|(index, _)| index).collect() };
        }
        let mut seen: BTreeMap<OrganisationId, u16> = BTreeMap::new();
        let holders = (0_u32..).zip(members).filter(|(_, organisation)| {
            let count = seen.entry(**organisation).or_default();
            let counts = *count < holder_cap;
            *count = count.saturating_add(1);
            counts
        });
        Self { holders: holders.map(|(index, _)| index).collect() }
    }

    /// Indices of its members in the cohort, ascending. A holder's point is one more than its rank in this list.
    #[must_use]
    pub fn holders(&self) -> &[u32] {
        &self.holders
    }

    /// Rank of a member of the cohort in the committee; `None` for those that are not in it.
    #[must_use]
    pub fn rank(&self, member: usize) -> Option<usize> {
        self.holders.binary_search(&u32::try_from(member).ok()?).ok()
    }

    /// How many of the survivors, given as ascending indices, are in the committee.
    #[must_use]
    pub fn among(&self, survivors: &[u32]) -> usize {
        let mut holders = self.holders.iter().peekable();
        let holds = |survivor: &&u32| {
            while holders.next_if(|holder| *holder < *survivor).is_some() {}
            holders.next_if_eq(survivor).is_some()
        };
        survivors.iter().filter(holds).count()
    }
}
