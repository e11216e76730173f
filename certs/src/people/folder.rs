//! The people that the next roster is to have: a list in the authority's folder, kept by the office and signed with the roster. A line in it gives
//! nobody a role.
//!
//! ```text
//! tributary people 1
//! person north-bank/e20417 signing ed25519:3d40..
//! rests made 1900000000 proof ed25519:e556.. given anna at 1900000100
//! role privacy-officer scope federation from 1900000000 until 1931536000
//! lost north-bank/e20417 signing ed25519:77aa.. at 1900000100
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::limits::ROSTER_PEOPLE_MAX;
use tributary_protocol::roster::{Holding, Person, RosterEntry, Scope, StaffNumber};
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use super::lines::{Bounds, print_name, print_roles, staff};
use super::request::{Word, print_word, word};
use crate::enrolment::names;
use crate::lines::{Fields, body, write_list};
use crate::office::Approval;
use tributary_storage::files::{FileError, read_titled};

const TITLE: &str = "tributary people 1";
const WHAT: &str = "list of people";

/// How many lost keys are remembered: the oldest go first.
const LOST_MAX: usize = 4 * ROSTER_PEOPLE_MAX;

/// Why the key of a person takes another one's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyBefore {
    /// There was none.
    None,
    /// The key before it gave its word.
    Vouches(Word),
    /// The key before it is said to be lost.
    Lost(VerifyingKey),
}

/// What the office says that a person's roles rest on. The signatures in it are judged by whoever is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRest {
    /// When the request was made, in Unix seconds.
    pub made: u64,
    /// The key's own signature.
    pub proof: Signature,
    /// The key before it.
    pub before: KeyBefore,
    /// Who gave the newest role, and when.
    pub given: Approval,
}

/// A person of the next roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enlisted {
    /// Who, with what key, and which roles.
    pub person: Person,
    /// What that rests on.
    pub rest: PersonRest,
}

/// A key that may be in other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LostKey {
    pub(super) staff: StaffNumber,
    pub(super) key: VerifyingKey,
    pub(super) at: u64,
}

/// The whole list, people ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) people: Vec<Enlisted>,
    pub(super) lost: Vec<LostKey>,
}

impl PersonRest {
    /// The fields, as [`PersonRest::parse`] reads them.
    pub(crate) fn print(&self) -> String {
        let Self { made, proof, before, given } = self;
        let before = match before {
            KeyBefore::None => String::new(),
            KeyBefore::Vouches(word) => print_word(Some(word)),
            KeyBefore::Lost(key) => format!(" lost {key}"),
        };
        format!("made {made} proof {proof}{before} given {} at {}", given.by, given.at)
    }

    pub(crate) fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        let (made, proof) = (fields.number("made")?, fields.signature("proof")?);
        let mut more = fields.clone();
        let before = match (word(fields), more.key("lost")) {
            (Some(word), _) => KeyBefore::Vouches(word),
            (None, Some(key)) => {
                *fields = more;
                KeyBefore::Lost(key)
            }
            (None, None) => KeyBefore::None,
        };
        let given = if fields.value()? == "given" { Approval::named(fields)? } else { return None };
        Some(Self { made, proof, before, given })
    }
}

impl List {
    pub(super) fn find(&self, staff: &StaffNumber) -> Option<&Enlisted> {
        self.people.iter().find(|enlisted| enlisted.person.staff == *staff)
    }

    /// Puts a person in its place, or takes one without a role out.
    pub(super) fn put(&mut self, enlisted: Enlisted) {
        self.people.retain(|other| other.person.staff != enlisted.person.staff);
        if !enlisted.person.holdings.is_empty() {
            self.people.push(enlisted);
            self.people.sort_by(|one, other| one.person.staff.cmp(&other.person.staff));
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut lines, mut bounds, mut list) = (body(text, TITLE)?.peekable(), Bounds::default(), Self::default());
        while let Some(line) = lines.next_if(|line| line.starts_with("person ")) {
            let (staff, signing_key) = bounds.person(line)?;
            let mut fields = Fields::of(lines.next()?.strip_prefix("rests ")?);
            let rest = PersonRest::parse(&mut fields)?;
            fields.end()?;
            let person = Person { staff, signing_key, holdings: bounds.roles(&mut lines)? };
            list.people.push(Enlisted { person, rest });
        }
        let lost = |line: &str| {
            let mut fields = Fields::of(line);
            let (staff, key) = (staff(&mut fields, "lost")?, fields.key("signing")?);
            let at = fields.number("at")?;
            fields.end().map(|()| LostKey { staff, key, at })
        };
        list.lost = lines.map(lost).collect::<Option<_>>()?;
        Some(list)
    }

