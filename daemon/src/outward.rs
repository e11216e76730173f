//! What speaks to services that are no part of a federation: TLS by roots that the operator states, within a limit of time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tributary_certs::provider::provider_of_others;

/// A certificate chain and its key, by which this side proves itself.
pub type OwnCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// TLS to whoever has a certificate of these roots.
///
/// # Errors
/// If the own certificate and its key do not belong together, or are of a kind that is not spoken.
pub fn client_config(
    roots: &[CertificateDer<'static>],
    own: Option<OwnCertificate>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut store = RootCertStore::empty();
    // Systems keep roots that no library reads any more.
    store.add_parsable_certificates(roots.iter().cloned());
    let config = ClientConfig::builder_with_provider(provider_of_others()).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(store);
    Ok(Arc::new(match own {
        Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    }))
}

/// Does something that waits, on this thread.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] after the limit, or what the system says that gives no timers.
pub fn within<T>(limit: Duration, work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    // A name that is still being looked up does not hold it.
    runtime.shutdown_background();
    result.map_err(|_| io::ErrorKind::TimedOut.into())
}
