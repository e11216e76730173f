//! The connection of an enrolment: the branch has no certificate yet, and knows of the authority the root's fingerprint alone.
//!
//! The coordinator presents its chain and the root; the branch finds the root by its fingerprint, and from then on everything is checked as in
//! any other connection: chain, validity, host, and the very coordinator of the bundle. The branch proves itself by its token, inside.
//!
//! Its application protocol is another than the daemons', so that neither door takes the other's connections. Who may connect is not limited
//! here: give this door few connections at a time, short deadlines and [`super::REQUEST_BYTES_MAX`].

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme};
use tributary_protocol::digest::Digest;

use super::Bundle;
use crate::fault::FaultKind;
use crate::identity::Role;
use crate::provider::{KeyExchange, provider_with};
use crate::tls::{TlsError, TrustRoots};
use crate::verify::{CHAIN_MAX, Chains, CoordinatorIdentityVerifier, PeerRule, Refusal, refused};

/// The application protocol (ALPN) of an enrolment.
pub const ENROLMENT_PROTOCOL: &[u8] = b"tributary-enrol/1";

/// The enrolment door of a coordinator whose own door has this configuration: the same certificate, key, clock and key exchange, with the
/// general roots behind the chain, and without a client's certificate.
///
/// # Errors
/// [`TlsError::Library`].
pub fn enrolment_server_config(door: &ServerConfig, roots: &TrustRoots) -> Result<ServerConfig, TlsError> {
    let resolver = WithRoots { inner: Arc::clone(&door.cert_resolver), roots: roots.general().certificates.clone() };
    let builder =
        ServerConfig::builder_with_details(Arc::clone(door.crypto_provider()), Arc::clone(&door.time_provider));
    let mut config = builder
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![ENROLMENT_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(config)
}

/// The branch's side, for the coordinator of its bundle.
///
/// # Errors
/// [`TlsError::Library`].
pub fn enrolment_client_config(
    bundle: &Bundle,
    clock: Arc<dyn TimeProvider>,
    key_exchange: KeyExchange,
) -> Result<ClientConfig, TlsError> {
    let verifier = PinnedRoot {
        root_sha256: bundle.root_sha256,
        rule: PeerRule {
            trust_domain: bundle.identity.trust_domain().clone(),
            role: Role::Coordinator,
            exactly: Some(bundle.coordinator.identity.clone()),
        },
        key_exchange,
    };
    let mut config = ClientConfig::builder_with_details(provider_with(key_exchange), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ENROLMENT_PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Puts the roots behind the chain, as far as a client takes certificates.
#[derive(Debug)]
struct WithRoots {
    inner: Arc<dyn ResolvesServerCert>,
    roots: Vec<CertificateDer<'static>>,
}

impl ResolvesServerCert for WithRoots {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let own = self.inner.resolve(hello)?;
        let chain = own.cert.iter().chain(&self.roots).take(CHAIN_MAX).cloned().collect();
        Some(Arc::new(CertifiedKey::new(chain, Arc::clone(&own.key))))
    }
}

/// Believes the one root whose digest it knows.
#[derive(Debug)]
struct PinnedRoot {
    root_sha256: Digest,
    rule: PeerRule,
    key_exchange: KeyExchange,
}

impl PinnedRoot {
    fn library(&self, root: &CertificateDer<'_>) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let mut store = RootCertStore::empty();
        store.add(root.clone().into_owned())?;
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider_with(self.key_exchange));
        builder.build().map_err(|error| Error::General(error.to_string()))
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
        let pinned =
            intermediates.iter().take(CHAIN_MAX).find(|certificate| Digest::of(certificate) == self.root_sha256);
        let Some(root) = pinned else {
            let detail = "the coordinator did not present the root that the bundle names".to_owned();
            return Err(refused(Refusal { kind: FaultKind::ForeignAuthority, detail }));
        };
        let chains =
            Chains { general: self.library(root)? as Arc<dyn ServerCertVerifier>, restricted: Default::default() };
        let verifier = CoordinatorIdentityVerifier { chains, rule: self.rule.clone() };
        verifier.verify_server_cert(leaf, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(refused(Refusal { kind: FaultKind::TlsVersion, detail: "TLS 1.2".to_owned() }))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crate::provider::verify_handshake(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider_with(self.key_exchange).signature_verification_algorithms.supported_schemes()
    }
}
