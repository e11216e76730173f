//! Whom the roster names, by the TLS keys that they prove and the names that their certificates bear.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use tributary_certs::binding::{SignedBinding, admits, read_bindings, write_bindings};
use tributary_certs::identity::Identity;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{MemberName, Roster, RosterEntry};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::FileError;

use crate::report::Whom;

/// The file of the newest key bindings, beside the heads of the members' budgets, which outlive a plan as well.
const BINDINGS: &str = "bindings";

/// The roster's members, and the newest key that each of them has bound to itself.
pub(crate) struct Members {
    listed: RwLock<Listed>,
    /// A newer roster that waits for the end of a round. Whoever is not in it is out at once; whoever is new in it waits as it does.
    coming: RwLock<Option<Roster>>,
    newest: Mutex<Newest>,
}

struct Listed {
    roster: Roster,
    by_key: BTreeMap<Digest, ClientId>,
}

/// Kept in a file: a binding that was replaced is not taken back, by the next process either.
struct Newest {
    path: PathBuf,
    bindings: BTreeMap<ClientId, SignedBinding>,
}

/// Why a certificate's bearer is none of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// The roster has no such key, and no binding names it.
    Key,
    /// The key is a member's of another name.
    Name(MemberName),
    /// The member has bound a newer key to itself.
    OlderKey(ClientId),
    /// A newer roster, which comes into force with the end of a round, has the member no more, or with other keys.
    Leaving(ClientId),
    /// The binding could not be kept.
    Unkept,
}

impl Listed {
    fn of(roster: &Roster) -> Self {
        let by_key = roster.entries().iter().map(|entry| (entry.tls_spki_sha256, entry.client)).collect();
        Self { roster: roster.clone(), by_key }
    }
}

