//! Named groups of a roster: the branches from which a plan's cohorts are chosen, and of which its coalition is counted.
//!
//! Why signed with the roster: the coordinator chooses who is in a cohort. Were a coalition a fraction of the cohort, the coordinator could put
//! its colluders together with one victim. Of a group that others named it is a number that no choice makes smaller.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::entry::RosterEntry;
use crate::digest::Canonical;
use crate::ids::ClientId;
use crate::limits::{GROUP_NAME_BYTES_MAX, ROSTER_GROUP_MEMBERS_MAX, ROSTER_GROUPS_MAX};

/// The name that always means every entry of the roster. No group may have it.
pub const ALL: &str = "all";

/// Some entries of the roster under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterGroup {
    /// 1 to [`GROUP_NAME_BYTES_MAX`] bytes of `a-z 0-9 - _ .`, and not [`ALL`].
    pub name: String,
    /// Strictly ascending, one at least.
    pub members: Vec<ClientId>,
}

/// What is wrong with the groups of a roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupFault {
    /// More groups than the limit allows.
    #[error("the roster has {count} groups, more than the {ROSTER_GROUPS_MAX} allowed")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The groups have too many members together.
    #[error(
        "the groups of the roster have more than the {ROSTER_GROUP_MEMBERS_MAX} members allowed for all of them together"
    )]
    TooLarge,
    /// The name is reserved, too long, empty, or holds something else than a name may.
    #[error(
        "group number {number} has a name that no group may have: 1 to {GROUP_NAME_BYTES_MAX} of a-z, 0-9, -, _ and ., and not \"all\""
    )]
    Name {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// Names are not strictly ascending.
    #[error("group number {number} is out of order, or its name is there twice")]
    Order {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// Nobody is in it.
    #[error("group number {number} has no members")]
    Empty {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// A member is out of order, listed twice, or no entry of the roster.
    #[error("client {client} of group number {number} is out of order, listed twice, or no entry of the roster")]
    Member {
        /// The group's place in the list, from 1.
        number: usize,
        /// The member at fault.
        client: ClientId,
    },
}

/// A group as it is looked up: every entry, or those that a name stands for.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a>(Members<'a>);

#[derive(Clone, Copy, Debug)]
enum Members<'a> {
    All(&'a [RosterEntry]),
    Listed(&'a [ClientId]),
}

impl<'a> Group<'a> {
    pub(super) fn all(entries: &'a [RosterEntry]) -> Self {
        Self(Members::All(entries))
    }

    pub(super) fn of(group: &'a RosterGroup) -> Self {
        Self(Members::Listed(&group.members))
    }

    /// How many members it has, whether or not their entries have ended: of so many a coalition is counted, whatever a clock says.
    #[must_use]
    pub fn size(self) -> usize {
        match self.0 {
            Members::All(entries) => entries.len(),
            Members::Listed(members) => members.len(),
        }
    }

    /// Whether a client is in it.
    #[must_use]
    pub fn has(self, client: ClientId) -> bool {
        match self.0 {
            Members::All(entries) => entries.binary_search_by_key(&client, |entry| entry.client).is_ok(),
            Members::Listed(members) => members.binary_search(&client).is_ok(),
        }
    }

    /// Its members, ascending.
    pub fn members(self) -> impl Iterator<Item = ClientId> + 'a {
        let (entries, listed): (&[RosterEntry], &[ClientId]) = match self.0 {
            Members::All(entries) => (entries, &[]),
            Members::Listed(members) => (&[], members),
        };
        entries.iter().map(|entry| entry.client).chain(listed.iter().copied())
    }
}

/// Whether a plan or a policy may name such a group: a group's name, or [`ALL`].
#[must_use]
pub fn is_group_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=GROUP_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// Whether groups are in order and stand for entries alone. `entries` are ascending.
pub(super) fn check(groups: &[RosterGroup], entries: &[RosterEntry]) -> Result<(), GroupFault> {
    if groups.len() > ROSTER_GROUPS_MAX {
        return Err(GroupFault::TooMany { count: groups.len() });
    }
    if groups.iter().map(|group| group.members.len()).sum::<usize>() > ROSTER_GROUP_MEMBERS_MAX {
        return Err(GroupFault::TooLarge);
    }
    let mut last: Option<&str> = None;
    for (number, RosterGroup { name, members }) in (1..).zip(groups) {
        if name == ALL || !is_group_name(name) {
            return Err(GroupFault::Name { number });
        }
        if last >= Some(name) {
            return Err(GroupFault::Order { number });
        }
        last = Some(name);
        if members.is_empty() {
            return Err(GroupFault::Empty { number });
        }
        // Both lists ascend, so that one walk over the entries finds every member that is in its order.
        let mut enrolled = entries.iter().map(|entry| entry.client);
        if let Some(client) = members.iter().copied().find(|member| !enrolled.any(|client| client == *member)) {
            return Err(GroupFault::Member { number, client });
        }
    }
    Ok(())
}

/// Appends the groups to a roster's canonical encoding.
pub(super) fn canonical(body: Canonical, groups: &[RosterGroup]) -> Canonical {
    let count = |count: usize| u32::try_from(count).expect("ROSTER_GROUP_MEMBERS_MAX is below 2^32");
    groups.iter().fold(body.u32(count(groups.len())), |body, group| {
        let body = body.bytes(group.name.as_bytes()).u32(count(group.members.len()));
        group.members.iter().fold(body, |body, member| body.u32(member.0))
    })
}
