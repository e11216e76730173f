//! Who holds which role: as the roster in force has it, and as the next one will.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_protocol::roster::{Holding, Person, Roster, StaffNumber};
use tributary_protocol::secagg::suite::VerifyingKey;

use super::PeopleError;
use super::folder::read_people;
use super::roles::in_force;

/// Where a role stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleState {
    /// The roster in force gives it.
    InForce,
    /// It counts once the next roster is signed and in force.
    Next,
    /// The roster in force gives it, and the next one does not.
    Leaving,
}

/// A role that somebody holds or is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub staff: StaffNumber,
    /// The key that signs, or is to sign.
    pub signing_key: VerifyingKey,
    /// The role.
    pub holding: Holding,
    /// Where it stands.
    pub state: RoleState,
}

impl RoleState {
    /// Its word in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Next => "next-roster",
            Self::Leaving => "leaving",
        }
    }
}

/// Every role of an authority's folder and of the roster in force, ascending by staff number.
///
/// # Errors
/// [`PeopleError::File`], [`PeopleError::Roster`].
pub fn list(folder: &Path) -> Result<Vec<Listed>, PeopleError> {
    let next: Vec<Person> = read_people(folder)?.into_iter().map(|enlisted| enlisted.person).collect();
    let now = in_force(folder)?;
    let now = now.as_ref().map_or(&[][..], Roster::people);
    let find = |people: &'_ [Person], staff: &StaffNumber| people.iter().find(|person| person.staff == *staff).cloned();
    let everybody: BTreeSet<&StaffNumber> = now.iter().chain(&next).map(|person| &person.staff).collect();
    let mut listed = Vec::new();
    for staff in everybody {
        let (before, after) = (find(now, staff), find(&next, staff));
        // With another key every role is another one: somebody else signs.
        let same = |person: &Person, other: &Option<Person>, holding: &Holding| {
            let other = other.as_ref().filter(|other| other.signing_key == person.signing_key);
            other.is_some_and(|other| other.holdings.contains(holding))
        };
        let mut add = |person: &Person, holding: &Holding, state| {
            let (staff, signing_key) = (staff.clone(), person.signing_key.clone());
            listed.push(Listed { staff, signing_key, holding: holding.clone(), state });
        };
        if let Some(person) = &after {
            for holding in &person.holdings {
                let state = if same(person, &before, holding) { RoleState::InForce } else { RoleState::Next };
                add(person, holding, state);
            }
        }
        if let Some(person) = &before {
            for holding in person.holdings.iter().filter(|holding| !same(person, &after, holding)) {
                add(person, holding, RoleState::Leaving);
            }
        }
    }
    Ok(listed)
}