    pub(super) fn read(folder: &Path) -> Result<Self, FileError> {
        let path = folder.join(names::PEOPLE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = read_titled(&path, TITLE, WHAT)?;
        Self::parse(&text).ok_or_else(|| FileError::content(&path, WHAT))
    }

    /// The folder's lock is held.
    pub(super) fn write(&self, folder: &Path) -> Result<(), FileError> {
        let people = self.people.iter().map(|Enlisted { person, rest }| {
            format!("{}rests {}\n{}", print_name(person), rest.print(), print_roles(person))
        });
        let newest = self.lost.len().saturating_sub(LOST_MAX);
        let lost = self.lost.iter().skip(newest);
        let lost = lost.map(|LostKey { staff, key, at }| format!("lost {staff} signing {key} at {at}\n"));
        write_list(&folder.join(names::PEOPLE), TITLE, people.chain(lost))
    }
}

/// The people of the next roster, ascending by staff number.
///
/// # Errors
/// [`FileError`].
pub fn read_people(folder: &Path) -> Result<Vec<Enlisted>, FileError> {
    Ok(List::read(folder)?.people)
}

/// The people of a roster of these entries, and what each rests on. Branches that left are in no scope any more; a role that is then of nothing, a
/// deputy of a role that went, and a person without a role are not in the roster.
pub(crate) fn people_of(
    folder: &Path,
    entries: &[RosterEntry],
) -> Result<(Vec<Person>, BTreeMap<StaffNumber, PersonRest>), FileError> {
    let list = read_people(folder)?;
    let rests = list.iter().map(|enlisted| (enlisted.person.staff.clone(), enlisted.rest.clone())).collect();
    Ok((standing(list.into_iter().map(|enlisted| enlisted.person).collect(), entries), rests))
}

fn standing(mut people: Vec<Person>, entries: &[RosterEntry]) -> Vec<Person> {
    people.iter_mut().for_each(|person| within(person, entries));
    without_orphans(&mut people);
    people
}

/// Takes branches that are not among the entries out of a person's scopes, and roles that are then of nothing.
pub(super) fn within(person: &mut Person, entries: &[RosterEntry]) {
    let enrolled = |client| entries.binary_search_by_key(&client, |entry| entry.client).is_ok();
    let of_something = |holding: &mut Holding| match &mut holding.scope {
        Scope::Federation => true,
        Scope::Organisation(organisation) => entries.iter().any(|entry| entry.organisation == *organisation),
        Scope::Branches(branches) => {
            branches.retain(|client| enrolled(*client));
            !branches.is_empty()
        }
    };
    person.holdings.retain_mut(of_something);
}

/// Takes away deputies of nobody, and people without a role. What went.
pub(super) fn without_orphans(people: &mut Vec<Person>) -> Vec<(StaffNumber, Holding)> {
    let principals: Vec<_> = people
        .iter()
        .flat_map(|person| person.holdings.iter().map(|holding| (person.staff.clone(), holding)))
        .filter(|(_, holding)| holding.deputy_of.is_none())
        .map(|(staff, holding)| (staff, holding.role))
        .collect();
    let mut gone = Vec::new();
    for person in people.iter_mut() {
        person.holdings.retain(|holding| {
            let stands = holding
                .deputy_of
                .as_ref()
                .is_none_or(|principal| principals.contains(&(principal.clone(), holding.role)));
            if !stands {
                gone.push((person.staff.clone(), holding.clone()));
            }
            stands
        });
    }
    people.retain(|person| !person.holdings.is_empty());
    gone
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
