//! Roles given and taken in an authority's folder. They count once the roster that names them is signed and in force.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, PeopleFault, Person, Roster, RosterEntry, RosterError, Scope, StaffNumber};
use tributary_protocol::secagg::suite::VerifyingKey;

use super::folder::{Enlisted, KeyBefore, List, LostKey, PersonRest, within, without_orphans};
use super::signing::SigningPerson;
use super::{PeopleError, PersonRequest};
use crate::enrolment::{names, read_coordinator, read_members};
use crate::lines::parse_clients;
use crate::office::{Approval, read_marks};
use crate::roster::{RosterAuthorities, read_unverified_roster};
use tributary_storage::files::sync_folder;
use tributary_storage::lock::FolderLock;

/// A role that is given: of what, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGiven {
    /// The role.
    pub role: Role,
    /// Of what it is.
    pub scope: Scope,
    /// First second of the Unix clock at which it counts.
    pub from: u64,
    /// Last second, at most 366 days later.
    pub until: u64,
}

/// A role that stands in for somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deputy {
    /// The role.
    pub role: Role,
    /// Whose.
    pub principal: StaffNumber,
    /// Of what, where not of all that the principal's role is of.
    pub scope: Option<Scope>,
    /// First second of the Unix clock at which it counts.
    pub from: u64,
    /// Last second.
    pub until: u64,
}

/// Which roles are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One, in person and as a deputy.
    Role(Role),
    /// All of them: the person leaves.
    All,
}

/// Who does the office's work, and when in Unix seconds: the holders of the roster keys are shown it.
pub type Giver = Approval;

/// Gives a person a role, in place of the same role of before. The first one brings the key in; a request with another key than the person's needs
/// the old key's word in it, or `lost`: the old key is then never taken again.
///
/// # Errors
/// [`PeopleError`]; nothing is changed.
pub fn grant(
    folder: &Path,
    request: &PersonRequest,
    given: &RoleGiven,
    lost: bool,
    giver: &Giver,
) -> Result<Person, PeopleError> {
    request.verify()?;
    change(folder, giver, |list, entries| {
        let mut enlisted = admit(folder, list, request, lost, giver)?;
        let RoleGiven { role, scope, from, until } = given.clone();
        set(&mut enlisted.person, Holding { role, deputy_of: None, scope, from, until });
        judged(list, entries, enlisted, giver)
    })
}

/// Gives a role to somebody whose key is known here.
///
/// # Errors
/// [`PeopleError::Unknown`] and as [`grant`].
pub fn grant_more(folder: &Path, staff: &StaffNumber, given: &RoleGiven, giver: &Giver) -> Result<Person, PeopleError> {
    change(folder, giver, |list, entries| {
        let mut enlisted = known(list, staff)?;
        let RoleGiven { role, scope, from, until } = given.clone();
        set(&mut enlisted.person, Holding { role, deputy_of: None, scope, from, until });
        judged(list, entries, enlisted, giver)
    })
}

/// Changes a person's key, and no role: by the old key's word, or as lost.
///
/// # Errors
/// As [`grant`]; [`PeopleError::Unknown`].
pub fn change_key(folder: &Path, request: &PersonRequest, lost: bool, giver: &Giver) -> Result<Person, PeopleError> {
    request.verify()?;
    change(folder, giver, |list, entries| {
        known(list, &request.staff)?;
        let enlisted = admit(folder, list, request, lost, giver)?;
        judged(list, entries, enlisted, giver)
    })
}

