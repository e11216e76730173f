//! A roster with its authorities' signatures.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::entry::RosterEntry;
use super::people::Person;
use super::{Roster, RosterError, SIGNED_KIND, at_most};
use crate::digest::{Canonical, Digest};
use crate::ids::ClientId;
use crate::limits::ROSTER_AUTHORITIES_MAX;
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::signed::signed_message;

/// One authority's signature. `authority` counts in the list of authorities that was agreed at enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoritySignature {
    /// Index of the signer among the authorities.
    pub authority: u8,
    /// Its signature over [`Roster::signing_input`].
    pub signature: Signature,
}

/// What names a federation, for whatever is signed in it: how many of its roster authorities must sign, and every key in its place. Both ends
/// pin them at enrolment.
#[must_use]
pub fn federation_digest(authorities: &[VerifyingKey], needed: usize) -> Digest {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let body = Canonical::new("tributary/roster authorities/2").u32(count(needed)).u32(count(authorities.len()));
    authorities.iter().fold(body, |body, key| key.canonical(body)).finish()
}

/// A roster with its authorities' signatures, ascending by authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRoster {
    /// The roster.
    pub roster: Roster,
    /// The signatures.
    pub signatures: Vec<AuthoritySignature>,
}

impl SignedRoster {
    /// [`Roster::none`]; nobody signs it.
    #[must_use]
    pub fn none() -> Self {
        Self { roster: Roster::none(), signatures: Vec::new() }
    }

    /// Whether at least `needed` of the `authorities` signed this roster. Every signature present must verify, the surplus ones too. Every
    /// member's key must be one by which the suite can verify: otherwise its messages would look like forgeries.
    ///
    /// # Errors
    /// [`RosterError`] naming the first fault.
    pub fn verify<S: Suite>(&self, authorities: &[VerifyingKey], needed: usize) -> Result<(), RosterError> {
        verify_signatures::<S>(&self.roster.digest(), &self.signatures, authorities, needed)?;
        for RosterEntry { client, signing_key, .. } in self.roster.entries() {
            let number = signing_key.algorithm.number();
            S::knows(signing_key).map_err(|_| RosterError::MemberAlgorithm { client: *client, number })?;
        }
        for Person { staff, signing_key, .. } in self.roster.people() {
            let number = signing_key.algorithm.number();
            S::knows(signing_key).map_err(|_| RosterError::PersonAlgorithm { staff: staff.clone(), number })?;
        }
        Ok(())
    }

    /// The entry of a client.
    #[must_use]
    pub fn entry(&self, client: ClientId) -> Option<&RosterEntry> {
        self.roster.entry(client)
    }
}

/// Whether at least `needed` of the `authorities` signed the roster of this digest, as [`SignedRoster::verify`] says: for whoever has the
/// roster itself from somewhere else.
///
/// # Errors
/// [`RosterError`] naming the first fault.
pub fn verify_signatures<S: Suite>(
    roster: &Digest,
    signatures: &[AuthoritySignature],
    authorities: &[VerifyingKey],
    needed: usize,
) -> Result<(), RosterError> {
    let distinct = authorities.iter().collect::<BTreeSet<_>>().len();
    let usable = distinct == authorities.len() && distinct <= ROSTER_AUTHORITIES_MAX;
    if !usable || needed == 0 || needed > distinct {
        return Err(RosterError::Authorities { needed, authorities: distinct });
    }
    at_most("signatures", signatures.len(), ROSTER_AUTHORITIES_MAX)?;
    let input = signed_message(SIGNED_KIND, roster);
    let mut last = None;
    for AuthoritySignature { authority, signature } in signatures {
        let authority = *authority;
        if last >= Some(authority) {
            return Err(RosterError::SignatureOrder { authority });
        }
        let key = authorities.get(usize::from(authority)).ok_or(RosterError::UnknownAuthority { authority })?;
        let number = key.algorithm.number();
        S::knows(key).map_err(|_| RosterError::AuthorityAlgorithm { authority, number })?;
        if !S::verify(key, &input, signature) {
            return Err(RosterError::BadSignature { authority });
        }
        last = Some(authority);
    }
    match signatures.len() {
        present if present < needed => Err(RosterError::TooFewSignatures { present, needed }),
        _ => Ok(()),
    }
}
