//! Whom the roster names, by the TLS keys that they prove.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

use tributary_certs::binding::{SignedBinding, admits};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{Roster, RosterEntry};

/// The roster's members, and the newest key that each of them has bound to itself.
pub(crate) struct Members {
    listed: RwLock<Listed>,
    /// Kept while this process lives: a binding that was replaced is not taken back.
    newest: Mutex<BTreeMap<ClientId, SignedBinding>>,
}

struct Listed {
    by_key: BTreeMap<Digest, RosterEntry>,
    by_number: BTreeMap<ClientId, RosterEntry>,
}

impl Listed {
    fn of(roster: &Roster) -> Self {
        let entries = roster.entries().iter();
        Self {
            by_key: entries.clone().map(|entry| (entry.tls_spki_sha256, *entry)).collect(),
            by_number: entries.map(|entry| (entry.client, *entry)).collect(),
        }
    }
}

impl Members {
    pub(crate) fn of(roster: &Roster) -> Self {
        Self { listed: RwLock::new(Listed::of(roster)), newest: Mutex::default() }
    }

    /// From here on another roster counts.
    pub(crate) fn replace(&self, roster: &Roster) {
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = Listed::of(roster);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.listed.read().unwrap_or_else(PoisonError::into_inner).by_number.len()
    }

    /// The member whose TLS key this is: by the roster, or by a binding that the member's signing key signed for it.
    pub(super) fn admit(&self, tls_spki_sha256: &Digest, binding: &[u8]) -> Option<RosterEntry> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = listed.by_key.get(tls_spki_sha256) {
            return Some(*entry);
        }
        let signed = SignedBinding::decode(binding)?;
        let entry = listed.by_number.get(&signed.binding.client)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newest.get(&entry.client);
        if known.is_some_and(|known| known.binding.sequence > signed.binding.sequence) {
            return None;
        }
        if !admits(entry, Some(&signed), tls_spki_sha256) {
            return None;
        }
        newest.insert(entry.client, signed);
        Some(*entry)
    }
}
