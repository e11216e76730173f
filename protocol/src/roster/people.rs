//! People in the roster: who may sign what, for how long, and in whose place (docs/CERTIFICATES.md, "People").

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::entry::RosterEntry;
use super::name::{MemberName, NameFault};
use crate::digest::Canonical;
use crate::ids::{ClientId, OrganisationId};
use crate::limits::{
    HOLDING_SECONDS_MAX, PERSON_HOLDINGS_MAX, ROSTER_HOLDINGS_MAX, ROSTER_PEOPLE_MAX, ROSTER_SCOPES_MAX,
};
use crate::role::Role;
use crate::secagg::suite::VerifyingKey;

/// A person's number at an employer: `ORGANISATION/NUMBER`, such as `north-bank/e20417`, of the letters of a [`MemberName`]. It names one person for
/// ever, whatever the roles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaffNumber(MemberName);

impl StaffNumber {
    /// Parses a staff number's text.
    ///
    /// # Errors
    /// [`NameFault`].
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        MemberName::parse(text).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The employer.
    #[must_use]
    pub fn organisation(&self) -> &str {
        self.0.organisation()
    }
}

impl fmt::Display for StaffNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Of what a role is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Everything in the federation.
    Federation,
    /// The branches of one organisation, and what is about them alone.
    Organisation(OrganisationId),
    /// These branches: strictly ascending, one at least.
    Branches(Vec<ClientId>),
}

/// A role that a person holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The role.
    pub role: Role,
    /// In whose place: somebody who holds the role.
    pub deputy_of: Option<StaffNumber>,
    /// Of what.
    pub scope: Scope,
    /// First second of the Unix clock at which it counts.
    pub from: u64,
    /// Last second at which it counts: at most [`HOLDING_SECONDS_MAX`] later.
    pub until: u64,
}

/// Somebody with roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub staff: StaffNumber,
    /// The key by which this person signs, and nobody else. It was made on the person's own machine or token.
    pub signing_key: VerifyingKey,
    /// Strictly ascending by role and by whom they stand in for; one at least.
    pub holdings: Vec<Holding>,
}

/// What is wrong with the people of a roster. Numbers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeopleFault {
    /// More people, roles or branches in their scopes than the limits allow.
    #[error(
        "the roster has more than {ROSTER_PEOPLE_MAX} people, {ROSTER_HOLDINGS_MAX} roles, or {ROSTER_SCOPES_MAX} branches in the scopes of roles"
    )]
    TooMany,
    /// Staff numbers are not strictly ascending.
    #[error("{staff} is out of order or listed twice")]
    Order {
        /// The person at fault.
        staff: StaffNumber,
    },
    /// Two people, or a person and a branch, have one key.
    #[error("{staff} has a key that the roster gives to somebody else as well; each person makes a key of its own")]
    KeyTwice {
        /// The second of the two.
        staff: StaffNumber,
    },
    /// No role, too many, or one twice.
    #[error("{staff} has no role, more than {PERSON_HOLDINGS_MAX}, or its roles are out of order or listed twice")]
    Holdings {
        /// The person at fault.
        staff: StaffNumber,
    },
    /// Two roles that one person may not have: one judges what the other makes.
    #[error(
        "{staff} would be {one} and {other}, and one of them judges what the other makes; give one of the two roles to another person"
    )]
    Conflict {
        /// The person at fault.
        staff: StaffNumber,
        /// One of the roles.
        one: Role,
        /// The other one.
        other: Role,
    },
    /// It ends before it begins, or lasts longer than a role may.
    #[error(
        "{staff}'s role {role} ends before it begins, or lasts longer than 366 days; give it for a year at most, and renew it then"
    )]
    Validity {
        /// The person at fault.
        staff: StaffNumber,
        /// The role.
        role: Role,
    },
    /// A scope that the role cannot have, or that names strangers.
    #[error(
        "{staff}'s role {role} is of branches that the roster does not have, or that are out of order, or of nothing that such a role is of"
    )]
    Scope {
        /// The person at fault.
        staff: StaffNumber,
        /// The role.
        role: Role,
    },
    /// A deputy of nobody: of itself, or of somebody who does not hold the role in person.
    #[error("{staff} stands in as {role} for {principal}, who does not hold that role in person")]
    Deputy {
        /// The person at fault.
        staff: StaffNumber,
        /// The role.
        role: Role,
        /// For whom.
        principal: StaffNumber,
    },
    /// A deputy for more than the principal's role is of.
    #[error(
        "{staff} stands in as {role} for more than {principal}'s role is of; give the deputy the same scope, or a part of it"
    )]
    Wider {
        /// The person at fault.
        staff: StaffNumber,
        /// The role.
        role: Role,
        /// For whom.
        principal: StaffNumber,
    },
}

