//! The files by which a branch proves who it is and knows its coordinator, and the keys made of them while the daemon runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tributary_certs::enrolment::{CoordinatorPin, names, read_coordinator};
use tributary_certs::identity::Identity;
use tributary_certs::inspect::validity_of;
use tributary_certs::issue::Validity;
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::KeyExchange;
use tributary_certs::renewal::{current_binding, finish};
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::skew::diagnosis_config;
use tributary_certs::suite::SigningKey;
use tributary_certs::tls::{ClientTls, TlsError, client_config, system_clock};
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
}

impl BranchIdentity {
    /// Opens every file of the folder. A renewal that a crash interrupted is completed first.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(crate) fn open(settings: IdentitySettings) -> Result<Self, ClientError> {
        let path = |name: &str| settings.folder.join(name);
        finish(&settings.folder).map_err(ClientError::file)?;
        let coordinator = read_coordinator(&path(names::COORDINATOR)).map_err(ClientError::file)?;
        let authorities = RosterAuthorities::read(&path(names::AUTHORITIES)).map_err(ClientError::file)?;
        let signing_key = read_signing_key(&path(names::SIGNING_KEY)).map_err(ClientError::file)?;
        let current = load(&settings, &coordinator.identity)?;
        let current = Arc::new(Mutex::new(current));
        let keys = Keys { settings, coordinator: coordinator.identity.clone(), current };
        Ok(Self { coordinator, authorities, signing_key, keys })
    }
}

impl Keys {
    /// For the next handshake: the configuration, and what binds the key to the roster.
    pub(crate) fn current(&self) -> (Arc<rustls::ClientConfig>, Vec<u8>) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&current.tls), current.binding.clone())
    }

    /// When the certificate in force is valid.
    pub(crate) fn validity(&self) -> Validity {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).validity
    }

    /// Reads the files again; on a fault what was read before stays.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn reload(&self) -> Result<(), ClientError> {
        let current = load(&self.settings, &self.coordinator)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(())
    }

    /// For a preflight: the same, and what finds out whether a clock is wrong.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(crate) fn trial(&self) -> Result<TrialKeys, ClientError> {
        let diagnosis = tls_config(open(&self.settings)?, &self.settings, &self.coordinator, diagnosis_config)?;
        let (tls, binding) = self.current();
        Ok(TrialKeys { tls, binding, diagnosis, validity: self.validity() })
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

/// The files of the folder's TLS identity.
pub(crate) fn tls_files(settings: &IdentitySettings) -> TlsFiles {
    let path = |name: &str| settings.folder.join(name);
    let revocations = path(names::REVOCATIONS);
    TlsFiles {
        chain: path(names::CHAIN),
        key: settings.token.clone().unwrap_or_else(|| KeyPlace::File(path(names::KEY))),
        trust: path(names::TRUST),
        revocations: revocations.is_file().then_some(revocations),
        key_exchange: settings.key_exchange,
    }
}

fn load(settings: &IdentitySettings, coordinator: &Identity) -> Result<Current, ClientError> {
    let material = open(settings)?;
    let validity = validity_of(material.credentials.leaf()).map_err(ClientError::file)?;
    let binding = match settings.token {
        // A key in a token is the roster's: it is renewed by hand.
        Some(_) => None,
        None => current_binding(&settings.folder).map_err(ClientError::file)?,
    };
    let tls = tls_config(material, settings, coordinator, client_config)?;
    Ok(Current { tls, binding: binding.map(|signed| signed.encode().to_vec()).unwrap_or_default(), validity })
}

fn open(settings: &IdentitySettings) -> Result<TlsMaterial, ClientError> {
    tls_files(settings)
        .open()
        .map_err(|faults| ClientError::File(faults.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>().join("; ")))
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
        revocations: material.revocations.to_tls(),
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
    tributary_certs::files::write_public(&path, text.as_bytes(), tributary_certs::files::Existing::Replace)
        .map_err(ClientError::file)
}

/// The file of the client's number in the roster.
const NUMBER: &str = "number";
