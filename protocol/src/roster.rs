//! The roster: who may take part, signed by the authorities (PROTOCOL.md, section 1).
//!
//! The coordinator cannot add a member: every entry carries the client's protocol signing key, and the whole is signed by at least m of M
//! offline authorities. Each roster names its predecessor; a client remembers the [`RosterHead`] that it saw last and refuses to go back. It
//! goes forward over a gap: the signatures of the pinned authorities suffice, and the number of rosters between is told to its operator.
//!
//! Does **not** guarantee that an entry is still valid today: [`RosterEntry::has_ended`] says that for a clock's time, and the round machines
//! ask. Nor that the newest roster shown is the newest there is: a coordinator may hold one back, until the entries end.

mod group;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use group::{ALL, Group, GroupFault, RosterGroup, is_group_name};

use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, OrganisationId};
use crate::limits::{ROSTER_AUTHORITIES_MAX, ROSTER_ENTRIES_MAX};
use crate::list::List;
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::time::Millis;

/// One enrolled client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// The client's number in the roster.
    pub client: ClientId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// Its protocol signing key, distinct from its TLS key.
    pub signing_key: VerifyingKey,
    /// SHA-256 of the public key information (SPKI) of its TLS certificate: binds transport and protocol identities.
    pub tls_spki_sha256: Digest,
    /// Unix seconds after which the signing key is no longer valid.
    pub not_after: u64,
}

impl RosterEntry {
    /// The last moment of the Unix clock at which the entry is valid: the end of its last second.
    #[must_use]
    pub fn ends(&self) -> Millis {
        Millis(self.not_after.saturating_mul(1000)).plus(999)
    }

    /// Whether the entry is over at this time of the Unix clock.
    #[must_use]
    pub fn has_ended(&self, now: Millis) -> bool {
        self.ends() < now
    }
}

/// The enrolled clients at one epoch, strictly ascending by client, no key twice; and named groups of them. Parsing enforces all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RosterParts")]
pub struct Roster {
    epoch: u64,
    previous: Digest,
    entries: List<RosterEntry>,
    groups: List<RosterGroup>,
    /// Of the four before it, computed where a roster is made: both ends name it often, and it covers 80 bytes of every entry.
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

/// Members that differ between two rosters, for the people who watch membership.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterChanges {
    /// Clients that are new.
    pub added: Vec<ClientId>,
    /// Clients that are gone.
    pub removed: Vec<ClientId>,
    /// Clients whose organisation, keys or validity changed.
    pub changed: Vec<ClientId>,
}

/// One authority's signature. `authority` counts in the list of authorities that was agreed at enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoritySignature {
    /// Index of the signer among the authorities.
    pub authority: u8,
    /// Its signature over [`Roster::signing_input`].
    pub signature: Signature,
}

/// A roster with its authorities' signatures, ascending by authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRoster {
    /// The roster.
    pub roster: Roster,
    /// The signatures.
    pub signatures: Vec<AuthoritySignature>,
}

