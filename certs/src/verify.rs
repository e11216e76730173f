//! What a handshake checks beyond the chain: one identity, of the right role and federation, used for its purpose.
//!
//! rustls verifies chain, validity, revocation and host name. Three rules of ours follow, in the handshake, so that no caller can forget
//! them: exactly one URI of our form, the expected role in the expected trust domain, and an extended key usage that is present (the
//! library accepts its absence) and names that purpose.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use x509_parser::prelude::X509Certificate;

use crate::fault::FaultKind;
use crate::identity::{Identity, IdentityError, Role, TrustDomain, identity_in, parse_certificate};

/// Whom a peer must prove to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRule {
    /// The federation both belong to.
    pub trust_domain: TrustDomain,
    /// The peer's role.
    pub role: Role,
    /// The very peer, if it is known: a client knows its coordinator.
    pub exactly: Option<Identity>,
}

/// A rule of ours that a certificate broke, inside a [`rustls::Error`]. Its text carries the fault's code, so that it survives transports
/// which pass text alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[{}] {detail}", kind.code())]
pub(crate) struct Refusal {
    pub(crate) kind: FaultKind,
    pub(crate) detail: String,
}

impl PeerRule {
    /// Checks a certificate whose chain was verified, and returns the peer's identity.
    ///
    /// # Errors
    /// The fault, with what the certificate says.
    pub(crate) fn check(&self, certificate: &[u8]) -> Result<Identity, Refusal> {
        let certificate = parse_certificate(certificate).map_err(bad_identity)?;
        let identity = identity_in(&certificate).map_err(bad_identity)?;
        let refuse = |kind, detail| Err(Refusal { kind, detail });
        if identity.trust_domain() != &self.trust_domain {
            return refuse(FaultKind::ForeignDomain, format!("{identity} is not of {}", self.trust_domain));
        }
        if identity.role() != self.role || !serves(&certificate, self.role) {
            return refuse(FaultKind::WrongRole, format!("{identity} may not act as a {}", self.role));
        }
        match &self.exactly {
            Some(expected) if expected != &identity => {
                refuse(FaultKind::WrongPeer, format!("{identity} answered instead of {expected}"))
            }
            _ => Ok(identity),
        }
    }
}

/// Whether the extended key usage is there and names the role's purpose.
pub(crate) fn serves(certificate: &X509Certificate<'_>, role: Role) -> bool {
    let usage = certificate.extended_key_usage().ok().flatten();
    usage.is_some_and(|usage| match role {
        Role::Client => usage.value.client_auth,
        Role::Coordinator => usage.value.server_auth,
    })
}

fn bad_identity(error: IdentityError) -> Refusal {
    Refusal { kind: FaultKind::BadIdentity, detail: error.to_string() }
}

/// Tells a certificate that signed itself from one of an authority we do not know: the library gives one error for both.
fn explain_issuer(error: Error, certificate: &[u8]) -> Error {
    let self_signed = parse_certificate(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject());
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) if self_signed => refused(Refusal {
            kind: FaultKind::SelfSigned,
            detail: "the certificate was signed by its own key".to_owned(),
        }),
        other => other,
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
}

/// Checks clients at the coordinator.
#[derive(Debug)]
pub(crate) struct ClientIdentityVerifier {
    pub(crate) chain: Arc<dyn ClientCertVerifier>,
    pub(crate) rule: PeerRule,
}

impl ClientCertVerifier for ClientIdentityVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified =
            self.chain.verify_client_cert(leaf, intermediates, now).map_err(|error| explain_issuer(error, leaf))?;
        self.rule.check(leaf).map(|_| verified).map_err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Checks the coordinator at a client.
#[derive(Debug)]
pub(crate) struct CoordinatorIdentityVerifier {
    pub(crate) chain: Arc<dyn ServerCertVerifier>,
    pub(crate) rule: PeerRule,
}

impl ServerCertVerifier for CoordinatorIdentityVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .chain
            .verify_server_cert(leaf, intermediates, server_name, ocsp_response, now)
            .map_err(|error| explain_issuer(error, leaf))?;
        self.rule.check(leaf).map(|_| verified).map_err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
