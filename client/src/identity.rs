//! The files by which a branch proves who it is and knows its coordinator.

use std::path::Path;
use std::sync::Arc;

use tributary_certs::enrolment::{CoordinatorPin, names, read_coordinator};
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::KeyExchange;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::SigningKey;
use tributary_certs::tls::{ClientTls, Credentials, TrustRoots, client_config, system_clock};

use crate::error::ClientError;

/// What enrolment wrote, opened.
pub(crate) struct BranchIdentity {
    pub(crate) coordinator: CoordinatorPin,
    pub(crate) authorities: RosterAuthorities,
    pub(crate) signing_key: SigningKey,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

impl BranchIdentity {
    /// Opens every file of the folder.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub(crate) fn open(folder: &Path) -> Result<Self, ClientError> {
        let path = |name: &str| folder.join(name);
        let coordinator = read_coordinator(&path(names::COORDINATOR)).map_err(ClientError::file)?;
        let authorities = RosterAuthorities::read(&path(names::AUTHORITIES)).map_err(ClientError::file)?;
        let signing_key = read_signing_key(&path(names::SIGNING_KEY)).map_err(ClientError::file)?;
        let tls = tls(folder, &coordinator)?;
        Ok(Self { coordinator, authorities, signing_key, tls })
    }
}

/// The TLS configuration with the keys and the trust that lie in the folder now.
fn tls(folder: &Path, coordinator: &CoordinatorPin) -> Result<Arc<rustls::ClientConfig>, ClientError> {
    let path = |name: &str| folder.join(name);
    let roots = TrustRoots::read(&path(names::TRUST)).map_err(ClientError::file)?;
    let credentials = Credentials::read(&path(names::CHAIN), &path(names::KEY)).map_err(ClientError::file)?;
    let config = client_config(ClientTls {
        credentials,
        roots: &roots,
        coordinator: Some(coordinator.identity.clone()),
        revocations: Vec::new(),
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
    });
    config.map(Arc::new).map_err(ClientError::file)
}