/// Why a roster was refused. The roster authorities are to blame for its contents, its bearer for the signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Epochs count from 1, and the first alone has no predecessor.
    #[error(
        "epoch {epoch} and predecessor do not fit: epochs count from 1, and only the first has an all-zero predecessor"
    )]
    Predecessor {
        /// The epoch it claims.
        epoch: u64,
    },
    /// More entries or signatures than the limits allow.
    #[error("the roster has {count} {what}, more than the {limit} allowed")]
    TooMany {
        /// Entries or signatures.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// Entries are not strictly ascending by client.
    #[error("client {client} is out of order or listed twice; the roster must be made again, sorted by client")]
    Order {
        /// The entry at fault.
        client: ClientId,
    },
    /// Two clients share a signing key: one of them is a double of the other.
    #[error("client {client} has the signing key of another client; each client must enrol with a key of its own")]
    SigningKeyTwice {
        /// The second of the two.
        client: ClientId,
    },
    /// Two clients share a TLS key.
    #[error("client {client} has the TLS key of another client; each client must enrol with a key of its own")]
    TlsKeyTwice {
        /// The second of the two.
        client: ClientId,
    },
    /// A group is not in order.
    #[error("{0}; the roster must be made again")]
    Group(#[from] GroupFault),
    /// The verifier's own settings cannot be met: no authority, too many, one twice, or a threshold of zero or above their number.
    #[error(
        "{needed} signatures of {authorities} distinct authorities were asked for; correct the authorities in the local settings"
    )]
    Authorities {
        /// The threshold asked for.
        needed: usize,
        /// Distinct authorities configured.
        authorities: usize,
    },
    /// A signature names an authority that is not configured.
    #[error("a signature names authority {authority}, which is not among the configured ones")]
    UnknownAuthority {
        /// The index it names.
        authority: u8,
    },
    /// Signatures are not strictly ascending by authority: one may have been counted twice.
    #[error("authority {authority} signs twice or out of order")]
    SignatureOrder {
        /// The index at fault.
        authority: u8,
    },
    /// A signature does not verify: the roster was altered, or signed by another key.
    #[error(
        "the signature of authority {authority} does not verify; the roster was altered or signed with another key: do not use it"
    )]
    BadSignature {
        /// The index at fault.
        authority: u8,
    },
    /// Too few authorities signed.
    #[error("{present} authorities signed and {needed} are needed; ask the others to sign")]
    TooFewSignatures {
        /// Valid signatures.
        present: usize,
        /// The threshold.
        needed: usize,
    },
    /// Older than the roster seen last: somebody restored or replays an old membership.
    #[error(
        "the roster has epoch {epoch}, but epoch {seen} was already accepted; an old membership is being replayed: refuse it"
    )]
    Rollback {
        /// The epoch offered.
        epoch: u64,
        /// The epoch accepted before.
        seen: u64,
    },
    /// Two different rosters of one epoch, or a next one with another predecessor.
    #[error(
        "the roster of epoch {epoch} contradicts the one accepted before; the authorities signed two histories: stop and ask them"
    )]
    Fork {
        /// The epoch offered.
        epoch: u64,
    },
}

/// The untrusted parts of a [`Roster`], as they arrive.
#[derive(Deserialize)]
struct RosterParts {
    epoch: u64,
    previous: Digest,
    entries: Vec<RosterEntry>,
    groups: Vec<RosterGroup>,
}

impl TryFrom<RosterParts> for Roster {
    type Error = RosterError;

    fn try_from(parts: RosterParts) -> Result<Self, RosterError> {
        Roster::new(parts.epoch, parts.previous, parts.entries, parts.groups)
    }
}

