//! TLS configurations of the two daemons: TLS 1.3, mutual authentication, no resumption, no early data (docs/CERTIFICATES.md, "The connection").
//!
//! Resumption would skip the verifier, so that a revoked client could return with a saved ticket. Both sides therefore refuse it.
//! The configurations fit QUIC as they are: early data is off and the suite that protects QUIC's first packets is in the provider.

pub(crate) mod error;
pub(crate) mod files;

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ServerConfig};
use tributary_protocol::digest::Digest;

pub use self::error::TlsError;
pub use self::files::{read_certificates, read_revocations};

pub use crate::clock::system_clock;
use crate::ended::EndedCertificates;
use crate::identity::{Identity, IdentityError, Role, TrustDomain, identity_of};
use crate::issue::Chain;
use crate::keys::{PrivateKey, TlsKey};
use crate::provider::{CryptoProvider, KeyExchange, provider_with};
use crate::renewal::chain_for;
use crate::revocation::RevocationLists;
use crate::trust::RootSet;
pub use crate::trust::TrustRoots;
use crate::verify::{Chains, ClientIdentityVerifier, CoordinatorIdentityVerifier, PeerRule};
use tributary_storage::files::FileError;

/// The application protocol (ALPN, RFC 7301) that both sides must name.
pub const APPLICATION_PROTOCOL: &[u8] = b"tributary/1";

/// This side's certificate chain and its private key, wherever that is kept. Neither `Debug` nor `Clone`.
pub struct Credentials {
    certified: CertifiedKey,
    identity: Identity,
}

impl Credentials {
    /// Joins a chain and its key, in a file or in a token.
    ///
    /// # Errors
    /// [`TlsError::OwnIdentity`] if the leaf has no identity of ours, [`TlsError::Library`] if the leaf is another key's.
    pub fn new(chain: Chain, key: &dyn PrivateKey) -> Result<Self, TlsError> {
        let identity = identity_of(chain.leaf())?;
        let certified = CertifiedKey::new(chain.into_certificates(), key.for_tls()?);
        // A key that does not tell its public half is refused as well.
        certified.keys_match()?;
        Ok(Self { certified, identity })
    }

    /// Reads a chain file (PEM, leaf first) and a key file (PEM, mode 0600). After a crash in the middle of a renewal the chain that fits the
    /// key is taken ([`crate::renewal`]).
    ///
    /// # Errors
    /// [`TlsError::File`], and as [`Credentials::new`].
    pub fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let key = TlsKey::read(key)?;
        let certificates = chain_for(chain, &key.spki_sha256())?;
        let chain = Chain::new(certificates).ok_or_else(|| FileError::content(chain, "certificate chain (PEM)"))?;
        Self::new(chain, &key)
    }

    /// Who this side is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The leaf certificate (DER).
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        self.certified.cert.first().expect("a chain has a leaf")
    }

    /// SHA-256 of the leaf's public key information, as the roster holds it.
    ///
    /// # Errors
    /// [`IdentityError::NotACertificate`].
    pub fn spki_sha256(&self) -> Result<Digest, IdentityError> {
        crate::identity::spki_sha256_of(self.leaf())
    }

    fn of_role(self, needed: Role) -> Result<Arc<SingleCertAndKey>, TlsError> {
        if self.identity.role() != needed {
            return Err(TlsError::OwnRole { identity: self.identity, needed });
        }
        Ok(Arc::new(SingleCertAndKey::from(self.certified)))
    }
}

/// What the coordinator's configuration is made of.
pub struct CoordinatorTls<'a> {
    /// Its certificate and key.
    pub credentials: Credentials,
    /// The authorities whose clients are served.
    pub roots: &'a TrustRoots,
    /// The revocation lists. Whoever is not covered by a current one at every tier is refused.
    pub revocations: &'a RevocationLists,
    /// The clock that validities are compared with.
    pub clock: Arc<dyn TimeProvider>,
    /// Which key exchanges are accepted; [`KeyExchange::DEFAULT`] unless a gateway in between forces less.
    pub key_exchange: KeyExchange,
    /// Where it is noted whose certificate was shown after its end.
    pub ended: EndedCertificates,
}

/// What a client's configuration is made of.
pub struct ClientTls<'a> {
    /// Its certificate and key.
    pub credentials: Credentials,
    /// The authorities whose coordinator is believed.
    pub roots: &'a TrustRoots,
    /// The very coordinator, from the enrolment bundle; `None` accepts any coordinator of the client's trust domain.
    pub coordinator: Option<Identity>,
    /// The revocation lists. A coordinator that is not covered by a current one at every tier is refused.
    pub revocations: &'a RevocationLists,
    /// The clock that validities are compared with.
    pub clock: Arc<dyn TimeProvider>,
    /// Which key exchanges are accepted; [`KeyExchange::DEFAULT`] unless a gateway in between forces less.
    pub key_exchange: KeyExchange,
}

/// What the coordinator's configurations share: how clients are judged, and what they are shown.
pub(crate) struct ServerParts {
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
    pub(crate) resolver: Arc<dyn ResolvesServerCert>,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) clock: Arc<dyn TimeProvider>,
}

