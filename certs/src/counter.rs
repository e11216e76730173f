//! TLS at the office's counter: the office proves who it is, and whoever asks proves itself inside the request.
//!
//! A newcomer has no certificate, and a client whose certificate has run out has none that counts. Both speak another application protocol
//! than enrolled peers, so that nobody reaches a round through here. A newcomer knows nothing of the federation but its bundle: it believes the
//! one root whose fingerprint stands there, which the office sends along, and the one coordinator.

use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DistinguishedName, Error, ServerConfig};
use tributary_protocol::digest::Digest;

use crate::fault::FaultKind;
use crate::identity::{Identity, Role};
use crate::provider::{KeyExchange, provider_with};
use crate::revocation::RevocationLists;
use crate::tls::{
    APPLICATION_PROTOCOL, CoordinatorTls, ServerParts, TlsError, TrustRoots, connecting, coordinator_verifier, serving,
};
use crate::verify::{CHAIN_MAX, PeerRule, Refusal, refused};

/// The application protocol (ALPN, RFC 7301) of the counter.
pub const OFFICE_PROTOCOL: &[u8] = b"tributary-enrol/1";

/// What a client trusts at the counter.
pub enum CounterTrust {
    /// The root with this SHA-256 (DER), from an enrolment bundle.
    Fingerprint(Digest),
    /// The roots of its own folder, and its revocation lists. Without lists anybody with a certificate of the coordinator answers: for questions
    /// whose answers prove themselves.
    Roots(TrustRoots, Option<RevocationLists>),
}

/// The counter of a coordinator whose door for enrolled peers has this configuration: the same certificate, key, clock and key exchange, with
/// the general roots behind the chain. Nobody is asked for a certificate, nothing is resumed.
///
/// # Errors
/// [`TlsError::Library`].
pub fn office_config(door: &ServerConfig, roots: &TrustRoots) -> Result<ServerConfig, TlsError> {
    let resolver = WithRoots { inner: Arc::clone(&door.cert_resolver), roots: roots.general().certificates.clone() };
    let provider = Arc::clone(door.crypto_provider());
    let config = ServerConfig::builder_with_details(provider, Arc::clone(&door.time_provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(serving(config, &[OFFICE_PROTOCOL]))
}

/// The configurations of a coordinator that keeps the office.
pub struct DoorConfigs {
    /// For enrolled peers: client certificates are mandatory.
    pub peers: ServerConfig,
    /// For whoever asks the office.
    pub office: ServerConfig,
    /// For both, where one configuration must serve them (QUIC chooses it before it has read what a peer speaks). A peer that speaks
    /// [`APPLICATION_PROTOCOL`] may come through the handshake without a certificate: the transport refuses it then. A certificate that is
    /// shown is judged as it always is.
    pub both: ServerConfig,
}

/// The door for enrolled peers, with the office beside it.
///
/// # Errors
/// [`TlsError`].
pub fn door_configs(tls: CoordinatorTls<'_>) -> Result<DoorConfigs, TlsError> {
    let roots = tls.roots;
    let mut parts = ServerParts::of(tls)?;
    let peers = parts.config(&[APPLICATION_PROTOCOL])?;
    let office = office_config(&peers, roots)?;
    parts.verifier = Arc::new(IfShown(parts.verifier));
    parts.resolver = Arc::clone(&office.cert_resolver);
    let both = parts.config(&[APPLICATION_PROTOCOL, OFFICE_PROTOCOL])?;
    Ok(DoorConfigs { peers, office, both })
}

/// Judges a client's certificate where one is shown.
#[derive(Debug)]
struct IfShown(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for IfShown {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.verify_client_cert(leaf, intermediates, now)
    }

    crate::provider::handshake_signatures!();
}

/// Puts the roots after the chain for whoever asks the office, as far as a client takes certificates: a newcomer knows nothing but a fingerprint.
#[derive(Debug)]
struct WithRoots {
    inner: Arc<dyn ResolvesServerCert>,
    roots: Vec<CertificateDer<'static>>,
}

impl ResolvesServerCert for WithRoots {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks = hello.alpn().is_some_and(|mut asked| asked.any(|protocol| protocol == OFFICE_PROTOCOL));
        let own = self.inner.resolve(hello)?;
        if !asks {
            return Some(own);
        }
        let chain = own.cert.iter().chain(&self.roots).take(CHAIN_MAX).cloned().collect();
        Some(Arc::new(CertifiedKey::new(chain, Arc::clone(&own.key))))
    }
}

/// The configuration of somebody who asks the office, which must be this coordinator.
///
/// # Errors
/// [`TlsError`].
pub fn counter_config(
    trust: CounterTrust,
    coordinator: Identity,
    clock: Arc<dyn TimeProvider>,
    key_exchange: KeyExchange,
) -> Result<ClientConfig, TlsError> {
    let provider = provider_with(key_exchange);
    let rule = PeerRule {
        trust_domain: coordinator.trust_domain().clone(),
        role: Role::Coordinator,
        exactly: Some(coordinator),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        CounterTrust::Roots(roots, lists) => Arc::new(coordinator_verifier(&roots, lists.as_ref(), rule, &provider)?),
        CounterTrust::Fingerprint(root_sha256) => Arc::new(PinnedRoot { root_sha256, rule, key_exchange }),
    };
    let config = ClientConfig::builder_with_details(provider, clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(connecting(config, OFFICE_PROTOCOL))
}

/// Believes the root of one fingerprint, wherever it stands in the chain that the office sends.
#[derive(Debug)]
struct PinnedRoot {
    root_sha256: Digest,
    rule: PeerRule,
    key_exchange: KeyExchange,
}

impl PinnedRoot {
    /// The library's verifier under some root; its signatures do not depend on which.
    fn under(&self, root: &CertificateDer<'_>) -> Result<impl ServerCertVerifier, Error> {
        let roots = TrustRoots::new([root.clone().into_owned()]);
        let provider = provider_with(self.key_exchange);
        let verifier = roots.and_then(|roots| coordinator_verifier(&roots, None, self.rule.clone(), &provider));
        verifier.map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for PinnedRoot {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = |certificate: &&CertificateDer<'_>| Digest::of(certificate) == self.root_sha256;
        let Some(root) = intermediates.iter().take(CHAIN_MAX).find(pinned) else {
            let detail = format!("no certificate of the bundle's fingerprint {} was sent", self.root_sha256.short());
            return Err(refused(Refusal { kind: FaultKind::ForeignAuthority, detail: detail.into() }));
        };
        let above: Vec<CertificateDer<'_>> =
            intermediates.iter().filter(|certificate| !pinned(certificate)).cloned().collect();
        self.under(root)?.verify_server_cert(leaf, &above, server_name, ocsp_response, now)
    }

    crate::provider::handshake_signatures!();
}
