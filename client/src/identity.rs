//! The files by which a branch proves who it is and knows its coordinator, and the keys made of them while the daemon runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::CertificateDer;
use tributary_certs::enrolment::{CoordinatorPin, names, read_coordinator};
use tributary_certs::identity::{Identity, identity_of};
use tributary_certs::inspect::validity_of;
use tributary_certs::issue::Validity;
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::KeyExchange;
use tributary_certs::renewal::{current_binding, finish};
use tributary_certs::revocation::{ListEnd, RevocationLists, take_carried};
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::skew::diagnosis_config;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::tls::{ClientTls, TlsError, client_config, read_certificates, system_clock};
use tributary_protocol::roster::{MemberName, SignedRoster};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::FileError;
use tributary_transport::identity::{KeyPlace, TlsFiles, TlsMaterial};
use tributary_transport::preflight::TrialKeys;

use crate::error::ClientError;

/// Where a branch's identity is, as its settings say.
#[derive(Clone)]
pub struct IdentitySettings {
    /// The folder that enrolment wrote.
    pub folder: PathBuf,
    /// A key in a token instead of the folder's file.
    pub token: Option<KeyPlace>,
    /// Which key exchanges are accepted.
    pub key_exchange: KeyExchange,
    /// Whether the daemon renews its certificate by itself.
    pub renew: bool,
}

/// What enrolment wrote, opened.
pub(crate) struct BranchIdentity {
    pub(crate) coordinator: CoordinatorPin,
    pub(crate) authorities: RosterAuthorities,
    pub(crate) signing_key: SigningKey,
    pub(crate) keys: Keys,
}

/// The TLS keys in force, shared between the channel and the renewal.
#[derive(Clone)]
pub(crate) struct Keys {
    settings: IdentitySettings,
    coordinator: Identity,
    current: Arc<Mutex<Current>>,
}

struct Current {
    tls: Arc<rustls::ClientConfig>,
    binding: Vec<u8>,
    validity: Validity,
    own: Identity,
    leaf: CertificateDer<'static>,
    lists: RevocationLists,
}

impl BranchIdentity {
    /// Opens every file of the folder; `now` is in Unix seconds. A renewal that a crash interrupted is completed first.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(crate) fn open(settings: IdentitySettings, now: u64) -> Result<Self, ClientError> {
        finish(&settings.folder).map_err(ClientError::file)?;
        Self::look(settings, now)
    }

    /// As [`BranchIdentity::open`], but nothing is changed: a renewal that was interrupted stays so.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(crate) fn look(settings: IdentitySettings, now: u64) -> Result<Self, ClientError> {
        let path = |name: &str| settings.folder.join(name);
        let coordinator = read_coordinator(&path(names::COORDINATOR)).map_err(ClientError::file)?;
        let authorities = RosterAuthorities::read(&path(names::AUTHORITIES)).map_err(ClientError::file)?;
        let signing_key = read_signing_key(&path(names::SIGNING_KEY)).map_err(ClientError::file)?;
        let current = load(&settings, &coordinator.identity, None, now)?;
        let current = Arc::new(Mutex::new(current));
        let keys = Keys { settings, coordinator: coordinator.identity.clone(), current };
        Ok(Self { coordinator, authorities, signing_key, keys })
    }
}

impl Keys {
    /// For the next handshake: the configuration, and what binds the key to the roster.
    pub(crate) fn current(&self) -> (Arc<rustls::ClientConfig>, Vec<u8>) {
        let current = self.held();
        (Arc::clone(&current.tls), current.binding.clone())
    }

    /// When the certificate in force is valid.
    pub(crate) fn validity(&self) -> Validity {
        self.held().validity
    }