/// Has somebody stand in for a person who holds a role, within the time and the scope of that role.
///
/// # Errors
/// [`PeopleError`]; nothing is changed.
pub fn deputise(folder: &Path, staff: &StaffNumber, deputy: &Deputy, giver: &Giver) -> Result<Person, PeopleError> {
    let Deputy { role, principal, scope, from, until } = deputy.clone();
    change(folder, giver, |list, entries| {
        let mut enlisted = known(list, staff)?;
        let nobody = || PeopleFault::Deputy { staff: staff.clone(), role, principal: principal.clone() };
        let own = list.find(&principal).and_then(|principal| principal.person.holding(role)).ok_or_else(nobody)?;
        // A role that was given at noon has deputies from noon on, whatever day they were asked for.
        let from = from.max(own.from);
        if from > own.until || until > own.until {
            return Err(PeopleError::DeputyTerm { principal, role, from: own.from, until: own.until });
        }
        let scope = scope.clone().unwrap_or_else(|| own.scope.clone());
        set(&mut enlisted.person, Holding { role, deputy_of: Some(principal.clone()), scope, from, until });
        judged(list, entries, enlisted, giver)
    })
}

/// Gives roles that a person holds another term. As much of the old term stays as the longest one allows: what was signed in it counts on. A role that
/// counts now counts on without a gap, so that an end which lies further away than the longest term is refused.
///
/// # Errors
/// [`PeopleError::NoRole`], [`PeopleError::Unknown`] and as [`grant`].
pub fn renew(
    folder: &Path,
    staff: &StaffNumber,
    which: Which,
    until: u64,
    giver: &Giver,
) -> Result<Person, PeopleError> {
    change(folder, giver, |list, entries| {
        let mut enlisted = known(list, staff)?;
        within(&mut enlisted.person, entries);
        let mut renewed = false;
        for holding in enlisted.person.holdings.iter_mut().filter(|holding| which.means(holding)) {
            // A deputy stands in for a time that was said, and not for another year.
            if holding.deputy_of.is_none() {
                holding.from = holding.from.max(until.saturating_sub(HOLDING_SECONDS_MAX).min(giver.at));
                holding.until = until;
                renewed = true;
            }
        }
        match which {
            Which::Role(role) if !renewed => Err(PeopleError::NoRole { staff: staff.clone(), role }),
            _ => judged(list, entries, enlisted, giver),
        }
    })
}

/// Takes roles away, and those of the deputies that stand in for them. What went, the person's own first.
///
/// # Errors
/// [`PeopleError::NoRole`], [`PeopleError::Unknown`], [`PeopleError::File`].
pub fn revoke(folder: &Path, staff: &StaffNumber, which: Which) -> Result<Vec<(StaffNumber, Holding)>, PeopleError> {
    let _lock = FolderLock::take(folder)?;
    let mut list = standing(folder)?;
    let mut enlisted = known(&list, staff)?;
    let gone = enlisted.person.holdings.extract_if(.., |holding| which.means(holding));
    let mut gone: Vec<_> = gone.map(|holding| (staff.clone(), holding)).collect();
    if let (Which::Role(role), true) = (which, gone.is_empty()) {
        return Err(PeopleError::NoRole { staff: staff.clone(), role });
    }
    list.put(enlisted);
    let mut people = list.people.iter().map(|enlisted| enlisted.person.clone()).collect();
    gone.extend(without_orphans(&mut people));
    for mut enlisted in list.people.clone() {
        let left = people.iter().find(|person| person.staff == enlisted.person.staff);
        enlisted.person.holdings = left.map(|person| person.holdings.clone()).unwrap_or_default();
        list.put(enlisted);
    }
    list.write(folder)?;
    Ok(gone)
}

/// Gives a person a role in an authority's folder, whatever it costs: for demonstrations and tests, where one hand does everything.
///
/// # Errors
/// As [`grant`].
pub fn give_role(folder: &Path, person: &SigningPerson, given: &RoleGiven) -> Result<Person, PeopleError> {
    grant(folder, person.request(), given, false, &Giver { by: "demonstration".to_owned(), at: given.from })
}

