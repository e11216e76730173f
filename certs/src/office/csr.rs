//! Certificate requests (PKCS#10, RFC 2986): made at the branch, where the key stays, and judged at the office.

use rcgen::{CertificateParams, CertificateSigningRequestParams, DistinguishedName, IsCa, SanType};
use rustls::pki_types::CertificateSigningRequestDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::fault::{CertificateFault, FaultKind};
use crate::identity::Identity;
use crate::issue::IssueError;
use crate::keys::TlsKey;

/// Longest certificate request that is parsed, in bytes.
pub const CSR_BYTES_MAX: usize = 8 * 1024;

/// What an accepted request says.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) identity: Identity,
    /// Public key information (DER).
    pub(crate) spki: Vec<u8>,
}

/// A request (DER) for an identity, signed by the key.
pub(crate) fn make(identity: &Identity, key: &TlsKey) -> Result<Vec<u8>, IssueError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.subject_alt_names = vec![SanType::URI(identity.to_string().try_into()?)];
    Ok(parameters.serialize_request(key.pair())?.der().to_vec())
}

/// Judges a request: its form, the proof that the sender holds the key, the key's kind, and that it asks for one identity and nothing else.
pub(crate) fn check(der: &[u8]) -> Result<Checked, CertificateFault> {
    let unreadable = || FaultKind::RequestUnreadable.because("no certificate request (PKCS#10)");
    if der.len() > CSR_BYTES_MAX {
        return Err(unreadable());
    }
    let Ok(([], parsed)) = X509CertificationRequest::from_der(der) else { return Err(unreadable()) };
    let spki = parsed.certification_request_info.subject_pki.raw.to_vec();
    let curve = &parsed.certification_request_info.subject_pki.algorithm;
    let curve = curve.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    // P-256 and P-384 (RFC 5480, section 2.1.1.1).
    let accepted = |oid: &str| oid == "1.2.840.10045.3.1.7" || oid == "1.3.132.0.34";
    if !curve.is_some_and(|oid| accepted(&oid.to_id_string())) {
        return Err(FaultKind::RequestKeyKind.into());
    }
    parsed.verify_signature().map_err(|_| CertificateFault::from(FaultKind::RequestUnproven))?;
    let attributes = parsed.certification_request_info.attributes().len();
    let asked = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der));
    let asked = asked.map_err(|error| FaultKind::RequestExtras.because(error))?.params;
    let uris: Vec<_> = asked.subject_alt_names.iter().filter_map(uri).collect();
    let &[uri] = uris.as_slice() else {
        return Err(FaultKind::RequestIdentity.because(format!("{} URIs", uris.len())));
    };
    let identity = Identity::parse(uri).map_err(|error| FaultKind::RequestIdentity.because(error))?;
    let more = attributes > 1
        || asked.subject_alt_names.len() > 1
        || !matches!(asked.is_ca, IsCa::NoCa | IsCa::ExplicitNoCa)
        || !asked.key_usages.is_empty()
        || !asked.extended_key_usages.is_empty();
    if more { Err(FaultKind::RequestExtras.because(&identity)) } else { Ok(Checked { identity, spki }) }
}

fn uri(name: &SanType) -> Option<&str> {
    if let SanType::URI(uri) = name { Some(uri.as_str()) } else { None }
}

#[cfg(test)]
#[path = "csr_tests.rs"]
mod tests;
