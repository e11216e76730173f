//! Rosters of the cast's clients, signed by its authority.

use alloc::vec::Vec;

use super::keys::{AUTHORITY_KEY, second_key, signing_key};
use super::people::people;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::roster::{AuthoritySignature, MemberName, Roster, RosterEntry, RosterGroup, SignedRoster};
use crate::secagg::suite::Suite as _;
use crate::secagg::toy::Toy;

/// The roster of clients 1 to `clients`, all of one organisation, signed by its authority.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn roster(clients: u32) -> SignedRoster {
    signed(1, Digest::ZERO, clients, |_| 1)
}

/// The roster of clients 1 to `clients`, each of the organisation that this says.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn roster_of(clients: u32, organisation: fn(u32) -> u32) -> SignedRoster {
    signed(1, Digest::ZERO, clients, organisation)
}

/// The roster after another one, of clients 1 to `clients`.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn next_roster(last: &Roster, clients: u32) -> SignedRoster {
    signed(last.epoch() + 1, last.digest(), clients, |_| 1)
}

/// As [`next_roster`], where one client has enrolled again with [`second_key`].
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn rekeyed_roster(last: &Roster, clients: u32, rekeyed: ClientId) -> SignedRoster {
    let mut entries: Vec<RosterEntry> = (1..=clients).map(|number| entry(ClientId(number))).collect();
    for entry in entries.iter_mut().filter(|entry| entry.client == rekeyed) {
        entry.signing_key = Toy::verifying_key(&second_key(rekeyed));
    }
    roster_after(last, entries, Vec::new())
}

/// As [`next_roster`], of these entries and groups.
///
/// # Panics
/// If they make no roster.
#[must_use]
pub fn roster_after(last: &Roster, entries: Vec<RosterEntry>, groups: Vec<RosterGroup>) -> SignedRoster {
    signed_by_authority(Roster::new(last.epoch() + 1, last.digest(), entries, groups, people()).expect("a roster"))
}

/// A client's name in an organisation.
///
/// # Panics
/// Never: every number makes a name.
#[must_use]
pub fn name(ClientId(client): ClientId, organisation: u32) -> MemberName {
    MemberName::new(&alloc::format!("bank-{organisation}"), &alloc::format!("branch-{client}")).expect("a name")
}

/// A client's entry, valid for ever.
#[must_use]
pub fn entry(client: ClientId) -> RosterEntry {
    RosterEntry {
        client,
        name: name(client, 1),
        organisation: OrganisationId(1),
        signing_key: Toy::verifying_key(&signing_key(client)),
        tls_spki_sha256: Digest::of(&client.0.to_le_bytes()),
        not_after: u64::MAX,
    }
}

fn signed(epoch: u64, previous: Digest, clients: u32, organisation: fn(u32) -> u32) -> SignedRoster {
    let of_organisation = |number: u32| {
        let (client, organisation) = (ClientId(number), organisation(number));
        RosterEntry { name: name(client, organisation), organisation: OrganisationId(organisation), ..entry(client) }
    };
    let entries = (1..=clients).map(of_organisation).collect();
    let roster = Roster::new(epoch, previous, entries, Vec::new(), people());
    signed_by_authority(roster.expect("few clients, in order, each with its own keys"))
}

/// A roster with its authority's signature.
#[must_use]
pub fn signed_by_authority(roster: Roster) -> SignedRoster {
    let signature = Toy::sign(&AUTHORITY_KEY, &roster.signing_input());
    SignedRoster { roster, signatures: alloc::vec![AuthoritySignature { authority: 0, signature }] }
}