impl ServerParts {
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn of(tls: CoordinatorTls<'_>) -> Result<Self, TlsError> {
        let rule = rule(&tls.credentials, Role::Client, None);
        let resolver = tls.credentials.of_role(Role::Coordinator)?;
        let provider = provider_with(tls.key_exchange);
        let chain_of = |roots: &RootSet, organisation: Option<&str>| {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots.store), Arc::clone(&provider))
                .with_crls(tls.revocations.for_roots_of(organisation))
                .enforce_revocation_expiration();
            verifier.build().map_err(TlsError::RevocationList)
        };
        let hints = tls.roots.all_subjects();
        let verifier = Arc::new(ClientIdentityVerifier {
            chains: chains(tls.roots, Some(tls.revocations), chain_of)?,
            hints,
            rule,
            ended: tls.ended,
        });
        Ok(Self { verifier, resolver, provider, clock: tls.clock })
    }

    /// A configuration of these parts.
    ///
    /// # Errors
    /// [`TlsError::Library`].
    pub(crate) fn config(&self, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
        let config = ServerConfig::builder_with_details(Arc::clone(&self.provider), Arc::clone(&self.clock))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::clone(&self.verifier))
            .with_cert_resolver(Arc::clone(&self.resolver));
        Ok(serving(config, protocols))
    }
}

/// The coordinator's configuration: client certificates are mandatory, no ticket is issued, no session is kept, no early data is taken.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(tls: CoordinatorTls<'_>) -> Result<ServerConfig, TlsError> {
    ServerParts::of(tls)?.config(&[APPLICATION_PROTOCOL])
}

/// A client's configuration: the roots are pinned, nothing is resumed.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(tls: ClientTls<'_>) -> Result<ClientConfig, TlsError> {
    client_config_with(tls, |verifier| Arc::new(verifier))
}

/// A client's configuration whose verifier is put into another.
///
/// # Errors
/// [`TlsError`].
pub(crate) fn client_config_with(
    tls: ClientTls<'_>,
    put: impl FnOnce(CoordinatorIdentityVerifier) -> Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, TlsError> {
    let rule = rule(&tls.credentials, Role::Coordinator, tls.coordinator);
    let certified = tls.credentials.of_role(Role::Client)?;
    let provider = provider_with(tls.key_exchange);
    let verifier = coordinator_verifier(tls.roots, Some(tls.revocations), rule, &provider)?;
    let config = ClientConfig::builder_with_details(Arc::clone(&provider), tls.clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(put(verifier))
        .with_client_cert_resolver(certified);
    Ok(connecting(config, APPLICATION_PROTOCOL))
}

/// These protocols, no ticket, no kept session, no early data: a resumed session would not ask whether its certificate was revoked.
pub(crate) fn serving(mut config: ServerConfig, protocols: &[&[u8]]) -> ServerConfig {
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    config
}

/// The client's side of [`serving`].
pub(crate) fn connecting(mut config: ClientConfig, protocol: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![protocol.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config
}

/// What checks a coordinator's chain and identity; without lists nothing is asked about revocation, for questions whose answers prove themselves.
pub(crate) fn coordinator_verifier(
    roots: &TrustRoots,
    revocations: Option<&RevocationLists>,
    rule: PeerRule,
    provider: &Arc<CryptoProvider>,
) -> Result<CoordinatorIdentityVerifier, TlsError> {
    let chain_of = |roots: &RootSet, organisation: Option<&str>| {
        let mut verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots.store), Arc::clone(provider));
        if let Some(lists) = revocations {
            verifier = verifier.with_crls(lists.for_roots_of(organisation)).enforce_revocation_expiration();
        }
        let verifier: Arc<dyn ServerCertVerifier> = verifier.build().map_err(TlsError::RevocationList)?;
        Ok(verifier)
    };
    Ok(CoordinatorIdentityVerifier { chains: chains(roots, revocations, chain_of)?, rule })
}

/// Parses the name or address that a client dials, for the handshake's host check.
///
/// # Errors
/// [`TlsError::Host`] if it is neither a DNS name nor an address.
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Host { host: host.to_owned() })
}

/// A verifier for every set of roots.
fn chains<V: ?Sized>(
    roots: &TrustRoots,
    lists: Option<&RevocationLists>,
    chain_of: impl Fn(&RootSet, Option<&str>) -> Result<Arc<V>, TlsError>,
) -> Result<Chains<V>, TlsError> {
    let restricted = roots.restricted().iter().map(|(name, set)| Ok((name.clone(), chain_of(set, Some(name))?)));
    Ok(Chains {
        general: chain_of(roots.general(), None)?,
        restricted: restricted.collect::<Result<_, TlsError>>()?,
        lists: lists.cloned(),
    })
}

/// Peers belong to this side's own federation.
fn rule(own: &Credentials, role: Role, exactly: Option<Identity>) -> PeerRule {
    let trust_domain: TrustDomain = own.identity.trust_domain().clone();
    PeerRule { trust_domain, role, exactly }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_side_resumes_a_session_or_sends_early() {
        let provider = provider_with(KeyExchange::DEFAULT);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let mut config = config
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        (config.send_tls13_tickets, config.max_tls13_tickets, config.max_early_data_size) = (2, 2, 9);
        config.send_half_rtt_data = true;
        let config = serving(config, &[b"one", b"two"]);
        let numbers = (config.send_tls13_tickets, config.max_tls13_tickets, config.max_early_data_size);
        assert_eq!((numbers, config.send_half_rtt_data), ((0, 0, 0), false));
        assert!(!config.session_storage.can_cache());
        assert_eq!(config.alpn_protocols, [b"one", b"two"]);
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        config.enable_early_data = true;
        let config = connecting(config, b"one");
        assert!(!config.enable_early_data && config.alpn_protocols == [b"one"]);
    }
}