    /// Reads the files again; on a fault what was read before stays.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn reload(&self, now: u64) -> Result<(), ClientError> {
        let before = self.held().lists.clone();
        let current = load(&self.settings, &self.coordinator, Some(&before), now)?;
        *self.held() = current;
        Ok(())
    }

    /// Takes revocation lists that somebody carried here, and puts them in force if anything is newer. Whether that was so.
    ///
    /// # Errors
    /// Why they are not believed, or a file cannot be used.
    pub(crate) fn take_lists(&self, text: &[u8], now: u64) -> Result<bool, ClientError> {
        let newer = take_carried(&self.settings.folder, &self.coordinator, text, now).map_err(ClientError::file)?;
        if newer {
            self.reload(now)?;
        }
        Ok(newer)
    }

    /// Why the coordinator at the other end of a connection is not to be believed any more, if so.
    pub(crate) fn judge(&self, certificate: &CertificateDer<'static>, now: u64) -> Option<String> {
        let standing = self.held().lists.standing(self.coordinator.organisation(), certificate, now);
        standing.fault().map(|fault| fault.because("the coordinator's").to_string())
    }

    /// Whether an authority above this client's own certificate was revoked: then another certificate is to be had at once.
    pub(crate) fn authority_revoked(&self, now: u64) -> bool {
        let current = self.held();
        current.lists.authority_revoked(current.own.organisation(), &current.leaf, now)
    }

    /// When the first of the lists ends that say whether the coordinator is to be believed.
    pub(crate) fn lists_end(&self, now: u64) -> Option<ListEnd> {
        self.held().lists.end_of(self.coordinator.organisation(), now)
    }

    /// The lists in force.
    pub(crate) fn lists(&self) -> RevocationLists {
        self.held().lists.clone()
    }

    /// For a preflight: the same, and what finds out whether a clock is wrong.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(crate) fn trial(&self, now: u64) -> Result<TrialKeys, ClientError> {
        let diagnosis = tls_config(
            open(&self.settings, Some(&self.lists()), now)?,
            &self.settings,
            &self.coordinator,
            diagnosis_config,
        )?;
        let (tls, binding) = self.current();
        Ok(TrialKeys { tls, binding, diagnosis, validity: self.validity() })
    }

    fn held(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings that these came from.
    pub(crate) fn settings(&self) -> &IdentitySettings {
        &self.settings
    }

    /// The coordinator to expect.
    pub(crate) fn coordinator(&self) -> &Identity {
        &self.coordinator
    }
}

/// The name under which the roster has this branch, as its certificate says.
///
/// # Errors
/// If the certificate cannot be read, or is no client's.
pub(crate) fn own_name(folder: &Path) -> Result<MemberName, ClientError> {
    let path = folder.join(names::CHAIN);
    let chain = read_certificates(&path).map_err(ClientError::file)?;
    let own = chain.first().and_then(|leaf| identity_of(leaf).ok()).and_then(|own| own.member_name());
    own.ok_or_else(|| ClientError::file(FileError::content(&path, "client's certificate")))
}

/// The key by which this branch signs.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn own_signing_key(folder: &Path) -> Result<SigningKey, ClientError> {
    read_signing_key(&folder.join(names::SIGNING_KEY)).map_err(ClientError::file)
}

/// The files of the folder's TLS identity.
pub(crate) fn tls_files(settings: &IdentitySettings) -> TlsFiles {
    let path = |name: &str| settings.folder.join(name);
    TlsFiles {
        chain: path(names::CHAIN),
        key: settings.token.clone().unwrap_or_else(|| KeyPlace::File(path(names::KEY))),
        trust: path(names::TRUST),
        revocations: path(names::REVOCATIONS),
        denied: None,
        key_exchange: settings.key_exchange,
    }
}

fn load(
    settings: &IdentitySettings,
    coordinator: &Identity,
    before: Option<&RevocationLists>,
    now: u64,
) -> Result<Current, ClientError> {
    let mut material = open(settings, before, now)?;
    // A branch dials one coordinator: what other organisations' lists lack is nothing to it.
    material.lists.adopt().map_err(|fault| ClientError::File(fault.to_string()))?;
    let (own, leaf) = (material.credentials.identity().clone(), material.credentials.leaf().clone());
    let validity = validity_of(material.credentials.leaf()).map_err(ClientError::file)?;
    let binding = match settings.token {
        // A key in a token is the roster's: it is renewed by hand.
        Some(_) => None,
        None => current_binding(&settings.folder).map_err(ClientError::file)?,
    };
    let lists = material.lists.revocations.clone();
    let tls = tls_config(material, settings, coordinator, client_config)?;
    let binding = binding.map(|signed| signed.encode().to_vec()).unwrap_or_default();
    Ok(Current { tls, binding, validity, own, leaf, lists })
}

