//! How a roster differs from an earlier one: what its signers are shown before they sign, and what branches tell their operators after it.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::entry::RosterEntry;
use super::people::{self, PersonChange};
use super::{Roster, RosterGroup};
use crate::ids::ClientId;

/// Everything that differs between two rosters, each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterChanges {
    /// Members that are new.
    pub added: Vec<RosterEntry>,
    /// Members that are gone.
    pub removed: Vec<RosterEntry>,
    /// Members whose entry is another one.
    pub changed: Vec<EntryChange>,
    /// Groups that differ.
    pub groups: Vec<GroupChange>,
    /// People who differ.
    pub people: Vec<PersonChange>,
}

/// An entry of one number, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// In the earlier roster.
    pub before: RosterEntry,
    /// In the later one.
    pub after: RosterEntry,
}

/// A group that came, went, or has other members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// Its name.
    pub name: String,
    /// Whether the earlier roster has no such group.
    pub new: bool,
    /// Whether the later roster has no such group.
    pub gone: bool,
    /// Who came.
    pub added: Vec<ClientId>,
    /// Who left.
    pub removed: Vec<ClientId>,
}

impl EntryChange {
    /// Whether a key is another one: another machine can speak for the member.
    #[must_use]
    pub fn has_other_keys(&self) -> bool {
        self.before.signing_key != self.after.signing_key || self.before.tls_spki_sha256 != self.after.tls_spki_sha256
    }

    /// Whether the number stands for another name or another organisation's number: for somebody else.
    #[must_use]
    pub fn has_other_name(&self) -> bool {
        self.before.name != self.after.name || self.before.organisation != self.after.organisation
    }

    /// Whether it ends at another time.
    #[must_use]
    pub fn has_other_end(&self) -> bool {
        self.before.not_after != self.after.not_after
    }
}

impl RosterChanges {
    /// What differs; without an earlier roster everything is new.
    #[must_use]
    pub fn between(earlier: Option<&Roster>, later: &Roster) -> Self {
        let mut changes = Self::default();
        let before = |client| earlier.and_then(|earlier| earlier.entry(client));
        for entry in later.entries() {
            match before(entry.client) {
                None => changes.added.push(entry.clone()),
                Some(before) if before != entry => {
                    changes.changed.push(EntryChange { before: before.clone(), after: entry.clone() });
                }
                Some(_) => {}
            }
        }
        let old = earlier.map_or(&[][..], Roster::entries).iter();
        changes.removed.extend(old.filter(|entry| later.entry(entry.client).is_none()).cloned());
        changes.people = people::changes(earlier.map_or(&[][..], Roster::people), later.people());
        changes.groups = group_changes(earlier.map_or(&[][..], Roster::groups), later.groups());
        changes
    }

    /// How many there are: members added, removed and changed, groups, and people.
    #[must_use]
    pub fn count(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len() + self.groups.len() + self.people.len()
    }
}

fn group_changes(earlier: &[RosterGroup], later: &[RosterGroup]) -> Vec<GroupChange> {
    let names: BTreeSet<&str> = earlier.iter().chain(later).map(|group| group.name.as_str()).collect();
    let named = |groups: &[RosterGroup], name: &str| -> Option<BTreeSet<ClientId>> {
        groups.iter().find(|group| group.name == name).map(|group| group.members.iter().copied().collect())
    };
    let change = |name: &str| {
        let (before, after) = (named(earlier, name), named(later, name));
        let (new, gone) = (before.is_none(), after.is_none());
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let added = after.difference(&before).copied().collect();
        let removed = before.difference(&after).copied().collect();
        (before != after).then(|| GroupChange { name: name.into(), new, gone, added, removed })
    };
    names.into_iter().filter_map(change).collect()
}
