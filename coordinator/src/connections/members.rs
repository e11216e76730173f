//! Whom the roster names, by the TLS keys that they prove.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tributary_certs::binding::{SignedBinding, admits};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{Roster, RosterEntry};

/// The roster's members, and the newest key that each of them has bound to itself.
pub(super) struct Members {
    by_key: BTreeMap<Digest, RosterEntry>,
    by_number: BTreeMap<ClientId, RosterEntry>,
    /// Kept while this process lives: a binding that was replaced is not taken back.
    newest: Mutex<BTreeMap<ClientId, SignedBinding>>,
}

impl Members {
    pub(super) fn of(roster: &Roster) -> Self {
        let entries = roster.entries().iter();
        Self {
            by_key: entries.clone().map(|entry| (entry.tls_spki_sha256, *entry)).collect(),
            by_number: entries.map(|entry| (entry.client, *entry)).collect(),
            newest: Mutex::default(),
        }
    }

    /// The member whose TLS key this is: by the roster, or by a binding that the member's signing key signed for it.
    pub(super) fn admit(&self, tls_spki_sha256: &Digest, binding: &[u8]) -> Option<&RosterEntry> {
        if let Some(entry) = self.by_key.get(tls_spki_sha256) {
            return Some(entry);
        }
        let signed = SignedBinding::decode(binding)?;
        let entry = self.by_number.get(&signed.binding.client)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newest.get(&entry.client);
        if known.is_some_and(|known| known.binding.sequence > signed.binding.sequence) {
            return None;
        }
        if !admits(entry, Some(&signed), tls_spki_sha256) {
            return None;
        }
        newest.insert(entry.client, signed);
        Some(entry)
    }
}