impl Holding {
    /// Whether it counts at a second of the Unix clock.
    #[must_use]
    pub fn counts_at(&self, second: u64) -> bool {
        (self.from..=self.until).contains(&second)
    }

    /// Whether it is the same role, of the same scope, in the same place, for whatever time.
    #[must_use]
    pub fn is_same_role(&self, other: &Self) -> bool {
        (self.role, &self.deputy_of, &self.scope) == (other.role, &other.deputy_of, &other.scope)
    }
}

impl Scope {
    /// Whether it has this branch in it.
    #[must_use]
    pub fn has_branch(&self, branch: &RosterEntry) -> bool {
        match self {
            Self::Federation => true,
            Self::Organisation(organisation) => *organisation == branch.organisation,
            Self::Branches(branches) => branches.binary_search(&branch.client).is_ok(),
        }
    }

    /// Whether it has everything in it that the other one has. `entries` are the roster's.
    fn covers(&self, other: &Self, entries: &[RosterEntry]) -> bool {
        match (self, other) {
            (Self::Federation, _) => true,
            (_, Self::Federation) => false,
            (own, Self::Organisation(organisation)) => {
                let mut branches = entries.iter().filter(|entry| entry.organisation == *organisation);
                branches.all(|entry| own.has_branch(entry))
            }
            (own, Self::Branches(branches)) => {
                let mut walk = entries.iter();
                branches.iter().all(|branch| walk.any(|entry| entry.client == *branch && own.has_branch(entry)))
            }
        }
    }

    fn canonical(&self, body: Canonical) -> Canonical {
        match self {
            Self::Federation => body.u8(0),
            Self::Organisation(organisation) => body.u8(1).u32(organisation.0),
            Self::Branches(branches) => {
                let body = body.u8(2).u32(u32::try_from(branches.len()).unwrap_or(u32::MAX));
                branches.iter().fold(body, |body, branch| body.u32(branch.0))
            }
        }
    }
}

impl Person {
    /// The role in its own right.
    #[must_use]
    pub fn holding(&self, role: Role) -> Option<&Holding> {
        self.holdings.iter().find(|holding| holding.role == role && holding.deputy_of.is_none())
    }

    /// Every holding of a role, its own first.
    pub fn holdings_of(&self, role: Role) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(move |holding| holding.role == role)
    }
}

/// The person of a staff number, in a list that ascends.
pub(super) fn find<'a>(people: &'a [Person], staff: &StaffNumber) -> Option<&'a Person> {
    people.binary_search_by_key(&staff, |person| &person.staff).ok().and_then(|index| people.get(index))
}

/// Whether people are in order, have roles that go together, and stand in for somebody.
pub(super) fn check(people: &[Person], entries: &[RosterEntry]) -> Result<(), PeopleFault> {
    let scoped = |holding: &Holding| if let Scope::Branches(branches) = &holding.scope { branches.len() } else { 0 };
    let scopes: usize = people.iter().flat_map(|person| &person.holdings).map(scoped).sum();
    let holdings: usize = people.iter().map(|person| person.holdings.len()).sum();
    if people.len() > ROSTER_PEOPLE_MAX || holdings > ROSTER_HOLDINGS_MAX || scopes > ROSTER_SCOPES_MAX {
        return Err(PeopleFault::TooMany);
    }
    let mut keys: BTreeSet<&VerifyingKey> = entries.iter().map(|entry| &entry.signing_key).collect();
    let mut last = None;
    for person in people {
        let staff = || person.staff.clone();
        if last >= Some(&person.staff) {
            return Err(PeopleFault::Order { staff: staff() });
        }
        last = Some(&person.staff);
        if !keys.insert(&person.signing_key) {
            return Err(PeopleFault::KeyTwice { staff: staff() });
        }
        let places = person.holdings.iter().map(|holding| (holding.role, &holding.deputy_of));
        let ordered = places.clone().zip(places.skip(1)).all(|(one, next)| one < next);
        if !ordered || !(1..=PERSON_HOLDINGS_MAX).contains(&person.holdings.len()) {
            return Err(PeopleFault::Holdings { staff: staff() });
        }
        for (place, holding) in person.holdings.iter().enumerate() {
            check_holding(person, holding, people, entries)?;
            let before = person.holdings.iter().take(place);
            if let Some(other) = before.map(|other| other.role).find(|other| other.conflicts_with(holding.role)) {
                return Err(PeopleFault::Conflict { staff: staff(), one: other, other: holding.role });
            }
        }
    }
    Ok(())
}

