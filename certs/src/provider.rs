//! The cryptographic provider of TLS: the one place that names it.
//!
//! TLS 1.3 alone, hybrid key exchange X25519MLKEM768 alone: a recorded connection stays closed to a later quantum computer, and a peer
//! without it is refused rather than served with less.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;

/// The provider. AES-128-GCM stays in the list because QUIC protects its first packets with it (RFC 9001, section 5.2).
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        ],
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    })
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
        let initial =
            provider.cipher_suites.iter().find(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert!(initial.and_then(|suite| suite.tls13()).and_then(|suite| suite.quic_suite()).is_some());
    }
}