impl Roster {
    /// Parses a roster from its parts. The first epoch is 1, with [`Digest::ZERO`] as its predecessor.
    ///
    /// # Errors
    /// [`RosterError`] if there are too many entries, if they are not strictly ascending by client, if a key occurs twice, if epoch and
    /// predecessor do not fit, or if a group is not in order.
    pub fn new(
        epoch: u64,
        previous: Digest,
        entries: Vec<RosterEntry>,
        groups: Vec<RosterGroup>,
    ) -> Result<Self, RosterError> {
        if epoch == 0 || (epoch == 1) != (previous == Digest::ZERO) {
            return Err(RosterError::Predecessor { epoch });
        }
        at_most("entries", entries.len(), ROSTER_ENTRIES_MAX)?;
        let mut last = None;
        let mut signing_keys = BTreeSet::new();
        let mut tls_keys = BTreeSet::new();
        for entry in &entries {
            let client = entry.client;
            if last >= Some(client) {
                return Err(RosterError::Order { client });
            }
            if !signing_keys.insert(entry.signing_key) {
                return Err(RosterError::SigningKeyTwice { client });
            }
            if !tls_keys.insert(entry.tls_spki_sha256) {
                return Err(RosterError::TlsKeyTwice { client });
            }
            last = Some(client);
        }
        group::check(&groups, &entries)?;
        let digest = Digest::of(&canonical(epoch, &previous, &entries, &groups));
        Ok(Self { epoch, previous, entries: entries.into(), groups: groups.into(), digest })
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

    /// The named groups, strictly ascending by name.
    #[must_use]
    pub fn groups(&self) -> &[RosterGroup] {
        &self.groups
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

    /// The canonical encoding: label, epoch, predecessor, count, entries, count, groups.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self.epoch, &self.previous, &self.entries, &self.groups)
    }

    /// SHA-256 of the canonical encoding: the `roster_hash` of PROTOCOL.md.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What a client remembers of this roster.
    #[must_use]
    pub fn head(&self) -> RosterHead {
        RosterHead { epoch: self.epoch, digest: self.digest() }
    }

    /// The bytes that an authority signs: `"SA1/" || "roster" || 0x00 || H(body)` (PROTOCOL.md, section 1).
    #[must_use]
    pub fn signing_input(&self) -> Vec<u8> {
        [b"SA1/roster\0".as_slice(), self.digest().as_bytes()].concat()
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

    /// The members that differ from an earlier roster.
    #[must_use]
    pub fn changes_since(&self, earlier: &Roster) -> RosterChanges {
        let mut changes = RosterChanges::default();
        for entry in &self.entries {
            match earlier.entry(entry.client) {
                None => changes.added.push(entry.client),
                Some(before) if before != entry => changes.changed.push(entry.client),
                Some(_) => {}
            }
        }
        let gone = earlier.entries.iter().map(|entry| entry.client).filter(|client| self.entry(*client).is_none());
        changes.removed.extend(gone);
        changes
    }
}

/// Looks up entries of a roster: at once where the client asked for stands right behind the one before it, as [`Roster::entry`] otherwise.
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

impl SignedRoster {
    /// [`Roster::none`]; nobody signs it.
    #[must_use]
    pub fn none() -> Self {
        Self { roster: Roster::none(), signatures: Vec::new() }
    }

    /// Whether at least `needed` of the `authorities` signed this roster. Every signature present must verify, the surplus ones too.
    ///
    /// # Errors
    /// [`RosterError`] naming the first fault.
    pub fn verify<S: Suite>(&self, authorities: &[VerifyingKey], needed: usize) -> Result<(), RosterError> {
        let distinct = authorities.iter().collect::<BTreeSet<_>>().len();
        let usable = distinct == authorities.len() && distinct <= ROSTER_AUTHORITIES_MAX;
        if !usable || needed == 0 || needed > distinct {
            return Err(RosterError::Authorities { needed, authorities: distinct });
        }
        at_most("signatures", self.signatures.len(), ROSTER_AUTHORITIES_MAX)?;
        let input = self.roster.signing_input();
        let mut last = None;
        for AuthoritySignature { authority, signature } in &self.signatures {
            let authority = *authority;
            if last >= Some(authority) {
                return Err(RosterError::SignatureOrder { authority });
            }
            let key = authorities.get(usize::from(authority)).ok_or(RosterError::UnknownAuthority { authority })?;
            if !S::verify(key, &input, signature) {
                return Err(RosterError::BadSignature { authority });
            }
            last = Some(authority);
        }
        match self.signatures.len() {
            present if present < needed => Err(RosterError::TooFewSignatures { present, needed }),
            _ => Ok(()),
        }
    }

    /// The entry of a client.
    #[must_use]
    pub fn entry(&self, client: ClientId) -> Option<&RosterEntry> {
        self.roster.entry(client)
    }
}

fn canonical(epoch: u64, previous: &Digest, entries: &[RosterEntry], groups: &[RosterGroup]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).expect("ROSTER_ENTRIES_MAX is below 2^32");
    let head = Canonical::new("SA1 roster").u64(epoch).digest(previous).u32(count);
    let body = entries.iter().fold(head, |body, entry| {
        body.u32(entry.client.0)
            .u32(entry.organisation.0)
            .digest(&Digest(entry.signing_key.0))
            .digest(&entry.tls_spki_sha256)
            .u64(entry.not_after)
    });
    group::canonical(body, groups).into_bytes()
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), RosterError> {
    if count > limit { Err(RosterError::TooMany { what, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod verify_tests;