/// A scope as a person writes it: `federation`, `organisation:NAME`, or `clients:1,5-9`; without one, what a role of a person of this organisation is
/// usually of.
///
/// # Errors
/// [`PeopleError::Organisation`] if nobody enrolled is of it; [`PeopleError::File`].
pub fn scope_named(folder: &Path, scope: Option<&AskedScope>, role: Role, own: &str) -> Result<Scope, PeopleError> {
    let usual = if role.is_of_branches() { AskedScope::Organisation(own.to_owned()) } else { AskedScope::Federation };
    match scope.cloned().unwrap_or(usual) {
        AskedScope::Federation => Ok(Scope::Federation),
        AskedScope::Branches(branches) => Ok(Scope::Branches(branches)),
        AskedScope::Organisation(organisation) => {
            let members = read_members(folder)?;
            let of = members.iter().find(|member| member.entry.name.organisation() == organisation);
            let number = of.map(|member| member.entry.organisation);
            number.map(Scope::Organisation).ok_or(PeopleError::Organisation { organisation })
        }
    }
}

/// A scope before the members were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedScope {
    /// Everything.
    Federation,
    /// An organisation, by its name.
    Organisation(String),
    /// Branches, by their numbers.
    Branches(Vec<ClientId>),
}

impl AskedScope {
    /// Parses `federation`, `organisation:NAME` or `clients:1,5-9`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "federation" => Some(Self::Federation),
            Some(("organisation", name)) => Some(Self::Organisation(name.to_owned())),
            Some(("clients", clients)) => parse_clients(clients).map(Self::Branches),
            _ => None,
        }
    }
}

impl Which {
    fn means(self, holding: &Holding) -> bool {
        match self {
            Self::Role(role) => role == holding.role,
            Self::All => true,
        }
    }
}

/// Reads the list and the members that are none too few, changes a person, and writes the list. Everything is judged before.
fn change(
    folder: &Path,
    giver: &Giver,
    change: impl FnOnce(&mut List, &[RosterEntry]) -> Result<Person, PeopleError>,
) -> Result<Person, PeopleError> {
    if !Approval::may_name(&giver.by) {
        return Err(PeopleError::Giver);
    }
    let _lock = FolderLock::take(folder)?;
    let mut list = standing(folder)?;
    let marks = read_marks(folder)?;
    let members = read_members(folder)?.into_iter();
    let members = members.filter(|member| marks.iter().all(|mark| mark.identity != member.identity));
    let entries: Vec<RosterEntry> = members.map(|member| member.entry).collect();
    let person = change(&mut list, &entries)?;
    list.write(folder)?;
    Ok(person)
}

/// The list, for good: whoever changed it may not have come so far, and what is in it already is refused as done.
fn standing(folder: &Path) -> Result<List, PeopleError> {
    sync_folder(folder)?;
    Ok(List::read(folder)?)
}

fn known(list: &List, staff: &StaffNumber) -> Result<Enlisted, PeopleError> {
    list.find(staff).cloned().ok_or_else(|| PeopleError::Unknown { staff: staff.clone() })
}

/// The person of a request: new, as it is here, or with the request's key in place of the old one.
fn admit(
    folder: &Path,
    list: &mut List,
    request: &PersonRequest,
    lost: bool,
    giver: &Giver,
) -> Result<Enlisted, PeopleError> {
    let PersonRequest { staff, signing_key, made, proof, after } = request;
    if let Some(lost) = list.lost.iter().find(|lost| lost.key == *signing_key) {
        return Err(PeopleError::Lost { staff: staff.clone(), at: lost.at });
    }
    if let Some(whose) = taken(folder, signing_key)? {
        return Err(PeopleError::KeyTaken { staff: staff.clone(), whose });
    }
    let rest = |before| PersonRest { made: *made, proof: proof.clone(), before, given: giver.clone() };
    let new = |before, holdings| Enlisted {
        person: Person { staff: staff.clone(), signing_key: signing_key.clone(), holdings },
        rest: rest(before),
    };
    // Who left the list and is in the roster still has a key there.
    let before = match list.find(staff) {
        Some(enlisted) => Some(enlisted.person.clone()),
        None => in_force(folder)?.and_then(|roster| roster.person(staff).cloned()),
    };
    let not_lost = || PeopleError::NotLost { staff: staff.clone() };
    let Some(before) = before else { return if lost { Err(not_lost()) } else { Ok(new(KeyBefore::None, Vec::new())) } };
    let holdings = list.find(staff).map(|enlisted| enlisted.person.holdings.clone()).unwrap_or_default();
    if before.signing_key == *signing_key {
        return match list.find(staff) {
            _ if lost => Err(not_lost()),
            Some(enlisted) => Ok(enlisted.clone()),
            None => Ok(new(KeyBefore::None, holdings)),
        };
    }
    match after.clone().filter(|word| word.is_of(&before, signing_key)) {
        Some(_) if lost => Err(not_lost()),
        Some(word) => Ok(new(KeyBefore::Vouches(word), holdings)),
        None if lost => {
            list.lost.push(LostKey { staff: staff.clone(), key: before.signing_key.clone(), at: giver.at });
            Ok(new(KeyBefore::Lost(before.signing_key), holdings))
        }
        None => Err(PeopleError::OtherKey { staff: staff.clone() }),
    }
}

