//! The roster: who may take part, signed by the authorities (docs/PROTOCOL.md, "Who says what").
//!
//! The coordinator cannot add a member: every entry carries the client's name and its protocol signing key, and the whole is signed by at least m of M
//! offline authorities. Each roster names its predecessor; a client remembers the [`RosterHead`] that it saw last and refuses to go back. It
//! goes forward over a gap: the signatures of the pinned authorities suffice, and the number of rosters between is told to its operator.
//!
//! Does **not** guarantee that an entry is still valid today: [`RosterEntry::has_ended`] says that for a clock's time, and the round machines
//! ask. Nor that the newest roster shown is the newest there is: a coordinator may hold one back, until the entries end.

mod changes;
mod entry;
mod error;
mod group;
mod name;
mod people;
mod signed;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use changes::{EntryChange, GroupChange, RosterChanges};
pub use entry::RosterEntry;
pub use error::RosterError;
pub use group::{ALL, Group, GroupFault, RosterGroup, is_group_name};
pub use name::{MemberName, NameFault, is_name};
pub use people::{Holding, PeopleFault, Person, PersonChange, Scope, StaffNumber};
pub use signed::{AuthoritySignature, SignedRoster, federation_digest, verify_signatures};

use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, OrganisationId};
use crate::limits::{ROSTER_ENTRIES_MAX, ROSTER_KEY_BYTES_MAX};
use crate::list::List;
use crate::signed::signed_message;

/// The enrolled clients at one epoch, strictly ascending by client, no key and no name twice, one number for each organisation; and named groups
/// of them. Parsing enforces all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RosterParts")]
pub struct Roster {
    epoch: u64,
    previous: Digest,
    entries: List<RosterEntry>,
    groups: List<RosterGroup>,
    people: List<Person>,
    /// Of the five before it, computed where a roster is made: both ends name it often, and it covers every entry.
    #[serde(skip)]
    digest: Digest,
}

/// What a client remembers of the newest roster it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterHead {
    /// Its epoch.
    pub epoch: u64,
    /// Its digest.
    pub digest: Digest,
}

/// How a roster follows the one that was accepted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It is the same roster.
    Same,
    /// It is the next one, and names the last one as its predecessor.
    Next,
    /// It is newer by more than one: authentic by its signatures, but the chain between the two was not seen.
    Skipped {
        /// Number of rosters between the two.
        missing: u64,
    },
}

/// The untrusted parts of a [`Roster`], as they arrive.
#[derive(Deserialize)]
struct RosterParts {
    epoch: u64,
    previous: Digest,
    entries: Vec<RosterEntry>,
    groups: Vec<RosterGroup>,
    people: Vec<Person>,
}

impl TryFrom<RosterParts> for Roster {
    type Error = RosterError;

    fn try_from(parts: RosterParts) -> Result<Self, RosterError> {
        Roster::new(parts.epoch, parts.previous, parts.entries, parts.groups, parts.people)
    }
}

impl Roster {
    /// Parses a roster from its parts. The first epoch is 1, with [`Digest::ZERO`] as its predecessor.
    ///
    /// # Errors
    /// [`RosterError`] if there are too many entries, if they are not strictly ascending by client, if a key or a name occurs twice, if an
    /// organisation has two numbers or a number two organisations, if epoch and predecessor do not fit, or if a group or a person is not in order.
    pub fn new(
        epoch: u64,
        previous: Digest,
        entries: Vec<RosterEntry>,
        groups: Vec<RosterGroup>,
        people: Vec<Person>,
    ) -> Result<Self, RosterError> {
        if epoch == 0 || (epoch == 1) != (previous == Digest::ZERO) {
            return Err(RosterError::Predecessor { epoch });
        }
        at_most("entries", entries.len(), ROSTER_ENTRIES_MAX)?;
        let keys =
            entries.iter().map(|entry| &entry.signing_key).chain(people.iter().map(|person| &person.signing_key));
        let key_bytes = keys.map(|key| key.bytes.len()).sum();
        at_most("bytes of signing keys", key_bytes, ROSTER_KEY_BYTES_MAX)?;
        let mut last = None;
        let mut signing_keys = BTreeSet::new();
        let mut tls_keys = BTreeSet::new();
        let mut names = BTreeSet::new();
        let mut numbers = BTreeMap::new();
        let mut organisations = BTreeMap::new();
        for entry in &entries {
            let client = entry.client;
            if last >= Some(client) {
                return Err(RosterError::Order { client });
            }
            if !signing_keys.insert(&entry.signing_key) {
                return Err(RosterError::SigningKeyTwice { client });
            }
            if !tls_keys.insert(entry.tls_spki_sha256) {
                return Err(RosterError::TlsKeyTwice { client });
            }
            if !names.insert(&entry.name) {
                return Err(RosterError::NameTwice { client });
            }
            let (name, number) = (entry.name.organisation(), entry.organisation);
            if *numbers.entry(name).or_insert(number) != number || *organisations.entry(number).or_insert(name) != name
            {
                return Err(RosterError::Organisation { client });
            }
            last = Some(client);
        }
        group::check(&groups, &entries)?;
        people::check(&people, &entries)?;
        let digest = Digest::of(&canonical((epoch, &previous), &entries, &groups, &people));
        Ok(Self { epoch, previous, entries: entries.into(), groups: groups.into(), people: people.into(), digest })
    }

    /// What is in force before the first roster is signed: epoch 0, without an entry. It cannot arrive from anybody, and the first
    /// roster follows it.
    #[must_use]
    pub fn none() -> Self {
        Self {
            epoch: 0,
            previous: Digest::ZERO,
            entries: List::default(),
            groups: List::default(),
            people: List::default(),
            digest: Digest::ZERO,
        }
    }

