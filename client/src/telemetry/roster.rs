//! How two rosters differ, for an operator: by name, and the first of each kind alone where there are many.

use serde::Serialize;
use tributary_protocol::roster::{PersonChange, RosterChanges, RosterEntry};

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
pub(super) fn sentence(epoch: u64, missing: u64, changes: Option<&MemberChanges>) -> String {
    let mut text = format!("roster {epoch} is accepted");
    if let Some(MemberChanges { added, removed, other_keys, other_end, groups, people }) = changes {
        let kinds = [
            ("new", added),
            ("gone", removed),
            ("OTHER KEYS", other_keys),
            ("PEOPLE WITH OTHER KEYS", &people.other_keys),
            ("people with new roles that may approve", &people.may_approve),
            ("people with other new roles", &people.new_roles),
            ("people with fewer roles, or for another time", &people.less),
            ("another end", other_end),
            ("groups with other members", groups),
        ];
        for (what, Named { names, more }) in kinds {
            if !names.is_empty() {
                text += &format!("; {what}: {}", names.join(", "));
            }
            if *more > 0 {
                text += &format!(" and {more} more");
            }
        }
        if !added.names.is_empty() || !other_keys.names.is_empty() {
            text += ". Enough roster authorities signed it. If you know a branch that is new or has other keys, ask it whether that is so";
        }
        if [&people.other_keys, &people.may_approve].iter().any(|named| !named.names.is_empty()) {
            text += ". If you know a person who has another key or may approve from now on, ask whether that is so";
        }
    }
    if missing > 0 {
        text += &format!(
            ". {missing} rosters before it were not shown to this branch, so it is not known here who came and went in them: ask the roster \
             authorities for them"
        );
    }
    text
}