/// Whose key it is, if it is one that the federation has for something else.
fn taken(folder: &Path, key: &VerifyingKey) -> Result<Option<&'static str>, PeopleError> {
    if RosterAuthorities::read(&folder.join(names::AUTHORITIES))?.keys().contains(key) {
        return Ok(Some("a roster authority"));
    }
    let coordinator = folder.join(names::COORDINATOR);
    let is_coordinator = coordinator.exists() && read_coordinator(&coordinator)?.signing_key == *key;
    Ok(is_coordinator.then_some("the coordinator"))
}

/// The roster in force, if there is one. Its signatures do not matter here: nothing is given by it.
pub(super) fn in_force(folder: &Path) -> Result<Option<Roster>, PeopleError> {
    let path = folder.join(names::ROSTER);
    if path.exists() { Ok(Some(read_unverified_roster(&path)?.roster)) } else { Ok(None) }
}

fn set(person: &mut Person, holding: Holding) {
    person.holdings.retain(|other| (other.role, &other.deputy_of) != (holding.role, &holding.deputy_of));
    person.holdings.push(holding);
    person.holdings.sort_by(|one, other| (one.role, &one.deputy_of).cmp(&(other.role, &other.deputy_of)));
}

fn put(people: &mut Vec<Person>, person: Person) {
    people.retain(|other| other.staff != person.staff);
    people.push(person);
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
}

/// Puts a person into the list, if a roster may have such people.
fn judged(list: &mut List, entries: &[RosterEntry], enlisted: Enlisted, giver: &Giver) -> Result<Person, PeopleError> {
    let person = enlisted.person.clone();
    // The others as the next roster would have them, deputies of this person among them; of this one what was typed as it was typed.
    let mut people: Vec<Person> = list.people.iter().map(|enlisted| enlisted.person.clone()).collect();
    people.iter_mut().for_each(|other| within(other, entries));
    let mut judged = person.clone();
    if let Some(Enlisted { person: stored, .. }) = list.find(&person.staff) {
        let mut left = stored.clone();
        within(&mut left, entries);
        let place = |holding: &Holding| (holding.role, holding.deputy_of.clone());
        judged.holdings.retain_mut(|holding| {
            if !stored.holdings.contains(holding) {
                return true;
            }
            let found = left.holdings.iter().find(|other| place(other) == place(holding));
            found.map(|other| *holding = other.clone()).is_some()
        });
    }
    put(&mut people, judged.clone());
    without_orphans(&mut people);
    put(&mut people, judged);
    people.retain(|person| !person.holdings.is_empty());
    match Roster::new(2, Digest::of(b"people"), entries.to_vec(), Vec::new(), people) {
        Ok(_) => {}
        Err(RosterError::Person(fault)) => return Err(fault.into()),
        Err(error) => return Err(PeopleError::Members(error)),
    }
    list.put(Enlisted { rest: PersonRest { given: giver.clone(), ..enlisted.rest }, ..enlisted });
    Ok(person)
}

#[cfg(unix)]
#[cfg(test)]
#[path = "roles_tests.rs"]
mod tests;
