//! The cryptographic provider of TLS: the one place that names it.
//!
//! TLS 1.3 alone, and by default the hybrid key exchange X25519MLKEM768 alone: a recorded connection stays closed to a later quantum
//! computer, and a peer without it is refused rather than served with less.

use std::sync::Arc;

use rustls::DigitallySignedStruct;
use rustls::client::danger::HandshakeSignatureValid;
pub(crate) use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;

/// Which key exchanges are offered and accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519MLKEM768 alone.
    #[default]
    Required,
    /// X25519MLKEM768 first, then X25519 for a peer or a gateway without it. What such a connection carried can be opened by whoever records
    /// it today and has a quantum computer later.
    Preferred,
}

impl KeyExchange {
    /// What both daemons do unless they are told otherwise.
    pub const DEFAULT: KeyExchange = KeyExchange::Required;
}

/// The provider with [`KeyExchange::DEFAULT`].
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    provider_with(KeyExchange::DEFAULT)
}

/// The provider. AES-128-GCM stays in the list because QUIC protects its first packets with it (RFC 9001, section 5.2).
#[must_use]
pub fn provider_with(exchange: KeyExchange) -> Arc<CryptoProvider> {
    let mut groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
    if exchange == KeyExchange::Preferred {
        groups.push(aws_lc_rs::kx_group::X25519);
    }
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        ],
        kx_groups: groups,
        ..aws_lc_rs::default_provider()
    })
}

/// What is spoken with services that are no part of a federation, such as an operator's mail server: TLS 1.2 as well, and the usual groups.
#[must_use]
pub fn provider_of_others() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Whether a handshake's signature is right.
pub(crate) fn verify_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
}

/// The part of a certificate verifier that is the same in all of ours: which signatures a handshake may have, TLS 1.3 alone.
macro_rules! handshake_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Err(rustls::Error::General("TLS 1.2 is not spoken".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            crate::provider::verify_signature(message, certificate, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            crate::provider::signature_schemes()
        }
    };
}

pub(crate) use handshake_signatures;

/// The signatures that a handshake may have.
pub(crate) fn signature_schemes() -> Vec<rustls::SignatureScheme> {
    aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
}

/// The signer of a private key (PKCS#8, DER). It borrows the key, so that the one lasting copy is the library's own, which it erases.
pub(crate) fn signer(pkcs8: &[u8]) -> Result<Arc<dyn SigningKey>, rustls::Error> {
    aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CipherSuite, NamedGroup};

    #[test]
    fn one_version_one_exchange_and_the_suite_that_quic_starts_with() {
        let provider = provider();
        assert!(provider.cipher_suites.iter().all(|suite| suite.tls13().is_some()));
        let groups: Vec<NamedGroup> = provider.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519MLKEM768]);
        let preferred = provider_with(KeyExchange::Preferred);
        let groups: Vec<NamedGroup> = preferred.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519MLKEM768, NamedGroup::X25519]);
        let initial =
            provider.cipher_suites.iter().find(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert!(initial.and_then(|suite| suite.tls13()).and_then(|suite| suite.quic_suite()).is_some());
    }
}
