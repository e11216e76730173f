//! Finds out whether a clock is wrong, where a handshake fails because a certificate or a list is not valid now.
//!
//! The coordinator tells its clock on every connection, but a client whose clock is far off gets none: for it the coordinator's certificate has
//! ended, or has not begun. A configuration of this file judges that certificate at its own first second. Everything else is judged as
//! usual: issuer, identity, host, revocation. What such a connection tells is for a diagnosis. No daemon may use it.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, Error};

use crate::fault::FaultKind;
use crate::inspect::validity_of;
use crate::tls::{ClientTls, TlsError, client_config_with};
use crate::verify::{CoordinatorIdentityVerifier, bad_identity, refused};

/// The kinds of fault that a wrong clock causes.
pub const CLOCK_FAULTS: [FaultKind; 3] = [FaultKind::Expired, FaultKind::NotYetValid, FaultKind::RevocationListExpired];

/// A client's configuration for a diagnosis, which believes a coordinator whatever the time is.
///
/// # Errors
/// [`TlsError`].
pub fn diagnosis_config(tls: ClientTls<'_>) -> Result<ClientConfig, TlsError> {
    client_config_with(tls, |inner| Arc::new(AtItsFirstSecond(inner)))
}

#[derive(Debug)]
struct AtItsFirstSecond(CoordinatorIdentityVerifier);

impl ServerCertVerifier for AtItsFirstSecond {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let validity = validity_of(leaf).map_err(|error| refused(bad_identity(&error)))?;
        let first = UnixTime::since_unix_epoch(Duration::from_secs(validity.not_before));
        self.0.verify_server_cert(leaf, intermediates, server_name, ocsp_response, first)
    }

    crate::provider::handshake_signatures!();
}