impl Members {
    /// The members of a roster, and the bindings that an earlier process has kept in this folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn open(roster: &Roster, folder: &Path) -> Result<Self, FileError> {
        let path = folder.join(BINDINGS);
        let bindings = read_bindings(&path)?.into_iter().map(|signed| (signed.binding.client, signed)).collect();
        let newest = Mutex::new(Newest { path, bindings });
        Ok(Self { listed: RwLock::new(Listed::of(roster)), coming: RwLock::new(None), newest })
    }

    /// From here on a newer roster counts; whether it is one.
    pub(crate) fn replace(&self, roster: &Roster) -> bool {
        let mut listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        if roster.epoch() <= listed.roster.epoch() {
            return false;
        }
        *listed = Listed::of(roster);
        drop(listed);
        let mut coming = self.coming.write().unwrap_or_else(PoisonError::into_inner);
        *coming = coming.take().filter(|coming| coming.epoch() > roster.epoch());
        true
    }

    /// A newer roster is here, and comes into force between two rounds.
    pub(crate) fn announce(&self, roster: &Roster) {
        *self.coming.write().unwrap_or_else(PoisonError::into_inner) = Some(roster.clone());
    }

    /// The key by which a member signs its messages.
    pub(crate) fn signing_key(&self, client: ClientId) -> Option<VerifyingKey> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.roster.entry(client).map(|entry| entry.signing_key.clone())
    }

    /// A client as people know it.
    pub(crate) fn whom(&self, client: ClientId) -> Whom {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        Whom { client: client.0, name: listed.roster.name_of(client).map(ToString::to_string) }
    }

    /// The member of this name.
    pub(crate) fn named(&self, name: &MemberName) -> Option<ClientId> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.roster.entries().iter().find(|entry| entry.name == *name).map(|entry| entry.client)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.listed.read().unwrap_or_else(PoisonError::into_inner).roster.entries().len()
    }

    /// The member whose certificate this is. Key, number and name must agree: the key is the roster's, or the one in the newest binding that the
    /// member's signing key signed, and the name is the roster's for it.
    pub(super) fn admit(
        &self,
        identity: &Identity,
        tls_spki_sha256: &Digest,
        binding: &[u8],
    ) -> Result<RosterEntry, Stranger> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        let shown = SignedBinding::decode(binding);
        let of_key = listed.by_key.get(tls_spki_sha256).copied();
        let client = of_key.or_else(|| shown.as_ref().map(|signed| signed.binding.client)).ok_or(Stranger::Key)?;
        let entry = listed.roster.entry(client).ok_or(Stranger::Key)?;
        let coming = self.coming.read().unwrap_or_else(PoisonError::into_inner);
        let next = coming.as_ref().map(|coming| coming.entry(client));
        if next.is_some_and(|next| {
            next.is_none_or(|next| next.signing_key != entry.signing_key || next.name != entry.name)
        }) {
            return Err(Stranger::Leaving(client));
        }
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // What an earlier signing key of the member has signed is worth nothing.
        let kept = newest.bindings.get(&client).cloned().filter(|kept| kept.verify(&entry.signing_key));
        let own = shown.as_ref().filter(|shown| shown.binding.client == client && shown.verify(&entry.signing_key));
        let newer = own.filter(|own| kept.as_ref().is_none_or(|kept| kept.binding.sequence < own.binding.sequence));
        if !admits(entry, newer.or(kept.as_ref()), tls_spki_sha256) {
            let older = of_key.is_some() || own.is_some_and(|own| own.binding.tls_spki_sha256 == *tls_spki_sha256);
            return Err(if older { Stranger::OlderKey(client) } else { Stranger::Key });
        }
        if identity.member_name().as_ref() != Some(&entry.name) {
            return Err(Stranger::Name(entry.name.clone()));
        }
        // The same key under a larger number is no news: whoever counts up has nothing written for it.
        if let Some(newer) = newer.filter(|newer| kept.is_none_or(|kept| !kept.names_same_key(newer))).cloned() {
            let mut bindings = newest.bindings.clone();
            bindings.insert(client, newer);
            if let Err(fault) = write_bindings(&newest.path, bindings.values()) {
                tracing::error!(%fault, "a member's newer key is not let in, because the list of key bindings cannot be written");
                return Err(Stranger::Unkept);
            }
            newest.bindings = bindings;
        }
        Ok(entry.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_certs::binding::KeyBinding;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::ids::OrganisationId;

    const FIRST: Digest = Digest([1; 32]);

    fn roster(signing: u8, name: &str) -> Roster {
        let entry = RosterEntry {
            client: ClientId(3),
            name: MemberName::parse(name).unwrap(),
            organisation: OrganisationId(1),
            signing_key: SigningKey::from_seed(&[signing; 32]).verifying_key(),
            tls_spki_sha256: FIRST,
            not_after: u64::MAX,
        };
        Roster::new(1, Digest::ZERO, vec![entry], vec![], Vec::new()).unwrap()
    }

    fn named(name: &str) -> Identity {
        Identity::parse(&format!("spiffe://federation.example/{name}")).unwrap()
    }

    /// The binding of the key that has this number, and the key.
    fn bound(signing: u8, sequence: u64) -> (Digest, Vec<u8>) {
        let key = Digest([u8::try_from(sequence).unwrap() + 10; 32]);
        let binding = KeyBinding { client: ClientId(3), tls_spki_sha256: key, sequence };
        (key, binding.sign(&SigningKey::from_seed(&[signing; 32])).encode())
    }

    #[test]
    fn key_number_and_name_agree() {
        let folder = tempfile::tempdir().unwrap();
        let members = Members::open(&roster(7, "north-bank/branch-01"), folder.path()).unwrap();
        let own = named("north-bank/client/branch-01");
        assert_eq!(members.admit(&own, &FIRST, &[]).unwrap().client, ClientId(3));
        let other = Stranger::Name(MemberName::parse("north-bank/branch-01").unwrap());
        for name in ["north-bank/client/branch-02", "south-bank/client/branch-01", "north-bank/coordinator/branch-01"] {
            assert_eq!(members.admit(&named(name), &FIRST, &[]), Err(other.clone()), "{name}");
            // Nor with a key that it has bound to itself.
            let (key, binding) = bound(7, 1);
            assert_eq!(members.admit(&named(name), &key, &binding), Err(other.clone()), "{name}");
        }
        assert_eq!(members.admit(&own, &Digest([9; 32]), &[]), Err(Stranger::Key));
        // Whoever was refused has written nothing.
        assert!(!folder.path().join(BINDINGS).exists());
    }

    #[test]
    fn a_key_that_was_replaced_stays_out_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (roster, own) = (roster(7, "north-bank/branch-01"), named("north-bank/client/branch-01"));
        let admit = |key: &Digest, binding: &[u8]| {
            // A process of its own each time.
            Members::open(&roster, folder.path()).unwrap().admit(&own, key, binding).map(|entry| entry.client)
        };
        let ((second, to_second), (third, to_third)) = (bound(7, 1), bound(7, 2));
        assert_eq!(admit(&FIRST, &[]), Ok(ClientId(3)));
        assert_eq!(admit(&third, &to_third), Ok(ClientId(3)));
        let older = Err(Stranger::OlderKey(ClientId(3)));
        assert_eq!(admit(&second, &to_second), older);
        assert_eq!(admit(&FIRST, &[]), older);
        assert_eq!(admit(&FIRST, &to_second), older);
        assert_eq!(admit(&third, &to_third), Ok(ClientId(3)));
        // Another's signature moves nothing.
        let (forged, to_forged) = bound(8, 9);
        assert_eq!(admit(&forged, &to_forged), Err(Stranger::Key));
        assert_eq!(admit(&third, &to_third), Ok(ClientId(3)));
        // Whoever enrolled anew has another signing key, for which nothing counts that the old one signed.
        let anew = self::roster(9, "north-bank/branch-01");
        let members = Members::open(&anew, folder.path()).unwrap();
        assert_eq!(members.admit(&own, &third, &to_third), Err(Stranger::Key));
        assert_eq!(members.admit(&own, &FIRST, &[]).unwrap().client, ClientId(3));
        let (fourth, to_fourth) = bound(9, 1);
        assert_eq!(members.admit(&own, &fourth, &to_fourth).unwrap().client, ClientId(3));
        assert_eq!(members.admit(&own, &FIRST, &[]), Err(Stranger::OlderKey(ClientId(3))));
    }

    #[test]
    fn whoever_counts_up_has_nothing_written() {
        let folder = tempfile::tempdir().unwrap();
        let members = Members::open(&roster(7, "north-bank/branch-01"), folder.path()).unwrap();
        let (own, key) = (named("north-bank/client/branch-01"), SigningKey::from_seed(&[7; 32]));
        let count = |sequence| {
            let binding = KeyBinding { client: ClientId(3), tls_spki_sha256: Digest([5; 32]), sequence }.sign(&key);
            members.admit(&own, &Digest([5; 32]), &binding.encode()).unwrap();
            std::fs::read(folder.path().join(BINDINGS)).unwrap()
        };
        let first = count(1);
        assert_eq!(count(2), first);
        assert_eq!(count(u64::MAX), first);
    }

    #[test]
    fn a_key_that_cannot_be_kept_is_not_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let members = Members::open(&roster(7, "north-bank/branch-01"), &state).unwrap();
        std::fs::remove_dir(&state).unwrap();
        let (key, binding) = bound(7, 1);
        let own = named("north-bank/client/branch-01");
        assert_eq!(members.admit(&own, &key, &binding), Err(Stranger::Unkept));
        assert_eq!(members.admit(&own, &FIRST, &[]).unwrap().client, ClientId(3));
    }

    #[test]
    fn whoever_a_newer_roster_lacks_is_out_before_it_comes_into_force() {
        let folder = tempfile::tempdir().unwrap();
        let members = Members::open(&roster(7, "north-bank/branch-01"), folder.path()).unwrap();
        let own = named("north-bank/client/branch-01");
        let admitted = || members.admit(&own, &FIRST, &[]).map(|entry| entry.client);
        let empty = |epoch| Roster::new(epoch, Digest::of(b"before"), vec![], vec![], Vec::new()).unwrap();
        members.announce(&empty(2));
        assert_eq!(admitted(), Err(Stranger::Leaving(ClientId(3))));
        // Nor with another key of the same number, until it is enrolled under it.
        members.announce(&roster(9, "north-bank/branch-01"));
        assert_eq!(admitted(), Err(Stranger::Leaving(ClientId(3))));
        members.announce(&roster(7, "north-bank/branch-01"));
        assert_eq!(admitted(), Ok(ClientId(3)));
        // One that comes into force leaves a newer one waiting.
        members.announce(&empty(3));
        members.replace(&roster(7, "north-bank/branch-01"));
        assert_eq!(admitted(), Err(Stranger::Leaving(ClientId(3))));
    }
}