    /// The epoch, from 1; 0 before the first roster is signed.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Digest of the roster before; [`Digest::ZERO`] for the first.
    #[must_use]
    pub fn previous(&self) -> Digest {
        self.previous
    }

    /// The entries, strictly ascending by client.
    #[must_use]
    pub fn entries(&self) -> &[RosterEntry] {
        &self.entries
    }

    /// The entry of a client.
    #[must_use]
    pub fn entry(&self, client: ClientId) -> Option<&RosterEntry> {
        self.entries.binary_search_by_key(&client, |entry| entry.client).ok().map(|index| &self.entries[index])
    }

    /// Somebody with roles.
    #[must_use]
    pub fn person(&self, staff: &StaffNumber) -> Option<&Person> {
        people::find(&self.people, staff)
    }

    /// A client's name.
    #[must_use]
    pub fn name_of(&self, client: ClientId) -> Option<&MemberName> {
        self.entry(client).map(|entry| &entry.name)
    }

    /// A client as a roster names it, or by its number where there is no roster or it has no such client.
    #[must_use]
    pub fn named(roster: Option<&Self>, client: ClientId) -> String {
        match roster.and_then(|roster| roster.name_of(client)) {
            Some(name) => name.as_str().into(),
            None => format!("client {client}"),
        }
    }

    /// The named groups, strictly ascending by name.
    #[must_use]
    pub fn groups(&self) -> &[RosterGroup] {
        &self.groups
    }

    /// Who has roles, strictly ascending by staff number.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The group of a name; [`ALL`] means every entry.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Group<'_>> {
        if name == ALL {
            return Some(Group::all(&self.entries));
        }
        let index = self.groups.binary_search_by_key(&name, |group| &group.name).ok()?;
        self.groups.get(index).map(Group::of)
    }

    /// The organisations of clients, in their order; `None` if one of them is not in the roster.
    #[must_use]
    pub fn organisations(&self, clients: &[ClientId]) -> Option<Vec<OrganisationId>> {
        let mut entries = self.walk();
        clients.iter().map(|client| entries.find(*client).map(|entry| entry.organisation)).collect()
    }

    /// Looks up many clients, fastest in the roster's order.
    #[must_use]
    pub fn walk(&self) -> RosterWalk<'_> {
        RosterWalk { roster: self, next: 0 }
    }

    /// The canonical encoding: label, epoch, predecessor, count, entries, count, groups, count, people.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical((self.epoch, &self.previous), &self.entries, &self.groups, &self.people)
    }

    /// SHA-256 of the canonical encoding: the digest that names the roster.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What a client remembers of this roster.
    #[must_use]
    pub fn head(&self) -> RosterHead {
        RosterHead { epoch: self.epoch, digest: self.digest() }
    }

    /// The bytes that an authority signs: `"SA1/" || "roster" || 0x00 || hashes || H(body)` (docs/PROTOCOL.md, "Who says what").
    #[must_use]
    pub fn signing_input(&self) -> Vec<u8> {
        signed_message(SIGNED_KIND, &self.digest())
    }

    /// How this roster follows the one that was accepted last. Says nothing about signatures: verify first.
    ///
    /// # Errors
    /// [`RosterError::Rollback`] if it is older, [`RosterError::Fork`] if it contradicts the last one.
    pub fn follows(&self, last: &RosterHead) -> Result<Succession, RosterError> {
        let epoch = self.epoch;
        match epoch.checked_sub(last.epoch) {
            None => Err(RosterError::Rollback { epoch, seen: last.epoch }),
            Some(0) if self.digest() == last.digest => Ok(Succession::Same),
            Some(1) if self.previous == last.digest => Ok(Succession::Next),
            Some(0 | 1) => Err(RosterError::Fork { epoch }),
            Some(ahead) => Ok(Succession::Skipped { missing: ahead - 1 }),
        }
    }
}

/// Looks up entries of a roster: at once where the client asked for stands right after the one before it, as [`Roster::entry`] otherwise.
pub struct RosterWalk<'a> {
    roster: &'a Roster,
    next: usize,
}

impl<'a> RosterWalk<'a> {
    /// The entry of a client.
    pub fn find(&mut self, client: ClientId) -> Option<&'a RosterEntry> {
        let entries = &self.roster.entries;
        let near = entries.get(self.next).is_some_and(|entry| entry.client == client);
        let found = if near { Ok(self.next) } else { entries.binary_search_by_key(&client, |entry| entry.client) };
        let index = found.ok()?;
        self.next = index + 1;
        entries.get(index)
    }
}

/// Stands in the label of what an authority signs.
const SIGNED_KIND: &str = "roster";

fn canonical(
    (epoch, previous): (u64, &Digest),
    entries: &[RosterEntry],
    groups: &[RosterGroup],
    people: &[Person],
) -> Vec<u8> {
    let count = u32::try_from(entries.len()).expect("ROSTER_ENTRIES_MAX is below 2^32");
    let head = Canonical::new("tributary/roster/3").u64(epoch).digest(previous).u32(count);
    let body = entries.iter().fold(head, |body, entry| {
        let body = body.u32(entry.client.0).bytes(entry.name.as_str().as_bytes()).u32(entry.organisation.0);
        entry.signing_key.canonical(body).digest(&entry.tls_spki_sha256).u64(entry.not_after)
    });
    people::canonical(group::canonical(body, groups), people).into_bytes()
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), RosterError> {
    if count > limit { Err(RosterError::TooMany { what, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verify_tests;