fn check_holding(
    person: &Person,
    holding: &Holding,
    people: &[Person],
    entries: &[RosterEntry],
) -> Result<(), PeopleFault> {
    let (staff, role) = (|| person.staff.clone(), holding.role);
    let lasts = holding.until.checked_sub(holding.from);
    if lasts.is_none_or(|seconds| seconds > HOLDING_SECONDS_MAX) {
        return Err(PeopleFault::Validity { staff: staff(), role });
    }
    let known = match &holding.scope {
        Scope::Federation => !role.is_of_branches(),
        Scope::Organisation(organisation) => entries.iter().any(|entry| entry.organisation == *organisation),
        Scope::Branches(branches) => {
            // Both ascend: one walk over the entries finds every branch that is in its order.
            let mut enrolled = entries.iter().map(|entry| entry.client);
            role.is_of_branches()
                && !branches.is_empty()
                && branches.iter().all(|own| enrolled.any(|client| client == *own))
        }
    };
    if !known {
        return Err(PeopleFault::Scope { staff: staff(), role });
    }
    if let Some(principal) = &holding.deputy_of {
        let holds = find(people, principal).filter(|other| other.staff != person.staff);
        match holds.and_then(|other| other.holding(role)) {
            None => return Err(PeopleFault::Deputy { staff: staff(), role, principal: principal.clone() }),
            Some(own) if !own.scope.covers(&holding.scope, entries) => {
                return Err(PeopleFault::Wider { staff: staff(), role, principal: principal.clone() });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Appends the people to a roster's canonical encoding.
pub(super) fn canonical(body: Canonical, people: &[Person]) -> Canonical {
    let count = |count: usize| u32::try_from(count).expect("ROSTER_PEOPLE_MAX is below 2^32");
    people.iter().fold(body.u32(count(people.len())), |body, person| {
        let body = person.signing_key.canonical(body.bytes(person.staff.as_str().as_bytes()));
        person.holdings.iter().fold(body.u32(count(person.holdings.len())), |body, holding| {
            let body = body.u8(holding.role.number());
            let body = body.bytes(holding.deputy_of.as_ref().map_or("", StaffNumber::as_str).as_bytes());
            holding.scope.canonical(body).u64(holding.from).u64(holding.until)
        })
    })
}

/// What differs between the people of two rosters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonChange {
    /// Who.
    pub staff: StaffNumber,
    /// As the earlier roster has it.
    pub before: Option<Person>,
    /// As the later one has it.
    pub after: Option<Person>,
}

impl PersonChange {
    /// Whether the key is another one: somebody else may sign in this person's name.
    #[must_use]
    pub fn has_other_key(&self) -> bool {
        let key = |person: &Option<Person>| person.as_ref().map(|person| person.signing_key.clone());
        self.before.is_some() && self.after.is_some() && key(&self.before) != key(&self.after)
    }

    /// Roles that the person did not have, or not of this scope.
    pub fn gained(&self) -> impl Iterator<Item = &Holding> {
        not_in(&self.after, &self.before)
    }

    /// Roles that the person has no more, or not of this scope.
    pub fn lost(&self) -> impl Iterator<Item = &Holding> {
        not_in(&self.before, &self.after)
    }

    /// Roles of which the time alone is another one: before and after.
    pub fn retimed(&self) -> impl Iterator<Item = (&Holding, &Holding)> {
        let pair =
            |after| holdings(&self.before).find(|before| before.is_same_role(after)).map(|before| (before, after));
        holdings(&self.after).filter_map(pair).filter(|(before, after)| before != after)
    }
}

fn holdings(person: &Option<Person>) -> impl Iterator<Item = &Holding> {
    person.iter().flat_map(|person| &person.holdings)
}

fn not_in<'a>(these: &'a Option<Person>, those: &'a Option<Person>) -> impl Iterator<Item = &'a Holding> {
    holdings(these).filter(|holding| !holdings(those).any(|other| other.is_same_role(holding)))
}

/// Everybody who differs, ascending.
pub(super) fn changes(earlier: &[Person], later: &[Person]) -> Vec<PersonChange> {
    let staff: BTreeSet<&StaffNumber> = earlier.iter().chain(later).map(|person| &person.staff).collect();
    let change = |staff: &StaffNumber| {
        let (before, after) = (find(earlier, staff), find(later, staff));
        (before != after).then(|| PersonChange { staff: staff.clone(), before: before.cloned(), after: after.cloned() })
    };
    staff.into_iter().filter_map(change).collect()
}

/// For people: `deputy of X` or nothing.
impl fmt::Display for Holding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.deputy_of {
            Some(principal) => write!(formatter, "{} as deputy of {principal}", self.role),
            None => self.role.fmt(formatter),
        }
    }
}
