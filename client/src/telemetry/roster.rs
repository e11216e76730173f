//! How two rosters differ, for an operator: by name, and the first of each kind alone where there are many.

use serde::Serialize;
use tributary_protocol::roster::{PersonChange, RosterChanges, RosterEntry};
use tributary_texts::{Said, screen};

/// How two rosters differ.
#[derive(Clone, Debug, Serialize)]
pub struct MemberChanges {
    /// New members.
    pub added: Named,
    /// Members that are gone.
    pub removed: Named,
    /// Members with other keys or another name: another machine speaks for them.
    pub other_keys: Named,
    /// Members whose entry has another end, and nothing else.
    pub other_end: Named,
    /// Groups that came, went or have other members.
    pub groups: Named,
    /// People whose keys or roles are other ones.
    pub people: PeopleChanges,
}

/// How the people of two rosters differ, each with the roles that it has now.
#[derive(Clone, Debug, Serialize)]
pub struct PeopleChanges {
    /// With other keys: somebody else can sign in their names.
    pub other_keys: Named,
    /// With a new role that may approve.
    pub may_approve: Named,
    /// With another new role.
    pub new_roles: Named,
    /// With fewer roles, or for another time.
    pub less: Named,
}

/// Some names, and how many there are besides.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    /// The first of them.
    pub names: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// Names of one kind that are told.
const NAMES_MAX: usize = 20;

impl Named {
    fn of(names: impl ExactSizeIterator<Item = String>) -> Self {
        let more = names.len().saturating_sub(NAMES_MAX);
        Self { names: names.take(NAMES_MAX).collect(), more }
    }
}

impl PeopleChanges {
    fn of(changes: &[PersonChange]) -> Self {
        let name = |change: &PersonChange| {
            let roles = change.after.iter().flat_map(|person| &person.holdings).map(ToString::to_string);
            let roles = roles.collect::<Vec<_>>().join(", ");
            let roles = if roles.is_empty() { "no role any more".to_owned() } else { roles };
            format!("{} ({roles})", change.staff)
        };
        let (keyed, same): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.has_other_key());
        let (approving, rest): (Vec<_>, Vec<_>) =
            same.into_iter().partition(|change| change.gained().any(|holding| holding.role.may_approve()));
        let (gaining, less): (Vec<_>, Vec<_>) = rest.into_iter().partition(|change| change.gained().next().is_some());
        let named = |changes: Vec<&PersonChange>| Named::of(changes.into_iter().map(name));
        Self { other_keys: named(keyed), may_approve: named(approving), new_roles: named(gaining), less: named(less) }
    }
}

impl MemberChanges {
    pub(super) fn of(changes: &RosterChanges) -> Self {
        let name = |entry: &RosterEntry| format!("{} (client {})", entry.name, entry.client);
        let (keyed, other): (Vec<_>, Vec<_>) =
            changes.changed.iter().partition(|change| change.has_other_keys() || change.has_other_name());
        Self {
            added: Named::of(changes.added.iter().map(name)),
            removed: Named::of(changes.removed.iter().map(name)),
            other_keys: Named::of(keyed.iter().map(|change| name(&change.after))),
            other_end: Named::of(other.iter().map(|change| name(&change.after))),
            groups: Named::of(changes.groups.iter().map(|group| group.name.clone())),
            people: PeopleChanges::of(&changes.people),
        }
    }
}

/// What is said of a roster that was accepted.
pub(super) fn sentence(epoch: u64, missing: u64, changes: Option<&MemberChanges>) -> Said {
    let mut parts = vec![screen::roster_accepted(epoch)];
    if let Some(MemberChanges { added, removed, other_keys, other_end, groups, people }) = changes {
        let kinds = [
            (screen::members_new(), added),
            (screen::members_gone(), removed),
            (screen::members_rekeyed(), other_keys),
            (screen::people_rekeyed(), &people.other_keys),
            (screen::people_approving(), &people.may_approve),
            (screen::people_gaining(), &people.new_roles),
            (screen::people_losing(), &people.less),
            (screen::members_ending(), other_end),
            (screen::groups_changed(), groups),
        ];
        for (what, Named { names, more }) in kinds {
            if !names.is_empty() {
                parts.push(screen::roster_change(what, names.join(", ")));
            }
            if *more > 0 {
                parts.push(screen::and_more(more));
            }
        }
        if !added.names.is_empty() || !other_keys.names.is_empty() {
            parts.push(screen::ask_new_members());
        }
        if [&people.other_keys, &people.may_approve].iter().any(|named| !named.names.is_empty()) {
            parts.push(screen::ask_people());
        }
    }
    if missing > 0 {
        parts.push(screen::rosters_unseen(missing));
    }
    Said::joined(&parts, "")
}