fn open(settings: &IdentitySettings, before: Option<&RevocationLists>, now: u64) -> Result<TlsMaterial, ClientError> {
    tls_files(settings).open(before, now).map_err(|faults| {
        ClientError::File(faults.into_iter().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>().join("; "))
    })
}

fn tls_config(
    material: TlsMaterial,
    settings: &IdentitySettings,
    coordinator: &Identity,
    make: impl FnOnce(ClientTls<'_>) -> Result<rustls::ClientConfig, TlsError>,
) -> Result<Arc<rustls::ClientConfig>, ClientError> {
    let tls = make(ClientTls {
        credentials: material.credentials,
        roots: &material.roots,
        coordinator: Some(coordinator.clone()),
        revocations: &material.lists.revocations,
        clock: system_clock(),
        key_exchange: settings.key_exchange,
    });
    tls.map(Arc::new).map_err(ClientError::file)
}

/// The client's number in the roster, as enrolment or a roster said it.
pub(crate) fn read_number(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join(NUMBER)).ok()?.trim().parse().ok()
}

/// Remembers the client's number, for renewals.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write_number(folder: &Path, number: u32) -> Result<(), ClientError> {
    let text = format!("{number}\n");
    let path = folder.join(NUMBER);
    tributary_storage::files::write_public(&path, text.as_bytes(), tributary_storage::files::Existing::Replace)
        .map_err(ClientError::file)
}

/// Remembers the number that a roster gives to the client with this key: renewals need it. What a roster says that its authorities have not signed
/// is nothing.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn note_number(
    folder: &Path,
    own: &VerifyingKey,
    (authorities, needed): &(Vec<VerifyingKey>, usize),
    roster: &SignedRoster,
) -> Result<(), ClientError> {
    let Some(entry) = roster.roster.entries().iter().find(|entry| entry.signing_key == *own) else { return Ok(()) };
    let number = entry.client.0;
    if read_number(folder) == Some(number) || roster.verify::<RealSuite>(authorities, *needed).is_err() {
        return Ok(());
    }
    write_number(folder, number)
}

/// The file of the client's number in the roster.
const NUMBER: &str = "number";

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::ClientId;
    use tributary_protocol::roster::{AuthoritySignature, MemberName, Roster, RosterEntry};
    use tributary_protocol::round::cast;
    use tributary_protocol::secagg::suite::Suite as _;
    use tributary_storage::faults::each_sync_fails_once;

    use super::*;

    /// Whoever has the coordinator's place, and nobody's signature, would otherwise keep this client from renewing its certificate.
    #[test]
    fn a_client_s_number_is_believed_from_a_signed_roster_alone() {
        let folder = tempfile::tempdir().unwrap();
        write_number(folder.path(), 77).unwrap();
        let [authority, own] = [4, 2].map(|seed| SigningKey::from_seed(&[seed; 32]));
        let entry = RosterEntry {
            name: MemberName::parse("bank/branch-3").unwrap(),
            signing_key: own.verifying_key(),
            ..cast::entry(ClientId(3))
        };
        let roster = Roster::new(1, Digest::ZERO, vec![entry], Vec::new(), Vec::new()).unwrap();
        let authorities = (vec![authority.verifying_key()], 1);
        let noted = |signatures| {
            let shown = SignedRoster { roster: roster.clone(), signatures };
            note_number(folder.path(), &own.verifying_key(), &authorities, &shown).unwrap();
            read_number(folder.path())
        };
        let signed = |key: &SigningKey| {
            vec![AuthoritySignature { authority: 0, signature: RealSuite::sign(key, &roster.signing_input()) }]
        };
        assert_eq!((noted(Vec::new()), noted(signed(&own))), (Some(77), Some(77)));
        assert_eq!(noted(signed(&authority)), Some(3));
    }

    #[test]
    fn a_number_of_which_a_write_failed_is_noted_again() {
        let failed = each_sync_fails_once(|| tempfile::tempdir().unwrap(), |folder| write_number(folder.path(), 3));
        assert_eq!(failed, 2);
    }
}
